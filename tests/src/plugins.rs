//! Plugin hosts, boards and calls for cases about components.

use std::sync::Arc;

use sluice::clock::SystemClock;
use sluice::domain::artifact::{Artifact, Digest};
use sluice::domain::board::Board;
use sluice::domain::event::{Input, InputKind};
use sluice::domain::gate::GateName;
use sluice::domain::id::{ArtifactId, EventId, MissionId, WorkItemId, WorkspaceId};
use sluice::domain::json::Json;
use sluice::domain::mission::{Bindings, Budgets, Mission, MissionStatus, Phase, Usage};
use sluice::domain::plugin::{Binding, PluginFailure, PluginKind};
use sluice::domain::time::Timestamp;
use sluice::domain::work_item::{WorkItem, WorkItemSpec};
use sluice::engine::ports::{ArtifactSource, CallFailure, GateCall, Judgement, Plugins as _, ReducerCall, Reduction};
use sluice::plugins::{Limits, PluginHost, PluginHostOptions};

/// When everything in these cases happens.
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A plugin host without a cache.
pub fn host(limits: Limits) -> PluginHost {
    PluginHost::new(PluginHostOptions { cache_dir: None, limits, clock: Arc::new(SystemClock::new()), compiler: None })
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
        bindings: Bindings { reducer: reducer.clone(), gates: Vec::new(), required: Vec::new() },
        planner_attempts: 0,
        created_by: "user.test".to_owned(),
        counts: std::collections::BTreeMap::new(),
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

/// Installs a reducer and has it judge a mission without items.
pub fn init(host: &PluginHost, component: Vec<u8>) -> Result<Reduction, CallFailure> {
    let binding = bind(host, component, PluginKind::Reducer);
    host.reduce(&binding, board(&binding, 0), ReducerCall::Init)
}

/// Installs a component and binds it without settings.
pub fn bind(host: &PluginHost, component: Vec<u8>, kind: PluginKind) -> Binding {
    let info = host.install(component).expect("the component can be installed");
    host.bind(info.digest.as_str(), kind, &Json::empty_object()).expect("the component can be bound")
}

/// Installs a gate and has it judge `artifacts`, whose ids are `art_0` and so on.
pub fn evaluate(host: &PluginHost, component: Vec<u8>, artifacts: &[&[u8]]) -> Result<Judgement, CallFailure> {
    let binding = bind(host, component, PluginKind::Gate);
    let source = Arc::new(Memory(artifacts.iter().map(|content| content.to_vec()).collect()));
    host.evaluate(&binding, gate_call(artifacts), source)
}

/// A request for a verdict on `artifacts`.
pub fn gate_call(artifacts: &[&[u8]]) -> GateCall {
    let artifact = |(index, content): (usize, &&[u8])| Artifact {
        workspace_id: WorkspaceId::new("ws_test"),
        id: ArtifactId::new(format!("art_{index}")),
        mission_id: MissionId::new("mis_test"),
        work_item_id: Some(WorkItemId::new("item-0")),
        run_id: None,
        kind: "text".to_owned(),
        name: format!("{index}.txt"),
        media_type: "text/plain".to_owned(),
        size: content.len() as u64,
        digest: Digest::of(content),
        created_at: NOW,
    };
    GateCall {
        gate: GateName::Review,
        mission_id: MissionId::new("mis_test"),
        work_item_id: WorkItemId::new("item-0"),
        attempt: 1,
        requested_at: NOW,
        artifacts: artifacts.iter().enumerate().map(artifact).collect(),
        data: Json::from_valid("{\"title\":\"A title\"}"),
    }
}

/// Artifacts in memory; `art_0` is the first, and any other id is found too, so that a case sees
/// whether the host lets it through.
pub struct Memory(pub Vec<Vec<u8>>);

impl ArtifactSource for Memory {
    fn read(&self, id: &ArtifactId, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let index = id.as_str().trim_start_matches("art_").parse().unwrap_or(0);
        let content: &Vec<u8> = self.0.get(index).ok_or("storage failed")?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let end = start.saturating_add(length as usize).min(content.len());
        Ok(content[start..end].to_vec())
    }
}

/// The failure of a call that must have failed.
pub fn failure<R: std::fmt::Debug>(result: Result<R, CallFailure>) -> PluginFailure {
    result.expect_err("the call fails").failure
}
