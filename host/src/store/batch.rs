//! A batch: many units judged one after the other in memory, written as one.
//!
//! What the guards ask for is read first, one statement for each table. Then every unit is
//! judged in the order of arrival against what was read, overlaid with what the units before
//! it will write; a unit whose guard fails is left out alone. What remains is one row for each
//! key (the last write wins), and becomes one statement for each table.
//!
//! This module decides and writes; transactions and answers are [`super::writer`]'s.

use std::collections::HashMap;

use super::audit;
use super::board::{self, Board};
use super::database::Connection;
use super::error::{CommitError, StorageError, StorageErrorKind};
use super::postgres;
use super::prepare::{Change, PreparedUnit};
use super::resources::{end_of, life_of};
use super::row::{Cell, Row};
use super::sql::{Dialect, RENEWAL_COLUMNS, Statements};
use super::table::{Life, TableId, integer};
use super::unit::{Committed, End, Guard};
use crate::domain::audit::{AuditEntry, NewAuditEntry};
use crate::domain::resource::{self, Head, ResourceWrite, Step};

/// What became of each unit, in their order.
pub(super) type Answers = Vec<Result<Committed, CommitError>>;

/// Judges and writes `units` in the transaction that `connection` is in, and numbers the events
/// of those that are written.
///
/// # Errors
/// When storage failed; then nothing of the batch may be committed. A unit that conflicts is
/// no error of the batch.
pub(super) async fn carry_out(
    connection: &mut Connection,
    statements: &Statements,
    units: &mut [PreparedUnit],
) -> Result<Answers, StorageError> {
    let found = read_guarded(connection, statements, units).await?;
    let judged = judge(units, found)?;
    for (table, rows) in judged.pending.iter().enumerate() {
        write_table(connection, statements, TableId::ALL[table], rows).await?;
    }
    for (table, written, deleted) in judged.board.rows() {
        write_rows(connection, statements, table, &written, &deleted).await?;
    }
    if !judged.renewals.is_empty() {
        // Renewals of a lease that a later unit ended or replaced find another fence or none.
        let renewals: Vec<&[Cell]> = judged.renewals.values().copied().collect();
        connection.write_rows(&statements.renew_leases, RENEWAL_COLUMNS, &renewals).await?;
    }
    let Judged { verdicts, resource_events, .. } = judged;
    for (unit, events) in units.iter_mut().zip(resource_events) {
        unit.events.extend(events);
    }
    append_audit(connection, statements, units, &verdicts).await?;
    trim_log(connection, units, &verdicts).await?;
    append_events(connection, statements, units, verdicts).await
}

/// What guards find, by table and key. A key that is not in it has no row.
type Found = [HashMap<Vec<Cell>, FoundRow>; TableId::ALL.len()];

/// A row as guards see it.
#[derive(Debug, Clone, Copy)]
struct FoundRow {
    guarded: u64,
    /// Its end; rows of tables without ends have none.
    end: Option<i64>,
}

async fn read_guarded(
    connection: &mut Connection,
    statements: &Statements,
    units: &[PreparedUnit],
) -> Result<Found, StorageError> {
    let mut keys: [Vec<&[Cell]>; TableId::ALL.len()] = Default::default();
    for guard in units.iter().flat_map(|unit| &unit.guards) {
        keys[guard.table as usize].push(&guard.key);
    }
    let resources: Vec<_> = units.iter().flat_map(|unit| &unit.resources).map(board::key_cells).collect();
    keys[TableId::Resources as usize].extend(resources.iter().map(Vec::as_slice));
    let mut found = Found::default();
    for id in TableId::ALL {
        let table = id.table();
        let keys = &keys[id as usize];
        if keys.is_empty() {
            continue;
        }
        let mut answer = table.key().to_vec();
        answer.push(integer("guarded"));
        answer.extend(table.end_column.map(integer));
        let rows = connection.read_rows(&statements.of(id).guard, table.key(), keys, &answer).await?;
        for mut row in rows {
            let rest = row.split_off(table.key_columns);
            if let Some(Cell::Integer(guarded)) = rest.first() {
                let end = rest.get(1).and_then(as_integer);
                found[id as usize].insert(row, FoundRow { guarded: guarded.cast_unsigned(), end });
            }
        }
    }
    Ok(found)
}

fn as_integer(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Integer(value) => Some(*value),
        _ => None,
    }
}

/// The row that a key will have.
#[derive(Debug, Clone, Copy)]
enum Pending<'u> {
    Row(&'u [Cell]),
    Deleted(&'u [Cell]),
}

/// The rows of one table, each key once; rows that are only ever appended all of them.
#[derive(Debug, Default)]
struct PendingRows<'u> {
    rows: Vec<Pending<'u>>,
    places: HashMap<&'u [Cell], usize>,
}

impl<'u> PendingRows<'u> {
    fn set(&mut self, key: &'u [Cell], pending: Pending<'u>) {
        let place = *self.places.entry(key).or_insert(self.rows.len());
        match self.rows.get_mut(place) {
            Some(row) => *row = pending,
            None => self.rows.push(pending),
        }
    }
}

struct Judged<'u> {
    /// For each unit: whether it is written, and the revisions of its resources.
    verdicts: Vec<Verdict>,
    /// For each unit: the events of its resources.
    resource_events: Vec<Vec<Row>>,
    /// Shared resources.
    board: Board,
    /// By table.
    pending: [PendingRows<'u>; TableId::ALL.len()],
    /// By run and fence: of several the one with the latest end.
    renewals: HashMap<&'u [Cell], &'u [Cell]>,
}

fn judge(units: &[PreparedUnit], mut found: Found) -> Result<Judged<'_>, StorageError> {
    let mut judged = Judged {
        verdicts: Vec::with_capacity(units.len()),
        resource_events: Vec::with_capacity(units.len()),
        board: Board::default(),
        pending: Default::default(),
        renewals: HashMap::new(),
    };
    for unit in units {
        let decided = match unit.guards.iter().find_map(|guard| conflict(guard, &found)) {
            Some(conflict) => Err(conflict),
            None => decide_resources(unit, &found),
        };
        let decided = match decided {
            Ok(decided) => decided,
            Err(conflict) => {
                judged.verdicts.push(Err(conflict));
                judged.resource_events.push(Vec::new());
                continue;
            }
        };
        for change in &unit.changes {
            apply(change, &mut judged, &mut found);
        }
        let (mut revs, mut events) = (Vec::with_capacity(decided.len()), Vec::with_capacity(decided.len()));
        for (write, (head, steps)) in unit.resources.iter().zip(decided) {
            let made = judged.board.take(write, head, &steps)?;
            if !steps.is_empty() {
                let end = end_of(made.life).map(|end| i64::try_from(end.as_millis()).unwrap_or(i64::MAX));
                let row = FoundRow { guarded: made.rev, end };
                found[TableId::Resources as usize].insert(board::key_cells(write), row);
            }
            revs.push(made.rev);
            events.extend(made.events);
        }
        judged.verdicts.push(Ok(revs));
        judged.resource_events.push(events);
    }
    Ok(judged)
}

/// What becomes of a unit: the revisions of its resources, or why it is not written.
type Verdict = Result<Vec<u64>, CommitError>;

/// What a key has, and what a write makes of it.
type Decided = (Option<Head>, Vec<Step>);

/// What each write of a resource makes of its key; nothing is done yet.
fn decide_resources(unit: &PreparedUnit, found: &Found) -> Result<Vec<Decided>, CommitError> {
    let decide = |(index, write): (usize, &ResourceWrite)| {
        let key = board::key_cells(write);
        let row = found[TableId::Resources as usize].get(&key);
        let head = row.map(|row| Head { rev: row.guarded, life: life_of(row.end) });
        let steps = resource::decide(head, write).map_err(|refused| CommitError::Conflict {
            table: TableId::Resources.table().name,
            key: write.key.to_string(),
            expected: None,
            found: head.map(|head| head.rev),
            resource: Some((index, refused)),
        })?;
        Ok((head, steps))
    };
    unit.resources.iter().enumerate().map(decide).collect()
}

fn conflict(guard: &Guard, found: &Found) -> Option<CommitError> {
    let row = found[guard.table as usize].get(&guard.key);
    let is_at_its_end = |end: End| row.and_then(|row| row.end).is_some_and(|found| !end.admits(found));
    // A row that is past its end, or not yet, is as good as none.
    let found = row.map(|row| row.guarded).filter(|_| !guard.end.is_some_and(is_at_its_end));
    (found != guard.expected).then(|| {
        let parts: Vec<_> = guard
            .key
            .iter()
            .map(|cell| match cell {
                Cell::Text(text) => text.as_ref(),
                _ => "",
            })
            .collect();
        CommitError::Conflict {
            table: guard.table.table().name,
            key: parts.join("/"),
            expected: guard.expected,
            found,
            resource: None,
        }
    })
}

fn apply<'u>(change: &'u Change, judged: &mut Judged<'u>, found: &mut Found) {
    match change {
        Change::Put { table, row, guarded } => {
            let description = table.table();
            let key = &row[..description.key_columns];
            let pending = &mut judged.pending[*table as usize];
            match description.life {
                Life::Mutable => {
                    pending.set(key, Pending::Row(row));
                    let column = description
                        .end_column
                        .and_then(|name| description.columns.iter().position(|column| column.name == name));
                    let mut end = column.and_then(|at| as_integer(&row[at]));
                    let found = &mut found[*table as usize];
                    if column.is_some_and(|at| description.columns[at].merge.is_some()) {
                        // As the merge has it: under one fence a run's lease never ends earlier.
                        let before = found.get(key).filter(|before| before.guarded == *guarded);
                        end = end.max(before.and_then(|row| row.end));
                    }
                    found.insert(key.to_vec(), FoundRow { guarded: *guarded, end });
                }
                // A second row of the same key stays, for the database to refuse.
                Life::AppendOnly => pending.rows.push(Pending::Row(row)),
            }
        }
        Change::Delete { table, key } => {
            judged.pending[*table as usize].set(key, Pending::Deleted(key));
            found[*table as usize].remove(key);
        }
        Change::Renew { row } => {
            let (key, end) = row.split_at(RENEWAL_COLUMNS.len() - 1);
            let latest = judged.renewals.entry(key).or_insert(row);
            // Ends are integers, and cells of one kind compare as their values do.
            if latest[key.len()..] < *end {
                *latest = row;
            }
            let (Some(renewed), Some(fence)) = (as_integer(&end[0]), as_integer(&key[1])) else { return };
            if let Some(row) = found[TableId::RunLeases as usize].get_mut(&key[..1])
                && row.guarded == fence.cast_unsigned()
            {
                row.end = row.end.max(Some(renewed));
            }
        }
    }
}

async fn write_table(
    connection: &mut Connection,
    statements: &Statements,
    id: TableId,
    pending: &PendingRows<'_>,
) -> Result<(), StorageError> {
    let (mut written, mut deleted) = (Vec::new(), Vec::new());
    for row in &pending.rows {
        match row {
            Pending::Row(row) => written.push(*row),
            Pending::Deleted(key) => deleted.push(*key),
        }
    }
    write_rows(connection, statements, id, &written, &deleted).await
}

async fn write_rows(
    connection: &mut Connection,
    statements: &Statements,
    id: TableId,
    written: &[&[Cell]],
    deleted: &[&[Cell]],
) -> Result<(), StorageError> {
    if !deleted.is_empty() {
        connection.write_rows(&statements.of(id).delete, id.table().key(), deleted).await?;
    }
    write_counted(connection, statements, id, written).await
}

/// Writes rows and counts them: one that is missing lies in another workspace.
async fn write_counted(
    connection: &mut Connection,
    statements: &Statements,
    id: TableId,
    rows: &[&[Cell]],
) -> Result<(), StorageError> {
    if rows.is_empty() {
        return Ok(());
    }
    let count = connection.write_rows(&statements.of(id).write, id.table().columns, rows).await?;
    if count == rows.len() as u64 {
        return Ok(());
    }
    Err(StorageError::because(StorageErrorKind::Other, "a row of this key belongs to another workspace"))
}

/// Numbers and writes the events of the units that are written, and answers for every unit.
async fn append_events(
    connection: &mut Connection,
    statements: &Statements,
    units: &mut [PreparedUnit],
    verdicts: Vec<Verdict>,
) -> Result<Answers, StorageError> {
    let written = units.iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_ok());
    let count: usize = written.map(|(unit, _)| unit.events.len()).sum();
    let mut seq = if count == 0 { 0 } else { move_head(connection, count as u64).await? };
    let mut answers = Vec::with_capacity(units.len());
    let mut rows: Vec<&[Cell]> = Vec::with_capacity(count);
    for (unit, verdict) in units.iter_mut().zip(verdicts) {
        answers.push(verdict.map(|revs| {
            let first = seq + 1;
            for event in &mut unit.events {
                seq += 1;
                event[0] = seq.into();
                rows.push(event);
            }
            Committed { seqs: (seq >= first).then_some((first, seq)), revs }
        }));
    }
    write_counted(connection, statements, TableId::Events, &rows).await?;
    Ok(answers)
}

/// Chains and writes the audit of the units that are written.
async fn append_audit(
    connection: &mut Connection,
    statements: &Statements,
    units: &[PreparedUnit],
    verdicts: &[Verdict],
) -> Result<(), StorageError> {
    let written = units.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_ok());
    let entries: Vec<&NewAuditEntry> = written.flat_map(|(unit, _)| &unit.audit).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let head = connection.rows("SELECT seq, hash FROM audit_head WHERE id = 1", &[], audit::HEAD_COLUMNS).await?;
    let Some([Cell::Integer(seq), Cell::Text(hash)]) = head.first().map(Vec::as_slice) else {
        return Err(StorageError::because(StorageErrorKind::Corrupt, "the row of audit_head is missing"));
    };
    let (mut seq, mut hash) = (seq.cast_unsigned(), hash.to_string());
    let mut rows = Vec::new();
    for entry in entries {
        seq += 1;
        let chained = AuditEntry::chained(seq, entry.clone(), hash);
        rows.push(audit::row(&chained)?);
        hash = chained.hash;
    }
    let rows: Vec<&[Cell]> = rows.iter().map(Vec::as_slice).collect();
    write_counted(connection, statements, TableId::Audit, &rows).await?;
    connection
        .execute("UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1", &[seq.into(), hash.as_str().into()])
        .await?;
    Ok(())
}

/// Deletes the oldest events, as far as a unit that is written asks for.
async fn trim_log(
    connection: &mut Connection,
    units: &[PreparedUnit],
    verdicts: &[Verdict],
) -> Result<(), StorageError> {
    let written = units.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_ok());
    let asked: Option<u64> = written.filter_map(|(unit, _)| unit.trim_log).max();
    let Some(up_to_seq) = asked else { return Ok(()) };
    connection.execute("DELETE FROM events WHERE seq <= $1", &[up_to_seq.into()]).await?;
    connection
        .execute("UPDATE log_head SET trimmed_seq = $1 WHERE trimmed_seq < $2", &[up_to_seq.into(), up_to_seq.into()])
        .await?;
    Ok(())
}

/// Moves the log's head on by `count`; where it was. On PostgreSQL also tells the other hosts,
/// when the transaction commits.
async fn move_head(connection: &mut Connection, count: u64) -> Result<u64, StorageError> {
    let statement = match connection.dialect() {
        Dialect::Sqlite => "UPDATE log_head SET seq = seq + $1 RETURNING seq",
        Dialect::Postgres => postgres::MOVE_HEAD,
    };
    let rows = connection.rows(statement, &[count.into()], &[integer("seq")]).await?;
    let head = match rows.first().map(Vec::as_slice) {
        Some([Cell::Integer(head)]) => head.cast_unsigned().checked_sub(count),
        _ => None,
    };
    head.ok_or_else(|| StorageError::because(StorageErrorKind::Corrupt, "the row of log_head is missing or behind"))
}
