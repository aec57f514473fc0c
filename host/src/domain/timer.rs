//! Timers: a reducer's only way to hear of time passing.

use super::id::{MissionId, WorkspaceId};
use super::json::Json;
use super::time::Timestamp;

/// A timer. At most one for each key of a mission; the row is gone once it has fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The mission.
    pub mission_id: MissionId,
    /// The reducer's name for it: 1 to 200 bytes.
    pub key: String,
    /// When it fires, or soon after.
    pub due_at: Timestamp,
    /// JSON object: handed back with `timer_fired`.
    pub data: Json,
    /// Guards every write to it.
    pub revision: u64,
}
