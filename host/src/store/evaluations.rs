//! Evaluations: requests for a gate's verdict.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::gate::Evaluation;
use crate::domain::id::{EvaluationId, MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::time::Timestamp;

pub(super) static EVALUATIONS: Table = Table {
    name: "evaluations",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("mission_id"),
        text("work_item_id"),
        text("run_id"),
        text("gate"),
        integer("attempt"),
        text("artifact_set"),
        text("status"),
        integer("host_faults"),
        integer("not_before_ms"),
        integer("requested_at_ms"),
        integer("revision"),
    ],
};

/// The row of `evaluation`.
pub(super) fn row(evaluation: &Evaluation) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&EVALUATIONS);
    row.text("id", evaluation.id.as_str())
        .text("workspace_id", evaluation.workspace_id.as_str())
        .text("mission_id", evaluation.mission_id.as_str())
        .text("work_item_id", evaluation.work_item_id.as_str())
        .text("run_id", evaluation.run_id.as_str())
        .text("gate", evaluation.gate.as_str())
        .integer("attempt", evaluation.attempt.into())
        .text("artifact_set", evaluation.artifact_set.as_str())
        .text("status", evaluation.status.as_str())
        .integer("host_faults", evaluation.host_faults.into())
        .moment_or_null("not_before_ms", evaluation.not_before)
        .moment("requested_at_ms", evaluation.requested_at)
        .integer("revision", evaluation.revision);
    row.finish()
}

impl Record for Evaluation {
    const SOURCE: Source = Source { from: "evaluations", parts: &[("evaluations", EVALUATIONS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: EvaluationId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            work_item_id: WorkItemId::new(row.text("work_item_id")?),
            run_id: RunId::new(row.text("run_id")?),
            gate: row.word("gate")?,
            attempt: row.small("attempt")?,
            artifact_set: row.digest("artifact_set")?,
            status: row.word("status")?,
            host_faults: row.small("host_faults")?,
            not_before: row.moment_or_null("not_before_ms")?,
            requested_at: row.moment("requested_at_ms")?,
            revision: row.integer("revision")?,
        })
    }
}

impl Store {
    /// The evaluation of this id.
    pub async fn evaluation(&self, id: &EvaluationId) -> Result<Option<Evaluation>, StorageError> {
        self.one(Select::all().only("evaluations.id = $", id.as_str())).await
    }

    /// Pending evaluations of every workspace that may be evaluated now, the longest asked
    /// first. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn pending_evaluations(&self, now: Timestamp, limit: u32) -> Result<Vec<Evaluation>, StorageError> {
        let select = Select::all()
            .only_if("evaluations.status = 'pending'")
            .only("(evaluations.not_before_ms IS NULL OR evaluations.not_before_ms <= $)", now)
            .page("evaluations.requested_at_ms, evaluations.id", limit);
        self.many(select).await
    }

    /// A mission's pending evaluations, whether due or not, the longest asked first. Without a
    /// limit of its own: a work item has at most one pending for each gate.
    pub async fn evaluations_of(&self, mission: &MissionId) -> Result<Vec<Evaluation>, StorageError> {
        let select = Select::all()
            .only_if("evaluations.status = 'pending'")
            .only("evaluations.mission_id = $", mission.as_str())
            .ordered("evaluations.requested_at_ms, evaluations.id");
        self.many(select).await
    }
}
