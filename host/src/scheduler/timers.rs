//! Fires timers when they are due, and ends questions nobody answered in time.

use std::time::Duration;

use super::{POLL, RETRY, wake};
use crate::engine::{Engine, EngineError};
use crate::store::Topic;

pub(super) async fn run(engine: Engine) {
    let mut wakes = engine.store().wakes(Topic::Timers);
    loop {
        wakes.mark_seen();
        let pause = match look(&engine).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "failed to fire timers; trying again");
                RETRY
            }
        };
        // A commit may have set a timer that is due earlier.
        wake(wakes.changed(), pause).await;
    }
}

/// Fires what is due and tells how long to wait for the next.
async fn look(engine: &Engine) -> Result<Duration, EngineError> {
    engine.expire_approvals().await?;
    if engine.fire_due_timers().await? > 0 {
        return Ok(Duration::ZERO);
    }
    let next = engine.store().next_timer_due().await?;
    let wait = next.map_or(POLL, |due| Duration::from_millis(due.millis_since(engine.clock().now())));
    Ok(wait.min(POLL))
}
