//! Calls about what is remembered.

use sluice_api::memory::{
    MemoryAudit, MemoryDemote, MemoryFound, MemoryList, MemoryPromote, MemoryPromoted, MemoryPut, MemoryRemoved,
    MemorySearch, MemoryStored, RunContext, ScrubAnswer, ScrubRequest,
};

use super::{Client, ClientError};

/// Which records are listed.
#[derive(Debug, Clone, Default)]
pub struct MemoryFilter {
    /// Words to find them by.
    pub query: Option<String>,
    /// Only of this tier.
    pub tier: Option<String>,
    /// Only of this project.
    pub project_id: Option<String>,
    /// Those of this session too.
    pub session_id: Option<String>,
    /// Only of this principal, or put on behalf of this user.
    pub user_id: Option<String>,
    /// Most on a page.
    pub limit: Option<u32>,
    /// Left out before the first.
    pub offset: Option<u32>,
}

impl Client {
    /// Has something remembered.
    pub async fn put_memory(&self, request: &MemoryPut) -> Result<MemoryStored, ClientError> {
        self.post_once(&["memory", "put"]).json(request).answer().await
    }

    /// Searches what is remembered.
    pub async fn search_memory(&self, request: &MemorySearch) -> Result<MemoryFound, ClientError> {
        self.post_again(&["memory", "search"]).json(request).answer().await
    }

    /// A page of what is remembered.
    pub async fn memories(&self, filter: &MemoryFilter) -> Result<MemoryList, ClientError> {
        let call = self.get(&["memory"]).query("q", filter.query.as_ref()).query("tier", filter.tier.as_ref());
        let call = call.query("project_id", filter.project_id.as_ref()).query("session_id", filter.session_id.as_ref());
        let call = call.query("user_id", filter.user_id.as_ref()).query("limit", filter.limit);
        call.query("offset", filter.offset).answer().await
    }

    /// What the scrubber would make of a text.
    pub async fn scrub(&self, request: &ScrubRequest) -> Result<ScrubAnswer, ClientError> {
        self.post_again(&["memory", "scrub"]).json(request).answer().await
    }

    /// Promotes a record.
    pub async fn promote_memory(&self, request: &MemoryPromote) -> Result<MemoryPromoted, ClientError> {
        self.post_once(&["memory", "promote"]).json(request).answer().await
    }

    /// Demotes a record.
    pub async fn demote_memory(&self, request: &MemoryDemote) -> Result<MemoryRemoved, ClientError> {
        self.post_once(&["memory", "demote"]).json(request).answer().await
    }

    /// Deletes a record.
    pub async fn delete_memory(&self, id: &str) -> Result<MemoryRemoved, ClientError> {
        self.delete_once(&["memory", id]).answer().await
    }

    /// A page of the audit of memory, newest first.
    pub async fn memory_audit(
        &self,
        run_id: Option<&str>,
        memory_id: Option<&str>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<MemoryAudit, ClientError> {
        let call = self.get(&["memory", "audit"]).query("run_id", run_id).query("memory_id", memory_id);
        call.query("limit", limit).query("cursor", cursor).answer().await
    }

    /// What a run may be told of what is remembered.
    pub async fn run_context(
        &self,
        run_id: &str,
        query: Option<&str>,
        max_chars: Option<u32>,
    ) -> Result<RunContext, ClientError> {
        let call = self.get(&["runs", run_id, "context"]).query("query", query);
        call.query("max_chars", max_chars).answer().await
    }
}
