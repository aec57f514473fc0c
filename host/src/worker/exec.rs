//! One process from start to end: its group, its time, and whether its run is still its worker's.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use sluice_api::run::{ExecAction, RunView};
use sluice_api::work::FinishStatusName;

use super::action::working_directory;
use super::beats::{Hold, Kept};
use super::group::Group;
use super::output::{self, LINES_PER_BATCH};
use super::port::{Coordinator, Held};
use super::scratch::Scratch;

/// Time between asking a process group to end and killing it.
const GRACE: Duration = Duration::from_secs(2);

/// How a process came to its end.
pub(super) enum Ended {
    /// It exited, or was killed for its time or by request.
    Exited(Exited),
    /// The run went on without this worker; the process was killed.
    Lost,
}

/// A process that is no more.
pub(super) struct Exited {
    pub(super) status: FinishStatusName,
    /// How it ended, for people.
    pub(super) summary: String,
    /// Whether it ended by itself, so that its own last line says more about it.
    pub(super) is_its_own: bool,
    /// What it said.
    pub(super) said: output::Kept,
}

/// What is to be carried out, and where.
pub(super) struct Process<'a> {
    /// Program, arguments, time.
    pub(super) action: &'a ExecAction,
    /// Where relative paths begin.
    pub(super) base: &'a Path,
    /// The run's directory.
    pub(super) scratch: &'a Scratch,
}

/// Why a process is stopped.
enum Stop {
    TimeOut,
    Canceled,
    Lost,
}

/// Carries a process out.
pub(super) async fn run<C: Coordinator>(
    coordinator: &Arc<C>,
    held: &Held<C>,
    process: &Process<'_>,
    lease: &mut Kept<C>,
) -> Ended {
    let action = process.action;
    let mut child = match spawn(&held.run, process, coordinator.environment(held)) {
        Ok(child) => child,
        Err(error) => {
            let summary = format!("could not start `{}`: {error}", action.argv[0]);
            let said = output::Kept::default();
            return Ended::Exited(Exited { status: FinishStatusName::Failed, summary, is_its_own: false, said });
        }
    };
    let group = Group::of(&child);
    feed(&mut child, process.scratch.run_json.clone());
    if let Err(error) = coordinator.started(held).await {
        tracing::debug!(run_id = %held.run.id, %error, "the start of a run was not told");
    }
    let (lines, told) = mpsc::channel(LINES_PER_BATCH);
    let readers = [
        child.stdout.take().map(|out| tokio::spawn(output::read_lines(out, "stdout", lines.clone()))),
        child.stderr.take().map(|err| tokio::spawn(output::read_lines(err, "stderr", lines.clone()))),
    ];
    drop(lines);
    let teller = tokio::spawn(output::tell(Arc::clone(coordinator), held.clone(), told));

    let waited = tokio::select! {
        exited = child.wait() => Ok(exited),
        stop = until_stopped(lease, Duration::from_millis(action.timeout_ms)) => Err(stop),
    };
    let (status, stop) = match waited {
        Ok(exited) => (exited, None),
        Err(stop) => (group.end(&mut child, GRACE).await, Some(stop)),
    };
    // Whatever it left behind in its group would hold its output open, and is over with it.
    drop(group);
    if matches!(stop, Some(Stop::Lost)) {
        teller.abort();
        return Ended::Lost;
    }
    for reader in readers.into_iter().flatten() {
        let _ = reader.await;
    }
    let said = teller.await.unwrap_or_default();
    let is_its_own = stop.is_none();
    let (status, summary) = match (stop, status) {
        (Some(Stop::Canceled | Stop::Lost), _) => (FinishStatusName::Canceled, "stopped by request".to_owned()),
        (Some(Stop::TimeOut), _) => {
            (FinishStatusName::Failed, format!("killed after its time-out of {} ms", action.timeout_ms))
        }
        (None, Ok(exit)) if exit.success() => (FinishStatusName::Succeeded, "exited with 0".to_owned()),
        (None, Ok(exit)) => (FinishStatusName::Failed, describe(exit)),
        (None, Err(error)) => (FinishStatusName::Failed, format!("could not be waited for: {error}")),
    };
    Ended::Exited(Exited { status, summary, is_its_own, said })
}

fn describe(exit: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (exit.code(), exit.signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

fn spawn(
    run: &RunView,
    process: &Process<'_>,
    environment: Vec<(&'static str, Option<String>)>,
) -> std::io::Result<Child> {
    let (action, root) = (process.action, &process.scratch.root);
    let mut command = Command::new(&action.argv[0]);
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .args(&action.argv[1..])
        .envs(&action.env)
        .current_dir(working_directory(action, process.base))
        .env("SLUICE_RUN_ID", &run.id)
        .env("SLUICE_MISSION_ID", &run.mission_id)
        .env("SLUICE_WORK_ITEM_ID", run.work_item_id.as_deref().unwrap_or_default())
        .env("SLUICE_ATTEMPT", run.attempt.to_string())
        .env("SLUICE_RUN", root.join("run.json"))
        .env("SLUICE_ARTIFACTS", root.join("artifacts"))
        .env("SLUICE_INPUTS", root.join("inputs"))
        .env("SLUICE_SCRATCH", root.join("work"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command.spawn()
}

/// Gives the process its run; one that does not read is none the worse for it.
fn feed(child: &mut Child, run_json: Vec<u8>) {
    if let Some(mut stdin) = child.stdin.take() {
        tokio::spawn(async move {
            let _ = stdin.write_all(&run_json).await;
        });
    }
}

/// Returns when the process has to be stopped.
async fn until_stopped<C: Coordinator>(lease: &mut Kept<C>, time_out: Duration) -> Stop {
    match tokio::time::timeout(time_out, lease.ended()).await {
        Ok(Hold::Canceled) => Stop::Canceled,
        Ok(Hold::Lost | Hold::Kept(_)) => Stop::Lost,
        Err(_) => Stop::TimeOut,
    }
}
