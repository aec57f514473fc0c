//! Routes each event to the decision it asks for.
//!
//! Owns the table of event kinds and the two steps that follow every one of them: start what can
//! start, and see whether the mission is at its end. Kinds it does not know are ignored, because
//! the contract grows by new ones. Read next: [`crate::planning`], then [`crate::dispatch`].

use crate::header::Header;
use crate::settings::Settings;
use crate::turn::{DURATION_TIMER, Turn};
use crate::{dispatch, ending, gates, planning, retry};
use serde_json::{Value, json};
use sluice_plugin::mission::{Board, Commands, Event, MissionStatus};

/// Gates this reducer knows the stage of.
const KNOWN_GATES: [&str; 2] = ["review", "test"];

/// Judges a mission as it is created.
pub(crate) fn init(_settings: &Settings, board: &dyn Board) -> Result<(), String> {
    let header = Header::read(&board.mission())?;
    match header.required_gates.iter().find(|gate| !KNOWN_GATES.contains(&gate.as_str())) {
        Some(gate) => Err(format!("mission-default knows the gates review and test, not `{gate}`")),
        None => Ok(()),
    }
}

/// Whether this reducer decides anything about events of this kind. Most events are of other
/// kinds (a run was claimed, a resource has changed), and cost nothing but this question.
pub(crate) fn concerns(kind: &str) -> bool {
    const KINDS: [&str; 12] = [
        "mission_started",
        "mission_paused",
        "mission_resumed",
        "mission_canceled",
        "run_finished",
        "gate_verdict",
        "approval_granted",
        "approval_denied",
        "approval_expired",
        "timer_fired",
        "tool_observed",
        "work_items_proposed",
    ];
    KINDS.contains(&kind)
}

/// Decides about one event of a kind that [`concerns`] this reducer.
pub(crate) fn on_event(
    settings: &Settings,
    event: &Event,
    board: &dyn Board,
    out: &mut dyn Commands,
) -> Result<(), String> {
    let mut turn = Turn::new(settings, event, board, out)?;
    if turn.is_over() {
        return Ok(());
    }
    match event.kind.as_str() {
        "mission_started" => start(&mut turn),
        "mission_paused" => pause(&mut turn),
        "mission_resumed" => resume(&mut turn),
        "mission_canceled" => cancel(&mut turn),
        "run_finished" => run_finished(&mut turn)?,
        "gate_verdict" => gates::verdict(&mut turn)?,
        "approval_granted" => gates::approved(&mut turn)?,
        "approval_denied" => gates::not_approved(&mut turn, "a person said no")?,
        "approval_expired" => gates::not_approved(&mut turn, "nobody answered in time")?,
        "timer_fired" => timer_fired(&mut turn)?,
        "tool_observed" => {
            dispatch::check_tool_calls(&mut turn);
            return Ok(());
        }
        "work_items_proposed" => planning::proposed(&mut turn)?,
        _ => return Ok(()),
    }
    dispatch::start_what_can(&mut turn)?;
    ending::settle(&mut turn)
}

fn start(turn: &mut Turn<'_>) {
    if turn.header.status != MissionStatus::Draft {
        return;
    }
    let has_items = turn.counts().total() > 0;
    let phase = if has_items { "working" } else { "planning" };
    turn.header.is_planning = !has_items;
    turn.set_mission(MissionStatus::Running, json!({"phase": phase}));
    if let Some(max) = turn.header.budgets.max_duration_ms {
        turn.out.schedule_timer(DURATION_TIMER, turn.now_ms.saturating_add(max), json!({}));
    }
    if !has_items {
        planning::ask(turn, None);
    }
}

fn pause(turn: &mut Turn<'_>) {
    if turn.is_running() {
        let data = reason_of(turn);
        turn.set_mission(MissionStatus::Paused, data);
    }
}

fn resume(turn: &mut Turn<'_>) {
    if turn.header.status == MissionStatus::Paused {
        turn.set_mission(MissionStatus::Running, json!({}));
        planning::go_on(turn);
    }
}

fn cancel(turn: &mut Turn<'_>) {
    let data = reason_of(turn);
    turn.set_mission(MissionStatus::Canceled, data);
}

fn reason_of(turn: &Turn<'_>) -> Value {
    match turn.text("reason") {
        "" => json!({}),
        reason => json!({"reason": reason}),
    }
}

fn run_finished(turn: &mut Turn<'_>) -> Result<(), String> {
    if turn.work_item.is_none() {
        planning::answered(turn);
        return Ok(());
    }
    gates::run_finished(turn)
}

fn timer_fired(turn: &mut Turn<'_>) -> Result<(), String> {
    let key = turn.text("key").to_owned();
    match key.split_once(':').unwrap_or((&key, "")) {
        _ if key == DURATION_TIMER => {
            ending::out_of_time(turn);
            Ok(())
        }
        _ if key == planning::TIMER => {
            planning::go_on(turn);
            Ok(())
        }
        (retry::TIMER, id) => retry::timer_fired(turn, id),
        (gates::TIMER, rest) => gates::timer_fired(turn, rest),
        // `dispatch::TIMER` asks for nothing but the steps that follow every event.
        _ => Ok(()),
    }
}
