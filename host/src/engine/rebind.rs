//! Moves a running mission to another reducer, after its history has shown that nothing would have
//! been decided differently.

use serde_json::json;

use super::advance::noted;
use super::error::conflict_or_storage;
use super::{Candidate, Engine, EngineError, Selector};
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::event::InputKind;
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::mission::Mission;
use crate::domain::plugin::Binding;
use crate::store::{Guard, Write};
use crate::wire;

/// Times the history is replayed anew because the mission went on meanwhile.
const ATTEMPTS: usize = 4;

impl Engine {
    /// Pins a mission to another reducer. The change is an entry of its history, which no reducer is
    /// told; its component is kept beside the mission.
    ///
    /// # Errors
    /// [`EngineError::PluginUnsigned`] where the workspace wants it signed; [`EngineError::Conflict`] when the mission
    /// has ended, or when the reducer would have decided something differently; [`EngineError::Contended`] when the mission never stood still long
    /// enough; [`EngineError::NotFound`]; storage.
    pub async fn rebind_reducer(
        &self,
        mission: &Mission,
        binding: &Binding,
        actor: &str,
    ) -> Result<Mission, EngineError> {
        self.require_signed(&mission.workspace_id, "digest", binding).await?;
        let mut bindings = mission.bindings.clone();
        bindings.reducer = binding.clone();
        self.keep_components(&bindings).await?;
        for _ in 0..ATTEMPTS {
            self.catch_up(&mission.id).await?;
            let replayed = self.replay(&mission.workspace_id, &mission.id, Candidate::Other(binding.clone())).await?;
            if let Some(first) = replayed.diverged_at {
                return Err(EngineError::Conflict(format!(
                    "{} of {} events would have been decided differently, the first is event {first}; see the replay",
                    replayed.differences.len(),
                    replayed.events
                )));
            }
            match self.pin(mission, binding, replayed.events, actor).await {
                Err(EngineError::Contended | EngineError::Revision { .. }) => {}
                other => return other,
            }
        }
        Err(EngineError::Contended)
    }

    /// Refuses a component, named by `field`, that its workspace wants signed and none of its trusted keys signed.
    ///
    /// # Errors
    /// [`EngineError::PluginUnsigned`]; storage.
    pub async fn require_signed(
        &self,
        workspace_id: &WorkspaceId,
        field: &str,
        binding: &Binding,
    ) -> Result<(), EngineError> {
        let bound = self.bound(workspace_id).await?;
        let rule = &bound.revision;
        if rule.require_signatures && !self.is_trusted(&binding.digest, &rule.trusted_keys).await? {
            return Err(EngineError::PluginUnsigned { field: field.to_owned(), plugin: binding.label() });
        }
        Ok(())
    }

    /// Pins the mission, if its history is still as long as what was replayed.
    async fn pin(
        &self,
        mission: &Mission,
        binding: &Binding,
        replayed: u64,
        actor: &str,
    ) -> Result<Mission, EngineError> {
        let id: &MissionId = &mission.id;
        let mut slot = self.parts.boards.enter(id).await;
        *slot = None;
        let board = self.load_board(&mission.workspace_id, id).await?;
        let mut board = board.ok_or_else(|| EngineError::NotFound { what: "mission", id: id.to_string() })?;
        let (current, status) = (board.mission().revision, board.mission().status);
        if status.is_final() {
            return Err(EngineError::Conflict(format!("the mission is {status}; nothing can change it any more")));
        }
        if current != replayed {
            return Err(EngineError::Revision { expected: replayed, current });
        }
        let data = json!({"from": board.mission().bindings.reducer.digest.as_str(), "to": binding.digest.as_str()});
        let input = self.host_input(board.mission(), InputKind::ReducerChanged, wire::json_of(&data), actor);
        board.begin();
        board.edit_mission(|mission| mission.bindings.reducer = binding.clone());
        let outcome = noted(&mut board, &input);
        let mut unit = self.unit_of(&board, &input, false, &outcome).await?;
        let found = self.find_plugin(&Selector::Digest(binding.digest.clone())).await?;
        if let Some(mut row) = found.and_then(|found| found.registered) {
            // Whoever would remove it sees that it was needed.
            unit.guards.push(Guard::plugin(&row.facts.name, &row.facts.version, Some(row.revision)));
            row.revision += 1;
            unit.writes.push(Write::Plugin(Box::new(row)));
        }
        unit.audit.push(NewAuditEntry {
            workspace_id: mission.workspace_id.clone(),
            at: self.now(),
            actor: actor.to_owned(),
            action: "mission.rebind".to_owned(),
            resource: format!("mission/{id}"),
            outcome: AuditOutcome::Done,
            detail: input.data.clone(),
        });
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        Ok(board.mission().clone())
    }
}
