//! Reads what requests want judged, for all who ask at about the same time at once.
//!
//! Whoever comes while others are read waits for them and is read with all who came meanwhile, as the store's writer has
//! it with commits: the more there are, the cheaper each. Whoever comes alone is read at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::left::Held;
use crate::domain::gate::Evaluation;
use crate::engine::{Engine, EngineError};
use crate::store::UnderJudgement;

/// Most requests that are read at once.
const BATCH_MAX: usize = 32;

/// What a request wants judged, with what is small of it whole; `None` where there is nothing left of it.
type Reading = Result<Option<(UnderJudgement, Arc<Held>)>, EngineError>;

/// Who waits for what they want judged.
#[derive(Default)]
pub(in crate::engine) struct Readings(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    asked: Vec<(Evaluation, oneshot::Sender<Reading>)>,
    /// Whether somebody reads.
    is_running: bool,
}

impl Readings {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets nobody wait for whoever reads, should that break off; who comes to the end says so before.
struct Running(Option<Engine>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(engine) = &self.0 {
            let mut waiting = engine.parts.readings.lock();
            waiting.is_running = false;
            waiting.asked.clear();
        }
    }
}

impl Engine {
    /// What a request wants judged.
    pub(super) async fn read_judged(&self, evaluation: &Evaluation) -> Reading {
        let (answer, answered) = oneshot::channel();
        let must_run = {
            let mut waiting = self.parts.readings.lock();
            waiting.asked.push((evaluation.clone(), answer));
            !std::mem::replace(&mut waiting.is_running, true)
        };
        if must_run {
            let engine = self.clone();
            tokio::spawn(async move { engine.read_all_judged().await });
        }
        let broken_off = |_| EngineError::HostFault("what is to be judged could not be read".to_owned());
        answered.await.map_err(broken_off)?
    }

    /// Reads until nobody waits.
    async fn read_all_judged(&self) {
        let mut running = Running(Some(self.clone()));
        loop {
            let batch = {
                let mut waiting = self.parts.readings.lock();
                if waiting.asked.is_empty() {
                    waiting.is_running = false;
                    running.0 = None;
                    return;
                }
                let count = waiting.asked.len().min(BATCH_MAX);
                waiting.asked.drain(..count).collect::<Vec<_>>()
            };
            let (evaluations, callers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            for (caller, reading) in callers.into_iter().zip(self.read_batch(&evaluations).await) {
                // Whoever stopped waiting does not want the answer.
                let _ = caller.send(reading);
            }
        }
    }

    async fn read_batch(&self, evaluations: &[Evaluation]) -> Vec<Reading> {
        match self.parts.store.under_judgement(evaluations).await {
            Ok(judged) => {
                let artifacts = judged.iter().flatten().map(|judged| &*judged.artifacts);
                let held = Arc::new(self.held(artifacts).await);
                judged.into_iter().map(|judged| Ok(judged.map(|judged| (judged, Arc::clone(&held))))).collect()
            }
            Err(error) if evaluations.len() == 1 => vec![Err(error.into())],
            // One damaged row is nobody else's fault.
            Err(_) => {
                let mut readings = Vec::with_capacity(evaluations.len());
                for evaluation in evaluations {
                    readings.extend(Box::pin(self.read_batch(std::slice::from_ref(evaluation))).await);
                }
                readings
            }
        }
    }
}
