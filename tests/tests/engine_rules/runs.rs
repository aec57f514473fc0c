//! Leases, fencing tokens and interruptions: a run belongs to one worker at a time and ends once.

use e2e::engine::{LEASE_MS, finished, items, on_both_engines};
use serde_json::json;
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::run::RunStatus;
use sluice::engine::{EngineError, FinishStatus, OutputPart};

use crate::parsed;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_changes_nothing_any_more() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let late = t.claim(&id).await;
        t.clock.pass(LEASE_MS);
        assert_eq!(t.end_expired_leases().await, 0, "to the millisecond it holds");
        t.clock.pass(1);
        assert_eq!(t.end_expired_leases().await, 1);
        t.apply(&id, vec![]).await;
        assert_eq!(t.last_entry(&id).await.kind, InputKind::RunInterrupted);

        for claimed_again in [false, true] {
            let second = if claimed_again { Some(t.claim(&id).await) } else { None };
            let part = OutputPart { part: json!({"type": "text", "text": "late"}) };
            let lost = |result: Result<(), EngineError>| matches!(result, Err(EngineError::LeaseLost { .. }));
            let before = (t.events(&id).await.len(), t.run(&late.run.id).await);
            assert!(lost(t.engine.renew_lease(&late.run.id, late.fence, LEASE_MS).await.map(|_| ())));
            assert!(lost(t.engine.note_started(&late).await));
            assert!(lost(t.engine.append_output(&late, &[part]).await));
            assert!(lost(t.leave(&late, "late").await.map(|_| ())));
            assert!(lost(t.engine.finish_run(&late, finished(FinishStatus::Succeeded)).await.map(|_| ())));
            assert_eq!((t.events(&id).await.len(), t.run(&late.run.id).await), before);
            if let Some(second) = second {
                assert_eq!((second.run.id.clone(), second.fence), (late.run.id.clone(), late.fence + 1));
                assert_eq!((second.run.attempt, second.run.interruptions), (1, 1), "an interruption is no attempt");
                t.succeed(&second, "in time").await;
                t.apply(&id, vec![]).await;
                assert_eq!(t.item(&id, "a").await.attempts, 1);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_finished_once() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let held = t.claim(&id).await;
        t.engine.finish_run(&held, finished(FinishStatus::Failed)).await.expect("it is finished");
        let again = t.engine.finish_run(&held, finished(FinishStatus::Failed)).await.expect("the same again is fine");
        assert_eq!(again.status, RunStatus::Failed);
        let other = t.engine.finish_run(&held, finished(FinishStatus::Succeeded)).await;
        assert!(
            matches!(&other, Err(EngineError::Conflict(message)) if message.contains("failed already")),
            "{other:?}"
        );
        assert_eq!(t.catch_up(&id).await, 1, "the mission is told once");
        let other = t.engine.finish_run(&held, finished(FinishStatus::Canceled)).await;
        assert!(matches!(other, Err(EngineError::Conflict(_))), "{other:?}");
        assert_eq!(t.item(&id, "a").await.attempts, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_names_only_artifacts_of_its_own() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[]), ("b", &[])]), &[], &["a", "b"]).await;
        let (first, second) = (t.claim(&id).await, t.claim(&id).await);
        let left = t.leave(&first, "x").await.expect("it is kept");
        let mut report = finished(FinishStatus::Succeeded);
        report.artifacts = vec![left];
        let taken = t.engine.finish_run(&second, report.clone()).await;
        assert!(
            matches!(&taken, Err(EngineError::Field(error)) if error.to_string().contains("did not leave")),
            "{taken:?}"
        );
        t.engine.finish_run(&first, report).await.expect("its own are fine");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_interrupted_too_often_fails() {
    on_both_engines(async |t| {
        let mut request = items(&[("a", &[])]);
        request["budgets"] = json!({"max_interruptions": 2});
        let id = t.running(request, &[], &["a"]).await;
        for interruption in 1..=3 {
            let held = t.claim(&id).await;
            t.clock.pass(LEASE_MS + 1);
            assert_eq!(t.end_expired_leases().await, 1);
            t.catch_up(&id).await;
            let run = t.run(&held.run.id).await;
            let expected = if interruption <= 2 { RunStatus::Queued } else { RunStatus::Failed };
            assert_eq!((run.status, run.interruptions), (expected, interruption));
            assert_eq!(t.item(&id, "a").await.attempts, u32::from(interruption == 3));
        }
        assert!(t.claim_quietly("worker").await.is_none());
        let entry = t.last_entry(&id).await;
        assert_eq!(entry.kind, InputKind::RunFinished);
        assert!(entry.data.as_str().contains("interrupted 3 times, more than the 2 allowed"), "{:?}", entry.data);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_lost_after_it_was_told_to_stop_leaves_a_canceled_run() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let held = t.claim(&id).await;
        let cancel = Command::CancelRun { run_id: held.run.id.clone(), reason: "not needed".to_owned() };
        t.order(&id, vec![cancel]).await.expect("it may be withdrawn");
        t.clock.pass(LEASE_MS + 1);
        assert_eq!(t.end_expired_leases().await, 1);
        assert_eq!(t.run(&held.run.id).await.status, RunStatus::Canceled);
        assert_eq!(t.catch_up(&id).await, 1);
        assert_eq!(parsed(&t.last_entry(&id).await.refusal.expect("why"))["code"], "STALE_INPUT");
        assert_eq!(t.item(&id, "a").await.attempts, 0);
    })
    .await;
}
