//! Calls about a workspace's policy.

use reqwest::header::HeaderName;

use sluice_api::policy::{
    PolicyDiff, PolicyDiffRequest, PolicyExplanation, PolicyHistory, PolicyPut, PolicyQuestion, PolicyRollback,
    PolicyView,
};

use super::call::Call;
use super::{Client, ClientError};

/// By which an operator names another workspace than its own.
const WORKSPACE: HeaderName = HeaderName::from_static("sluice-workspace");

fn of<'c>(call: Call<'c>, workspace: &str) -> Call<'c> {
    call.header(WORKSPACE, workspace)
}

impl Client {
    /// The policy of a workspace.
    pub async fn policy(&self, workspace: &str) -> Result<PolicyView, ClientError> {
        of(self.get(&["workspaces", workspace, "policy"]), workspace).answer().await
    }

    /// Sets it.
    pub async fn set_policy(&self, workspace: &str, put: &PolicyPut) -> Result<PolicyView, ClientError> {
        of(self.put_once(&["workspaces", workspace, "policy"]), workspace).json(put).answer().await
    }

    /// A page of its history.
    pub async fn policy_history(&self, workspace: &str, cursor: Option<&str>) -> Result<PolicyHistory, ClientError> {
        let call = of(self.get(&["workspaces", workspace, "policy", "history"]), workspace);
        call.query("limit", Some(500)).query("cursor", cursor).answer().await
    }

    /// Takes it back to an earlier revision.
    pub async fn roll_back_policy(
        &self,
        workspace: &str,
        rollback: &PolicyRollback,
    ) -> Result<PolicyView, ClientError> {
        let call = of(self.post_once(&["workspaces", workspace, "policy", "rollback"]), workspace);
        call.json(rollback).answer().await
    }

    /// Asks it.
    pub async fn explain_policy(
        &self,
        workspace: &str,
        question: &PolicyQuestion,
    ) -> Result<PolicyExplanation, ClientError> {
        let call = of(self.post_again(&["workspaces", workspace, "policy", "explain"]), workspace);
        call.json(question).answer().await
    }

    /// Tries another one on what was decided lately.
    pub async fn diff_policy(&self, workspace: &str, diff: &PolicyDiffRequest) -> Result<PolicyDiff, ClientError> {
        let call = of(self.post_again(&["workspaces", workspace, "policy", "diff"]), workspace);
        call.json(diff).answer().await
    }
}
