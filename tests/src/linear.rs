//! Whether a history of calls that overlapped can be put into one order: linearizability, after Wing
//! and Gong (1993), with the memory of Lowe (2017) that keeps the search from doing anything twice.
//!
//! Knows nothing of what is called; a [`Model`] says what one thing at a time would do.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// What one call after the other would do.
pub trait Model {
    /// How the thing stands.
    type State: Clone + Eq + Hash + Debug;
    /// What was asked, and answered.
    type Op: Debug;

    /// How the thing may stand after `call`, given how it stood before; nothing when the call cannot have been
    /// answered so. What happens by itself meanwhile belongs to it.
    fn after(&self, state: &Self::State, call: &Call<Self::Op>) -> Vec<Self::State>;
}

/// One call, as its caller saw it.
#[derive(Debug, Clone)]
pub struct Call<O> {
    /// When it was sent, on the clock of all callers.
    pub began: u64,
    /// When it was answered; or after which it cannot have happened any more.
    pub ended: u64,
    /// Whether an answer came. A call without one happened at some time in between, or not at all.
    pub answered: bool,
    /// What was asked, and answered.
    pub op: O,
}

/// No order explains the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// The most that some order explains.
    pub explained: Vec<usize>,
    /// What could have come next then, but for its answer.
    pub next: Vec<usize>,
    /// The states in which they were tried, as text.
    pub states: Vec<String>,
}

/// The calls that have found their place.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Placed(Vec<u64>);

impl Placed {
    fn has(&self, call: usize) -> bool {
        self.0[call / 64] >> (call % 64) & 1 == 1
    }

    fn with(&self, call: usize) -> Self {
        let mut with = self.clone();
        with.0[call / 64] |= 1 << (call % 64);
        with
    }
}

/// One step of the search: the calls that may come next, and how far they were tried.
struct Level<S> {
    placed: Placed,
    state: S,
    /// The latest beginning of what is placed: nothing that ended before can follow.
    floor: u64,
    next: Vec<usize>,
    tried: usize,
    /// States of the call being tried that are still to be gone into.
    states: Vec<S>,
}

/// Finds an order of `calls` in which each was answered as the model says, and none comes before one
/// that had ended when it began; the order.
///
/// # Errors
/// [`Stuck`] when there is none.
pub fn check<M: Model>(model: &M, start: M::State, calls: &[Call<M::Op>]) -> Result<Vec<usize>, Stuck> {
    let mut by_start: Vec<usize> = (0..calls.len()).collect();
    by_start.sort_by_key(|call| calls[*call].began);
    let level = |placed: Placed, state: M::State, floor: u64| {
        let open = by_start.iter().copied().filter(|call| !placed.has(*call));
        // Whoever had to come before the first end that is left.
        let end = open.clone().filter(|call| calls[*call].answered).map(|call| calls[call].ended).min();
        let end = end?;
        let may = |call: &usize| calls[*call].began <= end && calls[*call].ended >= floor;
        // Those first that are answered: what nobody heard of most often did not happen.
        let mut next: Vec<usize> = open.filter(may).collect();
        next.sort_by_key(|call| (!calls[*call].answered, calls[*call].ended));
        Some(Level { placed, state, floor, next, tried: 0, states: Vec::new() })
    };
    let mut order: Vec<usize> = Vec::new();
    let mut seen = HashSet::new();
    let mut best: Option<Stuck> = None;
    let mut levels: Vec<Level<M::State>> =
        level(Placed(vec![0; calls.len().div_ceil(64)]), start, 0).into_iter().collect();
    while let Some(top) = levels.last_mut() {
        let Some(state) = top.states.pop() else {
            let Some(call) = top.next.get(top.tried).copied() else {
                let depth = best.as_ref().map_or(0, |stuck| stuck.explained.len());
                if best.is_none() || order.len() > depth {
                    best = Some(Stuck { explained: order.clone(), next: top.next.clone(), states: Vec::new() });
                }
                if let Some(stuck) = best.as_mut().filter(|stuck| stuck.explained.len() == order.len()) {
                    stuck.states.push(format!("{:?}", top.state));
                }
                levels.pop();
                order.pop();
                continue;
            };
            top.tried += 1;
            top.states = model.after(&top.state, &calls[call]);
            continue;
        };
        let call = top.next[top.tried - 1];
        let placed = top.placed.with(call);
        if !seen.insert((placed.clone(), state.clone())) {
            continue;
        }
        let floor = top.floor.max(calls[call].began);
        order.push(call);
        match level(placed, state, floor) {
            Some(next) => levels.push(next),
            None => return Ok(order),
        }
    }
    best.map_or(Ok(order), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that is read and written.
    struct Number;

    #[derive(Debug, Clone)]
    enum Op {
        Read(u64),
        Write(u64),
    }

    impl Model for Number {
        type State = u64;
        type Op = Op;

        fn after(&self, state: &u64, call: &Call<Op>) -> Vec<u64> {
            match call.op {
                Op::Read(found) if found != *state => Vec::new(),
                Op::Read(found) | Op::Write(found) => vec![found],
            }
        }
    }

    fn explained(calls: &[(u64, u64, Op)], lost: &[(u64, u64, Op)]) -> bool {
        let call = |(began, ended, op): &(u64, u64, Op), answered| Call {
            began: *began,
            ended: *ended,
            answered,
            op: op.clone(),
        };
        let mut all: Vec<_> = calls.iter().map(|one| call(one, true)).collect();
        all.extend(lost.iter().map(|one| call(one, false)));
        match check(&Number, 0, &all) {
            Ok(order) => {
                assert!(calls.iter().enumerate().all(|(call, _)| order.contains(&call)), "each has its place");
                for (at, later) in order.iter().enumerate() {
                    assert!(order[..at].iter().all(|earlier| all[*earlier].began <= all[*later].ended), "{order:?}");
                }
                true
            }
            Err(stuck) => {
                assert!(!stuck.next.is_empty() && !stuck.states.is_empty(), "{stuck:?}");
                false
            }
        }
    }

    #[test]
    fn histories_that_have_an_order_are_explained() {
        use Op::{Read, Write};
        assert!(explained(&[], &[]));
        assert!(explained(&[(0, 1, Write(1)), (2, 3, Read(1))], &[]));
        // Each sees another moment of a write that takes long.
        assert!(explained(&[(0, 10, Write(1)), (1, 2, Read(0)), (3, 4, Read(1)), (5, 6, Read(1))], &[]));
        // Writes at once, in the order that the reads tell.
        assert!(explained(&[(0, 9, Write(1)), (0, 9, Write(2)), (10, 11, Read(1)), (12, 13, Read(1))], &[]));
        // A write whose answer was lost may have happened, late, or not at all.
        assert!(explained(&[(5, 6, Read(0)), (7, 8, Read(1))], &[(0, 99, Write(1))]));
        assert!(explained(&[(5, 6, Read(0)), (7, 8, Read(0))], &[(0, 99, Write(1))]));
        let many: Vec<_> = (0..500).flat_map(|n| [(n, n + 8, Write(n)), (n, n + 9, Write(n))]).collect();
        assert!(explained(&many, &[]), "a long one");
    }

    #[test]
    fn histories_that_have_none_are_not() {
        use Op::{Read, Write};
        assert!(!explained(&[(0, 1, Read(1))], &[]));
        // Stale: the write had ended.
        assert!(!explained(&[(0, 1, Write(1)), (2, 3, Read(0))], &[]));
        // Back again: the second reader began after the first was told of the new value.
        assert!(!explained(&[(0, 10, Write(1)), (1, 2, Read(1)), (3, 4, Read(0))], &[]));
        // Two readers who disagree about the order of two writes.
        let reads = [(10, 11, Read(1)), (12, 13, Read(2)), (14, 15, Read(1))];
        assert!(!explained(&[&[(0, 9, Write(1)), (0, 9, Write(2))][..], &reads].concat(), &[]));
        // A lost write happens once, and not after its time.
        let reads = [(1, 2, Read(1)), (3, 4, Write(0)), (5, 6, Read(1))];
        assert!(!explained(&reads, &[(0, 99, Write(1))]));
        assert!(!explained(&[(5, 6, Read(0)), (7, 8, Read(1))], &[(0, 4, Write(1))]));
        // Not lost at all: an answered write has its place.
        assert!(!explained(&[(5, 6, Read(0)), (7, 8, Read(0)), (0, 4, Write(1))], &[]));
    }
}
