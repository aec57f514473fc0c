//! Named leases.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A lease to be taken.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// The name that one holder at a time has: 1 to 256 bytes, no control characters.
    #[schema(min_length = 1, max_length = 256)]
    pub name: String,
    /// Milliseconds it lasts from each renewal: a second to a day.
    #[schema(minimum = 1_000, maximum = 86_400_000_u64)]
    pub ttl_ms: u64,
    /// Who holds it, in the holder's words; the principal without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub owner: Option<String>,
    /// A shared resource that the host has show who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub claim_key: Option<String>,
}

/// Nothing has to be said of a lease that is renewed or given back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseStep {}

/// A named lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NamedLeaseView {
    /// This holding's id.
    pub lease_id: String,
    /// The name.
    pub name: String,
    /// Who holds it, in the holder's words.
    pub owner: String,
    /// The principal that took it.
    pub principal: String,
    /// `held`, `released` or `expired`.
    pub state: String,
    /// Larger for each later holding of the name, for ever.
    pub fencing_token: u64,
    /// Milliseconds it lasts from each renewal.
    pub ttl_ms: u64,
    /// When it was taken. Milliseconds since the Unix epoch.
    pub acquired_at_ms: u64,
    /// When it ends, or ended, unless it is renewed. Milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
    /// How many holdings in a row, up to this one, followed one that had run out.
    pub retries: u32,
    /// The shared resource that shows who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_key: Option<String>,
}

/// A page of leases.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NamedLeaseList {
    /// The newest holding of each name, by name.
    pub items: Vec<NamedLeaseView>,
    /// How many of them.
    pub count: usize,
    /// For the page after this one.
    pub next_cursor: Option<String>,
}
