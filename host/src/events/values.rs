//! Texts of events that carry the value of a shared resource, read once for all who want them.
//!
//! Values may be large (1 MiB), so that their texts are not remembered as long as events are: only so
//! many bytes of them, the newest read ones. Whoever comes later has one read again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};

use crate::domain::event::LogEvent;
use crate::domain::event_type::EventType;
use crate::domain::json::Json;
use crate::store::{StorageError, Store};

/// Most bytes of texts remembered (16 MiB).
const KEPT_BYTES_MAX: usize = 16 << 20;
/// Most texts remembered.
const KEPT_MAX: usize = 4096;
/// Most values read at once: what followers far behind may have in memory on their way.
const READS_MAX: usize = 4;

type Slot = Arc<OnceCell<Bytes>>;

#[derive(Debug, Default)]
struct Kept {
    /// By the event's `seq`, with the bytes that are counted for it.
    slots: HashMap<u64, (Slot, usize)>,
    /// The slots' events, the oldest slot first.
    order: VecDeque<u64>,
    bytes: usize,
}

impl Kept {
    fn slot(&mut self, seq: u64) -> Slot {
        if let Some((slot, _)) = self.slots.get(&seq) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        self.slots.insert(seq, (Arc::clone(&slot), 0));
        self.order.push_back(seq);
        self.forget();
        slot
    }

    /// Counts the text that is being put into a slot, if the slot is still remembered.
    fn count(&mut self, seq: u64, slot: &Slot, bytes: usize) {
        let kept = self.slots.get_mut(&seq).filter(|(kept, _)| Arc::ptr_eq(kept, slot));
        let Some((_, counted)) = kept else { return };
        self.bytes = self.bytes + bytes - *counted;
        *counted = bytes;
        self.forget();
    }

    fn forget(&mut self) {
        while self.bytes > KEPT_BYTES_MAX || self.order.len() > KEPT_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.slots.remove(&oldest).map_or(0, |(_, counted)| counted);
        }
    }
}

/// The texts.
#[derive(Debug)]
pub(super) struct Values {
    store: Store,
    kept: Mutex<Kept>,
    reads: Semaphore,
}

impl Values {
    /// None yet.
    pub(super) fn new(store: Store) -> Self {
        Self { store, kept: Mutex::default(), reads: Semaphore::new(READS_MAX) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text that `write` makes of an event and its value.
    ///
    /// *Cancellation*: safe; somebody else who waits for the same text makes it then.
    pub(super) async fn text(
        &self,
        event: &LogEvent,
        write: impl FnOnce(&LogEvent, Option<&Json>) -> String,
    ) -> Result<Bytes, StorageError> {
        let slot = self.kept().slot(event.seq);
        let made = slot.get_or_try_init(|| async {
            // Nobody closes the semaphore.
            let _turn = self.reads.acquire().await;
            let value = self.value(event).await?;
            let text = Bytes::from(write(event, value.as_ref()));
            self.kept().count(event.seq, &slot, text.len());
            Ok::<_, StorageError>(text)
        });
        made.await.cloned()
    }

    /// The value that an event tells of.
    pub(super) async fn value(&self, event: &LogEvent) -> Result<Option<Json>, StorageError> {
        let event = &event.event;
        let (Some(key), Some(rev)) = (&event.resource_key, revision_of(&event.properties)) else { return Ok(None) };
        if event.event_type != EventType::ResourceUpdated.as_str() {
            return Ok(None);
        }
        let revision = self.store.resource_revision(&event.workspace_id, key, rev).await?;
        Ok(revision.and_then(|revision| revision.value))
    }
}

fn revision_of(properties: &Json) -> Option<u64> {
    serde_json::from_str::<Value>(properties.as_str()).ok()?["rev"].as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(kept: &mut Kept, seq: u64, bytes: usize) {
        let slot = kept.slot(seq);
        kept.count(seq, &slot, bytes);
    }

    #[test]
    fn only_so_many_bytes_are_remembered() {
        let mut kept = Kept::default();
        let first = kept.slot(0);
        (1..=16).for_each(|seq| fill(&mut kept, seq, 1 << 20));
        assert_eq!((kept.order.len(), kept.bytes), (17, KEPT_BYTES_MAX));
        fill(&mut kept, 17, 1);
        assert_eq!((kept.order.len(), kept.bytes), (16, (15 << 20) + 1), "the oldest go");
        // A text that comes when its slot is gone is not counted, nor for the slot that took its place.
        kept.count(0, &first, 5);
        assert!(!Arc::ptr_eq(&first, &kept.slot(0)));
        kept.count(0, &first, 5);
        assert_eq!(kept.bytes, (15 << 20) + 1);
        (100..100 + 2 * KEPT_MAX as u64).for_each(|seq| fill(&mut kept, seq, 0));
        assert_eq!((kept.order.len(), kept.slots.len(), kept.bytes), (KEPT_MAX, KEPT_MAX, 0));
    }
}
