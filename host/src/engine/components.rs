//! Has the components a mission is pinned to at hand, whoever created the mission: their bytes
//! lie beside it, and are installed when they are first needed.

use super::{Engine, EngineError};
use crate::domain::artifact::Digest;
use crate::domain::mission::Bindings;

/// Bytes read from storage at once.
const CHUNK: u32 = 8 << 20;

impl Engine {
    /// Keeps the components of `bindings` beside the missions that will be pinned to them: a
    /// newer binary may not bring them any more, a file may be gone, another host never had it.
    ///
    /// # Errors
    /// Storage.
    pub async fn keep_components(&self, bindings: &Bindings) -> Result<(), EngineError> {
        let gates = bindings.gates.iter().map(|(_, binding)| &binding.digest);
        for digest in std::iter::once(&bindings.reducer.digest).chain(gates) {
            if let Some(bytes) = self.parts.plugins.component(digest) {
                self.parts.store.put_blob(&bytes).await?;
            }
        }
        Ok(())
    }

    /// Installs a component from where [`Self::keep_components`] put it, unless it is installed.
    ///
    /// # Errors
    /// [`EngineError::HostFault`] when it is not kept or no longer taken; storage.
    pub async fn have_component(&self, digest: &Digest) -> Result<(), EngineError> {
        if self.parts.plugins.is_installed(digest) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        loop {
            let chunk = self.parts.store.read_blob(digest, bytes.len() as u64, CHUNK).await?;
            if chunk.is_empty() {
                break;
            }
            bytes.extend_from_slice(&chunk);
        }
        self.parts.plugins.install(bytes).map_err(EngineError::HostFault)
    }
}
