//! `sluice mission list`, `show` and `history`.

use std::process::ExitCode;

use serde_json::json;

use sluice_api::command::CommandView;
use sluice_api::history::HistoryEntryView;
use sluice_api::mission::MissionView;

use super::Common;
use crate::cli::connect::Access;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::{report, table};
use crate::client::MissionFilter;
use crate::domain::mission::MissionStatus;

/// Most missions of a page.
const PAGE: usize = 500;

pub(super) async fn list(status: Option<MissionStatus>, limit: usize, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Read).await?;
    let mut missions: Vec<MissionView> = Vec::new();
    let mut cursor: Option<String> = None;
    while missions.len() < limit {
        let filter = MissionFilter {
            status: status.map(|status| status.to_string()),
            limit: u32::try_from((limit - missions.len()).min(PAGE)).ok(),
        };
        let page = connection.client.missions(&filter, cursor.as_deref()).await?;
        missions.extend(page.missions);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        output::json(&json!({"missions": missions, "count": missions.len()}))?;
    } else if missions.is_empty() {
        output::print("no missions; `sluice run FILE` starts one")?;
    } else {
        let rows: Vec<Vec<String>> = missions
            .iter()
            .map(|m| vec![m.id.clone(), m.status.clone(), m.revision.to_string(), visible(&m.title)])
            .collect();
        for line in table::lines(&["MISSION", "STATUS", "EVENTS", "TITLE"], &rows, table::terminal_width()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn show(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Read).await?;
    let gathered = report::fetch(&connection.client, id).await?;
    if common.json {
        output::json(&gathered)?;
        return Ok(Exit::Succeeded.into());
    }
    output::print(&format!("{}\n{}", visible(&gathered.mission.title), visible(&gathered.mission.goal)))?;
    report::print(&gathered)?;
    for verdict in &gathered.verdicts {
        output::print(&format!(
            "{} attempt {}: {} {} by {}: {}",
            visible(&verdict.work_item_id),
            verdict.attempt,
            verdict.gate,
            verdict.outcome,
            verdict.plugin,
            visible(&verdict.summary)
        ))?;
        for finding in &verdict.findings {
            output::print(&format!("    {}", report::finding_line(finding)))?;
        }
    }
    for approval in &gathered.approvals {
        output::print(&format!("waits for a person: {} ({})", visible(&approval.summary), approval.id))?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn history(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Read).await?;
    let mut entries: Vec<HistoryEntryView> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = connection.client.history(id, cursor.as_deref()).await?;
        entries.extend(page.history);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        output::json(&json!({"mission_id": id, "events": entries, "count": entries.len()}))?;
        return Ok(Exit::Succeeded.into());
    }
    for entry in &entries {
        print_entry(entry)?;
    }
    Ok(Exit::Succeeded.into())
}

fn print_entry(entry: &HistoryEntryView) -> Result<(), Failure> {
    let about = entry.work_item_id.as_deref().map(|id| format!(" {}", visible(id))).unwrap_or_default();
    let refused = entry.refusal.as_ref().map(|refusal| {
        let text = |name: &str| refusal.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        format!("  REFUSED {}: {}", text("code"), visible(text("message")))
    });
    output::print(&format!(
        "{:>5}  {}{about}  by {}{}",
        entry.seq,
        entry.kind,
        visible(&entry.actor),
        refused.unwrap_or_default()
    ))?;
    for command in &entry.commands {
        output::print(&format!("       -> {}", command_line(command)))?;
    }
    Ok(())
}

/// A command on one line: its JSON, cut to the terminal.
pub(super) fn command_line(command: &CommandView) -> String {
    let text = serde_json::to_string(command).unwrap_or_default();
    table::cut(&visible(&text), table::terminal_width().saturating_sub(10).max(20))
}
