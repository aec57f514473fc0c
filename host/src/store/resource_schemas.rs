//! The JSON Schemas that a workspace's resources have to fit, all of them in one row: whoever writes
//! a value guards the set by its revision, so that no value slips in between judging and writing.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;

pub(super) static RESOURCE_SCHEMAS: Table = Table {
    name: "resource_schemas",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[text("workspace_id"), integer("revision"), text("schemas")],
};

/// A workspace's schemas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSchemas {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Counts changes from 1.
    pub revision: u64,
    /// JSON object: the schema for each beginning of keys.
    pub schemas: Json,
}

/// The row of `schemas`.
pub(super) fn row(schemas: &ResourceSchemas) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&RESOURCE_SCHEMAS);
    row.text("workspace_id", schemas.workspace_id.as_str())
        .integer("revision", schemas.revision)
        .text("schemas", schemas.schemas.as_str());
    row.finish()
}

impl Record for ResourceSchemas {
    const SOURCE: Source =
        Source { from: "resource_schemas", parts: &[("resource_schemas", RESOURCE_SCHEMAS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            revision: row.integer("revision")?,
            schemas: row.json("schemas")?,
        })
    }
}

impl Store {
    /// A workspace's schemas; `None` when it never had any.
    pub async fn resource_schemas(&self, workspace: &WorkspaceId) -> Result<Option<ResourceSchemas>, StorageError> {
        self.one(Select::all().only("resource_schemas.workspace_id = $", workspace.as_str())).await
    }
}
