//! The host's rules over a `MemoryBoard`: what a reducer's commands may do.
//!
//! Owns the same legality as the host's own rules (`specs/ORCHESTRATOR.md`), in as few words as
//! tests need. Where the two differ the host is right, and this is the fault.

use super::board::{GateRecord, MemoryBoard, RunRecord};
use crate::mission::{Command, MissionStatus, RunStatus, WorkItemStatus};
use serde_json::Value;

/// The most items a mission may hold.
const ITEMS_MAX: usize = 10_000;

/// What has to arrive later because of the commands.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    /// Gates asked: item and gate.
    pub(super) gates: Vec<(String, String)>,
    /// Approvals asked.
    pub(super) approvals: Vec<PendingApproval>,
    /// Timers: key, due, data.
    pub(super) timers: Vec<(String, u64, Value)>,
    /// Artifacts: name and content.
    pub(super) artifacts: Vec<(String, Vec<u8>)>,
}

/// An approval nobody has answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PendingApproval {
    /// The item it is about.
    pub(super) work_item: Option<String>,
    /// The gate it overrides, for kind `gate`.
    pub(super) gate: Option<String>,
}

/// Applies `commands` at `now_ms`; `run_number` chooses the ids of runs.
///
/// # Errors
///
/// The first illegal command and why; the board is then half changed.
pub(super) fn apply(
    board: &mut MemoryBoard,
    commands: &[Command],
    now_ms: u64,
    run_number: &mut u32,
) -> Result<Effects, String> {
    let mut effects = Effects::default();
    for command in commands {
        let mut step = Step { board, effects: &mut effects, now_ms, run_number };
        step.apply(command).map_err(|why| format!("{why}: {command:?}"))?;
    }
    Ok(effects)
}

struct Step<'a> {
    board: &'a mut MemoryBoard,
    effects: &'a mut Effects,
    now_ms: u64,
    run_number: &'a mut u32,
}

fn rule(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

impl Step<'_> {
    fn apply(&mut self, command: &Command) -> Result<(), String> {
        let is_notice = matches!(command, Command::EmitNotice { .. });
        rule(!self.board.status.is_final() || is_notice, "the mission is over")?;
        match command {
            Command::AddWorkItem { id, data } => self.add(id, data),
            Command::SetWorkItemStatus { work_item_id, status, reason } => {
                self.move_item(work_item_id, *status, reason.as_deref())
            }
            Command::StartRun { work_item_id, data } => self.start(work_item_id.as_deref(), data),
            Command::CancelRun { run_id, .. } => self.cancel(run_id),
            Command::RequestGate { work_item_id, gate } => self.request_gate(work_item_id, gate),
            Command::RequestApproval { work_item_id, kind, data, .. } => {
                self.request_approval(work_item_id.as_deref(), kind, data)
            }
            Command::PersistArtifact { name, content, .. } => {
                rule(content.len() <= 8 << 20, "the artifact is too large")?;
                self.effects.artifacts.push((name.clone(), content.clone()));
                Ok(())
            }
            Command::ScheduleTimer { key, due_at_ms, data } => {
                rule((1..=200).contains(&key.len()), "a timer's key has 1 to 200 bytes")?;
                self.effects.timers.push((key.clone(), *due_at_ms, data.clone()));
                Ok(())
            }
            Command::SetMissionStatus { status, data } => self.move_mission(*status, data),
            Command::EmitNotice { .. } => Ok(()),
        }
    }

    fn add(&mut self, id: &str, data: &Value) -> Result<(), String> {
        rule(self.board.record(id).is_none(), "the id is taken")?;
        rule(self.board.records().len() < ITEMS_MAX, "too many items")?;
        rule(data["title"].as_str().is_some_and(|title| !title.is_empty()), "an item needs a title")?;
        let mut seen = Vec::new();
        for dependency in data["depends_on"].as_array().into_iter().flatten() {
            let known = dependency.as_str().is_some_and(|id| self.board.record(id).is_some());
            rule(known && !seen.contains(&dependency), "a dependency is unknown or named twice")?;
            seen.push(dependency);
        }
        self.board.add_item(id, data);
        Ok(())
    }

    fn move_item(&mut self, id: &str, to: WorkItemStatus, reason: Option<&str>) -> Result<(), String> {
        let item = self.board.record(id).ok_or("no such item")?.clone();
        rule(item_moves(item.status).contains(&to), &format!("{id} is {}", item.status.word()))?;
        let last = item.run.as_deref().and_then(|run| self.board.run_record(run));
        let is_open = last.is_some_and(|run| !run.status.is_final());
        let is_worked = last.is_some_and(|run| run.status == RunStatus::Succeeded);
        match to {
            WorkItemStatus::Review | WorkItemStatus::Test => {
                rule(is_worked, "only what a succeeded run left can be judged")?;
                rule(self.board.required_gates().iter().any(|gate| gate == to.word()), "there is no such gate")?;
            }
            WorkItemStatus::Done => {
                rule(is_worked, "never worked")?;
                for gate in self.board.required_gates() {
                    let status = item.gates.get(&gate).map(|gate| gate.status.as_str());
                    rule(matches!(status, Some("passed" | "approved")), &format!("gate {gate} is {status:?}"))?;
                }
            }
            WorkItemStatus::Todo | WorkItemStatus::Rework | WorkItemStatus::Blocked => {
                rule(!is_open, "its run is open")?;
            }
            _ => {}
        }
        if to.is_final() && is_open {
            self.cancel(item.run.as_deref().unwrap_or_default())?;
        }
        self.board.edit(id, |item| {
            item.status = to;
            item.reason = reason.map(ToOwned::to_owned);
        });
        Ok(())
    }

    fn start(&mut self, work_item: Option<&str>, data: &Value) -> Result<(), String> {
        rule(data["prompt"].as_str().is_some_and(|prompt| !prompt.is_empty()), "a run needs a prompt")?;
        self.check_may_start()?;
        let attempt = match work_item {
            Some(id) => self.check_may_work(id)?,
            None => self.check_may_plan()?,
        };
        *self.run_number += 1;
        let run = format!("run_{:06}", self.run_number);
        self.board.count_up("usage/steps");
        self.board.put_run(RunRecord {
            id: run.clone(),
            work_item: work_item.map(ToOwned::to_owned),
            status: RunStatus::Queued,
            attempt,
            prompt: data["prompt"].as_str().unwrap_or_default().to_owned(),
            output: None,
        });
        if let Some(id) = work_item {
            self.board.edit(id, |item| {
                item.status = WorkItemStatus::InProgress;
                item.run = Some(run);
                item.gates.clear();
                item.reason = None;
            });
        }
        Ok(())
    }

    fn check_may_start(&self) -> Result<(), String> {
        let board = &self.board;
        rule(board.status == MissionStatus::Running, "the mission does not run")?;
        let within = |budget: &str, used: u64| board.budget(budget).is_none_or(|max| used < max);
        rule(within("max_steps", board.number("usage/steps")), "max_steps is used up")?;
        let tool_calls = board.number("usage/tool_calls");
        rule(board.budget("max_tool_calls").is_none_or(|max| tool_calls <= max), "max_tool_calls is used up")?;
        let elapsed = self.now_ms.saturating_sub(board.number("started_at_ms"));
        rule(board.budget("max_duration_ms").is_none_or(|max| elapsed <= max), "max_duration_ms is used up")?;
        rule(within("max_parallel_runs", board.open_run_ids().len() as u64), "max_parallel_runs is used up")
    }

    fn check_may_work(&self, id: &str) -> Result<u32, String> {
        let item = self.board.record(id).ok_or("no such item")?;
        rule(matches!(item.status, WorkItemStatus::Todo | WorkItemStatus::Rework), item.status.word())?;
        let is_done = |id: &String| self.board.record(id).is_some_and(|item| item.status == WorkItemStatus::Done);
        rule(item.depends_on().iter().all(is_done), "a dependency is not done")?;
        let max = self.board.budget("max_attempts");
        rule(max.is_none_or(|max| u64::from(item.attempts) < max), "max_attempts is used up")?;
        Ok(item.attempts + 1)
    }

    fn check_may_plan(&self) -> Result<u32, String> {
        let open = self.board.open_run_ids();
        let is_planner = |id: &String| self.board.run_record(id).is_some_and(|run| run.work_item.is_none());
        rule(!open.iter().any(is_planner), "a planner's run is open")?;
        Ok(u32::try_from(self.board.number("planner_attempts")).unwrap_or(u32::MAX).saturating_add(1))
    }

    fn cancel(&mut self, run: &str) -> Result<(), String> {
        let mut run = self.board.run_record(run).ok_or("no such run")?.clone();
        rule(!run.status.is_final(), "the run is over")?;
        run.status = RunStatus::Canceled;
        self.board.put_run(run);
        Ok(())
    }

    fn request_gate(&mut self, id: &str, gate: &str) -> Result<(), String> {
        let item = self.board.record(id).ok_or("no such item")?;
        rule(item.status.word() == gate, &format!("the item is {}", item.status.word()))?;
        let before = item.gates.get(gate);
        rule(before.is_none_or(|state| state.status != "pending"), "the gate is asked already")?;
        let evaluations = before.map_or(0, |state| state.evaluations) + 1;
        let state = GateRecord { status: "pending".to_owned(), verdict_id: None, evaluations };
        self.board.edit(id, |item| {
            item.gates.insert(gate.to_owned(), state);
        });
        self.effects.gates.push((id.to_owned(), gate.to_owned()));
        Ok(())
    }

    fn request_approval(&mut self, id: Option<&str>, kind: &str, data: &Value) -> Result<(), String> {
        let mut overridden = None;
        if kind == "gate" {
            let gate = data["gate"].as_str().ok_or("data.gate is missing")?;
            let verdict = data["verdict_id"].as_str().ok_or("data.verdict_id is missing")?;
            let item = id.and_then(|id| self.board.record(id)).ok_or("no such item")?;
            let waits = item
                .gates
                .get(gate)
                .is_some_and(|state| state.status == "needs_human" && state.verdict_id.as_deref() == Some(verdict));
            rule(waits, "that verdict asks for no person")?;
            overridden = Some(gate.to_owned());
        }
        self.effects.approvals.push(PendingApproval { work_item: id.map(ToOwned::to_owned), gate: overridden });
        Ok(())
    }

    fn move_mission(&mut self, to: MissionStatus, data: &Value) -> Result<(), String> {
        let from = self.board.status;
        rule(mission_moves(from).contains(&to), &format!("the mission is {}", from.word()))?;
        if let Some(phase) = data["phase"].as_str() {
            let place = |phase: &str| PHASES.iter().position(|known| *known == phase);
            rule(place(phase).is_some() && place(phase) >= place(&self.board.phase), "the phase cannot go back")?;
            phase.clone_into(&mut self.board.phase);
        }
        if to == MissionStatus::Succeeded {
            let is_done = self.board.count(WorkItemStatus::Done) == self.board.records().len();
            rule(is_done && self.board.open_run_ids().is_empty(), "something is not done")?;
        }
        if to == MissionStatus::Running && self.board.number("started_at_ms") == 0 {
            self.board.data.insert("started_at_ms".to_owned(), self.now_ms.into());
        }
        self.board.status = to;
        if to.is_final() {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        for run in self.board.open_run_ids() {
            self.cancel(&run)?;
        }
        let open: Vec<String> =
            self.board.records().iter().filter(|item| !item.status.is_final()).map(|item| item.id.clone()).collect();
        for id in open {
            self.board.edit(&id, |item| item.status = WorkItemStatus::Canceled);
        }
        Ok(())
    }
}

/// The phases, which only move forward.
const PHASES: [&str; 3] = ["planning", "working", "summarizing"];

/// Where an item may be moved; only `start-run` moves to `in-progress`.
fn item_moves(from: WorkItemStatus) -> &'static [WorkItemStatus] {
    use WorkItemStatus::{Blocked, Canceled, Done, Failed, InProgress, Review, Rework, Test, Todo};
    match from {
        Todo | Rework => &[Blocked, Failed, Canceled],
        InProgress => &[Todo, Blocked, Review, Test, Rework, Done, Failed, Canceled],
        Review => &[Blocked, Test, Rework, Done, Failed, Canceled],
        Test => &[Blocked, Review, Rework, Done, Failed, Canceled],
        Blocked => &[Todo, Review, Test, Rework, Done, Failed, Canceled],
        Done | Failed | Canceled => &[],
    }
}

fn mission_moves(from: MissionStatus) -> &'static [MissionStatus] {
    use MissionStatus::{Canceled, Draft, Failed, Paused, Running, Succeeded};
    match from {
        Draft => &[Running, Failed, Canceled],
        Running => &[Running, Paused, Succeeded, Failed, Canceled],
        Paused => &[Paused, Running, Failed, Canceled],
        Succeeded | Failed | Canceled => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(id: &str, status: WorkItemStatus) -> Command {
        Command::SetWorkItemStatus { work_item_id: id.to_owned(), status, reason: None }
    }

    fn start(id: Option<&str>) -> Command {
        Command::StartRun { work_item_id: id.map(ToOwned::to_owned), data: json!({"prompt": "Do it."}) }
    }

    fn mission(status: MissionStatus, data: Value) -> Command {
        Command::SetMissionStatus { status, data }
    }

    fn request(id: &str, gate: &str) -> Command {
        Command::RequestGate { work_item_id: id.to_owned(), gate: gate.to_owned() }
    }

    /// A running mission: `a` was worked and waits, `b` waits for `a`, `c` was never worked.
    fn board() -> MemoryBoard {
        let mut board = MemoryBoard::new()
            .with("budgets", json!({"max_parallel_runs": 1}))
            .item("a", &json!({"title": "A"}))
            .item("b", &json!({"title": "B", "depends_on": ["a"]}))
            .item("c", &json!({"title": "C"}));
        board.status = MissionStatus::Running;
        board.put_run(RunRecord {
            id: "run_a".to_owned(),
            work_item: Some("a".to_owned()),
            status: RunStatus::Succeeded,
            attempt: 1,
            prompt: String::new(),
            output: None,
        });
        board.edit("a", |item| {
            item.status = WorkItemStatus::InProgress;
            item.run = Some("run_a".to_owned());
            item.attempts = 1;
        });
        board
    }

    fn judged(commands: &[Command]) -> Result<MemoryBoard, String> {
        let mut board = board();
        apply(&mut board, commands, 1000, &mut 0).map(|_| board)
    }

    #[test]
    fn what_the_host_refuses_is_refused() {
        let cases = [
            (vec![set("a", WorkItemStatus::Done)], "gate review is None"),
            (vec![set("c", WorkItemStatus::Review)], "c is todo"),
            (vec![set("c", WorkItemStatus::InProgress)], "c is todo"),
            (vec![set("z", WorkItemStatus::Failed)], "no such item"),
            (vec![start(Some("b"))], "a dependency is not done"),
            (vec![start(Some("a"))], "in_progress"),
            (vec![start(Some("c")), start(None)], "max_parallel_runs"),
            (vec![request("a", "review")], "the item is in_progress"),
            (vec![set("a", WorkItemStatus::Review), request("a", "test")], "the item is review"),
            (
                vec![set("a", WorkItemStatus::Review), request("a", "review"), request("a", "review")],
                "the gate is asked already",
            ),
            (vec![mission(MissionStatus::Succeeded, json!({}))], "something is not done"),
            (vec![mission(MissionStatus::Draft, json!({}))], "the mission is running"),
            (vec![mission(MissionStatus::Failed, json!({})), set("c", WorkItemStatus::Failed)], "the mission is over"),
            (
                vec![
                    mission(MissionStatus::Running, json!({"phase": "working"})),
                    mission(MissionStatus::Running, json!({"phase": "planning"})),
                ],
                "the phase cannot go back",
            ),
            (vec![mission(MissionStatus::Paused, json!({})), start(Some("c"))], "the mission does not run"),
            (vec![Command::CancelRun { run_id: "run_a".to_owned(), reason: String::new() }], "the run is over"),
            (vec![Command::ScheduleTimer { key: "k".repeat(201), due_at_ms: 0, data: json!({}) }], "200 bytes"),
            (vec![Command::AddWorkItem { id: "a".to_owned(), data: json!({"title": "A"}) }], "the id is taken"),
            (
                vec![Command::AddWorkItem { id: "d".to_owned(), data: json!({"title": "D", "depends_on": ["z"]}) }],
                "a dependency is unknown",
            ),
            (
                vec![Command::RequestApproval {
                    work_item_id: Some("a".to_owned()),
                    kind: "gate".to_owned(),
                    summary: String::new(),
                    data: json!({"gate": "review", "verdict_id": "ver_1"}),
                }],
                "asks for no person",
            ),
        ];
        for (commands, expected) in cases {
            let refused = judged(&commands).err().unwrap_or_else(|| panic!("allowed: {commands:?}"));
            assert!(refused.contains(expected), "{commands:?}: {refused}");
        }
    }

    #[test]
    fn what_the_host_allows_is_carried_out() {
        let added = Command::AddWorkItem { id: "d".to_owned(), data: json!({"title": "D", "depends_on": ["a"]}) };
        let board =
            judged(&[set("a", WorkItemStatus::Review), request("a", "review"), start(Some("c")), added]).unwrap();
        assert_eq!(board.record("c").unwrap().status, WorkItemStatus::InProgress);
        assert_eq!(board.record("a").unwrap().gates["review"].status, "pending");
        assert_eq!((board.number("usage/steps"), board.open_run_ids().len()), (1, 1));

        let board = judged(&[start(Some("c")), mission(MissionStatus::Canceled, json!({}))]).unwrap();
        assert!(board.open_run_ids().is_empty());
        assert!(board.records().iter().all(|item| item.status == WorkItemStatus::Canceled));
    }
}
