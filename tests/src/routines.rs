//! Routines on an engine without loops: a case takes each look itself, between moves of the clock.

use sluice::domain::board::Board;
use sluice::domain::command::Command;
use sluice::domain::event::{InputKind, LogEvent};
use sluice::domain::id::RoutineId;
use sluice::domain::json::Json;
use sluice::domain::mission::{Budgets, MissionStatus};
use sluice::domain::routine::{
    CreatorType, Misfire, Occurrence, OccurrenceState, Overlap, Routine, RoutineSettings, ScheduleSpec,
};
use sluice::domain::run::RunStatus;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::ports::ReducerCall;
use sluice::engine::{Engine, FinishStatus, NewRoutine, RoutineActor};
use sluice::store::LogFilter;

use crate::engine::{TestEngine, finished, item_to, mission_to, start_run};

/// More rows than any case makes.
pub const ALL: u32 = 10_000;
/// A minute, in milliseconds.
pub const MINUTE: u64 = 60_000;
/// An hour, in milliseconds.
pub const HOUR: u64 = 60 * MINUTE;

/// A person.
pub const PERSON: RoutineActor<'static> = RoutineActor { name: "user.ada", creator_type: CreatorType::User };
/// A program.
pub const AGENT: RoutineActor<'static> = RoutineActor { name: "agent.builder", creator_type: CreatorType::Agent };

/// What a routine says that asks an agent something at the times of `expression`, in UTC.
pub fn settings(expression: &str) -> RoutineSettings {
    RoutineSettings {
        name: "Look after it".to_owned(),
        schedule: ScheduleSpec::Cron { expression: expression.to_owned() },
        timezone: "UTC".to_owned(),
        exclude: Vec::new(),
        jitter_ms: 0,
        starts_at: None,
        ends_at: None,
        misfire: Misfire::default(),
        overlap: Overlap::default(),
        entrypoint: Json::from_valid(r#""Look at what is new.""#),
        args: Json::empty_object(),
        budgets: Budgets::default(),
        capabilities: Vec::new(),
        requires_approval: true,
        external_integrations_allowed: false,
        pause_after_failures: None,
    }
}

/// What a routine's mission is decided by: each item is worked once, and as it ends so does the
/// mission.
pub fn decide(board: &Board, call: &ReducerCall) -> Vec<Command> {
    let ReducerCall::OnEvent { input, .. } = call else { return Vec::new() };
    match input.kind {
        InputKind::MissionStarted => {
            let ready = board.ready(10);
            std::iter::once(mission_to("running")).chain(ready.iter().map(|id| start_run(id.as_str()))).collect()
        }
        InputKind::RunFinished => {
            let (Some(item), Some(run)) = (&input.work_item_id, &input.run_id) else { return Vec::new() };
            if board.run(run.as_str()).is_some_and(|run| run.status == RunStatus::Succeeded) {
                vec![item_to(item.as_str(), WorkItemStatus::Done), mission_to("succeeded")]
            } else {
                vec![mission_to("failed")]
            }
        }
        InputKind::MissionPaused => vec![mission_to("paused")],
        InputKind::MissionResumed => vec![mission_to("running")],
        InputKind::MissionCanceled => vec![mission_to("canceled")],
        _ => Vec::new(),
    }
}

/// A routine of a person, enabled.
pub async fn create(engine: &Engine, id: &str, settings: RoutineSettings) -> Routine {
    create_by(engine, id, settings, PERSON).await
}

/// A routine, enabled if `by` may.
pub async fn create_by(engine: &Engine, id: &str, settings: RoutineSettings, by: RoutineActor<'_>) -> Routine {
    let new = NewRoutine {
        workspace_id: &Engine::local_workspace(),
        id: Some(RoutineId::new(id)),
        settings,
        enabled: true,
        by,
        maker: by.into(),
        receipt: None,
    };
    engine.create_routine(new).await.expect("the routine is made")
}

/// The routine as it is now.
pub async fn routine(engine: &Engine, id: &str) -> Routine {
    engine.routine(&Engine::local_workspace(), &RoutineId::new(id)).await.expect("the routine is there")
}

/// Fires everything that is due, and tells routines of everything that is over.
pub async fn look(engine: &Engine) {
    loop {
        let told = engine.tell_routines().await.expect("routines can be told");
        let fired = engine.fire_routines(None, engine.clock().now(), 500).await.expect("routines fire");
        if told + fired == 0 {
            return;
        }
    }
}

/// A routine's occurrences, the oldest first.
pub async fn occurrences(engine: &Engine, id: &str) -> Vec<Occurrence> {
    let store = engine.store();
    let found = store.occurrences(&Engine::local_workspace(), Some(&RoutineId::new(id)), None, None, ALL).await;
    let mut found = found.expect("they can be read");
    found.reverse();
    found
}

/// Where each stands, the oldest first.
pub async fn states(engine: &Engine, id: &str) -> Vec<OccurrenceState> {
    occurrences(engine, id).await.into_iter().map(|occurrence| occurrence.state).collect()
}

/// Events of the log about routines, as type and reason.
pub async fn told(engine: &Engine) -> Vec<(String, String)> {
    let events = engine.store().log_events(&Engine::local_workspace(), 0, &LogFilter::default(), ALL).await;
    let of_routines = |event: &LogEvent| event.event.event_type.starts_with("routine.");
    let short = |event: LogEvent| {
        let properties: serde_json::Value = serde_json::from_str(event.event.properties.as_str()).expect("JSON");
        (event.event.event_type, properties["reason"].as_str().unwrap_or_default().to_owned())
    };
    events.expect("the log can be read").into_iter().filter(of_routines).map(short).collect()
}

/// Applies what waits in the inboxes of the missions of all occurrences that are not over.
pub async fn catch_up(engine: &Engine) {
    let open = engine.store().open_missions(&Engine::local_workspace()).await.expect("they can be read");
    for mission in open {
        engine.catch_up(&mission).await.expect("the inbox can be applied");
    }
}

/// Works every run there is, with this end; how many there were.
pub async fn work(host: &TestEngine, status: FinishStatus) -> usize {
    catch_up(&host.engine).await;
    let mut worked = 0;
    while let Some(held) = host.claim_quietly("worker").await {
        host.engine.finish_run(&held, finished(status)).await.expect("the run is finished");
        worked += 1;
    }
    catch_up(&host.engine).await;
    worked
}

/// How many missions have this status.
pub async fn missions(engine: &Engine, status: MissionStatus) -> usize {
    let found = engine.store().missions(&Engine::local_workspace(), Some(status), None, ALL).await;
    found.expect("they can be read").len()
}

/// Runs `test` on an engine over each kind of database, its missions decided by [`decide`].
pub async fn on_both_routines(test: impl AsyncFn(TestEngine)) {
    crate::engine::on_both_engines(async |host| {
        host.plugins.decide_with(|_, board, call| Ok(decide(board, call)));
        test(host).await;
    })
    .await;
}
