//! One reader of the log for a whole host: what it has read lately is shared by everybody who
//! follows, so that a thousand followers cost the database as much as one. What the host itself commits
//! comes from its writer as long as it leaves no gap; everything else is read from the database.
//!
//! An event wakes those it is for and nobody else. A follower that keeps up takes events from memory;
//! one that has fallen behind reads the log by itself, page by page, until it has caught up. Nobody's
//! events wait in memory for a slow reader. Where to read next: `tail.rs`, one follower.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::domain::event::LogEvent;
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;
use crate::store::{Fed, LogFeed, LogFilter, StorageError, Store};

use super::POLL_INTERVAL;
use super::recent::{Recent, Tailed};
use super::routes::Routes;
use super::tail::Tail;
use super::values::Values;

/// Most events read at once.
const PAGE: u32 = 512;
/// Pause after a failure that may pass.
const RETRY: Duration = Duration::from_millis(200);

/// Is told of every event that the tailer reads, of whatever workspace.
pub type Observer = Box<dyn Fn(&LogEvent) + Send + Sync>;

/// What following has cost since the tailer started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Events that were read, each once.
    pub events: u64,
    /// Followers that the index found for these events.
    pub considered: u64,
    /// Followers that were woken.
    pub woken: u64,
    /// Remembered events that followers behind looked at to catch up.
    pub searched: u64,
    /// Pages of the log that followers behind read to catch up.
    pub pages: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    events: AtomicU64,
    considered: AtomicU64,
    woken: AtomicU64,
    pub(super) searched: AtomicU64,
    pub(super) pages: AtomicU64,
}

/// What the reader and all followers share.
pub(super) struct Shared {
    pub(super) store: Store,
    observer: Observer,
    recent: Mutex<Recent>,
    routes: Mutex<Routes>,
    /// Up to where events were read, remembered, and told to whoever asked for them. Written under the
    /// lock of `routes`.
    head: AtomicU64,
    pub(super) counters: Counters,
    values: Values,
}

impl Shared {
    pub(super) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where everybody has been told. Whoever finds nothing waiting after asking has missed
    /// nothing up to there.
    pub(super) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Whether these, which lie side by side, leave no gap after what was read.
    fn goes_on_with(&self, events: &[LogEvent]) -> bool {
        events.first().is_some_and(|first| first.seq <= self.head() + 1)
    }

    /// Remembers events, tells whoever asked for them, and wakes them: in this order, so that whoever
    /// is told finds the event, and whoever sits down meanwhile searches up to where it was not told.
    fn take_in(&self, events: Vec<LogEvent>) {
        let Some(last) = events.last().map(|event| event.seq) else { return };
        events.iter().for_each(&self.observer);
        let events: Vec<_> = events.into_iter().map(Tailed::new).collect();
        self.recent().keep(&events);
        let (mut woken, mut considered) = (Vec::new(), 0);
        {
            let routes = self.routes();
            for tailed in &events {
                considered += routes.tell(&tailed.event, &mut woken);
            }
            self.head.store(last, Ordering::Release);
        }
        let counters = &self.counters;
        counters.events.fetch_add(events.len() as u64, Ordering::Relaxed);
        counters.considered.fetch_add(considered, Ordering::Relaxed);
        counters.woken.fetch_add(woken.len() as u64, Ordering::Relaxed);
        for seat in woken {
            seat.wake();
        }
    }
}

/// The host's reader of the log. Dropping it ends it.
pub struct Tailer {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Tailer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tailer {
    /// Starts reading at the log's end.
    ///
    /// # Errors
    /// When the log's end cannot be read.
    pub async fn start(store: Store) -> Result<Self, StorageError> {
        Self::observed(store, Box::new(|_| {})).await
    }

    /// The same, with somebody who is told of every event.
    ///
    /// # Errors
    /// When the log's end cannot be read.
    pub async fn observed(store: Store, observer: Observer) -> Result<Self, StorageError> {
        // Before the head is read, so that nothing lies between.
        let feed = store.feed();
        let head = store.log_head().await?;
        let shared = Arc::new(Shared {
            values: Values::new(store.clone()),
            store,
            observer,
            recent: Mutex::new(Recent::new(head)),
            routes: Mutex::default(),
            head: AtomicU64::new(head),
            counters: Counters::default(),
        });
        let task = tokio::spawn(run(Arc::clone(&shared), feed));
        Ok(Self { shared, task })
    }

    /// The newest `seq` that was read and told.
    pub fn head(&self) -> u64 {
        self.shared.head()
    }

    /// Follows the events of `workspace` that pass `filter` and come after `after_seq`.
    pub fn follow(&self, workspace: WorkspaceId, filter: LogFilter, after_seq: u64) -> Tail {
        Tail::new(Arc::clone(&self.shared), workspace, filter, after_seq)
    }

    /// The text of an event together with the value that it gave a shared resource: read and made by
    /// `write` once for all who ask at about the same time. The value is `None` when the event gave
    /// none, or when that revision is no longer kept.
    ///
    /// # Errors
    /// When the value cannot be read.
    ///
    /// *Limits*: 16 MiB of such texts are remembered; whoever keeps one keeps it by itself.
    pub async fn text_with_value(
        &self,
        event: &LogEvent,
        write: impl FnOnce(&LogEvent, Option<&Json>) -> String,
    ) -> Result<Bytes, StorageError> {
        self.shared.values.text(event, write).await
    }

    /// The value that an event gave a shared resource; `None` as for [`Self::text_with_value`].
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn value(&self, event: &LogEvent) -> Result<Option<Json>, StorageError> {
        self.shared.values.value(event).await
    }

    /// What following has cost so far.
    pub fn effort(&self) -> Effort {
        let Counters { events, considered, woken, searched, pages } = &self.shared.counters;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Effort {
            events: of(events),
            considered: of(considered),
            woken: of(woken),
            searched: of(searched),
            pages: of(pages),
        }
    }
}

async fn run(shared: Arc<Shared>, mut feed: LogFeed) {
    let mut step = read_on(&shared).await;
    loop {
        if let Err(error) = step {
            tracing::warn!(%error, "failed to read the log; trying again");
            tokio::time::sleep(RETRY).await;
            step = read_on(&shared).await;
            continue;
        }
        step = match tokio::time::timeout(POLL_INTERVAL, feed.next()).await {
            Ok(Ok(Fed::Events(events))) if shared.goes_on_with(&events) => {
                let head = shared.head();
                shared.take_in(events.into_iter().filter(|event| event.seq > head).collect());
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Ok(Ok(Fed::Events(_) | Fed::Look)) | Err(_) => read_on(&shared).await,
        };
    }
}

async fn read_on(shared: &Shared) -> Result<(), StorageError> {
    loop {
        let events = shared.store.log_of_all(shared.head(), PAGE).await?;
        let is_full = events.len() >= PAGE as usize;
        shared.take_in(events);
        if !is_full {
            return Ok(());
        }
    }
}
