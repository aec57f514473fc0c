//! The events that were read lately, of all workspaces: shared by everybody who keeps up.
//!
//! It owns how many are remembered. Whoever wants older ones reads the log.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::domain::event::LogEvent;

/// Most events remembered.
const KEPT_MAX: usize = 4096;
/// Most bytes of properties remembered (8 MiB).
const KEPT_BYTES_MAX: usize = 8 << 20;

/// An event that was read, and its text once somebody has made it.
#[derive(Debug)]
pub struct Tailed {
    /// The event.
    pub event: LogEvent,
    text: OnceLock<Bytes>,
}

impl Tailed {
    /// An event nobody has made the text of.
    pub(super) fn new(event: LogEvent) -> Arc<Self> {
        Arc::new(Self { event, text: OnceLock::new() })
    }

    /// The event's text, made by `write` the first time.
    pub fn text(&self, write: impl FnOnce(&LogEvent) -> String) -> &Bytes {
        self.text.get_or_init(|| write(&self.event).into())
    }
}

/// What a search found.
#[derive(Debug)]
pub(super) struct Found {
    /// The events, in order.
    pub(super) events: Vec<Arc<Tailed>>,
    /// Up to where was looked.
    pub(super) searched: u64,
    /// How many events were looked at.
    pub(super) looked_at: usize,
}

/// The newest events.
#[derive(Debug)]
pub(super) struct Recent {
    events: VecDeque<Arc<Tailed>>,
    bytes: usize,
    /// Every event that exists after this one and was read is in `events`.
    complete_after: u64,
}

impl Recent {
    /// Nothing yet; reading begins after `head`.
    pub(super) fn new(head: u64) -> Self {
        Self { events: VecDeque::new(), bytes: 0, complete_after: head }
    }

    /// Remembers events, which come in order, and forgets the oldest ones beyond the limits.
    pub(super) fn keep(&mut self, events: &[Arc<Tailed>]) {
        for tailed in events {
            self.bytes += size_of(&tailed.event);
            self.events.push_back(Arc::clone(tailed));
        }
        while self.events.len() > KEPT_MAX || self.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= size_of(&oldest.event);
            self.complete_after = oldest.event.seq;
        }
    }

    /// Up to `limit` events after `after` that are `wanted`; `None` when memory does not reach back
    /// that far.
    pub(super) fn search(&self, after: u64, limit: usize, wanted: impl Fn(&LogEvent) -> bool) -> Option<Found> {
        if after < self.complete_after {
            return None;
        }
        let mut found = Found { events: Vec::new(), searched: after, looked_at: 0 };
        for tailed in self.events.range(self.after(after)..) {
            found.searched = tailed.event.seq;
            found.looked_at += 1;
            if wanted(&tailed.event) {
                found.events.push(Arc::clone(tailed));
                if found.events.len() == limit {
                    break;
                }
            }
        }
        Some(found)
    }

    /// The events of these numbers, in their order; `None` when one of them is no longer remembered.
    pub(super) fn find(&self, seqs: &[u64]) -> Option<Vec<Arc<Tailed>>> {
        let at = |seq: &u64| self.events.get(self.after(seq.saturating_sub(1)));
        seqs.iter().map(|seq| at(seq).filter(|tailed| tailed.event.seq == *seq).cloned()).collect()
    }

    /// The place of the first event after `seq`.
    fn after(&self, seq: u64) -> usize {
        self.events.partition_point(|tailed| tailed.event.seq <= seq)
    }
}

fn size_of(event: &LogEvent) -> usize {
    event.event.properties.as_str().len() + 512
}
