//! Takes away records whose time is over. Nobody finds them in the meantime: every read leaves them out.

use serde_json::json;

use super::remove::Removal;
use super::told::{Telling, about, place, with};
use crate::domain::audit::AuditOutcome;
use crate::domain::event_type::EventType;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Unit, Write};

/// Most records looked at at once.
const AT_ONCE: u32 = 200;
/// Who is said to have taken them away.
const ACTOR: &str = "system.expiry";

impl Engine {
    /// Takes away what has ended, the oldest end first, and tells how many records it looked at.
    ///
    /// # Errors
    /// Storage.
    pub async fn expire_memory(&self) -> Result<usize, EngineError> {
        let now = self.now();
        let ended = self.parts.store.ended_memories(now, AT_ONCE).await?;
        let count = ended.len();
        for record in ended {
            let mut telling = Telling::by_host(self, record.workspace_id(), ACTOR, now);
            telling.event(EventType::MemoryDeleted, with(about(&record), json!({"reason": "expired"})));
            let mut unit = Unit::default();
            unit.audit.push(telling.audit(
                "memory.expire",
                &format!("memory/{}", record.id),
                AuditOutcome::Done,
                record.run_id.as_ref().map(crate::domain::id::RunId::as_str),
                json!({"status": "done", "partition": place(&record.partition)}),
            ));
            unit.events = std::mem::take(&mut telling.events);
            self.forget_questions(&record, Removal::Delete, ACTOR, &mut unit).await?;
            unit.writes.push(Write::DeleteMemory(Box::new(record)));
            match self.parts.store.commit(unit).await {
                // Somebody put it anew or took it away meanwhile: it is theirs.
                Ok(_) | Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Ok(count)
    }
}
