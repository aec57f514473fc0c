//! Cancel, pause, resume and timers do what they say, to rows and to workers.

use e2e::engine::{LEASE_MS, finished, items, mission_to, on_both_engines, start_run, timer};
use serde_json::json;
use sluice::clock::Clock as _;
use sluice::domain::approval::ApprovalStatus;
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::id::WorkItemId;
use sluice::domain::json::Json;
use sluice::domain::mission::MissionStatus;
use sluice::domain::run::RunStatus;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::{Engine, EngineError, FinishStatus};

use crate::parsed;

#[tokio::test(flavor = "multi_thread")]
async fn canceling_really_ends_what_is_open() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[]), ("b", &[])]), &[], &["a", "b"]).await;
        let held = t.claim(&id).await;
        let ask = Command::RequestApproval {
            work_item_id: None,
            kind: "spend".to_owned(),
            summary: "may I?".to_owned(),
            data: Json::empty_object(),
        };
        t.order(&id, vec![timer("later", t.clock.now().plus_millis(1_000), "{}"), ask]).await.expect("both may be");
        assert!(!t.engine.renew_lease(&held.run.id, held.fence, LEASE_MS).await.expect("it holds"));

        t.tell(&id, InputKind::MissionCanceled, vec![mission_to("canceled")]).await.expect("it is canceled");
        assert_eq!(t.status(&id).await, MissionStatus::Canceled);
        assert!(t.items(&id).await.iter().all(|item| item.status == WorkItemStatus::Canceled));
        assert_eq!(t.runs(&id, RunStatus::Queued).await, 0, "what was queued is over at once");
        assert_eq!(t.runs(&id, RunStatus::Canceled).await, 1);
        assert!(t.claim_quietly("worker").await.is_none());
        let stop = t.engine.renew_lease(&held.run.id, held.fence, LEASE_MS).await.expect("it still holds");
        assert!(stop, "the worker of the other is told to stop");
        t.engine.finish_run(&held, finished(FinishStatus::Canceled)).await.expect("it says that it stopped");
        assert_eq!(t.runs(&id, RunStatus::Canceled).await, 2);
        let length = t.history(&id).await.len();
        t.catch_up(&id).await;
        assert_eq!(t.history(&id).await.len(), length, "a mission that ended is told nothing more");

        let approvals =
            t.engine.store().approvals(&Engine::local_workspace(), Some(&id), None, None, 10).await.expect("read");
        assert_eq!(approvals[0].status, ApprovalStatus::Expired);
        t.clock.pass(2_000);
        assert_eq!(t.engine.fire_due_timers().await.expect("timers fire"), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_mission_is_paused_nothing_new_starts() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[]), ("b", &[]), ("c", &[])]), &[], &["a", "b"]).await;
        let held = t.claim(&id).await;
        t.tell(&id, InputKind::MissionPaused, vec![mission_to("paused")]).await.expect("it is paused");
        assert!(t.claim_quietly("worker").await.is_none(), "what is queued waits");
        let (code, _, message) = t.refusal(&id, vec![start_run("c")]).await;
        assert_eq!(code, "ILLEGAL_COMMAND");
        assert!(message.contains("while the mission is paused"), "{message}");
        let again = t.tell(&id, InputKind::MissionPaused, vec![]).await;
        assert!(matches!(&again, Err(EngineError::Refused(r)) if r.code == "MISSION_STATE"), "{again:?}");
        t.succeed(&held, "x").await;
        t.apply(&id, vec![]).await;
        assert_eq!(t.item(&id, "a").await.attempts, 1, "what runs may end");

        t.tell(&id, InputKind::MissionResumed, vec![mission_to("running")]).await.expect("it is resumed");
        let second = t.claim(&id).await;
        assert_eq!(second.run.work_item_id, Some(WorkItemId::new("b")));
        let again = t.tell(&id, InputKind::MissionResumed, vec![]).await;
        assert!(matches!(&again, Err(EngineError::Refused(r)) if r.code == "MISSION_STATE"), "{again:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_fires_once_when_it_is_due_and_only_as_last_set() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &[]).await;
        let start = t.clock.now();
        t.order(&id, vec![timer("k", start.plus_millis(1_000), r#"{"n":1}"#)]).await.expect("it is set");
        t.order(&id, vec![timer("k", start.plus_millis(3_000), r#"{"n":2}"#)]).await.expect("it is set anew");
        for (pass, fires) in [(1_000, 0), (1_999, 0), (1, 1), (10_000, 0)] {
            t.clock.pass(pass);
            assert_eq!(t.engine.fire_due_timers().await.expect("timers fire"), fires, "after {pass} ms more");
        }
        let t = t.restart().await;
        assert_eq!(t.engine.fire_due_timers().await.expect("timers fire"), 0, "not again after a restart");
        assert_eq!(t.catch_up(&id).await, 1);
        let entry = t.last_entry(&id).await;
        assert_eq!(entry.kind, InputKind::TimerFired);
        assert_eq!(parsed(&entry.data), json!({"key": "k", "data": {"n": 2}}));
    })
    .await;
}
