//! Runs, and what a worker is given with one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::mission::ArtifactRefView;
use crate::verdict::FindingView;

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// The mission it serves.
    pub mission_id: String,
    /// The work item; none for a planner's run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<String>,
    /// `work` or `planner`.
    pub kind: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// `queued`, `running`, `succeeded`, `failed` or `canceled`.
    pub status: String,
    /// What a queued run waits for: `worker`, `approval`, `dependency` or `retry_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// When a run that waits for it may be claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at_ms: Option<u64>,
    /// The session it belongs to.
    #[serde(default)]
    pub session_id: String,
    /// Who holds it, in the worker's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Somebody wants it to stop.
    #[serde(default)]
    pub cancel_requested: bool,
    /// Times it lost its worker.
    pub interruptions: u32,
    /// What is to be done, in words.
    pub prompt: String,
    /// How a worker does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Value>,
    /// Only this agent may claim it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_agent: Option<String>,
    /// Only workers with all of these may claim it.
    #[serde(default)]
    pub skills: Vec<String>,
    /// One line from its worker at the end, or why it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The worker's answer in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What it left.
    #[serde(default)]
    pub artifacts: Vec<ArtifactRefView>,
    /// When it was queued first.
    #[serde(default)]
    pub queued_at_ms: u64,
    /// When a worker first claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<u64>,
    /// When it reached a final status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at_ms: Option<u64>,
    /// What it builds on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<RunInputs>,
}

/// What a run builds on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct RunInputs {
    /// What the items it depends on left.
    pub dependencies: Vec<DependencyInput>,
    /// Why the attempt before was not good enough; empty on a first attempt.
    pub rework: Vec<ReworkInput>,
}

/// What one item left.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DependencyInput {
    /// The item.
    pub work_item_id: String,
    /// What its last succeeded run left.
    pub artifacts: Vec<ArtifactRefView>,
}

/// One reason for rework.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReworkInput {
    /// The attempt it is about.
    pub attempt: u32,
    /// The gate that rejected it; none when the run itself failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// `fail`, `needs_human` or `error` of a gate, `failed` of a run.
    pub outcome: String,
    /// One line.
    pub summary: String,
    /// The gate's observations.
    pub findings: Vec<FindingView>,
}

/// How the local worker, or `sluice work`, carries a run out: the `exec` member of an action.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecAction {
    /// Program and arguments; no shell in between.
    pub argv: Vec<String>,
    /// Added to the environment. Names beginning with `SLUICE_` are the worker's.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub env: std::collections::BTreeMap<String, String>,
    /// Working directory; relative to the mission file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Milliseconds until the process group is killed and the run failed. Default 600,000.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// Files to collect from `$SLUICE_ARTIFACTS`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ExecArtifact>,
}

fn default_timeout_ms() -> u64 {
    600_000
}

/// A file to collect after the process ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecArtifact {
    /// Path below `$SLUICE_ARTIFACTS`.
    pub path: String,
    /// What it is: `diff`, `test_report`, `coverage`, `text`, ...
    pub kind: String,
    /// Media type; guessed from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Whether the run goes on without it.
    #[serde(default)]
    pub optional: bool,
}
