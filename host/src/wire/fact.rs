//! Inputs of a mission: reads from their JSON what the host itself acts on.

use serde::Deserialize;

use sluice_api::input::{ApprovalDecided, GateVerdict, RunFinished};

use super::run::artifact_ref_from_view;
use crate::domain::artifact::Digest;
use crate::domain::event::{Fact, Input, InputKind};
use crate::domain::id::{EvaluationId, RunId, VerdictId, WorkItemId};
use crate::domain::rules::Refusal;

#[derive(Deserialize)]
struct Interrupted {
    interruptions: u32,
}

/// What `input` says.
///
/// # Errors
/// A [`Refusal`] with code `BAD_INPUT` when a member that this kind needs is missing or wrong.
pub fn read(input: &Input) -> Result<Fact, Refusal> {
    Ok(match input.kind {
        InputKind::MissionStarted => Fact::MissionStarted,
        InputKind::MissionPaused => Fact::MissionPaused,
        InputKind::MissionResumed => Fact::MissionResumed,
        InputKind::MissionCanceled => Fact::MissionCanceled,
        InputKind::RunClaimed => Fact::RunClaimed(run_id(input)?),
        InputKind::RunInterrupted => {
            Fact::RunInterrupted { run_id: run_id(input)?, interruptions: members::<Interrupted>(input)?.interruptions }
        }
        InputKind::RunFinished => run_finished(input)?,
        InputKind::ToolObserved => Fact::ToolObserved,
        InputKind::GateVerdict => gate_verdict(input)?,
        InputKind::ApprovalGranted => approval_granted(input)?,
        InputKind::MissionCreated
        | InputKind::RunStarted
        | InputKind::ApprovalDenied
        | InputKind::ApprovalExpired
        | InputKind::TimerFired
        | InputKind::ReducerChanged
        | InputKind::ResourceChanged
        | InputKind::WorkItemsProposed => Fact::Told,
    })
}

fn bad(input: &Input, what: impl std::fmt::Display) -> Refusal {
    Refusal::new("BAD_INPUT", format!("event `{}`: {what}", input.kind))
}

fn run_id(input: &Input) -> Result<RunId, Refusal> {
    input.run_id.clone().ok_or_else(|| bad(input, "run_id is missing"))
}

fn work_item_id(input: &Input) -> Result<WorkItemId, Refusal> {
    input.work_item_id.clone().ok_or_else(|| bad(input, "work_item_id is missing"))
}

fn members<T: for<'d> Deserialize<'d>>(input: &Input) -> Result<T, Refusal> {
    serde_json::from_str(input.data.as_str()).map_err(|error| bad(input, error))
}

fn run_finished(input: &Input) -> Result<Fact, Refusal> {
    let data: RunFinished = members(input)?;
    let artifacts = data.artifacts.iter().map(artifact_ref_from_view).collect::<Option<Vec<_>>>();
    Ok(Fact::RunFinished {
        run_id: run_id(input)?,
        status: data.status.parse().map_err(|error| bad(input, format!("status: {error}")))?,
        summary: data.summary,
        output: data.output,
        reason: data.reason,
        artifacts: artifacts.ok_or_else(|| bad(input, "an artifact's digest is no SHA-256"))?,
    })
}

fn gate_verdict(input: &Input) -> Result<Fact, Refusal> {
    let data: GateVerdict = members(input)?;
    Ok(Fact::GateVerdict {
        work_item_id: work_item_id(input)?,
        gate: data.gate.parse().map_err(|error| bad(input, format!("gate: {error}")))?,
        evaluation_id: EvaluationId::new(data.evaluation_id),
        verdict_id: VerdictId::new(data.verdict_id),
        outcome: data.outcome.parse().map_err(|error| bad(input, format!("outcome: {error}")))?,
    })
}

fn approval_granted(input: &Input) -> Result<Fact, Refusal> {
    let data: ApprovalDecided = members(input)?;
    let (Some(gate), Some(verdict_id)) = (data.gate, data.verdict_id) else { return Ok(Fact::Told) };
    Ok(Fact::GateApproved {
        work_item_id: work_item_id(input)?,
        gate: gate.parse().map_err(|error| bad(input, format!("gate: {error}")))?,
        verdict_id: VerdictId::new(verdict_id),
        artifact_set: Digest::parse(&data.subject).ok_or_else(|| bad(input, "subject is no SHA-256"))?,
    })
}
