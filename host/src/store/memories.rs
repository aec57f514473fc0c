//! Records of memory: rows, the content that makes two of them one, and reads by id, content and list.
//!
//! Where a record lies is compared column by column in every statement, with the scopes the caller
//! may read; nothing is filtered afterwards. Finding records by their words is [`super::memory_search`]'s,
//! keeping their index [`super::memory_index`]'s.

use sha2::{Digest as _, Sha256};

use super::documents::{read_counted, read_texts, write_counted, write_texts};
use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Column, Life, Table, integer, text};
use crate::domain::artifact::Digest;
use crate::domain::id::{ApprovalId, MemoryId, RunId, WorkspaceId};
use crate::domain::memory::partition::ScopeKey;
use crate::domain::memory::vector::Embedding;
use crate::domain::memory::{MemoryKind, MemoryRecord, Partition, Scope, Scrubbed, Tier, Visibility};
use crate::domain::time::Timestamp;

pub(super) static MEMORIES: Table = Table {
    name: "memories",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("org"),
        text("project_id"),
        text("tier"),
        text("session_id"),
        text("owner"),
        text("visibility"),
        text("scope"),
        text("kind"),
        text("trust"),
        integer("created_at_ms"),
        integer("updated_at_ms"),
        integer("expires_at_ms"),
        integer("revision"),
        integer("bytes"),
        text("tags"),
        text("classification"),
        text("metadata"),
        text("source"),
        text("source_type"),
        text("run_id"),
        text("tool"),
        text("content_digest"),
        text("origin"),
        text("scrub_status"),
        text("scrub_counts"),
        text("scrubber"),
        text("approval_id"),
        text("text"),
    ],
};

pub(super) static MEMORY_CONTENTS: Table = Table {
    name: "memory_contents",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: None,
    end_column: None,
    columns: &[text("key"), text("workspace_id"), text("memory_id")],
};

pub(super) static MEMORY_VECTORS: Table = Table {
    name: "memory_vectors",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: None,
    end_column: None,
    columns: &[text("memory_id"), text("workspace_id"), integer("numbers"), text("vector"), text("model")],
};

/// The row of a record.
pub(super) fn row(record: &MemoryRecord) -> Result<Row, StorageError> {
    let Partition { org, workspace_id, project_id, tier, session_id } = &record.partition;
    // What is demoted lies in no scope.
    let scope = (record.visibility != Visibility::Demoted).then(|| record.scope().key());
    let mut row = RowWriter::new(&MEMORIES);
    row.text("id", record.id.as_str())
        .text("workspace_id", workspace_id.as_str())
        .text("org", org)
        .text("project_id", project_id)
        .text("tier", tier.as_str())
        .text("session_id", session_id.as_deref().unwrap_or_default())
        .text("owner", &record.owner)
        .text("visibility", record.visibility.as_str())
        .text("scope", scope.as_ref().map_or("", ScopeKey::as_str))
        .text("kind", record.kind.as_str())
        .text("trust", record.trust.as_str())
        .moment("created_at_ms", record.created_at)
        .moment("updated_at_ms", record.updated_at)
        .moment_or_null("expires_at_ms", record.expires_at)
        .integer("revision", record.revision)
        .integer("bytes", record.text.len() as u64)
        .text("tags", &write_texts(&record.tags))
        .text("classification", &record.classification)
        .text("metadata", record.metadata.as_str())
        .text_or_null("source", record.source.as_deref())
        .text("source_type", record.source_type.as_str())
        .text_or_null("run_id", record.run_id.as_ref().map(RunId::as_str))
        .text_or_null("tool", record.tool.as_deref())
        .text("content_digest", record.content_digest.as_str())
        .text_or_null("origin", record.origin.as_ref().map(MemoryId::as_str))
        .text("scrub_status", record.scrub.status.as_str())
        .text("scrub_counts", &write_counted(&record.scrub.counts))
        .text("scrubber", record.scrub.scrubber.as_str())
        .text_or_null("approval_id", record.approval_id.as_ref().map(ApprovalId::as_str))
        .text("text", &record.text);
    row.finish()
}

/// What a guard looks a content up by.
pub(super) fn content_key(scope: &Scope, content: &Digest) -> Vec<Cell> {
    let mut hash = Sha256::new();
    scope.feed(&mut hash);
    hash.update(content.as_str());
    vec![Digest::from_hash(hash).as_str().into()]
}

/// The row that says which record of its scope has its content.
pub(super) fn content_row(record: &MemoryRecord) -> Row {
    let mut row = content_key(&record.scope(), &record.content_digest);
    row.extend([record.workspace_id().as_str().into(), record.id.as_str().into()]);
    row
}

/// The row of a record's vector.
pub(super) fn vector_row(
    id: &MemoryId,
    workspace_id: &WorkspaceId,
    Embedding { model, vector }: &Embedding,
) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&MEMORY_VECTORS);
    row.text("memory_id", id.as_str())
        .text("workspace_id", workspace_id.as_str())
        .integer("numbers", vector.len() as u64)
        .text("vector", &vector.to_text())
        .text("model", model);
    row.finish()
}

impl Record for MemoryRecord {
    const SOURCE: Source = Source { from: "memories", parts: &[("memories", MEMORIES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let id = MemoryId::new(row.text("id")?);
        let partition = Partition {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            org: row.text("org")?,
            project_id: row.text("project_id")?,
            tier: row.word("tier")?,
            session_id: Some(row.text("session_id")?).filter(|session| !session.is_empty()),
        };
        let (owner, visibility) = (row.text("owner")?, row.word("visibility")?);
        row.text("scope")?;
        let (kind, trust) = (row.word("kind")?, row.word("trust")?);
        let (created_at, updated_at) = (row.moment("created_at_ms")?, row.moment("updated_at_ms")?);
        let (expires_at, revision) = (row.moment_or_null("expires_at_ms")?, row.integer("revision")?);
        row.integer("bytes")?;
        Ok(Self {
            id,
            partition,
            owner,
            visibility,
            kind,
            trust,
            created_at,
            updated_at,
            expires_at,
            revision,
            tags: row.document("tags", read_texts)?,
            classification: row.text("classification")?,
            metadata: row.json("metadata")?,
            source: row.text_or_null("source")?,
            source_type: row.word("source_type")?,
            run_id: row.text_or_null("run_id")?.map(RunId::new),
            tool: row.text_or_null("tool")?,
            content_digest: row.digest("content_digest")?,
            origin: row.text_or_null("origin")?.map(MemoryId::new),
            scrub: Scrubbed {
                status: row.word("scrub_status")?,
                counts: row.document("scrub_counts", read_counted)?,
                scrubber: row.digest("scrubber")?,
            },
            approval_id: row.text_or_null("approval_id")?.map(ApprovalId::new),
            text: row.text("text")?,
        })
    }
}

/// When the next record ends.
struct NextEnd(Timestamp);

impl Record for NextEnd {
    const SOURCE: Source = Source { from: "memories", parts: &[("memories", &[integer("expires_at_ms")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.moment("expires_at_ms")?))
    }
}

/// How many records there are.
struct Count(u64);

const COUNT_COLUMNS: &[Column] = &[integer("count")];

impl Record for Count {
    const SOURCE: Source =
        Source { from: "(SELECT COUNT(*) AS count FROM memories", parts: &[("counted", COUNT_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.integer("count")?))
    }
}

/// Which records of those that may be read are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryFilter {
    /// Only this principal's.
    pub owner: Option<String>,
    /// Only of these kinds; without any, of every kind.
    pub kinds: Vec<MemoryKind>,
    /// Only with every one of these tags.
    pub tags: Vec<String>,
}

/// Most scopes that one read may name.
pub const MEMORY_SCOPES_MAX: usize = 64;

/// Only records that lie in one of `scopes`, every field compared.
pub(super) fn within<R: Record>(select: Select<R>, workspace: &WorkspaceId, scopes: &[Scope]) -> Select<R> {
    of_scopes(select.only("memories.workspace_id = $", workspace.as_str()), workspace, scopes)
}

/// The same of records that are named one by one: their workspace is compared in a way that no index serves, since
/// SQLite would rather go through the whole workspace than look a few of them up.
pub(super) fn named_within<R: Record>(select: Select<R>, workspace: &WorkspaceId, scopes: &[Scope]) -> Select<R> {
    of_scopes(select.only("memories.workspace_id || '' = $", workspace.as_str()), workspace, scopes)
}

fn of_scopes<R: Record>(select: Select<R>, workspace: &WorkspaceId, scopes: &[Scope]) -> Select<R> {
    let values = scopes.iter().take(MEMORY_SCOPES_MAX).filter(|scope| scope.partition.workspace_id == *workspace);
    select.only_any(
        "(memories.scope = $ AND memories.org = $ AND memories.project_id = $ AND memories.tier = $ \
         AND memories.session_id = $ AND memories.visibility = $ AND (memories.visibility = 'shared' \
         OR memories.owner = $))",
        values.map(scope_cells),
    )
}

/// What a scope is compared by: its key and its fields.
fn scope_cells(scope: &Scope) -> [Cell; 7] {
    let Partition { org, project_id, tier, session_id, .. } = &scope.partition;
    let visibility = if scope.owner.is_some() { Visibility::Private } else { Visibility::Shared };
    [
        scope.key().as_str().into(),
        org.as_str().into(),
        project_id.as_str().into(),
        tier.as_str().into(),
        session_id.as_deref().unwrap_or_default().into(),
        visibility.as_str().into(),
        scope.owner.as_deref().unwrap_or_default().into(),
    ]
}

/// Only records that can be found at `now`, and that `filter` means.
pub(super) fn meant<R: Record>(select: Select<R>, filter: &MemoryFilter, now: Timestamp) -> Select<R> {
    let mut select = select
        .only_if("memories.visibility <> 'demoted'")
        .only("(memories.expires_at_ms IS NULL OR memories.expires_at_ms > $)", now)
        .only_some("memories.owner = $", filter.owner.as_deref());
    if !filter.kinds.is_empty() {
        select = select.only_in("memories.kind", filter.kinds.iter().map(|kind| kind.as_str().into()));
    }
    for tag in &filter.tags {
        // In JSON as the store writes it a quotation mark after a comma begins an element: within one it
        // follows a backslash. No LIKE, whose wildcards a tag may hold.
        let json = write_texts(std::slice::from_ref(tag)).replacen('[', ",", 1);
        let element = json.trim_end_matches(']');
        select =
            select.only("replace(',' || substr(memories.tags, 2), $, '') <> ',' || substr(memories.tags, 2)", element);
    }
    select
}

impl Store {
    /// A record of these scopes that can be found at `now`.
    pub async fn memory(
        &self,
        workspace: &WorkspaceId,
        scopes: &[Scope],
        id: &MemoryId,
        now: Timestamp,
    ) -> Result<Option<MemoryRecord>, StorageError> {
        let select = named_within(Select::all().only("memories.id = $", id.as_str()), workspace, scopes);
        self.one(meant(select, &MemoryFilter::default(), now)).await
    }

    /// A record of a workspace, whatever became of it and wherever it lies: the caller judges.
    pub async fn memory_as_stored(
        &self,
        workspace: &WorkspaceId,
        id: &MemoryId,
    ) -> Result<Option<MemoryRecord>, StorageError> {
        let select = Select::all().only("memories.id = $", id.as_str());
        self.one(select.only("memories.workspace_id = $", workspace.as_str())).await
    }

    /// The record of a scope that has this content, if it was not demoted; it may have ended.
    pub async fn memory_by_content(
        &self,
        scope: &Scope,
        content: &Digest,
    ) -> Result<Option<MemoryRecord>, StorageError> {
        let key = content_key(scope, content).pop().unwrap_or(Cell::Null);
        let select = Select::all()
            .only_with("memories.id = (SELECT memory_id FROM memory_contents WHERE key = $)", [key])
            .only("memories.content_digest = $", content.as_str());
        self.one(named_within(select, &scope.partition.workspace_id, std::slice::from_ref(scope))).await
    }

    /// Records of these scopes that can be found at `now`, newest first: at most `limit` (and
    /// [`super::PAGE_MAX`]) of them, after the first `offset`.
    pub async fn memories(
        &self,
        workspace: &WorkspaceId,
        scopes: &[Scope],
        filter: &MemoryFilter,
        now: Timestamp,
        limit: u32,
        offset: u64,
    ) -> Result<Vec<MemoryRecord>, StorageError> {
        let select = meant(within(Select::all(), workspace, scopes), filter, now);
        self.many(select.page("memories.created_at_ms DESC, memories.id", limit).text(" OFFSET $", [offset.into()]))
            .await
    }

    /// How many there are.
    pub async fn count_memories(
        &self,
        workspace: &WorkspaceId,
        scopes: &[Scope],
        filter: &MemoryFilter,
        now: Timestamp,
    ) -> Result<u64, StorageError> {
        self.count(meant(within(Select::all(), workspace, scopes), filter, now)).await
    }

    /// Records of a whole workspace that can be found at `now`, whoever's they are: an operator's list.
    pub async fn all_memories(
        &self,
        workspace: &WorkspaceId,
        tier: Option<Tier>,
        filter: &MemoryFilter,
        now: Timestamp,
        limit: u32,
        offset: u64,
    ) -> Result<Vec<MemoryRecord>, StorageError> {
        let select = meant(everything(workspace, tier), filter, now);
        self.many(select.page("memories.created_at_ms DESC, memories.id", limit).text(" OFFSET $", [offset.into()]))
            .await
    }

    /// How many there are.
    pub async fn count_all_memories(
        &self,
        workspace: &WorkspaceId,
        tier: Option<Tier>,
        filter: &MemoryFilter,
        now: Timestamp,
    ) -> Result<u64, StorageError> {
        self.count(meant(everything(workspace, tier), filter, now)).await
    }

    async fn count(&self, select: Select<Count>) -> Result<u64, StorageError> {
        Ok(self.one(select.text(") AS counted", [])).await?.map_or(0, |count| count.0))
    }

    /// Records of all workspaces that have ended at `now`, the oldest end first. At most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn ended_memories(&self, now: Timestamp, limit: u32) -> Result<Vec<MemoryRecord>, StorageError> {
        let select = Select::all().only("memories.expires_at_ms <= $", now);
        self.many(select.page("memories.expires_at_ms, memories.id", limit)).await
    }

    /// When the next record of any workspace ends.
    pub async fn next_memory_end(&self) -> Result<Option<Timestamp>, StorageError> {
        let select = Select::<NextEnd>::all().only_if("memories.expires_at_ms IS NOT NULL");
        Ok(self.one(select.page("memories.expires_at_ms", 1)).await?.map(|next| next.0))
    }
}

fn everything<R: Record>(workspace: &WorkspaceId, tier: Option<Tier>) -> Select<R> {
    Select::all()
        .only("memories.workspace_id = $", workspace.as_str())
        .only_some("memories.tier = $", tier.map(Tier::as_str))
}
