//! Counting and the latest occurrences, against walking one by one.

use proptest::prelude::*;
use sluice::domain::schedule::{Calendar, Schedule};
use sluice::domain::time::Timestamp;

use crate::{at, cron, every, text};

/// What a walk finds, for a range short enough to be walked.
fn walked(schedule: &Schedule, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    schedule.occurrences(after, until, usize::MAX).collect()
}

fn agree(schedule: &Schedule, after: Timestamp, until: Timestamp, max: usize) {
    let walked = walked(schedule, after, until);
    let context = format!("{:?} from {} to {}", schedule.timing(), text(after), text(until));
    assert_eq!(schedule.count(after, until), u64::try_from(walked.len()).unwrap(), "{context}");
    let latest = schedule.latest(after, until, max);
    assert_eq!(latest, walked[walked.len().saturating_sub(max)..], "{context}, latest {max}");
}

proptest! {
    #![proptest_config(crate::cases(96))]

    #[test]
    fn counts_are_what_a_walk_finds(
        which in 0..8_usize,
        zone in 0..4_usize,
        after in 1_577_836_800_000..1_893_456_000_000_u64,
        hours in 0..2_000_u64,
        rest in 0..3_600_000_u64,
        max in 0..40_usize,
    ) {
        let zone = ["UTC", "Europe/Paris", "Australia/Lord_Howe", "Antarctica/Casey"][zone];
        let excluded = Calendar::parse(["12-25", "03-29", "10-25", "2021-02-02", "2021-02-03", "2024-02-29"]).unwrap();
        let schedule = match which {
            0 => cron("*/7 * * * *", zone),
            1 => cron("0,30 2 * * *", zone),
            2 => cron("*/20 15,45 1,2 * * *", zone),
            3 => cron("0 0 L,15W * 1#2", zone),
            4 => every(5_400_000, "2020-01-01T00:00:01.500Z", zone),
            5 => every(5_400_000, "2020-01-01T00:00:01.500Z", zone).without(excluded),
            6 => cron("0 * * * *", zone).without(excluded),
            _ => cron("59 23 * * *", zone).without(excluded),
        };
        agree(&schedule, Timestamp(after), Timestamp(after + hours * 3_600_000 + rest), max);
    }
}

#[test]
fn decades_are_counted_as_fast_as_days() {
    // Every second of fifty years, less an hour that nobody asked for.
    let seconds = cron("* * * * * *", "Europe/Paris");
    assert_eq!(seconds.count(at("2020-01-01T00:00:00Z"), at("2069-12-31T23:00:00Z")), 1_577_919_600);
    let latest = seconds.latest(at("2020-01-01T00:00:00Z"), at("2069-12-31T23:00:00.400Z"), 3);
    assert_eq!(
        latest.into_iter().map(text).collect::<Vec<_>>(),
        ["2069-12-31T22:59:58Z", "2069-12-31T22:59:59Z", "2069-12-31T23:00:00Z"]
    );
    let once = cron("0 0 1 1 *", "UTC");
    assert_eq!(once.latest(at("2020-06-01T00:00:00Z"), at("2061-12-31T00:00:00Z"), 2).len(), 2);
}
