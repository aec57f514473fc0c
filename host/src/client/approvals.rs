//! Calls about what waits for a person.

use sluice_api::verdict::{AnswerRequest, ApprovalAnswer, ApprovalList, ApprovalView};

use super::{Client, ClientError};

impl Client {
    /// A page of approvals.
    pub async fn approvals(
        &self,
        status: Option<&str>,
        mission_id: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ApprovalList, ClientError> {
        let call = self.get(&["approvals"]).query("status", status).query("mission_id", mission_id);
        call.query("limit", Some(500)).query("cursor", cursor).answer().await
    }

    /// An approval.
    pub async fn approval(&self, id: &str) -> Result<ApprovalView, ClientError> {
        let answer: ApprovalAnswer = self.get(&["approvals", id]).answer().await?;
        Ok(answer.approval)
    }

    /// Says yes (`grant`) or no (`deny`).
    pub async fn answer_approval(
        &self,
        id: &str,
        answer: &str,
        request: &AnswerRequest,
    ) -> Result<ApprovalView, ClientError> {
        let answer: ApprovalAnswer = self.post_again(&["approvals", id, answer]).json(request).answer().await?;
        Ok(answer.approval)
    }
}
