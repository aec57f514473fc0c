//! When an endpoint that fails is left alone, and for how long.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// Failures in a row after which it is left alone.
const FAILURES_MAX: u32 = 3;
/// For how long: short enough that vectors are back soon, long enough that few wait in vain.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest that it may ask to be left alone.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// Whether an endpoint is left alone. After a pause one failure is enough for the next.
pub(super) struct Rest {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// By the monotonic clock.
    until: Duration,
}

impl Rest {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    fn with<T>(&self, what: impl FnOnce(&mut State, Duration) -> T) -> T {
        let now = self.clock.monotonic();
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    pub(super) fn is_on(&self) -> bool {
        self.with(|state, now| now < state.until)
    }

    pub(super) fn succeeded(&self) {
        self.with(|state, _| state.failures = 0);
    }

    pub(super) fn failed(&self) {
        self.with(|state, now| {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES_MAX {
                state.until = state.until.max(now + PAUSE);
            }
        });
    }

    /// The endpoint says when to come again.
    pub(super) fn asked_for(&self, pause: Duration) {
        self.with(|state, now| state.until = state.until.max(now + pause.min(PAUSE_MAX)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::domain::time::Timestamp;

    #[derive(Default)]
    struct Moved(AtomicU64);

    impl Clock for Moved {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn three_failures_in_a_row_make_a_pause_and_one_after_it_the_next() {
        let clock = Arc::new(Moved::default());
        let rest = Rest::new(Arc::clone(&clock) as _);
        for _ in 0..2 {
            rest.failed();
        }
        rest.succeeded();
        for _ in 0..2 {
            rest.failed();
            assert!(!rest.is_on());
        }
        rest.failed();
        assert!(rest.is_on());
        clock.0.store(4_999, Ordering::SeqCst);
        assert!(rest.is_on());
        clock.0.store(5_000, Ordering::SeqCst);
        assert!(!rest.is_on());
        rest.failed();
        assert!(rest.is_on());
    }

    #[test]
    fn an_endpoint_may_ask_for_a_pause_and_not_for_ever() {
        let clock = Arc::new(Moved::default());
        let rest = Rest::new(Arc::clone(&clock) as _);
        rest.asked_for(Duration::from_secs(u64::MAX / 2));
        clock.0.store(59_999, Ordering::SeqCst);
        assert!(rest.is_on());
        clock.0.store(60_000, Ordering::SeqCst);
        assert!(!rest.is_on());
    }
}
