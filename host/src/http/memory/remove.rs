//! Taking back what is remembered.

use axum::Json as JsonAnswer;
use axum::extract::State;

use sluice_api::memory::{MemoryDelete, MemoryDemote, MemoryRemoved};

use super::super::access::Caller;
use super::super::host::{Host, Shared};
use super::super::json::{Body, OptionalBody};
use super::super::page::Segment;
use super::super::problem::Problem;
use super::{memory_caller, refused};
use crate::domain::id::{MemoryId, RunId};
use crate::engine::{EngineError, Removal, RemovalNote};
use crate::policy::Action;
use crate::wire;

/// Demote a record
///
/// It is found no more by anybody; an operator can still delete it.
#[utoipa::path(
    post, path = "/memory/demote", tag = "memory", request_body = MemoryDemote,
    responses((status = 200, description = "It is demoted", body = MemoryRemoved))
)]
pub(in crate::http) async fn demote(
    State(host): State<Shared>,
    caller: Caller,
    Body(body): Body<MemoryDemote>,
) -> Result<JsonAnswer<MemoryRemoved>, Problem> {
    let note = RemovalNote { reason: body.reason, run_id: body.run_id, if_revision: body.if_revision };
    remove(&host, &caller, &body.id, Removal::Demote, note).await
}

/// Delete a record
///
/// Its text, its words in the index and its numbers are gone; that it was there stays in the audit.
#[utoipa::path(
    delete, path = "/memory/{id}", tag = "memory", request_body = Option<MemoryDelete>,
    params(("id" = String, Path, description = "The record's id")),
    responses((status = 200, description = "It is gone", body = MemoryRemoved))
)]
pub(in crate::http) async fn delete(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<MemoryDelete>,
) -> Result<JsonAnswer<MemoryRemoved>, Problem> {
    let note = RemovalNote { if_revision: body.if_revision, ..RemovalNote::default() };
    remove(&host, &caller, &id, Removal::Delete, note).await
}

async fn remove(
    host: &Host,
    caller: &Caller,
    id: &str,
    removal: Removal,
    note: RemovalNote,
) -> Result<JsonAnswer<MemoryRemoved>, Problem> {
    let asking = memory_caller(caller, None);
    let found = host.engine.find_memory(&asking, id, removal == Removal::Delete).await;
    let record = match found {
        Ok(record) => record,
        Err(lost @ EngineError::LeaseLost { .. }) => return Err(lost_to(host, caller, id, lost).await),
        Err(error) => return Err(refused(caller, Action::MemoryRemove, Some(id), error).await),
    };
    let run_id = record.run_id.as_ref().map(RunId::as_str);
    caller.allow_of_run(&wire::memory_resource(id), Some(&record.owner), run_id).await?;
    match host.engine.remove_memory(&asking, id, removal, note).await {
        Ok(audit_id) => Ok(JsonAnswer(MemoryRemoved { ok: true, id: id.to_owned(), audit_id })),
        Err(error) => Err(refused(caller, Action::MemoryRemove, Some(id), error).await),
    }
}

/// The answer to whoever comes with the token of a run that is not held any more: what is not the run's is not
/// theirs whether it is held or not.
async fn lost_to(host: &Host, caller: &Caller, id: &str, lost: EngineError) -> Problem {
    let stored = host.engine.store().memory_as_stored(caller.workspace(), &MemoryId::new(id)).await;
    let record = match stored {
        Ok(Some(record)) => record,
        Ok(None) => {
            let missing = EngineError::NotFound { what: "memory", id: id.to_owned() };
            return refused(caller, Action::MemoryRemove, Some(id), missing).await;
        }
        Err(error) => return error.into(),
    };
    let run_id = record.run_id.as_ref().map(RunId::as_str);
    let allowed = caller.allow_of_run(&wire::memory_resource(id), Some(&record.owner), run_id).await;
    allowed.err().unwrap_or_else(|| lost.into())
}
