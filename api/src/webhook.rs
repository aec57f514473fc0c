//! Webhooks: the addresses that operators name, and what is delivered to them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an endpoint is to be. What is left out stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookPut {
    /// Where to, `https` unless the host allows `http`; needed for an endpoint that is not there yet. What was allowed
    /// for another address than this is not delivered to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2048)]
    pub url: Option<String>,
    /// What deliveries are signed with: `whsec_` and the base64 of 24 to 64 bytes. Without, one is made for a new
    /// endpoint and told in this answer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 38, max_length = 94, pattern = "^whsec_[A-Za-z0-9+/]{32,88}={0,2}$")]
    pub secret: Option<String>,
    /// Whether a secret is made in place of the one there is, and told in this answer alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_secret: bool,
    /// Whether anything is delivered; a new endpoint is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
    /// Only if the endpoint is at this revision; 0: only if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
}

/// An endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Its name: what runs say as `endpoint`.
    pub name: String,
    /// Where to.
    pub url: String,
    /// Whether anything is delivered.
    pub is_enabled: bool,
    /// Counts changes; goes on where it was when a deleted one is set again.
    pub revision: u64,
    /// The revision that set `url`.
    pub address_revision: u64,
    /// Who wrote it last.
    pub updated_by: String,
    /// When.
    pub updated_at_ms: u64,
}

/// An endpoint that was written.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookSet {
    /// The endpoint.
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// Its secret, when it was made now; told this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A page of endpoints, by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookList {
    /// The endpoints.
    pub items: Vec<WebhookView>,
    /// How many.
    pub count: usize,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

/// What has to hold of an endpoint that is to be deleted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookDelete {
    /// Only if the endpoint is at this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_223_372_036_854_775_807_u64)]
    pub if_match_rev: Option<u64>,
}

/// An endpoint that was deleted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookDeleted {
    /// Always true.
    pub ok: bool,
    /// Always true.
    pub deleted: bool,
    /// Its name.
    pub name: String,
    /// The revision of the deletion.
    pub revision: u64,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be attempted, for the first time or again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up.
    Failed,
}

/// Something that is to reach an endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// Its id; receivers get it as `webhook-id` at every attempt.
    pub id: String,
    /// The run that asked.
    pub run_id: String,
    /// Its mission.
    pub mission_id: String,
    /// The work item it worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<String>,
    /// The endpoint's name.
    pub endpoint: String,
    /// Where it stands.
    pub status: DeliveryState,
    /// Attempts begun.
    pub attempts: u32,
    /// The status of the newest answer, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// What went wrong at the newest attempt, in the host's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Who wished it.
    pub requested_by: String,
    /// The yes it stands on, where policy wanted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// SHA-256 of what is posted.
    pub body_digest: String,
    /// Its length in bytes.
    pub body_bytes: u64,
    /// When it was allowed.
    pub created_at_ms: u64,
    /// When it is attempted next, while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at_ms: Option<u64>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<u64>,
}

/// A page of deliveries, the newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeliveryList {
    /// The deliveries.
    pub items: Vec<DeliveryView>,
    /// How many.
    pub count: usize,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}
