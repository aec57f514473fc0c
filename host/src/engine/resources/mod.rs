//! Shared resources: what callers ask of keys, and what they see of them.
//!
//! What a write makes of its key is decided when it is committed (see
//! [`crate::domain::resource::decide`]). Here a request becomes such writes ([`writes`]), is judged
//! by the schemas of its workspace ([`rules`]) and held against what a run's token reaches
//! ([`reach`]); [`reads`] is what readers get; [`leases`] are names that one holder at a time
//! has, and [`expiry`] and [`ends`] take away what has ended.

mod writes;
mod turns;
mod rules;
mod reads;
mod reach;
mod leases;
mod expiry;
mod ends;

use serde_json::Value;

pub(super) use ends::Ends;
pub use ends::EndsSeen;
pub use leases::LeaseAsk;
pub use reach::RunReach;
pub use reads::{PAGE_MAX_BYTES, ResourcePage};
pub(super) use rules::Rules;
pub use rules::{ResourceRules, RuleChange, SCHEMA_MAX_BYTES, SCHEMAS_MAX};
pub(super) use turns::Turns;
pub use writes::{VALUES_MAX_BYTES, WRITES_MAX};

use super::HeldRun;
use crate::domain::id::{LeaseId, WorkspaceId};
use crate::domain::receipt::ReceiptKey;
use crate::domain::resource::{Expect, Resource, ResourceKey};

/// What becomes of a key.
#[derive(Debug, Clone)]
pub enum ResourceOp {
    /// It has this value.
    Put {
        /// The value.
        value: Value,
        /// Milliseconds until it is gone by itself.
        ttl_ms: Option<u64>,
    },
    /// Its value is changed by a merge patch (RFC 7396), and its end stays. Where there is no record the
    /// patch makes one only when it is asked for absence; it is then laid over an empty object.
    Patch(Value),
    /// It has none.
    Delete,
}

/// One thing asked of one key.
#[derive(Debug, Clone)]
pub struct ResourceAsk {
    /// Its place in a batch; none when it is the whole request.
    pub index: Option<usize>,
    /// The key.
    pub key: ResourceKey,
    /// What must hold.
    pub expect: Expect,
    /// What is done.
    pub op: ResourceOp,
    /// Who does it, in its own words.
    pub updated_by: Option<String>,
    /// The lease that must be held.
    pub lease_id: Option<LeaseId>,
}

impl ResourceAsk {
    /// How the caller names a member of this part of its request: `value`, `operations[3].value`.
    pub fn field(&self, name: &str) -> String {
        self.index.map_or_else(|| name.to_owned(), |index| format!("operations[{index}].{name}"))
    }
}

/// What a caller calls its write, and how what came of it is answered: the receipt that is written with
/// the deed holds the answer.
pub type NamedAnswer<'r, T> = (&'r ReceiptKey, fn(&T) -> Value);

/// A request about shared resources: all of it or nothing.
pub struct ResourceRequest<'r> {
    /// Whose.
    pub workspace_id: &'r WorkspaceId,
    /// The principal that asks.
    pub actor: &'r str,
    /// The run whose token it came with: nothing is written unless its worker holds it still.
    pub held: Option<&'r HeldRun>,
    /// What is asked, each key once.
    pub asks: &'r [ResourceAsk],
    /// What the caller calls this write when it named it, and how it is answered.
    pub receipt: Option<NamedAnswer<'r, [Written]>>,
}

/// What was done to one key.
#[derive(Debug, Clone)]
pub enum Written {
    /// It has this record now.
    Put(Resource),
    /// It has none any more.
    Deleted {
        /// The key.
        key: ResourceKey,
        /// The revision of the deletion.
        rev: u64,
    },
}

impl Written {
    /// The key's newest revision.
    pub fn rev(&self) -> u64 {
        match self {
            Self::Put(resource) => resource.rev,
            Self::Deleted { rev, .. } => *rev,
        }
    }
}
