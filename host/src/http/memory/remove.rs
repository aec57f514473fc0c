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
use crate::domain::id::RunId;
use crate::engine::{Removal, RemovalNote};
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
    let note = RemovalNote { reason: body.reason, run_id: body.run_id };
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
    OptionalBody(MemoryDelete {}): OptionalBody<MemoryDelete>,
) -> Result<JsonAnswer<MemoryRemoved>, Problem> {
    remove(&host, &caller, &id, Removal::Delete, RemovalNote::default()).await
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
        Err(error) => return Err(refused(host, caller, Action::MemoryRemove, Some(id), error).await),
    };
    let run_id = record.run_id.as_ref().map(RunId::as_str);
    caller.allow_of_run(&wire::memory_resource(id), Some(&record.owner), run_id).await?;
    match host.engine.remove_memory(&asking, id, removal, note).await {
        Ok(audit_id) => Ok(JsonAnswer(MemoryRemoved { ok: true, id: id.to_owned(), audit_id })),
        Err(error) => Err(refused(host, caller, Action::MemoryRemove, Some(id), error).await),
    }
}
