//! A workspace's own policy: what its operators wrote, revision by revision, and what was decided lately.
//!
//! What policies mean is [`crate::policy`]'s.

use std::collections::BTreeMap;

use super::id::WorkspaceId;
use super::json::Json;
use super::time::Timestamp;
use super::word::words;

words! {
    /// What becomes of what a workspace's own policies deny.
    Mode {
        /// It is denied.
        Enforce = "enforce",
        /// It is told, and not denied.
        Observe = "observe",
    }
}

words! {
    /// Policies that a workspace takes as they come with the host, beside its own.
    Preset {
        /// Whatever agents and runs change is told of, and nothing is denied.
        ObserveOnly = "observe-only",
        /// Only operators change anything.
        ReadOnly = "read-only",
        /// Side effects need a person, and agents make no routines that reach outside.
        ReviewedEgress = "reviewed-egress",
        /// Side effects that capabilities cover need nobody's approval.
        Open = "open",
    }
}

/// A template made a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The id of the policy.
    pub id: String,
    /// The template's.
    pub template: String,
    /// What stands for `?principal`: `User::"user.ada"`.
    pub principal: Option<String>,
    /// What stands for `?resource`: `Mission::"mis_1"`.
    pub resource: Option<String>,
}

/// Policies as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySource {
    /// Texts by name, each of any number of policies and templates.
    pub policies: BTreeMap<String, String>,
    /// The policies made of templates.
    pub links: Vec<Link>,
}

/// One revision of a workspace's policy. Written once, never changed; the newest one holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRevision {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Counts changes from 1.
    pub revision: u64,
    /// Whether what the policies deny is denied.
    pub mode: Mode,
    /// What holds beside the policies.
    pub preset: Option<Preset>,
    /// The policies.
    pub source: PolicySource,
    /// Why, in its author's words.
    pub note: Option<String>,
    /// The revision that this one went back to.
    pub rolled_back_to: Option<u64>,
    /// Its author.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// A decision as it was recorded, to be asked again of other policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDecision {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Sorts by when it was recorded (UUIDv7).
    pub id: String,
    /// When it was made.
    pub at: Timestamp,
    /// JSON object: what was asked.
    pub request: Json,
    /// `allowed`, `approval_required` or `denied`.
    pub effect: String,
    /// The policies that decided, by id.
    pub policies: Vec<String>,
}
