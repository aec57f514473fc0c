//! Governed memory: who may have what remembered where, and find it again.
//!
//! Every use case begins with what its caller reaches ([`reach`]) and ends with one unit of work
//! that holds the record, the events and the entry of the audit ([`told`]). Nothing is kept that the
//! scrubber has not seen ([`scrub`] for texts, [`fields`] for what stands beside them), nor does anything else leave
//! the host for a vector ([`embed`]). Then:
//! [`put`], [`search`], [`promote`] with the questions it asks people ([`review`]), [`remove`],
//! [`context`] for prompts, [`capture`] for what is remembered by itself, and [`expiry`].

mod fields;
mod fingerprint;
mod reach;
mod scrub;
mod embed;
mod told;

mod put;
mod search;
mod promote;
mod review;
mod remove;
mod context;
mod capture;
mod expiry;

use std::collections::BTreeSet;

pub(in crate::engine) use fields::CleanNames;
pub use fingerprint::FingerprintKey;
pub use put::EXPIRES_IN_SESSION_MS;
pub use remove::{Removal, RemovalNote};
pub use scrub::{Destination, Finding, ScrubResult};
pub(in crate::engine) use scrub::{is_kind, scrubbed};
pub use search::{LIMIT_DEFAULT, LIMIT_MAX, ListAsk};

use crate::domain::memory::Tier;
use crate::domain::plugin::Binding;
use crate::domain::principal::Principal;
use crate::engine::ports::SharedEmbedder;

/// What an operator may set of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryOptions {
    /// The organisation that partitions are named after.
    pub org: String,
    /// The scrubber; without one nothing is remembered.
    pub scrubber: Option<Binding>,
    /// What fingerprints of secrets are keyed with.
    pub fingerprints: FingerprintKey,
    /// Tiers that nobody promotes to without another person's yes, operators included.
    pub reviewed: BTreeSet<Tier>,
    /// Whether the summaries of runs are remembered by themselves, in their sessions.
    pub captures: bool,
    /// What makes vectors of what is remembered and asked, when callers bring none.
    pub embedder: Option<SharedEmbedder>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            org: "local".to_owned(),
            scrubber: None,
            fingerprints: FingerprintKey::random(),
            reviewed: BTreeSet::new(),
            captures: false,
            embedder: None,
        }
    }
}

/// Who asks, and with which capability beside their own rights.
#[derive(Debug, Clone, Copy)]
pub struct MemoryCaller<'c> {
    /// Who.
    pub principal: &'c Principal,
    /// The text of a run's token.
    pub capability: Option<&'c str>,
}
