//! Finding records by their words: the databases find and preselect, [`rank`] decides the order.

use std::collections::HashMap;

use super::documents::read_texts;
use super::error::{StorageError, StorageErrorKind};
use super::memories::{MemoryFilter, meant, within};
use super::memory_index::{push_run, push_word};
use super::open::Store;
use super::row::{Cell, RowReader};
use super::select::{Record, Select, Source};
use super::sql::Dialect;
use super::table::{Column, integer, text};
use crate::domain::id::{MemoryId, WorkspaceId};
use crate::domain::memory::near::{NEAR, Runs};
use crate::domain::memory::partition::ScopeKey;
use crate::domain::memory::rank::{self, Body, Counts, Ranked, Scored};
use crate::domain::memory::vector::Vector;
use crate::domain::memory::{MemoryRecord, Query, Scope, Tier};
use crate::domain::time::Timestamp;

/// Most records that one search ranks, those that the database holds best.
const CANDIDATES_MAX: u32 = 200;
/// Most bytes of text that one search ranks.
const CANDIDATES_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Texts of fewer bytes are ranked at once, more on a thread of their own (about a hundredth of a second).
const RANKED_AT_ONCE_BYTES: usize = 512 * 1024;
/// Most records that are compared with a new one.
const NEAR_MAX: u32 = 8;
/// From how many records of a scope on words that many of them have are not looked up, as long as
/// there are two that fewer have.
const PRUNE_FROM_RECORDS: u64 = 2_000;
/// Which share of a scope is many: one in this many.
const PRUNE_SHARE: u64 = 20;

/// What is searched for, and where.
#[derive(Debug, Clone, Copy)]
pub struct MemorySearch<'s> {
    /// Whose.
    pub workspace_id: &'s WorkspaceId,
    /// Where: what the caller may read. At most [`super::MEMORY_SCOPES_MAX`].
    pub scopes: &'s [Scope],
    /// What.
    pub query: &'s Query,
    /// What else, compared with the records' vectors.
    pub vector: Option<&'s Vector>,
    /// Which of them.
    pub filter: &'s MemoryFilter,
    /// Only records that may be used without being asked for.
    pub trusted_only: bool,
    /// The moment: what ended before is not found.
    pub now: Timestamp,
    /// At most so many.
    pub limit: usize,
    /// At most so many characters of text.
    pub max_chars: Option<usize>,
}

/// What one scope has.
struct ScopeCounts {
    scope: String,
    records: u64,
    words: u64,
}

const SCOPE_COUNT_COLUMNS: &[Column] = &[text("scope"), integer("records"), integer("words")];

impl Record for ScopeCounts {
    const SOURCE: Source = Source { from: "memory_scopes AS memories", parts: &[("memories", SCOPE_COUNT_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self { scope: row.text("scope")?, records: row.integer("records")?, words: row.integer("words")? })
    }
}

/// How many records have one of the terms that were asked about.
struct Having {
    /// Which term.
    place: u64,
    count: u64,
}

const HAVING_COLUMNS: &[Column] = &[integer("place"), integer("count")];

impl Record for Having {
    const SOURCE: Source = Source { from: "memories", parts: &[("counted", HAVING_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self { place: row.integer("place")?, count: row.integer("count")? })
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

/// What of a record decides about its place; the rest is read of those that have one.
struct Candidate {
    id: MemoryId,
    tier: Tier,
    scope: String,
    created_at: Timestamp,
    tags: Vec<String>,
    text: String,
}

const CANDIDATE_COLUMNS: &[Column] =
    &[text("id"), text("tier"), text("scope"), integer("created_at_ms"), text("tags"), text("text")];

impl Record for Candidate {
    const SOURCE: Source = Source { from: "memories", parts: &[("memories", CANDIDATE_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: MemoryId::new(row.text("id")?),
            tier: row.word("tier")?,
            scope: row.text("scope")?,
            created_at: row.moment("created_at_ms")?,
            tags: row.document("tags", read_texts)?,
            text: row.text("text")?,
        })
    }
}

/// A record's vector, as text.
struct VectorOf {
    memory_id: String,
    vector: String,
}

impl Record for VectorOf {
    const SOURCE: Source = Source {
        from: "memories JOIN memory_vectors ON memory_vectors.memory_id = memories.id",
        parts: &[("memory_vectors", &[text("memory_id"), text("vector")])],
    };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self { memory_id: row.text("memory_id")?, vector: row.text("vector")? })
    }
}

/// A scope that has records, and what it counts for a query.
struct Counted {
    key: ScopeKey,
    counts: Counts,
}

/// Where the words of a workspace are.
#[derive(Debug, Clone, Copy)]
enum Words {
    /// In this table of SQLite's.
    Sqlite(u64),
    /// In PostgreSQL's one table.
    Postgres,
}

impl Words {
    fn dialect(self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres => Dialect::Postgres,
        }
    }
}

impl Store {
    /// The records that fit best, best first, as [`rank`] says. With neither words nor a vector: the
    /// newest that the filter's tags mean, if it has any.
    ///
    /// *Limits*: of more than 200 records that have one of the words, or of texts over 4 MiB together,
    /// those are ranked that the database holds best; of vectors, the newest 10,000 are compared.
    pub async fn search_memories(&self, search: &MemorySearch<'_>) -> Result<Vec<Ranked>, StorageError> {
        let ranked = match search.vector {
            _ if search.query.is_empty() && search.vector.is_none() => self.tagged(search).await?,
            None => self.lexical(search).await?,
            Some(vector) => {
                let lexical = self.lexical(search).await?;
                let near = self.nearest(search, vector).await?;
                rank::fused(lexical, near)
            }
        };
        self.read_ranked(search, rank::within_budget(ranked, search.limit, search.max_chars)).await
    }

    /// The records that have their places; those that are gone since they were ranked are left out.
    async fn read_ranked(&self, search: &MemorySearch<'_>, scored: Vec<Scored>) -> Result<Vec<Ranked>, StorageError> {
        let mut records: HashMap<MemoryId, MemoryRecord> = HashMap::with_capacity(scored.len());
        for scored in scored.chunks(super::select::IDS_PER_STATEMENT) {
            let ids = scored.iter().map(|one| Cell::from(one.id.as_str()));
            let select = allowed(search, Select::<MemoryRecord>::all().only_in("memories.id", ids));
            records.extend(self.many(select).await?.into_iter().map(|record| (record.id.clone(), record)));
        }
        let ranked = scored.into_iter().filter_map(|one| {
            let record = records.remove(&one.id)?;
            Some(Ranked { record, score: one.score, is_relevant: one.is_relevant })
        });
        Ok(ranked.collect())
    }

    /// The living record of a scope that says nearly the same as `text`, if there is one; of several
    /// the most similar.
    pub async fn near_memory(
        &self,
        scope: &Scope,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<MemoryRecord>, StorageError> {
        let runs = Runs::of(text);
        let key = scope.key();
        let words = runs.sketch().map(|run| {
            let mut word = String::new();
            push_run(&mut word, &key, run);
            (word, false)
        });
        let workspace = &scope.partition.workspace_id;
        let Some(index) = self.words_of(workspace).await? else { return Ok(None) };
        let Some(condition) = any_of(words, index.dialect()) else { return Ok(None) };
        let scopes = std::slice::from_ref(scope);
        let filter = MemoryFilter::default();
        let candidates = candidates(index, condition.as_str(), NEAR_MAX, |select| {
            meant(within(select, workspace, scopes), &filter, now)
        });
        let found = self.many::<MemoryRecord>(candidates).await?;
        let similar = found.into_iter().map(|record| (runs.similarity(&Runs::of(&record.text)), record));
        let best = similar.filter(|(similarity, _)| *similarity >= NEAR).reduce(|best, other| {
            let is_better = other.0.total_cmp(&best.0).then_with(|| rank::newest_first(&best.1, &other.1)).is_gt();
            if is_better { other } else { best }
        });
        Ok(best.map(|(_, record)| record))
    }

    async fn tagged(&self, search: &MemorySearch<'_>) -> Result<Vec<Scored>, StorageError> {
        if search.filter.tags.is_empty() {
            return Ok(Vec::new());
        }
        let select = allowed(search, Select::all()).page("memories.created_at_ms DESC, memories.id", CANDIDATES_MAX);
        let found: Vec<MemoryRecord> = self.many(select).await?;
        Ok(rank::ordered(found.iter().map(|record| Scored::of(record, 1.0, true)).collect()))
    }

    async fn lexical(&self, search: &MemorySearch<'_>) -> Result<Vec<Scored>, StorageError> {
        let MemorySearch { workspace_id, query, now, .. } = *search;
        let Some(index) = self.words_of(workspace_id).await? else { return Ok(Vec::new()) };
        let counted = self.counted(search, index).await?;
        let conditions: Vec<String> =
            counted.iter().filter_map(|counted| condition_of(query, counted, index.dialect())).collect();
        if conditions.is_empty() {
            return Ok(Vec::new());
        }
        let or = if index.dialect() == Dialect::Sqlite { " OR " } else { " | " };
        let select = candidates(index, &conditions.join(or), CANDIDATES_MAX, |select| allowed(search, select));
        let found: Vec<Candidate> = self.many(select).await?;
        let bytes: usize = found.iter().map(|record| record.text.len()).sum();
        if bytes < RANKED_AT_ONCE_BYTES {
            return Ok(ranked(query, &counted, found, now));
        }
        let query = query.clone();
        aside(move || Ok(ranked(&query, &counted, found, now))).await
    }

    /// The records whose vectors point most nearly where the search's does, nearest first, with the
    /// cosine of the angle.
    async fn nearest(&self, search: &MemorySearch<'_>, vector: &Vector) -> Result<Vec<(Scored, f64)>, StorageError> {
        let select = allowed(search, Select::<VectorOf>::all())
            .only("memory_vectors.numbers = $", vector.len() as u64)
            .page("memories.created_at_ms DESC, memories.id", super::PAGE_MAX);
        let found: Vec<VectorOf> = self.many(select).await?;
        let vector = vector.clone();
        let near = aside(move || by_angle(&vector, found)).await?;
        let ids = near.iter().map(|(_, id)| Cell::from(id.as_str()));
        let select = allowed(search, Select::<MemoryRecord>::all()).only_in("memories.id", ids);
        let mut records: Vec<MemoryRecord> = if near.is_empty() { Vec::new() } else { self.many(select).await? };
        let mut nearest = Vec::with_capacity(near.len());
        for (cosine, id) in near {
            if let Some(at) = records.iter().position(|record| record.id.as_str() == id) {
                nearest.push((Scored::of(&records.swap_remove(at), cosine, true), cosine));
            }
        }
        Ok(nearest)
    }

    /// Where the words of a workspace are; nowhere before its first record.
    async fn words_of(&self, workspace: &WorkspaceId) -> Result<Option<Words>, StorageError> {
        if self.dialect() == Dialect::Postgres {
            return Ok(Some(Words::Postgres));
        }
        let select = Select::<TableNumber>::all().only("memory_indexes.workspace_id = $", workspace.as_str());
        Ok(self.one(select).await?.map(|number| Words::Sqlite(number.0)))
    }

    /// The scopes that have records, and what they count for the search's query.
    async fn counted(&self, search: &MemorySearch<'_>, index: Words) -> Result<Vec<Counted>, StorageError> {
        let select = Select::<ScopeCounts>::all().only("memories.workspace_id = $", search.workspace_id.as_str());
        let keys = search.scopes.iter().map(|scope| scope.key().as_str().into());
        let mut counts = self.many(select.only_in("memories.scope", keys)).await?;
        let mut counted: Vec<Counted> = Vec::new();
        for scope in search.scopes.iter().filter(|scope| scope.partition.workspace_id == *search.workspace_id) {
            let key = scope.key();
            if let Some(at) = counts.iter().position(|counts| counts.scope == key.as_str()) {
                let ScopeCounts { records, words, .. } = counts.swap_remove(at);
                counted.push(Counted { key, counts: Counts { records, words, having: Vec::new() } });
            }
        }
        for counted in &mut counted {
            counted.counts.having = self.having(search.query, &counted.key, index).await?;
        }
        Ok(counted)
    }

    /// How many records of a scope have each term of a query.
    async fn having(&self, query: &Query, scope: &ScopeKey, index: Words) -> Result<Vec<u64>, StorageError> {
        let mut select = Select::<Having>::written();
        let mut count = 0;
        for (place, (word, is_prefix)) in words_of_query(query, scope).enumerate() {
            count += 1;
            let word = one_word(&word, is_prefix, index.dialect());
            select = select
                .text(if place == 0 { "SELECT CAST(" } else { " UNION ALL SELECT CAST(" }, [])
                .number(place as u64);
            select = match index {
                Words::Sqlite(number) => select
                    .text(" AS BIGINT) AS place, COUNT(*) AS count FROM memory_fts_", [])
                    .number(number)
                    .text("($)", [word.as_str().into()]),
                Words::Postgres => select.text(
                    " AS BIGINT) AS place, COUNT(*) AS count FROM memory_terms WHERE terms @@ $::tsquery",
                    [word.as_str().into()],
                ),
            };
        }
        let mut having = vec![0; count];
        for found in self.many(select).await? {
            if let Some(having) = usize::try_from(found.place).ok().and_then(|place| having.get_mut(place)) {
                *having = found.count;
            }
        }
        Ok(having)
    }
}

/// Puts what was found in order.
fn ranked(query: &Query, counted: &[Counted], found: Vec<Candidate>, now: Timestamp) -> Vec<Scored> {
    // A scope that had nothing a moment ago: its first record is told from nothing.
    let none = Counts { records: 1, words: 1, having: Vec::new() };
    let scored = found.into_iter().filter_map(|one| {
        let of_scope = |counted: &&Counted| counted.key.as_str() == one.scope;
        let counts = counted.iter().find(of_scope).map_or(&none, |counted| &counted.counts);
        let body = Body { text: &one.text, tags: &one.tags, tier: one.tier, created_at: one.created_at };
        let (score, is_relevant) = rank::score(query, counts, body, now)?;
        let chars = one.text.chars().count();
        Some(Scored { id: one.id, created_at: one.created_at, chars, score, is_relevant })
    });
    rank::ordered(scored.collect())
}

/// The records whose vectors point most nearly where `vector` does, nearest first.
fn by_angle(vector: &Vector, found: Vec<VectorOf>) -> Result<Vec<(f64, String)>, StorageError> {
    let mut near = Vec::with_capacity(found.len());
    for VectorOf { memory_id, vector: text } in found {
        let other = Vector::from_text(&text)
            .ok_or_else(|| StorageError::because(StorageErrorKind::Corrupt, "a row of memory_vectors has no vector"))?;
        near.push((vector.cosine(&other), memory_id));
    }
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    near.truncate(CANDIDATES_MAX as usize);
    Ok(near)
}

/// Does what takes long on a thread that nobody else waits for.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| StorageError::new(StorageErrorKind::Other, panic))?
}

/// Only what a search may find.
fn allowed<R: Record>(search: &MemorySearch<'_>, select: Select<R>) -> Select<R> {
    let select = meant(within(select, search.workspace_id, search.scopes), search.filter, search.now);
    if search.trusted_only { select.only_if("memories.trust = 'trusted'") } else { select }
}

/// The records that fulfil a condition on words, and what `only` adds to it: those the database holds
/// best, and no more than can be ranked.
fn candidates<R: Record>(
    index: Words,
    condition: &str,
    limit: u32,
    only: impl FnOnce(Select<R>) -> Select<R>,
) -> Select<R> {
    let select = Select::all().text(
        " JOIN (SELECT no, SUM(bytes) OVER (ORDER BY fit, created_at_ms DESC, id ROWS UNBOUNDED PRECEDING) AS up_to \
         FROM (SELECT memories.no AS no, memories.bytes AS bytes, memories.created_at_ms AS created_at_ms, \
         memories.id AS id, ",
        [],
    );
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
    only(select)
        .page("fit, created_at_ms DESC, id", limit)
        .text(") AS found) AS best ON best.no = memories.no WHERE best.up_to <= $", [CANDIDATES_MAX_BYTES.into()])
}

/// The words of a query as a scope's index has them, in the order of [`Counts::having`]; whether each
/// is only the beginning of one.
fn words_of_query<'q>(query: &'q Query, scope: &'q ScopeKey) -> impl Iterator<Item = (String, bool)> {
    let words = query.words.iter().map(|word| (word, false));
    words.chain(query.prefixes.iter().map(|word| (word, true))).map(|(word, is_prefix)| {
        let mut text = String::new();
        push_word(&mut text, scope, word);
        (text, is_prefix)
    })
}

/// What a record of a scope has to have to be found; nothing when none has it.
fn condition_of(query: &Query, counted: &Counted, dialect: Dialect) -> Option<String> {
    if query.phrases.is_empty() {
        let looked_up = looked_up(&counted.counts);
        let words = words_of_query(query, &counted.key).zip(looked_up);
        return any_of(words.filter(|(_, is_looked_up)| *is_looked_up).map(|(word, _)| word), dialect);
    }
    let phrases = query.phrases.iter().map(|phrase| {
        let words = phrase.iter().map(|word| {
            let mut text = String::new();
            push_word(&mut text, &counted.key, word);
            text
        });
        let words: Vec<String> = words.collect();
        match dialect {
            Dialect::Sqlite => format!("body : \"{}\"", words.join(" ")),
            Dialect::Postgres => format!("'{}'", words.join("' <-> '")),
        }
    });
    let phrases: Vec<String> = phrases.map(|phrase| format!("({phrase})")).collect();
    Some(format!("({})", phrases.join(if dialect == Dialect::Sqlite { " AND " } else { " & " })))
}

/// Which terms of a query are looked up: those that any record has, but of a large scope not those that
/// many have, as long as there are others. Those still count where others lead to a record.
fn looked_up(counts: &Counts) -> Vec<bool> {
    let is_rare = |having: u64| having > 0 && having * PRUNE_SHARE <= counts.records;
    let mut rarest: Vec<u64> = counts.having.iter().copied().filter(|having| *having > 0).collect();
    rarest.sort_unstable();
    let second = rarest.get(1).copied().unwrap_or(u64::MAX);
    let is_small = counts.records < PRUNE_FROM_RECORDS;
    counts.having.iter().map(|having| *having > 0 && (is_small || is_rare(*having) || *having <= second)).collect()
}

/// A condition that any of the words fulfils; none without words.
fn any_of(words: impl Iterator<Item = (String, bool)>, dialect: Dialect) -> Option<String> {
    let words: Vec<String> = words.map(|(word, is_prefix)| one_word(&word, is_prefix, dialect)).collect();
    if words.is_empty() {
        return None;
    }
    Some(format!("({})", words.join(if dialect == Dialect::Sqlite { " OR " } else { " | " })))
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
    }
}
