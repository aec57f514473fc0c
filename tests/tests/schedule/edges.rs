//! Starts, ends, excluded dates, intervals, single instants and the ends of time.

use sluice::domain::schedule::{Calendar, Schedule, Timing, Zone};
use sluice::domain::time::Timestamp;

use crate::{at, cron, every, next};

#[test]
fn an_answer_is_always_later_than_the_question() {
    let hourly = cron("0 * * * *", "UTC");
    assert_eq!(next(&hourly, "2026-01-01T00:59:59.999Z", 1), ["2026-01-01T01:00:00Z"]);
    assert_eq!(next(&hourly, "2026-01-01T01:00:00Z", 1), ["2026-01-01T02:00:00Z"]);
    assert_eq!(next(&hourly, "2026-01-01T01:00:00.001Z", 1), ["2026-01-01T02:00:00Z"]);
}

#[test]
fn start_and_end_are_part_of_the_time_between() {
    let schedule =
        cron("0 * * * *", "UTC").between(Some(at("2026-01-01T03:00:00Z")), Some(at("2026-01-01T05:00:00Z"))).unwrap();
    let hours = ["2026-01-01T03:00:00Z", "2026-01-01T04:00:00Z", "2026-01-01T05:00:00Z"];
    assert_eq!(next(&schedule, "2020-01-01T00:00:00Z", 9), hours);
    assert_eq!(schedule.count(Timestamp(0), Timestamp(u64::MAX)), 3);
    assert_eq!(schedule.next(at("2026-01-01T05:00:00Z")), None);
}

#[test]
fn intervals_begin_with_their_anchor_and_follow_real_time() {
    let schedule = every(3_600_000, "2026-03-28T23:30:00.250Z", "Europe/Paris");
    assert_eq!(
        next(&schedule, "2026-01-01T00:00:00Z", 3),
        ["2026-03-28T23:30:00.25Z", "2026-03-29T00:30:00.25Z", "2026-03-29T01:30:00.25Z"]
    );
    assert_eq!(next(&schedule, "2026-03-29T00:30:00.25Z", 1), ["2026-03-29T01:30:00.25Z"]);
    assert_eq!(schedule.count(at("2026-03-28T23:30:00.249Z"), at("2026-03-29T00:30:00.25Z")), 2);
}

#[test]
fn excluded_dates_are_dates_of_the_zone() {
    let excluded = Calendar::parse(["12-25", "2026-12-29", "2026-12-28"]).unwrap();
    let schedule = cron("0 9 * * 1-5", "Asia/Tokyo").without(excluded.clone());
    // Tokyo is nine hours ahead: 09:00 there is 00:00 in UTC.
    assert_eq!(
        next(&schedule, "2026-12-23T12:00:00Z", 3),
        ["2026-12-24T00:00:00Z", "2026-12-30T00:00:00Z", "2026-12-31T00:00:00Z"]
    );
    let hours = every(3_600_000, "2026-01-01T00:00:00Z", "Asia/Tokyo").without(excluded);
    assert_eq!(next(&hours, "2026-12-24T14:00:00Z", 2), ["2026-12-25T15:00:00Z", "2026-12-25T16:00:00Z"]);
    // A date on which the clock changes has 23 hours.
    let change = Calendar::parse(["03-29"]).unwrap();
    let hours = every(3_600_000, "2026-01-01T00:00:00Z", "Europe/Paris").without(change);
    assert_eq!(next(&hours, "2026-03-28T21:30:00Z", 2), ["2026-03-28T22:00:00Z", "2026-03-29T22:00:00Z"]);
    let every_day: Vec<String> = (1..=12)
        .flat_map(|month| (1..=31).map(move |day| (month, day)))
        .filter(|(month, day)| *day <= [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1])
        .map(|(month, day)| format!("{month:02}-{day:02}"))
        .collect();
    let never = Calendar::parse(every_day.iter().map(String::as_str)).unwrap();
    assert_eq!(cron("* * * * *", "Europe/Paris").without(never.clone()).next(at("2026-01-01T00:00:00Z")), None);
    assert_eq!(every(1_000, "2026-01-01T00:00:00Z", "UTC").without(never).next(at("2026-01-01T00:00:00Z")), None);
}

#[test]
fn what_a_gap_moves_past_midnight_stays_excluded_with_its_day() {
    // Nuuk skips 23:00 to 24:00 of a Saturday; 23:30 fires at midnight.
    let schedule = cron("30 23 * * *", "America/Nuuk");
    let moved = next(&schedule, "2027-03-27T12:00:00Z", 2);
    assert_eq!(moved, ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]);
    let saturday = schedule.clone().without(Calendar::parse(["2027-03-27"]).unwrap());
    assert_eq!(next(&saturday, "2027-03-27T12:00:00Z", 1), moved[1..]);
    let sunday = schedule.without(Calendar::parse(["2027-03-28"]).unwrap());
    assert_eq!(next(&sunday, "2027-03-27T12:00:00Z", 1), moved[..1]);
}

#[test]
fn a_single_instant_happens_once() {
    let zone = Zone::named("UTC").unwrap();
    let once = Schedule::new(Timing::At { instant: at("2026-05-01T00:00:00.5Z") }, zone).unwrap();
    assert_eq!(next(&once, "2026-05-01T00:00:00Z", 5), ["2026-05-01T00:00:00.5Z"]);
    assert_eq!(once.next(at("2026-05-01T00:00:00.5Z")), None);
    assert_eq!(once.count(Timestamp(0), Timestamp(u64::MAX)), 1);
    assert_eq!(once.without(Calendar::parse(["05-01"]).unwrap()).next(Timestamp(0)), None);
}

#[test]
fn never_is_an_answer() {
    assert_eq!(cron("0 0 0 1 1 * 2020", "UTC").next(at("2026-01-01T00:00:00Z")), None);
    let far = cron("0 0 0 1 1 * 2090", "UTC");
    assert_eq!(far.next(at("2026-01-01T00:00:00Z")), None, "more than fifty years away");
    assert_eq!(next(&far, "2045-01-01T00:00:00Z", 1), ["2090-01-01T00:00:00Z"]);
    // What is written down as a date is never too far away.
    let late = every(86_400_000, "2150-01-01T00:00:00Z", "UTC");
    assert_eq!(late.next(at("2026-01-01T00:00:00Z")), Some(at("2150-01-01T00:00:00Z")));
    let zone = Zone::named("UTC").unwrap();
    let once = Schedule::new(Timing::At { instant: at("2150-01-01T00:00:00Z") }, zone).unwrap();
    assert_eq!(once.next(at("2026-01-01T00:00:00Z")), Some(at("2150-01-01T00:00:00Z")));
    // The calendar ends with 2199, and no later question is an error.
    let daily = cron("0 12 * * *", "Europe/Paris");
    assert_eq!(next(&daily, "2199-12-30T12:00:00Z", 9), ["2199-12-31T11:00:00Z"]);
    for after in [Timestamp(u64::MAX), Timestamp(u64::MAX / 2), at("2300-01-01T00:00:00Z")] {
        assert_eq!(daily.next(after), None);
        assert_eq!(every(1_000, "2026-01-01T00:00:00Z", "UTC").next(after), None);
        assert_eq!(daily.latest(Timestamp(0), after, 3).len(), 3);
    }
    assert_eq!(next(&cron("0 12 * * *", "Asia/Tokyo"), "1970-01-01T00:00:00Z", 1), ["1970-01-01T03:00:00Z"]);
    // The leap day that 2100 has not is eight years from the one before.
    assert_eq!(next(&cron("0 0 29 2 *", "UTC"), "2096-03-01T00:00:00Z", 1), ["2104-02-29T00:00:00Z"]);
}

#[test]
fn seconds_are_fixed_or_follow_real_time_with_their_minutes() {
    let fixed = cron("10,20 30 2 * * *", "Europe/Paris");
    assert_eq!(next(&fixed, "2026-03-28T12:00:00Z", 2), ["2026-03-29T01:00:00Z", "2026-03-30T00:30:10Z"]);
    assert_eq!(
        next(&fixed, "2026-10-25T00:30:10Z", 2),
        ["2026-10-25T00:30:20Z", "2026-10-26T01:30:10Z"],
        "02:30 comes twice and counts once"
    );
    let real = cron("30 * 2 * * *", "Europe/Paris");
    assert_eq!(next(&real, "2026-10-25T00:59:00Z", 2), ["2026-10-25T00:59:30Z", "2026-10-25T01:00:30Z"]);
}
