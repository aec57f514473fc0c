//! Plugin hosts, boards and calls for cases about components.

use std::sync::Arc;

use sluice::clock::SystemClock;
use sluice::domain::board::Board;
use sluice::domain::event::{Input, InputKind};
use sluice::domain::id::{EventId, MissionId, WorkItemId, WorkspaceId};
use sluice::domain::json::Json;
use sluice::domain::mission::{Bindings, Budgets, Mission, MissionStatus, Phase, Usage};
use sluice::domain::plugin::Binding;
use sluice::domain::time::Timestamp;
use sluice::domain::work_item::{WorkItem, WorkItemSpec};
use sluice::engine::ports::ReducerCall;
use sluice::plugins::{Limits, PluginHost, PluginHostOptions};

/// When everything in these cases happens.
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A plugin host without a cache.
pub fn host(limits: Limits) -> PluginHost {
    PluginHost::new(PluginHostOptions { cache_dir: None, limits, clock: Arc::new(SystemClock::new()) })
        .expect("the machine runs components")
}

/// A running mission pinned to `reducer`.
pub fn mission(reducer: &Binding) -> Mission {
    let (workspace_id, id) = (WorkspaceId::new("ws_test"), MissionId::new("mis_test"));
    Mission {
        workspace_id,
        id,
        title: "A title".to_owned(),
        goal: "A \"goal\"\nin two lines".to_owned(),
        status: MissionStatus::Draft,
        phase: Phase::Planning,
        reason: None,
        success_criteria: Json::from_valid("[\"it works\"]"),
        budgets: Budgets::default(),
        usage: Usage::default(),
        capabilities: Json::from_valid("[]"),
        entrypoint: None,
        metadata: Json::from_valid("{\"k\":1}"),
        bindings: Bindings { reducer: reducer.clone(), gates: Vec::new() },
        planner_attempts: 0,
        revision: 1,
        created_at: NOW,
        updated_at: NOW,
        started_at: None,
    }
}

/// A board with `count` independent items, `item-0` and so on.
pub fn board(reducer: &Binding, count: u32) -> Arc<Board> {
    let mission = mission(reducer);
    let items = (0..count).map(|n| item(&mission, n)).collect();
    Arc::new(Board::new(mission, items, Vec::new()))
}

fn item(mission: &Mission, position: u32) -> WorkItem {
    let spec = WorkItemSpec {
        id: WorkItemId::new(format!("item-{position}")),
        title: format!("Item {position}"),
        detail: None,
        depends_on: Vec::new(),
        assigned_agent: None,
        skills: vec!["rust".to_owned()],
        action: None,
        metadata: None,
    };
    WorkItem::new(mission.workspace_id.clone(), mission.id.clone(), position, spec)
}

/// The first event of a mission.
pub fn event(kind: InputKind, data: &str) -> ReducerCall {
    let input = Input {
        id: EventId::new("evt_test"),
        workspace_id: WorkspaceId::new("ws_test"),
        mission_id: MissionId::new("mis_test"),
        kind,
        work_item_id: None,
        run_id: None,
        data: Json::from_valid(data),
        occurred_at: NOW,
        actor: "tester".to_owned(),
    };
    ReducerCall::OnEvent { seq: 1, input }
}
