//! Calls of reducers: the board they read, and what becomes of their answer.
//! The commands they issue are in `commands`.

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::bindings::mission::exports::sluice::mission::reducer::Event;
use super::bindings::mission::sluice::mission::{board, types};
use super::bindings::mission::{MissionReducer, MissionReducerPre};
use super::call::{CallState, Caller, Ended};
use super::commands::{self, CommandBuffer};
use super::failure::{HostFault, guest};
use super::limits::CallLimits;
use super::wasi::Moment;
use super::{status, view};
use crate::domain::board::Board;
use crate::domain::id::{RunId, WorkItemId};
use crate::domain::json::Json;
use crate::engine::ports::{CallFailure, ReducerCall, Reduction};

/// Most entries of one page of the board (`wit/mission-0.1/board.wit`).
pub const PAGE_MAX: usize = 500;

/// What one entry of a list costs beyond its bytes, as if it had so many more.
const LIST_ENTRY_BYTES: usize = 1_200;

/// What a reducer's call holds: the board it reads and the commands it issued.
#[derive(Default)]
pub(super) struct ReducerState {
    board: Option<Arc<Board>>,
    pub(super) commands: CommandBuffer,
}

/// A reducer, ready to be instantiated.
pub(super) type ReducerPre = MissionReducerPre<CallState<ReducerState>>;

/// Everything a reducer may import.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState<ReducerState>>> {
    let mut linker = Linker::new(engine);
    CallState::link_base(&mut linker)?;
    types::add_to_linker::<_, HasSelf<CallState<ReducerState>>>(&mut linker, |state| state)?;
    board::add_to_linker::<_, HasSelf<CallState<ReducerState>>>(&mut linker, |state| state)?;
    commands::link(&mut linker)?;
    Ok(linker)
}

/// Finds a reducer's exports.
///
/// # Errors
/// The component does not export `reducer`, or with other types.
pub(super) fn pre(instance: InstancePre<CallState<ReducerState>>) -> wasmtime::Result<ReducerPre> {
    MissionReducerPre::new(instance)
}

/// Calls `reducer` on `board`.
pub(super) fn reduce(
    caller: &Caller,
    limits: &CallLimits,
    reducer: &ReducerPre,
    settings: &Json,
    board: Arc<Board>,
    call: ReducerCall,
) -> Result<Reduction, CallFailure> {
    let moment = moment(&board, &call);
    let world = ReducerState { board: Some(board), commands: CommandBuffer::default() };
    let state = CallState::new(limits, settings.clone(), moment, world);
    let Ended { result, report, world } = caller.run(limits, state, |store| {
        let instance: MissionReducer = reducer.instantiate(&mut *store)?;
        let exports = instance.sluice_mission_reducer();
        match call {
            ReducerCall::Init => exports.call_init(store),
            ReducerCall::OnEvent { seq, input } => {
                let event = Event {
                    seq,
                    occurred_at: input.occurred_at.as_millis(),
                    kind: input.kind.as_str().to_owned(),
                    work_item: input.work_item_id.as_ref().map(|id| id.as_str().to_owned()),
                    run: input.run_id.as_ref().map(|id| id.as_str().to_owned()),
                    data: input.data.as_str().to_owned(),
                };
                exports.call_on_event(store, &event)
            }
        }
    });
    let commands = result.and_then(|()| world.commands.finish().map_err(|fault| guest(&fault)));
    match commands {
        Ok(commands) => Ok(Reduction { commands, report }),
        Err(failure) => Err(CallFailure { failure, report }),
    }
}

/// A call happens when its event did; the mission's creation is its first.
fn moment(board: &Board, call: &ReducerCall) -> Moment {
    match call {
        ReducerCall::Init => Moment { at: board.mission().created_at, seed: board.mission().id.as_str().to_owned() },
        ReducerCall::OnEvent { seq, input } => {
            Moment { at: input.occurred_at, seed: format!("{}\0{seq}\0{}", board.mission().id, input.id) }
        }
    }
}

impl CallState<ReducerState> {
    /// The board, free of the state's borrow.
    ///
    /// # Errors
    /// Settings are being checked, and there is no mission.
    fn board(&self) -> wasmtime::Result<Arc<Board>> {
        let board = self.world.board.as_ref();
        board.cloned().ok_or_else(|| HostFault("there is no board while settings are checked".to_owned()).into())
    }

    /// A list of ids as it crosses, paid for. Each costs a call into the plugin's allocator.
    fn charge_ids<'a>(&mut self, ids: impl Iterator<Item = &'a str>) -> wasmtime::Result<Vec<String>> {
        let ids: Vec<String> = ids.map(str::to_owned).collect();
        self.charge(ids.iter().map(|id| id.len() + LIST_ENTRY_BYTES).sum())?;
        Ok(ids)
    }
}

fn page(limit: u32) -> usize {
    (limit as usize).min(PAGE_MAX)
}

impl types::Host for CallState<ReducerState> {}

impl board::Host for CallState<ReducerState> {
    fn get_mission(&mut self) -> wasmtime::Result<board::Mission> {
        let mission = view::mission(self.board()?.mission());
        self.charge(mission.data.len())?;
        Ok(mission)
    }

    fn get_work_item(&mut self, id: String) -> wasmtime::Result<Option<board::WorkItem>> {
        let item = self.board()?.item(&id).map(view::work_item);
        self.charge(id.len() + item.as_ref().map_or(0, |item| item.data.len()))?;
        Ok(item)
    }

    fn get_run(&mut self, id: String) -> wasmtime::Result<Option<board::Run>> {
        let run = self.board()?.run(&id).map(view::run);
        self.charge(id.len() + run.as_ref().map_or(0, |run| run.data.len()))?;
        Ok(run)
    }

    fn count_by_status(&mut self) -> wasmtime::Result<Vec<board::StatusCount>> {
        self.charge(0)?;
        Ok(view::counts(&*self.board()?))
    }

    fn list_by_status(
        &mut self,
        status: types::WorkItemStatus,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Vec<String>> {
        let ids = self.board()?.by_status(status::work_item_from(status), after.as_deref(), page(limit));
        self.charge_ids(ids.iter().map(WorkItemId::as_str))
    }

    fn list_ready(&mut self, limit: u32) -> wasmtime::Result<Vec<String>> {
        let ids = self.board()?.ready(page(limit));
        self.charge_ids(ids.iter().map(WorkItemId::as_str))
    }

    fn list_dependents(&mut self, id: String, after: Option<String>, limit: u32) -> wasmtime::Result<Vec<String>> {
        let ids = self.board()?.dependents(&id, after.as_deref(), page(limit));
        self.charge_ids(ids.iter().map(WorkItemId::as_str))
    }

    fn list_open_runs(&mut self) -> wasmtime::Result<Vec<String>> {
        let ids = self.board()?.open_runs(PAGE_MAX);
        self.charge_ids(ids.iter().map(RunId::as_str))
    }
}
