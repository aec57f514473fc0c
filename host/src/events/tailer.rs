//! One reader of the log for a whole host: what it has read lately is shared by everybody who
//! follows, so that a thousand followers cost the database as much as one.
//!
//! A follower that keeps up takes events from memory; one that has fallen behind reads the log by
//! itself, page by page, until it has caught up. Nobody's events wait in memory for a slow reader.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::domain::event::LogEvent;
use crate::domain::id::WorkspaceId;
use crate::store::{LogFilter, StorageError, Store};

use super::POLL_INTERVAL;

/// Most events remembered.
const KEPT_MAX: usize = 4096;
/// Most bytes of properties remembered (8 MiB).
const KEPT_BYTES_MAX: usize = 8 << 20;
/// Most events read at once.
const PAGE: u32 = 512;
/// Pause after a failure that may pass.
const RETRY: Duration = Duration::from_millis(200);

/// An event that was read, and its text once somebody has made it.
#[derive(Debug)]
pub struct Tailed {
    /// The event.
    pub event: LogEvent,
    text: OnceLock<Arc<str>>,
}

impl Tailed {
    fn new(event: LogEvent) -> Arc<Self> {
        Arc::new(Self { event, text: OnceLock::new() })
    }

    /// The event's text, made by `write` the first time.
    pub fn text(&self, write: impl FnOnce(&LogEvent) -> String) -> &Arc<str> {
        self.text.get_or_init(|| write(&self.event).into())
    }
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Arc<Tailed>>,
    bytes: usize,
    /// Every event after this one that exists up to `head` is in `events`.
    complete_after: u64,
}

/// Is told of every event that the tailer reads, of whatever workspace.
pub type Observer = Box<dyn Fn(&LogEvent) + Send + Sync>;

struct Shared {
    store: Store,
    observer: Observer,
    kept: Mutex<Kept>,
    /// Up to where the log was read.
    head: watch::Sender<u64>,
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
        let head = store.log_head().await?;
        let kept = Mutex::new(Kept { complete_after: head, ..Kept::default() });
        let shared = Arc::new(Shared { store, observer, kept, head: watch::Sender::new(head) });
        let task = tokio::spawn(run(Arc::clone(&shared)));
        Ok(Self { shared, task })
    }

    /// The newest `seq` that was read.
    pub fn head(&self) -> u64 {
        *self.shared.head.borrow()
    }

    /// Follows the events of `workspace` that pass `filter` and come after `after_seq`.
    pub fn follow(&self, workspace: WorkspaceId, filter: LogFilter, after_seq: u64) -> Tail {
        let head = self.shared.head.subscribe();
        Tail { shared: Arc::clone(&self.shared), workspace, filter, cursor: after_seq, head }
    }
}

async fn run(shared: Arc<Shared>) {
    let mut commits = shared.store.commits();
    loop {
        commits.mark_unchanged();
        match read_on(&shared).await {
            Ok(()) => {
                let _ = tokio::time::timeout(POLL_INTERVAL, commits.changed()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "failed to read the log; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn read_on(shared: &Shared) -> Result<(), StorageError> {
    loop {
        let cursor = *shared.head.borrow();
        let events = shared.store.log_of_all(cursor, PAGE).await?;
        let Some(last) = events.last().map(|event| event.seq) else { return Ok(()) };
        let is_full = events.len() >= PAGE as usize;
        shared.keep(events);
        shared.head.send_replace(last);
        if !is_full {
            return Ok(());
        }
    }
}

fn size_of(event: &LogEvent) -> usize {
    event.event.properties.as_str().len() + 512
}

impl Shared {
    fn keep(&self, events: Vec<LogEvent>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            (self.observer)(&event);
            kept.bytes += size_of(&event);
            kept.events.push_back(Tailed::new(event));
        }
        while kept.events.len() > KEPT_MAX || kept.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = kept.events.pop_front() else { break };
            kept.bytes -= size_of(&oldest.event);
            kept.complete_after = oldest.event.seq;
        }
    }

    /// Up to `limit` events after `cursor` from memory, and up to where memory was searched; `None`
    /// when memory does not reach back that far.
    fn remembered(&self, tail: &Tail, limit: usize) -> Option<(Vec<Arc<Tailed>>, u64)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.cursor < kept.complete_after {
            return None;
        }
        let start = kept.events.partition_point(|tailed| tailed.event.seq <= tail.cursor);
        let mut found = Vec::new();
        let mut searched = tail.cursor;
        for tailed in kept.events.iter().skip(start) {
            searched = tailed.event.seq;
            if tailed.event.event.workspace_id == tail.workspace && tail.filter.passes(&tailed.event) {
                found.push(Arc::clone(tailed));
                if found.len() == limit {
                    break;
                }
            }
        }
        Some((found, searched))
    }
}

/// What a follower is told.
#[derive(Debug)]
pub enum Told {
    /// Events, in order; at least one.
    Events(Vec<Arc<Tailed>>),
    /// Events between the cursor and this one are gone.
    Gap {
        /// The oldest event there is.
        oldest_seq: u64,
    },
}

/// One follower: a cursor and a filter.
pub struct Tail {
    shared: Arc<Shared>,
    workspace: WorkspaceId,
    filter: LogFilter,
    /// Everything up to here was answered, or did not pass the filter.
    cursor: u64,
    head: watch::Receiver<u64>,
}

impl Tail {
    /// Up to where the log was read: a follower that starts after it goes on without a gap.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The next events: at least one, about `limit` at most. Waits until there is one. What
    /// retention has deleted meanwhile is told as a gap, once, and passed over.
    ///
    /// # Errors
    /// When they cannot be read; the next call tries again from the same place.
    ///
    /// *Cancellation*: safe. Events that were not answered are answered by the next call.
    pub async fn next(&mut self, limit: u32) -> Result<Told, StorageError> {
        loop {
            self.head.borrow_and_update();
            if let Some((found, searched)) = self.shared.remembered(self, limit as usize) {
                self.cursor = searched;
                if !found.is_empty() {
                    return Ok(Told::Events(found));
                }
                // The sender lives as long as what is shared.
                let _ = self.head.changed().await;
                continue;
            }
            let trimmed = self.shared.store.log_trimmed().await?;
            if self.cursor < trimmed {
                self.cursor = trimmed;
                return Ok(Told::Gap { oldest_seq: trimmed + 1 });
            }
            // The head first: whatever is committed while the page is read lies beyond it.
            let head = *self.head.borrow();
            let page = self.shared.store.log_events(&self.workspace, self.cursor, &self.filter, limit).await?;
            let is_full = page.len() >= limit as usize;
            let last = page.last().map_or(self.cursor, |event| event.seq);
            self.cursor = if is_full { last } else { last.max(head) };
            if !page.is_empty() {
                return Ok(Told::Events(page.into_iter().map(Tailed::new).collect()));
            }
        }
    }
}
