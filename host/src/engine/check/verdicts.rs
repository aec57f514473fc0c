//! A gate, asked again for the newest verdicts of a stage: with the request of then, on the artifacts of then.
//!
//! A verdict that several gates gave together is compared as it stands: with what the stage would have said, had the
//! component been its only gate.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use sluice_api::check::{CheckDifference, CheckOutcome};

use super::sides::{fuel_of, judged_same, verdict_side};
use super::{PluginCheck, side_by_side};
use crate::domain::artifact::{Artifact, set_digest};
use crate::domain::gate::Verdict;
use crate::domain::id::{MissionId, VerdictId};
use crate::engine::gates::gate_call;
use crate::engine::ports::{CallFailure, GateCall, Judgement};
use crate::engine::{Engine, EngineError};

/// Missions read at once.
const MISSIONS_PAGE: u32 = 200;
/// Verdicts read at once, and tried before more are read.
const BATCH: usize = 64;

impl Engine {
    /// What was asked for a verdict, if all of it is still there.
    ///
    /// # Errors
    /// Storage.
    pub(in crate::engine) async fn recorded_call(&self, verdict: &Verdict) -> Result<Option<GateCall>, EngineError> {
        let Some(evaluation) = self.parts.store.evaluation(&verdict.evaluation_id).await? else { return Ok(None) };
        let found = self.parts.store.under_judgement(std::slice::from_ref(&evaluation)).await?;
        let Some(found) = found.into_iter().flatten().next() else { return Ok(None) };
        let call = gate_call(&evaluation, found);
        let judged: Vec<_> = call.artifacts.iter().map(Artifact::reference).collect();
        Ok((set_digest(&judged) == verdict.artifact_set).then_some(call))
    }
}

impl PluginCheck {
    /// Tries a gate.
    ///
    /// # Errors
    /// Storage.
    pub(super) async fn try_verdicts(&self) -> Result<(), EngineError> {
        self.tally.expect(u64::from(self.terms.last));
        let (mut left, mut batch, mut order) = (self.terms.last as usize, Vec::new(), 0);
        let mut before: Option<MissionId> = None;
        while left > 0 {
            let store = self.engine.store();
            let page = store.missions(&self.workspace_id, None, before.as_ref(), MISSIONS_PAGE).await?;
            let Some(last) = page.last() else { break };
            before = Some(last.id.clone());
            for mission in page {
                let mut older_than: Option<VerdictId> = None;
                loop {
                    let verdicts = self.verdicts_of(&mission.id, older_than.as_ref(), left.min(BATCH)).await?;
                    let Some(last) = verdicts.last() else { break };
                    older_than = Some(last.id.clone());
                    left -= verdicts.len();
                    for verdict in verdicts {
                        batch.push((order, verdict));
                        order += 1;
                    }
                    if batch.len() >= BATCH {
                        self.try_batch(std::mem::take(&mut batch)).await?;
                    }
                }
            }
        }
        self.try_batch(batch).await
    }

    /// A mission's verdicts of the stage, newest first; none when none are wanted any more.
    async fn verdicts_of(
        &self,
        mission_id: &MissionId,
        older_than: Option<&VerdictId>,
        most: usize,
    ) -> Result<Vec<Verdict>, EngineError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Ok(self.engine.store().decided_verdicts(mission_id, self.terms.stage, older_than, most).await?)
    }

    async fn try_batch(&self, batch: Vec<(u64, Verdict)>) -> Result<(), EngineError> {
        let tried = stream::iter(batch).map(Ok::<_, EngineError>);
        let try_one = |(order, verdict)| self.try_verdict(order, verdict);
        tried.try_for_each_concurrent(side_by_side(), try_one).await
    }

    async fn try_verdict(&self, order: u64, verdict: Verdict) -> Result<(), EngineError> {
        let Some(call) = self.engine.recorded_call(&verdict).await? else {
            self.tally.leave_out(1, "verdicts whose request or artifacts are gone are left out".to_owned());
            return Ok(());
        };
        let artifacts = self.engine.artifact_source(&call.artifacts).await;
        let (held, binding) = (Arc::clone(&self.held), self.binding.clone());
        let called = tokio::task::spawn_blocking(move || held.plugins().evaluate(&binding, call, artifacts)).await;
        self.count_verdict(order, &verdict, called.map_err(|error| EngineError::HostFault(error.to_string()))?);
        Ok(())
    }

    fn count_verdict(&self, order: u64, verdict: &Verdict, called: Result<Judgement, CallFailure>) {
        let recorded = verdict_side(verdict.outcome.as_str(), &verdict.summary, &verdict.findings);
        let (outcome, candidate) = match called {
            Err(failed) if failed.failure.is_host_fault() => {
                self.tally.leave_out(1, failed.failure.to_string());
                self.tally.leave_incomplete();
                return;
            }
            Err(failed) => {
                self.tally.took(fuel_of(verdict), failed.report.fuel);
                let told = json!({"failure": failed.failure.kind(), "message": failed.failure.to_string()});
                (CheckOutcome::Failed, told)
            }
            Ok(judgement) => {
                self.tally.took(fuel_of(verdict), judgement.report.fuel);
                if judged_same(&judgement, verdict) {
                    self.tally.same();
                    return;
                }
                let told = verdict_side(judgement.outcome.as_str(), &judgement.summary, &judgement.findings);
                (CheckOutcome::Different, told)
            }
        };
        let difference = CheckDifference {
            outcome,
            mission_id: Some(verdict.mission_id.to_string()),
            seq: None,
            work_item_id: Some(verdict.work_item_id.to_string()),
            verdict_id: Some(verdict.id.to_string()),
            memory_id: None,
            kind: verdict.gate.to_string(),
            recorded,
            candidate,
        };
        self.tally.differs((0, order), difference);
    }
}
