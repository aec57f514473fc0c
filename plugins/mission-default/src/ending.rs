//! Ends a mission: with a summary when every item is done, with a reason when it cannot be.
//!
//! Owns the only place where all items are looked at: the summary, once in a mission's life.
//! Whether it is time for that is told by counts. Read next: [`summary`].

use crate::item::Item;
use crate::turn::Turn;
use serde_json::json;
use sluice_plugin::mission::{MissionStatus, PAGE_MAX, WorkItemStatus};
use std::fmt::Write as _;

/// The most bytes of the summary; a reducer may keep 8 MiB in one artifact.
const SUMMARY_MAX_BYTES: usize = 7 * 1024 * 1024;

/// The most characters of a title in the summary's table.
const TITLE_MAX_CHARS: usize = 120;

/// Ends the mission when nothing is left to do, or nothing can be done.
pub(crate) fn settle(turn: &mut Turn<'_>) -> Result<(), String> {
    if !turn.is_running() || turn.header.is_planning {
        return Ok(());
    }
    let counts = turn.counts();
    let moving = counts.of(&[
        WorkItemStatus::InProgress,
        WorkItemStatus::Review,
        WorkItemStatus::Test,
        WorkItemStatus::Blocked,
        WorkItemStatus::Rework,
    ]);
    // Nothing moves, yet whether something could is only known with the next event.
    if moving > 0 || turn.overflowed {
        return Ok(());
    }
    if counts.of(&[WorkItemStatus::Done]) == counts.total() {
        return succeed(turn);
    }
    let stopped = counts.of(&[WorkItemStatus::Failed, WorkItemStatus::Canceled]);
    let waiting = counts.of(&[WorkItemStatus::Todo]);
    turn.fail_mission(&format!(
        "{stopped} work items failed or were canceled, and {waiting} cannot start without them"
    ));
    Ok(())
}

/// Ends the mission because its time is used up, whether it runs or is paused.
pub(crate) fn out_of_time(turn: &mut Turn<'_>) {
    if let Some(max) = turn.header.budgets.max_duration_ms {
        turn.fail_mission(&format!("budget max_duration_ms is used up: {max} ms have passed since the start"));
    }
}

fn succeed(turn: &mut Turn<'_>) -> Result<(), String> {
    let content = summary(turn)?;
    turn.out.persist_artifact("summary.md", "summary", "text/markdown", content.as_bytes());
    turn.set_mission(MissionStatus::Succeeded, json!({"phase": "summarizing"}));
    Ok(())
}

/// The summary: what the mission was for, and how each item got through.
fn summary(turn: &Turn<'_>) -> Result<String, String> {
    let header = &turn.header;
    let total = turn.counts().total();
    let mut text = format!("# {}\n\n{}\n\n", one_line(&header.title), header.goal.trim());
    let seconds = header.started_at_ms.map_or(0, |started| turn.now_ms.saturating_sub(started)) / 1000;
    let runs = header.usage.steps + u64::from(turn.runs_started());
    append(&mut text, &format!("{total} work items done with {runs} runs in {seconds} s.\n\n"));
    text.push_str("| work item | title | attempts | gates |\n|---|---|---|---|\n");
    let mut listed = 0;
    for status in WorkItemStatus::ALL {
        let mut after: Option<String> = None;
        loop {
            let page = turn.board.list_by_status(*status, after.as_deref(), PAGE_MAX);
            for id in &page {
                if text.len() > SUMMARY_MAX_BYTES {
                    append(&mut text, &format!("\nand {} more\n", total - listed));
                    return Ok(text);
                }
                if let Some(item) = Item::read(turn.board, id)? {
                    append(&mut text, &row(&item));
                    listed += 1;
                }
            }
            after = page.last().cloned();
            if page.len() < PAGE_MAX as usize {
                break;
            }
        }
    }
    Ok(text)
}

fn row(item: &Item) -> String {
    let mut gates = String::new();
    for (name, gate) in &item.gates {
        let comma = if gates.is_empty() { "" } else { ", " };
        append(&mut gates, &format!("{comma}{name} {}", gate.status));
    }
    format!("| {} | {} | {} | {gates} |\n", item.id, one_line(&item.title), item.attempts)
}

/// A title as a cell of the table: one line, not too long, nothing that ends the cell.
fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TITLE_MAX_CHARS).collect();
    line.replace('\\', "\\\\").replace('|', "\\|")
}

fn append(text: &mut String, more: &str) {
    // Writing to a string does not fail.
    let _ = text.write_str(more);
}
