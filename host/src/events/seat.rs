//! Where one follower is told that there is something for it.
//!
//! A seat holds numbers of events and no events: a follower that does not look costs a KiB, whatever
//! happens. The router puts, the follower takes; neither waits for the other.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::LogFilter;

/// Most events that wait for a follower by their number. When more come it has fallen behind, and
/// searches for them by itself.
const WAITING_MAX: usize = 128;

/// What waits for a follower.
#[derive(Debug, Default)]
struct Waiting {
    /// Events for it, in order.
    seqs: VecDeque<u64>,
    /// There were more than fit: between the last of `seqs` and this one, which is the newest of them.
    dropped_to: Option<u64>,
}

/// What a follower finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing: no event that was routed and passes the filter comes after what it has seen.
    Nothing,
    /// The next events, by their numbers.
    Seqs(Vec<u64>),
    /// It has to search up to this event by itself.
    Behind(u64),
}

/// A follower's place.
#[derive(Debug)]
pub(super) struct Seat {
    /// What the follower asks for.
    pub(super) filter: LogFilter,
    waiting: Mutex<Waiting>,
    woken: Notify,
}

impl Seat {
    /// An empty one.
    pub(super) fn new(filter: LogFilter) -> Self {
        Self { filter, waiting: Mutex::default(), woken: Notify::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is this event for the follower. Whether it has to be woken: nothing waited for it so far,
    /// so it may be asleep.
    pub(super) fn put(&self, seq: u64) -> bool {
        let mut waiting = self.waiting();
        let is_first = waiting.seqs.is_empty() && waiting.dropped_to.is_none();
        if waiting.dropped_to.is_some() || waiting.seqs.len() == WAITING_MAX {
            waiting.dropped_to = Some(seq);
        } else {
            waiting.seqs.push_back(seq);
        }
        is_first
    }

    /// Up to `limit` of what waits, after `seen`.
    pub(super) fn take(&self, seen: u64, limit: usize) -> Taken {
        let mut waiting = self.waiting();
        // What it searched for by itself may have been put here too.
        while waiting.seqs.front().is_some_and(|seq| *seq <= seen) {
            waiting.seqs.pop_front();
        }
        let count = waiting.seqs.len().min(limit.max(1));
        if count > 0 {
            return Taken::Seqs(waiting.seqs.drain(..count).collect());
        }
        match waiting.dropped_to.take().filter(|to| *to > seen) {
            Some(to) => Taken::Behind(to),
            None => Taken::Nothing,
        }
    }

    /// Wakes the follower, now or when it falls asleep next.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Sleeps until the follower is woken. Its sleep has no other end, so it has to look first.
    ///
    /// *Cancellation*: safe; what waits, waits on.
    pub(super) async fn sleep(&self) {
        self.woken.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_searched_for_and_nothing_in_between_is_lost() {
        let seat = Seat::new(LogFilter::default());
        let most = WAITING_MAX as u64;
        assert_eq!((seat.put(1), seat.put(2)), (true, false), "only who may be asleep is woken");
        (3..=most + 2).for_each(|seq| assert!(!seat.put(seq)));
        assert_eq!(seat.take(1, 2), Taken::Seqs(vec![2, 3]));
        // There is room again, and what was dropped comes first.
        assert!(!seat.put(most + 3));
        assert_eq!(seat.take(3, usize::MAX), Taken::Seqs((4..=most).collect()));
        assert_eq!(seat.take(most, 1), Taken::Behind(most + 3));
        assert!(seat.put(most + 4));
        assert_eq!(seat.take(most + 3, 0), Taken::Seqs(vec![most + 4]));
        assert_eq!(seat.take(most + 4, 1), Taken::Nothing);
    }

    #[tokio::test]
    async fn a_wake_before_the_sleep_ends_it() {
        let seat = Seat::new(LogFilter::default());
        seat.wake();
        seat.sleep().await;
    }
}
