//! The worker: carries out runs as processes of this machine, whoever coordinates them.
//!
//! It owns the processes, their scratch directories, their time-outs and what they leave; it
//! decides nothing about missions. [`port`] is what it needs of a coordinator, [`local`] the engine
//! of this process as one. [`beats`] keeps leases, [`exec`] is one process from start to end with
//! its [`output`], [`scratch`] its directory, [`collect`] takes what it left, [`orphans`] ends what
//! a killed worker left running, and [`home`] is where a worker that is no host keeps all that.

pub mod port;
mod local;
mod beats;
mod group;
mod exec;
mod output;
mod scratch;
mod collect;
mod orphans;
mod home;
mod action;

pub use action::{ActionError, check as check_action};
pub use group::Group;
pub use home::WorkerHome;
pub use local::LocalCoordinator;
pub use orphans::end_orphans;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use sluice_api::run::{ExecAction, RunView};
use sluice_api::work::FinishStatusName;

use beats::Beats;
use collect::{Collect, CollectError};
use port::{Coordinator, Held, PortError, Report};

/// Pause after a failure that may pass.
const RETRY: Duration = Duration::from_millis(200);
/// Longest pause after many of them.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// How a worker carries runs out.
#[derive(Debug, Clone)]
pub enum Method {
    /// As the run's own action says.
    OwnAction,
    /// By one command line for every run, given to `sh -c`.
    Command {
        /// The command line.
        line: String,
        /// Where it runs.
        directory: PathBuf,
        /// Time each run may take.
        time_out: Duration,
        /// Whether a run that brings its own `action.exec` is carried out by that instead.
        prefers_own_action: bool,
    },
}

/// How a worker works.
#[derive(Clone)]
pub struct WorkerOptions {
    /// Runs carried out at once.
    pub slots: usize,
    /// Directory for scratch directories, one a run.
    pub scratch_root: PathBuf,
    /// How.
    pub method: Method,
    /// Whether it ends once a claim came back empty while nothing was being done.
    pub ends_when_idle: bool,
    /// Is told what happens, for whoever watches.
    pub notice: Option<Watcher>,
}

/// Takes what a worker tells of itself. Called from its tasks: it must not block.
pub type Watcher = Arc<dyn Fn(Notice<'_>) + Send + Sync>;

/// What whoever watches a worker is told.
#[derive(Debug, Clone, Copy)]
pub enum Notice<'n> {
    /// A run was claimed.
    Claimed(&'n RunView),
    /// It ended, and its coordinator knows.
    Finished(&'n RunView, &'n Report),
    /// It went on without this worker, or its end was not taken.
    Lost(&'n RunView, &'n str),
    /// Its coordinator cannot be reached just now.
    Away(&'n str),
}

/// A working worker. Dropping it kills its processes; their runs go back to the queue when the
/// leases end, or when a host that worked itself starts again.
pub struct Worker {
    claims: JoinHandle<Result<(), PortError>>,
}

impl Worker {
    /// Starts claiming.
    pub fn start<C: Coordinator>(coordinator: C, options: WorkerOptions) -> Self {
        Self { claims: tokio::spawn(claim_loop(Arc::new(coordinator), Arc::new(options))) }
    }

    /// Waits until it ends by itself: idle when it is to end then, or refused.
    ///
    /// # Errors
    /// Why its coordinator gives it no runs.
    ///
    /// *Cancellation*: safe; it goes on working.
    pub async fn ended(&mut self) -> Result<(), PortError> {
        match (&mut self.claims).await {
            Ok(ended) => ended,
            Err(error) => Err(PortError::Refused(format!("the worker came to a sudden end: {error}"))),
        }
    }

    /// Stops claiming and kills what runs.
    pub async fn stop(mut self) {
        self.claims.abort();
        let _ = (&mut self.claims).await;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.claims.abort();
    }
}

async fn claim_loop<C: Coordinator>(coordinator: Arc<C>, options: Arc<WorkerOptions>) -> Result<(), PortError> {
    let beats = Arc::new(Beats::start(Arc::clone(&coordinator)));
    let mut runs: JoinSet<()> = JoinSet::new();
    // A claim that was begun is waited for: one dropped half-way may have taken runs.
    let mut claiming = None;
    let mut pause = RETRY;
    loop {
        let free = options.slots - runs.len();
        if claiming.is_none() && free > 0 {
            let coordinator = Arc::clone(&coordinator);
            claiming = Some(Box::pin(async move { coordinator.claim(free).await }));
        }
        let claimed = tokio::select! {
            claimed = async { match &mut claiming { Some(claim) => claim.await, None => std::future::pending().await } } => claimed,
            Some(_) = runs.join_next() => continue,
        };
        claiming = None;
        match claimed {
            Ok(held) => {
                pause = RETRY;
                if held.is_empty() && runs.is_empty() && options.ends_when_idle {
                    return Ok(());
                }
                for held in held {
                    options.tell(Notice::Claimed(&held.run));
                    runs.spawn(carry_out(Arc::clone(&coordinator), Arc::clone(&beats), held, Arc::clone(&options)));
                }
            }
            Err(error) if error.is_passing() => {
                if pause == RETRY {
                    options.tell(Notice::Away(&error.to_string()));
                }
                tracing::debug!(%error, "failed to claim runs; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_MAX);
            }
            Err(error) => {
                // What was claimed before is still this worker's to end.
                while runs.join_next().await.is_some() {}
                return Err(error);
            }
        }
    }
}

impl WorkerOptions {
    fn tell(&self, notice: Notice<'_>) {
        if let Some(tell) = &self.notice {
            tell(notice);
        }
    }
}

/// One run from claim to finish.
async fn carry_out<C: Coordinator>(
    coordinator: Arc<C>,
    beats: Arc<Beats<C>>,
    held: Held<C>,
    options: Arc<WorkerOptions>,
) {
    let mut lease = beats.keep(&held);
    let run_id = held.run.id.as_str();
    let mut report = match attempt(&coordinator, &held, &options, &mut lease).await {
        Ok(Some(report)) => report,
        Ok(None) => {
            options.tell(Notice::Lost(&held.run, "its lease was lost"));
            scratch::remove(&options.scratch_root, run_id);
            return;
        }
        Err(error) => {
            tracing::warn!(%run_id, %error, "failed to carry out a run");
            failed(format!("the worker failed: {error}"))
        }
    };
    let mut was_refused = false;
    loop {
        match coordinator.finish(&held, &report).await {
            Ok(()) => {
                options.tell(Notice::Finished(&held.run, &report));
                break;
            }
            Err(error) if error.is_passing() => tokio::time::sleep(RETRY).await,
            // An answer that will never be taken would only be worked out again.
            Err(PortError::Refused(message)) if !was_refused => {
                was_refused = true;
                report = failed(format!("the result was refused: {message}"));
            }
            Err(error) => {
                tracing::info!(%run_id, %error, "the end of a run was not taken");
                options.tell(Notice::Lost(&held.run, &error.to_string()));
                break;
            }
        }
    }
    scratch::remove(&options.scratch_root, run_id);
}

/// How one run is carried out.
struct Plan {
    action: ExecAction,
    base: PathBuf,
    collect: Collect,
    /// Whether the process's last line is its summary.
    sums_up: bool,
}

/// The plan for a run, or why there is none.
async fn plan<C: Coordinator>(
    coordinator: &C,
    held: &Held<C>,
    method: &Method,
) -> Result<Result<Plan, String>, PortError> {
    let brings_own = held.run.action.as_ref().is_some_and(|action| action.get("exec").is_some());
    if let Method::Command { line, directory, time_out, prefers_own_action } = method
        && !(*prefers_own_action && brings_own)
    {
        let action = ExecAction {
            argv: vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
            env: std::collections::BTreeMap::new(),
            cwd: None,
            timeout_ms: u64::try_from(time_out.as_millis()).unwrap_or(u64::MAX),
            artifacts: Vec::new(),
        };
        return Ok(Ok(Plan { action, base: directory.clone(), collect: Collect::All, sums_up: true }));
    }
    let base = coordinator.base(held).await?;
    Ok(match action::of(&held.run, &base) {
        Ok(action) => {
            let collect = Collect::Listed(action.artifacts.clone());
            Ok(Plan { action, base, collect, sums_up: false })
        }
        Err(error) => Err(error.to_string()),
    })
}

/// The report, or `None` when the run was lost to somebody else.
async fn attempt<C: Coordinator>(
    coordinator: &Arc<C>,
    held: &Held<C>,
    options: &WorkerOptions,
    lease: &mut beats::Kept<C>,
) -> Result<Option<Report>, PortError> {
    let plan = match plan(&**coordinator, held, &options.method).await? {
        Ok(plan) => plan,
        Err(message) => return Ok(Some(failed(message))),
    };
    let scratch = match scratch::Scratch::create(&**coordinator, held, &options.scratch_root).await {
        Ok(scratch) => scratch,
        Err(error) => return Ok(Some(failed(format!("could not prepare the run's directory: {error}")))),
    };
    let process = exec::Process { action: &plan.action, base: &plan.base, scratch: &scratch };
    let exited = match exec::run(coordinator, held, &process, lease).await {
        exec::Ended::Exited(exited) => exited,
        exec::Ended::Lost => return Ok(None),
    };
    let summary = if plan.sums_up { summed_up(&exited) } else { exited.summary };
    let mut report = Report {
        status: exited.status,
        summary: Some(summary),
        output: Some(exited.said.output),
        artifacts: Vec::new(),
    };
    match collect::collect(coordinator, held, &scratch, &plan.collect).await {
        Ok(artifacts) => report.artifacts = artifacts,
        Err(CollectError::Port(error)) => return Err(error),
        // What is missing after a failure is not news; after a success it makes it one.
        Err(CollectError::Wrong(message)) if report.status == FinishStatusName::Succeeded => {
            report.status = FinishStatusName::Failed;
            report.summary = Some(message);
        }
        Err(CollectError::Wrong(_)) => {}
    }
    Ok(Some(report))
}

/// What a process that succeeded said last; how one that failed ended, and what it said last.
fn summed_up(exited: &exec::Exited) -> String {
    match (&exited.said.last_line, exited.status) {
        (Some(line), FinishStatusName::Succeeded) => line.clone(),
        (Some(line), FinishStatusName::Failed) if exited.is_its_own => format!("{}: {line}", exited.summary),
        _ => exited.summary.clone(),
    }
}

/// The directory a file lies in.
pub fn directory_of(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

fn failed(summary: String) -> Report {
    Report { status: FinishStatusName::Failed, summary: Some(summary), output: None, artifacts: Vec::new() }
}
