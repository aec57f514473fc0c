//! `sluice work`: a worker for whoever serves, with any command line as the one that does the work.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use sluice_api::work::FinishStatusName;

use super::connect::{HostArgs, Keeper};
use super::exit::{Exit, Failure};
use super::output::{self, visible};
use crate::client::{RemoteCoordinator, RemoteOptions};
use crate::data_dir;
use crate::worker::{Method, Notice, Worker, WorkerHome, WorkerOptions};

/// Shortest and longest lease, in milliseconds, as the API takes them.
const LEASE_MS: std::ops::RangeInclusive<u64> = 5_000..=600_000;
/// Longest wait of one claim, in milliseconds, as the API takes it.
const WAIT_MAX_MS: u64 = 60_000;
/// Longest time of one run, in milliseconds: a day.
const TIMEOUT_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// Claim runs from a server and carry them out
///
/// CMD is given the run as JSON on standard input and in the file `$SLUICE_RUN`; what it prints is
/// told to watchers, what it leaves in `$SLUICE_ARTIFACTS` is kept, its exit code ends the run and
/// its last line sums it up. `sluice prime` tells an agent the rest.
#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    /// The command line that does the work, given to `sh -c`
    #[arg(long, value_name = "CMD", required_unless_present = "allow_exec_actions")]
    exec: Option<String>,
    /// An agent to work as, besides for everybody; may stand several times
    #[arg(long = "agent", value_name = "NAME")]
    agents: Vec<String>,
    /// Something this worker can do; may stand several times (default: everything)
    #[arg(long = "skill", value_name = "NAME")]
    skills: Vec<String>,
    /// Only runs of this mission
    #[arg(long, value_name = "ID")]
    mission: Option<String>,
    /// Runs carried out at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), default_value_t = 1)]
    jobs: u16,
    /// Milliseconds a run stays this worker's without a sign of life
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(LEASE_MS), default_value_t = 30_000)]
    lease_ms: u64,
    /// Milliseconds a run may take
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=TIMEOUT_MAX_MS), default_value_t = TIMEOUT_MAX_MS)]
    timeout_ms: u64,
    /// End when no run came within --wait-ms while none was carried out
    #[arg(long)]
    once: bool,
    /// Milliseconds to wait for a run before asking again
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=WAIT_MAX_MS), default_value_t = 20_000)]
    wait_ms: u64,
    /// This worker's name, as events show it (default: made of the machine and the process)
    #[arg(long, value_name = "WORKER")]
    name: Option<String>,
    /// Carry out a run's own `action.exec` where it has one, instead of CMD. Whoever may make
    /// missions then chooses the programs that run here
    #[arg(long)]
    allow_exec_actions: bool,
    /// Directory for the runs' files (default: in the user's cache)
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Print one JSON document for each thing that happens
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) async fn execute(args: WorkArgs) -> Result<ExitCode, Failure> {
    let Some(server) = args.host.find_server(Keeper::Agent).await? else {
        return Err(Failure::bad_input(
            "no server is running for this data directory; start one with `sluice serve`, or name one with --server \
             (`sluice run FILE` needs neither)",
        ));
    };
    let directory = std::env::current_dir()
        .map_err(|error| Failure::bad_input(format!("the working directory cannot be used: {error}")))?;
    let home = home(args.scratch.clone())?;
    let remote = RemoteOptions {
        worker: args.name.clone().unwrap_or_else(default_name),
        agents: args.agents.clone(),
        skills: (!args.skills.is_empty()).then(|| args.skills.clone()),
        mission_id: args.mission.clone(),
        wait: Duration::from_millis(args.wait_ms),
        lease_ms: args.lease_ms,
        server: server.address.to_string(),
        directory: directory.clone(),
    };
    let name = remote.worker.clone();
    let as_json = args.json;
    let options = WorkerOptions {
        slots: usize::from(args.jobs),
        scratch_root: home.runs(),
        method: method(&args, directory),
        ends_when_idle: args.once,
        notice: Some(Arc::new(move |notice| tell(notice, as_json))),
    };
    if !as_json {
        output::print(&format!("{} works for {}", visible(&name), server.address))?;
    }
    let mut worker = Worker::start(RemoteCoordinator::new(&server.client, remote), options);
    tokio::select! {
        ended = worker.ended() => {
            ended.map_err(|error| Failure::failed(format!("the server gives this worker no runs: {error}")))?;
            Ok(Exit::Succeeded.into())
        }
        () = super::interrupted() => {
            // Nothing is finished: what was begun goes back to the queue when its lease ends.
            worker.stop().await;
            Ok(Exit::Interrupted.into())
        }
    }
}

fn method(args: &WorkArgs, directory: PathBuf) -> Method {
    match &args.exec {
        None => Method::OwnAction,
        Some(line) => Method::Command {
            line: line.clone(),
            directory,
            time_out: Duration::from_millis(args.timeout_ms),
            prefers_own_action: args.allow_exec_actions,
        },
    }
}

fn home(given: Option<PathBuf>) -> Result<WorkerHome, Failure> {
    let parent = given.or_else(data_dir::work_directory);
    let parent = parent
        .ok_or_else(|| Failure::bad_input("this platform names no cache directory; choose one with --scratch DIR"))?;
    WorkerHome::take(&parent).map_err(|error| {
        Failure::bad_input(format!(
            "`{}` cannot be used for the runs' files: {error}; choose another with --scratch",
            parent.display()
        ))
    })
}

/// What this process is called when nobody named it.
pub(super) fn default_name() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = machine.trim();
    let machine: String = if machine.is_empty() { "worker".to_owned() } else { machine.chars().take(64).collect() };
    format!("{machine}-{}", std::process::id())
}

/// A reader that went away is no reason to stop working.
fn tell(notice: Notice<'_>, as_json: bool) {
    if as_json {
        let _ = output::json_line(&match notice {
            Notice::Claimed(run) => json!({
                "event": "claimed", "run_id": run.id, "mission_id": run.mission_id,
                "work_item_id": run.work_item_id, "attempt": run.attempt,
            }),
            Notice::Finished(run, report) => json!({
                "event": "finished", "run_id": run.id, "status": report.status,
                "summary": report.summary, "artifacts": report.artifacts.len(),
            }),
            Notice::Lost(run, why) => json!({"event": "lost", "run_id": run.id, "reason": why}),
            Notice::Away(why) => json!({"event": "away", "reason": why}),
        });
        return;
    }
    let text = match notice {
        Notice::Claimed(run) => {
            let item = run.work_item_id.as_deref().unwrap_or("planner");
            format!("{}  {item} (attempt {}) of {}", run.id, run.attempt, run.mission_id)
        }
        Notice::Finished(run, report) => {
            let status = match report.status {
                FinishStatusName::Succeeded => "succeeded",
                FinishStatusName::Failed => "failed",
                FinishStatusName::Canceled => "canceled",
            };
            format!("{}  {status}: {}", run.id, report.summary.as_deref().unwrap_or_default())
        }
        Notice::Lost(run, why) => format!("{}  lost: {why}", run.id),
        Notice::Away(why) => format!("waiting for the server: {why}"),
    };
    let _ = output::print(&visible(&text));
}
