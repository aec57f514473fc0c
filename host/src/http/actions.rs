//! Actions: a run asks whether it may act on the world.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use sluice_api::work::{ActionDecision, ActionRequest, ActionVerdict};

use super::access::Caller;
use super::host::Shared;
use super::idempotency::{KeptAlready, Named, NeverKept};
use super::json::Body;
use super::page::Segment;
use super::problem::Problem;
use super::runs::held;
use crate::engine::ActionAsk;

/// Ask to act on the world
///
/// With the run's own token. What is asked for has to be covered by the mission's capabilities, and
/// a person has to say yes to exactly this; ask again with the very same content to learn the
/// answer. `allowed` is told once. What is asked of the connector `webhook` (its action is `post`, with
/// `{"endpoint","body"}`) the host then delivers itself.
#[utoipa::path(
    post, path = "/runs/{id}/actions", tag = "runs", request_body = ActionRequest,
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "Whether it may", body = ActionDecision))
)]
pub(super) async fn ask(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Segment(id): Segment,
    Body(body): Body<ActionRequest>,
) -> Result<Response, Problem> {
    let held = held(&host, &caller, &id).await?;
    let ActionRequest { connector, action, args, summary } = body;
    let ask = ActionAsk { connector, action, args, summary };
    let receipt = named.0.as_ref().map(|key| (key, answer_of as fn(&ActionDecision) -> Value));
    let decision = host.engine.ask_named_action(&held, ask, receipt).await?;
    let mut response = JsonAnswer(answer_of(&decision)).into_response();
    if decision.decision == ActionVerdict::Allowed {
        response.extensions_mut().insert(KeptAlready);
    } else {
        // Asked again under the same name it may be allowed.
        response.extensions_mut().insert(NeverKept);
    }
    Ok(response)
}

fn answer_of(decision: &ActionDecision) -> Value {
    // Its members have text keys and no failing serialisers.
    serde_json::to_value(decision).unwrap_or_default()
}
