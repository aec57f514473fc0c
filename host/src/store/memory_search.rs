//! Finding records by their words: the databases find and preselect, [`rank`] decides the order.

use std::collections::HashMap;

use super::documents::read_texts;
use super::error::{StorageError, StorageErrorKind};
use super::memories::{MemoryFilter, meant, named_within, within};
use super::memory_index::push_run;
use super::memory_words::{Counted, any_of, candidates, condition_of, numbered};
use super::open::Store;
use super::row::{Cell, RowReader};
use super::select::{Record, Select, Source};
use super::table::{Column, integer, text};
use crate::domain::id::{MemoryId, WorkspaceId};
use crate::domain::memory::near::{NEAR, Runs};
use crate::domain::memory::rank::{self, Body, Counts, Ranked, Scored};
use crate::domain::memory::vector::{Embedding, Vector};
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
/// Records that are ranked for each that is asked for, and at least: those first that have most of what was asked.
const RANKED_PER_RESULT: usize = 8;
const RANKED_MIN: usize = 64;
/// Most records that are looked at at once when few of those that have the words may be found.
const LOOKED_AT_ONCE_MAX: usize = 2_000;

/// What is searched for, and where.
#[derive(Debug, Clone, Copy)]
pub struct MemorySearch<'s> {
    /// Whose.
    pub workspace_id: &'s WorkspaceId,
    /// Where: what the caller may read. At most [`super::MEMORY_SCOPES_MAX`].
    pub scopes: &'s [Scope],
    /// What.
    pub query: &'s Query,
    /// What else, compared with the records' vectors of the same model.
    pub vector: Option<&'s Embedding>,
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

impl Store {
    /// The records that fit best, best first, as [`rank`] says. With neither words nor a vector: the
    /// newest that the filter's tags mean, if it has any.
    ///
    /// *Limits*: of the records that have one of the words those are ranked that have most of what was asked,
    /// eight for each that is wanted, 64 to 200 of them and the newest 4 MiB of their texts. Of scopes with 2,000
    /// records and more those are ranked that the database holds best. Of vectors, the newest 10,000 are compared.
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
            let select = allowed_of(search, Select::<MemoryRecord>::all().only_in("memories.id", ids));
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
        let candidates = candidates(index, &condition, NEAR_MAX, u64::MAX, |select| {
            meant(named_within(select, workspace, scopes), &filter, now)
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
        let MemorySearch { workspace_id, scopes, query, now, .. } = *search;
        let Some(index) = self.words_of(workspace_id).await? else { return Ok(Vec::new()) };
        let counted = self.counted(workspace_id, scopes, query, index).await?;
        let found = if counted.iter().any(Counted::is_large) {
            let Some(condition) = condition_of(query, &counted, index.dialect()) else { return Ok(Vec::new()) };
            let only = |select| allowed_of(search, select);
            self.many(candidates(index, &condition, CANDIDATES_MAX, CANDIDATES_MAX_BYTES, only)).await?
        } else {
            self.promising(search, &in_order_of_promise(query, &counted)).await?
        };
        let bytes: usize = found.iter().map(|record: &Candidate| record.text.len()).sum();
        if bytes < RANKED_AT_ONCE_BYTES {
            return Ok(ranked(query, &counted, found, now));
        }
        let query = query.clone();
        aside(move || Ok(ranked(&query, &counted, found, now))).await
    }

    /// Candidates of these numbers: of the first as many as are ranked, and of the others only when too few
    /// of those may be found.
    async fn promising(&self, search: &MemorySearch<'_>, numbers: &[u64]) -> Result<Vec<Candidate>, StorageError> {
        let is_simple = search.max_chars.is_none();
        let ranked = if is_simple { (search.limit * RANKED_PER_RESULT).max(RANKED_MIN) } else { usize::MAX };
        let mut at_once = ranked.min(CANDIDATES_MAX as usize);
        let (mut found, mut left) = (Vec::new(), numbers);
        while found.len() < search.limit && !left.is_empty() {
            let (some, others) = left.split_at(at_once.min(left.len()));
            let only = |select| allowed_of(search, select);
            let select: Select<Candidate> = numbered(some, CANDIDATES_MAX_BYTES, self.dialect(), only);
            found.extend(self.many(select).await?);
            (left, at_once) = (others, (at_once * 4).min(LOOKED_AT_ONCE_MAX));
        }
        Ok(found)
    }

    /// The records whose vectors point most nearly where the search's does, nearest first, with the
    /// cosine of the angle.
    async fn nearest(
        &self,
        search: &MemorySearch<'_>,
        Embedding { model, vector }: &Embedding,
    ) -> Result<Vec<(Scored, f64)>, StorageError> {
        let select = allowed(search, Select::<VectorOf>::all())
            .only("memory_vectors.model = $", model.as_str())
            .only("memory_vectors.numbers = $", vector.len() as u64)
            .page("memories.created_at_ms DESC, memories.id", super::PAGE_MAX);
        let found: Vec<VectorOf> = self.many(select).await?;
        let vector = vector.clone();
        let near = aside(move || by_angle(&vector, found)).await?;
        let ids = near.iter().map(|(_, id)| Cell::from(id.as_str()));
        let select = allowed_of(search, Select::<MemoryRecord>::all().only_in("memories.id", ids));
        let mut records: Vec<MemoryRecord> = if near.is_empty() { Vec::new() } else { self.many(select).await? };
        let mut nearest = Vec::with_capacity(near.len());
        for (cosine, id) in near {
            if let Some(at) = records.iter().position(|record| record.id.as_str() == id) {
                nearest.push((Scored::of(&records.swap_remove(at), cosine, true), cosine));
            }
        }
        Ok(nearest)
    }
}

/// The records that have any of the terms and all phrases: those first that have most of the query's
/// weight, and of equals the newest.
fn in_order_of_promise(query: &Query, counted: &[Counted]) -> Vec<u64> {
    let mut promising: Vec<(f64, u64)> = Vec::new();
    for Counted { counts, numbers, .. } in counted {
        let weights = rank::weights(counts);
        let each = |(place, numbers): (usize, &Vec<u64>)| numbers.iter().map(move |number| (*number, place)).collect();
        let mut having: Vec<(u64, usize)> =
            numbers.iter().enumerate().flat_map(|one| -> Vec<_> { each(one) }).collect();
        // In the order of the terms too, so that sums are the same to the last digit.
        having.sort_unstable();
        promising.extend(having.chunk_by(|one, other| one.0 == other.0).filter_map(|having| {
            let places = having.iter().map(|(_, place)| *place);
            let phrases = places.clone().filter(|place| *place >= weights.len()).count();
            let promise = places.filter_map(|place| weights.get(place)).sum();
            (phrases == query.phrases.len()).then_some((promise, having[0].0))
        }));
    }
    promising.sort_unstable_by(|one, other| other.0.total_cmp(&one.0).then_with(|| other.1.cmp(&one.1)));
    promising.into_iter().map(|(_, number)| number).collect()
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
    trusted(search, meant(within(select, search.workspace_id, search.scopes), search.filter, search.now))
}

/// Only what a search may find, of records that are named one by one.
fn allowed_of<R: Record>(search: &MemorySearch<'_>, select: Select<R>) -> Select<R> {
    trusted(search, meant(named_within(select, search.workspace_id, search.scopes), search.filter, search.now))
}

fn trusted<R: Record>(search: &MemorySearch<'_>, select: Select<R>) -> Select<R> {
    if search.trusted_only { select.only_if("memories.trust = 'trusted'") } else { select }
}

#[cfg(test)]
mod tests {
    use super::super::open::Location;
    use super::super::sql::Dialect;
    use super::*;
    use crate::domain::memory::{Partition, Tier, partition::DEFAULT};

    /// SQLite would go through the index of the workspace for a handful of named records: of a million others, that
    /// took fifty times as long as the search.
    #[tokio::test]
    async fn records_that_are_named_are_looked_up_one_by_one() {
        let directory = std::env::temp_dir().join(format!("sluice-memory-plan-{}", std::process::id()));
        let store = Store::open(&Location::Sqlite { directory: directory.clone() }).await.unwrap();
        let workspace = WorkspaceId::new("ws");
        let place = Partition::new(DEFAULT, &workspace, Some("p"), Tier::Project, None).unwrap();
        let scopes = Scope::seen_by(&place, "user.ada");
        let (query, filter) = (Query::parse("pool timeout"), MemoryFilter::default());
        let search = MemorySearch {
            workspace_id: &workspace,
            scopes: &scopes,
            query: &query,
            vector: None,
            filter: &filter,
            trusted_only: false,
            now: Timestamp(1),
            limit: 8,
            max_chars: None,
        };
        let only = |select| allowed_of(&search, select);
        let numbered: Select<Candidate> = numbered(&[1, 2, 3], 1_000, Dialect::Sqlite, only);
        let ids = ["mem_1", "mem_2", "mem_3"].map(Cell::from);
        let named = allowed_of(&search, Select::<MemoryRecord>::all().only_in("memories.id", ids));
        for (plan, index) in [
            (store.plan(numbered).await, "INTEGER PRIMARY KEY (rowid=?)"),
            (store.plan(named).await, "sqlite_autoindex_memories_1 (id=?)"),
        ] {
            let of_records: Vec<&String> = plan.iter().filter(|step| step.contains(" memories")).collect();
            assert!(!of_records.is_empty() && of_records.iter().all(|step| step.contains(index)), "{plan:#?}");
        }
        store.close().await;
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
