//! Promotes a record: what it says is scrubbed anew for where it goes, reviewed where a review is due, and
//! stored there as a record of its own. The source stays.
//!
//! All of it is one unit of work, guarded by the source's revision and the approval's: a record that was
//! changed, demoted or deleted meanwhile is not promoted, and an answer is used once, on whatever host.

use serde_json::{Map, Value, json};

use sluice_api::memory::{MemoryPromote, MemoryPromoted};

use super::embed::Embedded;
use super::fields::Fields;
use super::reach::Reach;
use super::remove::RemovalNote;
use super::review::{Question, Reviewed, question_about};
use super::scrub::{Destination, ScrubResult};
use super::told::{Telling, about, place, with};
use super::{MemoryCaller, search};
use crate::domain::approval::Approval;
use crate::domain::audit::AuditOutcome;
use crate::domain::event_type::EventType;
use crate::domain::id::MemoryId;
use crate::domain::memory::{
    MemoryRecord, Partition, ScrubStatus, SourceType, Tier, Trust, Visibility, content_digest, validation,
};
use crate::domain::receipt::ReceiptKey;
use crate::engine::actions::approval_entry;
use crate::engine::advance::add_receipt;
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire::{self, FieldError};

/// Times it is tried again because the source, the target or the review changed meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// What would be stored of a source.
pub(super) struct Capsule {
    pub(super) text: String,
    pub(super) tags: Vec<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) source: Option<String>,
    pub(super) tool: Option<String>,
    pub(super) scrub: ScrubResult,
    /// What was found beside the text.
    pub(super) beside: Option<ScrubResult>,
}

/// One promotion on its way.
struct Promotion<'p> {
    caller: &'p MemoryCaller<'p>,
    reach: Reach,
    request: &'p MemoryPromote,
    note: RemovalNote,
    receipt: Option<&'p ReceiptKey>,
}

impl Engine {
    /// Promotes a record, or asks for the review that it takes, or tells that the scrubber blocks it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a record that is not there for the caller, was demoted or has ended;
    /// [`EngineError::TierNotGranted`]; [`EngineError::CapabilityInvalid`]; [`EngineError::Field`] for a
    /// target that is no higher tier; [`EngineError::Conflict`] for an approval that is not about this;
    /// storage.
    pub async fn promote_memory(
        &self,
        caller: &MemoryCaller<'_>,
        request: &MemoryPromote,
        receipt: Option<&ReceiptKey>,
    ) -> Result<MemoryPromoted, EngineError> {
        let reach = self.memory_reach(caller).await?;
        let note = RemovalNote { reason: request.reason.clone(), run_id: request.run_id.clone(), if_revision: None };
        let note = self.scrubbed_note(&caller.principal.workspace_id, note).await?;
        let promotion = Promotion { caller, reach, request, note, receipt };
        for _ in 0..ATTEMPTS_MAX {
            if let Some(answer) = self.try_promote(&promotion).await? {
                return Ok(answer);
            }
        }
        Err(EngineError::Contended)
    }

    /// One attempt; none when something changed meanwhile.
    async fn try_promote(&self, promotion: &Promotion<'_>) -> Result<Option<MemoryPromoted>, EngineError> {
        let Promotion { caller, reach, request, .. } = promotion;
        let source = self.memory_seen(caller, reach, &request.id, false).await?;
        let to_tier = target_of(&source, request.to_tier.map(wire::tier_from))?;
        Reach::require("promote to", to_tier, &reach.grant.promotable)?;
        let capsule = self.capsule_of(&source, to_tier).await?;
        if capsule.scrub.status == ScrubStatus::Blocked {
            return self.tell_promotion_blocked(promotion, &source, to_tier, &capsule).await;
        }
        let is_reviewed = reach.grant.review_required || self.parts.options.memory.reviewed.contains(&to_tier);
        let named = request.review.as_ref().and_then(|review| review.approval_id.as_deref());
        if !is_reviewed && named.is_none() {
            return self.store_capsule(promotion, &source, to_tier, &capsule, None).await;
        }
        if let Some(answer) = self.promoted_before(promotion, &source, to_tier, &capsule).await? {
            return Ok(Some(answer));
        }
        let question = question_about(&source, &capsule, to_tier, &caller.principal.name);
        match self.reviewed(&source, &question, named).await? {
            Reviewed::Granted(approval) => {
                self.store_capsule(promotion, &source, to_tier, &capsule, Some(*approval)).await
            }
            Reviewed::Waits(approval) => {
                Ok(Some(self.waiting(promotion, &source, to_tier, &capsule, &approval).await?))
            }
            Reviewed::NotAsked => self.ask_review(promotion, &source, to_tier, &capsule, question).await,
        }
    }

    /// What would be stored of `source` in `to_tier`: everything of it that is text, scrubbed again.
    async fn capsule_of(&self, source: &MemoryRecord, to_tier: Tier) -> Result<Capsule, EngineError> {
        let to = Destination {
            workspace_id: source.workspace_id(),
            tier: to_tier,
            classification: &source.classification,
            kind: source.kind,
        };
        let mut fields = Fields { tags: source.tags.clone(), ..Fields::default() };
        if let Value::Object(metadata) = wire::value_of(&source.metadata) {
            fields.metadata = metadata;
        }
        fields.texts.extend(source.source.iter().map(|text| ("source", text.clone())));
        fields.texts.extend(source.tool.iter().map(|text| ("tool", text.clone())));
        let beside = self.scrub_fields(&mut fields, to).await?;
        let blocked = beside.as_ref().filter(|beside| beside.status == ScrubStatus::Blocked).cloned();
        let scrub = match blocked {
            Some(blocked) => blocked,
            None => self.scrub(&source.text, to).await?,
        };
        let text_of =
            |member: &str| fields.texts.iter().find(|(name, _)| *name == member).map(|(_, text)| text.clone());
        let (source, tool) = (text_of("source"), text_of("tool"));
        let tags = validation::tags(&fields.tags).map_err(|error| super::put::invalid("tags", &error))?;
        Ok(Capsule { text: scrub.text.clone(), tags, metadata: fields.metadata, source, tool, scrub, beside })
    }

    /// Stores the capsule, or joins it with what the target tier has of the same content.
    async fn store_capsule(
        &self,
        promotion: &Promotion<'_>,
        source: &MemoryRecord,
        to_tier: Tier,
        capsule: &Capsule,
        approval: Option<Approval>,
    ) -> Result<Option<MemoryPromoted>, EngineError> {
        let now = self.now();
        let made = self.promoted_record(source, to_tier, capsule, approval.as_ref())?;
        let found = self.parts.store.memory_by_content(&made.scope(), &made.content_digest).await?;
        let mut unit = Unit { guards: vec![Guard::memory(&source.id, Some(source.revision))], ..Unit::default() };
        let (kept, deduped) = match found {
            Some(found) if found.is_living(now) => (joined(found, &made), true),
            Some(ended) => {
                unit.writes.push(Write::DeleteMemory(Box::new(ended)));
                (made, false)
            }
            None => (made, false),
        };
        unit.writes.push(Write::Memory(Box::new(kept.clone())));
        let embedded = if deduped { Embedded::No } else { self.embedded(&kept.text).await };
        if let Some(embedding) = embedded.embedding() {
            unit.writes.push(Write::MemoryVector(kept.id.clone(), kept.workspace_id().clone(), embedding.clone()));
        }
        let actor = &promotion.caller.principal.name;
        if let Some(mut used) = approval {
            unit.guards.push(Guard::approval(&used.id, Some(used.revision)));
            used.revision += 1;
            used.used_at = Some(now);
            unit.audit.push(approval_entry(&used, "approval.used", actor, now));
            unit.writes.push(Write::Approval(used));
        }
        let mut telling = Telling::new(self, promotion.caller.principal, &promotion.reach, now);
        let approval_id = kept.approval_id.as_ref().map(ToString::to_string);
        let more = json!({
            "memory_id": source.id.as_str(), "new_memory_id": kept.id.as_str(), "deduped": deduped,
            "from_tier": source.partition.tier.as_str(), "to_tier": to_tier.as_str(),
            "scrub_status": capsule.scrub.status.as_str(), "approval_id": approval_id,
        });
        telling.event(EventType::MemoryPromoted, with(about(&kept), more));
        let particulars = json!({
            "status": "promoted", "new_memory_id": kept.id.as_str(), "deduped": deduped,
            "from": place(&source.partition), "to": place(&kept.partition), "source_revision": source.revision,
            "content_digest": kept.content_digest.as_str(), "approval_id": approval_id,
            "scrub": capsule.scrub.audited(), "reason": promotion.note.reason,
        });
        let answer = MemoryPromoted {
            promoted: true,
            new_memory_id: Some(kept.id.to_string()),
            deduped,
            approval_status: approval_id.as_ref().map(|_| "granted".to_owned()),
            approval_id,
            ..answer_of(source, to_tier, capsule, &telling.audit_id)
        };
        self.commit_promotion(promotion, source, unit, telling, particulars, answer).await
    }

    /// Tells of what this very record was promoted to before, under a review of its own.
    async fn promoted_before(
        &self,
        promotion: &Promotion<'_>,
        source: &MemoryRecord,
        to_tier: Tier,
        capsule: &Capsule,
    ) -> Result<Option<MemoryPromoted>, EngineError> {
        let made = self.promoted_record(source, to_tier, capsule, None)?;
        let found = self.parts.store.memory_by_content(&made.scope(), &made.content_digest).await?;
        let is_it = |found: &MemoryRecord| found.origin.as_ref() == Some(&source.id) && found.is_living(self.now());
        let Some(found) = found.filter(is_it) else { return Ok(None) };
        let telling = Telling::new(self, promotion.caller.principal, &promotion.reach, self.now());
        let approval_id = found.approval_id.as_ref().map(ToString::to_string);
        let answer = MemoryPromoted {
            promoted: true,
            new_memory_id: Some(found.id.to_string()),
            deduped: true,
            approval_status: approval_id.as_ref().map(|_| "granted".to_owned()),
            approval_id,
            ..answer_of(source, to_tier, capsule, &telling.audit_id)
        };
        let particulars = json!({
            "status": "deduped", "new_memory_id": found.id.as_str(), "from": place(&source.partition),
            "to_tier": to_tier.as_str(),
        });
        self.commit_promotion(promotion, source, Unit::default(), telling, particulars, answer).await
    }

    fn promoted_record(
        &self,
        source: &MemoryRecord,
        to_tier: Tier,
        capsule: &Capsule,
        approval: Option<&Approval>,
    ) -> Result<MemoryRecord, EngineError> {
        let now = self.now();
        let from = &source.partition;
        let place = Partition::new(&from.org, &from.workspace_id, Some(&from.project_id), to_tier, None)
            .map_err(search::no_partition)?;
        Ok(MemoryRecord {
            id: MemoryId::new(self.new_id(MemoryId::PREFIX)),
            partition: place,
            visibility: Visibility::Shared,
            text: capsule.text.clone(),
            content_digest: content_digest(&capsule.text),
            tags: capsule.tags.clone(),
            metadata: wire::json_of(&capsule.metadata),
            source: capsule.source.clone(),
            tool: capsule.tool.clone(),
            source_type: SourceType::Promotion,
            origin: Some(source.id.clone()),
            scrub: capsule.scrub.summary(),
            approval_id: approval.map(|approval| approval.id.clone()),
            // An operator, or whoever approved it, stands behind it now.
            trust: Trust::Trusted,
            created_at: now,
            updated_at: now,
            expires_at: None,
            revision: 1,
            ..source.clone()
        })
    }

    /// Asks people.
    async fn ask_review(
        &self,
        promotion: &Promotion<'_>,
        source: &MemoryRecord,
        to_tier: Tier,
        capsule: &Capsule,
        question: Question,
    ) -> Result<Option<MemoryPromoted>, EngineError> {
        let principal = promotion.caller.principal;
        let by = (principal.name.as_str(), promotion.reach.run.as_ref(), promotion.note.reason.as_deref());
        let approval = self.review_of(source, question, to_tier, by);
        let mut log = LogWriter::of_workspace(
            self,
            &approval.workspace_id,
            approval.mission_id.as_ref(),
            &principal.name,
            approval.requested_at,
        );
        log.approval_requested(&approval);
        let telling = Telling::new(self, principal, &promotion.reach, approval.requested_at);
        let answer = MemoryPromoted {
            approval_id: Some(approval.id.to_string()),
            approval_status: Some(approval.status.to_string()),
            ..answer_of(source, to_tier, capsule, &telling.audit_id)
        };
        let particulars = json!({
            "status": "review", "from": place(&source.partition), "to_tier": to_tier.as_str(),
            "approval_id": approval.id.as_str(), "content_digest": approval.content_digest.as_str(),
            "scrub": capsule.scrub.audited(), "reason": promotion.note.reason,
        });
        let unit = Unit {
            guards: vec![Guard::memory(&source.id, Some(source.revision))],
            writes: vec![Write::Approval(approval)],
            events: log.into_events(),
            ..Unit::default()
        };
        self.commit_promotion(promotion, source, unit, telling, particulars, answer).await
    }

    /// Tells that a review waits, or was denied. Nothing changes.
    async fn waiting(
        &self,
        promotion: &Promotion<'_>,
        source: &MemoryRecord,
        to_tier: Tier,
        capsule: &Capsule,
        approval: &Approval,
    ) -> Result<MemoryPromoted, EngineError> {
        let telling = Telling::new(self, promotion.caller.principal, &promotion.reach, self.now());
        let answer = MemoryPromoted {
            approval_id: Some(approval.id.to_string()),
            approval_status: Some(approval.status.to_string()),
            ..answer_of(source, to_tier, capsule, &telling.audit_id)
        };
        let particulars = json!({
            "status": approval.status.as_str(), "from": place(&source.partition), "to_tier": to_tier.as_str(),
            "approval_id": approval.id.as_str(),
        });
        let unit = Unit::default();
        // Nothing is guarded, so that nothing but the same named request can be in the way.
        let done = self.commit_promotion(promotion, source, unit, telling, particulars, answer).await?;
        done.ok_or(EngineError::Contended)
    }

    async fn tell_promotion_blocked(
        &self,
        promotion: &Promotion<'_>,
        source: &MemoryRecord,
        to_tier: Tier,
        capsule: &Capsule,
    ) -> Result<Option<MemoryPromoted>, EngineError> {
        let mut telling = Telling::new(self, promotion.caller.principal, &promotion.reach, self.now());
        let told = json!({
            "memory_id": source.id.as_str(), "from_tier": source.partition.tier.as_str(),
            "to_tier": to_tier.as_str(), "finding_count": capsule.scrub.findings.len(),
        });
        telling.event(EventType::MemoryPromotionBlocked, told);
        let answer = answer_of(source, to_tier, capsule, &telling.audit_id);
        let particulars = json!({
            "status": "blocked", "from": place(&source.partition), "to_tier": to_tier.as_str(),
            "scrub": capsule.scrub.audited(), "reason": promotion.note.reason,
        });
        self.commit_promotion(promotion, source, Unit::default(), telling, particulars, answer).await
    }

    async fn commit_promotion(
        &self,
        promotion: &Promotion<'_>,
        source: &MemoryRecord,
        mut unit: Unit,
        mut telling: Telling<'_>,
        particulars: Value,
        answer: MemoryPromoted,
    ) -> Result<Option<MemoryPromoted>, EngineError> {
        let is_blocked = particulars["status"] == "blocked";
        let outcome = if is_blocked { AuditOutcome::Denied } else { AuditOutcome::Done };
        let run_id = promotion.note.run_id.as_deref();
        let resource = wire::memory_resource(source.id.as_str());
        unit.audit.push(telling.audit("memory.promote", &resource, outcome, run_id, particulars));
        unit.events.append(&mut telling.events);
        if let Some(key) = promotion.receipt {
            add_receipt(&mut unit, key, 200, &answer, self.now());
        }
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(Some(answer)),
            Err(CommitError::Storage(error)) => Err(error.into()),
            Err(CommitError::Conflict { table: "receipts", .. }) => Err(EngineError::Contended),
            Err(CommitError::Conflict { .. }) => Ok(None),
        }
    }
}

/// The tier a record is promoted to: the one asked for, or the next.
fn target_of(source: &MemoryRecord, asked: Option<Tier>) -> Result<Tier, FieldError> {
    let from = source.partition.tier;
    let Some(to_tier) = asked.or_else(|| from.next()) else {
        return Err(FieldError::new("to_tier", "there is no tier above `curated`"));
    };
    if to_tier <= from {
        return Err(FieldError::new(
            "to_tier",
            format!("is `{to_tier}`; the record is in `{from}`, and promotion leads up"),
        ));
    }
    Ok(to_tier)
}

/// What the target's record becomes when the same is promoted to it again.
fn joined(mut found: MemoryRecord, made: &MemoryRecord) -> MemoryRecord {
    found.tags = validation::merged_tags(&found.tags, &made.tags);
    found.trust = Trust::Trusted;
    found.approval_id = made.approval_id.clone().or(found.approval_id);
    found.expires_at = None;
    found.updated_at = made.updated_at;
    found.revision += 1;
    found
}

fn answer_of(source: &MemoryRecord, to_tier: Tier, capsule: &Capsule, audit_id: &str) -> MemoryPromoted {
    MemoryPromoted {
        ok: true,
        promoted: false,
        id: source.id.to_string(),
        new_memory_id: None,
        deduped: false,
        to_tier: wire::tier_view(to_tier),
        scrub_report: match &capsule.beside {
            Some(beside) => wire::scrub_view_with(wire::scrub_view(&capsule.scrub.summary()), &beside.summary()),
            None => wire::scrub_view(&capsule.scrub.summary()),
        },
        approval_id: None,
        approval_status: None,
        audit_id: audit_id.to_owned(),
    }
}
