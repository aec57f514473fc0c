//! What a workspace binds: the components that decide in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::mission::BindingView;

/// How many gates of a stage have to pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageMode {
    /// Each of them.
    #[default]
    All,
    /// One of them.
    Any,
    /// As many as `quorum` says.
    Quorum,
}

/// A component to be bound: by `digest`, by `name` (its newest version) or `name` and `version`, or by
/// `plugin`, which is any of these in one text. What is said twice has to be the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingAsk {
    /// `name`, `name@version` or a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub plugin: Option<String>,
    /// SHA-256 of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub digest: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub version: Option<String>,
    /// Its settings, which have to fit its schema; at most 256 KiB.
    #[serde(default)]
    pub settings: Map<String, Value>,
}

/// The gates of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StageAsk {
    /// How many have to pass.
    #[serde(default)]
    pub mode: StageMode,
    /// How many, with the mode `quorum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 8)]
    pub quorum: Option<u32>,
    /// The gates; none, and the stage is left out.
    #[schema(max_items = 8)]
    pub gates: Vec<BindingAsk>,
}

/// What is to decide. A role that is left out is what comes with the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingsAsk {
    /// Decides how missions flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reducer: Option<BindingAsk>,
    /// The gates by stage: `review`, `test`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, StageAsk>,
    /// Cuts from texts what must not be remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrubber: Option<BindingAsk>,
}

/// What a gate in quarantine decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuarantinedGates {
    /// It failed: the mission's reducer decides how often it is asked again.
    #[default]
    Error,
    /// A person has to decide.
    NeedsHuman,
}

/// What a workspace is to bind. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspacePut {
    /// The components, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindings: Option<BindingsAsk>,
    /// Whether only components may be bound that a trusted key signed, or that come with the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_signatures: Option<bool>,
    /// The public keys (Ed25519) that are trusted, 64 hexadecimal digits each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 32)]
    pub trusted_keys: Option<Vec<String>>,
    /// Calls of a component that fail in a row until it is quarantined; 0 for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 1_000)]
    pub quarantine_after: Option<u32>,
    /// What gates in quarantine decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined_gates: Option<QuarantinedGates>,
    /// Why, for whoever reads the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub note: Option<String>,
    /// Only if this is the newest revision; 0: only if nothing was ever bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
}

/// Which revision is to be in force again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceRollback {
    /// The revision; 0 for what comes with the host.
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub revision: u64,
    /// Only if this is the newest revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
}

/// The gates of a stage.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StageView {
    /// How many have to pass.
    pub mode: StageMode,
    /// How many, with the mode `quorum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// The gates.
    pub gates: Vec<BindingView>,
}

/// What decides.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BoundView {
    /// Decides how missions flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reducer: Option<BindingView>,
    /// The gates by stage.
    pub gates: BTreeMap<String, StageView>,
    /// Cuts from texts what must not be remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrubber: Option<BindingView>,
}

/// A component that is called no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantinedView {
    /// The first role it is bound to.
    pub role: String,
    /// `name@version`.
    pub plugin: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// How its last call failed.
    pub reason: String,
    /// How many calls failed in a row.
    pub failures: u32,
    /// Since when. Milliseconds since the Unix epoch.
    pub since_ms: u64,
}

/// When components are called no more, and which are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineView {
    /// Calls that fail in a row until a component is quarantined; 0 for never.
    pub after: u32,
    /// What gates in quarantine decide.
    pub gates: QuarantinedGates,
    /// The components in quarantine, until anything is bound anew.
    pub components: Vec<QuarantinedView>,
}

/// A revision of what a workspace binds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceRevisionView {
    /// Whose.
    pub workspace_id: String,
    /// Counts changes from 1; 0 where nothing was ever bound.
    pub revision: u64,
    /// What was bound; a role that is left out is what comes with the host.
    pub bindings: BoundView,
    /// Whether only components may be bound that a trusted key signed, or that come with the host.
    pub require_signatures: bool,
    /// The public keys that are trusted.
    pub trusted_keys: Vec<String>,
    /// Which components are called no more, and when that is.
    #[serde(default)]
    pub quarantine: QuarantineView,
    /// Why, in its author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The revision that this one went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_to: Option<u64>,
    /// Its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// When. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at_ms: Option<u64>,
}

/// A workspace as it stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceView {
    /// What is bound.
    #[serde(flatten)]
    pub bound: WorkspaceRevisionView,
    /// What new missions get and texts are scrubbed by: what is bound, and where nothing is, what comes with
    /// the host.
    pub effective: BoundView,
}

/// A page of a workspace's revisions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceHistory {
    /// Newest first.
    pub history: Vec<WorkspaceRevisionView>,
    /// How many these are.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}
