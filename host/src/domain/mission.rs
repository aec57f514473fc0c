//! A mission: a goal, its budgets, and where it stands.

use std::collections::BTreeMap;

use super::gate::GateName;
use super::id::{MissionId, WorkspaceId};
use super::json::Json;
use super::plugin::Binding;
use super::time::Timestamp;
use super::word::words;
use super::work_item::WorkItemStatus;
use super::workspace::Required;

words! {
    /// Where a mission stands. Written only by [`super::rules`].
    MissionStatus {
        /// Created, not started.
        Draft = "draft",
        /// Work goes on.
        Running = "running",
        /// Nothing new starts until it is resumed.
        Paused = "paused",
        /// Every work item is done. Final.
        Succeeded = "succeeded",
        /// It cannot be completed. Final.
        Failed = "failed",
        /// Somebody called it off. Final.
        Canceled = "canceled",
    }
}

impl MissionStatus {
    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

words! {
    /// What a running mission is about. Only moves forward.
    Phase {
        /// A planner is asked for work items.
        Planning = "planning",
        /// Work items are worked.
        Working = "working",
        /// All work is done; the summary is made.
        Summarizing = "summarizing",
    }
}

/// Limits the author of a mission set. `None` is unlimited; the host enforces each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budgets {
    /// Runs that may be started, retries included.
    pub max_steps: Option<u64>,
    /// Tool calls that may be observed before no run starts any more.
    pub max_tool_calls: Option<u64>,
    /// Milliseconds from the start until no run starts any more.
    pub max_duration_ms: Option<u64>,
    /// Finished runs of one work item.
    pub max_attempts: Option<u32>,
    /// Runs of this mission that may be open at once.
    pub max_parallel_runs: Option<u32>,
    /// Times one run may be interrupted (a crash, a lost lease) before it counts as failed.
    pub max_interruptions: Option<u32>,
}

/// What has been used of the budgets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Runs started.
    pub steps: u64,
    /// Tool calls observed.
    pub tool_calls: u64,
}

/// The components a mission is pinned to from its creation on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bindings {
    /// Decides how the mission flows.
    pub reducer: Binding,
    /// The gates a work item has to pass, in order; those of one stage side by side.
    pub gates: Vec<(GateName, Binding)>,
    /// The stages of which not every gate has to pass.
    pub required: Vec<(GateName, Required)>,
}

impl Bindings {
    /// The first component bound to `gate`, when that gate is required.
    pub fn gate(&self, gate: GateName) -> Option<&Binding> {
        self.gates_of(gate).next()
    }

    /// The components bound to `gate`.
    pub fn gates_of(&self, gate: GateName) -> impl Iterator<Item = &Binding> {
        self.gates.iter().filter(move |(name, _)| *name == gate).map(|(_, binding)| binding)
    }

    /// How many of them have to pass.
    pub fn required(&self, gate: GateName) -> Required {
        self.required.iter().find(|(name, _)| *name == gate).map_or(Required::All, |(_, required)| *required)
    }

    /// The gates there are, each once, in order.
    pub fn gate_names(&self) -> Vec<GateName> {
        let mut names: Vec<GateName> = Vec::new();
        for (name, _) in &self.gates {
            if !names.contains(name) {
                names.push(*name);
            }
        }
        names
    }

    /// Every component, the reducer first.
    pub fn all(&self) -> impl Iterator<Item = &Binding> {
        std::iter::once(&self.reducer).chain(self.gates.iter().map(|(_, binding)| binding))
    }
}

/// A mission's header; its work items are rows of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mission {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: MissionId,
    /// One line for people.
    pub title: String,
    /// What is to be achieved, in words.
    pub goal: String,
    /// Where it stands.
    pub status: MissionStatus,
    /// What it is about now.
    pub phase: Phase,
    /// Why it is paused, failed or canceled.
    pub reason: Option<String>,
    /// JSON array of texts.
    pub success_criteria: Json,
    /// Its limits.
    pub budgets: Budgets,
    /// What is used of them.
    pub usage: Usage,
    /// JSON array: what its runs ask to be allowed.
    pub capabilities: Json,
    /// Template it was made from.
    pub entrypoint: Option<String>,
    /// JSON object: the author's own.
    pub metadata: Json,
    /// The components it is pinned to.
    pub bindings: Bindings,
    /// Planner runs that finished.
    pub planner_attempts: u32,
    /// Work items for each status that any has; written with each event of its history.
    pub counts: BTreeMap<WorkItemStatus, u32>,
    /// Who made it.
    pub created_by: String,
    /// Length of its history, and the guard of every write to it.
    pub revision: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its history last grew.
    pub updated_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
}
