//! Which of the records that were found come first: the same on both databases, because neither has
//! a say in it.
//!
//! BM25 (Robertson and Zaragoza 2009) with the counts of the record's own scope, so that nothing that
//! lies elsewhere moves a score; then what stands side by side as it was asked for, tags, age, tier.

use std::cmp::Ordering;

use super::query::Query;
use super::terms::{Place, each_term};
use super::{MemoryRecord, Tier};
use crate::domain::time::Timestamp;

/// How fast a word's repetitions stop to count, and how much a long text is held against it.
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// What a phrase adds, of the weight of its words.
const PHRASE: f64 = 0.5;
/// What two words add that stand side by side as in the query, of the lighter one's weight.
const ADJACENT: f64 = 0.5;
/// What a tag adds that is a word of the query, of the word's weight.
const TAG: f64 = 0.3;
/// What a record of this moment has over a very old one, and after how long half of it is left.
const RECENCY: f64 = 0.1;
const HALF_LIFE_MS: f64 = 30.0 * 24.0 * 60.0 * 60.0 * 1000.0;
/// What each tier has over the one before it.
const TIER: f64 = 0.03;
/// From how many records on a scope says which words are common.
const COMMON_FROM_RECORDS: u64 = 8;
/// Scores below this share of the best are of what only brushes the query.
pub const FLOOR: f64 = 0.15;
/// How little the first places of an order are worth more than those after them.
const FUSION: f64 = 60.0;
/// Vectors whose cosine is below this say little in common.
const COSINE_FLOOR: f64 = 0.5;

/// What one scope counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Records.
    pub records: u64,
    /// Words of all of them together.
    pub words: u64,
    /// How many records have each term: of the query's words, then of its prefixes.
    pub having: Vec<u64>,
}

/// A record that was found, and how well it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The record.
    pub record: MemoryRecord,
    /// Relative to the best of the answer, which has 1.
    pub score: f64,
    /// Whether it has anything to do with the query: a word that not most records of its scope have,
    /// and a score over [`FLOOR`].
    pub is_relevant: bool,
}

/// How well `record` fits `query`; and whether by more than words that most records have. Nothing
/// when it lacks a phrase.
pub fn score(query: &Query, counts: &Counts, record: &MemoryRecord, now: Timestamp) -> Option<(f64, bool)> {
    let seen = Seen::of(query, record);
    if !seen.phrases.iter().all(|found| *found) {
        return None;
    }
    let weights: Vec<f64> = counts.having.iter().map(|having| weight(*having, counts.records)).collect();
    let weight_of = |term: usize| weights.get(term).copied().unwrap_or_default();
    let mean = ratio(counts.words, counts.records.max(1)).max(1.0);
    let length = 1.0 - B + B * ratio(seen.words, 1) / mean;
    let mut score = 0.0;
    let mut is_told_apart = false;
    for (term, times) in seen.times.iter().enumerate() {
        let times = ratio(*times, 1);
        score += weight_of(term) * times * (K1 + 1.0) / (times + K1 * length);
        let having = counts.having.get(term).copied().unwrap_or_default();
        let is_common = counts.records >= COMMON_FROM_RECORDS && having * 2 > counts.records;
        is_told_apart |= times > 0.0 && !is_common;
    }
    for phrase in &query.phrases {
        let words = phrase.iter().filter_map(|word| query.words.iter().position(|other| other == word));
        score += PHRASE * words.map(weight_of).sum::<f64>();
    }
    for (first, second) in &seen.adjacent {
        score += ADJACENT * weight_of(*first).min(weight_of(*second));
    }
    score += seen.tags.iter().map(|term| TAG * weight_of(*term)).sum::<f64>();
    let age = ratio(now.millis_since(record.created_at), 1);
    score *= 1.0 + RECENCY * (-age / HALF_LIFE_MS).exp2();
    let tiers_below = Tier::ALL.iter().filter(|tier| **tier < record.partition.tier).count();
    score *= 1.0 + TIER * ratio(tiers_below as u64, 1);
    Some((score, is_told_apart))
}

/// How much a term says that `having` of `records` have: more than nothing, always.
fn weight(having: u64, records: u64) -> f64 {
    let having = having.min(records);
    (1.0 + (ratio(records - having, 1) + 0.5) / (ratio(having, 1) + 0.5)).ln()
}

#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds stay below 2^52")]
fn ratio(of: u64, to: u64) -> f64 {
    of as f64 / to as f64
}

/// What a record has of a query.
struct Seen {
    /// How often each term occurs: the query's words, then its prefixes.
    times: Vec<u64>,
    /// Words of the text.
    words: u64,
    /// Whether each phrase occurs.
    phrases: Vec<bool>,
    /// Pairs of the query's words that stand side by side here as there.
    adjacent: Vec<(usize, usize)>,
    /// Words that are a tag.
    tags: Vec<usize>,
}

impl Seen {
    fn of(query: &Query, record: &MemoryRecord) -> Self {
        let mut seen = Self {
            times: vec![0; query.words.len() + query.prefixes.len()],
            words: 0,
            phrases: vec![false; query.phrases.len()],
            adjacent: Vec::new(),
            tags: Vec::new(),
        };
        let phrases: Vec<Vec<Option<usize>>> = query
            .phrases
            .iter()
            .map(|phrase| phrase.iter().map(|word| query.words.iter().position(|other| other == word)).collect())
            .collect();
        // The last words of the text, as places in the query.
        let mut last: Vec<Option<usize>> = Vec::new();
        let longest = query.phrases.iter().map(Vec::len).max().unwrap_or(0).max(2);
        each_term(&record.text, |place, term| {
            let word = seen.count(query, term);
            if place == Place::Whole {
                return;
            }
            seen.words += 1;
            if let (Some(Some(before)), Some(word)) = (last.last(), word)
                && word == before + 1
                && !seen.adjacent.contains(&(*before, word))
            {
                seen.adjacent.push((*before, word));
            }
            if last.len() == longest {
                last.remove(0);
            }
            last.push(word);
            for (phrase, found) in phrases.iter().zip(&mut seen.phrases) {
                *found |= last.ends_with(phrase);
            }
        });
        for tag in &record.tags {
            each_term(tag, |_, term| {
                if let Some(word) = seen.count(query, term)
                    && !seen.tags.contains(&word)
                {
                    seen.tags.push(word);
                }
            });
        }
        seen
    }

    /// Counts a term; the word of the query that it is.
    fn count(&mut self, query: &Query, term: &str) -> Option<usize> {
        let word = query.words.iter().position(|word| word == term);
        if let Some(word) = word {
            self.times[word] += 1;
        }
        for (index, prefix) in query.prefixes.iter().enumerate() {
            if term.starts_with(prefix.as_str()) {
                self.times[query.words.len() + index] += 1;
            }
        }
        word
    }
}

/// Puts what was found in order, best first; what is equally good, the newest first, then by id.
/// Scores become shares of the best.
pub fn ordered(found: Vec<(MemoryRecord, f64, bool)>) -> Vec<Ranked> {
    let best = found.iter().map(|(_, score, _)| *score).fold(0.0, f64::max);
    let share = |score: f64| if best > 0.0 { score / best } else { 1.0 };
    let mut ranked: Vec<Ranked> = found
        .into_iter()
        .map(|(record, score, is_told_apart)| {
            let score = share(score);
            Ranked { record, score, is_relevant: is_told_apart && score >= FLOOR }
        })
        .collect();
    ranked
        .sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| newest_first(&one.record, &other.record)));
    ranked
}

/// Two orders as one, by the places in both (reciprocal rank fusion: Cormack, Clarke and Buettcher 2009): what
/// was found by its words, and what points nearest with the cosines of the angles.
pub fn fused(lexical: Vec<Ranked>, near: Vec<(MemoryRecord, f64)>) -> Vec<Ranked> {
    let share = |place: usize| 1.0 / (FUSION + ratio(place as u64, 1) + 1.0);
    let mut fused: Vec<(MemoryRecord, f64, bool)> =
        lexical.into_iter().enumerate().map(|(place, one)| (one.record, share(place), one.is_relevant)).collect();
    for (place, (record, cosine)) in near.into_iter().enumerate() {
        let is_relevant = cosine >= COSINE_FLOOR;
        match fused.iter_mut().find(|(other, _, _)| other.id == record.id) {
            Some((_, score, relevant)) => {
                *score += share(place);
                *relevant |= is_relevant;
            }
            None => fused.push((record, share(place), is_relevant)),
        }
    }
    ordered(fused)
}

/// The order of records that are equally good.
pub fn newest_first(one: &MemoryRecord, other: &MemoryRecord) -> Ordering {
    other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id))
}

/// As many of the best as fit into `max_chars` characters of text, and at most `limit`. The first is
/// there even when it does not fit, because nothing would be worse.
pub fn within_budget(ranked: Vec<Ranked>, limit: usize, max_chars: Option<usize>) -> Vec<Ranked> {
    let mut left = max_chars.unwrap_or(usize::MAX);
    let mut kept = Vec::new();
    for one in ranked {
        if kept.len() == limit {
            break;
        }
        let length = one.record.text.chars().count();
        if length > left && !kept.is_empty() {
            continue;
        }
        left = left.saturating_sub(length);
        kept.push(one);
    }
    kept
}
