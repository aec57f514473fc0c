//! Runs, and what a worker is given with one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mission::ArtifactRefView;
use crate::verdict::FindingView;

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// Times it lost its worker.
    pub interruptions: u32,
    /// What is to be done, in words.
    pub prompt: String,
    /// How a worker does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Value>,
    /// What it builds on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<RunInputs>,
}

/// What a run builds on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunInputs {
    /// What the items it depends on left.
    pub dependencies: Vec<DependencyInput>,
    /// Why the attempt before was not good enough; empty on a first attempt.
    pub rework: Vec<ReworkInput>,
}

/// What one item left.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DependencyInput {
    /// The item.
    pub work_item_id: String,
    /// What its last succeeded run left.
    pub artifacts: Vec<ArtifactRefView>,
}

/// One reason for rework.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
