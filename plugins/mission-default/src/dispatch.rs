//! Starts runs: what may start, how many, and within which budgets.
//!
//! Retries that are due come before items that were never worked, each in the order they were
//! added. Owns the budgets, since every one of them is about starting. Costs the same whatever the
//! mission's size: it looks at as many items as there are free places, at a bounded number of
//! retries, and at a bounded number of items that this very event may have made ready; where a
//! bound is reached it has itself called again by a timer. Read next: [`crate::retry`].

use crate::item::Item;
use crate::turn::Turn;
use crate::{prompt, retry};
use serde_json::json;
use sluice_plugin::mission::WorkItemStatus;

/// The key of the timer that has [`start_what_can`] called again at once.
pub(crate) const TIMER: &str = "dispatch";

/// Retries looked at in one turn. Those beyond are reached when the ones before them have moved.
const RETRIES_LOOKED_AT: u32 = 32;

/// Items looked at that may have become ready in this turn.
const DEPENDENTS_LOOKED_AT: u32 = 16;

/// Dependencies of one such item that are looked up.
const DEPENDENCIES_LOOKED_UP: usize = 16;

/// Starts what can start.
pub(crate) fn start_what_can(turn: &mut Turn<'_>) -> Result<(), String> {
    start_retries(turn)?;
    start_ready(turn)?;
    start_perhaps_ready(turn);
    Ok(())
}

/// Notes the items that wait for `id`, which this turn has finished.
pub(crate) fn note_dependents(turn: &mut Turn<'_>, id: &str) -> Result<(), String> {
    let ids = turn.board.list_dependents(id, None, DEPENDENTS_LOOKED_AT + 1);
    for dependent in ids.iter().take(DEPENDENTS_LOOKED_AT as usize) {
        if let Some(item) = Item::read(turn.board, dependent)? {
            note_perhaps_ready(turn, item);
        }
    }
    turn.overflowed |= ids.len() > DEPENDENTS_LOOKED_AT as usize;
    Ok(())
}

/// Notes an item that may have become ready in this turn.
pub(crate) fn note_perhaps_ready(turn: &mut Turn<'_>, item: Item) {
    if item.depends_on.len() > DEPENDENCIES_LOOKED_UP || turn.perhaps_ready.len() >= 2 * DEPENDENTS_LOOKED_AT as usize {
        turn.overflowed = true;
    } else {
        turn.perhaps_ready.push(item);
    }
}

/// Starts a run of `item` when a place is free; false when there is none, or when the mission
/// failed because a budget does not allow a run that it needs.
pub(crate) fn start(turn: &mut Turn<'_>, item: &Item) -> bool {
    if free_places(turn) == 0 || fail_without_budget(turn) {
        return false;
    }
    let data = json!({"prompt": prompt::for_work(&turn.header, item)});
    turn.out.start_run(Some(&item.id), data);
    turn.note_started(Some(item));
    true
}

/// Fails the mission when a budget does not allow another run. Only called when one is needed.
pub(crate) fn fail_without_budget(turn: &mut Turn<'_>) -> bool {
    let Some(reason) = used_up(turn) else { return false };
    turn.fail_mission(&reason);
    true
}

/// Fails the mission when more tools were called than it may call.
pub(crate) fn check_tool_calls(turn: &mut Turn<'_>) {
    if let Some(reason) = tool_calls_used_up(turn) {
        turn.fail_mission(&reason);
    }
}

fn used_up(turn: &Turn<'_>) -> Option<String> {
    let budgets = &turn.header.budgets;
    let steps = turn.header.usage.steps + u64::from(turn.runs_started());
    if let Some(max) = budgets.max_steps.filter(|max| steps >= *max) {
        return Some(format!("budget max_steps is used up: {steps} of {max} runs were started and one more is needed"));
    }
    let elapsed = turn.header.started_at_ms.map_or(0, |started| turn.now_ms.saturating_sub(started));
    if let Some(max) = budgets.max_duration_ms.filter(|max| elapsed >= *max) {
        return Some(format!("budget max_duration_ms is used up: {elapsed} of {max} ms have passed"));
    }
    tool_calls_used_up(turn)
}

fn tool_calls_used_up(turn: &Turn<'_>) -> Option<String> {
    let calls = turn.header.usage.tool_calls;
    let max = turn.header.budgets.max_tool_calls.filter(|max| calls > *max)?;
    Some(format!("budget max_tool_calls is used up: {calls} tool calls were seen and {max} are allowed"))
}

fn free_places(turn: &Turn<'_>) -> u32 {
    if !turn.is_running() || turn.header.is_planning {
        return 0;
    }
    turn.header.places(turn.settings).saturating_sub(turn.open_runs())
}

fn start_retries(turn: &mut Turn<'_>) -> Result<(), String> {
    if free_places(turn) == 0 || turn.counts().of(&[WorkItemStatus::Rework]) == 0 {
        return Ok(());
    }
    for id in turn.board.list_by_status(WorkItemStatus::Rework, None, RETRIES_LOOKED_AT) {
        if turn.has_moved(&id) {
            continue;
        }
        let Some(item) = Item::read(turn.board, &id)? else { continue };
        if retry::is_due(&item, turn.now_ms) && !start(turn, &item) {
            break;
        }
    }
    Ok(())
}

fn start_ready(turn: &mut Turn<'_>) -> Result<(), String> {
    let free = free_places(turn);
    if free == 0 {
        return Ok(());
    }
    for id in turn.board.list_ready(free) {
        if turn.has_moved(&id) {
            continue;
        }
        let Some(item) = Item::read(turn.board, &id)? else { continue };
        if !start(turn, &item) {
            break;
        }
    }
    Ok(())
}

fn start_perhaps_ready(turn: &mut Turn<'_>) {
    let candidates = std::mem::take(&mut turn.perhaps_ready);
    for item in &candidates {
        if free_places(turn) == 0 {
            return;
        }
        let waits = item.status != WorkItemStatus::Todo || item.depends_on.iter().any(|id| !turn.is_done(id));
        if !waits && !start(turn, item) {
            return;
        }
    }
    if turn.overflowed && free_places(turn) > 0 {
        turn.out.schedule_timer(TIMER, turn.now_ms, json!({}));
    } else {
        turn.overflowed = false;
    }
}
