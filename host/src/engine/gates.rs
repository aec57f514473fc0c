//! Has gates judge: every pending request becomes a verdict, or stays pending while the host
//! itself cannot judge. A gate that fails never lets work pass.

use std::fmt::Write as _;
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use sluice_api::input::GateVerdict;

use super::ports::{ArtifactSource, CallFailure, CallReport, GateCall, Judgement};
use super::told::LogWriter;
use super::{Engine, EngineError};
use crate::domain::artifact::{Artifact, Digest};
use crate::domain::event::{Input, InputKind};
use crate::domain::gate::{Evaluation, EvaluationStatus, Finding, Outcome, Verdict};
use crate::domain::id::{ArtifactId, EventId, VerdictId};
use crate::domain::json::Json;
use crate::domain::plugin::Binding;
use crate::domain::workspace::{QuarantinedComponent, QuarantinedGates, Stage};
use crate::store::{CommitError, Guard, Store, Unit, Write};
use crate::wire;

/// Times the host may fail to judge before the verdict is `error`.
const HOST_FAULTS_MAX: u32 = 5;
/// Milliseconds until the first new try after a host fault; doubled each time.
const HOST_FAULT_BACKOFF_MS: u64 = 500;

/// Most findings of one verdict that are kept.
const FINDINGS_MAX: usize = 1_000;
/// Most lines of log that one verdict keeps.
const LOG_LINES_MAX: usize = 256;
/// Longest summary of a verdict, in bytes.
const SUMMARY_MAX_BYTES: usize = 1_024;

/// What came of a gate's call, whichever way it went.
struct Answer {
    outcome: Outcome,
    summary: String,
    findings: Vec<Finding>,
    data: Value,
    report: CallReport,
}

impl Engine {
    /// Judges one request.
    ///
    /// # Errors
    /// Storage. A request that somebody else answered or withdrew meanwhile is left alone.
    pub async fn evaluate(&self, evaluation: Evaluation) -> Result<(), EngineError> {
        let Some(stage) = self.stage_of(&evaluation).await? else { return Ok(()) };
        let Some((call, session)) = self.gate_call(&evaluation).await? else { return Ok(()) };
        let artifacts = self.artifact_source(&call.artifacts);
        let workspace_id = &evaluation.workspace_id;
        let bound = self.bound(workspace_id).await?;
        let quarantine = &bound.revision.quarantine;
        let calls = stage.gates.iter().map(|binding| {
            let (call, artifacts) = (call.clone(), Arc::clone(&artifacts));
            async move {
                match quarantine.of(&binding.digest) {
                    Some(component) => Ok(Err(component)),
                    None => self.ask_gate(binding, call, artifacts).await.map(Ok),
                }
            }
        });
        let mut answers = Vec::with_capacity(stage.gates.len());
        for (binding, asked) in stage.gates.iter().zip(try_join_all(calls).await?) {
            let called = match asked {
                Ok(called) => called,
                Err(component) => {
                    answers.push((binding, not_asked(component, quarantine.gates)));
                    continue;
                }
            };
            match called {
                Ok(judgement) => {
                    self.note_call(workspace_id, binding, None).await;
                    answers.push((binding, answered(judgement)));
                }
                Err(failed) if failed.failure.is_host_fault() && evaluation.host_faults < HOST_FAULTS_MAX => {
                    return self.postpone(evaluation).await;
                }
                Err(failed) => {
                    if !failed.failure.is_host_fault() {
                        self.note_call(workspace_id, binding, Some(&failed.failure.to_string())).await;
                    }
                    answers.push((binding, not_answered(failed)));
                }
            }
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
        self.have_component(&binding.digest).await?;
        let (plugins, binding) = (Arc::clone(&self.parts.plugins), binding.clone());
        tokio::task::spawn_blocking(move || plugins.evaluate(&binding, call, artifacts))
            .await
            .map_err(|error| EngineError::HostFault(error.to_string()))
    }

    /// The gates that judge, as the mission is pinned to them; `None` without any.
    async fn stage_of(&self, evaluation: &Evaluation) -> Result<Option<Stage>, EngineError> {
        let mission = self.parts.store.mission(&evaluation.workspace_id, &evaluation.mission_id).await?;
        let Some(bindings) = mission.map(|mission| mission.bindings) else { return Ok(None) };
        let name = evaluation.gate;
        let gates: Vec<Binding> = bindings.gates_of(name).cloned().collect();
        Ok((!gates.is_empty()).then(|| Stage { name, required: bindings.required(name), gates }))
    }

    /// What the gate is called with, and the session of the run under judgement. Read from rows and
    /// not from a board: what there is of the item does not change, and another host may know of it
    /// before this one's board does.
    pub(super) async fn gate_call(&self, evaluation: &Evaluation) -> Result<Option<(GateCall, String)>, EngineError> {
        let store = &self.parts.store;
        let Some(run) = store.run(&evaluation.run_id).await? else { return Ok(None) };
        let ids: Vec<ArtifactId> = run.artifacts.iter().map(|artifact| artifact.id.clone()).collect();
        let artifacts = store.artifacts_by_ids(&ids).await?;
        let Some(item) = store.work_item(&evaluation.mission_id, &evaluation.work_item_id).await? else {
            return Ok(None);
        };
        let metadata: Value =
            item.spec.metadata.as_ref().and_then(|m| serde_json::from_str(m.as_str()).ok()).unwrap_or(json!({}));
        let data = json!({
            "title": item.spec.title,
            "detail": item.spec.detail,
            "metadata": metadata,
            "run_summary": run.summary,
        });
        let call = GateCall {
            gate: evaluation.gate,
            mission_id: evaluation.mission_id.clone(),
            work_item_id: evaluation.work_item_id.clone(),
            attempt: evaluation.attempt,
            requested_at: evaluation.requested_at,
            artifacts,
            data: wire::json_of(&data),
        };
        Ok(Some((call, run.session().to_owned())))
    }

    pub(super) fn artifact_source(&self, artifacts: &[Artifact]) -> Arc<dyn ArtifactSource> {
        Arc::new(StoredArtifacts {
            store: self.parts.store.clone(),
            runtime: tokio::runtime::Handle::current(),
            digests: artifacts.iter().map(|a| (a.id.clone(), a.digest.clone())).collect(),
        })
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
            data: verdict_data(answer.data, &answer.report),
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
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(Some(id)),
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

/// A conflict means that the request was answered or withdrawn by somebody else.
fn ignore_conflict(result: Result<crate::store::Committed, CommitError>) -> Result<(), EngineError> {
    match result {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(CommitError::Storage(error)) => Err(error.into()),
    }
}

fn answered(judgement: Judgement) -> Answer {
    let data = serde_json::from_str(judgement.data.as_str()).unwrap_or(json!({}));
    Answer {
        outcome: judgement.outcome,
        // A plugin's words, and no database takes U+0000 in a text.
        summary: judgement.summary.replace('\0', "\u{fffd}"),
        findings: judgement.findings,
        data,
        report: judgement.report,
    }
}

/// What a gate in quarantine decides without being asked.
fn not_asked(component: &QuarantinedComponent, decide: QuarantinedGates) -> Answer {
    let summary = format!("{} is in quarantine, since it kept failing: {}", component.plugin, component.reason);
    Answer {
        outcome: match decide {
            QuarantinedGates::Error => Outcome::Error,
            QuarantinedGates::NeedsHuman => Outcome::NeedsHuman,
        },
        summary: cut(summary),
        findings: Vec::new(),
        data: json!({"failure": "quarantined"}),
        report: CallReport::default(),
    }
}

fn not_answered(failed: CallFailure) -> Answer {
    Answer {
        outcome: Outcome::Error,
        summary: failed.failure.to_string().replace('\0', "\u{fffd}"),
        findings: Vec::new(),
        data: json!({"failure": failed.failure.kind()}),
        report: failed.report,
    }
}

/// What a stage decided.
struct Decided {
    /// The plugins that judged, `name@version` each.
    plugin: String,
    /// The component's digest; of several, the digest of theirs, one a line.
    digest: Digest,
    answer: Answer,
}

impl Decided {
    /// One gate's answer stands as it is; of several, what their stage makes of them.
    fn of(stage: &Stage, mut answers: Vec<(&Binding, Answer)>) -> Self {
        if answers.len() == 1
            && let Some((binding, answer)) = answers.pop()
        {
            return Self { plugin: binding.label(), digest: binding.digest.clone(), answer };
        }
        let outcomes: Vec<Outcome> = answers.iter().map(|(_, answer)| answer.outcome).collect();
        let lines: Vec<String> = answers.iter().map(|(binding, _)| format!("{}\n", binding.digest)).collect();
        let labels: Vec<String> = answers.iter().map(|(binding, _)| binding.label()).collect();
        let passed = outcomes.iter().filter(|outcome| **outcome == Outcome::Pass).count();
        let mut summary =
            format!("{passed} of {} gates passed, {} had to", outcomes.len(), stage.required.of(outcomes.len()));
        let mut findings = Vec::new();
        let mut gates = Vec::with_capacity(answers.len());
        let mut report = CallReport::default();
        for (binding, answer) in answers {
            if answer.outcome != Outcome::Pass {
                // A String takes every write.
                let _ = write!(summary, "; {} ({}): {}", binding.label(), answer.outcome, answer.summary);
            }
            gates.push(json!({
                "plugin": binding.label(),
                "digest": binding.digest.as_str(),
                "outcome": answer.outcome.as_str(),
                "summary": answer.summary,
                "finding_count": answer.findings.len(),
                "data": answer.data,
            }));
            findings.extend(answer.findings);
            report = sum(report, answer.report);
        }
        let omitted = findings.len().saturating_sub(FINDINGS_MAX);
        findings.truncate(FINDINGS_MAX);
        let mut data = json!({"gates": gates, "required": stage.required.of(gates.len())});
        if omitted > 0 {
            data["omitted"] = json!(omitted);
        }
        let outcome = stage.required.decide(&outcomes);
        let answer = Answer { outcome, summary: cut(summary), findings, data, report };
        Self { plugin: labels.join(" + "), digest: Digest::of(lines.concat().as_bytes()), answer }
    }
}

/// What two calls cost together.
fn sum(mut report: CallReport, other: CallReport) -> CallReport {
    report.fuel += other.fuel;
    report.wall_us = report.wall_us.max(other.wall_us);
    report.memory_bytes = report.memory_bytes.max(other.memory_bytes);
    report.log_dropped += other.log_dropped;
    for line in other.log {
        if report.log.len() < LOG_LINES_MAX {
            report.log.push(line);
        } else {
            report.log_dropped += 1;
        }
    }
    report
}

/// A summary that is not too long.
fn cut(mut summary: String) -> String {
    let mut end = summary.len().min(SUMMARY_MAX_BYTES);
    while !summary.is_char_boundary(end) {
        end -= 1;
    }
    summary.truncate(end);
    summary
}

fn verdict_data(data: Value, report: &CallReport) -> Json {
    let mut data = match data {
        Value::Object(object) => Value::Object(object),
        _ => json!({}),
    };
    let log: Vec<Value> = report.log.iter().map(|line| json!({"level": line.level, "message": line.message})).collect();
    data["call"] = json!({
        "fuel": report.fuel,
        "wall_us": report.wall_us,
        "memory_bytes": report.memory_bytes,
        "log": log,
        "log_dropped": report.log_dropped,
    });
    wire::json_of(&data)
}

/// The artifacts of one call, read from storage while the component waits.
struct StoredArtifacts {
    store: Store,
    runtime: tokio::runtime::Handle,
    digests: Vec<(ArtifactId, Digest)>,
}

impl ArtifactSource for StoredArtifacts {
    fn read(&self, id: &ArtifactId, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let Some((_, digest)) = self.digests.iter().find(|(known, _)| known == id) else {
            return Err(format!("artifact `{id}` is not among those under judgement"));
        };
        self.runtime.block_on(self.store.read_blob(digest, offset, length)).map_err(|error| error.to_string())
    }
}
