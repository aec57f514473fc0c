//! Has gates judge what waits for a verdict.
//!
//! A slot is held while gates are called, and no longer: before it, what is judged is read, and after it the verdict is
//! written down, which is waiting for the most part. So there are more requests under way than slots, and verdicts
//! that come close together share a commit.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{POLL, RETRY, wake};
use crate::domain::gate::Evaluation;
use crate::domain::id::EvaluationId;
use crate::engine::{Engine, EngineError};
use crate::store::Topic;

/// Most requests read in one look.
const PAGE: u32 = 256;

/// Requests that are under way for each slot: one that is judged, and those that are read or written down meanwhile.
/// Each holds what it judges in memory.
const UNDER_WAY_PER_SLOT: usize = 4;

type Busy = Arc<Mutex<HashSet<EvaluationId>>>;

pub(super) async fn run(engine: Engine, slots: usize) {
    let mut wakes = engine.store().wakes(Topic::Evaluations);
    let busy = Busy::default();
    let under_way = slots.saturating_mul(UNDER_WAY_PER_SLOT);
    let slots = Arc::new(Semaphore::new(slots));
    let mut tasks = JoinSet::new();
    loop {
        wakes.mark_seen();
        match engine.store().pending_evaluations(engine.clock().now(), PAGE).await {
            Ok(pending) => {
                for evaluation in pending {
                    while tasks.len() >= under_way {
                        tasks.join_next().await;
                    }
                    if busy.lock().unwrap_or_else(PoisonError::into_inner).insert(evaluation.id.clone()) {
                        tasks.spawn(evaluate(engine.clone(), evaluation, Arc::clone(&slots), Arc::clone(&busy)));
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "failed to read the requests for verdicts; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
        tokio::select! {
            () = wake(wakes.changed(), POLL) => {}
            Some(_) = tasks.join_next() => {}
        }
    }
}

async fn evaluate(engine: Engine, evaluation: Evaluation, slots: Arc<Semaphore>, busy: Busy) {
    let id = evaluation.id.clone();
    if let Err(error) = judge(&engine, evaluation, &slots).await {
        tracing::warn!(evaluation_id = %id, %error, "failed to have a gate judge; trying again");
        tokio::time::sleep(RETRY).await;
    }
    busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
}

/// What [`Engine::evaluate`] does, with a slot for the one step that keeps a core busy.
async fn judge(engine: &Engine, evaluation: Evaluation, slots: &Semaphore) -> Result<(), EngineError> {
    let Some(hearing) = engine.prepare_hearing(evaluation).await? else { return Ok(()) };
    let heard = {
        // The semaphore is never closed, so that an error would mean no bound and nothing worse.
        let _slot = slots.acquire().await;
        engine.hear(hearing).await?
    };
    engine.give_verdict(heard).await
}
