//! Gates: who judges work, how a judgement stands, and what it said.

use super::artifact::Digest;
use super::id::{EvaluationId, MissionId, RunId, VerdictId, WorkItemId, WorkspaceId};
use super::json::Json;
use super::time::Timestamp;
use super::word::words;

words! {
    /// The gates there are. A work item in the status of the same name waits for its verdict.
    GateName {
        /// Reads what was changed.
        Review = "review",
        /// Reads what the tests said.
        Test = "test",
    }
}

words! {
    /// How a gate decided.
    Outcome {
        /// Work may go on.
        Pass = "pass",
        /// Back to rework.
        Fail = "fail",
        /// A person has to decide.
        NeedsHuman = "needs_human",
        /// No decision: the gate failed, and that never lets work pass.
        Error = "error",
    }
}

words! {
    /// How one gate of a work item stands.
    GateStatus {
        /// Asked, not answered.
        Pending = "pending",
        /// Passed by the gate's own verdict.
        Passed = "passed",
        /// Rejected.
        Failed = "failed",
        /// Waits for a person.
        NeedsHuman = "needs_human",
        /// A person overrode `needs_human`.
        Approved = "approved",
        /// The gate could not decide.
        Error = "error",
    }
}

/// How one gate of a work item stands, and on which artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateState {
    /// How it stands.
    pub status: GateStatus,
    /// The request it answers or will answer.
    pub evaluation_id: EvaluationId,
    /// The verdict, once there is one.
    pub verdict_id: Option<VerdictId>,
    /// [`super::artifact::set_digest`] of what is or was judged.
    pub artifact_set: Digest,
    /// Requests since the last run started.
    pub evaluations: u32,
}

words! {
    /// Where a request for a verdict stands.
    EvaluationStatus {
        /// Waits to be evaluated, or is being evaluated.
        Pending = "pending",
        /// Its verdict is written. Final.
        Answered = "answered",
        /// No longer wanted. Final.
        Canceled = "canceled",
    }
}

/// A request for one verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: EvaluationId,
    /// The mission.
    pub mission_id: MissionId,
    /// The work item.
    pub work_item_id: WorkItemId,
    /// The run whose artifacts are judged.
    pub run_id: RunId,
    /// The gate.
    pub gate: GateName,
    /// The attempt.
    pub attempt: u32,
    /// What is judged.
    pub artifact_set: Digest,
    /// Where it stands.
    pub status: EvaluationStatus,
    /// Times the host failed to evaluate it through a fault of its own.
    pub host_faults: u32,
    /// Not to be evaluated before.
    pub not_before: Option<Timestamp>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Guards every write to it.
    pub revision: u64,
}

words! {
    /// How much a finding matters, least first.
    Severity {
        /// Good to know.
        Info = "info",
        /// Should be looked at.
        Warning = "warning",
        /// Must be mended.
        Error = "error",
        /// Must be mended at once.
        Critical = "critical",
    }
}

/// One observation of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence for whoever reworks it.
    pub message: String,
    /// The file.
    pub path: Option<String>,
    /// The line in that file, from 1.
    pub line: Option<u32>,
    /// JSON object: more for programs.
    pub data: Json,
}

/// A gate's answer. Written once, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: VerdictId,
    /// The request it answers.
    pub evaluation_id: EvaluationId,
    /// The mission.
    pub mission_id: MissionId,
    /// The work item.
    pub work_item_id: WorkItemId,
    /// The run whose artifacts were judged.
    pub run_id: RunId,
    /// The gate.
    pub gate: GateName,
    /// The attempt.
    pub attempt: u32,
    /// The plugin that judged, `name@version`.
    pub plugin: String,
    /// The digest of its component.
    pub plugin_digest: Digest,
    /// What was judged.
    pub artifact_set: Digest,
    /// The decision.
    pub outcome: Outcome,
    /// One line.
    pub summary: String,
    /// The observations.
    pub findings: Vec<Finding>,
    /// JSON object: numbers for programs, and the plugin's log.
    pub data: Json,
    /// When it was given.
    pub given_at: Timestamp,
}
