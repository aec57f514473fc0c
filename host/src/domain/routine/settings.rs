//! What the author of a routine says of it.

use std::sync::Arc;

use super::policies::{Misfire, Overlap};
use crate::domain::json::Json;
use crate::domain::mission::Budgets;
use crate::domain::schedule::{Calendar, Expression, JITTER_MAX_MS, Schedule, ScheduleFault, Timing, Zone};
use crate::domain::time::Timestamp;

/// When it happens, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleSpec {
    /// A crontab expression.
    Cron {
        /// As it was written.
        expression: String,
    },
    /// Every so often.
    Interval {
        /// Milliseconds between two occurrences.
        every_ms: u64,
        /// The first; without, the routine's creation.
        anchor: Option<Timestamp>,
    },
    /// Once.
    Once {
        /// When.
        at: Timestamp,
    },
}

/// Everything of a routine that its author may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutineSettings {
    /// One line for people.
    pub name: String,
    /// When.
    pub schedule: ScheduleSpec,
    /// IANA name of the zone it is written for.
    pub timezone: String,
    /// Dates of that zone without occurrences: `2026-12-24`, or `12-25` for every year.
    pub exclude: Vec<String>,
    /// Each occurrence fires up to this many milliseconds after it is written for.
    pub jitter_ms: u64,
    /// Nothing before this.
    pub starts_at: Option<Timestamp>,
    /// Nothing after this.
    pub ends_at: Option<Timestamp>,
    /// What becomes of missed occurrences.
    pub misfire: Misfire,
    /// What becomes of occurrences that would overlap.
    pub overlap: Overlap,
    /// JSON: what is done. A text, `{"run":{..}}` or `{"mission":{..}}`.
    pub entrypoint: Json,
    /// JSON object: with what.
    pub args: Json,
    /// Limits of each occurrence's mission; where the entrypoint names some too, the lower counts.
    pub budgets: Budgets,
    /// What its runs ask to be allowed, beside what the entrypoint names.
    pub capabilities: Vec<String>,
    /// Whether a person has to approve each occurrence that has external side effects.
    pub requires_approval: bool,
    /// Whether it may have external side effects at all.
    pub external_integrations_allowed: bool,
    /// It pauses after this many failures in a row; never without. At least 1.
    pub pause_after_failures: Option<u32>,
}

impl RoutineSettings {
    /// When it happens. `created_at` anchors an interval without an anchor of its own.
    ///
    /// # Errors
    /// [`ScheduleFault`]: the first part at fault.
    pub fn plan(&self, created_at: Timestamp) -> Result<Schedule, ScheduleFault> {
        if self.jitter_ms > JITTER_MAX_MS {
            return Err(ScheduleFault::Jitter { given_ms: self.jitter_ms, max_ms: JITTER_MAX_MS });
        }
        let exclude = Calendar::parse(self.exclude.iter().map(String::as_str))?;
        let schedule = self.schedule.plan(Zone::named(&self.timezone)?, created_at)?;
        Ok(schedule.between(self.starts_at, self.ends_at)?.without(exclude))
    }
}

impl ScheduleSpec {
    /// When it happens in `zone`, without start, end and excluded dates.
    ///
    /// # Errors
    /// [`ScheduleFault`].
    pub fn plan(&self, zone: Arc<Zone>, anchor: Timestamp) -> Result<Schedule, ScheduleFault> {
        let timing = match self {
            Self::Cron { expression } => Timing::Cron { expression: Expression::parse(expression)? },
            Self::Interval { every_ms, anchor: given } => {
                Timing::Every { every_ms: *every_ms, anchor: given.unwrap_or(anchor) }
            }
            Self::Once { at } => Timing::At { instant: *at },
        };
        Schedule::new(timing, zone)
    }
}
