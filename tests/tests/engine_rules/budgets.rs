//! No run starts beyond a budget, and one starts up to it.

use e2e::engine::{TestEngine, finished, item_to, items, on_both_engines, start_run};
use serde_json::{Value, json};
use sluice::domain::event::InputKind;
use sluice::domain::id::MissionId;
use sluice::domain::mission::MissionStatus;
use sluice::domain::run::RunStatus;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::FinishStatus;

async fn with_budgets(t: &TestEngine, budgets: Value, start: &[&str]) -> MissionId {
    let mut request = items(&[("a", &[]), ("b", &[]), ("c", &[])]);
    request["budgets"] = budgets;
    t.running(request, &[], start).await
}

async fn assert_over_budget(t: &TestEngine, id: &MissionId, budget: &str) {
    let (code, _, message) = t.refusal(id, vec![start_run("c")]).await;
    assert_eq!(code, "BUDGET_EXCEEDED", "{message}");
    assert!(message.contains(budget), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_starts_beyond_max_steps() {
    on_both_engines(async |t| {
        let id = with_budgets(&t, json!({"max_steps": 2}), &["a", "b"]).await;
        assert_over_budget(&t, &id, "`max_steps` of 2").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_starts_beyond_max_parallel_runs_until_one_has_ended() {
    on_both_engines(async |t| {
        let id = with_budgets(&t, json!({"max_parallel_runs": 2}), &["a", "b"]).await;
        assert_over_budget(&t, &id, "`max_parallel_runs` of 2").await;
        let held = t.claim(&id).await;
        t.engine.finish_run(&held, finished(FinishStatus::Failed)).await.expect("it is finished");
        t.apply(&id, vec![start_run("c")]).await;
        assert_eq!(t.status(&id).await, MissionStatus::Running);
        assert_eq!(t.runs(&id, RunStatus::Queued).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_starts_beyond_max_attempts_of_its_item() {
    on_both_engines(async |t| {
        let id = with_budgets(&t, json!({"max_attempts": 2}), &["c"]).await;
        for _ in 0..2 {
            let held = t.claim(&id).await;
            t.engine.finish_run(&held, finished(FinishStatus::Failed)).await.expect("it is finished");
            t.apply(&id, vec![item_to("c", WorkItemStatus::Rework)]).await;
            if t.item(&id, "c").await.attempts < 2 {
                t.order(&id, vec![start_run("c")]).await.expect("another attempt is allowed");
            }
        }
        assert_over_budget(&t, &id, "`max_attempts` of 2").await;
        t.order(&id, vec![start_run("a")]).await.expect("other items may start");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_starts_after_max_duration() {
    on_both_engines(async |t| {
        let id = with_budgets(&t, json!({"max_duration_ms": 5_000}), &["a"]).await;
        t.clock.pass(5_000);
        t.order(&id, vec![start_run("b")]).await.expect("to the millisecond it is allowed");
        t.clock.pass(1);
        assert_over_budget(&t, &id, "`max_duration_ms` of 5000").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_starts_after_more_tool_calls_than_allowed() {
    on_both_engines(async |t| {
        let id = with_budgets(&t, json!({"max_tool_calls": 2}), &["a"]).await;
        for _ in 0..2 {
            t.tell(&id, InputKind::ToolObserved, vec![]).await.expect("it is observed");
        }
        t.order(&id, vec![start_run("b")]).await.expect("as many as allowed are fine");
        t.tell(&id, InputKind::ToolObserved, vec![]).await.expect("it is observed");
        assert_over_budget(&t, &id, "`max_tool_calls` of 2").await;
        assert_eq!(t.mission(&id).await.usage.tool_calls, 3);
    })
    .await;
}
