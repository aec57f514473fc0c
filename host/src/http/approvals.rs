//! Approvals: what waits for people, and their answers.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::schema::Schema;

use sluice_api::verdict::{AnswerRequest, ApprovalAnswer, ApprovalList, ApprovalView};

use super::access::Caller;
use super::host::{Host, Shared};
use super::json::{OptionalBody, Params};
use super::page::{self, Segment};
use super::problem::Problem;
use crate::domain::approval::{Approval, ApprovalStatus, KIND_PROMOTION};
use crate::domain::artifact::Digest;
use crate::domain::id::{ApprovalId, MissionId};
use crate::engine::Decision;
use crate::policy::Action;
use crate::wire;

/// Longest reason, in characters.
const REASON_MAX_CHARS: usize = 1_000;

/// Which approvals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Only approvals of this status: `pending`, `granted`, `denied` or `expired`.
    #[param(schema_with = status_words)]
    status: Option<String>,
    /// Only approvals of this mission.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    mission_id: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^apr_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

fn status_words() -> Schema {
    page::words(ApprovalStatus::ALL.iter().map(|status| status.as_str()))
}

/// List approvals
///
/// In the order they were asked in.
#[utoipa::path(
    get, path = "/approvals", tag = "approvals", params(ListParams),
    responses((status = 200, description = "A page of approvals", body = ApprovalList))
)]
pub(super) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<ApprovalList>, Problem> {
    let limit = page::limit(params.limit)?;
    let status: Option<ApprovalStatus> = page::word("status", params.status.as_deref())?;
    let after = page::cursor_id(params.cursor.as_deref(), ApprovalId::PREFIX)?.map(ApprovalId::new);
    let mission = page::selector("mission_id", params.mission_id.as_deref())?.map(MissionId::new);
    let store = host.engine.store();
    let approvals = store.approvals(caller.workspace(), mission.as_ref(), status, after.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&approvals, limit, |approval| approval.id.to_string());
    let approvals: Vec<_> = approvals.iter().map(|approval| shown(&caller, approval)).collect();
    Ok(JsonAnswer(ApprovalList { count: approvals.len(), approvals, next_cursor }))
}

/// Look at an approval
///
/// `rendered` is exactly what is approved, with characters that hide or turn text made visible.
#[utoipa::path(
    get, path = "/approvals/{id}", tag = "approvals",
    params(("id" = String, Path, description = "The approval's id")),
    responses((status = 200, description = "The approval", body = ApprovalAnswer))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<ApprovalAnswer>, Problem> {
    let approval = find(&host, &caller, &id).await?;
    caller.allow_thing(&format!("approval/{id}"), Some(&approval.requested_by)).await?;
    Ok(JsonAnswer(ApprovalAnswer { approval: shown(&caller, &approval) }))
}

/// An approval as the caller may see it: what somebody wants promoted in memory is shown to whoever may
/// answer, and to whoever asks.
fn shown(caller: &Caller, approval: &Approval) -> ApprovalView {
    let mut view = wire::approval_view(approval);
    let may_answer = caller.may(Action::ApprovalDecide, None);
    if approval.kind == KIND_PROMOTION && !may_answer && approval.requested_by != caller.name() {
        "(shown to whoever may answer, and to whoever asked)".clone_into(&mut view.rendered);
    }
    view
}

/// The approval of this id in the caller's workspace.
pub(super) async fn find(host: &Host, caller: &Caller, id: &str) -> Result<Approval, Problem> {
    let found = host.engine.store().approval(&ApprovalId::new(id)).await?;
    caller.own("approval", id, found, |approval| &approval.workspace_id).await
}

/// Say yes
///
/// The same answer twice is fine; a different one is refused, and so is one to what has expired.
/// Nobody answers about their own work.
#[utoipa::path(
    post, path = "/approvals/{id}/grant", tag = "approvals", request_body = Option<AnswerRequest>,
    params(("id" = String, Path, description = "The approval's id")),
    responses((status = 200, description = "The approval", body = ApprovalAnswer))
)]
pub(super) async fn grant(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<AnswerRequest>,
) -> Result<JsonAnswer<ApprovalAnswer>, Problem> {
    decide(&host, &caller, &id, Decision::Grant, body).await
}

/// Say no
///
/// The same answer twice is fine; a different one is refused.
#[utoipa::path(
    post, path = "/approvals/{id}/deny", tag = "approvals", request_body = Option<AnswerRequest>,
    params(("id" = String, Path, description = "The approval's id")),
    responses((status = 200, description = "The approval", body = ApprovalAnswer))
)]
pub(super) async fn deny(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<AnswerRequest>,
) -> Result<JsonAnswer<ApprovalAnswer>, Problem> {
    decide(&host, &caller, &id, Decision::Deny, body).await
}

async fn decide(
    host: &Host,
    caller: &Caller,
    id: &str,
    decision: Decision,
    body: AnswerRequest,
) -> Result<JsonAnswer<ApprovalAnswer>, Problem> {
    let approval = find(host, caller, id).await?;
    caller.allow(&format!("approval/{id}"), Some(&approval.requested_by)).await?;
    let chars = body.reason.as_deref().unwrap_or_default().chars().count();
    if chars > REASON_MAX_CHARS {
        return Err(Problem::field("reason", format!("reason: has {chars} characters; at most {REASON_MAX_CHARS}")));
    }
    let looked_at = match body.content_digest.as_deref().map(|text| (text, Digest::parse(text))) {
        None => None,
        Some((_, Some(digest))) => Some(digest),
        Some((_, None)) => {
            return Err(Problem::field("content_digest", "content_digest: is 64 lower-case hexadecimal digits"));
        }
    };
    let approval = host
        .engine
        .decide_approval(caller.workspace(), &approval.id, decision, caller.name(), body.reason, looked_at.as_ref())
        .await?;
    Ok(JsonAnswer(ApprovalAnswer { approval: wire::approval_view(&approval) }))
}
