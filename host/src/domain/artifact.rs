//! Artifacts: content that runs and reducers leave behind, addressed by its digest.

use sha2::{Digest as _, Sha256};

use super::id::{ArtifactId, MissionId, RunId, WorkItemId, WorkspaceId};
use super::time::Timestamp;

/// Largest content of one artifact, in bytes (32 MiB).
pub const ARTIFACT_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Most artifacts one run may leave.
pub const ARTIFACTS_PER_RUN_MAX: usize = 500;

/// SHA-256 of some content, as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// The digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self::from_hash(Sha256::new_with_prefix(content))
    }

    /// The digest of what was fed to `hash`.
    pub fn from_hash(hash: Sha256) -> Self {
        let mut text = String::with_capacity(64);
        for byte in hash.finalize() {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        Self(text)
    }

    /// Reads a digest that somebody wrote down; `None` unless it is 64 lower-case
    /// hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a work item or a run remembers of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRef {
    /// Its id.
    pub id: ArtifactId,
    /// What it is, as its worker said: `diff`, `test_report`, ...
    pub kind: String,
    /// File name, without a path.
    pub name: String,
    /// The content's digest.
    pub digest: Digest,
}

/// An artifact's row; the content lies in the blob store under `digest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: ArtifactId,
    /// The mission it belongs to.
    pub mission_id: MissionId,
    /// The work item, when it came from one.
    pub work_item_id: Option<WorkItemId>,
    /// The run, when a run left it.
    pub run_id: Option<RunId>,
    /// What it is.
    pub kind: String,
    /// File name, without a path.
    pub name: String,
    /// Media type (RFC 6838).
    pub media_type: String,
    /// Length in bytes.
    pub size: u64,
    /// The content's digest.
    pub digest: Digest,
    /// When it was left.
    pub created_at: Timestamp,
}

impl Artifact {
    /// What a work item or a run remembers of it.
    pub fn reference(&self) -> ArtifactRef {
        ArtifactRef {
            id: self.id.clone(),
            kind: self.kind.clone(),
            name: self.name.clone(),
            digest: self.digest.clone(),
        }
    }
}

/// One digest for a set of artifacts, by kind, name and content and not by id: a verdict on
/// this set holds for another attempt only if that attempt left the very same.
pub fn set_digest(artifacts: &[ArtifactRef]) -> Digest {
    let mut lines: Vec<String> = artifacts.iter().map(|a| format!("{}\0{}\0{}\n", a.kind, a.name, a.digest)).collect();
    lines.sort_unstable();
    let mut hash = Sha256::new();
    for line in &lines {
        hash.update((line.len() as u64).to_le_bytes());
        hash.update(line.as_bytes());
    }
    Digest::from_hash(hash)
}
