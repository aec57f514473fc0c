//! The mission's header: what a decision needs of it.
//!
//! Owns how the header's JSON is read and how the mission's budgets narrow the settings. Never
//! asks the board for items. Read next: `wit/mission-0.1/board.wit`.

use crate::settings::Settings;
use serde::Deserialize;
use serde_json::Value;
use sluice_plugin::mission::{Mission, MissionStatus};

/// Limits the mission's author set; none is unlimited.
#[expect(clippy::struct_field_names, reason = "the names are the contract's")]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Budgets {
    /// Runs that may be started, retries included.
    pub(crate) max_steps: Option<u64>,
    /// Tool calls that may be observed.
    pub(crate) max_tool_calls: Option<u64>,
    /// Milliseconds from the start.
    pub(crate) max_duration_ms: Option<u64>,
    /// Finished runs of one item.
    pub(crate) max_attempts: Option<u32>,
    /// Open runs.
    pub(crate) max_parallel_runs: Option<u32>,
}

/// What is used of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Usage {
    /// Runs started.
    pub(crate) steps: u64,
    /// Tool calls observed.
    pub(crate) tool_calls: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    title: String,
    goal: String,
    success_criteria: Option<Value>,
    budgets: Option<Budgets>,
    usage: Option<Usage>,
    started_at_ms: Option<u64>,
    planner_attempts: u32,
    required_gates: Vec<String>,
}

/// The header.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// One line for people.
    pub(crate) title: String,
    /// What is to be achieved.
    pub(crate) goal: String,
    /// How success is told, one text each.
    pub(crate) success_criteria: Vec<String>,
    /// Where the mission stands.
    pub(crate) status: MissionStatus,
    /// Whether work items are still being planned.
    pub(crate) is_planning: bool,
    /// Its limits.
    pub(crate) budgets: Budgets,
    /// What is used of them.
    pub(crate) usage: Usage,
    /// When it was first started, in Unix milliseconds.
    pub(crate) started_at_ms: Option<u64>,
    /// Planner's runs that finished.
    pub(crate) planner_attempts: u32,
    /// Gates an item has to pass, in order.
    pub(crate) required_gates: Vec<String>,
}

impl Header {
    /// Reads the header.
    pub(crate) fn read(mission: &Mission) -> Result<Self, String> {
        let data: Data = serde_json::from_str(&mission.data)
            .map_err(|error| format!("the mission's header does not read: {error}"))?;
        let criteria = match data.success_criteria {
            Some(Value::Array(list)) => list.into_iter().map(|entry| text_of(&entry)).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        };
        Ok(Header {
            title: data.title,
            goal: data.goal,
            success_criteria: criteria,
            status: mission.status,
            is_planning: mission.phase == "planning",
            budgets: data.budgets.unwrap_or_default(),
            usage: data.usage.unwrap_or_default(),
            started_at_ms: data.started_at_ms,
            planner_attempts: data.planner_attempts,
            required_gates: data.required_gates,
        })
    }

    /// Open runs the mission may have; at least one.
    pub(crate) fn places(&self, settings: &Settings) -> u32 {
        let own = self.budgets.max_parallel_runs.unwrap_or(u32::MAX);
        settings.max_parallel_runs.min(own).max(1)
    }

    /// Finished runs one item may have; at least one.
    pub(crate) fn attempts(&self, settings: &Settings) -> u32 {
        settings.max_attempts.min(self.budgets.max_attempts.unwrap_or(u32::MAX)).max(1)
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
