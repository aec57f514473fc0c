//! Approvals: questions only a person may answer.

use super::artifact::Digest;
use super::gate::GateName;
use super::id::{ApprovalId, MissionId, RunId, VerdictId, WorkItemId, WorkspaceId};
use super::json::Json;
use super::time::Timestamp;
use super::word::words;

words! {
    /// Where an approval stands.
    ApprovalStatus {
        /// Nobody has answered.
        Pending = "pending",
        /// Yes. Final.
        Granted = "granted",
        /// No. Final.
        Denied = "denied",
        /// Nobody answered in time, or the mission ended. Final.
        Expired = "expired",
    }
}

/// Kind of the approvals that override a gate.
pub const KIND_GATE: &str = "gate";

/// Kind of the approvals of side effects on the outside world, which runs ask for. The host's own:
/// no reducer asks with it, and none is told.
pub const KIND_ACTION: &str = "action";

/// Kind of the approvals of one occurrence of a routine that has external side effects. The host's own:
/// its mission starts with the answer, and no reducer is asked or told.
pub const KIND_ROUTINE: &str = "routine";
/// Kind of the approvals of promotions in memory. The host's own, as actions are.
pub const KIND_PROMOTION: &str = "memory_promotion";

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: ApprovalId,
    /// The mission that asks; none for a question of memory that no mission's run asked.
    pub mission_id: Option<MissionId>,
    /// The work item it is about.
    pub work_item_id: Option<WorkItemId>,
    /// [`KIND_GATE`], [`KIND_ACTION`], [`KIND_ROUTINE`], or a kind of the reducer's own.
    pub kind: String,
    /// The gate it overrides, for kind `gate`.
    pub gate: Option<GateName>,
    /// The `needs_human` verdict it answers, for kind `gate`.
    pub verdict_id: Option<VerdictId>,
    /// Digest of what is approved: the artifact set for kind `gate`, else of kind, summary
    /// and data.
    pub subject: Digest,
    /// The principal whose work or wish it is about; it never answers itself.
    pub requested_by: String,
    /// The run whose work it is about.
    pub run_id: Option<RunId>,
    /// JSON in canonical form: exactly what is approved, the target's revision, who asks and
    /// until when included.
    pub content: Json,
    /// SHA-256 of `content`. Whoever carries it out hashes again.
    pub content_digest: Digest,
    /// When what was approved was carried out; an answer is good once.
    pub used_at: Option<Timestamp>,
    /// One line for the person who answers.
    pub summary: String,
    /// JSON object: what the reducer added.
    pub data: Json,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// Who answered.
    pub decided_by: Option<String>,
    /// What they said.
    pub reason: Option<String>,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// When it was answered.
    pub decided_at: Option<Timestamp>,
    /// When it expires unanswered.
    pub expires_at: Option<Timestamp>,
    /// Guards every write to it.
    pub revision: u64,
}

impl Approval {
    /// Whether `content` is what was asked about, and the row still holds it: compared by hashing
    /// both again.
    pub fn is_about(&self, content: &Json) -> bool {
        self.is_intact() && Digest::of(content.as_str().as_bytes()) == self.content_digest
    }

    /// Whether its content is still what its digest says.
    pub fn is_intact(&self) -> bool {
        Digest::of(self.content.as_str().as_bytes()) == self.content_digest
    }
}
