//! Named leases.

use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::id::{LeaseId, WorkspaceId};
use crate::domain::lease::{LeaseState, NamedLease};
use crate::domain::resource::ResourceKey;
use crate::domain::time::Timestamp;

pub(super) static LEASES: Table = Table {
    name: "leases",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: Some("fencing_token"),
    end_column: Some("held_until_ms"),
    columns: &[
        text("workspace_id"),
        text("name"),
        text("id"),
        text("owner"),
        text("principal"),
        integer("fencing_token"),
        integer("ttl_ms"),
        integer("acquired_at_ms"),
        integer("expires_at_ms"),
        integer("held_until_ms"),
        text("state"),
        integer("retries"),
        text("claim_key"),
    ],
};

/// The row of `lease`.
pub(super) fn row(lease: &NamedLease) -> Result<Row, StorageError> {
    let held_until = if lease.state == LeaseState::Held { lease.expires_at } else { Timestamp(0) };
    let mut row = RowWriter::new(&LEASES);
    row.text("workspace_id", lease.workspace_id.as_str())
        .text("name", &lease.name)
        .text("id", lease.id.as_str())
        .text("owner", &lease.owner)
        .text("principal", &lease.principal)
        .integer("fencing_token", lease.fencing_token)
        .integer("ttl_ms", lease.ttl_ms)
        .moment("acquired_at_ms", lease.acquired_at)
        .moment("expires_at_ms", lease.expires_at)
        .moment("held_until_ms", held_until)
        .text("state", lease.state.as_str())
        .integer("retries", u64::from(lease.retries))
        .text_or_null("claim_key", lease.claim_key.as_ref().map(ResourceKey::as_str));
    row.finish()
}

impl Record for NamedLease {
    const SOURCE: Source = Source { from: "leases", parts: &[("leases", LEASES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let workspace_id = WorkspaceId::new(row.text("workspace_id")?);
        let name = row.text("name")?;
        let id = LeaseId::new(row.text("id")?);
        let owner = row.text("owner")?;
        let principal = row.text("principal")?;
        let fencing_token = row.integer("fencing_token")?;
        let ttl_ms = row.integer("ttl_ms")?;
        let acquired_at = row.moment("acquired_at_ms")?;
        let expires_at = row.moment("expires_at_ms")?;
        row.moment("held_until_ms")?;
        Ok(Self {
            workspace_id,
            name,
            id,
            owner,
            principal,
            fencing_token,
            ttl_ms,
            acquired_at,
            expires_at,
            state: row.word("state")?,
            retries: row.small("retries")?,
            claim_key: row.text_or_null("claim_key")?.map(ResourceKey::from_stored),
        })
    }
}

impl Store {
    /// The newest holding of a name.
    pub async fn named_lease(&self, workspace: &WorkspaceId, name: &str) -> Result<Option<NamedLease>, StorageError> {
        let select = Select::all().only("leases.workspace_id = $", workspace.as_str()).only("leases.name = $", name);
        self.one(select).await
    }

    /// The newest holdings of several names.
    pub async fn leases_by_names(
        &self,
        workspace: &WorkspaceId,
        names: &[&str],
    ) -> Result<Vec<NamedLease>, StorageError> {
        let mut found = Vec::with_capacity(names.len());
        for names in names.chunks(super::select::IDS_PER_STATEMENT) {
            let select = Select::all().only("leases.workspace_id = $", workspace.as_str());
            found.extend(self.many(select.only_in("leases.name", names.iter().map(|name| Cell::from(*name)))).await?);
        }
        Ok(found)
    }

    /// The newest holding of the name that has had a holding of this id, or will: they differ after the
    /// id's last dot alone.
    pub async fn lease(&self, workspace: &WorkspaceId, id: &LeaseId) -> Result<Option<NamedLease>, StorageError> {
        let Some((stem, _)) = id.as_str().rsplit_once('.') else { return Ok(None) };
        let select = Select::all()
            .only("leases.id >= $", &*format!("{stem}."))
            // A slash comes right after a dot.
            .only("leases.id < $", &*format!("{stem}/"))
            .only("leases.workspace_id = $", workspace.as_str())
            .ordered("leases.id");
        self.one(select).await
    }

    /// A workspace's leases by name: at most `limit` (and [`super::PAGE_MAX`]) of them that are held at
    /// `held_at`, if it says so, after the name `after`.
    pub async fn named_leases(
        &self,
        workspace: &WorkspaceId,
        held_at: Option<Timestamp>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<NamedLease>, StorageError> {
        let select = Select::all()
            .only("leases.workspace_id = $", workspace.as_str())
            .only_some("leases.held_until_ms > $", held_at)
            .only_some("leases.name > $", after)
            .page("leases.name", limit);
        self.many(select).await
    }

    /// Leases of all workspaces that have run out at `now` and have a resource that shows their claim.
    /// At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn ended_claims(&self, now: Timestamp, limit: u32) -> Result<Vec<NamedLease>, StorageError> {
        let select = ending().only("leases.held_until_ms <= $", now).page("leases.held_until_ms", limit);
        self.many(select).await
    }

    /// When the next lease of any workspace ends that has a resource to show it.
    pub async fn next_claim_end(&self) -> Result<Option<Timestamp>, StorageError> {
        Ok(self.one(ending().page("leases.held_until_ms", 1)).await?.map(|lease| lease.expires_at))
    }
}

fn ending() -> Select<NamedLease> {
    Select::all().only_if("leases.claim_key IS NOT NULL").only_if("leases.held_until_ms > 0")
}
