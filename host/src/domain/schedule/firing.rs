//! From civil times to instants: when an expression fires in a zone, over clock changes too.
//!
//! Owns the rule of Debian's cron. A *fixed* expression (neither minutes nor hours begin with a
//! star) fires once right after a gap for what the gap skipped, and once, the first time, where an
//! overlap repeats a time. One with a star follows real time. [`Span::fixed_from`] holds the rule
//! as a number; here it is only read.

use super::calendar::Calendar;
use super::expression::Expression;
use super::zone::{Span, Zone};

/// An expression in a zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Firing<'a> {
    pub(super) expression: &'a Expression,
    pub(super) zone: &'a Zone,
    pub(super) calendar: &'a Calendar,
}

impl Firing<'_> {
    /// The first second after `after` and not after `last` at which it fires.
    pub(super) fn next(&self, after: i64, last: i64) -> Option<i64> {
        let found =
            if self.expression.follows_real_time { self.next_real(after, last) } else { self.next_fixed(after, last) };
        found.filter(|found| *found <= last)
    }

    fn next_fixed(&self, after: i64, last: i64) -> Option<i64> {
        let first = after + 1;
        let mut at = self.zone.span_at(first);
        let spans = self.zone.spans();
        let begin = spans[at].fixed_begin(first);
        let mut found = self.civil(begin, last)?;
        while found >= self.zone.end_of(at) + spans[at].offset {
            at += 1;
            // A match that the earlier spans did not reach stays the first one of this, unless
            // civil time starts afresh.
            if spans[at].starts_afresh {
                found = self.civil(spans[at].fixed_from, last)?;
            }
        }
        Some((found - spans[at].offset).max(spans[at].from))
    }

    fn next_real(&self, after: i64, last: i64) -> Option<i64> {
        let first = after + 1;
        let mut at = self.zone.span_at(first);
        let spans = self.zone.spans();
        let mut found = self.civil(first + spans[at].offset, last);
        loop {
            let end = self.zone.end_of(at);
            if let Some(found) = found.map(|found| found - spans[at].offset).filter(|found| *found < end) {
                return Some(found);
            }
            if end > last {
                return None;
            }
            let reached = end + spans[at].offset;
            at += 1;
            let begin = end + spans[at].offset;
            if begin < reached {
                // The clock goes back: what it repeats comes before what was found.
                found = self.expression.next(begin, reached - 1, self.calendar).or(found);
            } else if found.is_some_and(|found| found < begin) {
                found = self.civil(begin, last);
            }
        }
    }

    /// The first civil second from `from` on; not beyond what `last` can be in any zone.
    fn civil(&self, from: i64, last: i64) -> Option<i64> {
        self.expression.next(from, last + 2 * super::civil::DAY_SECONDS, self.calendar)
    }

    /// How many seconds from `after`, not included, to `last` it fires at.
    pub(super) fn count(&self, after: i64, last: i64) -> i64 {
        let civil = |from: i64, until: i64| self.expression.count(from, until, self.calendar);
        let mut total = 0;
        let begin = self.zone.span_at(after + 1);
        for (at, span) in self.zone.spans().iter().enumerate().skip(begin) {
            let (first, end) = (span.from.max(after + 1), self.zone.end_of(at).min(last + 1));
            if first >= end {
                break;
            }
            let (local, local_end) = (first + span.offset, end + span.offset);
            if self.expression.follows_real_time {
                total += civil(local, local_end);
                continue;
            }
            let fixed = span.fixed_begin(first);
            if fixed < local {
                // Whatever the gap skipped, and the first second after it, is one firing.
                total += civil(fixed, local + 1).min(1) + civil(local + 1, local_end);
            } else {
                total += civil(fixed, local_end);
            }
        }
        total
    }

    /// The civil second that a firing at `second` was written for: another than the clock shows
    /// where the clock skipped it.
    pub(super) fn written_for(&self, second: i64) -> i64 {
        let span = &self.zone.spans()[self.zone.span_at(second)];
        let local = second + span.offset;
        if self.expression.follows_real_time || second != span.from || span.fixed_from >= local {
            return local;
        }
        self.expression.next(span.fixed_from, local, self.calendar).unwrap_or(local)
    }
}

impl Span {
    /// The civil second from which fixed times count when `first` is the first second in question.
    fn fixed_begin(&self, first: i64) -> i64 {
        if first == self.from { self.fixed_from } else { self.fixed_from.max(first + self.offset) }
    }
}
