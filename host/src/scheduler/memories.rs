//! Takes away remembered records whose time is over.

use std::time::Duration;

use super::{POLL, RETRY};
use crate::engine::{Engine, EngineError};

/// Time between two looks: nobody finds an ended record in the meantime.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(super) async fn run(engine: Engine) {
    loop {
        let pause = match look(&engine).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "failed to take away remembered records that have ended; trying again");
                RETRY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn look(engine: &Engine) -> Result<Duration, EngineError> {
    let next = engine.store().next_memory_end().await?;
    if next.is_none_or(|end| end > engine.clock().now()) {
        return Ok(LOOK_EVERY);
    }
    engine.expire_memory().await?;
    Ok(POLL)
}
