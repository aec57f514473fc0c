//! Takes away records whose time is over, so that whoever watches is told.
//!
//! Readers never see them in the meantime: every read and every write leaves out what has ended.

use crate::domain::resource::{Change, Expect, ResourceWrite};
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
        let expire = |EndedResource { workspace_id, key }| ResourceWrite {
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
        };
        let unit = Unit { resources: ended.into_iter().map(expire).collect(), ..Unit::default() };
        match self.parts.store.commit(unit).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(count),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}
