//! What is told of a mission at its end, as a table for people or one document for programs.

use serde::Serialize;

use sluice_api::mission::{ArtifactView, MissionView};
use sluice_api::verdict::{ApprovalView, FindingView, VerdictView};

use super::exit::{Exit, Failure};
use super::output::{print as print_line, visible};
use super::table;
use crate::client::Client;
use crate::domain::approval::ApprovalStatus;
use crate::domain::id::{MissionId, WorkspaceId};
use crate::store::Store;
use crate::wire;

/// Rows read at once.
const PAGE: u32 = 500;

/// Everything about one mission.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) mission: MissionView,
    pub(super) verdicts: Vec<VerdictView>,
    pub(super) artifacts: Vec<ArtifactView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) approvals: Vec<ApprovalView>,
}

/// Reads everything about one mission.
pub(super) async fn gather(store: &Store, workspace_id: &WorkspaceId, id: &MissionId) -> Result<Report, Failure> {
    let Some(mission) = store.mission(workspace_id, id).await? else {
        return Err(Failure::bad_input(format!(
            "there is no mission `{id}` here; `sluice mission list` shows those there are"
        )));
    };
    let mut view = wire::mission_view(&mission);
    let mut items = Vec::new();
    let mut after = None;
    loop {
        let page = store.work_items(id, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        items.extend(page.iter().map(wire::work_item_view));
    }
    let mut counts = serde_json::Map::new();
    for item in &items {
        let count = counts.get(&item.status).and_then(serde_json::Value::as_u64).unwrap_or(0) + 1;
        counts.insert(item.status.clone(), count.into());
    }
    view.counts = Some(counts);
    view.work_items = Some(items);

    let mut verdicts = Vec::new();
    let mut after = None;
    loop {
        let page = store.verdicts(id, None, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        verdicts.extend(page.iter().map(wire::verdict_view));
    }
    let mut artifacts = Vec::new();
    let mut after = None;
    loop {
        let page = store.artifacts(id, None, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        artifacts.extend(page.iter().map(wire::artifact_view));
    }
    let approvals = store.approvals(workspace_id, Some(id), Some(ApprovalStatus::Pending), None, PAGE).await?;
    let approvals = approvals.iter().map(wire::approval_view).collect();
    Ok(Report { mission: view, verdicts, artifacts, approvals })
}

/// Asks a host for everything about one mission.
pub(super) async fn fetch(client: &Client, id: &str) -> Result<Report, Failure> {
    let mut mission = client.mission(id).await?;
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = client.work_items(id, cursor.as_deref()).await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    mission.work_items = Some(items);
    let mut verdicts = Vec::new();
    loop {
        let page = client.verdicts(id, cursor.as_deref()).await?;
        verdicts.extend(page.verdicts);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut artifacts = Vec::new();
    loop {
        let page = client.artifacts(id, cursor.as_deref()).await?;
        artifacts.extend(page.artifacts);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let pending = ApprovalStatus::Pending.as_str();
    let approvals = client.approvals(Some(pending), Some(id), None).await?.approvals;
    Ok(Report { mission, verdicts, artifacts, approvals })
}

/// Prints the table.
pub(super) fn print(report: &Report) -> Result<(), Failure> {
    let mission = &report.mission;
    let rows: Vec<Vec<String>> = mission
        .work_items
        .iter()
        .flatten()
        .map(|item| {
            let gate = |name: &str| {
                let status = item.gates.get(name).and_then(|gate| gate.get("status")).and_then(|s| s.as_str());
                status.unwrap_or("-").to_owned()
            };
            let artifacts: Vec<&str> = item.artifact_refs.iter().map(|artifact| artifact.name.as_str()).collect();
            vec![
                visible(&item.id),
                item.status.clone(),
                item.attempts.to_string(),
                gate("review"),
                gate("test"),
                visible(&artifacts.join(", ")),
            ]
        })
        .collect();
    print_line("")?;
    for line in table::lines(
        &["WORK ITEM", "STATUS", "ATTEMPTS", "REVIEW", "TEST", "ARTIFACTS"],
        &rows,
        table::terminal_width(),
    ) {
        print_line(&line)?;
    }
    print_line("")?;
    let reason = mission.reason.as_ref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
    print_line(&format!("mission {} {}{reason}", mission.id, mission.status))?;
    for artifact in report.artifacts.iter().filter(|artifact| artifact.run_id.is_none()) {
        print_line(&format!(
            "{}: {} ({} bytes, {})",
            artifact.kind,
            visible(&artifact.name),
            artifact.size,
            artifact.id
        ))?;
    }
    Ok(())
}

/// Says what to do next, when there is something to do.
pub(super) fn print_next_step(report: &Report, exit: Exit) -> Result<(), Failure> {
    match exit {
        Exit::Waiting => {
            for approval in &report.approvals {
                print_line(&format!("waiting for a person: {} ({})", visible(&approval.summary), approval.id))?;
            }
            print_line(
                "answer with `sluice approval grant ID` or `sluice approval deny ID --reason TEXT`, then go on with `sluice run --resume`",
            )
        }
        Exit::Interrupted => print_line("interrupted; go on with `sluice run --resume`"),
        Exit::Succeeded | Exit::Failed | Exit::BadInput => Ok(()),
    }
}

/// One finding for people: where, how much it matters, what.
pub(super) fn finding_line(finding: &FindingView) -> String {
    let place = match (&finding.path, finding.line) {
        (Some(path), Some(line)) => format!("{path}:{line}: "),
        (Some(path), None) => format!("{path}: "),
        _ => String::new(),
    };
    visible(&format!("{place}{} {}: {}", finding.severity, finding.rule, finding.message))
}
