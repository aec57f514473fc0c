//! The first calls of a component, on inputs that are always the same: what an operator learns of it before anybody
//! binds it. Called with its settings' defaults, which some components do not have.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::call::Caller;
use super::component::Linked;
use super::limits::{CallLimits, Limits};
use super::manifest::Manifest;
use super::{LoadError, check, gate, reducer, scrubber, settings};
use crate::domain::artifact::{Artifact, Digest};
use crate::domain::board::Board;
use crate::domain::gate::GateName;
use crate::domain::id::{ArtifactId, MissionId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::mission::{Bindings, Budgets, Mission, MissionStatus, Phase, Usage};
use crate::domain::plugin::{Binding, PluginFailure, PluginKind};
use crate::domain::time::Timestamp;
use crate::domain::work_item::{WorkItem, WorkItemSpec};
use crate::engine::ports::{ArtifactSource, CallFailure, CallReport, GateCall, ReducerCall};

/// The change that a gate looks at.
const CHANGE: &[u8] =
    b"diff --git a/README.md b/README.md\n--- a/README.md\n+++ b/README.md\n@@ -1 +1,2 @@\n one\n+two\n";
/// The text that a scrubber looks at.
const TEXT: &str = "The pool grows to 20.";
/// Most fuel of a first call: what is trivial takes little.
const FUEL_MAX: u64 = 2_000_000_000;
/// Longest first call.
const WALL_MAX: Duration = Duration::from_secs(20);

/// Calls `component` for the first time, twice: it has to decide the same both times.
///
/// # Errors
/// [`LoadError::FirstCall`] when it traps, goes over its limits, or decides one thing and then another.
pub(super) fn make(
    caller: &Caller,
    limits: &Limits,
    manifest: &Manifest,
    component: &Linked,
) -> Result<Json, LoadError> {
    let defaults = Json::empty_object();
    if let Err(problems) = settings::check(&manifest.settings_schema, &defaults) {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Ok(skipped(&format!("its settings have no defaults: {}", problems.join("; "))));
    }
    match check::settings(caller, limits, component, &defaults) {
        Ok(()) => {}
        Err(PluginFailure::Guest { message }) => {
            return Ok(skipped(&format!("it refuses the defaults of its settings: {message}")));
        }
        Err(failure) => return Err(LoadError::FirstCall { what: "its check of settings", failure }),
    }
    let of_kind = limits.of(manifest.kind);
    let limits = CallLimits { fuel: of_kind.fuel.min(FUEL_MAX), wall: of_kind.wall.min(WALL_MAX), ..of_kind.clone() };
    let (first, report) = call(caller, &limits, component, manifest)?;
    let (second, _) = call(caller, &limits, component, manifest)?;
    if first != second {
        let message = "it decided differently when it was asked the same again".to_owned();
        return Err(LoadError::FirstCall { what: "its second call", failure: PluginFailure::Guest { message } });
    }
    let told = json!({
        "status": "called",
        "outcome": first,
        "fuel": report.fuel,
        "memory_bytes": report.memory_bytes,
    });
    Ok(Json::from_valid(told.to_string()))
}

fn skipped(reason: &str) -> Json {
    Json::from_valid(json!({"status": "not_called", "reason": reason}).to_string())
}

/// What it decides; saying that it cannot is a decision too.
fn call(
    caller: &Caller,
    limits: &CallLimits,
    component: &Linked,
    manifest: &Manifest,
) -> Result<(Value, CallReport), LoadError> {
    let settings = Json::empty_object();
    let answered = match component {
        Linked::Reducer(pre) => reducer::reduce(caller, limits, pre, &settings, board(manifest), ReducerCall::Init)
            .map(|reduction| (json!({"commands": format!("{:?}", reduction.commands)}), reduction.report)),
        Linked::Gate(pre) => {
            gate::evaluate(caller, limits, pre, &settings, &gate_call(), Arc::new(OneChange)).map(|judgement| {
                let told = json!({
                    "outcome": judgement.outcome.as_str(),
                    "summary": judgement.summary,
                    "finding_count": judgement.findings.len(),
                });
                (told, judgement.report)
            })
        }
        Linked::Scrubber(pre) => {
            let data = json!({"tier": "session", "classification": "internal", "kind": "note"});
            let data = Json::from_valid(data.to_string());
            scrubber::scrub(caller, limits, pre, &settings, TEXT, &data).map(|report| {
                let told = json!({"blocked": report.blocked, "redaction_count": report.redactions.len()});
                (told, report.report)
            })
        }
    };
    match answered {
        Ok((told, report)) => Ok((cut(told), report)),
        Err(CallFailure { failure: PluginFailure::Guest { message }, report }) => {
            Ok((json!({"error": message}), report))
        }
        Err(CallFailure { failure, .. }) => Err(LoadError::FirstCall { what: "its first call", failure }),
    }
}

/// What is told, with long texts cut.
fn cut(mut told: Value) -> Value {
    for value in told.as_object_mut().into_iter().flat_map(|members| members.values_mut()) {
        if let Value::String(text) = value {
            *text = super::failure::cut(text, 1_024).to_owned();
        }
    }
    told
}

fn gate_call() -> GateCall {
    let artifact = Artifact {
        workspace_id: WorkspaceId::new("local"),
        id: ArtifactId::new("art_first"),
        mission_id: MissionId::new("mis_first"),
        work_item_id: Some(WorkItemId::new("first")),
        run_id: None,
        kind: "diff".to_owned(),
        name: "change.diff".to_owned(),
        media_type: "text/x-diff".to_owned(),
        size: CHANGE.len() as u64,
        digest: Digest::of(CHANGE),
        created_at: Timestamp(0),
    };
    GateCall {
        gate: GateName::Review,
        mission_id: MissionId::new("mis_first"),
        work_item_id: WorkItemId::new("first"),
        attempt: 1,
        requested_at: Timestamp(0),
        artifacts: vec![artifact],
        data: Json::from_valid(r#"{"title":"Add a line","detail":null,"metadata":{},"run_summary":null}"#),
    }
}

/// The artifact of [`gate_call`].
struct OneChange;

impl ArtifactSource for OneChange {
    fn read(&self, _: &ArtifactId, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(CHANGE.len());
        let end = start.saturating_add(length as usize).min(CHANGE.len());
        Ok(CHANGE[start..end].to_vec())
    }
}

/// A mission of one work item that was just created.
fn board(manifest: &Manifest) -> Arc<Board> {
    let reducer = Binding {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        digest: Digest::of(b""),
        settings: Json::empty_object(),
    };
    debug_assert_eq!(manifest.kind, PluginKind::Reducer);
    let (workspace_id, id) = (WorkspaceId::new("local"), MissionId::new("mis_first"));
    let spec = WorkItemSpec {
        id: WorkItemId::new("first"),
        title: "Add a line".to_owned(),
        detail: None,
        depends_on: Vec::new(),
        assigned_agent: None,
        skills: Vec::new(),
        action: None,
        metadata: None,
    };
    let item = WorkItem::new(workspace_id.clone(), id.clone(), 0, spec);
    let mission = Mission {
        workspace_id,
        id,
        title: "First".to_owned(),
        goal: "Add a line".to_owned(),
        status: MissionStatus::Draft,
        phase: Phase::Working,
        reason: None,
        success_criteria: Json::from_valid("[]"),
        budgets: Budgets::default(),
        usage: Usage::default(),
        capabilities: Json::from_valid("[]"),
        entrypoint: None,
        metadata: Json::empty_object(),
        bindings: Bindings { reducer, gates: Vec::new(), required: Vec::new() },
        planner_attempts: 0,
        counts: std::iter::once((item.status, 1)).collect(),
        created_by: "host".to_owned(),
        revision: 0,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        started_at: None,
    };
    Arc::new(Board::new(mission, vec![item], []))
}
