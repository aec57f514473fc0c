//! Illegal commands and events: each is refused with its code, and nothing of it stays.

use e2e::engine::{add_item, item_to, items, mission_to, notice, on_both_engines, request_gate, start_run, timer};
use serde_json::{Value, json};
use sluice::clock::Clock as _;
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::id::{RunId, WorkItemId};
use sluice::domain::json::Json;
use sluice::domain::mission::MissionStatus;
use sluice::domain::run::RunStatus;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::{Engine, EngineError};

use crate::{REVIEW, worked};

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
                Command::CancelRun { run_id: RunId::new("run_nothing"), reason: String::new() },
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
