//! A reducer in a few lines, for cases about what the engine does with any reducer: items are
//! worked when what they depend on is done, reviewed once, and reworked until they pass.

use sluice::domain::board::Board;
use sluice::domain::command::Command;
use sluice::domain::event::{Input, InputKind};
use sluice::domain::gate::{GateName, GateStatus};
use sluice::domain::id::WorkItemId;
use sluice::domain::run::RunStatus;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::ports::ReducerCall;

use crate::engine::{item_to, mission_to, request_gate, start_run};

/// More items than any case has.
const ALL: usize = 1_000;

/// What it makes of one call.
pub fn decide(board: &Board, call: &ReducerCall) -> Vec<Command> {
    let ReducerCall::OnEvent { input, .. } = call else { return Vec::new() };
    match input.kind {
        InputKind::MissionStarted => {
            let ready = board.ready(ALL);
            std::iter::once(mission_to("running")).chain(ready.iter().map(|id| start_run(id.as_str()))).collect()
        }
        InputKind::RunFinished => run_finished(board, input),
        InputKind::GateVerdict => gate_verdict(board, input),
        InputKind::MissionCanceled => vec![mission_to("canceled")],
        _ => Vec::new(),
    }
}

fn run_finished(board: &Board, input: &Input) -> Vec<Command> {
    let (Some(item), Some(run)) = (&input.work_item_id, &input.run_id) else { return Vec::new() };
    match board.run(run.as_str()).map(|run| run.status) {
        Some(RunStatus::Succeeded) => {
            vec![item_to(item.as_str(), WorkItemStatus::Review), request_gate(item.as_str(), "review")]
        }
        _ => rework(item),
    }
}

fn gate_verdict(board: &Board, input: &Input) -> Vec<Command> {
    let Some(item) = input.work_item_id.as_ref() else { return Vec::new() };
    let passed = board.item(item.as_str()).and_then(|item| item.gate(GateName::Review)).map(|state| state.status);
    if passed != Some(GateStatus::Passed) {
        return rework(item);
    }
    let is_done =
        |id: &WorkItemId| id == item || board.item(id.as_str()).is_some_and(|item| item.status == WorkItemStatus::Done);
    let mut commands = vec![item_to(item.as_str(), WorkItemStatus::Done)];
    for dependent in board.dependents(item.as_str(), None, ALL) {
        if board.item(dependent.as_str()).is_some_and(|item| item.spec.depends_on.iter().all(is_done)) {
            commands.push(start_run(dependent.as_str()));
        }
    }
    if board.items().all(|item| is_done(&item.spec.id)) {
        commands.push(mission_to("succeeded"));
    }
    commands
}

fn rework(item: &WorkItemId) -> Vec<Command> {
    vec![item_to(item.as_str(), WorkItemStatus::Rework), start_run(item.as_str())]
}
