//! `sluice routine runs`: what came of routines.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use sluice_api::routine_run::RoutineRunView;

use crate::cli::connect::{Access, Common};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::{span, table};
use crate::client::RoutineRunFilter;
use crate::domain::routine::OccurrenceState;

/// Most runs of a page.
const PAGE: usize = 500;

/// Runs of routines, newest first
#[derive(Debug, Args)]
pub(in crate::cli) struct RunsArgs {
    /// Only those of this routine
    routine: Option<String>,
    /// Only those with this status: `queued`, `approval_required`, `running`, `succeeded`, `missed`, ...
    #[arg(long, value_name = "STATUS")]
    status: Option<OccurrenceState>,
    /// Most runs shown
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// One run
    #[arg(long, value_name = "RUN", conflicts_with_all = ["routine", "status"])]
    run: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn execute(args: RunsArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    if let Some(run) = &args.run {
        return tell(&connection.client.routine_run(run).await?, &args.common);
    }
    let (mut runs, mut cursor): (Vec<RoutineRunView>, Option<String>) = (Vec::new(), None);
    while runs.len() < args.limit {
        let filter = RoutineRunFilter {
            routine_id: args.routine.clone(),
            status: args.status.map(|status| status.to_string()),
            limit: u32::try_from((args.limit - runs.len()).min(PAGE)).ok(),
        };
        let page = connection.client.routine_runs(&filter, cursor.as_deref()).await?;
        runs.extend(page.runs);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if args.common.json {
        output::json(&json!({"runs": runs, "count": runs.len()}))?;
    } else if runs.is_empty() {
        output::print("no runs")?;
    } else {
        for line in table(&runs, args.routine.is_none()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

/// Lines of a table of runs; with their routines where these differ.
pub(super) fn table(runs: &[RoutineRunView], with_routine: bool) -> Vec<String> {
    let row = |run: &RoutineRunView| {
        let waits = run.waiting_for.as_ref().map(|what| format!("waits for {what}"));
        let mut cells = vec![
            run.id.clone(),
            run.status.clone(),
            run.local.clone(),
            run.trigger.clone(),
            span::show(run.lateness_ms),
            run.mission_id.clone().unwrap_or_else(|| "-".to_owned()),
            visible(run.reason.as_deref().or(waits.as_deref()).unwrap_or_default()),
        ];
        if with_routine {
            cells.insert(1, run.routine_id.clone());
        }
        cells
    };
    let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
    let mut header = vec!["RUN", "STATUS", "WRITTEN FOR", "BY", "LATE", "MISSION", "REASON"];
    if with_routine {
        header.insert(1, "ROUTINE");
    }
    table::lines(&header, &rows, table::terminal_width())
}

/// Tells how a run stands.
pub(super) fn tell(run: &RoutineRunView, common: &Common) -> Result<ExitCode, Failure> {
    if common.json {
        output::json(&json!({"run": run}))?;
    } else {
        let reason = run.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        output::print(&visible(&format!("{} of {} {}{reason}", run.id, run.routine_id, run.status)))?;
        if let Some(mission) = &run.mission_id {
            output::print(&format!("mission {mission}"))?;
        }
    }
    Ok(Exit::Succeeded.into())
}
