//! Shared resources: how each key stands, and what its revisions said.
//!
//! A key's row says which revision is its newest and whether there is a record; the value lies with
//! the revision, once. What a write makes of a key is decided in the batch it is committed with
//! (see [`super::board`]).

use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Column, Life as RowsLife, Table, boolean, integer, text};
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;
use crate::domain::resource::{Head, Life, Resource, ResourceKey, Revision, RevisionHead, end_of_prefix};
use crate::domain::time::Timestamp;

pub(super) static RESOURCES: Table = Table {
    name: "resources",
    life: RowsLife::Mutable,
    key_columns: 2,
    guard_column: Some("rev"),
    end_column: Some("ends_at_ms"),
    columns: &[
        text("workspace_id"),
        text("key"),
        integer("rev"),
        boolean("living"),
        integer("ends_at_ms"),
        integer("bytes"),
    ],
};

pub(super) static RESOURCE_REVISIONS: Table = Table {
    name: "resource_revisions",
    life: RowsLife::AppendOnly,
    key_columns: 3,
    guard_column: None,
    end_column: None,
    columns: &[
        text("workspace_id"),
        text("key"),
        integer("rev"),
        text("kind"),
        text("value"),
        integer("updated_at_ms"),
        text("updated_by"),
        text("actor"),
        integer("ttl_ms"),
        integer("expires_at_ms"),
        text("claim_of"),
    ],
};

/// `ends_at_ms` of a key whose record was taken away.
const GONE: Timestamp = Timestamp(0);
/// `ends_at_ms` of a record that the host keeps.
const KEPT: Timestamp = Timestamp(i64::MAX as u64);

/// What a key's `ends_at_ms` says.
pub(super) fn life_of(end: Option<i64>) -> Life {
    match end.map(i64::cast_unsigned) {
        None => Life::Lasting,
        Some(0) => Life::Gone,
        Some(end) if end == KEPT.0 => Life::Kept,
        Some(end) => Life::Until(Timestamp(end)),
    }
}

/// What a key's `ends_at_ms` has to say.
pub(super) fn end_of(life: Life) -> Option<Timestamp> {
    match life {
        Life::Lasting => None,
        Life::Until(end) => Some(end),
        Life::Kept => Some(KEPT),
        Life::Gone => Some(GONE),
    }
}

/// The row of a key that stands at `rev`.
pub(super) fn row(
    workspace_id: &WorkspaceId,
    key: &ResourceKey,
    rev: u64,
    life: Life,
    bytes: usize,
) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&RESOURCES);
    row.text("workspace_id", workspace_id.as_str())
        .text("key", key.as_str())
        .integer("rev", rev)
        .boolean("living", life != Life::Gone)
        .moment_or_null("ends_at_ms", end_of(life))
        .integer("bytes", bytes as u64);
    row.finish()
}

/// The row of a revision.
pub(super) fn revision_row(revision: &Revision, claim_of: Option<&str>) -> Result<Row, StorageError> {
    let Revision { head: revision, value } = revision;
    let mut row = RowWriter::new(&RESOURCE_REVISIONS);
    row.text("workspace_id", revision.workspace_id.as_str())
        .text("key", revision.key.as_str())
        .integer("rev", revision.rev)
        .text("kind", revision.kind.as_str())
        .text_or_null("value", value.as_ref().map(Json::as_str))
        .moment("updated_at_ms", revision.updated_at)
        .text("updated_by", &revision.updated_by)
        .text("actor", &revision.actor)
        .integer_or_null("ttl_ms", revision.ttl_ms)
        .moment_or_null("expires_at_ms", revision.expires_at)
        .text_or_null("claim_of", claim_of);
    row.finish()
}

impl Record for Revision {
    const SOURCE: Source =
        Source { from: "resource_revisions", parts: &[("resource_revisions", RESOURCE_REVISIONS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let workspace_id = WorkspaceId::new(row.text("workspace_id")?);
        let key = ResourceKey::from_stored(row.text("key")?);
        let (rev, kind) = (row.integer("rev")?, row.word("kind")?);
        let value = row.json_or_null("value")?;
        let head = RevisionHead {
            workspace_id,
            key,
            rev,
            kind,
            updated_at: row.moment("updated_at_ms")?,
            updated_by: row.text("updated_by")?,
            actor: row.text("actor")?,
            ttl_ms: row.integer_or_null("ttl_ms")?,
            expires_at: row.moment_or_null("expires_at_ms")?,
        };
        row.text_or_null("claim_of")?;
        Ok(Self { head, value })
    }
}

const REVISION_HEAD_COLUMNS: &[Column] = &[
    text("workspace_id"),
    text("key"),
    integer("rev"),
    text("kind"),
    integer("updated_at_ms"),
    text("updated_by"),
    text("actor"),
    integer("ttl_ms"),
    integer("expires_at_ms"),
];

impl Record for RevisionHead {
    const SOURCE: Source =
        Source { from: "resource_revisions", parts: &[("resource_revisions", REVISION_HEAD_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            key: ResourceKey::from_stored(row.text("key")?),
            rev: row.integer("rev")?,
            kind: row.word("kind")?,
            updated_at: row.moment("updated_at_ms")?,
            updated_by: row.text("updated_by")?,
            actor: row.text("actor")?,
            ttl_ms: row.integer_or_null("ttl_ms")?,
            expires_at: row.moment_or_null("expires_at_ms")?,
        })
    }
}

/// A key with a record, without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceHead {
    /// The key.
    pub key: ResourceKey,
    /// Its newest revision.
    pub rev: u64,
    /// Bytes of its value.
    pub bytes: u64,
}

const HEAD_COLUMNS: &[Column] = &[text("key"), integer("rev"), integer("bytes")];

impl Record for ResourceHead {
    const SOURCE: Source = Source { from: "resources", parts: &[("resources", HEAD_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            key: ResourceKey::from_stored(row.text("key")?),
            rev: row.integer("rev")?,
            bytes: row.integer("bytes")?,
        })
    }
}

impl Record for Head {
    const SOURCE: Source =
        Source { from: "resources", parts: &[("resources", &[integer("rev"), integer("ends_at_ms")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let rev = row.integer("rev")?;
        Ok(Self { rev, life: life_of(row.integer_or_null("ends_at_ms")?.map(u64::cast_signed)) })
    }
}

/// How a key stands, with the key.
struct KeyHead(ResourceKey, Head);

impl Record for KeyHead {
    const SOURCE: Source =
        Source { from: "resources", parts: &[("resources", &[text("key"), integer("rev"), integer("ends_at_ms")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let key = ResourceKey::from_stored(row.text("key")?);
        Ok(Self(key, Head::read(row)?))
    }
}

/// A record that has ended and has to be taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedResource {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Its key.
    pub key: ResourceKey,
}

const KEY_COLUMNS: &[Column] = &[text("workspace_id"), text("key")];

impl Record for EndedResource {
    const SOURCE: Source = Source { from: "resources", parts: &[("resources", KEY_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            key: ResourceKey::from_stored(row.text("key")?),
        })
    }
}

/// When the next record ends.
struct NextEnd(Timestamp);

impl Record for NextEnd {
    const SOURCE: Source = Source { from: "resources", parts: &[("resources", &[integer("ends_at_ms")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.moment("ends_at_ms")?))
    }
}

impl Record for Resource {
    const SOURCE: Source = Source {
        from: "resources JOIN resource_revisions ON resource_revisions.workspace_id = resources.workspace_id \
               AND resource_revisions.key = resources.key AND resource_revisions.rev = resources.rev",
        parts: &[("resource_revisions", RESOURCE_REVISIONS.columns)],
    };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let workspace_id = WorkspaceId::new(row.text("workspace_id")?);
        let key = ResourceKey::from_stored(row.text("key")?);
        let rev = row.integer("rev")?;
        row.text("kind")?;
        let value = row.json_or_null("value")?;
        let value = value.ok_or_else(|| row.damaged("value", "nothing for a record there is"))?;
        let updated_at = row.moment("updated_at_ms")?;
        let updated_by = row.text("updated_by")?;
        row.text("actor")?;
        Ok(Self {
            workspace_id,
            key,
            value,
            rev,
            updated_at,
            updated_by,
            ttl_ms: row.integer_or_null("ttl_ms")?,
            expires_at: row.moment_or_null("expires_at_ms")?,
            claim_of: row.text_or_null("claim_of")?,
        })
    }
}

/// Only keys of a workspace that have a record at `now`.
fn living<R: Record>(workspace: &WorkspaceId, now: Timestamp) -> Select<R> {
    Select::all()
        .only("resources.workspace_id = $", workspace.as_str())
        .only_if("resources.living")
        // Not `> $`: SQLite would look at the value to see whether the index of what ends will do, and so
        // prepare the statement anew each time.
        .only("(resources.ends_at_ms IS NULL OR NOT resources.ends_at_ms <= $)", now)
}

impl Store {
    /// The record of a key at `now`.
    pub async fn resource(
        &self,
        workspace: &WorkspaceId,
        key: &ResourceKey,
        now: Timestamp,
    ) -> Result<Option<Resource>, StorageError> {
        self.one(living(workspace, now).only("resources.key = $", key.as_str())).await
    }

    /// The records of several keys at `now`; those that have none are left out.
    pub async fn resources_by_keys(
        &self,
        workspace: &WorkspaceId,
        keys: &[ResourceKey],
        now: Timestamp,
    ) -> Result<Vec<Resource>, StorageError> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(super::select::IDS_PER_STATEMENT) {
            let keys = keys.iter().map(|key| Cell::from(key.as_str()));
            found.extend(self.many(living(workspace, now).only_in("resources.key", keys)).await?);
        }
        Ok(found)
    }

    /// How a key stands, whether it has a record or not; `None` when it never had one.
    pub async fn resource_head(
        &self,
        workspace: &WorkspaceId,
        key: &ResourceKey,
    ) -> Result<Option<Head>, StorageError> {
        let select = Select::all()
            .only("resources.workspace_id = $", workspace.as_str())
            .only("resources.key = $", key.as_str());
        self.one(select).await
    }

    /// How several keys stand; those that never had a record are left out.
    pub async fn heads_by_keys(
        &self,
        workspace: &WorkspaceId,
        keys: &[ResourceKey],
    ) -> Result<Vec<(ResourceKey, Head)>, StorageError> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(super::select::IDS_PER_STATEMENT) {
            let keys = keys.iter().map(|key| Cell::from(key.as_str()));
            let select = Select::all().only("resources.workspace_id = $", workspace.as_str());
            found.extend(self.many(select.only_in("resources.key", keys)).await?);
        }
        Ok(found.into_iter().map(|KeyHead(key, head)| (key, head)).collect())
    }

    /// The keys that begin with `prefix` and have a record at `now`, in order: at most `limit` (and
    /// [`super::PAGE_MAX`]) of them, after `after`.
    pub async fn resource_heads(
        &self,
        workspace: &WorkspaceId,
        prefix: &str,
        after: Option<&str>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ResourceHead>, StorageError> {
        let select = living(workspace, now)
            .only("resources.key >= $", prefix)
            .only_some("resources.key < $", end_of_prefix(prefix).as_deref())
            .only_some("resources.key > $", after);
        self.many(select.page("resources.key", limit)).await
    }

    /// The revisions of a key that are kept, without their values, newest first: at most `limit` (and
    /// [`super::PAGE_MAX`]) of them, before `before`.
    pub async fn resource_history(
        &self,
        workspace: &WorkspaceId,
        key: &ResourceKey,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RevisionHead>, StorageError> {
        let select = revisions_of(workspace, key).only_some("resource_revisions.rev < $", before);
        self.many(select.page("resource_revisions.rev DESC", limit)).await
    }

    /// One revision of a key, if it is kept.
    pub async fn resource_revision(
        &self,
        workspace: &WorkspaceId,
        key: &ResourceKey,
        rev: u64,
    ) -> Result<Option<Revision>, StorageError> {
        self.one(revisions_of(workspace, key).only("resource_revisions.rev = $", rev)).await
    }

    /// Records of all workspaces that have ended at `now`, the oldest end first. At most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn ended_resources(&self, now: Timestamp, limit: u32) -> Result<Vec<EndedResource>, StorageError> {
        let select = Select::all().only_if("resources.ends_at_ms > 0").only("resources.ends_at_ms <= $", now);
        self.many(select.page("resources.ends_at_ms", limit)).await
    }

    /// When the next record of any workspace ends.
    pub async fn next_resource_end(&self) -> Result<Option<Timestamp>, StorageError> {
        // Records that the host keeps come last in the index; they have no end.
        let select = Select::<NextEnd>::all()
            .only_if("resources.ends_at_ms > 0")
            .only("resources.ends_at_ms < $", KEPT)
            .page("resources.ends_at_ms", 1);
        Ok(self.one(select).await?.map(|next| next.0))
    }
}

fn revisions_of<R: Record>(workspace: &WorkspaceId, key: &ResourceKey) -> Select<R> {
    Select::all()
        .only("resource_revisions.workspace_id = $", workspace.as_str())
        .only("resource_revisions.key = $", key.as_str())
}
