//! Takes away records whose time is over, so that whoever watches is told.
//!
//! Readers never see them in the meantime: every read and every write leaves out what has ended. But
//! nobody is told of a key that it has no record as long as a write that began before the end could
//! still find one: who looks that closely takes the record away first ([`Engine::is_surely_absent`]).

use crate::domain::id::WorkspaceId;
use crate::domain::resource::{Change, Expect, Life, ResourceKey, ResourceWrite};
use crate::domain::time::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, EndedResource, Unit};

/// Most records taken away by one unit of work.
const AT_ONCE: u32 = 500;

impl Engine {
    /// Takes away what has ended, the oldest end first, and tells how many keys it looked at.
    ///
    /// # Errors
    /// Storage.
    pub async fn expire_resources(&self) -> Result<usize, EngineError> {
        let now = self.now();
        let ended = self.parts.store.ended_resources(now, AT_ONCE).await?;
        let count = ended.len();
        if count == 0 {
            return Ok(0);
        }
        let expire = |EndedResource { workspace_id, key }| self.expiry_of(workspace_id, key, now);
        let unit = Unit { resources: ended.into_iter().map(expire).collect(), ..Unit::default() };
        match self.parts.store.commit(unit).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(count),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    /// Whether nobody can find a record of a key that was just found without one: it has none, or it had
    /// one that ended and is taken away by now. Otherwise somebody wrote it meanwhile.
    ///
    /// The end of a record is a matter of clocks, and a write that is on its way since before the end is
    /// judged by the time it was sent at; on another host the clock may be another, too. Whoever was told
    /// of an absence must not be told of the record after it. So the end gets its place among the writes
    /// of the key before anybody is told of it.
    ///
    /// # Errors
    /// Storage, when it cannot be read; that the end cannot be written changes nothing for the reader.
    pub(super) async fn is_surely_absent(
        &self,
        workspace: &WorkspaceId,
        key: &ResourceKey,
    ) -> Result<bool, EngineError> {
        let now = self.now();
        let Some(head) = self.parts.store.resource_head(workspace, key).await? else { return Ok(true) };
        match head.life {
            Life::Gone => Ok(true),
            Life::Until(end) if end <= now => {
                let resources = vec![self.expiry_of(workspace.clone(), key.clone(), now)];
                match self.parts.store.commit(Unit { resources, ..Unit::default() }).await {
                    Ok(committed) => Ok(committed.seqs.is_some()),
                    Err(CommitError::Conflict { .. }) => Ok(false),
                    Err(CommitError::Storage(_)) => Ok(true),
                }
            }
            Life::Until(_) | Life::Lasting | Life::Kept => Ok(false),
        }
    }

    fn expiry_of(&self, workspace_id: WorkspaceId, key: ResourceKey, now: Timestamp) -> ResourceWrite {
        ResourceWrite {
            workspace_id,
            key,
            expect: Expect::Anything,
            becomes: None,
            change: Change::Expire,
            by_host: true,
            updated_by: "system.expiry".to_owned(),
            actor: "system.expiry".to_owned(),
            at: now,
            event_ids: self.two_event_ids(),
        }
    }
}
