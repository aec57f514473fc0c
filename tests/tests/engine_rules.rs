//! What the host enforces whatever a reducer says, tried with a scripted one on both databases:
//! the rules of specs/ORCHESTRATOR.md, from the command refused to the rows that did not change.

use e2e::engine::{
    LEASE_MS, TestEngine, add_item, finished, item_to, items, mission_to, notice, on_both_engines, request_gate,
    start_run, timer,
};
use serde_json::{Value, json};
use sluice::clock::Clock as _;
use sluice::domain::approval::ApprovalStatus;
use sluice::domain::command::Command;
use sluice::domain::event::{Disposition, InputKind};
use sluice::domain::gate::{GateName, GateStatus, Outcome};
use sluice::domain::id::{MissionId, WorkItemId};
use sluice::domain::json::Json;
use sluice::domain::mission::MissionStatus;
use sluice::domain::plugin::PluginFailure;
use sluice::domain::run::RunStatus;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::{Decision, Engine, EngineError, FinishStatus, OutputPart};

const REVIEW: &[GateName] = &[GateName::Review];
const BOTH_GATES: &[GateName] = &[GateName::Review, GateName::Test];

fn host_fault() -> PluginFailure {
    PluginFailure::Host { message: "out of threads".to_owned() }
}

fn parsed(json: &Json) -> Value {
    serde_json::from_str(json.as_str()).expect("stored JSON is JSON")
}

/// A mission whose item `a` has succeeded once and stands in progress, its end told.
async fn worked(t: &TestEngine, gates: &[GateName]) -> MissionId {
    let id = t.running(items(&[("a", &[]), ("b", &["a"])]), gates, &["a"]).await;
    let held = t.claim(&id).await;
    t.succeed(&held, "first").await;
    t.apply(&id, vec![]).await;
    id
}

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
async fn illegal_commands_are_refused_each_with_its_code() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[]), ("b", &["a"]), ("c", &[])]), REVIEW, &["a"]).await;
        let open = t.engine.store().runs(&Engine::local_workspace(), Some(&id), None, None, 10).await.expect("read")[0]
            .id
            .clone();
        let of = WorkItemId::new;
        let cases: Vec<(&str, Command, &str)> = vec![
            ("ILLEGAL_COMMAND", start_run("b"), "waits for items that are not done"),
            ("ILLEGAL_COMMAND", start_run("a"), "a run starts from todo or rework"),
            ("ILLEGAL_COMMAND", start_run("nobody"), "there is no work item `nobody`"),
            ("ILLEGAL_COMMAND", item_to("c", WorkItemStatus::Done), "cannot go from todo to done"),
            ("ILLEGAL_COMMAND", item_to("c", WorkItemStatus::InProgress), "start_run moves an item there"),
            ("ILLEGAL_COMMAND", item_to("a", WorkItemStatus::Review), "only what a succeeded run left"),
            ("ILLEGAL_COMMAND", item_to("a", WorkItemStatus::Test), "this mission has no gate `test`"),
            ("ILLEGAL_COMMAND", item_to("a", WorkItemStatus::Done), "only what a succeeded run left"),
            ("ILLEGAL_COMMAND", item_to("a", WorkItemStatus::Todo), "cannot go to todo while run"),
            ("ILLEGAL_COMMAND", request_gate("a", "review"), "judges items in review"),
            ("BAD_COMMAND", request_gate("a", "lint"), "`lint` is no gate"),
            ("ILLEGAL_COMMAND", mission_to("succeeded"), ""),
            ("ILLEGAL_COMMAND", mission_to("draft"), "cannot go from running to draft"),
            ("ILLEGAL_COMMAND", add_item("a", &json!({"title": "A"})), "is taken"),
            ("ILLEGAL_COMMAND", add_item("d", &json!({"title": "D", "depends_on": ["e"]})), "depends on `e`"),
            ("ILLEGAL_COMMAND", add_item("d", &json!({"title": "D", "depends_on": ["d"]})), "depends on itself"),
            ("BAD_COMMAND", add_item("d e", &json!({"title": "D"})), "is not an id"),
            ("BAD_COMMAND", add_item("d", &json!({})), "missing field `title`"),
            ("BAD_COMMAND", add_item("d", &json!({"title": "D", "colour": 1})), "unknown field `colour`"),
            ("ILLEGAL_COMMAND", timer("", t.clock.now(), "{}"), "1 to 200 bytes, not 0"),
            ("ILLEGAL_COMMAND", timer(&"k".repeat(201), t.clock.now(), "{}"), "1 to 200 bytes, not 201"),
            (
                "ILLEGAL_COMMAND",
                Command::CancelRun { run_id: "run_nothing".into_id(), reason: String::new() },
                "there is no open run `run_nothing`",
            ),
            (
                "ILLEGAL_COMMAND",
                Command::RequestApproval {
                    work_item_id: Some(of("a")),
                    kind: "gate".to_owned(),
                    summary: "may it pass?".to_owned(),
                    data: Json::from_valid(r#"{"gate":"review","verdict_id":"ver_nothing"}"#),
                },
                "did not ask for a person",
            ),
            (
                "BAD_COMMAND",
                Command::RequestApproval {
                    work_item_id: Some(of("a")),
                    kind: "gate".to_owned(),
                    summary: "may it pass?".to_owned(),
                    data: Json::empty_object(),
                },
                "missing field `gate`",
            ),
            (
                "ILLEGAL_COMMAND",
                Command::PersistArtifact {
                    name: "big".to_owned(),
                    kind: "text".to_owned(),
                    media_type: "text/plain".to_owned(),
                    content: vec![b'x'; 8 * 1024 * 1024 + 1],
                },
                "over the 8388608 a reducer may keep",
            ),
        ];
        let before = (t.items(&id).await, t.mission(&id).await.usage);
        for (code, command, part) in cases {
            let shown: String = format!("{command:?}").chars().take(200).collect();
            let (found, index, message) = t.refusal(&id, vec![notice("before"), command]).await;
            assert_eq!((found, index), (code, Some(1)), "{shown}: {message}");
            assert!(message.contains(part), "{shown}: `{part}` is not in: {message}");
        }
        assert_eq!((t.items(&id).await, t.mission(&id).await.usage), before);
        assert_eq!(t.run(&open).await.status, RunStatus::Queued);
        let timer_of_200 = timer(&"k".repeat(200), t.clock.now(), "{}");
        t.order(&id, vec![timer_of_200]).await.expect("a key of 200 bytes is fine");
    })
    .await;
}

/// Short for an id made of text.
trait IntoId<T> {
    fn into_id(self) -> T;
}

impl IntoId<sluice::domain::id::RunId> for &str {
    fn into_id(self) -> sluice::domain::id::RunId {
        sluice::domain::id::RunId::new(self)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_command_that_ends_a_mission_only_notices_follow() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &[]).await;
        let (code, index, _) = t.refusal(&id, vec![mission_to("failed"), notice("n"), start_run("a")]).await;
        assert_eq!((code, index), ("ILLEGAL_COMMAND", Some(2)));
        t.order(&id, vec![mission_to("failed"), notice("n")]).await.expect("a notice may follow");
        assert_eq!(t.status(&id).await, MissionStatus::Failed);
        let told = t.order(&id, vec![]).await;
        assert!(matches!(&told, Err(EngineError::Refused(refusal)) if refusal.code == "MISSION_CLOSED"), "{told:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_may_not_tell_what_only_the_host_knows() {
    on_both_engines(async |t| {
        let id = worked(&t, REVIEW).await;
        let head = t.history(&id).await.len();
        for kind in InputKind::ALL {
            let is_the_hosts = matches!(
                kind,
                InputKind::MissionCreated
                    | InputKind::RunClaimed
                    | InputKind::RunFinished
                    | InputKind::RunInterrupted
                    | InputKind::GateVerdict
                    | InputKind::ApprovalGranted
                    | InputKind::ApprovalDenied
                    | InputKind::ApprovalExpired
                    | InputKind::TimerFired
            );
            if is_the_hosts {
                let told = t.tell(&id, *kind, vec![]).await;
                let is_refused = matches!(&told, Err(EngineError::Refused(r)) if r.code == "EVENT_NOT_YOURS");
                assert!(is_refused, "{kind}: {told:?}");
            }
        }
        assert_eq!(t.history(&id).await.len(), head, "what could not be is not recorded");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_items_and_none_more() {
    let many: Vec<Value> = (0..9_999).map(|n| json!({"id": format!("i{n}"), "title": "one of many"})).collect();
    on_both_engines(async |t| {
        let id = t.running(json!({"work_items": many}), &[], &[]).await;
        t.order(&id, vec![add_item("last", &json!({"title": "the last"}))]).await.expect("10,000 are allowed");
        let (code, _, message) = t.refusal(&id, vec![add_item("more", &json!({"title": "too many"}))]).await;
        assert_eq!(code, "ILLEGAL_COMMAND");
        assert!(message.contains("10001 work items"), "{message}");
        assert_eq!(t.items(&id).await.len(), 10_000);
    })
    .await;
}

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
        let head = t.history(&id).await.len();
        t.catch_up(&id).await;
        assert_eq!(t.history(&id).await.len(), head, "a mission that ended is told nothing more");

        let approvals =
            t.engine.store().approvals(&Engine::local_workspace(), Some(&id), None, 10).await.expect("read");
        assert_eq!(approvals[0].status, ApprovalStatus::Expired);
        t.clock.pass(2_000);
        assert_eq!(t.engine.fire_due_timers().await.expect("timers fire"), 0);
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

/// Item `a` in review with a verdict that wants a person, and the question asked.
async fn asked_a_person(t: &TestEngine) -> (MissionId, sluice::domain::approval::Approval) {
    let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
    let asked = t.bring_to_review(&id, "a", "x").await;
    t.plugins.judge_next(Ok((Outcome::NeedsHuman, Vec::new())));
    t.engine.evaluate(asked).await.expect("it is judged");
    t.apply(&id, vec![]).await;
    let verdict = t.item(&id, "a").await.gate(GateName::Review).and_then(|s| s.verdict_id.clone()).expect("a verdict");
    let ask = Command::RequestApproval {
        work_item_id: Some(WorkItemId::new("a")),
        kind: "gate".to_owned(),
        summary: "may it pass?".to_owned(),
        data: Json::from_valid(json!({"gate": "review", "verdict_id": verdict.as_str()}).to_string()),
    };
    let (code, ..) = t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
    assert_eq!(code, "GATE_NOT_PASSED", "needing a person is no pass");
    t.order(&id, vec![ask]).await.expect("a person may be asked");
    let pending = Some(ApprovalStatus::Pending);
    let mut approvals =
        t.engine.store().approvals(&Engine::local_workspace(), Some(&id), pending, 10).await.expect("read");
    (id, approvals.pop().expect("a question"))
}

async fn grant(t: &TestEngine, approval: &sluice::domain::approval::Approval) {
    let workspace = Engine::local_workspace();
    t.engine
        .decide_approval(&workspace, &approval.id, Decision::Grant, "user.test", None)
        .await
        .expect("it is granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_yes_opens_the_gate_it_was_asked_about() {
    on_both_engines(async |t| {
        let (id, approval) = asked_a_person(&t).await;
        grant(&t, &approval).await;
        grant(&t, &approval).await;
        let workspace = Engine::local_workspace();
        let no = t.engine.decide_approval(&workspace, &approval.id, Decision::Deny, "user.test", None).await;
        assert!(matches!(&no, Err(EngineError::Conflict(message)) if message.contains("granted already")), "{no:?}");
        t.apply(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(t.item(&id, "a").await.status, WorkItemStatus::Done);
        assert_eq!(t.catch_up(&id).await, 0, "the mission was told once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_yes_to_what_is_gone_opens_nothing() {
    on_both_engines(async |t| {
        let (id, approval) = asked_a_person(&t).await;
        t.order(&id, vec![item_to("a", WorkItemStatus::Rework), start_run("a")]).await.expect("it is reworked");
        let again = t.claim(&id).await;
        t.succeed(&again, "something else").await;
        t.apply(&id, vec![]).await;
        grant(&t, &approval).await;
        assert_eq!(t.catch_up(&id).await, 1);
        assert_eq!(parsed(&t.last_entry(&id).await.refusal.expect("why"))["code"], "STALE_INPUT");
        let (code, ..) = t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
        assert_eq!(code, "GATE_NOT_PASSED");
    })
    .await;
}

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
    use sluice::domain::plugin::Limit;
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
