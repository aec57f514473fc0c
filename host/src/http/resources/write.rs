//! Writing one resource: put, patch, delete.

use axum::Json as JsonAnswer;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use sluice_api::resource::{ResourceDelete, ResourceDeleted, ResourcePut, ResourceResult, ResourceWritten};

use super::super::access::Caller;
use super::super::host::{Host, Shared};
use super::super::idempotency::{KeptAlready, Named};
use super::super::json::{self, Body, OptionalBody, Params};
use super::super::page::Segment;
use super::super::problem::Problem;
use super::conditions::{WriteParams, etag, expectation, lease_id, one_key, said_once};
use super::reach;
use crate::domain::resource::ResourceKey;
use crate::engine::{ResourceAsk, ResourceOp, ResourceRequest, Written};
use crate::wire;

/// Write a resource
///
/// `if_match_rev` or `If-Match` for a certain revision, `If-Match: *` for any, `if_match_rev: 0` or
/// `If-None-Match: *` for a record that is not there yet.
#[utoipa::path(
    put, path = "/resource/{*key}", tag = "resources", request_body = ResourcePut,
    params(("key" = String, Path, description = "The key, percent-encoded or not"), WriteParams),
    responses((status = 200, description = "The record", body = ResourceWritten))
)]
pub(in crate::http) async fn put(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Segment(key): Segment,
    Params(params): Params<WriteParams>,
    Body(body): Body<ResourcePut>,
) -> Result<Response, Problem> {
    write(&host, &caller, &named, put_ask(&headers, Some(&key), params, body)?).await
}

/// Write a resource
///
/// The same, with the key in the body.
#[utoipa::path(
    put, path = "/resource", tag = "resources", operation_id = "put_by_body", request_body = ResourcePut,
    params(WriteParams), responses((status = 200, description = "The record", body = ResourceWritten))
)]
pub(in crate::http) async fn put_by_body(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Params(params): Params<WriteParams>,
    Body(body): Body<ResourcePut>,
) -> Result<Response, Problem> {
    write(&host, &caller, &named, put_ask(&headers, None, params, body)?).await
}

/// A merge patch.
pub(in crate::http) struct MergePatch(Value);

impl FromRequest<Shared> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, host: &Shared) -> Result<Self, Problem> {
        json::require_json(request.headers(), &["application/merge-patch+json", "application/json"])?;
        let bytes = json::read_all(request).await?;
        json::value(&bytes, host.options.json_depth_max).map(Self)
    }
}

/// Change a resource
///
/// The body is a merge patch (RFC 7396): `null` takes a member away, an object goes on inside,
/// everything else replaces what is there. The record ends when it would have. Where there is none the
/// answer is 404, unless `if_match_rev=0` or `If-None-Match: *` asks for just that: then the patch
/// makes one out of an empty object.
#[utoipa::path(
    patch, path = "/resource/{*key}", tag = "resources",
    request_body(content((Value = "application/merge-patch+json"), (Value = "application/json"))),
    params(("key" = String, Path, description = "The key, percent-encoded or not"), WriteParams),
    responses((status = 200, description = "The record", body = ResourceWritten))
)]
pub(in crate::http) async fn patch(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Segment(key): Segment,
    Params(params): Params<WriteParams>,
    MergePatch(body): MergePatch,
) -> Result<Response, Problem> {
    let key = one_key(Some(&key), None)?;
    let ask = ask(&headers, key, ResourceOp::Patch(body), params, Said::default())?;
    write(&host, &caller, &named, ask).await
}

/// Delete a resource
///
/// The deletion is a revision of its own. 404 where there is nothing to delete.
#[utoipa::path(
    delete, path = "/resource/{*key}", tag = "resources", request_body = Option<ResourceDelete>,
    params(("key" = String, Path, description = "The key, percent-encoded or not"), WriteParams),
    responses((status = 200, description = "It is gone", body = ResourceDeleted))
)]
pub(in crate::http) async fn delete(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Segment(key): Segment,
    Params(params): Params<WriteParams>,
    OptionalBody(body): OptionalBody<ResourceDelete>,
) -> Result<Response, Problem> {
    write(&host, &caller, &named, delete_ask(&headers, Some(&key), params, body)?).await
}

/// Delete a resource
///
/// The same, with the key in the body.
#[utoipa::path(
    delete, path = "/resource", tag = "resources", operation_id = "delete_by_body", request_body = ResourceDelete,
    params(WriteParams), responses((status = 200, description = "It is gone", body = ResourceDeleted))
)]
pub(in crate::http) async fn delete_by_body(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Params(params): Params<WriteParams>,
    Body(body): Body<ResourceDelete>,
) -> Result<Response, Problem> {
    write(&host, &caller, &named, delete_ask(&headers, None, params, body)?).await
}

/// What a body says beside its value.
#[derive(Default)]
struct Said {
    if_match_rev: Option<u64>,
    updated_by: Option<String>,
    lease_id: Option<String>,
}

fn put_ask(
    headers: &HeaderMap,
    key: Option<&str>,
    params: WriteParams,
    body: ResourcePut,
) -> Result<ResourceAsk, Problem> {
    let key = one_key(key, body.key.as_deref())?;
    let op = ResourceOp::Put { value: body.value.unwrap_or_default(), ttl_ms: body.ttl_ms };
    let said = Said { if_match_rev: body.if_match_rev, updated_by: body.updated_by, lease_id: body.lease_id };
    ask(headers, key, op, params, said)
}

fn delete_ask(
    headers: &HeaderMap,
    key: Option<&str>,
    params: WriteParams,
    body: ResourceDelete,
) -> Result<ResourceAsk, Problem> {
    let key = one_key(key, body.key.as_deref())?;
    let said = Said { if_match_rev: body.if_match_rev, updated_by: body.updated_by, lease_id: body.lease_id };
    ask(headers, key, ResourceOp::Delete, params, said)
}

fn ask(
    headers: &HeaderMap,
    key: ResourceKey,
    op: ResourceOp,
    query: WriteParams,
    body: Said,
) -> Result<ResourceAsk, Problem> {
    Ok(ResourceAsk {
        index: None,
        key,
        expect: expectation(headers, query.if_match_rev, body.if_match_rev)?,
        op,
        updated_by: said_once("updated_by", query.updated_by, body.updated_by)?,
        lease_id: lease_id("lease_id", said_once("lease_id", query.lease_id, body.lease_id)?)?,
    })
}

async fn write(host: &Host, caller: &Caller, named: &Named, ask: ResourceAsk) -> Result<Response, Problem> {
    let held = reach::require_writable(host, caller, [&ask.key]).await?;
    let request = ResourceRequest {
        workspace_id: caller.workspace(),
        actor: caller.name(),
        held: held.as_ref(),
        asks: std::slice::from_ref(&ask),
        receipt: named.0.as_ref().map(|key| (key, answer as fn(&[Written]) -> Value)),
    };
    let written = host.engine.write_resources(&request).await?;
    let rev = written.first().map_or(0, Written::rev);
    let mut response = match written.first() {
        Some(Written::Put(resource)) => JsonAnswer(wire::WrittenResource::of(resource)).into_response(),
        _ => JsonAnswer(answer(&written)).into_response(),
    };
    response.headers_mut().insert(header::ETAG, etag(rev));
    response.extensions_mut().insert(KeptAlready);
    Ok(response)
}

/// The answer to a request about one key.
fn answer(written: &[Written]) -> Value {
    // Its members have text keys and no failing serialisers.
    written.first().and_then(|written| serde_json::to_value(view(written)).ok()).unwrap_or_default()
}

/// What became of a key.
pub(super) fn view(written: &Written) -> ResourceResult {
    match written {
        Written::Put(resource) => {
            ResourceResult::Written(ResourceWritten { ok: true, record: wire::resource_view(resource) })
        }
        Written::Deleted { key, rev } => {
            ResourceResult::Deleted(ResourceDeleted { ok: true, deleted: true, key: key.to_string(), rev: *rev })
        }
    }
}
