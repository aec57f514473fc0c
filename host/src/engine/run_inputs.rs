//! What a run builds on, told to its worker with the claim: what its dependencies left, and why
//! earlier attempts were rejected.
//!
//! It waits for no board: an event that takes long must not hold up claims of its mission.

use sluice_api::run::{DependencyInput, ReworkInput, RunInputs};

use super::{Engine, EngineError};
use crate::domain::board::Board;
use crate::domain::gate::{Outcome, Verdict};
use crate::domain::id::WorkItemId;
use crate::domain::run::{Run, RunStatus};
use crate::domain::work_item::WorkItem;
use crate::wire;

impl Engine {
    /// What `run` builds on. A run is only queued when what it depends on is done, in the same
    /// commit or a later one, so whoever sees the run sees that too.
    pub(super) async fn inputs_of(&self, run: &Run) -> Result<RunInputs, EngineError> {
        let Some(work_item_id) = &run.work_item_id else { return Ok(RunInputs::default()) };
        let at_hand = self.parts.boards.peek(&run.mission_id, |board| of_board(board, run, work_item_id)).flatten();
        let dependencies = match at_hand {
            Some(dependencies) => dependencies,
            None => self.stored_dependencies(run, work_item_id).await?,
        };
        let rework = if run.attempt > 1 { self.rework_inputs(run, work_item_id).await? } else { Vec::new() };
        Ok(RunInputs { dependencies, rework })
    }

    async fn stored_dependencies(
        &self,
        run: &Run,
        work_item_id: &WorkItemId,
    ) -> Result<Vec<DependencyInput>, EngineError> {
        let Some(item) = self.parts.store.work_item(&run.mission_id, work_item_id).await? else {
            return Ok(Vec::new());
        };
        let needed = self.parts.store.work_items_by_ids(&run.mission_id, &item.spec.depends_on).await?;
        Ok(needed.iter().map(dependency).collect())
    }

    /// The newest rejected attempt speaks; older ones were about work that is gone.
    async fn rework_inputs(&self, run: &Run, work_item_id: &WorkItemId) -> Result<Vec<ReworkInput>, EngineError> {
        const VERDICTS_MAX: u32 = 500;
        let before = run.attempt - 1;
        let verdicts = self.parts.store.verdicts(&run.mission_id, Some(work_item_id), None, VERDICTS_MAX).await?;
        let rejected = verdicts.iter().filter(|v| v.attempt == before && v.outcome != Outcome::Pass);
        let mut rework: Vec<ReworkInput> = rejected.map(rework_input).collect();
        if rework.is_empty() {
            let failed = self
                .parts
                .store
                .runs(&run.workspace_id, Some(&run.mission_id), Some(RunStatus::Failed), None, VERDICTS_MAX)
                .await?;
            let last =
                failed.into_iter().find(|r| r.work_item_id.as_ref() == Some(work_item_id) && r.attempt == before);
            rework.extend(last.map(|run| ReworkInput {
                attempt: before,
                gate: None,
                outcome: "failed".to_owned(),
                summary: run.summary.unwrap_or_default(),
                findings: Vec::new(),
            }));
        }
        Ok(rework)
    }
}

fn rework_input(verdict: &Verdict) -> ReworkInput {
    ReworkInput {
        attempt: verdict.attempt,
        gate: Some(verdict.gate.to_string()),
        outcome: verdict.outcome.to_string(),
        summary: verdict.summary.clone(),
        findings: verdict.findings.iter().map(wire::finding_view).collect(),
    }
}

/// What `board` knows of it; `None` when it is older than the run, because another host has gone
/// on with the mission.
fn of_board(board: &Board, run: &Run, work_item_id: &WorkItemId) -> Option<Vec<DependencyInput>> {
    board.run(run.id.as_str())?;
    let item = board.item(work_item_id.as_str())?;
    Some(item.spec.depends_on.iter().filter_map(|id| board.item(id.as_str())).map(dependency).collect())
}

fn dependency(item: &WorkItem) -> DependencyInput {
    let artifacts = item.artifacts.iter().map(wire::artifact_ref_view).collect();
    DependencyInput { work_item_id: item.spec.id.to_string(), artifacts }
}
