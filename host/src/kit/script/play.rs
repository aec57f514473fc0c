//! Plays a script: the reducer is asked, the host's rules judge, the board follows.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use sluice_api::command::CommandView;
use sluice_api::mission::MissionCreated;

use super::{Script, ScriptEvent};
use crate::domain::board::Board;
use crate::domain::command::Command;
use crate::domain::event::{Input, InputKind};
use crate::domain::gate::GateName;
use crate::domain::id::{EventId, MissionId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::mission::Bindings;
use crate::domain::plugin::{Binding, PluginFailure};
use crate::domain::rules::{self, Effects, IdSource, NewApproval, Refusal};
use crate::domain::time::Timestamp;
use crate::domain::work_item::WorkItemStatus;
use crate::engine::ports::{CallFailure, CallReport, Plugins, ReducerCall};
use crate::kit::input::MOMENT_MS;
use crate::wire;

/// One event and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What happened.
    pub kind: InputKind,
    /// What the reducer asked for.
    pub commands: Vec<CommandView>,
    /// Why nothing of it came to be: the event cannot be, or a command is illegal.
    pub refusal: Option<Value>,
}

/// A script that was played.
#[derive(Debug, Clone)]
pub struct Played {
    /// One for the creation and one for each event, up to a failure.
    pub steps: Vec<Step>,
    /// How the reducer failed; the last step is the one.
    pub failure: Option<PluginFailure>,
    /// What each call cost and said.
    pub reports: Vec<CallReport>,
    /// JSON object: `status`, `phase`, `reason` of the mission at the end.
    pub mission: Value,
    /// The status of each item at the end.
    pub work_items: Map<String, Value>,
}

/// Numbers for each prefix, from 1.
#[derive(Default)]
struct NumberedIds(HashMap<&'static str, u32>);

impl IdSource for NumberedIds {
    fn next_id(&mut self, prefix: &'static str) -> String {
        let number = self.0.entry(prefix).or_default();
        *number += 1;
        format!("{prefix}{number}")
    }
}

/// What goes on while a script is played.
struct Stage<'p> {
    plugins: &'p dyn Plugins,
    binding: &'p Binding,
    ids: NumberedIds,
    approvals: Vec<NewApproval>,
    verdicts: u32,
    reports: Vec<CallReport>,
}

/// Plays `script` with the reducer of `binding`. Blocks as long as the calls take.
pub fn play(plugins: &dyn Plugins, binding: &Binding, script: &Script) -> Played {
    let ids = NumberedIds::default();
    let mut stage = Stage { plugins, binding, ids, approvals: Vec::new(), verdicts: 0, reports: Vec::new() };
    let mut played =
        Played { steps: Vec::new(), failure: None, reports: Vec::new(), mission: Value::Null, work_items: Map::new() };
    let mut board = match first_board(script, binding) {
        Ok(board) => board,
        Err(message) => {
            played.failure = Some(PluginFailure::Host { message });
            return played;
        }
    };
    let created = (InputKind::MissionCreated, ReducerCall::Init, Timestamp(MOMENT_MS));
    let events = script.events.iter().map(Some);
    for (seq, event) in (0_u64..).zip(std::iter::once(None).chain(events)) {
        let told = match event {
            None => Ok((created.0, created.1.clone(), created.2)),
            Some(event) => stage.tell(&mut board, seq, event),
        };
        let (kind, call, at) = match told {
            Ok(told) => told,
            Err((kind, refusal)) => {
                played.steps.push(Step { kind, commands: Vec::new(), refusal: Some(refusal_view(&refusal)) });
                continue;
            }
        };
        let (back, decided) = stage.decide(board, kind, call, at);
        let failure = match decided {
            Ok(step) => {
                played.steps.push(step);
                None
            }
            Err(failure) => {
                played.steps.push(Step { kind, commands: Vec::new(), refusal: None });
                Some(failure)
            }
        };
        played.failure = failure;
        let Some(back) = back else {
            played.reports = stage.reports;
            return played;
        };
        board = back;
        if played.failure.is_some() {
            break;
        }
    }
    played.reports = stage.reports;
    ended(played, &board)
}

fn ended(mut played: Played, board: &Board) -> Played {
    let mission = board.mission();
    played.mission = json!({
        "status": mission.status.as_str(), "phase": mission.phase.as_str(), "reason": mission.reason,
    });
    let statuses = board.items().map(|item| (item.spec.id.to_string(), Value::from(item.status.as_str())));
    played.work_items = statuses.collect();
    played
}

fn first_board(script: &Script, binding: &Binding) -> Result<Board, String> {
    // Nobody calls these gates: they are there so that the rules know them.
    let gates = script.gates.iter().map(|gate| (*gate, binding.clone())).collect();
    let bindings = Bindings { reducer: binding.clone(), gates, required: Vec::new() };
    let created = MissionCreated { request: script.request.clone(), bindings: wire::bindings_view(&bindings) };
    let (workspace_id, id) = (WorkspaceId::new("local"), MissionId::new("mis_1"));
    let (mission, items) = wire::created_mission(&created, &workspace_id, &id, "author", Timestamp(MOMENT_MS))
        .map_err(|error| error.to_string())?;
    Ok(Board::new(mission, items, []))
}

impl Stage<'_> {
    /// Enters what an event tells into the board; what cannot be leaves it as it was.
    fn tell(
        &mut self,
        board: &mut Board,
        seq: u64,
        event: &ScriptEvent,
    ) -> Result<(InputKind, ReducerCall, Timestamp), (InputKind, Refusal)> {
        let input = self.completed(board, seq, event);
        board.begin();
        let fact = wire::read_fact(&input).and_then(|fact| rules::facts::record(board, &fact));
        if let Err(refusal) = fact {
            board.roll_back();
            return Err((event.kind, refusal));
        }
        Ok((event.kind, ReducerCall::OnEvent { seq, input }, event.at))
    }

    /// The event with what follows from the board.
    fn completed(&mut self, board: &Board, seq: u64, event: &ScriptEvent) -> Input {
        let (mut work_item_id, mut run_id, mut data) =
            (event.work_item_id.clone(), event.run_id.clone(), event.data.clone());
        let item = work_item_id.as_ref().and_then(|id| board.item(id.as_str()));
        let is_of_run = matches!(
            event.kind,
            InputKind::RunClaimed
                | InputKind::RunStarted
                | InputKind::RunFinished
                | InputKind::RunInterrupted
                | InputKind::GateVerdict
        );
        if is_of_run && run_id.is_none() {
            run_id = match item {
                Some(item) => item.run_id.clone(),
                None => board.open_runs(1).into_iter().next(),
            };
        }
        if work_item_id.is_none() {
            let run = run_id.as_ref().and_then(|id| board.run(id.as_str()));
            work_item_id = run.and_then(|run| run.work_item_id.clone());
        }
        match event.kind {
            InputKind::GateVerdict => {
                self.verdicts += 1;
                let gate = data.get("gate").and_then(Value::as_str).and_then(|gate| gate.parse::<GateName>().ok());
                let asked = gate.and_then(|gate| item?.gate(gate)).map(|state| state.evaluation_id.to_string());
                set_unless_there(&mut data, "evaluation_id", json!(asked.unwrap_or_default()));
                set_unless_there(&mut data, "verdict_id", json!(format!("ver_{}", self.verdicts)));
                set_unless_there(&mut data, "summary", json!(""));
                set_unless_there(&mut data, "finding_count", json!(0));
            }
            InputKind::ApprovalGranted | InputKind::ApprovalDenied | InputKind::ApprovalExpired => {
                self.complete_approval(work_item_id.as_ref().map(WorkItemId::as_str), &mut data);
            }
            InputKind::RunInterrupted => set_unless_there(&mut data, "interruptions", json!(1)),
            _ => {}
        }
        Input {
            id: EventId::new(format!("evt_{seq}")),
            workspace_id: WorkspaceId::new("local"),
            mission_id: MissionId::new("mis_1"),
            kind: event.kind,
            work_item_id,
            run_id,
            data: Json::from_valid(Value::Object(data).to_string()),
            occurred_at: event.at,
            actor: "author".to_owned(),
        }
    }

    /// What an answer names: the newest question about the item that has none yet.
    fn complete_approval(&mut self, work_item_id: Option<&str>, data: &mut Map<String, Value>) {
        let named = data.get("approval_id").and_then(Value::as_str).map(ToOwned::to_owned);
        let is_it = |asked: &NewApproval| match &named {
            Some(id) => asked.id.as_str() == id,
            None => asked.work_item_id.as_ref().map(WorkItemId::as_str) == work_item_id,
        };
        let Some(at) = self.approvals.iter().rposition(is_it) else { return };
        let asked = self.approvals.remove(at);
        set_unless_there(data, "approval_id", json!(asked.id.as_str()));
        set_unless_there(data, "kind", json!(asked.kind));
        if let Some((gate, verdict_id)) = &asked.overrides {
            set_unless_there(data, "gate", json!(gate.as_str()));
            set_unless_there(data, "verdict_id", json!(verdict_id.as_str()));
        }
        let subject = asked.artifact_set.as_ref().map(ToString::to_string).unwrap_or_default();
        set_unless_there(data, "subject", json!(subject));
    }

    /// Asks the reducer and carries out what it asks for, all or none. The board comes back unless the call still holds it,
    /// which is a failure too.
    fn decide(
        &mut self,
        board: Board,
        kind: InputKind,
        call: ReducerCall,
        at: Timestamp,
    ) -> (Option<Board>, Result<Step, PluginFailure>) {
        let lent = Arc::new(board);
        let reduced = self.plugins.reduce(self.binding, Arc::clone(&lent), call);
        let Some(mut board) = Arc::into_inner(lent) else {
            let message = "the call did not give the board back".to_owned();
            return (None, Err(PluginFailure::Host { message }));
        };
        let commands = match reduced {
            Ok(reduction) => {
                self.reports.push(reduction.report);
                reduction.commands
            }
            Err(CallFailure { failure, report }) => {
                self.reports.push(report);
                board.roll_back();
                return (Some(board), Err(failure));
            }
        };
        let told = commands.iter().map(wire::command_view).collect();
        let refusal = match self.carry_out(&mut board, commands, at) {
            Ok(effects) => {
                self.approvals.extend(effects.approvals);
                None
            }
            Err(refusal) => {
                board.roll_back();
                Some(refusal_view(&refusal))
            }
        };
        count_event(&mut board, at);
        (Some(board), Ok(Step { kind, commands: told, refusal }))
    }

    fn carry_out(&mut self, board: &mut Board, commands: Vec<Command>, at: Timestamp) -> Result<Effects, Refusal> {
        let orders = wire::understand(commands)?;
        rules::orders::carry_out(board, orders, at, &mut self.ids)
    }
}

/// The history is one entry longer.
fn count_event(board: &mut Board, at: Timestamp) {
    let counts = WorkItemStatus::ALL.iter().map(|status| (*status, board.count(*status)));
    let counts = counts.filter(|(_, count)| *count > 0).collect();
    board.edit_mission(|mission| {
        mission.counts = counts;
        mission.revision += 1;
        mission.updated_at = at.max(mission.updated_at);
    });
}

fn set_unless_there(data: &mut Map<String, Value>, member: &str, value: Value) {
    data.entry(member).or_insert(value);
}

fn refusal_view(refusal: &Refusal) -> Value {
    let mut value = json!({"code": refusal.code, "message": refusal.message});
    if let Some(index) = refusal.command_index {
        value["command_index"] = json!(index);
    }
    value
}
