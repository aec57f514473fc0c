//! The local worker: carries out `action.exec` of runs as processes of this machine.
//!
//! It is a client of the engine like any worker: it claims, keeps its leases, tells output,
//! leaves artifacts and finishes. It owns the processes and their scratch directories; it decides
//! nothing about missions. [`exec`] is one process from start to end, [`scratch`] its directory,
//! [`orphans`] what a killed host left running.

mod exec;
mod scratch;
mod orphans;
mod action;

pub use action::{ActionError, check as check_action};
pub use orphans::end_orphans;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::domain::id::{MissionId, WorkspaceId};
use crate::engine::{Claim, Engine, EngineError, FinishReport, FinishStatus, HeldRun};

/// Milliseconds a lease lasts unless renewed.
const LEASE_MS: u64 = 20_000;
/// How long one claim waits for a run before the next is made.
const CLAIM_WAIT: Duration = Duration::from_secs(30);
/// Pause after a failure that may pass.
const RETRY: Duration = Duration::from_millis(200);

/// How a local worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Whose runs.
    pub workspace_id: WorkspaceId,
    /// Only runs of this mission, when given.
    pub mission_id: Option<MissionId>,
    /// Runs carried out at once.
    pub slots: usize,
    /// Directory for scratch directories, one a run.
    pub scratch_root: PathBuf,
}

/// A local worker. Dropping it kills its processes; their runs go back to the queue when the
/// host starts again or the leases end.
pub struct LocalWorker {
    claims: JoinSet<()>,
}

impl LocalWorker {
    /// Starts claiming.
    pub fn start(engine: Engine, options: WorkerOptions) -> Self {
        let mut claims = JoinSet::new();
        claims.spawn(claim_loop(engine, Arc::new(options)));
        Self { claims }
    }

    /// Stops claiming and kills what runs.
    pub async fn stop(mut self) {
        self.claims.shutdown().await;
    }
}

async fn claim_loop(engine: Engine, options: Arc<WorkerOptions>) {
    let mut claims: JoinSet<Result<Vec<HeldRun>, EngineError>> = JoinSet::new();
    let mut runs: JoinSet<()> = JoinSet::new();
    loop {
        let free = options.slots - runs.len();
        if claims.is_empty() && free > 0 {
            // Kept while runs end: a claim that is dropped may have to give back what it got.
            let (engine, claim) = (engine.clone(), claim_of(&engine, &options, free));
            claims.spawn(async move { engine.claim(claim, CLAIM_WAIT).await });
        }
        tokio::select! {
            Some(claimed) = claims.join_next() => match claimed {
                Ok(Ok(held)) => {
                    for held in held {
                        runs.spawn(carry_out(engine.clone(), held, Arc::clone(&options)));
                    }
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "failed to claim runs; trying again");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => tracing::error!(%error, "a claim of the local worker ended badly"),
            },
            Some(_) = runs.join_next() => {}
        }
    }
}

fn claim_of(engine: &Engine, options: &WorkerOptions, max: usize) -> Claim {
    Claim {
        workspace_id: options.workspace_id.clone(),
        worker: format!("local@{}", engine.host_id()),
        principal: "agent.local".to_owned(),
        agents: vec!["local".to_owned()],
        skills: None,
        mission_id: options.mission_id.clone(),
        max,
        lease_ms: LEASE_MS,
        session_id: None,
        wants_token: false,
    }
}

/// One run from claim to finish.
async fn carry_out(engine: Engine, held: HeldRun, options: Arc<WorkerOptions>) {
    let run_id = held.run.id.clone();
    let report = match attempt(&engine, &held, &options).await {
        Ok(Some(report)) => report,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(%run_id, %error, "failed to carry out a run");
            FinishReport {
                status: FinishStatus::Failed,
                summary: Some(format!("the local worker failed: {error}")),
                output: None,
                artifacts: Vec::new(),
            }
        }
    };
    while let Err(error) = engine.finish_run(&held, report.clone()).await {
        if !error.is_retryable() {
            tracing::info!(%run_id, %error, "the end of a run was not taken");
            break;
        }
        tokio::time::sleep(RETRY).await;
    }
    scratch::remove(&options.scratch_root, &run_id);
}

/// The report, or `None` when the run was lost to somebody else.
async fn attempt(
    engine: &Engine,
    held: &HeldRun,
    options: &WorkerOptions,
) -> Result<Option<FinishReport>, EngineError> {
    let base = source_directory(engine, held).await?;
    let action = match action::of(held, &base) {
        Ok(action) => action,
        Err(error) => return Ok(Some(failed(error.to_string()))),
    };
    let scratch = match scratch::Scratch::create(engine, held, &options.scratch_root).await {
        Ok(scratch) => scratch,
        Err(error) => return Ok(Some(failed(format!("could not prepare the run's directory: {error}")))),
    };
    let ended = exec::run(engine, held, &action, &base, &scratch, Duration::from_millis(LEASE_MS)).await;
    let exited = match ended {
        exec::Ended::Exited(exited) => exited,
        exec::Ended::Lost => return Ok(None),
    };
    let mut report = FinishReport {
        status: exited.status,
        summary: Some(exited.summary),
        output: Some(exited.output),
        artifacts: Vec::new(),
    };
    match scratch.collect(engine, held, &action, LEASE_MS).await {
        Ok(artifacts) => report.artifacts = artifacts,
        Err(scratch::CollectError::Engine(error)) => return Err(error),
        // What is missing after a failure is not news; after a success it makes it one.
        Err(scratch::CollectError::Wrong(message)) if report.status == FinishStatus::Succeeded => {
            report.status = FinishStatus::Failed;
            report.summary = Some(message);
        }
        Err(scratch::CollectError::Wrong(_)) => {}
    }
    Ok(Some(report))
}

/// Where relative paths of actions begin: the directory of the mission's file, when it came from
/// one. Items that a planner proposed have no other.
async fn source_directory(engine: &Engine, held: &HeldRun) -> Result<PathBuf, EngineError> {
    let mission = engine.store().mission(&held.run.workspace_id, &held.run.mission_id).await?;
    let metadata = mission.and_then(|m| serde_json::from_str::<serde_json::Value>(m.metadata.as_str()).ok());
    let source = metadata.as_ref().and_then(|metadata| metadata.get("source")).and_then(|source| source.as_str());
    Ok(source.map_or_else(|| PathBuf::from("."), |file| directory_of(Path::new(file))))
}

/// The directory a file lies in.
pub fn directory_of(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
}

fn failed(summary: String) -> FinishReport {
    FinishReport { status: FinishStatus::Failed, summary: Some(summary), output: None, artifacts: Vec::new() }
}
