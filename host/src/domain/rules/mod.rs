//! What may happen to a mission: the host's side of every decision, whatever a reducer says.
//!
//! [`facts::record`] enters what an event tells into the board, [`orders::carry_out`] judges the
//! reducer's commands in order and carries them out on the board, all or none. Both are pure
//! functions of the board, the event and the ids handed in, so that a history replays to the
//! same board. Neither writes anything: the engine turns [`Effects`] into rows.

pub mod facts;
pub mod moves;
pub mod orders;

use super::artifact::Digest;
use super::gate::GateName;
use super::id::{ApprovalId, ArtifactId, EvaluationId, RunId, VerdictId, WorkItemId};
use super::json::Json;
use super::mission::MissionStatus;
use super::run::RunKind;
use super::time::Timestamp;
use super::work_item::WorkItemStatus;

/// Why something may not happen. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable word for programs, `UPPER_SNAKE`.
    pub code: &'static str,
    /// One sentence: what is wrong and what would be right.
    pub message: String,
    /// Which of the reducer's commands, from 0; none when the event itself cannot be.
    pub command_index: Option<usize>,
}

impl Refusal {
    /// A refusal that is not about a command.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), command_index: None }
    }

    /// The same refusal, about one command.
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.command_index = Some(index);
        self
    }
}

/// Code of a fact that came too late to matter: a verdict on artifacts that were replaced, the
/// end of a run that was withdrawn. It is recorded and changes nothing.
pub const STALE_INPUT: &str = "STALE_INPUT";

/// A run to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// The item; none for the planner.
    pub work_item_id: Option<WorkItemId>,
    /// What it is for.
    pub kind: RunKind,
    /// Which attempt.
    pub attempt: u32,
    /// What is to be done, in words.
    pub prompt: String,
    /// Not to be claimed before.
    pub not_before: Option<Timestamp>,
}

/// A verdict to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvaluation {
    /// Its id.
    pub id: EvaluationId,
    /// The item.
    pub work_item_id: WorkItemId,
    /// The run whose artifacts are judged.
    pub run_id: RunId,
    /// The gate.
    pub gate: GateName,
    /// The attempt.
    pub attempt: u32,
    /// What is judged.
    pub artifact_set: Digest,
}

/// A question for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApproval {
    /// Its id.
    pub id: ApprovalId,
    /// The item it is about.
    pub work_item_id: Option<WorkItemId>,
    /// `gate` or the reducer's own.
    pub kind: String,
    /// The gate and verdict it overrides.
    pub overrides: Option<(GateName, VerdictId)>,
    /// The artifacts it is about, for kind `gate`.
    pub artifact_set: Option<Digest>,
    /// One line.
    pub summary: String,
    /// JSON object.
    pub data: Json,
}

/// Content to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtifact {
    /// Its id.
    pub id: ArtifactId,
    /// File name.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Media type.
    pub media_type: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// Something watchers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// An item was added.
    ItemAdded(WorkItemId),
    /// An item moved.
    ItemMoved {
        /// The item.
        work_item_id: WorkItemId,
        /// Where from.
        from: WorkItemStatus,
        /// Where to.
        to: WorkItemStatus,
        /// Why.
        reason: Option<String>,
    },
    /// The mission moved.
    MissionMoved {
        /// Where from.
        from: MissionStatus,
        /// Where to.
        to: MissionStatus,
        /// Why.
        reason: Option<String>,
    },
    /// The reducer has something to say.
    Notice {
        /// What about.
        kind: String,
        /// JSON object.
        data: Json,
    },
}

/// What follows from an event beside the board's own changes. The engine makes rows of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Runs to queue.
    pub runs: Vec<NewRun>,
    /// Runs to withdraw, with the reason.
    pub canceled_runs: Vec<(RunId, String)>,
    /// Verdicts to ask for.
    pub evaluations: Vec<NewEvaluation>,
    /// Requests for verdicts that are no longer wanted.
    pub canceled_evaluations: Vec<EvaluationId>,
    /// Questions to ask.
    pub approvals: Vec<NewApproval>,
    /// Content to keep.
    pub artifacts: Vec<NewArtifact>,
    /// Timers to arm: key, due, data.
    pub timers: Vec<(String, Timestamp, Json)>,
    /// What to tell, in order.
    pub tellings: Vec<Telling>,
    /// The mission reached a final status: whatever is still open has to be closed.
    pub closes_mission: bool,
}

/// Chooses the ids of new rows. In a replay it hands out the recorded ones.
pub trait IdSource {
    /// An id beginning with `prefix`.
    fn next_id(&mut self, prefix: &'static str) -> String;
}
