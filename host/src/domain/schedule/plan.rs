//! A schedule as a whole: what repeats, in which zone, from when to when, without which dates.
//!
//! Owns the answers that routines need: the next occurrence, those of a range, how many there are
//! and the latest of them. Occurrences are *written* times; a routine's jitter is added by the
//! caller ([`super::jitter_of`]), so that an occurrence keeps its identity when jitter changes.

use std::sync::Arc;

use super::calendar::Calendar;
use super::civil::{DAY_SECONDS, LAST_SECOND};
use super::expression::Expression;
use super::fault::ScheduleFault;
use super::firing::Firing;
use super::interval::Interval;
use super::zone::Zone;
use crate::domain::time::Timestamp;

/// The shortest interval: a second, in milliseconds.
pub const INTERVAL_MIN_MS: u64 = 1_000;

/// The longest interval: 366 days, in milliseconds.
pub const INTERVAL_MAX_MS: u64 = 366 * 86_400_000;

/// How far ahead an occurrence is looked for: fifty years. Beyond it the answer is `never`.
const HORIZON_MS: u64 = (50 * 365 + 13) * 86_400_000;

/// The last instant there is for schedules.
const LAST_MS: i64 = LAST_SECOND * 1_000 + 999;

/// What repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    /// A crontab expression.
    Cron {
        /// What it means.
        expression: Expression,
    },
    /// Every `every_ms` milliseconds of real time; `anchor` is the first occurrence.
    Every {
        /// [`INTERVAL_MIN_MS`] to [`INTERVAL_MAX_MS`].
        every_ms: u64,
        /// The first occurrence; the later ones are whole intervals after it.
        anchor: Timestamp,
    },
    /// Once.
    At {
        /// When.
        instant: Timestamp,
    },
}

/// When something happens.
#[derive(Debug, Clone)]
pub struct Schedule {
    timing: Timing,
    zone: Arc<Zone>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    exclude: Calendar,
}

impl Schedule {
    /// A schedule in a zone, without start, end and excluded dates.
    ///
    /// # Errors
    /// [`ScheduleFault::Interval`] and [`ScheduleFault::TooLate`] for an interval, an anchor or an
    /// instant out of range. One that never happens is no error: [`Schedule::next`] tells.
    pub fn new(timing: Timing, zone: Arc<Zone>) -> Result<Self, ScheduleFault> {
        match timing {
            Timing::Cron { .. } => {}
            Timing::Every { every_ms, anchor } => {
                if !(INTERVAL_MIN_MS..=INTERVAL_MAX_MS).contains(&every_ms) {
                    let (min_ms, max_ms) = (INTERVAL_MIN_MS, INTERVAL_MAX_MS);
                    return Err(ScheduleFault::Interval { given_ms: every_ms, min_ms, max_ms });
                }
                in_time("anchor_ms", anchor)?;
            }
            Timing::At { instant } => in_time("at_ms", instant)?,
        }
        Ok(Self { timing, zone, starts_at: None, ends_at: None, exclude: Calendar::default() })
    }

    /// The same between two instants; occurrences at either of them count.
    ///
    /// # Errors
    /// [`ScheduleFault::EndBeforeStart`] unless the end comes after the start,
    /// [`ScheduleFault::TooLate`] for instants out of range.
    pub fn between(mut self, starts_at: Option<Timestamp>, ends_at: Option<Timestamp>) -> Result<Self, ScheduleFault> {
        starts_at.map_or(Ok(()), |instant| in_time("starts_at_ms", instant))?;
        ends_at.map_or(Ok(()), |instant| in_time("ends_at_ms", instant))?;
        if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at)
            && ends_at <= starts_at
        {
            let (starts_at_ms, ends_at_ms) = (starts_at.as_millis(), ends_at.as_millis());
            return Err(ScheduleFault::EndBeforeStart { starts_at_ms, ends_at_ms });
        }
        (self.starts_at, self.ends_at) = (starts_at, ends_at);
        Ok(self)
    }

    /// The same without some dates.
    #[must_use]
    pub fn without(mut self, exclude: Calendar) -> Self {
        self.exclude = exclude;
        self
    }

    /// What repeats.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Its zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first occurrence after `after`, always later than it; none when it never happens again
    /// within fifty years, before its end and before the year 2200.
    ///
    /// Work is bounded whatever the schedule (measured: `tests/benches/schedule_next`).
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let first = match self.timing {
            Timing::Cron { .. } => after.max(self.starts_at.unwrap_or(after)),
            Timing::Every { anchor, .. } => after.max(self.starts_at.unwrap_or(after)).max(anchor),
            Timing::At { instant } => after.max(instant),
        };
        self.next_within(after, first.plus_millis(HORIZON_MS))
    }

    /// The first occurrence after `after` and not after `until`, however far away.
    fn next_within(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let (after, last) = self.window(after, until)?;
        let found = match &self.timing {
            // A second later than an instant within a second is later than the instant.
            Timing::Cron { expression } => {
                let found = self.firing(expression).next(after.div_euclid(1_000), last.div_euclid(1_000))?;
                found * 1_000
            }
            Timing::Every { every_ms, anchor } => self.interval(*every_ms, *anchor).next(after, last)?,
            Timing::At { instant } => {
                let instant = milliseconds(*instant);
                if !(after < instant && instant <= last) || self.is_left_out(instant) {
                    return None;
                }
                instant
            }
        };
        u64::try_from(found).ok().map(Timestamp)
    }

    /// Occurrences after `after` and not after `until`, in order, at most `max`.
    pub fn occurrences(&self, after: Timestamp, until: Timestamp, max: usize) -> Occurrences<'_> {
        Occurrences { schedule: self, after, until, left: max }
    }

    /// How many occurrences lie after `after` and not after `until`: exact, and counted by months,
    /// not one by one (measured: a year of seconds as fast as a year of days).
    pub fn count(&self, after: Timestamp, until: Timestamp) -> u64 {
        let Some((after, last)) = self.window(after, until) else { return 0 };
        let count = match &self.timing {
            Timing::Cron { expression } => {
                self.firing(expression).count(after.div_euclid(1_000), last.div_euclid(1_000))
            }
            Timing::Every { every_ms, anchor } => self.interval(*every_ms, *anchor).count(after, last),
            Timing::At { instant } => {
                let instant = milliseconds(*instant);
                i64::from(after < instant && instant <= last && !self.is_left_out(instant))
            }
        };
        u64::try_from(count).unwrap_or(0)
    }

    /// The latest `max` occurrences after `after` and not after `until`, in order: what a host that
    /// was away catches up with. Cheap for any length of absence: it counts, and does not walk.
    pub fn latest(&self, after: Timestamp, until: Timestamp, max: usize) -> Vec<Timestamp> {
        let wanted = u64::try_from(max).unwrap_or(u64::MAX);
        let Some((first, last)) = self.window(after, until) else { return Vec::new() };
        let (Ok(mut low), Ok(mut high)) = (u64::try_from(first.max(0)), u64::try_from(last)) else {
            return Vec::new();
        };
        let until = Timestamp(high);
        if self.count(after, until) > wanted {
            // The latest instant behind which at least as many lie as are wanted.
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                let enough = self.count(Timestamp(middle), until) >= wanted;
                (low, high) = if enough { (middle, high) } else { (low, middle) };
            }
            return self.occurrences(Timestamp(low), until, max).collect();
        }
        self.occurrences(after, until, max).collect()
    }

    /// From where to where, in milliseconds since 1970: after the one, not after the other.
    fn window(&self, after: Timestamp, until: Timestamp) -> Option<(i64, i64)> {
        let asked = milliseconds(after);
        let after = self.starts_at.map_or(asked, |start| asked.max(milliseconds(start) - 1));
        let end = self.ends_at.map_or(i64::MAX, milliseconds);
        let last = milliseconds(until).min(end).min(LAST_MS);
        (after < last).then_some((after, last))
    }

    pub(super) fn firing<'a>(&'a self, expression: &'a Expression) -> Firing<'a> {
        Firing { expression, zone: &self.zone, calendar: &self.exclude }
    }

    fn interval(&self, every_ms: u64, anchor: Timestamp) -> Interval<'_> {
        let every = i64::try_from(every_ms).unwrap_or(i64::MAX);
        Interval { every, anchor: milliseconds(anchor), zone: &self.zone, calendar: &self.exclude }
    }

    fn is_left_out(&self, instant: i64) -> bool {
        let second = instant.div_euclid(1_000);
        let offset = self.zone.spans()[self.zone.span_at(second)].offset;
        self.exclude.leaves_out((second + offset).div_euclid(DAY_SECONDS))
    }
}

/// Occurrences of a schedule in order. Ends at its limit, at `until` or where there are no more.
#[derive(Debug, Clone)]
pub struct Occurrences<'a> {
    schedule: &'a Schedule,
    after: Timestamp,
    until: Timestamp,
    left: usize,
}

impl Iterator for Occurrences<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        self.left = self.left.checked_sub(1)?;
        let found = self.schedule.next_within(self.after, self.until);
        match found {
            Some(found) => self.after = found,
            None => self.left = 0,
        }
        found
    }
}

/// Instants beyond the calendar are its end: nothing is after them.
fn milliseconds(instant: Timestamp) -> i64 {
    i64::try_from(instant.as_millis()).unwrap_or(i64::MAX).min(LAST_MS + 1)
}

fn in_time(member: &'static str, instant: Timestamp) -> Result<(), ScheduleFault> {
    if milliseconds(instant) > LAST_MS {
        return Err(ScheduleFault::TooLate { member, given_ms: instant.as_millis() });
    }
    Ok(())
}
