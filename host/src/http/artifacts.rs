//! Artifacts: what runs leave, and their bytes.

use axum::Json as JsonAnswer;
use axum::body::Body as HttpBody;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use sluice_api::work::{ArtifactAnswer, ArtifactRequest};

use super::access::Caller;
use super::host::{Host, Shared};
use super::json;
use super::page::Segment;
use super::problem::{self, Problem};
use crate::domain::artifact::Artifact;
use crate::domain::id::ArtifactId;
use crate::domain::principal::Credential;
use crate::engine::NewRunArtifact;
use crate::wire;

/// Largest request that leaves an artifact, in bytes: its content may be escaped JSON, or framed
/// as multipart.
pub(super) const BODY_MAX_BYTES: usize = 2 * 32 * 1024 * 1024 + 64 * 1024;
/// Bytes read from storage at once.
const CHUNK: u32 = 1 << 20;

/// A multipart form with the same members as the JSON.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "stands in the OpenAPI document alone")]
pub(super) struct ArtifactForm {
    /// What it is.
    kind: String,
    /// File name; by default the file's own.
    name: Option<String>,
    /// Media type; by default the file's own.
    media_type: Option<String>,
    /// The content.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    content: Vec<u8>,
}

/// Leave an artifact
///
/// With the run's own token; as JSON for text, as multipart for anything, at most 32 MiB. It counts
/// once the run's end names it, or names none.
#[utoipa::path(
    post, path = "/runs/{id}/artifacts", tag = "runs",
    params(("id" = String, Path, description = "The run's id")),
    request_body(content((ArtifactRequest = "application/json"), (ArtifactForm = "multipart/form-data"))),
    responses((status = 201, description = "The artifact", body = ArtifactAnswer))
)]
pub(super) async fn leave(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    request: Request,
) -> Result<Response, Problem> {
    let held = super::runs::held(&host, &caller, &id).await?;
    let new = read(request, host.options.json_depth_max).await?;
    let artifact = host.engine.add_artifact(&held, new).await?;
    let answer = ArtifactAnswer { artifact: wire::artifact_view(&artifact) };
    Ok((StatusCode::CREATED, JsonAnswer(answer)).into_response())
}

async fn read(request: Request, depth_max: usize) -> Result<NewRunArtifact, Problem> {
    json::require_json(request.headers(), &["application/json", "multipart/form-data"])?;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|given| given.trim_start().to_ascii_lowercase().starts_with("multipart/")) {
        return read_form(request).await;
    }
    let bytes = json::read_all(request).await?;
    let request: ArtifactRequest = json::typed(json::value(&bytes, depth_max)?)?;
    let (content, default_type) = match (request.content, request.uri) {
        (Some(content), None) => (content, "text/plain"),
        (None, Some(uri)) => (uri, "text/uri-list"),
        _ => return Err(Problem::field("content", "content: give either `content` or `uri`")),
    };
    Ok(NewRunArtifact {
        kind: request.kind,
        name: request.name,
        media_type: request.media_type.unwrap_or_else(|| default_type.to_owned()),
        content: content.into_bytes(),
    })
}

async fn read_form(request: Request) -> Result<NewRunArtifact, Problem> {
    let broken = |error: &dyn std::fmt::Display| {
        Problem::new(problem::MALFORMED_REQUEST, format!("the form cannot be read: {error}")).with("field", "body")
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
    let (mut kind, mut name, mut media_type, mut content) = (None, None, None, None);
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        let member = field.name().unwrap_or_default().to_owned();
        let slot = match member.as_str() {
            "kind" => &mut kind,
            "name" => &mut name,
            "media_type" => &mut media_type,
            "content" => {
                let (file, file_type) = (field.file_name().map(str::to_owned), field.content_type().map(str::to_owned));
                let bytes = field.bytes().await.map_err(|error| broken(&error))?;
                if content.is_some() {
                    return Err(twice(&member));
                }
                content = Some((bytes.to_vec(), file, file_type));
                continue;
            }
            _ => {
                let detail = format!("{member}: the form has `kind`, `name`, `media_type` and `content`");
                return Err(Problem::new(problem::UNKNOWN_FIELD, detail).with("field", member));
            }
        };
        let text = field.text().await.map_err(|error| broken(&error))?;
        if slot.replace(text).is_some() {
            return Err(twice(&member));
        }
    }
    let missing = |field: &str| Problem::field(field, format!("{field}: is missing"));
    let (content, file, file_type) = content.ok_or_else(|| missing("content"))?;
    Ok(NewRunArtifact {
        kind: kind.ok_or_else(|| missing("kind"))?,
        name: name.or(file).ok_or_else(|| missing("name"))?,
        media_type: media_type.or(file_type).unwrap_or_else(|| "application/octet-stream".to_owned()),
        content,
    })
}

fn twice(member: &str) -> Problem {
    Problem::new(problem::DUPLICATE_KEY, format!("`{member}` stands twice in the form")).with("field", member)
}

/// Get an artifact's bytes
///
/// As they were left. `ETag` is their digest; they never change.
#[utoipa::path(
    get, path = "/artifacts/{id}", tag = "runs", params(("id" = String, Path, description = "The artifact's id")),
    responses((status = 200, description = "The bytes", content((Vec<u8> = "application/octet-stream"))))
)]
pub(super) async fn fetch(
    State(host): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let artifact = find(&host, &caller, &id).await?;
    let tag = format!("\"{}\"", artifact.digest);
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes());
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { content(host, &artifact) };
    let answer = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, tag);
    }
    if !is_known {
        // Whatever a worker says it is, a browser must only ever save it.
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        answer.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
        answer.insert(header::CONTENT_LENGTH, HeaderValue::from(artifact.size));
    }
    if let Ok(media_type) = HeaderValue::from_str(&artifact.media_type) {
        answer.insert("sluice-media-type", media_type);
    }
    Ok(response)
}

/// The artifact of this id in the caller's workspace; for a run's token, of that run's mission.
async fn find(host: &Host, caller: &Caller, id: &str) -> Result<Artifact, Problem> {
    let store = host.engine.store();
    let found = store.artifact(&ArtifactId::new(id)).await?;
    let artifact = caller.own("artifact", id, found, |artifact| &artifact.workspace_id).await?;
    caller.allow_thing(&format!("artifact/{id}"), None).await?;
    if let Credential::Run { run_id, .. } = &caller.principal.credential {
        let run = store.run(run_id).await?;
        if run.is_none_or(|run| run.mission_id != artifact.mission_id) {
            return Err(Problem::not_found("artifact", id));
        }
    }
    Ok(artifact)
}

/// The bytes, read as the client takes them.
fn content(host: Shared, artifact: &Artifact) -> Response {
    let digest = artifact.digest.clone();
    let size = artifact.size;
    let chunks = futures_util::stream::unfold(0_u64, move |offset| {
        let (host, digest) = (host.clone(), digest.clone());
        async move {
            if offset >= size {
                return None;
            }
            match host.engine.store().read_blob(&digest, offset, CHUNK).await {
                // The length was announced; a client notices that something is missing.
                Ok(chunk) if chunk.is_empty() => None,
                Ok(chunk) => {
                    let next = offset + chunk.len() as u64;
                    Some((Ok(chunk), next))
                }
                Err(error) => {
                    tracing::error!(%error, "an artifact could not be read to its end");
                    Some((Err(std::io::Error::other("storage failed")), size))
                }
            }
        }
    });
    Response::new(HttpBody::from_stream(chunks))
}
