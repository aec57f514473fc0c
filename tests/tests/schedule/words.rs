//! What a preview shows and how meanings read.

use sluice::domain::schedule::Expression;

use crate::{at, cron, every};

#[test]
fn meanings_say_what_was_understood() {
    for (expression, meaning) in [
        ("5 4 * * *", "at 04:05 every day"),
        ("0,30 8-9 * * 1-5", "at 08:00, 08:30, 09:00 and 09:30 on Monday to Friday"),
        ("*/15 * * * *", "at minutes 0, 15, 30 and 45 of every hour every day"),
        ("*/5 9-17 * * *", "at minutes 0 to 55 in steps of 5 of hours 9 to 17 every day"),
        ("* * * * *", "every minute every day"),
        ("0 0 13 * 5", "at 00:00 on day 13 of the month or on Friday"),
        ("0 0 */2 * 1", "at 00:00 on day 1 to 31 in steps of 2 of the month, but only if it is a Monday"),
        ("0 0 L 1,7 *", "at 00:00 on the last day of the month in January and July"),
        ("0 0 * * 5#3,1L", "at 00:00 on the third Friday of the month or the last Monday of the month"),
        (
            "0 0 15W,LW * *",
            "at 00:00 on the last day from Monday to Friday of the month or the day from Monday to Friday nearest to day 15",
        ),
        ("*/10 * * * * *", "at seconds 0 to 50 in steps of 10, every minute every day"),
        ("0 0 12 1 1 * 2026-2028", "at 12:00 on day 1 of the month in January of 2026 to 2028"),
        ("@weekly", "at 00:00 on Sunday"),
        ("0 0 1-31 * 1", "at 00:00 every day"),
    ] {
        assert_eq!(Expression::parse(expression).unwrap().meaning(), meaning, "{expression}");
    }
    assert_eq!(cron("@daily", "Europe/Paris").meaning(), "at 00:00 every day, Europe/Paris");
    assert_eq!(
        every(5_400_000, "2026-01-01T00:00:00Z", "Europe/Paris").meaning(),
        "every 90 min from 2026-01-01T01:00:00+01:00 on"
    );
}

#[test]
fn a_preview_shows_both_clocks_and_what_a_change_does() {
    let lines = cron("30 2 * * *", "Europe/Paris").preview(at("2026-03-28T12:00:00Z"), 2);
    let told: Vec<_> =
        lines.iter().map(|line| (line.utc.as_str(), line.local.as_str(), line.abbreviation.as_str())).collect();
    assert_eq!(
        told,
        [
            ("2026-03-29T01:00:00Z", "2026-03-29T03:00:00+02:00", "CEST"),
            ("2026-03-30T00:30:00Z", "2026-03-30T02:30:00+02:00", "CEST")
        ]
    );
    let skipped = "the clock skips 2026-03-29T02:30:00 that day; right after the gap instead";
    assert_eq!(lines[0].remark.as_deref(), Some(skipped));
    assert_eq!((lines[1].remark.as_deref(), lines[1].offset_seconds), (None, 7_200));

    let remarks: Vec<_> = cron("0,59 2,3 * * *", "Europe/Paris")
        .preview(at("2026-10-24T12:00:00Z"), 3)
        .into_iter()
        .map(|line| (line.local, line.remark))
        .collect();
    let first = Some("the clock shows this time twice that day; this is the first".to_owned());
    assert_eq!(remarks[0], ("2026-10-25T02:00:00+02:00".to_owned(), first.clone()));
    assert_eq!(remarks[1], ("2026-10-25T02:59:00+02:00".to_owned(), first));
    assert_eq!(remarks[2], ("2026-10-25T03:00:00+01:00".to_owned(), None));
    let real = cron("0 * * * *", "Europe/Paris").preview(at("2026-10-25T00:30:00Z"), 2);
    let second = "the clock shows this time twice that day; this is the second";
    assert_eq!((real[0].local.as_str(), real[0].remark.as_deref()), ("2026-10-25T02:00:00+01:00", Some(second)));
    assert_eq!(real[1].remark, None);
    let fraction = every(1_500, "2026-01-01T00:00:00Z", "UTC").preview(at("2026-01-01T00:00:00Z"), 1);
    assert_eq!(fraction[0].utc, "2026-01-01T00:00:01.500Z");
}
