//! `sluice workspace`: which components decide in a workspace.

mod change;
mod look;

pub(super) use change::{Role, bind_one};

use std::process::ExitCode;

use clap::Subcommand;

use super::connect::{Access, Connection, HostArgs};
use super::exit::Failure;

/// Which components decide in a workspace
#[derive(Debug, Subcommand)]
pub(super) enum WorkspaceCommand {
    Show(look::ShowArgs),
    History(look::HistoryArgs),
    Bind(change::BindArgs),
    Rollback(change::RollbackArgs),
}

/// What every one of these takes.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// The workspace
    #[arg(long, value_name = "NAME", default_value = "local")]
    workspace: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    host: HostArgs,
}

impl Common {
    async fn connect(&self, access: Access) -> Result<Connection, Failure> {
        self.host.connect(access).await
    }
}

impl WorkspaceCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Show(args) => args.common.json,
            Self::History(args) => args.common.json,
            Self::Bind(args) => args.common.json,
            Self::Rollback(args) => args.common.json,
        }
    }
}

pub(super) async fn execute(command: WorkspaceCommand) -> Result<ExitCode, Failure> {
    match command {
        WorkspaceCommand::Show(args) => look::show(&args).await,
        WorkspaceCommand::History(args) => look::history(&args).await,
        WorkspaceCommand::Bind(args) => change::bind(&args).await,
        WorkspaceCommand::Rollback(args) => change::roll_back(&args).await,
    }
}
