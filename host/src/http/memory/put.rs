//! Having something remembered.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use sluice_api::memory::{MemoryPut, MemoryStored};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::idempotency::{KeptAlready, Named};
use super::super::json::Body;
use super::super::problem::Problem;
use super::{count_embedding, memory_caller, refused};
use crate::policy::Action;

/// Have something remembered
///
/// The text and all that stands beside it is scrubbed first, and only what is left of it is kept. What says
/// the same as a record of the same partition joins it. A text that is blocked is not stored, and the answer
/// says so.
#[utoipa::path(
    post, path = "/memory/put", tag = "memory", request_body = MemoryPut,
    responses((status = 200, description = "What became of it", body = MemoryStored))
)]
pub(in crate::http) async fn put(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Body(mut body): Body<MemoryPut>,
) -> Result<Response, Problem> {
    let capability = body.capability.take();
    let asking = memory_caller(&caller, capability.as_deref());
    match host.engine.put_memory(&asking, body, named.0.as_ref()).await {
        Ok(stored) => {
            count_embedding(&host, stored.embedding);
            let mut response = JsonAnswer(stored).into_response();
            response.extensions_mut().insert(KeptAlready);
            Ok(response)
        }
        Err(error) => Err(refused(&caller, Action::MemoryWrite, None, error).await),
    }
}
