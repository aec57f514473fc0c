//! Occurrences of routines, and the history of routines.

use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, Row, RowReader, RowWriter};
use super::select::{IDS_PER_STATEMENT, Record, Select, Source};
use super::sql::Dialect;
use super::table::{Life, Table, boolean, integer, text};
use crate::domain::artifact::Digest;
use crate::domain::id::{ApprovalId, EventId, MissionId, OccurrenceId, RoutineId, WorkspaceId};
use crate::domain::routine::{Occurrence, OccurrenceState, RoutineEntry, Slot, Trigger};
use crate::domain::time::Timestamp;

pub(super) static OCCURRENCES: Table = Table {
    name: "occurrences",
    life: Life::Mutable,
    key_columns: 3,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("workspace_id"),
        text("routine_id"),
        text("slot"),
        text("id"),
        integer("scheduled_at_ms"),
        text("local_time"),
        text("zone"),
        text("tzdata"),
        text("triggered_by"),
        text("state"),
        text("reason"),
        integer("lateness_ms"),
        integer("missed_count"),
        integer("missed_since_ms"),
        integer("edition"),
        text("template_digest"),
        text("mission_id"),
        text("approval_id"),
        integer("fired_at_ms"),
        integer("started_at_ms"),
        integer("finished_at_ms"),
        boolean("is_open"),
        boolean("untold"),
        integer("revision"),
    ],
};

pub(super) static ROUTINE_HISTORY: Table = Table {
    name: "routine_history",
    life: Life::AppendOnly,
    key_columns: 3,
    guard_column: None,
    end_column: None,
    columns: &[
        text("workspace_id"),
        text("routine_id"),
        text("id"),
        text("event"),
        integer("at_ms"),
        text("run_id"),
        integer("scheduled_at_ms"),
        text("triggered_by"),
        text("actor"),
        text("detail"),
    ],
};

/// The row of `occurrence`.
pub(super) fn row(occurrence: &Occurrence) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&OCCURRENCES);
    row.text("workspace_id", occurrence.workspace_id.as_str())
        .text("routine_id", occurrence.routine_id.as_str())
        .text("slot", occurrence.slot.as_str())
        .text("id", occurrence.id.as_str())
        .moment("scheduled_at_ms", occurrence.scheduled_at)
        .text("local_time", &occurrence.local)
        .text("zone", &occurrence.zone)
        .text("tzdata", &occurrence.tzdata)
        .text("triggered_by", occurrence.trigger.as_str())
        .text("state", occurrence.state.as_str())
        .text_or_null("reason", occurrence.reason.as_deref())
        .integer("lateness_ms", occurrence.lateness_ms)
        .integer_or_null("missed_count", occurrence.missed_count)
        .moment_or_null("missed_since_ms", occurrence.missed_since)
        .integer("edition", occurrence.edition)
        .text_or_null("template_digest", occurrence.template.as_ref().map(Digest::as_str))
        .text_or_null("mission_id", occurrence.mission_id.as_ref().map(MissionId::as_str))
        .text_or_null("approval_id", occurrence.approval_id.as_ref().map(ApprovalId::as_str))
        .moment("fired_at_ms", occurrence.fired_at)
        .moment_or_null("started_at_ms", occurrence.started_at)
        .moment_or_null("finished_at_ms", occurrence.finished_at)
        .boolean("is_open", occurrence.state.is_open())
        .boolean("untold", occurrence.untold)
        .integer("revision", occurrence.revision);
    row.finish()
}

impl Record for Occurrence {
    const SOURCE: Source = Source { from: "occurrences", parts: &[("occurrences", OCCURRENCES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let workspace_id = WorkspaceId::new(row.text("workspace_id")?);
        let routine_id = RoutineId::new(row.text("routine_id")?);
        let slot = Slot::from_stored(row.text("slot")?);
        let id = OccurrenceId::new(row.text("id")?);
        let scheduled_at = row.moment("scheduled_at_ms")?;
        let local = row.text("local_time")?;
        let zone = row.text("zone")?;
        let tzdata = row.text("tzdata")?;
        let trigger = row.word("triggered_by")?;
        let state = row.word("state")?;
        let reason = row.text_or_null("reason")?;
        let lateness_ms = row.integer("lateness_ms")?;
        let missed_count = row.integer_or_null("missed_count")?;
        let missed_since = row.moment_or_null("missed_since_ms")?;
        let edition = row.integer("edition")?;
        let template = row.digest_or_null("template_digest")?;
        let mission_id = row.text_or_null("mission_id")?.map(MissionId::new);
        let approval_id = row.text_or_null("approval_id")?.map(ApprovalId::new);
        let fired_at = row.moment("fired_at_ms")?;
        let started_at = row.moment_or_null("started_at_ms")?;
        let finished_at = row.moment_or_null("finished_at_ms")?;
        row.boolean("is_open")?;
        Ok(Self {
            workspace_id,
            routine_id,
            slot,
            id,
            scheduled_at,
            local,
            zone,
            tzdata,
            trigger,
            state,
            reason,
            lateness_ms,
            missed_count,
            missed_since,
            edition,
            template,
            mission_id,
            approval_id,
            fired_at,
            started_at,
            finished_at,
            untold: row.boolean("untold")?,
            revision: row.integer("revision")?,
        })
    }
}

/// The row of `entry`.
pub(super) fn entry_row(entry: &RoutineEntry) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&ROUTINE_HISTORY);
    row.text("workspace_id", entry.workspace_id.as_str())
        .text("routine_id", entry.routine_id.as_str())
        .text("id", entry.id.as_str())
        .text("event", entry.event.as_str())
        .moment("at_ms", entry.at)
        .text_or_null("run_id", entry.run_id.as_ref().map(OccurrenceId::as_str))
        .moment_or_null("scheduled_at_ms", entry.scheduled_at)
        .text_or_null("triggered_by", entry.trigger.map(Trigger::as_str))
        .text("actor", &entry.actor)
        .text("detail", entry.detail.as_str());
    row.finish()
}

impl Record for RoutineEntry {
    const SOURCE: Source = Source { from: "routine_history", parts: &[("routine_history", ROUTINE_HISTORY.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            routine_id: RoutineId::new(row.text("routine_id")?),
            id: EventId::new(row.text("id")?),
            event: row.word("event")?,
            at: row.moment("at_ms")?,
            run_id: row.text_or_null("run_id")?.map(OccurrenceId::new),
            scheduled_at: row.moment_or_null("scheduled_at_ms")?,
            trigger: row.word_or_null("triggered_by")?,
            actor: row.text("actor")?,
            detail: row.json("detail")?,
        })
    }
}

/// A routine by name, and nothing else.
struct OfOccurrence(WorkspaceId, RoutineId);

impl Record for OfOccurrence {
    const SOURCE: Source =
        Source { from: "occurrences", parts: &[("occurrences", &[text("workspace_id"), text("routine_id")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(WorkspaceId::new(row.text("workspace_id")?), RoutineId::new(row.text("routine_id")?)))
    }
}

/// The same, of a line of its history.
struct OfEntry(WorkspaceId, RoutineId);

impl Record for OfEntry {
    const SOURCE: Source =
        Source { from: "routine_history", parts: &[("routine_history", &[text("workspace_id"), text("routine_id")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(WorkspaceId::new(row.text("workspace_id")?), RoutineId::new(row.text("routine_id")?)))
    }
}

impl Store {
    /// The first routine, by name, that has occurrences or a history, after `after`. It may be gone.
    pub async fn next_told_routine(
        &self,
        after: Option<&(WorkspaceId, RoutineId)>,
    ) -> Result<Option<(WorkspaceId, RoutineId)>, StorageError> {
        let values = || after.map(|(workspace, id)| [Cell::from(workspace.as_str()), Cell::from(id.as_str())]);
        let mut occurrences = Select::<OfOccurrence>::all();
        let mut entries = Select::<OfEntry>::all();
        if let (Some(a), Some(b)) = (values(), values()) {
            occurrences = occurrences.only_with("(occurrences.workspace_id, occurrences.routine_id) > ($, $)", a);
            entries = entries.only_with("(routine_history.workspace_id, routine_history.routine_id) > ($, $)", b);
        }
        let first = self.one(occurrences.page("occurrences.workspace_id, occurrences.routine_id", 1)).await?;
        let second = self.one(entries.page("routine_history.workspace_id, routine_history.routine_id", 1)).await?;
        let first = first.map(|OfOccurrence(workspace, id)| (workspace, id));
        let second = second.map(|OfEntry(workspace, id)| (workspace, id));
        let in_order = |of: &(WorkspaceId, RoutineId)| (of.0.as_str().to_owned(), of.1.as_str().to_owned());
        Ok(first.into_iter().chain(second).min_by_key(in_order))
    }

    /// Occurrences of a routine that need not be kept: over, told, not among its newest `kept` and dealt
    /// with before `before`, the oldest first; at most `limit` (and [`super::PAGE_MAX`]). Those of backfills are
    /// not among them, since nothing else knows that they were made.
    pub async fn old_occurrences(
        &self,
        (workspace, routine): (&WorkspaceId, &RoutineId),
        kept: u32,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Occurrence>, StorageError> {
        let newest = Select::<Occurrence>::all()
            .only("occurrences.workspace_id = $", workspace.as_str())
            .only("occurrences.routine_id = $", routine.as_str())
            .page("occurrences.id DESC", 1)
            .text(" OFFSET ", [])
            .number(kept.into());
        let Some(up_to) = self.one(newest).await? else { return Ok(Vec::new()) };
        let select = Select::all()
            .only("occurrences.workspace_id = $", workspace.as_str())
            .only("occurrences.routine_id = $", routine.as_str())
            .only("occurrences.id <= $", up_to.id.as_str())
            .only("occurrences.fired_at_ms < $", before)
            .only_if("NOT occurrences.is_open")
            .only_if("NOT occurrences.untold")
            .only_if("occurrences.triggered_by <> 'backfill'")
            .page("occurrences.id", limit);
        self.many(select).await
    }

    /// Lines of a routine's history that need not be kept, as [`Self::old_occurrences`].
    pub async fn old_routine_entries(
        &self,
        (workspace, routine): (&WorkspaceId, &RoutineId),
        kept: u32,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<EventId>, StorageError> {
        let newest = Select::<RoutineEntry>::all()
            .only("routine_history.workspace_id = $", workspace.as_str())
            .only("routine_history.routine_id = $", routine.as_str())
            .page("routine_history.id DESC", 1)
            .text(" OFFSET ", [])
            .number(kept.into());
        let Some(up_to) = self.one(newest).await? else { return Ok(Vec::new()) };
        let select = Select::<RoutineEntry>::all()
            .only("routine_history.workspace_id = $", workspace.as_str())
            .only("routine_history.routine_id = $", routine.as_str())
            .only("routine_history.id <= $", up_to.id.as_str())
            .only("routine_history.at_ms < $", before)
            .page("routine_history.id", limit);
        Ok(self.many(select).await?.into_iter().map(|entry: RoutineEntry| entry.id).collect())
    }

    /// The occurrence of this id, if this workspace has it.
    pub async fn occurrence(
        &self,
        workspace: &WorkspaceId,
        id: &OccurrenceId,
    ) -> Result<Option<Occurrence>, StorageError> {
        let select = Select::all()
            .only("occurrences.workspace_id = $", workspace.as_str())
            .only("occurrences.id = $", id.as_str());
        self.one(select).await
    }

    /// The occurrence whose work a mission does.
    pub async fn occurrence_of_mission(&self, mission: &MissionId) -> Result<Option<Occurrence>, StorageError> {
        self.one(Select::all().only("occurrences.mission_id = $", mission.as_str())).await
    }

    /// A workspace's occurrences, newest first: at most `limit` (and [`super::PAGE_MAX`]) of them,
    /// older than `before`.
    pub async fn occurrences(
        &self,
        workspace: &WorkspaceId,
        routine: Option<&RoutineId>,
        state: Option<OccurrenceState>,
        before: Option<&OccurrenceId>,
        limit: u32,
    ) -> Result<Vec<Occurrence>, StorageError> {
        let select = Select::all()
            .only("occurrences.workspace_id = $", workspace.as_str())
            .only_some("occurrences.routine_id = $", routine.map(RoutineId::as_str))
            .only_some("occurrences.state = $", state.map(OccurrenceState::as_str))
            .only_some("occurrences.id < $", before.map(OccurrenceId::as_str))
            .page("occurrences.id DESC", limit);
        self.many(select).await
    }

    /// Occurrences of these routines of a workspace that are not over, oldest first. Without a limit of its
    /// own: few of a routine may be open at once.
    pub async fn open_occurrences(
        &self,
        workspace: &WorkspaceId,
        routines: &[&RoutineId],
    ) -> Result<Vec<Occurrence>, StorageError> {
        let mut found: Vec<Occurrence> = Vec::new();
        for ids in routines.chunks(IDS_PER_STATEMENT) {
            found.extend(self.many(open_of(self.dialect(), workspace, ids)).await?);
        }
        found.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// Those of a routine's occurrences that are in one of `slots`.
    pub async fn occurrences_in(
        &self,
        workspace: &WorkspaceId,
        routine: &RoutineId,
        slots: &[Slot],
    ) -> Result<Vec<Occurrence>, StorageError> {
        let mut found = Vec::new();
        for slots in slots.chunks(IDS_PER_STATEMENT) {
            let select = Select::all()
                .only("occurrences.workspace_id = $", workspace.as_str())
                .only("occurrences.routine_id = $", routine.as_str())
                .only_in("occurrences.slot", slots.iter().map(|slot| Cell::from(slot.as_str())));
            found.extend(self.many(select).await?);
        }
        Ok(found)
    }

    /// Occurrences of every workspace that are over and that their routines have yet to hear of,
    /// the first to end first. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn untold_occurrences(&self, limit: u32) -> Result<Vec<Occurrence>, StorageError> {
        let select =
            Select::all().only_if("occurrences.untold").page("occurrences.finished_at_ms, occurrences.id", limit);
        self.many(select).await
    }

    /// A routine's history, newest first: at most `limit` (and [`super::PAGE_MAX`]) lines, older
    /// than `before`. It stays when the routine goes.
    pub async fn routine_history(
        &self,
        workspace: &WorkspaceId,
        routine: &RoutineId,
        before: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<RoutineEntry>, StorageError> {
        let select = Select::all()
            .only("routine_history.workspace_id = $", workspace.as_str())
            .only("routine_history.routine_id = $", routine.as_str())
            .only_some("routine_history.id < $", before.map(EventId::as_str))
            .page("routine_history.id DESC", limit);
        self.many(select).await
    }
}

/// Not in order: SQLite would go through all of the workspace's that are over, too, since they are in order.
/// What of `routines` is not over. PostgreSQL is made to look each of them up: it keeps the plan that it made
/// while the table was small until it counts rows again, a minute or more later, and by that plan would read the
/// whole table for every list of routines.
fn open_of(dialect: Dialect, workspace: &WorkspaceId, routines: &[&RoutineId]) -> Select<Occurrence> {
    let ids = routines.iter().map(|id| Cell::from(id.as_str()));
    if dialect == Dialect::Sqlite {
        let of_workspace = Select::all().only_if("occurrences.is_open");
        return of_workspace
            .only("occurrences.workspace_id = $", workspace.as_str())
            .only_in("occurrences.routine_id", ids);
    }
    // Filled with NULL, which is nobody's, so that few statements are prepared for lists of any length.
    let filled = ids.chain(std::iter::repeat(Cell::Null)).take(routines.len().next_power_of_two());
    Select::of_columns().list(["(VALUES ($::text)", ", ($)"], filled).text(
        ") AS given(routine_id) CROSS JOIN LATERAL (SELECT * FROM occurrences WHERE is_open AND workspace_id = $ \
         AND routine_id = given.routine_id OFFSET 0) AS occurrences",
        [workspace.as_str().into()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Location;

    #[tokio::test]
    async fn what_is_over_is_not_looked_at_for_what_is_open() {
        let directory = std::env::temp_dir().join(format!("sluice-open-{}", std::process::id()));
        let store = Store::open(&Location::Sqlite { directory: directory.clone() }).await.unwrap();
        let (workspace, id) = (WorkspaceId::new("local"), RoutineId::new("rtn"));
        for count in [1, 100] {
            let plan = store.plan(open_of(Dialect::Sqlite, &workspace, &vec![&id; count])).await;
            assert!(plan.iter().any(|step| step.contains("occurrences_open")), "{plan:?}");
        }
        store.close().await;
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
