//! What somebody does to a run: answer, pause, go on.

use axum::Json as JsonAnswer;
use axum::extract::State;

use sluice_api::routine::{RoutineRunAnswer, RoutineRunStep};

use super::super::access::Caller;
use super::super::host::{Host, Shared};
use super::super::json::OptionalBody;
use super::super::page::Segment;
use super::super::problem::Problem;
use super::write::check_reason;
use super::{find_run, own_run};
use crate::domain::artifact::Digest;
use crate::domain::routine::Occurrence;
use crate::engine::Decision;
use crate::wire;

type Answered = Result<JsonAnswer<RoutineRunAnswer>, Problem>;

/// Say yes to a run
///
/// For this run and exactly what was asked; 409 when it waits for no answer, was answered differently, or
/// the routine changed meanwhile. Agents never may.
#[utoipa::path(
    post, path = "/routines/runs/{id}/approve", tag = "routines", request_body = Option<RoutineRunStep>,
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RoutineRunAnswer))
)]
pub(in crate::http) async fn approve(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<RoutineRunStep>,
) -> Answered {
    decide(&host, &caller, &id, Decision::Grant, body).await
}

/// Say no to a run
///
/// It is not started, and never will be.
#[utoipa::path(
    post, path = "/routines/runs/{id}/deny", tag = "routines", request_body = Option<RoutineRunStep>,
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RoutineRunAnswer))
)]
pub(in crate::http) async fn deny(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<RoutineRunStep>,
) -> Answered {
    decide(&host, &caller, &id, Decision::Deny, body).await
}

async fn decide(host: &Host, caller: &Caller, id: &str, decision: Decision, body: RoutineRunStep) -> Answered {
    let run = own_run(host, caller, id).await?;
    check_reason("reason", body.reason.as_deref())?;
    let looked_at = match body.content_digest.as_deref().map(Digest::parse) {
        None => None,
        Some(Some(digest)) => Some(digest),
        Some(None) => {
            return Err(Problem::field("content_digest", "content_digest: is 64 lower-case hexadecimal digits"));
        }
    };
    let (engine, workspace) = (&host.engine, caller.workspace());
    let run = match (&looked_at, &run.approval_id) {
        (Some(digest), Some(approval)) => {
            engine.decide_approval(workspace, approval, decision, caller.name(), body.reason, Some(digest)).await?;
            find_run(host, caller, id).await?
        }
        _ => engine.decide_occurrence(workspace, &run.id, decision, caller.name(), body.reason).await?,
    };
    Ok(answered(&run))
}

/// Pause a run
///
/// Nothing new of its mission starts.
#[utoipa::path(
    post, path = "/routines/runs/{id}/pause", tag = "routines", request_body = Option<RoutineRunStep>,
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RoutineRunAnswer))
)]
pub(in crate::http) async fn pause(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<RoutineRunStep>,
) -> Answered {
    let run = own_run(&host, &caller, &id).await?;
    check_step(&body)?;
    let run = host.engine.pause_occurrence(caller.workspace(), &run.id, caller.name(), body.reason).await?;
    Ok(answered(&run))
}

/// Go on with a run
#[utoipa::path(
    post, path = "/routines/runs/{id}/resume", tag = "routines", request_body = Option<RoutineRunStep>,
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RoutineRunAnswer))
)]
pub(in crate::http) async fn resume(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<RoutineRunStep>,
) -> Answered {
    let run = own_run(&host, &caller, &id).await?;
    check_step(&body)?;
    let run = host.engine.resume_occurrence(caller.workspace(), &run.id, caller.name(), body.reason).await?;
    Ok(answered(&run))
}

/// Only an answer is about something that was looked at.
fn check_step(body: &RoutineRunStep) -> Result<(), Problem> {
    if body.content_digest.is_some() {
        return Err(Problem::field("content_digest", "content_digest: only approve and deny take one"));
    }
    check_reason("reason", body.reason.as_deref())
}

fn answered(run: &Occurrence) -> JsonAnswer<RoutineRunAnswer> {
    JsonAnswer(RoutineRunAnswer { ok: true, run: wire::routine_run_view(run) })
}
