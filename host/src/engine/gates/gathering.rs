//! Lets verdicts that come close together go to the store together.
//!
//! A commit costs about as much for one verdict as for eight, and while gates are being heard the cores have better to do
//! than to commit each verdict by itself. So a verdict waits, for a moment at most, until there are as many as are still
//! to be heard; where nothing else is under way it does not wait. Nothing is told to anybody before it is on disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Longest time that a verdict waits for others.
const WAIT_MAX: Duration = Duration::from_millis(2);

/// Verdicts that wait for others on this host.
#[derive(Default)]
pub(in crate::engine) struct Gathering {
    under_way: Mutex<UnderWay>,
    /// Changes when those who wait may go on.
    rounds: watch::Sender<u64>,
}

#[derive(Default)]
struct UnderWay {
    /// Requests that were read and whose gates did not answer yet.
    coming: usize,
    /// Verdicts that wait.
    waiting: usize,
}

/// A request whose gates did not answer yet, until dropped.
pub(super) struct Coming(Arc<Gathering>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.lock().coming -= 1;
    }
}

impl Gathering {
    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was read.
    pub(super) fn comes(self: &Arc<Self>) -> Coming {
        self.lock().coming += 1;
        Coming(Arc::clone(self))
    }

    /// Waits for other verdicts, if any are coming.
    pub(super) async fn wait(&self) {
        let mut rounds = self.rounds.subscribe();
        {
            let mut under_way = self.lock();
            under_way.waiting += 1;
            if under_way.waiting >= under_way.coming {
                self.release(&mut under_way);
                return;
            }
            // Under the lock: whoever releases those who wait from now on is noticed.
            rounds.mark_unchanged();
        }
        if tokio::time::timeout(WAIT_MAX, rounds.changed()).await.is_err() {
            self.release(&mut self.lock());
        }
    }

    /// Has everybody go on who waits.
    fn release(&self, under_way: &mut UnderWay) {
        under_way.waiting = 0;
        self.rounds.send_modify(|round| *round = round.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_verdict_waits_for_those_that_are_coming_and_not_for_long() {
        let gathering = Arc::new(Gathering::default());
        assert!(gathering.wait().now_or_never().is_some(), "nobody else is coming");

        let coming: Vec<Coming> = (0..2).map(|_| gathering.comes()).collect();
        let mut first = Box::pin(gathering.wait());
        assert!((&mut first).now_or_never().is_none(), "two are coming");
        assert!(gathering.wait().now_or_never().is_some(), "as many wait as are coming");
        assert!(first.now_or_never().is_some(), "all of them go on");

        let begun = tokio::time::Instant::now();
        gathering.wait().await;
        assert!(begun.elapsed() >= WAIT_MAX, "others are coming, and it goes on alone");
        drop(coming);
        assert!(gathering.wait().now_or_never().is_some(), "nobody is coming any more");
    }
}
