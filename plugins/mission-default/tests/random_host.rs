//! A host that answers in any order, late, and with anything it may answer: the reducer never
//! issues an illegal command, and once the host answers kindly every mission comes to its end.

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_mission_default::MissionDefault;
use sluice_plugin::mission::{MissionStatus, RunStatus};
use sluice_plugin::testing::{MemoryBoard, MemoryMission, set_settings};

type Mission = MemoryMission<MissionDefault>;

/// Events told kindly before a mission counts as stuck.
const KIND_EVENTS_MAX: usize = 2_000;

#[derive(Debug, Clone)]
struct Case {
    /// For each item, which of the earlier ones it waits for, as bits.
    items: Vec<u8>,
    budgets: Value,
    settings: Value,
    gates: Vec<&'static str>,
    /// What the host does, as choices among what it could do at that moment.
    choices: Vec<(u16, u8)>,
}

/// Something the host could do now.
#[derive(Debug, Clone)]
enum Act {
    Start,
    Pause,
    Resume,
    Cancel,
    Tool,
    Propose,
    Wait,
    Finish(String),
    Verdict(String, String),
    Answer(String),
    Timer(String),
}

fn case() -> impl Strategy<Value = Case> {
    let budget = |most: u64| proptest::option::weighted(0.2, 1..most);
    let budgets = (budget(30), budget(4), budget(100_000), budget(4), budget(5)).prop_map(
        |(steps, tools, duration, attempts, parallel)| {
            json!({"max_steps": steps, "max_tool_calls": tools, "max_duration_ms": duration,
                "max_attempts": attempts, "max_parallel_runs": parallel})
        },
    );
    let settings = (1_u32..5, 1_u32..4, 1_u32..4, 0_u64..3000, any::<bool>()).prop_map(
        |(parallel, attempts, errors, backoff, goes_on)| {
            let on_item_failure = if goes_on { "continue" } else { "fail_mission" };
            json!({"max_parallel_runs": parallel, "max_attempts": attempts, "gate_max_errors": errors,
                "retry_backoff_ms": backoff, "on_item_failure": on_item_failure})
        },
    );
    let gates = prop_oneof![
        3 => Just(vec!["review", "test"]),
        1 => Just(vec!["test", "review"]),
        1 => Just(vec!["test"]),
        1 => Just(vec![]),
    ];
    let choices = proptest::collection::vec((any::<u16>(), any::<u8>()), 0..120);
    (proptest::collection::vec(any::<u8>(), 0..8), budgets, settings, gates, choices)
        .prop_map(|(items, budgets, settings, gates, choices)| Case { items, budgets, settings, gates, choices })
}

fn board_of(case: &Case) -> MemoryBoard {
    let mut board = MemoryBoard::new().with("budgets", case.budgets.clone()).with("required_gates", json!(case.gates));
    for (index, bits) in case.items.iter().enumerate() {
        let waits_for: Vec<String> = (0..index).filter(|n| bits >> n & 1 == 1).map(|n| format!("i{n}")).collect();
        board.add_item(&format!("i{index}"), &json!({"title": "An item", "depends_on": waits_for}));
    }
    board
}

fn possible(mission: &Mission) -> Vec<Act> {
    let mut acts: Vec<Act> = match mission.board.status {
        MissionStatus::Draft => return vec![Act::Start, Act::Start, Act::Start, Act::Cancel],
        MissionStatus::Running => vec![Act::Pause, Act::Tool, Act::Propose, Act::Wait],
        MissionStatus::Paused => vec![Act::Resume, Act::Resume, Act::Tool, Act::Propose],
        _ => return Vec::new(),
    };
    for run in mission.board.open_run_ids() {
        acts.extend([Act::Finish(run.clone()), Act::Finish(run)]);
    }
    for (item, gate) in mission.pending_gates() {
        acts.extend([Act::Verdict(item.clone(), gate.clone()), Act::Verdict(item.clone(), gate.clone())]);
    }
    acts.extend(mission.pending_approvals().into_iter().map(Act::Answer));
    acts.extend(mission.timers().into_iter().map(|(key, _)| Act::Timer(key)));
    acts
}

fn do_it(mission: &mut Mission, act: &Act, how: u8) -> Result<(), String> {
    let done = match act {
        Act::Start => mission.tell("mission_started", &json!({})),
        Act::Pause => mission.tell("mission_paused", &json!({"reason": "a while"})),
        Act::Resume => mission.tell("mission_resumed", &json!({})),
        Act::Cancel => mission.tell("mission_canceled", &json!({})),
        Act::Tool => mission.observe_tool(),
        Act::Wait => {
            mission.now_ms += u64::from(how) * 100;
            return Ok(());
        }
        Act::Propose => {
            // A list that does not fit is refused with the whole event, which is no fault.
            let items = match how % 3 {
                0 => json!([{"title": "New"}, {"title": "Newer", "depends_on": ["i0"]}]),
                1 => json!([{"title": "New", "depends_on": ["nowhere"]}]),
                _ => json!([{"id": "extra", "title": "New"}]),
            };
            let told = mission.tell("work_items_proposed", &json!({"items": items}));
            return match told {
                Err(why) if why.starts_with("work") => Ok(()),
                other => other.map(|_| ()),
            };
        }
        Act::Finish(run) => finish(mission, run, how),
        Act::Verdict(item, gate) => {
            let outcome = ["pass", "pass", "fail", "needs_human", "error"][usize::from(how) % 5];
            mission.give_verdict(item, gate, outcome, "so it is")
        }
        Act::Answer(id) => {
            let kind = ["approval_granted", "approval_denied", "approval_expired"][usize::from(how) % 3];
            mission.answer(id, kind)
        }
        Act::Timer(key) => mission.fire_timer(key),
    };
    done.map(|_| ()).map_err(|why| format!("{act:?}: {why}"))
}

fn finish(mission: &mut Mission, run: &str, how: u8) -> Result<Vec<sluice_plugin::mission::Command>, String> {
    let status = match how % 6 {
        0..=3 => RunStatus::Succeeded,
        4 => RunStatus::Failed,
        _ => RunStatus::Canceled,
    };
    let plans = [
        r#"{"work_items":[{"id":"p1","title":"P1"},{"id":"p2","title":"P2","depends_on":["p1"]},{"id":"p3","title":"P3"}]}"#,
        r#"{"work_items":[{"id":"p1","title":"P1","depends_on":["p1"]}]}"#,
        "no plan",
    ];
    mission.finish_run(run, status, Some(plans[usize::from(how / 6) % 3]))
}

/// What a kind host does: resumes, passes, grants; and in `order`, which may be any.
fn kind_act(mission: &Mission) -> Option<(Act, u8)> {
    if let Some(run) = mission.board.open_run_ids().first() {
        return Some((Act::Finish(run.clone()), 0));
    }
    if let Some((item, gate)) = mission.pending_gates().first() {
        return Some((Act::Verdict(item.clone(), gate.clone()), 0));
    }
    if let Some(id) = mission.pending_approvals().first() {
        return Some((Act::Answer(id.clone()), 0));
    }
    mission.timers().first().map(|(key, _)| (Act::Timer(key.clone()), 0))
}

fn run_case(case: &Case) -> Result<MissionStatus, String> {
    set_settings(&case.settings.to_string());
    let mut mission = Mission::create(board_of(case))?;
    for (choice, how) in &case.choices {
        let acts = possible(&mission);
        if acts.is_empty() {
            break;
        }
        do_it(&mut mission, &acts[usize::from(*choice) % acts.len()], *how)?;
    }
    if mission.board.status == MissionStatus::Draft {
        do_it(&mut mission, &Act::Start, 0)?;
    }
    if mission.board.status == MissionStatus::Paused {
        do_it(&mut mission, &Act::Resume, 0)?;
    }
    for _ in 0..KIND_EVENTS_MAX {
        if mission.board.status.is_final() {
            return check_end(&mission);
        }
        let Some((act, how)) = kind_act(&mission) else {
            return Err(format!("nothing can happen any more: {:?}", mission.board.records()));
        };
        do_it(&mut mission, &act, how)?;
    }
    Err(format!("no end in sight: {:?}", mission.board.records()))
}

fn check_end(mission: &Mission) -> Result<MissionStatus, String> {
    let has_summary = mission.artifacts.iter().any(|(name, _)| name == "summary.md");
    let succeeded = mission.board.status == MissionStatus::Succeeded;
    if has_summary == succeeded { Ok(mission.board.status) } else { Err("a summary belongs to success".to_owned()) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_mission_ends_and_no_command_is_illegal(case in case()) {
        let ended = run_case(&case);
        prop_assert!(ended.is_ok(), "{}", ended.unwrap_err());
    }
}

#[test]
fn a_kind_host_and_no_budgets_end_in_success() {
    for bits in [0_u8, 1, 0b11, 0b101, 0xff] {
        let case = Case {
            items: vec![0, bits, bits, bits, bits],
            budgets: json!({}),
            settings: json!({}),
            gates: vec!["review", "test"],
            choices: Vec::new(),
        };
        assert_eq!(run_case(&case).unwrap(), MissionStatus::Succeeded);
    }
}
