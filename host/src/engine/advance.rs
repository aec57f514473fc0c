//! The life of one event: facts, reducer, rules, one commit.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use sluice_api::command::CommandView;
use sluice_api::mission::MissionAdvanced;

use super::boards::Slot;
use super::error::conflict_or_storage;
use super::ports::{CallFailure, ReducerCall};
use super::{Engine, EngineError};
use crate::clock::RecordedIds;
use crate::domain::board::Board;
use crate::domain::command::Command;
use crate::domain::event::{Disposition, HistoryEntry, Input, InputKind};
use crate::domain::json::Json;
use crate::domain::mission::Mission;
use crate::domain::receipt::{Receipt, ReceiptKey};
use crate::domain::rules::{self, Effects, Refusal};
use crate::domain::time::Timestamp;
use crate::domain::work_item::WorkItemStatus;
use crate::store::{Guard, Unit, Write};
use crate::wire;

/// Times an event is tried again because another host was faster.
const CONFLICT_RETRIES: usize = 8;

/// What an event led to.
#[derive(Debug)]
pub struct Advanced {
    /// The mission afterwards.
    pub mission: Mission,
    /// What the reducer issued.
    pub commands: Vec<CommandView>,
}

/// What there is to be written about one event.
pub(super) struct Outcome {
    pub(super) entry: HistoryEntry,
    pub(super) effects: Effects,
    pub(super) commands: Vec<CommandView>,
    pub(super) refusal: Option<Refusal>,
}

/// A reducer's call as history keeps it.
struct Called {
    commands: Vec<CommandView>,
    fuel: u64,
    result: Result<(Effects, Vec<String>), Refusal>,
}

impl Engine {
    /// Takes up one input: from the inbox, or fresh from somebody who waits for the answer.
    ///
    /// # Errors
    /// [`EngineError::Refused`]: the history holds it, except when a fresh input could not be a
    /// fact at all. [`EngineError::HostFault`], [`EngineError::Contended`] and storage: nothing
    /// happened and an input of the inbox still waits.
    pub(super) async fn advance(&self, input: Input, from_inbox: bool) -> Result<Advanced, EngineError> {
        self.advance_if(input, from_inbox, None, None).await
    }

    /// The same, only at this revision, and with the receipt of a write that its caller named.
    pub(super) async fn advance_if(
        &self,
        input: Input,
        from_inbox: bool,
        if_revision: Option<u64>,
        receipt: Option<ReceiptKey>,
    ) -> Result<Advanced, EngineError> {
        let mut slot = self.parts.boards.enter(&input.mission_id).await;
        for _ in 0..CONFLICT_RETRIES {
            match self.try_advance(&mut slot, &input, from_inbox, if_revision, receipt.as_ref()).await {
                Err(EngineError::Contended) => {
                    *slot = None;
                    if from_inbox && !self.still_waits(&input).await? {
                        return Err(EngineError::Conflict(format!(
                            "event `{}` was applied by somebody else",
                            input.id
                        )));
                    }
                }
                other => return other,
            }
        }
        Err(EngineError::Contended)
    }

    async fn still_waits(&self, input: &Input) -> Result<bool, EngineError> {
        const INBOX_MAX: u32 = 1_000;
        let waiting = self.parts.store.inbox_of(&input.mission_id, INBOX_MAX).await?;
        Ok(waiting.iter().any(|other| other.id == input.id))
    }

    /// Fails a mission that was created and cannot begin: a component it is pinned to is not
    /// usable. Its creation stands in the history, refused for `refusal`.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when it has begun; storage.
    pub async fn refuse_mission(&self, mission: &Mission, refusal: Refusal) -> Result<Mission, EngineError> {
        let mut slot = self.parts.boards.enter(&mission.id).await;
        *slot = None;
        let waiting = self.parts.store.inbox_of(&mission.id, 1).await?;
        let board = self.load_board(&mission.workspace_id, &mission.id).await?;
        let (Some(input), Some(mut board)) = (waiting.into_iter().find(|i| i.kind == InputKind::MissionCreated), board)
        else {
            return Err(EngineError::Conflict(format!("mission `{}` has begun already", mission.id)));
        };
        board.begin();
        let mut ids = RecordedIds::new(&self.parts.ids, input.occurred_at);
        let effects = rules::orders::fail_mission(&mut board, refusal.message.clone(), input.occurred_at, &mut ids);
        let mut outcome = untold(&board, &input, refusal);
        outcome.effects = effects;
        count_event(&mut board, &input);
        let unit = self.unit_of(&board, &input, true, &outcome).await?;
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        Ok(board.mission().clone())
    }

    async fn try_advance(
        &self,
        slot: &mut Slot,
        input: &Input,
        from_inbox: bool,
        if_revision: Option<u64>,
        receipt: Option<&ReceiptKey>,
    ) -> Result<Advanced, EngineError> {
        // The board is taken out while the event is worked on: whatever interrupts this leaves the
        // slot empty, and the next event starts from what is on disk.
        let mut board = match slot.take() {
            Some(board) => board,
            None => self
                .load_board(&input.workspace_id, &input.mission_id)
                .await?
                .ok_or_else(|| EngineError::NotFound { what: "mission", id: input.mission_id.to_string() })?,
        };
        let current = board.mission().revision;
        if let Some(expected) = if_revision.filter(|expected| *expected != current) {
            **slot = Some(board);
            return Err(EngineError::Revision { expected, current });
        }
        if from_inbox && board.mission().status.is_final() {
            self.drop_input(input).await?;
            let refusal = Refusal::new("MISSION_CLOSED", format!("the mission is {}", board.mission().status));
            **slot = Some(board);
            return Err(EngineError::Refused(refusal));
        }
        board.begin();
        let fact = wire::read_fact(input).and_then(|fact| rules::facts::record(&mut board, &fact));
        let outcome = match fact {
            Ok(()) => {
                let (back, outcome) = self.decide(board, input, from_inbox).await?;
                board = back;
                outcome
            }
            Err(refusal) if from_inbox => {
                board.roll_back();
                board.begin();
                untold(&board, input, refusal)
            }
            Err(refusal) => {
                board.roll_back();
                **slot = Some(board);
                return Err(EngineError::Refused(refusal));
            }
        };
        count_event(&mut board, input);
        let mut unit = self.unit_of(&board, input, from_inbox, &outcome).await?;
        let mission = board.mission().clone();
        if let Some(key) = receipt.filter(|_| outcome.refusal.is_none()) {
            let commands = outcome.commands.clone();
            let answer = MissionAdvanced { mission: wire::mission_view(&mission), commands };
            add_receipt(&mut unit, key, 200, &answer, self.now());
        }
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        self.note_mission(&mission);
        self.shadow_event(&mission);
        if from_inbox {
            // What a client posts can be refused for good reasons; what the host tells cannot.
            let (workspace_id, reducer) = (&mission.workspace_id, &mission.bindings.reducer);
            match &outcome.refusal {
                None => self.note_call(workspace_id, reducer, None).await,
                Some(refusal) if is_reducers(refusal) => {
                    self.note_call(workspace_id, reducer, Some(&refusal.message)).await;
                }
                // It could be no fact, and the reducer was not asked.
                Some(_) => {}
            }
        }
        **slot = Some(board);
        match outcome.refusal {
            None => Ok(Advanced { mission, commands: outcome.commands }),
            Some(refusal) => Err(EngineError::Refused(refusal)),
        }
    }

    /// Asks the reducer and judges its commands. The board comes back with everything applied, or
    /// as it was when the event is refused; a refused event that the host itself made leaves a
    /// mission that cannot go on, and fails it.
    async fn decide(&self, board: Board, input: &Input, from_inbox: bool) -> Result<(Board, Outcome), EngineError> {
        let seq = board.mission().revision;
        let reducer_digest = board.mission().bindings.reducer.digest.to_string();
        let (mut board, called) = self.call_reducer(board, input, seq).await?;
        let mut entry = entry_of(input, seq, &called.commands, called.fuel, reducer_digest);
        let (effects, refusal) = match called.result {
            Ok((effects, assigned)) => {
                entry.assigned_ids = wire::json_of(&assigned);
                (effects, None)
            }
            Err(refusal) => {
                board.roll_back();
                board.begin();
                entry.disposition = Disposition::Refused;
                entry.refusal = Some(refusal_json(&refusal));
                let mut effects = Effects::default();
                if from_inbox {
                    let reason = format!("its reducer cannot go on after `{}` (event {seq}): {refusal}", input.kind);
                    let mut ids = RecordedIds::new(&self.parts.ids, input.occurred_at);
                    effects = rules::orders::fail_mission(&mut board, reason, input.occurred_at, &mut ids);
                }
                (effects, Some(refusal))
            }
        };
        Ok((board, Outcome { entry, effects, commands: called.commands, refusal }))
    }

    async fn call_reducer(&self, board: Board, input: &Input, seq: u64) -> Result<(Board, Called), EngineError> {
        let call = match input.kind {
            InputKind::MissionCreated => ReducerCall::Init,
            _ => ReducerCall::OnEvent { seq, input: input.clone() },
        };
        let plugins = Arc::clone(&self.parts.plugins);
        let binding = board.mission().bindings.reducer.clone();
        self.have_component(&binding.digest).await?;
        let shared = Arc::new(board);
        let lent = Arc::clone(&shared);
        let reduced = tokio::task::spawn_blocking(move || plugins.reduce(&binding, lent, call))
            .await
            .map_err(|error| EngineError::HostFault(error.to_string()))?;
        // The plugin host keeps no board beyond a call; were one kept, loading it again is right.
        let Ok(mut board) = Arc::try_unwrap(shared) else { return Err(EngineError::Contended) };
        let called = match reduced {
            Err(CallFailure { failure, .. }) if failure.is_host_fault() => {
                return Err(EngineError::HostFault(failure.to_string()));
            }
            Err(CallFailure { failure, report }) => {
                let refusal = Refusal::new(failure_code(&failure), failure.to_string());
                Called { commands: Vec::new(), fuel: report.fuel, result: Err(refusal) }
            }
            Ok(reduction) => {
                let commands = reduction.commands.iter().map(wire::command_view).collect();
                let result = self.carry_out(&mut board, reduction.commands, input);
                Called { commands, fuel: reduction.report.fuel, result }
            }
        };
        Ok((board, called))
    }

    fn carry_out(
        &self,
        board: &mut Board,
        commands: Vec<Command>,
        input: &Input,
    ) -> Result<(Effects, Vec<String>), Refusal> {
        let orders = wire::understand(commands)?;
        let mut ids = RecordedIds::new(&self.parts.ids, input.occurred_at);
        let effects = rules::orders::carry_out(board, orders, input.occurred_at, &mut ids)?;
        Ok((effects, ids.into_given()))
    }
}

/// Has a unit of work leave the receipt of the request it carries out.
pub(super) fn add_receipt(unit: &mut Unit, key: &ReceiptKey, status: u16, answer: &impl Serialize, now: Timestamp) {
    let receipt = Receipt { key: key.clone(), status, answer: wire::json_of(answer), created_at: now };
    unit.guards.push(Guard::no_receipt(key));
    unit.writes.push(Write::Receipt(receipt));
}

/// The history is one entry longer.
fn count_event(board: &mut Board, input: &Input) {
    let counts = WorkItemStatus::ALL.iter().map(|status| (*status, board.count(*status)));
    let counts = counts.filter(|(_, count)| *count > 0).collect();
    board.edit_mission(|mission| {
        mission.counts = counts;
        mission.revision += 1;
        mission.updated_at = input.occurred_at.max(mission.updated_at);
    });
}

/// An entry of the history that no reducer is asked about: the board holds its change already.
pub(super) fn noted(board: &mut Board, input: &Input) -> Outcome {
    let reducer_digest = board.mission().bindings.reducer.digest.to_string();
    let entry = entry_of(input, board.mission().revision, &[], 0, reducer_digest);
    count_event(board, input);
    Outcome { entry, effects: Effects::default(), commands: Vec::new(), refusal: None }
}

/// The code under which history records how a reducer failed.
pub(super) fn failure_code(failure: &crate::domain::plugin::PluginFailure) -> &'static str {
    use crate::domain::plugin::PluginFailure::{Guest, Host, Limit, Trap};
    match failure {
        Guest { .. } => "REDUCER_ERROR",
        Trap { .. } => "REDUCER_TRAP",
        Limit { .. } => "REDUCER_LIMIT",
        Host { .. } => "HOST_FAULT",
    }
}

/// Whether the reducer is at fault: it failed, or one of its commands is illegal.
fn is_reducers(refusal: &Refusal) -> bool {
    matches!(refusal.code, "REDUCER_ERROR" | "REDUCER_TRAP" | "REDUCER_LIMIT") || refusal.command_index.is_some()
}

/// A refusal as history keeps it.
pub(super) fn refusal_json(refusal: &Refusal) -> Json {
    let mut value = json!({"code": refusal.code, "message": refusal.message});
    if let Some(index) = refusal.command_index {
        value["command_index"] = json!(index);
    }
    wire::json_of(&value)
}

fn entry_of(input: &Input, seq: u64, commands: &[CommandView], fuel: u64, reducer_digest: String) -> HistoryEntry {
    HistoryEntry {
        workspace_id: input.workspace_id.clone(),
        mission_id: input.mission_id.clone(),
        seq,
        event_id: input.id.clone(),
        kind: input.kind,
        work_item_id: input.work_item_id.clone(),
        run_id: input.run_id.clone(),
        data: input.data.clone(),
        occurred_at: input.occurred_at,
        actor: input.actor.clone(),
        commands: wire::json_of(&commands),
        assigned_ids: Json::from_valid("[]"),
        disposition: Disposition::Applied,
        refusal: None,
        reducer_digest,
        fuel,
    }
}

/// An input the mission can no longer be told: recorded, and the reducer is not asked.
fn untold(board: &Board, input: &Input, refusal: Refusal) -> Outcome {
    let reducer_digest = board.mission().bindings.reducer.digest.to_string();
    let mut entry = entry_of(input, board.mission().revision, &[], 0, reducer_digest);
    entry.disposition = Disposition::Refused;
    entry.refusal = Some(refusal_json(&refusal));
    Outcome { entry, effects: Effects::default(), commands: Vec::new(), refusal: Some(refusal) }
}
