//! Applies what waits in the missions' inboxes: missions side by side, the inputs of one mission
//! one after another.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{POLL, RETRY, wake};
use crate::domain::id::MissionId;
use crate::engine::{Engine, EngineError};
use crate::store::Topic;

/// Most inputs read in one look.
const PAGE: u32 = 500;
/// Most missions worked on at once.
const MISSIONS_AT_ONCE: usize = 64;
/// Longest pause before an input that failed for a reason that may pass is tried again.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Missions being worked on.
type Busy = Arc<Mutex<HashSet<MissionId>>>;

pub(super) async fn run(engine: Engine) {
    let mut wakes = engine.store().wakes(Topic::Inputs);
    let busy = Busy::default();
    let mut tasks = JoinSet::new();
    loop {
        wakes.mark_seen();
        match engine.store().inbox(PAGE).await {
            Ok(waiting) => {
                for input in waiting {
                    while tasks.len() >= MISSIONS_AT_ONCE {
                        tasks.join_next().await;
                    }
                    if enter(&busy, &input.mission_id) {
                        tasks.spawn(work(engine.clone(), input.mission_id, Arc::clone(&busy)));
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "failed to read the inboxes; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
        tokio::select! {
            () = wake(wakes.changed(), POLL) => {}
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// Whether the mission was free. One that is being worked on is looked at again afterwards,
/// because the end of its task wakes the loop.
fn enter(busy: &Busy, mission_id: &MissionId) -> bool {
    busy.lock().unwrap_or_else(PoisonError::into_inner).insert(mission_id.clone())
}

async fn work(engine: Engine, mission_id: MissionId, busy: Busy) {
    let mut failures: u32 = 0;
    while let Err(error) = engine.catch_up(&mission_id).await {
        failures += 1;
        // A full disk may have room again at any moment; what a component fails at may take somebody
        // to mend it.
        let is_storage = matches!(error, EngineError::Storage(_));
        let pause = if is_storage { RETRY } else { RETRY.saturating_mul(1 << failures.min(10)).min(BACKOFF_MAX) };
        tracing::warn!(%mission_id, error = chain(&error), ?pause, "failed to apply an event; trying again");
        tokio::time::sleep(pause).await;
    }
    busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&mission_id);
}

/// An error and what led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(source) = next {
        causes.push(source.to_string());
        next = source.source();
    }
    causes.join(": ")
}
