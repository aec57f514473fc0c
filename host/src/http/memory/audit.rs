//! The audit of memory.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::memory::MemoryAudit;

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::json::Params;
use super::super::page;
use super::super::problem::Problem;
use crate::wire;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct AuditParams {
    /// Only what was done for this run.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    run_id: Option<String>,
    /// Only what was done to this record.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    memory_id: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// Read the audit of memory
///
/// Newest first: every put, search, promotion, removal and denial, with the partition, the decision and what
/// the scrubber found by kind and keyed fingerprint. The entries are links of the host's one chain.
#[utoipa::path(
    get, path = "/memory/audit", tag = "memory", params(AuditParams),
    responses((status = 200, description = "A page of the audit of memory", body = MemoryAudit))
)]
pub(in crate::http) async fn entries(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<AuditParams>,
) -> Result<JsonAnswer<MemoryAudit>, Problem> {
    let limit = page::limit(params.limit)?;
    let before = page::cursor_position(params.cursor.as_deref())?;
    let run = page::selector("run_id", params.run_id.as_deref())?;
    let resource = page::selector("memory_id", params.memory_id.as_deref())?.map(|id| format!("memory/{id}"));
    let store = host.engine.store();
    let entries = store.audit_of_memory(caller.workspace(), resource.as_deref(), run, before, limit).await?;
    let next_cursor = page::next_cursor(&entries, limit, |entry| entry.seq.to_string());
    let entries: Vec<_> = entries.iter().map(wire::memory_audit_view).collect();
    Ok(JsonAnswer(MemoryAudit { count: entries.len(), entries, next_cursor }))
}
