//! Picks up what the engine left as rows: inputs, requests for verdicts, timers, leases,
//! deliveries.
//!
//! Each loop looks at its rows when some of their kind were committed and at least every
//! [`POLL`], so that a wake that was lost costs a moment and never an event. The loops hold no
//! state that matters: a host that starts again finds everything in the rows.

mod inbox;
mod evaluations;
mod timers;
mod leases;
mod expiry;
mod memories;
mod retention;
mod sessions;
mod routines;
mod deliveries;

use std::time::Duration;

use tokio::task::JoinSet;

use crate::engine::Engine;

/// Longest time between two looks at the same rows.
const POLL: Duration = Duration::from_secs(1);
/// Pause between being woken and looking.
const GATHER: Duration = Duration::from_millis(4);
/// Pause after a failure that may pass.
const RETRY: Duration = Duration::from_millis(200);

/// The running loops. Dropping it stops them between two steps; whatever they had begun is
/// either committed or still waits as a row.
pub struct Scheduler {
    loops: JoinSet<()>,
}

impl Scheduler {
    /// Starts the loops. `gate_slots` bounds how many verdicts are worked out at once.
    pub fn start(engine: &Engine, gate_slots: usize) -> Self {
        let mut loops = JoinSet::new();
        loops.spawn(inbox::run(engine.clone()));
        loops.spawn(evaluations::run(engine.clone(), gate_slots));
        loops.spawn(timers::run(engine.clone()));
        loops.spawn(leases::run(engine.clone()));
        loops.spawn(expiry::run(engine.clone()));
        loops.spawn(memories::run(engine.clone()));
        loops.spawn(retention::run(engine.clone()));
        loops.spawn(sessions::run(engine.clone()));
        loops.spawn(routines::run(engine.clone()));
        loops.spawn(deliveries::run(engine.clone()));
        Self { loops }
    }

    /// Ends the leases of this host's own workers: they died with the process that ran them.
    /// To be called before [`Self::start`], by whoever holds the lock of the data directory.
    ///
    /// # Errors
    /// Storage.
    pub async fn recover(engine: &Engine) -> Result<usize, crate::engine::EngineError> {
        leases::end_own(engine).await
    }

    /// Stops the loops and waits until they have.
    pub async fn stop(mut self) {
        self.loops.shutdown().await;
    }
}

/// Waits for a commit, or for `longest`; then for whatever is committed close behind it. A busy host
/// commits hundreds of times a second, and a look after each of them would cost more than the
/// commits (measured: `benches/mission_event`).
async fn wake<T>(changed: impl Future<Output = T>, longest: Duration) {
    if tokio::time::timeout(longest, changed).await.is_ok() {
        tokio::time::sleep(GATHER).await;
    }
}
