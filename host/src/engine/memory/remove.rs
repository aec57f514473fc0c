//! Takes back what is remembered: demoted it is found no more, deleted it is gone. What was done stays in
//! the audit.

use serde_json::json;

use super::MemoryCaller;
use super::fields::Fields;
use super::put::invalid;
use super::reach::Reach;
use super::scrub::Destination;
use super::told::{Telling, about, place, with};
use crate::domain::approval::{Approval, ApprovalStatus};
use crate::domain::artifact::Digest;
use crate::domain::audit::AuditOutcome;
use crate::domain::event_type::EventType;
use crate::domain::id::{self, MemoryId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::memory::{MemoryKind, MemoryRecord, ScrubStatus, Tier, validation};
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire::{self, FieldError};

/// Times it is tried again because the record, or a question about it, changed meanwhile.
const ATTEMPTS_MAX: usize = 16;
/// Longest reason, in characters.
const REASON_MAX_CHARS: usize = 500;

/// What is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is found no more, and kept.
    Demote,
    /// It is gone.
    Delete,
}

/// What a caller says about a removal, for the audit.
#[derive(Debug, Clone, Default)]
pub struct RemovalNote {
    /// Why.
    pub reason: Option<String>,
    /// The run it is done for.
    pub run_id: Option<String>,
    /// Only if the record is at this revision.
    pub if_revision: Option<u64>,
}

impl Engine {
    /// A record that is there for the caller. An operator also finds what was demoted, if `any`.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], whether it is another's or nobody's; [`EngineError::CapabilityInvalid`];
    /// storage.
    pub async fn find_memory(
        &self,
        caller: &MemoryCaller<'_>,
        id: &str,
        any: bool,
    ) -> Result<MemoryRecord, EngineError> {
        let reach = self.memory_reach(caller).await?;
        self.memory_seen(caller, &reach, id, any).await
    }

    /// The same for what a caller reaches.
    pub(super) async fn memory_seen(
        &self,
        caller: &MemoryCaller<'_>,
        reach: &Reach,
        id: &str,
        any: bool,
    ) -> Result<MemoryRecord, EngineError> {
        let found = self.parts.store.memory_as_stored(&caller.principal.workspace_id, &MemoryId::new(id)).await?;
        let org = &self.parts.options.memory.org;
        let found = found.filter(|record| reach.sees(record, org, self.now()) || (any && reach.is_operator));
        found.ok_or_else(|| EngineError::NotFound { what: "memory", id: id.to_owned() })
    }

    /// Demotes or deletes a record that the caller may remove. Answers the id of the audit's entry.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when somebody else was faster; [`EngineError::Revision`];
    /// [`EngineError::Field`]; storage.
    pub async fn remove_memory(
        &self,
        caller: &MemoryCaller<'_>,
        id: &str,
        removal: Removal,
        note: RemovalNote,
    ) -> Result<String, EngineError> {
        let reach = self.memory_reach(caller).await?;
        let note = self.scrubbed_note(&caller.principal.workspace_id, note).await?;
        for _ in 0..ATTEMPTS_MAX {
            let record = self.memory_seen(caller, &reach, id, removal == Removal::Delete).await?;
            if let Some(expected) = note.if_revision.filter(|expected| *expected != record.revision) {
                return Err(EngineError::Revision { expected, current: record.revision });
            }
            let now = self.now();
            let mut telling = Telling::new(self, caller.principal, &reach, now);
            let (event, action, write) = match removal {
                Removal::Demote => {
                    (EventType::MemoryDemoted, "memory.demote", Write::DemoteMemory(Box::new(record.clone()), now))
                }
                Removal::Delete => {
                    (EventType::MemoryDeleted, "memory.delete", Write::DeleteMemory(Box::new(record.clone())))
                }
            };
            telling.event(event, with(about(&record), json!({"reason": "removed"})));
            let mut unit = Unit { writes: vec![write], ..Unit::default() };
            unit.audit.push(telling.audit(
                action,
                &wire::memory_resource(record.id.as_str()),
                AuditOutcome::Done,
                note.run_id.as_deref(),
                json!({"status": "done", "partition": place(&record.partition), "reason": note.reason}),
            ));
            unit.events = std::mem::take(&mut telling.events);
            self.forget_questions(&record, removal, &caller.principal.name, &mut unit).await?;
            match self.parts.store.commit(unit).await {
                Ok(_) => return Ok(telling.audit_id),
                Err(CommitError::Storage(error)) => return Err(error.into()),
                Err(CommitError::Conflict { .. }) => {}
            }
        }
        Err(EngineError::Contended)
    }

    /// Ends what is still asked about a record that goes, and takes its text out of what was asked.
    pub(super) async fn forget_questions(
        &self,
        record: &MemoryRecord,
        removal: Removal,
        actor: &str,
        unit: &mut Unit,
    ) -> Result<(), EngineError> {
        let subject = Digest::of(record.id.as_str().as_bytes());
        let asked = self.parts.store.approvals_of_promotion(record.workspace_id(), &subject).await?;
        for mut approval in asked {
            let is_pending = approval.status == ApprovalStatus::Pending;
            if !is_pending && removal == Removal::Demote {
                continue;
            }
            unit.guards.push(Guard::approval(&approval.id, Some(approval.revision)));
            approval.revision += 1;
            if is_pending {
                self.end_question(&mut approval, actor, unit);
            }
            if removal == Removal::Delete {
                // Its digest stays, and so shows that this is not what was asked.
                approval.content = Json::from_valid("{\"deleted\":true}");
                approval.data = Json::empty_object();
            }
            unit.writes.push(Write::Approval(approval));
        }
        Ok(())
    }

    fn end_question(&self, approval: &mut Approval, actor: &str, unit: &mut Unit) {
        let now = self.now();
        approval.status = ApprovalStatus::Expired;
        approval.decided_at = Some(now);
        approval.reason = Some("the record it is about was taken back".to_owned());
        let mission_id = approval.mission_id.as_ref();
        let mut log = LogWriter::of_workspace(self, &approval.workspace_id, mission_id, actor, now);
        log.approval_decided(approval);
        unit.events.extend(log.into_events());
    }

    /// What a caller says about a removal, as it may be kept.
    pub(super) async fn scrubbed_note(
        &self,
        workspace_id: &WorkspaceId,
        note: RemovalNote,
    ) -> Result<RemovalNote, EngineError> {
        let mut fields = Fields::default();
        if let Some(run_id) = &note.run_id {
            id::check(run_id).map_err(|error| FieldError::new("run_id", error.to_string()))?;
            fields.names.push(("run_id", run_id.clone()));
        }
        if let Some(reason) = &note.reason {
            if reason.trim().is_empty() || reason.chars().count() > REASON_MAX_CHARS {
                let message = format!("has {} characters; 1 to {REASON_MAX_CHARS}", reason.chars().count());
                return Err(FieldError::new("reason", message).into());
            }
            validation::no_control_characters("reason", reason).map_err(|error| invalid("reason", &error))?;
            fields.texts.push(("reason", reason.clone()));
        }
        let to = Destination {
            workspace_id,
            tier: Tier::Curated,
            classification: validation::CLASSIFICATION,
            kind: MemoryKind::Note,
        };
        let scrubbed = self.scrub_fields(&mut fields, to).await?;
        if scrubbed.is_some_and(|result| result.status == ScrubStatus::Blocked) {
            // What is done does not depend on the words it is done with.
            return Ok(RemovalNote { reason: None, run_id: None, ..note });
        }
        Ok(RemovalNote { reason: fields.texts.pop().map(|(_, text)| text), ..note })
    }
}
