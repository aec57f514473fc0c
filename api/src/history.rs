//! A mission's history, and what a replay of it found.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::command::CommandView;

/// One entry of a mission's history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntryView {
    /// Position, from 0.
    pub seq: u64,
    /// The input's id.
    pub event_id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// The item it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<String>,
    /// The run it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The particulars.
    pub data: Value,
    /// When it was recorded.
    pub occurred_at_ms: u64,
    /// Who caused it.
    pub actor: String,
    /// What the reducer issued.
    pub commands: Vec<CommandView>,
    /// `applied` or `refused`.
    pub disposition: String,
    /// Why it was refused: `code`, `message`, `command_index`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Value>,
    /// SHA-256 of the reducer's component.
    pub reducer_digest: String,
    /// Fuel the call used.
    pub fuel: u64,
}

/// What a replay found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReplayReport {
    /// The mission.
    pub mission_id: String,
    /// The component that was asked: `name@version`.
    pub reducer: String,
    /// SHA-256 of it.
    pub digest: String,
    /// Events that were judged.
    pub events: u64,
    /// The first event decided differently.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diverged_at: Option<u64>,
    /// Every event decided differently.
    pub differences: Vec<Difference>,
}

/// One event decided differently.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Its position.
    pub seq: u64,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was issued then.
    pub recorded: Vec<CommandView>,
    /// Why it was refused then, when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_refusal: Option<Value>,
    /// What the component issues.
    pub candidate: Vec<CommandView>,
    /// How the component fails, or which command would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate_refusal: Option<Value>,
}

/// A page of a mission's history, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HistoryList {
    /// The entries.
    pub history: Vec<HistoryEntryView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}
