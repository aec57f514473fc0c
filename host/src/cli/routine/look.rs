//! `sluice routine ls`, `get`, `history` and `templates`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use sluice_api::routine::{RoutineHistoryEntry, RoutineView};
use sluice_api::routine_run::RoutineRunView;

use super::runs;
use crate::cli::connect::{Access, Common};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::{span, table};
use crate::client::RoutineRunFilter;
use crate::domain::routine::RoutineStatus;
use crate::domain::schedule::{Schedule, Timing, Zone};
use crate::domain::time::Timestamp;

/// Most entries of a page.
const PAGE: usize = 500;
/// The newest runs that are shown with a routine.
const RUNS_SHOWN: u32 = 5;

/// The routines there are
#[derive(Debug, Args)]
pub(in crate::cli) struct LsArgs {
    /// Only those that are enabled, disabled or paused
    #[arg(long, value_name = "STATUS")]
    status: Option<RoutineStatus>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// A routine: what it does and when, its newest runs, and what waits for a person
#[derive(Debug, Args)]
pub(in crate::cli) struct GetArgs {
    /// The routine's id
    id: String,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What happened to a routine, newest first
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    /// The routine's id
    id: String,
    /// Most entries shown
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

/// The routines there are to start from
#[derive(Debug, Args)]
pub(in crate::cli) struct TemplatesArgs {
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn ls(args: LsArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let (mut routines, mut cursor): (Vec<RoutineView>, Option<String>) = (Vec::new(), None);
    loop {
        let status = args.status.map(RoutineStatus::as_str);
        let page = connection.client.routines(status, u32::try_from(PAGE).ok(), cursor.as_deref()).await?;
        routines.extend(page.routines);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if args.common.json {
        output::json(&json!({"routines": routines, "count": routines.len()}))?;
    } else if routines.is_empty() {
        output::print("no routines; `sluice routine create` makes one")?;
    } else {
        let rows: Vec<Vec<String>> = routines.iter().map(row).collect();
        let header = ["ROUTINE", "STATUS", "NEXT", "LAST RUN", "EXTERNAL", "NAME"];
        for line in table::lines(&header, &rows, table::terminal_width()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

fn row(routine: &RoutineView) -> Vec<String> {
    let external = match (routine.external_side_effects, routine.external_integrations_allowed) {
        (false, _) => "-",
        (true, false) => "blocked",
        (true, true) if routine.requires_approval => "asks",
        (true, true) => "ACTS",
    };
    vec![
        routine.id.clone(),
        routine.status.clone(),
        routine.next_fire_at_ms.map_or_else(|| "-".to_owned(), |next| span::until(next, span::now())),
        routine.last_run.clone().unwrap_or_else(|| "-".to_owned()),
        external.to_owned(),
        visible(&routine.name),
    ]
}

pub(super) async fn get(args: GetArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let routine = connection.client.routine(&args.id).await?;
    let filter = RoutineRunFilter { routine_id: Some(routine.id.clone()), status: None, limit: Some(RUNS_SHOWN) };
    let newest = connection.client.routine_runs(&filter, None).await?.runs;
    let filter = RoutineRunFilter { status: Some("approval_required".to_owned()), limit: None, ..filter };
    let waiting = connection.client.routine_runs(&filter, None).await?.runs;
    if args.common.json {
        output::json(&json!({"routine": routine, "runs": newest, "pending_approvals": waiting}))?;
        return Ok(Exit::Succeeded.into());
    }
    print(&routine)?;
    for run in &waiting {
        output::print(&format!(
            "waits for a person: {}, written for {} (sluice routine approve {})",
            run.id, run.local, run.id
        ))?;
    }
    print_runs(&newest)?;
    Ok(Exit::Succeeded.into())
}

fn print(routine: &RoutineView) -> Result<(), Failure> {
    let reason = routine.status_reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    output::print(&visible(&routine.name))?;
    output::print(&visible(&format!("{} {}{reason}, {}", routine.id, routine.status, next(routine))))?;
    output::print(&visible(&routine.meaning))?;
    if let Some(mark) = side_effects(routine) {
        output::print(&mark)?;
    }
    let jitter = routine.jitter_ms.map(|jitter| format!(", jitter {}", span::show(jitter))).unwrap_or_default();
    let overlap = routine.overlap_max.map(|max| format!(" (at most {max})")).unwrap_or_default();
    output::print(&format!(
        "missed: {}; overlapping: {}{overlap}{jitter}; {} failures in a row",
        routine.misfire_policy.kind, routine.overlap_policy, routine.failures_in_a_row
    ))?;
    output::print(&visible(&format!("does {} with {}", routine.entrypoint, routine.args)))?;
    output::print(&visible(&format!(
        "made by {} {}, revision {}",
        routine.creator_type, routine.creator_id, routine.revision
    )))
}

fn print_runs(newest: &[RoutineRunView]) -> Result<(), Failure> {
    if newest.is_empty() {
        return output::print("no runs yet");
    }
    for line in runs::table(newest, false) {
        output::print(&line)?;
    }
    Ok(())
}

/// When it fires next, on its own clock.
pub(super) fn next(routine: &RoutineView) -> String {
    let Some(next) = routine.next_fire_at_ms else {
        return match &*routine.status {
            "enabled" => "never fires again".to_owned(),
            "disabled" => format!("a draft: `sluice routine resume {}` enables it", routine.id),
            _ => "does not fire".to_owned(),
        };
    };
    let local = Zone::named(&routine.timezone)
        .and_then(|zone| Schedule::new(Timing::At { instant: Timestamp(next) }, zone))
        .map(|schedule| format!("{} ", schedule.line(Timestamp(next)).local))
        .unwrap_or_default();
    format!("next {local}({})", span::until(next, span::now()))
}

/// What it does to the world outside, when it does anything.
pub(super) fn side_effects(routine: &RoutineView) -> Option<String> {
    if !routine.external_side_effects {
        return None;
    }
    let what = match (routine.external_integrations_allowed, routine.requires_approval) {
        (false, _) => "blocked: --allow-external true would let it ask",
        (true, true) => "each run waits for a person",
        (true, false) => "UNASKED: --requires-approval true would have it ask",
    };
    Some(format!("EXTERNAL SIDE EFFECTS, {what}"))
}

pub(super) async fn history(args: HistoryArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let (mut entries, mut cursor): (Vec<RoutineHistoryEntry>, Option<String>) = (Vec::new(), None);
    while entries.len() < args.limit {
        let limit = u32::try_from((args.limit - entries.len()).min(PAGE)).ok();
        let page = connection.client.routine_history(&args.id, limit, cursor.as_deref()).await?;
        entries.extend(page.history);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if args.common.json {
        output::json(&json!({"routine_id": args.id, "history": entries, "count": entries.len()}))?;
        return Ok(Exit::Succeeded.into());
    }
    let now = span::now();
    let row = |entry: &RoutineHistoryEntry| {
        vec![
            span::ago(entry.ts_ms, now),
            entry.event.clone(),
            visible(&entry.trigger),
            entry.run_id.clone().unwrap_or_else(|| "-".to_owned()),
            visible(entry.detail.as_deref().unwrap_or_default()),
        ]
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    for line in table::lines(&["WHEN", "WHAT", "BY", "RUN", "DETAIL"], &rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn templates(args: TemplatesArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let list = connection.client.routine_templates().await?;
    if args.common.json {
        output::json(&list)?;
        return Ok(Exit::Succeeded.into());
    }
    let rows: Vec<Vec<String>> =
        list.templates.iter().map(|template| vec![template.name.clone(), visible(&template.description)]).collect();
    for line in table::lines(&["TEMPLATE", "WHAT IT DOES"], &rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(Exit::Succeeded.into())
}
