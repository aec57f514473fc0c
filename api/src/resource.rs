//! Shared resources.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A resource as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceRecord {
    /// Its key.
    pub key: String,
    /// One JSON value.
    pub value: Value,
    /// Counts what happened to the key, deletions included; never restarts.
    pub rev: u64,
    /// When this revision was written. Milliseconds since the Unix epoch.
    pub updated_at_ms: u64,
    /// Who wrote it, in the writer's own words when it said so.
    pub updated_by: String,
    /// How long it was given, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// When it is gone by itself. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
}

/// A record that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceWritten {
    /// Always true.
    pub ok: bool,
    /// The record.
    #[serde(flatten)]
    pub record: ResourceRecord,
}

/// A record that was deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceDeleted {
    /// Always true.
    pub ok: bool,
    /// Always true.
    pub deleted: bool,
    /// Its key.
    pub key: String,
    /// The revision of the deletion.
    pub rev: u64,
}

/// A page of records.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResourceList {
    /// The records, by key.
    pub items: Vec<ResourceRecord>,
    /// How many of them.
    pub count: usize,
    /// For the page after this one.
    pub next_cursor: Option<String>,
    /// The log's newest event before the list was read: whoever watches from here misses nothing.
    pub seq: u64,
}

/// A value to be written. A member that is there and `null` is a value like any other.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourcePut {
    /// The key, where the path does not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub key: Option<String>,
    /// One JSON value, at most 1 MiB of compact text.
    #[serde(deserialize_with = "present")]
    #[schema(required)]
    pub value: Option<Value>,
    /// Only if the record is at this revision; 0: only if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
    /// Who writes, in the writer's own words; the principal without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub updated_by: Option<String>,
    /// Milliseconds until it is gone by itself, at most 366 days; without, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 31_622_400_000_u64)]
    pub ttl_ms: Option<u64>,
    /// A lease that has to be held now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub lease_id: Option<String>,
}

/// Reads a member that is there, whatever it is.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A deletion.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceDelete {
    /// The key, where the path does not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub key: Option<String>,
    /// Only if the record is at this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
    /// Who deletes, in its own words; the principal without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub updated_by: Option<String>,
    /// A lease that has to be held now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub lease_id: Option<String>,
}

/// What an operation of a batch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceOperationKind {
    /// Writes `value`.
    Put,
    /// Lays `patch` over what is there.
    Patch,
    /// Takes the record away.
    Delete,
}

/// One operation of a batch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceOperation {
    /// What it does.
    pub op: ResourceOperationKind,
    /// To which key; each key once in a batch.
    #[schema(min_length = 1, max_length = 512)]
    pub key: String,
    /// The value of a `put`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The merge patch (RFC 7396) of a `patch`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub patch: Option<Value>,
    /// Only if the record is at this revision; 0: only if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
    /// Who writes, in its own words; the principal without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub updated_by: Option<String>,
    /// Of a `put`: milliseconds until it is gone by itself, at most 366 days; without, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 31_622_400_000_u64)]
    pub ttl_ms: Option<u64>,
    /// A lease that has to be held now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub lease_id: Option<String>,
}

/// Several operations: all of them or none.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceBatch {
    /// The operations; their order does not matter, since each key stands once.
    #[serde(alias = "ops")]
    #[schema(min_items = 1, max_items = 100)]
    pub operations: Vec<ResourceOperation>,
}

/// What became of one key of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ResourceResult {
    /// It has this record now.
    Written(ResourceWritten),
    /// It has none any more.
    Deleted(ResourceDeleted),
}

/// A batch that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceBatchDone {
    /// Always true.
    pub ok: bool,
    /// What became of each key, in the order of the operations.
    pub results: Vec<ResourceResult>,
    /// How many of them.
    pub count: usize,
}

/// A revision of a key, without its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceRevision {
    /// Its number.
    pub rev: u64,
    /// `updated`, `deleted` or `expired`.
    pub kind: String,
    /// When it was written. Milliseconds since the Unix epoch.
    pub updated_at_ms: u64,
    /// Who wrote it, in the writer's own words when it said so.
    pub updated_by: String,
    /// The principal that wrote it.
    pub actor: String,
    /// How long it was given, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// When it was to be gone by itself. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
}

/// A page of a key's history, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResourceHistory {
    /// Its key.
    pub key: String,
    /// The revisions that are kept.
    pub history: Vec<ResourceRevision>,
    /// How many of them are on this page.
    pub count: usize,
    /// For the page after this one.
    pub next_cursor: Option<String>,
}

/// A schema for values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceSchemaView {
    /// It is for keys that begin so.
    pub prefix: String,
    /// The JSON Schema.
    pub schema: Value,
}

/// All schemas of a workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceSchemaList {
    /// The schemas, by prefix.
    pub items: Vec<ResourceSchemaView>,
    /// How many of them.
    pub count: usize,
    /// Counts changes of them; 0 when there never was one.
    pub revision: u64,
}

/// A schema to be set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceSchemaPut {
    /// For keys that begin so.
    #[schema(min_length = 1, max_length = 512)]
    pub prefix: String,
    /// A JSON Schema (draft 2020-12 unless it says otherwise), complete in itself, at most 64 KiB.
    pub schema: Value,
    /// Only if the schemas are at this revision; 0: only if there never was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_revision: Option<u64>,
}

/// A schema to be taken away.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceSchemaDelete {
    /// The prefix it is for.
    #[schema(min_length = 1, max_length = 512)]
    pub prefix: String,
    /// Only if the schemas are at this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_revision: Option<u64>,
}

/// A schema that was set, or taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceSchemaChanged {
    /// Always true.
    pub ok: bool,
    /// The prefix.
    pub prefix: String,
    /// The schemas' revision by now.
    pub revision: u64,
}
