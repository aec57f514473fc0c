//! Dates on which nothing is to happen.
//!
//! An excluded date is a date of the schedule's zone: the one an occurrence is *written* for. What
//! a clock change moves past midnight stays excluded with the day it was meant for.

use super::civil::{Date, bits, civil_from_days, days_from_civil, month_length, next_bit, weekday};
use super::days::MonthDays;
use super::fault::{ScheduleFault, shortened};

/// Excluded dates a schedule may have.
pub const EXCLUSIONS_MAX: usize = 400;

/// The dates a schedule leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Months counted from year 0, and the days left out of each; in order.
    dates: Vec<(i64, MonthDays)>,
    /// Days left out of each month of every year; the first is January's.
    yearly: [MonthDays; 12],
}

impl Calendar {
    /// Reads dates: `2026-12-24` for one, `12-25` for every year.
    ///
    /// # Errors
    /// [`ScheduleFault::Exclusion`] for what is no date of the Gregorian calendar between 1970 and
    /// 2199, [`ScheduleFault::TooManyExclusions`] beyond [`EXCLUSIONS_MAX`].
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ScheduleFault> {
        let texts: Vec<&str> = texts.into_iter().collect();
        if texts.len() > EXCLUSIONS_MAX {
            return Err(ScheduleFault::TooManyExclusions { given: texts.len(), max: EXCLUSIONS_MAX });
        }
        let mut calendar = Self::default();
        for text in texts {
            calendar.add(text)?;
        }
        calendar.dates.sort_unstable();
        calendar.dates.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 |= later.1;
            }
            same
        });
        Ok(calendar)
    }

    fn add(&mut self, text: &str) -> Result<(), ScheduleFault> {
        let refused = |right: String| ScheduleFault::Exclusion { given: shortened(text, 40), right };
        let numbers: Option<Vec<i64>> = text.split('-').map(digits).collect();
        let (year, month, day) = match (numbers.as_deref(), text.len()) {
            (Some(&[year, month, day]), 10) => (Some(year), month, day),
            (Some(&[month, day]), 5) => (None, month, day),
            _ => return Err(refused("write 2026-12-24 for one date, 12-25 for every year".to_owned())),
        };
        if year.is_some_and(|year| !(super::civil::FIRST_YEAR..=super::civil::LAST_YEAR).contains(&year)) {
            return Err(refused(super::field::Field::Year.rule().to_owned()));
        }
        if !(1..=12).contains(&month) {
            return Err(refused("a month is 01 to 12".to_owned()));
        }
        // A yearly date may be the 29th of February.
        let length = month_length(year.unwrap_or(2000), month);
        if !(1..=length).contains(&day) {
            return Err(refused(format!("that month has {length} days")));
        }
        match year {
            Some(year) => self.dates.push((12 * year + month - 1, 1 << day)),
            None => {
                if let Some(of_month) = usize::try_from(month - 1).ok().and_then(|at| self.yearly.get_mut(at)) {
                    *of_month |= 1 << day;
                }
            }
        }
        Ok(())
    }

    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        self.dates.is_empty() && self.yearly.iter().all(|days| *days == 0)
    }

    /// The days left out of one month.
    pub(super) fn left_out(&self, year: i64, month: i64) -> MonthDays {
        let yearly = usize::try_from(month - 1).ok().and_then(|at| self.yearly.get(at)).copied().unwrap_or(0);
        let index = 12 * year + month - 1;
        let dated = match self.dates.binary_search_by_key(&index, |(at, _)| *at) {
            Ok(found) => self.dates[found].1,
            Err(_) => 0,
        };
        yearly | dated
    }

    /// Whether a day since 1970 is left out.
    pub(super) fn leaves_out(&self, day: i64) -> bool {
        let Date { year, month, day } = civil_from_days(day);
        self.left_out(year, month) & (1 << day) != 0
    }

    /// The first day from `day` to `last` that is not left out.
    pub(super) fn next_kept(&self, day: i64, last: i64) -> Option<i64> {
        Months::from(day).take_while(|month| month.first <= last).find_map(|month| {
            let kept = bits(1, month.length) & !self.left_out(month.year, month.number);
            let found = month.first - 1 + next_bit(kept, (day - month.first + 1).max(1))?;
            (found <= last).then_some(found)
        })
    }

    /// The days from `first` to `last` that are left out.
    pub(super) fn days_left_out(&self, first: i64, last: i64) -> impl Iterator<Item = i64> {
        Months::from(first).take_while(move |month| month.first <= last).flat_map(move |month| {
            let out = self.left_out(month.year, month.number) & bits(1, month.length);
            let days = (1..=month.length).filter(move |day| out & (1 << day) != 0);
            days.map(move |day| month.first + day - 1).filter(move |day| (first..=last).contains(day))
        })
    }
}

fn digits(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A month and where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Month {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) number: i64,
    /// Its first day, since 1970-01-01.
    pub(super) first: i64,
    /// Its days.
    pub(super) length: i64,
}

impl Month {
    /// The weekday of its first day; 0 is Sunday.
    pub(super) fn first_weekday(self) -> i64 {
        weekday(self.first)
    }

    /// January of a year.
    pub(super) fn january(year: i64) -> Self {
        Self { year, number: 1, first: days_from_civil(year, 1, 1), length: 31 }
    }

    fn following(self) -> Self {
        let (year, month) = if self.number == 12 { (self.year + 1, 1) } else { (self.year, self.number + 1) };
        Self { year, number: month, first: self.first + self.length, length: month_length(year, month) }
    }
}

/// Months one after the other, without end.
#[derive(Debug, Clone)]
pub(super) struct Months {
    pub(super) at: Month,
}

impl Months {
    /// Begins with the month that a day lies in.
    pub(super) fn from(day: i64) -> Self {
        let date = civil_from_days(day);
        let length = month_length(date.year, date.month);
        Self { at: Month { year: date.year, number: date.month, first: day - date.day + 1, length } }
    }
}

impl Iterator for Months {
    type Item = Month;

    fn next(&mut self) -> Option<Month> {
        let now = self.at;
        self.at = now.following();
        Some(now)
    }
}
