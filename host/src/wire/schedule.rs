//! Schedules: requests read into what the domain evaluates, and shown again.
//!
//! What is wrong is told with the member it stands in; of expressions also the byte. Read
//! [`crate::domain::schedule`] for what a schedule means.

use sluice_api::schedule::{CronView, FireView, IntervalView, OnceView, PreviewAnswer, ScheduleGiven, ScheduleView};

use super::mission::FieldError;
use crate::domain::routine::ScheduleSpec;
use crate::domain::schedule::{Calendar, ExpressionFault, PreviewLine, Schedule, ScheduleFault, Timing, Zone};
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
                ScheduleFault::TooLate { .. } => {
                    "instants are milliseconds since 1970, and the calendar ends with 2199"
                }
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

/// Reads a schedule; an interval without an anchor counts from `anchor`.
///
/// # Errors
/// The first member at fault.
pub fn read_schedule(terms: ScheduleTerms<'_>, anchor: Timestamp) -> Result<Schedule, ScheduleProblem> {
    let is_text = matches!(terms.schedule, ScheduleGiven::Expression(_));
    let wrong = |fault| in_member(fault, is_text);
    let zone = Zone::named(terms.timezone.unwrap_or(ZONE_DEFAULT)).map_err(wrong)?;
    let schedule = schedule_spec(terms.schedule)?.plan(zone, anchor).map_err(wrong)?;
    let (starts_at, ends_at) = (terms.starts_at_ms.map(Timestamp), terms.ends_at_ms.map(Timestamp));
    let schedule = schedule.between(starts_at, ends_at).map_err(wrong)?;
    let exclude = Calendar::parse(terms.exclude.iter().map(String::as_str)).map_err(wrong)?;
    Ok(schedule.without(exclude))
}

/// What repeats, as written and unchecked.
///
/// # Errors
/// When it is not said, or twice.
pub(super) fn schedule_spec(given: &ScheduleGiven) -> Result<ScheduleSpec, FieldError> {
    let said = match given {
        ScheduleGiven::Expression(text) => return Ok(ScheduleSpec::Cron { expression: text.clone() }),
        ScheduleGiven::Said(said) => said,
    };
    match (&said.cron, &said.interval_seconds, &said.once) {
        (Some(cron), None, None) => Ok(ScheduleSpec::Cron { expression: cron.expression.clone() }),
        (None, Some(interval), None) => Ok(ScheduleSpec::Interval {
            every_ms: interval.seconds.saturating_mul(1_000),
            anchor: interval.anchor_ms.map(Timestamp),
        }),
        (None, None, Some(once)) => Ok(ScheduleSpec::Once { at: Timestamp(once.at_ms) }),
        _ => Err(FieldError::new("schedule", "takes exactly one of `cron`, `interval_seconds` and `once`")),
    }
}

/// A fault with the member it stands in; an expression may stand alone, as text.
fn in_member(fault: ScheduleFault, is_text: bool) -> ScheduleProblem {
    let field = match &fault {
        ScheduleFault::Expression(_) if is_text => "schedule",
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

impl From<ScheduleFault> for ScheduleProblem {
    fn from(fault: ScheduleFault) -> Self {
        in_member(fault, false)
    }
}

/// What repeats, as every answer shows it; `anchor` is that of an interval that names none.
pub fn schedule_view(spec: &ScheduleSpec, anchor: Timestamp) -> ScheduleView {
    let none = ScheduleView::default();
    match spec {
        ScheduleSpec::Cron { expression } => {
            ScheduleView { cron: Some(CronView { expression: expression.clone() }), ..none }
        }
        ScheduleSpec::Interval { every_ms, anchor: given } => {
            let anchor_ms = Some(given.unwrap_or(anchor).as_millis());
            ScheduleView { interval_seconds: Some(IntervalView { seconds: every_ms / 1_000, anchor_ms }), ..none }
        }
        ScheduleSpec::Once { at } => ScheduleView { once: Some(OnceView { at_ms: at.as_millis() }), ..none },
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

    fn shown(text: &str) -> ScheduleView {
        schedule_view(&schedule_spec(&serde_json::from_str(text).unwrap()).unwrap(), Timestamp(60_000))
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
            assert_eq!(serde_json::to_string(&shown(text)).unwrap(), text);
        }
        assert_eq!(shown(r#""@daily""#).cron.unwrap().expression, "@daily");
        let every = shown(r#"{"interval_seconds":{"seconds":1}}"#);
        assert_eq!(every.interval_seconds.unwrap().anchor_ms, Some(60_000), "it counts from now");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_member() {
        for (text, wrong) in [
            (r#""30 25 * * *""#, "schedule"),
            (r#"{"cron":{"expression":"0 0 30 2 *"}}"#, "schedule.cron.expression"),
            (r#"{"interval_seconds":{"seconds":0}}"#, "schedule.interval_seconds.seconds"),
            (r#"{"interval_seconds":{"seconds":18446744073709551615}}"#, "schedule.interval_seconds.seconds"),
            (
                r#"{"interval_seconds":{"seconds":5,"anchor_ms":9000000000000000000}}"#,
                "schedule.interval_seconds.anchor_ms",
            ),
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
