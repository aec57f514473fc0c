//! What a mission is told: the `data` of the inputs whose members the host itself reads.

use serde::{Deserialize, Serialize};

use crate::mission::ArtifactRefView;

/// `data` of `run_finished`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunFinished {
    /// `succeeded`, `failed` or `canceled`.
    pub status: String,
    /// One line from the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The worker's answer in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Why the host ended it, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it left.
    #[serde(default)]
    pub artifacts: Vec<ArtifactRefView>,
}

/// `data` of `gate_verdict`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GateVerdict {
    /// The gate.
    pub gate: String,
    /// `pass`, `fail`, `needs_human` or `error`.
    pub outcome: String,
    /// The verdict.
    pub verdict_id: String,
    /// The request it answers.
    pub evaluation_id: String,
    /// One line.
    pub summary: String,
    /// How many findings it has.
    pub finding_count: usize,
}

/// `data` of `approval_granted`, `approval_denied` and `approval_expired`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalDecided {
    /// The approval.
    pub approval_id: String,
    /// `gate`, or a kind of the reducer's own.
    pub kind: String,
    /// The gate it overrides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// The verdict it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict_id: Option<String>,
    /// Digest of what was approved.
    pub subject: String,
    /// What the person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
