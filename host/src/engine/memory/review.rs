//! What people are asked about a promotion, and how an answer is held to what was asked.
//!
//! The content of the question is the capsule itself, to the byte, with the revision of its source, where
//! it goes and which scrubber let it pass. Whoever relies on an answer makes that content anew and
//! compares: another text, source, tier, scrubber or asker is another question.

use serde_json::json;

use super::promote::Capsule;
use crate::domain::approval::{Approval, ApprovalStatus, KIND_PROMOTION};
use crate::domain::artifact::Digest;
use crate::domain::id::ApprovalId;
use crate::domain::json::Json;
use crate::domain::memory::{MemoryRecord, Tier};
use crate::domain::run::Run;
use crate::domain::time::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::wire;

/// Longest time a question about a promotion waits, and an answer to it is good.
const REVIEW_TTL_MAX_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// How a review stands.
pub(super) enum Reviewed {
    /// A person said yes to this very capsule; the answer is yet to be used.
    Granted(Box<Approval>),
    /// Nobody has answered, or the answer was no.
    Waits(Box<Approval>),
    /// Nobody has been asked.
    NotAsked,
}

/// What a promotion is reviewed as.
pub(super) struct Question {
    pub(super) content: Json,
    pub(super) digest: Digest,
    pub(super) subject: Digest,
}

/// The question about promoting `source` as `capsule`.
pub(super) fn question_about(source: &MemoryRecord, capsule: &Capsule, to_tier: Tier, asked_by: &str) -> Question {
    let place = &source.partition;
    let content = wire::canonical_json(&json!({
        "kind": KIND_PROMOTION,
        "source": {"memory_id": source.id.as_str(), "revision": source.revision, "owner": source.owner},
        "from": {
            "org": place.org, "project_id": place.project_id,
            "tier": place.tier.as_str(), "session_id": place.session_id,
        },
        "to_tier": to_tier.as_str(),
        "text": capsule.text,
        "tags": capsule.tags,
        "metadata": capsule.metadata,
        "said_source": capsule.source,
        "record_kind": source.kind.as_str(),
        "classification": source.classification,
        "scrubber": capsule.scrub.digest.as_str(),
        "requested_by": asked_by,
    }));
    let digest = Digest::of(content.as_str().as_bytes());
    Question { content, digest, subject: subject_of(source) }
}

/// What all questions about promotions of one record have in common.
pub(super) fn subject_of(source: &MemoryRecord) -> Digest {
    Digest::of(source.id.as_str().as_bytes())
}

impl Engine {
    /// How the review of a question stands. With `named` the answer has to be that approval's.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an approval that is none of this workspace's promotions;
    /// [`EngineError::Conflict`] for one about something else, or one that was used; storage.
    pub(super) async fn reviewed(
        &self,
        source: &MemoryRecord,
        question: &Question,
        named: Option<&str>,
    ) -> Result<Reviewed, EngineError> {
        let now = self.now();
        if let Some(id) = named {
            let found = self.parts.store.approval(&ApprovalId::new(id)).await?;
            let found = found
                .filter(|approval| approval.workspace_id == *source.workspace_id() && approval.kind == KIND_PROMOTION);
            let approval = found.ok_or_else(|| EngineError::NotFound { what: "approval", id: id.to_owned() })?;
            if !approval.is_about(&question.content) {
                return Err(EngineError::Conflict(format!(
                    "approval `{id}` is not about what would be stored now: the record, its text, the target, the scrubber or \
                     the asker is another; leave `review` out to ask anew"
                )));
            }
            return judge(approval, now).map_err(|why| EngineError::Conflict(format!("approval `{id}` {why}")));
        }
        let asked = self.parts.store.approvals_of_promotion(source.workspace_id(), &question.subject).await?;
        let mut asked = asked.into_iter().filter(|approval| approval.is_about(&question.content));
        Ok(asked.find_map(|approval| judge(approval, now).ok()).unwrap_or(Reviewed::NotAsked))
    }

    /// The question, for whoever answers.
    pub(super) fn review_of(
        &self,
        source: &MemoryRecord,
        question: Question,
        to_tier: Tier,
        (asked_by, run, reason): (&str, Option<&Run>, Option<&str>),
    ) -> Approval {
        let now = self.now();
        let from = source.partition.tier;
        Approval {
            workspace_id: source.workspace_id().clone(),
            id: ApprovalId::new(self.new_id(ApprovalId::PREFIX)),
            mission_id: run.map(|run| run.mission_id.clone()),
            work_item_id: run.and_then(|run| run.work_item_id.clone()),
            kind: KIND_PROMOTION.to_owned(),
            gate: None,
            verdict_id: None,
            subject: question.subject,
            requested_by: asked_by.to_owned(),
            run_id: run.map(|run| run.id.clone()),
            content: question.content,
            content_digest: question.digest,
            used_at: None,
            // Not a word of the text: everybody sees that there is a question.
            summary: format!("promote memory {} from {from} to {to_tier}", source.id),
            data: wire::json_of(
                &json!({"memory_id": source.id.as_str(), "to_tier": to_tier.as_str(), "reason": reason}),
            ),
            status: ApprovalStatus::Pending,
            decided_by: None,
            reason: None,
            requested_at: now,
            decided_at: None,
            expires_at: Some(now.plus_millis(self.parts.options.approval_ttl_ms.min(REVIEW_TTL_MAX_MS))),
            revision: 1,
        }
    }
}

/// How one approval of the right content stands; why it is of no use.
fn judge(approval: Approval, now: Timestamp) -> Result<Reviewed, &'static str> {
    let is_over = approval.expires_at.is_some_and(|end| end <= now);
    match approval.status {
        _ if approval.used_at.is_some() => Err("was used already; an answer is good once"),
        ApprovalStatus::Denied => Ok(Reviewed::Waits(Box::new(approval))),
        _ if is_over => Err("has expired; leave `review` out to ask anew"),
        ApprovalStatus::Expired => Err("has ended unanswered; leave `review` out to ask anew"),
        ApprovalStatus::Pending => Ok(Reviewed::Waits(Box::new(approval))),
        ApprovalStatus::Granted => Ok(Reviewed::Granted(Box::new(approval))),
    }
}
