//! What components in shadow are yet to be asked. Bounded, in memory alone, and never waited for: what finds no place is
//! dropped and counted.
//!
//! Each role of a workspace has a lane of its own; lanes take turns, so that one workspace does not push another out. A
//! component that keeps failing rests.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::texts::AskedText;
use super::trial::Trial;
use crate::domain::id::{MissionId, VerdictId, WorkspaceId};
use crate::domain::shadow::ShadowRole;

/// Most questions that wait in a lane.
const LANE_MAX: usize = 256;
/// Most bytes of texts that wait in a lane.
const LANE_BYTES_MAX: usize = 8 << 20;
/// Most bytes of texts that wait on this host.
const BYTES_MAX: usize = 64 << 20;
/// Most lanes on this host.
const LANES_MAX: usize = 4_096;
/// Events of one mission that are one question.
const EVENTS_AT_ONCE: u64 = 16;
/// Failures in a row after which a component rests.
pub(super) const REST_AFTER: u32 = 5;
/// How long it rests before it is asked once more.
const REST: Duration = Duration::from_mins(1);

/// The role of a workspace.
pub(super) type LaneKey = (WorkspaceId, ShadowRole);

/// A question.
#[derive(Debug)]
pub(super) enum Asked {
    /// What it makes of events of a mission. Which component that is, is found out when its turn comes.
    Events {
        mission_id: MissionId,
        /// The first.
        from: u64,
        /// The one after the last.
        until: u64,
    },
    /// What it makes of what a verdict was given on.
    Verdict(Arc<Trial>, VerdictId),
    /// What it makes of a text.
    Text(Arc<Trial>, Box<AskedText>),
}

impl Asked {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(_, text) => text.bytes(),
            Self::Events { .. } | Self::Verdict(..) => 0,
        }
    }
}

/// Whether a question waits now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It does.
    Taken,
    /// It does not, and never will.
    Dropped,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Asked>,
    bytes: usize,
    /// Failures in a row.
    failures: u32,
    /// Until when its component rests (monotonic).
    rests_until: Option<Duration>,
}

/// The lanes of this host.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: HashMap<LaneKey, Lane>,
    /// Lanes in which something waits, in the order of their turns.
    turns: VecDeque<LaneKey>,
    bytes: usize,
}

impl Queue {
    /// Lets a question wait, if there is a place for it.
    pub(super) fn offer(&mut self, key: &LaneKey, asked: Asked, now: Duration) -> Place {
        if self.lanes.len() >= LANES_MAX && !self.lanes.contains_key(key) {
            self.lanes.retain(|_, lane| !lane.waiting.is_empty());
            if self.lanes.len() >= LANES_MAX {
                return Place::Dropped;
            }
        }
        let lane = self.lanes.entry(key.clone()).or_default();
        if lane.rests_until.is_some_and(|until| now < until) {
            return Place::Dropped;
        }
        let bytes = asked.bytes();
        if joined(lane.waiting.back_mut(), &asked) {
            return Place::Taken;
        }
        if lane.waiting.len() >= LANE_MAX || lane.bytes + bytes > LANE_BYTES_MAX || self.bytes + bytes > BYTES_MAX {
            return Place::Dropped;
        }
        if lane.waiting.is_empty() {
            self.turns.push_back(key.clone());
        }
        lane.bytes += bytes;
        self.bytes += bytes;
        lane.waiting.push_back(asked);
        Place::Taken
    }

    /// The next question.
    pub(super) fn take(&mut self) -> Option<(LaneKey, Asked)> {
        let key = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let asked = lane.waiting.pop_front()?;
        let bytes = asked.bytes();
        lane.bytes -= bytes;
        self.bytes -= bytes;
        if !lane.waiting.is_empty() {
            self.turns.push_back(key.clone());
        } else if lane.failures == 0 {
            self.lanes.remove(&key);
        }
        Some((key, asked))
    }

    /// A component answered, or failed. One that failed often enough rests; what waits for it then is dropped when its
    /// turn comes.
    pub(super) fn note(&mut self, key: &LaneKey, has_failed: bool, now: Duration) {
        if !has_failed {
            if let Some(lane) = self.lanes.get_mut(key) {
                (lane.failures, lane.rests_until) = (0, None);
            }
            return;
        }
        let lane = self.lanes.entry(key.clone()).or_default();
        lane.failures = lane.failures.saturating_add(1);
        if lane.failures >= REST_AFTER {
            lane.rests_until = Some(now + REST);
        }
    }

    /// Whether the component of a lane rests.
    pub(super) fn rests(&self, key: &LaneKey, now: Duration) -> bool {
        self.lanes.get(key).and_then(|lane| lane.rests_until).is_some_and(|until| now < until)
    }

    /// Something else decides in shadow from now on: nobody rests any more.
    pub(super) fn wake(&mut self, workspace_id: &WorkspaceId) {
        for (_, lane) in self.lanes.iter_mut().filter(|((of, _), _)| of == workspace_id) {
            (lane.failures, lane.rests_until) = (0, None);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

/// Whether the next event of a mission is part of the question that waits last.
fn joined(last: Option<&mut Asked>, asked: &Asked) -> bool {
    let (Some(Asked::Events { mission_id, from, until }), Asked::Events { mission_id: same, from: next, until: end }) =
        (last, asked)
    else {
        return false;
    };
    if mission_id != same || *until != *next || *end - *from > EVENTS_AT_ONCE {
        return false;
    }
    *until = *end;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(workspace: &str) -> LaneKey {
        (WorkspaceId::new(workspace), ShadowRole::Reducer)
    }

    fn event(mission: &str, seq: u64) -> Asked {
        Asked::Events { mission_id: MissionId::new(mission), from: seq, until: seq + 1 }
    }

    fn taken(queue: &mut Queue) -> Option<(String, u64, u64)> {
        match queue.take()? {
            ((workspace, _), Asked::Events { from, until, .. }) => Some((workspace.to_string(), from, until)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lanes_take_turns_and_a_full_one_drops() {
        let (mut queue, now) = (Queue::default(), Duration::ZERO);
        for number in 0..LANE_MAX as u64 {
            // Every other event, so that none joins the one before.
            assert_eq!(queue.offer(&key("busy"), event("m", number * 2), now), Place::Taken);
        }
        assert_eq!(queue.offer(&key("busy"), event("m", 9_999), now), Place::Dropped);
        assert_eq!(queue.offer(&key("calm"), event("m", 7), now), Place::Taken, "the other has a lane of its own");
        let first: Vec<_> = (0..3).filter_map(|_| taken(&mut queue)).collect();
        let of = |workspace: &str, from: u64| (workspace.to_owned(), from, from + 1);
        assert_eq!(first, [of("busy", 0), of("calm", 7), of("busy", 2)]);
        while taken(&mut queue).is_some() {}
        assert!(queue.is_empty() && queue.lanes.is_empty(), "nothing is left of lanes that are empty");
    }

    #[test]
    fn events_that_follow_each_other_are_one_question_up_to_a_limit() {
        let (mut queue, now) = (Queue::default(), Duration::ZERO);
        for seq in 3..=3 + EVENTS_AT_ONCE {
            queue.offer(&key("a"), event("m", seq), now);
        }
        queue.offer(&key("a"), event("other", 4 + EVENTS_AT_ONCE), now);
        let all: Vec<_> = std::iter::from_fn(|| taken(&mut queue)).map(|(_, from, until)| (from, until)).collect();
        let end = 3 + EVENTS_AT_ONCE;
        assert_eq!(all, [(3, end), (end, end + 1), (end + 1, end + 2)]);
    }

    #[test]
    fn a_component_that_keeps_failing_rests_and_is_asked_again() {
        let (mut queue, key, now) = (Queue::default(), key("a"), Duration::from_secs(100));
        for _ in 1..REST_AFTER {
            queue.note(&key, true, now);
        }
        assert_eq!((queue.rests(&key, now), queue.offer(&key, event("m", 1), now)), (false, Place::Taken));
        queue.note(&key, true, now);
        assert_eq!((queue.rests(&key, now), queue.offer(&key, event("m", 3), now)), (true, Place::Dropped));
        let later = now + REST;
        assert_eq!((queue.rests(&key, later), queue.offer(&key, event("m", 3), later)), (false, Place::Taken));
        queue.note(&key, true, later);
        assert!(queue.rests(&key, later), "one more is enough");
        queue.wake(&key.0);
        assert!(!queue.rests(&key, later));
        queue.note(&key, true, later);
        assert!(!queue.rests(&key, later), "it is counted from the beginning");
    }
}
