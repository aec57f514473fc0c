//! Tokens: what is kept of a credential. Its text is told once and never stored.

use super::artifact::Digest;
use super::id::{TokenId, WorkspaceId};
use super::principal::Role;
use super::time::Timestamp;

/// A token as the host keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id; part of its text, so that it is found without a search.
    pub id: TokenId,
    /// Where it is good.
    pub workspace_id: WorkspaceId,
    /// What it is for, in its maker's words.
    pub name: String,
    /// Who it speaks for.
    pub principal: String,
    /// What that principal is.
    pub role: Role,
    /// SHA-256 of its secret.
    pub secret_digest: Digest,
    /// SHA-256 of the secret before the last rotation, while that is still good.
    pub previous_digest: Option<Digest>,
    /// Until when the secret before the last rotation is good.
    pub previous_ends_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, give or take a minute.
    pub last_used_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
    /// Guards every write to it.
    pub revision: u64,
}

impl Token {
    /// Whether it is good at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
