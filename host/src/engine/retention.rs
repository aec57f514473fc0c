//! Forgets what nobody may ask for any more: old events of the log, revisions of shared resources that
//! were replaced as long ago, deliveries that were over as long ago, runs and histories of routines beyond their newest,
//! receipts of yesterday.

use super::{Engine, EngineError};
use crate::domain::id::{RoutineId, WorkspaceId};
use crate::domain::receipt::RECEIPT_TTL_MS;
use crate::domain::time::Timestamp;
use crate::store::{CommitError, Unit, Write};

/// Most events deleted by one unit of work: more would hold other writers up.
const EVENTS_AT_ONCE: u64 = 5_000;
/// Most receipts deleted by one unit of work.
const RECEIPTS_AT_ONCE: u32 = 1_000;
/// Most deliveries deleted by one unit of work.
const DELIVERIES_AT_ONCE: u32 = 500;
/// Runs, and lines of the history, that each routine keeps however old they are.
const OF_ROUTINE_KEPT: u32 = 1_000;
/// Most of either deleted by one unit of work.
const OF_ROUTINE_AT_ONCE: u32 = 500;

/// A routine, by name.
pub type RoutineName = (WorkspaceId, RoutineId);

impl Engine {
    /// Deletes events that are older than the log is kept, oldest first, and with the event that tells of
    /// a revision the one that it replaced: what costs is what goes, however many keys there are. Tells
    /// how many `seq` the log's beginning moved on.
    ///
    /// # Errors
    /// Storage; what was deleted until then stays deleted.
    pub async fn trim_log(&self) -> Result<u64, EngineError> {
        let Some(kept_ms) = self.parts.options.log_retention_ms else { return Ok(0) };
        let store = &self.parts.store;
        let oldest_kept = Timestamp(self.now().as_millis().saturating_sub(kept_ms));
        let Some(newest_old) = store.log_newest_before(oldest_kept).await? else { return Ok(0) };
        let begun_at = store.log_trimmed().await?;
        let mut trimmed = begun_at.max(store.log_oldest().await?.map_or(0, |seq| seq - 1));
        while trimmed < newest_old {
            let up_to_seq = newest_old.min(trimmed + EVENTS_AT_ONCE);
            let replaced = store.log_revisions(trimmed, up_to_seq).await?.into_iter();
            let forget = |(workspace_id, key, rev): (_, _, u64)| Write::ForgetRevision(workspace_id, key, rev - 1);
            let mut writes: Vec<Write> = replaced.filter(|(_, _, rev)| *rev > 1).map(forget).collect();
            writes.push(Write::TrimLog { up_to_seq });
            self.commit_alone(writes).await?;
            trimmed = up_to_seq;
        }
        Ok(trimmed.saturating_sub(begun_at))
    }

    /// Deletes deliveries that were over longer ago than events are kept. Tells how many.
    ///
    /// # Errors
    /// Storage; what was deleted until then stays deleted.
    pub async fn trim_deliveries(&self) -> Result<usize, EngineError> {
        let Some(kept_ms) = self.parts.options.log_retention_ms else { return Ok(0) };
        let before = Timestamp(self.now().as_millis().saturating_sub(kept_ms));
        let mut trimmed = 0;
        loop {
            let old = self.parts.store.old_deliveries(before, DELIVERIES_AT_ONCE).await?;
            if old.is_empty() {
                return Ok(trimmed);
            }
            trimmed += old.len();
            // What is over is never written again, so nothing has to hold.
            self.commit_alone(old.into_iter().map(|delivery| Write::ForgetDelivery(delivery.id)).collect()).await?;
        }
    }

    /// Deletes what is kept of no use of routines: runs that are over and lines of the history, older than they
    /// are kept and not among the newest of their routine. Looks at the `most` routines after `after`, by
    /// name. How many rows went, and after which routine to go on; nothing after the last.
    ///
    /// What the cursor of a routine has passed never fires again, whether its row is there or not.
    ///
    /// # Errors
    /// Storage; what was deleted until then stays deleted.
    pub async fn trim_routines(
        &self,
        after: Option<RoutineName>,
        most: usize,
    ) -> Result<(usize, Option<RoutineName>), EngineError> {
        let Some(kept_ms) = self.parts.options.routine_retention_ms else { return Ok((0, None)) };
        let before = Timestamp(self.now().as_millis().saturating_sub(kept_ms));
        let (mut rows, mut after) = (0, after);
        for _ in 0..most {
            let Some(next) = self.parts.store.next_told_routine(after.as_ref()).await? else { return Ok((rows, None)) };
            rows += self.trim_routine(&next, before).await?;
            after = Some(next);
        }
        Ok((rows, after))
    }

    async fn trim_routine(&self, (workspace, id): &RoutineName, before: Timestamp) -> Result<usize, EngineError> {
        let (store, of) = (&self.parts.store, (workspace, id));
        let mut rows = 0;
        loop {
            let runs = store.old_occurrences(of, OF_ROUTINE_KEPT, before, OF_ROUTINE_AT_ONCE).await?;
            let entries = store.old_routine_entries(of, OF_ROUTINE_KEPT, before, OF_ROUTINE_AT_ONCE).await?;
            if runs.is_empty() && entries.is_empty() {
                return Ok(rows);
            }
            rows += runs.len() + entries.len();
            let runs = runs.into_iter().map(|run| Write::ForgetOccurrence(workspace.clone(), id.clone(), run.slot));
            let entries = entries.into_iter();
            let entries = entries.map(|entry| Write::ForgetRoutineEntry(workspace.clone(), id.clone(), entry));
            self.commit_alone(runs.chain(entries).collect()).await?;
        }
    }

    /// Deletes receipts whose day is over.
    ///
    /// # Errors
    /// Storage.
    pub async fn forget_receipts(&self) -> Result<(), EngineError> {
        let before = Timestamp(self.now().as_millis().saturating_sub(RECEIPT_TTL_MS));
        loop {
            let old = self.parts.store.receipts_before(before, RECEIPTS_AT_ONCE).await?;
            if old.is_empty() {
                return Ok(());
            }
            self.commit_alone(old.into_iter().map(|receipt| Write::DeleteReceipt(receipt.key)).collect()).await?;
        }
    }

    async fn commit_alone(&self, writes: Vec<Write>) -> Result<(), EngineError> {
        match self.parts.store.commit(Unit { writes, ..Unit::default() }).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}
