//! What workers call: claim a run, keep it, tell what happens, leave artifacts, finish.
//!
//! Every call after the claim names the fencing token it was given; a worker whose token is no
//! longer the run's has lost it, and the commit itself refuses what it sends.

use serde_json::Value;

use sluice_api::input::RunFinished;
use sluice_api::run::{DependencyInput, ReworkInput, RunInputs};

use super::error::conflict_or_storage;
use super::told::LogWriter;
use super::{Engine, EngineError};
use crate::domain::artifact::{ARTIFACT_MAX_BYTES, ARTIFACTS_PER_RUN_MAX, Artifact};
use crate::domain::event::{Input, InputKind};
use crate::domain::gate::{Outcome, Verdict};
use crate::domain::id::{ArtifactId, EventId, MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::run::{INTERRUPTIONS_MAX_DEFAULT, Lease, Run, RunStatus};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

/// Most runs looked at to find one a worker may take.
const CLAIM_CANDIDATES: u32 = 200;
/// Longest summary of a run, in bytes; longer ones are cut.
const SUMMARY_MAX_BYTES: usize = 4 * 1024;
/// Longest output of a run, in bytes (1 MiB).
const OUTPUT_MAX_BYTES: usize = 1024 * 1024;

/// Who wants a run, and of which kind.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose runs.
    pub workspace_id: WorkspaceId,
    /// The worker, in its own words.
    pub worker: String,
    /// The principal it works for.
    pub principal: String,
    /// The agents it speaks for; runs assigned to another are not for it.
    pub agents: Vec<String>,
    /// What it can do; runs that need more are not for it. `None`: everything.
    pub skills: Option<Vec<String>>,
    /// Only runs of this mission, when given.
    pub mission_id: Option<MissionId>,
    /// How many at most.
    pub max: usize,
    /// Milliseconds until the lease ends unless renewed.
    pub lease_ms: u64,
}

/// A run somebody holds: what every further call names.
#[derive(Debug, Clone)]
pub struct HeldRun {
    /// The run as it was claimed.
    pub run: Run,
    /// The fencing token.
    pub fence: u64,
    /// What it builds on.
    pub inputs: RunInputs,
}

/// Output of a run, as one part of the event stream.
#[derive(Debug, Clone)]
pub struct OutputPart {
    /// JSON object; `type` says what: `text` with `text` and `stream`, `tool`, ...
    pub part: Value,
}

/// Something a run leaves.
#[derive(Debug, Clone)]
pub struct NewRunArtifact {
    /// What it is.
    pub kind: String,
    /// File name, without a path.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// The content.
    pub content: Vec<u8>,
}

/// How a run ended, in its worker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishStatus {
    /// It did what was asked.
    Succeeded,
    /// It did not.
    Failed,
    /// It was told to stop.
    Canceled,
}

/// A worker's last word on a run.
#[derive(Debug, Clone)]
pub struct FinishReport {
    /// How it ended.
    pub status: FinishStatus,
    /// One line; cut after 4 KiB.
    pub summary: Option<String>,
    /// The answer in full; at most 1 MiB.
    pub output: Option<String>,
    /// What it left: ids given by [`Engine::add_artifact`], in order.
    pub artifacts: Vec<ArtifactId>,
}

impl Engine {
    /// Takes up to `max` runs. Empty when there are none for this worker.
    ///
    /// # Errors
    /// Storage. Runs that another worker took first are passed over.
    pub async fn claim_runs(&self, claim: &Claim) -> Result<Vec<HeldRun>, EngineError> {
        let candidates = self.parts.store.claimable_runs(&claim.workspace_id, self.now(), CLAIM_CANDIDATES).await?;
        let mut held = Vec::new();
        for run in candidates.into_iter().filter(|run| fits(run, claim)) {
            if held.len() == claim.max {
                break;
            }
            if let Some(run) = self.claim_run(run, claim).await? {
                let inputs = self.inputs_of(&run).await?;
                held.push(HeldRun { fence: run.fence, run, inputs });
            }
        }
        Ok(held)
    }

    async fn claim_run(&self, mut run: Run, claim: &Claim) -> Result<Option<Run>, EngineError> {
        let now = self.now();
        let guard = Guard::run(&run.id, Some(run.revision));
        run.revision += 1;
        run.fence += 1;
        run.status = RunStatus::Running;
        run.started_at = run.started_at.or(Some(now));
        run.worked_by = Some(claim.principal.clone());
        run.lease = Some(Lease {
            worker: claim.worker.clone(),
            principal: claim.principal.clone(),
            host_id: self.parts.host_id.clone(),
            fence: run.fence,
            expires_at: now.plus_millis(claim.lease_ms),
        });
        let mut log = LogWriter::of_mission(self, &run.workspace_id, &run.mission_id, &claim.worker, now);
        log.run_claimed(&run, &claim.worker);
        let data = wire::json_of(&serde_json::json!({"worker": claim.worker, "attempt": run.attempt}));
        let unit = Unit {
            guards: vec![guard],
            writes: vec![
                Write::Input(self.run_input(&run, InputKind::RunClaimed, data, &claim.worker)),
                Write::Run(run.clone()),
            ],
            events: log.into_events(),
            ..Unit::default()
        };
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(Some(run)),
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    /// Renews a lease.
    ///
    /// # Errors
    /// [`EngineError::LeaseLost`] when the run has gone on without this worker. Otherwise tells
    /// whether somebody wants the run to stop.
    pub async fn renew_lease(&self, run_id: &RunId, fence: u64, lease_ms: u64) -> Result<bool, EngineError> {
        let run = self.present_run(run_id, fence).await?;
        let expires_at = self.now().plus_millis(lease_ms);
        let unit =
            Unit { writes: vec![Write::RenewLease { run_id: run_id.clone(), fence, expires_at }], ..Unit::default() };
        self.commit_held(unit, run_id).await?;
        Ok(run.cancel_requested)
    }

    /// Tells watchers that the worker has begun.
    ///
    /// # Errors
    /// [`EngineError::LeaseLost`]; storage.
    pub async fn note_started(&self, held: &HeldRun) -> Result<(), EngineError> {
        let mut log = self.log_of(&held.run);
        log.run_started(&held.run);
        let guards = vec![Guard::lease(&held.run.id, Some(held.fence))];
        self.commit_held(Unit { guards, events: log.into_events(), ..Unit::default() }, &held.run.id).await
    }

    /// Tells watchers what a run says or does.
    ///
    /// # Errors
    /// [`EngineError::LeaseLost`]; storage.
    pub async fn append_output(&self, held: &HeldRun, parts: &[OutputPart]) -> Result<(), EngineError> {
        let mut log = self.log_of(&held.run);
        for part in parts {
            log.part_updated(&held.run, &part.part);
        }
        let unit = Unit {
            guards: vec![Guard::lease(&held.run.id, Some(held.fence))],
            events: log.into_events(),
            ..Unit::default()
        };
        self.commit_held(unit, &held.run.id).await
    }

    /// Keeps something a run leaves. It counts once [`Self::finish_run`] names it.
    ///
    /// # Errors
    /// [`EngineError::Field`] over [`ARTIFACT_MAX_BYTES`] or with a path for a name;
    /// [`EngineError::LeaseLost`]; storage.
    pub async fn add_artifact(&self, held: &HeldRun, new: NewRunArtifact) -> Result<Artifact, EngineError> {
        check_artifact(&new)?;
        let digest = self.parts.store.put_blob(&new.content).await?;
        let artifact = Artifact {
            workspace_id: held.run.workspace_id.clone(),
            id: ArtifactId::new(self.new_id(ArtifactId::PREFIX)),
            mission_id: held.run.mission_id.clone(),
            work_item_id: held.run.work_item_id.clone(),
            run_id: Some(held.run.id.clone()),
            kind: new.kind,
            name: new.name,
            media_type: new.media_type,
            size: new.content.len() as u64,
            digest,
            created_at: self.now(),
        };
        let unit = Unit {
            guards: vec![Guard::lease(&held.run.id, Some(held.fence))],
            writes: vec![Write::Artifact(artifact.clone())],
            ..Unit::default()
        };
        self.commit_held(unit, &held.run.id).await?;
        Ok(artifact)
    }

    /// Ends a run. Twice the same is fine.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when it ended differently; [`EngineError::LeaseLost`];
    /// [`EngineError::Field`] for artifacts that are not this run's; storage.
    pub async fn finish_run(&self, held: &HeldRun, report: FinishReport) -> Result<Run, EngineError> {
        let status = match report.status {
            FinishStatus::Succeeded => RunStatus::Succeeded,
            FinishStatus::Failed => RunStatus::Failed,
            FinishStatus::Canceled => RunStatus::Canceled,
        };
        let Some(run) = self.parts.store.run(&held.run.id).await? else {
            return Err(EngineError::NotFound { what: "run", id: held.run.id.to_string() });
        };
        if run.status.is_final() && run.fence == held.fence {
            return if run.status == status {
                Ok(run)
            } else {
                Err(EngineError::Conflict(format!("run `{}` is {} already", run.id, run.status)))
            };
        }
        let mut run = self.present_run(&held.run.id, held.fence).await?;
        if report.artifacts.len() > ARTIFACTS_PER_RUN_MAX {
            let message =
                format!("names {} artifacts; a run leaves at most {ARTIFACTS_PER_RUN_MAX}", report.artifacts.len());
            return Err(wire::FieldError::new("artifacts", message).into());
        }
        let artifacts = self.parts.store.artifacts_by_ids(&report.artifacts).await?;
        if artifacts.len() != report.artifacts.len() || artifacts.iter().any(|a| a.run_id.as_ref() != Some(&run.id)) {
            return Err(wire::FieldError::new("artifacts", "names an artifact that this run did not leave").into());
        }
        if report.output.as_ref().is_some_and(|output| output.len() > OUTPUT_MAX_BYTES) {
            return Err(wire::FieldError::new("output", format!("is over {OUTPUT_MAX_BYTES} bytes")).into());
        }
        run.artifacts = artifacts.iter().map(Artifact::reference).collect();
        run.summary = report.summary.map(|summary| cut(without_nul(&summary), SUMMARY_MAX_BYTES));
        run.output = report.output.as_deref().map(without_nul);
        let guard = Guard::lease(&run.id, Some(held.fence));
        self.end_run(run, status, None, guard).await
    }

    /// Ends what a worker holds because the worker is gone: back to the queue, or failed when it
    /// happened too often.
    ///
    /// # Errors
    /// Storage; a run that went on by itself is left alone.
    pub async fn interrupt_run(&self, run: Run, reason: &str) -> Result<(), EngineError> {
        let Some(lease) = run.lease.clone() else { return Ok(()) };
        let allowed = match self.parts.store.mission(&run.workspace_id, &run.mission_id).await? {
            Some(mission) => mission.budgets.max_interruptions.unwrap_or(INTERRUPTIONS_MAX_DEFAULT),
            None => INTERRUPTIONS_MAX_DEFAULT,
        };
        let guards = vec![Guard::lease(&run.id, Some(lease.fence)), Guard::run(&run.id, Some(run.revision))];
        let mut run = run;
        run.interruptions += 1;
        let ended = if run.cancel_requested {
            let guard = Guard::run(&run.id, Some(run.revision));
            self.end_run(run, RunStatus::Canceled, Some("its worker was lost after it was told to stop"), guard)
                .await
                .map(|_| ())
        } else if run.interruptions > allowed {
            let guard = Guard::run(&run.id, Some(run.revision));
            let message = format!("interrupted {} times, more than the {allowed} allowed", run.interruptions);
            self.end_run(run, RunStatus::Failed, Some(&message), guard).await.map(|_| ())
        } else {
            self.requeue_run(run, reason, guards).await
        };
        match ended {
            Err(EngineError::LeaseLost { .. } | EngineError::Contended) => Ok(()),
            other => other,
        }
    }

    async fn requeue_run(&self, mut run: Run, reason: &str, guards: Vec<Guard>) -> Result<(), EngineError> {
        run.revision += 1;
        run.status = RunStatus::Queued;
        run.lease = None;
        let mut log = self.log_of(&run);
        log.run_interrupted(&run, reason);
        let data = wire::json_of(&serde_json::json!({"reason": reason, "interruptions": run.interruptions}));
        let input = self.run_input(&run, InputKind::RunInterrupted, data, "system.runs");
        let unit = Unit {
            guards,
            writes: vec![Write::Input(input), Write::Run(run)],
            events: log.into_events(),
            ..Unit::default()
        };
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        Ok(())
    }

    async fn end_run(
        &self,
        mut run: Run,
        status: RunStatus,
        reason: Option<&str>,
        guard: Guard,
    ) -> Result<Run, EngineError> {
        let run_guard = Guard::run(&run.id, Some(run.revision));
        let worker = run.lease.as_ref().map_or("system.runs", |lease| lease.worker.as_str()).to_owned();
        run.revision += 1;
        run.status = status;
        run.lease = None;
        run.finished_at = Some(self.now());
        if run.summary.is_none() {
            run.summary = reason.map(str::to_owned);
        }
        let data = RunFinished {
            status: status.to_string(),
            summary: run.summary.clone(),
            output: run.output.clone(),
            reason: reason.map(str::to_owned),
            artifacts: run.artifacts.iter().map(wire::artifact_ref_view).collect(),
        };
        let mut log = LogWriter::of_mission(self, &run.workspace_id, &run.mission_id, &worker, self.now());
        log.run_finished(&run);
        let input = self.run_input(&run, InputKind::RunFinished, wire::json_of(&data), &worker);
        let unit = Unit {
            guards: vec![guard, run_guard],
            writes: vec![Write::Input(input), Write::Run(run.clone())],
            events: log.into_events(),
            ..Unit::default()
        };
        self.commit_held(unit, &run.id).await?;
        Ok(run)
    }

    /// The run as it is now, if `fence` still holds it.
    async fn present_run(&self, run_id: &RunId, fence: u64) -> Result<Run, EngineError> {
        let lost = |reason: String| EngineError::LeaseLost { run_id: run_id.to_string(), reason };
        match self.parts.store.run(run_id).await? {
            None => Err(EngineError::NotFound { what: "run", id: run_id.to_string() }),
            Some(run) if run.status.is_final() => Err(lost(format!("it is {}", run.status))),
            Some(run) if run.lease.as_ref().is_some_and(|lease| lease.fence == fence) => Ok(run),
            Some(run) => Err(lost(format!("it is {} and was claimed {} times", run.status, run.fence))),
        }
    }

    async fn commit_held(&self, unit: Unit, run_id: &RunId) -> Result<(), EngineError> {
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict { .. }) => Err(EngineError::LeaseLost {
                run_id: run_id.to_string(),
                reason: "it went on without this worker".to_owned(),
            }),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    fn log_of(&self, run: &Run) -> LogWriter<'_> {
        let worker = run.lease.as_ref().map_or("system.runs", |lease| lease.worker.as_str());
        LogWriter::of_mission(self, &run.workspace_id, &run.mission_id, worker, self.now())
    }

    fn run_input(&self, run: &Run, kind: InputKind, data: Json, actor: &str) -> Input {
        Input {
            id: EventId::new(self.new_id(EventId::PREFIX)),
            workspace_id: run.workspace_id.clone(),
            mission_id: run.mission_id.clone(),
            kind,
            work_item_id: run.work_item_id.clone(),
            run_id: Some(run.id.clone()),
            data,
            occurred_at: self.now(),
            actor: actor.to_owned(),
        }
    }

    /// What a run builds on: what its dependencies left, and why earlier attempts were rejected.
    async fn inputs_of(&self, run: &Run) -> Result<RunInputs, EngineError> {
        let Some(work_item_id) = &run.work_item_id else { return Ok(RunInputs::default()) };
        let mut dependencies = Vec::new();
        {
            let mut slot = self.parts.boards.enter(&run.mission_id).await;
            if slot.is_none() {
                *slot = self.load_board(&run.workspace_id, &run.mission_id).await?;
            }
            let Some(board) = slot.as_ref() else { return Ok(RunInputs::default()) };
            let needed = board.item(work_item_id.as_str()).map(|item| item.spec.depends_on.clone()).unwrap_or_default();
            for item in needed.iter().filter_map(|id| board.item(id.as_str())) {
                let artifacts = item.artifacts.iter().map(wire::artifact_ref_view).collect();
                dependencies.push(DependencyInput { work_item_id: item.spec.id.to_string(), artifacts });
            }
        }
        let rework = if run.attempt > 1 { self.rework_inputs(run, work_item_id).await? } else { Vec::new() };
        Ok(RunInputs { dependencies, rework })
    }

    /// The newest rejected attempt speaks; older ones were about work that is gone.
    async fn rework_inputs(&self, run: &Run, work_item_id: &WorkItemId) -> Result<Vec<ReworkInput>, EngineError> {
        const VERDICTS_MAX: u32 = 500;
        let before = run.attempt - 1;
        let verdicts = self.parts.store.verdicts(&run.mission_id, Some(work_item_id), None, VERDICTS_MAX).await?;
        let rejected = verdicts.iter().filter(|v| v.attempt == before && v.outcome != Outcome::Pass);
        let mut rework: Vec<ReworkInput> = rejected.map(rework_input).collect();
        if rework.is_empty() {
            let failed = self
                .parts
                .store
                .runs(&run.workspace_id, Some(&run.mission_id), Some(RunStatus::Failed), None, VERDICTS_MAX)
                .await?;
            let last =
                failed.into_iter().find(|r| r.work_item_id.as_ref() == Some(work_item_id) && r.attempt == before);
            rework.extend(last.map(|run| ReworkInput {
                attempt: before,
                gate: None,
                outcome: "failed".to_owned(),
                summary: run.summary.unwrap_or_default(),
                findings: Vec::new(),
            }));
        }
        Ok(rework)
    }
}

fn rework_input(verdict: &Verdict) -> ReworkInput {
    ReworkInput {
        attempt: verdict.attempt,
        gate: Some(verdict.gate.to_string()),
        outcome: verdict.outcome.to_string(),
        summary: verdict.summary.clone(),
        findings: verdict.findings.iter().map(wire::finding_view).collect(),
    }
}

fn fits(run: &Run, claim: &Claim) -> bool {
    let is_assigned_here = run.assigned_agent.as_ref().is_none_or(|agent| claim.agents.contains(agent));
    let is_skilled = claim.skills.as_ref().is_none_or(|skills| run.skills.iter().all(|skill| skills.contains(skill)));
    let is_wanted = claim.mission_id.as_ref().is_none_or(|id| run.mission_id == *id);
    is_assigned_here && is_skilled && is_wanted
}

fn check_artifact(new: &NewRunArtifact) -> Result<(), wire::FieldError> {
    let size = new.content.len() as u64;
    if size > ARTIFACT_MAX_BYTES {
        let message = format!("`{}` has {size} bytes; an artifact has at most {ARTIFACT_MAX_BYTES}", new.name);
        return Err(wire::FieldError::new("artifact.content", message));
    }
    let is_plain = !new.name.is_empty() && new.name.len() <= 255 && !new.name.contains(['/', '\\', '\0']);
    if !is_plain {
        return Err(wire::FieldError::new("artifact.name", "is 1 to 255 bytes, without a path"));
    }
    if new.kind.is_empty() || new.kind.len() > 100 || new.kind.contains('\0') {
        return Err(wire::FieldError::new("artifact.kind", "is 1 to 100 bytes"));
    }
    Ok(())
}

/// `text` with U+0000 made visible: no database takes it in a text.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// `text` cut to `max` bytes at a character's boundary.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
