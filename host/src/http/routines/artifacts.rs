//! What runs of routines left, and what others leave for them.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::routine::{RoutineArtifactAnswer, RoutineArtifactList, RoutineArtifactRequest, RoutineArtifactView};

use super::super::access::Caller;
use super::super::host::{Host, Shared};
use super::super::json::{Body, Params};
use super::super::page::{self, Segment};
use super::super::problem::Problem;
use super::{find_run, own_run};
use crate::domain::artifact::Artifact;
use crate::domain::id::ArtifactId;
use crate::engine::{URI_LIST, URI_MAX_BYTES};

/// Which part of the artifacts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^art_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

/// List what a routine's run left
///
/// What its mission's runs left and what was left for it, in the order it was left.
#[utoipa::path(
    get, path = "/routines/runs/{id}/artifacts", tag = "routines", operation_id = "artifacts",
    params(("id" = String, Path, description = "The run's id"), ListParams),
    responses((status = 200, description = "A page of artifacts", body = RoutineArtifactList))
)]
pub(in crate::http) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<RoutineArtifactList>, Problem> {
    let limit = page::limit(params.limit)?;
    let after = page::cursor_id(params.cursor.as_deref(), ArtifactId::PREFIX)?.map(ArtifactId::new);
    let run = find_run(&host, &caller, &id).await?;
    let found = match &run.mission_id {
        Some(mission) => host.engine.store().artifacts(mission, None, after.as_ref(), limit).await?,
        None => Vec::new(),
    };
    let next_cursor = page::next_cursor(&found, limit, |artifact| artifact.id.to_string());
    let mut artifacts = Vec::with_capacity(found.len());
    for artifact in &found {
        artifacts.push(view(&host, artifact).await?);
    }
    Ok(JsonAnswer(RoutineArtifactList { run_id: id, count: artifacts.len(), artifacts, next_cursor }))
}

/// Leave something for a routine's run
///
/// A place where it is; the host never fetches it. 409 for a run without a mission.
#[utoipa::path(
    post, path = "/routines/runs/{id}/artifacts", tag = "routines", operation_id = "leave",
    request_body = RoutineArtifactRequest, params(("id" = String, Path, description = "The run's id")),
    responses((status = 201, description = "The artifact", body = RoutineArtifactAnswer))
)]
pub(in crate::http) async fn leave(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    Body(body): Body<RoutineArtifactRequest>,
) -> Result<Response, Problem> {
    let run = own_run(&host, &caller, &id).await?;
    let artifact = host.engine.leave_for_occurrence(&run, &body.kind, body.label.as_deref(), &body.uri).await?;
    let answer = RoutineArtifactAnswer { ok: true, artifact: view(&host, &artifact).await? };
    Ok((StatusCode::CREATED, JsonAnswer(answer)).into_response())
}

async fn view(host: &Host, artifact: &Artifact) -> Result<RoutineArtifactView, Problem> {
    let own = format!("/artifacts/{}", artifact.id);
    let is_link = artifact.media_type == URI_LIST && artifact.size <= URI_MAX_BYTES as u64;
    let uri = if is_link {
        let bytes =
            host.engine.store().read_blob(&artifact.digest, 0, u32::try_from(URI_MAX_BYTES).unwrap_or(0)).await?;
        String::from_utf8(bytes.to_vec()).unwrap_or(own)
    } else {
        own
    };
    Ok(RoutineArtifactView {
        artifact_id: artifact.id.to_string(),
        uri,
        kind: artifact.kind.clone(),
        label: Some(artifact.name.clone()),
        created_at_ms: artifact.created_at.as_millis(),
    })
}
