//! `sluice workspace`: which components decide in a workspace.

mod given;
mod change;
mod look;
mod canary;
mod shadow;

pub(super) use change::{Role, bind_one};

use std::process::ExitCode;

use clap::Subcommand;

use super::exit::Failure;

/// Which components decide in a workspace
#[derive(Debug, Subcommand)]
pub(super) enum WorkspaceCommand {
    Show(look::ShowArgs),
    History(look::HistoryArgs),
    Bind(change::BindArgs),
    Rollback(change::RollbackArgs),
    #[command(subcommand)]
    Canary(canary::CanaryCommand),
    #[command(subcommand)]
    Shadow(shadow::ShadowCommand),
}

impl WorkspaceCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Show(args) => args.common.json,
            Self::History(args) => args.common.json,
            Self::Bind(args) => args.common.json,
            Self::Rollback(args) => args.common.json,
            Self::Canary(command) => command.wants_json(),
            Self::Shadow(command) => command.wants_json(),
        }
    }
}

pub(super) async fn execute(command: WorkspaceCommand) -> Result<ExitCode, Failure> {
    match command {
        WorkspaceCommand::Show(args) => look::show(&args).await,
        WorkspaceCommand::History(args) => look::history(&args).await,
        WorkspaceCommand::Bind(args) => change::bind(&args).await,
        WorkspaceCommand::Rollback(args) => change::roll_back(&args).await,
        WorkspaceCommand::Canary(command) => command.execute().await,
        WorkspaceCommand::Shadow(command) => command.execute().await,
    }
}
