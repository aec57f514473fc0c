//! What a replay of a history tells: nothing for the same reducer, and for another exactly the
//! events it decides differently.

use e2e::engine::{
    TestEngine, add_item, binding, item_to, items, mission_to, notice, on_both_engines, start_run, timer,
};
use e2e::flow;
use serde_json::{Value, json};
use sluice::domain::command::Command;
use sluice::domain::event::{Disposition, InputKind};
use sluice::domain::gate::{GateName, Outcome};
use sluice::domain::id::MissionId;
use sluice::domain::plugin::PluginFailure;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::ports::ReducerCall;
use sluice::engine::{Candidate, Engine, EngineError, FinishStatus};
use sluice_api::history::ReplayReport;

fn kind_of(call: &ReducerCall) -> InputKind {
    match call {
        ReducerCall::Init => InputKind::MissionCreated,
        ReducerCall::OnEvent { input, .. } => input.kind,
    }
}

/// A finished mission with a rework, a client's refused event, and an input that came too late.
async fn finished_mission(t: &TestEngine) -> MissionId {
    t.plugins.decide_with(|_, board, call| match kind_of(call) {
        InputKind::ResourceChanged => Ok(vec![notice("changed"), mission_to("succeeded")]),
        // The verdict that waits behind this timer comes too late then.
        InputKind::TimerFired => Ok(vec![item_to("b", WorkItemStatus::Rework), start_run("b")]),
        InputKind::ToolObserved => {
            let due = match call {
                ReducerCall::OnEvent { input, .. } => input.occurred_at,
                ReducerCall::Init => unreachable!("a tool is observed"),
            };
            Ok(vec![timer("hurry", due, "{}")])
        }
        InputKind::WorkItemsProposed => Ok(vec![add_item("late", &json!({"title": "Late", "depends_on": ["a"]}))]),
        _ => Ok(flow::decide(board, call)),
    });
    let id = t.draft(items(&[("a", &[]), ("b", &["a"])]), &[GateName::Review]).await;
    let workspace = Engine::local_workspace();
    let tell = async |kind| t.engine.post_event(&workspace, &id, kind, serde_json::Map::new(), "user.test").await;
    tell(InputKind::MissionStarted).await.expect("it starts");
    let refused = tell(InputKind::ResourceChanged).await;
    assert!(matches!(refused, Err(EngineError::Refused(_))), "{refused:?}");
    tell(InputKind::WorkItemsProposed).await.expect("work is added");
    t.plugins.judge_next(Ok((Outcome::Fail, Vec::new())));
    let mut hurried = false;
    while !t.status(&id).await.is_final() {
        for asked in t.pending(&id).await {
            if asked.work_item_id.as_str() == "b" && !std::mem::replace(&mut hurried, true) {
                tell(InputKind::ToolObserved).await.expect("a timer is set");
                t.engine.fire_due_timers().await.expect("it fires");
            }
            t.engine.evaluate(asked).await.expect("it is judged");
        }
        t.catch_up(&id).await;
        if let Some(held) = t.claim_quietly("worker").await {
            t.catch_up(&id).await;
            t.succeed(&held, &format!("attempt {}", held.run.attempt)).await;
            t.catch_up(&id).await;
        }
        t.clock.pass(10);
    }
    let history = t.history(&id).await;
    let refused: Vec<InputKind> =
        history.iter().filter(|e| e.disposition == Disposition::Refused).map(|e| e.kind).collect();
    assert_eq!(refused, [InputKind::ResourceChanged, InputKind::GateVerdict], "what this case is about");
    id
}

async fn replay(t: &TestEngine, id: &MissionId, candidate: Candidate) -> ReplayReport {
    t.engine.replay(&Engine::local_workspace(), id, candidate).await.expect("the history holds together")
}

fn other() -> Candidate {
    Candidate::Other(binding("other"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_reducer_decides_the_same_and_nothing_is_written() {
    on_both_engines(async |t| {
        let id = finished_mission(&t).await;
        let before = (t.mission(&id).await, t.history(&id).await, t.engine.store().log_head().await.expect("read"));
        let report = replay(&t, &id, Candidate::Pinned).await;
        assert_eq!(report.events, before.1.len() as u64);
        assert_eq!((report.differences.len(), report.diverged_at), (0, None), "{report:#?}");
        assert_eq!((report.mission_id.as_str(), report.reducer.as_str()), (id.as_str(), "reducer@0.1.0"));
        let after = (t.mission(&id).await, t.history(&id).await, t.engine.store().log_head().await.expect("read"));
        assert_eq!(after, before);

        let t = t.restart().await;
        let report = replay(&t, &id, Candidate::Pinned).await;
        assert_eq!(report.differences.len(), 0, "also from what is on disk alone: {report:#?}");
    })
    .await;
}

/// Has `candidate` change what the recorded reducer decides, for the binding named `other` only.
fn with_candidate(
    t: &TestEngine,
    candidate: impl Fn(InputKind, Vec<Command>) -> Result<Vec<Command>, PluginFailure> + Send + Sync + 'static,
    recorded: Vec<Vec<Command>>,
) {
    t.plugins.decide_with(move |binding, _, call| {
        let seq = match call {
            ReducerCall::Init => 0,
            ReducerCall::OnEvent { seq, .. } => usize::try_from(*seq).unwrap_or(usize::MAX),
        };
        let commands = recorded[seq].clone();
        if binding.name == "other" { candidate(kind_of(call), commands) } else { Ok(commands) }
    });
}

/// The commands of a history, as they were issued.
async fn recorded(t: &TestEngine, id: &MissionId) -> Vec<Vec<Command>> {
    let read = |commands: &str| -> Vec<Command> {
        let views: Vec<sluice_api::command::CommandView> = serde_json::from_str(commands).expect("commands");
        views.iter().map(|view| sluice::wire::command_from_view(view).expect("a command")).collect()
    };
    t.history(id).await.iter().map(|entry| read(entry.commands.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reducer_differs_at_exactly_the_events_it_decides_differently() {
    on_both_engines(async |t| {
        let id = finished_mission(&t).await;
        let then = recorded(&t, &id).await;
        let add_notice = |kind, mut commands: Vec<Command>| {
            if kind == InputKind::RunFinished {
                commands.insert(0, notice("i saw it"));
            }
            Ok(commands)
        };
        with_candidate(&t, add_notice, then);
        let report = replay(&t, &id, other()).await;
        let expected: Vec<u64> =
            t.history(&id).await.iter().filter(|e| e.kind == InputKind::RunFinished).map(|e| e.seq).collect();
        let found: Vec<u64> = report.differences.iter().map(|difference| difference.seq).collect();
        assert_eq!(found, expected, "one difference makes no later event look different");
        assert_eq!(report.diverged_at, expected.first().copied());
        for difference in &report.differences {
            assert_eq!(difference.kind, "run_finished");
            assert_eq!(difference.candidate.len(), difference.recorded.len() + 1);
            assert_eq!(difference.candidate[1..], difference.recorded[..]);
            assert_eq!((&difference.recorded_refusal, &difference.candidate_refusal), (&None, &None));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_differs_when_the_candidate_is_not_refused() {
    on_both_engines(async |t| {
        let id = finished_mission(&t).await;
        let then = recorded(&t, &id).await;
        let lawful = |kind, commands: Vec<Command>| match kind {
            InputKind::ResourceChanged => Ok(vec![notice("changed")]),
            _ => Ok(commands),
        };
        with_candidate(&t, lawful, then);
        let report = replay(&t, &id, other()).await;
        assert_eq!(report.differences.len(), 1, "{report:#?}");
        let difference = &report.differences[0];
        assert_eq!(difference.kind, "resource_changed");
        let code = difference.recorded_refusal.as_ref().map(|refusal| refusal["code"].clone());
        assert_eq!(code, Some(json!("ILLEGAL_COMMAND")));
        assert_eq!(difference.candidate_refusal, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_breaks_a_rule_or_traps_is_told_with_its_code() {
    on_both_engines(async |t| {
        let id = finished_mission(&t).await;
        let then = recorded(&t, &id).await;
        let broken = |kind, mut commands: Vec<Command>| match kind {
            InputKind::MissionStarted => {
                commands.push(item_to("a", WorkItemStatus::Done));
                Ok(commands)
            }
            InputKind::WorkItemsProposed => Err(PluginFailure::Trap { message: "unreachable".to_owned() }),
            _ => Ok(commands),
        };
        with_candidate(&t, broken, then);
        let report = replay(&t, &id, other()).await;
        let told: Vec<(&str, Value)> = report
            .differences
            .iter()
            .map(|d| (d.kind.as_str(), d.candidate_refusal.as_ref().expect("a refusal")["code"].clone()))
            .collect();
        assert_eq!(
            told,
            [("mission_started", json!("ILLEGAL_COMMAND")), ("work_items_proposed", json!("REDUCER_TRAP"))],
            "{report:#?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_too_late_then_is_asked_of_nobody_now() {
    on_both_engines(async |t| {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let id = finished_mission(&t).await;
        let then = recorded(&t, &id).await;
        let calls = std::sync::Arc::new(AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&calls);
        let count = move |_, commands| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(commands)
        };
        with_candidate(&t, count, then);
        let report = replay(&t, &id, other()).await;
        assert_eq!(report.differences.len(), 0);
        assert_eq!(calls.load(Ordering::SeqCst) as u64, report.events - 1, "all but the verdict nobody waited for");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_host_is_no_difference() {
    on_both_engines(async |t| {
        let id = finished_mission(&t).await;
        t.plugins.decide_with(|_, _, _| Err(PluginFailure::Host { message: "out of threads".to_owned() }));
        let replayed = t.engine.replay(&Engine::local_workspace(), &id, Candidate::Pinned).await;
        assert!(matches!(replayed, Err(EngineError::HostFault(_))), "{replayed:?}");
        let nothing = t.engine.replay(&Engine::local_workspace(), &MissionId::new("mis_no"), Candidate::Pinned).await;
        assert!(matches!(nothing, Err(EngineError::NotFound { .. })), "{nothing:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mission_failed_for_its_reducer_replays_to_the_same_refusal() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[GateName::Review], &["a"]).await;
        let held = t.claim(&id).await;
        let report = e2e::engine::finished(FinishStatus::Succeeded);
        t.engine.finish_run(&held, report).await.expect("it is finished");
        t.apply(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert!(t.status(&id).await.is_final());
        let then = recorded(&t, &id).await;
        with_candidate(&t, |_, commands| Ok(commands), then);
        let report = replay(&t, &id, Candidate::Pinned).await;
        assert_eq!(report.differences.len(), 0, "{report:#?}");
    })
    .await;
}
