//! A scrubber, tried on what a workspace remembers.
//!
//! Memory holds only what a scrubber let pass, so this shows one direction: what another scrubber would still cut or
//! block. Texts as they were given are kept nowhere. No text leaves this module, nor do a scrubber's own words, which
//! could hold one: kinds and counts do.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use sluice_api::check::{CheckDifference, CheckOutcome};

use super::sides::{found, text_side};
use super::{PluginCheck, side_by_side};
use crate::domain::memory::MemoryRecord;
use crate::engine::EngineError;
use crate::engine::ports::{CallFailure, ScrubReport};
use crate::store::MemoryFilter;
use crate::wire;

/// Records read, and tried, at once: each has up to 1 MiB.
const PAGE: u32 = 32;

impl PluginCheck {
    /// Tries a scrubber.
    ///
    /// # Errors
    /// Storage.
    pub(super) async fn try_texts(&self) -> Result<(), EngineError> {
        self.tally.note(
            "memory holds scrubbed texts: `different` counts those that the component would still cut or block; what \
             it would let pass that was cut cannot be shown, and neither can how long it took then"
                .to_owned(),
        );
        let (store, filter, now) = (self.engine.store(), MemoryFilter::default(), self.engine.clock().now());
        let there = store.count_all_memories(&self.workspace_id, None, &filter, now).await?;
        self.tally.expect(there.min(u64::from(self.terms.last)));
        let (mut left, mut order) = (self.terms.last, 0);
        while left > 0 {
            let most = left.min(PAGE);
            let page = store.all_memories(&self.workspace_id, None, &filter, now, most, order).await?;
            let count = u32::try_from(page.len()).unwrap_or(most).min(left);
            let tried = stream::iter((order..).zip(page)).map(Ok::<_, EngineError>);
            let try_one = |(order, record)| self.try_text(order, record);
            tried.try_for_each_concurrent(side_by_side(), try_one).await?;
            if count < most {
                break;
            }
            left -= count;
            order += u64::from(count);
        }
        Ok(())
    }

    async fn try_text(&self, order: u64, mut record: MemoryRecord) -> Result<(), EngineError> {
        let data = wire::json_of(&json!({
            "tier": record.partition.tier.as_str(),
            "classification": record.classification,
            "kind": record.kind.as_str(),
        }));
        let text = std::mem::take(&mut record.text);
        let (held, binding) = (Arc::clone(&self.held), self.binding.clone());
        let called = tokio::task::spawn_blocking(move || held.plugins().scrub(&binding, &text, &data)).await;
        self.count_text(order, &record, called.map_err(|error| EngineError::HostFault(error.to_string()))?);
        Ok(())
    }

    fn count_text(&self, order: u64, record: &MemoryRecord, called: Result<ScrubReport, CallFailure>) {
        let (outcome, candidate) = match called {
            Err(failed) if failed.failure.is_host_fault() => {
                self.tally.leave_out(1, "the host could not call the scrubber for some records".to_owned());
                self.tally.leave_incomplete();
                return;
            }
            Err(failed) => (CheckOutcome::Failed, json!({"failure": failed.failure.kind()})),
            Ok(report) => match found(&report) {
                None => (CheckOutcome::Failed, json!({"failure": "kinds_are_no_names"})),
                Some(kinds) if kinds.is_empty() && !report.blocked => {
                    self.tally.same();
                    return;
                }
                Some(kinds) => {
                    let status = if report.blocked { "blocked" } else { "redacted" };
                    (CheckOutcome::Different, text_side(status, kinds.iter().map(|(kind, count)| (*kind, *count))))
                }
            },
        };
        let scrubbed = &record.scrub;
        let counts = scrubbed.counts.iter().map(|(kind, count)| (kind.as_str(), *count));
        let difference = CheckDifference {
            outcome,
            mission_id: None,
            seq: None,
            work_item_id: None,
            verdict_id: None,
            memory_id: Some(record.id.to_string()),
            kind: record.kind.to_string(),
            recorded: text_side(scrubbed.status.as_str(), counts),
            candidate,
        };
        self.tally.differs((0, order), difference);
    }
}
