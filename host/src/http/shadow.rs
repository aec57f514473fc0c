//! What components in shadow would have decided.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::shadow::ShadowReport;

use super::access::Caller;
use super::host::Shared;
use super::json::Params;
use super::page::{self, Segment};
use super::policy::own;
use super::problem::Problem;
use crate::domain::shadow::ShadowRole;
use crate::wire;

/// What the ids of differences begin with.
const PREFIX: &str = "shd_";

/// Which differences.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ShadowParams {
    /// Only of this role; of all without. It narrows the counts too.
    #[param(schema_with = roles)]
    role: Option<String>,
    /// Differences of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
}

fn roles() -> utoipa::openapi::schema::Schema {
    page::words(ShadowRole::ALL.iter().map(|role| role.as_str()))
}

/// See what shadows decide
///
/// How components that decide beside those that count compare with them, and what they decide differently, newest
/// first. What was counted is kept after a component is dropped.
#[utoipa::path(
    get, path = "/workspaces/{id}/shadow", tag = "workspaces", operation_id = "shadow",
    params(("id" = String, Path, description = "The workspace's id"), ShadowParams),
    responses((status = 200, description = "Counts, and a page of differences", body = ShadowReport))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<ShadowParams>,
) -> Result<JsonAnswer<ShadowReport>, Problem> {
    let workspace = own(&caller, &id)?;
    let limit = page::limit(params.limit)?;
    let role: Option<ShadowRole> = page::word("role", params.role.as_deref())?;
    let before = page::cursor_id(params.cursor.as_deref(), PREFIX)?;
    let counted = host.engine.shadows(workspace).await?;
    let counted = counted.iter().filter(|(record, _)| role.is_none_or(|role| record.role == role));
    let found = host.engine.store().shadow_differences(workspace, role, before, limit).await?;
    let next_cursor = page::next_cursor(&found, limit, |difference| difference.id.clone());
    let differences: Vec<_> = found.iter().map(wire::shadow_difference_view).collect();
    Ok(JsonAnswer(ShadowReport {
        workspace_id: workspace.to_string(),
        shadows: counted.map(|(record, in_force)| wire::shadow_counts_view(record, *in_force)).collect(),
        count: differences.len(),
        differences,
        next_cursor,
    }))
}
