//! A run's directory: what the process finds there, and what is collected from it.
//!
//! `artifacts/` is where it leaves things, `inputs/<work item>/` holds what the items it depends
//! on left, `run.json` is what it also gets on its standard input, `work/` is its own.

use std::path::{Path, PathBuf};

use sluice_api::run::{ExecAction, ExecArtifact};

use super::RETRY;
use crate::domain::artifact::{ARTIFACT_MAX_BYTES, Digest};
use crate::domain::id::{ArtifactId, RunId};
use crate::engine::{Engine, EngineError, HeldRun, NewRunArtifact};
use crate::wire;

/// A run's directory.
pub(super) struct Scratch {
    pub(super) root: PathBuf,
    pub(super) run_json: Vec<u8>,
}

/// Why nothing was collected.
pub(super) enum CollectError {
    /// What the process left is not as its action says; a sentence.
    Wrong(String),
    /// The engine could not take it.
    Engine(EngineError),
}

impl Scratch {
    /// Makes the directory, empty but for the inputs.
    pub(super) async fn create(engine: &Engine, held: &HeldRun, scratch_root: &Path) -> Result<Self, String> {
        let root = scratch_root.join(held.run.id.as_str());
        let run_view = wire::run_view(&held.run, Some(held.inputs.clone()));
        let run_json = serde_json::to_vec_pretty(&run_view).map_err(|error| error.to_string())?;
        let _ = std::fs::remove_dir_all(&root);
        for directory in ["artifacts", "inputs", "work"] {
            std::fs::create_dir_all(root.join(directory)).map_err(|error| error.to_string())?;
        }
        std::fs::write(root.join("run.json"), &run_json).map_err(|error| error.to_string())?;
        let scratch = Self { root, run_json };
        scratch.write_inputs(engine, held).await?;
        Ok(scratch)
    }

    async fn write_inputs(&self, engine: &Engine, held: &HeldRun) -> Result<(), String> {
        const CHUNK: u32 = 1 << 20;
        for dependency in &held.inputs.dependencies {
            let directory = self.root.join("inputs").join(&dependency.work_item_id);
            std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
            for artifact in &dependency.artifacts {
                let digest = Digest::parse(&artifact.digest).ok_or("an input's digest is no SHA-256")?;
                let mut content = Vec::new();
                loop {
                    let read = engine.store().read_blob(&digest, content.len() as u64, CHUNK).await;
                    let chunk = read.map_err(|error| error.to_string())?;
                    if chunk.is_empty() {
                        break;
                    }
                    content.extend_from_slice(&chunk);
                }
                std::fs::write(directory.join(&artifact.name), content).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Hands what the process left to the engine, in the order its action lists it.
    pub(super) async fn collect(
        &self,
        engine: &Engine,
        held: &HeldRun,
        action: &ExecAction,
        lease_ms: u64,
    ) -> Result<Vec<ArtifactId>, CollectError> {
        let mut ids = Vec::new();
        for wanted in &action.artifacts {
            let Some(content) = self.read_artifact(wanted)? else { continue };
            let name =
                Path::new(&wanted.path).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let media_type = wanted.media_type.clone().unwrap_or_else(|| media_type_of(&name).to_owned());
            let new = NewRunArtifact { kind: wanted.kind.clone(), name, media_type, content };
            match leave(engine, held, &new, lease_ms).await {
                Ok(id) => ids.push(id),
                Err(EngineError::Field(error)) => return Err(CollectError::Wrong(error.to_string())),
                Err(error) => return Err(CollectError::Engine(error)),
            }
        }
        Ok(ids)
    }

    fn read_artifact(&self, wanted: &ExecArtifact) -> Result<Option<Vec<u8>>, CollectError> {
        let path = self.root.join("artifacts").join(&wanted.path);
        let wrong = |what: String| CollectError::Wrong(format!("artifact `{}` {what}", wanted.path));
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && wanted.optional => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(wrong("was not left in $SLUICE_ARTIFACTS".to_owned()));
            }
            Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
        };
        // A link could name any file of this machine.
        if !metadata.is_file() {
            return Err(wrong("is not a regular file".to_owned()));
        }
        if metadata.len() > ARTIFACT_MAX_BYTES {
            return Err(wrong(format!("has {} bytes; at most {ARTIFACT_MAX_BYTES} are kept", metadata.len())));
        }
        std::fs::read(&path).map(Some).map_err(|error| wrong(format!("cannot be read: {error}")))
    }
}

/// Leaves one artifact, as often as it takes: work that was done is not lost to a full disk. The
/// lease is renewed each time, since many large files may take longer than one lasts.
async fn leave(
    engine: &Engine,
    held: &HeldRun,
    new: &NewRunArtifact,
    lease_ms: u64,
) -> Result<ArtifactId, EngineError> {
    loop {
        let renewed = engine.renew_lease(&held.run.id, held.fence, lease_ms).await;
        let left = match renewed {
            Ok(_) => engine.add_artifact(held, new.clone()).await.map(|artifact| artifact.id),
            Err(error) => Err(error),
        };
        match left {
            Err(error) if error.is_retryable() => tokio::time::sleep(RETRY).await,
            other => return other,
        }
    }
}

/// Removes a run's directory; one that cannot be removed is only untidy.
pub(super) fn remove(scratch_root: &Path, run_id: &RunId) {
    if let Err(error) = std::fs::remove_dir_all(scratch_root.join(run_id.as_str())) {
        tracing::debug!(%run_id, %error, "a run's directory was not removed");
    }
}

/// A media type by file name, for the kinds that gates read.
fn media_type_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("diff" | "patch") => "text/x-diff",
        Some("md") => "text/markdown",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("txt" | "tap" | "log" | "info") => "text/plain",
        _ => "application/octet-stream",
    }
}
