//! Looking at what came of routines.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::schema::Schema;

use sluice_api::routine::{RoutineRunList, RoutineRunView};

use super::super::access::Caller;
use super::super::host::{Host, Shared};
use super::super::json::Params;
use super::super::page::{self, Segment};
use super::super::problem::Problem;
use super::{find, find_run};
use crate::domain::id::{OccurrenceId, RoutineId};
use crate::domain::routine::OccurrenceState;
use crate::wire;

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// Only runs of this routine, which may be gone.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    routine_id: Option<String>,
    /// Only runs of this status.
    #[param(schema_with = status_words)]
    status: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^run_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

fn status_words() -> Schema {
    page::words(OccurrenceState::ALL.iter().map(|state| state.as_str()))
}

/// List runs of routines
///
/// Newest first. One that was missed or skipped is there too, and says why.
#[utoipa::path(
    get, path = "/routines/runs", tag = "routines", operation_id = "runs", params(ListParams),
    responses((status = 200, description = "A page of runs", body = RoutineRunList))
)]
pub(in crate::http) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<RoutineRunList>, Problem> {
    let routine = page::selector("routine_id", params.routine_id.as_deref())?.map(RoutineId::new);
    page_of(&host, &caller, routine.as_ref(), (params.status, params.limit, params.cursor)).await
}

/// Which runs of a routine.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct OwnParams {
    /// Only runs of this status.
    #[param(schema_with = status_words)]
    status: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^run_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

/// List a routine's runs
///
/// Newest first.
#[utoipa::path(
    get, path = "/routines/{id}/runs", tag = "routines", operation_id = "own_runs",
    params(("id" = String, Path, description = "The routine's id"), OwnParams),
    responses((status = 200, description = "A page of runs", body = RoutineRunList))
)]
pub(in crate::http) async fn list_own(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<OwnParams>,
) -> Result<JsonAnswer<RoutineRunList>, Problem> {
    let routine = find(&host, &caller, &id).await?;
    page_of(&host, &caller, Some(&routine.id), (params.status, params.limit, params.cursor)).await
}

async fn page_of(
    host: &Host,
    caller: &Caller,
    routine: Option<&RoutineId>,
    (status, limit, cursor): (Option<String>, Option<u32>, Option<String>),
) -> Result<JsonAnswer<RoutineRunList>, Problem> {
    let limit = page::limit(limit)?;
    let state: Option<OccurrenceState> = page::word("status", status.as_deref())?;
    let before = page::cursor_id(cursor.as_deref(), OccurrenceId::PREFIX)?.map(OccurrenceId::new);
    let store = host.engine.store();
    let runs = store.occurrences(caller.workspace(), routine, state, before.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&runs, limit, |run| run.id.to_string());
    let runs: Vec<_> = runs.iter().map(wire::routine_run_view).collect();
    Ok(JsonAnswer(RoutineRunList { count: runs.len(), runs, next_cursor }))
}

/// Look at a routine's run
#[utoipa::path(
    get, path = "/routines/runs/{id}", tag = "routines", operation_id = "run",
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run", body = RoutineRunView))
)]
pub(in crate::http) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<RoutineRunView>, Problem> {
    Ok(JsonAnswer(wire::routine_run_view(&find_run(&host, &caller, &id).await?)))
}
