//! Has something remembered: scrubbed, joined with what says the same, or as a record of its own.

use serde_json::json;

use sluice_api::memory::{MemoryPut, MemoryStored};

use super::embed::Embedded;
use super::fields::Fields;
use super::reach::Reach;
use super::scrub::{Destination, ScrubResult};
use super::told::{Telling, about, place, with};
use super::{MemoryCaller, search};
use crate::domain::audit::AuditOutcome;
use crate::domain::event_type::EventType;
use crate::domain::id::{self, MemoryId, RunId};
use crate::domain::memory::validation::{self, InvalidMemory};
use crate::domain::memory::vector::Vector;
use crate::domain::memory::{
    InvalidPartition, MemoryKind, MemoryRecord, Partition, ScrubStatus, Tier, Trust, Visibility, content_digest,
};
use crate::domain::receipt::ReceiptKey;
use crate::domain::time::Timestamp;
use crate::engine::advance::add_receipt;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Unit, Write};
use crate::wire::{self, FieldError};

/// Milliseconds a record of a session lasts unless it is said: a week, in which a session is taken up
/// again or never.
pub const EXPIRES_IN_SESSION_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Milliseconds the longest-lived record that ends at all lives: ten years.
const TTL_MAX_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1000;
/// Times it is tried again because somebody put the same, or changed what says the same, meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// A record that is to be made, checked and scrubbed.
pub(super) struct Candidate {
    pub(super) record: MemoryRecord,
    pub(super) embedded: Embedded,
}

/// What there is to do about a candidate.
enum Step {
    Join(Box<MemoryRecord>),
    Store { instead_of: Option<Box<MemoryRecord>> },
}

impl Engine {
    /// Has something remembered. A text that the scrubber blocks is not, and that is an answer.
    ///
    /// # Errors
    /// [`EngineError::Field`]; [`EngineError::CapabilityInvalid`]; [`EngineError::TierNotGranted`];
    /// [`EngineError::NotFound`] for a partition of another workspace; storage.
    pub async fn put_memory(
        &self,
        caller: &MemoryCaller<'_>,
        request: MemoryPut,
        receipt: Option<&ReceiptKey>,
    ) -> Result<MemoryStored, EngineError> {
        let reach = self.memory_reach(caller).await?;
        self.put_within(caller, &reach, request, receipt).await
    }

    /// The same for what a caller reaches.
    pub(super) async fn put_within(
        &self,
        caller: &MemoryCaller<'_>,
        reach: &Reach,
        request: MemoryPut,
        receipt: Option<&ReceiptKey>,
    ) -> Result<MemoryStored, EngineError> {
        let (place, text, mut fields) = self.place_of(caller, reach, &request)?;
        let kind = request.kind.map_or(MemoryKind::Note, wire::memory_kind_from);
        let classification = request.classification.as_deref().unwrap_or(validation::CLASSIFICATION);
        let workspace_id = &caller.principal.workspace_id;
        let to = Destination { workspace_id, tier: place.tier, classification, kind };
        let beside = self.scrub_fields(&mut fields, to).await?;
        let is_blocked = |result: &&ScrubResult| result.status == ScrubStatus::Blocked;
        if let Some(result) = beside.as_ref().filter(is_blocked) {
            // Names that no scrubber let pass are not repeated.
            let hidden = Partition { project_id: "-".to_owned(), session_id: None, ..place };
            return self.tell_blocked(caller, reach, &hidden, kind, result, receipt).await;
        }
        let result = self.scrub(&text, to).await?;
        if result.status == ScrubStatus::Blocked {
            return self.tell_blocked(caller, reach, &place, kind, &result, receipt).await;
        }
        let candidate = self.candidate(reach, place, &request, &result, &fields)?;
        self.remember(caller, reach, candidate, &result, beside.as_ref(), receipt).await
    }

    /// Where a put leads to, and what has to be scrubbed: everything of it that is text.
    fn place_of(
        &self,
        caller: &MemoryCaller<'_>,
        reach: &Reach,
        request: &MemoryPut,
    ) -> Result<(Partition, String, Fields), EngineError> {
        let org = &self.parts.options.memory.org;
        let said = wire::said_partition(
            org,
            &caller.principal.workspace_id,
            request.partition.as_ref(),
            request.project_id.as_deref(),
            request.tier,
        )?;
        let tier = said.tier.unwrap_or(Tier::Session);
        Reach::require("write", tier, &reach.grant.writable)?;
        let project = reach.project(said.project_id.as_deref());
        let session = reach.session(request.session_id.as_deref());
        let place = Partition::new(org, &caller.principal.workspace_id, Some(&project), tier, Some(&session))
            .map_err(search::no_partition)?;
        let reaches_session = place.session_id.as_deref().is_none_or(|session| reach.grant.reaches_session(session));
        if !reach.grant.reaches_project(&project) || !reaches_session {
            let allowed = Vec::new();
            return Err(EngineError::TierNotGranted { may: "write", tier, allowed });
        }
        let text = request.text.clone().unwrap_or_default();
        validation::text(&text).map_err(|error| invalid("text", &error))?;
        let fields = fields_of(request, &place)?;
        Ok((place, text, fields))
    }

    fn candidate(
        &self,
        reach: &Reach,
        place: Partition,
        request: &MemoryPut,
        result: &ScrubResult,
        fields: &Fields,
    ) -> Result<Candidate, EngineError> {
        let now = self.now();
        let is_session = place.tier == Tier::Session;
        let visibility = match request.visibility.map(wire::visibility_from) {
            Some(Visibility::Shared) if is_session => {
                return Err(
                    FieldError::new("visibility", "is `shared`; a record of a session is its owner's alone").into()
                );
            }
            None if is_session => Visibility::Private,
            given => given.unwrap_or(Visibility::Shared),
        };
        let ttl_ms = match request.ttl_ms {
            Some(ttl_ms) if !(1..=TTL_MAX_MS).contains(&ttl_ms) => {
                return Err(FieldError::new("ttl_ms", format!("is {ttl_ms}; 1 to {TTL_MAX_MS} (ten years)")).into());
            }
            Some(ttl_ms) => Some(ttl_ms),
            None => is_session.then_some(EXPIRES_IN_SESSION_MS),
        };
        let text_of =
            |member: &str| fields.texts.iter().find(|(name, _)| *name == member).map(|(_, text)| text.clone());
        let tags = validation::tags(&fields.tags).map_err(|error| invalid("tags", &error))?;
        let run_id = reach.run.as_ref().map(|run| run.id.clone());
        let record = MemoryRecord {
            id: MemoryId::new(self.new_id(MemoryId::PREFIX)),
            partition: place,
            owner: reach.owner.clone(),
            visibility,
            kind: request.kind.map_or(MemoryKind::Note, wire::memory_kind_from),
            content_digest: content_digest(&result.text),
            text: result.text.clone(),
            tags,
            classification: request.classification.clone().unwrap_or_else(|| validation::CLASSIFICATION.to_owned()),
            metadata: wire::json_of(&fields.metadata),
            source: text_of("source"),
            source_type: reach.source_type,
            run_id: run_id.or_else(|| request.run_id.as_deref().map(RunId::new)),
            tool: text_of("tool"),
            origin: None,
            scrub: result.summary(),
            approval_id: None,
            trust: reach.trust,
            created_at: now,
            updated_at: now,
            expires_at: ttl_ms.map(|ttl_ms| now.plus_millis(ttl_ms)),
            revision: 1,
        };
        Ok(Candidate { record, embedded: Embedded::given(request.embedding.as_deref())? })
    }

    /// Stores a candidate, or joins it with what says the same.
    async fn remember(
        &self,
        caller: &MemoryCaller<'_>,
        reach: &Reach,
        mut candidate: Candidate,
        result: &ScrubResult,
        beside: Option<&ScrubResult>,
        receipt: Option<&ReceiptKey>,
    ) -> Result<MemoryStored, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let now = self.now();
            let (writes, kept, deduped) = match self.step(&candidate.record, now).await? {
                Step::Join(found) => {
                    let joined = joined(*found, &candidate.record, now);
                    (vec![Write::Memory(Box::new(joined.clone()))], joined, true)
                }
                Step::Store { instead_of } => {
                    if candidate.embedded == Embedded::No {
                        candidate.embedded = self.embedded(&candidate.record.text).await;
                    }
                    let mut writes: Vec<Write> = instead_of.into_iter().map(Write::DeleteMemory).collect();
                    writes.push(Write::Memory(Box::new(candidate.record.clone())));
                    (writes, candidate.record.clone(), false)
                }
            };
            let mut unit = Unit { writes, ..Unit::default() };
            // What the model made is of this text, and not of one that says nearly the same.
            let is_its_own = !deduped || matches!(candidate.embedded, Embedded::Given(_));
            let embedded = if is_its_own { candidate.embedded.clone() } else { Embedded::No };
            if let Some(embedding) = embedded.embedding() {
                unit.writes.push(Write::MemoryVector(kept.id.clone(), kept.workspace_id().clone(), embedding.clone()));
            }
            let mut telling = Telling::new(self, caller.principal, reach, now);
            telling.event(EventType::MemoryWriteAttempted, about(&kept));
            let status = result.status.as_str();
            let found = result.findings.len() + beside.map_or(0, |beside| beside.findings.len());
            let more = json!({"deduped": deduped, "scrub_status": status, "finding_count": found});
            telling.event(EventType::MemoryWriteSucceeded, with(about(&kept), more));
            let mut answer = stored(&kept, deduped, &telling.audit_id, result, beside);
            answer.embedding = embedded.state();
            unit.audit.push(telling.audit(
                "memory.put",
                &format!("memory/{}", kept.id),
                AuditOutcome::Done,
                kept.run_id.as_ref().map(RunId::as_str),
                json!({
                    "status": if deduped { "deduped" } else { "stored" },
                    "partition": place(&kept.partition),
                    "visibility": kept.visibility.as_str(),
                    "scrub": result.audited(),
                    "scrub_beside": beside.map(ScrubResult::audited),
                }),
            ));
            unit.events = telling.events;
            if let Some(key) = receipt {
                add_receipt(&mut unit, key, 200, &answer, now);
            }
            match self.parts.store.commit(unit).await {
                Ok(_) => return Ok(answer),
                Err(CommitError::Storage(error)) => return Err(error.into()),
                // Another host carries the same named write out: its receipt is the answer.
                Err(CommitError::Conflict { table: "receipts", .. }) => return Err(EngineError::Contended),
                Err(CommitError::Conflict { .. }) => {}
            }
        }
        Err(EngineError::Contended)
    }

    async fn step(&self, record: &MemoryRecord, now: Timestamp) -> Result<Step, EngineError> {
        let scope = record.scope();
        if let Some(found) = self.parts.store.memory_by_content(&scope, &record.content_digest).await? {
            let found = Box::new(found);
            return Ok(if found.is_living(now) { Step::Join(found) } else { Step::Store { instead_of: Some(found) } });
        }
        let near = self.parts.store.near_memory(&scope, &record.text, now).await?;
        // Words a person stands behind do not vanish in a program's that are only nearly the same.
        let near = near.filter(|near| near.trust == Trust::Trusted || record.trust == Trust::Untrusted);
        Ok(near.map_or(Step::Store { instead_of: None }, |near| Step::Join(Box::new(near))))
    }

    /// Tells of a text that is not kept.
    async fn tell_blocked(
        &self,
        caller: &MemoryCaller<'_>,
        reach: &Reach,
        at: &Partition,
        kind: MemoryKind,
        result: &ScrubResult,
        receipt: Option<&ReceiptKey>,
    ) -> Result<MemoryStored, EngineError> {
        let now = self.now();
        let id = self.new_id(MemoryId::PREFIX);
        let mut telling = Telling::new(self, caller.principal, reach, now);
        let about = json!({
            "memory_id": id,
            "tier": at.tier.as_str(),
            "partition_key": at.display_key(),
            "kind": kind.as_str(),
            "source_type": reach.source_type.as_str(),
        });
        telling.event(EventType::MemoryWriteAttempted, about.clone());
        let more = json!({"reason": "blocked", "scrub_status": "blocked", "finding_count": result.findings.len()});
        telling.event(EventType::MemoryWriteSkipped, with(about, more));
        let answer = MemoryStored {
            id: id.clone(),
            ok: true,
            stored: false,
            deduped: false,
            tier: wire::tier_view(at.tier),
            partition_key: at.display_key(),
            audit_id: telling.audit_id.clone(),
            scrub: wire::scrub_view(&result.summary()),
            expires_at_ms: None,
            embedding: None,
        };
        let particulars = json!({"status": "blocked", "partition": place(at), "scrub": result.audited()});
        let audit = telling.audit("memory.put", &format!("memory/{id}"), AuditOutcome::Denied, None, particulars);
        let mut unit = Unit { audit: vec![audit], events: telling.events, ..Unit::default() };
        if let Some(key) = receipt {
            add_receipt(&mut unit, key, 200, &answer, now);
        }
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(answer),
            Err(CommitError::Storage(error)) => Err(error.into()),
            Err(CommitError::Conflict { .. }) => Err(EngineError::Contended),
        }
    }
}

/// What stands beside a put's text, checked.
fn fields_of(request: &MemoryPut, place: &Partition) -> Result<Fields, EngineError> {
    let mut fields = Fields { tags: request.tags.clone(), ..Fields::default() };
    if place.project_id != crate::domain::memory::partition::DEFAULT {
        fields.names.push(("project_id", place.project_id.clone()));
    }
    fields.names.extend(place.session_id.iter().map(|session| ("session_id", session.clone())));
    if let Some(run_id) = &request.run_id {
        id::check(run_id).map_err(|error| FieldError::new("run_id", error.to_string()))?;
        fields.names.push(("run_id", run_id.clone()));
    }
    if let Some(word) = &request.classification {
        validation::classification(word).map_err(|error| invalid("classification", &error))?;
        fields.names.push(("classification", word.clone()));
    }
    if let Some(user) = &request.user_id {
        fields.tags.push(wire::user_tag(user)?);
        fields.names.push(("user_id", user.clone()));
    }
    for (member, text) in [("source", &request.source), ("tool", &request.tool)] {
        if let Some(text) = text {
            validation::source(member, text).map_err(|error| invalid(member, &error))?;
            fields.texts.push((member, text.clone()));
        }
    }
    fields.tags = validation::tags(&fields.tags).map_err(|error| invalid("tags", &error))?;
    if let Some(metadata) = &request.metadata {
        let text = wire::json_of(metadata);
        validation::metadata(text.as_str()).map_err(|error| invalid("metadata", &error))?;
        if text.as_str().contains("\\u0000") {
            return Err(FieldError::new("metadata", "holds U+0000, which no database keeps; leave it out").into());
        }
        fields.metadata.clone_from(metadata);
    }
    Ok(fields)
}

/// What `found` becomes when `record` says the same again.
fn joined(mut found: MemoryRecord, record: &MemoryRecord, now: Timestamp) -> MemoryRecord {
    let is_vouched_for = record.trust == Trust::Trusted || found.trust == Trust::Untrusted;
    if is_vouched_for {
        found.tags = validation::merged_tags(&found.tags, &record.tags);
    }
    if record.trust == Trust::Trusted && found.content_digest == record.content_digest {
        found.trust = Trust::Trusted;
    }
    found.expires_at = found.expires_at.zip(record.expires_at).map(|(one, other)| one.max(other));
    found.updated_at = now;
    found.revision += 1;
    found
}

fn stored(
    record: &MemoryRecord,
    deduped: bool,
    audit_id: &str,
    result: &ScrubResult,
    beside: Option<&ScrubResult>,
) -> MemoryStored {
    let mut scrub = wire::scrub_view(&result.summary());
    if let Some(beside) = beside {
        // What stands beside the text was cut, so the put was.
        scrub = wire::scrub_view_with(scrub, &beside.summary());
    }
    MemoryStored {
        id: record.id.to_string(),
        ok: true,
        stored: true,
        deduped,
        tier: wire::tier_view(record.partition.tier),
        partition_key: record.partition.display_key(),
        audit_id: audit_id.to_owned(),
        scrub,
        expires_at_ms: record.expires_at.map(Timestamp::as_millis),
        embedding: None,
    }
}

pub(super) fn vector_of(numbers: Option<&[f64]>) -> Result<Option<Vector>, EngineError> {
    let Some(numbers) = numbers else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "a direction needs no more digits")]
    let numbers: Vec<f32> = numbers.iter().map(|number| *number as f32).collect();
    let vector = Vector::new(&numbers).map_err(|error| FieldError::new("embedding", error.to_string()))?;
    Ok(Some(vector))
}

/// What is wrong with a member. The domain names a text by what it is, a request by its member.
pub(super) fn invalid(member: &str, error: &InvalidMemory) -> EngineError {
    let member = match error {
        InvalidMemory::Tag(index) => format!("{member}[{index}]"),
        _ => member.to_owned(),
    };
    FieldError::new(member, error.to_string()).into()
}

/// What is wrong with where something is to lie.
impl From<InvalidPartition> for FieldError {
    fn from(error: InvalidPartition) -> Self {
        let field = match &error {
            InvalidPartition::Name { field } => field,
            InvalidPartition::SessionMissing => "session_id",
        };
        Self::new(field, error.to_string())
    }
}
