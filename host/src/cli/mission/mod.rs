//! `sluice mission`: make missions, look at them, tell them something.

mod create;
mod look;
mod tell;
mod replay;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::connect::{Access, Connection, HostArgs};
use super::exit::Failure;
use super::watch;
use crate::client::From;
use crate::domain::mission::MissionStatus;

/// Make missions, look at them, tell them something
#[derive(Debug, Subcommand)]
pub(super) enum MissionCommand {
    /// Make a mission from a file
    Create(create::CreateArgs),
    /// The missions there are, newest first
    #[command(alias = "ls")]
    List {
        /// Only missions with this status
        #[arg(long, value_name = "STATUS")]
        status: Option<MissionStatus>,
        /// Most missions shown
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        common: Common,
    },
    /// One mission: its work items, verdicts and artifacts
    Show {
        /// The mission's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// Watch a mission until it has ended; the exit code says how
    Watch {
        /// The mission's id
        id: String,
        /// Begin with the newest so many events
        #[arg(long, value_name = "N", default_value_t = 0)]
        tail: u32,
        #[command(flatten)]
        common: Common,
    },
    /// What one mission was told, and what its reducer made of it
    History {
        /// The mission's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// Tell a mission that something happened
    Event(tell::EventArgs),
    /// Start a mission that was made without --start
    Start {
        #[command(flatten)]
        told: tell::Told,
    },
    /// Have nothing new start until it is resumed
    Pause {
        #[command(flatten)]
        told: tell::Told,
    },
    /// Go on with what was paused
    Resume {
        #[command(flatten)]
        told: tell::Told,
    },
    /// Call a mission off for good
    Cancel {
        #[command(flatten)]
        told: tell::Told,
    },
    /// Run a mission's history through a reducer and show what it would have decided differently
    Replay {
        /// The mission's id
        id: String,
        /// A reducer to ask instead of the mission's own: a component's file, or of a server the
        /// name or digest of one it has
        #[arg(long, value_name = "FILE.wasm|DIGEST")]
        reducer: Option<PathBuf>,
        /// Settings for that reducer, as a JSON object (default: the mission's)
        #[arg(long, value_name = "JSON", requires = "reducer")]
        settings: Option<String>,
        #[command(flatten)]
        common: Common,
    },
}

/// What every one of these takes.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) host: HostArgs,
}

impl Common {
    async fn connect(&self, access: Access) -> Result<Connection, Failure> {
        self.host.connect(access).await
    }
}

impl MissionCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Create(args) => args.common.json,
            Self::Event(args) => args.common.json,
            Self::List { common, .. }
            | Self::Show { common, .. }
            | Self::Watch { common, .. }
            | Self::History { common, .. }
            | Self::Replay { common, .. } => common.json,
            Self::Start { told } | Self::Pause { told } | Self::Resume { told } | Self::Cancel { told } => {
                told.common.json
            }
        }
    }
}

pub(super) async fn execute(command: MissionCommand) -> Result<ExitCode, Failure> {
    match command {
        MissionCommand::Create(args) => create::execute(args).await,
        MissionCommand::List { status, limit, common } => look::list(status, limit, &common).await,
        MissionCommand::Show { id, common } => look::show(&id, &common).await,
        MissionCommand::Watch { id, tail, common } => {
            let connection = common.connect(Access::Read).await?;
            let from = if tail == 0 { From::Now } else { From::Tail(tail) };
            Ok(watch::until_ended(&connection.client, &id, from, common.json).await?.into())
        }
        MissionCommand::History { id, common } => look::history(&id, &common).await,
        MissionCommand::Event(args) => tell::event(args).await,
        MissionCommand::Start { told } => tell::tell(told, "mission_started").await,
        MissionCommand::Pause { told } => tell::tell(told, "mission_paused").await,
        MissionCommand::Resume { told } => tell::tell(told, "mission_resumed").await,
        MissionCommand::Cancel { told } => tell::tell(told, "mission_canceled").await,
        MissionCommand::Replay { id, reducer, settings, common } => {
            replay::execute(&id, reducer, settings.as_deref(), &common).await
        }
    }
}
