//! Calls about the registry of components, and about what workspaces bind.

use std::time::Duration;

use reqwest::header::HeaderName;

use sluice_api::plugin::{PluginDetail, PluginList, PluginRemoved, PluginView};
use sluice_api::shadow::ShadowReport;
use sluice_api::workspace::{WorkspaceHistory, WorkspacePut, WorkspaceRollback, WorkspaceView};

use super::call::Call;
use super::{Client, ClientError};

/// By which an operator names another workspace than its own.
const WORKSPACE: HeaderName = HeaderName::from_static("sluice-workspace");
/// Who stands behind a component.
const SIGNATURE: HeaderName = HeaderName::from_static("sluice-signature");
/// Time for a component to be compiled and tried, behind others.
const INSTALL_TIMEOUT: Duration = Duration::from_mins(10);

pub(super) fn of<'c>(call: Call<'c>, workspace: &str) -> Call<'c> {
    call.header(WORKSPACE, workspace)
}

impl Client {
    /// Installs a component; `signatures` are `KEY:SIGNATURE`.
    pub async fn install_plugin(
        &self,
        name: &str,
        version: &str,
        bytes: Vec<u8>,
        signatures: &[String],
    ) -> Result<PluginView, ClientError> {
        let mut call = self.put_again(&["plugins", name, version]).timeout(Some(INSTALL_TIMEOUT));
        if !signatures.is_empty() {
            call = call.header(SIGNATURE, &signatures.join(", "));
        }
        call.body("application/wasm", bytes).answer().await
    }

    /// A page of the registry.
    pub async fn plugins(&self, cursor: Option<&str>) -> Result<PluginList, ClientError> {
        self.get(&["plugins"]).query("limit", Some(500)).query("cursor", cursor).answer().await
    }

    /// A component.
    pub async fn plugin(&self, digest: &str) -> Result<PluginDetail, ClientError> {
        self.get(&["plugins", digest]).answer().await
    }

    /// Removes a component.
    pub async fn remove_plugin(&self, digest: &str) -> Result<PluginRemoved, ClientError> {
        self.delete_once(&["plugins", digest]).answer().await
    }

    /// What decides in a workspace.
    pub async fn workspace(&self, workspace: &str) -> Result<WorkspaceView, ClientError> {
        of(self.get(&["workspaces", workspace]), workspace).answer().await
    }

    /// Has something else decide in it.
    pub async fn change_workspace(&self, workspace: &str, put: &WorkspacePut) -> Result<WorkspaceView, ClientError> {
        of(self.put_once(&["workspaces", workspace]), workspace).json(put).answer().await
    }

    /// A page of what decided in it.
    pub async fn workspace_history(
        &self,
        workspace: &str,
        cursor: Option<&str>,
    ) -> Result<WorkspaceHistory, ClientError> {
        let call = of(self.get(&["workspaces", workspace, "history"]), workspace);
        call.query("limit", Some(500)).query("cursor", cursor).answer().await
    }

    /// What components in shadow would have decided in it; at most `limit` of the newest differences.
    pub async fn workspace_shadow(
        &self,
        workspace: &str,
        role: Option<&str>,
        limit: u32,
    ) -> Result<ShadowReport, ClientError> {
        let call = of(self.get(&["workspaces", workspace, "shadow"]), workspace);
        call.query("role", role).query("limit", Some(limit)).answer().await
    }

    /// Takes it back to an earlier revision.
    pub async fn roll_back_workspace(
        &self,
        workspace: &str,
        rollback: &WorkspaceRollback,
    ) -> Result<WorkspaceView, ClientError> {
        let call = of(self.post_once(&["workspaces", workspace, "rollback"]), workspace);
        call.json(rollback).answer().await
    }
}
