//! Making, changing and deleting routines.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use sluice_api::routine::{CreateRoutine, PatchRoutine, RoutineAnswer, RoutineDeleted, RoutineView};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::idempotency::{KeptAlready, Named};
use super::super::json::Body;
use super::super::page::Segment;
use super::super::problem::Problem;
use super::{actor, own};
use crate::domain::id::RoutineId;
use crate::domain::principal::Role;
use crate::domain::routine::{CreatorType, Routine, RoutineStatus};
use crate::engine::{EngineError, Maker, NewRoutine, ResumeMissed, RoutineChange};
use crate::wire;

/// Longest reason, in characters.
const REASON_MAX_CHARS: usize = 1_000;
/// Longest name that a client gives a routine's maker, in characters.
const LABEL_MAX_CHARS: usize = 128;
/// How often a change is tried while its routine keeps firing.
const TRIES_MAX: u32 = 16;

/// Make a routine
///
/// It is durable when this answers, and fires from then on. What an agent makes is a draft, `disabled` until
/// a user enables it.
#[utoipa::path(
    post, path = "/routines", tag = "routines", request_body = CreateRoutine,
    responses((status = 201, description = "The routine", body = RoutineAnswer))
)]
pub(in crate::http) async fn create(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Body(body): Body<CreateRoutine>,
) -> Result<Response, Problem> {
    let maker = maker(&caller, &body)?;
    let enabled = match status_of(body.status.as_deref())? {
        None | Some(RoutineStatus::Enabled) => true,
        Some(RoutineStatus::Disabled) => false,
        Some(RoutineStatus::Paused) => {
            return Err(Problem::field("status", "status: is `paused`; a routine begins enabled or disabled"));
        }
    };
    let id = body.id.as_deref().map(RoutineId::new);
    let new = NewRoutine {
        workspace_id: caller.workspace(),
        id,
        settings: wire::settings_of(body.clone(), host.engine.clock().now())?,
        enabled,
        by: actor(&caller),
        maker,
        receipt: named.0.as_ref().map(|key| (key, made as fn(&Routine) -> Value)),
    };
    let routine = host.engine.create_routine(new).await?;
    let mut response = (StatusCode::CREATED, JsonAnswer(made(&routine))).into_response();
    response.extensions_mut().insert(KeptAlready);
    Ok(response)
}

/// A routine that was just made.
fn made(routine: &Routine) -> Value {
    // Its members have text keys and no failing serialisers.
    serde_json::to_value(RoutineAnswer { routine: wire::routine_view(routine) }).unwrap_or_default()
}

/// Whose it will be. What a token's principal does is that principal's, whatever the body calls its maker:
/// an agent's is an agent's, and a user may make one for an agent, whose it then is.
fn maker<'m>(caller: &'m Caller, body: &'m CreateRoutine) -> Result<Maker<'m>, Problem> {
    let said = match body.creator_type.as_deref().map(str::parse) {
        None => None,
        Some(Ok(said)) => Some(said),
        Some(Err(error)) => return Err(Problem::field("creator_type", format!("creator_type: {error}"))),
    };
    if let Some(label) = &body.creator_id {
        check_label("creator_id", label)?;
    }
    let label = body.creator_id.as_deref();
    if caller.principal.role() == Some(Role::Agent) {
        // One that says it is a person is taken at its token's word.
        let label = label.filter(|_| said != Some(CreatorType::User));
        let creator_id = label.unwrap_or(caller.name());
        return Ok(Maker { creator_type: CreatorType::Agent, creator_id, owner: caller.name() });
    }
    let creator_type = said.unwrap_or(CreatorType::User);
    let agent = label.filter(|label| creator_type == CreatorType::Agent && crate::domain::id::check(label).is_ok());
    Ok(Maker { creator_type, creator_id: label.unwrap_or(caller.name()), owner: agent.unwrap_or(caller.name()) })
}

/// Refuses a label that cannot be shown in one line.
fn check_label(field: &str, label: &str) -> Result<(), Problem> {
    let chars = label.chars().count();
    if label.trim().is_empty() || chars > LABEL_MAX_CHARS || label.chars().any(char::is_control) {
        let message = format!(
            "{field}: has {chars} characters; 1 to {LABEL_MAX_CHARS} are allowed, not only blanks and no control \
             characters"
        );
        return Err(Problem::field(field, message));
    }
    Ok(())
}

fn status_of(word: Option<&str>) -> Result<Option<RoutineStatus>, Problem> {
    super::super::page::word("status", word)
}

/// Change a routine
///
/// What is absent stays. Its runs go on as they were; an approval that waits is about what it was asked for
/// and does not cover the change.
#[utoipa::path(
    patch, path = "/routines/{id}", tag = "routines", request_body = PatchRoutine,
    params(("id" = String, Path, description = "The routine's id")),
    responses((status = 200, description = "The routine", body = RoutineView))
)]
pub(in crate::http) async fn change(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Segment(id): Segment,
    Body(body): Body<PatchRoutine>,
) -> Result<Response, Problem> {
    let mut before = own(&host, &caller, &id).await?;
    for _ in 0..TRIES_MAX {
        let change = change_of(&caller, &before, body.clone(), &named)?;
        match host.engine.change_routine(caller.workspace(), &before.id, change).await {
            // It fired, or somebody else changed it: unless the client said which revision it means, the change
            // is laid over what there is now.
            Err(EngineError::Revision { .. }) if body.if_revision.is_none() => {
                before = own(&host, &caller, &id).await?;
            }
            changed => {
                let mut response = JsonAnswer(shown(&changed?)).into_response();
                response.extensions_mut().insert(KeptAlready);
                return Ok(response);
            }
        }
    }
    Err(EngineError::Contended.into())
}

/// What a change makes of a routine as it was read; whoever changes it meanwhile is not overwritten.
fn change_of<'c>(
    caller: &'c Caller,
    before: &Routine,
    body: PatchRoutine,
    named: &'c Named,
) -> Result<RoutineChange<'c>, Problem> {
    check_reason("status_reason", body.status_reason.as_deref())?;
    let status = status_of(body.status.as_deref())?;
    let status_reason = body.status_reason.clone();
    let if_revision = body.if_revision.or(Some(before.revision));
    let resume_missed = match body.resume_missed.as_deref() {
        None | Some("skip") => ResumeMissed::Skip,
        Some("policy") => ResumeMissed::Policy,
        Some(other) => {
            let detail = format!("resume_missed: is `{other}`; expected one of skip, policy");
            return Err(Problem::field("resume_missed", detail));
        }
    };
    let mut settings = before.settings.clone();
    wire::lay_over(&mut settings, body)?;
    Ok(RoutineChange {
        settings: (settings != before.settings).then_some(settings),
        status,
        status_reason,
        resume_missed,
        if_revision,
        by: actor(caller),
        receipt: named.0.as_ref().map(|key| (key, shown as fn(&Routine) -> Value)),
    })
}

/// A routine, standing alone.
fn shown(routine: &Routine) -> Value {
    serde_json::to_value(wire::routine_view(routine)).unwrap_or_default()
}

/// Refuses a reason that is too long.
pub(super) fn check_reason(field: &str, reason: Option<&str>) -> Result<(), Problem> {
    let chars = reason.unwrap_or_default().chars().count();
    if chars > REASON_MAX_CHARS {
        return Err(Problem::field(field, format!("{field}: has {chars} characters; at most {REASON_MAX_CHARS}")));
    }
    Ok(())
}

/// Delete a routine
///
/// It fires no more. Runs that it started go on, and they and its history stay.
#[utoipa::path(
    delete, path = "/routines/{id}", tag = "routines",
    params(("id" = String, Path, description = "The routine's id")),
    responses((status = 200, description = "It is gone", body = RoutineDeleted))
)]
pub(in crate::http) async fn delete(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<RoutineDeleted>, Problem> {
    let routine = own(&host, &caller, &id).await?;
    host.engine.delete_routine(caller.workspace(), &routine.id, actor(&caller)).await?;
    Ok(JsonAnswer(RoutineDeleted { ok: true, deleted: true, id }))
}
