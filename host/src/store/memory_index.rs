//! The index of words: what a batch changes in it, in the transaction of the records themselves.
//!
//! Each word of a record is indexed with its scope's key before it, so that a search reads the
//! entries of the scopes it may and no others, and a scope's counts are its own. On SQLite each
//! workspace has an FTS5 table, made with its first record; on PostgreSQL there is a `tsvector` for
//! each record. Neither reads text: both are given the terms of [`crate::domain::memory::terms`].

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::database::{Connection, Step};
use super::error::{StorageError, StorageErrorKind};
use super::row::{Cell, Row};
use super::sql::{Dialect, Sql, given};
use super::table::{Column, integer, text};
use crate::domain::memory::near::Runs;
use crate::domain::memory::partition::ScopeKey;
use crate::domain::memory::terms::{Place, each_term};
use crate::domain::memory::{MemoryRecord, Partition, Scope};

/// Most places of one word in a `tsvector` (the PostgreSQL manual, 'Text Search Limitations').
const PLACES_MAX: usize = 255;

/// What one write of a record changes in the index.
#[derive(Debug, Clone)]
pub(super) struct IndexChange {
    /// The record's id, alone.
    id: Row,
    workspace_id: Cell,
    /// Its words: id, body and rest on SQLite; id and terms on PostgreSQL. None when it leaves the index.
    words: Option<Row>,
    /// The scope's fields, as in [`SCOPE_COLUMNS`] without the counts.
    scope: Row,
    /// What the scope has more or less: records, words.
    more: (i64, i64),
}

const ID_COLUMNS: &[Column] = &[text("id")];
const SQLITE_COLUMNS: &[Column] = &[text("id"), text("body"), text("rest")];
const POSTGRES_COLUMNS: &[Column] = &[text("id"), text("terms")];
const SCOPE_COLUMNS: &[Column] = &[
    text("workspace_id"),
    text("scope"),
    text("org"),
    text("project_id"),
    text("tier"),
    text("session_id"),
    text("owner"),
    integer("records"),
    integer("words"),
];

/// What becomes of a record in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It comes to be.
    New,
    /// It is there, with other tags perhaps.
    Same,
    /// It leaves.
    Gone,
}

impl IndexChange {
    /// What a write of `record`, which is in its scope before or afterwards, changes.
    pub(super) fn of(record: &MemoryRecord, fate: Fate, dialect: Dialect) -> Self {
        let scope = record.scope();
        let (words, count) = indexed(record, &scope.key(), dialect);
        let more = match fate {
            Fate::New => (1, count),
            Fate::Same => (0, 0),
            Fate::Gone => (-1, -count),
        };
        Self {
            id: vec![record.id.as_str().into()],
            workspace_id: record.workspace_id().as_str().into(),
            words: (fate != Fate::Gone).then_some(words),
            scope: scope_row(&scope),
            more,
        }
    }
}

impl IndexChange {
    /// The rows it carries.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.words.iter().chain([&self.scope])
    }
}

fn scope_row(scope: &Scope) -> Row {
    let Partition { org, workspace_id, project_id, tier, session_id } = &scope.partition;
    vec![
        workspace_id.as_str().into(),
        scope.key().as_str().into(),
        org.as_str().into(),
        project_id.as_str().into(),
        tier.as_str().into(),
        session_id.as_deref().unwrap_or_default().into(),
        scope.owner.as_deref().unwrap_or_default().into(),
    ]
}

/// A word as it stands in the index: the scope's key, what it is, the word.
pub(super) fn push_word(words: &mut String, scope: &ScopeKey, word: &str) {
    words.push_str(scope.as_str());
    words.push('w');
    words.push_str(word);
}

/// One of the numbers a near text is found by, as it stands in the index.
pub(super) fn push_run(words: &mut String, scope: &ScopeKey, run: u64) {
    // A String takes every write.
    let _ = write!(words, "{}r{run:x}", scope.as_str());
}

/// A record's words as the index has them, and how many words its text has.
fn indexed(record: &MemoryRecord, scope: &ScopeKey, dialect: Dialect) -> (Row, i64) {
    let (mut body, mut rest) = (Vec::new(), Vec::new());
    each_term(&record.text, |place, term| match place {
        Place::Word => body.push(word(scope, term)),
        Place::Whole => rest.push(word(scope, term)),
    });
    for tag in &record.tags {
        each_term(tag, |_, term| rest.push(word(scope, term)));
    }
    rest.extend(Runs::of(&record.text).sketch().map(|run| {
        let mut text = String::new();
        push_run(&mut text, scope, run);
        text
    }));
    let count = i64::try_from(body.len()).unwrap_or(i64::MAX);
    let id = Cell::from(record.id.as_str());
    let words = match dialect {
        Dialect::Sqlite => vec![id, body.join(" ").as_str().into(), rest.join(" ").as_str().into()],
        Dialect::Postgres => vec![id, tsvector(&body, &rest).as_str().into()],
    };
    (words, count)
}

fn word(scope: &ScopeKey, term: &str) -> String {
    let mut text = String::with_capacity(scope.as_str().len() + 1 + term.len());
    push_word(&mut text, scope, term);
    text
}

/// A `tsvector` as text. Words hold letters, digits and marks only, so that nothing has to be escaped.
fn tsvector(body: &[String], rest: &[String]) -> String {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, word) in body.iter().enumerate() {
        places.entry(word).or_default().push(place + 1);
    }
    for word in rest {
        places.entry(word).or_default();
    }
    let mut text = String::new();
    for (word, places) in places {
        // A String takes every write.
        let _ = write!(text, "'{word}'");
        for (index, place) in places.iter().take(PLACES_MAX).enumerate() {
            let _ = write!(text, "{}{place}", if index == 0 { ':' } else { ',' });
        }
        text.push(' ');
    }
    text
}

/// One set-based statement of the plan.
pub(super) struct PlannedStep {
    pub(super) sql: Sql,
    pub(super) columns: &'static [Column],
    rows: Vec<Row>,
}

impl PlannedStep {
    /// The rows it is for.
    pub(super) fn rows(&self) -> Vec<&[Cell]> {
        self.rows.iter().map(Vec::as_slice).collect()
    }
}

/// What a batch changes in the index and in the scopes' counts.
#[derive(Default)]
pub(super) struct Plan {
    /// Before the records are written: what is indexed of them goes.
    pub(super) before: Vec<PlannedStep>,
    /// Afterwards: what is to be indexed comes, and what scopes have is counted.
    pub(super) after: Vec<PlannedStep>,
}

impl Plan {
    /// Plans `changes`, in their order; makes the workspaces' tables that are missing.
    pub(super) async fn of(changes: &[&IndexChange], connection: &mut Connection) -> Result<Self, StorageError> {
        let mut plan = Self::default();
        if changes.is_empty() {
            return Ok(plan);
        }
        let dialect = connection.dialect();
        let mut by_workspace: BTreeMap<&Cell, Vec<&IndexChange>> = BTreeMap::new();
        for change in changes {
            // PostgreSQL has one table for all.
            let table = if dialect == Dialect::Sqlite { &change.workspace_id } else { &Cell::Null };
            by_workspace.entry(table).or_default().push(change);
        }
        for (workspace, changes) in by_workspace {
            let [delete, insert] = match dialect {
                Dialect::Sqlite => sqlite_statements(table_of(connection, workspace).await?),
                Dialect::Postgres => postgres_statements(),
            };
            let ids: BTreeMap<&Row, Option<&Row>> = changes.iter().map(|one| (&one.id, one.words.as_ref())).collect();
            let words = ids.values().copied().flatten().cloned().collect();
            let columns = if dialect == Dialect::Sqlite { SQLITE_COLUMNS } else { POSTGRES_COLUMNS };
            let ids = ids.into_keys().cloned().collect();
            plan.before.push(PlannedStep { sql: delete, columns: ID_COLUMNS, rows: ids });
            plan.after.push(PlannedStep { sql: insert, columns, rows: words });
        }
        plan.count(changes, dialect);
        Ok(plan)
    }

    /// Counts what scopes have afterwards.
    fn count(&mut self, changes: &[&IndexChange], dialect: Dialect) {
        let mut more: HashMap<&Row, (i64, i64)> = HashMap::new();
        for change in changes {
            let (records, words) = more.entry(&change.scope).or_default();
            *records += change.more.0;
            *words += change.more.1;
        }
        let mut rows: Vec<Row> = more
            .into_iter()
            .filter(|(_, more)| *more != (0, 0))
            .map(|(scope, (records, words))| {
                let mut row = scope.clone();
                row.extend([Cell::Integer(records), Cell::Integer(words)]);
                row
            })
            .collect();
        rows.sort_unstable();
        let keys = rows.iter().map(|row| row[..2].to_vec()).collect();
        let [count, empty] = scope_statements(dialect);
        self.after.push(PlannedStep { sql: count, columns: SCOPE_COLUMNS, rows });
        self.after.push(PlannedStep { sql: empty, columns: &SCOPE_COLUMNS[..2], rows: keys });
    }
}

/// The number of a workspace's FTS5 table, which is made if it is missing: in the transaction of the
/// first record, so that neither is ever there without the other.
async fn table_of(connection: &mut Connection, workspace: &Cell) -> Result<i64, StorageError> {
    const FIND: &str = "SELECT no FROM memory_indexes WHERE workspace_id = $1";
    let number = |rows: Vec<Row>| match rows.first().and_then(|row| row.first()) {
        Some(Cell::Integer(number)) => Some(*number),
        _ => None,
    };
    let arguments = std::slice::from_ref(workspace);
    if let Some(number) = number(connection.rows(FIND, arguments, &[integer("no")]).await?) {
        return Ok(number);
    }
    connection.execute("INSERT INTO memory_indexes (workspace_id) VALUES ($1)", arguments).await?;
    let number = number(connection.rows(FIND, arguments, &[integer("no")]).await?)
        .ok_or_else(|| StorageError::because(StorageErrorKind::Corrupt, "a row of memory_indexes is missing"))?;
    // The words come ready: bytes that are no ASCII letters or digits never stand between them.
    let create: Sql = format!(
        "CREATE VIRTUAL TABLE memory_fts_{number} USING fts5(body, rest, content = '', contentless_delete = 1, \
         tokenize = 'ascii')"
    )
    .into();
    connection.carry_out(&[Step { sql: &create, columns: &[], rows: Vec::new(), answer: Vec::new() }]).await?;
    Ok(number)
}

/// The statements that delete and insert words, for one workspace's table.
fn sqlite_statements(number: i64) -> [Sql; 2] {
    let delete = format!(
        "DELETE FROM memory_fts_{number} WHERE rowid IN (SELECT memories.no FROM {} CROSS JOIN memories \
         WHERE memories.id = given.id)",
        given(Dialect::Sqlite, ID_COLUMNS)
    );
    let insert = format!(
        "INSERT INTO memory_fts_{number} (rowid, body, rest) SELECT memories.no, given.body, given.rest \
         FROM {} CROSS JOIN memories WHERE memories.id = given.id",
        given(Dialect::Sqlite, SQLITE_COLUMNS)
    );
    [delete.into(), insert.into()]
}

fn postgres_statements() -> [Sql; 2] {
    let delete = format!(
        "DELETE FROM memory_terms WHERE no IN (SELECT memories.no FROM {} JOIN memories ON memories.id = given.id)",
        given(Dialect::Postgres, ID_COLUMNS)
    );
    let insert = format!(
        "INSERT INTO memory_terms (no, terms) SELECT memories.no, given.terms::tsvector FROM {} \
         JOIN memories ON memories.id = given.id",
        given(Dialect::Postgres, POSTGRES_COLUMNS)
    );
    [delete.into(), insert.into()]
}

/// The statements that count what scopes have, and forget those that have nothing.
fn scope_statements(dialect: Dialect) -> [Sql; 2] {
    let columns = "workspace_id, scope, org, project_id, tier, session_id, owner, records, words";
    // Words may come to be read in another way than when they were counted: never fewer than none.
    let count = format!(
        "INSERT INTO memory_scopes ({columns}) SELECT {columns} FROM {} WHERE TRUE ON CONFLICT (workspace_id, scope) \
         DO UPDATE SET records = memory_scopes.records + excluded.records, words = CASE WHEN \
         memory_scopes.words + excluded.words < 0 THEN 0 ELSE memory_scopes.words + excluded.words END",
        given(dialect, SCOPE_COLUMNS)
    );
    let empty = format!(
        "DELETE FROM memory_scopes WHERE records = 0 AND (workspace_id, scope) IN (SELECT workspace_id, scope FROM {})",
        given(dialect, &SCOPE_COLUMNS[..2])
    );
    [count.into(), empty.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tsvector_has_each_word_once_with_its_places() {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(tsvector(&owned(&["kwb", "kwa", "kwb"]), &owned(&["kwc", "kwa"])), "'kwa':2 'kwb':1,3 'kwc' ");
        let many = vec!["x".to_owned(); 300];
        assert_eq!(tsvector(&many, &[]).matches(',').count(), PLACES_MAX - 1);
    }
}
