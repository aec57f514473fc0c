//! The time of the database that several hosts share.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Clock;
use crate::domain::time::Timestamp;

/// Longest round trip of a measurement that is believed while there is an earlier one; a slower
/// answer says less than the monotonic clock does.
const ROUND_TRIP_MAX: Duration = Duration::from_millis(500);

/// Tells the time of a database, so that hosts whose wall clocks differ decide alike when a lease,
/// a timer, a question or a token has ended. Between two measurements the machine's monotonic clock
/// carries it on; the machine's wall clock is never asked.
///
/// It never goes back: when a measurement says that it is ahead, it stands still until the database
/// has caught up. A machine that was suspended whole is behind until the next measurement, and only
/// lets others decide first meanwhile.
pub struct DatabaseClock {
    machine: Arc<dyn Clock>,
    /// What the database said, and the machine's monotonic clock at that moment.
    base: Mutex<(Timestamp, Duration)>,
    /// The latest time that was told.
    told: AtomicU64,
}

/// What a database answered when it was asked for the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurement {
    /// The monotonic clock when the question was sent.
    pub sent: Duration,
    /// The answer.
    pub database: Timestamp,
    /// The monotonic clock when it was there.
    pub received: Duration,
}

impl Measurement {
    /// How long the answer took.
    pub fn round_trip(&self) -> Duration {
        self.received.saturating_sub(self.sent)
    }

    /// The moment the database spoke of: half of the way, give or take the other half.
    fn moment(&self) -> Duration {
        self.sent + self.round_trip() / 2
    }
}

impl DatabaseClock {
    /// A clock that begins with `first` and goes on by `machine`'s monotonic clock.
    pub fn new(machine: Arc<dyn Clock>, first: Measurement) -> Self {
        Self { machine, base: Mutex::new((first.database, first.moment())), told: AtomicU64::new(0) }
    }

    /// Follows the database from a newer measurement on; by how many milliseconds the clock was off,
    /// or `None` when the answer took too long to say anything.
    pub fn correct(&self, newer: Measurement) -> Option<u64> {
        if newer.round_trip() > ROUND_TRIP_MAX {
            return None;
        }
        let mut base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = at(*base, newer.moment());
        *base = (newer.database, newer.moment());
        Some(expected.as_millis().abs_diff(newer.database.as_millis()))
    }
}

/// The time at `monotonic`, which may be before the measurement.
fn at((database, moment): (Timestamp, Duration), monotonic: Duration) -> Timestamp {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (since, until) = (monotonic.saturating_sub(moment), moment.saturating_sub(monotonic));
    Timestamp(database.plus_millis(millis(since)).as_millis().saturating_sub(millis(until)))
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let base = *self.base.lock().unwrap_or_else(PoisonError::into_inner);
        let now = at(base, self.machine.monotonic()).as_millis();
        Timestamp(self.told.fetch_max(now, Ordering::SeqCst).max(now))
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose wall clock is nonsense.
    #[derive(Default)]
    struct Machine(AtomicU64);

    impl Machine {
        fn pass(&self, ms: u64) {
            self.0.fetch_add(ms, Ordering::SeqCst);
        }
    }

    impl Clock for Machine {
        fn now(&self) -> Timestamp {
            Timestamp(7)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    fn measured(sent: u64, database: u64, received: u64) -> Measurement {
        let millis = Duration::from_millis;
        Measurement { sent: millis(sent), database: Timestamp(database), received: millis(received) }
    }

    #[test]
    fn it_follows_the_database_and_never_goes_back() {
        let machine = Arc::new(Machine::default());
        machine.pass(1_000);
        let clock = DatabaseClock::new(Arc::clone(&machine) as _, measured(900, 50_000, 1_000));
        assert_eq!(clock.now(), Timestamp(50_050), "the answer was half-way when the database spoke");
        machine.pass(10_000);
        assert_eq!(clock.now(), Timestamp(60_050));

        assert_eq!(clock.correct(measured(11_000, 60_000, 11_000)), Some(50), "it was 50 ms ahead");
        assert_eq!(clock.now(), Timestamp(60_050), "stands still");
        machine.pass(49);
        assert_eq!(clock.now(), Timestamp(60_050));
        machine.pass(2);
        assert_eq!(clock.now(), Timestamp(60_051));

        machine.pass(949);
        assert_eq!(clock.correct(measured(11_400, 99_999, 12_000)), None, "too slow an answer is none");
        assert_eq!(clock.now(), Timestamp(61_000));
        assert_eq!(clock.correct(measured(12_000, 3_661_000, 12_000)), Some(3_600_000), "it was an hour behind");
        assert_eq!(clock.now(), Timestamp(3_661_000));
        assert_eq!(clock.monotonic(), Duration::from_secs(12));
    }
}
