//! Routines: work that starts by a schedule. The runs that come of it are [`crate::routine_run`]'s.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::mission::Budgets;
use crate::schedule::{ScheduleGiven, ScheduleView};

/// What happens to occurrences whose moment passed while nobody could start them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MisfireView {
    /// `skip`, `run_once` or `catch_up`.
    #[serde(rename = "type")]
    #[schema(pattern = "^(skip|run_once|catch_up)$")]
    pub kind: String,
    /// Of `skip`: how late one may still start, in milliseconds; a minute without, a day at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 86_400_000_u64)]
    pub grace_ms: Option<u64>,
    /// Of `run_once`: how long ago the latest may have been, in milliseconds; a day without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 31_622_400_000_u64)]
    pub window_ms: Option<u64>,
    /// Of `catch_up`: how many of the latest start, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_runs: Option<u32>,
}

/// A routine to be created.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRoutine {
    /// Its id, if the caller chooses it; `runs`, `events`, `preview` and `templates` are taken.
    #[serde(default, alias = "routine_id", skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,63}$")]
    pub id: Option<String>,
    /// One line for people: 1 to 200 characters, not only blanks.
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    pub name: String,
    /// `enabled` (the default) or `disabled`; what an agent makes is always `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(enabled|disabled|paused)$")]
    pub status: Option<String>,
    /// What repeats.
    pub schedule: ScheduleGiven,
    /// An IANA zone; `UTC` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "Europe/Paris")]
    pub timezone: Option<String>,
    /// Dates left out: `2026-12-24` for one, `12-25` for every year.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 400)]
    pub exclude: Vec<String>,
    /// What happens to what was missed; `run_once` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfire_policy: Option<MisfireView>,
    /// What happens while the run before goes on: `skip` (the default), `queue`, `allow` or
    /// `cancel_previous`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(skip|queue|allow|cancel_previous)$")]
    pub overlap_policy: Option<String>,
    /// Of `queue` and `allow`: how many may wait, or go on at once, 1 to 100; 10 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub overlap_max: Option<u32>,
    /// At most so many milliseconds later than written, always the same for one routine; at most a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 86_400_000)]
    pub jitter_ms: Option<u64>,
    /// No occurrence before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 7_258_118_399_999_u64)]
    pub starts_at_ms: Option<u64>,
    /// No occurrence after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 7_258_118_399_999_u64)]
    pub ends_at_ms: Option<u64>,
    /// What is done: a mission template's name, `run` (with `args.prompt`), `connector.NAME.ACTION`, any other
    /// text as a prompt, `{"template": "NAME"}`, `{"run": {..}}` or `{"mission": {..}}`, which holds what
    /// `POST /mission` takes.
    pub entrypoint: Value,
    /// What it is done with: at most 64 KiB; `{{NAME}}` and `{{args.NAME}}` in texts stand for a member.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
    /// Limits of each run.
    #[serde(default)]
    pub budgets: Budgets,
    /// What its runs ask to be allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// `user` or `agent`; what an agent makes is an agent's whatever it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(user|agent)$")]
    pub creator_type: Option<String>,
    /// Who makes it, in the caller's words; the caller's principal without. No right comes of it, but that an
    /// agent's principal that a user names with `creator_type: agent` owns the routine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub creator_id: Option<String>,
    /// Whether a person is asked before each external side effect; true without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(default = true)]
    pub requires_approval: Option<bool>,
    /// Whether it may have external side effects at all; false without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(default = false)]
    pub external_integrations_allowed: Option<bool>,
    /// Runs that may fail one after the other before it pauses, 1 to 1,000; without, it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub pause_after_failures: Option<u32>,
}

/// A change: what is absent stays, `null` takes away what may be absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchRoutine {
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = "\\S")]
    pub name: Option<String>,
    /// `enabled`, `disabled` or `paused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(enabled|disabled|paused)$")]
    pub status: Option<String>,
    /// With `status`: why, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub status_reason: Option<String>,
    /// With `status: enabled`: whether what was missed meanwhile is forgotten (`skip`, the default) or judged by
    /// the misfire policy (`policy`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(skip|policy)$")]
    pub resume_missed: Option<String>,
    /// What repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleGiven>,
    /// An IANA zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub timezone: Option<String>,
    /// Dates left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 400)]
    pub exclude: Option<Vec<String>>,
    /// What happens to what was missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfire_policy: Option<MisfireView>,
    /// What happens while the run before goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(skip|queue|allow|cancel_previous)$")]
    pub overlap_policy: Option<String>,
    /// Of `queue` and `allow`: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub overlap_max: Option<u32>,
    /// At most so many milliseconds later than written.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 86_400_000, value_type = Option<u64>)]
    pub jitter_ms: Option<Option<u64>>,
    /// No occurrence before this.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 7_258_118_399_999_u64, value_type = Option<u64>)]
    pub starts_at_ms: Option<Option<u64>>,
    /// No occurrence after this.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 7_258_118_399_999_u64, value_type = Option<u64>)]
    pub ends_at_ms: Option<Option<u64>>,
    /// What is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Value>,
    /// What it is done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Map<String, Value>>,
    /// Limits of each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Budgets>,
    /// What its runs ask to be allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// Whether a person is asked before each external side effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_approval: Option<bool>,
    /// Whether it may have external side effects at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_integrations_allowed: Option<bool>,
    /// Runs that may fail one after the other before it pauses.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000, value_type = Option<u32>)]
    pub pause_after_failures: Option<Option<u32>>,
    /// Only if the routine is at this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_revision: Option<u64>,
}

/// Reads a member that is there, `null` or not.
#[expect(clippy::option_option, reason = "absent, taken away and given are three things")]
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A routine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineView {
    /// Its id.
    pub id: String,
    /// One line for people.
    pub name: String,
    /// `enabled`, `disabled` or `paused`.
    pub status: String,
    /// Why it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// What repeats.
    pub schedule: ScheduleView,
    /// In words: `at 09:30 on Monday to Friday, Europe/Paris`.
    pub meaning: String,
    /// The zone.
    pub timezone: String,
    /// Dates left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// What happens to what was missed.
    pub misfire_policy: MisfireView,
    /// `skip`, `queue`, `allow` or `cancel_previous`.
    pub overlap_policy: String,
    /// Of `queue` and `allow`: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_max: Option<u32>,
    /// At most so many milliseconds later than written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<u64>,
    /// No occurrence before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at_ms: Option<u64>,
    /// No occurrence after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at_ms: Option<u64>,
    /// What is done.
    pub entrypoint: Value,
    /// SHA-256 of the template that `entrypoint` named when it was saved. What runs is what the template says then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_digest: Option<String>,
    /// What it is done with.
    pub args: Value,
    /// Limits of each run.
    pub budgets: Budgets,
    /// What its runs ask to be allowed.
    pub capabilities: Vec<String>,
    /// `user` or `agent`.
    pub creator_type: String,
    /// Who made it, in its maker's words.
    pub creator_id: String,
    /// The principal whose it is: who made it, or the agent that a user made it for.
    #[serde(default)]
    pub owner: String,
    /// Whether a person is asked before each external side effect.
    pub requires_approval: bool,
    /// Whether it may have external side effects at all.
    pub external_integrations_allowed: bool,
    /// Whether it would have any.
    pub external_side_effects: bool,
    /// Runs that may fail one after the other before it pauses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_after_failures: Option<u32>,
    /// Runs that failed since the last one that succeeded.
    pub failures_in_a_row: u32,
    /// When it fires next, jitter included; `null` when it does not.
    pub next_fire_at_ms: Option<u64>,
    /// The written instant of the occurrence that fired last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fired_at_ms: Option<u64>,
    /// The run that came of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<String>,
    /// When it was made.
    pub created_at_ms: u64,
    /// When its settings last changed.
    pub updated_at_ms: u64,
    /// Counts its writes; `if_revision` names it.
    pub revision: u64,
}

/// A routine, where it does not stand alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineAnswer {
    /// The routine.
    pub routine: RoutineView,
}

/// A page of routines, by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineList {
    /// The routines.
    pub routines: Vec<RoutineView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// A routine that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoutineDeleted {
    /// Always true.
    pub ok: bool,
    /// Always true.
    pub deleted: bool,
    /// Its id.
    pub id: String,
}

/// What happened to a routine, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineHistory {
    /// The entries.
    pub history: Vec<RoutineHistoryEntry>,
    /// How many are here.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// One thing that happened to a routine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineHistoryEntry {
    /// What: `created`, `updated`, `deleted`, `fired`, `approval_required`, `blocked`, `missed` or `finished`.
    pub event: String,
    /// When.
    pub ts_ms: u64,
    /// The run it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The instant it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at_ms: Option<u64>,
    /// What led to it: `schedule`, `catch_up`, `backfill` or `run_now` of a run; else who did it.
    pub trigger: String,
    /// Who caused it.
    pub actor: String,
    /// The particulars, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The particulars, for programs.
    pub data: Value,
}

/// A routine to start from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RoutineTemplate {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What `POST /routines` takes.
    pub routine: CreateRoutine,
}

/// The routines there are to start from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RoutineTemplateList {
    /// By name.
    pub templates: Vec<RoutineTemplate>,
    /// How many.
    pub count: usize,
}
