//! What a run left, as its gates read it.
//!
//! Gates read in small pieces, and each would be a round trip while the component waits and holds its slot. So what is
//! small is read whole, in one round trip, before the component is called; the rest is read as it is asked for. What
//! could not be read before is tried again then, and fails the call.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::artifact::{Artifact, Digest};
use crate::domain::id::ArtifactId;
use crate::engine::Engine;
use crate::engine::ports::ArtifactSource;
use crate::store::Store;

/// Most bytes that are held for one verdict.
const HELD_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most bytes that are read at once, for however many verdicts.
const READ_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The whole content of what is small.
pub(super) type Held = HashMap<Digest, Vec<u8>>;

impl Engine {
    /// Reads what is small of the artifacts of one verdict or several.
    pub(super) async fn held<'a>(&self, verdicts: impl Iterator<Item = &'a [Artifact]>) -> Held {
        let (mut all_left, mut small) = (READ_BYTES_MAX, Vec::new());
        for artifacts in verdicts {
            let mut left = HELD_BYTES_MAX;
            for artifact in artifacts {
                if let (Some(rest), Some(all_rest)) =
                    (left.checked_sub(artifact.size), all_left.checked_sub(artifact.size))
                {
                    (left, all_left) = (rest, all_rest);
                    small.push(artifact.digest.clone());
                }
            }
        }
        small.sort_unstable();
        small.dedup();
        match self.parts.store.read_blobs(&small).await {
            Ok(held) => held,
            Err(error) => {
                tracing::debug!(%error, "artifacts are read as they are asked for");
                Held::new()
            }
        }
    }

    /// What gates read of `artifacts`, and of nothing else, of which some are held.
    pub(super) fn source_of(&self, artifacts: &[Artifact], held: Arc<Held>) -> Arc<dyn ArtifactSource> {
        Arc::new(Left {
            store: self.parts.store.clone(),
            runtime: tokio::runtime::Handle::current(),
            digests: artifacts.iter().map(|artifact| (artifact.id.clone(), artifact.digest.clone())).collect(),
            held,
        })
    }

    /// The same, for whoever asks for a verdict of then again.
    pub(in crate::engine) async fn artifact_source(&self, artifacts: &[Artifact]) -> Arc<dyn ArtifactSource> {
        let held = self.held(std::iter::once(artifacts)).await;
        self.source_of(artifacts, Arc::new(held))
    }
}

/// The artifacts of one call.
struct Left {
    store: Store,
    runtime: tokio::runtime::Handle,
    digests: Vec<(ArtifactId, Digest)>,
    held: Arc<Held>,
}

impl ArtifactSource for Left {
    fn read(&self, id: &ArtifactId, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let Some((_, digest)) = self.digests.iter().find(|(known, _)| known == id) else {
            return Err(format!("artifact `{id}` is not among those under judgement"));
        };
        match self.held.get(digest) {
            Some(content) => Ok(part(content, offset, length).to_vec()),
            None => {
                self.runtime.block_on(self.store.read_blob(digest, offset, length)).map_err(|error| error.to_string())
            }
        }
    }
}

/// Up to `length` bytes from `offset` on; none past the end.
fn part(content: &[u8], offset: u64, length: u32) -> &[u8] {
    let rest = usize::try_from(offset).ok().and_then(|offset| content.get(offset..)).unwrap_or_default();
    &rest[..rest.len().min(usize::try_from(length).unwrap_or(usize::MAX))]
}
