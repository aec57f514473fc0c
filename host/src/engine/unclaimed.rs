//! Ends runs for clients that tell a mission of a run's end without having claimed the run: they
//! drive their missions by events alone.

use super::{Claim, Engine, EngineError, FinishReport, HeldRun};
use crate::domain::id::RunId;
use crate::domain::mission::Mission;
use crate::domain::run::{Run, RunStatus};

/// Milliseconds such a claim lasts: from its first commit to its second.
const LEASE_MS: u64 = 30_000;

impl Engine {
    /// Ends a run that waits for a worker, or that `principal` holds itself. Twice the same is fine.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when it ended differently or when the
    /// mission does not run; [`EngineError::LeaseLost`] when another holds it; what
    /// [`Self::finish_run`] refuses.
    pub async fn finish_unheld(
        &self,
        mission: &Mission,
        run_id: &RunId,
        principal: &str,
        report: FinishReport,
    ) -> Result<Run, EngineError> {
        let found = self.parts.store.run(run_id).await?.filter(|run| run.mission_id == mission.id);
        let run = found.ok_or_else(|| EngineError::NotFound { what: "run", id: run_id.to_string() })?;
        let is_own = run.worked_by.as_deref() == Some(principal);
        let held = match run.status {
            RunStatus::Queued => self.claim_for(run, mission, principal).await?,
            _ if is_own => {
                HeldRun { fence: run.fence, run, inputs: sluice_api::run::RunInputs::default(), token: None }
            }
            _ => {
                let reason = "another worker holds or held it; only that one ends it".to_owned();
                return Err(EngineError::LeaseLost { run_id: run_id.to_string(), reason });
            }
        };
        self.finish_run(&held, report).await
    }

    async fn claim_for(&self, run: Run, mission: &Mission, principal: &str) -> Result<HeldRun, EngineError> {
        if mission.status != crate::domain::mission::MissionStatus::Running {
            return Err(EngineError::Conflict(format!("the mission is {}; its runs do not go on", mission.status)));
        }
        let claim = Claim {
            workspace_id: mission.workspace_id.clone(),
            worker: principal.to_owned(),
            principal: principal.to_owned(),
            agents: run.assigned_agent.iter().cloned().collect(),
            skills: None,
            mission_id: Some(mission.id.clone()),
            max: 1,
            lease_ms: LEASE_MS,
            session_id: None,
            wants_token: false,
        };
        self.claim_run(run, &claim).await?.ok_or(EngineError::Contended)
    }
}
