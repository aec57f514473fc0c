//! Has the components a mission is pinned to at hand, whoever created the mission: their bytes
//! lie beside it, and are installed when they are first needed.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Engine, EngineError};
use crate::domain::artifact::Digest;
use crate::domain::mission::Bindings;
use crate::store::StorageErrorKind;

/// Bytes read from storage at once.
const CHUNK: u32 = 8 << 20;

/// Components that are remembered as kept; beyond it they are put again.
const KEPT_MAX: usize = 10_000;

/// The components that this host has kept.
#[derive(Default)]
pub(super) struct Kept(Mutex<HashSet<Digest>>);

impl Kept {
    fn set(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, digest: &Digest) -> bool {
        self.set().contains(digest)
    }

    fn note(&self, digest: &Digest) {
        let mut kept = self.set();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(digest.clone());
    }
}

impl Engine {
    /// Keeps the components of `bindings` beside the missions that will be pinned to them: a
    /// newer binary may not bring them any more, a file may be gone, another host never had it.
    ///
    /// # Errors
    /// Storage.
    pub async fn keep_components(&self, bindings: &Bindings) -> Result<(), EngineError> {
        for binding in bindings.all() {
            self.keep_component(&binding.digest).await?;
        }
        Ok(())
    }

    /// The same of one component. What this host put once is there for good, and is not put again: components are
    /// large, and this is asked each time that something else is bound.
    ///
    /// # Errors
    /// Storage.
    pub(super) async fn keep_component(&self, digest: &Digest) -> Result<(), EngineError> {
        if self.parts.kept.has(digest) {
            return Ok(());
        }
        if let Some(bytes) = self.parts.plugins.component(digest) {
            self.parts.store.put_blob(&bytes).await?;
            self.parts.kept.note(digest);
        }
        Ok(())
    }

    /// Installs a component from where [`Self::keep_components`] or the registry put it, unless it is installed.
    ///
    /// # Errors
    /// [`EngineError::ComponentDamaged`] when it is not kept, or not what it was; [`EngineError::HostFault`] when it
    /// is no longer taken; storage.
    pub async fn have_component(&self, digest: &Digest) -> Result<(), EngineError> {
        if self.parts.plugins.is_installed(digest) {
            return Ok(());
        }
        let bytes = self.stored_component(digest).await?;
        let (plugins, wanted) = (Arc::clone(&self.parts.plugins), digest.clone());
        let installed = tokio::task::spawn_blocking(move || {
            let found = Digest::of(&bytes);
            if found != wanted {
                return Err(EngineError::ComponentDamaged { digest: wanted, found: Some(found) });
            }
            plugins.install(bytes).map_err(EngineError::HostFault)
        });
        installed.await.map_err(|error| EngineError::HostFault(error.to_string()))?
    }

    /// The bytes that are stored under a component's digest, whatever they are.
    async fn stored_component(&self, digest: &Digest) -> Result<Vec<u8>, EngineError> {
        let mut bytes = Vec::new();
        loop {
            let read = self.parts.store.read_blob(digest, bytes.len() as u64, CHUNK).await;
            let chunk = read.map_err(|error| match error.kind {
                StorageErrorKind::Corrupt => EngineError::ComponentDamaged { digest: digest.clone(), found: None },
                _ => error.into(),
            })?;
            if chunk.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&chunk);
        }
    }
}
