//! How far the host's own readers of the log are, and what the status indexer knows of sessions.

use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, Row, RowReader, RowWriter};
use super::select::{IDS_PER_STATEMENT, Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::event::LogEvent;
use crate::domain::event_type::EventType;
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;

pub(super) static LOG_CURSORS: Table = Table {
    name: "log_cursors",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("seq"),
    end_column: None,
    columns: &[text("name"), integer("seq")],
};

pub(super) static SESSION_STATUS: Table = Table {
    name: "session_status",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[text("workspace_id"), text("session_id"), text("state"), integer("revision")],
};

/// The row of a reader of the log.
pub(super) fn cursor_row(name: &str, seq: u64) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&LOG_CURSORS);
    row.text("name", name).integer("seq", seq);
    row.finish()
}

/// What the status indexer knows of one session, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStatusRow {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// The session.
    pub session_id: String,
    /// JSON object.
    pub state: Json,
    /// Counts changes.
    pub revision: u64,
}

/// The row of a session's status.
pub(super) fn session_row(status: &SessionStatusRow) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&SESSION_STATUS);
    row.text("workspace_id", status.workspace_id.as_str())
        .text("session_id", &status.session_id)
        .text("state", status.state.as_str())
        .integer("revision", status.revision);
    row.finish()
}

impl Record for SessionStatusRow {
    const SOURCE: Source = Source { from: "session_status", parts: &[("session_status", SESSION_STATUS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            session_id: row.text("session_id")?,
            state: row.json("state")?,
            revision: row.integer("revision")?,
        })
    }
}

struct Cursor(u64);

impl Record for Cursor {
    const SOURCE: Source = Source { from: "log_cursors", parts: &[("log_cursors", &[integer("seq")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.integer("seq")?))
    }
}

impl Store {
    /// How far a reader of the log is; `None` when it never began.
    pub async fn log_cursor(&self, name: &str) -> Result<Option<u64>, StorageError> {
        let select = Select::<Cursor>::all().only("log_cursors.name = $", name);
        Ok(self.one(select).await?.map(|cursor| cursor.0))
    }

    /// Every workspace's events of these types after `after_seq`, in order. At most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn log_of_types(
        &self,
        types: &[EventType],
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<LogEvent>, StorageError> {
        let types = types.iter().map(|event_type| Cell::from(event_type.as_str()));
        let select = Select::all().only("events.seq > $", after_seq).only_in("events.event_type", types);
        self.many(select.page("events.seq", limit)).await
    }

    /// What is known of several sessions of one workspace; unknown ones are left out.
    pub async fn session_statuses(
        &self,
        workspace: &WorkspaceId,
        sessions: &[String],
    ) -> Result<Vec<SessionStatusRow>, StorageError> {
        let mut found = Vec::with_capacity(sessions.len());
        for sessions in sessions.chunks(IDS_PER_STATEMENT) {
            let sessions = sessions.iter().map(|session| Cell::from(session.as_str()));
            let select = Select::all()
                .only("session_status.workspace_id = $", workspace.as_str())
                .only_in("session_status.session_id", sessions);
            found.extend(self.many(select).await?);
        }
        Ok(found)
    }
}
