//! Routines: work that is done again and again, when a schedule says so.
//!
//! This module owns what a routine and its occurrences *are*, and the decision which occurrences
//! are due ([`due`]). It reads no clock and fires nothing: time comes in, the engine's `routines`
//! carry out. When a schedule happens at all is [`super::schedule`]'s.

mod due;
mod occurrence;
mod overlap;
mod policies;
mod settings;
mod slot;

use super::artifact::Digest;
use super::id::{OccurrenceId, RoutineId, WorkspaceId};
use super::time::Timestamp;
use super::word::words;

pub use due::{DropReason, Dropped, Due, FIRES_MAX, Firing, due};
pub use occurrence::{HistoryEvent, Occurrence, OccurrenceState, RoutineEntry, Trigger};
pub use overlap::{Placement, may_start, place};
pub use policies::{
    ALLOW_MAX_DEFAULT, CATCH_UP_MAX, GRACE_DEFAULT_MS, GRACE_MAX_MS, Misfire, OPEN_MAX, Overlap, QUEUE_MAX_DEFAULT,
    WINDOW_DEFAULT_MS, WINDOW_MAX_MS,
};
pub use settings::{RoutineSettings, ScheduleSpec};
pub use slot::Slot;

/// Longest id that a caller may choose for a routine, in bytes.
pub const ROUTINE_ID_MAX_BYTES: usize = 64;

/// Names below `/routines` that are no routine's.
pub const RESERVED_IDS: [&str; 4] = ["runs", "events", "preview", "templates"];

words! {
    /// Where a routine stands.
    RoutineStatus {
        /// It fires.
        Enabled = "enabled",
        /// A draft: it never fired, or somebody took it out of use.
        Disabled = "disabled",
        /// It fires no more until somebody resumes it.
        Paused = "paused",
    }
}

words! {
    /// Who made a routine.
    CreatorType {
        /// A person, or somebody who acts for one.
        User = "user",
        /// A program. What it makes is a draft until a person enables it.
        Agent = "agent",
    }
}

/// A routine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: RoutineId,
    /// Where it stands.
    pub status: RoutineStatus,
    /// Why it stands there, when the host or a person said so.
    pub status_reason: Option<String>,
    /// What its author says.
    pub settings: RoutineSettings,
    /// Whether it reaches the outside world, as its settings say. Computed when they are saved.
    pub external_side_effects: bool,
    /// The content of the template that its entrypoint named when it was saved; nothing when it names
    /// none. What is carried out is what the template says as it fires.
    pub template: Option<Digest>,
    /// What its maker says made it; what an agent's token makes is an agent's.
    pub creator_type: CreatorType,
    /// Who made it, in its maker's words. A label: no right comes of it.
    pub creator_id: String,
    /// The principal whose it is: who made it, or the agent that a user made it for.
    pub owner: String,
    /// Grows by one each time its settings change; an approval is about one edition.
    pub edition: u64,
    /// Occurrences up to this written instant are dealt with. Written by whoever fires, and by
    /// saving and resuming; never goes back while it fires.
    pub cursor: Timestamp,
    /// When it fires next, its jitter included; nothing when it never does, or does not now.
    pub next_fire_at: Option<Timestamp>,
    /// The written instant of the occurrence that fired last.
    pub last_fired_at: Option<Timestamp>,
    /// The occurrence that fired last.
    pub last_run: Option<OccurrenceId>,
    /// How many of its latest occurrences failed, one after the other.
    pub failures_in_a_row: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings or its status last changed.
    pub updated_at: Timestamp,
    /// Guards every write.
    pub revision: u64,
}

/// Why a text cannot be a routine's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoutineId {
    /// Other characters, or too many.
    #[error(
        "a routine's id has 1 to {ROUTINE_ID_MAX_BYTES} characters of a-z 0-9 . _ -, and begins with a letter or digit"
    )]
    Characters,
    /// It means something else in a path.
    #[error("`{0}` is no routine's id: it means something else in a path")]
    Reserved(String),
}

/// Checks an id that a caller chose.
///
/// # Errors
/// [`InvalidRoutineId`] unless it has 1 to 64 characters of `a-z0-9._-`, begins with a letter or
/// digit and is none of [`RESERVED_IDS`].
pub fn check_id(text: &str) -> Result<(), InvalidRoutineId> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let begins = text.bytes().next().is_some_and(is_plain);
    if !begins || text.len() > ROUTINE_ID_MAX_BYTES || !text.bytes().all(|b| is_plain(b) || b"._-".contains(&b)) {
        return Err(InvalidRoutineId::Characters);
    }
    if RESERVED_IDS.contains(&text) {
        return Err(InvalidRoutineId::Reserved(text.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_mean_something_else_are_refused() {
        for bad in ["", "Daily", ".a", "-a", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(check_id(bad), Err(InvalidRoutineId::Characters), "{bad:?}");
        }
        for bad in RESERVED_IDS {
            assert_eq!(check_id(bad), Err(InvalidRoutineId::Reserved(bad.to_owned())));
        }
        for good in ["a", "daily-digest", "0.a_b", &"x".repeat(64)] {
            assert_eq!(check_id(good), Ok(()), "{good:?}");
        }
    }
}
