//! The boards in memory, one at a time for each mission.
//!
//! Whoever holds a mission's slot is the only one in this process who advances it, so events of
//! one mission are taken up one after another. Another host may still be faster: the commit's
//! guard on the mission's revision tells, and the board is loaded again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::{Engine, EngineError};
use crate::domain::board::{Board, BoardRun};
use crate::domain::event::InputKind;
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::mission::Mission;
use crate::domain::run::{Run, RunStatus};
use crate::domain::work_item::WorkItem;

/// Most boards kept while nobody uses them. A board of 10,000 items is about 15 MiB.
const IDLE_BOARDS_MAX: usize = 64;
/// Inputs looked through for ends of runs; far more than open runs can leave.
const INBOX_MAX: u32 = 10_000;
/// Most items read from storage at once.
const PAGE: u32 = 1_000;

/// A mission's place; `None` until its board is loaded, and again after a commit that may or may
/// not have happened.
pub(super) type Slot = OwnedMutexGuard<Option<Board>>;

#[derive(Default)]
pub(super) struct Boards {
    slots: Mutex<HashMap<MissionId, Arc<AsyncMutex<Option<Board>>>>>,
}

impl Boards {
    fn slot(&self, mission_id: &MissionId) -> Arc<AsyncMutex<Option<Board>>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= IDLE_BOARDS_MAX && !slots.contains_key(mission_id) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(mission_id.clone()).or_default())
    }

    /// What `look` makes of the mission's board, if it is here and nobody works on it; never waits.
    pub(super) fn peek<T>(&self, mission_id: &MissionId, look: impl FnOnce(&Board) -> T) -> Option<T> {
        let slot = Arc::clone(self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(mission_id)?);
        let board = slot.try_lock().ok()?;
        board.as_ref().map(look)
    }

    /// The mission's header, if its board is in memory and nobody works on it just now.
    fn at_hand(&self, mission_id: &MissionId) -> Option<Mission> {
        let slot = {
            let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.get(mission_id)?)
        };
        let board = slot.try_lock().ok()?;
        board.as_ref().map(|board| board.mission().clone())
    }

    /// Waits for the mission's turn.
    pub(super) async fn enter(&self, mission_id: &MissionId) -> Slot {
        self.slot(mission_id).lock_owned().await
    }
}

impl Engine {
    /// A mission without a look into storage, when its board is in memory: good for what never
    /// changes of it (whose it is, who made it); the rest may be older than what another host has
    /// written, and is judged anew by whoever writes.
    pub fn mission_at_hand(&self, workspace_id: &WorkspaceId, mission_id: &MissionId) -> Option<Mission> {
        self.parts.boards.at_hand(mission_id).filter(|mission| mission.workspace_id == *workspace_id)
    }

    /// Reads a board from storage; `None` when there is no such mission.
    ///
    /// A run whose end waits in the inbox is still running for the board: the mission has not
    /// been told yet.
    pub(super) async fn load_board(
        &self,
        workspace_id: &WorkspaceId,
        mission_id: &MissionId,
    ) -> Result<Option<Board>, EngineError> {
        let store = &self.parts.store;
        let Some(mission) = store.mission(workspace_id, mission_id).await? else { return Ok(None) };
        let mut items: Vec<WorkItem> = Vec::new();
        loop {
            let page = store.work_items(mission_id, items.last().map(|item| item.position), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            items.extend(page);
            if is_last {
                break;
            }
        }
        // Runs before the inbox: a run that ends in between is then found in the inbox. The other
        // way round it would be over for the board, and its end would come too late.
        let runs = store.board_runs(mission_id).await?;
        let mut untold = HashSet::new();
        for input in store.inbox_of(mission_id, INBOX_MAX).await? {
            if let (InputKind::RunFinished, Some(run_id)) = (input.kind, input.run_id) {
                untold.insert(run_id);
            }
        }
        let runs = runs.into_iter().map(|run| {
            let is_untold = untold.contains(&run.id);
            board_run(run, is_untold)
        });
        Ok(Some(Board::new(mission, items, runs)))
    }
}

fn board_run(run: Run, end_is_untold: bool) -> BoardRun {
    let status = match run.status {
        // A withdrawn run is over for the mission, whatever became of it afterwards.
        _ if run.cancel_requested => RunStatus::Canceled,
        _ if end_is_untold => RunStatus::Running,
        status => status,
    };
    BoardRun {
        id: run.id,
        work_item_id: run.work_item_id,
        kind: run.kind,
        attempt: run.attempt,
        status,
        summary: run.summary.filter(|_| !end_is_untold),
        output: run.output.filter(|_| !end_is_untold),
        interruptions: run.interruptions,
        reason: None,
    }
}
