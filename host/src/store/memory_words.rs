//! Asks the index of words: which records of a scope have which terms of a query, and which of all records
//! fulfil a condition on words.
//!
//! Of a scope that is not large every record with one of the terms is known by its number ([`Having::numbers`]), so
//! that nothing but the domain's ranking decides which come first. Of a large one the database counts, and
//! preselects by its own rank ([`candidates`]). Nothing here reads a text.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::documents::write_texts;
use super::error::{StorageError, StorageErrorKind};
use super::memory_index::push_word;
use super::open::Store;
use super::row::RowReader;
use super::select::{Record, Select, Source};
use super::sql::Dialect;
use super::table::{Column, integer, text};
use crate::domain::id::WorkspaceId;
use crate::domain::memory::partition::ScopeKey;
use crate::domain::memory::rank::Counts;
use crate::domain::memory::{Query, Scope};

/// From how many records on a scope is large.
const LARGE_FROM_RECORDS: u64 = 2_000;
/// Of a large scope words that one record in this many has are not looked up, as long as there are two
/// that fewer have.
const COMMON_SHARE: u64 = 20;
/// Numbers of tables that are kept; more of them are forgotten together and read again.
const INDEXES_MAX: usize = 10_000;
/// What stands for a scope's key in a term that is looked up in several; no word holds it.
const ANY_SCOPE: char = '#';

/// Where the words of a workspace are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Words {
    /// In this table of SQLite's.
    Sqlite(u64),
    /// In PostgreSQL's one table.
    Postgres,
}

impl Words {
    /// Which database has them.
    pub(super) fn dialect(self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres => Dialect::Postgres,
        }
    }
}

/// The numbers of workspaces' tables of words as they were read: once committed, none ever changes.
#[derive(Debug, Default)]
pub(super) struct Indexes(Mutex<HashMap<WorkspaceId, u64>>);

impl Indexes {
    fn get(&self, workspace: &WorkspaceId) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(workspace).copied()
    }

    fn add(&self, workspace: &WorkspaceId, number: u64) {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if numbers.len() >= INDEXES_MAX {
            numbers.clear();
        }
        numbers.insert(workspace.clone(), number);
    }
}

/// The number of a workspace's table of words.
struct TableNumber(u64);

impl Record for TableNumber {
    const SOURCE: Source = Source { from: "memory_indexes", parts: &[("memory_indexes", &[integer("no")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.integer("no")?))
    }
}

/// What one scope has of one term or phrase.
struct Having {
    scope: String,
    /// Which: the query's words, then its prefixes, then its phrases.
    place: u64,
    /// Records of the scope.
    records: u64,
    /// Words of all of them.
    words: u64,
    /// How many records have it, where they are not listed.
    count: u64,
    /// The records that have it.
    numbers: Vec<u64>,
}

const HAVING_COLUMNS: &[Column] =
    &[text("scope"), integer("place"), integer("records"), integer("words"), integer("count"), text("numbers")];

impl Record for Having {
    const SOURCE: Source = Source { from: "memory_scopes", parts: &[("having", HAVING_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let (scope, place) = (row.text("scope")?, row.integer("place")?);
        let (records, words, count) = (row.integer("records")?, row.integer("words")?, row.integer("count")?);
        let numbers = row.text_or_null("numbers")?;
        let numbers = numbers.as_deref().unwrap_or_default().split(',').filter(|number| !number.is_empty());
        let numbers: Result<Vec<u64>, _> = numbers.map(str::parse).collect();
        let numbers = numbers.map_err(|error| StorageError::new(StorageErrorKind::Corrupt, error))?;
        Ok(Self { scope, place, records, words, count, numbers })
    }
}

/// A scope that has records, and what it has of a query.
pub(super) struct Counted {
    pub(super) key: ScopeKey,
    pub(super) counts: Counts,
    /// The records that have each of the query's words, prefixes and phrases; of a large scope none.
    pub(super) numbers: Vec<Vec<u64>>,
}

impl Counted {
    fn new(key: ScopeKey, query: &Query) -> Self {
        let terms = query.words.len() + query.prefixes.len();
        let counts = Counts { records: 0, words: 0, having: vec![0; terms] };
        Self { key, counts, numbers: vec![Vec::new(); terms + query.phrases.len()] }
    }

    /// Whether its records are counted only.
    pub(super) fn is_large(&self) -> bool {
        self.counts.records >= LARGE_FROM_RECORDS
    }

    fn add(&mut self, having: Having) {
        self.counts.records = having.records;
        self.counts.words = having.words;
        let Ok(place) = usize::try_from(having.place) else { return };
        if let Some(count) = self.counts.having.get_mut(place) {
            *count = having.count + having.numbers.len() as u64;
        }
        if let Some(numbers) = self.numbers.get_mut(place) {
            *numbers = having.numbers;
        }
    }
}

impl Store {
    /// Where the words of a workspace are; nowhere before its first record.
    pub(super) async fn words_of(&self, workspace: &WorkspaceId) -> Result<Option<Words>, StorageError> {
        if self.dialect() == Dialect::Postgres {
            return Ok(Some(Words::Postgres));
        }
        if let Some(number) = self.indexes().get(workspace) {
            return Ok(Some(Words::Sqlite(number)));
        }
        let select = Select::<TableNumber>::all().only("memory_indexes.workspace_id = $", workspace.as_str());
        let Some(TableNumber(number)) = self.one(select).await? else { return Ok(None) };
        self.indexes().add(workspace, number);
        Ok(Some(Words::Sqlite(number)))
    }

    /// The scopes that have records, and what they have of a query.
    pub(super) async fn counted(
        &self,
        workspace: &WorkspaceId,
        scopes: &[Scope],
        query: &Query,
        index: Words,
    ) -> Result<Vec<Counted>, StorageError> {
        let keys: Vec<ScopeKey> =
            scopes.iter().filter(|scope| scope.partition.workspace_id == *workspace).map(Scope::key).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let terms = write_texts(&terms_of(query, index.dialect()));
        let select = having(index, &terms)
            .only("memory_scopes.workspace_id = $", workspace.as_str())
            .only_in("memory_scopes.scope", keys.iter().map(|key| key.as_str().into()));
        let mut counted: Vec<Counted> = keys.into_iter().map(|key| Counted::new(key, query)).collect();
        for having in self.many(select).await? {
            if let Some(counted) = counted.iter_mut().find(|counted| counted.key.as_str() == having.scope) {
                counted.add(having);
            }
        }
        counted.retain(|counted| counted.counts.records > 0);
        Ok(counted)
    }
}

/// What each scope has of each term: the numbers of a few records, or how many there are.
fn having(index: Words, terms: &str) -> Select<Having> {
    let sought = |select: Select<Having>, what: &'static str| match index {
        Words::Sqlite(number) => {
            let select = select.text("(SELECT ", []).text(what, []).text(" FROM memory_fts_", []).number(number);
            select.text("(replace(given.value, '#', memory_scopes.scope)))", [])
        }
        Words::Postgres => select.text("(SELECT ", []).text(what, []).text(
            " FROM memory_terms WHERE terms @@ CAST(replace(given.value, '#', memory_scopes.scope) AS tsquery))",
            [],
        ),
    };
    let is_sqlite = index.dialect() == Dialect::Sqlite;
    let select = Select::written()
        .text(
            if is_sqlite {
                "SELECT memory_scopes.scope, given.key"
            } else {
                "SELECT memory_scopes.scope, given.place - 1"
            },
            [],
        )
        .text(", memory_scopes.records, memory_scopes.words, CASE WHEN memory_scopes.records < ", [])
        .number(LARGE_FROM_RECORDS)
        .text(" THEN 0 ELSE ", []);
    let select =
        sought(select, "COUNT(*)").text(" END, CASE WHEN memory_scopes.records < ", []).number(LARGE_FROM_RECORDS);
    let numbers = if is_sqlite { "group_concat(rowid)" } else { "string_agg(CAST(no AS TEXT), ',')" };
    let select = sought(select.text(" THEN ", []), numbers);
    let given = if is_sqlite {
        " END FROM memory_scopes CROSS JOIN json_each($) AS given"
    } else {
        " END FROM memory_scopes CROSS JOIN jsonb_array_elements_text(CAST($ AS jsonb)) \
         WITH ORDINALITY AS given(value, place)"
    };
    select.text(given, [terms.into()])
}

/// The words, prefixes and phrases of a query as conditions, with [`ANY_SCOPE`] in place of a scope.
fn terms_of(query: &Query, dialect: Dialect) -> Vec<String> {
    let any = |word: &str| format!("{ANY_SCOPE}w{word}");
    let words = query.words.iter().map(|word| one_word(&any(word), false, dialect));
    let prefixes = query.prefixes.iter().map(|prefix| one_word(&any(prefix), true, dialect));
    let phrases = query.phrases.iter().map(|phrase| one_phrase(phrase.iter().map(|word| any(word)), dialect));
    words.chain(prefixes).chain(phrases).collect()
}

/// The records that fulfil a condition on words, and what `only` adds to it: those the database holds
/// best, and of those as many as have at most `bytes` of text together.
pub(super) fn candidates<R: Record>(
    index: Words,
    condition: &str,
    limit: u32,
    bytes: u64,
    only: impl FnOnce(Select<R>) -> Select<R>,
) -> Select<R> {
    let select = up_to("fit, ");
    let select = match index {
        Words::Sqlite(number) => select
            .text("words.rank AS fit FROM memory_fts_", [])
            .number(number)
            .text("($) AS words CROSS JOIN memories ON memories.no = words.rowid", [condition.into()]),
        Words::Postgres => select
            .text(
                "-ts_rank(words.terms, $::tsquery, 1) AS fit FROM memory_terms AS words \
                 JOIN memories ON memories.no = words.no",
                [condition.into()],
            )
            .only("words.terms @@ $::tsquery", condition),
    };
    of_bytes(only(select).page("fit, created_at_ms DESC, id", limit), bytes)
}

/// The records of these numbers that `only` admits: the newest, as many as have at most `bytes` of text
/// together.
pub(super) fn numbered<R: Record>(
    numbers: &[u64],
    bytes: u64,
    dialect: Dialect,
    only: impl FnOnce(Select<R>) -> Select<R>,
) -> Select<R> {
    let given = format!("[{}]", numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(","));
    let select = up_to("").text("0 AS fit FROM memories", []);
    let condition = match dialect {
        Dialect::Sqlite => "memories.no IN (SELECT value FROM json_each($))",
        Dialect::Postgres => {
            "memories.no IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST($ AS jsonb)))"
        }
    };
    of_bytes(only(select.only(condition, given.as_str())), bytes)
}

/// Every record, beside what it has of text together with those before it in this order; what they are
/// selected from follows.
fn up_to<R: Record>(order: &'static str) -> Select<R> {
    Select::all().text(" JOIN (SELECT no, SUM(bytes) OVER (ORDER BY ", []).text(order, []).text(
        "created_at_ms DESC, id ROWS UNBOUNDED PRECEDING) AS up_to FROM (SELECT memories.no AS no, \
             memories.bytes AS bytes, memories.created_at_ms AS created_at_ms, memories.id AS id, ",
        [],
    )
}

fn of_bytes<R: Record>(select: Select<R>, bytes: u64) -> Select<R> {
    select.text(") AS found) AS best ON best.no = memories.no WHERE best.up_to <= $", [bytes.into()])
}

/// What the records of large scopes have to have to be found; nothing when none has it.
pub(super) fn condition_of(query: &Query, counted: &[Counted], dialect: Dialect) -> Option<String> {
    let of_scopes = counted.iter().filter_map(|counted| {
        let words = |phrase: &[String]| phrase.iter().map(|word| in_scope(&counted.key, word)).collect::<Vec<_>>();
        if query.phrases.is_empty() {
            let terms = query.words.iter().map(|word| (word, false));
            let terms = terms.chain(query.prefixes.iter().map(|prefix| (prefix, true))).zip(looked_up(&counted.counts));
            let terms = terms.filter(|(_, is_looked_up)| *is_looked_up);
            return any_of(terms.map(|((word, is_prefix), _)| (in_scope(&counted.key, word), is_prefix)), dialect);
        }
        let phrases: Vec<String> = query
            .phrases
            .iter()
            .map(|phrase| format!("({})", one_phrase(words(phrase).into_iter(), dialect)))
            .collect();
        Some(format!("({})", phrases.join(if dialect == Dialect::Sqlite { " AND " } else { " & " })))
    });
    let of_scopes: Vec<String> = of_scopes.collect();
    (!of_scopes.is_empty()).then(|| of_scopes.join(or(dialect)))
}

fn in_scope(scope: &ScopeKey, word: &str) -> String {
    let mut text = String::with_capacity(word.len() + 24);
    push_word(&mut text, scope, word);
    text
}

/// Which terms of a query are looked up: those that any record has, but of a large scope not those that
/// many have, as long as there are others. Those still count where others lead to a record.
fn looked_up(counts: &Counts) -> Vec<bool> {
    let is_rare = |having: u64| having > 0 && having * COMMON_SHARE <= counts.records;
    let mut rarest: Vec<u64> = counts.having.iter().copied().filter(|having| *having > 0).collect();
    rarest.sort_unstable();
    let second = rarest.get(1).copied().unwrap_or(u64::MAX);
    let is_small = counts.records < LARGE_FROM_RECORDS;
    counts.having.iter().map(|having| *having > 0 && (is_small || is_rare(*having) || *having <= second)).collect()
}

/// A condition that any of the words fulfils; none without words.
pub(super) fn any_of(words: impl Iterator<Item = (String, bool)>, dialect: Dialect) -> Option<String> {
    let words: Vec<String> = words.map(|(word, is_prefix)| one_word(&word, is_prefix, dialect)).collect();
    (!words.is_empty()).then(|| format!("({})", words.join(or(dialect))))
}

fn or(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Sqlite { " OR " } else { " | " }
}

/// A word in a database's language for conditions. Words hold letters, digits and marks only, so that
/// the quotation marks are the only ones.
fn one_word(word: &str, is_prefix: bool, dialect: Dialect) -> String {
    match (dialect, is_prefix) {
        (Dialect::Sqlite, false) => format!("\"{word}\""),
        (Dialect::Sqlite, true) => format!("\"{word}\" *"),
        (Dialect::Postgres, false) => format!("'{word}'"),
        (Dialect::Postgres, true) => format!("'{word}':*"),
    }
}

/// Words that have to follow each other.
fn one_phrase(words: impl Iterator<Item = String>, dialect: Dialect) -> String {
    let words: Vec<String> = words.collect();
    match dialect {
        Dialect::Sqlite => format!("body : \"{}\"", words.join(" ")),
        Dialect::Postgres => format!("'{}'", words.join("' <-> '")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_large_scope_common_words_are_looked_up_only_when_nothing_else_is_asked_for() {
        let looked_up =
            |records: u64, having: &[u64]| looked_up(&Counts { records, words: 0, having: having.to_vec() });
        assert_eq!(looked_up(1_000, &[900, 1, 0]), [true, true, false], "a small one");
        assert_eq!(looked_up(10_000, &[9_000, 1, 500, 501, 0]), [false, true, true, false, false]);
        assert_eq!(looked_up(10_000, &[9_000, 1]), [true, true], "the two rarest always");
        assert_eq!(looked_up(10_000, &[9_000, 8_000, 7_000]), [false, true, true]);
        assert_eq!(looked_up(10_000, &[9_000]), [true]);
    }

    #[test]
    fn conditions_are_written_in_each_databases_language() {
        let words = || [("kwa".to_owned(), false), ("kwb".to_owned(), true)].into_iter();
        assert_eq!(any_of(words(), Dialect::Sqlite).unwrap(), "(\"kwa\" OR \"kwb\" *)");
        assert_eq!(any_of(words(), Dialect::Postgres).unwrap(), "('kwa' | 'kwb':*)");
        assert_eq!(any_of(std::iter::empty(), Dialect::Sqlite), None);
        let query = Query::parse("po* \"connection pool\"");
        let sqlite = ["\"#wconnection\"", "\"#wpool\"", "\"#wpo\" *", "body : \"#wconnection #wpool\""];
        assert_eq!(terms_of(&query, Dialect::Sqlite), sqlite);
        let postgres = ["'#wconnection'", "'#wpool'", "'#wpo':*", "'#wconnection' <-> '#wpool'"];
        assert_eq!(terms_of(&query, Dialect::Postgres), postgres);
    }
}
