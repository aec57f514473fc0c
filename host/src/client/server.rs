//! Calls about a host itself.

use sluice_api::server::Health;

use super::{Client, ClientError};

impl Client {
    /// How the host is; needs no token.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.get(&["global", "health"]).answer().await
    }
}
