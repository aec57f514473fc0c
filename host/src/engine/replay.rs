//! Runs a mission's history through a reducer and tells what it would have decided differently.
//!
//! The board follows the *recorded* commands, so each event is judged by itself: one difference
//! does not make every later event look different too. Nothing is written.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use sluice_api::command::CommandView;
use sluice_api::history::{Difference, ReplayReport};
use sluice_api::mission::MissionCreated;

use super::advance::{failure_code, refusal_json};
use super::ports::{Plugins, ReducerCall};
use super::{Engine, EngineError, PLUGIN_UNUSABLE};
use crate::domain::board::Board;
use crate::domain::command::Command;
use crate::domain::event::{Disposition, HistoryEntry, Input, InputKind};
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::plugin::Binding;
use crate::domain::rules::{self, IdSource, Refusal};
use crate::wire;

/// Most history entries read at once.
const PAGE: u32 = 500;

/// The reducer a history is run through.
#[derive(Debug, Clone)]
pub enum Candidate {
    /// The one the mission is pinned to.
    Pinned,
    /// Another.
    Other(Binding),
}

/// What one reducer made of one event.
pub(super) struct Judged {
    /// The commands it issued.
    pub(super) commands: Vec<CommandView>,
    /// How it failed, or which of its commands would be refused.
    pub(super) refusal: Option<Value>,
    /// Fuel the call used.
    pub(super) fuel: u64,
}

/// One event as it is recorded, and what a candidate makes of it.
pub(super) struct Compared {
    /// The commands issued then.
    pub(super) recorded: Vec<CommandView>,
    /// Why it was refused then, when it was.
    pub(super) recorded_refusal: Option<Value>,
    /// What the candidate does.
    pub(super) candidate: Judged,
}

impl Compared {
    /// Whether the candidate decides something else.
    pub(super) fn differs(&self) -> bool {
        self.candidate.commands != self.recorded
            || code_of(self.candidate.refusal.as_ref()) != code_of(self.recorded_refusal.as_ref())
    }

    /// Whether the candidate fails, whatever the reducer of then did.
    pub(super) fn has_failed(&self) -> bool {
        is_failure(self.candidate.refusal.as_ref())
    }

    /// Whether the candidate fails, and the reducer of then did not.
    pub(super) fn fails_anew(&self) -> bool {
        self.has_failed() && !is_failure(self.recorded_refusal.as_ref())
    }
}

/// Hands out the ids of the history. A replay that asks for more than were given is no longer
/// the recorded one; the surplus ids are never looked at.
struct GivenIds(VecDeque<String>);

impl IdSource for GivenIds {
    fn next_id(&mut self, prefix: &'static str) -> String {
        self.0.pop_front().unwrap_or_else(|| format!("{prefix}not-recorded"))
    }
}

impl Engine {
    /// Replays a mission's history.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when the history itself does not hold
    /// together, which only damage explains; [`EngineError::HostFault`].
    pub async fn replay(
        &self,
        workspace_id: &WorkspaceId,
        mission_id: &MissionId,
        candidate: Candidate,
    ) -> Result<ReplayReport, EngineError> {
        let Some(mission) = self.parts.store.mission(workspace_id, mission_id).await? else {
            return Err(EngineError::NotFound { what: "mission", id: mission_id.to_string() });
        };
        let binding = match candidate {
            Candidate::Pinned => mission.bindings.reducer.clone(),
            Candidate::Other(binding) => binding,
        };
        let mut report = ReplayReport {
            mission_id: mission_id.to_string(),
            reducer: binding.label(),
            digest: binding.digest.to_string(),
            events: 0,
            diverged_at: None,
            differences: Vec::new(),
        };
        let mut follower = Follower::default();
        let mut after = None;
        loop {
            let page = self.parts.store.history(mission_id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.seq);
            report.events += page.len() as u64;
            if page.iter().any(was_asked) {
                self.have_component(&binding.digest).await?;
            }
            let (plugins, called) = (Arc::clone(&self.parts.plugins), binding.clone());
            let judged = tokio::task::spawn_blocking(move || differences(follower, &page, &*plugins, &called)).await;
            let found = judged.map_err(|error| EngineError::HostFault(error.to_string()))??;
            follower = found.0;
            report.differences.extend(found.1);
        }
        report.diverged_at = report.differences.first().map(|difference| difference.seq);
        Ok(report)
    }
}

/// What a candidate decides differently in a page of a history. Blocks.
fn differences(
    mut follower: Follower,
    page: &[HistoryEntry],
    plugins: &dyn Plugins,
    binding: &Binding,
) -> Result<(Follower, Vec<Difference>), EngineError> {
    let mut differences = Vec::new();
    for entry in page {
        let Some(compared) = follower.take(entry, Some((plugins, binding)))? else { continue };
        if compared.differs() {
            differences.push(Difference {
                seq: entry.seq,
                kind: entry.kind.to_string(),
                recorded: compared.recorded,
                recorded_refusal: compared.recorded_refusal,
                candidate: compared.candidate.commands,
                candidate_refusal: compared.candidate.refusal,
            });
        }
    }
    Ok((follower, differences))
}

/// A board that follows one mission's history from its first entry on. Its methods block while a reducer is called.
#[derive(Default)]
pub(super) struct Follower(Option<Board>);

impl Follower {
    /// How many work items are on its board.
    pub(super) fn item_count(&self) -> usize {
        self.0.as_ref().map_or(0, Board::item_count)
    }

    /// Takes up the next entry of the history. With a candidate that is asked first what it would have decided;
    /// `None` where no reducer was asked, or nobody is to be.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when the history does not hold together; [`EngineError::HostFault`]. The board is
    /// lost then.
    pub(super) fn take(
        &mut self,
        entry: &HistoryEntry,
        candidate: Option<(&dyn Plugins, &Binding)>,
    ) -> Result<Option<Compared>, EngineError> {
        let mut board = match self.0.take() {
            Some(board) => board,
            None => first_board(entry)?,
        };
        board.begin();
        if entry.kind == InputKind::ReducerChanged {
            // No reducer is asked whether it wants to be replaced.
            board.edit_mission(|mission| mission.revision += 1);
            self.0 = Some(board);
            return Ok(None);
        }
        let input = input_of(entry);
        let fact = wire::read_fact(&input).and_then(|fact| rules::facts::record(&mut board, &fact));
        let mut compared = None;
        if fact.is_err() || !was_asked(entry) {
            // What could not be told then cannot be told now; no reducer was asked.
            board.roll_back();
        } else {
            let view = wire::entry_view(entry);
            let judged = match candidate {
                None => None,
                Some((plugins, binding)) => {
                    let (back, judged) = judge(board, entry, input, plugins, binding)?;
                    board = back;
                    Some(judged)
                }
            };
            follow(&mut board, entry, &view.commands)?;
            compared =
                judged.map(|candidate| Compared { recorded: view.commands, recorded_refusal: view.refusal, candidate });
        }
        board.edit_mission(|mission| {
            mission.revision += 1;
            mission.updated_at = entry.occurred_at.max(mission.updated_at);
        });
        self.0 = Some(board);
        Ok(compared)
    }
}

/// Whether a reducer may have been asked about the entry: only what could be no fact tells otherwise.
pub(super) fn was_asked(entry: &HistoryEntry) -> bool {
    let refusal = entry.refusal.as_ref().map(wire::value_of);
    entry.kind != InputKind::ReducerChanged && code_of(refusal.as_ref()) != Some(PLUGIN_UNUSABLE)
}

/// Asks the candidate, and judges its commands on the board without keeping anything.
fn judge(
    board: Board,
    entry: &HistoryEntry,
    input: Input,
    plugins: &dyn Plugins,
    binding: &Binding,
) -> Result<(Board, Judged), EngineError> {
    let call = match entry.kind {
        InputKind::MissionCreated => ReducerCall::Init,
        _ => ReducerCall::OnEvent { seq: entry.seq, input },
    };
    let shared = Arc::new(board);
    let reduced = plugins.reduce(binding, Arc::clone(&shared), call);
    // The plugin host keeps no board beyond a call.
    let Ok(mut board) = Arc::try_unwrap(shared) else { return Err(EngineError::Contended) };
    let judged = match reduced {
        Err(failed) if failed.failure.is_host_fault() => {
            return Err(EngineError::HostFault(failed.failure.to_string()));
        }
        Err(failed) => {
            let refusal = Refusal::new(failure_code(&failed.failure), failed.failure.to_string());
            Judged { commands: Vec::new(), refusal: Some(refusal_value(&refusal)), fuel: failed.report.fuel }
        }
        Ok(reduction) => {
            let commands: Vec<CommandView> = reduction.commands.iter().map(wire::command_view).collect();
            let refusal = trial(&mut board, entry, reduction.commands).err();
            Judged { commands, refusal: refusal.as_ref().map(refusal_value), fuel: reduction.report.fuel }
        }
    };
    Ok((board, judged))
}

/// Whether the rules would let the candidate's commands pass.
fn trial(board: &mut Board, entry: &HistoryEntry, commands: Vec<Command>) -> Result<(), Refusal> {
    let mark = board.mark();
    let tried = wire::understand(commands)
        .and_then(|orders| rules::orders::carry_out(board, orders, entry.occurred_at, &mut given_ids(entry)));
    board.roll_back_to(mark);
    tried.map(|_| ())
}

/// Applies what was recorded; a refused event changed nothing.
fn follow(board: &mut Board, entry: &HistoryEntry, commands: &[CommandView]) -> Result<(), EngineError> {
    if entry.disposition == Disposition::Refused {
        board.roll_back();
        return Ok(());
    }
    let damaged =
        |what: String| EngineError::Conflict(format!("event {} of the history is damaged: {what}", entry.seq));
    let commands: Option<Vec<Command>> = commands.iter().map(wire::command_from_view).collect();
    let commands = commands.ok_or_else(|| damaged("a command cannot be read".to_owned()))?;
    let orders = wire::understand(commands).map_err(|refusal| damaged(refusal.to_string()))?;
    rules::orders::carry_out(board, orders, entry.occurred_at, &mut given_ids(entry))
        .map_err(|refusal| damaged(refusal.to_string()))?;
    Ok(())
}

fn given_ids(entry: &HistoryEntry) -> GivenIds {
    GivenIds(serde_json::from_str(entry.assigned_ids.as_str()).unwrap_or_default())
}

fn first_board(entry: &HistoryEntry) -> Result<Board, EngineError> {
    let damaged = |what: String| EngineError::Conflict(format!("the history's first event is damaged: {what}"));
    let created: MissionCreated =
        serde_json::from_str(entry.data.as_str()).map_err(|error| damaged(error.to_string()))?;
    let (mission, items) =
        wire::created_mission(&created, &entry.workspace_id, &entry.mission_id, &entry.actor, entry.occurred_at)
            .map_err(|error| damaged(error.to_string()))?;
    Ok(Board::new(mission, items, []))
}

fn input_of(entry: &HistoryEntry) -> Input {
    Input {
        id: entry.event_id.clone(),
        workspace_id: entry.workspace_id.clone(),
        mission_id: entry.mission_id.clone(),
        kind: entry.kind,
        work_item_id: entry.work_item_id.clone(),
        run_id: entry.run_id.clone(),
        data: entry.data.clone(),
        occurred_at: entry.occurred_at,
        actor: entry.actor.clone(),
    }
}

fn refusal_value(refusal: &Refusal) -> Value {
    serde_json::from_str(refusal_json(refusal).as_str()).unwrap_or_default()
}

/// Whether a refusal says that the reducer itself failed.
fn is_failure(refusal: Option<&Value>) -> bool {
    matches!(code_of(refusal), Some("REDUCER_ERROR" | "REDUCER_TRAP" | "REDUCER_LIMIT"))
}

/// Refusals are the same when their code is; a message may word the same thing differently.
fn code_of(refusal: Option<&Value>) -> Option<&str> {
    refusal.and_then(|refusal| refusal.get("code")).and_then(Value::as_str)
}
