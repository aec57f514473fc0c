//! Trying the scrubber.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use sluice_api::memory::{ScrubAnswer, ScrubRequest};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::idempotency::NeverKept;
use super::super::json::Body;
use super::super::problem::Problem;
use crate::domain::memory::{MemoryKind, Tier, validation};
use crate::engine::Destination;
use crate::wire;

/// Try the scrubber
///
/// What would become of a text: nothing is stored, told or written into the audit. Places are bytes of the
/// given text.
#[utoipa::path(
    post, path = "/memory/scrub", tag = "memory", request_body = ScrubRequest,
    responses((status = 200, description = "What would become of it", body = ScrubAnswer))
)]
pub(in crate::http) async fn scrub(
    State(host): State<Shared>,
    caller: Caller,
    Body(body): Body<ScrubRequest>,
) -> Result<Response, Problem> {
    validation::text(&body.text).map_err(|error| Problem::field("text", format!("text: {error}")))?;
    let to = Destination {
        workspace_id: caller.workspace(),
        tier: body.tier.map_or(Tier::Session, wire::tier_from),
        classification: validation::CLASSIFICATION,
        kind: MemoryKind::Note,
    };
    let result = host.engine.scrub(&body.text, to).await?;
    let findings = result.findings.into_iter();
    let answer: ScrubAnswer = wire::scrub_answer(
        result.status,
        result.text,
        findings.map(|finding| (finding.kind, finding.start, finding.end, finding.confidence)),
        result.reason,
        (result.plugin, result.digest.to_string()),
    );
    let mut response = JsonAnswer(answer).into_response();
    response.extensions_mut().insert(NeverKept);
    Ok(response)
}
