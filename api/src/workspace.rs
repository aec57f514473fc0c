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

impl BindingAsk {
    /// Whether it names a component, rightly or not.
    pub fn names_one(&self) -> bool {
        self.plugin.is_some() || self.digest.is_some() || self.name.is_some() || self.version.is_some()
    }
}

/// A [`BindingAsk`] with more members of its own: their documents say that unknown members are refused, which serde
/// knows of no structure within another.
macro_rules! asks {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
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
            $($(#[$member_doc])* pub $member: $type,)*
        }

        impl $name {
            /// The component alone.
            pub fn component(&self) -> BindingAsk {
                BindingAsk {
                    plugin: self.plugin.clone(),
                    digest: self.digest.clone(),
                    name: self.name.clone(),
                    version: self.version.clone(),
                    settings: self.settings.clone(),
                }
            }

            /// The same with another component.
            #[must_use]
            pub fn with_component(self, component: BindingAsk) -> Self {
                let BindingAsk { plugin, digest, name, version, settings } = component;
                Self { plugin, digest, name, version, settings, ..self }
            }
        }
    };
}

asks! {
    /// A reducer that a share of new missions is pinned to in place of the one that is bound.
    CanaryAsk {
        /// How many of a hundred new missions.
        #[schema(minimum = 1, maximum = 100)]
        share_percent: u32,
    }
}

asks! {
    /// A reducer to be bound, named as every component; one that names none is the host's, and only has something
    /// beside it.
    ReducerAsk {
        /// Another reducer, for a share of new missions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        canary: Option<CanaryAsk>,
        /// Another reducer, which decides beside it without effect.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shadow: Option<BindingAsk>,
    }
}

asks! {
    /// A scrubber to be bound, named as every component; one that names none is the host's, and only has something
    /// beside it.
    ScrubberAsk {
        /// Another scrubber, which is asked beside it without effect.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shadow: Option<BindingAsk>,
    }
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
    /// The gates; none, and the stage is left out. Without the member they are the host's, which takes a `shadow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 8)]
    pub gates: Option<Vec<BindingAsk>>,
    /// Another gate, which judges beside the stage without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<BindingAsk>,
}

/// What is to decide. A role that is left out is what comes with the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingsAsk {
    /// Decides how missions flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reducer: Option<ReducerAsk>,
    /// The gates by stage: `review`, `test`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<String, StageAsk>,
    /// Cuts from texts what must not be remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrubber: Option<ScrubberAsk>,
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
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct StageView {
    /// How many have to pass.
    pub mode: StageMode,
    /// How many, with the mode `quorum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// The gates; absent where they are the host's, and only something beside them is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Vec<BindingView>>,
    /// Judges beside the stage without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<BindingView>,
}

/// A reducer that a share of new missions is pinned to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CanaryView {
    /// The reducer.
    #[serde(flatten)]
    pub binding: BindingView,
    /// How many of a hundred new missions.
    pub share_percent: u32,
}

/// What decides in a role, and what is bound beside it. Where what decides is the host's, only what is beside it is
/// told.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct RoleView {
    /// The plugin's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of its component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// Another, for a share of new missions; of the reducer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryView>,
    /// Another, which decides beside it without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<BindingView>,
}

impl RoleView {
    /// What decides, where it is told.
    pub fn binding(&self) -> Option<BindingView> {
        let (name, version, digest) = (self.name.clone()?, self.version.clone()?, self.digest.clone()?);
        Some(BindingView { name, version, digest, settings: self.settings.clone().unwrap_or_default() })
    }
}

impl From<BindingView> for RoleView {
    fn from(of: BindingView) -> Self {
        Self {
            name: Some(of.name),
            version: Some(of.version),
            digest: Some(of.digest),
            settings: Some(of.settings),
            canary: None,
            shadow: None,
        }
    }
}

/// What decides.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BoundView {
    /// Decides how missions flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reducer: Option<RoleView>,
    /// The gates by stage.
    pub gates: BTreeMap<String, StageView>,
    /// Cuts from texts what must not be remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrubber: Option<RoleView>,
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
