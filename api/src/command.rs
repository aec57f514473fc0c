//! Commands as history and answers show them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A command as its reducer issued it. Content of artifacts is told by digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CommandView {
    /// Adds an item in `todo`.
    AddWorkItem {
        /// The item's id.
        work_item_id: String,
        /// The rest of its specification.
        data: Value,
    },
    /// Moves an item.
    SetWorkItemStatus {
        /// The item.
        work_item_id: String,
        /// Where to.
        status: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Queues a run.
    StartRun {
        /// The item; none for the planner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        work_item_id: Option<String>,
        /// `prompt`, `not_before_ms`.
        data: Value,
    },
    /// Withdraws a run.
    CancelRun {
        /// The run.
        run_id: String,
        /// Why.
        reason: String,
    },
    /// Asks for a verdict.
    RequestGate {
        /// The item.
        work_item_id: String,
        /// The gate.
        gate: String,
    },
    /// Asks a person.
    RequestApproval {
        /// The item it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        work_item_id: Option<String>,
        /// `gate` or the reducer's own.
        kind: String,
        /// One line.
        summary: String,
        /// The particulars.
        data: Value,
    },
    /// Keeps content.
    PersistArtifact {
        /// File name.
        name: String,
        /// What it is.
        kind: String,
        /// Media type.
        media_type: String,
        /// Length in bytes.
        size: u64,
        /// SHA-256 of the content.
        digest: String,
    },
    /// Has `timer_fired` arrive.
    ScheduleTimer {
        /// Its key.
        key: String,
        /// When.
        due_at_ms: u64,
        /// Handed back.
        data: Value,
    },
    /// Moves the mission.
    SetMissionStatus {
        /// Where to.
        status: String,
        /// `reason`, `phase`.
        data: Value,
    },
    /// Tells watchers something.
    EmitNotice {
        /// What about.
        kind: String,
        /// The particulars.
        data: Value,
    },
}
