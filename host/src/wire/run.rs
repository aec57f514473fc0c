//! Runs, artifacts, verdicts and approvals.

use sluice_api::mission::{ArtifactRefView, ArtifactView};
use sluice_api::run::{RunInputs, RunView};
use sluice_api::verdict::{ApprovalView, FindingView, VerdictView};

use super::history::value_of;
use crate::domain::approval::Approval;
use crate::domain::artifact::{Artifact, ArtifactRef, Digest};
use crate::domain::gate::{Finding, Verdict};
use crate::domain::id::ArtifactId;
use crate::domain::run::Run;

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
        interruptions: run.interruptions,
        prompt: run.prompt.clone(),
        action: run.action.as_ref().map(value_of),
        inputs,
    }
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

/// An approval.
pub fn approval_view(approval: &Approval) -> ApprovalView {
    ApprovalView {
        id: approval.id.to_string(),
        mission_id: approval.mission_id.to_string(),
        work_item_id: approval.work_item_id.as_ref().map(ToString::to_string),
        kind: approval.kind.clone(),
        gate: approval.gate.map(|gate| gate.to_string()),
        summary: approval.summary.clone(),
        subject: approval.subject.to_string(),
        status: approval.status.to_string(),
        decided_by: approval.decided_by.clone(),
        reason: approval.reason.clone(),
        requested_at_ms: approval.requested_at.as_millis(),
    }
}
