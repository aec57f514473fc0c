//! One level of nesting: its plan, its count, the failures that wait for its parent.

use crate::report::Status;

/// Most failures that wait for their parent; further ones are told at once, parent or not.
const HELD_MAX: usize = 1_000;

/// A result that is kept.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) suite: String,
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) message: String,
    pub(super) path: Option<String>,
    pub(super) line: Option<u32>,
}

/// One level.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// What the subtest is called.
    pub(super) name: String,
    plan: Option<u64>,
    seen: u64,
    /// Failures of this level, which wait for the point above it.
    pub(super) failures: Vec<Held>,
    /// Failures of the level below that has just ended.
    pub(super) children: Vec<Held>,
    /// Whether a level below has just ended.
    pub(super) has_children: bool,
}

impl Level {
    pub(super) fn named(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// Whether anything was seen on it.
    pub(super) fn is_used(&self) -> bool {
        self.seen > 0 || self.plan.is_some()
    }

    /// Notes the plan; false when there was one.
    pub(super) fn set_plan(&mut self, plan: u64) -> bool {
        self.plan.replace(plan).is_none()
    }

    /// Counts a point; false when its number is not the next one.
    pub(super) fn count(&mut self, number: Option<u64>) -> bool {
        self.seen += 1;
        number.is_none_or(|number| number == self.seen)
    }

    /// Keeps a failure; false when there is no room.
    pub(super) fn hold(&mut self, held: &Held) -> bool {
        let has_room = self.failures.len() < HELD_MAX;
        if has_room {
            self.failures.push(held.clone());
        }
        has_room
    }

    /// What is wrong with its plan; none when it was kept.
    pub(super) fn broken_plan(&self) -> Option<String> {
        let place = if self.name.is_empty() { String::new() } else { format!(" in subtest {:?}", self.name) };
        match self.plan {
            None => Some(format!("it has no plan{place}, so it may be cut off")),
            Some(plan) if plan != self.seen => Some(format!("{plan} tests were planned and {} ran{place}", self.seen)),
            Some(_) => None,
        }
    }
}
