//! What people do about one occurrence: look at it, answer for it, pause it and go on.

use serde_json::{Map, Value};

use super::ROUTINES;
use crate::domain::event::InputKind;
use crate::domain::id::{OccurrenceId, WorkspaceId};
use crate::domain::mission::{Mission, MissionStatus};
use crate::domain::routine::{Occurrence, OccurrenceState};
use crate::engine::{Decision, Engine, EngineError};

impl Engine {
    /// An occurrence of a workspace's routines.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; storage.
    pub async fn occurrence(&self, workspace: &WorkspaceId, id: &OccurrenceId) -> Result<Occurrence, EngineError> {
        let found = self.parts.store.occurrence(workspace, id).await?;
        found.ok_or_else(|| EngineError::NotFound { what: "run", id: id.to_string() })
    }

    /// Says yes or no to an occurrence that waits for a person. Whether `by` may answer at all is policy.
    ///
    /// # Errors
    /// [`EngineError::RunState`] unless it waits for an answer; [`EngineError::RoutineChanged`] for a yes
    /// when its routine is not what it was; what [`Self::decide_approval`] refuses; storage.
    pub async fn decide_occurrence(
        &self,
        workspace: &WorkspaceId,
        id: &OccurrenceId,
        decision: Decision,
        by: &str,
        reason: Option<String>,
    ) -> Result<Occurrence, EngineError> {
        let occurrence = self.occurrence(workspace, id).await?;
        let wish = match decision {
            Decision::Grant => "approved",
            Decision::Deny => "denied",
        };
        let waits = occurrence.state == OccurrenceState::ApprovalRequired;
        let Some(approval_id) = occurrence.approval_id.as_ref().filter(|_| waits) else {
            return Err(not_there(&occurrence, wish));
        };
        self.decide_approval(workspace, approval_id, decision, by, reason, None).await?;
        self.occurrence(workspace, id).await
    }

    /// Pauses the mission of an occurrence: nothing new of it starts until it is resumed.
    ///
    /// # Errors
    /// [`EngineError::RunState`] unless it runs; storage.
    pub async fn pause_occurrence(
        &self,
        workspace: &WorkspaceId,
        id: &OccurrenceId,
        by: &str,
        reason: Option<String>,
    ) -> Result<Occurrence, EngineError> {
        self.tell_mission_of(workspace, id, InputKind::MissionPaused, "paused", by, reason).await
    }

    /// Has the mission of a paused occurrence go on.
    ///
    /// # Errors
    /// [`EngineError::RunState`] unless it is paused; storage.
    pub async fn resume_occurrence(
        &self,
        workspace: &WorkspaceId,
        id: &OccurrenceId,
        by: &str,
        reason: Option<String>,
    ) -> Result<Occurrence, EngineError> {
        self.tell_mission_of(workspace, id, InputKind::MissionResumed, "resumed", by, reason).await
    }

    async fn tell_mission_of(
        &self,
        workspace: &WorkspaceId,
        id: &OccurrenceId,
        kind: InputKind,
        wish: &'static str,
        by: &str,
        reason: Option<String>,
    ) -> Result<Occurrence, EngineError> {
        let occurrence = self.occurrence(workspace, id).await?;
        let waits = occurrence.state == OccurrenceState::ApprovalRequired;
        let Some(mission_id) = occurrence.mission_id.as_ref().filter(|_| occurrence.state.is_open() && !waits) else {
            return Err(not_there(&occurrence, wish));
        };
        let data: Map<String, Value> = reason.map(|reason| ("reason".to_owned(), reason.into())).into_iter().collect();
        match self.post_event(workspace, mission_id, kind, data, by).await {
            Ok(_) => self.occurrence(workspace, id).await,
            // The mission knows best where it stands.
            Err(EngineError::Refused(_)) => Err(not_there(&self.occurrence(workspace, id).await?, wish)),
            Err(error) => Err(error),
        }
    }

    /// Refuses what would start or change the mission of an occurrence before a person said yes to it.
    ///
    /// # Errors
    /// [`EngineError::RoutineApproval`]; storage.
    pub(in crate::engine) async fn check_may_change(
        &self,
        mission: &Mission,
        kind: InputKind,
    ) -> Result<(), EngineError> {
        let is_draft = mission.created_by == ROUTINES && mission.status == MissionStatus::Draft;
        if !is_draft || kind == InputKind::MissionCanceled {
            return Ok(());
        }
        let occurrence = self.parts.store.occurrence_of_mission(&mission.id).await?;
        // A mission that was allowed to begin is told so by a row of its inbox, and by nobody else.
        match occurrence.filter(|occurrence| occurrence.approval_id.is_some()) {
            Some(_) => Err(EngineError::RoutineApproval { mission_id: mission.id.to_string() }),
            None => Ok(()),
        }
    }
}

fn not_there(occurrence: &Occurrence, wish: &'static str) -> EngineError {
    EngineError::RunState { run_id: occurrence.id.to_string(), state: occurrence.state, wish }
}
