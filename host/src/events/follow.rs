//! Following the log: every event once, in order, none left out.
//!
//! That holds because the store shows an event only when it shows every event before it: a
//! cursor that has passed a `seq` never has to look back. What is left to do here is to read on
//! from the cursor, and to sleep until there may be more.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::event::LogEvent;
use crate::domain::id::WorkspaceId;
use crate::store::{LogFilter, StorageError, Store};

/// Most events [`Follower::next`] answers at once.
pub const FOLLOW_PAGE: u32 = 256;

/// How long a follower sleeps when nobody wakes it. A commit of this host always does, another
/// host's does unless the connection that would tell is lost just then.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Follows a workspace's log. It holds a cursor and no events, so a slow reader costs nothing.
#[derive(Debug)]
pub struct Follower {
    store: Store,
    workspace: WorkspaceId,
    filter: LogFilter,
    /// Everything up to here was answered, or did not pass the filter.
    cursor: u64,
    commits: watch::Receiver<u64>,
}

impl Follower {
    /// Follows the events of `workspace` that pass `filter` and come after `after_seq`.
    pub fn new(store: Store, workspace: WorkspaceId, filter: LogFilter, after_seq: u64) -> Self {
        let commits = store.commits();
        Self { store, workspace, filter, cursor: after_seq, commits }
    }

    /// Up to where the log was read: a follower that starts after it goes on without a gap.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The next events: at least one, at most [`FOLLOW_PAGE`]. Waits until there is one.
    ///
    /// # Errors
    /// When they cannot be read; the next call tries again from the same place.
    ///
    /// *Cancellation*: safe. Events that were not answered are answered by the next call.
    pub async fn next(&mut self) -> Result<Vec<LogEvent>, StorageError> {
        loop {
            // Marked as seen before reading: a commit that comes meanwhile ends the sleep.
            self.commits.mark_unchanged();
            let events = self.read().await?;
            if !events.is_empty() {
                return Ok(events);
            }
            // Woken or not, the log is read again; the store, and with it the sender, is alive.
            let _ = tokio::time::timeout(POLL_INTERVAL, self.commits.changed()).await;
        }
    }

    /// Reads on from the cursor and moves it, past events that do not pass the filter too, so
    /// that they are not read again each time.
    async fn read(&mut self) -> Result<Vec<LogEvent>, StorageError> {
        let head = self.store.log_head().await?;
        if head <= self.cursor {
            return Ok(Vec::new());
        }
        let events = self.store.log_events(&self.workspace, self.cursor, &self.filter, FOLLOW_PAGE).await?;
        let last = events.last().map_or(self.cursor, |event| event.seq);
        // A page that is not full was read to its end, which is at least where the head was
        // before it was read.
        let is_full = events.len() >= FOLLOW_PAGE as usize;
        self.cursor = if is_full { last } else { last.max(head) };
        Ok(events)
    }
}
