//! Verdicts: what gates said. Written once, never changed.

use super::documents;
use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::gate::{GateName, Verdict};
use crate::domain::id::{EvaluationId, MissionId, RunId, VerdictId, WorkItemId, WorkspaceId};

pub(super) static VERDICTS: Table = Table {
    name: "verdicts",
    life: Life::AppendOnly,
    key_columns: 1,
    guard_column: None,
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("evaluation_id"),
        text("mission_id"),
        text("work_item_id"),
        text("run_id"),
        text("gate"),
        integer("attempt"),
        text("plugin"),
        text("plugin_digest"),
        text("artifact_set"),
        text("outcome"),
        text("summary"),
        text("findings"),
        text("data"),
        integer("given_at_ms"),
    ],
};

/// The row of `verdict`.
pub(super) fn row(verdict: &Verdict) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&VERDICTS);
    row.text("id", verdict.id.as_str())
        .text("workspace_id", verdict.workspace_id.as_str())
        .text("evaluation_id", verdict.evaluation_id.as_str())
        .text("mission_id", verdict.mission_id.as_str())
        .text("work_item_id", verdict.work_item_id.as_str())
        .text("run_id", verdict.run_id.as_str())
        .text("gate", verdict.gate.as_str())
        .integer("attempt", verdict.attempt.into())
        .text("plugin", &verdict.plugin)
        .text("plugin_digest", verdict.plugin_digest.as_str())
        .text("artifact_set", verdict.artifact_set.as_str())
        .text("outcome", verdict.outcome.as_str())
        .text("summary", &verdict.summary)
        .text("findings", &documents::write_findings(&verdict.findings))
        .text("data", verdict.data.as_str())
        .moment("given_at_ms", verdict.given_at);
    row.finish()
}

impl Record for Verdict {
    const SOURCE: Source = Source { from: "verdicts", parts: &[("verdicts", VERDICTS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: VerdictId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            evaluation_id: EvaluationId::new(row.text("evaluation_id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            work_item_id: WorkItemId::new(row.text("work_item_id")?),
            run_id: RunId::new(row.text("run_id")?),
            gate: row.word("gate")?,
            attempt: row.small("attempt")?,
            plugin: row.text("plugin")?,
            plugin_digest: row.digest("plugin_digest")?,
            artifact_set: row.digest("artifact_set")?,
            outcome: row.word("outcome")?,
            summary: row.text("summary")?,
            findings: row.document("findings", documents::read_findings)?,
            data: row.json("data")?,
            given_at: row.moment("given_at_ms")?,
        })
    }
}

impl Store {
    /// The verdict of this id.
    pub async fn verdict(&self, id: &VerdictId) -> Result<Option<Verdict>, StorageError> {
        self.one(Select::all().only("verdicts.id = $", id.as_str())).await
    }

    /// A mission's verdicts of one stage in which the gates decided, newest first: at most `limit` (and
    /// [`super::PAGE_MAX`]) of them, older than `before`.
    pub async fn decided_verdicts(
        &self,
        mission: &MissionId,
        stage: GateName,
        before: Option<&VerdictId>,
        limit: u32,
    ) -> Result<Vec<Verdict>, StorageError> {
        let select = Select::all()
            .only("verdicts.mission_id = $", mission.as_str())
            .only("verdicts.gate = $", stage.as_str())
            .only_if("verdicts.outcome <> 'error'")
            .only_some("verdicts.id < $", before.map(VerdictId::as_str))
            .page("verdicts.id DESC", limit);
        self.many(select).await
    }

    /// A mission's verdicts, or one work item's, by id, which is the order they were given in:
    /// at most `limit` (and [`super::PAGE_MAX`]) of them, after `after`.
    pub async fn verdicts(
        &self,
        mission: &MissionId,
        work_item: Option<&WorkItemId>,
        after: Option<&VerdictId>,
        limit: u32,
    ) -> Result<Vec<Verdict>, StorageError> {
        let select = Select::all()
            .only("verdicts.mission_id = $", mission.as_str())
            .only_some("verdicts.work_item_id = $", work_item.map(WorkItemId::as_str))
            .only_some("verdicts.id > $", after.map(VerdictId::as_str))
            .page("verdicts.id", limit);
        self.many(select).await
    }
}
