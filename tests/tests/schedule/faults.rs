//! What is refused, where, and what it says would be right.

use sluice::domain::schedule::{Calendar, Expression, INTERVAL_MAX_MS, Schedule, ScheduleFault, Timing, Zone};
use sluice::domain::time::Timestamp;

use crate::{at, cron};

/// Byte, field, what was read and what would be right.
fn fault(expression: &str) -> (usize, &'static str, String, String) {
    let fault = Expression::parse(expression).unwrap_err();
    (fault.at, fault.field.map_or("", |field| field.name()), fault.read, fault.right)
}

#[test]
fn a_fault_names_its_byte_its_field_and_what_would_be_right() {
    #[rustfmt::skip]
    let cases = [
        ("60 * * * *", 0, "minute", "60", "a minute is 0 to 59"),
        ("0 24 * * *", 2, "hour", "24", "an hour is 0 to 23"),
        ("0 0 32 * *", 4, "day of month", "32", "a day of month is 1 to 31"),
        ("0 0 1,0 * *", 6, "day of month", "0", "a day of month is 1 to 31"),
        ("0  0\t* 13 *", 7, "month", "13", "a month is 1 to 12 or jan to dec"),
        (" 0 0 * * 8", 9, "day of week", "8", "a day of week is 0 to 7 (0 and 7 are Sunday) or sun to sat"),
        ("0 0 30 2 *", 4, "day of month", "30", "month `2` has at most 29 days, so this never comes"),
        ("0 0 31 4,jun *", 4, "day of month", "31", "month `4,jun` has at most 30 days, so this never comes"),
        ("0 0 0 29 2 * 2025-2027", 6, "day of month", "29", "no date of the years `2025-2027` is one of these"),
        ("0 0 31W 2 *", 4, "day of month", "31W", "month `2` never has such a day"),
        ("30-10 * * * *", 0, "minute", "30-10", "a range goes upwards: write `30-59,0-10`"),
        ("0 0 * * fri-mon", 8, "day of week", "fri-mon", "a range goes upwards: write `5-6,0-1`"),
        ("0 0 * * sat-sun", 8, "day of week", "sat-sun", "a range goes upwards: write `6-7`, Sunday is 7 as well"),
        ("0,,5 * * * *", 1, "minute", ",", "a list has no empty items; a comma stands between two"),
        (",5 * * * *", 0, "minute", ",", "a list has no empty items; a comma stands between two"),
        ("5, * * * *", 1, "minute", ",", "a list has no empty items; a comma stands between two"),
        ("*/0 * * * *", 2, "minute", "0", "a step is a number from 1 on, of at most three digits"),
        ("*/ * * * *", 2, "minute", "", "a step is a number from 1 on, of at most three digits"),
        ("*/+5 * * * *", 2, "minute", "+5", "a step is a number from 1 on, of at most three digits"),
        ("5/15 * * * *", 0, "minute", "5/15", "a step follows `*` or a range; every one from 5 on is `5-59/15`"),
        ("0 -5 * * *", 2, "hour", "-5", "a number is missing before the `-`; an hour is 0 to 23"),
        ("mon * * * *", 0, "minute", "mon", "this names a day of week, and here stands a minute: a minute is 0 to 59"),
        ("0 0 * fri *", 6, "month", "fri", "this names a day of week, and here stands a month: a month is 1 to 12 or jan to dec"),
        ("0 0 * * jan", 8, "day of week", "jan", "this names a month, and here stands a day of week: a day of week is 0 to 7 (0 and 7 are Sunday) or sun to sat"),
        ("0 0 * * Monday", 8, "day of week", "Monday", "names have three letters: `mon`"),
        ("0 0 ? * 1", 4, "day of month", "?", "write `*` for any; a day of month is 1 to 31"),
        ("H * * * *", 0, "minute", "H", "there are no random times; set `jitter_ms`; a minute is 0 to 59"),
        ("0 0 * * 1#6", 10, "day of week", "6", "after `#` stands 1 to 5: the first to fifth such day of the month"),
        ("0 0 * * L", 8, "day of week", "L", "write `6L` for the last Saturday of the month"),
        ("0 0 * *", 7, "day of week", "", "an expression has five fields (minute, hour, day of month, month, day of week); missing: day of week"),
        ("", 0, "minute", "", "an expression has five fields (minute, hour, day of month, month, day of week); missing: minute, hour, day of month, month, day of week"),
        ("0 0 0 1 1 * 2030 run", 17, "", "run", "an expression has five to seven fields and no command behind them"),
        ("0 0 0 1 1 * 1969", 12, "year", "1969", "a year is 1970 to 2199"),
        ("TZ=UTC 0 0 * * *", 0, "", "TZ=UTC", "the zone is the member `timezone`; an expression begins with its minutes"),
        ("@dayly", 0, "", "@dayly", "the nicknames are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"),
        ("@daily 5", 7, "", "5", "`@daily` stands alone"),
        ("0 0 * * mön", 9, "", "ö", "an expression is printable ASCII, its fields separated by blanks"),
        ("0 0 *\n* *", 5, "", "\n", "an expression is printable ASCII, its fields separated by blanks"),
        ("99999999999999999999 * * * *", 0, "minute", "99999999999999999999", "a minute is 0 to 59"),
    ];
    for (expression, at, field, read, right) in cases {
        assert_eq!(fault(expression), (at, field, read.to_owned(), right.to_owned()), "{expression:?}");
    }
    assert!(fault("@reboot").3.contains("hosts restart unasked"));
    let (at, _, read, right) = fault(&"*".repeat(1_001));
    assert_eq!((at, read.len(), right.as_str()), (0, 40, "an expression has at most 1000 bytes"));
    assert_eq!(
        Expression::parse("0 0 32 * *").unwrap_err().to_string(),
        "day of month: `32` at byte 4: a day of month is 1 to 31"
    );
}

#[test]
fn six_fields_say_that_the_first_is_seconds() {
    // A year where five fields and a year were meant.
    let fault = Expression::parse("30 9 * * 1 2026").unwrap_err();
    assert_eq!((fault.at, fault.read.as_str()), (11, "2026"), "{fault}");
    let note = "six fields: the first, `30`, is seconds; five fields `30 9 * * 1` would mean: at 09:30 on Monday";
    assert_eq!(fault.note.as_deref(), Some(note));
    // Seconds where only five fields were meant to follow them.
    let fault = Expression::parse("90 0 9 * * 1").unwrap_err();
    let note = "six fields: the first, `90`, is seconds; five fields `0 9 * * 1` would mean: at 09:00 on Monday";
    assert_eq!(fault.note.as_deref(), Some(note));
    // And where six are right, the preview can say so.
    let valid = Expression::parse("0 9 * * 1 2").unwrap();
    let note = "six fields: the first, `0`, is seconds; five fields `0 9 * * 1` would mean: at 09:00 on Monday";
    assert_eq!((valid.note(), valid.is_extension()), (Some(note), true));
    assert_eq!(Expression::parse("0 9 * * 1").unwrap().note(), None);
}

#[test]
fn accepted_forms_mean_the_same() {
    let pairs = [
        ("0 0 * JAN-mar SUN", "0 0 * 1-3 0"),
        ("  0 0\t * * 7\n", "0 0 * * 0"),
        ("00 07 01 01 *", "0 7 1 1 *"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("@Hourly", "0 * * * *"),
        ("0 0 * * */7", "0 0 */1 * 7"),
        ("0 0 l * friL", "0 0 L * 5L"),
        ("*/90 0 * * *", "0-0 0-0 * * *"),
    ];
    for (one, other) in pairs {
        let after = at("2026-01-01T00:00:00Z");
        let found =
            |expression| cron(expression, "UTC").occurrences(after, Timestamp(u64::MAX), 50).collect::<Vec<_>>();
        assert_eq!(found(one), found(other), "{one} and {other}");
    }
}

#[test]
fn an_unknown_zone_is_answered_with_the_nearest() {
    let nearest = |name: &str| match Zone::named(name).unwrap_err() {
        ScheduleFault::UnknownZone { nearest, .. } => nearest,
        other => panic!("{other}"),
    };
    for (given, expected) in [
        ("Europe/Pariss", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("America/NewYork", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("New York", "America/New_York"),
        ("Asia/Calcuta", "Asia/Calcutta"),
    ] {
        assert_eq!(nearest(given).as_deref(), Some(expected), "{given}");
    }
    assert_eq!(nearest("xyzzy"), None);
    assert_eq!(nearest(""), None);
    assert!(Zone::named("+02:00").unwrap_err().to_string().contains("Etc/GMT-2"));
    assert!(Zone::named(&"ä/".repeat(500)).unwrap_err().to_string().len() < 300);
}

#[test]
fn intervals_ends_and_dates_out_of_range_are_refused() {
    let new = |timing| Schedule::new(timing, Zone::named("UTC").unwrap());
    for every_ms in [0, 999, INTERVAL_MAX_MS + 1, u64::MAX] {
        let fault = new(Timing::Every { every_ms, anchor: Timestamp(0) }).unwrap_err();
        assert!(matches!(fault, ScheduleFault::Interval { given_ms, .. } if given_ms == every_ms), "{fault}");
    }
    assert!(new(Timing::Every { every_ms: INTERVAL_MAX_MS, anchor: Timestamp(0) }).is_ok());
    for late in [at("2200-01-01T00:00:00Z"), Timestamp(u64::MAX)] {
        assert!(matches!(new(Timing::At { instant: late }), Err(ScheduleFault::TooLate { member: "at_ms", .. })));
        assert!(matches!(
            new(Timing::Every { every_ms: 1_000, anchor: late }),
            Err(ScheduleFault::TooLate { member: "anchor_ms", .. })
        ));
    }
    assert!(new(Timing::At { instant: at("2199-12-31T23:59:59.999Z") }).is_ok());
    for end in [Timestamp(5), Timestamp(4)] {
        let fault = cron("* * * * *", "UTC").between(Some(Timestamp(5)), Some(end)).unwrap_err();
        assert!(matches!(fault, ScheduleFault::EndBeforeStart { .. }), "{fault}");
    }
    for bad in ["", "25-12", "2026-02-29", "02-30", "1-1", "2026-1-01", "26-01-01", "12-25-2026", "+1-01", "1969-01-01"]
    {
        let fault = Calendar::parse([bad]).unwrap_err();
        assert!(matches!(&fault, ScheduleFault::Exclusion { given, .. } if given == bad), "{fault}");
    }
    assert!(Calendar::parse(["02-29", "2024-02-29"]).is_ok());
    assert!(Calendar::parse(["01-01"; 400]).is_ok());
    assert!(matches!(Calendar::parse(["01-01"; 401]), Err(ScheduleFault::TooManyExclusions { given: 401, .. })));
}
