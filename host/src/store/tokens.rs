//! Tokens: what is kept of credentials.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::artifact::Digest;
use crate::domain::id::{TokenId, WorkspaceId};
use crate::domain::token::Token;

pub(super) static TOKENS: Table = Table {
    name: "tokens",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("name"),
        text("principal"),
        text("role"),
        text("secret_digest"),
        text("previous_digest"),
        integer("previous_ends_at_ms"),
        text("created_by"),
        integer("created_at_ms"),
        integer("expires_at_ms"),
        integer("last_used_at_ms"),
        integer("revoked_at_ms"),
        integer("revision"),
    ],
};

/// The row of `token`.
pub(super) fn row(token: &Token) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&TOKENS);
    row.text("id", token.id.as_str())
        .text("workspace_id", token.workspace_id.as_str())
        .text("name", &token.name)
        .text("principal", &token.principal)
        .text("role", token.role.as_str())
        .text("secret_digest", token.secret_digest.as_str())
        .text_or_null("previous_digest", token.previous_digest.as_ref().map(Digest::as_str))
        .moment_or_null("previous_ends_at_ms", token.previous_ends_at)
        .text("created_by", &token.created_by)
        .moment("created_at_ms", token.created_at)
        .moment_or_null("expires_at_ms", token.expires_at)
        .moment_or_null("last_used_at_ms", token.last_used_at)
        .moment_or_null("revoked_at_ms", token.revoked_at)
        .integer("revision", token.revision);
    row.finish()
}

impl Record for Token {
    const SOURCE: Source = Source { from: "tokens", parts: &[("tokens", TOKENS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: TokenId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            name: row.text("name")?,
            principal: row.text("principal")?,
            role: row.word("role")?,
            secret_digest: row.digest("secret_digest")?,
            previous_digest: row.digest_or_null("previous_digest")?,
            previous_ends_at: row.moment_or_null("previous_ends_at_ms")?,
            created_by: row.text("created_by")?,
            created_at: row.moment("created_at_ms")?,
            expires_at: row.moment_or_null("expires_at_ms")?,
            last_used_at: row.moment_or_null("last_used_at_ms")?,
            revoked_at: row.moment_or_null("revoked_at_ms")?,
            revision: row.integer("revision")?,
        })
    }
}

impl Store {
    /// The token of this id, in whichever workspace.
    pub async fn token(&self, id: &TokenId) -> Result<Option<Token>, StorageError> {
        self.one(Select::all().only("tokens.id = $", id.as_str())).await
    }

    /// A workspace's tokens by id, which is the order they were made in: at most `limit` (and
    /// [`super::PAGE_MAX`]) of them, after `after`.
    pub async fn tokens(
        &self,
        workspace: &WorkspaceId,
        after: Option<&TokenId>,
        limit: u32,
    ) -> Result<Vec<Token>, StorageError> {
        let select = Select::all()
            .only("tokens.workspace_id = $", workspace.as_str())
            .only_some("tokens.id > $", after.map(TokenId::as_str))
            .page("tokens.id", limit);
        self.many(select).await
    }
}
