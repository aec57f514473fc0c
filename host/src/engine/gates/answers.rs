//! What gates said, and what a stage makes of it: one answer of several.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::domain::artifact::Digest;
use crate::domain::gate::{Finding, Outcome};
use crate::domain::json::Json;
use crate::domain::plugin::Binding;
use crate::domain::workspace::{QuarantinedComponent, QuarantinedGates, Stage};
use crate::engine::ports::{CallFailure, CallReport, Judgement};
use crate::wire;

/// Most findings of one verdict that are kept.
const FINDINGS_MAX: usize = 1_000;
/// Most lines of log that one verdict keeps.
const LOG_LINES_MAX: usize = 256;
/// Longest summary of a verdict, in bytes.
const SUMMARY_MAX_BYTES: usize = 1_024;

/// What came of a gate's call, whichever way it went.
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) summary: String,
    pub(super) findings: Vec<Finding>,
    pub(super) data: Value,
    pub(super) report: CallReport,
}

/// What a gate that answered said.
pub(super) fn answered(judgement: Judgement) -> Answer {
    let data = serde_json::from_str(judgement.data.as_str()).unwrap_or(json!({}));
    Answer {
        outcome: judgement.outcome,
        // A plugin's words, and no database takes U+0000 in a text.
        summary: judgement.summary.replace('\0', "\u{fffd}"),
        findings: judgement.findings,
        data,
        report: judgement.report,
    }
}

/// What a gate in quarantine decides without being asked.
pub(super) fn not_asked(component: &QuarantinedComponent, decide: QuarantinedGates) -> Answer {
    let summary = format!("{} is in quarantine, since it kept failing: {}", component.plugin, component.reason);
    Answer {
        outcome: match decide {
            QuarantinedGates::Error => Outcome::Error,
            QuarantinedGates::NeedsHuman => Outcome::NeedsHuman,
        },
        summary: cut(summary),
        findings: Vec::new(),
        data: json!({"failure": "quarantined"}),
        report: CallReport::default(),
    }
}

/// What becomes of a call that failed.
pub(super) fn not_answered(failed: CallFailure) -> Answer {
    Answer {
        outcome: Outcome::Error,
        summary: failed.failure.to_string().replace('\0', "\u{fffd}"),
        findings: Vec::new(),
        data: json!({"failure": failed.failure.kind()}),
        report: failed.report,
    }
}

/// What a stage decided.
pub(super) struct Decided {
    /// The plugins that judged, `name@version` each.
    pub(super) plugin: String,
    /// The component's digest; of several, the digest of theirs, one a line.
    pub(super) digest: Digest,
    pub(super) answer: Answer,
}

impl Decided {
    /// One gate's answer stands as it is; of several, what their stage makes of them.
    pub(super) fn of(stage: &Stage, mut answers: Vec<(&Binding, Answer)>) -> Self {
        if answers.len() == 1
            && let Some((binding, answer)) = answers.pop()
        {
            return Self { plugin: binding.label(), digest: binding.digest.clone(), answer };
        }
        let outcomes: Vec<Outcome> = answers.iter().map(|(_, answer)| answer.outcome).collect();
        let lines: Vec<String> = answers.iter().map(|(binding, _)| format!("{}\n", binding.digest)).collect();
        let labels: Vec<String> = answers.iter().map(|(binding, _)| binding.label()).collect();
        let passed = outcomes.iter().filter(|outcome| **outcome == Outcome::Pass).count();
        let mut summary =
            format!("{passed} of {} gates passed, {} had to", outcomes.len(), stage.required.of(outcomes.len()));
        let mut findings = Vec::new();
        let mut gates = Vec::with_capacity(answers.len());
        let mut report = CallReport::default();
        for (binding, answer) in answers {
            if answer.outcome != Outcome::Pass {
                // A String takes every write.
                let _ = write!(summary, "; {} ({}): {}", binding.label(), answer.outcome, answer.summary);
            }
            gates.push(json!({
                "plugin": binding.label(),
                "digest": binding.digest.as_str(),
                "outcome": answer.outcome.as_str(),
                "summary": answer.summary,
                "finding_count": answer.findings.len(),
                "data": answer.data,
            }));
            findings.extend(answer.findings);
            report = sum(report, answer.report);
        }
        let omitted = findings.len().saturating_sub(FINDINGS_MAX);
        findings.truncate(FINDINGS_MAX);
        let mut data = json!({"gates": gates, "required": stage.required.of(gates.len())});
        if omitted > 0 {
            data["omitted"] = json!(omitted);
        }
        let outcome = stage.required.decide(&outcomes);
        let answer = Answer { outcome, summary: cut(summary), findings, data, report };
        Self { plugin: labels.join(" + "), digest: Digest::of(lines.concat().as_bytes()), answer }
    }
}

/// What two calls cost together.
fn sum(mut report: CallReport, other: CallReport) -> CallReport {
    report.fuel += other.fuel;
    report.wall_us = report.wall_us.max(other.wall_us);
    report.memory_bytes = report.memory_bytes.max(other.memory_bytes);
    report.log_dropped += other.log_dropped;
    for line in other.log {
        if report.log.len() < LOG_LINES_MAX {
            report.log.push(line);
        } else {
            report.log_dropped += 1;
        }
    }
    report
}

/// A summary that is not too long.
fn cut(mut summary: String) -> String {
    let mut end = summary.len().min(SUMMARY_MAX_BYTES);
    while !summary.is_char_boundary(end) {
        end -= 1;
    }
    summary.truncate(end);
    summary
}

/// What a verdict keeps for programs: what the gate said, and what the call cost.
pub(super) fn verdict_data(data: Value, report: &CallReport) -> Json {
    let mut data = match data {
        Value::Object(object) => Value::Object(object),
        _ => json!({}),
    };
    let log: Vec<Value> = report.log.iter().map(|line| json!({"level": line.level, "message": line.message})).collect();
    data["call"] = json!({
        "fuel": report.fuel,
        "wall_us": report.wall_us,
        "memory_bytes": report.memory_bytes,
        "log": log,
        "log_dropped": report.log_dropped,
    });
    wire::json_of(&data)
}
