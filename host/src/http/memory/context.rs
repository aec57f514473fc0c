//! What a run may be told of what is remembered.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::memory::RunContext;

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::json::Params;
use super::super::page::Segment;
use super::super::problem::Problem;
use super::refused;
use crate::domain::id::RunId;
use crate::engine::EngineError;
use crate::policy::Action;

/// Which context.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ContextParams {
    /// What to look for; without, the title and detail of the run's work item.
    #[param(min_length = 1, max_length = 4096)]
    query: Option<String>,
    /// Most characters of the text, 1 to 100,000; 8,000 without.
    #[param(minimum = 1, maximum = 100_000)]
    max_chars: Option<u32>,
}

/// Get memory for a run's prompt
///
/// Only records that a person stands behind, of the tiers that the run's mission may have used by
/// themselves (`memory.automatic:TIER`; `curated` without), and only those that have something to do with
/// the query. Each is cited by its id, fenced, and marked as data.
#[utoipa::path(
    get, path = "/runs/{id}/context", tag = "memory", params(ContextParams, ("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The context", body = RunContext))
)]
pub(in crate::http) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<ContextParams>,
) -> Result<JsonAnswer<RunContext>, Problem> {
    let store = host.engine.store();
    let run = store.run(&RunId::new(id.as_str())).await?.filter(|run| run.workspace_id == *caller.workspace());
    let mission = match &run {
        Some(run) => store.mission(caller.workspace(), &run.mission_id).await?,
        None => None,
    };
    let (Some(run), Some(mission)) = (run, mission) else {
        let missing = EngineError::NotFound { what: "run", id };
        return Err(refused(&caller, Action::RunContext, None, missing).await);
    };
    caller.allow(&format!("run/{id}"), Some(&mission.created_by)).await?;
    let context = host.engine.run_context(&caller.principal, run, params.query.as_deref(), params.max_chars).await?;
    Ok(JsonAnswer(context))
}
