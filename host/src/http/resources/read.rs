//! Reading resources: one, many, as they were.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::resource::{ResourceHistory, ResourceList, ResourceRecord};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::json::Params;
use super::super::page::{self, PageParams, Segment};
use super::super::problem::{self, Problem};
use super::conditions::{etag, is_known, key_of};
use super::reach;
use crate::domain::resource::{ResourceKey, check_prefix};
use crate::wire;

/// Which revision of a resource.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct RecordParams {
    /// As it was at this revision; without, as it is.
    #[param(minimum = 1)]
    rev: Option<u64>,
}

/// See a resource
///
/// `If-None-Match` with its revision answers 304. With `rev` as it was then: 404 for a revision that took
/// the record away, 410 for one whose value is no longer kept.
#[utoipa::path(
    get, path = "/resource/{*key}", tag = "resources",
    params(("key" = String, Path, description = "The key, percent-encoded or not"), RecordParams),
    responses(
        (status = 200, description = "The record", body = ResourceRecord),
        (status = 304, description = "It is what the caller has"),
    )
)]
pub(in crate::http) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Segment(key): Segment,
    Params(params): Params<RecordParams>,
) -> Result<Response, Problem> {
    let key = key_of("key", &key)?;
    reach::require_readable(&host, &caller, &key).await?;
    let found = match params.rev {
        Some(0) => return Err(Problem::field("rev", "rev: is 0; revisions count from 1")),
        Some(rev) => Some(host.engine.resource_at(caller.workspace(), &key, rev).await?),
        None => host.engine.resource(caller.workspace(), &key).await?,
    };
    let found = found.ok_or_else(|| Problem::not_found("resource", key.as_str()))?;
    let tag = etag(found.rev);
    // A claim shows when its lease ends by now, which makes no revision.
    let mut response = if found.claim_of.is_none() && is_known(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        JsonAnswer(wire::resource_view(&found)).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// Which resources.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// Only keys that begin so.
    #[param(min_length = 1, max_length = 512)]
    prefix: Option<String>,
    /// Records of a page, 1 to 500; 100 without. A page has fewer when their values have more than 8 MiB.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 512)]
    cursor: Option<String>,
}

/// List resources
///
/// By key. `seq` is where the log was before: whoever follows from there misses nothing. With a run's
/// token those that it may read.
#[utoipa::path(
    get, path = "/resource", tag = "resources", params(ListParams),
    responses((status = 200, description = "A page of records", body = ResourceList))
)]
pub(in crate::http) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<ResourceList>, Problem> {
    let limit = page::limit(params.limit)?;
    let prefix = params.prefix.unwrap_or_default();
    check_prefix(&prefix).map_err(|error| Problem::field("prefix", format!("prefix: `{prefix}` {error}")))?;
    let prefixes = reach::readable_within(&host, &caller, &prefix).await?;
    let after = params.cursor.map(|cursor| match ResourceKey::parse(&cursor) {
        Ok(key) if cursor.starts_with(&prefix) => Ok(key),
        _ => Err(page::invalid_cursor()),
    });
    let after = after.transpose()?;
    let seq = host.engine.store().log_head().await?;
    let prefixes = prefixes.unwrap_or_else(|| vec![prefix]);
    let page = host.engine.resource_page(caller.workspace(), &prefixes, after.as_ref(), limit).await?;
    let items: Vec<ResourceRecord> = page.records.iter().map(wire::resource_view).collect();
    let next_cursor = page.next.map(|key| key.to_string());
    Ok(JsonAnswer(ResourceList { count: items.len(), items, next_cursor, seq }))
}

/// See a resource's revisions
///
/// The newest first, without their values; the last hundred are kept, as long as the log is.
#[utoipa::path(
    get, path = "/resource/history/{*key}", tag = "resources",
    params(("key" = String, Path, description = "The key, percent-encoded or not"), PageParams),
    responses((status = 200, description = "A page of revisions", body = ResourceHistory))
)]
pub(in crate::http) async fn history(
    State(host): State<Shared>,
    caller: Caller,
    Segment(key): Segment,
    Params(params): Params<PageParams>,
) -> Result<JsonAnswer<ResourceHistory>, Problem> {
    let key = key_of("key", &key)?;
    reach::require_readable(&host, &caller, &key).await?;
    let (limit, before) = params.read()?;
    let store = host.engine.store();
    let revisions = store.resource_history(caller.workspace(), &key, before, limit).await?;
    if revisions.is_empty() && store.resource_head(caller.workspace(), &key).await?.is_none() {
        return Err(Problem::new(problem::NOT_FOUND, format!("`{key}` never had a record")).with("key", key.as_str()));
    }
    let next_cursor = page::next_cursor(&revisions, limit, |revision| revision.rev.to_string());
    let history: Vec<_> = revisions.iter().map(wire::revision_view).collect();
    Ok(JsonAnswer(ResourceHistory { key: key.to_string(), count: history.len(), history, next_cursor }))
}
