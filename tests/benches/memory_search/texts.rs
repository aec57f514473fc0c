//! Texts as people write them, as far as an index can tell: few words very often, most words seldom.

use e2e::random::Random;
use e2e::records::plain_memory;
use sluice::domain::id::WorkspaceId;
use sluice::domain::memory::{MemoryRecord, Partition, Tier};
use sluice::domain::time::Timestamp;

/// Different words.
const VOCABULARY: u64 = 30_000;
/// Words of a text, and of a query.
const WORDS: usize = 40;
const QUERY_WORDS: usize = 3;

/// A word: the n-th is about n times rarer than the first (Zipf's law).
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
fn word(random: &mut Random) -> String {
    let uniform = (random.number() >> 11) as f64 / (1_u64 << 53) as f64;
    let rank = (VOCABULARY as f64).powf(uniform) as u64;
    // Spelt so that neighbours in rank are none in the index.
    format!("w{:x}", rank.wrapping_mul(0x9e37_79b9) & 0xff_ffff)
}

fn words(random: &mut Random, count: usize) -> String {
    (0..count).map(|_| word(random)).collect::<Vec<_>>().join(" ")
}

/// The organisation and the workspace of everything: those of a server that was told nothing.
const LOCAL: &str = "local";

/// The workspace.
pub fn workspace() -> WorkspaceId {
    WorkspaceId::new(LOCAL)
}

/// The name of the project of this number.
pub fn project(number: usize) -> String {
    format!("p{number}")
}

/// The partition of this number.
pub fn partition(number: usize) -> Partition {
    Partition::new(LOCAL, &workspace(), Some(&project(number)), Tier::Project, None).expect("a name")
}

/// The record of this number in a partition; the same each time.
pub fn record(partition_number: usize, number: usize) -> MemoryRecord {
    let seed = partition_number as u64 * 1_000_003 + number as u64 + 1;
    let text = words(&mut Random::new(seed), WORDS);
    let id = format!("mem_{partition_number:05}_{number:07}");
    plain_memory(partition(partition_number), &id, text, Timestamp(1_800_000_000_000 + number as u64))
}

/// A query: words of one record of the partition, as somebody asks who knows what it is about.
pub fn query(random: &mut Random, partition_number: usize, records: usize) -> String {
    let record = record(partition_number, random.below(records));
    let words: Vec<&str> = record.text.split(' ').collect();
    (0..QUERY_WORDS).map(|_| *random.one_of(&words)).collect::<Vec<_>>().join(" ")
}
