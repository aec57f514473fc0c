//! Turns what an event led to into one unit of work.

use serde_json::json;

use super::actions::approval_entry;
use super::advance::Outcome;
use super::error::conflict_or_storage;
use super::told::LogWriter;
use super::{Engine, EngineError};
use crate::domain::approval::{Approval, ApprovalStatus};
use crate::domain::artifact::{Artifact, Digest};
use crate::domain::board::Board;
use crate::domain::event::Input;
use crate::domain::gate::{Evaluation, EvaluationStatus, GateName};
use crate::domain::id::EvaluationId;
use crate::domain::json::Json;
use crate::domain::rules::{NewApproval, NewArtifact, NewEvaluation, NewRun, Telling};
use crate::domain::run::{Run, RunHead, RunKind, RunStatus};
use crate::domain::time::Timestamp;
use crate::domain::timer::Timer;
use crate::store::{Guard, Unit, Write};
use crate::wire;

/// Most questions closed with a mission; one for each work item.
const OPEN_ROWS_MAX: u32 = 10_000;

impl Engine {
    /// The unit for one event. The board holds its changes since `begin`.
    pub(super) async fn unit_of(
        &self,
        board: &Board,
        input: &Input,
        from_inbox: bool,
        outcome: &Outcome,
    ) -> Result<Unit, EngineError> {
        let mission = board.mission();
        let mut unit = Unit::default();
        unit.guards.push(Guard::mission(&mission.id, Some(mission.revision - 1)));
        if from_inbox {
            unit.guards.push(Guard::input(&input.id, true));
            unit.writes.push(Write::DeleteInput(input.id.clone()));
        }
        unit.writes.push(Write::Mission(mission.clone()));
        unit.writes.extend(board.changes().items.into_iter().map(Write::WorkItem));
        unit.writes.push(Write::History(outcome.entry.clone()));

        let mut log = LogWriter::new(self, mission, &input.actor, input.occurred_at);
        let effects = &outcome.effects;
        for new in &effects.runs {
            let run = queued_run(board, new, input.occurred_at);
            log.run_queued(&run);
            unit.guards.push(Guard::run(&run.id, None));
            unit.writes.push(Write::Run(run));
        }
        for (run_id, reason) in &effects.canceled_runs {
            if let Some(run) = self.parts.store.run(run_id).await? {
                unit.guards.push(Guard::run(run_id, Some(run.revision)));
                let was_queued = run.status == RunStatus::Queued;
                let withdrawn = withdrawn_run(run, reason, input.occurred_at);
                if was_queued {
                    log.run_finished(&withdrawn);
                }
                unit.writes.push(Write::Run(withdrawn));
            }
        }
        for new in &effects.evaluations {
            let run = self.parts.store.run_heads(std::slice::from_ref(&new.run_id)).await?.pop();
            log.gate_requested(board, new, run.as_ref().map_or(new.run_id.as_str(), RunHead::session));
            unit.writes.push(Write::Evaluation(evaluation_of(board, new, input.occurred_at)));
        }
        for new in &effects.approvals {
            let approval = self.approval_of(board, new, input.occurred_at).await?;
            log.approval_requested(&approval);
            unit.writes.push(Write::Approval(approval));
        }
        for new in &effects.artifacts {
            unit.writes.push(Write::Artifact(self.kept_artifact(board, new, input.occurred_at).await?));
        }
        for (key, due_at, data) in &effects.timers {
            unit.writes.push(Write::Timer(Timer {
                workspace_id: mission.workspace_id.clone(),
                mission_id: mission.id.clone(),
                key: key.clone(),
                due_at: *due_at,
                data: data.clone(),
                revision: outcome.entry.seq + 1,
            }));
        }
        self.cancel_evaluations(&mut unit, board, outcome).await?;
        if effects.closes_mission {
            self.close_questions(&mut unit, &mut log, board, input.occurred_at).await?;
        }
        if effects.tellings.iter().any(|telling| matches!(telling, Telling::MissionMoved { .. })) {
            self.follow_mission(&mut unit, mission, input).await?;
        }
        log.tell(board, &effects.tellings);
        log.mission_updated(outcome);
        unit.events = log.into_events();
        Ok(unit)
    }

    async fn kept_artifact(&self, board: &Board, new: &NewArtifact, now: Timestamp) -> Result<Artifact, EngineError> {
        let digest = self.parts.store.put_blob(&new.content).await?;
        Ok(Artifact {
            workspace_id: board.mission().workspace_id.clone(),
            id: new.id.clone(),
            mission_id: board.mission().id.clone(),
            work_item_id: None,
            run_id: None,
            kind: new.kind.clone(),
            name: new.name.clone(),
            media_type: new.media_type.clone(),
            size: new.content.len() as u64,
            digest,
            created_at: now,
        })
    }

    /// Requests nobody waits for any more: those named, or all of a mission that ended.
    async fn cancel_evaluations(&self, unit: &mut Unit, board: &Board, outcome: &Outcome) -> Result<(), EngineError> {
        let named: &[EvaluationId] = &outcome.effects.canceled_evaluations;
        if named.is_empty() && !outcome.effects.closes_mission {
            return Ok(());
        }
        for mut evaluation in self.parts.store.evaluations_of(&board.mission().id).await? {
            if !outcome.effects.closes_mission && !named.contains(&evaluation.id) {
                continue;
            }
            unit.guards.push(Guard::evaluation(&evaluation.id, Some(evaluation.revision)));
            evaluation.status = EvaluationStatus::Canceled;
            evaluation.revision += 1;
            unit.writes.push(Write::Evaluation(evaluation));
        }
        Ok(())
    }

    /// Nobody needs to answer for a mission that ended, and none of its timers fires.
    async fn close_questions(
        &self,
        unit: &mut Unit,
        log: &mut LogWriter<'_>,
        board: &Board,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mission = board.mission();
        let pending = Some(ApprovalStatus::Pending);
        let approvals =
            self.parts.store.approvals(&mission.workspace_id, Some(&mission.id), pending, None, OPEN_ROWS_MAX).await?;
        for mut approval in approvals {
            unit.guards.push(Guard::approval(&approval.id, Some(approval.revision)));
            approval.status = ApprovalStatus::Expired;
            approval.reason = Some(format!("the mission is {}", mission.status));
            approval.decided_at = Some(now);
            approval.revision += 1;
            log.approval_decided(&approval);
            unit.audit.push(approval_entry(&approval, "approval.expired", "system.approvals", now));
            unit.writes.push(Write::Approval(approval));
        }
        for timer in self.parts.store.timers(&mission.id).await? {
            unit.writes.push(Write::DeleteTimer(timer.mission_id, timer.key));
        }
        Ok(())
    }

    /// A question of a reducer. Bound to what it is about: the artifacts that were judged, or what
    /// the reducer says; the work's attempt; whose work it is; until when an answer counts.
    async fn approval_of(&self, board: &Board, new: &NewApproval, now: Timestamp) -> Result<Approval, EngineError> {
        let mission = board.mission();
        let run_id = new.work_item_id.as_ref().and_then(|id| board.item(id.as_str())?.run_id.clone());
        let run = match &run_id {
            Some(run_id) => self.parts.store.run(run_id).await?,
            None => None,
        };
        let requested_by = run.and_then(|run| run.worked_by).unwrap_or_else(|| "system.missions".to_owned());
        let data = wire::value_of(&new.data);
        let described = format!("{}\0{}\0{}", new.kind, new.summary, wire::canonical_json(&data).as_str());
        let subject = new.artifact_set.clone().unwrap_or_else(|| Digest::of(described.as_bytes()));
        let expires_at = now.plus_millis(self.parts.options.approval_ttl_ms);
        let gate = new.overrides.as_ref().map(|(gate, _)| *gate);
        let content = wire::canonical_json(&json!({
            "kind": new.kind,
            "summary": new.summary,
            "data": data,
            "mission_id": mission.id.as_str(),
            "target": {
                "work_item_id": new.work_item_id.as_ref().map(ToString::to_string),
                "attempt": new.work_item_id.as_ref().and_then(|id| board.item(id.as_str())).map(|item| item.attempts),
                "gate": gate.map(GateName::as_str),
                "subject": subject.as_str(),
            },
            "requested_by": requested_by,
            "expires_at_ms": expires_at.as_millis(),
        }));
        Ok(Approval {
            workspace_id: mission.workspace_id.clone(),
            id: new.id.clone(),
            mission_id: Some(mission.id.clone()),
            work_item_id: new.work_item_id.clone(),
            kind: new.kind.clone(),
            gate,
            verdict_id: new.overrides.as_ref().map(|(_, verdict_id)| verdict_id.clone()),
            subject,
            requested_by,
            run_id,
            content_digest: Digest::of(content.as_str().as_bytes()),
            content,
            used_at: None,
            summary: new.summary.clone(),
            data: new.data.clone(),
            status: ApprovalStatus::Pending,
            decided_by: None,
            reason: None,
            requested_at: now,
            decided_at: None,
            expires_at: Some(expires_at),
            revision: 1,
        })
    }

    /// Takes an input out of the inbox of a mission that ended.
    pub(super) async fn drop_input(&self, input: &Input) -> Result<(), EngineError> {
        let unit = Unit {
            guards: vec![Guard::input(&input.id, true)],
            writes: vec![Write::DeleteInput(input.id.clone())],
            ..Unit::default()
        };
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        Ok(())
    }
}

fn queued_run(board: &Board, new: &NewRun, now: Timestamp) -> Run {
    let spec = new.work_item_id.as_ref().and_then(|id| board.item(id.as_str())).map(|item| &item.spec);
    let action = match new.kind {
        RunKind::Work => spec.and_then(|spec| spec.action.clone()),
        RunKind::Planner => planner_action(board),
    };
    // The whole unit lands or none of it, so a run that was withdrawn by a later command of the
    // same event is written as what it became.
    let status = board.run(new.id.as_str()).map_or(RunStatus::Queued, |run| run.status);
    Run {
        workspace_id: board.mission().workspace_id.clone(),
        id: new.id.clone(),
        mission_id: board.mission().id.clone(),
        work_item_id: new.work_item_id.clone(),
        session_id: None,
        worked_by: None,
        token_digest: None,
        kind: new.kind,
        attempt: new.attempt,
        status,
        prompt: new.prompt.clone(),
        assigned_agent: spec.and_then(|spec| spec.assigned_agent.clone()),
        skills: spec.map(|spec| spec.skills.clone()).unwrap_or_default(),
        action,
        not_before: new.not_before,
        lease: None,
        fence: 0,
        interruptions: 0,
        cancel_requested: false,
        summary: None,
        output: None,
        artifacts: Vec::new(),
        queued_at: now,
        started_at: None,
        finished_at: None,
        revision: 1,
    }
}

/// How a worker plans, when the mission's author said so in `metadata.planner.action`.
fn planner_action(board: &Board) -> Option<Json> {
    let metadata: serde_json::Value = serde_json::from_str(board.mission().metadata.as_str()).ok()?;
    metadata.pointer("/planner/action").map(wire::json_of)
}

/// A queued run is over; a running one's worker is told to stop; one that has ended and whose
/// mission does not know yet is marked, so that its end is not taken for news.
fn withdrawn_run(mut run: Run, reason: &str, now: Timestamp) -> Run {
    run.revision += 1;
    run.cancel_requested = true;
    if run.status == RunStatus::Queued {
        run.status = RunStatus::Canceled;
        run.summary = Some(reason.to_owned());
        run.finished_at = Some(now);
    }
    run
}

fn evaluation_of(board: &Board, new: &NewEvaluation, now: Timestamp) -> Evaluation {
    Evaluation {
        workspace_id: board.mission().workspace_id.clone(),
        id: new.id.clone(),
        mission_id: board.mission().id.clone(),
        work_item_id: new.work_item_id.clone(),
        run_id: new.run_id.clone(),
        gate: new.gate,
        attempt: new.attempt,
        artifact_set: new.artifact_set.clone(),
        status: EvaluationStatus::Pending,
        host_faults: 0,
        not_before: None,
        requested_at: now,
        revision: 1,
    }
}
