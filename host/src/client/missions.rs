//! Calls about missions.

use serde_json::{Map, Value};

use sluice_api::history::{HistoryList, ReplayReport};
use sluice_api::mission::{
    ArtifactList, CreateMission, MissionAdvanced, MissionAnswer, MissionEvent, MissionEventRequest, MissionList,
    MissionView, WorkItemList,
};
use sluice_api::verdict::VerdictList;

use super::{Client, ClientError};

/// Which missions.
#[derive(Debug, Clone, Default)]
pub struct MissionFilter {
    /// With this status.
    pub status: Option<String>,
    /// Most on a page.
    pub limit: Option<u32>,
}

impl Client {
    /// Makes a mission.
    pub async fn create_mission(&self, request: &CreateMission) -> Result<MissionView, ClientError> {
        let answer: MissionAnswer = self.post_once(&["mission"]).json(request).answer().await?;
        Ok(answer.mission)
    }

    /// A page of missions, newest first.
    pub async fn missions(&self, filter: &MissionFilter, cursor: Option<&str>) -> Result<MissionList, ClientError> {
        let call = self.get(&["mission"]).query("status", filter.status.as_ref()).query("limit", filter.limit);
        call.query("cursor", cursor).answer().await
    }

    /// A mission with its first work items.
    pub async fn mission(&self, id: &str) -> Result<MissionView, ClientError> {
        let answer: MissionAnswer = self.get(&["mission", id]).answer().await?;
        Ok(answer.mission)
    }

    /// A page of a mission's work items.
    pub async fn work_items(&self, id: &str, cursor: Option<&str>) -> Result<WorkItemList, ClientError> {
        let call = self.get(&["mission", id, "work_items"]).query("limit", Some(500));
        call.query("cursor", cursor).answer().await
    }

    /// Tells a mission something.
    pub async fn post_event(
        &self,
        id: &str,
        kind: &str,
        data: Map<String, Value>,
        if_revision: Option<u64>,
    ) -> Result<MissionAdvanced, ClientError> {
        let request = MissionEventRequest { event: MissionEvent { kind: kind.to_owned(), data }, if_revision };
        self.post_once(&["mission", id, "event"]).json(&request).answer().await
    }

    /// A page of a mission's history, oldest first.
    pub async fn history(&self, id: &str, cursor: Option<&str>) -> Result<HistoryList, ClientError> {
        let call = self.get(&["mission", id, "history"]).query("limit", Some(500));
        call.query("cursor", cursor).answer().await
    }

    /// Runs a mission's history through a reducer; its own, when none is named.
    pub async fn replay(&self, id: &str, reducer: Option<&str>) -> Result<ReplayReport, ClientError> {
        self.get(&["mission", id, "replay"]).timeout(None).query("reducer", reducer).answer().await
    }

    /// A page of what a mission's runs and its reducer left.
    pub async fn artifacts(&self, id: &str, cursor: Option<&str>) -> Result<ArtifactList, ClientError> {
        let call = self.get(&["mission", id, "artifacts"]).query("limit", Some(500));
        call.query("cursor", cursor).answer().await
    }

    /// A page of a mission's verdicts.
    pub async fn verdicts(&self, id: &str, cursor: Option<&str>) -> Result<VerdictList, ClientError> {
        let call = self.get(&["mission", id, "verdicts"]).query("limit", Some(500));
        call.query("cursor", cursor).answer().await
    }
}
