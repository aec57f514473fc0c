//! Ends leases: those that ran out, and at a start those of this host's dead workers.

use super::{POLL, RETRY};
use crate::engine::{Engine, EngineError};

/// Most leases ended in one look.
const PAGE: u32 = 500;

pub(super) async fn run(engine: Engine) {
    loop {
        let pause = match end_expired(&engine).await {
            Ok(()) => POLL,
            Err(error) => {
                tracing::warn!(%error, "failed to end expired leases; trying again");
                RETRY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn end_expired(engine: &Engine) -> Result<(), EngineError> {
    for run in engine.store().leased_runs(None, Some(engine.clock().now()), PAGE).await? {
        engine.interrupt_run(run, "its lease ran out").await?;
    }
    Ok(())
}

/// Ends the leases of this host's own workers.
pub(super) async fn end_own(engine: &Engine) -> Result<usize, EngineError> {
    let mut ended = 0;
    loop {
        let own = engine.store().leased_runs(Some(engine.host_id()), None, PAGE).await?;
        if own.is_empty() {
            return Ok(ended);
        }
        ended += own.len();
        for run in own {
            engine.interrupt_run(run, "its host stopped").await?;
        }
    }
}
