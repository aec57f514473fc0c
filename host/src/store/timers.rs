//! Timers: the row is gone once the timer has fired.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::domain::timer::Timer;

pub(super) static TIMERS: Table = Table {
    name: "timers",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("mission_id"),
        text("key"),
        text("workspace_id"),
        integer("due_at_ms"),
        text("data"),
        integer("revision"),
    ],
};

/// The row of `timer`.
pub(super) fn row(timer: &Timer) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&TIMERS);
    row.text("mission_id", timer.mission_id.as_str())
        .text("key", &timer.key)
        .text("workspace_id", timer.workspace_id.as_str())
        .moment("due_at_ms", timer.due_at)
        .text("data", timer.data.as_str())
        .integer("revision", timer.revision);
    row.finish()
}

impl Record for Timer {
    const SOURCE: Source = Source { from: "timers", parts: &[("timers", TIMERS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            mission_id: MissionId::new(row.text("mission_id")?),
            key: row.text("key")?,
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            due_at: row.moment("due_at_ms")?,
            data: row.json("data")?,
            revision: row.integer("revision")?,
        })
    }
}

impl Store {
    /// Timers of every workspace that are due at `now`, the longest due first. At most `limit`
    /// (and [`super::PAGE_MAX`]).
    pub async fn due_timers(&self, now: Timestamp, limit: u32) -> Result<Vec<Timer>, StorageError> {
        let select = Select::all()
            .only("timers.due_at_ms <= $", now)
            .page("timers.due_at_ms, timers.mission_id, timers.key", limit);
        self.many(select).await
    }

    /// When the next timer of any workspace is due, if there is one.
    pub async fn next_timer_due(&self) -> Result<Option<Timestamp>, StorageError> {
        let select = Select::<Timer>::all().page("timers.due_at_ms", 1);
        Ok(self.one(select).await?.map(|timer| timer.due_at))
    }

    /// A mission's timers by key. Without a limit of its own: a mission has one for each key.
    pub async fn timers(&self, mission: &MissionId) -> Result<Vec<Timer>, StorageError> {
        let select = Select::all().only("timers.mission_id = $", mission.as_str()).ordered("timers.key");
        self.many(select).await
    }
}
