//! What workers call once they hold a run: tell what happens, leave artifacts, finish; and what the
//! host does when a worker is lost. Claims are in [`super::claims`], heartbeats in
//! [`super::heartbeats`].
//!
//! Every call names the fencing token it was given; a worker whose token is no longer the run's, or
//! whose lease has run out, has lost it, and the commit itself refuses what it sends.

use serde_json::Value;

use sluice_api::input::RunFinished;
use sluice_api::run::RunInputs;

use super::error::conflict_or_storage;
use super::told::LogWriter;
use super::{Engine, EngineError, HeldRun, secret};
use crate::domain::artifact::{ARTIFACT_MAX_BYTES, ARTIFACTS_PER_RUN_MAX, Artifact, ArtifactRef, Digest};
use crate::domain::event::{Input, InputKind};
use crate::domain::id::{ArtifactId, EventId, RunId};
use crate::domain::json::Json;
use crate::domain::run::{INTERRUPTIONS_MAX_DEFAULT, Run, RunStatus};
use crate::domain::time::Timestamp;
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

/// Times a run is read again because somebody else changed it meanwhile.
const CONFLICT_RETRIES: usize = 8;
/// Longest summary of a run, in bytes; longer ones are cut.
const SUMMARY_MAX_BYTES: usize = 4 * 1024;
/// Longest output of a run, in bytes (1 MiB).
const OUTPUT_MAX_BYTES: usize = 1024 * 1024;

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

impl From<FinishStatus> for RunStatus {
    fn from(status: FinishStatus) -> Self {
        match status {
            FinishStatus::Succeeded => Self::Succeeded,
            FinishStatus::Failed => Self::Failed,
            FinishStatus::Canceled => Self::Canceled,
        }
    }
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

/// A report, checked.
struct Ending {
    artifacts: Vec<ArtifactRef>,
    summary: Option<String>,
    output: Option<String>,
}

/// Why a run goes back to the queue.
enum Requeue<'r> {
    /// Its worker was lost, for this reason.
    Interrupted(&'r str),
    /// Its worker left before it was told.
    NeverBegun,
}

impl Engine {
    /// A run as its worker may go on with it: what a worker outside the host is recognised by.
    /// A run that has ended under this very hold is told too, so that its worker, who may not
    /// have seen the answer, can finish it again.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::LeaseLost`] unless the run is held now, by this
    /// fencing token and secret, and its lease has not run out.
    pub async fn hold(&self, run_id: &RunId, fence: u64, digest: &Digest) -> Result<HeldRun, EngineError> {
        let run = self.stored_run(run_id).await?;
        let is_its_token = run.token_digest.as_ref().is_some_and(|known| secret::is_same(known, digest));
        if !is_its_token {
            return Err(lost(run_id, "the token is not of its present hold"));
        }
        if !(run.status.is_final() && run.fence == fence) {
            check_held(&run, fence, self.now())?;
        }
        Ok(HeldRun { fence, run, inputs: RunInputs::default(), token: None })
    }

    /// Tells watchers that the worker has begun.
    ///
    /// # Errors
    /// [`EngineError::LeaseLost`]; storage.
    pub async fn note_started(&self, held: &HeldRun) -> Result<(), EngineError> {
        let mut log = self.log_of(&held.run);
        log.run_started(&held.run);
        let guards = vec![self.hold_guard(held)];
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
        let unit = Unit { guards: vec![self.hold_guard(held)], events: log.into_events(), ..Unit::default() };
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
            guards: vec![self.hold_guard(held)],
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
        let status = report.status.into();
        let ending = self.ending_of(&held.run.id, report).await?;
        // What is at hand is most often the newest: its revision guards the commit, and only who
        // conflicts reads again.
        let mut run = held.run.clone();
        for _ in 0..CONFLICT_RETRIES {
            if run.status.is_final() && run.fence == held.fence {
                return if run.status == status {
                    Ok(run)
                } else {
                    Err(EngineError::Conflict(format!("run `{}` is {} already", run.id, run.status)))
                };
            }
            check_held(&run, held.fence, self.now())?;
            let mut ended = run;
            ended.artifacts.clone_from(&ending.artifacts);
            ended.summary.clone_from(&ending.summary);
            ended.output.clone_from(&ending.output);
            let guard = Guard::held_lease(&ended.id, held.fence, self.now());
            match self.end_run(ended, status, None, guard).await {
                Err(EngineError::LeaseLost { .. }) => run = self.stored_run(&held.run.id).await?,
                Ok(ended) => {
                    self.capture_summary(&ended).await;
                    return Ok(ended);
                }
                Err(error) => return Err(error),
            }
        }
        Err(EngineError::Contended)
    }

    /// What a worker says at the end, checked.
    async fn ending_of(&self, run_id: &RunId, report: FinishReport) -> Result<Ending, EngineError> {
        if report.artifacts.len() > ARTIFACTS_PER_RUN_MAX {
            let message =
                format!("names {} artifacts; a run leaves at most {ARTIFACTS_PER_RUN_MAX}", report.artifacts.len());
            return Err(wire::FieldError::new("artifacts", message).into());
        }
        let artifacts = match report.artifacts.as_slice() {
            [] => Vec::new(),
            ids => self.parts.store.artifacts_by_ids(ids).await?,
        };
        if artifacts.len() != report.artifacts.len() || artifacts.iter().any(|a| a.run_id.as_ref() != Some(run_id)) {
            return Err(wire::FieldError::new("artifacts", "names an artifact that this run did not leave").into());
        }
        if report.output.as_ref().is_some_and(|output| output.len() > OUTPUT_MAX_BYTES) {
            return Err(wire::FieldError::new("output", format!("is over {OUTPUT_MAX_BYTES} bytes")).into());
        }
        Ok(Ending {
            artifacts: artifacts.iter().map(Artifact::reference).collect(),
            summary: report.summary.map(|summary| cut(without_nul(&summary), SUMMARY_MAX_BYTES)),
            output: report.output.as_deref().map(without_nul),
        })
    }

    /// Ends what a worker holds because the worker is gone: back to the queue, or failed when it
    /// happened too often.
    ///
    /// # Errors
    /// Storage; a run that went on by itself is left alone.
    pub async fn interrupt_run(&self, mut run: Run, reason: &str) -> Result<(), EngineError> {
        let Some(lease) = run.lease.clone() else { return Ok(()) };
        let now = self.now();
        // A worker that renewed its lease since it was seen to have run out keeps it.
        let guard = if lease.is_over(now) {
            Guard::lapsed_lease(&run.id, lease.fence, now)
        } else {
            Guard::lease(&run.id, Some(lease.fence))
        };
        let allowed = match self.parts.store.mission(&run.workspace_id, &run.mission_id).await? {
            Some(mission) => mission.budgets.max_interruptions.unwrap_or(INTERRUPTIONS_MAX_DEFAULT),
            None => INTERRUPTIONS_MAX_DEFAULT,
        };
        run.interruptions += 1;
        let ended = if run.cancel_requested {
            let reason = "its worker was lost after it was told to stop";
            self.end_run(run, RunStatus::Canceled, Some(reason), guard).await.map(drop)
        } else if run.interruptions > allowed {
            let message = format!("interrupted {} times, more than the {allowed} allowed", run.interruptions);
            self.end_run(run, RunStatus::Failed, Some(&message), guard).await.map(drop)
        } else {
            self.requeue_run(run, Requeue::Interrupted(reason), guard).await
        };
        match ended {
            Err(EngineError::LeaseLost { .. } | EngineError::Contended) => Ok(()),
            other => other,
        }
    }

    /// Puts a run back that its worker never learned of. No interruption: nobody began.
    ///
    /// # Errors
    /// Storage; a run that went on by itself is left alone.
    pub async fn give_back(&self, held: &HeldRun) -> Result<(), EngineError> {
        let mut run = held.run.clone();
        for _ in 0..CONFLICT_RETRIES {
            if run.lease.as_ref().is_none_or(|lease| lease.fence != held.fence) {
                return Ok(());
            }
            let guard = Guard::lease(&run.id, Some(held.fence));
            let ended = if run.cancel_requested {
                let reason = "it was withdrawn before its worker began";
                self.end_run(run, RunStatus::Canceled, Some(reason), guard).await.map(drop)
            } else {
                self.requeue_run(run, Requeue::NeverBegun, guard).await
            };
            match ended {
                Err(EngineError::LeaseLost { .. } | EngineError::Contended) => {
                    run = self.stored_run(&held.run.id).await?;
                }
                other => return other,
            }
        }
        Err(EngineError::Contended)
    }

    async fn requeue_run(&self, mut run: Run, how: Requeue<'_>, guard: Guard) -> Result<(), EngineError> {
        let guards = vec![guard, Guard::run(&run.id, Some(run.revision))];
        run.revision += 1;
        run.status = RunStatus::Queued;
        run.lease = None;
        let mut log = LogWriter::of_mission(self, &run.workspace_id, &run.mission_id, "system.runs", self.now());
        let reason = match how {
            Requeue::Interrupted(reason) => {
                log.run_interrupted(&run, reason);
                reason
            }
            Requeue::NeverBegun => {
                log.run_queued(&run);
                "its worker left before it was told"
            }
        };
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
        // The host's own decision is the host's, whoever held the run.
        let holder = run.lease.as_ref().filter(|_| reason.is_none()).map(|lease| lease.principal.clone());
        let actor = holder.unwrap_or_else(|| "system.runs".to_owned());
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
        let mut log = LogWriter::of_mission(self, &run.workspace_id, &run.mission_id, &actor, self.now());
        log.run_finished(&run);
        let input = self.run_input(&run, InputKind::RunFinished, wire::json_of(&data), &actor);
        let unit = Unit {
            guards: vec![guard, run_guard],
            writes: vec![Write::Input(input), Write::Run(run.clone())],
            events: log.into_events(),
            ..Unit::default()
        };
        self.commit_held(unit, &run.id).await?;
        Ok(run)
    }

    pub(super) async fn stored_run(&self, run_id: &RunId) -> Result<Run, EngineError> {
        let run = self.parts.store.run(run_id).await?;
        run.ok_or_else(|| EngineError::NotFound { what: "run", id: run_id.to_string() })
    }

    pub(super) async fn commit_held(&self, unit: Unit, run_id: &RunId) -> Result<(), EngineError> {
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict { .. }) => {
                Err(lost(run_id, "it ran out, or the run went on without this worker"))
            }
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    fn log_of(&self, run: &Run) -> LogWriter<'_> {
        let actor = run.lease.as_ref().map_or("system.runs", |lease| lease.principal.as_str());
        LogWriter::of_mission(self, &run.workspace_id, &run.mission_id, actor, self.now())
    }

    /// The guard of everything a worker does under its hold.
    pub(super) fn hold_guard(&self, held: &HeldRun) -> Guard {
        Guard::held_lease(&held.run.id, held.fence, self.now())
    }

    pub(super) fn run_input(&self, run: &Run, kind: InputKind, data: Json, actor: &str) -> Input {
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
}

fn lost(run_id: &RunId, reason: impl Into<String>) -> EngineError {
    EngineError::LeaseLost { run_id: run_id.to_string(), reason: reason.into() }
}

/// Refuses a worker that no longer holds `run`.
pub(super) fn check_held(run: &Run, fence: u64, now: Timestamp) -> Result<(), EngineError> {
    match &run.lease {
        _ if run.status.is_final() => Err(lost(&run.id, format!("it is {}", run.status))),
        Some(lease) if lease.fence == fence && lease.is_over(now) => {
            Err(lost(&run.id, format!("it ran out at {} and now it is {}", lease.expires_at.0, now.0)))
        }
        Some(lease) if lease.fence == fence => Ok(()),
        _ => Err(lost(&run.id, format!("it is {} and was claimed {} times", run.status, run.fence))),
    }
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
