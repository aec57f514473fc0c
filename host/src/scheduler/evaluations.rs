//! Has gates judge what waits for a verdict.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use super::{POLL, RETRY, wake};
use crate::domain::gate::Evaluation;
use crate::domain::id::EvaluationId;
use crate::engine::Engine;
use crate::store::Topic;

/// Most requests read in one look.
const PAGE: u32 = 256;

type Busy = Arc<Mutex<HashSet<EvaluationId>>>;

pub(super) async fn run(engine: Engine, slots: usize) {
    let mut wakes = engine.store().wakes(Topic::Evaluations);
    let busy = Busy::default();
    let mut tasks = JoinSet::new();
    loop {
        wakes.mark_seen();
        match engine.store().pending_evaluations(engine.clock().now(), PAGE).await {
            Ok(pending) => {
                for evaluation in pending {
                    while tasks.len() >= slots {
                        tasks.join_next().await;
                    }
                    if busy.lock().unwrap_or_else(PoisonError::into_inner).insert(evaluation.id.clone()) {
                        tasks.spawn(evaluate(engine.clone(), evaluation, Arc::clone(&busy)));
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

async fn evaluate(engine: Engine, evaluation: Evaluation, busy: Busy) {
    let id = evaluation.id.clone();
    if let Err(error) = engine.evaluate(evaluation).await {
        tracing::warn!(evaluation_id = %id, %error, "failed to have a gate judge; trying again");
        tokio::time::sleep(RETRY).await;
    }
    busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
}
