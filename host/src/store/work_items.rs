//! Work items. The mission's revision guards them; they have none of their own.

use super::documents;
use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{IDS_PER_STATEMENT, Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::id::{MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::work_item::{WorkItem, WorkItemSpec, WorkItemStatus};

pub(super) static WORK_ITEMS: Table = Table {
    name: "work_items",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: None,
    end_column: None,
    columns: &[
        text("mission_id"),
        text("id"),
        text("workspace_id"),
        integer("position"),
        text("title"),
        text("detail"),
        text("depends_on"),
        text("assigned_agent"),
        text("skills"),
        text("action"),
        text("metadata"),
        text("status"),
        text("reason"),
        text("run_id"),
        integer("attempts"),
        text("artifacts"),
        text("gates"),
    ],
};

/// The row of `item`.
pub(super) fn row(item: &WorkItem) -> Result<Row, StorageError> {
    let spec = &item.spec;
    let mut row = RowWriter::new(&WORK_ITEMS);
    row.text("mission_id", item.mission_id.as_str())
        .text("id", spec.id.as_str())
        .text("workspace_id", item.workspace_id.as_str())
        .integer("position", item.position.into())
        .text("title", &spec.title)
        .text_or_null("detail", spec.detail.as_deref())
        .text("depends_on", &documents::write_work_item_ids(&spec.depends_on))
        .text_or_null("assigned_agent", spec.assigned_agent.as_deref())
        .text("skills", &documents::write_texts(&spec.skills))
        .text_or_null("action", spec.action.as_ref().map(Json::as_str))
        .text_or_null("metadata", spec.metadata.as_ref().map(Json::as_str))
        .text("status", item.status.as_str())
        .text_or_null("reason", item.reason.as_deref())
        .text_or_null("run_id", item.run_id.as_ref().map(RunId::as_str))
        .integer("attempts", item.attempts.into())
        .text("artifacts", &documents::write_artifact_refs(&item.artifacts))
        .text("gates", &documents::write_gates(&item.gates));
    row.finish()
}

impl Record for WorkItem {
    const SOURCE: Source = Source { from: "work_items", parts: &[("work_items", WORK_ITEMS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let mission_id = MissionId::new(row.text("mission_id")?);
        let id = WorkItemId::new(row.text("id")?);
        let workspace_id = WorkspaceId::new(row.text("workspace_id")?);
        let position = row.small("position")?;
        let spec = WorkItemSpec {
            id,
            title: row.text("title")?,
            detail: row.text_or_null("detail")?,
            depends_on: row.document("depends_on", documents::read_work_item_ids)?,
            assigned_agent: row.text_or_null("assigned_agent")?,
            skills: row.document("skills", documents::read_texts)?,
            action: row.json_or_null("action")?,
            metadata: row.json_or_null("metadata")?,
        };
        Ok(Self {
            workspace_id,
            mission_id,
            position,
            spec,
            status: row.word("status")?,
            reason: row.text_or_null("reason")?,
            run_id: row.text_or_null("run_id")?.map(RunId::new),
            attempts: row.small("attempts")?,
            artifacts: row.document("artifacts", documents::read_artifact_refs)?,
            gates: row.document("gates", documents::read_gates)?,
        })
    }
}

impl Store {
    /// A mission's work item of this id.
    pub async fn work_item(&self, mission: &MissionId, id: &WorkItemId) -> Result<Option<WorkItem>, StorageError> {
        let select =
            Select::all().only("work_items.mission_id = $", mission.as_str()).only("work_items.id = $", id.as_str());
        self.one(select).await
    }

    /// A mission's work items of these ids, in the order of `ids`; one that does not exist is left
    /// out. A work item depends on a few others, never on thousands.
    pub async fn work_items_by_ids(
        &self,
        mission: &MissionId,
        ids: &[WorkItemId],
    ) -> Result<Vec<WorkItem>, StorageError> {
        let mut found = std::collections::HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(IDS_PER_STATEMENT) {
            let select = Select::<WorkItem>::all()
                .only("work_items.mission_id = $", mission.as_str())
                .only_in("work_items.id", chunk.iter().map(|id| id.as_str().into()));
            found.extend(self.many(select).await?.into_iter().map(|item| (item.spec.id.clone(), item)));
        }
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    /// A mission's work items by position: at most `limit` (and [`super::PAGE_MAX`], which is
    /// also the most a mission may hold) of them, after `after_position`.
    pub async fn work_items(
        &self,
        mission: &MissionId,
        after_position: Option<u32>,
        limit: u32,
    ) -> Result<Vec<WorkItem>, StorageError> {
        self.work_items_of_status(mission, None, after_position, limit).await
    }

    /// The same, only those of one status.
    pub async fn work_items_of_status(
        &self,
        mission: &MissionId,
        status: Option<WorkItemStatus>,
        after_position: Option<u32>,
        limit: u32,
    ) -> Result<Vec<WorkItem>, StorageError> {
        let select = Select::all()
            .only("work_items.mission_id = $", mission.as_str())
            .only_some("work_items.status = $", status.map(WorkItemStatus::as_str))
            .only_some("work_items.position > $", after_position)
            .page("work_items.position", limit);
        self.many(select).await
    }
}
