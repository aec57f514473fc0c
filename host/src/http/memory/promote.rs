//! Promoting what is remembered.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use sluice_api::memory::{MemoryPromote, MemoryPromoted};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::idempotency::{KeptAlready, Named};
use super::super::json::Body;
use super::super::problem::Problem;
use super::{memory_caller, refused};
use crate::policy::Action;

/// Promote a record
///
/// Its text is scrubbed anew for the target tier. Where a review is due, the answer names the approval that
/// waits; once a person has granted it, the same request stores exactly what was approved. The source stays.
#[utoipa::path(
    post, path = "/memory/promote", tag = "memory", request_body = MemoryPromote,
    responses((status = 200, description = "What became of it", body = MemoryPromoted))
)]
pub(in crate::http) async fn promote(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Body(body): Body<MemoryPromote>,
) -> Result<Response, Problem> {
    let asking = memory_caller(&caller, body.capability.as_deref());
    match host.engine.promote_memory(&asking, &body, named.0.as_ref()).await {
        Ok(promoted) => {
            let mut response = JsonAnswer(promoted).into_response();
            response.extensions_mut().insert(KeptAlready);
            Ok(response)
        }
        Err(error) => Err(refused(&caller, Action::MemoryPromote, Some(&body.id), error).await),
    }
}
