//! The engine of this process as a worker's coordinator: `sluice run`, and a host that works too.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use sluice_api::mission::ArtifactRefView;
use sluice_api::work::FinishStatusName;

use super::directory_of;
use super::port::{Assignment, Beat, Coordinator, Held, LeftArtifact, PortError, Report};
use crate::domain::artifact::Digest;
use crate::domain::id::{ArtifactId, MissionId, WorkspaceId};
use crate::engine::{
    Claim, Engine, EngineError, FinishReport, FinishStatus, Heartbeat, HeldRun, NewRunArtifact, OutputPart,
};
use crate::wire;

/// Milliseconds a lease lasts unless renewed.
const LEASE_MS: u64 = 20_000;
/// Longest wait for a run.
const WAIT: Duration = Duration::from_secs(1);
/// Bytes of an input read at once (1 MiB).
const CHUNK: u32 = 1 << 20;

/// The engine of this process, asked for runs of one workspace.
pub struct LocalCoordinator {
    engine: Engine,
    workspace_id: WorkspaceId,
    mission_id: Option<MissionId>,
}

impl LocalCoordinator {
    /// Asks `engine` for the runs of `workspace_id`; of one mission alone, when it is named.
    pub fn new(engine: Engine, workspace_id: WorkspaceId, mission_id: Option<MissionId>) -> Self {
        Self { engine, workspace_id, mission_id }
    }
}

impl Coordinator for LocalCoordinator {
    type Hold = Arc<HeldRun>;

    async fn claim(&self, max: usize) -> Result<Vec<Held<Self>>, PortError> {
        let claim = Claim {
            workspace_id: self.workspace_id.clone(),
            worker: format!("local@{}", self.engine.host_id()),
            principal: "agent.local".to_owned(),
            agents: vec!["local".to_owned()],
            skills: None,
            mission_id: self.mission_id.clone(),
            max,
            lease_ms: LEASE_MS,
            session_id: None,
            wants_token: false,
        };
        // Whatever it was, the host's own worker has nobody else to turn to: it tries again.
        let away = |error: EngineError| PortError::Away(error.to_string());
        let held = self.engine.claim(claim, WAIT).await.map_err(away)?;
        Ok(held.into_iter().map(assignment).collect())
    }

    async fn beat(&self, held: &[Held<Self>]) -> Result<Vec<Beat>, PortError> {
        let beats: Vec<Heartbeat> = held.iter().map(heartbeat).collect();
        let answers = self.engine.heartbeat(&beats).await.into_iter();
        answers
            .map(|answer| match answer {
                Ok(beaten) if beaten.cancel => Ok(Beat::Canceled),
                Ok(_) => Ok(Beat::Kept),
                Err(EngineError::LeaseLost { .. } | EngineError::NotFound { .. }) => Ok(Beat::Lost),
                Err(error) => Err(port_error(error)),
            })
            .collect()
    }

    async fn started(&self, held: &Held<Self>) -> Result<(), PortError> {
        self.engine.note_started(&held.hold).await.map_err(port_error)
    }

    async fn tell(&self, held: &Held<Self>, parts: Vec<Value>) -> Result<(), PortError> {
        let parts: Vec<OutputPart> = parts.into_iter().map(|part| OutputPart { part }).collect();
        self.engine.append_output(&held.hold, &parts).await.map_err(port_error)
    }

    async fn leave(&self, held: &Held<Self>, artifact: &LeftArtifact) -> Result<String, PortError> {
        let new = NewRunArtifact {
            kind: artifact.kind.clone(),
            name: artifact.name.clone(),
            media_type: artifact.media_type.clone(),
            content: artifact.content.clone(),
        };
        let kept = self.engine.add_artifact(&held.hold, new).await.map_err(port_error)?;
        Ok(kept.id.to_string())
    }

    async fn input(&self, _held: &Held<Self>, artifact: &ArtifactRefView) -> Result<Vec<u8>, PortError> {
        let digest = Digest::parse(&artifact.digest)
            .ok_or_else(|| PortError::Refused("an input's digest is no SHA-256".to_owned()))?;
        let mut content = Vec::new();
        loop {
            let read = self.engine.store().read_blob(&digest, content.len() as u64, CHUNK).await;
            let chunk = read.map_err(|error| PortError::Away(error.to_string()))?;
            if chunk.is_empty() {
                return Ok(content);
            }
            content.extend_from_slice(&chunk);
        }
    }

    async fn finish(&self, held: &Held<Self>, report: &Report) -> Result<(), PortError> {
        let report = FinishReport {
            status: match report.status {
                FinishStatusName::Succeeded => FinishStatus::Succeeded,
                FinishStatusName::Failed => FinishStatus::Failed,
                FinishStatusName::Canceled => FinishStatus::Canceled,
            },
            summary: report.summary.clone(),
            output: report.output.clone(),
            artifacts: report.artifacts.iter().map(|id| ArtifactId::new(id.as_str())).collect(),
        };
        self.engine.finish_run(&held.hold, report).await.map(|_| ()).map_err(port_error)
    }

    /// The directory of the mission's file, when it came from one. Items that a planner proposed
    /// have no other.
    async fn base(&self, held: &Held<Self>) -> Result<PathBuf, PortError> {
        let run = &held.hold.run;
        let mission = self.engine.store().mission(&run.workspace_id, &run.mission_id).await;
        let mission = mission.map_err(|error| port_error(error.into()))?;
        let metadata = mission.and_then(|m| serde_json::from_str::<Value>(m.metadata.as_str()).ok());
        let source = metadata.as_ref().and_then(|metadata| metadata.get("source")).and_then(Value::as_str);
        Ok(source.map_or_else(|| PathBuf::from("."), |file| directory_of(Path::new(file))))
    }

    fn environment(&self, _held: &Held<Self>) -> Vec<(&'static str, Option<String>)> {
        Vec::new()
    }
}

fn heartbeat(held: &Held<LocalCoordinator>) -> Heartbeat {
    Heartbeat {
        run_id: held.hold.run.id.clone(),
        fence: held.hold.fence,
        digest: None,
        lease_ms: Some(LEASE_MS),
        progress: None,
    }
}

fn assignment(held: HeldRun) -> Assignment<Arc<HeldRun>> {
    Assignment {
        run: wire::run_view(&held.run, Some(held.inputs.clone())),
        lease: Duration::from_millis(LEASE_MS),
        hold: Arc::new(held),
    }
}

fn port_error(error: EngineError) -> PortError {
    let message = error.to_string();
    match error {
        EngineError::LeaseLost { .. } | EngineError::NotFound { .. } => PortError::Lost(message),
        error if error.is_retryable() => PortError::Away(message),
        _ => PortError::Refused(message),
    }
}
