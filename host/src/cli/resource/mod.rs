//! `sluice resource`: what agents and people share, by key.
//!
//! [`given`] reads documents as they were given, [`write`] changes records, [`read`] shows them,
//! [`watch`] tells what becomes of them, [`schema`] says what values have to look like.

mod given;
mod read;
mod write;
mod watch;
mod schema;

pub(super) use given::json_file;

use std::process::ExitCode;

use clap::Subcommand;

use super::exit::Failure;
use crate::domain::resource::ResourceKey;

/// Read, write and watch what agents and people share
#[derive(Debug, Subcommand)]
pub(super) enum ResourceCommand {
    Get(read::GetArgs),
    Put(write::PutArgs),
    Patch(write::PatchArgs),
    Rm(write::RmArgs),
    Batch(write::BatchArgs),
    #[command(alias = "list")]
    Ls(read::LsArgs),
    Watch(watch::WatchArgs),
    History(read::HistoryArgs),
    /// What values have to look like
    #[command(subcommand)]
    Schema(schema::SchemaCommand),
}

impl ResourceCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Get(args) => args.common.json,
            Self::Put(args) => args.terms.common.json,
            Self::Patch(args) => args.terms.common.json,
            Self::Rm(args) => args.terms.common.json,
            Self::Batch(args) => args.common.json,
            Self::Ls(args) => args.common.json,
            Self::Watch(args) => args.common.json,
            Self::History(args) => args.common.json,
            Self::Schema(command) => command.wants_json(),
        }
    }
}

pub(super) async fn execute(command: ResourceCommand) -> Result<ExitCode, Failure> {
    match command {
        ResourceCommand::Get(args) => read::get(args).await,
        ResourceCommand::Put(args) => write::put(args).await,
        ResourceCommand::Patch(args) => write::patch(args).await,
        ResourceCommand::Rm(args) => write::rm(args).await,
        ResourceCommand::Batch(args) => write::batch(args).await,
        ResourceCommand::Ls(args) => read::ls(args).await,
        ResourceCommand::Watch(args) => watch::execute(args).await,
        ResourceCommand::History(args) => read::history(args).await,
        ResourceCommand::Schema(command) => schema::execute(command).await,
    }
}

/// A key that can stand in a path: one that cannot would lead elsewhere.
fn key(given: &str) -> Result<ResourceKey, Failure> {
    ResourceKey::parse(given).map_err(|error| Failure::bad_input(format!("KEY: `{given}` {error}")))
}
