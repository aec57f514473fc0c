//! Remembers by itself what runs say at their end, where an operator has asked for that.
//!
//! What is captured is a candidate like any other: of the run's own session, private to the maker of its
//! mission, scrubbed, and untrusted until somebody promotes it.

use sluice_api::memory::{MemoryKindName, MemoryPut, TierName};

use super::MemoryCaller;
use crate::domain::memory::SourceType;
use crate::domain::principal::{Credential, Principal};
use crate::domain::run::{Run, RunStatus};
use crate::engine::Engine;

/// Shortest summary worth keeping, in characters: less is `done` or `ok`.
const SUMMARY_MIN_CHARS: usize = 20;

impl Engine {
    /// Remembers a finished run's summary, when that is asked for. A failure is logged and changes nothing
    /// about the run.
    pub(in crate::engine) async fn capture_summary(&self, run: &Run) {
        if !self.parts.options.memory.captures || run.status != RunStatus::Succeeded {
            return;
        }
        let Some(summary) = run.summary.as_deref().filter(|text| text.chars().count() >= SUMMARY_MIN_CHARS) else {
            return;
        };
        if let Err(error) = self.capture(run, summary).await {
            tracing::warn!(run_id = run.id.as_str(), %error, "the summary of a run was not remembered");
        }
    }

    async fn capture(&self, run: &Run, summary: &str) -> Result<(), crate::engine::EngineError> {
        let text: String =
            summary.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c }).collect();
        let mut reach = self.reach_of_run_in_memory(run.clone(), None).await?;
        reach.source_type = SourceType::Event;
        let principal = Principal {
            workspace_id: run.workspace_id.clone(),
            name: "system.capture".to_owned(),
            credential: Credential::Owner,
        };
        let request = MemoryPut {
            text: Some(text),
            kind: Some(MemoryKindName::Note),
            tier: Some(TierName::Session),
            source: Some("run summary".to_owned()),
            ..MemoryPut::default()
        };
        let caller = MemoryCaller { principal: &principal, capability: None };
        self.put_within(&caller, &reach, request, None).await.map(drop)
    }
}
