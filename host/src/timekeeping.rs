//! Keeps a host's clock with its database's: measured when the host opens, and again every few
//! seconds. On SQLite the machine's own clock is the database's.
//!
//! It owns the measuring; what is made of it is [`crate::clock::DatabaseClock`]'s.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::{Clock, DatabaseClock, Measurement};
use crate::store::{StorageError, Store};

/// Measurements when a host opens, of which the quickest counts: the first also makes a connection.
const FIRST_MEASUREMENTS: usize = 3;
/// Time between two measurements. Crystals drift by less than a millisecond in it.
const PAUSE: Duration = Duration::from_secs(10);
/// A clock that was off by more than this is worth a line in the log.
const WORTH_TELLING_MS: u64 = 1_000;

/// The clock by which a host on `store` decides what is late, kept right as long as somebody has it;
/// `machine` is the machine's own.
///
/// # Errors
/// Storage: a host that cannot tell the time cannot begin.
pub async fn clock_of(store: &Store, machine: Arc<dyn Clock>) -> Result<Arc<dyn Clock>, StorageError> {
    let Some(mut first) = measure(store, machine.as_ref()).await? else { return Ok(machine) };
    for _ in 1..FIRST_MEASUREMENTS {
        let Some(another) = measure(store, machine.as_ref()).await? else { break };
        if another.round_trip() < first.round_trip() {
            first = another;
        }
    }
    let clock = Arc::new(DatabaseClock::new(machine, first));
    tokio::spawn(keep(store.clone(), Arc::downgrade(&clock)));
    Ok(clock)
}

/// Asks the database for the time; `None` when its clock is the machine's.
async fn measure(store: &Store, machine: &dyn Clock) -> Result<Option<Measurement>, StorageError> {
    let sent = machine.monotonic();
    let Some(database) = store.database_now().await? else { return Ok(None) };
    Ok(Some(Measurement { sent, database, received: machine.monotonic() }))
}

/// Measures until nobody has the clock any more.
async fn keep(store: Store, clock: Weak<DatabaseClock>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(clock) = clock.upgrade() else { return };
        match measure(&store, clock.as_ref()).await {
            Ok(Some(newer)) => match clock.correct(newer) {
                Some(off_ms) if off_ms > WORTH_TELLING_MS => {
                    tracing::warn!(off_ms, "the clock was off from the database's and follows it now");
                }
                Some(_) => {}
                None => tracing::debug!("the database took too long to tell the time"),
            },
            Ok(None) => return,
            // It goes on by the monotonic clock meanwhile.
            Err(error) => tracing::debug!(%error, "failed to ask the database for the time"),
        }
    }
}
