//! What a server tells of itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a host works.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// It can read and write its database.
    pub healthy: bool,
    /// It takes work: started, and not draining.
    pub ready: bool,
    /// `starting`, `running` or `draining`.
    pub phase: String,
    /// Its version.
    pub version: String,
}
