//! Whatever anybody writes: parsing ends, evaluating is bounded, and nothing panics.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sluice::domain::schedule::{Calendar, Expression, Schedule, Timing, Zone};
use sluice::domain::time::Timestamp;

/// No answer takes longer. Generous: this runs unoptimised beside other tests; the benchmark
/// `schedule_next` holds the real limit of 50 us.
const LIMIT: Duration = Duration::from_millis(20);

/// Asks everything there is to ask.
fn evaluate(text: &str, zone: &str, after: u64) {
    let Ok(expression) = Expression::parse(text) else { return };
    let _ = (expression.meaning(), expression.note().map(str::len));
    let schedule = Schedule::new(Timing::Cron { expression }, Zone::named(zone).unwrap()).unwrap();
    let started = now();
    let mut at = Timestamp(after);
    for _ in 0..4 {
        let Some(found) = schedule.next(at) else { break };
        assert!(found > at, "{text}");
        at = found;
    }
    let count = schedule.count(Timestamp(after), Timestamp(u64::MAX));
    assert!(at == Timestamp(after) || count > 0, "{text}");
    assert!(started.elapsed() < 5 * LIMIT, "{text}: {:?}", started.elapsed());
    for line in schedule.preview(Timestamp(after), 3) {
        assert!(line.at > Timestamp(after));
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn now() -> Instant {
    Instant::now()
}

const ZONES: [&str; 5] = ["UTC", "Europe/Paris", "Africa/Casablanca", "Pacific/Apia", "Antarctica/Casey"];

proptest! {
    #![proptest_config(crate::cases(2_000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), after in any::<u64>()) {
        evaluate(&String::from_utf8_lossy(&bytes), "Europe/Paris", after);
    }

    #[test]
    fn text_of_an_expressions_letters_never_panics(
        text in "[-0-9*/,#LWlw@?=a-z ]{0,40}",
        after in any::<u64>(),
        zone in 0..ZONES.len(),
    ) {
        evaluate(&text, ZONES[zone], after);
    }

    #[test]
    fn whatever_parses_is_answered_in_time(
        fields in proptest::collection::vec("(\\*(/[0-9]{1,2})?|[0-9]{1,2}(-[0-9]{1,2}(/[1-9])?)?(,[0-9]{1,2})?|L|[0-9]W|[1-7]#[1-5]|[1-7]L)", 5..=6),
        year in prop_oneof![Just(String::new()), Just(" *".to_owned()), (1970..2200_u16).prop_map(|year| format!(" {year}"))],
        after in 0..7_258_118_400_000_u64,
        zone in 0..ZONES.len(),
    ) {
        evaluate(&format!("{}{}", fields.join(" "), if fields.len() == 6 { year } else { String::new() }), ZONES[zone], after);
    }

    #[test]
    fn exclusions_and_zones_never_panic(text in "\\PC{0,30}", dates in proptest::collection::vec("[0-9]{2}-[0-9]{2}", 0..20)) {
        let _ = Zone::named(&text);
        let _ = Calendar::parse([text.as_str()]);
        let Ok(calendar) = Calendar::parse(dates.iter().map(String::as_str)) else { return Ok(()) };
        let schedule = crate::cron("0 0 * * *", "Europe/Paris").without(calendar);
        prop_assert!(schedule.next(Timestamp(0)).is_some());
    }
}

/// The slowest there are: years without a match, most days left out, most changes of the clock.
#[test]
fn the_worst_that_can_be_written_is_answered_in_time() {
    let most: Vec<String> =
        (1..=12).flat_map(|month| (1..=28).map(move |day| format!("{month:02}-{day:02}"))).collect();
    let most = || Calendar::parse(most.iter().map(String::as_str)).unwrap();
    let mut worst = Vec::new();
    for zone in ZONES {
        for text in ["* * * 29 2 * 2096", "0 0 29 2 1#5", "* * 31 12 *", "* * * * * * 2096", "0 0 12 LW 2 5#5 2199"] {
            worst.push(crate::cron(text, zone));
            worst.push(crate::cron(text, zone).without(most()));
        }
        for days in [1, 2, 5, 7, 28, 73, 365] {
            worst.push(crate::every(days * 86_400_000, "2000-01-01T12:00:00Z", zone).without(most()));
        }
    }
    for schedule in worst {
        let started = now();
        for year in 0..10 {
            let after = Timestamp(1_600_000_000_000 + year * 31_557_600_000);
            assert!(schedule.next(after).is_none_or(|found| found > after));
        }
        assert!(started.elapsed() < 10 * LIMIT, "{:?}: {:?}", schedule.timing(), started.elapsed());
    }
}
