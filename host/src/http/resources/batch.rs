//! Several writes of resources at once: all of them or none.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use sluice_api::resource::{ResourceBatch, ResourceBatchDone, ResourceOperation, ResourceOperationKind};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::idempotency::{KeptAlready, Named};
use super::super::json::Body;
use super::super::problem::Problem;
use super::conditions::{key_of, lease_id};
use super::reach;
use super::write::view;
use crate::domain::resource::Expect;
use crate::engine::{ResourceAsk, ResourceOp, ResourceRequest, WRITES_MAX, Written};

/// Largest batch, in bytes.
pub(in crate::http) const BODY_MAX_BYTES: usize = 16 << 20;

/// Write several resources
///
/// All of them or none, in one transaction: 1 to 100 operations, each key once. What does not hold is
/// told with the operation's `index` and `key`.
#[utoipa::path(
    post, path = "/resource/batch", tag = "resources", request_body = ResourceBatch,
    responses((status = 200, description = "What became of each key", body = ResourceBatchDone))
)]
pub(in crate::http) async fn carry_out(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Body(body): Body<ResourceBatch>,
) -> Result<Response, Problem> {
    let count = body.operations.len();
    if !(1..=WRITES_MAX).contains(&count) {
        return Err(Problem::field("operations", format!("operations: has {count} entries; 1 to {WRITES_MAX}")));
    }
    let operations = body.operations.into_iter().enumerate();
    let asks = operations.map(|(index, operation)| ask(index, operation)).collect::<Result<Vec<_>, _>>()?;
    let held = reach::require_writable(&host, &caller, asks.iter().map(|ask| &ask.key)).await?;
    let request = ResourceRequest {
        workspace_id: caller.workspace(),
        actor: caller.name(),
        held: held.as_ref(),
        asks: &asks,
        receipt: named.0.as_ref().map(|key| (key, answer as fn(&[Written]) -> Value)),
    };
    let written = host.engine.write_resources(&request).await?;
    let mut response = JsonAnswer(done(&written)).into_response();
    response.extensions_mut().insert(KeptAlready);
    Ok(response)
}

fn ask(index: usize, operation: ResourceOperation) -> Result<ResourceAsk, Problem> {
    let field = |name: &str| format!("operations[{index}].{name}");
    let wrong = |name: &str, what: &str| Err(Problem::field(&field(name), format!("{}: {what}", field(name))));
    let op = match (operation.op, operation.value, operation.patch) {
        (ResourceOperationKind::Put, Some(value), None) => ResourceOp::Put { value, ttl_ms: operation.ttl_ms },
        (ResourceOperationKind::Put, None, _) => return wrong("value", "is missing; a put has one"),
        (ResourceOperationKind::Patch, None, Some(patch)) => ResourceOp::Patch(patch),
        (ResourceOperationKind::Patch, _, None) => return wrong("patch", "is missing; a patch has one"),
        (ResourceOperationKind::Delete, None, None) => ResourceOp::Delete,
        (ResourceOperationKind::Put | ResourceOperationKind::Delete, _, Some(_)) => {
            return wrong("patch", "belongs to a patch alone");
        }
        (ResourceOperationKind::Patch | ResourceOperationKind::Delete, Some(_), _) => {
            return wrong("value", "belongs to a put alone");
        }
    };
    if operation.ttl_ms.is_some() && !matches!(op, ResourceOp::Put { .. }) {
        return wrong("ttl_ms", "belongs to a put alone; a patch keeps the record's end");
    }
    if operation.if_match_rev.is_some_and(|rev| i64::try_from(rev).is_err()) {
        return wrong("if_match_rev", "no revision is that large");
    }
    Ok(ResourceAsk {
        index: Some(index),
        key: key_of(&field("key"), &operation.key)?,
        expect: Expect::from_rev(operation.if_match_rev),
        op,
        updated_by: operation.updated_by,
        lease_id: lease_id(&field("lease_id"), operation.lease_id)?,
    })
}

fn done(written: &[Written]) -> ResourceBatchDone {
    ResourceBatchDone { ok: true, count: written.len(), results: written.iter().map(view).collect() }
}

fn answer(written: &[Written]) -> Value {
    // Its members have text keys and no failing serialisers.
    serde_json::to_value(done(written)).unwrap_or_default()
}
