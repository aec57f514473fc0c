//! Sixty vectors whose answers the Debian cron daemon gave on a virtual clock.

use serde_json::Value;
use sluice::domain::schedule::{Expression, Schedule, Timing, Zone};
use sluice::domain::time::Timestamp;

use crate::{at, text};

#[test]
fn every_vector_is_answered_as_the_daemon_did() {
    let data: Value = serde_json::from_str(include_str!("../../data/cron_vectors.json")).unwrap();
    let vectors = data["vectors"].as_array().unwrap();
    let wrong: Vec<String> = vectors.iter().filter_map(difference).collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
    assert_eq!(vectors.len(), 60);
}

/// What is wrong with the answer to a vector; nothing when it is right.
fn difference(vector: &Value) -> Option<String> {
    let member = |name: &str| vector[name].as_str().unwrap();
    let expected: Vec<&str> =
        vector["expected_next5_utc"].as_array().unwrap().iter().map(|at| at.as_str().unwrap()).collect();
    let zone = Zone::named(member("tz")).unwrap();
    let answer: Vec<String> = match Expression::parse(member("expr")) {
        Ok(expression) => {
            let schedule = Schedule::new(Timing::Cron { expression }, zone).unwrap();
            schedule.occurrences(at(member("after")), Timestamp(u64::MAX), 5).map(text).collect()
        }
        // An impossible date never comes; it is refused where others answer nothing.
        Err(fault) if expected.is_empty() && fault.right.contains("never") => Vec::new(),
        Err(fault) => vec![fault.to_string()],
    };
    (answer != expected).then(|| format!("{} {} {}: {answer:?}", member("id"), member("expr"), member("tz")))
}
