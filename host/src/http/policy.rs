//! A workspace's policy: read, set, taken back, and asked.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};

use sluice_api::policy::{
    PolicyDiff, PolicyDiffRequest, PolicyExplanation, PolicyHistory, PolicyPut, PolicyQuestion, PolicyRollback,
    PolicyView,
};

use super::access::Caller;
use super::host::Shared;
use super::json::{Body, Params};
use super::page::{self, PageParams, Segment};
use super::problem::Problem;
use super::resources::conditions::{etag, expectation};
use crate::domain::id::WorkspaceId;
use crate::domain::resource::Expect;
use crate::engine::{PolicyChange, policy_view};

/// Decisions that a policy is tried on when nobody says how many.
const LAST_DEFAULT: u32 = 1_000;

/// The workspace of the path, which has to be the caller's.
pub(super) fn own<'c>(caller: &'c Caller, id: &str) -> Result<&'c WorkspaceId, Problem> {
    if id == caller.workspace().as_str() { Ok(caller.workspace()) } else { Err(Problem::not_found("workspace", id)) }
}

/// The revision that a change expects, said in the body or in `If-Match`.
pub(super) fn expected(headers: &HeaderMap, body: Option<u64>) -> Result<Option<u64>, Problem> {
    match expectation(headers, None, body)? {
        Expect::Anything => Ok(None),
        Expect::Absent => Ok(Some(0)),
        Expect::Revision(revision) => Ok(Some(revision)),
        Expect::Present => {
            let detail = "if_match_rev: `If-Match: *` says nothing here; name a revision";
            Err(Problem::field("if_match_rev", detail))
        }
    }
}

fn tagged(view: PolicyView) -> Response {
    let tag = etag(view.revision);
    let mut response = JsonAnswer(view).into_response();
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// Look at the policy
///
/// What the operators wrote. The default policies hold beside it; without a revision they hold alone.
#[utoipa::path(
    get, path = "/workspaces/{id}/policy", tag = "policy",
    params(("id" = String, Path, description = "The workspace's id")),
    responses((status = 200, description = "The policy", body = PolicyView))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let workspace = own(&caller, &id)?;
    let policy = host.engine.store().policy(workspace).await?;
    Ok(tagged(policy_view(workspace, policy.as_ref())))
}

/// Set the policy
///
/// All of it; it holds at once, on every host and for open streams. What is wrong with it is told with
/// line and column, and what held before holds on.
#[utoipa::path(
    put, path = "/workspaces/{id}/policy", tag = "policy", request_body = PolicyPut,
    params(
        ("id" = String, Path, description = "The workspace's id"),
        ("If-Match" = Option<String>, Header, description = "Only if this is the newest revision"),
    ),
    responses((status = 200, description = "It holds", body = PolicyView))
)]
pub(super) async fn set(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    headers: HeaderMap,
    Body(body): Body<PolicyPut>,
) -> Result<Response, Problem> {
    let workspace = own(&caller, &id)?;
    let if_revision = expected(&headers, body.if_match_rev)?;
    let change = PolicyChange::read(workspace, body, if_revision, caller.name())?;
    let policy = host.engine.change_policy(change).await?;
    Ok(tagged(policy_view(workspace, Some(&policy))))
}

/// Read the policy's history
///
/// Every revision there was, newest first.
#[utoipa::path(
    get, path = "/workspaces/{id}/policy/history", tag = "policy",
    params(("id" = String, Path, description = "The workspace's id"), PageParams),
    responses((status = 200, description = "A page of revisions", body = PolicyHistory))
)]
pub(super) async fn history(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<PageParams>,
) -> Result<JsonAnswer<PolicyHistory>, Problem> {
    let workspace = own(&caller, &id)?;
    let (limit, before) = params.read()?;
    let revisions = host.engine.store().policy_history(workspace, before, limit).await?;
    let next_cursor = page::next_cursor(&revisions, limit, |revision| revision.revision.to_string());
    let history: Vec<_> = revisions.iter().map(|revision| policy_view(workspace, Some(revision))).collect();
    Ok(JsonAnswer(PolicyHistory { count: history.len(), history, next_cursor }))
}

/// Take the policy back
///
/// What an earlier revision says holds again, as a new revision.
#[utoipa::path(
    post, path = "/workspaces/{id}/policy/rollback", tag = "policy", request_body = PolicyRollback,
    params(
        ("id" = String, Path, description = "The workspace's id"),
        ("If-Match" = Option<String>, Header, description = "Only if this is the newest revision"),
    ),
    responses((status = 200, description = "It holds", body = PolicyView))
)]
pub(super) async fn roll_back(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    headers: HeaderMap,
    Body(body): Body<PolicyRollback>,
) -> Result<Response, Problem> {
    let workspace = own(&caller, &id)?;
    let if_revision = expected(&headers, body.if_match_rev)?;
    let policy = host.engine.roll_back_policy(workspace, body.revision, if_revision, caller.name()).await?;
    Ok(tagged(policy_view(workspace, Some(&policy))))
}

/// Ask the policy
///
/// Which policies decide a question, and what would be needed where it is denied. Nothing is done or kept.
#[utoipa::path(
    post, path = "/workspaces/{id}/policy/explain", tag = "policy", request_body = PolicyQuestion,
    params(("id" = String, Path, description = "The workspace's id")),
    responses((status = 200, description = "The decision and its reasons", body = PolicyExplanation))
)]
pub(super) async fn explain(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Body(body): Body<PolicyQuestion>,
) -> Result<JsonAnswer<PolicyExplanation>, Problem> {
    let workspace = own(&caller, &id)?;
    Ok(JsonAnswer(host.engine.explain_policy(workspace, &body).await?))
}

/// Try a policy
///
/// On what was decided lately: what it would have decided differently. It is not set by this.
#[utoipa::path(
    post, path = "/workspaces/{id}/policy/diff", tag = "policy", request_body = PolicyDiffRequest,
    params(("id" = String, Path, description = "The workspace's id")),
    responses((status = 200, description = "What comes out differently", body = PolicyDiff))
)]
pub(super) async fn diff(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Body(body): Body<PolicyDiffRequest>,
) -> Result<JsonAnswer<PolicyDiff>, Problem> {
    let workspace = own(&caller, &id)?;
    let change = PolicyChange::read(workspace, body.policy, None, caller.name())?;
    let last = body.last.unwrap_or(LAST_DEFAULT);
    Ok(JsonAnswer(host.engine.diff_policy(change, last).await?))
}
