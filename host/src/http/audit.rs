//! The audit, read.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::token::{AuditEntryView, AuditList};

use super::access::Caller;
use super::host::Shared;
use super::json::Params;
use super::page;
use super::problem::Problem;
use crate::domain::audit::AuditEntry;
use crate::wire;

/// Which part of the audit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// Read the audit
///
/// Newest first: what was denied, answered or administered in this workspace. Each entry holds the
/// hash of the one before it in the host's one chain; `sluice verify` walks along it.
#[utoipa::path(
    get, path = "/audit", tag = "audit", params(ListParams),
    responses((status = 200, description = "A page of the audit", body = AuditList))
)]
pub(super) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<AuditList>, Problem> {
    let limit = page::limit(params.limit)?;
    let before = page::cursor_position(params.cursor.as_deref())?;
    let entries = host.engine.store().audit(caller.workspace(), before, limit).await?;
    let next_cursor = page::next_cursor(&entries, limit, |entry| entry.seq.to_string());
    let entries: Vec<_> = entries.iter().map(view).collect();
    Ok(JsonAnswer(AuditList { count: entries.len(), entries, next_cursor }))
}

fn view(entry: &AuditEntry) -> AuditEntryView {
    AuditEntryView {
        seq: entry.seq,
        at_ms: entry.entry.at.as_millis(),
        actor: entry.entry.actor.clone(),
        action: entry.entry.action.clone(),
        resource: entry.entry.resource.clone(),
        outcome: entry.entry.outcome.to_string(),
        detail: wire::value_of(&entry.entry.detail),
        previous_hash: entry.previous_hash.clone(),
        hash: entry.hash.clone(),
    }
}
