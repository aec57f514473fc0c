//! Which scopes of memory a workspace has, for whoever looks and names no project.

use super::error::StorageError;
use super::open::Store;
use super::row::RowReader;
use super::select::{Record, Select, Source};
use super::table::{Column, text};
use crate::domain::id::WorkspaceId;
use crate::domain::memory::{Partition, Scope, Tier};

const COLUMNS: &[Column] =
    &[text("org"), text("workspace_id"), text("project_id"), text("tier"), text("session_id"), text("owner")];

impl Record for Scope {
    const SOURCE: Source = Source { from: "memory_scopes", parts: &[("memory_scopes", COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Self {
            partition: Partition {
                org: row.text("org")?,
                workspace_id: WorkspaceId::new(row.text("workspace_id")?),
                project_id: row.text("project_id")?,
                tier: row.word("tier")?,
                session_id: some(row.text("session_id")?),
            },
            owner: some(row.text("owner")?),
        })
    }
}

impl Store {
    /// Scopes of a workspace that have records, those with most first: the shared ones, or those that
    /// `owner` alone sees. At most `limit`.
    pub async fn memory_scopes(
        &self,
        workspace: &WorkspaceId,
        org: &str,
        owner: Option<&str>,
        tier: Option<Tier>,
        limit: u32,
    ) -> Result<Vec<Scope>, StorageError> {
        let select = Select::all()
            .only("memory_scopes.workspace_id = $", workspace.as_str())
            .only("memory_scopes.owner = $", owner.unwrap_or_default())
            .only("memory_scopes.org = $", org)
            .only_some("memory_scopes.tier = $", tier.map(Tier::as_str))
            .page("memory_scopes.records DESC, memory_scopes.scope", limit);
        self.many(select).await
    }
}
