//! `sluice runs`: what is or was being worked on.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use sluice_api::run::RunView;

use super::connect::{Access, Common};
use super::exit::{Exit, Failure};
use super::output::{self, visible};
use super::table;
use crate::client::RunFilter;
use crate::domain::run::RunStatus;

/// Most runs of a page.
const PAGE: usize = 500;

/// Look at runs
#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// The runs there are
    #[command(alias = "ls")]
    List {
        /// Only runs with this status
        #[arg(long, value_name = "STATUS")]
        status: Option<RunStatus>,
        /// Only runs of this mission
        #[arg(long, value_name = "ID")]
        mission: Option<String>,
        /// Most runs shown
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        common: Common,
    },
    /// One run: what it was given, what came of it
    Show {
        /// The run's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
}

impl RunsCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::List { common, .. } | Self::Show { common, .. } => common.json,
        }
    }
}

pub(super) async fn execute(command: RunsCommand) -> Result<ExitCode, Failure> {
    match command {
        RunsCommand::List { status, mission, limit, common } => list(status, mission, limit, &common).await,
        RunsCommand::Show { id, common } => show(&id, &common).await,
    }
}

async fn list(
    status: Option<RunStatus>,
    mission_id: Option<String>,
    limit: usize,
    common: &Common,
) -> Result<ExitCode, Failure> {
    let connection = common.host.connect(Access::Read).await?;
    let mut runs: Vec<RunView> = Vec::new();
    let mut cursor: Option<String> = None;
    while runs.len() < limit {
        let filter = RunFilter {
            status: status.map(|status| status.to_string()),
            mission_id: mission_id.clone(),
            limit: u32::try_from((limit - runs.len()).min(PAGE)).ok(),
        };
        let page = connection.client.runs(&filter, cursor.as_deref()).await?;
        runs.extend(page.runs);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        output::json(&json!({"runs": runs, "count": runs.len()}))?;
    } else if runs.is_empty() {
        output::print("no runs")?;
    } else {
        let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
        let header = ["RUN", "STATUS", "WORK ITEM", "ATTEMPT", "WORKER", "SUMMARY"];
        for line in table::lines(&header, &rows, table::terminal_width()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

fn row(run: &RunView) -> Vec<String> {
    let waits = run.waiting_for.as_ref().filter(|waits| *waits != "worker");
    let status = waits.map_or_else(|| run.status.clone(), |waits| format!("{} ({waits})", run.status));
    vec![
        run.id.clone(),
        status,
        visible(run.work_item_id.as_deref().unwrap_or("planner")),
        run.attempt.to_string(),
        visible(run.worker.as_deref().unwrap_or("-")),
        visible(run.summary.as_deref().unwrap_or_default()),
    ]
}

async fn show(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.host.connect(Access::Read).await?;
    let run = connection.client.run(id).await?;
    if common.json {
        output::json(&json!({"run": run}))?;
        return Ok(Exit::Succeeded.into());
    }
    let item = run.work_item_id.as_deref().unwrap_or("the planner");
    output::print(&format!(
        "run {} {}: {}, attempt {} of mission {}",
        run.id,
        run.status,
        visible(item),
        run.attempt,
        run.mission_id
    ))?;
    if let Some(worker) = &run.worker {
        output::print(&format!("held by {}", visible(worker)))?;
    }
    if let Some(waits) = &run.waiting_for {
        output::print(&format!("waits for {waits}"))?;
    }
    output::print(&format!("\n{}", visible(&run.prompt)))?;
    for artifact in &run.artifacts {
        output::print(&format!("left {} {} ({})", artifact.kind, visible(&artifact.name), artifact.id))?;
    }
    if let Some(summary) = &run.summary {
        output::print(&format!("\n{}", visible(summary)))?;
    }
    if let Some(said) = &run.output {
        for line in said.lines() {
            output::print(&format!("    | {}", visible(line)))?;
        }
    }
    Ok(Exit::Succeeded.into())
}
