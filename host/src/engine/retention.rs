//! Forgets what nobody may ask for any more: old events of the log, revisions of shared resources that
//! were replaced as long ago, receipts of yesterday.

use super::{Engine, EngineError};
use crate::domain::receipt::RECEIPT_TTL_MS;
use crate::domain::time::Timestamp;
use crate::store::{CommitError, Unit, Write};

/// Most events deleted by one unit of work: more would hold other writers up.
const EVENTS_AT_ONCE: u64 = 5_000;
/// Most receipts deleted by one unit of work.
const RECEIPTS_AT_ONCE: u32 = 1_000;

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
