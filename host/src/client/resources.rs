//! Calls about shared resources.
//!
//! Values, patches and schemas go as the text they were given as: what a reader here would quietly
//! change (a member that stands twice, a number too large for a double) is for the host to refuse.

use serde::Serialize;
use serde_json::value::RawValue;

use sluice_api::resource::{
    ResourceBatchDone, ResourceDeleted, ResourceHistory, ResourceList, ResourceRecord, ResourceSchemaChanged,
    ResourceSchemaList, ResourceWritten,
};

use super::call::Call;
use super::follow::{Feed, Follow, From};
use super::{Client, ClientError};

/// Which resources.
#[derive(Debug, Clone, Default)]
pub struct ResourceFilter {
    /// Whose keys begin so; all, when there is none.
    pub prefix: Option<String>,
    /// Most on a page.
    pub limit: Option<u32>,
}

/// On what terms a resource is written.
#[derive(Debug, Clone, Default)]
pub struct WriteTerms {
    /// Only if it is at this revision; 0: only if there is none.
    pub if_match_rev: Option<u64>,
    /// Who writes, in the writer's own words.
    pub updated_by: Option<String>,
    /// A lease that has to be held.
    pub lease_id: Option<String>,
}

impl WriteTerms {
    fn to<'c>(&self, call: Call<'c>) -> Call<'c> {
        let call = call.query("if_match_rev", self.if_match_rev).query("updated_by", self.updated_by.as_ref());
        call.query("lease_id", self.lease_id.as_ref())
    }
}

/// A value as it was given.
#[derive(Serialize)]
struct Put<'a> {
    value: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
}

/// A schema as it was given, or none.
#[derive(Serialize)]
struct SchemaChange<'a> {
    prefix: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_revision: Option<u64>,
}

impl Client {
    /// A resource as it is, or as it was at a revision.
    pub async fn resource(&self, key: &str, rev: Option<u64>) -> Result<ResourceRecord, ClientError> {
        self.get(&["resource", key]).query("rev", rev).answer().await
    }

    /// A page of resources, by key.
    pub async fn resources(&self, filter: &ResourceFilter, cursor: Option<&str>) -> Result<ResourceList, ClientError> {
        let call = self.get(&["resource"]).query("prefix", filter.prefix.as_ref()).query("limit", filter.limit);
        call.query("cursor", cursor).answer().await
    }

    /// Follows what becomes of resources whose keys begin with `prefix`. With `values` events hold the
    /// value of their revision, as long as it is kept. Nothing is sent yet.
    pub fn watch_resources(&self, prefix: Option<String>, values: bool, from: From) -> Follow {
        let prefix = prefix.map(|prefix| ("prefix", prefix));
        let values = values.then(|| ("values", "true".to_owned()));
        let feed = Feed { path: &["resource", "events"], query: prefix.into_iter().chain(values).collect() };
        self.follow_feed(feed, from)
    }

    /// Writes a resource.
    pub async fn put_resource(
        &self,
        key: &str,
        value: &RawValue,
        ttl_ms: Option<u64>,
        terms: &WriteTerms,
    ) -> Result<ResourceWritten, ClientError> {
        terms.to(self.put_once(&["resource", key])).json(&Put { value, ttl_ms }).answer().await
    }

    /// Lays a merge patch (RFC 7396) over a resource.
    pub async fn patch_resource(
        &self,
        key: &str,
        patch: &RawValue,
        terms: &WriteTerms,
    ) -> Result<ResourceWritten, ClientError> {
        terms.to(self.patch_once(&["resource", key])).json(&patch).answer().await
    }

    /// Takes a resource away.
    pub async fn delete_resource(&self, key: &str, terms: &WriteTerms) -> Result<ResourceDeleted, ClientError> {
        terms.to(self.delete_once(&["resource", key])).answer().await
    }

    /// Carries several writes out: all or none. `batch` is the request's document.
    pub async fn batch_resources(&self, batch: &impl Serialize) -> Result<ResourceBatchDone, ClientError> {
        self.post_once(&["resource", "batch"]).json(batch).answer().await
    }

    /// A page of a resource's revisions, newest first.
    pub async fn resource_history(
        &self,
        key: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<ResourceHistory, ClientError> {
        let call = self.get(&["resource", "history", key]).query("limit", limit);
        call.query("cursor", cursor).answer().await
    }

    /// The schemas that values have to fit.
    pub async fn resource_schemas(&self) -> Result<ResourceSchemaList, ClientError> {
        self.get(&["resource", "schemas"]).answer().await
    }

    /// Sets the schema of a prefix.
    pub async fn set_resource_schema(
        &self,
        prefix: &str,
        schema: &RawValue,
        if_revision: Option<u64>,
    ) -> Result<ResourceSchemaChanged, ClientError> {
        let change = SchemaChange { prefix, schema: Some(schema), if_revision };
        self.put_once(&["resource", "schemas"]).json(&change).answer().await
    }

    /// Takes the schema of a prefix away.
    pub async fn delete_resource_schema(
        &self,
        prefix: &str,
        if_revision: Option<u64>,
    ) -> Result<ResourceSchemaChanged, ClientError> {
        let change = SchemaChange { prefix, schema: None, if_revision };
        self.delete_once(&["resource", "schemas"]).json(&change).answer().await
    }
}
