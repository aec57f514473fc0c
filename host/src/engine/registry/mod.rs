//! The registry of components: who brought which, who stands behind it, and what it said when it was called for the
//! first time.
//!
//! Bytes lie among the blobs under their digest, a row says which name and version they are. What missions and
//! workspaces are pinned to is the digest alone. Components that come with the host are of the registry without a
//! row. Which components decide in a workspace is [`super::workspaces`]'.

mod find;
mod install;
mod remove;

pub use find::{FoundPlugin, Selector};
pub use install::{InstalledPlugin, NewPlugin};

use tokio::sync::Semaphore;

/// Components that are compiled for whoever installs them at the same time; more wait.
const INSTALLS_MAX: usize = 2;

/// Who installs at this moment.
pub(super) struct Installing(Semaphore);

impl Default for Installing {
    fn default() -> Self {
        Self(Semaphore::new(INSTALLS_MAX))
    }
}
