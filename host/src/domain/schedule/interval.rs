//! Intervals: every so many milliseconds from an anchor on, in real time.
//!
//! Knows zones only for excluded dates: a day of 23 hours holds 23 hourly occurrences.

use super::calendar::Calendar;
use super::civil::DAY_SECONDS;
use super::zone::Zone;

/// An interval; all times are milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval<'a> {
    pub(super) every: i64,
    /// The first occurrence.
    pub(super) anchor: i64,
    pub(super) zone: &'a Zone,
    pub(super) calendar: &'a Calendar,
}

impl Interval<'_> {
    /// The first occurrence after `after` and not after `last`.
    pub(super) fn next(&self, after: i64, last: i64) -> Option<i64> {
        let mut found = self.at_or_after(after + 1);
        if self.calendar.is_empty() {
            return Some(found).filter(|found| *found <= last);
        }
        while found <= last {
            let second = found.div_euclid(1_000);
            let at = self.zone.span_at(second);
            let offset = self.zone.spans()[at].offset;
            let day = (second + offset).div_euclid(DAY_SECONDS);
            if !self.calendar.leaves_out(day) {
                return Some(found);
            }
            let end = self.zone.end_of(at);
            let kept = self.calendar.next_kept(day + 1, last / (DAY_SECONDS * 1_000) + 2)?;
            found = self.at_or_after((kept * DAY_SECONDS - offset).min(end) * 1_000);
        }
        None
    }

    /// How many occurrences lie after `after` and not after `last`.
    pub(super) fn count(&self, after: i64, last: i64) -> i64 {
        let total = self.upto(last) - self.upto(after);
        if self.calendar.is_empty() || total <= 0 {
            return total.max(0);
        }
        total - self.left_out(after, last)
    }

    /// How many occurrences of the range lie on excluded dates.
    fn left_out(&self, after: i64, last: i64) -> i64 {
        let (first, end) = (after + 1, last + 1);
        let mut left_out = 0;
        let begin = self.zone.span_at(first.div_euclid(1_000));
        for (at, span) in self.zone.spans().iter().enumerate().skip(begin) {
            let (from, until) =
                (span.from.saturating_mul(1_000).max(first), self.zone.end_of(at).saturating_mul(1_000).min(end));
            if from >= until {
                break;
            }
            let day_of = |instant: i64| (instant.div_euclid(1_000) + span.offset).div_euclid(DAY_SECONDS);
            for day in self.calendar.days_left_out(day_of(from), day_of(until - 1)) {
                let begins = (day * DAY_SECONDS - span.offset) * 1_000;
                let (from, until) = (begins.max(from), (begins + DAY_SECONDS * 1_000).min(until));
                left_out += self.upto(until - 1) - self.upto(from - 1);
            }
        }
        left_out
    }

    /// The first occurrence at or after an instant, excluded or not.
    fn at_or_after(&self, instant: i64) -> i64 {
        if instant <= self.anchor {
            return self.anchor;
        }
        let since = instant - self.anchor;
        let steps = since / self.every + i64::from(since % self.every != 0);
        self.anchor + steps * self.every
    }

    /// How many occurrences there are up to an instant, included; excluded dates or not.
    fn upto(&self, instant: i64) -> i64 {
        if instant < self.anchor { 0 } else { (instant - self.anchor) / self.every + 1 }
    }
}
