//! What became of components in shadow.

use sluice_api::check::CheckOutcome;
use sluice_api::shadow::{ShadowCounts, ShadowDifference};

use super::history::value_of;
use crate::domain::shadow::{self, ShadowOutcome, ShadowRecord};

/// What was counted of a component in shadow.
pub fn shadow_counts_view(record: &ShadowRecord, in_force: bool) -> ShadowCounts {
    let counts = record.counts;
    ShadowCounts {
        role: record.role.to_string(),
        plugin: record.plugin.clone(),
        digest: record.digest.to_string(),
        in_force,
        since_revision: record.since_revision,
        since_ms: record.since.as_millis(),
        updated_at_ms: record.updated_at.as_millis(),
        same: counts.same,
        different: counts.different,
        failed: counts.failed,
        slower: counts.slower,
        dropped: counts.dropped,
    }
}

/// Something that was decided differently in shadow.
pub fn shadow_difference_view(difference: &shadow::ShadowDifference) -> ShadowDifference {
    ShadowDifference {
        id: difference.id.clone(),
        at_ms: difference.at.as_millis(),
        role: difference.role.to_string(),
        digest: difference.digest.to_string(),
        outcome: match difference.outcome {
            ShadowOutcome::Different => CheckOutcome::Different,
            ShadowOutcome::Failed => CheckOutcome::Failed,
        },
        mission_id: difference.mission_id.as_ref().map(ToString::to_string),
        seq: difference.seq,
        work_item_id: difference.work_item_id.as_ref().map(ToString::to_string),
        verdict_id: difference.verdict_id.as_ref().map(ToString::to_string),
        kind: difference.kind.clone(),
        decided: value_of(&difference.decided),
        candidate: value_of(&difference.candidate),
    }
}
