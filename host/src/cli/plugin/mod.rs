//! `sluice plugin`: the registry of components, and components as files.
//!
//! [`inspect`], [`sign`] look at files without any host; [`registry`] and [`check`] speak to one. What authors need
//! is the rest: [`new`], [`build`], [`test`], [`run`], [`bench`] and [`diff`] need no host either, [`watch`] speaks
//! to one.

mod check;
mod given;
mod new;
mod build;
mod test;
mod run;
mod bench;
mod diff;
mod watch;
mod inspect;
mod registry;
mod sign;

pub(super) use check::told;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use super::exit::Failure;

/// Write plugins, install them, look at them, try them, sign them
#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    New(new::NewArgs),
    Build(build::BuildArgs),
    Test(test::TestArgs),
    Run(run::RunArgs),
    Bench(bench::BenchArgs),
    Diff(diff::DiffArgs),
    Watch(watch::WatchArgs),
    Inspect(inspect::InspectArgs),
    Push(registry::PushArgs),
    Pull(registry::PullArgs),
    #[command(alias = "list")]
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
            Self::New(args) => args.json,
            Self::Build(args) => args.json,
            Self::Test(args) => args.json,
            Self::Run(args) => args.json,
            Self::Bench(args) => args.json,
            Self::Diff(args) => args.json,
            Self::Watch(args) => args.json,
            Self::Inspect(args) => args.json,
            Self::Push(args) => args.common.json,
            Self::Pull(args) => args.json,
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
        PluginCommand::New(args) => new::execute(&args),
        PluginCommand::Build(args) => build::execute(&args),
        PluginCommand::Test(args) => test::execute(&args),
        PluginCommand::Run(args) => run::execute(&args),
        PluginCommand::Bench(args) => bench::execute(&args),
        PluginCommand::Diff(args) => diff::execute(&args),
        PluginCommand::Watch(args) => watch::execute(&args).await,
        PluginCommand::Inspect(args) => inspect::execute(&args),
        PluginCommand::Push(args) => registry::push(&args).await,
        PluginCommand::Pull(args) => registry::pull(&args),
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
