//! Finding what is remembered.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::schema::Schema;

use sluice_api::memory::{MemoryFound, MemoryList, MemorySearch};

use super::super::access::Caller;
use super::super::host::Shared;
use super::super::idempotency::NeverKept;
use super::super::json::{Body, Params};
use super::super::page;
use super::super::problem::Problem;
use super::{count_embedding, memory_caller, refused};
use crate::domain::memory::Tier;
use crate::engine::ListAsk;
use crate::policy::Action;
use crate::wire;

/// Search what is remembered
///
/// Nothing in the query is an operator but quotation marks around a phrase and a star behind the beginning of
/// a word. Tiers that the caller may not read are not searched, and named in `blocked_scopes`.
#[utoipa::path(
    post, path = "/memory/search", tag = "memory", request_body = MemorySearch,
    responses((status = 200, description = "What was found", body = MemoryFound))
)]
pub(in crate::http) async fn search(
    State(host): State<Shared>,
    caller: Caller,
    Body(body): Body<MemorySearch>,
) -> Result<Response, Problem> {
    let asking = memory_caller(&caller, body.capability.as_deref());
    match host.engine.search_memory(&asking, &body).await {
        Ok(found) => {
            count_embedding(&host, found.embedding);
            let mut response = JsonAnswer(found).into_response();
            // What is deleted must not be answered from a receipt.
            response.extensions_mut().insert(NeverKept);
            Ok(response)
        }
        Err(error) => Err(refused(&caller, Action::MemoryRead, None, error).await),
    }
}

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParams {
    /// Words to find them by; without, the newest come first.
    #[param(min_length = 1, max_length = 4096)]
    q: Option<String>,
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Entries left out before the first, at most 10,000.
    #[param(maximum = 10_000)]
    offset: Option<u32>,
    /// Only records of this principal, or put on behalf of this user.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]*$")]
    user_id: Option<String>,
    /// Only records of this tier.
    #[param(schema_with = tier_words)]
    tier: Option<String>,
    /// The project; without, and without a session, all that the caller may read.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$")]
    project_id: Option<String>,
    /// Records of this session too; with `project_id`, `default` without.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:@-]+$")]
    session_id: Option<String>,
}

fn tier_words() -> Schema {
    page::words(Tier::ALL.iter().map(|tier| tier.as_str()))
}

/// Most entries left out before the first.
const OFFSET_MAX: u32 = 10_000;

/// List what is remembered
///
/// Of what the caller may read, the newest first, or with `q` the best first. Without project and session that is the
/// 22 largest shared and 10 largest own scopes; but an operator's list, and anybody's with their own name as `user_id`, leaves
/// nothing out.
#[utoipa::path(
    get, path = "/memory", tag = "memory", params(ListParams),
    responses((status = 200, description = "A page of records", body = MemoryList))
)]
pub(in crate::http) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<MemoryList>, Problem> {
    let offset = params.offset.unwrap_or(0);
    if offset > OFFSET_MAX {
        return Err(Problem::field("offset", format!("offset: is {offset}; at most {OFFSET_MAX}")));
    }
    let ask = ListAsk {
        query: params.q,
        tier: page::word("tier", params.tier.as_deref())?,
        project_id: params.project_id,
        session_id: params.session_id,
        user_id: params.user_id,
        limit: page::limit(params.limit)?,
        offset,
    };
    match host.engine.list_memory(&memory_caller(&caller, None), &ask).await {
        Ok(records) => {
            let items: Vec<_> = records.iter().map(wire::memory_view).collect();
            Ok(JsonAnswer(MemoryList { count: items.len(), items }))
        }
        Err(error) => Err(refused(&caller, Action::MemoryRead, None, error).await),
    }
}
