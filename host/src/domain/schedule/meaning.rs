//! Says in English what a schedule means, so that a person sees what was understood.

use super::civil::{bits, next_bit};
use super::expression::Expression;
use super::field::Field;
use super::plan::{Schedule, Timing};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const NTH: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// Times of a day that are written out; more are described by hours and minutes.
const TIMES_MAX: u32 = 6;

impl Schedule {
    /// What it means, such as `at 02:30 every day, Europe/Paris`.
    pub fn meaning(&self) -> String {
        match self.timing() {
            Timing::Cron { expression } => format!("{}, {}", expression.meaning(), self.zone().name()),
            Timing::Every { every_ms, anchor } => {
                format!("every {} from {} on", duration(*every_ms), self.line(*anchor).local)
            }
            Timing::At { instant } => format!("once, at {}", self.line(*instant).local),
        }
    }
}

impl Expression {
    /// What it means, such as `at 00:00 on the 13th of the month or on Friday`.
    pub fn meaning(&self) -> String {
        let mut text = self.times();
        text.push(' ');
        text.push_str(&self.dates());
        let all_months = bits(1, 12);
        if self.months & all_months != all_months {
            text.push_str(" in ");
            text.push_str(&named(self.months, 1, &MONTHS));
        }
        if let Some(years) = &self.years {
            let (low, high) = Field::Year.range();
            let years: Vec<i64> = (low..=high).filter(|year| years.contains(*year)).collect();
            text.push_str(" of ");
            text.push_str(&numbers(&years));
        }
        text
    }

    fn times(&self) -> String {
        let (seconds, minutes, hours) = (self.seconds, self.minutes, self.hours);
        let count = seconds.count_ones() * minutes.count_ones() * hours.count_ones();
        if count <= TIMES_MAX {
            let mut times = Vec::new();
            for (hour, minute) in members(hours).flat_map(|hour| members(minutes).map(move |minute| (hour, minute))) {
                times.extend(members(seconds).map(|second| match second {
                    0 if seconds == 1 => format!("{hour:02}:{minute:02}"),
                    second => format!("{hour:02}:{minute:02}:{second:02}"),
                }));
            }
            return format!("at {}", listed(&times));
        }
        let hours = if all(hours, 0, 23) {
            "every hour".to_owned()
        } else {
            format!("hours {}", numbers(&members(hours).collect::<Vec<_>>()))
        };
        let of_hour = match (all(minutes, 0, 59), minutes.count_ones()) {
            (true, _) if hours == "every hour" => "every minute".to_owned(),
            (true, _) => format!("every minute of {hours}"),
            (false, 1) => format!("at minute {} of {hours}", numbers(&members(minutes).collect::<Vec<_>>())),
            (false, _) => format!("at minutes {} of {hours}", numbers(&members(minutes).collect::<Vec<_>>())),
        };
        match (seconds, all(seconds, 0, 59)) {
            (1, _) => of_hour,
            (_, true) => format!("every second, {of_hour}"),
            _ => format!("at seconds {}, {of_hour}", numbers(&members(seconds).collect::<Vec<_>>())),
        }
    }

    fn dates(&self) -> String {
        let (by_day, by_weekday) = (self.by_day(), self.by_weekday());
        match (by_day, by_weekday) {
            (Some(day), None) if !self.days.either => format!("on {day}"),
            (None, Some(weekday)) if !self.days.either => format!("on {weekday}"),
            (Some(day), Some(weekday)) if self.days.either => format!("on {day} or on {weekday}"),
            (Some(day), Some(weekday)) => format!("on {day}, but only if it is a {weekday}"),
            // Neither says anything, or one of two that are joined by `or` allows every day.
            _ => "every day".to_owned(),
        }
    }

    /// The days of the month; nothing when it is all of them.
    fn by_day(&self) -> Option<String> {
        if all(self.days.days, 1, 31) {
            return None;
        }
        let mut parts = Vec::new();
        if self.days.days != 0 {
            parts.push(format!("day {} of the month", numbers(&members(self.days.days).collect::<Vec<_>>())));
        }
        if let Some(special) = &self.days.special {
            if special.last_day {
                parts.push("the last day of the month".to_owned());
            }
            if special.last_working_day {
                parts.push("the last day from Monday to Friday of the month".to_owned());
            }
            parts.extend(
                members(special.nearest_working_day)
                    .map(|day| format!("the day from Monday to Friday nearest to day {day}")),
            );
        }
        Some(listed_or(&parts))
    }

    /// The weekdays; nothing when it is all of them.
    fn by_weekday(&self) -> Option<String> {
        if all(self.days.weekdays, 0, 6) {
            return None;
        }
        let mut parts = Vec::new();
        if self.days.weekdays != 0 {
            parts.push(named(self.days.weekdays, 0, &WEEKDAYS));
        }
        if let Some(special) = &self.days.special {
            for (weekdays, nth) in special.nth_weekdays.into_iter().zip(NTH).filter(|(weekdays, _)| *weekdays != 0) {
                parts.push(format!("the {nth} {} of the month", named(weekdays, 0, &WEEKDAYS)));
            }
            if special.last_weekdays != 0 {
                parts.push(format!("the last {} of the month", named(special.last_weekdays, 0, &WEEKDAYS)));
            }
        }
        Some(listed_or(&parts))
    }
}

fn all(set: u64, low: i64, high: i64) -> bool {
    set & bits(low, high) == bits(low, high)
}

fn members(set: u64) -> impl Iterator<Item = i64> {
    std::iter::successors(next_bit(set, 0), move |last| next_bit(set, last + 1))
}

/// Names of the members of a set whose first name belongs to bit `first`.
fn named(set: u64, first: i64, names: &[&str]) -> String {
    let members: Vec<i64> = members(set).collect();
    let name = |number: i64| usize::try_from(number - first).ok().and_then(|at| names.get(at)).copied().unwrap_or("");
    if let [low, .., high] = members[..]
        && members.len() > 2
        && high - low + 1 == i64::try_from(members.len()).unwrap_or(0)
    {
        return format!("{} to {}", name(low), name(high));
    }
    listed(&members.iter().map(|number| name(*number).to_owned()).collect::<Vec<_>>())
}

/// `0, 15 and 30`, `9 to 17`, `every 5th from 0 to 55`.
fn numbers(numbers: &[i64]) -> String {
    if let [low, second, .., high] = *numbers
        && numbers.windows(2).all(|pair| pair[1] - pair[0] == second - low)
    {
        match (second - low, numbers.len()) {
            (1, _) => return format!("{low} to {high}"),
            (step, 5..) => return format!("{low} to {high} in steps of {step}"),
            _ => {}
        }
    }
    listed(&numbers.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn listed(parts: &[String]) -> String {
    joined(parts, "and")
}

fn listed_or(parts: &[String]) -> String {
    joined(parts, "or")
}

fn joined(parts: &[String], word: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} {word} {last}", front.join(", ")),
    }
}

/// `90 s`, `15 min`, `2 h`, `7 d`: in the largest unit that leaves nothing over.
fn duration(milliseconds: u64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)];
    let whole = units.into_iter().find(|(_, length)| milliseconds.is_multiple_of(*length));
    whole.map_or_else(|| format!("{milliseconds} ms"), |(unit, length)| format!("{} {unit}", milliseconds / length))
}
