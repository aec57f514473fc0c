//! Keeps the status of sessions: follows the log, close behind it when there is little and in large
//! steps when there is much.

use std::time::Duration;

use tokio::time::Instant;

use super::{GATHER, POLL, RETRY, wake};
use crate::engine::{Engine, Pass};
use crate::store::Topic;

/// Longest pause between two passes while there is something to do.
const PAUSE_MAX: Duration = Duration::from_millis(250);
/// How many times as long as a pass the pause after it is: meanwhile events gather, and many of one
/// session cost one write. The index is at rest most of the time, and a moment behind.
const REST: u32 = 3;

pub(super) async fn run(engine: Engine) {
    let mut wakes = engine.store().wakes(Topic::Sessions);
    let mut indexer = engine.status_indexer();
    // Hosts that share a database take turns being faster; who is slower looks less often.
    let mut behind = Duration::ZERO;
    loop {
        wakes.mark_seen();
        let begun = Instant::now();
        let pass = indexer.pass().await;
        let took = begun.elapsed();
        match pass {
            Ok(Pass::Idle) => wake(wakes.changed(), POLL).await,
            Ok(Pass::Done) => {
                behind = Duration::ZERO;
                tokio::time::sleep((took * REST).clamp(GATHER, PAUSE_MAX)).await;
                wake(wakes.changed(), POLL).await;
            }
            // A full page: the rest is not kept waiting, but others have their turn.
            Ok(Pass::More) => {
                behind = Duration::ZERO;
                tokio::time::sleep(took.clamp(GATHER, PAUSE_MAX)).await;
            }
            Ok(Pass::Overtaken) => {
                behind = (behind * 2).clamp(GATHER, PAUSE_MAX);
                tokio::time::sleep(behind).await;
            }
            Err(error) => {
                tracing::warn!(%error, "failed to keep the status of sessions; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
