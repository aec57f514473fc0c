//! Artifacts held in memory, in place of the host's store.
//!
//! Owns the rules of `wit/gate-0.1/artifacts.wit` that a gate can run into: the limit of one read,
//! short reads at the end, unknown ids. Read next: `gate::ArtifactSource`.

use crate::gate::{Artifact, ArtifactSource, GateInput, READ_MAX_BYTES};

/// The artifacts of one attempt.
#[derive(Debug, Default)]
pub struct MemoryArtifacts {
    entries: Vec<(Artifact, Vec<u8>)>,
}

impl MemoryArtifacts {
    /// No artifacts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one with the next free id (`art_1`, `art_2`, ...) and gives what a gate sees of it.
    pub fn add(&mut self, kind: &str, name: &str, media_type: &str, content: impl AsRef<[u8]>) -> Artifact {
        let content = content.as_ref().to_vec();
        let artifact = Artifact {
            id: format!("art_{}", self.entries.len() + 1),
            kind: kind.to_owned(),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: content.len() as u64,
            data: "{}".to_owned(),
        };
        self.entries.push((artifact.clone(), content));
        artifact
    }

    /// The input of `gate` for the first attempt on work item `wi_1`, with all these artifacts.
    pub fn input(&self, gate: &str) -> GateInput {
        GateInput {
            gate: gate.to_owned(),
            mission: "mis_1".to_owned(),
            work_item: "wi_1".to_owned(),
            attempt: 1,
            requested_at: 1_700_000_000_000,
            artifacts: self.entries.iter().map(|(artifact, _)| artifact.clone()).collect(),
            data: "{}".to_owned(),
        }
    }
}

impl ArtifactSource for MemoryArtifacts {
    fn read(&self, id: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let (_, content) = self
            .entries
            .iter()
            .find(|(artifact, _)| artifact.id == id)
            .ok_or_else(|| format!("artifact {id} is not among this call's artifacts"))?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let end = content.len().min(start + length.min(READ_MAX_BYTES) as usize);
        Ok(content[start..end].to_vec())
    }
}
