//! The command line. One file per command; each parses nothing and decides nothing the engine
//! could decide: it turns arguments into use cases and answers into text or JSON.

mod exit;
mod output;
mod table;
mod tell;
mod span;
mod moment;
mod mission_file;
mod suggest;
mod connect;
mod embedded;
mod run;
mod serve;
mod display;
mod progress;
mod watch;
mod report;
mod mission;
mod runs;
mod events;
mod approval;
mod token;
mod resource;
mod memory;
mod lease;
mod routine;
mod work;
mod prime;
mod plugin;
mod workspace;
mod webhook;
mod compile;
mod policy;
mod verify;
mod doctor;
mod config;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::app::Place;
use crate::telemetry;
use exit::{Exit, Failure};

/// Keeps the durable truth of agent work and enforces policy on it.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, about, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a mission from a file to its end, in this process
    Run(run::RunArgs),
    /// Serve the API
    #[command(after_help = "Every setting can also stand in sluice.toml or in a variable SLUICE_NAME; \
                            `sluice config explain` lists them, with the values in force.")]
    Serve(crate::config::ServeFlags),
    /// Make missions, look at them, tell them something
    #[command(subcommand)]
    Mission(mission::MissionCommand),
    /// Look at runs
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    /// Show what happened; with --follow also what happens
    Events(events::EventsArgs),
    /// Answer questions that wait for a person
    #[command(subcommand)]
    Approval(approval::ApprovalCommand),
    /// Issue tokens, look at them, end them
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Read, write and watch what agents and people share
    #[command(subcommand)]
    Resource(resource::ResourceCommand),
    /// Remember, find, promote and take back what agents and people learn
    #[command(subcommand)]
    Memory(memory::MemoryCommand),
    /// Be the only one: take names that one holder at a time has
    #[command(subcommand)]
    Lease(lease::LeaseCommand),
    /// Have work start by a schedule, and see what came of it
    #[command(subcommand)]
    Routine(routine::RoutineCommand),
    Work(Box<work::WorkArgs>),
    /// Print what an agent needs to know to work on a run
    Prime(prime::PrimeArgs),
    Verify(verify::VerifyArgs),
    /// Say who may do what, and ask why
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Write plugins, install them, look at them, try them, sign them
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    /// Say which components decide in a workspace, and take it back
    #[command(subcommand)]
    Workspace(workspace::WorkspaceCommand),
    /// Say where runs may post to, and see what was posted
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    #[command(name = crate::plugins::apart::COMMAND, hide = true)]
    Compile(compile::CompileArgs),
    /// Look at the settings of the server
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check that this machine has what Sluice needs
    Doctor(doctor::DoctorArgs),
    /// Print a script that completes this command's arguments in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Where state lives; shared by every command that touches it.
#[derive(Debug, Clone, Args)]
struct PlaceArgs {
    /// Directory for state (default: the platform's data directory)
    #[arg(long, value_name = "DIR", env = "SLUICE_DATA")]
    data: Option<PathBuf>,
    /// Keep state in this PostgreSQL database instead of a file below --data
    #[arg(long, value_name = "URL", env = "SLUICE_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

impl PlaceArgs {
    fn place(&self) -> Place {
        Place { data: self.data.clone(), database_url: self.database_url.clone() }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::BadInput.into() } else { ExitCode::SUCCESS };
        }
    };
    if let Command::Compile(args) = &cli.command {
        return compile::execute(args);
    }
    let wants_json = cli.command.wants_json();
    // A server's log is one of its settings.
    let has_own_log = matches!(cli.command, Command::Serve(_));
    if let Err(failure) = if has_own_log { Ok(()) } else { start_log() } {
        return failure.report(wants_json);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::failed(format!("failed to start the runtime: {error}")).report(false),
    };
    let outcome = runtime.block_on(cli.command.execute());
    // A component that still computes must not keep the process; nothing of it would be recorded.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match outcome {
        Ok(code) => code,
        Err(failure) => failure.report(wants_json),
    }
}

impl Command {
    async fn execute(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Run(args) => run::execute(args).await,
            Self::Mission(command) => mission::execute(command).await,
            Self::Serve(args) => serve::execute(args).await,
            Self::Runs(command) => runs::execute(command).await,
            Self::Events(args) => events::execute(args).await,
            Self::Approval(command) => approval::execute(command).await,
            Self::Token(command) => token::execute(command).await,
            Self::Resource(command) => resource::execute(command).await,
            Self::Memory(command) => memory::execute(command).await,
            Self::Lease(command) => lease::execute(command).await,
            Self::Routine(command) => routine::execute(command).await,
            Self::Work(args) => work::execute(*args).await,
            Self::Prime(args) => prime::execute(&args),
            Self::Policy(command) => policy::execute(command).await,
            Self::Plugin(command) => plugin::execute(command).await,
            Self::Workspace(command) => workspace::execute(command).await,
            Self::Webhook(command) => webhook::execute(command).await,
            Self::Compile(args) => Ok(compile::execute(&args)),
            Self::Config(command) => config::execute(command),
            Self::Verify(args) => verify::execute(args).await,
            Self::Doctor(args) => doctor::execute(args).await,
            Self::Completions { shell } => {
                clap_complete::generate(shell, &mut Cli::command(), "sluice", &mut std::io::stdout());
                Ok(Exit::Succeeded.into())
            }
        }
    }

    fn wants_json(&self) -> bool {
        match self {
            Self::Run(args) => args.json,
            Self::Mission(command) => command.wants_json(),
            Self::Runs(command) => command.wants_json(),
            Self::Events(args) => args.json,
            Self::Approval(command) => command.wants_json(),
            Self::Token(command) => command.wants_json(),
            Self::Resource(command) => command.wants_json(),
            Self::Memory(command) => command.wants_json(),
            Self::Lease(command) => command.wants_json(),
            Self::Routine(command) => command.wants_json(),
            Self::Work(args) => args.json,
            Self::Prime(args) => args.json,
            Self::Policy(command) => command.wants_json(),
            Self::Plugin(command) => command.wants_json(),
            Self::Workspace(command) => command.wants_json(),
            Self::Webhook(command) => command.wants_json(),
            Self::Config(command) => command.wants_json(),
            Self::Verify(args) => args.json,
            Self::Doctor(args) => args.json,
            Self::Serve(_) | Self::Completions { .. } | Self::Compile(_) => false,
        }
    }
}

/// Ctrl-C, or being told to end.
async fn interrupted() {
    let told_to_end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let Ok(mut terminate) = told_to_end else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// The log goes to standard error: warnings by default, `SLUICE_LOG=info` for more.
fn start_log() -> Result<(), Failure> {
    let mut settings = telemetry::Settings::default();
    if let Some(filter) = std::env::var("SLUICE_LOG").ok().filter(|filter| !filter.is_empty()) {
        settings.filter = filter;
    }
    // Without a collector there is nothing to finish.
    let started = telemetry::start(&settings);
    started.map(drop).map_err(|error| Failure::caused_by(Exit::BadInput, &error))
}
