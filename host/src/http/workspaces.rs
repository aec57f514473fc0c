//! What a workspace binds: read, changed, taken back.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};

use sluice_api::workspace::{WorkspaceHistory, WorkspacePut, WorkspaceRollback, WorkspaceView};

use super::access::Caller;
use super::host::{Host, Shared};
use super::json::{Body, Params};
use super::page::{self, PageParams, Segment};
use super::policy::{expected, own};
use super::problem::Problem;
use super::resources::conditions::etag;
use crate::domain::id::WorkspaceId;
use crate::engine::WorkspaceChange;
use crate::wire;

/// The workspace as it stands now, with its revision as a tag.
async fn standing(host: &Host, workspace: &WorkspaceId) -> Result<Response, Problem> {
    let bound = host.engine.bound(workspace).await?;
    let view = WorkspaceView {
        bound: wire::workspace_revision_view(&bound.revision),
        effective: wire::effective_view(
            &bound.bindings,
            bound.scrubber.as_ref(),
            bound.canary.as_ref(),
            &bound.shadows,
        ),
    };
    let tag = etag(view.bound.revision);
    let mut response = JsonAnswer(view).into_response();
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// Look at a workspace
///
/// Which components decide in it.
#[utoipa::path(
    get, path = "/workspaces/{id}", tag = "workspaces",
    params(("id" = String, Path, description = "The workspace's id")),
    responses((status = 200, description = "The workspace", body = WorkspaceView))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    standing(&host, own(&caller, &id)?).await
}

/// Change a workspace
///
/// Other components decide from now on, on every host: in missions that are made from now on, and for every text
/// that is scrubbed from now on. Missions that are there stay pinned to theirs. All of it is judged before any of
/// it is in force.
#[utoipa::path(
    put, path = "/workspaces/{id}", tag = "workspaces", request_body = WorkspacePut,
    params(
        ("id" = String, Path, description = "The workspace's id"),
        ("If-Match" = Option<String>, Header, description = "Only if this is the newest revision"),
    ),
    responses((status = 200, description = "It is in force", body = WorkspaceView))
)]
pub(super) async fn change(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    headers: HeaderMap,
    Body(body): Body<WorkspacePut>,
) -> Result<Response, Problem> {
    let workspace_id = own(&caller, &id)?;
    let if_revision = expected(&headers, body.if_match_rev)?;
    let change = WorkspaceChange { workspace_id, put: &body, if_revision, actor: caller.name() };
    host.engine.change_workspace(change).await?;
    standing(&host, workspace_id).await
}

/// Read a workspace's history
///
/// Every revision there was, newest first.
#[utoipa::path(
    get, path = "/workspaces/{id}/history", tag = "workspaces",
    params(("id" = String, Path, description = "The workspace's id"), PageParams),
    responses((status = 200, description = "A page of revisions", body = WorkspaceHistory))
)]
pub(super) async fn history(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<PageParams>,
) -> Result<JsonAnswer<WorkspaceHistory>, Problem> {
    let workspace = own(&caller, &id)?;
    let (limit, before) = params.read()?;
    let revisions = host.engine.store().workspace_history(workspace, before, limit).await?;
    let next_cursor = page::next_cursor(&revisions, limit, |revision| revision.revision.to_string());
    let history: Vec<_> = revisions.iter().map(wire::workspace_revision_view).collect();
    Ok(JsonAnswer(WorkspaceHistory { count: history.len(), history, next_cursor }))
}

/// Take a workspace back
///
/// What an earlier revision says is in force again, as a new revision.
#[utoipa::path(
    post, path = "/workspaces/{id}/rollback", tag = "workspaces", request_body = WorkspaceRollback,
    params(
        ("id" = String, Path, description = "The workspace's id"),
        ("If-Match" = Option<String>, Header, description = "Only if this is the newest revision"),
    ),
    responses((status = 200, description = "It is in force", body = WorkspaceView))
)]
pub(super) async fn roll_back(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    headers: HeaderMap,
    Body(body): Body<WorkspaceRollback>,
) -> Result<Response, Problem> {
    let workspace = own(&caller, &id)?;
    let if_revision = expected(&headers, body.if_match_rev)?;
    host.engine.roll_back_workspace(workspace, body.revision, if_revision, caller.name()).await?;
    standing(&host, workspace).await
}
