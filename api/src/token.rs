//! Tokens, stream tickets and the audit.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A token to be issued.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is for, in a few words: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// `operator`, `member`, `agent` or `viewer`.
    pub role: RoleName,
    /// Who it speaks for; by default made of the role and the name: `agent.builder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]*$")]
    pub principal: Option<String>,
    /// Milliseconds it is good for; without, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1000, maximum = 315_360_000_000_u64)]
    pub ttl_ms: Option<u64>,
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// Runs the host.
    Operator,
    /// A person who works with missions and answers questions.
    Member,
    /// A program that works.
    Agent,
    /// Looks and changes nothing.
    Viewer,
}

/// A rotation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateRequest {
    /// Milliseconds the old secret stays good, at most a day; by default it ends at once.
    #[serde(default)]
    #[schema(maximum = 86_400_000)]
    pub grace_ms: u64,
}

/// A token, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// Where it is good.
    pub workspace_id: String,
    /// What it is for.
    pub name: String,
    /// Who it speaks for.
    pub principal: String,
    /// What that principal is.
    pub role: RoleName,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at_ms: u64,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// When it was last used, give or take a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at_ms: Option<u64>,
    /// When somebody ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<u64>,
}

/// A token just issued or rotated: the only time its text is told.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenIssued {
    /// What `Authorization: Bearer` takes.
    pub token: String,
    /// The token.
    #[serde(flatten)]
    pub view: TokenView,
}

/// A page of tokens.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// The tokens.
    pub items: Vec<TokenView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// A stream ticket: stands in the query of a stream, reconnects included.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Ticket {
    /// What `ticket=` takes.
    pub ticket: String,
    /// When it ends.
    pub expires_at_ms: u64,
}

/// An entry of the audit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditEntryView {
    /// Its place in the chain.
    pub seq: u64,
    /// When.
    pub at_ms: u64,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// On what.
    pub resource: String,
    /// `done` or `denied`.
    pub outcome: String,
    /// The particulars.
    pub detail: Value,
    /// Hash of the entry before it.
    pub previous_hash: String,
    /// Hash of this one.
    pub hash: String,
}

/// A page of the audit, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// The entries.
    pub entries: Vec<AuditEntryView>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}
