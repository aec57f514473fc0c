//! The board as the contract shows it: typed fields where the contract has them, everything else
//! as the members of one JSON object that `wit/mission-0.1/board.wit` lists.

use super::bindings::mission::sluice::mission::{board as wit, types};
use crate::domain::artifact::ArtifactRef;
use crate::domain::board::{Board, BoardRun};
use crate::domain::gate::GateState;
use crate::domain::id::{VerdictId, WorkItemId};
use crate::domain::json::Json;
use crate::domain::mission::{Budgets, Mission, MissionStatus};
use crate::domain::run::RunStatus;
use crate::domain::time::Timestamp;
use crate::domain::work_item::{WorkItem, WorkItemStatus};

/// The header.
pub(super) fn mission(mission: &Mission) -> wit::Mission {
    let mut data = Object::new();
    data.text("title", &mission.title);
    data.text("goal", &mission.goal);
    data.json("success_criteria", &mission.success_criteria);
    data.raw("budgets", &budgets(&mission.budgets));
    let mut usage = Object::new();
    usage.number("steps", mission.usage.steps);
    usage.number("tool_calls", mission.usage.tool_calls);
    data.raw("usage", &usage.finish());
    data.optional_text("entrypoint", mission.entrypoint.as_deref());
    data.json("metadata", &mission.metadata);
    data.optional_number("started_at_ms", mission.started_at.map(Timestamp::as_millis));
    data.number("planner_attempts", mission.planner_attempts);
    data.texts("required_gates", mission.bindings.gates.iter().map(|(gate, _)| gate.as_str()));
    wit::Mission {
        id: mission.id.as_str().to_owned(),
        status: mission_status(mission.status),
        phase: mission.phase.as_str().to_owned(),
        revision: mission.revision,
        data: data.finish(),
    }
}

fn budgets(budgets: &Budgets) -> String {
    let mut data = Object::new();
    data.optional_number("max_steps", budgets.max_steps);
    data.optional_number("max_tool_calls", budgets.max_tool_calls);
    data.optional_number("max_duration_ms", budgets.max_duration_ms);
    data.optional_number("max_attempts", budgets.max_attempts);
    data.optional_number("max_parallel_runs", budgets.max_parallel_runs);
    data.optional_number("max_interruptions", budgets.max_interruptions);
    data.finish()
}

/// One item.
pub(super) fn work_item(item: &WorkItem) -> wit::WorkItem {
    let mut data = Object::new();
    data.text("title", &item.spec.title);
    data.optional_text("detail", item.spec.detail.as_deref());
    data.texts("depends_on", item.spec.depends_on.iter().map(WorkItemId::as_str));
    data.optional_text("assigned_agent", item.spec.assigned_agent.as_deref());
    data.texts("skills", item.spec.skills.iter().map(String::as_str));
    if let Some(metadata) = &item.spec.metadata {
        data.json("metadata", metadata);
    }
    let mut gates = Object::new();
    for (name, state) in &item.gates {
        gates.raw(name.as_str(), &gate(state));
    }
    data.raw("gates", &gates.finish());
    data.raw("artifact_refs", &artifact_refs(&item.artifacts));
    data.optional_text("reason", item.reason.as_deref());
    wit::WorkItem {
        id: item.spec.id.as_str().to_owned(),
        status: work_item_status(item.status),
        attempts: item.attempts,
        run: item.run_id.as_ref().map(|id| id.as_str().to_owned()),
        data: data.finish(),
    }
}

fn gate(state: &GateState) -> String {
    let mut data = Object::new();
    data.text("status", state.status.as_str());
    data.optional_text("verdict_id", state.verdict_id.as_ref().map(VerdictId::as_str));
    data.number("evaluations", state.evaluations);
    data.finish()
}

fn artifact_refs(artifacts: &[ArtifactRef]) -> String {
    let mut text = String::from("[");
    for (index, artifact) in artifacts.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let mut data = Object::new();
        data.text("id", artifact.id.as_str());
        data.text("kind", &artifact.kind);
        data.text("name", &artifact.name);
        data.text("digest", artifact.digest.as_str());
        text.push_str(&data.finish());
    }
    text.push(']');
    text
}

/// One run.
pub(super) fn run(run: &BoardRun) -> wit::Run {
    let mut data = Object::new();
    data.text("kind", run.kind.as_str());
    data.optional_text("summary", run.summary.as_deref());
    data.optional_text("output", run.output.as_deref());
    data.number("interruptions", run.interruptions);
    data.optional_text("reason", run.reason.as_deref());
    wit::Run {
        id: run.id.as_str().to_owned(),
        work_item: run.work_item_id.as_ref().map(|id| id.as_str().to_owned()),
        status: run_status(run.status),
        attempt: run.attempt,
        data: data.finish(),
    }
}

/// Counts for every status.
pub(super) fn counts(board: &Board) -> Vec<wit::StatusCount> {
    WorkItemStatus::ALL
        .iter()
        .map(|status| wit::StatusCount { status: work_item_status(*status), count: board.count(*status) })
        .collect()
}

fn mission_status(status: MissionStatus) -> types::MissionStatus {
    match status {
        MissionStatus::Draft => types::MissionStatus::Draft,
        MissionStatus::Running => types::MissionStatus::Running,
        MissionStatus::Paused => types::MissionStatus::Paused,
        MissionStatus::Succeeded => types::MissionStatus::Succeeded,
        MissionStatus::Failed => types::MissionStatus::Failed,
        MissionStatus::Canceled => types::MissionStatus::Canceled,
    }
}

fn work_item_status(status: WorkItemStatus) -> types::WorkItemStatus {
    match status {
        WorkItemStatus::Todo => types::WorkItemStatus::Todo,
        WorkItemStatus::InProgress => types::WorkItemStatus::InProgress,
        WorkItemStatus::Blocked => types::WorkItemStatus::Blocked,
        WorkItemStatus::Review => types::WorkItemStatus::Review,
        WorkItemStatus::Test => types::WorkItemStatus::Test,
        WorkItemStatus::Rework => types::WorkItemStatus::Rework,
        WorkItemStatus::Done => types::WorkItemStatus::Done,
        WorkItemStatus::Failed => types::WorkItemStatus::Failed,
        WorkItemStatus::Canceled => types::WorkItemStatus::Canceled,
    }
}

fn run_status(status: RunStatus) -> types::RunStatus {
    match status {
        RunStatus::Queued => types::RunStatus::Queued,
        RunStatus::Running => types::RunStatus::Running,
        RunStatus::Succeeded => types::RunStatus::Succeeded,
        RunStatus::Failed => types::RunStatus::Failed,
        RunStatus::Canceled => types::RunStatus::Canceled,
    }
}

/// The mission's status that a plugin named.
pub(super) fn mission_status_from(status: types::MissionStatus) -> MissionStatus {
    match status {
        types::MissionStatus::Draft => MissionStatus::Draft,
        types::MissionStatus::Running => MissionStatus::Running,
        types::MissionStatus::Paused => MissionStatus::Paused,
        types::MissionStatus::Succeeded => MissionStatus::Succeeded,
        types::MissionStatus::Failed => MissionStatus::Failed,
        types::MissionStatus::Canceled => MissionStatus::Canceled,
    }
}

/// The work item's status that a plugin named.
pub(super) fn work_item_status_from(status: types::WorkItemStatus) -> WorkItemStatus {
    match status {
        types::WorkItemStatus::Todo => WorkItemStatus::Todo,
        types::WorkItemStatus::InProgress => WorkItemStatus::InProgress,
        types::WorkItemStatus::Blocked => WorkItemStatus::Blocked,
        types::WorkItemStatus::Review => WorkItemStatus::Review,
        types::WorkItemStatus::Test => WorkItemStatus::Test,
        types::WorkItemStatus::Rework => WorkItemStatus::Rework,
        types::WorkItemStatus::Done => WorkItemStatus::Done,
        types::WorkItemStatus::Failed => WorkItemStatus::Failed,
        types::WorkItemStatus::Canceled => WorkItemStatus::Canceled,
    }
}

/// Writes one JSON object, member by member. Opaque JSON goes in as it is, without being parsed
/// and written again.
pub(super) struct Object {
    text: String,
}

impl Object {
    /// No members yet.
    pub(super) fn new() -> Self {
        Self { text: String::from("{") }
    }

    /// A member whose value is JSON text already. Names are the host's own and need no escapes.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
        self.text.push_str(value);
    }

    /// A member that is opaque JSON.
    pub(super) fn json(&mut self, name: &str, value: &Json) {
        self.raw(name, value.as_str());
    }

    /// A member that is a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }

    /// A text that is left out when there is none.
    pub(super) fn optional_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    fn number(&mut self, name: &str, value: impl Into<u64>) {
        self.raw(name, &value.into().to_string());
    }

    fn optional_number(&mut self, name: &str, value: Option<impl Into<u64>>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    fn texts<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        let values: Vec<String> = values.map(quoted).collect();
        self.raw(name, &format!("[{}]", values.join(",")));
    }

    /// The object.
    pub(super) fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
