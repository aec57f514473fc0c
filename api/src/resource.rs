//! Shared resources and named leases.

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
