//! Webhooks: the addresses that runs may post to by name, and what is delivered to them.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::schema::Schema;

use sluice_api::webhook::{
    DeliveryList, WebhookDelete, WebhookDeleted, WebhookList, WebhookPut, WebhookSet, WebhookView,
};

use super::access::Caller;
use super::host::{Host, Shared};
use super::idempotency::NeverKept;
use super::json::{Body, OptionalBody, Params};
use super::page::{self, Segment, Segments};
use super::policy::{expected, own};
use super::problem::Problem;
use super::resources::conditions::etag;
use super::runs;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::webhook::{DeliveryStatus, is_name};
use crate::engine::WebhookChange;
use crate::store::DeliveryFilter;
use crate::wire;

/// Which part of the list of endpoints.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[a-z0-9][a-z0-9_-]{0,62}$")]
    cursor: Option<String>,
}

/// Which deliveries of a run.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfRunParams {
    /// Only deliveries that stand there: `pending`, `delivered` or `failed`.
    #[param(schema_with = statuses)]
    status: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^dlv_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

/// Which deliveries of a workspace.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryParams {
    /// Only deliveries to this endpoint.
    #[param(pattern = "^[a-z0-9][a-z0-9_-]{0,62}$")]
    endpoint: Option<String>,
    /// Only deliveries that this run asked for.
    #[param(min_length = 1, max_length = 128)]
    run_id: Option<String>,
    /// Only deliveries that stand there: `pending`, `delivered` or `failed`.
    #[param(schema_with = statuses)]
    status: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^dlv_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

fn statuses() -> Schema {
    page::words(DeliveryStatus::ALL.iter().map(|status| status.as_str()))
}

/// List webhooks
///
/// Those that are there, by name. Their addresses are often secrets in themselves.
#[utoipa::path(
    get, path = "/workspaces/{id}/webhooks", tag = "webhooks",
    params(("id" = String, Path, description = "The workspace's id"), ListParams),
    responses((status = 200, description = "A page of webhooks", body = WebhookList))
)]
pub(super) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<WebhookList>, Problem> {
    let workspace = own(&caller, &id)?;
    let limit = page::limit(params.limit)?;
    if params.cursor.as_deref().is_some_and(|cursor| !is_name(cursor)) {
        return Err(page::invalid_cursor());
    }
    let endpoints = host.engine.store().webhooks(workspace, params.cursor.as_deref(), limit).await?;
    let next_cursor = page::next_cursor(&endpoints, limit, |endpoint| endpoint.name.clone());
    let items: Vec<_> = endpoints.iter().map(wire::webhook_view).collect();
    Ok(JsonAnswer(WebhookList { count: items.len(), items, next_cursor }))
}

/// Look at a webhook
#[utoipa::path(
    get, path = "/workspaces/{id}/webhooks/{name}", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The workspace's id"),
        ("name" = String, Path, description = "The webhook's name"),
    ),
    responses((status = 200, description = "The webhook", body = WebhookView))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segments(id, name): Segments,
) -> Result<Response, Problem> {
    let workspace = own(&caller, &id)?;
    caller.allow_thing(&format!("webhook/{name}"), None).await?;
    let endpoint = host.engine.webhook(workspace, &name).await?;
    let mut response = JsonAnswer(wire::webhook_view(&endpoint)).into_response();
    response.headers_mut().insert(header::ETAG, etag(endpoint.revision));
    Ok(response)
}

/// Set a webhook
///
/// From now on runs may ask to post to this name (connector `webhook`, action `post`). A secret that is made is told
/// in this answer and never again.
#[utoipa::path(
    put, path = "/workspaces/{id}/webhooks/{name}", tag = "webhooks", request_body = WebhookPut,
    params(
        ("id" = String, Path, description = "The workspace's id"),
        ("name" = String, Path, description = "The webhook's name: 1 to 63 of a-z, 0-9, `_` and `-`"),
        ("If-Match" = Option<String>, Header, description = "Only if this is its revision"),
    ),
    responses((status = 200, description = "It is set", body = WebhookSet))
)]
pub(super) async fn set(
    State(host): State<Shared>,
    caller: Caller,
    Segments(id, name): Segments,
    headers: HeaderMap,
    Body(body): Body<WebhookPut>,
) -> Result<Response, Problem> {
    let workspace_id = own(&caller, &id)?;
    caller.allow_thing(&format!("webhook/{name}"), None).await?;
    let change = WebhookChange {
        workspace_id,
        name: &name,
        url: body.url.as_deref(),
        secret: body.secret.as_deref(),
        is_new_secret: body.new_secret,
        is_enabled: body.is_enabled,
        if_revision: expected(&headers, body.if_match_rev)?,
        actor: caller.name(),
    };
    let (endpoint, is_made) = host.engine.set_webhook(change).await?;
    let secret = is_made.then(|| endpoint.secret.expose().to_owned());
    let mut response = JsonAnswer(WebhookSet { webhook: wire::webhook_view(&endpoint), secret }).into_response();
    response.headers_mut().insert(header::ETAG, etag(endpoint.revision));
    if is_made {
        response.extensions_mut().insert(NeverKept);
    }
    Ok(response)
}

/// Delete a webhook
///
/// What was to be delivered there is given up.
#[utoipa::path(
    delete, path = "/workspaces/{id}/webhooks/{name}", tag = "webhooks", request_body = Option<WebhookDelete>,
    params(
        ("id" = String, Path, description = "The workspace's id"),
        ("name" = String, Path, description = "The webhook's name"),
        ("If-Match" = Option<String>, Header, description = "Only if this is its revision"),
    ),
    responses((status = 200, description = "It is gone", body = WebhookDeleted))
)]
pub(super) async fn delete(
    State(host): State<Shared>,
    caller: Caller,
    Segments(id, name): Segments,
    headers: HeaderMap,
    OptionalBody(body): OptionalBody<WebhookDelete>,
) -> Result<JsonAnswer<WebhookDeleted>, Problem> {
    let workspace = own(&caller, &id)?;
    caller.allow_thing(&format!("webhook/{name}"), None).await?;
    let if_revision = expected(&headers, body.if_match_rev)?;
    let revision = host.engine.delete_webhook(workspace, &name, if_revision, caller.name()).await?;
    Ok(JsonAnswer(WebhookDeleted { ok: true, deleted: true, name, revision }))
}

/// List deliveries
///
/// What runs of the workspace were allowed to post, the newest first, and how that went.
#[utoipa::path(
    get, path = "/workspaces/{id}/deliveries", tag = "webhooks", operation_id = "deliveries",
    params(("id" = String, Path, description = "The workspace's id"), DeliveryParams),
    responses((status = 200, description = "A page of deliveries", body = DeliveryList))
)]
pub(super) async fn deliveries(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<DeliveryParams>,
) -> Result<JsonAnswer<DeliveryList>, Problem> {
    let workspace = own(&caller, &id)?;
    let run = page::selector("run_id", params.run_id.as_deref())?.map(RunId::new);
    let filter = DeliveryFilter {
        workspace,
        run: run.as_ref(),
        endpoint: page::selector("endpoint", params.endpoint.as_deref())?,
        status: page::word("status", params.status.as_deref())?,
    };
    page_of(&host, filter, params.limit, params.cursor.as_deref()).await
}

/// List a run's deliveries
///
/// What it was allowed to post, the newest first, and how that went.
#[utoipa::path(
    get, path = "/runs/{id}/deliveries", tag = "runs", operation_id = "deliveries",
    params(("id" = String, Path, description = "The run's id"), OfRunParams),
    responses((status = 200, description = "A page of deliveries", body = DeliveryList))
)]
pub(super) async fn of_run(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<OfRunParams>,
) -> Result<JsonAnswer<DeliveryList>, Problem> {
    let run = runs::find(&host, &caller, &id).await?;
    let status = page::word("status", params.status.as_deref())?;
    let filter = DeliveryFilter { workspace: caller.workspace(), run: Some(&run.id), endpoint: None, status };
    page_of(&host, filter, params.limit, params.cursor.as_deref()).await
}

async fn page_of(
    host: &Host,
    filter: DeliveryFilter<'_>,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<JsonAnswer<DeliveryList>, Problem> {
    let limit = page::limit(limit)?;
    let before = page::cursor_id(cursor, DeliveryId::PREFIX)?.map(DeliveryId::new);
    let deliveries = host.engine.store().deliveries(filter, before.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&deliveries, limit, |delivery| delivery.id.to_string());
    let items: Vec<_> = deliveries.iter().map(wire::delivery_view).collect();
    Ok(JsonAnswer(DeliveryList { count: items.len(), items, next_cursor }))
}
