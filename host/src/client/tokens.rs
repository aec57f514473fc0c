//! Calls about tokens.

use sluice_api::token::{RotateRequest, TokenIssued, TokenList, TokenRequest, TokenView};

use super::{Client, ClientError};

impl Client {
    /// Issues a token. Sent again after a broken connection it would be a second one, and its
    /// text is told once only: it is repeated when it was surely not carried out.
    pub async fn create_token(&self, request: &TokenRequest) -> Result<TokenIssued, ClientError> {
        self.post(&["tokens"]).json(request).answer().await
    }

    /// A page of tokens.
    pub async fn tokens(&self, cursor: Option<&str>) -> Result<TokenList, ClientError> {
        self.get(&["tokens"]).query("limit", Some(500)).query("cursor", cursor).answer().await
    }

    /// Ends a token.
    pub async fn revoke_token(&self, id: &str) -> Result<TokenView, ClientError> {
        self.delete(&["tokens", id]).answer().await
    }

    /// Gives a token a new secret.
    pub async fn rotate_token(&self, id: &str, request: &RotateRequest) -> Result<TokenIssued, ClientError> {
        self.post(&["tokens", id, "rotate"]).json(request).answer().await
    }
}
