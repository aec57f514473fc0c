//! What components in shadow would have decided.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::check::CheckOutcome;

/// How a component in shadow compares with what decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShadowCounts {
    /// What it decides beside: `reducer`, `review`, `test`, `scrubber`.
    pub role: String,
    /// The component: `name@version`.
    pub plugin: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// Whether it still decides beside what is bound.
    pub in_force: bool,
    /// The workspace's revision since which is counted: with these settings, and beside these components.
    pub since_revision: u64,
    /// Since when. Milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// When it was counted last. Milliseconds since the Unix epoch.
    pub updated_at_ms: u64,
    /// Decided the same.
    pub same: u64,
    /// Decided differently.
    pub different: u64,
    /// It failed, and what decided did not.
    pub failed: u64,
    /// Of these, took more than twice the fuel of what decided.
    pub slower: u64,
    /// Never asked: too many waited, it kept failing, or the host could not ask it.
    pub dropped: u64,
}

/// Something that a component in shadow decides differently, or failed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShadowDifference {
    /// Its id, which sorts by time.
    pub id: String,
    /// When it was found. Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What the component decides beside: `reducer`, `review`, `test`, `scrubber`.
    pub role: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// Whether it decides something else, or fails.
    pub outcome: CheckOutcome,
    /// The mission; not of texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission_id: Option<String>,
    /// The event's place in the mission's history; of reducers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The work item; of gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<String>,
    /// The verdict; of gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict_id: Option<String>,
    /// The event's type, the stage, or the text's kind.
    pub kind: String,
    /// What was decided: `commands` and `refusal`, or `outcome`, `summary` and `findings`, or `status` and `findings`.
    /// Of texts only kinds and counts are told. A side of more than 16 KiB is `omitted_bytes` instead.
    pub decided: Value,
    /// What the component decides, in the same words; `failure` where it fails.
    pub candidate: Value,
}

/// What components in shadow would have decided, and a page of what they decide differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShadowReport {
    /// Whose.
    pub workspace_id: String,
    /// Each component that decides in shadow, or did lately.
    pub shadows: Vec<ShadowCounts>,
    /// Newest first; of each component the newest hundred are kept.
    pub differences: Vec<ShadowDifference>,
    /// How many differences these are.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}
