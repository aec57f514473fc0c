//! Turns: whoever was overtaken at a key writes it next, one after the other.
//!
//! A write that depends on what it has read starts without waiting for anybody. Where somebody
//! was faster it takes a turn, so that many such writes of one key cost one attempt each instead
//! of an attempt for every other one. It is only about speed: what holds is decided at the commit.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tokio::sync::{Mutex, MutexGuard};

use super::ResourceAsk;
use crate::domain::id::WorkspaceId;

/// Queues. Keys that share one wait for each other, which costs time and nothing else.
const QUEUES: usize = 64;

/// The queues of one host.
pub(in crate::engine) struct Turns([Mutex<()>; QUEUES]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    /// Waits for the turn at all keys of a request. Every request takes its queues in the same order,
    /// so that none waits for one that waits for it.
    pub(super) async fn take(&self, workspace_id: &WorkspaceId, asks: &[ResourceAsk]) -> Vec<MutexGuard<'_, ()>> {
        let mut queues: Vec<usize> = asks.iter().map(|ask| queue(workspace_id, ask)).collect();
        queues.sort_unstable();
        queues.dedup();
        let mut turns = Vec::with_capacity(queues.len());
        for queue in queues {
            turns.push(self.0[queue].lock().await);
        }
        turns
    }
}

fn queue(workspace_id: &WorkspaceId, ask: &ResourceAsk) -> usize {
    let mut hasher = DefaultHasher::new();
    (workspace_id.as_str(), ask.key.as_str()).hash(&mut hasher);
    // The rest is smaller than the number of queues.
    usize::try_from(hasher.finish() % QUEUES as u64).unwrap_or(0)
}
