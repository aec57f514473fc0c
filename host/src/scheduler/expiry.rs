//! Takes away shared resources whose time is over, and has claims say so whose lease ran out.

use std::time::Duration;

use super::{POLL, RETRY};
use crate::engine::{Engine, EngineError};

pub(super) async fn run(engine: Engine) {
    let mut ends = engine.ends();
    loop {
        ends.mark_seen();
        let pause = match look(&engine).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "failed to take away what has ended; trying again");
                RETRY
            }
        };
        // What this host writes meanwhile may end earlier; what others write they take away themselves.
        let _ = tokio::time::timeout(pause, ends.earlier()).await;
    }
}

/// Takes away what has ended and tells how long to wait for the next.
async fn look(engine: &Engine) -> Result<Duration, EngineError> {
    let store = engine.store();
    let ends = [store.next_resource_end().await?, store.next_claim_end().await?];
    let Some(next) = ends.into_iter().flatten().min() else { return Ok(POLL) };
    let wait = Duration::from_millis(next.millis_since(engine.clock().now()));
    if wait.is_zero() {
        engine.expire_resources().await?;
        engine.end_claims().await?;
    }
    Ok(wait.min(POLL))
}
