//! Looking at routines: all, one, what happened to one.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::schema::Schema;

use sluice_api::routine::{RoutineHistory, RoutineList, RoutineView};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::json::Params;
use super::super::page::{self, Segment};
use super::super::problem::Problem;
use super::find;
use crate::domain::id::{EventId, RoutineId};
use crate::domain::routine::RoutineStatus;
use crate::wire;

/// Which routines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// Only routines of this status.
    #[param(schema_with = status_words)]
    status: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    cursor: Option<String>,
}

fn status_words() -> Schema {
    page::words(RoutineStatus::ALL.iter().map(|status| status.as_str()))
}

/// List routines
///
/// By id.
#[utoipa::path(
    get, path = "/routines", tag = "routines", params(ListParams),
    responses((status = 200, description = "A page of routines", body = RoutineList))
)]
pub(in crate::http) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<RoutineList>, Problem> {
    let limit = page::limit(params.limit)?;
    let status: Option<RoutineStatus> = page::word("status", params.status.as_deref())?;
    let after = page::cursor_id(params.cursor.as_deref(), "")?.map(RoutineId::new);
    let routines = host.engine.store().routines(caller.workspace(), status, after.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&routines, limit, |routine| routine.id.to_string());
    let routines: Vec<_> = routines.iter().map(wire::routine_view).collect();
    Ok(JsonAnswer(RoutineList { count: routines.len(), routines, next_cursor }))
}

/// Look at a routine
#[utoipa::path(
    get, path = "/routines/{id}", tag = "routines", params(("id" = String, Path, description = "The routine's id")),
    responses((status = 200, description = "The routine", body = RoutineView))
)]
pub(in crate::http) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<RoutineView>, Problem> {
    Ok(JsonAnswer(wire::routine_view(&find(&host, &caller, &id).await?)))
}

/// Which part of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct HistoryParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^evt_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

/// Look at a routine's history
///
/// Newest first; it stays when the routine is deleted.
#[utoipa::path(
    get, path = "/routines/{id}/history", tag = "routines",
    params(("id" = String, Path, description = "The routine's id"), HistoryParams),
    responses((status = 200, description = "A page of the history", body = RoutineHistory))
)]
pub(in crate::http) async fn history(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<HistoryParams>,
) -> Result<JsonAnswer<RoutineHistory>, Problem> {
    let limit = page::limit(params.limit)?;
    let before = page::cursor_id(params.cursor.as_deref(), EventId::PREFIX)?.map(EventId::new);
    let routine = RoutineId::new(id.as_str());
    let entries = host.engine.store().routine_history(caller.workspace(), &routine, before.as_ref(), limit).await?;
    if entries.is_empty() {
        // Nothing is told of what never was.
        find(&host, &caller, &id).await?;
    }
    let next_cursor = page::next_cursor(&entries, limit, |entry| entry.id.to_string());
    let history: Vec<_> = entries.iter().map(wire::routine_entry_view).collect();
    Ok(JsonAnswer(RoutineHistory { count: history.len(), history, next_cursor }))
}
