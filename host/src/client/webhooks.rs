//! Calls about webhooks.

use sluice_api::webhook::{DeliveryList, WebhookDelete, WebhookDeleted, WebhookList, WebhookPut, WebhookSet};

use super::plugins::of;
use super::{Client, ClientError};

impl Client {
    /// A page of a workspace's webhooks.
    pub async fn webhooks(&self, workspace: &str, cursor: Option<&str>) -> Result<WebhookList, ClientError> {
        let call = of(self.get(&["workspaces", workspace, "webhooks"]), workspace);
        call.query("limit", Some(500)).query("cursor", cursor).answer().await
    }

    /// Sets one. Its secret, where one is made, is told in the first answer alone.
    pub async fn set_webhook(&self, workspace: &str, name: &str, put: &WebhookPut) -> Result<WebhookSet, ClientError> {
        of(self.put_again(&["workspaces", workspace, "webhooks", name]), workspace).json(put).answer().await
    }

    /// Deletes one, if it is at `revision` where that is given.
    pub async fn delete_webhook(
        &self,
        workspace: &str,
        name: &str,
        revision: Option<u64>,
    ) -> Result<WebhookDeleted, ClientError> {
        let call = of(self.delete_once(&["workspaces", workspace, "webhooks", name]), workspace);
        call.json(&WebhookDelete { if_match_rev: revision }).answer().await
    }

    /// A page of a workspace's deliveries, the newest first; `filter` holds members of the query.
    pub async fn deliveries(
        &self,
        workspace: &str,
        filter: &[(&str, String)],
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<DeliveryList, ClientError> {
        let call = of(self.get(&["workspaces", workspace, "deliveries"]), workspace);
        call.query_all(filter).query("limit", Some(limit)).query("cursor", cursor).answer().await
    }
}
