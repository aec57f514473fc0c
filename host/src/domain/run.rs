//! A run: one execution, by a worker outside the host, of a work item or of the planner.

use super::artifact::{ArtifactRef, Digest};
use super::id::{MissionId, RunId, WorkItemId, WorkspaceId};
use super::json::Json;
use super::time::Timestamp;
use super::word::words;

/// Times a run may be interrupted before it counts as failed, unless the mission's budgets say
/// otherwise. Generous, because an interruption is the machine's fault and not the work's.
pub const INTERRUPTIONS_MAX_DEFAULT: u32 = 20;

words! {
    /// Where a run stands.
    RunStatus {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker holds its lease.
        Running = "running",
        /// The worker said it succeeded. Final.
        Succeeded = "succeeded",
        /// The worker said it failed, or it was interrupted too often. Final.
        Failed = "failed",
        /// Withdrawn. Final.
        Canceled = "canceled",
    }
}

impl RunStatus {
    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

words! {
    /// What a run is for.
    RunKind {
        /// Carries out a work item.
        Work = "work",
        /// Answers with the mission's work items.
        Planner = "planner",
    }
}

/// A worker's hold on a run. A worker whose fencing token is not the run's present one has
/// lost it, whatever the clock says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it, in the worker's own words.
    pub worker: String,
    /// The principal that claimed the run.
    pub principal: String,
    /// The host process that granted it; a restarted host ends the leases of its own workers.
    pub host_id: String,
    /// Grows by one with each claim of this run.
    pub fence: u64,
    /// Milliseconds it lasts after each renewal, as the worker asked when it claimed.
    pub lease_ms: u64,
    /// When it ends unless renewed; to that millisecond it holds.
    pub expires_at: Timestamp,
}

impl Lease {
    /// Whether it has run out at `now`, though nobody may have ended it yet.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at < now
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: RunId,
    /// The mission it serves.
    pub mission_id: MissionId,
    /// The work item; none for a planner's run.
    pub work_item_id: Option<WorkItemId>,
    /// The session it belongs to, when its worker named one; else the run's own id.
    pub session_id: Option<String>,
    /// The principal that claimed it last.
    pub worked_by: Option<String>,
    /// SHA-256 of the secret of its last claim's run token, also after its end, so that the same
    /// worker may finish twice; a worker inside the host has none.
    pub token_digest: Option<Digest>,
    /// What it is for.
    pub kind: RunKind,
    /// Which attempt of its work item (or of the planner) it is, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub status: RunStatus,
    /// What is to be done, in words.
    pub prompt: String,
    /// Only this agent may claim it.
    pub assigned_agent: Option<String>,
    /// Only workers with all of these may claim it.
    pub skills: Vec<String>,
    /// JSON object: how a worker does it.
    pub action: Option<Json>,
    /// Not to be claimed before.
    pub not_before: Option<Timestamp>,
    /// The present hold, while running.
    pub lease: Option<Lease>,
    /// Claims so far; the fencing token of the next claim is one more.
    pub fence: u64,
    /// Times it went back to `queued` because its worker was lost.
    pub interruptions: u32,
    /// Somebody wants its worker to stop.
    pub cancel_requested: bool,
    /// One line from its worker at the end, or why it was canceled.
    pub summary: Option<String>,
    /// The worker's answer in full (a planner's work items).
    pub output: Option<String>,
    /// What it left, in order.
    pub artifacts: Vec<ArtifactRef>,
    /// When it was queued first.
    pub queued_at: Timestamp,
    /// When a worker first claimed it.
    pub started_at: Option<Timestamp>,
    /// When it reached a final status.
    pub finished_at: Option<Timestamp>,
    /// Guards every write to it.
    pub revision: u64,
}

/// A run that waits for a worker, as much of it as it takes to tell for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimableRun {
    /// The run.
    pub id: RunId,
    /// The mission it serves.
    pub mission_id: MissionId,
    /// Only this agent may claim it.
    pub assigned_agent: Option<String>,
    /// Only workers with all of these may claim it.
    pub skills: Vec<String>,
    /// Its place among its mission's waiting runs, from 1, after as many as are going: lower
    /// ones first is fair between missions.
    pub turn: u64,
    /// When it was queued first; of equal turns the earlier comes first.
    pub queued_at: Timestamp,
}

/// A run without its texts: what a heartbeat needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHead {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// The mission it serves.
    pub mission_id: MissionId,
    /// The work item; none for a planner's run.
    pub work_item_id: Option<WorkItemId>,
    /// The session its worker named.
    pub session_id: Option<String>,
    /// What it is for.
    pub kind: RunKind,
    /// Which attempt it is.
    pub attempt: u32,
    /// Where it stands.
    pub status: RunStatus,
    /// SHA-256 of the secret of its last claim's run token.
    pub token_digest: Option<Digest>,
    /// Somebody wants its worker to stop.
    pub cancel_requested: bool,
    /// The present hold.
    pub lease: Option<Lease>,
}

impl RunHead {
    /// The session it belongs to: its own, unless its worker named one.
    pub fn session(&self) -> &str {
        self.session_id.as_deref().unwrap_or(self.id.as_str())
    }
}

impl Run {
    /// The session it belongs to: its own, unless its worker named one.
    pub fn session(&self) -> &str {
        self.session_id.as_deref().unwrap_or(self.id.as_str())
    }
}
