//! Has the engine forget what is kept for a time only.

use std::time::Duration;

use crate::engine::{Engine, EngineError, RoutineName};

/// Time between two looks: what is kept is kept for days.
const EVERY: Duration = Duration::from_mins(1);

/// Most routines looked at in one look: a few thousand lookups by index, all in all.
const ROUTINES_AT_ONCE: usize = 1_000;

pub(super) async fn run(engine: Engine) {
    // A host that starts again begins with the first routine again.
    let mut trimmed = None;
    loop {
        if let Err(error) = look(&engine, &mut trimmed).await {
            tracing::warn!(%error, "failed to delete what is no longer kept; trying again");
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn look(engine: &Engine, of_routines: &mut Option<RoutineName>) -> Result<(), EngineError> {
    let trimmed = engine.trim_log().await?;
    if trimmed > 0 {
        tracing::info!(trimmed, "old events were deleted from the log");
    }
    let trimmed = engine.trim_deliveries().await?;
    if trimmed > 0 {
        tracing::info!(trimmed, "old deliveries were deleted");
    }
    let (rows, next) = engine.trim_routines(of_routines.take(), ROUTINES_AT_ONCE).await?;
    *of_routines = next;
    if rows > 0 {
        tracing::info!(rows, "old runs of routines and lines of their histories were deleted");
    }
    engine.forget_receipts().await
}
