//! The registry of components: install, list, look at, remove.

use axum::Json as JsonAnswer;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use sluice_api::plugin::{PluginDetail, PluginList, PluginRemoved, PluginVersion, PluginView};

use super::access::Caller;
use super::host::{Host, Shared};
use super::json::{self, Params};
use super::page::{self, Segment};
use super::problem::{self, Problem};
use crate::domain::artifact::Digest;
use crate::domain::principal::{Credential, Role};
use crate::engine::{FoundPlugin, NewPlugin, Selector};
use crate::plugins::inspect::COMPONENT_BYTES_MAX;
use crate::wire;

/// Largest body, in bytes: a component.
pub(super) const BODY_MAX_BYTES: usize = COMPONENT_BYTES_MAX;
/// Longest cursor, in bytes: a name and a version.
const CURSOR_MAX_BYTES: usize = 256;
/// Most versions, and most workspaces, that are shown with a plugin.
const SHOWN_MAX: usize = 100;

static SIGNATURE: &str = "sluice-signature";

fn view(found: &FoundPlugin) -> PluginView {
    wire::plugin_view(&found.facts, found.registered.as_ref())
}

/// Install a plugin
///
/// The body is the component. It is compiled and called for the first time, in a process of its own, before this
/// answers. The same bytes again are fine, and signatures that are new are added; other bytes under the same name
/// and version are refused.
#[utoipa::path(
    put, path = "/plugins/{name}/{version}", tag = "plugins", operation_id = "install",
    params(
        ("name" = String, Path, description = "The name in its manifest"),
        ("version" = String, Path, description = "The version in its manifest"),
        ("Sluice-Signature" = Option<String>, Header,
         description = "`KEY:SIGNATURE` in hexadecimal: Ed25519 over the text `sha256:DIGEST`; repeatable, separated by commas"),
    ),
    request_body(content((Vec<u8> = "application/wasm"))),
    responses(
        (status = 201, description = "It is new", body = PluginView),
        (status = 200, description = "It was there", body = PluginView),
    )
)]
pub(super) async fn install(
    State(host): State<Shared>,
    caller: Caller,
    path: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let part = |wanted: &str| path.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text.to_owned());
    let (name, version) = (part("name").unwrap_or_default(), part("version").unwrap_or_default());
    let signatures = signatures(request.headers())?;
    check_type(request.headers())?;
    let bytes = json::read_all(request).await?;
    let new = NewPlugin {
        workspace_id: caller.workspace(),
        name: &name,
        version: &version,
        bytes: bytes.into(),
        signatures,
        actor: caller.name(),
    };
    let installed = host.engine.install_plugin(new).await?;
    let status = if installed.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, JsonAnswer(view(&installed.plugin))).into_response())
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(given) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if ["application/wasm", "application/octet-stream"].contains(&essence.as_str()) {
        return Ok(());
    }
    let detail = format!("the content type is `{essence}`; this route takes application/wasm");
    Err(Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, detail))
}

fn signatures(headers: &HeaderMap) -> Result<Vec<(String, String)>, Problem> {
    let mut signatures = Vec::new();
    for value in headers.get_all(SIGNATURE) {
        for text in value.to_str().unwrap_or("?").split(',').map(str::trim) {
            let Some((key, signature)) = text.split_once(':') else {
                let detail = "Sluice-Signature: is `KEY:SIGNATURE`, both in hexadecimal";
                return Err(Problem::field("Sluice-Signature", detail));
            };
            signatures.push((key.to_owned(), signature.to_owned()));
        }
    }
    Ok(signatures)
}

/// Which plugins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[a-z0-9-]{1,64}@[0-9A-Za-z.+-]{1,190}$")]
    cursor: Option<String>,
}

/// List plugins
///
/// By name and version, what comes with the host included.
#[utoipa::path(
    get, path = "/plugins", tag = "plugins", params(ListParams),
    responses((status = 200, description = "A page of plugins", body = PluginList))
)]
pub(super) async fn list(
    State(host): State<Shared>,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<PluginList>, Problem> {
    let limit = page::limit(params.limit)?;
    let after = params.cursor.as_deref().map(cursor).transpose()?;
    let found = host.engine.plugins(after, limit).await?;
    let next_cursor = page::next_cursor(&found, limit, |found| found.facts.label());
    let items: Vec<_> = found.iter().map(view).collect();
    Ok(JsonAnswer(PluginList { count: items.len(), items, next_cursor }))
}

fn cursor(text: &str) -> Result<(&str, &str), Problem> {
    let fits = text.len() <= CURSOR_MAX_BYTES && !text.contains('\0');
    text.split_once('@').filter(|_| fits).ok_or_else(page::invalid_cursor)
}

/// The component of a digest.
async fn find(host: &Host, text: &str) -> Result<(Digest, FoundPlugin), Problem> {
    let missing = || Problem::not_found("plugin", text);
    let digest = Digest::parse(text).ok_or_else(missing)?;
    let found = host.engine.find_plugin(&Selector::Digest(digest.clone())).await?;
    Ok((digest, found.ok_or_else(missing)?))
}

/// Look at a plugin
///
/// What it says of itself, wants and offers, what came of its first calls, and where it is bound: everywhere for an
/// operator, in the own workspace for everybody else.
#[utoipa::path(
    get, path = "/plugins/{digest}", tag = "plugins",
    params(("digest" = String, Path, description = "SHA-256 of its bytes")),
    responses((status = 200, description = "The plugin", body = PluginDetail))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(text): Segment,
) -> Result<JsonAnswer<PluginDetail>, Problem> {
    let (digest, found) = find(&host, &text).await?;
    let versions = host.engine.plugin_versions(&found.facts.name).await?;
    let version = |found: &FoundPlugin| PluginVersion {
        version: found.facts.version.clone(),
        digest: found.facts.digest.to_string(),
    };
    let sees_all =
        matches!(caller.principal.credential, Credential::Token { role: Role::Operator, .. } | Credential::Owner);
    let bound = host.engine.workspaces_binding(&digest, page::LIMIT_MAX).await?;
    let seen = bound.iter().filter(|revision| sees_all || revision.workspace_id == *caller.workspace());
    Ok(JsonAnswer(PluginDetail {
        plugin: view(&found),
        settings_schema: wire::value_of(&found.facts.settings_schema),
        imports: found.facts.imports.clone(),
        exports: found.facts.exports.clone(),
        self_test: found.registered.as_ref().map_or(Value::Null, |plugin| wire::value_of(&plugin.self_test)),
        versions: versions.iter().take(SHOWN_MAX).map(version).collect(),
        bound_in: seen.take(SHOWN_MAX).map(|revision| wire::plugin_use(revision, &digest)).collect(),
    }))
}

/// Remove a plugin
///
/// Refused while a workspace binds it, or a mission that is not over is pinned to it.
#[utoipa::path(
    delete, path = "/plugins/{digest}", tag = "plugins",
    params(("digest" = String, Path, description = "SHA-256 of its bytes")),
    responses((status = 200, description = "It is gone", body = PluginRemoved))
)]
pub(super) async fn remove(
    State(host): State<Shared>,
    caller: Caller,
    Segment(text): Segment,
) -> Result<JsonAnswer<PluginRemoved>, Problem> {
    let digest = Digest::parse(&text).ok_or_else(|| Problem::not_found("plugin", &text))?;
    host.engine.remove_plugin(caller.workspace(), &digest, caller.name()).await?;
    Ok(JsonAnswer(PluginRemoved { ok: true, digest: digest.to_string() }))
}
