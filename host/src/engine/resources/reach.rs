//! What the token of a run reaches: the resources of its run, its session and its mission, and what
//! the mission's capabilities add. Nothing once its worker no longer holds the run.

use crate::domain::artifact::Digest;
use crate::domain::capability;
use crate::domain::id::RunId;
use crate::domain::resource::disjoint;
use crate::engine::runs::check_held;
use crate::engine::{Engine, EngineError, HeldRun};

/// What a run's token reaches.
pub struct RunReach {
    /// The run, held.
    pub held: HeldRun,
    /// Beginnings of the keys it may read, in order, none of which begins with another.
    pub readable: Vec<String>,
    /// The same of the keys it may write; it may read them too.
    pub writable: Vec<String>,
}

impl Engine {
    /// What the token of a run reaches.
    ///
    /// # Errors
    /// [`EngineError::LeaseLost`] unless the run is held now by this fencing token and secret; storage.
    pub async fn reach_of_run(&self, run_id: &RunId, fence: u64, digest: &Digest) -> Result<RunReach, EngineError> {
        let held = self.hold(run_id, fence, digest).await?;
        let run = &held.run;
        check_held(run, fence, self.now())?;
        let mission = self.parts.store.mission(&run.workspace_id, &run.mission_id).await?;
        // Capabilities that are no list of texts grant nothing.
        let granted: Vec<String> =
            mission.and_then(|mission| serde_json::from_str(mission.capabilities.as_str()).ok()).unwrap_or_default();
        let mut writable =
            vec![format!("run/{}/", run.id), format!("run/{}/", run.session()), format!("mission/{}/", run.mission_id)];
        writable.extend(granted.iter().filter_map(|text| capability::of_resources("write", text)).map(str::to_owned));
        let mut readable = writable.clone();
        readable.extend(granted.iter().filter_map(|text| capability::of_resources("read", text)).map(str::to_owned));
        Ok(RunReach { readable: disjoint(readable), writable: disjoint(writable), held })
    }
}
