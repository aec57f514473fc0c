//! Faults of the host are tried again and leave no trace; failures of a reducer are history.

use e2e::engine::{LEASE_MS, item_to, items, on_both_engines};
use sluice::domain::event::InputKind;
use sluice::domain::mission::MissionStatus;
use sluice::domain::plugin::{Limit, PluginFailure};
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::{Engine, EngineError};

use crate::{host_fault, parsed};

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_host_is_tried_again_and_is_no_history() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let held = t.claim(&id).await;
        t.succeed(&held, "x").await;
        let before = (t.mission(&id).await, t.history(&id).await.len(), t.events(&id).await.len());
        for _ in 0..3 {
            t.plugins.decide_next(Err(host_fault()));
            let error = t.engine.catch_up(&id).await.expect_err("the host cannot call the reducer");
            assert!(matches!(error, EngineError::HostFault(_)) && error.is_retryable(), "{error:?}");
        }
        assert_eq!((t.mission(&id).await, t.history(&id).await.len(), t.events(&id).await.len()), before);
        t.apply(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(t.item(&id, "a").await.attempts, 1, "the input waited");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reducer_that_fails_is_recorded_and_fails_its_mission() {
    let failures = [
        (PluginFailure::Guest { message: "no".to_owned() }, "REDUCER_ERROR"),
        (PluginFailure::Trap { message: "unreachable".to_owned() }, "REDUCER_TRAP"),
        (PluginFailure::Limit { limit: Limit::Fuel, allowed: 5 }, "REDUCER_LIMIT"),
    ];
    on_both_engines(async |t| {
        for (failure, code) in &failures {
            let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
            t.plugins.decide_next(Err(failure.clone()));
            let (workspace, nothing) = (Engine::local_workspace(), serde_json::Map::new());
            let told = t.engine.post_event(&workspace, &id, InputKind::ResourceChanged, nothing, "user.test");
            let told = told.await;
            assert!(matches!(&told, Err(EngineError::Refused(refusal)) if refusal.code == *code), "{told:?}");
            assert_eq!(t.status(&id).await, MissionStatus::Running, "a client's event fails nothing");

            let held = t.claim_quietly("worker").await.expect("a run");
            t.plugins.decide_next(Err(failure.clone()));
            assert_eq!(t.catch_up(&id).await, 1);
            assert_eq!(t.status(&id).await, MissionStatus::Failed);
            let entry = t.last_entry(&id).await;
            assert_eq!(parsed(&entry.refusal.expect("why"))["code"], *code);
            assert_eq!(entry.fuel, 1, "what the call cost is kept");
            assert!(t.engine.renew_lease(&held.run.id, held.fence, LEASE_MS).await.expect("it holds"), "told to stop");
        }
    })
    .await;
}
