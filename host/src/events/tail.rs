//! One follower among many: a cursor, a filter, and a seat at which it is told.
//!
//! It searches by itself up to where the log was when it sat down, in memory if that reaches back far
//! enough; what comes later it is told. Between two events for it there is nothing to do.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::recent::Tailed;
use super::seat::{Seat, Taken};
use super::tailer::Shared;
use crate::domain::id::WorkspaceId;
use crate::store::{LogFilter, StorageError};

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

/// One follower.
pub struct Tail {
    shared: Arc<Shared>,
    workspace: WorkspaceId,
    seat: Arc<Seat>,
    number: u64,
    /// Everything up to here was answered, or did not pass the filter.
    cursor: u64,
    /// Up to here it searches by itself; of whatever comes after it is told.
    search_to: u64,
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.shared.routes().remove(&self.workspace, &self.seat.filter, self.number);
    }
}

impl Tail {
    /// Sits down.
    pub(super) fn new(shared: Arc<Shared>, workspace: WorkspaceId, filter: LogFilter, after_seq: u64) -> Self {
        let seat = Arc::new(Seat::new(filter));
        let (number, search_to) = {
            let mut routes = shared.routes();
            // Under the lock: whatever was told before is at most the head, whatever comes is told here.
            (routes.add(&workspace, &seat), shared.head())
        };
        Self { shared, workspace, seat, number, cursor: after_seq, search_to }
    }

    /// Up to where the log was read: a follower that starts after it goes on without a gap.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The next events: at least one, at most `limit`. Waits until there is one. What retention has
    /// deleted meanwhile is told as a gap, once, and passed over.
    ///
    /// # Errors
    /// When they cannot be read; the next call tries again from the same place.
    ///
    /// *Cancellation*: safe. Events that were not answered are answered by the next call.
    pub async fn next(&mut self, limit: u32) -> Result<Told, StorageError> {
        loop {
            if let Some(told) = self.look(limit).await? {
                return Ok(told);
            }
            self.sleep().await;
        }
    }

    /// The same, without waiting; `None` when there is nothing yet.
    ///
    /// # Errors
    /// As [`Self::next`].
    ///
    /// *Cancellation*: safe, but a page of the log that was being read is read again. Whoever does
    /// something else now and then interrupts [`Self::sleep`] for it and not this.
    pub async fn look(&mut self, limit: u32) -> Result<Option<Told>, StorageError> {
        loop {
            if self.cursor < self.search_to {
                if let Some(told) = self.search(limit).await? {
                    return Ok(Some(told));
                }
                continue;
            }
            // The head first: what waits is looked for after it.
            let head = self.shared.head();
            match self.seat.take(self.cursor, limit as usize) {
                Taken::Seqs(seqs) => {
                    if let Some(told) = self.remember(&seqs) {
                        return Ok(Some(told));
                    }
                }
                Taken::Behind(to) => self.search_to = to,
                Taken::Nothing => {
                    self.cursor = self.cursor.max(head);
                    return Ok(None);
                }
            }
        }
    }

    /// Waits until there may be something, after a look found nothing.
    ///
    /// *Cancellation*: safe. Look before waiting again.
    pub async fn sleep(&self) {
        self.seat.sleep().await;
    }

    /// The events of these numbers, which are the next. When they were forgotten meanwhile they have to
    /// be searched for, from the first of them on.
    fn remember(&mut self, seqs: &[u64]) -> Option<Told> {
        let (first, last) = (*seqs.first()?, *seqs.last()?);
        if let Some(events) = self.shared.recent().find(seqs) {
            self.cursor = last;
            return Some(Told::Events(events));
        }
        self.cursor = self.cursor.max(first - 1);
        self.search_to = last;
        None
    }

    /// Looks for the next events after the cursor, in memory or else in the log, and moves it.
    async fn search(&mut self, limit: u32) -> Result<Option<Told>, StorageError> {
        let Self { shared, workspace, seat, .. } = &*self;
        let found = shared.recent().search(self.cursor, limit as usize, |event| {
            event.event.workspace_id == *workspace && seat.filter.passes(event)
        });
        let Some(found) = found else { return self.read(limit).await };
        shared.counters.searched.fetch_add(found.looked_at as u64, Ordering::Relaxed);
        if found.events.len() < limit as usize {
            // Memory was searched to its end, and reaches at least that far.
            self.cursor = found.searched.max(self.search_to);
        } else {
            self.cursor = found.searched;
        }
        Ok(Some(found.events).filter(|events| !events.is_empty()).map(Told::Events))
    }

    /// The next page of the log after the cursor.
    async fn read(&mut self, limit: u32) -> Result<Option<Told>, StorageError> {
        let Self { shared, workspace, seat, .. } = &*self;
        shared.counters.pages.fetch_add(1, Ordering::Relaxed);
        // The head first: whatever is committed while the page is read lies beyond it.
        let head = shared.head().max(self.search_to);
        let page = shared.store.log_events(workspace, self.cursor, &seat.filter, limit).await?;
        // After the page: what was deleted while it was read may be missing from it.
        let trimmed = shared.store.log_trimmed().await?;
        if self.cursor < trimmed {
            self.cursor = trimmed;
            return Ok(Some(Told::Gap { oldest_seq: trimmed + 1 }));
        }
        let is_full = page.len() >= limit as usize;
        let last = page.last().map_or(self.cursor, |event| event.seq);
        self.cursor = if is_full { last } else { last.max(head) };
        Ok(Some(page)
            .filter(|page| !page.is_empty())
            .map(|page| Told::Events(page.into_iter().map(Tailed::new).collect())))
    }
}
