//! What the next occurrence of a schedule costs, beside the raw `cron` crate in UTC.
//!
//! `cargo bench -p e2e --bench schedule_next` prints a table. The crate wants seconds first and
//! counts weekdays from 1; its expressions say the same where both can say it. Rounds are short and
//! the kinds take turns, and each figure is the lower quartile of its rounds: other work on the
//! machine only ever makes a round slower. `slowest` is the slowest single answer of all, at its
//! best of five, so that it is the schedule's and not the machine's.

use std::hint::black_box;
use std::str::FromStr as _;
use std::time::Instant;

use chrono::{DateTime, Utc};
use sluice::domain::schedule::{Calendar, Expression, Schedule, Timing, Zone};
use sluice::domain::time::Timestamp;

/// Rounds of each figure.
const ROUNDS: usize = 40;

/// Instants asked about in one round: 30 years, at no particular time of day.
const QUESTIONS: u64 = 512;

/// What a case is called, ours, its zone, and the same for the crate (none where it cannot say it).
type Case = (&'static str, &'static str, &'static str, Option<&'static str>);

const CASES: [Case; 12] = [
    ("every minute", "* * * * *", "UTC", Some("0 * * * * *")),
    ("every 15 minutes", "*/15 * * * *", "UTC", Some("0 */15 * * * *")),
    ("daily", "30 2 * * *", "UTC", Some("0 30 2 * * *")),
    ("working days, 9 to 17", "0,30 9-17 * * 1-5", "UTC", Some("0 0,30 9-17 * * 2-6")),
    ("yearly", "0 0 1 1 *", "UTC", Some("0 0 0 1 1 *")),
    ("leap day", "0 0 29 2 *", "UTC", Some("0 0 0 29 2 *")),
    ("13th or Friday", "0 0 13 * 5", "UTC", None),
    ("daily, Paris", "30 2 * * *", "Europe/Paris", Some("0 30 2 * * *")),
    ("every 15 minutes, New York", "*/15 * * * *", "America/New_York", Some("0 */15 * * * *")),
    ("working days, Casablanca", "0,30 9-17 * * 1-5", "Africa/Casablanca", Some("0 0,30 9-17 * * 2-6")),
    ("leap day, Santiago", "0 0 29 2 *", "America/Santiago", Some("0 0 0 29 2 *")),
    ("last Friday, third Monday, Paris", "0 0 * * 5L,1#3", "Europe/Paris", None),
];

fn main() {
    println!("{:<44} {:>9} {:>11} {:>7} {:>9}  target", "", "ns/next", "crate, UTC", "ratio", "slowest");
    for (name, expression, zone, others) in CASES {
        measured(name, &cron(expression, zone), others);
    }
    println!("\n{:<44} {:>9} {:>11} {:>7} {:>9}  target", "what must be bounded", "ns/next", "", "", "slowest");
    for (name, schedule) in bounded() {
        measured(name, &schedule, None);
    }
    counting();
}

/// Schedules whose next occurrence is far away or does not come.
fn bounded() -> Vec<(&'static str, Schedule)> {
    let most: Vec<String> =
        (1..=12).flat_map(|month| (1..=28).map(move |day| format!("{month:02}-{day:02}"))).collect();
    let most = || Calendar::parse(most.iter().map(String::as_str)).expect("these are dates");
    let day = |days: u64| {
        let timing = Timing::Every { every_ms: days * 86_400_000, anchor: Timestamp(946_728_000_000) };
        Schedule::new(timing, Zone::named("Africa/Casablanca").expect("it is a zone")).expect("it is valid")
    };
    vec![
        ("a year that is past, Casablanca", cron("0 0 0 1 1 * 1980", "Africa/Casablanca")),
        ("every second of a year that is past", cron("* * * * * * 1980", "Africa/Casablanca")),
        (
            "every minute of leap days, all excluded",
            cron("* * 29 2 *", "Africa/Casablanca").without(Calendar::parse(["02-29"]).expect("it is a date")),
        ),
        ("a fifth Monday that is a leap day, or never", cron("0 0 */28 2 1#5", "Africa/Casablanca")),
        ("daily, 336 days of each year excluded", cron("30 2 * * *", "Africa/Casablanca").without(most())),
        ("every 7 days, 336 of each year excluded", day(7).without(most())),
        ("every 73 days, 336 of each year excluded", day(73).without(most())),
        ("every 365 days, 336 of each year excluded", day(365).without(most())),
    ]
}

fn measured(name: &str, schedule: &Schedule, others: Option<&str>) {
    let crates = others.map(|text| cron::Schedule::from_str(text).expect("the crate reads it"));
    let questions: Vec<u64> = (0..QUESTIONS).map(|n| 1_577_836_800_000 + n * 1_848_127_377).collect();
    let theirs: Vec<DateTime<Utc>> = questions
        .iter()
        .map(|at| DateTime::from_timestamp_millis(i64::try_from(*at).expect("it fits")).expect("it is a time"))
        .collect();
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(per_question(|| questions.iter().for_each(|at| discard(schedule.next(Timestamp(*at))))));
        if let Some(crates) = &crates {
            other.push(per_question(|| theirs.iter().for_each(|at| discard(crates.after(at).next()))));
        }
    }
    let own = lower_quartile(own);
    let slowest = questions.iter().map(|at| best_of_five(schedule, *at)).fold(0.0, f64::max);
    let (theirs, ratio, target) = match &crates {
        Some(_) => {
            let other = lower_quartile(other);
            (format!("{other:.0}"), format!("{:.2}", own / other), "ratio <= 3, ")
        }
        None => (String::new(), String::new(), ""),
    };
    println!("{name:<44} {own:>9.0} {theirs:>11} {ratio:>7} {slowest:>9.0}  {target}slowest <= 50000");
}

/// Counting what was missed, which must not depend on how much it is.
fn counting() {
    println!("\n{:<44} {:>9}", "what was missed in ten years", "us");
    let (from, until) = (Timestamp(1_577_836_800_000), Timestamp(1_893_456_000_000));
    for (name, schedule) in [
        ("count of days, Paris", cron("30 2 * * *", "Europe/Paris")),
        ("count of seconds, Paris", cron("* * * * * *", "Europe/Paris")),
    ] {
        let figures = (0..ROUNDS).map(|_| elapsed(|| discard(schedule.count(from, until)))).collect();
        println!("{name:<44} {:>9.1}", lower_quartile(figures) * 1e6);
        let figures = (0..ROUNDS).map(|_| elapsed(|| discard(schedule.latest(from, until, 10)))).collect();
        println!("{:<44} {:>9.1}", "  and the latest ten of them", lower_quartile(figures) * 1e6);
    }
}

fn cron(expression: &str, zone: &str) -> Schedule {
    let expression = Expression::parse(expression).expect("it is an expression");
    Schedule::new(Timing::Cron { expression }, Zone::named(zone).expect("it is a zone")).expect("it is valid")
}

/// Nanoseconds of the best of five answers to one question.
fn best_of_five(schedule: &Schedule, at: u64) -> f64 {
    (0..5).map(|_| elapsed(|| discard(schedule.next(Timestamp(at))))).fold(f64::MAX, f64::min) * 1e9
}

/// Nanoseconds of one of [`QUESTIONS`] answers.
fn per_question(round: impl Fn()) -> f64 {
    elapsed(round) * 1e9 / f64::from(u32::try_from(QUESTIONS).expect("it is small"))
}

/// Keeps an answer from being left out as unused.
fn discard<T>(answer: T) {
    black_box(answer);
}

fn elapsed(work: impl Fn()) -> f64 {
    let started = now();
    work();
    started.elapsed().as_secs_f64()
}

fn lower_quartile(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 4]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine")]
fn now() -> Instant {
    Instant::now()
}
