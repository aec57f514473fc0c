//! Tries again what was rejected: rework with exponential back-off, up to the attempts allowed.
//!
//! A timer wakes the item when its back-off is over. When no place is free then, or the mission
//! is paused, nothing has to remember that: the moment stands in the item's reason, where people
//! read it too, and every later dispatch starts what is due. Read next: [`crate::dispatch`].

use crate::dispatch;
use crate::item::Item;
use crate::settings::OnItemFailure;
use crate::turn::Turn;
use serde_json::json;
use sluice_plugin::mission::WorkItemStatus;

/// Keys of its timers begin with this and a colon; the item's id follows.
pub(crate) const TIMER: &str = "rework";

/// The most bytes of a reason that are kept; a worker may say a lot.
const REASON_MAX_BYTES: usize = 1000;

/// Stands in the reason before the moment a retry may start.
const NOT_BEFORE: &str = " (retry not before ";

/// Sends an item back to be worked again, or fails it when its attempts are used up.
pub(crate) fn rework(turn: &mut Turn<'_>, item: &Item, reason: &str) {
    let max = turn.header.attempts(turn.settings);
    if item.attempts >= max {
        fail(turn, item, &format!("attempt {} of {max}: {}", item.attempts, shortened(reason)));
        return;
    }
    let due_at_ms = turn.now_ms.saturating_add(turn.settings.backoff_ms(item.attempts));
    let text = format!("{}{NOT_BEFORE}{due_at_ms})", shortened(reason));
    turn.move_item(item, WorkItemStatus::Rework, Some(&text));
    turn.out.schedule_timer(&format!("{TIMER}:{}", item.id), due_at_ms, json!({"work_item_id": item.id}));
    turn.out.emit_notice(
        "work_item_retry",
        json!({
            "work_item_id": item.id, "attempt": item.attempts + 1, "max_attempts": max,
            "due_at_ms": due_at_ms, "reason": shortened(reason),
        }),
    );
}

/// Gives an item up, and with it the mission unless the settings say that others go on.
pub(crate) fn fail(turn: &mut Turn<'_>, item: &Item, reason: &str) {
    turn.move_item(item, WorkItemStatus::Failed, Some(reason));
    if turn.settings.on_item_failure == OnItemFailure::FailMission {
        turn.fail_mission(&format!("work item `{}` failed: {reason}", item.id));
    }
}

/// Starts an item whose back-off is over. It has precedence over those that became due before
/// and found no place, which is what keeps the timer's promise when there are many.
pub(crate) fn timer_fired(turn: &mut Turn<'_>, id: &str) -> Result<(), String> {
    let Some(item) = Item::read(turn.board, id)? else { return Ok(()) };
    if item.status == WorkItemStatus::Rework && is_due(&item, turn.now_ms) {
        dispatch::start(turn, &item);
    }
    Ok(())
}

/// Whether a retry may start at `now_ms`. An item whose reason does not say when may start.
pub(crate) fn is_due(item: &Item, now_ms: u64) -> bool {
    let due = item.reason.as_deref().and_then(|reason| {
        let (_, moment) = reason.rsplit_once(NOT_BEFORE)?;
        moment.strip_suffix(')')?.parse::<u64>().ok()
    });
    due.is_none_or(|due| due <= now_ms)
}

/// A reason without the moment of its retry.
pub(crate) fn without_moment(reason: &str) -> &str {
    reason.rsplit_once(NOT_BEFORE).map_or(reason, |(text, _)| text)
}

fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)]
}
