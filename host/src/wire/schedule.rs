//! Schedules: requests read into what the domain evaluates, and shown again.
//!
//! What is wrong is told with the member it stands in; of expressions also the byte. Read
//! [`crate::domain::schedule`] for what a schedule means.

use sluice_api::schedule::{CronView, FireView, IntervalView, OnceView, PreviewAnswer, ScheduleGiven, ScheduleView};

use super::mission::FieldError;
use crate::domain::schedule::{
    Calendar, Expression, ExpressionFault, PreviewLine, Schedule, ScheduleFault, Timing, Zone,
};
use crate::domain::time::Timestamp;

/// The zone of a schedule that names none.
pub const ZONE_DEFAULT: &str = "UTC";

/// Why a schedule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleProblem {
    /// It does not say what repeats.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// What it says cannot be.
    #[error("{field}: {fault}")]
    Fault {
        /// The member: `schedule.cron.expression`.
        field: String,
        /// What is wrong with it.
        fault: ScheduleFault,
    },
}

impl ScheduleProblem {
    /// The fault of an expression, when that is what is wrong.
    pub fn expression(&self) -> Option<&ExpressionFault> {
        match self {
            Self::Fault { fault: ScheduleFault::Expression(fault), .. } => Some(fault),
            _ => None,
        }
    }

    /// What is wrong with it, and what would be right.
    pub fn problem(&self) -> String {
        match self {
            Self::Field(error) => error.message.clone(),
            Self::Fault { fault: ScheduleFault::Expression(fault), .. } => fault.right.clone(),
            Self::Fault { fault, .. } => fault.to_string(),
        }
    }

    /// How that part of a schedule is meant.
    pub fn meaning(&self) -> String {
        let text = match self {
            Self::Field(_) => "`schedule` is a crontab expression, or has one of `cron`, `interval_seconds` and `once`",
            Self::Fault { fault, .. } => match fault {
                ScheduleFault::Expression(fault) => return meaning_of_field(fault),
                ScheduleFault::UnknownZone { .. } => {
                    "an expression is read on the clock of a zone of the tz database, such as Europe/Paris"
                }
                ScheduleFault::Interval { .. } => {
                    "an interval is real time from its anchor on; clock changes do not matter"
                }
                ScheduleFault::TooLate { .. } => "instants are milliseconds since 1970, and the calendar ends with 2199",
                ScheduleFault::EndBeforeStart { .. } => "occurrences at the start and at the end count",
                ScheduleFault::Jitter { .. } => "a routine fires by this much later than written, at most",
                ScheduleFault::Exclusion { .. } | ScheduleFault::TooManyExclusions { .. } => {
                    "2026-12-24 leaves out one date, 12-25 that date of every year"
                }
            },
        };
        text.to_owned()
    }
}

/// What the field at fault may hold; of six and seven fields, which field comes first.
fn meaning_of_field(fault: &ExpressionFault) -> String {
    let five = "five fields: minute, hour, day of month, month, day of week; six begin with seconds, seven end with \
                years";
    let field = fault.field.map_or_else(|| five.to_owned(), |field| format!("{}: {}", field.name(), field.rule()));
    fault.note.as_ref().map_or_else(|| field.clone(), |note| format!("{field}; {note}"))
}

/// All that a request says about when.
#[derive(Debug, Clone, Copy)]
pub struct ScheduleTerms<'r> {
    /// What repeats.
    pub schedule: &'r ScheduleGiven,
    /// The zone; [`ZONE_DEFAULT`] without.
    pub timezone: Option<&'r str>,
    /// Dates left out.
    pub exclude: &'r [String],
    /// No occurrence before this.
    pub starts_at_ms: Option<u64>,
    /// No occurrence after this.
    pub ends_at_ms: Option<u64>,
}

/// Reads a schedule; an interval without an anchor counts from `now`.
///
/// # Errors
/// The first member at fault.
pub fn read_schedule(terms: ScheduleTerms<'_>, now: Timestamp) -> Result<Schedule, ScheduleProblem> {
    let zone = Zone::named(terms.timezone.unwrap_or(ZONE_DEFAULT)).map_err(in_member)?;
    let schedule = Schedule::new(read_timing(terms.schedule, now)?, zone).map_err(in_member)?;
    let (starts_at, ends_at) = (terms.starts_at_ms.map(Timestamp), terms.ends_at_ms.map(Timestamp));
    let schedule = schedule.between(starts_at, ends_at).map_err(in_member)?;
    let exclude = Calendar::parse(terms.exclude.iter().map(String::as_str)).map_err(in_member)?;
    Ok(schedule.without(exclude))
}

/// A fault with the member it stands in.
fn in_member(fault: ScheduleFault) -> ScheduleProblem {
    let field = match &fault {
        ScheduleFault::Expression(_) => "schedule.cron.expression",
        ScheduleFault::UnknownZone { .. } => "timezone",
        ScheduleFault::Interval { .. } => "schedule.interval_seconds.seconds",
        ScheduleFault::TooLate { member: "anchor_ms", .. } => "schedule.interval_seconds.anchor_ms",
        ScheduleFault::TooLate { member: "at_ms", .. } => "schedule.once.at_ms",
        ScheduleFault::TooLate { member, .. } => member,
        ScheduleFault::EndBeforeStart { .. } => "ends_at_ms",
        ScheduleFault::Jitter { .. } => "jitter_ms",
        ScheduleFault::Exclusion { .. } | ScheduleFault::TooManyExclusions { .. } => "exclude",
    };
    ScheduleProblem::Fault { field: field.to_owned(), fault }
}

fn read_timing(given: &ScheduleGiven, now: Timestamp) -> Result<Timing, ScheduleProblem> {
    let said = match given {
        ScheduleGiven::Expression(text) => {
            let read = Expression::parse(text);
            let wrong = |fault: ExpressionFault| ScheduleProblem::Fault { field: "schedule".to_owned(), fault: fault.into() };
            return Ok(Timing::Cron { expression: read.map_err(wrong)? });
        }
        ScheduleGiven::Said(said) => said,
    };
    match (&said.cron, &said.interval_seconds, &said.once) {
        (Some(cron), None, None) => {
            let read = Expression::parse(&cron.expression);
            Ok(Timing::Cron { expression: read.map_err(|fault| in_member(fault.into()))? })
        }
        (None, Some(interval), None) => {
            let anchor = interval.anchor_ms.map_or(now, Timestamp);
            Ok(Timing::Every { every_ms: interval.seconds.saturating_mul(1_000), anchor })
        }
        (None, None, Some(once)) => Ok(Timing::At { instant: Timestamp(once.at_ms) }),
        _ => Err(FieldError::new("schedule", "takes exactly one of `cron`, `interval_seconds` and `once`").into()),
    }
}

/// What repeats, as every answer shows it.
pub fn schedule_view(schedule: &Schedule) -> ScheduleView {
    let none = ScheduleView::default();
    match schedule.timing() {
        Timing::Cron { expression } => {
            ScheduleView { cron: Some(CronView { expression: expression.to_string() }), ..none }
        }
        Timing::Every { every_ms, anchor } => ScheduleView {
            interval_seconds: Some(IntervalView {
                seconds: every_ms / 1_000,
                anchor_ms: Some(anchor.as_millis()),
            }),
            ..none
        },
        Timing::At { instant } => ScheduleView { once: Some(OnceView { at_ms: instant.as_millis() }), ..none },
    }
}

/// The next `count` occurrences after `after`, and what the schedule means.
pub fn preview_answer(schedule: &Schedule, after: Timestamp, count: usize) -> PreviewAnswer {
    let fires: Vec<FireView> = schedule.preview(after, count).into_iter().map(fire_view).collect();
    let note = match schedule.timing() {
        Timing::Cron { expression } => expression.note().map(str::to_owned),
        Timing::Every { .. } | Timing::At { .. } => None,
    };
    PreviewAnswer {
        count: fires.len(),
        never: fires.is_empty(),
        fires,
        meaning: schedule.meaning(),
        note,
        timezone: schedule.zone().name().to_owned(),
        tzdata: Zone::tzdata_version().to_owned(),
    }
}

fn fire_view(line: PreviewLine) -> FireView {
    let PreviewLine { at, utc, local, offset_seconds: _, abbreviation, remark } = line;
    FireView { at_ms: at.as_millis(), local, utc, abbreviation, remark }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(schedule: &ScheduleGiven) -> ScheduleTerms<'_> {
        ScheduleTerms { schedule, timezone: None, exclude: &[], starts_at_ms: None, ends_at_ms: None }
    }

    fn read(text: &str) -> Result<Schedule, ScheduleProblem> {
        let given: ScheduleGiven = serde_json::from_str(text).unwrap();
        read_schedule(terms(&given), Timestamp(60_000))
    }

    fn field(text: &str) -> String {
        match read(text).unwrap_err() {
            ScheduleProblem::Field(error) => error.field,
            ScheduleProblem::Fault { field, .. } => field,
        }
    }

    #[test]
    fn what_was_said_is_shown_again() {
        for text in [
            r#"{"cron":{"expression":"*/5 * * * *"}}"#,
            r#"{"interval_seconds":{"seconds":90,"anchor_ms":5}}"#,
            r#"{"once":{"at_ms":1}}"#,
        ] {
            assert_eq!(serde_json::to_string(&schedule_view(&read(text).unwrap())).unwrap(), text);
        }
        assert_eq!(schedule_view(&read(r#""@daily""#).unwrap()).cron.unwrap().expression, "@daily");
        let every = schedule_view(&read(r#"{"interval_seconds":{"seconds":1}}"#).unwrap());
        assert_eq!(every.interval_seconds.unwrap().anchor_ms, Some(60_000), "it counts from now");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_member() {
        for (text, wrong) in [
            (r#""30 25 * * *""#, "schedule"),
            (r#"{"cron":{"expression":"0 0 30 2 *"}}"#, "schedule.cron.expression"),
            (r#"{"interval_seconds":{"seconds":0}}"#, "schedule.interval_seconds.seconds"),
            (r#"{"interval_seconds":{"seconds":18446744073709551615}}"#, "schedule.interval_seconds.seconds"),
            (r#"{"interval_seconds":{"seconds":5,"anchor_ms":9000000000000000000}}"#, "schedule.interval_seconds.anchor_ms"),
            (r#"{"once":{"at_ms":7258118400000}}"#, "schedule.once.at_ms"),
            ("{}", "schedule"),
            (r#"{"once":{"at_ms":5},"cron":{"expression":"@daily"}}"#, "schedule"),
        ] {
            assert_eq!(field(text), wrong, "{text}");
        }
        let six = read(r#""99 0 9 * * 1""#).unwrap_err();
        assert_eq!(six.expression().map(|fault| fault.at), Some(0));
        assert!(six.meaning().starts_with("second: a second is 0 to 59; "), "{}", six.meaning());
    }
}
