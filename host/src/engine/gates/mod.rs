//! Has gates judge: every pending request becomes a verdict, or stays pending while the host
//! itself cannot judge. A gate that fails never lets work pass.
//!
//! A verdict comes about in three steps, which [`Engine::evaluate`] takes one after the other: what is judged is read
//! ([`Engine::prepare_hearing`]), the gates are called ([`Engine::hear`]), and what they said is written down
//! ([`Engine::give_verdict`]). Only the second keeps a core busy, so that whoever bounds the work ([`crate::scheduler`]) bounds
//! that one. Nothing is written before the last: whatever ends in between leaves the request pending, and it is judged
//! again. How requests are read together is in [`readings`], what gates read in [`left`], what several answers make in
//! [`answers`], and how verdicts come to share a commit in [`gathering`].

mod answers;
mod gathering;
mod left;
mod readings;

use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use sluice_api::input::GateVerdict;

use self::answers::Decided;
use self::gathering::Coming;
pub(super) use self::gathering::Gathering;
pub(super) use self::readings::Readings;
use super::ports::{ArtifactSource, CallFailure, CallReport, GateCall, Judgement};
use super::told::LogWriter;
use super::workspaces::Bound;
use super::{Engine, EngineError};
use crate::domain::event::{Input, InputKind};
use crate::domain::gate::{Evaluation, EvaluationStatus, Verdict};
use crate::domain::id::{EventId, VerdictId};
use crate::domain::plugin::{Binding, PluginFailure};
use crate::domain::workspace::Stage;
use crate::store::{CommitError, Guard, UnderJudgement, Unit, Write};
use crate::wire;

/// Times the host may fail to judge before the verdict is `error`.
const HOST_FAULTS_MAX: u32 = 5;
/// Milliseconds until the first new try after a host fault; doubled each time.
const HOST_FAULT_BACKOFF_MS: u64 = 500;

/// A request with everything that its gates are asked with.
pub struct Hearing {
    request: Request,
    call: GateCall,
    artifacts: Arc<dyn ArtifactSource>,
    coming: Coming,
}

/// A request, and what its gates said.
pub struct Heard {
    request: Request,
    /// In the order of the stage's gates; nothing of one that is in quarantine, and was not asked.
    said: Vec<Option<Result<Judgement, CallFailure>>>,
}

/// What a verdict is given on, as it was when the request was taken up.
struct Request {
    evaluation: Evaluation,
    /// The gates that judge, as the mission is pinned to them.
    stage: Stage,
    /// The session of the run under judgement.
    session: String,
    /// What decides in the workspace.
    bound: Arc<Bound>,
}

impl Engine {
    /// Judges one request.
    ///
    /// # Errors
    /// Storage. A request that somebody else answered or withdrew meanwhile is left alone.
    pub async fn evaluate(&self, evaluation: Evaluation) -> Result<(), EngineError> {
        let Some(hearing) = self.prepare_hearing(evaluation).await? else { return Ok(()) };
        let heard = self.hear(hearing).await?;
        self.give_verdict(heard).await
    }

    /// Reads what a request wants judged; `None` when it was answered or withdrawn meanwhile, or no gate judges it.
    ///
    /// # Errors
    /// Storage.
    pub async fn prepare_hearing(&self, evaluation: Evaluation) -> Result<Option<Hearing>, EngineError> {
        let Some((judged, held)) = self.read_judged(&evaluation).await? else { return Ok(None) };
        if judged.revision != evaluation.revision {
            // Its verdict would be refused.
            return Ok(None);
        }
        let (bindings, name) = (&judged.bindings, evaluation.gate);
        let gates: Vec<Binding> = bindings.gates_of(name).cloned().collect();
        if gates.is_empty() {
            return Ok(None);
        }
        let stage = Stage { name, required: bindings.required(name), gates };
        let bound = self.bound_at(&evaluation.workspace_id, judged.workspace_newest).await?;
        let session = judged.session_id.clone().unwrap_or_else(|| evaluation.run_id.to_string());
        let artifacts = self.source_of(&judged.artifacts, held);
        let call = gate_call(&evaluation, judged);
        let coming = self.parts.gathering.comes();
        Ok(Some(Hearing { request: Request { evaluation, stage, session, bound }, call, artifacts, coming }))
    }

    /// Calls the gates of a stage, side by side. Writes nothing.
    ///
    /// # Errors
    /// [`EngineError::HostFault`] when a call broke off; storage. A component that this host lacks and cannot get is a
    /// host fault of its call, and no error.
    pub async fn hear(&self, hearing: Hearing) -> Result<Heard, EngineError> {
        let Hearing { request, call, artifacts, coming } = hearing;
        let quarantine = &request.bound.revision.quarantine;
        let calls = request.stage.gates.iter().map(|binding| {
            let (call, artifacts) = (call.clone(), Arc::clone(&artifacts));
            async move {
                match quarantine.of(&binding.digest) {
                    Some(_) => Ok(None),
                    None => self.ask_gate(binding, call, artifacts).await.map(Some),
                }
            }
        });
        let said = try_join_all(calls).await?;
        drop(coming);
        Ok(Heard { request, said })
    }

    /// Writes down what the gates of a stage said, as one verdict; or that the host could not have them judge.
    ///
    /// # Errors
    /// Storage. A request that somebody else answered or withdrew meanwhile is left alone.
    pub async fn give_verdict(&self, heard: Heard) -> Result<(), EngineError> {
        let Heard { request: Request { evaluation, stage, session, bound }, said } = heard;
        let (workspace_id, quarantine) = (&evaluation.workspace_id, &bound.revision.quarantine);
        let mut answers = Vec::with_capacity(stage.gates.len());
        for (binding, said) in stage.gates.iter().zip(said) {
            let answer = match said {
                None => quarantine.of(&binding.digest).map(|component| answers::not_asked(component, quarantine.gates)),
                Some(Ok(judgement)) => {
                    self.note_call(workspace_id, binding, None).await;
                    Some(answers::answered(judgement))
                }
                Some(Err(failed)) if failed.failure.is_host_fault() && evaluation.host_faults < HOST_FAULTS_MAX => {
                    return self.postpone(evaluation).await;
                }
                Some(Err(failed)) => {
                    if !failed.failure.is_host_fault() {
                        self.note_call(workspace_id, binding, Some(&failed.failure.to_string())).await;
                    }
                    Some(answers::not_answered(failed))
                }
            };
            answers.extend(answer.map(|answer| (binding, answer)));
        }
        let decided = Decided::of(&stage, answers);
        if let Some(verdict_id) = self.record_verdict(evaluation, decided, &session).await? {
            self.shadow_verdict(&bound, &stage, &verdict_id);
        }
        Ok(())
    }

    pub(super) async fn ask_gate(
        &self,
        binding: &Binding,
        call: GateCall,
        artifacts: Arc<dyn ArtifactSource>,
    ) -> Result<Result<Judgement, CallFailure>, EngineError> {
        match self.have_component(&binding.digest).await {
            Ok(()) => {}
            // Counted like a call that the host could not carry out, so that trying again comes to an end.
            Err(EngineError::HostFault(message)) => return Ok(Err(not_called(binding, message))),
            Err(damaged @ EngineError::ComponentDamaged { .. }) => {
                return Ok(Err(not_called(binding, damaged.to_string())));
            }
            Err(error) => return Err(error),
        }
        let (plugins, binding) = (Arc::clone(&self.parts.plugins), binding.clone());
        tokio::task::spawn_blocking(move || plugins.evaluate(&binding, call, artifacts))
            .await
            .map_err(|error| EngineError::HostFault(error.to_string()))
    }

    async fn postpone(&self, mut evaluation: Evaluation) -> Result<(), EngineError> {
        let guard = Guard::evaluation(&evaluation.id, Some(evaluation.revision));
        let backoff_ms = HOST_FAULT_BACKOFF_MS << evaluation.host_faults;
        evaluation.revision += 1;
        evaluation.host_faults += 1;
        evaluation.not_before = Some(self.now().plus_millis(backoff_ms));
        let unit = Unit { guards: vec![guard], writes: vec![Write::Evaluation(evaluation)], ..Unit::default() };
        ignore_conflict(self.parts.store.commit(unit).await)
    }

    /// Writes a verdict down; `None` when the request was answered or withdrawn by somebody else.
    async fn record_verdict(
        &self,
        mut evaluation: Evaluation,
        decided: Decided,
        session: &str,
    ) -> Result<Option<VerdictId>, EngineError> {
        let now = self.now();
        let Decided { plugin, digest, answer } = decided;
        let verdict = Verdict {
            workspace_id: evaluation.workspace_id.clone(),
            id: VerdictId::new(self.new_id(VerdictId::PREFIX)),
            evaluation_id: evaluation.id.clone(),
            mission_id: evaluation.mission_id.clone(),
            work_item_id: evaluation.work_item_id.clone(),
            run_id: evaluation.run_id.clone(),
            gate: evaluation.gate,
            attempt: evaluation.attempt,
            plugin,
            plugin_digest: digest,
            artifact_set: evaluation.artifact_set.clone(),
            outcome: answer.outcome,
            summary: answer.summary,
            findings: answer.findings,
            data: answers::verdict_data(answer.data, &answer.report),
            given_at: now,
        };
        let told = GateVerdict {
            gate: verdict.gate.to_string(),
            outcome: verdict.outcome.to_string(),
            verdict_id: verdict.id.to_string(),
            evaluation_id: verdict.evaluation_id.to_string(),
            summary: verdict.summary.clone(),
            finding_count: verdict.findings.len(),
        };
        let actor = format!("gate.{}", verdict.gate);
        let input = Input {
            id: EventId::new(self.new_id(EventId::PREFIX)),
            workspace_id: verdict.workspace_id.clone(),
            mission_id: verdict.mission_id.clone(),
            kind: InputKind::GateVerdict,
            work_item_id: Some(verdict.work_item_id.clone()),
            run_id: Some(verdict.run_id.clone()),
            data: wire::json_of(&told),
            occurred_at: now,
            actor: actor.clone(),
        };
        let mut log = LogWriter::of_mission(self, &verdict.workspace_id, &verdict.mission_id, &actor, now);
        log.gate_answered(&verdict, session);
        let guard = Guard::evaluation(&evaluation.id, Some(evaluation.revision));
        evaluation.revision += 1;
        evaluation.status = EvaluationStatus::Answered;
        let id = verdict.id.clone();
        let unit = Unit {
            guards: vec![guard],
            writes: vec![Write::Evaluation(evaluation), Write::Verdict(verdict), Write::Input(input)],
            events: log.into_events(),
            ..Unit::default()
        };
        self.parts.gathering.wait().await;
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(Some(id)),
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

/// What comes of a call for which the component is not at hand.
fn not_called(binding: &Binding, message: String) -> CallFailure {
    tracing::warn!(plugin = binding.label(), message, "a gate cannot be called");
    CallFailure { failure: PluginFailure::Host { message }, report: CallReport::default() }
}

/// A conflict means that the request was answered or withdrawn by somebody else.
fn ignore_conflict(result: Result<crate::store::Committed, CommitError>) -> Result<(), EngineError> {
    match result {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(CommitError::Storage(error)) => Err(error.into()),
    }
}

/// What gates are called with. What there is of an item does not change, and another host may know of it before this
/// one's board does: it is read from rows and not from a board.
pub(super) fn gate_call(evaluation: &Evaluation, judged: UnderJudgement) -> GateCall {
    let metadata: Value =
        judged.metadata.as_ref().and_then(|metadata| serde_json::from_str(metadata.as_str()).ok()).unwrap_or(json!({}));
    let data = json!({
        "title": judged.title,
        "detail": judged.detail,
        "metadata": metadata,
        "run_summary": judged.run_summary,
    });
    GateCall {
        gate: evaluation.gate,
        mission_id: evaluation.mission_id.clone(),
        work_item_id: evaluation.work_item_id.clone(),
        attempt: evaluation.attempt,
        requested_at: evaluation.requested_at,
        artifacts: judged.artifacts,
        data: wire::json_of(&data),
    }
}
