//! A whole mission in memory: the reducer is told what happens, and what it issues is applied.
//!
//! Owns the part of the host that makes facts: runs that finish, verdicts, answers, timers. Time
//! stands still until a test moves it. Never judges commands itself: `rules` does.

use super::board::{MemoryBoard, RunRecord};
use super::commands::RecordedCommands;
use super::rules::{self, PendingApproval};
use crate::mission::{Command, Event, Reducer, RunStatus};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// When a mission's clock starts, in Unix milliseconds.
const START_MS: u64 = 1_700_000_000_000;

/// A mission driven by reducer `R`. Each call that tells it something gives the commands the
/// reducer issued, or the sentence with which they or the event were refused; a refused event
/// changes nothing.
pub struct MemoryMission<R> {
    /// The board.
    pub board: MemoryBoard,
    /// The clock, in Unix milliseconds.
    pub now_ms: u64,
    /// Artifacts the reducer kept: name and content.
    pub artifacts: Vec<(String, Vec<u8>)>,
    timers: BTreeMap<String, (u64, Value)>,
    gates: Vec<(String, String)>,
    approvals: BTreeMap<String, PendingApproval>,
    run_number: u32,
    verdict_number: u32,
    approval_number: u32,
    seq: u64,
    reducer: PhantomData<R>,
}

/// What the reducer issued, or why that or the event was refused.
pub type Told = Result<Vec<Command>, String>;

impl<R: Reducer> MemoryMission<R> {
    /// Creates the mission of `board`, whose status is draft.
    ///
    /// # Errors
    ///
    /// The reducer's own error, or its first illegal command.
    pub fn create(board: MemoryBoard) -> Result<Self, String> {
        let mut mission = MemoryMission {
            board,
            now_ms: START_MS,
            artifacts: Vec::new(),
            timers: BTreeMap::new(),
            gates: Vec::new(),
            approvals: BTreeMap::new(),
            run_number: 0,
            verdict_number: 0,
            approval_number: 0,
            seq: 0,
            reducer: PhantomData,
        };
        let mut out = RecordedCommands::new();
        R::init(&mission.board, &mut out)?;
        mission.carry_out(&out.list)?;
        Ok(mission)
    }

    /// Tells an event about the mission as a whole, such as `mission_started`.
    pub fn tell(&mut self, kind: &str, data: &Value) -> Told {
        self.tell_about(kind, None, None, data, |_| {})
    }

    /// Tells that a tool call was seen.
    pub fn observe_tool(&mut self) -> Told {
        self.tell_about("tool_observed", None, None, &json!({"tool": "shell"}), |board| {
            board.count_up("usage/tool_calls");
        })
    }

    /// Ends an open run. `output` is the worker's answer in full.
    ///
    /// # Panics
    ///
    /// When there is no such run.
    pub fn finish_run(&mut self, id: &str, status: RunStatus, output: Option<&str>) -> Told {
        let mut run: RunRecord = self.board.run_record(id).cloned().unwrap_or_else(|| panic!("no run {id}"));
        run.status = status;
        run.output = output.map(ToOwned::to_owned);
        let data = json!({"status": status.word(), "output": output});
        let work_item = run.work_item.clone();
        self.tell_about("run_finished", work_item.as_deref(), Some(id), &data, |board| {
            let is_attempt = status != RunStatus::Canceled;
            match &run.work_item {
                Some(item) => board.edit(item, |item| item.attempts += u32::from(is_attempt)),
                None if is_attempt => board.count_up("planner_attempts"),
                None => {}
            }
            board.put_run(run);
        })
    }

    /// Answers a gate that was asked: `pass`, `fail`, `needs_human` or `error`.
    pub fn give_verdict(&mut self, id: &str, gate: &str, outcome: &str, summary: &str) -> Told {
        self.verdict_number += 1;
        let verdict = format!("ver_{}", self.verdict_number);
        let status = match outcome {
            "pass" => "passed",
            "fail" => "failed",
            other => other,
        };
        let data = json!({"gate": gate, "outcome": outcome, "verdict_id": verdict, "summary": summary});
        self.gates.retain(|(item, name)| item != id || name != gate);
        self.tell_about("gate_verdict", Some(id), None, &data, |board| {
            board.edit(id, |item| {
                if let Some(state) = item.gates.get_mut(gate) {
                    status.clone_into(&mut state.status);
                    state.verdict_id = Some(verdict);
                }
            });
        })
    }

    /// Answers an approval: `approval_granted`, `approval_denied` or `approval_expired`.
    ///
    /// # Panics
    ///
    /// When there is no such approval.
    pub fn answer(&mut self, approval: &str, kind: &str) -> Told {
        let pending = self.approvals.remove(approval).unwrap_or_else(|| panic!("no approval {approval}"));
        let gate = pending.gate;
        let data = json!({"approval_id": approval, "gate": gate, "reason": "as asked"});
        let item = pending.work_item;
        self.tell_about(kind, item.as_deref(), None, &data, |board| {
            if let (true, Some(id), Some(gate)) = (kind == "approval_granted", item.as_deref(), &gate) {
                board.edit(id, |item| {
                    if let Some(state) = item.gates.get_mut(gate) {
                        "approved".clone_into(&mut state.status);
                    }
                });
            }
        })
    }

    /// Fires the timer, moving the clock to when it is due.
    ///
    /// # Panics
    ///
    /// When there is no such timer.
    pub fn fire_timer(&mut self, key: &str) -> Told {
        let (due_at_ms, data) = self.timers.remove(key).unwrap_or_else(|| panic!("no timer {key}"));
        self.now_ms = self.now_ms.max(due_at_ms);
        self.tell_about("timer_fired", None, None, &json!({"key": key, "data": data}), |_| {})
    }

    /// Timers that wait: key and when they are due.
    pub fn timers(&self) -> Vec<(String, u64)> {
        self.timers.iter().map(|(key, (due_at_ms, _))| (key.clone(), *due_at_ms)).collect()
    }

    /// Gates that were asked and have not answered: item and gate.
    pub fn pending_gates(&self) -> &[(String, String)] {
        &self.gates
    }

    /// Approvals that nobody has answered.
    pub fn pending_approvals(&self) -> Vec<String> {
        self.approvals.keys().cloned().collect()
    }

    /// The open run of an item.
    pub fn open_run_of(&self, id: &str) -> Option<String> {
        let run = self.board.record(id)?.run.clone()?;
        self.board.run_record(&run).is_some_and(|run| !run.status.is_final()).then_some(run)
    }

    /// The open planner's run.
    pub fn open_planner_run(&self) -> Option<String> {
        let is_planner = |id: &String| self.board.run_record(id).is_some_and(|run| run.work_item.is_none());
        self.board.open_run_ids().into_iter().find(is_planner)
    }

    fn tell_about(
        &mut self,
        kind: &str,
        work_item: Option<&str>,
        run: Option<&str>,
        data: &Value,
        fact: impl FnOnce(&mut MemoryBoard),
    ) -> Told {
        if self.board.status.is_final() {
            return Err(format!("the mission is {}", self.board.status.word()));
        }
        let before = self.board.clone();
        fact(&mut self.board);
        let event = Event {
            seq: self.seq + 1,
            occurred_at: self.now_ms,
            kind: kind.to_owned(),
            work_item: work_item.map(ToOwned::to_owned),
            run: run.map(ToOwned::to_owned),
            data: data.to_string(),
        };
        let mut out = RecordedCommands::new();
        let told = R::on_event(&event, &self.board, &mut out).and_then(|()| self.carry_out(&out.list));
        match told {
            Ok(()) => {
                self.seq += 1;
                Ok(out.list)
            }
            Err(why) => {
                self.board = before;
                Err(why)
            }
        }
    }

    fn carry_out(&mut self, commands: &[Command]) -> Result<(), String> {
        let mut run_number = self.run_number;
        let effects = rules::apply(&mut self.board, commands, self.now_ms, &mut run_number)?;
        self.run_number = run_number;
        for (key, due_at_ms, data) in effects.timers {
            self.timers.insert(key, (due_at_ms, data));
        }
        self.gates.extend(effects.gates);
        for approval in effects.approvals {
            self.approval_number += 1;
            self.approvals.insert(format!("apr_{}", self.approval_number), approval);
        }
        // An item that left a stage is no longer judged there.
        let board = &self.board;
        self.gates.retain(|(id, gate)| board.record(id).is_some_and(|item| item.status.word() == gate));
        self.artifacts.extend(effects.artifacts);
        if self.board.status.is_final() {
            self.timers.clear();
            self.gates.clear();
            self.approvals.clear();
        }
        Ok(())
    }
}
