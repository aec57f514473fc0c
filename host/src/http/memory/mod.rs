//! Governed memory: putting, searching, promoting, taking back, and the audit of all that.
//!
//! What a caller reaches is the engine's to say; here its refusals are written into the audit
//! ([`refused`]), whether they are told as such or as the thing not being there.

pub(super) mod put;
pub(super) mod search;
pub(super) mod scrub;
pub(super) mod promote;
pub(super) mod remove;
pub(super) mod audit;
pub(super) mod context;

use sluice_api::memory::EmbeddingState;

use super::access::Caller;
use super::host::Host;
use super::problem::Problem;
use crate::engine::{EngineError, MemoryCaller};
use crate::policy::Action;
use crate::wire;

/// A caller as the engine knows it.
fn memory_caller<'c>(caller: &'c Caller, capability: Option<&'c str>) -> MemoryCaller<'c> {
    MemoryCaller { principal: &caller.principal, capability }
}

/// Counts what the configured model made of a text, if it was asked.
fn count_embedding(host: &Host, state: Option<EmbeddingState>) {
    if let Some(state @ (EmbeddingState::Made | EmbeddingState::Failed)) = state {
        host.metrics.embedding(state == EmbeddingState::Made);
    }
}

/// The answer to what the engine refused. Denials are in the audit first; a record that is not there for
/// the caller is one, since it may be another's.
async fn refused(caller: &Caller, action: Action, id: Option<&str>, error: EngineError) -> Problem {
    let why = match &error {
        EngineError::CapabilityInvalid { .. } | EngineError::TierNotGranted { .. } => error.to_string(),
        EngineError::NotFound { what, .. } => format!("there is no such {what} for the caller"),
        EngineError::Conflict(_) => "the approval is not about this".to_owned(),
        _ => return error.into(),
    };
    let resource = id.map_or_else(|| "memory".to_owned(), wire::memory_resource);
    caller.note_rule(action, &resource, why).await;
    error.into()
}
