//! Calls about routines.
//!
//! Routines and changes go as the documents they were given as: what a reader here would quietly
//! change or drop is for the host to refuse, by name.

use serde::Serialize;

use sluice_api::routine::{
    BackfillRequest, RoutineAnswer, RoutineDeleted, RoutineHistory, RoutineList, RoutineRunAnswer, RoutineRunList,
    RoutineRunStep, RoutineRunView, RoutineTemplateList, RoutineView, RunNowAnswer, RunNowRequest,
};
use sluice_api::schedule::{PreviewAnswer, PreviewRequest};

use super::follow::{Feed, Follow, From};
use super::{Client, ClientError};

/// Which runs of routines.
#[derive(Debug, Clone, Default)]
pub struct RoutineRunFilter {
    /// Of this routine.
    pub routine_id: Option<String>,
    /// With this status.
    pub status: Option<String>,
    /// Most on a page.
    pub limit: Option<u32>,
}

impl Client {
    /// What a schedule means.
    pub async fn preview_schedule(&self, request: &PreviewRequest) -> Result<PreviewAnswer, ClientError> {
        self.post_again(&["routines", "preview"]).json(request).answer().await
    }

    /// Makes a routine. `routine` is the request's document.
    pub async fn create_routine(&self, routine: &impl Serialize) -> Result<RoutineView, ClientError> {
        let answer: RoutineAnswer = self.post_once(&["routines"]).json(routine).answer().await?;
        Ok(answer.routine)
    }

    /// A page of routines, by id.
    pub async fn routines(
        &self,
        status: Option<&str>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<RoutineList, ClientError> {
        let call = self.get(&["routines"]).query("status", status).query("limit", limit);
        call.query("cursor", cursor).answer().await
    }

    /// A routine.
    pub async fn routine(&self, id: &str) -> Result<RoutineView, ClientError> {
        self.get(&["routines", id]).answer().await
    }

    /// Changes a routine. `change` is the request's document.
    pub async fn change_routine(&self, id: &str, change: &impl Serialize) -> Result<RoutineView, ClientError> {
        self.patch_once(&["routines", id]).json(change).answer().await
    }

    /// Deletes a routine; what it started goes on.
    pub async fn delete_routine(&self, id: &str) -> Result<RoutineDeleted, ClientError> {
        self.delete_once(&["routines", id]).answer().await
    }

    /// Has a routine run now.
    pub async fn run_routine_now(&self, id: &str, request: &RunNowRequest) -> Result<RunNowAnswer, ClientError> {
        self.post_once(&["routines", id, "run_now"]).json(request).answer().await
    }

    /// Has a routine run for occurrences of the past.
    pub async fn backfill_routine(&self, id: &str, request: &BackfillRequest) -> Result<RoutineRunList, ClientError> {
        self.post_once(&["routines", id, "backfill"]).json(request).answer().await
    }

    /// A page of what happened to a routine, newest first.
    pub async fn routine_history(
        &self,
        id: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<RoutineHistory, ClientError> {
        self.get(&["routines", id, "history"]).query("limit", limit).query("cursor", cursor).answer().await
    }

    /// A page of runs of routines, newest first.
    pub async fn routine_runs(
        &self,
        filter: &RoutineRunFilter,
        cursor: Option<&str>,
    ) -> Result<RoutineRunList, ClientError> {
        let call = self.get(&["routines", "runs"]).query("routine_id", filter.routine_id.as_ref());
        let call = call.query("status", filter.status.as_ref()).query("limit", filter.limit);
        call.query("cursor", cursor).answer().await
    }

    /// A run of a routine.
    pub async fn routine_run(&self, run_id: &str) -> Result<RoutineRunView, ClientError> {
        self.get(&["routines", "runs", run_id]).answer().await
    }

    /// Does something to a run: `approve`, `deny`, `pause` or `resume`.
    pub async fn step_routine_run(
        &self,
        run_id: &str,
        step: &str,
        request: &RoutineRunStep,
    ) -> Result<RoutineRunView, ClientError> {
        let call = self.post_once(&["routines", "runs", run_id, step]).json(request);
        let answer: RoutineRunAnswer = call.answer().await?;
        Ok(answer.run)
    }

    /// The routines there are to start from.
    pub async fn routine_templates(&self) -> Result<RoutineTemplateList, ClientError> {
        self.get(&["routines", "templates"]).answer().await
    }

    /// Follows what happens to routines. Nothing is sent yet.
    pub fn watch_routines(&self, routine_id: Option<String>, from: From) -> Follow {
        let query = routine_id.map(|id| ("routine_id", id)).into_iter().collect();
        self.follow_feed(Feed { path: &["routines", "events"], query }, from)
    }
}
