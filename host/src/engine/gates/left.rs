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

impl Engine {
    /// What gates read of `artifacts`, and of nothing else.
    pub(in crate::engine) async fn artifact_source(&self, artifacts: &[Artifact]) -> Arc<dyn ArtifactSource> {
        let (mut left, mut small) = (HELD_BYTES_MAX, Vec::new());
        for artifact in artifacts {
            if let Some(rest) = left.checked_sub(artifact.size) {
                left = rest;
                small.push(artifact.digest.clone());
            }
        }
        let held = match self.parts.store.read_blobs(&small).await {
            Ok(held) => held,
            Err(error) => {
                tracing::debug!(%error, "artifacts are read as they are asked for");
                HashMap::new()
            }
        };
        Arc::new(Left {
            store: self.parts.store.clone(),
            runtime: tokio::runtime::Handle::current(),
            digests: artifacts.iter().map(|artifact| (artifact.id.clone(), artifact.digest.clone())).collect(),
            held,
        })
    }
}

/// The artifacts of one call.
struct Left {
    store: Store,
    runtime: tokio::runtime::Handle,
    digests: Vec<(ArtifactId, Digest)>,
    /// The whole content of those that are held.
    held: HashMap<Digest, Vec<u8>>,
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
