//! Calls of gates: the artifacts they read, and what becomes of their verdict.

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::bindings::gate::GatePre;
use super::bindings::gate::exports::sluice::gate::evaluator as wit;
use super::bindings::gate::sluice::gate::{artifacts, types};
use super::call::{CallState, Caller, Ended};
use super::failure::{HostFault, cut, guest};
use super::limits::CallLimits;
use super::object::{self, Object};
use super::wasi::Moment;
use crate::domain::artifact::Artifact;
use crate::domain::gate::{Finding, Outcome, Severity};
use crate::domain::id::ArtifactId;
use crate::domain::json::Json;
use crate::engine::ports::{ArtifactSource, CallFailure, CallReport, GateCall, Judgement};

/// Most findings of one verdict that are kept (`wit/gate-0.1/types.wit`).
pub const FINDINGS_MAX: usize = 1_000;

/// Most bytes one read of an artifact gives (`wit/gate-0.1/artifacts.wit`).
pub const READ_BYTES_MAX: u32 = 1024 * 1024;

/// Longest summary of a verdict, in bytes.
const SUMMARY_BYTES_MAX: usize = 1_024;

/// Longest message or path of a finding, in bytes.
const FINDING_TEXT_BYTES_MAX: usize = 4_096;

/// Longest rule name (`wit/gate-0.1/types.wit`), in bytes.
const RULE_BYTES_MAX: usize = 100;

/// Longest reason of a failed read that is passed on, in bytes.
const STORAGE_REASON_BYTES_MAX: usize = 1_024;

/// What a gate's call holds: what it may read.
#[derive(Default)]
pub(super) struct GateState {
    readable: Vec<ArtifactId>,
    source: Option<Arc<dyn ArtifactSource>>,
}

/// A gate, ready to be instantiated.
pub(super) type GateInstancePre = GatePre<CallState<GateState>>;

/// Everything a gate may import.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState<GateState>>> {
    let mut linker = Linker::new(engine);
    CallState::link_base(&mut linker)?;
    types::add_to_linker::<_, HasSelf<CallState<GateState>>>(&mut linker, |state| state)?;
    artifacts::add_to_linker::<_, HasSelf<CallState<GateState>>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Finds a gate's exports.
///
/// # Errors
/// The component does not export `evaluator`, or with other types.
pub(super) fn pre(instance: InstancePre<CallState<GateState>>) -> wasmtime::Result<GateInstancePre> {
    GatePre::new(instance)
}

/// Calls `gate`.
pub(super) fn evaluate(
    caller: &Caller,
    limits: &CallLimits,
    gate: &GateInstancePre,
    settings: &Json,
    call: &GateCall,
    source: Arc<dyn ArtifactSource>,
) -> Result<Judgement, CallFailure> {
    let moment = Moment {
        at: call.requested_at,
        seed: format!("{}\0{}\0{}\0{}", call.mission_id, call.work_item_id, call.gate, call.attempt),
    };
    let readable = call.artifacts.iter().map(|artifact| artifact.id.clone()).collect();
    let state = CallState::new(limits, settings.clone(), moment, GateState { readable, source: Some(source) });
    let Ended { result, report, .. } = caller.run(limits, state, |store| {
        let instance = gate.instantiate(&mut *store)?;
        instance.sluice_gate_evaluator().call_evaluate(store, &input(call))
    });
    match result.and_then(|verdict| judgement(verdict, report.clone()).map_err(|fault| guest(&fault))) {
        Ok(judgement) => Ok(judgement),
        Err(failure) => Err(CallFailure { failure, report }),
    }
}

fn input(call: &GateCall) -> wit::GateInput {
    wit::GateInput {
        gate: call.gate.as_str().to_owned(),
        mission: call.mission_id.as_str().to_owned(),
        work_item: call.work_item_id.as_str().to_owned(),
        attempt: call.attempt,
        requested_at: call.requested_at.as_millis(),
        artifacts: call.artifacts.iter().map(artifact).collect(),
        data: call.data.as_str().to_owned(),
    }
}

fn artifact(artifact: &Artifact) -> types::Artifact {
    let mut data = Object::new();
    data.text("digest", artifact.digest.as_str());
    types::Artifact {
        id: artifact.id.as_str().to_owned(),
        kind: artifact.kind.clone(),
        name: artifact.name.clone(),
        media_type: artifact.media_type.clone(),
        size: artifact.size,
        data: data.finish(),
    }
}

/// The verdict as the host keeps it.
///
/// # Errors
/// What of it breaks the contract.
fn judgement(verdict: types::Verdict, report: CallReport) -> Result<Judgement, String> {
    let omitted = verdict.findings.len().saturating_sub(FINDINGS_MAX);
    let mut findings = Vec::with_capacity(verdict.findings.len().min(FINDINGS_MAX));
    for (index, raw) in verdict.findings.into_iter().take(FINDINGS_MAX).enumerate() {
        findings.push(finding(raw).map_err(|reason| format!("finding {} {reason}", index + 1))?);
    }
    let data = object::check(verdict.data).map_err(|reason| format!("the verdict's `data` {reason}"))?;
    Ok(Judgement {
        outcome: match verdict.outcome {
            types::Outcome::Pass => Outcome::Pass,
            types::Outcome::Fail => Outcome::Fail,
            types::Outcome::NeedsHuman => Outcome::NeedsHuman,
        },
        summary: cut(&verdict.summary, SUMMARY_BYTES_MAX).to_owned(),
        findings,
        data: if omitted == 0 { data } else { count_omitted(&data, omitted) },
        report,
    })
}

fn finding(raw: types::Finding) -> Result<Finding, String> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_./".contains(&b);
    if raw.rule.is_empty() || raw.rule.len() > RULE_BYTES_MAX || !raw.rule.bytes().all(fits) {
        let rule = cut(&raw.rule, RULE_BYTES_MAX);
        return Err(format!("has the rule {rule:?}; a rule has 1 to {RULE_BYTES_MAX} characters of a-z 0-9 - _ . /"));
    }
    Ok(Finding {
        data: object::check(raw.data).map_err(|reason| format!("({}): `data` {reason}", raw.rule))?,
        rule: raw.rule,
        severity: match raw.severity {
            types::Severity::Info => Severity::Info,
            types::Severity::Warning => Severity::Warning,
            types::Severity::Error => Severity::Error,
            types::Severity::Critical => Severity::Critical,
        },
        message: cut(&raw.message, FINDING_TEXT_BYTES_MAX).to_owned(),
        path: raw.path.map(|path| cut(&path, FINDING_TEXT_BYTES_MAX).to_owned()),
        // Lines count from 1; reports of other tools say 0 for "no line".
        line: raw.line.filter(|line| *line > 0),
    })
}

/// `data` with `more` added to its member `omitted`.
fn count_omitted(data: &Json, more: usize) -> Json {
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(data.as_str()).unwrap_or_default();
    let before = members.get("omitted").and_then(serde_json::Value::as_u64).unwrap_or(0);
    members.insert("omitted".to_owned(), before.saturating_add(more as u64).into());
    Json::from_valid(serde_json::Value::Object(members).to_string())
}

impl types::Host for CallState<GateState> {}

impl artifacts::Host for CallState<GateState> {
    fn read(&mut self, id: String, offset: u64, length: u32) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let Some(id) = self.world.readable.iter().find(|readable| readable.as_str() == id) else {
            self.charge(id.len())?;
            return Ok(Err(format!("artifact {:?} is not among the artifacts of this call", cut(&id, 128))));
        };
        let Some(source) = &self.world.source else {
            return Ok(Err("there are no artifacts while settings are checked".to_owned()));
        };
        // A verdict on half of what there is would be none: the call ends and is tried again.
        let content = source.read(id, offset, length.min(READ_BYTES_MAX)).map_err(|reason| {
            HostFault(format!("artifact {id} could not be read: {}", cut(&reason, STORAGE_REASON_BYTES_MAX)))
        })?;
        self.charge(content.len())?;
        Ok(Ok(content))
    }
}
