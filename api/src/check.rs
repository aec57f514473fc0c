//! What a component would have decided on a workspace's records: asked before it is bound.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a component is to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckRole {
    /// How missions flow: it is asked about the events of their histories.
    Reducer,
    /// Whether work passes: it is asked for the verdicts of a stage again.
    Gate,
    /// What is cut from texts: it is asked about what is remembered.
    Scrubber,
}

/// What a component is tried on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckAsk {
    /// The workspace; the caller's own without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub workspace_id: Option<String>,
    /// What it is to decide.
    pub role: CheckRole,
    /// The stage whose verdicts a gate is asked for: `review` or `test`; `review` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub stage: Option<String>,
    /// The settings it is called with.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// How many records it is tried on, the newest; 1,000 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub last: Option<u32>,
    /// How many differences are told; 20 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 200)]
    pub differences_max: Option<u32>,
}

/// A component that is not in the registry, and what it is tried on: a multipart form.
#[derive(Debug, Clone, ToSchema)]
pub struct CheckForm {
    /// What it is tried on: a `CheckAsk` as JSON.
    pub ask: String,
    /// The component.
    #[schema(value_type = String, format = Binary, content_media_type = "application/wasm")]
    pub component: Vec<u8>,
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckProgress {
    /// Records it was tried on.
    pub events: u64,
    /// How many there are to be tried; there may be fewer.
    pub of: u64,
    /// Decided differently so far.
    pub different: u64,
    /// Failed so far.
    pub failed: u64,
}

/// How something was decided that the component decides differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The component decides something else.
    Different,
    /// The component fails.
    Failed,
}

/// One record on which the component decides differently, or fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckDifference {
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
    /// The record; of scrubbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_id: Option<String>,
    /// The event's type, the stage, or the record's kind.
    pub kind: String,
    /// What was decided: `commands` and `refusal`, or `outcome`, `summary` and `findings`, or `status` and `findings`.
    /// A side of more than 16 KiB is `omitted_bytes` instead.
    pub recorded: Value,
    /// What the component decides, in the same words; `failure` where it fails.
    pub candidate: Value,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckReport {
    /// The workspace.
    pub workspace_id: String,
    /// The component: `name@version`.
    pub plugin: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// What it would decide.
    pub role: CheckRole,
    /// The stage, of a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Records it was tried on: those decided the same, those decided differently and those it failed on.
    pub events: u64,
    /// Decided the same.
    pub same: u64,
    /// Decided differently.
    pub different: u64,
    /// It failed, and what decided then did not.
    pub failed: u64,
    /// Took more than twice the fuel; absent where nothing tells what it took then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slower: Option<u64>,
    /// Records that could not be tried; `notes` say why.
    pub left_out: u64,
    /// The first of those decided differently or failed on, the newest mission first.
    pub differences: Vec<CheckDifference>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether all was tried that was asked for; not so when time ran out, or the host failed.
    pub is_complete: bool,
    /// What a reader of the numbers has to know.
    pub notes: Vec<String>,
}
