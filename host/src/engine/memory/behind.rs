//! Entries of the audit that nobody waits for: those of searches.
//!
//! A search changes nothing, and would take several times as long if it waited until the disk holds that it
//! was done. So its entry is on its way when it is answered, and whoever reads the audit here waits for
//! those. Nothing is searched unwatched for long: once an entry could not be written, the next search waits
//! for its own, and fails with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use crate::engine::error::conflict_or_storage;
use crate::engine::{Engine, EngineError};
use crate::store::Unit;

/// Most entries on their way at once; a search beyond them waits for its own.
const ON_THEIR_WAY_MAX: u32 = 512;

/// What is on its way.
pub(in crate::engine) struct Behind {
    places: Arc<Semaphore>,
    /// Whether the last one could not be written.
    is_failing: Arc<AtomicBool>,
}

impl Default for Behind {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(ON_THEIR_WAY_MAX as usize)), is_failing: Arc::default() }
    }
}

impl Engine {
    /// Sends a unit on its way that holds nothing but what is told of a search.
    ///
    /// # Errors
    /// Storage, when the one before could not be written and neither can this.
    pub(super) async fn write_behind(&self, unit: Unit) -> Result<(), EngineError> {
        let behind = &self.parts.behind;
        let place = Arc::clone(&behind.places).try_acquire_owned();
        let (false, Ok(place)) = (behind.is_failing.load(Ordering::Relaxed), place) else {
            self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
            behind.is_failing.store(false, Ordering::Relaxed);
            return Ok(());
        };
        let (store, is_failing) = (self.parts.store.clone(), Arc::clone(&behind.is_failing));
        tokio::spawn(async move {
            if let Err(error) = store.commit(unit).await {
                is_failing.store(true, Ordering::Relaxed);
                tracing::error!(%error, "what was searched could not be written into the audit");
            }
            drop(place);
        });
        Ok(())
    }

    /// Waits until what is told of all searches so far is written.
    pub async fn settled(&self) {
        // The semaphore is never closed, and has as many places.
        let _all = self.parts.behind.places.acquire_many(ON_THEIR_WAY_MAX).await;
    }
}
