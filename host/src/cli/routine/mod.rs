//! `sluice routine`: work that starts by a schedule.
//!
//! [`given`] puts a routine's document together from arguments, [`write`] saves it, [`preview`] tells
//! what a schedule means, [`look`] and [`runs`] show what there is and what came of it, [`steps`] starts
//! and answers, [`watch`] tells what happens.

mod given;
mod write;
mod preview;
mod look;
mod runs;
mod steps;
mod watch;

use std::process::ExitCode;

use clap::Subcommand;

use super::exit::Failure;

/// Work that starts by a schedule
#[derive(Debug, Subcommand)]
pub(super) enum RoutineCommand {
    Create(Box<write::CreateArgs>),
    #[command(alias = "list")]
    Ls(look::LsArgs),
    Get(look::GetArgs),
    Edit(Box<write::EditArgs>),
    Pause(write::PauseArgs),
    #[command(alias = "enable")]
    Resume(write::ResumeArgs),
    Run(steps::RunArgs),
    Rm(write::RmArgs),
    Preview(preview::PreviewArgs),
    History(look::HistoryArgs),
    Runs(runs::RunsArgs),
    /// Say yes to a run that waits for a person
    Approve(steps::AnswerArgs),
    /// Say no to a run that waits for a person
    Deny(steps::AnswerArgs),
    Backfill(steps::BackfillArgs),
    Watch(watch::WatchArgs),
    Templates(look::TemplatesArgs),
}

impl RoutineCommand {
    pub(super) fn wants_json(&self) -> bool {
        let common = match self {
            Self::Create(args) => &args.common,
            Self::Ls(args) => &args.common,
            Self::Get(args) => &args.common,
            Self::Edit(args) => &args.common,
            Self::Pause(args) => &args.common,
            Self::Resume(args) => &args.common,
            Self::Run(args) => &args.common,
            Self::Rm(args) => &args.common,
            Self::Preview(args) => &args.common,
            Self::History(args) => &args.common,
            Self::Runs(args) => &args.common,
            Self::Approve(args) | Self::Deny(args) => &args.common,
            Self::Backfill(args) => &args.common,
            Self::Watch(args) => &args.common,
            Self::Templates(args) => &args.common,
        };
        common.json
    }
}

pub(super) async fn execute(command: RoutineCommand) -> Result<ExitCode, Failure> {
    match command {
        RoutineCommand::Create(args) => write::create(*args).await,
        RoutineCommand::Ls(args) => look::ls(args).await,
        RoutineCommand::Get(args) => look::get(args).await,
        RoutineCommand::Edit(args) => write::edit(*args).await,
        RoutineCommand::Pause(args) => write::pause(args).await,
        RoutineCommand::Resume(args) => write::resume(args).await,
        RoutineCommand::Run(args) => steps::run(args).await,
        RoutineCommand::Rm(args) => write::rm(args).await,
        RoutineCommand::Preview(args) => preview::execute(args).await,
        RoutineCommand::History(args) => look::history(args).await,
        RoutineCommand::Runs(args) => runs::execute(args).await,
        RoutineCommand::Approve(args) => steps::answer("approve", args).await,
        RoutineCommand::Deny(args) => steps::answer("deny", args).await,
        RoutineCommand::Backfill(args) => steps::backfill(args).await,
        RoutineCommand::Watch(args) => watch::execute(args).await,
        RoutineCommand::Templates(args) => look::templates(args).await,
    }
}
