//! Judges a reducer's commands and carries them out on the board.

use super::{Effects, IdSource, NewApproval, NewArtifact, NewEvaluation, NewRun, Refusal, Telling, moves};
use crate::domain::approval::{KIND_ACTION, KIND_PROMOTION};
use crate::domain::artifact::set_digest;
use crate::domain::board::{Board, BoardRun};
use crate::domain::command::Order;
use crate::domain::gate::{GateName, GateState, GateStatus};
use crate::domain::graph;
use crate::domain::id::{ApprovalId, ArtifactId, EvaluationId, RunId, WorkItemId};
use crate::domain::mission::{MissionStatus, Phase};
use crate::domain::run::{RunKind, RunStatus};
use crate::domain::time::Timestamp;
use crate::domain::work_item::{WorkItem, WorkItemSpec, WorkItemStatus};

/// Most runs of one mission that may be open at once, whatever its budgets say: what waits in its
/// inbox, and what a host holds of it in memory, stays bounded by this.
pub const OPEN_RUNS_MAX: usize = 1_000;

/// Longest key of a timer, in bytes.
pub const TIMER_KEY_MAX_BYTES: usize = 200;

/// Largest content a reducer may keep in one artifact, in bytes (8 MiB).
pub const REDUCER_ARTIFACT_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Carries `orders` out in order.
///
/// # Errors
/// The first illegal one, with its index. The board then holds the changes of those before it:
/// the caller rolls it back.
pub fn carry_out(
    board: &mut Board,
    orders: Vec<Order>,
    now: Timestamp,
    ids: &mut dyn IdSource,
) -> Result<Effects, Refusal> {
    let mut effects = Effects::default();
    for (index, order) in orders.into_iter().enumerate() {
        Step { board, effects: &mut effects, now, ids }.carry_out(order).map_err(|refusal| refusal.at(index))?;
    }
    Ok(effects)
}

/// Ends the mission by the host's own decision: its reducer cannot go on.
pub fn fail_mission(board: &mut Board, reason: String, now: Timestamp, ids: &mut dyn IdSource) -> Effects {
    let mut effects = Effects::default();
    Step { board, effects: &mut effects, now, ids }.move_mission(MissionStatus::Failed, Some(reason), None);
    effects
}

struct Step<'s> {
    board: &'s mut Board,
    effects: &'s mut Effects,
    now: Timestamp,
    ids: &'s mut dyn IdSource,
}

fn illegal(message: impl Into<String>) -> Refusal {
    Refusal::new("ILLEGAL_COMMAND", message)
}

fn over_budget(message: impl Into<String>) -> Refusal {
    Refusal::new("BUDGET_EXCEEDED", message)
}

impl Step<'_> {
    fn carry_out(&mut self, order: Order) -> Result<(), Refusal> {
        if self.board.mission().status.is_final() && !matches!(order, Order::EmitNotice { .. }) {
            return Err(illegal("an earlier command of this event ended the mission; nothing may follow"));
        }
        match order {
            Order::AddWorkItem(spec) => self.add_work_item(spec),
            Order::SetWorkItemStatus { work_item_id, status, reason } => {
                self.set_item_status(&work_item_id, status, reason)
            }
            Order::StartRun { work_item_id: Some(id), prompt, not_before } => {
                self.start_work_run(&id, prompt, not_before)
            }
            Order::StartRun { work_item_id: None, prompt, not_before } => self.start_planner_run(prompt, not_before),
            Order::CancelRun { run_id, reason } => self.cancel_run(&run_id, reason),
            Order::RequestGate { work_item_id, gate } => self.request_gate(&work_item_id, gate),
            Order::RequestApproval { .. } => self.request_approval(order),
            Order::PersistArtifact { name, kind, media_type, content } => {
                self.persist_artifact(name, kind, media_type, content)
            }
            Order::ScheduleTimer { key, due_at, data } => {
                if key.is_empty() || key.len() > TIMER_KEY_MAX_BYTES {
                    return Err(illegal(format!(
                        "a timer's key has 1 to {TIMER_KEY_MAX_BYTES} bytes, not {}",
                        key.len()
                    )));
                }
                self.effects.timers.push((key, due_at, data));
                Ok(())
            }
            Order::SetMissionStatus { status, reason, phase } => self.set_mission_status(status, reason, phase),
            Order::EmitNotice { kind, data } => {
                self.effects.tellings.push(Telling::Notice { kind, data });
                Ok(())
            }
        }
    }

    fn item(&self, id: &WorkItemId) -> Result<&WorkItem, Refusal> {
        self.board.item(id.as_str()).ok_or_else(|| illegal(format!("there is no work item `{id}` in this mission")))
    }

    fn add_work_item(&mut self, spec: WorkItemSpec) -> Result<(), Refusal> {
        graph::check(std::slice::from_ref(&spec), self.board.item_count(), |id| self.board.item(id.as_str()).is_some())
            .map_err(|error| illegal(error.to_string()))?;
        let position = u32::try_from(self.board.item_count()).map_err(|_| illegal("too many work items"))?;
        let mission = self.board.mission();
        let item = WorkItem::new(mission.workspace_id.clone(), mission.id.clone(), position, spec);
        self.effects.tellings.push(Telling::ItemAdded(item.spec.id.clone()));
        self.board.add_item(item);
        Ok(())
    }

    fn set_item_status(&mut self, id: &WorkItemId, to: WorkItemStatus, reason: Option<String>) -> Result<(), Refusal> {
        let item = self.item(id)?;
        let from = item.status;
        if !moves::of_item(from).contains(&to) {
            let hint = if to == WorkItemStatus::InProgress { "; start_run moves an item there" } else { "" };
            return Err(illegal(format!("work item `{id}` cannot go from {from} to {to}{hint}")));
        }
        match to {
            WorkItemStatus::Review => self.check_stage(item, GateName::Review)?,
            WorkItemStatus::Test => self.check_stage(item, GateName::Test)?,
            WorkItemStatus::Done => self.check_done(item)?,
            WorkItemStatus::Todo | WorkItemStatus::Rework | WorkItemStatus::Blocked => {
                if let Some(run) = self.open_run_of(item) {
                    return Err(illegal(format!(
                        "work item `{id}` cannot go to {to} while run `{}` is {}",
                        run.id, run.status
                    )));
                }
            }
            WorkItemStatus::Failed | WorkItemStatus::Canceled | WorkItemStatus::InProgress => {
                if let Some(run_id) = self.open_run_of(item).map(|run| run.id.clone()) {
                    self.withdraw(&run_id, format!("its work item is {to}"));
                }
            }
        }
        self.move_item(id, from, to, reason);
        Ok(())
    }

    fn open_run_of(&self, item: &WorkItem) -> Option<&BoardRun> {
        let run = self.board.run(item.run_id.as_ref()?.as_str())?;
        (!run.status.is_final()).then_some(run)
    }

    fn check_worked(&self, item: &WorkItem) -> Result<RunId, Refusal> {
        let run = item.run_id.as_ref().and_then(|id| self.board.run(id.as_str()));
        match run {
            Some(run) if run.status == RunStatus::Succeeded => Ok(run.id.clone()),
            Some(run) => Err(illegal(format!(
                "the last run of `{}` is {}; only what a succeeded run left can be judged",
                item.spec.id, run.status
            ))),
            None => Err(illegal(format!("work item `{}` was never worked", item.spec.id))),
        }
    }

    fn check_stage(&self, item: &WorkItem, gate: GateName) -> Result<(), Refusal> {
        if self.board.mission().bindings.gate(gate).is_none() {
            return Err(illegal(format!("this mission has no gate `{gate}`")));
        }
        self.check_worked(item).map(|_| ())
    }

    /// The rule the whole host stands for: done means that every required gate passed on
    /// exactly the artifacts the item has now.
    fn check_done(&self, item: &WorkItem) -> Result<(), Refusal> {
        self.check_worked(item)?;
        let present = set_digest(&item.artifacts);
        for gate in self.board.mission().bindings.gate_names() {
            let passed = item.gate(gate).is_some_and(|state| {
                matches!(state.status, GateStatus::Passed | GateStatus::Approved) && state.artifact_set == present
            });
            if !passed {
                let stands = item.gate(gate).map_or("never asked", |state| state.status.as_str());
                return Err(Refusal::new(
                    "GATE_NOT_PASSED",
                    format!(
                        "work item `{}` cannot be done: gate `{gate}` has not passed on its present artifacts ({stands})",
                        item.spec.id
                    ),
                ));
            }
        }
        Ok(())
    }

    fn move_item(&mut self, id: &WorkItemId, from: WorkItemStatus, to: WorkItemStatus, reason: Option<String>) {
        let mut unwanted = Vec::new();
        self.board.edit_item(id.as_str(), |item| {
            item.status = to;
            item.reason.clone_from(&reason);
            if matches!(to, WorkItemStatus::Rework | WorkItemStatus::Todo) || to.is_final() {
                // A gate that is no longer asked may be asked again, and its late answer is stale.
                item.gates.retain(|(_, state)| {
                    let waits = state.status == GateStatus::Pending;
                    if waits {
                        unwanted.push(state.evaluation_id.clone());
                    }
                    !waits
                });
            }
        });
        self.effects.canceled_evaluations.extend(unwanted);
        self.effects.tellings.push(Telling::ItemMoved { work_item_id: id.clone(), from, to, reason });
    }

    fn check_may_start(&self) -> Result<(), Refusal> {
        let mission = self.board.mission();
        if mission.status != MissionStatus::Running {
            return Err(illegal(format!("no run starts while the mission is {}", mission.status)));
        }
        if self.board.open_run_count() >= OPEN_RUNS_MAX {
            return Err(illegal(format!("{OPEN_RUNS_MAX} runs of this mission are open, and no more may be")));
        }
        let budgets = &mission.budgets;
        if let Some(max) = budgets.max_steps.filter(|max| mission.usage.steps >= *max) {
            return Err(over_budget(format!("budget `max_steps` of {max} is used up")));
        }
        if let Some(max) = budgets.max_tool_calls.filter(|max| mission.usage.tool_calls > *max) {
            return Err(over_budget(format!("budget `max_tool_calls` of {max} is used up")));
        }
        let elapsed = mission.started_at.map_or(0, |started| self.now.millis_since(started));
        if let Some(max) = budgets.max_duration_ms.filter(|max| elapsed > *max) {
            return Err(over_budget(format!("budget `max_duration_ms` of {max} is used up")));
        }
        if let Some(max) = budgets.max_parallel_runs.filter(|max| self.board.open_run_count() >= *max as usize) {
            return Err(over_budget(format!("budget `max_parallel_runs` of {max} is used up")));
        }
        Ok(())
    }

    fn start_work_run(
        &mut self,
        id: &WorkItemId,
        prompt: String,
        not_before: Option<Timestamp>,
    ) -> Result<(), Refusal> {
        self.check_may_start()?;
        let item = self.item(id)?;
        let from = item.status;
        if !matches!(from, WorkItemStatus::Todo | WorkItemStatus::Rework) {
            return Err(illegal(format!("work item `{id}` is {from}; a run starts from todo or rework")));
        }
        if !self.board.dependencies_done(id.as_str()) {
            return Err(illegal(format!("work item `{id}` waits for items that are not done")));
        }
        if let Some(max) = self.board.mission().budgets.max_attempts.filter(|max| item.attempts >= *max) {
            return Err(over_budget(format!("budget `max_attempts` of {max} is used up for work item `{id}`")));
        }
        let attempt = item.attempts + 1;
        let run_id = self.queue_run(Some(id.clone()), RunKind::Work, attempt, prompt, not_before);
        self.board.edit_item(id.as_str(), |item| {
            item.run_id = Some(run_id);
            item.gates.clear();
        });
        self.move_item(id, from, WorkItemStatus::InProgress, None);
        Ok(())
    }

    fn start_planner_run(&mut self, prompt: String, not_before: Option<Timestamp>) -> Result<(), Refusal> {
        self.check_may_start()?;
        let open = self.board.open_runs(usize::MAX);
        if open.iter().filter_map(|id| self.board.run(id.as_str())).any(|run| run.kind == RunKind::Planner) {
            return Err(illegal("a planner's run is open already"));
        }
        let attempt = self.board.mission().planner_attempts + 1;
        self.queue_run(None, RunKind::Planner, attempt, prompt, not_before);
        Ok(())
    }

    fn queue_run(
        &mut self,
        work_item_id: Option<WorkItemId>,
        kind: RunKind,
        attempt: u32,
        prompt: String,
        not_before: Option<Timestamp>,
    ) -> RunId {
        let id = RunId::new(self.ids.next_id(RunId::PREFIX));
        self.board.edit_mission(|mission| mission.usage.steps += 1);
        self.board.put_run(BoardRun {
            id: id.clone(),
            work_item_id: work_item_id.clone(),
            kind,
            attempt,
            status: RunStatus::Queued,
            summary: None,
            output: None,
            interruptions: 0,
            reason: None,
        });
        self.effects.runs.push(NewRun { id: id.clone(), work_item_id, kind, attempt, prompt, not_before });
        id
    }

    fn cancel_run(&mut self, run_id: &RunId, reason: String) -> Result<(), Refusal> {
        match self.board.run(run_id.as_str()) {
            Some(run) if !run.status.is_final() => {
                self.withdraw(run_id, reason);
                Ok(())
            }
            Some(run) => Err(illegal(format!("run `{run_id}` is {} already", run.status))),
            None => Err(illegal(format!("there is no open run `{run_id}` in this mission"))),
        }
    }

    /// A withdrawn run is over for the mission at once; what its worker still sends is stale.
    fn withdraw(&mut self, run_id: &RunId, reason: String) {
        let Some(run) = self.board.run(run_id.as_str()) else { return };
        let mut run = run.clone();
        run.status = RunStatus::Canceled;
        run.reason = Some(reason.clone());
        self.board.put_run(run);
        self.effects.canceled_runs.push((run_id.clone(), reason));
    }

    fn request_gate(&mut self, id: &WorkItemId, gate: GateName) -> Result<(), Refusal> {
        let item = self.item(id)?;
        let stage = match gate {
            GateName::Review => WorkItemStatus::Review,
            GateName::Test => WorkItemStatus::Test,
        };
        if item.status != stage {
            return Err(illegal(format!("work item `{id}` is {}; gate `{gate}` judges items in {stage}", item.status)));
        }
        self.check_stage(item, gate)?;
        let run_id = self.check_worked(item)?;
        let (attempt, artifact_set) = (item.attempts, set_digest(&item.artifacts));
        let earlier = item.gate(gate);
        if earlier.is_some_and(|state| state.status == GateStatus::Pending) {
            return Err(illegal(format!("gate `{gate}` of work item `{id}` is asked already")));
        }
        let evaluations = earlier.map_or(0, |state| state.evaluations) + 1;
        let evaluation_id = EvaluationId::new(self.ids.next_id(EvaluationId::PREFIX));
        let asked = GateState {
            status: GateStatus::Pending,
            evaluation_id: evaluation_id.clone(),
            verdict_id: None,
            artifact_set: artifact_set.clone(),
            evaluations,
        };
        self.board.edit_item(id.as_str(), |item| {
            item.gates.retain(|(name, _)| *name != gate);
            item.gates.push((gate, asked));
        });
        self.effects.evaluations.push(NewEvaluation {
            id: evaluation_id,
            work_item_id: id.clone(),
            run_id,
            gate,
            attempt,
            artifact_set,
        });
        Ok(())
    }

    fn request_approval(&mut self, order: Order) -> Result<(), Refusal> {
        let Order::RequestApproval { work_item_id, kind, summary, data, overrides } = order else { return Ok(()) };
        if kind == KIND_ACTION || kind == KIND_PROMOTION {
            return Err(illegal(format!(
                "approvals of kind `{kind}` are asked for by runs that would act, or have something promoted; a reducer's has another kind"
            )));
        }
        let item = work_item_id.as_ref().map(|id| self.item(id)).transpose()?;
        let mut artifact_set = None;
        if let Some((gate, verdict_id)) = &overrides {
            let waits = item.and_then(|item| item.gate(*gate)).filter(|state| {
                state.status == GateStatus::NeedsHuman && state.verdict_id.as_ref() == Some(verdict_id)
            });
            let Some(state) = waits else {
                return Err(illegal(format!("gate `{gate}` did not ask for a person with verdict `{verdict_id}`")));
            };
            artifact_set = Some(state.artifact_set.clone());
        }
        let id = ApprovalId::new(self.ids.next_id(ApprovalId::PREFIX));
        self.effects.approvals.push(NewApproval { id, work_item_id, kind, overrides, artifact_set, summary, data });
        Ok(())
    }

    fn persist_artifact(
        &mut self,
        name: String,
        kind: String,
        media_type: String,
        content: Vec<u8>,
    ) -> Result<(), Refusal> {
        if content.len() > REDUCER_ARTIFACT_MAX_BYTES {
            return Err(illegal(format!(
                "artifact `{name}` has {} bytes, over the {REDUCER_ARTIFACT_MAX_BYTES} a reducer may keep",
                content.len()
            )));
        }
        let id = ArtifactId::new(self.ids.next_id(ArtifactId::PREFIX));
        self.effects.artifacts.push(NewArtifact { id, name, kind, media_type, content });
        Ok(())
    }

    fn set_mission_status(
        &mut self,
        to: MissionStatus,
        reason: Option<String>,
        phase: Option<Phase>,
    ) -> Result<(), Refusal> {
        let mission = self.board.mission();
        let from = mission.status;
        if !moves::of_mission(from).contains(&to) {
            return Err(illegal(format!("the mission cannot go from {from} to {to}")));
        }
        if let Some(phase) = phase.filter(|phase| !moves::phase_may_change(mission.phase, *phase)) {
            return Err(illegal(format!("the mission's phase cannot go back from {} to {phase}", mission.phase)));
        }
        if to == MissionStatus::Succeeded {
            let unfinished = self.board.item_count() - self.board.count(WorkItemStatus::Done) as usize;
            if unfinished > 0 || self.board.open_run_count() > 0 {
                return Err(illegal(format!(
                    "the mission cannot succeed: {unfinished} work items are not done and {} runs are open",
                    self.board.open_run_count()
                )));
            }
        }
        self.move_mission(to, reason, phase);
        Ok(())
    }

    fn move_mission(&mut self, to: MissionStatus, reason: Option<String>, phase: Option<Phase>) {
        let from = self.board.mission().status;
        let now = self.now;
        self.board.edit_mission(|mission| {
            mission.status = to;
            mission.reason.clone_from(&reason);
            mission.phase = phase.unwrap_or(mission.phase);
            if to == MissionStatus::Running && mission.started_at.is_none() {
                mission.started_at = Some(now);
            }
        });
        if to.is_final() {
            self.close(to);
        }
        if from != to {
            self.effects.tellings.push(Telling::MissionMoved { from, to, reason });
        }
    }

    /// Nothing stays open in a mission that is over.
    fn close(&mut self, status: MissionStatus) {
        self.effects.closes_mission = true;
        let reason = format!("the mission is {status}");
        for run_id in self.board.open_runs(usize::MAX) {
            self.withdraw(&run_id, reason.clone());
        }
        for status in WorkItemStatus::ALL.iter().filter(|s| !s.is_final()) {
            for id in self.board.by_status(*status, None, usize::MAX) {
                self.move_item(&id, *status, WorkItemStatus::Canceled, Some(reason.clone()));
            }
        }
    }
}
