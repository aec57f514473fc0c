//! Calls about runs, for whoever looks and for whoever works.

use std::time::Duration;

use sluice_api::run::RunView;
use sluice_api::work::{
    ArtifactAnswer, BeatAnswer, ClaimRequest, ClaimedMany, ClaimedRun, FinishRequest, HeartbeatAnswer,
    HeartbeatRequest, RunAnswer, RunEventsRequest, RunList,
};

use super::{Client, ClientError};

/// Which runs.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// With this status.
    pub status: Option<String>,
    /// Of this mission.
    pub mission_id: Option<String>,
    /// Most on a page.
    pub limit: Option<u32>,
}

impl Client {
    /// A page of runs.
    pub async fn runs(&self, filter: &RunFilter, cursor: Option<&str>) -> Result<RunList, ClientError> {
        let call = self.get(&["runs"]).query("status", filter.status.as_ref());
        let call = call.query("mission_id", filter.mission_id.as_ref()).query("limit", filter.limit);
        call.query("cursor", cursor).answer().await
    }

    /// A run.
    pub async fn run(&self, id: &str) -> Result<RunView, ClientError> {
        let answer: RunAnswer = self.get(&["runs", id]).answer().await?;
        Ok(answer.run)
    }

    /// Takes runs; none when there was none in the time the request waits.
    pub(super) async fn claim(&self, request: &ClaimRequest) -> Result<Vec<ClaimedRun>, ClientError> {
        const MARGIN: Duration = Duration::from_secs(15);
        let timeout = Duration::from_millis(request.wait_ms) + MARGIN;
        let response = self.post(&["runs", "claim"]).timeout(Some(timeout)).json(request).response().await?;
        if response.status() == reqwest::StatusCode::NO_CONTENT {
            return Ok(Vec::new());
        }
        let claimed: ClaimedMany = self.read(response).await?;
        Ok(claimed.runs)
    }

    /// Renews leases; answers in order.
    pub(super) async fn heartbeat(&self, request: &HeartbeatRequest) -> Result<Vec<BeatAnswer>, ClientError> {
        let answer: HeartbeatAnswer = self.post_again(&["runs", "heartbeat"]).json(request).answer().await?;
        Ok(answer.runs)
    }

    /// Tells what a run says and does.
    pub(super) async fn run_events(&self, id: &str, request: &RunEventsRequest) -> Result<(), ClientError> {
        self.post(&["runs", id, "events"]).json(request).response().await.map(|_| ())
    }

    /// Keeps something a run leaves. `body` is multipart with `boundary`.
    pub(super) async fn leave_artifact(
        &self,
        id: &str,
        boundary: &str,
        body: Vec<u8>,
    ) -> Result<ArtifactAnswer, ClientError> {
        const TIMEOUT: Duration = Duration::from_mins(2);
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let call = self.post_again(&["runs", id, "artifacts"]).timeout(Some(TIMEOUT));
        call.body(&content_type, body).answer().await
    }

    /// Ends a run; twice the same is fine.
    pub(super) async fn finish_run(&self, id: &str, request: &FinishRequest) -> Result<RunView, ClientError> {
        let answer: RunAnswer = self.post_again(&["runs", id, "finish"]).json(request).answer().await?;
        Ok(answer.run)
    }

    /// An artifact's bytes.
    pub async fn artifact(&self, id: &str) -> Result<Vec<u8>, ClientError> {
        const TIMEOUT: Duration = Duration::from_mins(2);
        let response = self.get(&["artifacts", id]).timeout(Some(TIMEOUT)).response().await?;
        let bytes = response.bytes().await.map_err(|error| ClientError::Broken {
            server: self.transport.server(),
            why: super::transport::describe(&error),
        })?;
        Ok(bytes.to_vec())
    }
}
