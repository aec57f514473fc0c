//! Takes a person's answer to a question, and ends questions nobody answered.

use sluice_api::input::ApprovalDecided;

use super::actions::approval_entry;
use super::error::conflict_or_storage;
use super::routines::Asked;
use super::told::LogWriter;
use super::{Engine, EngineError};
use crate::domain::approval::{Approval, ApprovalStatus, KIND_ACTION, KIND_PROMOTION, KIND_ROUTINE};
use crate::domain::artifact::Digest;
use crate::domain::event::{Input, InputKind};
use crate::domain::id::{ApprovalId, EventId, MissionId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::store::{Guard, Unit, Write};
use crate::wire;

/// Times a question is read again because somebody else answered it meanwhile: whoever answers
/// ends it, so that the second look already finds an answer.
const LOOKS_MAX: usize = 3;

/// A person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Grant,
    /// No.
    Deny,
}

impl Engine {
    /// Answers a question. The same answer twice is fine.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when it was answered differently, has
    /// expired by the clock, or is not about `content_digest`, which is what whoever answers has
    /// looked at.
    pub async fn decide_approval(
        &self,
        workspace_id: &WorkspaceId,
        id: &ApprovalId,
        decision: Decision,
        decided_by: &str,
        reason: Option<String>,
        content_digest: Option<&Digest>,
    ) -> Result<Approval, EngineError> {
        let status = match decision {
            Decision::Grant => ApprovalStatus::Granted,
            Decision::Deny => ApprovalStatus::Denied,
        };
        for _ in 0..LOOKS_MAX {
            let found = self.parts.store.approval(id).await?;
            let found = found.filter(|approval| approval.workspace_id == *workspace_id);
            let approval = found.ok_or_else(|| EngineError::NotFound { what: "approval", id: id.to_string() })?;
            self.check_answerable(&approval, status, content_digest)?;
            if approval.status == status {
                return Ok(approval);
            }
            match self.end_approval(approval, status, Some(decided_by), reason.clone()).await {
                Err(EngineError::Contended) => {}
                ended => return ended,
            }
        }
        Err(EngineError::Contended)
    }

    /// Refuses an answer that comes too late, differs from the one given, or is about something else.
    fn check_answerable(
        &self,
        approval: &Approval,
        status: ApprovalStatus,
        content_digest: Option<&Digest>,
    ) -> Result<(), EngineError> {
        let id = &approval.id;
        if content_digest.is_some_and(|looked_at| *looked_at != approval.content_digest) {
            return Err(EngineError::Conflict(format!("approval `{id}` is not about what was looked at")));
        }
        if approval.status == status {
            return Ok(());
        }
        if approval.status != ApprovalStatus::Pending {
            return Err(EngineError::Conflict(format!("approval `{id}` is {} already", approval.status)));
        }
        if approval.expires_at.is_some_and(|end| end <= self.now()) {
            return Err(EngineError::Conflict(format!("approval `{id}` has expired; nobody answered in time")));
        }
        // Hashed again: what people say yes to is what they were asked, to the byte.
        if !approval.is_intact() {
            return Err(EngineError::Conflict(format!("the content of approval `{id}` is not what was asked about")));
        }
        Ok(())
    }

    /// Ends every question whose time is up.
    ///
    /// # Errors
    /// Storage.
    pub async fn expire_approvals(&self) -> Result<(), EngineError> {
        const PAGE: u32 = 100;
        for approval in self.parts.store.expired_approvals(self.now(), PAGE).await? {
            match self.end_approval(approval, ApprovalStatus::Expired, None, None).await {
                Ok(_) | Err(EngineError::Contended) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn end_approval(
        &self,
        mut approval: Approval,
        status: ApprovalStatus,
        decided_by: Option<&str>,
        reason: Option<String>,
    ) -> Result<Approval, EngineError> {
        let now = self.now();
        let guard = Guard::approval(&approval.id, Some(approval.revision));
        let asked = if approval.kind == KIND_ROUTINE { Some(self.asked_by_routine(&approval).await?) } else { None };
        // A yes to what is no longer there is none, and the question is over all the same.
        let stale = asked.as_ref().filter(|asked| status == ApprovalStatus::Granted && !asked.is_about(&approval));
        let changed = stale.map(Asked::changed);
        approval.revision += 1;
        approval.status = if changed.is_some() { ApprovalStatus::Expired } else { status };
        // What a routine may do begins with the answer, which is used up by that.
        approval.used_at = (asked.is_some() && approval.status == ApprovalStatus::Granted).then_some(now);
        approval.decided_by = decided_by.map(str::to_owned);
        approval.decided_at = Some(now);
        approval.reason = reason;
        let actor = decided_by.unwrap_or("system.approvals");
        let mut log = LogWriter::of_workspace(self, &approval.workspace_id, approval.mission_id.as_ref(), actor, now);
        log.approval_decided(&approval);
        let mut unit = Unit {
            guards: vec![guard],
            writes: vec![Write::Approval(approval.clone())],
            events: log.into_events(),
            audit: vec![approval_entry(&approval, &format!("approval.{}", approval.status), actor, now)],
            ..Unit::default()
        };
        // A run asked about an action, or somebody about a promotion, and no mission's reducer: whoever
        // asked asks again. A routine's mission begins or ends with the answer.
        if let Some(asked) = &asked {
            self.answer_routine(&mut unit, asked, &approval, actor, now);
        } else if let Some(mission_id) = approval.mission_id.as_ref()
            && !matches!(approval.kind.as_str(), KIND_ACTION | KIND_PROMOTION)
        {
            unit.writes.push(Write::Input(self.decided_input(&approval, mission_id, actor, now)));
        }
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        if asked.is_some() {
            self.parts.occurrences_over.note(Timestamp(0));
        }
        changed.map_or(Ok(approval), Err)
    }

    /// What the mission is told of an answer.
    fn decided_input(&self, approval: &Approval, mission_id: &MissionId, actor: &str, now: Timestamp) -> Input {
        let kind = match approval.status {
            ApprovalStatus::Granted => InputKind::ApprovalGranted,
            ApprovalStatus::Denied => InputKind::ApprovalDenied,
            ApprovalStatus::Expired | ApprovalStatus::Pending => InputKind::ApprovalExpired,
        };
        let data = ApprovalDecided {
            approval_id: approval.id.to_string(),
            kind: approval.kind.clone(),
            gate: approval.gate.map(|gate| gate.to_string()),
            verdict_id: approval.verdict_id.as_ref().map(ToString::to_string),
            subject: approval.subject.to_string(),
            reason: approval.reason.clone(),
        };
        Input {
            id: EventId::new(self.new_id(EventId::PREFIX)),
            workspace_id: approval.workspace_id.clone(),
            mission_id: mission_id.clone(),
            kind,
            work_item_id: approval.work_item_id.clone(),
            run_id: None,
            data: wire::json_of(&data),
            occurred_at: now,
            actor: actor.to_owned(),
        }
    }
}
