//! Tokens: issue, list, end, give a new secret.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use sluice_api::token::{RoleName, RotateRequest, TokenIssued, TokenList, TokenRequest, TokenView};

use super::access::Caller;
use super::host::Shared;
use super::idempotency::NeverKept;
use super::json::{Body, OptionalBody, Params};
use super::page::{self, Segment};
use super::problem::Problem;
use crate::domain::id::TokenId;
use crate::domain::principal::Role;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::engine::{Issued, NewToken};
use crate::policy::Action;

fn view(token: &Token) -> TokenView {
    TokenView {
        id: token.id.to_string(),
        workspace_id: token.workspace_id.to_string(),
        name: token.name.clone(),
        principal: token.principal.clone(),
        role: match token.role {
            Role::Operator => RoleName::Operator,
            Role::Member => RoleName::Member,
            Role::Agent => RoleName::Agent,
            Role::Viewer => RoleName::Viewer,
        },
        created_by: token.created_by.clone(),
        created_at_ms: token.created_at.as_millis(),
        expires_at_ms: token.expires_at.map(Timestamp::as_millis),
        last_used_at_ms: token.last_used_at.map(Timestamp::as_millis),
        revoked_at_ms: token.revoked_at.map(Timestamp::as_millis),
    }
}

/// An answer that holds a secret is told once and kept nowhere.
fn told_once(status: StatusCode, issued: &Issued) -> Response {
    let answer = TokenIssued { token: issued.text.clone(), view: view(&issued.token) };
    let mut response = (status, JsonAnswer(answer)).into_response();
    response.extensions_mut().insert(NeverKept);
    response
}

/// Issue a token
///
/// Its text is told in this answer and never again.
#[utoipa::path(
    post, path = "/tokens", tag = "tokens", request_body = TokenRequest,
    responses((status = 201, description = "The token", body = TokenIssued))
)]
pub(super) async fn create(
    State(host): State<Shared>,
    caller: Caller,
    Body(body): Body<TokenRequest>,
) -> Result<Response, Problem> {
    let new = NewToken {
        workspace_id: caller.workspace().clone(),
        name: body.name,
        role: match body.role {
            RoleName::Operator => Role::Operator,
            RoleName::Member => Role::Member,
            RoleName::Agent => Role::Agent,
            RoleName::Viewer => Role::Viewer,
        },
        principal: body.principal,
        ttl_ms: body.ttl_ms,
    };
    let issued = host.engine.issue_token(new, caller.name()).await?;
    Ok(told_once(StatusCode::CREATED, &issued))
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Entries of a page, 1 to 500; 100 without.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^tok_[A-Za-z0-9._:@-]{1,124}$")]
    cursor: Option<String>,
}

/// List tokens
///
/// An operator sees the workspace's, everybody else their own.
#[utoipa::path(
    get, path = "/tokens", tag = "tokens", params(ListParams),
    responses((status = 200, description = "A page of tokens", body = TokenList))
)]
pub(super) async fn list(
    State(host): State<Shared>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<JsonAnswer<TokenList>, Problem> {
    let limit = page::limit(params.limit)?;
    let after = page::cursor_id(params.cursor.as_deref(), TokenId::PREFIX)?.map(TokenId::new);
    let tokens = host.engine.store().tokens(caller.workspace(), after.as_ref(), limit).await?;
    let next_cursor = page::next_cursor(&tokens, limit, |token| token.id.to_string());
    let seen = tokens.iter().filter(|token| caller.may(Action::TokenRead, Some(&token.principal)));
    let items: Vec<_> = seen.map(view).collect();
    Ok(JsonAnswer(TokenList { count: items.len(), items, next_cursor }))
}

/// Look at a token
#[utoipa::path(
    get, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path, description = "The token's id")),
    responses((status = 200, description = "The token", body = TokenView))
)]
pub(super) async fn show(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<TokenView>, Problem> {
    let token = host.engine.token(caller.workspace(), &TokenId::new(id.as_str())).await?;
    caller.allow(&format!("token/{id}"), Some(&token.principal)).await?;
    Ok(JsonAnswer(view(&token)))
}

/// End a token
///
/// Felt within a second by every host, streams that are open included. Twice is fine.
#[utoipa::path(
    delete, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path, description = "The token's id")),
    responses((status = 200, description = "The token", body = TokenView))
)]
pub(super) async fn revoke(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<JsonAnswer<TokenView>, Problem> {
    let id = TokenId::new(id);
    let token = host.engine.token(caller.workspace(), &id).await?;
    caller.allow(&format!("token/{id}"), Some(&token.principal)).await?;
    let token = host.engine.revoke_token(caller.workspace(), &id, caller.name()).await?;
    Ok(JsonAnswer(view(&token)))
}

/// Give a token a new secret
///
/// The old one ends at once, or after `grace_ms`. The new text is told in this answer alone.
#[utoipa::path(
    post, path = "/tokens/{id}/rotate", tag = "tokens", request_body = Option<RotateRequest>,
    params(("id" = String, Path, description = "The token's id")),
    responses((status = 200, description = "The token", body = TokenIssued))
)]
pub(super) async fn rotate(
    State(host): State<Shared>,
    caller: Caller,
    Segment(id): Segment,
    OptionalBody(body): OptionalBody<RotateRequest>,
) -> Result<Response, Problem> {
    let id = TokenId::new(id);
    let token = host.engine.token(caller.workspace(), &id).await?;
    caller.allow(&format!("token/{id}"), Some(&token.principal)).await?;
    let issued = host.engine.rotate_token(caller.workspace(), &id, body.grace_ms, caller.name()).await?;
    Ok(told_once(StatusCode::OK, &issued))
}
