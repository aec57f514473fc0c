//! Named leases: take, renew, give back, look.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use sluice_api::lease::{LeaseRequest, LeaseStep, NamedLeaseList, NamedLeaseView};

use super::access::Caller;
use super::host::{Host, Shared};
use super::idempotency::{KeptAlready, Named};
use super::json::{Body, OptionalBody, Params};
use super::page::{self, Segment};
use super::problem::Problem;
use super::resources::key_of;
use crate::domain::id::{self, LeaseId};
use crate::domain::lease::{NAME_MAX_BYTES, NamedLease};
use crate::engine::LeaseAsk;
use crate::wire;

/// Take a lease
///
/// Of many who ask for a name one gets it. It lasts `ttl_ms` from now and from each renewal. With
/// `claim_key` the host has a shared resource show who holds it.
#[utoipa::path(
    post, path = "/leases", tag = "leases", request_body = LeaseRequest,
    responses((status = 201, description = "It is held", body = NamedLeaseView))
)]
pub(super) async fn acquire(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Body(body): Body<LeaseRequest>,
) -> Result<Response, Problem> {
    let claim_key = body.claim_key.map(|key| key_of("claim_key", &key)).transpose()?;
    let ask = LeaseAsk {
        workspace_id: caller.workspace(),
        principal: caller.name(),
        name: body.name,
        ttl_ms: body.ttl_ms,
        owner: body.owner,
        claim_key,
        receipt: named.0.as_ref().map(|key| (key, answer as fn(&NamedLease) -> Value)),
    };
    let lease = host.engine.acquire_lease(&ask).await?;
    let mut response = (StatusCode::CREATED, JsonAnswer(answer(&lease))).into_response();
    response.extensions_mut().insert(KeptAlready);
    Ok(response)
}

/// A lease that was just taken.
fn answer(lease: &NamedLease) -> Value {
    // Its members have text keys and no failing serialisers.
    serde_json::to_value(wire::named_lease_view(lease, lease.acquired_at)).unwrap_or_default()
}

/// Which leases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// `true` for those that somebody holds now.
    held: Option<bool>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 256)]
    cursor: Option<String>,
}

/// List leases
///
/// The newest holding of each name, by name.
#[utoipa::path(
    get, path = "/leases", tag = "leases", params(ListParams),
    responses((status = 200, description = "A page of leases", body = NamedLeaseList))
)]
pub(super) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<NamedLeaseList>, Problem> {
    let limit = page::limit(params.limit)?;
    let is_no_name = |name: &String| name.len() > NAME_MAX_BYTES || name.chars().any(char::is_control);
    if params.cursor.as_ref().is_some_and(is_no_name) {
        return Err(page::invalid_cursor());
    }
    let now = host.engine.clock().now();
    let held_at = params.held.unwrap_or(false).then_some(now);
    let store = host.engine.store();
    let leases = store.named_leases(caller.workspace(), held_at, params.cursor.as_deref(), limit).await?;
    let next_cursor = page::next_cursor(&leases, limit, |lease| lease.name.clone());
    let items: Vec<_> = leases.iter().map(|lease| wire::named_lease_view(lease, now)).collect();
    Ok(JsonAnswer(NamedLeaseList { count: items.len(), items, next_cursor }))
}

/// Look at a lease
///
/// Held or not; 409 for an id whose name was taken again since.
#[utoipa::path(
    get, path = "/leases/{id}", tag = "leases", params(("id" = String, Path, description = "The lease's id")),
    responses((status = 200, description = "The lease", body = NamedLeaseView))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<NamedLeaseView>, Problem> {
    let lease = find(&host, &caller, &id).await?;
    Ok(JsonAnswer(wire::named_lease_view(&lease, host.engine.clock().now())))
}

/// Renew a lease
///
/// It lasts its time from now on. Only whoever took it, or an operator; 409 once it ran out.
#[utoipa::path(
    post, path = "/leases/{id}/renew", tag = "leases", request_body = Option<LeaseStep>,
    params(("id" = String, Path, description = "The lease's id")),
    responses((status = 200, description = "The lease", body = NamedLeaseView))
)]
pub(super) async fn renew(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(LeaseStep {}): OptionalBody<LeaseStep>,
) -> Result<JsonAnswer<NamedLeaseView>, Problem> {
    let lease = own(&host, &caller, &id).await?;
    let lease = host.engine.renew_lease_of_name(lease).await?;
    Ok(JsonAnswer(wire::named_lease_view(&lease, host.engine.clock().now())))
}

/// Give a lease back
///
/// Only whoever took it, or an operator; 409 once it ran out or was given back.
#[utoipa::path(
    post, path = "/leases/{id}/release", tag = "leases", request_body = Option<LeaseStep>,
    params(("id" = String, Path, description = "The lease's id")),
    responses((status = 200, description = "The lease", body = NamedLeaseView))
)]
pub(super) async fn release(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(LeaseStep {}): OptionalBody<LeaseStep>,
) -> Result<JsonAnswer<NamedLeaseView>, Problem> {
    let lease = own(&host, &caller, &id).await?;
    let lease = host.engine.release_lease(lease).await?;
    Ok(JsonAnswer(wire::named_lease_view(&lease, host.engine.clock().now())))
}

async fn find(host: &Host, caller: &Caller, id: &str) -> Result<NamedLease, Problem> {
    if id::check(id).is_err() {
        return Err(Problem::not_found("lease", id));
    }
    let lease = host.engine.lease_of_id(caller.workspace(), &LeaseId::new(id)).await?;
    caller.allow_thing(&format!("lease/{id}"), Some(&lease.principal)).await?;
    Ok(lease)
}

async fn own(host: &Host, caller: &Caller, id: &str) -> Result<NamedLease, Problem> {
    let lease = find(host, caller, id).await?;
    caller.allow(&format!("lease/{id}"), Some(&lease.principal)).await?;
    Ok(lease)
}
