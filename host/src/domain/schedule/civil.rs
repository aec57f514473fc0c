//! Civil time as plain numbers: days and seconds since 1970-01-01 00:00 on a wall clock.
//!
//! Owns the proleptic Gregorian calendar and nothing else: no zones, no instants. All numbers are
//! `i64`, so that nothing is cast on the way. Read [`super::expression`] for who counts with it.

/// Seconds of a civil day; civil days have no leap seconds and no clock changes.
pub(super) const DAY_SECONDS: i64 = 86_400;

/// The first year schedules know.
pub(super) const FIRST_YEAR: i64 = 1970;

/// The last year schedules know.
pub(super) const LAST_YEAR: i64 = 2199;

/// The last second schedules know: the end of [`LAST_YEAR`] in UTC.
pub(super) const LAST_SECOND: i64 = days_from_civil(LAST_YEAR + 1, 1, 1) * DAY_SECONDS - 1;

/// A date of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
}

/// Days from 1970-01-01 to a date. The era arithmetic of Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", with years that begin in March so that leap days come last.
pub(super) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date that many days after 1970-01-01.
pub(super) const fn civil_from_days(days: i64) -> Date {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400;
    Date { year: if month <= 2 { year + 1 } else { year }, month, day }
}

/// Days of a month, 28 to 31.
pub(super) const fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The weekday of a day: 0 is Sunday, 6 is Saturday.
pub(super) const fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// The first set bit at or after `from`; bits are numbered from 0.
pub(super) fn next_bit(set: u64, from: i64) -> Option<i64> {
    let rest = if from < 64 { set >> from } else { 0 };
    if rest == 0 { None } else { Some(from + i64::from(rest.trailing_zeros())) }
}

/// How many bits below `end` are set.
pub(super) fn bits_below(set: u64, end: i64) -> i64 {
    let below = if end >= 64 { set } else { set & ((1 << end) - 1) };
    i64::from(below.count_ones())
}

/// The bits `low` to `high`, both included; `high` at most 62.
pub(super) const fn bits(low: i64, high: i64) -> u64 {
    ((1 << (high + 1)) - 1) & !((1 << low) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        let mut expected = Date { year: FIRST_YEAR, month: 1, day: 1 };
        for day in 0..=days_from_civil(LAST_YEAR, 12, 31) {
            let date = civil_from_days(day);
            assert_eq!(date, expected);
            assert_eq!(days_from_civil(date.year, date.month, date.day), day);
            assert_eq!(weekday(day), (day + 4) % 7, "1970-01-01 was a Thursday");
            expected.day += 1;
            if expected.day > month_length(expected.year, expected.month) {
                expected = match expected.month {
                    12 => Date { year: expected.year + 1, month: 1, day: 1 },
                    month => Date { month: month + 1, day: 1, ..expected },
                };
            }
        }
        assert_eq!(expected.year, LAST_YEAR + 1);
        assert_eq!(days_from_civil(2000, 2, 29) * DAY_SECONDS, 951_782_400);
    }

    #[test]
    fn bits_are_found_and_counted() {
        assert_eq!(next_bit(0b1010, 2), Some(3));
        assert_eq!(next_bit(0b1010, 4), None);
        assert_eq!(next_bit(u64::MAX, 64), None);
        assert_eq!((bits_below(0b1010, 3), bits_below(0b1010, 4), bits_below(u64::MAX, 64)), (1, 2, 64));
        assert_eq!(bits(1, 3), 0b1110);
    }
}
