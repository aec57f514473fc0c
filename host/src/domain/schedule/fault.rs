//! Why a schedule is refused: always with the place, what was read there and what would be right.

use super::field::Field;

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}`{read}` at byte {at}: {right}{}", self.field_prefix(), self.note_suffix())]
pub struct ExpressionFault {
    /// Where the wrong part begins: a byte of the text as it was given, from 0. The text's length
    /// where something is missing at its end.
    pub at: usize,
    /// The field it stands in; none when the whole text is meant.
    pub field: Option<Field>,
    /// What was read there, at most 40 bytes of it.
    pub read: String,
    /// What is wrong with it and what would be right: `a day of month is 1 to 31`.
    pub right: String,
    /// For six and seven fields: that the first is seconds, and how five fields would be read.
    pub note: Option<String>,
}

impl ExpressionFault {
    fn field_prefix(&self) -> String {
        self.field.map_or_else(String::new, |field| format!("{}: ", field.name()))
    }

    fn note_suffix(&self) -> String {
        self.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"))
    }
}

/// Why a schedule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// The expression is not one.
    #[error("the expression cannot be read: {0}")]
    Expression(#[from] ExpressionFault),
    /// No such zone.
    #[error("there is no time zone `{given}`; {advice}")]
    UnknownZone {
        /// The name that was given, at most 64 bytes of it.
        given: String,
        /// The nearest name there is, when one is near.
        nearest: Option<String>,
        /// What would be right.
        advice: String,
    },
    /// The interval is too short or too long.
    #[error("an interval of {given_ms} ms is out of range; it is {min_ms} to {max_ms} ms")]
    Interval {
        /// What was given.
        given_ms: u64,
        /// The shortest there may be.
        min_ms: u64,
        /// The longest there may be.
        max_ms: u64,
    },
    /// An instant after the end of the calendar.
    #[error("{member} {given_ms} lies after the year 2199; instants are milliseconds since 1970")]
    TooLate {
        /// Which instant.
        member: &'static str,
        /// What was given.
        given_ms: u64,
    },
    /// It would end before it starts.
    #[error("the schedule ends at {ends_at_ms} and starts at {starts_at_ms}; the end comes after the start")]
    EndBeforeStart {
        /// The start that was given.
        starts_at_ms: u64,
        /// The end that was given.
        ends_at_ms: u64,
    },
    /// The jitter is too long.
    #[error("a jitter of {given_ms} ms is too long; it is at most {max_ms} ms")]
    Jitter {
        /// What was given.
        given_ms: u64,
        /// The longest there may be.
        max_ms: u64,
    },
    /// An excluded date is not one.
    #[error("`{given}` is not a date to exclude: {right}")]
    Exclusion {
        /// What was given, at most 40 bytes of it.
        given: String,
        /// What would be right.
        right: String,
    },
    /// Too many excluded dates.
    #[error("{given} excluded dates are too many; there may be {max}")]
    TooManyExclusions {
        /// How many were given.
        given: usize,
        /// How many there may be.
        max: usize,
    },
}

/// At most `max` bytes of `text`, cut between characters.
pub(super) fn shortened(text: &str, max: usize) -> String {
    text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= max).map(|(_, c)| c).collect()
}
