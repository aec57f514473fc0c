//! Keeps the leases of everything a worker does, in one call at a time.
//!
//! A run is kept from [`Beats::keep`] until its [`Kept`] is dropped: while its process runs, and
//! while what it left is handed over. Whoever works on it learns through [`Kept`] that it is to
//! stop, or that it is lost; a coordinator that cannot be reached for most of a lease counts as
//! lost, because somebody else may have the run by then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::port::{Beat, Coordinator, Held};

/// Renewals tried in the time one lease lasts, at least; each also learns whether a run is to stop.
const BEATS: u32 = 16;
/// Longest time between two renewals: whoever cancels a run does not wait for a long lease.
const INTERVAL_MAX: Duration = Duration::from_secs(2);
/// Time between two looks while nothing is held.
const IDLE: Duration = Duration::from_millis(200);

/// How a held run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Ours; how often it was renewed.
    Kept(u64),
    /// Ours, and somebody wants it to stop.
    Canceled,
    /// Ours no longer.
    Lost,
}

type Entries<C> = Mutex<HashMap<String, Entry<C>>>;

struct Entry<C: Coordinator> {
    held: Held<C>,
    state: watch::Sender<Hold>,
}

/// The leases of one worker. Dropping it stops renewing.
pub(super) struct Beats<C: Coordinator> {
    entries: Arc<Entries<C>>,
    _loop: JoinSet<()>,
}

/// One lease that is kept, until this is dropped.
pub(super) struct Kept<C: Coordinator> {
    id: String,
    lease: Duration,
    state: watch::Receiver<Hold>,
    entries: Arc<Entries<C>>,
}

impl<C: Coordinator> Beats<C> {
    /// Starts renewing whatever will be kept.
    pub(super) fn start(coordinator: Arc<C>) -> Self {
        let entries = Arc::new(Entries::<C>::default());
        let mut beating = JoinSet::new();
        beating.spawn(beat(coordinator, Arc::clone(&entries)));
        Self { entries, _loop: beating }
    }

    /// Keeps a run's lease from now on.
    pub(super) fn keep(&self, held: &Held<C>) -> Kept<C> {
        let (state, receiver) = watch::channel(Hold::Kept(0));
        let id = held.run.id.clone();
        lock(&self.entries).insert(id.clone(), Entry { held: held.clone(), state });
        Kept { id, lease: held.lease, state: receiver, entries: Arc::clone(&self.entries) }
    }
}

impl<C: Coordinator> Kept<C> {
    /// Returns when the run is to stop or is lost: [`Hold::Canceled`] or [`Hold::Lost`].
    pub(super) async fn ended(&mut self) -> Hold {
        // An unanswered renewal may take a quarter of the lease before it is known to have failed.
        let patience = self.lease * 3 / 4;
        loop {
            let state = *self.state.borrow_and_update();
            if state == Hold::Canceled || state == Hold::Lost {
                return state;
            }
            match tokio::time::timeout(patience, self.state.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Hold::Lost,
            }
        }
    }
}

impl<C: Coordinator> Drop for Kept<C> {
    fn drop(&mut self) {
        lock(&self.entries).remove(&self.id);
    }
}

fn lock<C: Coordinator>(entries: &Entries<C>) -> std::sync::MutexGuard<'_, HashMap<String, Entry<C>>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn beat<C: Coordinator>(coordinator: Arc<C>, entries: Arc<Entries<C>>) {
    loop {
        let held: Vec<Held<C>> = lock(&entries).values().map(|entry| entry.held.clone()).collect();
        let Some(lease) = held.iter().map(|held| held.lease).min() else {
            tokio::time::sleep(IDLE).await;
            continue;
        };
        match tokio::time::timeout(lease / 4, coordinator.beat(&held)).await {
            Ok(Ok(beats)) => {
                let entries = lock(&entries);
                for (held, beat) in held.iter().zip(beats) {
                    let Some(entry) = entries.get(&held.run.id) else { continue };
                    entry.state.send_modify(|state| *state = after(*state, beat));
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "leases were not renewed; trying again"),
            Err(_) => tracing::debug!("leases were not renewed in time; trying again"),
        }
        tokio::time::sleep((lease / BEATS).min(INTERVAL_MAX)).await;
    }
}

/// What is lost stays lost, and a wish to stop is not taken back.
fn after(state: Hold, beat: Beat) -> Hold {
    match (state, beat) {
        (Hold::Lost, _) | (_, Beat::Lost) => Hold::Lost,
        (Hold::Canceled, _) | (_, Beat::Canceled) => Hold::Canceled,
        (Hold::Kept(times), Beat::Kept) => Hold::Kept(times + 1),
    }
}
