//! What any engine tells of its sessions, and how a session stands.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What may be told of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum SessionEventType {
    /// A run waits for a worker.
    #[serde(rename = "session.run.queued")]
    Queued,
    /// A worker took a run.
    #[serde(rename = "session.run.claimed")]
    Claimed,
    /// A worker began a run.
    #[serde(rename = "session.run.started")]
    Started,
    /// How far a run is.
    #[serde(rename = "session.run.progress")]
    Progress,
    /// A run lost its worker.
    #[serde(rename = "session.run.interrupted")]
    Interrupted,
    /// A run ended; `properties.status` says how.
    #[serde(rename = "session.run.finished")]
    Finished,
    /// Output, a tool call, a step: `properties.part`.
    #[serde(rename = "message.part.updated")]
    Part,
}

/// One event of a session.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionEvent {
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: SessionEventType,
    /// The particulars, at most 64 KiB. The session, if it is named here, is that of the path:
    /// `session_id`, `sessionID` or `sessionId`, here or inside of `part`. The run is `run_id`, `runID`
    /// or `runId`; a session whose runs are not named is one run. Everything else is told as it is.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// What the engine calls this event: sent again by the same principal for the same session it is
    /// taken and not told again. 1 to 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub event_id: Option<String>,
    /// The same as `event_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub id: Option<String>,
    /// When it happened, at most a minute from now; without, now. Events that do not come in the order
    /// they happened in need it. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    pub occurred_at_ms: Option<u64>,
}

/// Several events of a session, in order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionEvents {
    /// 1 to 500 events.
    #[schema(min_items = 1, max_items = 500)]
    pub events: Vec<SessionEvent>,
}

/// The body of `POST /sessions/{session_id}/events`: one event, or several.
#[derive(Debug, Clone, ToSchema)]
#[schema(as = SessionEventsRequest)]
#[serde(untagged)]
pub enum SessionEventsRequest {
    /// One.
    One(SessionEvent),
    /// Several.
    Many(SessionEvents),
}

/// What a session was told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionEventsAccepted {
    /// All that were sent.
    pub accepted: usize,
    /// The `seq` of the first and the last of them; others' events may lie between. Left out when the
    /// answer is given again, by its `Idempotency-Key`, after the host ended before it was given first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seqs: Option<[u64; 2]>,
}

/// How a session stands: the value of the resource `run/{session_id}/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionStatusView {
    /// The session.
    pub session_id: String,
    /// Its newest run.
    pub run_id: String,
    /// `queued`, `running` or `finished`.
    pub state: String,
    /// `run`, or `tool` while it waits for one.
    pub phase: String,
    /// Whether a tool is running.
    pub tool_active: bool,
    /// The tool that is running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// How the run ended, in its engine's word; of the host's own `succeeded`, `failed` or `canceled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The type of the newest event that counts.
    pub event_type: String,
}
