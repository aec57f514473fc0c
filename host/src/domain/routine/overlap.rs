//! What becomes of an occurrence while earlier ones are not over: a decision, nothing done.

use super::occurrence::{Occurrence, Trigger};
use super::policies::{OPEN_MAX, Overlap};

/// What an occurrence does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// It starts.
    Start,
    /// It starts, and what is open is called off.
    StartInstead,
    /// It waits until something before it ends.
    Wait,
    /// It is dropped: as many wait, or are open, as may.
    Drop,
}

/// Where an occurrence goes that is due while `open` are not over.
///
/// Only what the schedule fires on time is ever dropped for being late behind another. What is
/// caught up, backfilled or asked for has its own run, and waits its turn; under `cancel_previous`
/// only what is caught up or backfilled does, since those would call each other off.
pub fn place(overlap: Overlap, trigger: Trigger, open: &[Occurrence]) -> Placement {
    if open.is_empty() {
        return Placement::Start;
    }
    let waiting = open.iter().filter(|occurrence| occurrence.mission_id.is_none()).count();
    let wait = |max: u32| if waiting < count(max) { Placement::Wait } else { Placement::Drop };
    let is_on_time = trigger == Trigger::Schedule;
    match overlap {
        Overlap::Queue { max } if is_on_time => wait(max),
        Overlap::Allow { max } if open.len() < count(max) => Placement::Start,
        Overlap::Skip | Overlap::Allow { .. } if is_on_time => Placement::Drop,
        Overlap::CancelPrevious if matches!(trigger, Trigger::Schedule | Trigger::RunNow) => Placement::StartInstead,
        _ => wait(OPEN_MAX),
    }
}

/// How many of those that wait start now that `begun` others are not over.
pub fn may_start(overlap: Overlap, begun: usize) -> usize {
    match overlap {
        Overlap::Allow { max } => count(max).saturating_sub(begun),
        Overlap::Skip | Overlap::Queue { .. } | Overlap::CancelPrevious => usize::from(begun == 0),
    }
}

fn count(max: u32) -> usize {
    usize::try_from(max).unwrap_or(usize::MAX)
}
