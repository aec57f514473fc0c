//! When the next thing ends that this host wrote: wakes whoever takes away what has ended, so that
//! it sleeps until then and looks at nothing in between.

use tokio::sync::watch;

use crate::domain::time::Timestamp;

/// Later than everything that ends.
const NEVER: Timestamp = Timestamp(u64::MAX);

/// The earliest end that was written since somebody last looked.
pub(in crate::engine) struct Ends(watch::Sender<Timestamp>);

impl Default for Ends {
    fn default() -> Self {
        Self(watch::Sender::new(NEVER))
    }
}

impl Ends {
    /// Something ends at `end`.
    pub(in crate::engine) fn note(&self, end: Timestamp) {
        self.0.send_if_modified(|earliest| {
            let is_earlier = end < *earliest;
            *earliest = end.min(*earliest);
            is_earlier
        });
    }

    pub(in crate::engine) fn subscribe(&self) -> EndsSeen {
        EndsSeen { ends: self.0.clone(), changes: self.0.subscribe() }
    }
}

/// Waits for things that end.
pub struct EndsSeen {
    ends: watch::Sender<Timestamp>,
    changes: watch::Receiver<Timestamp>,
}

impl EndsSeen {
    /// To be called before the rows are looked at: whatever is written from now on wakes.
    pub fn mark_seen(&mut self) {
        self.ends.send_replace(NEVER);
        self.changes.mark_unchanged();
    }

    /// Waits until something was written that ends earlier than what was written since
    /// [`Self::mark_seen`].
    pub async fn earlier(&mut self) {
        // The engine, which outlives its loops, holds the sender.
        let _ = self.changes.changed().await;
    }
}
