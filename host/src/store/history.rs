//! Missions' histories. Written once, never changed.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::event::HistoryEntry;
use crate::domain::id::{EventId, MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;

pub(super) static HISTORY: Table = Table {
    name: "history",
    life: Life::AppendOnly,
    key_columns: 2,
    guard_column: None,
    end_column: None,
    columns: &[
        text("mission_id"),
        integer("seq"),
        text("workspace_id"),
        text("event_id"),
        text("kind"),
        text("work_item_id"),
        text("run_id"),
        text("data"),
        integer("occurred_at_ms"),
        text("actor"),
        text("commands"),
        text("assigned_ids"),
        text("disposition"),
        text("refusal"),
        text("reducer_digest"),
        integer("fuel"),
    ],
};

/// The row of `entry`.
pub(super) fn row(entry: &HistoryEntry) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&HISTORY);
    row.text("mission_id", entry.mission_id.as_str())
        .integer("seq", entry.seq)
        .text("workspace_id", entry.workspace_id.as_str())
        .text("event_id", entry.event_id.as_str())
        .text("kind", entry.kind.as_str())
        .text_or_null("work_item_id", entry.work_item_id.as_ref().map(WorkItemId::as_str))
        .text_or_null("run_id", entry.run_id.as_ref().map(RunId::as_str))
        .text("data", entry.data.as_str())
        .moment("occurred_at_ms", entry.occurred_at)
        .text("actor", &entry.actor)
        .text("commands", entry.commands.as_str())
        .text("assigned_ids", entry.assigned_ids.as_str())
        .text("disposition", entry.disposition.as_str())
        .text_or_null("refusal", entry.refusal.as_ref().map(Json::as_str))
        .text("reducer_digest", &entry.reducer_digest)
        .integer("fuel", entry.fuel);
    row.finish()
}

impl Record for HistoryEntry {
    const SOURCE: Source = Source { from: "history", parts: &[("history", HISTORY.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            mission_id: MissionId::new(row.text("mission_id")?),
            seq: row.integer("seq")?,
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            event_id: EventId::new(row.text("event_id")?),
            kind: row.word("kind")?,
            work_item_id: row.text_or_null("work_item_id")?.map(WorkItemId::new),
            run_id: row.text_or_null("run_id")?.map(RunId::new),
            data: row.json("data")?,
            occurred_at: row.moment("occurred_at_ms")?,
            actor: row.text("actor")?,
            commands: row.json("commands")?,
            assigned_ids: row.json("assigned_ids")?,
            disposition: row.word("disposition")?,
            refusal: row.json_or_null("refusal")?,
            reducer_digest: row.text("reducer_digest")?,
            fuel: row.integer("fuel")?,
        })
    }
}

impl Store {
    /// A mission's history in order, after `after_seq` or from its beginning. At most `limit`
    /// (and [`super::PAGE_MAX`]).
    pub async fn history(
        &self,
        mission: &MissionId,
        after_seq: Option<u64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StorageError> {
        let select = Select::all()
            .only("history.mission_id = $", mission.as_str())
            .only_some("history.seq > $", after_seq)
            .page("history.seq", limit);
        self.many(select).await
    }
}
