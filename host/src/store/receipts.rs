//! Receipts of writes that their callers named.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::id::WorkspaceId;
use crate::domain::receipt::{Receipt, ReceiptKey};
use crate::domain::time::Timestamp;

pub(super) static RECEIPTS: Table = Table {
    name: "receipts",
    life: Life::Mutable,
    key_columns: 3,
    guard_column: None,
    end_column: None,
    columns: &[
        text("workspace_id"),
        text("principal"),
        text("key"),
        text("request_digest"),
        integer("status"),
        text("answer"),
        integer("created_at_ms"),
    ],
};

/// The row of `receipt`.
pub(super) fn row(receipt: &Receipt) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&RECEIPTS);
    row.text("workspace_id", receipt.key.workspace_id.as_str())
        .text("principal", &receipt.key.principal)
        .text("key", &receipt.key.key)
        .text("request_digest", receipt.key.request.as_str())
        .integer("status", receipt.status.into())
        .text("answer", receipt.answer.as_str())
        .moment("created_at_ms", receipt.created_at);
    row.finish()
}

impl Record for Receipt {
    const SOURCE: Source = Source { from: "receipts", parts: &[("receipts", RECEIPTS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let key = ReceiptKey {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            principal: row.text("principal")?,
            key: row.text("key")?,
            request: row.digest("request_digest")?,
        };
        let status = row.small("status")?;
        let status = u16::try_from(status).map_err(|_| row.damaged("status", "no HTTP status"))?;
        Ok(Self { key, status, answer: row.json("answer")?, created_at: row.moment("created_at_ms")? })
    }
}

impl Store {
    /// The receipt of a named write, whatever request it was for.
    pub async fn receipt(
        &self,
        workspace: &WorkspaceId,
        principal: &str,
        key: &str,
    ) -> Result<Option<Receipt>, StorageError> {
        let select = Select::all()
            .only("receipts.workspace_id = $", workspace.as_str())
            .only("receipts.principal = $", principal)
            .only("receipts.key = $", key);
        self.one(select).await
    }

    /// Receipts given before `moment`, the oldest first. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn receipts_before(&self, moment: Timestamp, limit: u32) -> Result<Vec<Receipt>, StorageError> {
        let select = Select::all().only("receipts.created_at_ms < $", moment).page("receipts.created_at_ms", limit);
        self.many(select).await
    }
}
