//! Calls about named leases.

use sluice_api::lease::{LeaseRequest, NamedLeaseList, NamedLeaseView};

use super::{Client, ClientError};

impl Client {
    /// Takes a lease.
    pub async fn acquire_lease(&self, request: &LeaseRequest) -> Result<NamedLeaseView, ClientError> {
        self.post_once(&["leases"]).json(request).answer().await
    }

    /// Renews a lease.
    pub async fn renew_lease(&self, id: &str) -> Result<NamedLeaseView, ClientError> {
        self.post_again(&["leases", id, "renew"]).answer().await
    }

    /// Gives a lease back.
    pub async fn release_lease(&self, id: &str) -> Result<NamedLeaseView, ClientError> {
        self.post_once(&["leases", id, "release"]).answer().await
    }

    /// A lease, held or not.
    pub async fn lease(&self, id: &str) -> Result<NamedLeaseView, ClientError> {
        self.get(&["leases", id]).answer().await
    }

    /// A page of leases, by name; with `held` those that somebody holds now.
    pub async fn leases(&self, held: bool, cursor: Option<&str>) -> Result<NamedLeaseList, ClientError> {
        let call = self.get(&["leases"]).query("held", held.then_some(true)).query("limit", Some(500));
        call.query("cursor", cursor).answer().await
    }
}
