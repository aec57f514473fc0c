//! Which occurrences are due, and what becomes of those that are late: a decision, nothing done.

use super::occurrence::Trigger;
use super::policies::Misfire;
use crate::domain::schedule::Schedule;
use crate::domain::time::Timestamp;
use crate::domain::word::words;

/// Most occurrences on time that one look fires of one routine; the next look goes on behind them.
pub const FIRES_MAX: usize = 100;

words! {
    /// Why missed occurrences do not run.
    DropReason {
        /// They were later than the grace, and the policy is `skip`.
        Late = "late",
        /// Another run stands for them.
        Coalesced = "coalesced",
        /// Even the latest was later than the window.
        BeyondWindow = "beyond_window",
        /// More were missed than are caught up.
        BeyondMaxRuns = "beyond_max_runs",
    }
}

/// Occurrences that were missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
    /// Why.
    pub reason: DropReason,
}

/// An occurrence that fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    /// The instant it is written for.
    pub scheduled_at: Timestamp,
    /// On time, or caught up.
    pub trigger: Trigger,
    /// How many missed ones it stands for, itself included if it is one, and since when.
    pub stands_for: Option<(u64, Timestamp)>,
}

/// What is to be done about a routine now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What fires, in order.
    pub fires: Vec<Firing>,
    /// What does not.
    pub dropped: Option<Dropped>,
    /// Occurrences up to here are dealt with then. Never before the cursor it began with.
    pub cursor: Timestamp,
    /// When to look again, jitter included; never, if there are no more.
    pub next_fire_at: Option<Timestamp>,
}

/// What is due of `schedule` at `now`, after `cursor`; each occurrence `jitter_ms` later than
/// written. Every occurrence between the cursors before and after is either in `fires` or counted
/// in `dropped`, and none in both.
///
/// A clock that went back finds nothing due until it has caught up with the cursor. Cost is bounded
/// for any time between: missed occurrences are counted, not walked.
pub fn due(schedule: &Schedule, jitter_ms: u64, misfire: Misfire, cursor: Timestamp, now: Timestamp) -> Due {
    let horizon = Timestamp(now.as_millis().saturating_sub(jitter_ms));
    let mut due = Due { fires: Vec::new(), dropped: None, cursor, next_fire_at: None };
    if now.as_millis() >= jitter_ms && horizon > cursor {
        // Later than this is on time: as late as the grace, to the millisecond.
        let late_until = Timestamp(horizon.as_millis().saturating_sub(misfire.grace_ms().saturating_add(1)));
        let on_time_after = cursor.max(late_until);
        let on_time = schedule.occurrences(on_time_after, horizon, FIRES_MAX);
        let fire = |scheduled_at| Firing { scheduled_at, trigger: Trigger::Schedule, stands_for: None };
        due.fires = on_time.map(fire).collect();
        // As many as there may be: what lies behind the last is for the next look.
        let reached = due.fires.last().filter(|_| due.fires.len() == FIRES_MAX);
        due.cursor = reached.map_or(horizon, |last| last.scheduled_at);
        if on_time_after > cursor {
            judge_missed(schedule, misfire, (cursor, on_time_after), horizon, &mut due);
        }
    }
    due.next_fire_at = schedule.next(due.cursor).map(|next| next.plus_millis(jitter_ms));
    due
}

/// What becomes of the occurrences after the one instant and not after the other.
fn judge_missed(
    schedule: &Schedule,
    misfire: Misfire,
    (after, until): (Timestamp, Timestamp),
    horizon: Timestamp,
    due: &mut Due,
) {
    let count = schedule.count(after, until);
    let Some(first) = schedule.occurrences(after, until, 1).next() else { return };
    let Some(last) = schedule.latest(after, until, 1).pop() else { return };
    let all = |reason| Some(Dropped { count, first, last, reason });
    match misfire {
        Misfire::Skip { .. } => due.dropped = all(DropReason::Late),
        Misfire::RunOnce { window_ms } => {
            if let Some(next) = due.fires.first_mut() {
                // What is on time runs anyway, and is the one run for what was missed right before.
                next.stands_for = Some((count, first));
                due.dropped = all(DropReason::Coalesced);
            } else if horizon.millis_since(last) > window_ms {
                due.dropped = all(DropReason::BeyondWindow);
            } else {
                let stands_for = Some((count, first));
                due.fires.push(Firing { scheduled_at: last, trigger: Trigger::CatchUp, stands_for });
                due.dropped = before(schedule, after, first, last, count - 1, DropReason::Coalesced);
            }
        }
        Misfire::CatchUp { max_runs } => {
            let kept = schedule.latest(after, until, usize::try_from(max_runs).unwrap_or(usize::MAX));
            let left = count - kept.len() as u64;
            if let Some(oldest) = kept.first() {
                due.dropped = before(schedule, after, first, *oldest, left, DropReason::BeyondMaxRuns);
            }
            let caught_up = kept.into_iter().map(|scheduled_at| Firing {
                scheduled_at,
                trigger: Trigger::CatchUp,
                stands_for: None,
            });
            due.fires.splice(0..0, caught_up);
        }
    }
}

/// The `count` occurrences after `after` and before `kept`.
fn before(
    schedule: &Schedule,
    after: Timestamp,
    first: Timestamp,
    kept: Timestamp,
    count: u64,
    reason: DropReason,
) -> Option<Dropped> {
    if count == 0 {
        return None;
    }
    let last = schedule.latest(after, Timestamp(kept.as_millis().saturating_sub(1)), 1).pop()?;
    Some(Dropped { count, first, last, reason })
}

#[cfg(test)]
mod tests {
    use super::super::ScheduleSpec;
    use super::*;
    use crate::domain::schedule::Zone;

    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    /// 2026-01-01T00:00:00Z.
    const BEGIN: Timestamp = Timestamp(1_767_225_600_000);

    fn at(ms: u64) -> Timestamp {
        BEGIN.plus_millis(ms)
    }

    fn cron(expression: &str) -> Schedule {
        let spec = ScheduleSpec::Cron { expression: expression.to_owned() };
        spec.plan(Zone::named("UTC").unwrap(), BEGIN).unwrap()
    }

    fn times(due: &Due) -> Vec<u64> {
        due.fires.iter().map(|fire| fire.scheduled_at.millis_since(BEGIN)).collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a decision has it, so that the two compare")]
    fn dropped(count: u64, first: u64, last: u64, reason: DropReason) -> Option<Dropped> {
        Some(Dropped { count, first: at(first), last: at(last), reason })
    }

    #[test]
    fn what_is_on_time_fires_and_the_next_is_known() {
        let hourly = cron("0 * * * *");
        for misfire in [Misfire::Skip { grace_ms: 60_000 }, Misfire::default(), Misfire::CatchUp { max_runs: 3 }] {
            let early = due(&hourly, 0, misfire, BEGIN, at(HOUR - 1));
            assert_eq!((times(&early), early.next_fire_at), (vec![], Some(at(HOUR))));
            for late in [0, 1, MINUTE] {
                let due = due(&hourly, 0, misfire, BEGIN, at(HOUR + late));
                assert_eq!(times(&due), [HOUR], "{misfire:?} {late} ms late");
                assert_eq!((due.fires[0].trigger, due.dropped), (Trigger::Schedule, None));
                assert_eq!((due.cursor, due.next_fire_at), (at(HOUR + late), Some(at(2 * HOUR))));
            }
        }
    }

    #[test]
    fn jitter_moves_when_it_fires_and_not_which() {
        let hourly = cron("0 * * * *");
        let early = due(&hourly, 5_000, Misfire::default(), BEGIN, at(HOUR + 4_999));
        assert_eq!((times(&early), early.next_fire_at), (vec![], Some(at(HOUR + 5_000))));
        let due = due(&hourly, 5_000, Misfire::default(), early.cursor, at(HOUR + 5_000));
        assert_eq!((times(&due), due.next_fire_at), (vec![HOUR], Some(at(2 * HOUR + 5_000))));
    }

    #[test]
    fn a_millisecond_beyond_the_grace_is_missed() {
        let hourly = cron("0 * * * *");
        let now = at(HOUR + MINUTE + 1);
        let skip = due(&hourly, 0, Misfire::Skip { grace_ms: MINUTE }, BEGIN, now);
        assert_eq!((times(&skip), skip.dropped), (vec![], dropped(1, HOUR, HOUR, DropReason::Late)));
        let patient = due(&hourly, 0, Misfire::Skip { grace_ms: MINUTE + 1 }, BEGIN, now);
        assert_eq!((times(&patient), patient.dropped), (vec![HOUR], None));
        let once = due(&hourly, 0, Misfire::default(), BEGIN, now);
        assert_eq!((times(&once), once.dropped), (vec![HOUR], None));
        assert_eq!((once.fires[0].trigger, once.fires[0].stands_for), (Trigger::CatchUp, Some((1, at(HOUR)))));
    }

    #[test]
    fn run_once_runs_once_whether_something_is_on_time_or_not() {
        let hourly = cron("0 * * * *");
        let late = due(&hourly, 0, Misfire::default(), BEGIN, at(5 * HOUR + 30 * MINUTE));
        assert_eq!(times(&late), [5 * HOUR]);
        assert_eq!(late.fires[0].stands_for, Some((5, at(HOUR))));
        assert_eq!(late.dropped, dropped(4, HOUR, 4 * HOUR, DropReason::Coalesced));
        let on_time = due(&hourly, 0, Misfire::default(), BEGIN, at(5 * HOUR + 30_000));
        assert_eq!(times(&on_time), [5 * HOUR]);
        assert_eq!((on_time.fires[0].trigger, on_time.fires[0].stands_for), (Trigger::Schedule, Some((4, at(HOUR)))));
        assert_eq!(on_time.dropped, dropped(4, HOUR, 4 * HOUR, DropReason::Coalesced));
        let window_ms = 30 * MINUTE;
        let inside = due(&hourly, 0, Misfire::RunOnce { window_ms }, BEGIN, at(5 * HOUR + window_ms));
        assert_eq!(times(&inside), [5 * HOUR]);
        let outside = due(&hourly, 0, Misfire::RunOnce { window_ms }, BEGIN, at(5 * HOUR + window_ms + 1));
        assert_eq!(times(&outside), Vec::<u64>::new());
        assert_eq!(outside.dropped, dropped(5, HOUR, 5 * HOUR, DropReason::BeyondWindow));
    }

    #[test]
    fn catching_up_runs_the_latest_in_order_before_what_is_on_time() {
        let hourly = cron("0 * * * *");
        let all = due(&hourly, 0, Misfire::CatchUp { max_runs: 9 }, BEGIN, at(3 * HOUR + 30 * MINUTE));
        assert_eq!((times(&all), all.dropped), (vec![HOUR, 2 * HOUR, 3 * HOUR], None));
        let some = due(&hourly, 0, Misfire::CatchUp { max_runs: 2 }, BEGIN, at(5 * HOUR));
        assert_eq!(times(&some), [3 * HOUR, 4 * HOUR, 5 * HOUR]);
        let triggers: Vec<_> = some.fires.iter().map(|fire| fire.trigger).collect();
        assert_eq!(triggers, [Trigger::CatchUp, Trigger::CatchUp, Trigger::Schedule]);
        assert_eq!(some.dropped, dropped(2, HOUR, 2 * HOUR, DropReason::BeyondMaxRuns));
    }

    #[test]
    fn a_clock_that_goes_back_fires_nothing_twice() {
        let hourly = cron("0 * * * *");
        let first = due(&hourly, 0, Misfire::default(), BEGIN, at(HOUR));
        let back = due(&hourly, 0, Misfire::default(), first.cursor, BEGIN);
        assert_eq!((times(&back), back.cursor, back.dropped), (vec![], at(HOUR), None));
        assert_eq!(back.next_fire_at, Some(at(2 * HOUR)));
        let before_everything = due(&hourly, 5_000, Misfire::default(), Timestamp(0), Timestamp(0));
        assert_eq!((times(&before_everything), before_everything.cursor), (vec![], Timestamp(0)));
    }

    #[test]
    fn ten_years_are_counted_and_not_walked() {
        let secondly = cron("* * * * * *");
        let years = 10 * 365 * 24 * HOUR;
        let due = due(&secondly, 0, Misfire::Skip { grace_ms: 0 }, BEGIN, at(years));
        assert_eq!(times(&due), [years]);
        assert_eq!(due.dropped, dropped(years / 1_000 - 1, 1_000, years - 1_000, DropReason::Late));
    }

    #[test]
    fn more_on_time_than_one_look_fires_are_left_for_the_next() {
        let secondly = cron("* * * * * *");
        let grace_ms = 200_000;
        let now = at(150_000);
        let first = due(&secondly, 0, Misfire::Skip { grace_ms }, BEGIN, now);
        assert_eq!((first.fires.len(), first.cursor), (FIRES_MAX, at(100_000)));
        assert_eq!(first.next_fire_at, Some(at(101_000)), "which is due at once");
        let second = due(&secondly, 0, Misfire::Skip { grace_ms }, first.cursor, now);
        assert_eq!((second.fires.len(), second.cursor), (50, now));
    }

    #[test]
    fn once_is_once() {
        let spec = ScheduleSpec::Once { at: at(HOUR) };
        let once = spec.plan(Zone::named("UTC").unwrap(), BEGIN).unwrap();
        let fired = due(&once, 0, Misfire::default(), BEGIN, at(HOUR));
        assert_eq!((times(&fired), fired.next_fire_at), (vec![HOUR], None));
    }
}
