//! Takes components out of the registry, unless somebody needs them.

use super::Selector;
use crate::domain::artifact::Digest;
use crate::domain::id::WorkspaceId;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Write};

/// Times it is tried again because others write the same row.
const ATTEMPTS_MAX: usize = 16;
/// Most uses that a refusal names.
const USES_TOLD_MAX: u32 = 5;

impl Engine {
    /// Takes a component out of the registry. Missions that are over keep its bytes, so that they can be replayed.
    ///
    /// Whoever binds it, or pins a mission to it, writes its row or guards what binds it: no use slips in between the
    /// look and the removal.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::PluginInUse`] while a workspace binds it, or a mission that is not
    /// over is pinned to it, and for what comes with the host; [`EngineError::Contended`]; storage.
    pub async fn remove_plugin(
        &self,
        workspace_id: &WorkspaceId,
        digest: &Digest,
        actor: &str,
    ) -> Result<(), EngineError> {
        let in_use = |by: String| EngineError::PluginInUse { digest: digest.to_string(), by };
        for _ in 0..ATTEMPTS_MAX {
            let found = self.find_plugin(&Selector::Digest(digest.clone())).await?;
            let found = found.ok_or_else(|| EngineError::NotFound { what: "plugin", id: digest.to_string() })?;
            let Some(plugin) = found.registered else { return Err(in_use("it comes with the host".to_owned())) };
            let workspaces = self.parts.store.workspaces_binding(digest, USES_TOLD_MAX).await?;
            if !workspaces.is_empty() {
                let ids: Vec<_> = workspaces.iter().map(|bound| format!("`{}`", bound.workspace_id)).collect();
                return Err(in_use(format!("bound in {}", ids.join(", "))));
            }
            let missions = self.parts.store.missions_pinned_to(digest, USES_TOLD_MAX).await?;
            if !missions.is_empty() {
                let ids: Vec<_> = missions.iter().map(|id| format!("`{id}`")).collect();
                return Err(in_use(format!("missions that are not over are pinned to it: {}", ids.join(", "))));
            }
            let facts = &plugin.facts;
            let signed_by: Vec<&str> = plugin.signatures.iter().map(|signature| signature.key.as_str()).collect();
            let mut unit = self.told_of(facts, workspace_id, actor, "plugin.remove", &signed_by);
            unit.guards.push(Guard::plugin(&facts.name, &facts.version, Some(plugin.revision)));
            unit.writes.push(Write::DeletePlugin(facts.name.clone(), facts.version.clone()));
            match self.parts.store.commit(unit).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }
}
