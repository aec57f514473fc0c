//! A gate in shadow: what it says to what a verdict was given on, read again from where it is kept.
//!
//! A stage of several gates is compared as it stands: with what it would have said, were the component its only gate.

use serde_json::json;

use sluice_api::check::CheckOutcome;

use super::queue::Asked;
use super::trial::{About, Answer, Differs, Trial};
use crate::domain::gate::{Outcome, Verdict};
use crate::domain::id::VerdictId;
use crate::domain::plugin::Binding;
use crate::domain::shadow::ShadowRole;
use crate::domain::workspace::Stage;
use crate::engine::check::{fuel_of, is_slower, judged_same, verdict_side};
use crate::engine::ports::{CallFailure, Judgement};
use crate::engine::workspaces::Bound;
use crate::engine::{Engine, EngineError};

impl Engine {
    /// A stage gave a verdict. Nothing is asked about missions that are pinned to other gates than are bound.
    pub(in crate::engine) fn shadow_verdict(&self, bound: &Bound, stage: &Stage, id: &VerdictId) {
        let role = ShadowRole::of_stage(stage.name);
        let Some(trial) = bound.trial(role) else { return };
        let deciding: Vec<&Binding> = bound.bindings.gates_of(stage.name).collect();
        let needed = bound.bindings.required(stage.name).of(deciding.len());
        let is_beside = stage.required.of(stage.gates.len()) == needed && stage.gates.iter().eq(deciding);
        if is_beside {
            let key = (trial.workspace_id.clone(), role);
            self.offer(&key, Asked::Verdict(trial.clone(), id.clone()), Some(trial));
        }
    }

    /// Asks the gate in shadow.
    ///
    /// # Errors
    /// When the host cannot, or what was judged is gone.
    pub(super) async fn ask_gate_in_shadow(
        &self,
        trial: &Trial,
        id: &VerdictId,
    ) -> Result<Option<Answer>, EngineError> {
        let gone = || EngineError::NotFound { what: "verdict, or what it was given on", id: id.to_string() };
        let verdict = self.parts.store.verdict(id).await?.ok_or_else(gone)?;
        let call = self.recorded_call(&verdict).await?.ok_or_else(gone)?;
        let artifacts = self.artifact_source(&call.artifacts).await;
        let called = self.ask_gate(trial.binding(), call, artifacts).await?;
        answer_of(&verdict, called).map(Some)
    }
}

fn answer_of(verdict: &Verdict, called: Result<Judgement, CallFailure>) -> Result<Answer, EngineError> {
    let decided = verdict_side(verdict.outcome.as_str(), &verdict.summary, &verdict.findings);
    let about = About {
        mission_id: Some(verdict.mission_id.clone()),
        work_item_id: Some(verdict.work_item_id.clone()),
        verdict_id: Some(verdict.id.clone()),
        kind: verdict.gate.to_string(),
        seq: None,
    };
    let then = fuel_of(verdict);
    match called {
        Err(failed) if failed.failure.is_host_fault() => Err(EngineError::HostFault(failed.failure.to_string())),
        Err(failed) => {
            let is_slower = is_slower(then, failed.report.fuel);
            let candidate = json!({"failure": failed.failure.kind(), "message": failed.failure.to_string()});
            let differs = Differs { about, outcome: CheckOutcome::Failed, decided, candidate };
            // Where the gate that counts failed as well, both decided nothing.
            let differs = (verdict.outcome != Outcome::Error).then_some(differs);
            Ok(Answer { has_failed: true, is_slower, differs })
        }
        Ok(judgement) => {
            let is_slower = is_slower(then, judgement.report.fuel);
            let candidate = verdict_side(judgement.outcome.as_str(), &judgement.summary, &judgement.findings);
            let differs = Differs { about, outcome: CheckOutcome::Different, decided, candidate };
            let differs = (!judged_same(&judgement, verdict)).then_some(differs);
            Ok(Answer { has_failed: false, is_slower, differs })
        }
    }
}
