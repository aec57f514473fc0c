//! Leases: a name that one holder at a time has, for as long as it says it is alive.
//!
//! A lease of a run is [`super::run::Lease`]; these are for whoever else has to be alone.

use super::id::{LeaseId, WorkspaceId};
use super::resource::ResourceKey;
use super::time::Timestamp;
use super::word::words;

/// Shortest and longest time a lease lasts without renewal, in milliseconds: a second to a day.
pub const LEASE_TTL_MS: std::ops::RangeInclusive<u64> = 1_000..=24 * 60 * 60 * 1000;
/// Longest name of a lease, and of its holder, in bytes.
pub const NAME_MAX_BYTES: usize = 256;

words! {
    /// What became of a lease.
    LeaseState {
        /// Somebody has it, unless its time is over.
        Held = "held",
        /// Its holder gave it back.
        Released = "released",
        /// Its holder was not heard of in time, and somebody noticed.
        Expired = "expired",
    }
}

/// A named lease: the newest holding of its name. The row stays when it ends, so that fencing tokens
/// never restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLease {
    /// Whose name.
    pub workspace_id: WorkspaceId,
    /// The name.
    pub name: String,
    /// This holding's id: the same for all holdings of a name but for the fencing token after its last dot.
    pub id: LeaseId,
    /// Who holds it, in the holder's words.
    pub owner: String,
    /// The principal that took it, and alone may renew it or give it back.
    pub principal: String,
    /// Larger for each later holding of the name: what is written under it can be told from what an
    /// earlier holder writes too late.
    pub fencing_token: u64,
    /// Milliseconds it lasts from each renewal.
    pub ttl_ms: u64,
    /// When it was taken.
    pub acquired_at: Timestamp,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: LeaseState,
    /// How many holdings of the name in a row, up to this one, followed one that had run out.
    pub retries: u32,
    /// The resource that shows who holds it.
    pub claim_key: Option<ResourceKey>,
}

impl NamedLease {
    /// Whether somebody has it at `now`.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.state == LeaseState::Held && self.expires_at > now
    }
}
