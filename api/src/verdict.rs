//! Verdicts and approvals.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A gate's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerdictView {
    /// Its id.
    pub id: String,
    /// The work item.
    pub work_item_id: String,
    /// The run whose artifacts were judged.
    pub run_id: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The gate.
    pub gate: String,
    /// The plugin that judged, `name@version`.
    pub plugin: String,
    /// SHA-256 of its component.
    pub digest: String,
    /// `pass`, `fail`, `needs_human` or `error`.
    pub outcome: String,
    /// One line.
    pub summary: String,
    /// The observations.
    pub findings: Vec<FindingView>,
    /// Numbers for programs.
    pub data: Value,
    /// When it was given.
    pub given_at_ms: u64,
}

/// One observation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindingView {
    /// A stable name.
    pub rule: String,
    /// `info`, `warning`, `error` or `critical`.
    pub severity: String,
    /// One sentence.
    pub message: String,
    /// The file.
    pub path: Option<String>,
    /// The line in that file, from 1.
    pub line: Option<u32>,
}

/// A question for a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Its id.
    pub id: String,
    /// The mission that asks.
    pub mission_id: String,
    /// The work item it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<String>,
    /// `gate`, or a kind of the reducer's own.
    pub kind: String,
    /// The gate it overrides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// One line.
    pub summary: String,
    /// Digest of what is approved.
    pub subject: String,
    /// `pending`, `granted`, `denied` or `expired`.
    pub status: String,
    /// Who answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// What they said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked.
    pub requested_at_ms: u64,
}
