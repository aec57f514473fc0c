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
use super::database::{Connection, Step};
use super::error::{CommitError, StorageError, StorageErrorKind};
use super::log;
use super::memory_index::{IndexChange, Plan, PlannedStep};
use super::news::Tables;
use super::prepare::{Change, PreparedUnit};
use super::resources::{end_of, life_of};
use super::row::{Cell, Row};
use super::sql::{RENEWAL_COLUMNS, Sql, Statements};
use super::table::{Column, Life, TableId, integer};
use super::unit::{Committed, End, Guard};
use crate::domain::audit::{AuditEntry, NewAuditEntry};
use crate::domain::resource::{self, Head, ResourceWrite};

/// What became of each unit, in their order.
pub(super) type Answers = Vec<Result<Committed, CommitError>>;

/// What a batch wrote.
pub(super) struct Written {
    /// What became of each unit.
    pub(super) answers: Answers,
    /// In which tables.
    pub(super) tables: Tables,
    /// The events, numbered; none when nobody hears them.
    pub(super) told: Vec<Row>,
}

/// Judges and writes `units` in the transaction that `connection` is in, and numbers the events
/// of those that are written. The events come back too if somebody hears them.
///
/// # Errors
/// When storage failed; then nothing of the batch may be committed. A unit that conflicts is
/// no error of the batch.
pub(super) async fn carry_out(
    connection: &mut Connection,
    statements: &Statements,
    units: &mut [PreparedUnit],
    is_heard: bool,
) -> Result<Written, StorageError> {
    // Events are numbered in place, while what is written borrows the rest of their units; they go
    // back, since a unit that fails is tried again.
    let mut events: Vec<Vec<Row>> = units.iter_mut().map(|unit| std::mem::take(&mut unit.events)).collect();
    let done = write(connection, statements, units, &mut events, is_heard).await;
    for (unit, events) in units.iter_mut().zip(events) {
        unit.events = events;
    }
    done
}

async fn write(
    connection: &mut Connection,
    statements: &Statements,
    units: &[PreparedUnit],
    events: &mut [Vec<Row>],
    is_heard: bool,
) -> Result<Written, StorageError> {
    let (found, head) = read_guarded(connection, statements, units).await?;
    let judged = judge(units, found)?;
    let Judged { verdicts, mut resource_events, board, pending, renewals, index } = judged;
    append_audit(connection, statements, units, &verdicts).await?;
    trim_log(connection, units, &verdicts).await?;
    let index = Plan::of(&index, connection).await?;
    let mut script = Script::new(statements);
    script.planned(&index.before);
    for (table, rows) in pending.iter().enumerate() {
        let (written, deleted) = rows.sorted();
        script.table(TableId::ALL[table], written, deleted);
    }
    for (table, written, deleted) in board.rows() {
        script.table(table, written, deleted);
    }
    script.planned(&index.after);
    // Renewals of a lease that a later unit ended or replaced find another fence or none.
    script.uncounted(&statements.renew_leases, RENEWAL_COLUMNS, renewals.values().copied().collect());
    let (told, answers) = numbered(verdicts, events, &mut resource_events, head);
    let moved = [Cell::from(head + told.len() as u64)];
    if !told.is_empty() {
        script.uncounted(&statements.move_head, HEAD_COLUMNS, vec![&moved]);
    }
    let is_of_session = told.iter().any(|row| log::is_of_session(row));
    let copies = if is_heard { told.iter().map(|row| row.to_vec()).collect() } else { Vec::new() };
    script.table(TableId::Events, told, Vec::new());
    script.carry_out(connection).await?;
    let mut tables = script.tables;
    if !renewals.is_empty() {
        tables.add(TableId::RunLeases);
    }
    if is_of_session {
        tables = tables.with_sessions();
    }
    Ok(Written { answers, tables, told: copies })
}

/// The newest `seq`.
const HEAD_COLUMNS: &[Column] = &[integer("seq")];

/// The writes of a batch, and how many rows each has to change.
struct Script<'r> {
    statements: &'r Statements,
    steps: Vec<Step<'r>>,
    /// Rows that must be changed; without, as many as there are.
    counts: Vec<Option<u64>>,
    /// The tables written.
    tables: Tables,
}

impl<'r> Script<'r> {
    fn new(statements: &'r Statements) -> Self {
        Self { statements, steps: Vec::new(), counts: Vec::new(), tables: Tables::default() }
    }

    fn table(&mut self, id: TableId, written: Vec<&'r [Cell]>, deleted: Vec<&'r [Cell]>) {
        let (table, statements) = (id.table(), self.statements.of(id));
        if !written.is_empty() || !deleted.is_empty() {
            self.tables.add(id);
        }
        self.uncounted(&statements.delete, table.key(), deleted);
        let count = written.len() as u64;
        self.uncounted(&statements.write, table.columns, written);
        if count > 0
            && let Some(last) = self.counts.last_mut()
        {
            *last = Some(count);
        }
    }

    fn uncounted(&mut self, sql: &'r Sql, columns: &'r [Column], rows: Vec<&'r [Cell]>) {
        if !rows.is_empty() {
            self.steps.push(Step { sql, columns, rows, answer: Vec::new() });
            self.counts.push(None);
        }
    }

    fn planned(&mut self, steps: &'r [PlannedStep]) {
        for step in steps {
            self.uncounted(&step.sql, step.columns, step.rows());
        }
    }

    /// Carries the writes out and counts rows: one that is missing lies in another workspace.
    async fn carry_out(&self, connection: &mut Connection) -> Result<(), StorageError> {
        let done = connection.carry_out(&self.steps).await?;
        let mut counted = done.iter().zip(&self.counts);
        if done.len() == self.steps.len() && counted.all(|(done, count)| count.is_none_or(|n| n == done.changed)) {
            return Ok(());
        }
        Err(StorageError::because(StorageErrorKind::Other, "a row of this key belongs to another workspace"))
    }
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

/// What guards find, and the log's newest `seq`.
async fn read_guarded(
    connection: &mut Connection,
    statements: &Statements,
    units: &[PreparedUnit],
) -> Result<(Found, u64), StorageError> {
    let mut keys: [Vec<&[Cell]>; TableId::ALL.len()] = std::array::from_fn(|_| Vec::new());
    for guard in units.iter().flat_map(|unit| &unit.guards) {
        keys[guard.table as usize].push(&guard.key);
    }
    let resources: Vec<_> = units.iter().flat_map(|unit| &unit.resources).map(board::key_cells).collect();
    keys[TableId::Resources as usize].extend(resources.iter().map(Vec::as_slice));
    let ids: Vec<TableId> = TableId::ALL.into_iter().filter(|id| !keys[*id as usize].is_empty()).collect();
    let mut steps: Vec<Step<'_>> = ids
        .iter()
        .map(|id| {
            let table = id.table();
            let mut answer = table.key().to_vec();
            answer.push(integer("guarded"));
            answer.extend(table.end_column.map(integer));
            let rows = std::mem::take(&mut keys[*id as usize]);
            Step { sql: &statements.of(*id).guard, columns: table.key(), rows, answer }
        })
        .collect();
    steps.push(Step { sql: &statements.head, columns: &[], rows: Vec::new(), answer: HEAD_COLUMNS.to_vec() });
    let mut done = connection.carry_out(&steps).await?;
    let head = match done.pop().as_ref().and_then(|done| done.rows.first()).map(Vec::as_slice) {
        Some([Cell::Integer(head)]) => head.cast_unsigned(),
        _ => return Err(StorageError::because(StorageErrorKind::Corrupt, "the row of log_head is missing")),
    };
    let mut found: Found = std::array::from_fn(|_| HashMap::new());
    for (id, done) in ids.into_iter().zip(done) {
        for mut row in done.rows {
            let rest = row.split_off(id.table().key_columns);
            if let Some(Cell::Integer(guarded)) = rest.first() {
                let end = rest.get(1).and_then(as_integer);
                found[id as usize].insert(row, FoundRow { guarded: guarded.cast_unsigned(), end });
            }
        }
    }
    Ok((found, head))
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
    /// The rows to write, and the keys of rows to delete.
    fn sorted(&self) -> (Vec<&'u [Cell]>, Vec<&'u [Cell]>) {
        let (mut written, mut deleted) = (Vec::new(), Vec::new());
        for row in &self.rows {
            match row {
                Pending::Row(row) => written.push(*row),
                Pending::Deleted(key) => deleted.push(*key),
            }
        }
        (written, deleted)
    }

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
    /// What changes in the index of memory, in order.
    index: Vec<&'u IndexChange>,
}

fn judge(units: &[PreparedUnit], mut found: Found) -> Result<Judged<'_>, StorageError> {
    let mut judged = Judged {
        verdicts: Vec::with_capacity(units.len()),
        resource_events: Vec::with_capacity(units.len()),
        board: Board::default(),
        pending: std::array::from_fn(|_| PendingRows::default()),
        renewals: HashMap::new(),
        index: Vec::new(),
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
        judged.index.extend(&unit.index);
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
type Decided = (Option<Head>, Vec<resource::Step>);

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

/// Numbers the events of the units that are written, after `head`; those, and the answer to every
/// unit. What a unit tells comes before what its resources tell.
fn numbered<'e>(
    verdicts: Vec<Verdict>,
    events: &'e mut [Vec<Row>],
    of_resources: &'e mut [Vec<Row>],
    head: u64,
) -> (Vec<&'e [Cell]>, Answers) {
    let (mut seq, mut rows, mut answers) = (head, Vec::new(), Vec::with_capacity(verdicts.len()));
    for ((verdict, own), of_resources) in verdicts.into_iter().zip(events).zip(of_resources) {
        answers.push(verdict.map(|revs| {
            let first = seq + 1;
            for event in own.iter_mut().chain(of_resources) {
                seq += 1;
                event[0] = seq.into();
                rows.push(event.as_slice());
            }
            Committed { seqs: (seq >= first).then_some((first, seq)), revs }
        }));
    }
    (rows, answers)
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
    let mut script = Script::new(statements);
    script.table(TableId::Audit, rows.iter().map(Vec::as_slice).collect(), Vec::new());
    script.carry_out(connection).await?;
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
