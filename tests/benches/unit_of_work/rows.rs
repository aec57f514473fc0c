//! What both sides write for one unit: a mission's header, a work item, a run, an entry of
//! history and two events, as large as the default flow's.

use std::sync::Arc;

use sluice::domain::artifact::Digest;
use sluice::domain::event::{Disposition, HistoryEntry, InputKind, NewLogEvent};
use sluice::domain::id::{EventId, MissionId, RunId, WorkItemId, WorkspaceId};
use sluice::domain::json::Json;
use sluice::domain::mission::{Bindings, Budgets, Mission, MissionStatus, Phase, Usage};
use sluice::domain::plugin::Binding;
use sluice::domain::run::{Run, RunKind, RunStatus};
use sluice::domain::time::Timestamp;
use sluice::domain::work_item::{WorkItem, WorkItemSpec, WorkItemStatus};
use sluice::store::{Guard, Unit, Write};

const GOAL: &str = "Repair the parser so that a line that ends in a backslash goes on in the next one.";
const ACTION: &str = "{\"exec\":{\"argv\":[\"sh\",\"work.sh\"],\"timeout_ms\":60000}}";
const SETTINGS: &str = "{\"max_attempts\":3}";
const COMMANDS: &str = "[{\"type\":\"set_work_item_status\",\"work_item_id\":\"fix-parser\",\
     \"status\":\"in_progress\"},{\"type\":\"start_run\",\"work_item_id\":\"fix-parser\"}]";
const PROPERTIES: &str = "{\"mission_id\":\"mis_0193f2a1-7b1c-7c3e-9a55-000000000001\",\
     \"work_item_id\":\"fix-parser\",\"from\":\"todo\",\"to\":\"in_progress\"}";

/// The rows of one unit.
pub(crate) struct Rows {
    pub(crate) mission: Mission,
    pub(crate) item: WorkItem,
    pub(crate) run: Run,
    pub(crate) history: HistoryEntry,
    pub(crate) events: [NewLogEvent; 2],
}

/// The workspace of all of them.
pub(crate) fn workspace() -> WorkspaceId {
    WorkspaceId::new("ws_local")
}

impl Rows {
    /// What the event that brings the mission of this number to `revision` writes.
    pub(crate) fn new(number: usize, revision: u64) -> Self {
        let mission_id = MissionId::new(format!("mis_0193f2a1-7b1c-7c3e-9a55-{number:012}"));
        let run_id = RunId::new(format!("run_0193f2a1-7b1c-7c3e-9a55-{number:012}"));
        let now = Timestamp(1_700_000_000_000 + revision);
        let event = |index: u32, event_type: &str| NewLogEvent {
            event_id: EventId::new(format!("evt_{number:06}-{revision:012}-{index}")),
            event_type: event_type.to_owned(),
            workspace_id: workspace(),
            session_id: None,
            run_id: None,
            mission_id: Some(mission_id.clone()),
            resource_key: None,
            actor: "system.engine".to_owned(),
            occurred_at: now,
            properties: Json::from_valid(PROPERTIES),
        };
        Self {
            mission: mission(&mission_id, revision, now),
            item: item(&mission_id, &run_id),
            run: run(&mission_id, &run_id, revision, now),
            history: history(&mission_id, &run_id, number, revision, now),
            events: [event(0, "mission.updated"), event(1, "mission.work_item.updated")],
        }
    }

    /// The unit that writes them, if the mission is at the revision before.
    pub(crate) fn unit(self) -> Unit {
        let before = self.mission.revision - 1;
        Unit {
            guards: vec![Guard::mission(&self.mission.id, (before > 0).then_some(before))],
            writes: vec![
                Write::Mission(self.mission),
                Write::WorkItem(Arc::new(self.item)),
                Write::Run(self.run),
                Write::History(self.history),
            ],
            events: self.events.into(),
            ..Unit::default()
        }
    }
}

fn mission(id: &MissionId, revision: u64, now: Timestamp) -> Mission {
    let reducer = Binding {
        name: "mission-default".to_owned(),
        version: "0.1.0".to_owned(),
        digest: Digest::of(b"component"),
        settings: Json::from_valid(SETTINGS),
    };
    Mission {
        workspace_id: workspace(),
        id: id.clone(),
        title: "Repair the parser".to_owned(),
        goal: GOAL.to_owned(),
        status: MissionStatus::Running,
        phase: Phase::Working,
        reason: None,
        success_criteria: Json::from_valid("[\"the tests pass\"]"),
        budgets: Budgets { max_attempts: Some(3), ..Budgets::default() },
        usage: Usage { steps: revision, tool_calls: 0 },
        capabilities: Json::from_valid("[]"),
        entrypoint: None,
        metadata: Json::empty_object(),
        bindings: Bindings { reducer, gates: Vec::new(), required: Vec::new() },
        planner_attempts: 0,
        created_by: "user.bench".to_owned(),
        counts: std::collections::BTreeMap::new(),
        revision,
        created_at: now,
        updated_at: now,
        started_at: Some(now),
    }
}

fn item(mission_id: &MissionId, run_id: &RunId) -> WorkItem {
    let spec = WorkItemSpec {
        id: WorkItemId::new("fix-parser"),
        title: "Repair the parser".to_owned(),
        detail: Some(GOAL.to_owned()),
        depends_on: Vec::new(),
        assigned_agent: None,
        skills: vec!["rust".to_owned()],
        action: Some(Json::from_valid(ACTION)),
        metadata: None,
    };
    WorkItem {
        status: WorkItemStatus::InProgress,
        run_id: Some(run_id.clone()),
        ..WorkItem::new(workspace(), mission_id.clone(), 0, spec)
    }
}

fn run(mission_id: &MissionId, id: &RunId, revision: u64, now: Timestamp) -> Run {
    Run {
        workspace_id: workspace(),
        id: id.clone(),
        mission_id: mission_id.clone(),
        work_item_id: Some(WorkItemId::new("fix-parser")),
        session_id: None,
        worked_by: None,
        token_digest: None,
        kind: RunKind::Work,
        attempt: 1,
        status: RunStatus::Queued,
        prompt: GOAL.to_owned(),
        assigned_agent: None,
        skills: vec!["rust".to_owned()],
        action: Some(Json::from_valid(ACTION)),
        not_before: None,
        lease: None,
        fence: 0,
        interruptions: 0,
        cancel_requested: false,
        summary: None,
        output: None,
        artifacts: Vec::new(),
        queued_at: now,
        started_at: None,
        finished_at: None,
        revision,
    }
}

fn history(mission_id: &MissionId, run_id: &RunId, number: usize, revision: u64, now: Timestamp) -> HistoryEntry {
    HistoryEntry {
        workspace_id: workspace(),
        mission_id: mission_id.clone(),
        seq: revision - 1,
        event_id: EventId::new(format!("evt_{number:06}-{revision:012}")),
        kind: InputKind::RunFinished,
        work_item_id: Some(WorkItemId::new("fix-parser")),
        run_id: Some(run_id.clone()),
        data: Json::from_valid("{\"status\":\"succeeded\",\"summary\":\"done\"}"),
        occurred_at: now,
        actor: "system.scheduler".to_owned(),
        commands: Json::from_valid(COMMANDS),
        assigned_ids: Json::from_valid("[\"run_0193f2a1-7b1c-7c3e-9a55-000000000001\"]"),
        disposition: Disposition::Applied,
        refusal: None,
        reducer_digest: Digest::of(b"component").to_string(),
        fuel: 123_456,
    }
}
