//! The rows of both sides: missions with queued runs, and what a claim and a finish write.

use e2e::engine::binding;
use sluice::domain::artifact::Digest;
use sluice::domain::event::{Input, InputKind, NewLogEvent};
use sluice::domain::id::{EventId, MissionId, RunId, WorkItemId};
use sluice::domain::json::Json;
use sluice::domain::mission::{Bindings, Budgets, Mission, MissionStatus, Phase, Usage};
use sluice::domain::run::{Lease, Run, RunKind, RunStatus};
use sluice::domain::time::Timestamp;
use sluice::engine::Engine;
use sluice::store::{Guard, Store, Unit, Write};

const PROMPT: &str = "Repair the parser so that a line that ends in a backslash goes on in the next one.";
const ACTION: &str = "{\"exec\":{\"argv\":[\"sh\",\"work.sh\"],\"timeout_ms\":60000}}";
const PROPERTIES: &str = "{\"attempt\":1,\"kind\":\"work\",\"mission_id\":\"mis_0193f2a1-7b1c-7c3e-9a55-000000000001\",\
     \"run_id\":\"run_0193f2a1-7b1c-7c3e-9a55-000000000001\",\"session_id\":\"run_0193f2a1-7b1c-7c3e-9a55-000000000001\",\
     \"status\":\"running\",\"work_item_id\":\"fix-parser\",\"worker\":\"worker\"}";
const FINISHED: &str = "{\"status\":\"succeeded\",\"summary\":\"the worker's words\",\"artifacts\":[]}";
const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn mission_id(turn: usize, mission: usize) -> MissionId {
    MissionId::new(format!("mis_0193f2a1-7b1c-7c3e-9a55-{turn:04}{mission:08}"))
}

fn mission(turn: usize, number: usize) -> Mission {
    Mission {
        workspace_id: Engine::local_workspace(),
        id: mission_id(turn, number),
        title: "Repair the parser".to_owned(),
        goal: PROMPT.to_owned(),
        status: MissionStatus::Running,
        phase: Phase::Working,
        reason: None,
        success_criteria: Json::from_valid("[]"),
        budgets: Budgets::default(),
        usage: Usage::default(),
        counts: std::collections::BTreeMap::new(),
        capabilities: Json::from_valid("[]"),
        entrypoint: None,
        metadata: Json::empty_object(),
        bindings: Bindings { reducer: binding("reducer"), gates: Vec::new(), required: Vec::new() },
        planner_attempts: 0,
        created_by: "user.bench".to_owned(),
        revision: 1,
        created_at: NOW,
        updated_at: NOW,
        started_at: Some(NOW),
    }
}

/// The queued run of this number.
pub(crate) fn queued_run(turn: usize, mission: usize, number: usize) -> Run {
    Run {
        workspace_id: Engine::local_workspace(),
        id: RunId::new(format!("run_0193f2a1-7b1c-7c3e-{mission:04}-{turn:04}{number:08}")),
        mission_id: mission_id(turn, mission),
        work_item_id: Some(WorkItemId::new("fix-parser")),
        session_id: None,
        worked_by: None,
        token_digest: None,
        kind: RunKind::Work,
        attempt: 1,
        status: RunStatus::Queued,
        prompt: PROMPT.to_owned(),
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
        queued_at: Timestamp(NOW.as_millis() + number as u64),
        started_at: None,
        finished_at: None,
        revision: 1,
    }
}

/// Queues the runs of one turn.
pub(crate) async fn fill(store: &Store, turn: usize, missions: usize, runs_each: usize) {
    for number in 0..missions {
        let runs = (0..runs_each).map(|run| Write::Run(queued_run(turn, number, run)));
        let writes = std::iter::once(Write::Mission(mission(turn, number))).chain(runs).collect();
        store.commit(Unit { writes, ..Unit::default() }).await.expect("they are queued");
    }
}

/// What a claim and a finish of `run` write.
pub(crate) fn claimed_and_finished(mut run: Run) -> [Unit; 2] {
    let before = Guard::run(&run.id, Some(run.revision));
    run.revision += 1;
    run.fence = 1;
    run.status = RunStatus::Running;
    run.started_at = Some(NOW);
    run.worked_by = Some("agent.bench".to_owned());
    run.token_digest = Some(Digest::of(run.id.as_str().as_bytes()));
    run.lease = Some(Lease {
        worker: "worker".to_owned(),
        principal: "agent.bench".to_owned(),
        host_id: "bench".to_owned(),
        fence: 1,
        lease_ms: 60_000,
        expires_at: NOW.plus_millis(60_000),
    });
    let claimed = unit(&run, vec![before], InputKind::RunClaimed, "{\"worker\":\"worker\",\"attempt\":1}");
    let guards = vec![Guard::held_lease(&run.id, 1, NOW), Guard::run(&run.id, Some(run.revision))];
    run.revision += 1;
    run.status = RunStatus::Succeeded;
    run.lease = None;
    run.finished_at = Some(NOW);
    run.summary = Some("the worker's words".to_owned());
    [claimed, unit(&run, guards, InputKind::RunFinished, FINISHED)]
}

fn unit(run: &Run, guards: Vec<Guard>, kind: InputKind, data: &str) -> Unit {
    let id = |part: &str| EventId::new(format!("evt_{}-{}-{part}", &run.id.as_str()[4..], run.revision));
    let input = Input {
        id: id("input"),
        workspace_id: run.workspace_id.clone(),
        mission_id: run.mission_id.clone(),
        kind,
        work_item_id: run.work_item_id.clone(),
        run_id: Some(run.id.clone()),
        data: Json::from_valid(data),
        occurred_at: NOW,
        actor: "agent.bench".to_owned(),
    };
    let event = NewLogEvent {
        event_id: id("event"),
        event_type: "session.run.claimed".to_owned(),
        workspace_id: run.workspace_id.clone(),
        session_id: Some(run.id.to_string()),
        run_id: Some(run.id.clone()),
        mission_id: Some(run.mission_id.clone()),
        resource_key: None,
        actor: "agent.bench".to_owned(),
        occurred_at: NOW,
        properties: Json::from_valid(PROPERTIES),
    };
    Unit { guards, writes: vec![Write::Input(input), Write::Run(run.clone())], events: vec![event], ..Unit::default() }
}
