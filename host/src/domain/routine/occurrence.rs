//! An occurrence: one time that a routine fired, was asked to, or should have.

use super::slot::Slot;
use crate::domain::artifact::Digest;
use crate::domain::id::{ApprovalId, EventId, MissionId, OccurrenceId, RoutineId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::time::Timestamp;
use crate::domain::word::words;

words! {
    /// Why an occurrence is there.
    Trigger {
        /// The schedule, on time.
        Schedule = "schedule",
        /// The schedule, too late: the misfire policy kept it.
        CatchUp = "catch_up",
        /// Somebody asked for one.
        RunNow = "run_now",
        /// Somebody asked for those of the past.
        Backfill = "backfill",
    }
}

words! {
    /// Where an occurrence stands.
    OccurrenceState {
        /// It waits: for its mission to begin or, without a mission, for its predecessor to end.
        Queued = "queued",
        /// Its mission waits for a person to say yes.
        ApprovalRequired = "approval_required",
        /// Its mission runs.
        Running = "running",
        /// Its mission is paused.
        Paused = "paused",
        /// Its mission succeeded. Final.
        Succeeded = "succeeded",
        /// Its mission failed, or none could be made. Final.
        Failed = "failed",
        /// Called off. Final.
        Canceled = "canceled",
        /// An earlier one was not over, and the overlap policy drops it. Final.
        Skipped = "skipped",
        /// It was too late, and the misfire policy drops it; the row may stand for many. Final.
        Missed = "missed",
        /// It would reach the outside world and its routine may not. Final.
        Blocked = "blocked",
        /// A person said no, or nobody answered in time. Final.
        Denied = "denied",
    }
}

impl OccurrenceState {
    /// Whether it is not over yet.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::ApprovalRequired | Self::Running | Self::Paused)
    }
}

/// An occurrence of a routine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The routine, which may be gone by now.
    pub routine_id: RoutineId,
    /// Its place: unique within the routine.
    pub slot: Slot,
    /// Its id: the run, in the words of the routine's callers.
    pub id: OccurrenceId,
    /// The instant it is written for, without jitter; when it was asked for, for `run_now`.
    pub scheduled_at: Timestamp,
    /// That instant on the wall clock of its zone, RFC 3339.
    pub local: String,
    /// The zone.
    pub zone: String,
    /// The version of the tz database by which that is so.
    pub tzdata: String,
    /// Why it is there.
    pub trigger: Trigger,
    /// Where it stands.
    pub state: OccurrenceState,
    /// Why it stands there.
    pub reason: Option<String>,
    /// Milliseconds from when it was due, jitter included, until it was dealt with.
    pub lateness_ms: u64,
    /// How many missed occurrences it stands for; a `missed` one for itself at least.
    pub missed_count: Option<u64>,
    /// The instant of the first of those.
    pub missed_since: Option<Timestamp>,
    /// The routine's edition it fired under.
    pub edition: u64,
    /// The content of the template that its mission was made of, if it was.
    pub template: Option<Digest>,
    /// The mission that does its work.
    pub mission_id: Option<MissionId>,
    /// The question that it waits, or waited, for.
    pub approval_id: Option<ApprovalId>,
    /// When it was dealt with.
    pub fired_at: Timestamp,
    /// When its mission began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// It is over and its routine has yet to hear of it: failures are counted, and what waits
    /// behind it starts. Whoever does that clears it, in the same unit.
    pub untold: bool,
    /// Guards every write.
    pub revision: u64,
}

words! {
    /// What a routine's history tells.
    HistoryEvent {
        /// It was made.
        Created = "created",
        /// Its settings or its status changed.
        Updated = "updated",
        /// It was deleted.
        Deleted = "deleted",
        /// An occurrence fired.
        Fired = "fired",
        /// An occurrence waits for a person.
        ApprovalRequired = "approval_required",
        /// An occurrence was blocked by policy.
        Blocked = "blocked",
        /// Occurrences were missed, or dropped because an earlier one was not over.
        Missed = "missed",
        /// An occurrence is over.
        Finished = "finished",
    }
}

/// One line of a routine's history. Written once, with what it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutineEntry {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// The routine.
    pub routine_id: RoutineId,
    /// Its id (UUIDv7: sorts by when it was made).
    pub id: EventId,
    /// What happened.
    pub event: HistoryEvent,
    /// When.
    pub at: Timestamp,
    /// The occurrence it is about.
    pub run_id: Option<OccurrenceId>,
    /// The instant that is written for.
    pub scheduled_at: Option<Timestamp>,
    /// Why that is there.
    pub trigger: Option<Trigger>,
    /// Who caused it.
    pub actor: String,
    /// JSON object: the particulars, such as `reason`, `missed_count`, `status`.
    pub detail: Json,
}
