//! Why a use case did not happen.

use crate::domain::rules::Refusal;
use crate::store::{CommitError, StorageError};
use crate::wire::FieldError;

/// Why a use case did not happen. Nothing was changed unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no such thing in this workspace.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// `mission`, `run`, `approval`, ...
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// A member of the request is not as it should be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A rule forbids it. When a reducer was called the refusal is part of the history.
    #[error(transparent)]
    Refused(Refusal),
    /// The worker no longer holds the run.
    #[error("the lease of run `{run_id}` is lost: {reason}")]
    LeaseLost {
        /// The run.
        run_id: String,
        /// How.
        reason: String,
    },
    /// The mission is at another revision than the caller expects.
    #[error("the mission is at revision {current}, not {expected}")]
    Revision {
        /// What the caller expects.
        expected: u64,
        /// What it is.
        current: u64,
    },
    /// It was decided before, and differently.
    #[error("{0}")]
    Conflict(String),
    /// The host could not call the component. Trying again may help.
    #[error("the host could not call a plugin: {0}")]
    HostFault(String),
    /// Somebody else kept changing the same rows. Trying again may help.
    #[error("others kept changing the same rows")]
    Contended,
    /// Storage failed.
    #[error("storage failed")]
    Storage(#[from] StorageError),
}

impl EngineError {
    /// Whether the same request may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::HostFault(_) | Self::Contended | Self::Storage(_))
    }
}

/// A conflict is for the caller to look at again; everything else is storage.
pub(super) fn conflict_or_storage(error: CommitError) -> EngineError {
    match error {
        CommitError::Conflict { .. } => EngineError::Contended,
        CommitError::Storage(error) => EngineError::Storage(error),
    }
}
