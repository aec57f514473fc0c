//! A work item: one unit of a mission's work, with what it waits for and how its gates stand.

use super::artifact::ArtifactRef;
use super::gate::{GateName, GateState};
use super::id::{MissionId, RunId, WorkItemId, WorkspaceId};
use super::json::Json;
use super::word::words;

/// Most work items one mission may hold.
pub const WORK_ITEMS_MAX: usize = 10_000;

words! {
    /// Where a work item stands. Written only by [`super::rules`], which also holds the table
    /// of legal moves.
    WorkItemStatus {
        /// Waits for its dependencies or for a free place.
        Todo = "todo",
        /// A run works on it.
        InProgress = "in_progress",
        /// Waits for a person.
        Blocked = "blocked",
        /// Its artifacts are under review.
        Review = "review",
        /// Its test reports are judged.
        Test = "test",
        /// It failed a gate or a run and will be worked again.
        Rework = "rework",
        /// Every required gate passed. Final.
        Done = "done",
        /// It cannot be completed. Final.
        Failed = "failed",
        /// Called off. Final.
        Canceled = "canceled",
    }
}

impl WorkItemStatus {
    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Canceled)
    }
}

/// What its author says of a work item; the rest of [`WorkItem`] is the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItemSpec {
    /// Unique within the mission.
    pub id: WorkItemId,
    /// One line for people.
    pub title: String,
    /// What is to be done, in words.
    pub detail: Option<String>,
    /// Items that have to be done first. No duplicates.
    pub depends_on: Vec<WorkItemId>,
    /// Only this agent may claim its runs.
    pub assigned_agent: Option<String>,
    /// Only workers with all of these may claim its runs.
    pub skills: Vec<String>,
    /// JSON object: how a worker does it. Data for workers; the host never acts on it.
    pub action: Option<Json>,
    /// JSON object: the author's own.
    pub metadata: Option<Json>,
}

/// A work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The mission it belongs to.
    pub mission_id: MissionId,
    /// Order of addition, from 0 without holes.
    pub position: u32,
    /// What its author said.
    pub spec: WorkItemSpec,
    /// Where it stands.
    pub status: WorkItemStatus,
    /// Why it stands there, when there is something to say.
    pub reason: Option<String>,
    /// The run that works on it, or the last one that did.
    pub run_id: Option<RunId>,
    /// Runs that succeeded or failed. Withdrawn ones say nothing about the work and do not count.
    pub attempts: u32,
    /// What the last succeeded run left, in order. The gates judge exactly these.
    pub artifacts: Vec<ArtifactRef>,
    /// How the gates stand that were asked since the last run started.
    pub gates: Vec<(GateName, GateState)>,
}

impl WorkItem {
    /// A new item in `todo`.
    pub fn new(workspace_id: WorkspaceId, mission_id: MissionId, position: u32, spec: WorkItemSpec) -> Self {
        Self {
            workspace_id,
            mission_id,
            position,
            spec,
            status: WorkItemStatus::Todo,
            reason: None,
            run_id: None,
            attempts: 0,
            artifacts: Vec::new(),
            gates: Vec::new(),
        }
    }

    /// How `gate` stands, when it was asked since the last run started.
    pub fn gate(&self, gate: GateName) -> Option<&GateState> {
        self.gates.iter().find(|(name, _)| *name == gate).map(|(_, state)| state)
    }
}
