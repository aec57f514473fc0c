//! Makes missions with what their workspace binds.

use sluice_api::mission::MissionRequest;

use super::Bound;
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::mission::Mission;
use crate::domain::receipt::ReceiptKey;
use crate::engine::error::conflict_or_storage;
use crate::engine::{Engine, EngineError, NewMission};
use crate::store::CommitError;

/// Times a mission is made anew because other components were bound meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// A mission to be created with what its workspace binds.
pub struct WorkspaceMission {
    /// Whose it will be.
    pub workspace_id: WorkspaceId,
    /// What was asked for.
    pub request: MissionRequest,
    /// Whether its work passes gates.
    pub has_gates: bool,
    /// Whether it starts at once.
    pub start: bool,
    /// Who asks.
    pub actor: String,
    /// What the caller calls this write, when it named it.
    pub receipt: Option<ReceiptKey>,
}

impl Engine {
    /// Creates a mission as [`Self::create_mission`] does, pinned to what the workspace binds at the moment of its
    /// commit, on whatever host that was bound.
    ///
    /// # Errors
    /// As [`Self::create_mission`]; [`EngineError::PluginUnsigned`].
    pub async fn create_bound_mission(&self, new: WorkspaceMission) -> Result<Mission, EngineError> {
        let id = self.new_mission_id();
        // Hardly ever is something else bound by now, and the guard notices.
        let mut bound = self.last_bound(&new.workspace_id).await?;
        for _ in 0..=ATTEMPTS_MAX {
            if bound.check_signed().is_ok()
                && let Some(mission) = self.create_with(&id, &new, &bound).await?
            {
                return Ok(mission);
            }
            bound = self.bound(&new.workspace_id).await?;
            bound.check_signed()?;
        }
        Err(EngineError::Contended)
    }

    /// Creates it with what `bound` says; `None` when that is not in force at the moment of the commit.
    async fn create_with(
        &self,
        id: &MissionId,
        new: &WorkspaceMission,
        bound: &Bound,
    ) -> Result<Option<Mission>, EngineError> {
        let attempt = NewMission {
            workspace_id: new.workspace_id.clone(),
            request: new.request.clone(),
            bindings: bound.pins(id, new.has_gates),
            start: new.start,
            actor: new.actor.clone(),
            receipt: new.receipt.clone(),
        };
        let (mission, mut unit) = self.mission_unit(id, attempt)?;
        unit.guards.push(bound.guard());
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(Some(mission)),
            Err(CommitError::Conflict { table: "workspaces", .. }) => Ok(None),
            Err(error) => Err(conflict_or_storage(error)),
        }
    }
}
