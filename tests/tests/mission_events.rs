//! What the event log tells of missions, word for word: a change of any event's name or members
//! shows here, and is one for whoever follows the log. The clock stands still; ids are numbered.

use std::collections::{BTreeMap, BTreeSet};

use e2e::engine::{
    LEASE_MS, TestEngine, add_item, finished, item_to, items, mission_to, notice, on_both_engines, request_gate,
    start_run,
};
use serde_json::{Value, json};
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::event_type::EventType;
use sluice::domain::gate::{Finding, GateName, Outcome, Severity};
use sluice::domain::id::{MissionId, WorkItemId};
use sluice::domain::json::Json;
use sluice::domain::plugin::PluginFailure;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::{Decision, Engine, FinishStatus, Heartbeat, HeldRun, OutputPart};
use sluice::wire;

const REVIEW: &[GateName] = &[GateName::Review];

/// Gives every id the number of its first appearance.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, String>,
    counts: BTreeMap<String, usize>,
}

impl Names {
    fn name(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.of(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.name(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.name(value)),
            _ => {}
        }
    }

    fn of(&mut self, text: &str) -> String {
        let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() == 64 && is_hex(text) {
            return "[digest]".to_owned();
        }
        let Some((prefix, _)) = text.split_once('_').filter(|(_, rest)| rest.len() == 32 && is_hex(rest)) else {
            return text.to_owned();
        };
        if let Some(name) = self.known.get(text) {
            return name.clone();
        }
        let count = self.counts.entry(prefix.to_owned()).or_default();
        *count += 1;
        let name = format!("[{prefix} {count}]");
        self.known.insert(text.to_owned(), name.clone());
        name
    }
}

/// The mission's events as a follower reads them, without what differs each time.
async fn told(t: &TestEngine, id: &MissionId) -> Vec<Value> {
    let mut names = Names::default();
    let events = t.events(id).await;
    assert!(events.is_sorted_by_key(|event| event.seq), "in the log's order");
    events
        .iter()
        .map(|event| {
            let mut view = serde_json::to_value(wire::log_event_view(event)).expect("a view is JSON");
            let members = view.as_object_mut().expect("an event is an object");
            assert!(members.remove("seq").is_some() && members.remove("event_id").is_some());
            assert!(members.remove("occurred_at_ms").is_some());
            // Members in the order of their names, whatever order they were written in.
            view.sort_all_objects();
            names.name(&mut view);
            view
        })
        .collect()
}

async fn output(t: &TestEngine, held: &HeldRun, text: &str) {
    t.engine.note_started(held).await.expect("its start is told");
    let part = OutputPart { part: json!({"type": "text", "stream": "stdout", "text": text}) };
    t.engine.append_output(held, &[part]).await.expect("its output is told");
    let beat = Heartbeat {
        run_id: held.run.id.clone(),
        fence: held.fence,
        digest: None,
        lease_ms: None,
        progress: Some(Json::from_valid(r#"{"step":2,"of":3}"#)),
    };
    let beaten = t.engine.heartbeat(&[beat]).await.pop().expect("an answer");
    beaten.expect("its progress is told");
}

/// Worked twice, rejected with a finding, passed, done.
async fn reworked(t: &TestEngine) -> MissionId {
    let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
    let held = t.claim_quietly("worker").await.expect("a run");
    output(t, &held, "hello").await;
    t.catch_up(&id).await;
    t.succeed(&held, "first").await;
    t.apply(&id, vec![item_to("a", WorkItemStatus::Review), request_gate("a", "review")]).await;
    let finding = Finding {
        rule: "secrets/token".to_owned(),
        severity: Severity::Critical,
        message: "adds a token".to_owned(),
        path: Some("a.sh".to_owned()),
        line: Some(4),
        data: Json::empty_object(),
    };
    t.plugins.judge_next(Ok((Outcome::Fail, vec![finding])));
    t.engine.evaluate(t.pending(&id).await.pop().expect("asked")).await.expect("it is judged");
    let rework = Command::SetWorkItemStatus {
        work_item_id: WorkItemId::new("a"),
        status: WorkItemStatus::Rework,
        reason: Some("gate review: a token".to_owned()),
    };
    t.apply(&id, vec![rework, start_run("a")]).await;
    let asked = t.bring_to_review(&id, "a", "second").await;
    t.engine.evaluate(asked).await.expect("it is judged");
    t.apply(&id, vec![item_to("a", WorkItemStatus::Done), mission_to("succeeded")]).await;
    id
}

fn ask(t_verdict: &str) -> Command {
    Command::RequestApproval {
        work_item_id: Some(WorkItemId::new("a")),
        kind: "gate".to_owned(),
        summary: "may it pass?".to_owned(),
        data: Json::from_valid(json!({"gate": "review", "verdict_id": t_verdict}).to_string()),
    }
}

/// Asked a person who answers `decision`, or nobody before the mission is canceled.
async fn asked(t: &TestEngine, decision: Option<Decision>) -> MissionId {
    let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
    let asked = t.bring_to_review(&id, "a", "x").await;
    t.plugins.judge_next(Ok((Outcome::NeedsHuman, Vec::new())));
    t.engine.evaluate(asked).await.expect("it is judged");
    t.apply(&id, vec![]).await;
    let verdict = t.engine.store().verdicts(&id, None, None, 1).await.expect("read").remove(0).id;
    t.order(&id, vec![ask(verdict.as_str())]).await.expect("a person may be asked");
    let workspace = Engine::local_workspace();
    let approval = t.engine.store().approvals(&workspace, Some(&id), None, None, 1).await.expect("read").remove(0);
    if let Some(decision) = decision {
        let reason = Some("so I say".to_owned());
        let decided = t.engine.decide_approval(&workspace, &approval.id, decision, "user.ada", reason, None).await;
        decided.expect("it is decided");
        t.apply(&id, vec![]).await;
    }
    t.tell(&id, InputKind::MissionCanceled, vec![mission_to("canceled")]).await.expect("it is canceled");
    id
}

/// Interrupted, then failed by a gate that traps; with a notice, a new item and a refused event.
async fn failed(t: &TestEngine) -> MissionId {
    let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
    t.claim(&id).await;
    t.clock.pass(LEASE_MS + 1);
    assert_eq!(t.end_expired_leases().await, 1);
    t.catch_up(&id).await;
    t.order(&id, vec![notice("hint"), add_item("b", &json!({"title": "B"}))]).await.expect("both may be");
    t.refusal(&id, vec![item_to("a", WorkItemStatus::Done)]).await;
    let asked = t.bring_to_review(&id, "a", "x").await;
    t.plugins.judge_next(Err(PluginFailure::Trap { message: "unreachable".to_owned() }));
    t.engine.evaluate(asked).await.expect("it is judged");
    let give_up = Command::SetMissionStatus {
        status: sluice::domain::mission::MissionStatus::Failed,
        data: Json::from_valid(r#"{"reason":"the gate cannot decide"}"#),
    };
    t.apply(&id, vec![give_up]).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_mission_with_rework() {
    on_both_engines(async |t| {
        let id = reworked(&t).await;
        insta::assert_json_snapshot!("rework", told(&t, &id).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_questions_to_a_person() {
    on_both_engines(async |t| {
        for (name, decision) in
            [("granted", Some(Decision::Grant)), ("denied", Some(Decision::Deny)), ("unanswered", None)]
        {
            let id = asked(&t, decision).await;
            let mut events = told(&t, &id).await;
            events.retain(|event| {
                event["type"].as_str().is_some_and(|kind| kind.starts_with("approval.") || kind == "mission.canceled")
            });
            insta::assert_json_snapshot!(name, events);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_mission_that_is_interrupted_refused_and_fails() {
    on_both_engines(async |t| {
        let id = failed(&t).await;
        insta::assert_json_snapshot!("failed", told(&t, &id).await);
    })
    .await;
}

/// So that no type is without its snapshot: a new one has to be added to a story above.
#[tokio::test(flavor = "multi_thread")]
async fn the_stories_hold_every_type_of_event() {
    on_both_engines(async |t| {
        let stories = [
            reworked(&t).await,
            asked(&t, Some(Decision::Grant)).await,
            asked(&t, Some(Decision::Deny)).await,
            asked(&t, None).await,
            failed(&t).await,
        ];
        let mut found = BTreeSet::new();
        for id in stories {
            found.extend(t.events(&id).await.into_iter().map(|event| event.event.event_type));
        }
        // What is told of shared resources is pinned in `event_contract.rs`, of memory in `memory_events.rs`, of
        // routines in `routine_events.rs`, of policies and plugins in `policy_events.rs` and `plugin_events.rs`, of
        // what the host carried out in `action_events.rs`.
        let names = EventType::ALL.iter().map(|name| name.as_str().to_owned());
        let elsewhere = ["resource.", "memory.", "routine.", "policy.", "plugin.", "action."];
        let expected: BTreeSet<String> =
            names.filter(|name| !elsewhere.iter().any(|told| name.starts_with(told))).collect();
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_runs_event_tells_how_it_ended() {
    on_both_engines(async |t| {
        for (status, word) in [(FinishStatus::Failed, "failed"), (FinishStatus::Canceled, "canceled")] {
            let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
            let held = t.claim(&id).await;
            t.engine.finish_run(&held, finished(status)).await.expect("it is finished");
            let last = t.events(&id).await.pop().expect("an event").event;
            let properties: Value = serde_json::from_str(last.properties.as_str()).expect("JSON");
            assert_eq!((last.event_type.as_str(), &properties["status"]), ("session.run.finished", &json!(word)));
            assert_eq!(properties["summary"], "the worker's words");
            assert_eq!(last.actor, "agent.test", "whom a worker works for, and not what it calls itself");
            t.catch_up(&id).await;
        }
    })
    .await;
}

#[test]
fn no_snapshot_is_left_over() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let prefix = "mission_events__";
    let files = std::fs::read_dir(directory).expect("the snapshots").map(|entry| entry.expect("a file").file_name());
    let names = files.filter_map(|name| Some(name.to_str()?.strip_prefix(prefix)?.strip_suffix(".snap")?.to_owned()));
    let expected = ["denied", "failed", "granted", "rework", "unanswered"].map(str::to_owned);
    assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(expected));
}
