//! The audit's chain: rows that each hold the hash of the one before.
//!
//! The writer gives an entry its place and its hash, under the lock that also orders the log,
//! so that one chain serves every host of a database.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Column, Life, Table, integer, text};
use crate::domain::audit::{AuditEntry, NewAuditEntry};
use crate::domain::id::WorkspaceId;

pub(super) static AUDIT: Table = Table {
    name: "audit",
    life: Life::AppendOnly,
    key_columns: 1,
    guard_column: None,
    end_column: None,
    columns: &[
        integer("seq"),
        text("workspace_id"),
        integer("at_ms"),
        text("actor"),
        text("action"),
        text("resource"),
        text("outcome"),
        text("detail"),
        text("previous_hash"),
        text("hash"),
    ],
};

/// The row of `entry`.
pub(super) fn row(entry: &AuditEntry) -> Result<Row, StorageError> {
    let new = &entry.entry;
    let mut row = RowWriter::new(&AUDIT);
    row.integer("seq", entry.seq)
        .text("workspace_id", new.workspace_id.as_str())
        .moment("at_ms", new.at)
        .text("actor", &new.actor)
        .text("action", &new.action)
        .text("resource", &new.resource)
        .text("outcome", new.outcome.as_str())
        .text("detail", new.detail.as_str())
        .text("previous_hash", &entry.previous_hash)
        .text("hash", &entry.hash);
    row.finish()
}

impl Record for AuditEntry {
    const SOURCE: Source = Source { from: "audit", parts: &[("audit", AUDIT.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            seq: row.integer("seq")?,
            entry: NewAuditEntry {
                workspace_id: WorkspaceId::new(row.text("workspace_id")?),
                at: row.moment("at_ms")?,
                actor: row.text("actor")?,
                action: row.text("action")?,
                resource: row.text("resource")?,
                outcome: row.word("outcome")?,
                detail: row.json("detail")?,
            },
            previous_hash: row.text("previous_hash")?,
            hash: row.text("hash")?,
        })
    }
}

/// Where the chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// The newest entry's place; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

pub(super) const HEAD_COLUMNS: &[Column] = &[integer("seq"), text("hash")];

impl Record for AuditHead {
    const SOURCE: Source = Source { from: "audit_head", parts: &[("audit_head", HEAD_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self { seq: row.integer("seq")?, hash: row.text("hash")? })
    }
}

impl Store {
    /// A workspace's audit, newest first: at most `limit` (and [`super::PAGE_MAX`]) entries,
    /// before `before`.
    pub async fn audit(
        &self,
        workspace: &WorkspaceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let select = Select::all()
            .only("audit.workspace_id = $", workspace.as_str())
            .only_some("audit.seq < $", before)
            .page("audit.seq DESC", limit);
        self.many(select).await
    }

    /// A workspace's audit of memory, newest first: at most `limit` (and [`super::PAGE_MAX`])
    /// entries before `before`, of one record or one run when that is asked for.
    pub async fn audit_of_memory(
        &self,
        workspace: &WorkspaceId,
        resource: Option<&str>,
        run: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let select = Select::all()
            .only_if("audit.action >= 'memory.' AND audit.action < 'memory/'")
            .only("audit.workspace_id = $", workspace.as_str())
            .only_some("audit.resource = $", resource)
            .only_some("jsonb(audit.detail) ->> 'run_id' = $", run)
            .only_some("audit.seq < $", before)
            .page("audit.seq DESC", limit);
        self.many(select).await
    }

    /// The chain itself, every workspace's entries in order: at most `limit` (and
    /// [`super::PAGE_MAX`]) of them, after `after`.
    pub async fn audit_chain(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>, StorageError> {
        self.many(Select::all().only("audit.seq > $", after).page("audit.seq", limit)).await
    }

    /// Where the chain ends.
    pub async fn audit_head(&self) -> Result<Option<AuditHead>, StorageError> {
        self.one(Select::all()).await
    }
}
