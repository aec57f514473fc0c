//! Webhooks: endpoints by name, and what is delivered to them.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, boolean, integer, text};
use crate::domain::id::{ApprovalId, DeliveryId, MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Delivery, DeliveryStatus, Secret, WebhookEndpoint};

pub(super) static WEBHOOKS: Table = Table {
    name: "webhooks",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("workspace_id"),
        text("name"),
        text("url"),
        text("origin"),
        text("secret"),
        boolean("is_enabled"),
        integer("deleted_at_ms"),
        integer("address_revision"),
        text("updated_by"),
        integer("updated_at_ms"),
        integer("revision"),
    ],
};

pub(super) static DELIVERIES: Table = Table {
    name: "deliveries",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("run_id"),
        text("mission_id"),
        text("work_item_id"),
        text("endpoint"),
        integer("address_revision"),
        text("body_digest"),
        integer("body_bytes"),
        text("requested_by"),
        text("approval_id"),
        text("status"),
        integer("attempts"),
        integer("last_status"),
        text("last_error"),
        integer("created_at_ms"),
        integer("next_attempt_at_ms"),
        integer("ended_at_ms"),
        integer("revision"),
    ],
};

pub(super) static DELIVERY_BODIES: Table = Table {
    name: "delivery_bodies",
    life: Life::AppendOnly,
    key_columns: 1,
    guard_column: None,
    end_column: None,
    columns: &[text("id"), text("workspace_id"), text("body")],
};

/// What is posted.
struct Body(Json);

/// The row of `endpoint`.
pub(super) fn row(endpoint: &WebhookEndpoint) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&WEBHOOKS);
    row.text("workspace_id", endpoint.workspace_id.as_str())
        .text("name", &endpoint.name)
        .text("url", &endpoint.url)
        .text("origin", &endpoint.origin)
        .text("secret", endpoint.secret.expose())
        .boolean("is_enabled", endpoint.is_enabled)
        .moment_or_null("deleted_at_ms", endpoint.deleted_at)
        .integer("address_revision", endpoint.address_revision)
        .text("updated_by", &endpoint.updated_by)
        .moment("updated_at_ms", endpoint.updated_at)
        .integer("revision", endpoint.revision);
    row.finish()
}

/// The row of `delivery`.
pub(super) fn delivery_row(delivery: &Delivery) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&DELIVERIES);
    row.text("id", delivery.id.as_str())
        .text("workspace_id", delivery.workspace_id.as_str())
        .text("run_id", delivery.run_id.as_str())
        .text("mission_id", delivery.mission_id.as_str())
        .text_or_null("work_item_id", delivery.work_item_id.as_ref().map(WorkItemId::as_str))
        .text("endpoint", &delivery.endpoint)
        .integer("address_revision", delivery.address_revision)
        .text("body_digest", delivery.body_digest.as_str())
        .integer("body_bytes", delivery.body_bytes)
        .text("requested_by", &delivery.requested_by)
        .text_or_null("approval_id", delivery.approval_id.as_ref().map(ApprovalId::as_str))
        .text("status", delivery.status.as_str())
        .integer("attempts", u64::from(delivery.attempts))
        .integer_or_null("last_status", delivery.last_status.map(u64::from))
        .text_or_null("last_error", delivery.last_error.as_deref())
        .moment("created_at_ms", delivery.created_at)
        .moment_or_null("next_attempt_at_ms", delivery.next_attempt_at)
        .moment_or_null("ended_at_ms", delivery.ended_at)
        .integer("revision", delivery.revision);
    row.finish()
}

/// The row of what `delivery` posts.
pub(super) fn body_row(delivery: &Delivery, body: &Json) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&DELIVERY_BODIES);
    row.text("id", delivery.id.as_str())
        .text("workspace_id", delivery.workspace_id.as_str())
        .text("body", body.as_str());
    row.finish()
}

impl Record for Body {
    const SOURCE: Source = Source { from: "delivery_bodies", parts: &[("delivery_bodies", DELIVERY_BODIES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        row.text("id")?;
        row.text("workspace_id")?;
        Ok(Self(row.json("body")?))
    }
}

impl Record for WebhookEndpoint {
    const SOURCE: Source = Source { from: "webhooks", parts: &[("webhooks", WEBHOOKS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            name: row.text("name")?,
            url: row.text("url")?,
            origin: row.text("origin")?,
            secret: Secret::stored(&row.text("secret")?),
            is_enabled: row.boolean("is_enabled")?,
            deleted_at: row.moment_or_null("deleted_at_ms")?,
            address_revision: row.integer("address_revision")?,
            updated_by: row.text("updated_by")?,
            updated_at: row.moment("updated_at_ms")?,
            revision: row.integer("revision")?,
        })
    }
}

impl Record for Delivery {
    const SOURCE: Source = Source { from: "deliveries", parts: &[("deliveries", DELIVERIES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: DeliveryId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            run_id: RunId::new(row.text("run_id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            work_item_id: row.text_or_null("work_item_id")?.map(WorkItemId::new),
            endpoint: row.text("endpoint")?,
            address_revision: row.integer("address_revision")?,
            body_digest: row.digest("body_digest")?,
            body_bytes: row.integer("body_bytes")?,
            requested_by: row.text("requested_by")?,
            approval_id: row.text_or_null("approval_id")?.map(ApprovalId::new),
            status: row.word("status")?,
            attempts: row.small("attempts")?,
            last_status: row.integer_or_null("last_status")?.and_then(|status| u16::try_from(status).ok()),
            last_error: row.text_or_null("last_error")?,
            created_at: row.moment("created_at_ms")?,
            next_attempt_at: row.moment_or_null("next_attempt_at_ms")?,
            ended_at: row.moment_or_null("ended_at_ms")?,
            revision: row.integer("revision")?,
        })
    }
}

/// Which deliveries.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryFilter<'f> {
    /// Whose.
    pub workspace: &'f WorkspaceId,
    /// Of this run alone.
    pub run: Option<&'f RunId>,
    /// To this endpoint alone.
    pub endpoint: Option<&'f str>,
    /// That stand there alone.
    pub status: Option<DeliveryStatus>,
}

impl Store {
    /// The endpoint of this name, deleted or not.
    pub async fn webhook(&self, workspace: &WorkspaceId, name: &str) -> Result<Option<WebhookEndpoint>, StorageError> {
        let select =
            Select::all().only("webhooks.workspace_id = $", workspace.as_str()).only("webhooks.name = $", name);
        self.one(select).await
    }

    /// A workspace's endpoints by name, without those deleted: at most `limit` (and [`super::PAGE_MAX`]) of them,
    /// after `after`.
    pub async fn webhooks(
        &self,
        workspace: &WorkspaceId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<WebhookEndpoint>, StorageError> {
        let select = Select::all()
            .only("webhooks.workspace_id = $", workspace.as_str())
            .only_if("webhooks.deleted_at_ms IS NULL")
            .only_some("webhooks.name > $", after)
            .page("webhooks.name", limit);
        self.many(select).await
    }

    /// The delivery of this id.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>, StorageError> {
        self.one(Select::all().only("deliveries.id = $", id.as_str())).await
    }

    /// What the delivery of this id posts.
    pub async fn delivery_body(&self, id: &DeliveryId) -> Result<Option<Json>, StorageError> {
        let found: Option<Body> = self.one(Select::all().only("delivery_bodies.id = $", id.as_str())).await?;
        Ok(found.map(|body| body.0))
    }

    /// Deliveries, the newest first: at most `limit` (and [`super::PAGE_MAX`]) of them, older than `before`.
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter<'_>,
        before: Option<&DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError> {
        let select = Select::all()
            .only("deliveries.workspace_id = $", filter.workspace.as_str())
            .only_some("deliveries.run_id = $", filter.run.map(RunId::as_str))
            .only_some("deliveries.endpoint = $", filter.endpoint)
            .only_some("deliveries.status = $", filter.status.map(DeliveryStatus::as_str))
            .only_some("deliveries.id < $", before.map(DeliveryId::as_str))
            .page("deliveries.id DESC", limit);
        self.many(select).await
    }

    /// Deliveries of every workspace that are due at `now`, the longest due first, but for those to the endpoints
    /// `but`. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn due_deliveries(
        &self,
        now: Timestamp,
        but: &[(WorkspaceId, String)],
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError> {
        let mut select =
            Select::all().only_if("deliveries.status = 'pending'").only("deliveries.next_attempt_at_ms <= $", now);
        for (workspace, endpoint) in but {
            let names = [workspace.as_str().into(), endpoint.as_str().into()];
            select = select.only_with("NOT (deliveries.workspace_id = $ AND deliveries.endpoint = $)", names);
        }
        self.many(select.page("deliveries.next_attempt_at_ms, deliveries.id", limit)).await
    }

    /// When the next delivery of any workspace is due, if there is one.
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, StorageError> {
        let select = Select::<Delivery>::all()
            .only_if("deliveries.status = 'pending'")
            .page("deliveries.next_attempt_at_ms, deliveries.id", 1);
        Ok(self.one(select).await?.and_then(|delivery| delivery.next_attempt_at))
    }

    /// Deliveries of every workspace that were over before `before`, the oldest first. At most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn old_deliveries(&self, before: Timestamp, limit: u32) -> Result<Vec<Delivery>, StorageError> {
        let select = Select::all()
            .only_if("deliveries.status <> 'pending'")
            .only("deliveries.ended_at_ms < $", before)
            .page("deliveries.ended_at_ms, deliveries.id", limit);
        self.many(select).await
    }
}
