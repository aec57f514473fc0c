//! Fires timers: a due row becomes an input of its mission, in one commit.

use serde_json::{Value, json};

use super::{Engine, EngineError};
use crate::domain::event::{Input, InputKind};
use crate::domain::id::EventId;
use crate::domain::timer::Timer;
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

impl Engine {
    /// Fires what is due, oldest first, and tells how many.
    ///
    /// # Errors
    /// Storage.
    pub async fn fire_due_timers(&self) -> Result<usize, EngineError> {
        const PAGE: u32 = 500;
        let due = self.parts.store.due_timers(self.now(), PAGE).await?;
        let count = due.len();
        for timer in due {
            self.fire(timer).await?;
        }
        Ok(count)
    }

    async fn fire(&self, timer: Timer) -> Result<(), EngineError> {
        let data: Value = serde_json::from_str(timer.data.as_str()).unwrap_or_default();
        let input = Input {
            id: EventId::new(self.new_id(EventId::PREFIX)),
            workspace_id: timer.workspace_id.clone(),
            mission_id: timer.mission_id.clone(),
            kind: InputKind::TimerFired,
            work_item_id: None,
            run_id: None,
            data: wire::json_of(&json!({"key": timer.key, "data": data})),
            occurred_at: self.now(),
            actor: "system.timers".to_owned(),
        };
        let unit = Unit {
            guards: vec![Guard::timer(&timer.mission_id, &timer.key, Some(timer.revision))],
            writes: vec![Write::DeleteTimer(timer.mission_id, timer.key), Write::Input(input)],
            ..Unit::default()
        };
        match self.parts.store.commit(unit).await {
            // Another host fired it, or its mission set it anew or ended.
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}
