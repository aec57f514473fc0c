//! Time and identifiers, as arguments: the only module that asks the machine for either.

mod database;

pub use database::{DatabaseClock, Measurement};

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::{ContextV7, Uuid};

use crate::domain::rules::IdSource;
use crate::domain::time::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The time by which everything is dated and late or not.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this process; never goes back.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The machine's clocks.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn monotonic(&self) -> Duration {
        Instant::now().duration_since(self.started)
    }
}

/// Makes identifiers: a type prefix and a UUIDv7, so that they sort by when they were made.
/// Within one process they only grow, also when the wall clock is set back.
pub struct Ids {
    state: Mutex<(ContextV7, u64)>,
}

impl Default for Ids {
    fn default() -> Self {
        Self { state: Mutex::new((ContextV7::new().with_additional_precision(), 0)) }
    }
}

impl Ids {
    /// A new id beginning with `prefix`.
    pub fn next(&self, prefix: &str, now: Timestamp) -> String {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.1 = state.1.max(now.as_millis());
        let (seconds, millis) = (state.1 / 1000, state.1 % 1000);
        let nanos = u32::try_from(millis).unwrap_or(0) * 1_000_000;
        let uuid = Uuid::new_v7(uuid::Timestamp::from_unix(&state.0, seconds, nanos));
        format!("{prefix}{}", uuid.simple())
    }
}

/// New ids for one step, remembered in order so that a replay can hand out the same.
pub struct RecordedIds<'i> {
    ids: &'i Ids,
    now: Timestamp,
    given: Vec<String>,
}

impl<'i> RecordedIds<'i> {
    /// Ids made at `now`.
    pub fn new(ids: &'i Ids, now: Timestamp) -> Self {
        Self { ids, now, given: Vec::new() }
    }

    /// The ids given so far, in order.
    pub fn into_given(self) -> Vec<String> {
        self.given
    }
}

impl IdSource for RecordedIds<'_> {
    fn next_id(&mut self, prefix: &'static str) -> String {
        let id = self.ids.next(prefix, self.now);
        self.given.push(id.clone());
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_only_grow_even_when_the_clock_is_set_back() {
        let ids = Ids::default();
        let mut last = String::new();
        for n in 0..5_000_u64 {
            let now = Timestamp(1_800_000_000_000 + (n / 1000) * 7 - (n % 3) * 1_000_000);
            let id = ids.next("run_", now);
            assert!(id > last, "{id} does not come after {last}");
            last = id;
        }
    }
}
