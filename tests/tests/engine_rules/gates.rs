//! Done means that every gate passed on exactly the present artifacts; a gate that fails, comes too
//! late or cannot be called never lets work pass.

use e2e::engine::{
    TestEngine, add_item, item_to, items, mission_to, notice, on_both_engines, request_gate, start_run, timer,
};
use serde_json::json;
use sluice::clock::Clock as _;
use sluice::domain::event::{Disposition, InputKind};
use sluice::domain::gate::{GateName, GateStatus, Outcome, Verdict};
use sluice::domain::mission::MissionStatus;
use sluice::domain::plugin::PluginFailure;
use sluice::domain::work_item::WorkItemStatus;
use sluice::domain::workspace::Required;

use crate::{BOTH_GATES, REVIEW, host_fault, parsed, worked};

#[tokio::test(flavor = "multi_thread")]
async fn done_without_a_verdict_refuses_the_whole_event_of_a_client() {
    on_both_engines(async |t| {
        let id = worked(&t, REVIEW).await;
        let (before, before_items, before_events) =
            (t.mission(&id).await, t.items(&id).await, t.events(&id).await.len());
        let commands = vec![
            notice("first"),
            add_item("c", &json!({"title": "C"})),
            item_to("a", WorkItemStatus::Done),
            mission_to("failed"),
        ];
        let (code, index, message) = t.refusal(&id, commands).await;
        assert_eq!((code, index), ("GATE_NOT_PASSED", Some(2)));
        assert!(message.contains("`a`") && message.contains("never asked"), "{message}");

        assert_eq!(t.items(&id).await, before_items, "nothing of the event stays");
        let after = t.mission(&id).await;
        assert_eq!((after.status, after.revision), (MissionStatus::Running, before.revision + 1));
        let entry = t.last_entry(&id).await;
        assert_eq!(entry.disposition, Disposition::Refused);
        assert_eq!(parsed(&entry.commands).as_array().map(Vec::len), Some(4), "the commands are kept as issued");
        let refusal = parsed(&entry.refusal.expect("why it was refused"));
        assert_eq!((&refusal["code"], &refusal["command_index"]), (&json!("GATE_NOT_PASSED"), &json!(2)));
        let events = t.events(&id).await;
        assert_eq!(events.len(), before_events + 1, "no notice, no new item");
        let last = &events[before_events].event;
        assert_eq!(last.event_type, "mission.updated");
        assert_eq!(parsed(&last.properties)["refused"]["command_index"], 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_illegal_answer_to_what_the_host_itself_tells_fails_the_mission() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[]), ("b", &["a"])]), REVIEW, &["a"]).await;
        let held = t.claim(&id).await;
        t.succeed(&held, "x").await;
        t.apply(&id, vec![notice("first"), item_to("a", WorkItemStatus::Done)]).await;
        let mission = t.mission(&id).await;
        assert_eq!(mission.status, MissionStatus::Failed);
        assert!(
            mission.reason.is_some_and(|reason| reason.contains("run_finished") && reason.contains("gate `review`"))
        );
        assert!(t.items(&id).await.iter().all(|item| item.status == WorkItemStatus::Canceled));
        let entry = t.last_entry(&id).await;
        assert_eq!((entry.kind, entry.disposition), (InputKind::RunFinished, Disposition::Refused));
        assert_eq!(parsed(&entry.refusal.expect("why"))["command_index"], 1);
        let types: Vec<String> = t.events(&id).await.into_iter().map(|event| event.event.event_type).collect();
        assert!(types.contains(&"mission.failed".to_owned()) && !types.contains(&"mission.notice".to_owned()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_gate_has_to_pass_and_one_is_not_enough() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), BOTH_GATES, &["a"]).await;
        let asked = t.bring_to_review(&id, "a", "x").await;
        t.engine.evaluate(asked).await.expect("it is judged");
        t.apply(&id, vec![]).await;
        assert_eq!(t.item(&id, "a").await.gate(GateName::Review).map(|s| s.status), Some(GateStatus::Passed));
        let (code, _, message) = t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(code, "GATE_NOT_PASSED");
        assert!(message.contains("gate `test`"), "{message}");

        let to_test = vec![item_to("a", WorkItemStatus::Test), request_gate("a", "test")];
        t.order(&id, to_test).await.expect("it may be tested");
        let asked = t.pending(&id).await.pop().expect("a verdict is asked for");
        t.engine.evaluate(asked).await.expect("it is judged");
        t.apply(&id, vec![item_to("a", WorkItemStatus::Done), mission_to("succeeded")]).await;
        assert_eq!(t.status(&id).await, MissionStatus::Succeeded);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_on_the_attempt_before_opens_nothing() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
        let asked = t.bring_to_review(&id, "a", "first").await;
        t.engine.evaluate(asked).await.expect("it is judged");
        t.apply(&id, vec![]).await;
        // Passed, but worked again: what passed is no longer what it has.
        t.order(&id, vec![item_to("a", WorkItemStatus::Rework), start_run("a")]).await.expect("it is reworked");
        let held = t.claim(&id).await;
        assert_eq!(held.run.attempt, 2);
        t.succeed(&held, "second").await;
        t.apply(&id, vec![]).await;
        let (code, _, _) = t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(code, "GATE_NOT_PASSED");
        assert_eq!(t.item(&id, "a").await.status, WorkItemStatus::InProgress);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_comes_too_late_is_recorded_and_changes_nothing() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
        let asked = t.bring_to_review(&id, "a", "x").await;
        // The verdict is written, and before the mission is told the item goes back to rework. A
        // client's event would be told after it, so the other input of the inbox does it.
        t.order(&id, vec![timer("soon", t.clock.now(), "{}")]).await.expect("a timer is set");
        assert_eq!(t.engine.fire_due_timers().await.expect("timers fire"), 1);
        t.engine.evaluate(asked.clone()).await.expect("it is judged");
        t.plugins.decide_next(Ok(vec![item_to("a", WorkItemStatus::Rework)]));
        assert_eq!(t.catch_up(&id).await, 2);
        let entry = t.last_entry(&id).await;
        assert_eq!((entry.kind, entry.disposition), (InputKind::GateVerdict, Disposition::Refused));
        assert_eq!(parsed(&entry.refusal.expect("why"))["code"], "STALE_INPUT");
        assert_eq!(t.item(&id, "a").await.status, WorkItemStatus::Rework);
        assert_eq!(t.status(&id).await, MissionStatus::Running, "what is stale fails nothing");

        // The gate is free to be asked again about the same work.
        let again = [WorkItemStatus::Blocked, WorkItemStatus::Review].map(|status| item_to("a", status));
        let again = again.into_iter().chain([request_gate("a", "review")]).collect();
        t.order(&id, again).await.expect("a withdrawn request stands in nobody's way");

        // A request that was withdrawn is not answered at all.
        let head = t.history(&id).await.len();
        t.engine.evaluate(asked).await.expect("nobody minds");
        assert_eq!(t.catch_up(&id).await, 0);
        assert_eq!(t.history(&id).await.len(), head);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_the_host_cannot_call_is_asked_again_and_never_passes() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
        t.bring_to_review(&id, "a", "x").await;
        let mut calls = 0;
        while t.item(&id, "a").await.gate(GateName::Review).is_some_and(|s| s.status == GateStatus::Pending) {
            let due = t.engine.store().pending_evaluations(t.clock.now(), 10).await.expect("read");
            for evaluation in due {
                assert_eq!(evaluation.host_faults, calls);
                t.plugins.judge_next(Err(host_fault()));
                t.engine.evaluate(evaluation).await.expect("it is put off");
                calls += 1;
                let due = t.engine.store().pending_evaluations(t.clock.now(), 10).await.expect("read");
                assert!(due.is_empty(), "not again at once");
            }
            t.catch_up(&id).await;
            t.clock.pass(500);
        }
        assert_eq!(calls, 6, "five times put off");
        assert_eq!(t.item(&id, "a").await.gate(GateName::Review).map(|s| s.status), Some(GateStatus::Error));
        let (code, ..) = t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(code, "GATE_NOT_PASSED");
    })
    .await;
}

/// A verdict of a stage of three gates of which so many have to pass, when they answer so.
async fn decided(t: &TestEngine, required: Required, answers: [Result<Outcome, PluginFailure>; 3]) -> Verdict {
    let gates = [GateName::Review; 3];
    let id = t.running_with(items(&[("a", &[])]), &gates, vec![(GateName::Review, required)], &["a"]).await;
    let asked = t.bring_to_review(&id, "a", "x").await;
    for answer in answers {
        t.plugins.judge_next(answer.map(|outcome| (outcome, Vec::new())));
    }
    t.engine.evaluate(asked).await.expect("the stage is judged");
    t.catch_up(&id).await;
    t.engine.store().verdicts(&id, None, None, 10).await.expect("read").pop().expect("a verdict")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_of_several_gates_gives_one_verdict() {
    on_both_engines(async |t| {
        use sluice::domain::gate::Outcome::{Error, Fail, NeedsHuman, Pass};
        let trap = || Err(PluginFailure::Trap { message: "unreachable".to_owned() });
        let cases = [
            (Required::All, [Ok(Pass), Ok(Pass), Ok(Pass)], Pass),
            (Required::All, [Ok(Pass), Ok(Fail), Ok(Pass)], Fail),
            (Required::Any, [Ok(Fail), Ok(Pass), trap()], Pass),
            (Required::Quorum(2), [Ok(Pass), Ok(Fail), trap()], Error),
            (Required::Quorum(2), [Ok(Pass), Ok(Fail), Ok(NeedsHuman)], NeedsHuman),
        ];
        for (required, answers, expected) in cases {
            let told = format!("{required:?} of {answers:?}");
            let verdict = decided(&t, required, answers).await;
            assert_eq!(verdict.outcome, expected, "{told}");
            let data: serde_json::Value = serde_json::from_str(verdict.data.as_str()).expect("JSON");
            assert_eq!(data["gates"].as_array().map(Vec::len), Some(3), "{data:#}");
            assert!(
                verdict.plugin.matches(" + ").count() == 2 && verdict.summary.contains("gates passed"),
                "{verdict:?}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_fails_is_an_error_and_never_passes() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
        let asked = t.bring_to_review(&id, "a", "x").await;
        t.plugins.judge_next(Err(PluginFailure::Trap { message: "unreachable".to_owned() }));
        t.engine.evaluate(asked).await.expect("it is judged");
        t.apply(&id, vec![]).await;
        let verdicts = t.engine.store().verdicts(&id, None, None, 10).await.expect("read");
        assert_eq!((verdicts.len(), verdicts[0].outcome), (1, Outcome::Error));
        assert_eq!(parsed(&verdicts[0].data)["failure"], "trap");
        let (code, ..) = t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(code, "GATE_NOT_PASSED");
    })
    .await;
}
