//! `sluice lease run`: a command that runs while a lease is held, and no longer.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use clap::Args;
use rustix::process::Signal;
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind};

use sluice_api::lease::NamedLeaseView;

use super::keep::{self, Keeper};
use super::take::{Asking, Taken, Wanted};
use crate::cli::connect::{HostArgs, Keeper as TokenKeeper};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::visible;
use crate::cli::span;
use crate::cli::work::default_name;
use crate::client::{Client, ClientError};
use crate::worker::Group;

/// Run a command while holding a lease
///
/// The command finds the lease in `$SLUICE_LEASE_ID` and `$SLUICE_FENCING_TOKEN`; what it writes with
/// `sluice resource` is refused once the lease is lost. It runs in a process group of its own, which
/// is asked to end (SIGTERM) when the lease cannot be kept and killed by the time the lease ends.
/// Signals are passed on; a terminal cannot be read. The lease is given back when the command has ended;
/// the exit code is the command's, 1 when the lease was lost.
#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    #[command(flatten)]
    wanted: Wanted,
    /// How long the lease lasts from each renewal, three in that time: a second to a day
    #[arg(long, value_name = "TIME", value_parser = span::parse, default_value = "30s")]
    ttl: Duration,
    #[command(flatten)]
    host: HostArgs,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// How a command came to its end.
enum Ended {
    Exited(std::io::Result<ExitStatus>),
    Lost(String),
}

/// What is passed on to the command.
struct Signals([(unix::Signal, Signal); 4]);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self([
            (unix::signal(SignalKind::interrupt())?, Signal::INT),
            (unix::signal(SignalKind::terminate())?, Signal::TERM),
            (unix::signal(SignalKind::hangup())?, Signal::HUP),
            (unix::signal(SignalKind::quit())?, Signal::QUIT),
        ]))
    }

    async fn next(&mut self) -> Signal {
        let [interrupt, terminate, hangup, quit] = &mut self.0;
        tokio::select! {
            _ = interrupt.0.recv() => interrupt.1,
            _ = terminate.0.recv() => terminate.1,
            _ = hangup.0.recv() => hangup.1,
            _ = quit.0.recv() => quit.1,
        }
    }
}

pub(super) async fn execute(args: RunArgs) -> Result<ExitCode, Failure> {
    let Some(server) = args.host.find_server(TokenKeeper::Operator).await? else {
        return Err(Failure::bad_input(
            "no server is running for this data directory, and a lease has to be kept while the command runs; start \
             one with `sluice serve`, or name one with --server",
        ));
    };
    let client = server.client;
    let mut signals =
        Signals::listen().map_err(|error| Failure::failed(format!("signals cannot be received: {error}")))?;
    let asking = Asking::new(args.wanted, args.ttl, Some(default_name()));
    let Taken { lease, asked } = tokio::select! {
        taken = asking.until_held(&client) => taken?,
        _ = signals.next() => return Ok(Exit::Interrupted.into()),
    };
    let keeper = Keeper::begin(&client, &lease, asked).await?;
    let mut child = match spawn(&args.command, &lease) {
        Ok(child) => child,
        Err(error) => {
            let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
            eprintln!("error: `{}` cannot be started: {error}", args.command[0].display());
            give_back(&client, &lease).await?;
            return Ok(ExitCode::from(code));
        }
    };
    let group = Group::of(&child);
    let ended = until_ended(&mut child, &group, keeper, &mut signals).await;
    match ended {
        Ended::Lost(why) => {
            let _ = group.end(&mut child, keep::grace(Duration::from_millis(lease.ttl_ms))).await;
            Err(lost(&lease, &why))
        }
        Ended::Exited(status) => {
            // Whatever the command left in its group would go on without the lease.
            drop(group);
            give_back(&client, &lease).await?;
            let status =
                status.map_err(|error| Failure::failed(format!("the command cannot be waited for: {error}")))?;
            Ok(ExitCode::from(code_of(status)))
        }
    }
}

fn spawn(command: &[OsString], lease: &NamedLeaseView) -> std::io::Result<Child> {
    // Only the group in the foreground may read a terminal; a command of another one would stand still.
    let stdin = if std::io::stdin().is_terminal() { Stdio::null() } else { Stdio::inherit() };
    Command::new(&command[0])
        .args(&command[1..])
        .env("SLUICE_LEASE_ID", &lease.lease_id)
        .env("SLUICE_FENCING_TOKEN", lease.fencing_token.to_string())
        .stdin(stdin)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn until_ended(child: &mut Child, group: &Group, keeper: Keeper, signals: &mut Signals) -> Ended {
    let mut lost = std::pin::pin!(keeper.until_lost());
    loop {
        tokio::select! {
            status = child.wait() => return Ended::Exited(status),
            why = &mut lost => return Ended::Lost(why),
            signal = signals.next() => group.signal(signal),
        }
    }
}

/// Gives the lease back. A server that is away is told of, and is no failure: the lease runs out. One
/// that says that the lease was lost is: the command was not the only one all the time.
async fn give_back(client: &Client, lease: &NamedLeaseView) -> Result<(), Failure> {
    match client.release_lease(&lease.lease_id).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("LEASE_LOST") => Err(lost(lease, &error.to_string())),
        Err(error) => {
            tell_kept(lease, &error);
            Ok(())
        }
    }
}

fn tell_kept(lease: &NamedLeaseView, error: &ClientError) {
    eprintln!(
        "warning: the lease `{}` could not be given back and runs out within {}: {error}",
        visible(&lease.name),
        span::show(lease.ttl_ms)
    );
}

fn lost(lease: &NamedLeaseView, why: &str) -> Failure {
    Failure::failed(format!("the lease `{}` was lost while the command ran: {why}", visible(&lease.name)))
}

/// As shells tell it: 128 and the signal that ended a command.
fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(Exit::Failed as u8)
}
