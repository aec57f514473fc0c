//! A reducer, tried on the newest events of a workspace's missions.
//!
//! Each mission's history is followed from its beginning, on a board of its own; the reducer is asked only about what
//! counts among the newest. A long history is cut into stretches that are tried side by side: following costs little,
//! asking costs much.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sluice_api::check::{CheckDifference, CheckOutcome};

use super::held::Held;
use super::sides::commands_side;
use super::tally::Tally;
use super::{PluginCheck, side_by_side};
use crate::domain::event::HistoryEntry;
use crate::domain::id::MissionId;
use crate::domain::plugin::Binding;
use crate::engine::EngineError;
use crate::engine::replay::{Compared, Follower};

/// Missions read at once.
const MISSIONS_PAGE: u32 = 200;
/// Entries of a history read, and tried, at once.
const PAGE: u32 = 500;
/// Longest stretch of a history that is tried in one go.
const STRETCH_MAX: u64 = 2_000;

/// A part of a mission's history on which the reducer is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    mission_id: MissionId,
    /// The mission's place, the newest first.
    order: usize,
    /// The first entry that is tried.
    from: u64,
    /// The entry after the last.
    until: u64,
}

/// A page of a history, and how it is tried.
struct Page {
    entries: Vec<HistoryEntry>,
    stretch: Stretch,
    binding: Binding,
    held: Arc<Held>,
    tally: Arc<Tally>,
}

impl PluginCheck {
    /// Tries a reducer.
    ///
    /// # Errors
    /// Storage.
    pub(super) async fn try_events(&self) -> Result<(), EngineError> {
        let stretches = self.stretches().await?;
        self.tally.expect(stretches.iter().map(|stretch| stretch.until - stretch.from).sum());
        let tried = stream::iter(stretches).map(Ok::<_, EngineError>);
        tried.try_for_each_concurrent(side_by_side(), |stretch| self.try_stretch(stretch)).await
    }

    /// The newest entries of all histories: whole missions, the newest first, and of the last one its newest entries.
    async fn stretches(&self) -> Result<Vec<Stretch>, EngineError> {
        let store = self.engine.store();
        let (mut stretches, mut left, mut order) = (Vec::new(), u64::from(self.terms.last), 0);
        let mut before: Option<MissionId> = None;
        while left > 0 {
            let page = store.missions(&self.workspace_id, None, before.as_ref(), MISSIONS_PAGE).await?;
            let Some(last) = page.last() else { break };
            before = Some(last.id.clone());
            for mission in page {
                let tried = mission.revision.min(left);
                left -= tried;
                stretches.extend(cut(&mission.id, order, mission.revision - tried, mission.revision));
                order += 1;
            }
        }
        Ok(stretches)
    }

    async fn try_stretch(&self, stretch: Stretch) -> Result<(), EngineError> {
        let mut follower = Follower::default();
        let mut at = None;
        while at.is_none_or(|at| at + 1 < stretch.until) {
            let mut entries = self.engine.store().history(&stretch.mission_id, at, PAGE).await?;
            entries.retain(|entry| entry.seq < stretch.until);
            let Some(last) = entries.last() else { return Ok(()) };
            at = Some(last.seq);
            let page = Page {
                entries,
                stretch: stretch.clone(),
                binding: self.binding.clone(),
                held: Arc::clone(&self.held),
                tally: Arc::clone(&self.tally),
            };
            let tried = tokio::task::spawn_blocking(move || try_page(follower, &page)).await;
            match tried.map_err(|error| EngineError::HostFault(error.to_string()))? {
                Some(back) => follower = back,
                None => return Ok(()),
            }
        }
        Ok(())
    }
}

/// A mission's entries of `from..until`, in stretches.
fn cut(mission_id: &MissionId, order: usize, from: u64, until: u64) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut at = from;
    while at < until {
        let end = until.min(at + STRETCH_MAX);
        stretches.push(Stretch { mission_id: mission_id.clone(), order, from: at, until: end });
        at = end;
    }
    stretches
}

/// Tries the reducer on a page; `None` when there is no use in going on. Blocks.
fn try_page(mut follower: Follower, page: &Page) -> Option<Follower> {
    for entry in &page.entries {
        if page.tally.is_over() {
            return None;
        }
        let is_tried = entry.seq >= page.stretch.from;
        let candidate = is_tried.then(|| (page.held.plugins(), &page.binding));
        match follower.take(entry, candidate) {
            Ok(None) => {}
            Ok(Some(compared)) => count(page, entry, compared),
            Err(error) => {
                let left = page.stretch.until - entry.seq.max(page.stretch.from);
                page.tally.leave_out(left, format!("mission `{}`: {error}", page.stretch.mission_id));
                if !matches!(error, EngineError::Conflict(_)) {
                    page.tally.leave_incomplete();
                }
                return None;
            }
        }
    }
    Some(follower)
}

fn count(page: &Page, entry: &HistoryEntry, compared: Compared) {
    page.tally.took(entry.fuel, compared.candidate.fuel);
    if !compared.differs() {
        page.tally.same();
        return;
    }
    let outcome = if compared.fails_anew() { CheckOutcome::Failed } else { CheckOutcome::Different };
    let difference = CheckDifference {
        outcome,
        mission_id: Some(entry.mission_id.to_string()),
        seq: Some(entry.seq),
        work_item_id: None,
        verdict_id: None,
        memory_id: None,
        kind: entry.kind.to_string(),
        recorded: commands_side(&compared.recorded, compared.recorded_refusal),
        candidate: commands_side(&compared.candidate.commands, compared.candidate.refusal),
    };
    page.tally.differs((page.stretch.order, entry.seq), difference);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_is_cut_without_holes() {
        let id = MissionId::new("mis_1");
        let ends = |from, until| cut(&id, 0, from, until).iter().map(|of| (of.from, of.until)).collect::<Vec<_>>();
        assert_eq!(ends(0, 0), []);
        assert_eq!(ends(3, 4), [(3, 4)]);
        assert_eq!(ends(0, 2_000), [(0, 2_000)]);
        assert_eq!(ends(100, 4_101), [(100, 2_100), (2_100, 4_100), (4_100, 4_101)]);
    }
}
