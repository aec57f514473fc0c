//! Shadows: components that decide beside the ones that count, without effect, and what became of that.
//!
//! Counts belong to a component in a role under fixed terms: its settings, and what decides beside it. Under other
//! terms it is counted anew.

use super::artifact::Digest;
use super::gate::GateName;
use super::id::{MissionId, VerdictId, WorkItemId, WorkspaceId};
use super::json::Json;
use super::plugin::Binding;
use super::time::Timestamp;
use super::word::words;

/// Differences that are kept of one component in a role.
pub const DIFFERENCES_KEPT: usize = 100;

/// Components whose counts a workspace keeps; of more, those counted longest ago go.
pub const RECORDS_KEPT: usize = 16;

words! {
    /// What a component may decide in shadow.
    ShadowRole {
        /// How missions flow.
        Reducer = "reducer",
        /// Whether work passes the review.
        Review = "review",
        /// Whether work passes the test.
        Test = "test",
        /// What is cut from texts.
        Scrubber = "scrubber",
    }
}

impl ShadowRole {
    /// That of a gate's stage.
    pub fn of_stage(name: GateName) -> Self {
        match name {
            GateName::Review => Self::Review,
            GateName::Test => Self::Test,
        }
    }

    /// The stage, of a gate.
    pub fn stage(self) -> Option<GateName> {
        match self {
            Self::Review => Some(GateName::Review),
            Self::Test => Some(GateName::Test),
            Self::Reducer | Self::Scrubber => None,
        }
    }
}

/// A component that decides beside what is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// What it decides.
    pub role: ShadowRole,
    /// The component.
    pub binding: Binding,
}

words! {
    /// How something was decided in shadow that was decided differently.
    ShadowOutcome {
        /// The component decides something else.
        Different = "different",
        /// It failed, and what decided did not.
        Failed = "failed",
    }
}

/// How often a component in shadow did what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShadowCounts {
    /// Decided the same.
    pub same: u64,
    /// Decided differently.
    pub different: u64,
    /// Failed, and what decided did not.
    pub failed: u64,
    /// Of these, took more than twice the fuel of what decided.
    pub slower: u64,
    /// Was never asked: too many waited, it kept failing, or the host could not ask.
    pub dropped: u64,
}

impl ShadowCounts {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            same: self.same.saturating_add(other.same),
            different: self.different.saturating_add(other.different),
            failed: self.failed.saturating_add(other.failed),
            slower: self.slower.saturating_add(other.slower),
            dropped: self.dropped.saturating_add(other.dropped),
        }
    }
}

/// What became of a component in shadow, on all hosts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowRecord {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// What it decides.
    pub role: ShadowRole,
    /// The component.
    pub digest: Digest,
    /// `name@version`.
    pub plugin: String,
    /// Digest of its settings and of what it decides beside.
    pub terms: Digest,
    /// The workspace's revision since which is counted.
    pub since_revision: u64,
    /// Since when.
    pub since: Timestamp,
    /// When it was counted last.
    pub updated_at: Timestamp,
    /// How often it did what.
    pub counts: ShadowCounts,
    /// Guards every write.
    pub revision: u64,
}

/// Something that was decided differently in shadow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowDifference {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Its id, which sorts by time.
    pub id: String,
    /// What the component decides.
    pub role: ShadowRole,
    /// The component.
    pub digest: Digest,
    /// When it was found.
    pub at: Timestamp,
    /// Whether it decided something else, or failed.
    pub outcome: ShadowOutcome,
    /// The mission; not of texts.
    pub mission_id: Option<MissionId>,
    /// The event's place in the mission's history; of reducers.
    pub seq: Option<u64>,
    /// The work item; of gates.
    pub work_item_id: Option<WorkItemId>,
    /// The verdict; of gates.
    pub verdict_id: Option<VerdictId>,
    /// The event's type, the stage, or the text's kind.
    pub kind: String,
    /// JSON object: what was decided.
    pub decided: Json,
    /// JSON object: what the component decides.
    pub candidate: Json,
}
