//! Schedules, evaluated exactly: crontab expressions, intervals and single instants in a zone.
//!
//! This module answers *when*; it reads no clock, does no I/O and knows no routine. Instants are
//! [`Timestamp`](super::time::Timestamp)s, zones come from the tz database built into the binary.
//! Read [`plan`](Schedule) first, then `expression` (what matches on a wall clock) and `firing`
//! (what clock changes do to it). What expressions mean, for their writers: `specs/ROUTINES_CRON.md`.

mod plan;
mod preview;
mod meaning;
mod jitter;

mod fault;
mod field;
mod parse;
mod item;

mod expression;
mod days;
mod calendar;
mod firing;
mod interval;
mod zone;
mod civil;

pub use calendar::{Calendar, EXCLUSIONS_MAX};
pub use expression::Expression;
pub use fault::{ExpressionFault, ScheduleFault};
pub use field::Field;
pub use jitter::{JITTER_MAX_MS, jitter_of};
pub use parse::EXPRESSION_MAX_BYTES;
pub use plan::{INTERVAL_MAX_MS, INTERVAL_MIN_MS, Occurrences, Schedule, Timing};
pub use preview::PreviewLine;
pub use zone::Zone;
