//! Runs outside the schedule: now, and for the past.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use sluice_api::routine_run::{BackfillRequest, RoutineRunList, RunNowAnswer, RunNowRequest};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::idempotency::{KeptAlready, Named};
use super::super::json::{Body, OptionalBody};
use super::super::page::Segment;
use super::super::problem::Problem;
use super::write::check_reason;
use super::{actor, own};
use crate::domain::routine::{CATCH_UP_MAX, Occurrence};
use crate::domain::time::Timestamp;
use crate::engine::{Backfill, RunNow};
use crate::wire;

/// Have a routine run now
///
/// Beside its schedule. 409 for one that is disabled or paused, unless a user forces it; 403
/// `ROUTINE_POLICY_BLOCKED` for external side effects that it may not have.
#[utoipa::path(
    post, path = "/routines/{id}/run_now", tag = "routines", request_body = Option<RunNowRequest>,
    params(("id" = String, Path, description = "The routine's id")),
    responses((status = 200, description = "The run", body = RunNowAnswer))
)]
pub(in crate::http) async fn run_now(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<RunNowRequest>,
) -> Result<Response, Problem> {
    let routine = own(&host, &caller, &id).await?;
    check_reason("reason", body.reason.as_deref())?;
    let ask = RunNow {
        force: body.force,
        reason: body.reason,
        by: actor(&caller),
        receipt: named.0.as_ref().map(|key| (key, started as fn(&Occurrence) -> Value)),
    };
    let run = host.engine.run_routine_now(caller.workspace(), &routine.id, ask).await?;
    let mut response = JsonAnswer(started(&run)).into_response();
    response.extensions_mut().insert(KeptAlready);
    Ok(response)
}

fn started(run: &Occurrence) -> Value {
    let answer = RunNowAnswer {
        ok: true,
        run_id: run.id.to_string(),
        // Whatever it waits for, nobody works on it yet.
        status: "queued".to_owned(),
        waiting_for: wire::waiting_for(run).map(str::to_owned),
        approval_id: run.approval_id.as_ref().map(ToString::to_string),
    };
    serde_json::to_value(answer).unwrap_or_default()
}

/// Have a routine run for the past
///
/// One run for each occurrence between the two instants, in order, the earliest first; none that had a
/// backfill before.
#[utoipa::path(
    post, path = "/routines/{id}/backfill", tag = "routines", request_body = BackfillRequest,
    params(("id" = String, Path, description = "The routine's id")),
    responses((status = 200, description = "The runs", body = RoutineRunList))
)]
pub(in crate::http) async fn backfill(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Segment(id): Segment,
    Body(body): Body<BackfillRequest>,
) -> Result<Response, Problem> {
    let routine = own(&host, &caller, &id).await?;
    let ask = Backfill {
        from: Timestamp(body.from_ms),
        to: Timestamp(body.to_ms),
        max_runs: body.max_runs.unwrap_or(CATCH_UP_MAX),
        by: actor(&caller),
        receipt: named.0.as_ref().map(|key| (key, listed as fn(&[Occurrence]) -> Value)),
    };
    let runs = host.engine.backfill_routine(caller.workspace(), &routine.id, ask).await?;
    let mut response = JsonAnswer(listed(&runs)).into_response();
    response.extensions_mut().insert(KeptAlready);
    Ok(response)
}

fn listed(runs: &[Occurrence]) -> Value {
    let runs: Vec<_> = runs.iter().map(wire::routine_run_view).collect();
    serde_json::to_value(RoutineRunList { count: runs.len(), runs, next_cursor: None }).unwrap_or_default()
}
