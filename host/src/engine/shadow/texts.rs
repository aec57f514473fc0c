//! A scrubber in shadow: what it would cut from a text that was scrubbed.
//!
//! The text waits in memory and is kept nowhere. What is kept of a difference is how each came out, and kinds with
//! counts: never a text, a place in it, or a scrubber's own words, which could hold one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use sluice_api::check::CheckOutcome;

use super::queue::Asked;
use super::trial::{About, Answer, Differs, Trial};
use crate::domain::json::Json;
use crate::domain::memory::MemoryKind;
use crate::domain::shadow::ShadowRole;
use crate::engine::check::{found, is_slower, text_side};
use crate::engine::memory::{ScrubResult, scrubbed};
use crate::engine::ports::{CallFailure, ScrubReport};
use crate::engine::workspaces::Bound;
use crate::engine::{Engine, EngineError};

/// A text that was scrubbed.
pub(in crate::engine) struct AskedText {
    /// As it was given.
    pub(in crate::engine) text: String,
    /// What a scrubber is told beside it.
    pub(in crate::engine) data: Json,
    /// What it is.
    pub(in crate::engine) kind: MemoryKind,
    /// What became of it.
    pub(in crate::engine) result: ScrubResult,
    /// The fuel that took; 0 when nothing tells.
    pub(in crate::engine) fuel: u64,
}

impl std::fmt::Debug for AskedText {
    /// Its length alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AskedText({} bytes)", self.text.len())
    }
}

impl AskedText {
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.result.text.len()
    }
}

impl Engine {
    /// A text was scrubbed by what is bound; `text` makes a copy where somebody wants it.
    pub(in crate::engine) fn shadow_text(&self, bound: &Bound, text: impl FnOnce() -> AskedText) {
        let Some(trial) = bound.trial(ShadowRole::Scrubber) else { return };
        let key = (trial.workspace_id.clone(), ShadowRole::Scrubber);
        self.offer(&key, Asked::Text(trial.clone(), Box::new(text())), Some(trial));
    }

    /// Asks the scrubber in shadow.
    ///
    /// # Errors
    /// When the host cannot.
    pub(super) async fn ask_scrubber(&self, trial: &Trial, asked: AskedText) -> Result<Option<Answer>, EngineError> {
        self.have_component(&trial.binding().digest).await?;
        let (plugins, binding) = (Arc::clone(&self.parts.plugins), trial.binding().clone());
        let called = tokio::task::spawn_blocking(move || {
            let called = plugins.scrub(&binding, &asked.text, &asked.data);
            (asked, called)
        });
        let (asked, called) = called.await.map_err(|error| EngineError::HostFault(error.to_string()))?;
        self.answer_to_text(trial, &asked, called).map(Some)
    }

    fn answer_to_text(
        &self,
        trial: &Trial,
        asked: &AskedText,
        called: Result<ScrubReport, CallFailure>,
    ) -> Result<Answer, EngineError> {
        let decided = side_of(&asked.result);
        let about = About { kind: asked.kind.to_string(), ..About::default() };
        let failed = |about, failure: &str, decided, is_slower| {
            let candidate = json!({ "failure": failure });
            let differs = Differs { about, outcome: CheckOutcome::Failed, decided, candidate };
            Ok(Answer { has_failed: true, is_slower, differs: Some(differs) })
        };
        let report = match called {
            Err(call) if call.failure.is_host_fault() => {
                return Err(EngineError::HostFault("the scrubber could not be called".to_owned()));
            }
            Err(call) => {
                return failed(about, call.failure.kind(), decided, is_slower(asked.fuel, call.report.fuel));
            }
            Ok(report) => report,
        };
        let is_slower = is_slower(asked.fuel, report.report.fuel);
        if found(&report).is_none() {
            return failed(about, "kinds_are_no_names", decided, is_slower);
        }
        let result = scrubbed(&report, &asked.text, trial.binding(), &self.parts.options.memory.fingerprints);
        let mut candidate = side_of(&result);
        if result.status == asked.result.status && result.text == asked.result.text && candidate == decided {
            return Ok(Answer { has_failed: false, is_slower, differs: None });
        }
        if candidate == decided {
            // As often the same kinds, in other places; where is not told.
            candidate["differs_in"] = json!("places");
        }
        let differs = Differs { about, outcome: CheckOutcome::Different, decided, candidate };
        Ok(Answer { has_failed: false, is_slower, differs: Some(differs) })
    }
}

/// What became of a text, as it is told.
fn side_of(result: &ScrubResult) -> Value {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for finding in &result.findings {
        *counts.entry(&finding.kind).or_default() += 1;
    }
    text_side(result.status.as_str(), counts.into_iter())
}
