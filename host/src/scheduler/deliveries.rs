//! Has deliveries to webhooks attempted when they are due.

use std::time::Duration;

use tokio::task::JoinSet;

use super::{POLL, RETRY, wake};
use crate::domain::id::WorkspaceId;
use crate::engine::{Engine, EngineError};
use crate::store::Topic;

/// Attempts of this host at once.
const AT_ONCE_MAX: usize = 16;
/// Attempts to one endpoint from which on it gets no more until one is over, so that a slow one does not hold the
/// others up.
const OF_ENDPOINT_MAX: usize = 4;

/// An endpoint, by workspace and name.
type Endpoint = (WorkspaceId, String);

/// The attempts that go on.
#[derive(Default)]
struct Attempts {
    tasks: JoinSet<Endpoint>,
    endpoints: Vec<Endpoint>,
}

impl Attempts {
    fn is_full(&self, endpoint: &Endpoint) -> bool {
        self.endpoints.iter().filter(|other| *other == endpoint).count() >= OF_ENDPOINT_MAX
    }

    /// Endpoints that get no more for now; few, since each has several attempts of a bounded number.
    fn full(&self) -> Vec<Endpoint> {
        let mut full: Vec<Endpoint> = self.endpoints.iter().filter(|one| self.is_full(one)).cloned().collect();
        full.sort();
        full.dedup();
        full
    }

    fn end(&mut self, ended: Result<Endpoint, tokio::task::JoinError>) {
        match ended {
            Ok(endpoint) => {
                if let Some(place) = self.endpoints.iter().position(|other| *other == endpoint) {
                    self.endpoints.swap_remove(place);
                }
            }
            Err(error) => {
                tracing::error!(%error, "an attempt at a delivery ended by itself; it is made again");
                // Nobody says whose it was. What is counted too much is forgotten when nothing goes on.
                if self.tasks.is_empty() {
                    self.endpoints.clear();
                }
            }
        }
    }
}

pub(super) async fn run(engine: Engine) {
    if !engine.delivers() {
        return;
    }
    let mut wakes = engine.store().wakes(Topic::Deliveries);
    let mut attempts = Attempts::default();
    loop {
        wakes.mark_seen();
        let pause = match look(&engine, &mut attempts).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "failed to look for deliveries that are due; trying again");
                RETRY
            }
        };
        tokio::select! {
            () = wake(wakes.changed(), pause) => {}
            Some(ended) = attempts.tasks.join_next() => attempts.end(ended),
        }
    }
}

/// Begins what is due, as far as there is room, and tells how long to wait for the next.
async fn look(engine: &Engine, attempts: &mut Attempts) -> Result<Duration, EngineError> {
    let room = AT_ONCE_MAX.saturating_sub(attempts.endpoints.len()).min(OF_ENDPOINT_MAX);
    if room == 0 {
        return Ok(POLL);
    }
    let mut begun = false;
    let most = u32::try_from(room).unwrap_or(u32::MAX);
    for delivery in engine.take_deliveries(&attempts.full(), most).await? {
        begun = true;
        let endpoint = (delivery.workspace_id.clone(), delivery.endpoint.clone());
        attempts.endpoints.push(endpoint.clone());
        let engine = engine.clone();
        attempts.tasks.spawn(async move {
            let id = delivery.id.clone();
            if let Err(error) = engine.deliver(delivery).await {
                tracing::warn!(%error, delivery_id = %id, "an attempt at a delivery was not written down; it is made again");
            }
            endpoint
        });
    }
    if begun {
        return Ok(Duration::ZERO);
    }
    let next = engine.store().next_delivery_due().await?;
    let wait = next.map_or(POLL, |due| Duration::from_millis(due.millis_since(engine.clock().now())));
    // What is due and was not taken waits for an endpoint that is busy, or is another host's: no reason to hurry.
    Ok(if wait.is_zero() { POLL } else { wait.min(POLL) })
}
