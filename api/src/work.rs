//! What workers send and receive: claims, heartbeats, output, artifacts, the end of a run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::mission::ArtifactView;
use crate::run::RunView;

/// A worker asks for runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The worker's name, as events show it: 1 to 128 characters.
    #[schema(min_length = 1, max_length = 128)]
    pub worker: String,
    /// Agents it speaks for; runs assigned to another are not for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub agents: Vec<String>,
    /// What it can do; runs that need more are not for it. Without: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100)]
    pub skills: Option<Vec<String>>,
    /// Most runs claimed at once, 1 to 100. With it the answer is `{"runs"}`, without `{"run"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub max: Option<u32>,
    /// Milliseconds to wait for a run, at most 60,000.
    #[serde(default)]
    #[schema(maximum = 60_000)]
    pub wait_ms: u64,
    /// Milliseconds the lease lasts unless renewed: 5,000 to 600,000, by default 30,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 5_000, maximum = 600_000)]
    pub lease_ms: Option<u64>,
    /// The session the runs belong to; by default each is its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]*$")]
    pub session_id: Option<String>,
    /// Only runs of this mission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission_id: Option<String>,
}

/// A worker's hold on a run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeaseView {
    /// Grows with each claim of the run.
    pub fencing_token: u64,
    /// When it ends unless renewed.
    pub expires_at_ms: u64,
    /// Milliseconds it lasts after each heartbeat.
    pub lease_ms: u64,
    /// Milliseconds between two heartbeats: a quarter of the lease or less.
    pub heartbeat_ms: u64,
}

/// A run with its lease and the token that speaks for it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClaimedRun {
    /// The run.
    #[serde(flatten)]
    pub run: RunView,
    /// The hold on it.
    pub lease: LeaseView,
    /// The run token: what events, artifacts, finish and heartbeats of this run take. Good for
    /// this run alone, and as long as its lease.
    pub token: String,
    /// What the run was granted.
    pub capabilities: Vec<String>,
}

/// Answer to a claim without `max`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClaimedOne {
    /// The run.
    pub run: ClaimedRun,
}

/// Answer to a claim with `max`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClaimedMany {
    /// The runs, at least one.
    pub runs: Vec<ClaimedRun>,
}

/// Heartbeats of a worker's runs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatRequest {
    /// The worker's name.
    #[schema(min_length = 1, max_length = 128)]
    pub worker: String,
    /// The runs it holds, at most 1,000.
    #[schema(max_items = 1000)]
    pub runs: Vec<Beat>,
}

/// One run's heartbeat.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// The run.
    pub id: String,
    /// Its run token.
    pub token: String,
    /// How far it is, in the worker's own terms. At most 4 KiB; told to watchers, not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Map<String, Value>>,
}

/// The body of `POST /runs/{id}/heartbeat`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SingleHeartbeat {
    /// How far it is, in the worker's own terms. At most 4 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Map<String, Value>>,
}

/// Answers to heartbeats, in their order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatAnswer {
    /// For each run.
    pub runs: Vec<BeatAnswer>,
}

/// Answer to one run's heartbeat.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BeatAnswer {
    /// The run.
    pub id: String,
    /// Whether the lease was renewed.
    pub ok: bool,
    /// When the lease ends unless renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// Somebody wants the run to stop: kill it and finish it as `canceled`.
    #[serde(default)]
    pub cancel: bool,
    /// `LEASE_LOST` or `NOT_FOUND`, when it was not renewed: kill it and report nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it was not renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a run says and does, in order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunEventsRequest {
    /// 1 to 500 events.
    #[schema(min_items = 1, max_items = 500)]
    pub events: Vec<RunEvent>,
}

/// One event of a run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", deny_unknown_fields, try_from = "RunEventMembers")]
pub enum RunEvent {
    /// The worker has begun.
    #[serde(rename = "session.run.started")]
    Started {},
    /// Output, a tool call, a step: whatever watchers are to see.
    #[serde(rename = "message.part.updated")]
    Part {
        /// The part; `type` says which: `text`, `tool`, ... At most 64 KiB.
        part: Map<String, Value>,
    },
}

/// A run's event member by member: a structure, unlike an enumeration with its tag inside, is
/// read with the path of whatever is wrong in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunEventMembers {
    #[serde(rename = "type")]
    kind: RunEventType,
    part: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
enum RunEventType {
    #[serde(rename = "session.run.started")]
    Started,
    #[serde(rename = "message.part.updated")]
    Part,
}

impl TryFrom<RunEventMembers> for RunEvent {
    type Error = &'static str;

    fn try_from(members: RunEventMembers) -> Result<Self, Self::Error> {
        match (members.kind, members.part) {
            (RunEventType::Started, None) => Ok(Self::Started {}),
            (RunEventType::Part, Some(part)) => Ok(Self::Part { part }),
            (RunEventType::Started, Some(_)) => Err("unknown field `part`, a `session.run.started` has none"),
            (RunEventType::Part, None) => Err("missing field `part`"),
        }
    }
}

/// How many events were taken.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// All that were sent.
    pub accepted: usize,
}

/// An artifact by its content or by where it lies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactRequest {
    /// What it is: `diff`, `test_report`, `coverage`, `text`, ... 1 to 100 bytes.
    #[schema(min_length = 1, max_length = 100)]
    pub kind: String,
    /// File name, without a path: 1 to 255 bytes.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    /// Media type; by default `text/plain`, with a `uri` `text/uri-list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The content, as text. Either this or `uri`; binary content goes as multipart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where the content lies; the host keeps the address and fetches nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// An artifact that was kept.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ArtifactAnswer {
    /// The artifact.
    pub artifact: ArtifactView,
}

/// How a run ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishRequest {
    /// How.
    pub status: FinishStatusName,
    /// One line; cut after 4 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The answer in full, at most 1 MiB: text, or any JSON (a planner's work items).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// What it left: ids of its artifacts, in order, at most 500. Without: all it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 500)]
    pub artifacts: Option<Vec<String>>,
}

/// How a run may end by its worker's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishStatusName {
    /// It did what was asked.
    Succeeded,
    /// It did not.
    Failed,
    /// It was told to stop.
    Canceled,
}

/// A run asks whether it may act on the world.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    /// The outside system: `github`, `smtp`, ...
    #[schema(min_length = 1, max_length = 100, pattern = "^[a-z0-9][a-z0-9_-]*$")]
    pub connector: String,
    /// What it would do there: `create_pr`, ...
    #[schema(min_length = 1, max_length = 100, pattern = "^[a-z0-9][a-z0-9_-]*$")]
    pub action: String,
    /// With what; exactly this is approved. At most 64 KiB.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// One line for whoever is asked: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub summary: String,
}

/// Whether a run may act.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ActionDecision {
    /// `allowed`, `approval_required` or `denied`.
    pub decision: ActionVerdict,
    /// The question that waits for a person, or the one that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// What the host delivers because of it, where it carries the action out itself (the connector `webhook`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<String>,
    /// Why.
    pub reason: String,
    /// The policies that decided, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_ids: Vec<String>,
    /// What would be needed, when it is not allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<String>,
}

/// What was decided about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionVerdict {
    /// Do it now, once.
    Allowed,
    /// A person has to say yes; ask again with the very same content.
    ApprovalRequired,
    /// Do not.
    Denied,
}

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunAnswer {
    /// The run.
    pub run: RunView,
}

/// A page of runs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}
