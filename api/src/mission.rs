//! Missions and work items, as requests and as answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A mission to be created.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MissionRequest {
    /// One line for people: 1 to 200 characters.
    pub title: String,
    /// What is to be achieved, in words: at most 64 KiB.
    #[serde(default)]
    pub goal: String,
    /// What has to hold at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub success_criteria: Vec<String>,
    /// Limits; what is absent is unlimited.
    #[serde(default)]
    pub budgets: Budgets,
    /// What its runs ask to be allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Template it is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// The author's own.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The work. Without any, a planner is asked for it.
    #[serde(default)]
    pub work_items: Vec<WorkItemRequest>,
}

/// Limits of a mission. What is absent is unlimited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Runs that may be started, retries included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_steps: Option<u64>,
    /// Tool calls that may be observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u64>,
    /// Milliseconds from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_duration_ms: Option<u64>,
    /// Finished runs of one work item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_attempts: Option<u32>,
    /// Runs that may be open at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_parallel_runs: Option<u32>,
    /// Times one run may lose its worker before it counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_interruptions: Option<u32>,
}

/// A work item to be added.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkItemRequest {
    /// Unique within the mission; the host chooses one when absent.
    #[serde(default, alias = "work_item_id", skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    pub id: Option<String>,
    /// One line for people: 1 to 200 characters, not only blanks.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    pub title: String,
    /// What is to be done, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Items that have to be done first: ids of other items of this mission, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(default = json!([]))]
    pub depends_on: Vec<String>,
    /// Only this agent may claim its runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_agent: Option<String>,
    /// Only workers with all of these may claim its runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// How a worker does it; the host never acts on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Map<String, Value>>,
    /// The author's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// A component with its settings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BindingView {
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its component.
    pub digest: String,
    /// Its settings.
    #[serde(default)]
    pub settings: Value,
}

/// The components a mission is pinned to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BindingsView {
    /// Decides how it flows.
    pub reducer: BindingView,
    /// The gates of each work item, in order: name and component. A name stands more than once where
    /// several gates judge at one stage.
    pub gates: Vec<(String, BindingView)>,
    /// The names of which not every gate has to pass, each with how many of them: `"any"` is 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<(String, u32)>,
}

/// A mission.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionView {
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// What is to be achieved.
    pub goal: String,
    /// `draft`, `running`, `paused`, `succeeded`, `failed` or `canceled`.
    pub status: String,
    /// `planning`, `working` or `summarizing`.
    pub phase: String,
    /// Why it is paused, failed or canceled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What has to hold at the end.
    pub success_criteria: Value,
    /// Its limits.
    pub budgets: Budgets,
    /// What is used of them.
    pub usage: UsageView,
    /// What its runs ask to be allowed.
    pub capabilities: Value,
    /// Template it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// The author's own.
    pub metadata: Value,
    /// Length of its history.
    pub revision: u64,
    /// When it was created.
    pub created_at_ms: u64,
    /// When its history last grew.
    pub updated_at_ms: u64,
    /// When it was first started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<u64>,
    /// The component that decides how it flows.
    pub reducer: BindingView,
    /// Who made it.
    #[serde(default)]
    pub created_by: String,
    /// Work items for each status that any has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Map<String, Value>>,
    /// Its work items in order of addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_items: Option<Vec<WorkItemView>>,
}

/// What is used of a mission's budgets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// Runs started.
    pub steps: u64,
    /// Tool calls observed.
    pub tool_calls: u64,
}

/// A work item.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkItemView {
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// What is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where it stands.
    pub status: String,
    /// Why it stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Items that have to be done first.
    pub depends_on: Vec<String>,
    /// Only this agent may claim its runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_agent: Option<String>,
    /// Only workers with all of these may claim its runs.
    pub skills: Vec<String>,
    /// The run that works on it, or the last one that did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Runs that finished.
    pub attempts: u32,
    /// What the last succeeded run left.
    pub artifact_refs: Vec<ArtifactRefView>,
    /// How its gates stand.
    pub gates: Map<String, Value>,
    /// The author's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// What is remembered of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactRefView {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// File name.
    pub name: String,
    /// SHA-256 of its content.
    pub digest: String,
}

/// An artifact.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ArtifactView {
    /// Its id.
    pub id: String,
    /// The work item it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<String>,
    /// The run that left it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// What it is.
    pub kind: String,
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of its content.
    pub digest: String,
    /// When it was left.
    pub created_at_ms: u64,
}

/// A page of artifacts in the order they were left.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ArtifactList {
    /// The artifacts.
    pub artifacts: Vec<ArtifactView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// What the request of a mission and the host's choices made of it: the `data` of
/// `mission_created`, from which the first board can be rebuilt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionCreated {
    /// The request; every work item has an id.
    pub request: MissionRequest,
    /// The components it is pinned to.
    pub bindings: BindingsView,
}

/// The body of `POST /mission`: a mission, and whether it starts at once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateMission {
    /// One line for people: 1 to 200 characters, not only blanks.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    pub title: String,
    /// What is to be achieved, in words: at most 64 KiB.
    #[serde(default)]
    pub goal: String,
    /// What has to hold at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub success_criteria: Vec<String>,
    /// Limits; what is absent is unlimited.
    #[serde(default)]
    pub budgets: Budgets,
    /// What its runs ask to be allowed: `connector.NAME.ACTION`, `*` for any name or action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The name of a template, which says what is not said here; or, without work items, `run` (with `args.prompt`) or
    /// `connector.NAME.ACTION`. Any other text is a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// What it is made with: `{{NAME}}` in the template's texts stands for a member.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
    /// The author's own.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// The work. Without any, a planner is asked for it.
    #[serde(default)]
    pub work_items: Vec<WorkItemRequest>,
    /// Whether it starts at once.
    #[serde(default)]
    pub start: bool,
}

/// The body of `POST /mission/{id}/event`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MissionEventRequest {
    /// What happened: `type` says what, the other members are its particulars.
    pub event: MissionEvent,
    /// Only if the mission is at this revision; without, events are taken in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_revision: Option<u64>,
}

/// Something a mission is told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionEvent {
    /// `mission_started`, `mission_paused`, `mission_resumed`, `mission_canceled`, `run_started`,
    /// `run_finished`, `tool_observed`, `approval_granted`, `approval_denied`,
    /// `resource_changed` or `work_items_proposed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The particulars.
    #[serde(flatten)]
    pub data: Map<String, Value>,
}

/// A mission.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionAnswer {
    /// The mission.
    pub mission: MissionView,
}

/// What a mission's reducer made of an event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionAdvanced {
    /// The mission afterwards.
    pub mission: MissionView,
    /// The commands in the order issued.
    pub commands: Vec<crate::command::CommandView>,
}

/// A page of missions, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionList {
    /// The missions.
    pub missions: Vec<MissionView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// A page of work items in order of addition.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkItemList {
    /// The work items.
    pub items: Vec<WorkItemView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// The body of `POST /mission/{id}/reducer`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RebindRequest {
    /// Digest, `name@version` or name of an installed reducer.
    #[schema(min_length = 1, max_length = 200)]
    pub digest: String,
}
