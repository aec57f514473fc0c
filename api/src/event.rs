//! The envelope of the event log.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An event of the log, as lists and streams show it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Its id.
    pub event_id: String,
    /// Its place in the log.
    pub seq: u64,
    /// Dotted type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When.
    pub occurred_at_ms: u64,
    /// Whose.
    pub workspace_id: String,
    /// The session it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The run it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The mission it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mission_id: Option<String>,
    /// Who caused it.
    pub actor: String,
    /// The particulars.
    pub properties: Value,
}

/// A page of the log, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The events.
    pub items: Vec<EventView>,
    /// How many are on this page.
    pub count: usize,
    /// What `since_seq` takes for the next page.
    pub next_cursor: Option<String>,
}
