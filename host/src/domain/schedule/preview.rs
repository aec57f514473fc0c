//! What a person sees before saving: the next occurrences in UTC and on the zone's wall clock.

use super::civil::{DAY_SECONDS, Date, civil_from_days};
use super::plan::{Schedule, Timing};
use crate::domain::time::Timestamp;

/// One occurrence, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewLine {
    /// When.
    pub at: Timestamp,
    /// RFC 3339 in UTC, such as `2026-03-29T01:00:00Z`; milliseconds only where there are some.
    pub utc: String,
    /// RFC 3339 in the schedule's zone, such as `2026-03-29T03:00:00+02:00`.
    pub local: String,
    /// Seconds east of UTC then.
    pub offset_seconds: i64,
    /// The zone's short name then, such as `CEST`.
    pub abbreviation: String,
    /// What a clock change does to it, when one does.
    pub remark: Option<String>,
}

impl Schedule {
    /// The next `count` occurrences after `after`; fewer when there are no more.
    pub fn preview(&self, after: Timestamp, count: usize) -> Vec<PreviewLine> {
        let occurrences = std::iter::successors(self.next(after), |at| self.next(*at));
        occurrences.take(count).map(|at| self.line(at)).collect()
    }

    /// One instant on the wall clock of this schedule's zone.
    pub fn line(&self, at: Timestamp) -> PreviewLine {
        let milliseconds = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let (second, rest) = (milliseconds.div_euclid(1_000), milliseconds.rem_euclid(1_000));
        let index = self.zone().span_at(second);
        let span = &self.zone().spans()[index];
        PreviewLine {
            at,
            utc: format!("{}Z", clock(second, rest)),
            local: format!("{}{}", clock(second + span.offset, rest), offset(span.offset)),
            offset_seconds: span.offset,
            abbreviation: self.zone().abbreviation(span).to_owned(),
            remark: self.remark(second, index),
        }
    }

    fn remark(&self, second: i64, index: usize) -> Option<String> {
        let (spans, local) = (self.zone().spans(), second + self.zone().spans()[index].offset);
        if let Timing::Cron { expression } = self.timing() {
            let written = self.firing(expression).written_for(second);
            if written != local {
                return Some(format!("the clock skips {} that day; right after the gap instead", clock(written, 0)));
            }
        }
        let before = index.checked_sub(1).map(|before| &spans[before]);
        if before.is_some_and(|before| local < spans[index].from + before.offset) {
            return Some("the clock shows this time twice that day; this is the second".to_owned());
        }
        let next = spans.get(index + 1)?;
        (local >= next.from + next.offset)
            .then(|| "the clock shows this time twice that day; this is the first".to_owned())
    }
}

/// `2026-03-29T01:00:00`, with milliseconds where there are some.
fn clock(second: i64, milliseconds: i64) -> String {
    let Date { year, month, day } = civil_from_days(second.div_euclid(DAY_SECONDS));
    let time = second.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if milliseconds == 0 { text } else { format!("{text}.{milliseconds:03}") }
}

/// `+02:00`; RFC 3339 has no seconds in offsets and the tz database has none after 1972.
fn offset(seconds: i64) -> String {
    let (sign, seconds) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    format!("{sign}{:02}:{:02}", seconds / 3_600, seconds / 60 % 60)
}
