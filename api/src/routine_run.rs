//! Runs of routines: what came of a schedule, and what somebody does to it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Starts a routine's work now.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunNowRequest {
    /// Even though the routine is disabled or paused; not for agents.
    #[serde(default)]
    pub force: bool,
    /// Why, in one line: at most 1,000 characters. It stands in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// A run that was started by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunNowAnswer {
    /// Always true.
    pub ok: bool,
    /// The run.
    pub run_id: String,
    /// `queued`, as long as nobody works on it.
    pub status: String,
    /// What it waits for: `worker`, `approval` or `dependency` (the run before).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// The approval it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
}

/// Runs for occurrences of the past.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackfillRequest {
    /// From this instant on, it included.
    #[schema(maximum = 7_258_118_399_999_u64)]
    pub from_ms: u64,
    /// Up to this one, it included.
    #[schema(maximum = 7_258_118_399_999_u64)]
    pub to_ms: u64,
    /// How many of the earliest, 1 to 100; 100 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_runs: Option<u32>,
}

/// A run of a routine: one occurrence, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineRunView {
    /// Its id.
    pub id: String,
    /// The same.
    pub run_id: String,
    /// The routine.
    pub routine_id: String,
    /// `queued`, `approval_required`, `running`, `paused`, `succeeded`, `failed`, `canceled`, `skipped`, `missed`,
    /// `blocked` or `denied`.
    pub status: String,
    /// Why it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it waits for: `worker`, `approval` or `dependency` (the run before).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// `schedule`, `catch_up`, `backfill` or `run_now`.
    pub trigger: String,
    /// The instant it was written for.
    pub scheduled_at_ms: u64,
    /// The same on the zone's clock.
    pub local: String,
    /// The zone.
    pub timezone: String,
    /// The version of the tz database it was computed with.
    pub tzdata: String,
    /// How much later than written it fired.
    pub lateness_ms: u64,
    /// How many occurrences it stands for that nobody could start, itself included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_count: Option<u64>,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_since_ms: Option<u64>,
    /// SHA-256 of the template that its mission was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_digest: Option<String>,
    /// The mission that does the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission_id: Option<String>,
    /// The approval it waits or waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// When it fired.
    pub fired_at_ms: u64,
    /// When its work began.
    #[serde(default)]
    pub started_at_ms: Option<u64>,
    /// When it was over.
    #[serde(default)]
    pub finished_at_ms: Option<u64>,
}

/// Runs of routines, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineRunList {
    /// The runs.
    pub runs: Vec<RoutineRunView>,
    /// How many are here.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// Why somebody answers, pauses or resumes a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutineRunStep {
    /// In one line: at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
    /// Of an answer: the `content_digest` of the approval that was looked at; the answer counts for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub content_digest: Option<String>,
}

/// A run after somebody did something to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineRunAnswer {
    /// Always true.
    pub ok: bool,
    /// The run.
    pub run: RoutineRunView,
}

/// Something a run left, or that somebody left for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineArtifactView {
    /// Its id.
    pub artifact_id: String,
    /// Where it is: a path of this host, or what was given.
    pub uri: String,
    /// What it is.
    pub kind: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it was left.
    pub created_at_ms: u64,
}

/// What a run left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineArtifactList {
    /// The run.
    pub run_id: String,
    /// In the order they were left.
    pub artifacts: Vec<RoutineArtifactView>,
    /// How many are here.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// Something to be left for a run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutineArtifactRequest {
    /// Where it is: 1 to 2,048 characters. The host never fetches it.
    #[schema(min_length = 1, max_length = 2048)]
    pub uri: String,
    /// What it is: 1 to 64 characters.
    #[schema(min_length = 1, max_length = 64)]
    pub kind: String,
    /// For people: at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub label: Option<String>,
}

/// What was left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoutineArtifactAnswer {
    /// Always true.
    pub ok: bool,
    /// It.
    pub artifact: RoutineArtifactView,
}
