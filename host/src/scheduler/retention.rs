//! Has the engine forget what is kept for a time only.

use std::time::Duration;

use crate::engine::{Engine, EngineError};

/// Time between two looks: what is kept is kept for days.
const EVERY: Duration = Duration::from_mins(1);

pub(super) async fn run(engine: Engine) {
    loop {
        if let Err(error) = look(&engine).await {
            tracing::warn!(%error, "failed to delete what is no longer kept; trying again");
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn look(engine: &Engine) -> Result<(), EngineError> {
    let trimmed = engine.trim_log().await?;
    if trimmed > 0 {
        tracing::info!(trimmed, "old events were deleted from the log");
    }
    engine.forget_receipts().await
}
