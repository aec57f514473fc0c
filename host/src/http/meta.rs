//! What the host tells of itself: health, its API, what its problems mean.

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use sluice_api::server::Health;

use super::host::{Host, Shared};
use super::page::Segment;
use super::problem::{KINDS, Problem};
use crate::telemetry::Queue;

/// How long the database may take to answer before it counts as one that does not: what asks for a host's health does not
/// wait for long itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the host works
///
/// Answers 200 as long as the process does; `healthy` tells of its database, `ready` of whether it
/// takes work.
#[utoipa::path(
    get, path = "/global/health", tag = "host",
    responses((status = 200, description = "How the host is", body = Health))
)]
pub(super) async fn health(State(host): State<Shared>) -> JsonAnswer<Health> {
    JsonAnswer(look(&host).await)
}

/// Whether the process is alive
#[utoipa::path(
    get, path = "/healthz", tag = "host",
    responses((status = 200, description = "It is", body = Health))
)]
pub(super) async fn alive(State(host): State<Shared>) -> JsonAnswer<Health> {
    JsonAnswer(look(&host).await)
}

/// Whether the host takes work
///
/// 503 while it drains or its database does not answer.
#[utoipa::path(
    get, path = "/readyz", tag = "host",
    responses((status = 200, description = "It does", body = Health), (status = 503, description = "It does not", body = Health))
)]
pub(super) async fn ready(State(host): State<Shared>) -> Response {
    let health = look(&host).await;
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, JsonAnswer(health)).into_response()
}

async fn look(host: &Host) -> Health {
    let store = host.engine.store();
    let healthy = tokio::time::timeout(PATIENCE, store.log_head()).await.is_ok_and(|head| head.is_ok());
    let draining = host.draining.is_cancelled();
    Health {
        healthy,
        ready: healthy && !draining,
        phase: if draining { "draining" } else { "running" }.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "host",
    responses((status = 200, description = "OpenAPI 3.1", body = Value))
)]
pub(super) async fn openapi() -> JsonAnswer<&'static Value> {
    JsonAnswer(super::document())
}

/// What a problem means
///
/// The page behind `type` of a problem document.
#[utoipa::path(
    get, path = "/problems/{slug}", tag = "host", params(("slug" = String, Path, description = "The code in lower case, with hyphens")),
    responses((status = 200, description = "What it means and what to do", body = String, content_type = "text/markdown"))
)]
pub(super) async fn problem_page(Segment(slug): Segment) -> Result<Response, Problem> {
    let kind = KINDS.iter().find(|kind| kind.slug() == slug).ok_or_else(|| Problem::not_found("problem", &slug))?;
    let text = format!("# {}\n\n`{}`, status {}\n\n{}\n", kind.title, kind.code, kind.status, kind.meaning);
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"));
    Ok(response)
}

/// What is counted
///
/// In the text format that Prometheus scrapes.
#[utoipa::path(
    get, path = "/metrics", tag = "host",
    responses((status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text"))
)]
pub(super) async fn metrics(State(host): State<Shared>) -> Response {
    match tokio::time::timeout(PATIENCE, host.engine.store().waiting()).await {
        Ok(Ok(waiting)) => {
            host.metrics.queue_depth(Queue::Runs, waiting.runs);
            host.metrics.queue_depth(Queue::Inbox, waiting.inputs);
            host.metrics.queue_depth(Queue::Evaluations, waiting.evaluations);
            host.metrics.queue_depth(Queue::Approvals, waiting.approvals);
            host.metrics.queue_depth(Queue::Deliveries, waiting.deliveries);
        }
        // What was counted last is better than nothing, and the log says why.
        Ok(Err(error)) => tracing::warn!(%error, "failed to count what waits"),
        Err(_) => tracing::warn!("failed to count what waits: the database does not answer"),
    }
    let mut response = host.metrics.render().into_response();
    let text = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
