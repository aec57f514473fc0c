//! A crontab expression as sets of bits, and its matches in civil time.
//!
//! Owns which wall-clock times an expression names: the next one, and how many lie in a range. It
//! knows no zone; [`super::firing`] turns civil times into instants. Every search steps by field
//! and by month, so its work is bounded by the months it looks at, whatever the expression.

use std::fmt;

use super::calendar::{Calendar, Month, Months};
use super::civil::{DAY_SECONDS, bits_below, next_bit};
use super::days::{DayRule, MonthDays};
use super::field::Field;

/// What an expression means. Made by [`Expression::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// As it was written, without blanks around it.
    pub(super) text: Box<str>,
    /// Which fields were written; a nickname stands for [`Field::FIVE`].
    pub(super) fields: &'static [Field],
    /// What the reader may have overlooked.
    pub(super) note: Option<Box<str>>,
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u64,
    /// Bit 1 is January.
    pub(super) months: u64,
    pub(super) days: DayRule,
    /// Every year when none is named.
    pub(super) years: Option<Box<Years>>,
    /// The field of minutes or of hours begins with a star: it follows real time over a clock
    /// change, where fixed times are made up for or not repeated.
    pub(super) follows_real_time: bool,
}

/// A set of years.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Years([u64; 4]);

impl Years {
    pub(super) fn insert(&mut self, year: i64) {
        let at = year - super::civil::FIRST_YEAR;
        if let Some(word) = usize::try_from(at / 64).ok().and_then(|word| self.0.get_mut(word)) {
            *word |= 1 << (at % 64);
        }
    }

    pub(super) fn contains(&self, year: i64) -> bool {
        let at = year - super::civil::FIRST_YEAR;
        let word = usize::try_from(at / 64).ok().and_then(|word| self.0.get(word)).copied().unwrap_or(0);
        at >= 0 && word & (1 << (at % 64)) != 0
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Expression {
    /// Which fields were written: five, or the extensions of six and seven.
    pub fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// Whether it is an extension of crontab(5): seconds, years, `L`, `W` or `#`.
    pub fn is_extension(&self) -> bool {
        self.fields.len() != Field::FIVE.len() || self.days.special.is_some()
    }

    /// What its writer may have overlooked, for a preview: that the first of six fields is seconds.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The first civil second from `from` to `last` that matches.
    pub(super) fn next(&self, from: i64, last: i64, calendar: &Calendar) -> Option<i64> {
        let (day, second) = (from.div_euclid(DAY_SECONDS), from.rem_euclid(DAY_SECONDS));
        let mut months = Months::from(day);
        let first_day = self.days_of(months.at, calendar);
        if first_day & (1 << (day - months.at.first + 1)) != 0
            && let Some(time) = self.time_from(second)
        {
            return Some(day * DAY_SECONDS + time).filter(|found| *found <= last);
        }
        // What is left is the first time of a later day.
        let time = self.time_from(0)?;
        let mut after = day - months.at.first + 2;
        while let Some(month) = months.next() {
            if month.first * DAY_SECONDS > last {
                return None;
            }
            if let Some(found) = next_bit(self.days_of(month, calendar), after) {
                return Some((month.first + found - 1) * DAY_SECONDS + time).filter(|found| *found <= last);
            }
            after = 1;
            if let Some(years) = &self.years
                && !years.contains(month.year)
            {
                months.at = Month::january(month.year + 1);
            }
        }
        None
    }

    /// How many civil seconds from `from` up to, not including, `until` match.
    pub(super) fn count(&self, from: i64, until: i64, calendar: &Calendar) -> i64 {
        if until <= from {
            return 0;
        }
        let (first, last) = (from.div_euclid(DAY_SECONDS), until.div_euclid(DAY_SECONDS));
        let mut days = 0;
        let mut edges = 0;
        for month in Months::from(first).take_while(|month| month.first <= last) {
            let matching = self.days_of(month, calendar);
            let upto = (last - month.first + 1).min(month.length + 1);
            days += bits_below(matching, upto) - bits_below(matching, (first - month.first + 1).max(1));
            for (day, second, sign) in [(first, from, -1), (last, until, 1)] {
                let number = day - month.first + 1;
                if (1..=month.length).contains(&number) && matching & (1 << number) != 0 {
                    edges += sign * self.times_before(second.rem_euclid(DAY_SECONDS));
                }
            }
        }
        days * self.times_before(DAY_SECONDS) + edges
    }

    /// The days of a month that match and are not left out.
    fn days_of(&self, month: Month, calendar: &Calendar) -> MonthDays {
        let wanted = self.months & (1 << month.number) != 0
            && self.years.as_ref().is_none_or(|years| years.contains(month.year));
        if !wanted {
            return 0;
        }
        let days = self.days.in_month(month.first_weekday(), month.length);
        if calendar.is_empty() { days } else { days & !calendar.left_out(month.year, month.number) }
    }

    /// The first matching second of a day at or after `second`.
    fn time_from(&self, second: i64) -> Option<i64> {
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        let time = |hour, minute, second| Some(hour * 3_600 + minute * 60 + second);
        let first_second = next_bit(self.seconds, 0)?;
        if self.hours & (1 << hour) != 0 {
            if self.minutes & (1 << minute) != 0
                && let Some(second) = next_bit(self.seconds, second % 60)
            {
                return time(hour, minute, second);
            }
            if let Some(minute) = next_bit(self.minutes, minute + 1) {
                return time(hour, minute, first_second);
            }
        }
        time(next_bit(self.hours, hour + 1)?, next_bit(self.minutes, 0)?, first_second)
    }

    /// How many seconds of a day before `second` match; `second` may be the day's end.
    fn times_before(&self, second: i64) -> i64 {
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        let (of_hour, of_minute) = (bits_below(self.minutes, 60), bits_below(self.seconds, 60));
        let mut count = bits_below(self.hours, hour) * of_hour * of_minute;
        if hour < 24 && self.hours & (1 << hour) != 0 {
            count += bits_below(self.minutes, minute) * of_minute;
            if self.minutes & (1 << minute) != 0 {
                count += bits_below(self.seconds, second % 60);
            }
        }
        count
    }
}
