//! Sends finished work through the required gates.
//!
//! Owns what follows from a finished run, from a verdict and from a person's answer. Gates go on
//! while the mission is paused, because they judge work that is done; only runs wait. It fails
//! closed: a gate that cannot decide never lets work pass. The host checks each step itself.
//! Read next: [`crate::retry`].

use crate::item::Item;
use crate::turn::Turn;
use crate::{dispatch, retry};
use serde_json::json;
use sluice_plugin::mission::WorkItemStatus;

/// Keys of its timers begin with this and a colon; the gate, a colon and the item's id follow.
pub(crate) const TIMER: &str = "gate";

/// The most bytes of a summary that are shown to a person who is asked.
const SUMMARY_MAX_BYTES: usize = 500;

/// A run of a work item has finished.
pub(crate) fn run_finished(turn: &mut Turn<'_>) -> Result<(), String> {
    let Some(item) = turn.event_item()? else { return Ok(()) };
    let is_present = item.status == WorkItemStatus::InProgress && item.run.as_deref() == turn.run;
    if !is_present {
        return Ok(());
    }
    let said = [turn.text("reason"), turn.text("summary")].into_iter().find(|text| !text.is_empty());
    let because = said.map(|text| format!(": {text}")).unwrap_or_default();
    match turn.text("status") {
        "succeeded" => return advance(turn, &item),
        "canceled" => retry::rework(turn, &item, &format!("the run was canceled{because}")),
        _ => retry::rework(turn, &item, &format!("the run failed{because}")),
    }
    Ok(())
}

/// A gate has answered.
pub(crate) fn verdict(turn: &mut Turn<'_>) -> Result<(), String> {
    let Some(item) = turn.event_item()? else { return Ok(()) };
    let gate = turn.text("gate").to_owned();
    if stage_of(&gate) != Some(item.status) {
        return Ok(());
    }
    let summary = turn.text("summary").to_owned();
    match turn.text("outcome") {
        "pass" => return advance(turn, &item),
        "fail" => retry::rework(turn, &item, &format!("gate {gate}: {summary}")),
        "needs_human" => ask_person(turn, &item, &gate, &summary),
        _ => undecided(turn, &item, &gate, &summary),
    }
    Ok(())
}

/// A person has allowed what a gate would not decide.
pub(crate) fn approved(turn: &mut Turn<'_>) -> Result<(), String> {
    let Some(item) = blocked_at_gate(turn)? else { return Ok(()) };
    let is_approved = item.gates.get(turn.text("gate")).is_some_and(crate::item::Gate::is_passed);
    if is_approved { advance(turn, &item) } else { Ok(()) }
}

/// A person has refused it, or none has answered.
pub(crate) fn not_approved(turn: &mut Turn<'_>, why: &str) -> Result<(), String> {
    let Some(item) = blocked_at_gate(turn)? else { return Ok(()) };
    let said = match turn.text("reason") {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    let reason = format!("gate {} was not approved, {why}{said}", turn.text("gate"));
    retry::rework(turn, &item, &reason);
    Ok(())
}

/// Asks a gate again that could not decide.
pub(crate) fn timer_fired(turn: &mut Turn<'_>, rest: &str) -> Result<(), String> {
    let Some((gate, id)) = rest.split_once(':') else { return Ok(()) };
    let Some(item) = Item::read(turn.board, id)? else { return Ok(()) };
    let waits = item.gates.get(gate).is_some_and(|state| state.status == "error");
    if waits && stage_of(gate) == Some(item.status) {
        turn.out.request_gate(id, gate);
    }
    Ok(())
}

/// The status of an item whose verdict a gate is to give.
fn stage_of(gate: &str) -> Option<WorkItemStatus> {
    match gate {
        "review" => Some(WorkItemStatus::Review),
        "test" => Some(WorkItemStatus::Test),
        _ => None,
    }
}

/// Moves an item to the first required gate it has not passed, or to done.
fn advance(turn: &mut Turn<'_>, item: &Item) -> Result<(), String> {
    let is_passed = |gate: &str| item.gates.get(gate).is_some_and(crate::item::Gate::is_passed);
    let next = turn.header.required_gates.iter().find(|gate| !is_passed(gate)).cloned();
    let Some(gate) = next else {
        turn.move_item(item, WorkItemStatus::Done, None);
        return dispatch::note_dependents(turn, &item.id);
    };
    let stage = stage_of(&gate).ok_or_else(|| format!("gate `{gate}` has no stage"))?;
    if item.status != stage {
        turn.move_item(item, stage, None);
    }
    turn.out.request_gate(&item.id, &gate);
    Ok(())
}

fn ask_person(turn: &mut Turn<'_>, item: &Item, gate: &str, summary: &str) {
    let line = format!("{gate} of `{}` ({}): {summary}", item.id, item.title);
    let line = line[..line.floor_char_boundary(SUMMARY_MAX_BYTES)].replace(['\n', '\r'], " ");
    turn.move_item(item, WorkItemStatus::Blocked, Some(&format!("gate {gate} asks for a person: {summary}")));
    let data = json!({"gate": gate, "verdict_id": turn.text("verdict_id")});
    turn.out.request_approval(Some(&item.id), "gate", &line, data);
}

fn undecided(turn: &mut Turn<'_>, item: &Item, gate: &str, summary: &str) {
    let evaluations = item.gates.get(gate).map_or(1, |state| state.evaluations);
    if evaluations >= turn.settings.gate_max_errors {
        let reason = format!("gate {gate} could not decide when asked {evaluations} times: {summary}");
        retry::fail(turn, item, &reason);
        return;
    }
    let due_at_ms = turn.now_ms.saturating_add(turn.settings.backoff_ms(evaluations));
    let data = json!({"work_item_id": item.id, "gate": gate});
    turn.out.schedule_timer(&format!("{TIMER}:{gate}:{}", item.id), due_at_ms, data);
}

fn blocked_at_gate(turn: &Turn<'_>) -> Result<Option<Item>, String> {
    if turn.text("gate").is_empty() {
        return Ok(None);
    }
    Ok(turn.event_item()?.filter(|item| item.status == WorkItemStatus::Blocked))
}
