//! Runs, artifacts, verdicts and approvals.

use sluice_api::mission::{ArtifactRefView, ArtifactView};
use sluice_api::run::{RunInputs, RunView};
use sluice_api::verdict::{ApprovalView, FindingView, VerdictView};

use super::history::value_of;
use super::visible::visible;
use crate::domain::approval::Approval;
use crate::domain::artifact::{Artifact, ArtifactRef, Digest};
use crate::domain::gate::{Finding, Verdict};
use crate::domain::id::ArtifactId;
use crate::domain::run::{Run, RunStatus};
use crate::domain::time::Timestamp;

/// What is remembered of an artifact.
pub fn artifact_ref_view(artifact: &ArtifactRef) -> ArtifactRefView {
    ArtifactRefView {
        id: artifact.id.to_string(),
        kind: artifact.kind.clone(),
        name: artifact.name.clone(),
        digest: artifact.digest.to_string(),
    }
}

/// The other way round; `None` when the digest is none.
pub fn artifact_ref_from_view(view: &ArtifactRefView) -> Option<ArtifactRef> {
    Some(ArtifactRef {
        id: ArtifactId::new(view.id.as_str()),
        kind: view.kind.clone(),
        name: view.name.clone(),
        digest: Digest::parse(&view.digest)?,
    })
}

/// An artifact.
pub fn artifact_view(artifact: &Artifact) -> ArtifactView {
    ArtifactView {
        id: artifact.id.to_string(),
        work_item_id: artifact.work_item_id.as_ref().map(ToString::to_string),
        run_id: artifact.run_id.as_ref().map(ToString::to_string),
        kind: artifact.kind.clone(),
        name: artifact.name.clone(),
        media_type: artifact.media_type.clone(),
        size: artifact.size,
        digest: artifact.digest.to_string(),
        created_at_ms: artifact.created_at.as_millis(),
    }
}

/// A run, with what it builds on when that was asked for.
pub fn run_view(run: &Run, inputs: Option<RunInputs>) -> RunView {
    RunView {
        id: run.id.to_string(),
        mission_id: run.mission_id.to_string(),
        work_item_id: run.work_item_id.as_ref().map(ToString::to_string),
        kind: run.kind.to_string(),
        attempt: run.attempt,
        status: run.status.to_string(),
        waiting_for: waiting_for(run),
        retry_at_ms: run.not_before.filter(|_| run.status == RunStatus::Queued).map(Timestamp::as_millis),
        session_id: run.session().to_owned(),
        worker: run.lease.as_ref().map(|lease| lease.worker.clone()),
        cancel_requested: run.cancel_requested,
        interruptions: run.interruptions,
        prompt: run.prompt.clone(),
        action: run.action.as_ref().map(value_of),
        assigned_agent: run.assigned_agent.clone(),
        skills: run.skills.clone(),
        summary: run.summary.clone(),
        output: run.output.clone(),
        artifacts: run.artifacts.iter().map(artifact_ref_view).collect(),
        queued_at_ms: run.queued_at.as_millis(),
        started_at_ms: run.started_at.map(Timestamp::as_millis),
        finished_at_ms: run.finished_at.map(Timestamp::as_millis),
        inputs,
    }
}

/// What a queued run waits for. A moment that has passed is still told as `retry_at`: the view asks
/// no clock, and `retry_at_ms` says which moment it is.
fn waiting_for(run: &Run) -> Option<String> {
    (run.status == RunStatus::Queued).then(|| if run.not_before.is_some() { "retry_at" } else { "worker" }.to_owned())
}

/// A verdict.
pub fn verdict_view(verdict: &Verdict) -> VerdictView {
    VerdictView {
        id: verdict.id.to_string(),
        work_item_id: verdict.work_item_id.to_string(),
        run_id: verdict.run_id.to_string(),
        attempt: verdict.attempt,
        gate: verdict.gate.to_string(),
        plugin: verdict.plugin.clone(),
        digest: verdict.plugin_digest.to_string(),
        outcome: verdict.outcome.to_string(),
        summary: verdict.summary.clone(),
        findings: verdict.findings.iter().map(finding_view).collect(),
        data: value_of(&verdict.data),
        given_at_ms: verdict.given_at.as_millis(),
    }
}

/// One observation of a verdict.
pub fn finding_view(finding: &Finding) -> FindingView {
    FindingView {
        rule: finding.rule.clone(),
        severity: finding.severity.to_string(),
        message: finding.message.clone(),
        path: finding.path.clone(),
        line: finding.line,
    }
}

/// What is approved, for people: the canonical content, indented, nothing hidden in it.
fn rendered(approval: &Approval) -> String {
    let text = serde_json::to_string_pretty(&value_of(&approval.content)).unwrap_or_default();
    visible(&text)
}

/// An approval.
pub fn approval_view(approval: &Approval) -> ApprovalView {
    ApprovalView {
        id: approval.id.to_string(),
        mission_id: approval.mission_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        work_item_id: approval.work_item_id.as_ref().map(ToString::to_string),
        kind: approval.kind.clone(),
        gate: approval.gate.map(|gate| gate.to_string()),
        summary: visible(&approval.summary),
        subject: approval.subject.to_string(),
        requested_by: approval.requested_by.clone(),
        run_id: approval.run_id.as_ref().map(ToString::to_string),
        rendered: rendered(approval),
        content_digest: approval.content_digest.to_string(),
        expires_at_ms: approval.expires_at.map(Timestamp::as_millis),
        decided_at_ms: approval.decided_at.map(Timestamp::as_millis),
        used_at_ms: approval.used_at.map(Timestamp::as_millis),
        status: approval.status.to_string(),
        decided_by: approval.decided_by.clone(),
        reason: approval.reason.clone(),
        requested_at_ms: approval.requested_at.as_millis(),
    }
}
