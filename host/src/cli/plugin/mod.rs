//! `sluice plugin`: the registry of components, and components as files.
//!
//! [`inspect`], [`sign`] look at files without any host; [`registry`] and [`check`] speak to one.

mod check;
mod inspect;
mod registry;
mod sign;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use super::exit::Failure;

/// Install plugins, look at them, try them, sign them
#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    Inspect(inspect::InspectArgs),
    Push(registry::PushArgs),
    Ls(registry::ListArgs),
    Show(registry::ShowArgs),
    Rm(registry::RemoveArgs),
    Check(check::CheckArgs),
    Keygen(sign::KeygenArgs),
    Sign(sign::SignArgs),
}

impl PluginCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Inspect(args) => args.json,
            Self::Push(args) => args.common.json,
            Self::Ls(args) => args.common.json,
            Self::Show(args) => args.common.json,
            Self::Rm(args) => args.common.json,
            Self::Check(args) => args.common.json,
            Self::Keygen(args) => args.json,
            Self::Sign(args) => args.json,
        }
    }
}

pub(super) async fn execute(command: PluginCommand) -> Result<ExitCode, Failure> {
    match command {
        PluginCommand::Inspect(args) => inspect::execute(&args),
        PluginCommand::Push(args) => registry::push(&args).await,
        PluginCommand::Ls(args) => registry::list(&args).await,
        PluginCommand::Show(args) => registry::show(&args).await,
        PluginCommand::Rm(args) => registry::remove(&args).await,
        PluginCommand::Check(args) => check::check(&args).await,
        PluginCommand::Keygen(args) => sign::keygen(&args),
        PluginCommand::Sign(args) => sign::sign(&args),
    }
}

/// A component's bytes.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::bad_input(format!("{}: cannot be read: {error}", file.display())))
}
