//! The question whether an occurrence may reach the outside world, and what an answer leads to.
//!
//! It is about one occurrence: its slot, the routine's edition, entrypoint, arguments and
//! capabilities, hashed. The answer and the start of the mission are one unit; the content is made again
//! from what there is then, and a yes to something else is none.

use serde_json::json;

use super::step::end;
use crate::domain::approval::{Approval, ApprovalStatus, KIND_ROUTINE};
use crate::domain::artifact::Digest;
use crate::domain::event::InputKind;
use crate::domain::id::{ApprovalId, MissionId};
use crate::domain::json::Json;
use crate::domain::routine::{CreatorType, Occurrence, OccurrenceState, Routine};
use crate::domain::time::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::store::{Guard, Unit, Write};
use crate::wire;

/// Longest time such a question waits: a yes is about the world as it is.
pub(super) const TTL_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// An occurrence that waits for an answer.
pub(in crate::engine) struct Asked {
    occurrence: Occurrence,
    mission_id: MissionId,
    routine: Option<Routine>,
}

impl Asked {
    /// Whether a yes would be about what there is now.
    pub(in crate::engine) fn is_about(&self, approval: &Approval) -> bool {
        let (Some(routine), Some(expires_at)) = (&self.routine, approval.expires_at) else { return false };
        let content = content_of(routine, &self.occurrence, &self.mission_id, expires_at);
        self.occurrence.state == OccurrenceState::ApprovalRequired && approval.is_about(&content)
    }

    /// The error for a yes to what is no longer there.
    pub(in crate::engine) fn changed(&self) -> EngineError {
        let (id, run_id) = (self.occurrence.routine_id.to_string(), self.occurrence.id.to_string());
        EngineError::RoutineChanged { id, run_id }
    }
}

/// The question about `occurrence`, for `mission_id` to begin.
pub(super) fn question(
    id: ApprovalId,
    routine: &Routine,
    occurrence: &Occurrence,
    mission_id: &MissionId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Approval {
    let content = content_of(routine, occurrence, mission_id, expires_at);
    let digest = Digest::of(content.as_str().as_bytes());
    let settings = &routine.settings;
    Approval {
        workspace_id: routine.workspace_id.clone(),
        id,
        mission_id: Some(mission_id.clone()),
        work_item_id: None,
        kind: KIND_ROUTINE.to_owned(),
        gate: None,
        verdict_id: None,
        subject: digest.clone(),
        requested_by: requester(routine),
        run_id: None,
        content,
        content_digest: digest,
        used_at: None,
        summary: format!("run routine `{}` ({}) of {}", routine.id, settings.name, occurrence.local),
        data: wire::json_of(&json!({
            "routine_id": routine.id.as_str(),
            "run_id": occurrence.id.as_str(),
            "entrypoint": wire::value_of(&settings.entrypoint),
            "args": wire::value_of(&settings.args),
            "capabilities": settings.capabilities,
            "template_digest": occurrence.template.as_ref().map(Digest::as_str),
        })),
        status: ApprovalStatus::Pending,
        decided_by: None,
        reason: None,
        requested_at: now,
        decided_at: None,
        expires_at: Some(expires_at),
        revision: 1,
    }
}

/// Whose wish it is. An agent's routine is the agent's, who therefore never answers; a person may
/// well approve what the person's own routine does.
fn requester(routine: &Routine) -> String {
    match routine.creator_type {
        CreatorType::Agent => routine.owner.clone(),
        CreatorType::User => super::ROUTINES.to_owned(),
    }
}

/// What a person says yes to, in canonical form.
fn content_of(routine: &Routine, occurrence: &Occurrence, mission_id: &MissionId, expires_at: Timestamp) -> Json {
    let settings = &routine.settings;
    wire::canonical_json(&json!({
        "kind": KIND_ROUTINE,
        "mission_id": mission_id.as_str(),
        "routine_id": routine.id.as_str(),
        "target": {
            "run_id": occurrence.id.as_str(),
            "slot": occurrence.slot.as_str(),
            "scheduled_at_ms": occurrence.scheduled_at.as_millis(),
            "trigger": occurrence.trigger.as_str(),
            "edition": routine.edition,
        },
        "entrypoint": wire::value_of(&settings.entrypoint),
        "args": wire::value_of(&settings.args),
        "capabilities": settings.capabilities,
        "template_digest": occurrence.template.as_ref().map(Digest::as_str),
        "creator": {"type": routine.creator_type.as_str(), "id": routine.creator_id, "owner": routine.owner},
        "requested_by": requester(routine),
        "expires_at_ms": expires_at.as_millis(),
    }))
}

impl Engine {
    /// What a question of a routine is about now.
    pub(in crate::engine) async fn asked_by_routine(&self, approval: &Approval) -> Result<Asked, EngineError> {
        let store = &self.parts.store;
        let missing = || EngineError::NotFound { what: "run of approval", id: approval.id.to_string() };
        let mission_id = approval.mission_id.clone().ok_or_else(missing)?;
        let occurrence = store.occurrence_of_mission(&mission_id).await?.ok_or_else(missing)?;
        let routine = store.routine(&occurrence.workspace_id, &occurrence.routine_id).await?;
        Ok(Asked { occurrence, mission_id, routine })
    }

    /// Adds to the unit that ends a question what follows for its occurrence.
    pub(in crate::engine) fn answer_routine(
        &self,
        unit: &mut Unit,
        asked: &Asked,
        approval: &Approval,
        actor: &str,
        now: Timestamp,
    ) {
        let mut occurrence = asked.occurrence.clone();
        if occurrence.state != OccurrenceState::ApprovalRequired {
            return;
        }
        let why = |what: String| match &approval.reason {
            Some(reason) => format!("{what}: {reason}"),
            None => what,
        };
        let kind = match approval.status {
            ApprovalStatus::Granted => {
                occurrence.state = OccurrenceState::Queued;
                occurrence.reason = None;
                InputKind::MissionStarted
            }
            ApprovalStatus::Denied => {
                end(&mut occurrence, OccurrenceState::Denied, why(format!("{actor} said no")), now);
                InputKind::MissionCanceled
            }
            ApprovalStatus::Expired | ApprovalStatus::Pending if asked.is_about(approval) => {
                end(&mut occurrence, OccurrenceState::Denied, "nobody answered in time", now);
                InputKind::MissionCanceled
            }
            ApprovalStatus::Expired | ApprovalStatus::Pending => {
                end(&mut occurrence, OccurrenceState::Canceled, "the routine changed since it asked", now);
                InputKind::MissionCanceled
            }
        };
        occurrence.untold = !occurrence.state.is_open();
        let data = match kind {
            InputKind::MissionCanceled => wire::json_of(&json!({"reason": occurrence.reason})),
            _ => Json::empty_object(),
        };
        unit.guards.push(Guard::occurrence(
            &occurrence.workspace_id,
            &occurrence.routine_id,
            &occurrence.slot,
            Some(occurrence.revision),
        ));
        if approval.status == ApprovalStatus::Granted {
            // It must be this edition at the moment the answer counts.
            let revision = asked.routine.as_ref().map(|routine| routine.revision);
            unit.guards.push(Guard::routine(&occurrence.workspace_id, &occurrence.routine_id, revision));
        }
        occurrence.revision += 1;
        let input = self.mission_input(&approval.workspace_id, &asked.mission_id, kind, data, actor);
        unit.writes.push(Write::Input(input));
        unit.writes.push(Write::Occurrence(Box::new(occurrence)));
    }
}
