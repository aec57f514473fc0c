//! Verdicts and approvals.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A gate's answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    /// Its id.
    pub id: String,
    /// The mission that asks; empty when none does.
    pub mission_id: String,
    /// The work item it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<String>,
    /// `gate`, `action`, `memory_promotion`, or a kind of the reducer's own.
    pub kind: String,
    /// The gate it overrides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// One line.
    pub summary: String,
    /// Digest of what is approved.
    pub subject: String,
    /// Whose work or wish it is about; that principal does not answer itself.
    #[serde(default)]
    pub requested_by: String,
    /// The run whose work it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Exactly what is approved, as people may read it: characters that hide or turn text around
    /// are made visible.
    #[serde(default)]
    pub rendered: String,
    /// SHA-256 over the canonical bytes of what is approved.
    #[serde(default)]
    pub content_digest: String,
    /// When it expires unanswered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// When it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at_ms: Option<u64>,
    /// When what was approved was carried out; an answer is good once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at_ms: Option<u64>,
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

/// A person's answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// Why, in one line: at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// The `content_digest` that was looked at: the answer counts for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub content_digest: Option<String>,
}

/// An approval.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApprovalAnswer {
    /// The approval.
    pub approval: ApprovalView,
}

/// A page of approvals.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApprovalList {
    /// The approvals.
    pub approvals: Vec<ApprovalView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// A page of verdicts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VerdictList {
    /// The verdicts.
    pub verdicts: Vec<VerdictView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}
