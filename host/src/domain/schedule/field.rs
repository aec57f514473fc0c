//! The fields of an expression: what each is called, may hold, and which names it knows.

/// One field of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Seconds: in expressions of six and seven fields only.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days of the month.
    DayOfMonth,
    /// Months.
    Month,
    /// Days of the week.
    DayOfWeek,
    /// Years: in expressions of seven fields only.
    Year,
}

/// Names of months; the first is month 1.
pub(super) const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Names of weekdays; the first is day 0.
pub(super) const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Field {
    /// The fields of crontab(5), in order.
    pub const FIVE: [Self; 5] = [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    /// The fields of an expression of six: seconds come first.
    pub const SIX: [Self; 6] = [Self::Second, Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    /// The fields of an expression of seven: seconds come first, years last.
    pub const SEVEN: [Self; 7] =
        [Self::Second, Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek, Self::Year];

    /// What it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
            Self::Year => "year",
        }
    }

    /// The lowest and the highest number.
    pub fn range(self) -> (i64, i64) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 7),
            Self::Year => (super::civil::FIRST_YEAR, super::civil::LAST_YEAR),
        }
    }

    /// What would be right: `a day of month is 1 to 31`.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Second => "a second is 0 to 59",
            Self::Minute => "a minute is 0 to 59",
            Self::Hour => "an hour is 0 to 23",
            Self::DayOfMonth => "a day of month is 1 to 31",
            Self::Month => "a month is 1 to 12 or jan to dec",
            Self::DayOfWeek => "a day of week is 0 to 7 (0 and 7 are Sunday) or sun to sat",
            Self::Year => "a year is 1970 to 2199",
        }
    }

    /// The number that a name of this field stands for; capitals do not matter.
    pub(super) fn number_of(self, name: &str) -> Option<i64> {
        let (names, first) = match self {
            Self::Month => (&MONTHS[..], 1),
            Self::DayOfWeek => (&WEEKDAYS[..], 0),
            _ => return None,
        };
        (first..).zip(names).find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(number, _)| number)
    }
}
