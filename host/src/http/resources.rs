//! Shared resources: records by key.
//!
//! A key stands in the path, plain or percent-encoded, or in the body. What must hold of a record
//! is said in the body, the query or a header, and means the same.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use sluice_api::resource::{ResourceDelete, ResourceDeleted, ResourcePut, ResourceRecord, ResourceWritten};

use super::access::Caller;
use super::host::{Host, Shared};
use super::idempotency::Named;
use super::json::{Body, OptionalBody};
use super::page::Segment;
use super::problem::{self, Problem};
use crate::domain::id::{self, LeaseId};
use crate::domain::resource::{Expect, ResourceKey};
use crate::engine::{ResourceAsk, ResourceOp, ResourceRequest, Written};
use crate::wire;

/// See a resource
///
/// `If-None-Match` with its revision answers 304.
#[utoipa::path(
    get, path = "/resource/{*key}", tag = "resources",
    params(("key" = String, Path, description = "The key, percent-encoded or not")),
    responses((status = 200, description = "The record", body = ResourceRecord))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Segment(key): Segment,
) -> Result<Response, Problem> {
    let key = key_of("key", &key)?;
    let now = host.engine.clock().now();
    let found = host.engine.store().resource(caller.workspace(), &key, now).await?;
    let found = found.ok_or_else(|| Problem::not_found("resource", key.as_str()))?;
    let tag = etag(found.rev);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = if known.split(',').any(|known| known.trim().as_bytes() == tag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        JsonAnswer(wire::resource_view(&found)).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// Write a resource
///
/// `if_match_rev` or `If-Match` for a certain revision, `if_match_rev: 0` or `If-None-Match: *` for a
/// record that is not there yet.
#[utoipa::path(
    put, path = "/resource/{*key}", tag = "resources", request_body = ResourcePut,
    params(("key" = String, Path, description = "The key, percent-encoded or not")),
    responses((status = 200, description = "The record", body = ResourceWritten))
)]
pub(super) async fn put(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Segment(key): Segment,
    Body(body): Body<ResourcePut>,
) -> Result<Response, Problem> {
    write(&host, &caller, &named, put_ask(&headers, Some(&key), body)?).await
}

/// Write a resource
///
/// The same, with the key in the body.
#[utoipa::path(
    put, path = "/resource", tag = "resources", operation_id = "put_by_body", request_body = ResourcePut,
    responses((status = 200, description = "The record", body = ResourceWritten))
)]
pub(super) async fn put_by_body(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Body(body): Body<ResourcePut>,
) -> Result<Response, Problem> {
    write(&host, &caller, &named, put_ask(&headers, None, body)?).await
}

/// Delete a resource
///
/// The deletion is a revision of its own.
#[utoipa::path(
    delete, path = "/resource/{*key}", tag = "resources", request_body = Option<ResourceDelete>,
    params(("key" = String, Path, description = "The key, percent-encoded or not")),
    responses((status = 200, description = "It is gone", body = ResourceDeleted))
)]
pub(super) async fn delete(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Segment(key): Segment,
    OptionalBody(body): OptionalBody<ResourceDelete>,
) -> Result<Response, Problem> {
    write(&host, &caller, &named, delete_ask(&headers, Some(&key), body)?).await
}

/// Delete a resource
///
/// The same, with the key in the body.
#[utoipa::path(
    delete, path = "/resource", tag = "resources", operation_id = "delete_by_body", request_body = ResourceDelete,
    responses((status = 200, description = "It is gone", body = ResourceDeleted))
)]
pub(super) async fn delete_by_body(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    headers: HeaderMap,
    Body(body): Body<ResourceDelete>,
) -> Result<Response, Problem> {
    write(&host, &caller, &named, delete_ask(&headers, None, body)?).await
}

fn put_ask(headers: &HeaderMap, key: Option<&str>, body: ResourcePut) -> Result<ResourceAsk, Problem> {
    Ok(ResourceAsk {
        field: String::new(),
        key: one_key(key, body.key.as_deref())?,
        expect: expectation(headers, None, body.if_match_rev)?,
        op: ResourceOp::Put { value: body.value.unwrap_or(Value::Null), ttl_ms: body.ttl_ms },
        updated_by: body.updated_by,
        lease_id: lease_id("lease_id", body.lease_id)?,
    })
}

fn delete_ask(headers: &HeaderMap, key: Option<&str>, body: ResourceDelete) -> Result<ResourceAsk, Problem> {
    Ok(ResourceAsk {
        field: String::new(),
        key: one_key(key, body.key.as_deref())?,
        expect: expectation(headers, None, body.if_match_rev)?,
        op: ResourceOp::Delete,
        updated_by: body.updated_by,
        lease_id: lease_id("lease_id", body.lease_id)?,
    })
}

async fn write(host: &Host, caller: &Caller, named: &Named, ask: ResourceAsk) -> Result<Response, Problem> {
    let request = ResourceRequest {
        workspace_id: caller.workspace(),
        actor: caller.name(),
        asks: std::slice::from_ref(&ask),
        receipt: named.0.as_ref().map(|key| (key, answer as fn(&[Written]) -> Value)),
    };
    let written = host.engine.write_resources(&request).await?;
    let rev = written.first().map_or(0, Written::rev);
    let mut response = JsonAnswer(answer(&written)).into_response();
    response.headers_mut().insert(header::ETAG, etag(rev));
    Ok(response)
}

/// The answer to a request about one key.
fn answer(written: &[Written]) -> Value {
    written.first().map(view).unwrap_or_default()
}

fn view(written: &Written) -> Value {
    let view = match written {
        Written::Put(resource) => {
            serde_json::to_value(ResourceWritten { ok: true, record: wire::resource_view(resource) })
        }
        Written::Deleted { key, rev } => {
            serde_json::to_value(ResourceDeleted { ok: true, deleted: true, key: key.to_string(), rev: *rev })
        }
    };
    view.unwrap_or_default()
}

/// The key of a request, which may stand in two places if they say the same.
fn one_key(in_path: Option<&str>, in_body: Option<&str>) -> Result<ResourceKey, Problem> {
    match (in_path, in_body) {
        (Some(path), Some(body)) if path != body => {
            Err(Problem::field("key", format!("key: is `{body}`, and the path has `{path}`; leave one out")))
        }
        (Some(key), _) | (None, Some(key)) => key_of("key", key),
        (None, None) => Err(Problem::field("key", "key: is missing; `project/NAME` is the shortest kind of key")),
    }
}

/// A key.
///
/// # Errors
/// 422 naming `field`.
pub(super) fn key_of(field: &str, text: &str) -> Result<ResourceKey, Problem> {
    ResourceKey::parse(text).map_err(|error| Problem::field(field, format!("{field}: `{text}` {error}")))
}

fn lease_id(field: &str, given: Option<String>) -> Result<Option<LeaseId>, Problem> {
    match given {
        None => Ok(None),
        Some(text) if id::check(&text).is_ok() => Ok(Some(LeaseId::new(text))),
        Some(_) => Err(Problem::field(field, format!("{field}: is no lease's id; `POST /leases` answers one"))),
    }
}

/// What must hold of a record, said in headers, the query and the body; where it is said twice it has
/// to be the same.
fn expectation(headers: &HeaderMap, query: Option<u64>, body: Option<u64>) -> Result<Expect, Problem> {
    let mut said: Vec<(&str, u64)> = Vec::new();
    said.extend(query.map(|rev| ("the query's if_match_rev", rev)));
    said.extend(body.map(|rev| ("if_match_rev", rev)));
    if let Some(rev) = tag_of(headers, &header::IF_MATCH)? {
        said.push(("If-Match", rev));
    }
    if let Some(value) = headers.get(header::IF_NONE_MATCH) {
        if value.as_bytes() != b"*" {
            let detail = "If-None-Match: a write takes `*` alone, for a record that must not be there yet";
            return Err(Problem::new(problem::MALFORMED_REQUEST, detail).with("field", "If-None-Match"));
        }
        said.push(("If-None-Match", 0));
    }
    let Some((_, rev)) = said.first().copied() else { return Ok(Expect::Anything) };
    if let Some((other, _)) = said.iter().find(|(_, other)| *other != rev) {
        let detail = format!("{other}: expects another revision than {}; say it once", said[0].0);
        return Err(Problem::field("if_match_rev", detail));
    }
    if i64::try_from(rev).is_err() {
        return Err(Problem::field("if_match_rev", format!("if_match_rev: is {rev}; no revision is that large")));
    }
    Ok(Expect::from_rev(Some(rev)))
}

/// The revision in an `If-Match`.
fn tag_of(headers: &HeaderMap, name: &header::HeaderName) -> Result<Option<u64>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse() {
        Ok(rev) if is_number && values.next().is_none() => Ok(Some(rev)),
        _ => {
            let detail = format!("{name}: is `{text}`; one revision in quotes, as ETag has it: `\"7\"`");
            Err(Problem::new(problem::MALFORMED_REQUEST, detail).with("field", name.as_str()))
        }
    }
}

fn etag(rev: u64) -> HeaderValue {
    // Digits between quotes are always a header's value.
    HeaderValue::from_str(&format!("\"{rev}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}
