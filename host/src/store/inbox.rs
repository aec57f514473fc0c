//! The inbox: inputs that the host made and that no reducer has seen yet.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::event::Input;
use crate::domain::id::{EventId, MissionId, RunId, WorkItemId, WorkspaceId};

pub(super) static INBOX: Table = Table {
    name: "inbox",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: None,
    end_column: None,
    columns: &[
        text("event_id"),
        text("workspace_id"),
        text("mission_id"),
        text("kind"),
        text("work_item_id"),
        text("run_id"),
        text("data"),
        integer("occurred_at_ms"),
        text("actor"),
    ],
};

/// The row of `input`.
pub(super) fn row(input: &Input) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&INBOX);
    row.text("event_id", input.id.as_str())
        .text("workspace_id", input.workspace_id.as_str())
        .text("mission_id", input.mission_id.as_str())
        .text("kind", input.kind.as_str())
        .text_or_null("work_item_id", input.work_item_id.as_ref().map(WorkItemId::as_str))
        .text_or_null("run_id", input.run_id.as_ref().map(RunId::as_str))
        .text("data", input.data.as_str())
        .moment("occurred_at_ms", input.occurred_at)
        .text("actor", &input.actor);
    row.finish()
}

impl Record for Input {
    const SOURCE: Source = Source { from: "inbox", parts: &[("inbox", INBOX.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: EventId::new(row.text("event_id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            kind: row.word("kind")?,
            work_item_id: row.text_or_null("work_item_id")?.map(WorkItemId::new),
            run_id: row.text_or_null("run_id")?.map(RunId::new),
            data: row.json("data")?,
            occurred_at: row.moment("occurred_at_ms")?,
            actor: row.text("actor")?,
        })
    }
}

impl Store {
    /// Inputs that wait, over all missions, oldest first: at most 16 of each mission, so that
    /// one with a long queue hides nobody, and at most `limit` (and [`super::PAGE_MAX`]).
    ///
    /// The cost follows the number of missions with a queue, not the queues' lengths: the
    /// recursion hops from mission to mission along the index.
    pub async fn inbox(&self, limit: u32) -> Result<Vec<Input>, StorageError> {
        let select = Select::all()
            .only_if(
                "inbox.event_id IN (WITH RECURSIVE waiting(mission_id) AS (SELECT MIN(mission_id) FROM inbox \
                 UNION ALL SELECT (SELECT MIN(later.mission_id) FROM inbox AS later \
                 WHERE later.mission_id > waiting.mission_id) FROM waiting WHERE waiting.mission_id IS NOT NULL) \
                 SELECT queued.event_id FROM waiting JOIN inbox AS queued ON queued.mission_id = waiting.mission_id \
                 WHERE queued.event_id IN (SELECT first.event_id FROM inbox AS first \
                 WHERE first.mission_id = waiting.mission_id ORDER BY first.event_id LIMIT 16))",
            )
            .page("inbox.event_id", limit);
        self.many(select).await
    }

    /// A mission's waiting inputs, oldest first. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn inbox_of(&self, mission: &MissionId, limit: u32) -> Result<Vec<Input>, StorageError> {
        let select = Select::all().only("inbox.mission_id = $", mission.as_str()).page("inbox.event_id", limit);
        self.many(select).await
    }
}
