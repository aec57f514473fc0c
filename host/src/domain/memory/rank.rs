//! Which of the records that were found come first: the same on both databases, because neither has
//! a say in it.
//!
//! BM25 (Robertson and Zaragoza 2009) with the counts of the record's own scope, so that nothing that
//! lies elsewhere moves a score; then what stands side by side as it was asked for, tags, age, tier.

use std::cmp::Ordering;

use super::query::Query;
use super::terms::{Place, each_term};
use super::{MemoryRecord, Tier};
use crate::domain::id::MemoryId;
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
/// Which share of a question's weight a record has at least that is about it.
const COVERED: f64 = 0.15;
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
    /// Whether it has anything to do with the query: a word that not most records of its scope have, of
    /// a long query more than one, and a score over [`FLOOR`].
    pub is_relevant: bool,
}

/// What decides about a record's place.
#[derive(Debug, Clone, Copy)]
pub struct Body<'r> {
    /// Its text.
    pub text: &'r str,
    /// Its tags.
    pub tags: &'r [String],
    /// Its tier.
    pub tier: Tier,
    /// When it was stored.
    pub created_at: Timestamp,
}

impl<'r> From<&'r MemoryRecord> for Body<'r> {
    fn from(record: &'r MemoryRecord) -> Self {
        let MemoryRecord { text, tags, created_at, partition, .. } = record;
        Self { text, tags, tier: partition.tier, created_at: *created_at }
    }
}

/// A record's place, before the record itself is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Which.
    pub id: MemoryId,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Characters of its text.
    pub chars: usize,
    /// How well it fits; after [`ordered`], relative to the best.
    pub score: f64,
    /// As in [`Ranked`].
    pub is_relevant: bool,
}

impl Scored {
    /// The place of a record that has this score.
    pub fn of(record: &MemoryRecord, score: f64, is_relevant: bool) -> Self {
        let (id, created_at) = (record.id.clone(), record.created_at);
        Self { id, created_at, chars: record.text.chars().count(), score, is_relevant }
    }
}

/// How well `record` fits `query`; and whether by more than words that most records have. Nothing
/// when it lacks a phrase.
pub fn score(query: &Query, counts: &Counts, record: Body<'_>, now: Timestamp) -> Option<(f64, bool)> {
    let seen = Seen::of(query, record);
    if !seen.phrases.iter().all(|found| *found) {
        return None;
    }
    let weights = weights(counts);
    let weight_of = |term: usize| weights.get(term).copied().unwrap_or_default();
    let mean = ratio(counts.words, counts.records.max(1)).max(1.0);
    let length = 1.0 - B + B * ratio(seen.words, 1) / mean;
    let mut score = 0.0;
    for (term, times) in seen.times.iter().enumerate() {
        let times = ratio(*times, 1);
        score += weight_of(term) * times * (K1 + 1.0) / (times + K1 * length);
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
    let tiers_below = Tier::ALL.iter().filter(|tier| **tier < record.tier).count();
    score *= 1.0 + TIER * ratio(tiers_below as u64, 1);
    Some((score, tells_enough(&seen.times, counts, &weights)))
}

/// Whether a record that has terms so many `times` is about what was asked: it has one that not most
/// records have, and of a long question more than a word.
fn tells_enough(times: &[u64], counts: &Counts, weights: &[f64]) -> bool {
    let knows_its_words = counts.records >= COMMON_FROM_RECORDS;
    let (mut has_rare, mut covered, mut all) = (false, 0.0, 0.0);
    for (term, times) in times.iter().enumerate() {
        let having = counts.having.get(term).copied().unwrap_or_default();
        // A few records say nothing about which words are common.
        let weight = if knows_its_words { weights.get(term).copied().unwrap_or_default() } else { 1.0 };
        all += weight;
        if *times > 0 {
            covered += weight;
            has_rare |= !knows_its_words || having * 2 <= counts.records;
        }
    }
    has_rare && covered >= COVERED * all
}

/// How much each term of a query says in a scope.
pub fn weights(counts: &Counts) -> Vec<f64> {
    counts.having.iter().map(|having| weight(*having, counts.records)).collect()
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
    fn of(query: &Query, record: Body<'_>) -> Self {
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
        each_term(record.text, |place, term| {
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
        for tag in record.tags {
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
/// Scores become shares of the best, and what has too small a share is not relevant.
pub fn ordered(mut found: Vec<Scored>) -> Vec<Scored> {
    let best = found.iter().map(|one| one.score).fold(0.0, f64::max);
    for one in &mut found {
        one.score = if best > 0.0 { one.score / best } else { 1.0 };
        one.is_relevant &= one.score >= FLOOR;
    }
    found.sort_by(|one, other| {
        let newest = || other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id));
        other.score.total_cmp(&one.score).then_with(newest)
    });
    found
}

/// Two orders as one, by the places in both (reciprocal rank fusion: Cormack, Clarke and Buettcher 2009): what
/// was found by its words, and what points nearest with the cosines of the angles.
pub fn fused(lexical: Vec<Scored>, near: Vec<(Scored, f64)>) -> Vec<Scored> {
    let share = |place: usize| 1.0 / (FUSION + ratio(place as u64, 1) + 1.0);
    let mut fused = lexical;
    for (place, one) in fused.iter_mut().enumerate() {
        one.score = share(place);
    }
    for (place, (one, cosine)) in near.into_iter().enumerate() {
        let is_relevant = cosine >= COSINE_FLOOR;
        match fused.iter_mut().find(|other| other.id == one.id) {
            Some(other) => {
                other.score += share(place);
                other.is_relevant |= is_relevant;
            }
            None => fused.push(Scored { score: share(place), is_relevant, ..one }),
        }
    }
    ordered(fused)
}

/// The order of records that are equally good.
pub fn newest_first(one: &MemoryRecord, other: &MemoryRecord) -> Ordering {
    other.created_at.cmp(&one.created_at).then_with(|| one.id.cmp(&other.id))
}

/// As many of the best as fit into `max_chars` characters of text together, and at most `limit`. What
/// does not fit is left out whole, the best of all too.
pub fn within_budget(ranked: Vec<Scored>, limit: usize, max_chars: Option<usize>) -> Vec<Scored> {
    let mut left = max_chars.unwrap_or(usize::MAX);
    let mut kept = Vec::new();
    for one in ranked {
        if kept.len() == limit {
            break;
        }
        if one.chars <= left {
            left -= one.chars;
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::artifact::Digest;
    use crate::domain::id::WorkspaceId;
    use crate::domain::json::Json;
    use crate::domain::memory::{
        MemoryKind, Partition, ScrubStatus, Scrubbed, SourceType, Trust, Visibility, content_digest,
    };

    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    const NOW: Timestamp = Timestamp(1_000 * DAY_MS);

    fn record(id: &str, text: &str) -> MemoryRecord {
        MemoryRecord {
            id: MemoryId::new(id),
            partition: Partition::new("org", &WorkspaceId::new("ws"), None, Tier::Project, None).unwrap(),
            owner: "user.ada".to_owned(),
            visibility: Visibility::Shared,
            kind: MemoryKind::Note,
            text: text.to_owned(),
            tags: Vec::new(),
            classification: "internal".to_owned(),
            metadata: Json::empty_object(),
            source: None,
            source_type: SourceType::User,
            run_id: None,
            tool: None,
            content_digest: content_digest(text),
            origin: None,
            scrub: Scrubbed { status: ScrubStatus::Passed, counts: Vec::new(), scrubber: Digest::of(b"") },
            approval_id: None,
            trust: Trust::Trusted,
            created_at: NOW,
            updated_at: NOW,
            expires_at: None,
            revision: 1,
        }
    }

    /// The ids of `records` in order for a query, in a scope of 100 records of ten words in which `having`
    /// have each of its terms.
    fn order(query: &str, having: &[u64], records: &[MemoryRecord]) -> Vec<String> {
        let query = Query::parse(query);
        let counts = Counts { records: 100, words: 1_000, having: having.to_vec() };
        let scored = records.iter().filter_map(|record| {
            score(&query, &counts, record.into(), NOW).map(|(score, told)| Scored::of(record, score, told))
        });
        ordered(scored.collect()).into_iter().map(|one| one.id.to_string()).collect()
    }

    #[test]
    fn rare_words_repeated_words_short_texts_and_words_side_by_side_come_first() {
        let [common, rare] = [record("common", "pool and nothing else"), record("rare", "quorum and nothing else")];
        assert_eq!(order("pool quorum", &[60, 2], &[common, rare]), ["rare", "common"]);
        let [once, often] = [record("once", "pool a b c d e"), record("often", "pool a pool b pool c")];
        assert_eq!(order("pool", &[5], &[once, often]), ["often", "once"]);
        let [long, short] = [record("long", &format!("pool {}", "x ".repeat(50))), record("short", "pool x")];
        assert_eq!(order("pool", &[5], &[long, short]), ["short", "long"]);
        let [apart, beside] = [record("apart", "pool of some connection"), record("beside", "some connection pool of")];
        assert_eq!(order("connection pool", &[5, 5], &[apart, beside]), ["beside", "apart"]);
    }

    #[test]
    fn tags_tiers_and_age_decide_between_equals() {
        let (plain, mut tagged) = (record("plain", "pool a pool b"), record("tagged", "pool a c b"));
        tagged.tags = vec!["pool".to_owned()];
        assert_eq!(order("pool", &[5], &[plain, tagged]), ["tagged", "plain"]);
        let (project, mut curated) = (record("project", "pool"), record("curated", "pool"));
        curated.partition.tier = Tier::Curated;
        assert_eq!(order("pool", &[5], &[project, curated]), ["curated", "project"]);
        let (mut old, mut older, new) = (record("old", "pool"), record("older", "pool"), record("new", "pool"));
        (old.created_at, older.created_at) = (Timestamp(NOW.0 - 20 * DAY_MS), Timestamp(NOW.0 - 400 * DAY_MS));
        assert_eq!(order("pool", &[5], &[older.clone(), old, new]), ["new", "old", "older"]);
        let fitting = MemoryRecord { text: "pool pool quorum".to_owned(), ..older };
        assert_eq!(
            order("pool quorum", &[5, 5], &[record("new", "pool x"), fitting])[0],
            "older",
            "age decides little"
        );
        assert_eq!(order("pool", &[5], &[record("b", "pool"), record("a", "pool")]), ["a", "b"]);
    }

    #[test]
    fn what_only_brushes_the_query_is_not_relevant() {
        let query = Query::parse("pool quorum lease fencing");
        let counts = Counts { records: 100, words: 1_000, having: vec![80, 2, 3, 3] };
        let relevant = |counts: &Counts, texts: &[&str]| -> Vec<bool> {
            let scored = texts.iter().map(|text| {
                let record = record(text, text);
                let (score, told) = score(&query, counts, (&record).into(), NOW).unwrap();
                Scored::of(&record, score, told)
            });
            ordered(scored.collect()).into_iter().map(|one| one.is_relevant).collect()
        };
        assert_eq!(relevant(&counts, &["quorum lease fencing", "lease", "pool pool pool"]), [true, true, false]);
        assert_eq!(relevant(&counts, &["pool"]), [false], "most have it, and nothing else was found");
        let few = Counts { records: 2, words: 20, having: vec![2, 0, 0, 0] };
        assert_eq!(relevant(&few, &["pool"]), [true], "two records say nothing about what is common");
        let long = Query::parse("the pool quorum lease fencing grows when many workers restart after deployment");
        let seldom = Counts { having: vec![3; 16], ..counts };
        let told = |text: &str| score(&long, &seldom, (&record("a", text)).into(), NOW).unwrap().1;
        assert!(!told("restart the kettle"), "one word of ten");
        assert!(told("workers restart"));
    }

    #[test]
    fn a_record_without_the_phrase_is_none() {
        let phrases = [("a connection pool b", true), ("pool connection", false), ("connection of the pool", false)];
        for (text, wanted) in phrases {
            let query = Query::parse("\"connection pool\"");
            let counts = Counts { records: 10, words: 100, having: vec![1, 1] };
            assert_eq!(score(&query, &counts, (&record("a", text)).into(), NOW).is_some(), wanted, "{text}");
        }
        let again = Query::parse("\"a b a b c\"");
        let counts = Counts { records: 10, words: 100, having: vec![1, 1, 1] };
        assert!(score(&again, &counts, (&record("a", "x a b a b a b c")).into(), NOW).is_some(), "after a false start");
    }

    #[test]
    fn two_orders_become_one() {
        let scored = |id: &str| Scored::of(&record(id, id), 1.0, true);
        let near = vec![(scored("c"), 0.9), (scored("b"), 0.8), (scored("d"), 0.1)];
        let fused = fused(vec![scored("a"), scored("b")], near);
        let found: Vec<_> = fused.iter().map(|one| (one.id.as_str(), one.is_relevant)).collect();
        assert_eq!(found, [("b", true), ("a", true), ("c", true), ("d", false)]);
        assert!((fused[0].score - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_budget_leaves_out_what_does_not_fit_and_takes_what_does() {
        let ranked = |text: &str| Scored::of(&record(text, text), 1.0, true);
        let all = || vec![ranked("12345"), ranked("1234567890"), ranked("ä"), ranked("123")];
        let texts = |limit, max| {
            let kept = within_budget(all(), limit, max);
            kept.into_iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(texts(10, None).len(), 4);
        assert_eq!(texts(2, None), ["12345", "1234567890"]);
        assert_eq!(texts(10, Some(9)), ["12345", "ä", "123"]);
        assert_eq!(texts(10, Some(1)), ["ä"]);
        assert_eq!(texts(10, Some(0)), [""; 0]);
    }
}
