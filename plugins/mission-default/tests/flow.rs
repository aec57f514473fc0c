//! Missions from start to end, event by event, against a host that refuses what is illegal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use sluice_mission_default::MissionDefault;
use sluice_plugin::mission::{Command, MissionStatus, RunStatus, WorkItemStatus};
use sluice_plugin::testing::{MemoryBoard, MemoryMission, set_settings};

type Mission = MemoryMission<MissionDefault>;

fn created(board: MemoryBoard, settings: &Value) -> Mission {
    set_settings(&settings.to_string());
    Mission::create(board).unwrap()
}

fn started(board: MemoryBoard, settings: &Value) -> Mission {
    let mut mission = created(board, settings);
    mission.tell("mission_started", &json!({})).unwrap();
    mission
}

fn item(title: &str, depends_on: &[&str]) -> Value {
    json!({"title": title, "detail": format!("Do {title}."), "depends_on": depends_on})
}

/// Two items, the second of which waits for the first.
fn chain() -> MemoryBoard {
    MemoryBoard::new().item("a", &item("A", &[])).item("b", &item("B", &["a"]))
}

fn status(mission: &Mission, id: &str) -> WorkItemStatus {
    mission.board.record(id).unwrap().status
}

fn finish(mission: &mut Mission, id: &str, status: RunStatus) -> Vec<Command> {
    let run = mission.open_run_of(id).unwrap_or_else(|| panic!("{id} has no open run"));
    mission.finish_run(&run, status, None).unwrap()
}

fn pass(mission: &mut Mission, id: &str) -> Vec<Command> {
    finish(mission, id, RunStatus::Succeeded);
    mission.give_verdict(id, "review", "pass", "fine").unwrap();
    mission.give_verdict(id, "test", "pass", "3 tests").unwrap()
}

fn types(commands: &[Command]) -> Vec<String> {
    commands.iter().map(|command| command.to_json()["type"].as_str().unwrap().to_owned()).collect()
}

fn end_reason(commands: &[Command]) -> String {
    commands
        .iter()
        .find_map(|command| match command {
            Command::SetMissionStatus { data, .. } => data["reason"].as_str().map(ToOwned::to_owned),
            _ => None,
        })
        .unwrap_or_default()
}

#[test]
fn a_chain_goes_through_both_gates_to_a_summary() {
    let mut mission = started(chain(), &json!({}));
    assert_eq!(mission.board.phase, "working");
    assert_eq!((status(&mission, "a"), status(&mission, "b")), (WorkItemStatus::InProgress, WorkItemStatus::Todo));

    let commands = finish(&mut mission, "a", RunStatus::Succeeded);
    assert_eq!(types(&commands), ["set_work_item_status", "request_gate"]);
    assert_eq!(mission.pending_gates(), [("a".to_owned(), "review".to_owned())]);
    let commands = mission.give_verdict("a", "review", "pass", "fine").unwrap();
    assert_eq!(types(&commands), ["set_work_item_status", "request_gate"]);
    let commands = mission.give_verdict("a", "test", "pass", "3 tests").unwrap();
    // The dependent starts with the very event that freed it.
    assert_eq!(types(&commands), ["set_work_item_status", "start_run"]);

    let commands = pass(&mut mission, "b");
    assert_eq!(types(&commands), ["set_work_item_status", "persist_artifact", "set_mission_status"]);
    assert_eq!((mission.board.status, mission.board.phase.as_str()), (MissionStatus::Succeeded, "summarizing"));
    let (name, content) = &mission.artifacts[0];
    let text = String::from_utf8(content.clone()).unwrap();
    assert_eq!(name, "summary.md");
    assert!(text.contains("2 work items done with 2 runs"), "{text}");
    assert!(text.contains("| b | B | 1 | review passed, test passed |"), "{text}");
}

#[test]
fn without_required_gates_a_succeeded_run_is_done() {
    let mut mission = started(chain().with("required_gates", json!([])), &json!({}));
    let commands = finish(&mut mission, "a", RunStatus::Succeeded);
    assert_eq!(types(&commands), ["set_work_item_status", "start_run"]);
    let mut mission = started(chain().with("required_gates", json!(["test"])), &json!({}));
    finish(&mut mission, "a", RunStatus::Succeeded);
    assert_eq!(status(&mission, "a"), WorkItemStatus::Test);
}

#[test]
fn a_rejected_item_is_worked_again_after_its_back_off_with_the_reason() {
    let mut mission = started(chain(), &json!({}));
    let began = mission.now_ms;
    finish(&mut mission, "a", RunStatus::Succeeded);
    let commands = mission.give_verdict("a", "review", "fail", "a credential in line 3").unwrap();
    assert_eq!(types(&commands), ["set_work_item_status", "schedule_timer", "emit_notice"]);
    assert_eq!(status(&mission, "a"), WorkItemStatus::Rework);
    assert_eq!(mission.timers(), [("rework:a".to_owned(), began + 1000)]);

    let commands = mission.fire_timer("rework:a").unwrap();
    let [Command::StartRun { data, .. }] = commands.as_slice() else { panic!("{commands:?}") };
    let prompt = data["prompt"].as_str().unwrap();
    assert!(prompt.contains("a credential in line 3") && !prompt.contains("not before"), "{prompt}");

    finish(&mut mission, "a", RunStatus::Failed);
    assert_eq!(mission.timers(), [("rework:a".to_owned(), mission.now_ms + 2000)], "the back-off doubles");
    mission.fire_timer("rework:a").unwrap();
    let commands = finish(&mut mission, "a", RunStatus::Failed);
    assert_eq!(mission.board.status, MissionStatus::Failed);
    assert!(end_reason(&commands).contains("`a` failed: attempt 3 of 3"), "{commands:?}");
}

#[test]
fn the_missions_budgets_narrow_the_settings() {
    let board = chain().with("budgets", json!({"max_attempts": 1, "max_parallel_runs": null}));
    let mut mission = started(board, &json!({"max_attempts": 5}));
    finish(&mut mission, "a", RunStatus::Failed);
    assert_eq!(mission.board.status, MissionStatus::Failed);

    let wide = (0..9).fold(MemoryBoard::new(), |board, n| board.item(&format!("i{n}"), &item("I", &[])));
    let mission = started(wide.clone(), &json!({}));
    assert_eq!(mission.board.open_run_ids().len(), 4);
    let mission = started(wide.clone(), &json!({"max_parallel_runs": 7}));
    assert_eq!(mission.board.open_run_ids().len(), 7);
    let mission = started(wide.with("budgets", json!({"max_parallel_runs": 2})), &json!({}));
    assert_eq!(mission.board.open_run_ids().len(), 2);
}

#[test]
fn a_retry_that_finds_no_place_starts_with_the_next_free_one() {
    let board = chain().item("c", &item("C", &[]));
    let mut mission = started(board, &json!({"max_parallel_runs": 1}));
    finish(&mut mission, "a", RunStatus::Failed);
    assert_eq!(status(&mission, "c"), WorkItemStatus::InProgress, "the place does not idle during the back-off");
    let commands = mission.fire_timer("rework:a").unwrap();
    assert_eq!(types(&commands), [""; 0], "the place is taken");
    let commands = finish(&mut mission, "c", RunStatus::Succeeded);
    assert_eq!(types(&commands), ["set_work_item_status", "request_gate", "start_run"]);
    assert_eq!(status(&mission, "a"), WorkItemStatus::InProgress);
}

#[test]
fn a_free_place_does_not_cut_a_back_off_short() {
    let board = chain().item("c", &item("C", &[]));
    let mut mission = started(board, &json!({}));
    finish(&mut mission, "a", RunStatus::Failed);
    mission.now_ms += 999;
    let commands = finish(&mut mission, "c", RunStatus::Succeeded);
    assert_eq!(types(&commands), ["set_work_item_status", "request_gate"]);
    mission.now_ms += 1;
    let commands = mission.give_verdict("c", "review", "pass", "fine").unwrap();
    assert_eq!(types(&commands), ["set_work_item_status", "request_gate", "start_run"], "due, timer or not");
}

#[test]
fn a_long_reason_is_cut_and_still_tells_when_the_retry_is_due() {
    let mut mission = started(chain(), &json!({}));
    finish(&mut mission, "a", RunStatus::Succeeded);
    mission.give_verdict("a", "review", "fail", &"\u{e9}".repeat(100_000)).unwrap();
    let reason = mission.board.record("a").unwrap().reason.clone().unwrap();
    assert!(reason.len() < 1100 && reason.ends_with(&format!("not before {})", mission.now_ms + 1000)), "{reason}");
    mission.fire_timer("rework:a").unwrap();
    finish(&mut mission, "a", RunStatus::Succeeded);
    let commands = mission.give_verdict("a", "review", "needs_human", &"\u{e9}".repeat(100_000)).unwrap();
    let longest = commands.iter().map(|command| command.to_json().to_string().len()).max().unwrap();
    assert!(longest < 3000, "{longest}");
}

#[test]
fn pausing_lets_gates_go_on_and_resuming_starts_what_waited() {
    let board = chain().item("c", &item("C", &[])).item("d", &item("D", &[]));
    let mut mission = started(board, &json!({"max_parallel_runs": 3}));
    mission.tell("mission_paused", &json!({"reason": "lunch"})).unwrap();
    assert_eq!(mission.board.status, MissionStatus::Paused);
    pass(&mut mission, "a");
    assert_eq!(status(&mission, "a"), WorkItemStatus::Done);
    finish(&mut mission, "c", RunStatus::Failed);
    assert_eq!(types(&mission.fire_timer("rework:c").unwrap()), [""; 0]);
    assert_eq!(mission.board.open_run_ids().len(), 1, "only what ran before");
    let commands = mission.tell("mission_resumed", &json!({})).unwrap();
    assert_eq!(types(&commands), ["set_mission_status", "start_run", "start_run"]);
    assert_eq!(
        (status(&mission, "c"), status(&mission, "b")),
        (WorkItemStatus::InProgress, WorkItemStatus::InProgress)
    );
}

#[test]
fn a_mission_whose_last_item_passed_during_a_pause_succeeds_when_resumed() {
    let mut mission = started(MemoryBoard::new().item("a", &item("A", &[])), &json!({}));
    mission.tell("mission_paused", &json!({})).unwrap();
    pass(&mut mission, "a");
    assert_eq!(mission.board.status, MissionStatus::Paused);
    mission.tell("mission_resumed", &json!({})).unwrap();
    assert_eq!(mission.board.status, MissionStatus::Succeeded);
}

#[test]
fn canceling_ends_the_mission_at_any_time() {
    let mut draft = created(chain(), &json!({}));
    draft.tell("mission_canceled", &json!({"reason": "not needed"})).unwrap();
    assert_eq!(draft.board.status, MissionStatus::Canceled);
    let mut paused = started(chain(), &json!({}));
    paused.tell("mission_paused", &json!({})).unwrap();
    let commands = paused.tell("mission_canceled", &json!({"reason": "too late"})).unwrap();
    assert_eq!(end_reason(&commands), "too late");
    assert_eq!(status(&paused, "b"), WorkItemStatus::Canceled);
}

#[test]
fn a_person_decides_what_a_gate_will_not() {
    for (answer, expected) in [
        ("approval_granted", WorkItemStatus::Test),
        ("approval_denied", WorkItemStatus::Rework),
        ("approval_expired", WorkItemStatus::Rework),
    ] {
        let mut mission = started(chain(), &json!({}));
        finish(&mut mission, "a", RunStatus::Succeeded);
        let commands = mission.give_verdict("a", "review", "needs_human", "touches the\nmigrations").unwrap();
        let [Command::SetWorkItemStatus { .. }, Command::RequestApproval { summary, data, .. }] = commands.as_slice()
        else {
            panic!("{commands:?}")
        };
        assert_eq!(summary, "review of `a` (A): touches the migrations");
        assert_eq!(data["verdict_id"], "ver_1");
        assert_eq!(status(&mission, "a"), WorkItemStatus::Blocked);
        mission.answer("apr_1", answer).unwrap();
        assert_eq!(status(&mission, "a"), expected, "{answer}");
    }
}

#[test]
fn an_approval_of_the_last_gate_finishes_the_item() {
    let mut mission = started(MemoryBoard::new().item("a", &item("A", &[])), &json!({}));
    finish(&mut mission, "a", RunStatus::Succeeded);
    mission.give_verdict("a", "review", "pass", "fine").unwrap();
    mission.give_verdict("a", "test", "needs_human", "flaky").unwrap();
    mission.answer("apr_1", "approval_granted").unwrap();
    assert_eq!(mission.board.status, MissionStatus::Succeeded);
    let text = String::from_utf8(mission.artifacts[0].1.clone()).unwrap();
    assert!(text.contains("review passed, test approved"), "{text}");
}

#[test]
fn a_gate_that_cannot_decide_is_asked_again_and_then_fails_the_item() {
    let mut mission = started(chain(), &json!({}));
    finish(&mut mission, "a", RunStatus::Succeeded);
    for delay in [1000, 2000] {
        mission.give_verdict("a", "review", "error", "trap").unwrap();
        assert_eq!(mission.timers(), [("gate:review:a".to_owned(), mission.now_ms + delay)]);
        assert_eq!(types(&mission.fire_timer("gate:review:a").unwrap()), ["request_gate"]);
    }
    let commands = mission.give_verdict("a", "review", "error", "trap").unwrap();
    assert!(end_reason(&commands).contains("gate review could not decide when asked 3 times: trap"), "{commands:?}");
    assert_eq!(mission.board.status, MissionStatus::Failed);
}

#[test]
fn a_failed_item_lets_independent_ones_go_on_when_settings_say_so() {
    let board = chain().item("c", &item("C", &[]));
    let mut mission = started(board, &json!({"on_item_failure": "continue", "max_attempts": 1}));
    finish(&mut mission, "a", RunStatus::Failed);
    assert_eq!((status(&mission, "a"), mission.board.status), (WorkItemStatus::Failed, MissionStatus::Running));
    let commands = pass(&mut mission, "c");
    assert_eq!(mission.board.status, MissionStatus::Failed);
    assert_eq!(end_reason(&commands), "1 work items failed or were canceled, and 1 cannot start without them");
}

#[test]
fn steps_tool_calls_and_time_are_budgets() {
    let mut mission = started(chain().with("budgets", json!({"max_steps": 1})), &json!({}));
    let commands = pass(&mut mission, "a");
    assert!(end_reason(&commands).contains("max_steps is used up: 1 of 1"), "{commands:?}");

    let mut mission = started(chain().with("budgets", json!({"max_tool_calls": 2})), &json!({}));
    mission.observe_tool().unwrap();
    mission.observe_tool().unwrap();
    assert_eq!(mission.board.status, MissionStatus::Running);
    assert!(end_reason(&mission.observe_tool().unwrap()).contains("3 tool calls were seen and 2 are allowed"));

    let mut mission = started(chain().with("budgets", json!({"max_duration_ms": 60_000})), &json!({}));
    assert_eq!(mission.timers(), [("budget:duration".to_owned(), mission.now_ms + 60_000)]);
    mission.tell("mission_paused", &json!({})).unwrap();
    mission.fire_timer("budget:duration").unwrap();
    assert_eq!(mission.board.status, MissionStatus::Failed);

    // The timer may be late; no run starts after the time all the same.
    let mut mission = started(chain().with("budgets", json!({"max_duration_ms": 60_000})), &json!({}));
    mission.now_ms += 60_001;
    let commands = pass(&mut mission, "a");
    assert!(end_reason(&commands).contains("max_duration_ms"), "{commands:?}");
}

#[test]
fn a_planner_is_told_why_it_was_refused_and_asked_again() {
    let mut mission = started(MemoryBoard::new(), &json!({}));
    assert_eq!(mission.board.phase, "planning");
    let run = mission.open_planner_run().unwrap();
    let answer = r#"{"work_items":[{"id":"a","title":"A","depends_on":["a"]}]}"#;
    let commands = mission.finish_run(&run, RunStatus::Succeeded, Some(answer)).unwrap();
    assert_eq!(types(&commands), ["emit_notice", "start_run"]);
    let run = mission.open_planner_run().unwrap();
    let prompt = mission.board.run_record(&run).unwrap().prompt.clone();
    assert!(prompt.contains("`a` depends on itself") && prompt.contains(answer), "{prompt}");

    let answer = r#"{"work_items":[{"id":"b","title":"B","depends_on":["a"]},{"id":"a","title":"A","skills":["go"]},{"id":"c","title":"C"}]}"#;
    let commands = mission.finish_run(&run, RunStatus::Succeeded, Some(answer)).unwrap();
    assert_eq!(
        types(&commands),
        ["add_work_item", "add_work_item", "add_work_item", "set_mission_status", "start_run", "start_run"]
    );
    assert_eq!(mission.board.phase, "working");
    for id in ["a", "b", "c"] {
        pass(&mut mission, id);
    }
    assert_eq!(mission.board.status, MissionStatus::Succeeded);
}

#[test]
fn a_planner_that_never_gives_a_plan_fails_the_mission() {
    let mut mission = started(MemoryBoard::new(), &json!({"planner_max_attempts": 2}));
    let run = mission.open_planner_run().unwrap();
    let commands = mission.finish_run(&run, RunStatus::Failed, None).unwrap();
    assert_eq!(types(&commands), ["emit_notice", "schedule_timer"]);
    assert_eq!(types(&mission.fire_timer("planner").unwrap()), ["start_run"]);
    let run = mission.open_planner_run().unwrap();
    let commands = mission.finish_run(&run, RunStatus::Succeeded, Some("I would rather not.")).unwrap();
    assert!(end_reason(&commands).contains("no usable plan in 2 attempts"), "{commands:?}");
    assert_eq!(mission.board.status, MissionStatus::Failed);
}

#[test]
fn a_plan_that_arrives_during_a_pause_is_kept() {
    let mut mission = started(MemoryBoard::new(), &json!({}));
    let run = mission.open_planner_run().unwrap();
    mission.tell("mission_paused", &json!({})).unwrap();
    let answer = r#"{"work_items":[{"id":"a","title":"A"}]}"#;
    let commands = mission.finish_run(&run, RunStatus::Succeeded, Some(answer)).unwrap();
    assert_eq!(types(&commands), ["add_work_item", "set_mission_status"]);
    let commands = mission.tell("mission_resumed", &json!({})).unwrap();
    assert_eq!(types(&commands), ["set_mission_status", "start_run"]);

    let mut mission = started(MemoryBoard::new(), &json!({}));
    let run = mission.open_planner_run().unwrap();
    mission.tell("mission_paused", &json!({})).unwrap();
    assert_eq!(types(&mission.finish_run(&run, RunStatus::Succeeded, Some("no")).unwrap()), ["emit_notice"]);
    let commands = mission.tell("mission_resumed", &json!({})).unwrap();
    assert_eq!(types(&commands), ["set_mission_status", "start_run"], "it is asked again");
}

#[test]
fn proposed_items_are_added_whole_or_refused_with_the_reason() {
    let mut mission = started(chain(), &json!({}));
    let refused = mission.tell("work_items_proposed", &json!({"items": [item("C", &[]), item("D", &["nowhere"])]}));
    assert!(refused.unwrap_err().contains("`nowhere`"));
    assert_eq!(mission.board.records().len(), 2);
    let commands = mission.tell("work_items_proposed", &json!({"items": [item("C", &["a"]), item("D", &[])]})).unwrap();
    assert_eq!(types(&commands), ["add_work_item", "add_work_item", "start_run"]);

    // The place of the planner's run is free at once.
    let mut planning = started(MemoryBoard::new(), &json!({"max_parallel_runs": 1}));
    let commands = planning.tell("work_items_proposed", &json!({"items": [item("C", &[])]})).unwrap();
    assert_eq!(types(&commands), ["cancel_run", "add_work_item", "set_mission_status", "start_run"]);
    assert_eq!(planning.open_planner_run(), None);

    let mut draft = created(chain(), &json!({}));
    assert!(draft.tell("work_items_proposed", &json!({"items": [item("C", &[])]})).is_err());
}

#[test]
fn a_canceled_run_is_queued_again_and_costs_no_attempt() {
    let mut mission = started(chain(), &json!({"max_attempts": 1}));
    finish(&mut mission, "a", RunStatus::Canceled);
    assert_eq!(status(&mission, "a"), WorkItemStatus::Rework);
    mission.fire_timer("rework:a").unwrap();
    assert_eq!(status(&mission, "a"), WorkItemStatus::InProgress);
    assert_eq!(mission.board.record("a").unwrap().attempts, 0);
}

#[test]
fn unknown_kinds_and_late_timers_change_nothing() {
    let mut mission = started(chain(), &json!({}));
    for (kind, data) in [
        ("weather_changed", json!({"rain": true})),
        ("run_claimed", json!({})),
        ("timer_fired", json!({"key": "rework:gone"})),
        ("timer_fired", json!({"key": "rework:a"})),
        ("timer_fired", json!({"key": "gate:review:a"})),
        ("timer_fired", json!({})),
        ("mission_resumed", json!({})),
        ("mission_started", json!({})),
        ("gate_verdict", json!({"gate": "review", "outcome": "pass"})),
        ("approval_granted", json!({"approval_id": "apr_9"})),
    ] {
        assert_eq!(mission.tell(kind, &data).unwrap(), [], "{kind} {data}");
    }
}

#[test]
fn a_wide_fan_out_is_looked_at_in_bounded_steps() {
    let mut board = MemoryBoard::new().item("root", &item("Root", &[]));
    for n in 0..5000 {
        board.add_item(&format!("i{n}"), &item("I", &["root"]));
    }
    let mut mission = started(board, &json!({"max_parallel_runs": 20}));
    let commands = pass(&mut mission, "root");
    assert_eq!(commands.len(), 1 + 16 + 1, "sixteen start at once; a timer has the rest looked at");
    assert_eq!(types(&mission.fire_timer("dispatch").unwrap()), ["start_run"; 4]);
}

#[test]
fn a_wide_fan_in_starts_when_its_last_dependency_is_done() {
    let ids: Vec<String> = (0..20).map(|n| format!("i{n}")).collect();
    let leaves = ids.iter().fold(MemoryBoard::new(), |board, id| board.item(id, &item("I", &[])));
    let board = leaves.item("join", &json!({"title": "Join", "depends_on": ids})).with("required_gates", json!([]));
    let mut mission = started(board, &json!({"max_parallel_runs": 5}));
    for id in &ids {
        finish(&mut mission, id, RunStatus::Succeeded);
    }
    assert_eq!(status(&mission, "join"), WorkItemStatus::Todo);
    assert_eq!(mission.board.status, MissionStatus::Running);
    mission.fire_timer("dispatch").unwrap();
    finish(&mut mission, "join", RunStatus::Succeeded);
    assert_eq!(mission.board.status, MissionStatus::Succeeded);
}

#[test]
fn a_mission_with_a_gate_nobody_knows_is_refused_when_it_is_created() {
    set_settings("{}");
    let refused = Mission::create(chain().with("required_gates", json!(["review", "legal"])));
    assert!(refused.err().unwrap().contains("`legal`"));
    set_settings(r#"{"max_attempts": 0}"#);
    assert!(Mission::create(chain()).err().unwrap().contains("max_attempts"));
    set_settings("{}");
}
