//! `sluice routine run`, `backfill`, `approve` and `deny`.

use std::process::ExitCode;

use clap::Args;

use sluice_api::routine_run::{BackfillRequest, RoutineRunStep, RunNowRequest};

use super::runs;
use crate::cli::connect::{Access, Common};
use crate::cli::exit::{Exit, Failure};
use crate::cli::{moment, output};

/// Have a routine run now, beside its schedule
#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// The routine's id
    id: String,
    /// Even though it is disabled or paused
    #[arg(long)]
    force: bool,
    /// Why; it stands in the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Have a routine run for occurrences of the past, in order
#[derive(Debug, Args)]
pub(in crate::cli) struct BackfillArgs {
    /// The routine's id
    id: String,
    /// From this moment on, it included
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    from: u64,
    /// Up to this one, it included
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    to: u64,
    /// How many of the earliest, at most 100
    #[arg(long, value_name = "N")]
    max: Option<u32>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// An answer to a run that waits for a person.
#[derive(Debug, Args)]
pub(in crate::cli) struct AnswerArgs {
    /// The run's id
    run: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The digest that `sluice approval show` told: the answer counts for that content alone
    #[arg(long, value_name = "DIGEST")]
    content_digest: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn run(args: RunArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Write).await?;
    let request = RunNowRequest { force: args.force, reason: args.reason };
    let started = connection.client.run_routine_now(&args.id, &request).await?;
    if args.common.json {
        output::json(&started)?;
    } else {
        let waits = started.waiting_for.as_ref().map(|what| format!(", waits for {what}")).unwrap_or_default();
        output::print(&format!("{} {}{waits}", started.run_id, started.status))?;
        if let Some(approval) = &started.approval_id {
            output::print(&format!("look at it with `sluice approval show {approval}`"))?;
            output::print(&format!("answer with `sluice routine approve {}`", started.run_id))?;
        }
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn backfill(args: BackfillArgs) -> Result<ExitCode, Failure> {
    let request = BackfillRequest { from_ms: args.from, to_ms: args.to, max_runs: args.max };
    let connection = args.common.connect(Access::Write).await?;
    let made = connection.client.backfill_routine(&args.id, &request).await?;
    if args.common.json {
        output::json(&made)?;
    } else if made.runs.is_empty() {
        output::print("no occurrences lie between the two")?;
    } else {
        for line in runs::table(&made.runs, false) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn answer(step: &str, args: AnswerArgs) -> Result<ExitCode, Failure> {
    let request = RoutineRunStep { reason: args.reason, content_digest: args.content_digest };
    let connection = args.common.connect(Access::Write).await?;
    let run = connection.client.step_routine_run(&args.run, step, &request).await?;
    runs::tell(&run, &args.common)
}
