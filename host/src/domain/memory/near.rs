//! Texts that say nearly the same, by the runs of three words they have in common.

use std::collections::BTreeSet;

use super::terms::{Place, each_term};

/// Words of one run.
const RUN: usize = 3;
/// How many runs stand for a text where candidates are looked up.
const SKETCH: usize = 8;
/// From which share of common runs on two texts are one record (Jaccard index).
pub const NEAR: f64 = 0.9;

/// The runs of three words of a text, each as a number; of a shorter text all its words as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs(BTreeSet<u64>);

impl Runs {
    /// The runs of `text`.
    pub fn of(text: &str) -> Self {
        let mut words: Vec<u64> = Vec::new();
        each_term(text, |place, term| {
            if place == Place::Word {
                words.push(mix(term.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                    // FNV-1a, 64 bits.
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                })));
            }
        });
        let runs = words.windows(RUN.min(words.len().max(1)));
        Self(runs.map(|run| run.iter().fold(0, |hash: u64, word| mix(hash.rotate_left(7) ^ word))).collect())
    }

    /// The share of runs that two texts have in common, of all that either has.
    #[expect(clippy::cast_precision_loss, reason = "a text has fewer than 2^52 runs")]
    pub fn similarity(&self, other: &Self) -> f64 {
        let common = self.0.intersection(&other.0).count();
        let all = self.0.len() + other.0.len() - common;
        if all == 0 { 0.0 } else { common as f64 / all as f64 }
    }

    /// The smallest numbers: texts that have nearly all runs in common have most of these in common,
    /// so that a text's candidates are found without comparing it with every other.
    pub fn sketch(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied().take(SKETCH)
    }
}

/// Spreads a number over all its bits (the finaliser of `SplitMix64`).
fn mix(mut number: u64) -> u64 {
    number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: std::ops::Range<u32>) -> String {
        words.map(|n| format!("word{n} ")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn one_changed_word_in_many_is_near_and_another_text_is_not() {
        let one = Runs::of(&text(0..100));
        let changed = Runs::of(&text(0..100).replace("word50 ", "other "));
        let similarity = one.similarity(&changed);
        assert!((0.93..0.97).contains(&similarity), "3 of 98 runs differ: {similarity}");
        assert!(one.sketch().filter(|run| changed.sketch().any(|other| other == *run)).count() >= 4);
        assert!(one.similarity(&Runs::of(&text(50..150))) < 0.4);
        assert!(one.similarity(&Runs::of(&text(200..300))) < f64::EPSILON);
    }

    #[test]
    fn short_texts_are_near_only_when_they_are_the_same_words() {
        assert!(Runs::of("Use pools!").similarity(&Runs::of("use: pools")) >= NEAR);
        assert!(Runs::of("use pools").similarity(&Runs::of("pools use")) < NEAR);
        assert!(Runs::of("").similarity(&Runs::of("!?")) < NEAR, "texts without words are nobody's like");
        assert_eq!(Runs::of("!").sketch().count(), 0);
    }
}
