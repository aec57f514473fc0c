//! Schedules against the ground truth, against a slow walk over every minute, and against whatever
//! anybody may write.

#![expect(clippy::unwrap_used, reason = "a case that cannot go on ends there")]

mod daemon;
mod vectors;
mod walk;
mod counting;
mod edges;
mod faults;
mod hostile;
mod words;

use proptest::test_runner::Config as ProptestConfig;
use sluice::domain::schedule::{Expression, Schedule, Timing, Zone};
use sluice::domain::time::Timestamp;

/// So many cases of a property, or as many as `PROPTEST_CASES` asks for.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(usual), failure_persistence: None, ..ProptestConfig::default() }
}

/// A crontab expression in a zone.
fn cron(expression: &str, zone: &str) -> Schedule {
    let expression = Expression::parse(expression).unwrap();
    Schedule::new(Timing::Cron { expression }, Zone::named(zone).unwrap()).unwrap()
}

/// An interval in a zone.
fn every(every_ms: u64, anchor: &str, zone: &str) -> Schedule {
    Schedule::new(Timing::Every { every_ms, anchor: at(anchor) }, Zone::named(zone).unwrap()).unwrap()
}

/// An instant from RFC 3339.
fn at(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().unwrap();
    Timestamp(u64::try_from(instant.as_millisecond()).unwrap())
}

/// An instant as RFC 3339 in UTC.
fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(i64::try_from(at.as_millis()).unwrap()).unwrap().to_string()
}

/// The next occurrences, as text.
fn next(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    schedule.occurrences(at(after), Timestamp(u64::MAX), count).map(text).collect()
}
