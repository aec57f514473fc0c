//! The event log's rows. Following it without gaps is `events::follow`.
//!
//! `seq` is one order over the whole database. An event is visible only when every event
//! before it is, so a reader that has seen `seq` n never has to look back: the writer assigns
//! numbers and commits under one lock.

use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, Row, RowReader, RowWriter};
use super::select::{IDS_PER_STATEMENT, Record, Select, Source};
use super::table::{Column, Life, Table, integer, text};
use crate::domain::event::{LogEvent, NewLogEvent};
use crate::domain::id::{EventId, MissionId, RoutineId, RunId, WorkspaceId};
use crate::domain::resource::ResourceKey;
use crate::domain::time::Timestamp;

pub(super) static EVENTS: Table = Table {
    name: "events",
    life: Life::AppendOnly,
    key_columns: 1,
    guard_column: None,
    end_column: None,
    columns: &[
        integer("seq"),
        text("event_id"),
        text("workspace_id"),
        text("event_type"),
        text("session_id"),
        text("run_id"),
        text("mission_id"),
        text("resource_key"),
        text("actor"),
        integer("occurred_at_ms"),
        text("properties"),
    ],
};

/// The row of `event`; the writer puts its `seq` into the first cell.
pub(super) fn row(event: &NewLogEvent) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&EVENTS);
    row.later("seq")
        .text("event_id", event.event_id.as_str())
        .text("workspace_id", event.workspace_id.as_str())
        .text("event_type", &event.event_type)
        .text_or_null("session_id", event.session_id.as_deref())
        .text_or_null("run_id", event.run_id.as_ref().map(RunId::as_str))
        .text_or_null("mission_id", event.mission_id.as_ref().map(MissionId::as_str))
        .text_or_null("resource_key", event.resource_key.as_ref().map(ResourceKey::as_str))
        .text("actor", &event.actor)
        .moment("occurred_at_ms", event.occurred_at)
        .text("properties", event.properties.as_str());
    row.finish()
}

/// Whether an event's row tells of a session.
pub(super) fn is_of_session(row: &[Cell]) -> bool {
    EVENTS.columns.iter().zip(row).any(|(column, cell)| column.name == "session_id" && *cell != Cell::Null)
}

impl Record for LogEvent {
    const SOURCE: Source = Source { from: "events", parts: &[("events", EVENTS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            seq: row.integer("seq")?,
            event: NewLogEvent {
                event_id: EventId::new(row.text("event_id")?),
                workspace_id: WorkspaceId::new(row.text("workspace_id")?),
                event_type: row.text("event_type")?,
                session_id: row.text_or_null("session_id")?,
                run_id: row.text_or_null("run_id")?.map(RunId::new),
                mission_id: row.text_or_null("mission_id")?.map(MissionId::new),
                resource_key: row.text_or_null("resource_key")?.map(ResourceKey::from_stored),
                actor: row.text("actor")?,
                occurred_at: row.moment("occurred_at_ms")?,
                properties: row.json("properties")?,
            },
        })
    }
}

/// Where an event of a certain id lies.
struct Place(EventId, u64);

const PLACE_COLUMNS: &[Column] = &[text("event_id"), integer("seq")];

impl Record for Place {
    const SOURCE: Source = Source { from: "events", parts: &[("events", PLACE_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(EventId::new(row.text("event_id")?), row.integer("seq")?))
    }
}

/// The newest `seq`, kept apart from the events: it never restarts, whatever retention deletes.
struct Head(u64);

/// Up to where retention has deleted.
struct Trimmed(u64);

const TRIMMED_COLUMNS: &[Column] = &[integer("trimmed_seq")];

impl Record for Trimmed {
    const SOURCE: Source = Source { from: "log_head", parts: &[("log_head", TRIMMED_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.integer("trimmed_seq")?))
    }
}

const HEAD_COLUMNS: &[Column] = &[integer("seq")];

impl Record for Head {
    const SOURCE: Source = Source { from: "log_head", parts: &[("log_head", HEAD_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.integer("seq")?))
    }
}

/// Which events a reader wants; what is `None` or empty asks for nothing. All of it must hold,
/// except that one of the prefixes is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only this mission's.
    pub mission_id: Option<MissionId>,
    /// Only this run's.
    pub run_id: Option<RunId>,
    /// Only this session's.
    pub session_id: Option<String>,
    /// Only types that begin with one of these.
    pub type_prefixes: Vec<String>,
    /// Only events about shared resources whose keys begin with one of these; with none, nothing passes.
    pub key_prefixes: Option<Vec<String>>,
    /// Only events that name this routine.
    pub routine_id: Option<RoutineId>,
}

/// What stands in the properties of events that name a routine: texts within them have their quotes
/// escaped, so that it stands nowhere else.
fn naming(routine: &RoutineId) -> String {
    format!("\"routine_id\":\"{routine}\"")
}

/// A workspace's events that pass `filter`.
fn filtered(workspace: &WorkspaceId, filter: &LogFilter) -> Select<LogEvent> {
    let select = Select::all()
        .only("events.workspace_id = $", workspace.as_str())
        .only_some("events.mission_id = $", filter.mission_id.as_ref().map(MissionId::as_str))
        .only_some("events.run_id = $", filter.run_id.as_ref().map(RunId::as_str))
        .only_some("events.session_id = $", filter.session_id.as_deref());
    let named = filter.routine_id.as_ref().map(naming);
    // Neither database has a search for a text that the other one has under the same name.
    let select = select.only_some("REPLACE(events.properties, $, '') <> events.properties", named.as_deref());
    // SUBSTR and not LIKE, which ignores case on SQLite and reads `_` as a wildcard.
    let select = match &*filter.type_prefixes {
        [] => select,
        types => select.only_any("SUBSTR(events.event_type, 1, CAST($ AS INTEGER)) = $", with_lengths(types)),
    };
    match &filter.key_prefixes {
        None => select,
        Some(keys) => select
            .only_if("events.resource_key IS NOT NULL")
            .only_any("SUBSTR(events.resource_key, 1, CAST($ AS INTEGER)) = $", with_lengths(keys)),
    }
}

/// Prefixes, each after its number of characters.
fn with_lengths(prefixes: &[String]) -> impl Iterator<Item = [Cell; 2]> {
    prefixes.iter().map(|prefix| {
        let characters = u32::try_from(prefix.chars().count()).unwrap_or(u32::MAX);
        [Cell::from(characters), Cell::from(prefix.as_str())]
    })
}

impl LogFilter {
    /// Whether an event is wanted: what the statements of this file ask, in memory.
    pub fn passes(&self, event: &LogEvent) -> bool {
        let event = &event.event;
        self.mission_id.as_ref().is_none_or(|id| event.mission_id.as_ref() == Some(id))
            && self.run_id.as_ref().is_none_or(|id| event.run_id.as_ref() == Some(id))
            && self.session_id.as_ref().is_none_or(|id| event.session_id.as_ref() == Some(id))
            && (self.type_prefixes.is_empty()
                || self.type_prefixes.iter().any(|prefix| event.event_type.starts_with(prefix)))
            && self.key_prefixes.as_ref().is_none_or(|prefixes| {
                let key = event.resource_key.as_ref().map(ResourceKey::as_str);
                key.is_some_and(|key| prefixes.iter().any(|prefix| key.starts_with(prefix)))
            })
            && self.routine_id.as_ref().is_none_or(|id| event.properties.as_str().contains(&naming(id)))
    }
}

impl Store {
    /// Every workspace's events after `after_seq`, in order. At most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn log_of_all(&self, after_seq: u64, limit: u32) -> Result<Vec<LogEvent>, StorageError> {
        self.many(Select::all().only("events.seq > $", after_seq).page("events.seq", limit)).await
    }

    /// A workspace's events after `after_seq`, in order. At most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn log_events(
        &self,
        workspace: &WorkspaceId,
        after_seq: u64,
        filter: &LogFilter,
        limit: u32,
    ) -> Result<Vec<LogEvent>, StorageError> {
        let select = filtered(workspace, filter).only("events.seq > $", after_seq);
        self.many(select.page("events.seq", limit)).await
    }

    /// Up to which `seq` retention has deleted the log; 0 when nothing was.
    pub async fn log_trimmed(&self) -> Result<u64, StorageError> {
        Ok(self.one(Select::<Trimmed>::all()).await?.map_or(0, |trimmed| trimmed.0))
    }

    /// Which revisions of shared resources the events after `after_seq` up to `up_to_seq` tell of, in order.
    /// At most [`super::PAGE_MAX`].
    pub async fn log_revisions(
        &self,
        after_seq: u64,
        up_to_seq: u64,
    ) -> Result<Vec<(WorkspaceId, ResourceKey, u64)>, StorageError> {
        let select = Select::<LogEvent>::all()
            .only("events.seq > $", after_seq)
            .only("events.seq <= $", up_to_seq)
            .only_if("events.resource_key IS NOT NULL");
        let events = self.many(select.page("events.seq", super::PAGE_MAX)).await?;
        let revision = |LogEvent { event, .. }: LogEvent| {
            let properties: serde_json::Value = serde_json::from_str(event.properties.as_str()).ok()?;
            Some((event.workspace_id, event.resource_key?, properties.get("rev")?.as_u64()?))
        };
        Ok(events.into_iter().filter_map(revision).collect())
    }

    /// Where the events of these ids lie, of those that are in the log.
    pub async fn log_places(&self, ids: &[EventId]) -> Result<Vec<(EventId, u64)>, StorageError> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let ids = ids.iter().map(|id| Cell::from(id.as_str()));
            let places: Vec<Place> = self.many(Select::all().only_in("events.event_id", ids)).await?;
            found.extend(places.into_iter().map(|Place(id, seq)| (id, seq)));
        }
        Ok(found)
    }

    /// The newest event that happened before `moment`, by its `seq`. Only what the host dated itself
    /// counts: what other engines tell of their sessions may have happened at any time before.
    pub async fn log_newest_before(&self, moment: Timestamp) -> Result<Option<u64>, StorageError> {
        let select = Select::<LogEvent>::all()
            .only("events.occurred_at_ms < $", moment)
            .only_if("(events.mission_id IS NOT NULL OR events.session_id IS NULL)");
        Ok(self.one(select.page("events.occurred_at_ms DESC, events.seq DESC", 1)).await?.map(|event| event.seq))
    }

    /// The oldest event of the log, by its `seq`.
    pub async fn log_oldest(&self) -> Result<Option<u64>, StorageError> {
        Ok(self.one(Select::<LogEvent>::all().page("events.seq", 1)).await?.map(|event| event.seq))
    }

    /// The `seq` after which a workspace's newest `count` events lie, of those that pass `filter`.
    pub async fn log_tail(&self, workspace: &WorkspaceId, filter: &LogFilter, count: u32) -> Result<u64, StorageError> {
        let head = self.log_head().await?;
        if count == 0 {
            return Ok(head);
        }
        let events: Vec<LogEvent> = self.many(filtered(workspace, filter).page("events.seq DESC", count)).await?;
        Ok(events.last().map_or(head, |oldest| oldest.seq - 1))
    }

    /// The newest `seq` of the database; 0 when nothing was ever logged.
    pub async fn log_head(&self) -> Result<u64, StorageError> {
        Ok(self.one(Select::<Head>::all()).await?.map_or(0, |head| head.0))
    }
}
