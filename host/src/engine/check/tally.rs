//! What a check has found so far: counted from several threads, and complete enough to be told at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_api::check::{CheckDifference, CheckOutcome, CheckProgress, CheckReport, CheckRole};

use super::PluginCheck;
use super::sides::{bounded, is_slower};

/// Most notes.
const NOTES_MAX: usize = 20;

/// Where a record stands among all that are tried: first the newest mission's, and of each mission the first.
pub(super) type Order = (usize, u64);

/// What a check has found so far.
#[derive(Default)]
pub(super) struct Tally {
    of: AtomicU64,
    same: AtomicU64,
    different: AtomicU64,
    failed: AtomicU64,
    slower: AtomicU64,
    left_out: AtomicU64,
    knows_cost: AtomicBool,
    is_partial: AtomicBool,
    is_over: AtomicBool,
    differences_max: usize,
    differences: Mutex<BTreeMap<Order, CheckDifference>>,
    notes: Mutex<BTreeSet<String>>,
}

/// Tells how far a check is.
#[derive(Clone)]
pub struct CheckWatch(pub(super) Arc<Tally>);

impl CheckWatch {
    /// How far it is now.
    pub fn progress(&self) -> CheckProgress {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (different, failed) = (count(&self.0.different), count(&self.0.failed));
        CheckProgress { events: count(&self.0.same) + different + failed, of: count(&self.0.of), different, failed }
    }
}

/// Ends whatever is still being tried.
pub(super) struct Stop(Arc<Tally>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

impl Tally {
    pub(super) fn new(differences_max: usize) -> Self {
        Self { differences_max, ..Self::default() }
    }

    /// Ends the check when what it gives is dropped.
    pub(super) fn stop_at_drop(self: &Arc<Self>) -> Stop {
        Stop(Arc::clone(self))
    }

    /// Whether nobody waits any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// There are more records to be tried.
    pub(super) fn expect(&self, more: u64) {
        self.of.fetch_add(more, Ordering::Relaxed);
    }

    /// A record was decided the same.
    pub(super) fn same(&self) {
        self.same.fetch_add(1, Ordering::Relaxed);
    }

    /// A record was decided differently, or failed on.
    pub(super) fn differs(&self, order: Order, mut difference: CheckDifference) {
        match difference.outcome {
            CheckOutcome::Different => self.different.fetch_add(1, Ordering::Relaxed),
            CheckOutcome::Failed => self.failed.fetch_add(1, Ordering::Relaxed),
        };
        let mut kept = lock(&self.differences);
        let is_late = kept.len() >= self.differences_max && kept.keys().next_back().is_none_or(|last| order > *last);
        if is_late {
            return;
        }
        difference.recorded = bounded(difference.recorded);
        difference.candidate = bounded(difference.candidate);
        kept.insert(order, difference);
        if kept.len() > self.differences_max {
            kept.pop_last();
        }
    }

    /// What a record took then and takes now, in fuel; 0 where nothing tells.
    pub(super) fn took(&self, then: u64, now: u64) {
        if then == 0 {
            return;
        }
        self.knows_cost.store(true, Ordering::Relaxed);
        if is_slower(then, now) {
            self.slower.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records could not be tried.
    pub(super) fn leave_out(&self, count: u64, note: String) {
        self.left_out.fetch_add(count, Ordering::Relaxed);
        self.note(note);
    }

    /// Not everything was tried that was asked for.
    pub(super) fn leave_incomplete(&self) {
        self.is_partial.store(true, Ordering::Relaxed);
    }

    /// Something that a reader of the numbers has to know.
    pub(super) fn note(&self, note: String) {
        let mut notes = lock(&self.notes);
        if notes.len() < NOTES_MAX {
            notes.insert(note);
        }
    }

    /// What is known now.
    pub(super) fn report(&self, check: &PluginCheck, took_ms: u64) -> CheckReport {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (same, different, failed) = (count(&self.same), count(&self.different), count(&self.failed));
        let knows_cost = self.knows_cost.load(Ordering::Relaxed);
        let role = check.terms.role;
        CheckReport {
            workspace_id: check.workspace_id.to_string(),
            plugin: check.binding.label(),
            digest: check.binding.digest.to_string(),
            role,
            stage: (role == CheckRole::Gate).then(|| check.terms.stage.to_string()),
            events: same + different + failed,
            same,
            different,
            failed,
            slower: knows_cost.then(|| count(&self.slower)),
            left_out: count(&self.left_out),
            differences: lock(&self.differences).values().cloned().collect(),
            took_ms,
            is_complete: !self.is_partial.load(Ordering::Relaxed),
            notes: lock(&self.notes).iter().cloned().collect(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn difference(outcome: CheckOutcome, recorded: Value) -> CheckDifference {
        CheckDifference {
            outcome,
            mission_id: None,
            seq: None,
            work_item_id: None,
            verdict_id: None,
            memory_id: None,
            kind: "x".to_owned(),
            recorded,
            candidate: Value::Null,
        }
    }

    #[test]
    fn the_first_differences_are_kept_in_whatever_order_they_come() {
        let tally = Tally::new(2);
        for order in [(1, 4), (0, 7), (0, 3), (2, 0)] {
            tally.differs(order, difference(CheckOutcome::Different, json!(order.1)));
        }
        let kept: Vec<Value> = lock(&tally.differences).values().map(|of| of.recorded.clone()).collect();
        assert_eq!(kept, [json!(3), json!(7)]);
        assert_eq!(tally.different.load(Ordering::Relaxed), 4, "all are counted");
        let none = Tally::new(0);
        none.differs((0, 0), difference(CheckOutcome::Failed, json!(1)));
        assert_eq!((lock(&none.differences).len(), none.failed.load(Ordering::Relaxed)), (0, 1));
    }

    #[test]
    fn slower_is_more_than_twice_what_it_took() {
        let tally = Tally::new(0);
        tally.took(0, 100);
        assert!(!tally.knows_cost.load(Ordering::Relaxed), "nobody knows");
        for now in [10, 20, 21] {
            tally.took(10, now);
        }
        assert_eq!(tally.slower.load(Ordering::Relaxed), 1);
    }
}
