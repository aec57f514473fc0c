//! Events: what a mission is told (its history), and what the log tells the world.

use super::artifact::{ArtifactRef, Digest};
use super::gate::{GateName, Outcome};
use super::id::{EvaluationId, EventId, MissionId, RunId, VerdictId, WorkItemId, WorkspaceId};
use super::json::Json;
use super::resource::ResourceKey;
use super::run::RunStatus;
use super::time::Timestamp;
use super::word::words;

words! {
    /// What a mission can be told.
    InputKind {
        /// It came to be; `data` is the whole request. Only the host says so, and first.
        MissionCreated = "mission_created",
        /// Somebody started it.
        MissionStarted = "mission_started",
        /// Somebody paused it.
        MissionPaused = "mission_paused",
        /// Somebody resumed it.
        MissionResumed = "mission_resumed",
        /// Somebody called it off.
        MissionCanceled = "mission_canceled",
        /// A worker took a run. Only the host says so.
        RunClaimed = "run_claimed",
        /// A worker began.
        RunStarted = "run_started",
        /// A run reached a final status. Only the host says so.
        RunFinished = "run_finished",
        /// A run lost its worker and is queued again. Only the host says so.
        RunInterrupted = "run_interrupted",
        /// A worker's tool call was seen.
        ToolObserved = "tool_observed",
        /// A gate answered. Only the host says so.
        GateVerdict = "gate_verdict",
        /// A person said yes. Only the host says so.
        ApprovalGranted = "approval_granted",
        /// A person said no. Only the host says so.
        ApprovalDenied = "approval_denied",
        /// Nobody answered in time. Only the host says so.
        ApprovalExpired = "approval_expired",
        /// A timer is due, or somebody who may control the mission says so.
        TimerFired = "timer_fired",
        /// It is pinned to another reducer, which is not told. Only the host says so.
        ReducerChanged = "reducer_changed",
        /// A shared resource changed.
        ResourceChanged = "resource_changed",
        /// Somebody proposes more work.
        WorkItemsProposed = "work_items_proposed",
    }
}

/// Something a mission is told. Host-made inputs wait as rows of the mission's inbox, written
/// in the transaction of what they tell, so that a crash between the two loses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its id (UUIDv7: sorts by when it was made).
    pub id: EventId,
    /// Whose mission.
    pub workspace_id: WorkspaceId,
    /// The mission.
    pub mission_id: MissionId,
    /// What happened.
    pub kind: InputKind,
    /// The item it is about.
    pub work_item_id: Option<WorkItemId>,
    /// The run it is about.
    pub run_id: Option<RunId>,
    /// JSON object: the particulars.
    pub data: Json,
    /// When it was recorded.
    pub occurred_at: Timestamp,
    /// Who caused it: a principal, or `system.<part>`.
    pub actor: String,
}

/// What an input says, read from its JSON: the part of it that the host itself acts on before
/// the reducer is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Somebody started the mission.
    MissionStarted,
    /// Somebody paused it.
    MissionPaused,
    /// Somebody resumed it.
    MissionResumed,
    /// Somebody called it off.
    MissionCanceled,
    /// A worker took a run.
    RunClaimed(RunId),
    /// A run reached a final status.
    RunFinished {
        /// The run.
        run_id: RunId,
        /// Which.
        status: RunStatus,
        /// One line from its worker.
        summary: Option<String>,
        /// The worker's answer in full.
        output: Option<String>,
        /// Why the host ended it, when it did.
        reason: Option<String>,
        /// What it left.
        artifacts: Vec<ArtifactRef>,
    },
    /// A run lost its worker and is queued again.
    RunInterrupted {
        /// The run.
        run_id: RunId,
        /// How often that has happened to it; a worker that never began makes it no more.
        interruptions: u32,
    },
    /// A worker's tool call was seen.
    ToolObserved,
    /// A gate answered.
    GateVerdict {
        /// The item.
        work_item_id: WorkItemId,
        /// The gate.
        gate: GateName,
        /// The request it answers.
        evaluation_id: EvaluationId,
        /// The verdict.
        verdict_id: VerdictId,
        /// How it decided.
        outcome: Outcome,
    },
    /// A person overrode a gate that needed one.
    GateApproved {
        /// The item.
        work_item_id: WorkItemId,
        /// The gate.
        gate: GateName,
        /// The verdict that asked for a person.
        verdict_id: VerdictId,
        /// What the person was asked about.
        artifact_set: Digest,
    },
    /// Nothing the host acts on; the reducer alone decides.
    Told,
}

words! {
    /// What became of an input.
    Disposition {
        /// Its commands were applied.
        Applied = "applied",
        /// The reducer failed or one of its commands was illegal; nothing was applied.
        Refused = "refused",
    }
}

/// One entry of a mission's history: an input, what the reducer made of it, and what became
/// of that. Written once, never changed; the whole board can be rebuilt from these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Whose mission.
    pub workspace_id: WorkspaceId,
    /// The mission.
    pub mission_id: MissionId,
    /// Position from 0, without holes: the mission's revision when the input was taken up.
    pub seq: u64,
    /// The input's id.
    pub event_id: EventId,
    /// The input's kind.
    pub kind: InputKind,
    /// The item it is about.
    pub work_item_id: Option<WorkItemId>,
    /// The run it is about.
    pub run_id: Option<RunId>,
    /// JSON object: the particulars.
    pub data: Json,
    /// When it was recorded.
    pub occurred_at: Timestamp,
    /// Who caused it.
    pub actor: String,
    /// JSON array: the commands in the order issued.
    pub commands: Json,
    /// JSON array of texts: the ids the host chose while applying them, in order.
    pub assigned_ids: Json,
    /// What became of it.
    pub disposition: Disposition,
    /// JSON object `{"code","message","command_index"?}` when refused.
    pub refusal: Option<Json>,
    /// Digest of the reducer that was called.
    pub reducer_digest: String,
    /// Fuel the call used; it differs between engine versions and is no part of a replay.
    pub fuel: u64,
}

/// An event of the log that is still to be written; the store gives it its `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogEvent {
    /// Its id.
    pub event_id: EventId,
    /// Dotted type, such as `mission.work_item.updated`.
    pub event_type: String,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The session it belongs to.
    pub session_id: Option<String>,
    /// The run it is about.
    pub run_id: Option<RunId>,
    /// The mission it is about.
    pub mission_id: Option<MissionId>,
    /// The key of the shared resource it is about.
    pub resource_key: Option<ResourceKey>,
    /// Who caused it.
    pub actor: String,
    /// When.
    pub occurred_at: Timestamp,
    /// JSON object.
    pub properties: Json,
}

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Its place in the database's one order.
    pub seq: u64,
    /// The event.
    pub event: NewLogEvent,
}
