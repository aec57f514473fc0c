//! Enters what an event tells into the board, before the reducer is asked.

use super::{Refusal, STALE_INPUT};
use crate::domain::artifact::{Digest, set_digest};
use crate::domain::board::Board;
use crate::domain::event::Fact;
use crate::domain::gate::{GateName, GateStatus, Outcome};
use crate::domain::id::{EvaluationId, RunId, VerdictId, WorkItemId};
use crate::domain::mission::MissionStatus;
use crate::domain::run::{RunKind, RunStatus};

/// Enters `fact`.
///
/// # Errors
/// A [`Refusal`] when the mission is not in a state where this can be: `MISSION_CLOSED`,
/// `MISSION_STATE`, or [`STALE_INPUT`] for what came too late to matter.
pub fn record(board: &mut Board, fact: &Fact) -> Result<(), Refusal> {
    let status = board.mission().status;
    if status.is_final() {
        return Err(Refusal::new("MISSION_CLOSED", format!("the mission is {status}; nothing can change it any more")));
    }
    match fact {
        Fact::MissionStarted => expect_status(status, MissionStatus::Draft, "started"),
        Fact::MissionPaused => expect_status(status, MissionStatus::Running, "paused"),
        Fact::MissionResumed => expect_status(status, MissionStatus::Paused, "resumed"),
        Fact::MissionCanceled | Fact::Told => Ok(()),
        Fact::ToolObserved => {
            board.edit_mission(|mission| mission.usage.tool_calls += 1);
            Ok(())
        }
        Fact::RunClaimed(run_id) => set_open_run(board, run_id, RunStatus::Running, None),
        Fact::RunInterrupted { run_id, interruptions } => {
            set_open_run(board, run_id, RunStatus::Queued, Some(*interruptions))
        }
        Fact::RunFinished { run_id, .. } => finish_run(board, run_id, fact),
        Fact::GateVerdict { work_item_id, gate, evaluation_id, verdict_id, outcome } => {
            give_verdict(board, work_item_id, *gate, evaluation_id, verdict_id, *outcome)
        }
        Fact::GateApproved { work_item_id, gate, verdict_id, artifact_set } => {
            approve_gate(board, work_item_id, *gate, verdict_id, artifact_set)
        }
    }
}

fn expect_status(found: MissionStatus, expected: MissionStatus, verb: &str) -> Result<(), Refusal> {
    if found == expected {
        return Ok(());
    }
    Err(Refusal::new("MISSION_STATE", format!("the mission is {found}; only a {expected} mission can be {verb}")))
}

fn stale(message: impl Into<String>) -> Refusal {
    Refusal::new(STALE_INPUT, message)
}

fn set_open_run(
    board: &mut Board,
    run_id: &RunId,
    status: RunStatus,
    interruptions: Option<u32>,
) -> Result<(), Refusal> {
    let mut run = open_run(board, run_id)?.clone();
    run.status = status;
    run.interruptions = interruptions.unwrap_or(run.interruptions);
    board.put_run(run);
    Ok(())
}

fn open_run<'b>(board: &'b Board, run_id: &RunId) -> Result<&'b crate::domain::board::BoardRun, Refusal> {
    match board.run(run_id.as_str()) {
        Some(run) if !run.status.is_final() => Ok(run),
        Some(run) => Err(stale(format!("run `{run_id}` is {} already", run.status))),
        None => Err(stale(format!("run `{run_id}` is not an open run of this mission"))),
    }
}

fn finish_run(board: &mut Board, run_id: &RunId, fact: &Fact) -> Result<(), Refusal> {
    let Fact::RunFinished { status, summary, output, reason, artifacts, .. } = fact else { return Ok(()) };
    let mut run = open_run(board, run_id)?.clone();
    run.status = *status;
    run.summary.clone_from(summary);
    run.output.clone_from(output);
    run.reason.clone_from(reason);
    // A withdrawn run says nothing about the work, so it is no attempt.
    let is_attempt = *status != RunStatus::Canceled;
    if run.kind == RunKind::Planner && is_attempt {
        board.edit_mission(|mission| mission.planner_attempts += 1);
    }
    if let Some(work_item_id) = &run.work_item_id {
        board.edit_item(work_item_id.as_str(), |item| {
            item.attempts += u32::from(is_attempt);
            if *status == RunStatus::Succeeded {
                item.artifacts.clone_from(artifacts);
            }
        });
    }
    board.put_run(run);
    Ok(())
}

fn give_verdict(
    board: &mut Board,
    work_item_id: &WorkItemId,
    gate: GateName,
    evaluation_id: &EvaluationId,
    verdict_id: &VerdictId,
    outcome: Outcome,
) -> Result<(), Refusal> {
    let state = board.item(work_item_id.as_str()).and_then(|item| item.gate(gate));
    if !state.is_some_and(|s| s.evaluation_id == *evaluation_id && s.status == GateStatus::Pending) {
        return Err(stale(format!("nobody waits for this verdict of gate `{gate}` on `{work_item_id}` any more")));
    }
    board.edit_item(work_item_id.as_str(), |item| {
        for (_, state) in item.gates.iter_mut().filter(|(name, _)| *name == gate) {
            state.verdict_id = Some(verdict_id.clone());
            state.status = match outcome {
                Outcome::Pass => GateStatus::Passed,
                Outcome::Fail => GateStatus::Failed,
                Outcome::NeedsHuman => GateStatus::NeedsHuman,
                Outcome::Error => GateStatus::Error,
            };
        }
    });
    Ok(())
}

fn approve_gate(
    board: &mut Board,
    work_item_id: &WorkItemId,
    gate: GateName,
    verdict_id: &VerdictId,
    artifact_set: &Digest,
) -> Result<(), Refusal> {
    let holds = board.item(work_item_id.as_str()).is_some_and(|item| {
        set_digest(&item.artifacts) == *artifact_set
            && item.gate(gate).is_some_and(|state| {
                state.verdict_id.as_ref() == Some(verdict_id)
                    && state.artifact_set == *artifact_set
                    && state.status == GateStatus::NeedsHuman
            })
    });
    if !holds {
        return Err(stale(format!("what was approved for gate `{gate}` of `{work_item_id}` is no longer what it has")));
    }
    board.edit_item(work_item_id.as_str(), |item| {
        for (_, state) in item.gates.iter_mut().filter(|(name, _)| *name == gate) {
            state.status = GateStatus::Approved;
        }
    });
    Ok(())
}
