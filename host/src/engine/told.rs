//! Writes the events of the log: what the world is told of a change, in the contract's words.

use serde_json::{Value, json};

use super::Engine;
use super::advance::Outcome;
use crate::domain::approval::{Approval, ApprovalStatus};
use crate::domain::board::Board;
use crate::domain::event::NewLogEvent;
use crate::domain::event_type::EventType;
use crate::domain::gate::{self, Verdict};
use crate::domain::id::{EventId, MissionId, RunId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::mission::{Mission, MissionStatus};
use crate::domain::rules::{NewEvaluation, Telling};
use crate::domain::run::{Run, RunHead};
use crate::domain::time::Timestamp;
use crate::domain::webhook::{self, Delivery};
use crate::domain::work_item::WorkItemStatus;
use crate::policy::{Action, Asker, Denial, SideEffect};
use crate::wire;

/// Collects the events of one unit of work.
pub(super) struct LogWriter<'e> {
    engine: &'e Engine,
    workspace_id: WorkspaceId,
    mission_id: Option<MissionId>,
    actor: String,
    now: Timestamp,
    status: MissionStatus,
    revision: u64,
    events: Vec<NewLogEvent>,
}

impl<'e> LogWriter<'e> {
    pub(super) fn new(engine: &'e Engine, mission: &Mission, actor: &str, now: Timestamp) -> Self {
        Self {
            engine,
            workspace_id: mission.workspace_id.clone(),
            mission_id: Some(mission.id.clone()),
            actor: actor.to_owned(),
            now,
            status: mission.status,
            revision: mission.revision,
            events: Vec::new(),
        }
    }

    /// For what happens to a run or an approval while its mission's header is not at hand.
    pub(super) fn of_mission(
        engine: &'e Engine,
        workspace_id: &WorkspaceId,
        mission_id: &MissionId,
        actor: &str,
        now: Timestamp,
    ) -> Self {
        Self::of_workspace(engine, workspace_id, Some(mission_id), actor, now)
    }

    /// For what may belong to no mission at all.
    pub(super) fn of_workspace(
        engine: &'e Engine,
        workspace_id: &WorkspaceId,
        mission_id: Option<&MissionId>,
        actor: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            engine,
            workspace_id: workspace_id.clone(),
            mission_id: mission_id.cloned(),
            actor: actor.to_owned(),
            now,
            status: MissionStatus::Running,
            revision: 0,
            events: Vec::new(),
        }
    }

    pub(super) fn into_events(self) -> Vec<NewLogEvent> {
        self.events
    }

    fn mission(&self) -> Option<&str> {
        self.mission_id.as_ref().map(MissionId::as_str)
    }

    fn push(&mut self, event_type: EventType, about: Option<(&RunId, &str)>, properties: &Value) {
        self.events.push(NewLogEvent {
            event_id: EventId::new(self.engine.new_id(EventId::PREFIX)),
            event_type: event_type.as_str().to_owned(),
            workspace_id: self.workspace_id.clone(),
            session_id: about.map(|(_, session)| session.to_owned()),
            run_id: about.map(|(run_id, _)| run_id.clone()),
            mission_id: self.mission_id.clone(),
            resource_key: None,
            actor: self.actor.clone(),
            occurred_at: self.now,
            properties: wire::json_of(properties),
        });
    }

    pub(super) fn plugin(&mut self, event: EventType, properties: &Value) {
        self.push(event, None, properties);
    }

    pub(super) fn policy_updated(&mut self, properties: &Value) {
        self.push(EventType::PolicyUpdated, None, properties);
    }

    pub(super) fn policy_denied(&mut self, properties: &Value) {
        self.push(EventType::PolicyDenied, None, properties);
    }

    /// What would have been denied to a run or a routine, were policies not only observed.
    pub(super) fn side_effect_observed(&mut self, asker: &Asker, effect: &SideEffect, denial: &Denial) {
        let role = if matches!(asker, Asker::Routine { .. }) { "routine" } else { "run token" };
        let properties = json!({
            "principal": asker.name(),
            "role": role,
            "action": Action::ConnectorCall.name(),
            "resource": format!("connector/{}.{}", effect.connector, effect.action),
            "reason": denial.reason.as_str(),
            "detail": denial.to_string(),
            "policy_ids": denial.policies,
            "needed": denial.needed,
            "observed": true,
            "repeated": 0,
        });
        self.push(EventType::PolicyDenied, None, &properties);
    }

    pub(super) fn mission_created(&mut self, work_item_count: usize) {
        let properties = json!({"mission_id": self.mission(), "work_item_count": work_item_count});
        self.push(EventType::MissionCreated, None, &properties);
    }

    /// Every event of a mission's history ends with this one; a refused one says so.
    pub(super) fn mission_updated(&mut self, outcome: &Outcome) {
        let mut properties = json!({
            "mission_id": self.mission(),
            "revision": self.revision,
            "status": self.status.as_str(),
            "command_count": outcome.commands.len(),
        });
        if let Some(refusal) = &outcome.refusal {
            properties["refused"] = json!({
                "event": outcome.entry.kind.as_str(),
                "seq": outcome.entry.seq,
                "code": refusal.code,
                "message": refusal.message,
                "command_index": refusal.command_index,
            });
        }
        self.push(EventType::MissionUpdated, None, &properties);
    }

    pub(super) fn tell(&mut self, board: &Board, tellings: &[Telling]) {
        for telling in tellings {
            match telling {
                Telling::ItemAdded(work_item_id) => {
                    let properties = json!({
                        "mission_id": self.mission(),
                        "work_item_id": work_item_id.as_str(),
                        "from": Value::Null,
                        "to": WorkItemStatus::Todo.as_str(),
                    });
                    self.push(EventType::WorkItemUpdated, None, &properties);
                }
                Telling::ItemMoved { work_item_id, from, to, reason } => {
                    self.item_moved(work_item_id.as_str(), *from, *to, reason.as_deref(), board);
                }
                Telling::MissionMoved { to, reason, .. } => self.mission_moved(*to, reason.as_deref()),
                Telling::Notice { kind, data } => {
                    let data: Value = serde_json::from_str(data.as_str()).unwrap_or_default();
                    let properties = json!({"mission_id": self.mission(), "kind": kind, "data": data});
                    self.push(EventType::MissionNotice, None, &properties);
                }
            }
        }
    }

    fn item_moved(&mut self, id: &str, from: WorkItemStatus, to: WorkItemStatus, reason: Option<&str>, board: &Board) {
        let mission_id = self.mission_id.clone();
        let mission = mission_id.as_ref().map(MissionId::as_str);
        let mut properties =
            json!({"mission_id": mission, "work_item_id": id, "from": from.as_str(), "to": to.as_str()});
        if let Some(reason) = reason {
            properties["reason"] = json!(reason);
        }
        self.push(EventType::WorkItemUpdated, None, &properties);
        match to {
            WorkItemStatus::Rework => {
                let gate = match from {
                    WorkItemStatus::Review => Some("review"),
                    WorkItemStatus::Test => Some("test"),
                    _ => None,
                };
                let properties = json!({"mission_id": mission, "work_item_id": id, "gate": gate, "reason": reason});
                self.push(EventType::WorkItemReworkRequested, None, &properties);
            }
            WorkItemStatus::Done => {
                let attempts = board.item(id).map_or(0, |item| item.attempts);
                let properties = json!({"mission_id": mission, "work_item_id": id, "attempts": attempts});
                self.push(EventType::WorkItemCompleted, None, &properties);
            }
            _ => {}
        }
    }

    fn mission_moved(&mut self, to: MissionStatus, reason: Option<&str>) {
        let event_type = match to {
            MissionStatus::Succeeded => EventType::MissionCompleted,
            MissionStatus::Failed => EventType::MissionFailed,
            MissionStatus::Canceled => EventType::MissionCanceled,
            MissionStatus::Draft | MissionStatus::Running | MissionStatus::Paused => return,
        };
        let mut properties = json!({"mission_id": self.mission(), "status": to.as_str()});
        if let Some(reason) = reason {
            properties["reason"] = json!(reason);
        }
        self.push(event_type, None, &properties);
    }

    pub(super) fn run_queued(&mut self, run: &Run) {
        self.run_event(EventType::RunQueued, run, json!({}));
    }

    /// `left` is the session it belonged to before, when that was another one.
    pub(super) fn run_claimed(&mut self, run: &Run, worker: &str, left: Option<&str>) {
        let mut properties = json!({"worker": worker});
        if let Some(left) = left {
            properties["left_session_id"] = json!(left);
        }
        self.run_event(EventType::RunClaimed, run, properties);
    }

    pub(super) fn run_started(&mut self, run: &Run) {
        self.run_event(EventType::RunStarted, run, json!({}));
    }

    pub(super) fn run_interrupted(&mut self, run: &Run, reason: &str) {
        self.run_event(EventType::RunInterrupted, run, json!({"reason": reason, "interruptions": run.interruptions}));
    }

    pub(super) fn run_finished(&mut self, run: &Run) {
        self.run_event(EventType::RunFinished, run, json!({"summary": run.summary}));
    }

    pub(super) fn run_progressed(&mut self, run: &RunHead, progress: &Json) {
        let properties = json!({
            "session_id": run.session(),
            "run_id": run.id.as_str(),
            "status": run.status.as_str(),
            "mission_id": run.mission_id.as_str(),
            "work_item_id": run.work_item_id.as_ref().map(ToString::to_string),
            "kind": run.kind.as_str(),
            "attempt": run.attempt,
            "progress": wire::value_of(progress),
        });
        self.push(EventType::RunProgress, Some((&run.id, run.session())), &properties);
    }

    fn run_event(&mut self, event_type: EventType, run: &Run, mut properties: Value) {
        properties["session_id"] = json!(run.session());
        properties["run_id"] = json!(run.id.as_str());
        properties["status"] = json!(run.status.as_str());
        properties["mission_id"] = json!(run.mission_id.as_str());
        properties["work_item_id"] = json!(run.work_item_id.as_ref().map(ToString::to_string));
        properties["kind"] = json!(run.kind.as_str());
        properties["attempt"] = json!(run.attempt);
        self.push(event_type, Some((&run.id, run.session())), &properties);
    }

    pub(super) fn part_updated(&mut self, run: &Run, part: &Value) {
        let properties = json!({"session_id": run.session(), "run_id": run.id.as_str(), "part": part});
        self.push(EventType::PartUpdated, Some((&run.id, run.session())), &properties);
    }

    /// `session` is that of the run under judgement.
    pub(super) fn gate_requested(&mut self, board: &Board, new: &NewEvaluation, session: &str) {
        let Some(binding) = board.mission().bindings.gate(new.gate) else { return };
        let properties = json!({
            "mission_id": self.mission(),
            "work_item_id": new.work_item_id.as_str(),
            "gate": new.gate.as_str(),
            "plugin": binding.label(),
            "digest": binding.digest.as_str(),
            "attempt": new.attempt,
            "finding_count": 0,
        });
        self.push(EventType::GateRequested, Some((&new.run_id, session)), &properties);
    }

    /// `session` is that of the run under judgement.
    pub(super) fn gate_answered(&mut self, verdict: &Verdict, session: &str) {
        let event_type = match verdict.outcome {
            gate::Outcome::Pass => EventType::GatePassed,
            gate::Outcome::Fail => EventType::GateFailed,
            gate::Outcome::NeedsHuman => EventType::GateNeedsHuman,
            gate::Outcome::Error => EventType::GateError,
        };
        let properties = json!({
            "mission_id": self.mission(),
            "work_item_id": verdict.work_item_id.as_str(),
            "gate": verdict.gate.as_str(),
            "plugin": verdict.plugin,
            "digest": verdict.plugin_digest.as_str(),
            "finding_count": verdict.findings.len(),
            "attempt": verdict.attempt,
            "verdict_id": verdict.id.as_str(),
            "summary": verdict.summary,
        });
        self.push(event_type, Some((&verdict.run_id, session)), &properties);
    }

    /// A delivery was taken or given up. Neither its body nor its address is told: everybody of the workspace reads
    /// the log. `run` is the one that asked.
    pub(super) fn delivery_over(&mut self, event: EventType, delivery: &Delivery, run: Option<&Run>) {
        let properties = json!({
            "delivery_id": delivery.id.as_str(),
            "mission_id": self.mission(),
            "work_item_id": delivery.work_item_id.as_ref().map(ToString::to_string),
            "run_id": delivery.run_id.as_str(),
            "connector": webhook::CONNECTOR,
            "action": webhook::ACTION,
            "endpoint": delivery.endpoint,
            "attempts": delivery.attempts,
            "status": delivery.last_status,
            "reason": delivery.last_error,
            "approval_id": delivery.approval_id.as_ref().map(ToString::to_string),
        });
        self.push(event, run.map(|run| (&run.id, run.session())), &properties);
    }

    pub(super) fn approval_requested(&mut self, approval: &Approval) {
        self.approval_event(EventType::ApprovalRequested, approval);
    }

    pub(super) fn approval_decided(&mut self, approval: &Approval) {
        let event_type = match approval.status {
            ApprovalStatus::Pending => return,
            ApprovalStatus::Granted => EventType::ApprovalGranted,
            ApprovalStatus::Denied => EventType::ApprovalDenied,
            ApprovalStatus::Expired => EventType::ApprovalExpired,
        };
        self.approval_event(event_type, approval);
    }

    fn approval_event(&mut self, event_type: EventType, approval: &Approval) {
        let properties = json!({
            "approval_id": approval.id.as_str(),
            "kind": approval.kind,
            "summary": approval.summary,
            "mission_id": approval.mission_id.as_ref().map(MissionId::as_str),
            "work_item_id": approval.work_item_id.as_ref().map(ToString::to_string),
            "gate": approval.gate.map(gate::GateName::as_str),
            "reason": approval.reason,
        });
        self.push(event_type, None, &properties);
    }
}
