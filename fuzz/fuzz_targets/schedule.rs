//! Expressions as bytes: reading them never panics, and what can be read is answered in bounded
//! time, always later than the question, and counted as it is answered.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use sluice_fuzz::domain::schedule::{Calendar, Expression, Schedule, Timing, Zone};
use sluice_fuzz::domain::time::Timestamp;

/// No answer takes longer: a thousand times what it should, since the machine may be busy and the
/// instrumentation is not free.
const LIMIT: Duration = Duration::from_millis(50);

const ZONES: [&str; 6] =
    ["UTC", "Europe/Paris", "Africa/Casablanca", "Pacific/Apia", "Antarctica/Casey", "Australia/Lord_Howe"];

// Six bytes of instant, one of zone, then the expression, a line break and dates to leave out.
fuzz_target!(|data: &[u8]| {
    let Some((head, text)) = data.split_at_checked(7) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (text, dates) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(expression) = Expression::parse(text) else { return };
    assert!(!expression.meaning().is_empty());
    let zone = Zone::named(ZONES[usize::from(head[6]) % ZONES.len()]).expect("it is a zone");
    let exclude = Calendar::parse(dates.split(' ')).unwrap_or_default();
    let schedule = Schedule::new(Timing::Cron { expression }, zone).expect("it is valid").without(exclude);
    let after = Timestamp(head[..6].iter().fold(0, |at, byte| at << 8 | u64::from(*byte)));
    let started = Instant::now();
    let mut at = after;
    for _ in 0..8 {
        let Some(found) = schedule.next(at) else { break };
        assert!(found > at);
        assert_eq!(schedule.count(at, found), 1);
        assert_eq!(schedule.latest(after, found, 1), [found]);
        at = found;
    }
    assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    assert_eq!(schedule.preview(after, 1).len(), usize::from(at > after));
});
