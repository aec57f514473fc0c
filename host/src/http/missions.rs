//! Missions: create, list, look at, tell.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa::openapi::schema::Schema;

use sluice_api::history::{HistoryList, ReplayReport};
use sluice_api::mission::{
    ArtifactList, CreateMission, MissionAdvanced, MissionAnswer, MissionEventRequest, MissionList, MissionRequest,
    MissionView, RebindRequest, WorkItemList,
};
use sluice_api::verdict::VerdictList;

use super::access::Caller;
use super::host::{Host, Shared};
use super::idempotency::Named;
use super::json::{Body, Params};
use super::page::{self, PageParams, Segment};
use super::problem::{self, Problem};
use crate::domain::id::{ArtifactId, MissionId, VerdictId};
use crate::domain::mission::{Mission, MissionStatus};
use crate::domain::work_item::WorkItemStatus;
use crate::engine::{Candidate, WorkspaceMission};
use crate::policy::Action;
use crate::wire;

/// Create a mission
///
/// It is durable when this answers. With `start` it begins at once. Whoever gives it capabilities, or an
/// entrypoint that brings some, is asked for `mission.grant` as well, which agents may not do unless the workspace's
/// own policies permit it.
#[utoipa::path(
    post, path = "/mission", tag = "missions", request_body = CreateMission,
    responses((status = 201, description = "The mission", body = MissionAnswer))
)]
pub(super) async fn create(
    State(host): State<Shared>,
    caller: Caller,
    Named(receipt): Named,
    Body(body): Body<CreateMission>,
) -> Result<Response, Problem> {
    let (request, args, start) = request_of(body);
    let (request, has_gates) = host.engine.with_entrypoint(caller.workspace(), request, args).await?;
    // Also those that its entrypoint brings along.
    if !request.capabilities.is_empty() {
        caller.allow_action(Action::MissionGrant, "mission", None).await?;
    }
    let new = WorkspaceMission {
        workspace_id: caller.workspace().clone(),
        request,
        has_gates,
        start,
        actor: caller.name().to_owned(),
        receipt,
    };
    let mission = settled(&host, host.engine.create_bound_mission(new).await?).await;
    let answer = MissionAnswer { mission: wire::mission_view(&mission) };
    Ok((StatusCode::CREATED, JsonAnswer(answer)).into_response())
}

/// The mission once its creation, and its start, are part of its history: the revision a client
/// may go on from. Should that fail for now, the mission is there all the same.
async fn settled(host: &Host, mission: Mission) -> Mission {
    if let Err(error) = host.engine.catch_up(&mission.id).await {
        tracing::warn!(%error, mission_id = %mission.id, "a new mission begins later");
        return mission;
    }
    match host.engine.store().mission(&mission.workspace_id, &mission.id).await {
        Ok(Some(now)) => now,
        _ => mission,
    }
}

fn request_of(body: CreateMission) -> (MissionRequest, Map<String, Value>, bool) {
    let request = MissionRequest {
        title: body.title,
        goal: body.goal,
        success_criteria: body.success_criteria,
        budgets: body.budgets,
        capabilities: body.capabilities,
        entrypoint: body.entrypoint,
        metadata: body.metadata,
        work_items: body.work_items,
    };
    (request, body.args, body.start)
}

/// Which missions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Only missions of this status.
    #[param(schema_with = mission_status_words)]
    status: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^mis_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

fn mission_status_words() -> Schema {
    page::words(MissionStatus::ALL.iter().map(|status| status.as_str()))
}

/// List missions
///
/// Newest first.
#[utoipa::path(
    get, path = "/mission", tag = "missions", params(ListParams),
    responses((status = 200, description = "A page of missions", body = MissionList))
)]
pub(super) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<MissionList>, Problem> {
    let limit = page::limit(params.limit)?;
    let status: Option<MissionStatus> = page::word("status", params.status.as_deref())?;
    let before = page::cursor_id(params.cursor.as_deref(), MissionId::PREFIX)?.map(MissionId::new);
    let missions = host.engine.store().missions(caller.workspace(), status, before.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&missions, limit, |mission| mission.id.to_string());
    let missions: Vec<_> = missions.iter().map(wire::mission_view).collect();
    Ok(JsonAnswer(MissionList { count: missions.len(), missions, next_cursor }))
}

/// Look at a mission
///
/// With its first 500 work items; the others are behind `/mission/{id}/work_items`.
#[utoipa::path(
    get, path = "/mission/{id}", tag = "missions", params(("id" = String, Path, description = "The mission's id")),
    responses((status = 200, description = "The mission", body = MissionAnswer))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<MissionAnswer>, Problem> {
    let mission = find(&host, &caller, &id).await?;
    Ok(JsonAnswer(MissionAnswer { mission: whole_view(&host, &mission).await? }))
}

/// The mission with counts and its first page of items.
async fn whole_view(host: &Host, mission: &Mission) -> Result<MissionView, Problem> {
    let store = host.engine.store();
    let items = store.work_items(&mission.id, None, page::LIMIT_MAX).await?;
    let mut view = wire::mission_view(mission);
    view.work_items = Some(items.iter().map(wire::work_item_view).collect());
    Ok(view)
}

/// The mission of this id in the caller's workspace.
pub(super) async fn find(host: &Host, caller: &Caller, id: &str) -> Result<Mission, Problem> {
    let found = host.engine.store().mission(caller.workspace(), &MissionId::new(id)).await?;
    let mission = found.ok_or_else(|| Problem::not_found("mission", id))?;
    caller.allow_thing(&format!("mission/{id}"), Some(&mission.created_by)).await?;
    Ok(mission)
}

/// Tell a mission something
///
/// Answers once the event is applied, with the commands the mission's reducer issued.
#[utoipa::path(
    post, path = "/mission/{id}/event", tag = "missions", request_body = MissionEventRequest,
    params(("id" = String, Path, description = "The mission's id")),
    responses((status = 200, description = "What came of it", body = MissionAdvanced))
)]
pub(super) async fn tell(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Named(receipt): Named,
    Body(body): Body<MissionEventRequest>,
) -> Result<JsonAnswer<MissionAdvanced>, Problem> {
    let at_hand = host.engine.mission_at_hand(caller.workspace(), &MissionId::new(id.as_str()));
    let mission = match at_hand.filter(|_| super::mission_events::is_judged_by_its_board(&body)) {
        Some(mission) => mission,
        None => find(&host, &caller, &id).await?,
    };
    let advanced = super::mission_events::post(&host, &caller, &mission, body, receipt).await?;
    Ok(JsonAnswer(MissionAdvanced { mission: wire::mission_view(&advanced.mission), commands: advanced.commands }))
}

/// Look at a mission's history
///
/// What it was told, and the commands each event produced; oldest first.
#[utoipa::path(
    get, path = "/mission/{id}/history", tag = "missions",
    params(("id" = String, Path, description = "The mission's id"), PageParams),
    responses((status = 200, description = "A page of the history", body = HistoryList))
)]
pub(super) async fn history(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<PageParams>,
) -> Result<JsonAnswer<HistoryList>, Problem> {
    history_page(&host, &caller, &id, &params).await
}

/// Look at a mission's history
///
/// The same as `/mission/{id}/history`.
#[utoipa::path(
    get, path = "/mission/{id}/events", tag = "missions",
    params(("id" = String, Path, description = "The mission's id"), PageParams),
    responses((status = 200, description = "A page of the history", body = HistoryList))
)]
pub(super) async fn events(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<PageParams>,
) -> Result<JsonAnswer<HistoryList>, Problem> {
    history_page(&host, &caller, &id, &params).await
}

async fn history_page(
    host: &Host,
    caller: &Caller,
    id: &str,
    params: &PageParams,
) -> Result<JsonAnswer<HistoryList>, Problem> {
    let (limit, after) = params.read()?;
    let mission = find(host, caller, id).await?;
    let entries = host.engine.store().history(&mission.id, after, limit).await?;
    let next_cursor = page::next_cursor(&entries, limit, |entry| entry.seq.to_string());
    let history: Vec<_> = entries.iter().map(wire::entry_view).collect();
    Ok(JsonAnswer(HistoryList { count: history.len(), history, next_cursor }))
}

/// Which work items.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ItemParams {
    /// Only items of this status.
    #[param(schema_with = item_status_words)]
    status: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

fn item_status_words() -> Schema {
    page::words(WorkItemStatus::ALL.iter().map(|status| status.as_str()))
}

/// List a mission's work items
///
/// In order of addition.
#[utoipa::path(
    get, path = "/mission/{id}/work_items", tag = "missions",
    params(("id" = String, Path, description = "The mission's id"), ItemParams),
    responses((status = 200, description = "A page of work items", body = WorkItemList))
)]
pub(super) async fn work_items(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<ItemParams>,
) -> Result<JsonAnswer<WorkItemList>, Problem> {
    let limit = page::limit(params.limit)?;
    let status: Option<WorkItemStatus> = page::word("status", params.status.as_deref())?;
    let after = page::cursor_position(params.cursor.as_deref())?.map(u32::try_from).transpose();
    let after = after
        .map_err(|_| Problem::new(problem::INVALID_CURSOR, "take `next_cursor` as it is").with("field", "cursor"))?;
    let mission = find(&host, &caller, &id).await?;
    let items = host.engine.store().work_items_of_status(&mission.id, status, after, limit).await?;
    let next_cursor = page::next_cursor(&items, limit, |item| item.position.to_string());
    let items: Vec<_> = items.iter().map(wire::work_item_view).collect();
    Ok(JsonAnswer(WorkItemList { count: items.len(), items, next_cursor }))
}

/// Which part of the verdicts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VerdictParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^ver_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

/// List a mission's verdicts
///
/// In order, each with its findings.
#[utoipa::path(
    get, path = "/mission/{id}/verdicts", tag = "missions",
    params(("id" = String, Path, description = "The mission's id"), VerdictParams),
    responses((status = 200, description = "A page of verdicts", body = VerdictList))
)]
pub(super) async fn verdicts(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<VerdictParams>,
) -> Result<JsonAnswer<VerdictList>, Problem> {
    let limit = page::limit(params.limit)?;
    let after = page::cursor_id(params.cursor.as_deref(), VerdictId::PREFIX)?.map(VerdictId::new);
    let mission = find(&host, &caller, &id).await?;
    let verdicts = host.engine.store().verdicts(&mission.id, None, after.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&verdicts, limit, |verdict| verdict.id.to_string());
    let verdicts: Vec<_> = verdicts.iter().map(wire::verdict_view).collect();
    Ok(JsonAnswer(VerdictList { count: verdicts.len(), verdicts, next_cursor }))
}

/// Which part of the artifacts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ArtifactParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^art_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

/// List a mission's artifacts
///
/// What its runs left, and what its reducer keeps of its own, in the order they were left.
#[utoipa::path(
    get, path = "/mission/{id}/artifacts", tag = "missions",
    params(("id" = String, Path, description = "The mission's id"), ArtifactParams),
    responses((status = 200, description = "A page of artifacts", body = ArtifactList))
)]
pub(super) async fn artifacts(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<ArtifactParams>,
) -> Result<JsonAnswer<ArtifactList>, Problem> {
    let limit = page::limit(params.limit)?;
    let after = page::cursor_id(params.cursor.as_deref(), ArtifactId::PREFIX)?.map(ArtifactId::new);
    let mission = find(&host, &caller, &id).await?;
    let artifacts = host.engine.store().artifacts(&mission.id, None, after.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&artifacts, limit, |artifact| artifact.id.to_string());
    let artifacts: Vec<_> = artifacts.iter().map(wire::artifact_view).collect();
    Ok(JsonAnswer(ArtifactList { count: artifacts.len(), artifacts, next_cursor }))
}

/// Through which reducer.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReplayParams {
    /// Digest, or `name@version`, of an installed reducer; the mission's own without.
    #[param(min_length = 1)]
    reducer: Option<String>,
}

/// Replay a mission's history
///
/// Runs what the mission was told through a reducer and tells what it would have decided
/// differently. Changes nothing.
#[utoipa::path(
    get, path = "/mission/{id}/replay", tag = "missions",
    params(("id" = String, Path, description = "The mission's id"), ReplayParams),
    responses((status = 200, description = "What the reducer decides differently", body = ReplayReport))
)]
pub(super) async fn replay(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<ReplayParams>,
) -> Result<JsonAnswer<ReplayReport>, Problem> {
    let mission = find(&host, &caller, &id).await?;
    let candidate = match &params.reducer {
        None => Candidate::Pinned,
        Some(selector) => Candidate::Other(super::bindings::reducer(&host, "reducer", selector, &mission).await?),
    };
    Ok(JsonAnswer(host.engine.replay(caller.workspace(), &mission.id, candidate).await?))
}

/// Move a mission to another reducer
///
/// Only after a replay of the whole history that decides nothing differently; 409 otherwise. The
/// mission keeps its settings.
#[utoipa::path(
    post, path = "/mission/{id}/reducer", tag = "missions", request_body = RebindRequest,
    params(("id" = String, Path, description = "The mission's id")),
    responses((status = 200, description = "The mission", body = MissionAnswer))
)]
pub(super) async fn rebind(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Body(body): Body<RebindRequest>,
) -> Result<JsonAnswer<MissionAnswer>, Problem> {
    let mission = find(&host, &caller, &id).await?;
    let binding = super::bindings::reducer(&host, "digest", &body.digest, &mission).await?;
    let mission = host.engine.rebind_reducer(&mission, &binding, caller.name()).await?;
    Ok(JsonAnswer(MissionAnswer { mission: wire::mission_view(&mission) }))
}
