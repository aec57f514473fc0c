//! What became of components in shadow, as it stands.

use crate::domain::id::WorkspaceId;
use crate::domain::shadow::{ShadowCounts, ShadowRecord};
use crate::engine::{Engine, EngineError};

/// Most components that are told of: those that are kept, and as many that hosts came by at once.
const TOLD_MAX: u32 = 32;

impl Engine {
    /// What was counted of each component that decides in shadow or did, those in force first. What this host counted
    /// until now is among it.
    ///
    /// # Errors
    /// Storage.
    pub async fn shadows(&self, workspace_id: &WorkspaceId) -> Result<Vec<(ShadowRecord, bool)>, EngineError> {
        self.write_shadows().await;
        let bound = self.bound(workspace_id).await?;
        let records = self.parts.store.shadows(workspace_id, TOLD_MAX).await?;
        let (in_force, over): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| bound.tries(record));
        let mut all = Vec::with_capacity(in_force.len() + over.len());
        for trial in bound.trials() {
            let counted = in_force.iter().find(|record| record.role == trial.role()).cloned();
            let nothing = || ShadowRecord {
                workspace_id: workspace_id.clone(),
                role: trial.role(),
                digest: trial.binding().digest.clone(),
                plugin: trial.binding().label(),
                terms: trial.terms.clone(),
                since_revision: trial.revision,
                since: bound.revision.changed_at,
                updated_at: bound.revision.changed_at,
                counts: ShadowCounts::default(),
                revision: 0,
            };
            all.push((counted.unwrap_or_else(nothing), true));
        }
        all.extend(over.into_iter().map(|record| (record, false)));
        Ok(all)
    }
}
