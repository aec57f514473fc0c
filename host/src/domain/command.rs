//! Commands: what a reducer asks for. [`super::rules`] decides whether it may.

use super::gate::GateName;
use super::id::{RunId, VerdictId, WorkItemId};
use super::json::Json;
use super::mission::{MissionStatus, Phase};
use super::time::Timestamp;
use super::work_item::{WorkItemSpec, WorkItemStatus};

/// Most commands one call may issue.
pub const COMMANDS_MAX: usize = 20_000;

/// A command as the reducer issued it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Adds an item in `todo`.
    AddWorkItem {
        /// The item's id.
        id: WorkItemId,
        /// JSON object: the rest of its specification.
        data: Json,
    },
    /// Moves an item.
    SetWorkItemStatus {
        /// The item.
        work_item_id: WorkItemId,
        /// Where to.
        status: WorkItemStatus,
        /// Why.
        reason: Option<String>,
    },
    /// Queues a run of an item, or of the planner.
    StartRun {
        /// The item; none for the planner.
        work_item_id: Option<WorkItemId>,
        /// JSON object: `prompt`, `not_before_ms`.
        data: Json,
    },
    /// Withdraws a run.
    CancelRun {
        /// The run.
        run_id: RunId,
        /// Why.
        reason: String,
    },
    /// Asks for a verdict.
    RequestGate {
        /// The item.
        work_item_id: WorkItemId,
        /// The gate's name as the reducer wrote it.
        gate: String,
    },
    /// Asks a person.
    RequestApproval {
        /// The item it is about.
        work_item_id: Option<WorkItemId>,
        /// `gate` or the reducer's own.
        kind: String,
        /// One line.
        summary: String,
        /// JSON object.
        data: Json,
    },
    /// Keeps content.
    PersistArtifact {
        /// File name.
        name: String,
        /// What it is.
        kind: String,
        /// Media type.
        media_type: String,
        /// The bytes.
        content: Vec<u8>,
    },
    /// Has `timer_fired` arrive.
    ScheduleTimer {
        /// Its key.
        key: String,
        /// When.
        due_at: Timestamp,
        /// JSON object handed back.
        data: Json,
    },
    /// Moves the mission.
    SetMissionStatus {
        /// Where to.
        status: MissionStatus,
        /// JSON object: `reason`, `phase`.
        data: Json,
    },
    /// Tells watchers something.
    EmitNotice {
        /// What about.
        kind: String,
        /// JSON object.
        data: Json,
    },
}

/// A command understood: its JSON read into what the rules judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Add an item.
    AddWorkItem(WorkItemSpec),
    /// Move an item.
    SetWorkItemStatus {
        /// The item.
        work_item_id: WorkItemId,
        /// Where to.
        status: WorkItemStatus,
        /// Why.
        reason: Option<String>,
    },
    /// Queue a run.
    StartRun {
        /// The item; none for the planner.
        work_item_id: Option<WorkItemId>,
        /// What is to be done, in words.
        prompt: String,
        /// Not to be claimed before.
        not_before: Option<Timestamp>,
    },
    /// Withdraw a run.
    CancelRun {
        /// The run.
        run_id: RunId,
        /// Why.
        reason: String,
    },
    /// Ask for a verdict.
    RequestGate {
        /// The item.
        work_item_id: WorkItemId,
        /// The gate.
        gate: GateName,
    },
    /// Ask a person.
    RequestApproval {
        /// The item it is about.
        work_item_id: Option<WorkItemId>,
        /// `gate` or the reducer's own.
        kind: String,
        /// One line.
        summary: String,
        /// JSON object.
        data: Json,
        /// For kind `gate`: which, and the verdict that asked for a person.
        overrides: Option<(GateName, VerdictId)>,
    },
    /// Keep content.
    PersistArtifact {
        /// File name.
        name: String,
        /// What it is.
        kind: String,
        /// Media type.
        media_type: String,
        /// The bytes.
        content: Vec<u8>,
    },
    /// Arm a timer.
    ScheduleTimer {
        /// Its key.
        key: String,
        /// When.
        due_at: Timestamp,
        /// JSON object handed back.
        data: Json,
    },
    /// Move the mission.
    SetMissionStatus {
        /// Where to.
        status: MissionStatus,
        /// Why.
        reason: Option<String>,
        /// What it is about from now on.
        phase: Option<Phase>,
    },
    /// Tell watchers something.
    EmitNotice {
        /// What about.
        kind: String,
        /// JSON object.
        data: Json,
    },
}
