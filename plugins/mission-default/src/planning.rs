//! Gets work items: from a planner's run when the mission has none, or from a proposal.
//!
//! Owns the conversation with the planner: what it is asked, what is refused and why, and when to
//! give up. Never reads the plan itself: [`crate::plan`] does. Read next: [`crate::dispatch`].

use crate::plan::{self, Draft, Source};
use crate::turn::Turn;
use crate::{dispatch, prompt};
use serde_json::{Value, json};
use sluice_plugin::mission::MissionStatus;

/// The key of the timer that asks the planner again after its run failed.
pub(crate) const TIMER: &str = "planner";

/// Queues a planner's run; `refused` is why the last answer was, and that answer.
pub(crate) fn ask(turn: &mut Turn<'_>, refused: Option<(&str, &str)>) {
    if dispatch::fail_without_budget(turn) {
        return;
    }
    let prompt = prompt::for_planner(&turn.header, refused);
    turn.out.start_run(None, json!({"prompt": prompt}));
    turn.note_started(None);
}

/// Asks the planner when the mission runs, still has no items, and nobody is planning.
pub(crate) fn go_on(turn: &mut Turn<'_>) {
    if !turn.is_running() || !turn.header.is_planning || turn.open_runs() > 0 {
        return;
    }
    let reason = turn.data.get("data").and_then(|data| data.get("reason")).and_then(Value::as_str);
    let reason = reason.map(ToOwned::to_owned);
    ask(turn, reason.as_deref().map(|reason| (reason, "")));
}

/// A planner's run has finished.
pub(crate) fn answered(turn: &mut Turn<'_>) {
    if !turn.header.is_planning {
        return;
    }
    if turn.text("status") != "succeeded" {
        let said = [turn.text("reason"), turn.text("summary")].into_iter().find(|text| !text.is_empty());
        let because = said.map(|text| format!(": {text}")).unwrap_or_default();
        let reason = format!("the planner's run {}{because}", turn.text("status"));
        if !gives_up(turn, &reason) {
            let delay = turn.settings.backoff_ms(turn.header.planner_attempts.max(1));
            turn.out.schedule_timer(TIMER, turn.now_ms.saturating_add(delay), json!({"reason": reason}));
        }
        return;
    }
    // An answer may be megabytes long: it is taken out of the event, not copied.
    let answer = match turn.data.get_mut("output").map(Value::take) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    match plan::read_answer(&answer, turn.board) {
        Ok(drafts) => accept(turn, drafts),
        Err(reason) => {
            // While the mission is paused nothing starts; resuming it asks again.
            if !gives_up(turn, &reason) && turn.is_running() {
                ask(turn, Some((&reason, &answer)));
            }
        }
    }
}

/// Somebody proposes more work. What does not fit is refused with the whole event, so that
/// whoever proposed it hears why.
pub(crate) fn proposed(turn: &mut Turn<'_>) -> Result<(), String> {
    if turn.header.status == MissionStatus::Draft {
        return Err("work items can be proposed once the mission has started".to_owned());
    }
    let source = Source::Proposal { seq: turn.seq };
    let items = turn.data.get("items").cloned().unwrap_or(Value::Null);
    let present = usize::try_from(turn.counts().total()).unwrap_or(usize::MAX);
    let drafts = plan::read_items(items, source, present, turn.board)?;
    if turn.header.is_planning {
        for run in turn.board.list_open_runs() {
            if turn.board.run(&run).is_some_and(|run| run.work_item.is_none()) {
                turn.withdraw_run(&run, "work items were proposed, so none need to be planned");
            }
        }
    }
    accept(turn, drafts);
    Ok(())
}

fn accept(turn: &mut Turn<'_>, drafts: Vec<Draft>) {
    for draft in drafts {
        turn.out.add_work_item(&draft.id, draft.to_json());
        turn.note_added(&draft.id);
        dispatch::note_perhaps_ready(turn, draft.into_item());
    }
    if turn.header.is_planning {
        turn.begin_working();
    }
}

/// Tells that the planner was refused; true when that was its last attempt and the mission failed.
fn gives_up(turn: &mut Turn<'_>, reason: &str) -> bool {
    let (attempt, max) = (turn.header.planner_attempts, turn.settings.planner_max_attempts);
    let notice = json!({"reason": reason, "attempt": attempt, "max_attempts": max});
    turn.out.emit_notice("planner_refused", notice);
    if attempt < max {
        return false;
    }
    turn.fail_mission(&format!("the planner gave no usable plan in {attempt} attempts: {reason}"));
    true
}
