//! Endpoints of webhooks and what is delivered to them, as clients see them.

use sluice_api::webhook::{DeliveryState, DeliveryView, WebhookView};

use crate::domain::time::Timestamp;
use crate::domain::webhook::{Delivery, DeliveryStatus, WebhookEndpoint};

/// An endpoint, without its secret.
pub fn webhook_view(endpoint: &WebhookEndpoint) -> WebhookView {
    WebhookView {
        name: endpoint.name.clone(),
        url: endpoint.url.clone(),
        is_enabled: endpoint.is_enabled,
        revision: endpoint.revision,
        address_revision: endpoint.address_revision,
        updated_by: endpoint.updated_by.clone(),
        updated_at_ms: endpoint.updated_at.as_millis(),
    }
}

/// A delivery, without what is delivered.
pub fn delivery_view(delivery: &Delivery) -> DeliveryView {
    DeliveryView {
        id: delivery.id.to_string(),
        run_id: delivery.run_id.to_string(),
        mission_id: delivery.mission_id.to_string(),
        work_item_id: delivery.work_item_id.as_ref().map(ToString::to_string),
        endpoint: delivery.endpoint.clone(),
        status: match delivery.status {
            DeliveryStatus::Pending => DeliveryState::Pending,
            DeliveryStatus::Delivered => DeliveryState::Delivered,
            DeliveryStatus::Failed => DeliveryState::Failed,
        },
        attempts: delivery.attempts,
        last_status: delivery.last_status,
        last_error: delivery.last_error.clone(),
        requested_by: delivery.requested_by.clone(),
        approval_id: delivery.approval_id.as_ref().map(ToString::to_string),
        body_digest: delivery.body_digest.to_string(),
        body_bytes: delivery.body_bytes,
        created_at_ms: delivery.created_at.as_millis(),
        next_attempt_at_ms: delivery.next_attempt_at.map(Timestamp::as_millis),
        ended_at_ms: delivery.ended_at.map(Timestamp::as_millis),
    }
}
