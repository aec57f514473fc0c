//! The parts of the OpenAPI document that belong to no single operation.

use serde_json::{Value, json};
use utoipa::OpenApi as _;

/// What every operation builds on.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sluice",
        description = "An engine host: durable missions, gates that really gate, decisions in WebAssembly.\n\n\
            Times are milliseconds since the Unix epoch. Unknown members of requests are refused by name; answers may \
            gain members at any time. Every error is a problem document (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(sluice_api::problem::Problem)),
    tags(
        (name = "missions", description = "Missions: goals, their work items and history"),
        (name = "runs", description = "Runs: what workers claim, keep and finish"),
        (name = "sessions", description = "Sessions of other engines"),
        (name = "approvals", description = "Approvals: what waits for people"),
        (name = "resources", description = "Shared resources: a board of records with revisions"),
        (name = "memory", description = "Governed memory: what is remembered, by tier"),
        (name = "leases", description = "Leases: names that one holder at a time has"),
        (name = "routines", description = "Routines: work that starts by a schedule"),
        (name = "events", description = "The log, followed"),
        (name = "tokens", description = "Tokens: who may ask"),
        (name = "audit", description = "The audit"),
        (name = "host", description = "The host itself"),
    )
)]
struct Base;

/// The document before any operation is in it.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// Adds what the builder has no words for: credentials, and the answer that is a problem.
pub(super) fn complete(mut document: Value) -> Value {
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "A token of `POST /tokens`, or a claimed run's own token."
        },
        "ticket": {
            "type": "apiKey", "in": "query", "name": "ticket",
            "description": "A ticket of `POST /event/ticket`, for streams alone."
        },
    });
    document["components"]["responses"]["Problem"] = json!({
        "description": "What is wrong, and what would be right",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    document
}
