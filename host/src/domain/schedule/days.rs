//! Which days of a month an expression means, as a set of bits.
//!
//! Owns crontab(5)'s rule for day of month and day of week, and the announced extensions `L`,
//! `LW`, `15W`, `5#3` and `5L`. A month costs a handful of instructions, whatever the rule.

use super::civil::{bits, next_bit};

/// Bit 1 is the first of the month, bit 31 the last there can be.
pub(super) type MonthDays = u64;

/// The days that the fields day of month and day of week name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DayRule {
    /// Numbers in the field day of month.
    pub(super) days: MonthDays,
    /// Bit 0 is Sunday, bit 6 Saturday.
    pub(super) weekdays: u64,
    /// A day matches by either field: neither begins with a star.
    pub(super) either: bool,
    /// `L`, `LW`, `15W`, `5#3`, `5L`; almost no expression has any.
    pub(super) special: Option<Box<SpecialDays>>,
}

/// Days that depend on the month they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SpecialDays {
    /// `L`: the last day of the month.
    pub(super) last_day: bool,
    /// `LW`: the last day from Monday to Friday.
    pub(super) last_working_day: bool,
    /// `15W`: the day from Monday to Friday nearest to each of these, in the same month.
    pub(super) nearest_working_day: MonthDays,
    /// `5#3`: weekdays that count only the first, second, .. fifth time in the month.
    pub(super) nth_weekdays: [u64; 5],
    /// `5L`: weekdays that count only the last time in the month.
    pub(super) last_weekdays: u64,
}

impl DayRule {
    /// The days of a month of `length` days whose first is `first_weekday` (0 is Sunday).
    pub(super) fn in_month(&self, first_weekday: i64, length: i64) -> MonthDays {
        let mut by_day = self.days;
        let mut by_weekday = spread(self.weekdays, first_weekday);
        if let Some(special) = &self.special {
            by_day |= special.by_day(first_weekday, length);
            by_weekday |= special.by_weekday(first_weekday, length);
        }
        (if self.either { by_day | by_weekday } else { by_day & by_weekday }) & bits(1, length)
    }
}

impl SpecialDays {
    fn by_day(&self, first_weekday: i64, length: i64) -> MonthDays {
        let mut found = 0;
        if self.last_day {
            found |= 1 << length;
        }
        if self.last_working_day {
            found |= 1 << nearest_working_day(length, first_weekday, length);
        }
        let mut from = 1;
        while let Some(day) = next_bit(self.nearest_working_day, from).filter(|day| *day <= length) {
            found |= 1 << nearest_working_day(day, first_weekday, length);
            from = day + 1;
        }
        found
    }

    fn by_weekday(&self, first_weekday: i64, length: i64) -> MonthDays {
        let last = spread(self.last_weekdays, first_weekday) & bits(length - 6, length);
        (0..).zip(self.nth_weekdays).fold(last, |found, (week, weekdays)| {
            found | (spread(weekdays, first_weekday) & bits(7 * week + 1, 7 * week + 7))
        })
    }
}

/// Every day of a month that falls on one of the weekdays.
fn spread(weekdays: u64, first_weekday: i64) -> MonthDays {
    /// Bits 1, 8, 15, 22, 29 and 36: multiplying by it repeats seven bits week after week.
    const WEEKS: u64 = 0x10_2040_8102;
    let from_first = ((weekdays >> first_weekday) | (weekdays << (7 - first_weekday))) & 0x7f;
    from_first * WEEKS
}

/// The day from Monday to Friday nearest to `day` that lies in the same month.
fn nearest_working_day(day: i64, first_weekday: i64, length: i64) -> i64 {
    match (first_weekday + day - 1) % 7 {
        6 if day == 1 => day + 2,
        6 => day - 1,
        0 if day == length => day - 2,
        0 => day + 1,
        _ => day,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::schedule::civil::{days_from_civil, month_length, weekday};

    #[test]
    fn weekdays_are_spread_over_the_month_they_are_in() {
        for (year, month) in (1999..2033).flat_map(|year| (1..=12).map(move |month| (year, month))) {
            let first = days_from_civil(year, month, 1);
            for of_week in 0..7 {
                let days = spread(1 << of_week, weekday(first)) & bits(1, month_length(year, month));
                let slow = (1..=month_length(year, month)).filter(|day| weekday(first + day - 1) == of_week);
                assert_eq!(days, slow.fold(0, |set, day| set | 1 << day), "{year}-{month} {of_week}");
            }
        }
    }

    #[test]
    fn working_days_stay_in_their_month() {
        // February 2026 begins and March ends on a Sunday; 2026-08-01 and 2026-01-31 are Saturdays.
        assert_eq!(nearest_working_day(1, 0, 28), 2);
        assert_eq!(nearest_working_day(1, 6, 31), 3);
        assert_eq!(nearest_working_day(31, 4, 31), 30);
        assert_eq!(nearest_working_day(31, 5, 31), 29);
        assert_eq!(nearest_working_day(15, 0, 28), 16);
    }
}
