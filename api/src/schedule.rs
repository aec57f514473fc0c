//! Schedules: when routines fire, as requests say it and as answers show it.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// What repeats: exactly one of its members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleView {
    /// By a crontab expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<CronView>,
    /// Every so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<IntervalView>,
    /// Once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<OnceView>,
}

/// A crontab expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CronView {
    /// Five fields as in crontab(5), six with seconds first, seven with years last, or `@daily` and
    /// the like: at most 1,000 bytes.
    #[schema(min_length = 1, max_length = 1000, example = "30 9 * * 1-5")]
    pub expression: String,
}

/// An interval of real time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntervalView {
    /// Its length: a second to 366 days.
    #[schema(minimum = 1, maximum = 31_622_400)]
    pub seconds: u64,
    /// The first occurrence, from which the others are counted; without, when the routine was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 7_258_118_399_999_u64)]
    pub anchor_ms: Option<u64>,
}

/// A single instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnceView {
    /// When.
    #[schema(maximum = 7_258_118_399_999_u64)]
    pub at_ms: u64,
}

/// A schedule as it was given: a crontab expression by itself, or what says more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ScheduleGiven {
    /// A crontab expression.
    #[schema(example = "@daily")]
    Expression(String),
    /// Exactly one of its members.
    Said(ScheduleView),
}

// By hand: an untagged enumeration would forget which member of the object is at fault.
impl<'de> Deserialize<'de> for ScheduleGiven {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Given;

        impl<'de> Visitor<'de> for Given {
            type Value = ScheduleGiven;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a crontab expression, or an object with `cron`, `interval_seconds` or `once`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ScheduleGiven, E> {
                Ok(ScheduleGiven::Expression(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<ScheduleGiven, A::Error> {
                ScheduleView::deserialize(MapAccessDeserializer::new(members)).map(ScheduleGiven::Said)
            }
        }

        deserializer.deserialize_any(Given)
    }
}

/// A question: what does this schedule mean?
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// What repeats.
    pub schedule: ScheduleGiven,
    /// An IANA zone; `UTC` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "Europe/Paris")]
    pub timezone: Option<String>,
    /// Fires later than this; later than now without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub after_ms: Option<u64>,
    /// How many, 1 to 100; 5 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100, default = 5)]
    pub count: Option<u32>,
    /// No fire before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 7_258_118_399_999_u64)]
    pub starts_at_ms: Option<u64>,
    /// No fire after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 7_258_118_399_999_u64)]
    pub ends_at_ms: Option<u64>,
    /// Dates left out: `2026-12-24` for one, `12-25` for every year.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 400)]
    pub exclude: Vec<String>,
}

/// What a schedule means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewAnswer {
    /// The next fires, in order.
    pub fires: Vec<FireView>,
    /// How many there are here.
    pub count: usize,
    /// Whether it never fires after `after_ms`.
    pub never: bool,
    /// In words: `at 09:30 on Monday to Friday, Europe/Paris`.
    pub meaning: String,
    /// Of six and seven fields: that the first is seconds, and how the first five would be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The zone, as the tz database spells it.
    pub timezone: String,
    /// The version of the tz database.
    pub tzdata: String,
}

/// A moment at which something fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FireView {
    /// When.
    pub at_ms: u64,
    /// On the zone's clock: `2026-03-29T03:00:00+02:00`.
    pub local: String,
    /// In UTC: `2026-03-29T01:00:00Z`.
    pub utc: String,
    /// The zone's short name then: `CEST`.
    pub abbreviation: String,
    /// What a clock change does to it, when one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}
