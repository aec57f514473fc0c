//! Calls a component on an input, and tells its answer as JSON.
//!
//! A gate answers `outcome`, `summary`, `findings` and `data`; a scrubber `blocked`, `summary`, `redactions`, `data` and the
//! `text` as the host would cut it; a reducer `steps` (one for each event: `kind`, `commands`, `refusal`), the `commands` of
//! the last of them, and `mission` and `work_items` as they stand at the end. A call that failed answers `failure`: `kind` and
//! `message`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::input::Input;
use super::script::{Played, play};
use crate::domain::artifact::Digest;
use crate::domain::gate::Finding;
use crate::domain::json::Json;
use crate::domain::plugin::{Binding, PluginFailure, PluginKind};
use crate::engine::ports::{CallFailure, CallReport, Judgement, Plugins, Redaction, ScrubReport};
use crate::plugins::{BindError, PluginHost};
use crate::wire;

/// A component with settings, ready to be called.
pub struct Subject<'h> {
    host: &'h PluginHost,
    binding: Binding,
}

/// A call, or the calls of one script.
#[derive(Debug, Clone)]
pub struct Called {
    /// What it answered.
    pub answer: Value,
    /// How it failed, when it did.
    pub failure: Option<PluginFailure>,
    /// What each call cost and said.
    pub reports: Vec<CallReport>,
}

impl Called {
    /// Fuel of all calls.
    pub fn fuel(&self) -> u64 {
        self.reports.iter().map(|report| report.fuel).sum()
    }

    /// Microseconds of all calls.
    pub fn wall_us(&self) -> u64 {
        self.reports.iter().map(|report| report.wall_us).sum()
    }

    /// The most bytes of memory that one call had.
    pub fn memory_bytes(&self) -> u64 {
        self.reports.iter().map(|report| report.memory_bytes).max().unwrap_or(0)
    }
}

impl<'h> Subject<'h> {
    /// Binds `settings` to an installed component; both the schema and the component judge them.
    ///
    /// # Errors
    /// They do not fit, or the component cannot be loaded.
    pub fn bind(host: &'h PluginHost, digest: &Digest, kind: PluginKind, settings: &Json) -> Result<Self, BindError> {
        let binding = host.bind(digest.as_str(), kind, settings)?;
        host.check_binding(&binding)?;
        Ok(Self { host, binding })
    }

    /// Calls it. Blocks for as long as it may run.
    pub fn call(&self, input: &Input) -> Called {
        match input {
            Input::Gate { call, content } => {
                let judged = self.host.evaluate(&self.binding, call.clone(), Arc::new(content.clone()));
                one(judged.map(|judgement| (judgement_view(&judgement), judgement.report)))
            }
            Input::Scrubber { text, data } => {
                let scrubbed = self.host.scrub(&self.binding, text, data);
                one(scrubbed.map(|report| (scrub_view(&report, text), report.report)))
            }
            Input::Reducer(script) => played(play(self.host, &self.binding, script)),
        }
    }
}

fn one(answered: Result<(Value, CallReport), CallFailure>) -> Called {
    match answered {
        Ok((answer, report)) => Called { answer, failure: None, reports: vec![report] },
        Err(CallFailure { failure, report }) => {
            Called { answer: json!({"failure": failure_view(&failure)}), failure: Some(failure), reports: vec![report] }
        }
    }
}

fn failure_view(failure: &PluginFailure) -> Value {
    json!({"kind": failure.kind(), "message": failure.to_string()})
}

fn judgement_view(judgement: &Judgement) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "rule": finding.rule,
            "severity": finding.severity.as_str(),
            "message": finding.message,
            "path": finding.path,
            "line": finding.line,
            "data": wire::value_of(&finding.data),
        })
    };
    json!({
        "outcome": judgement.outcome.as_str(),
        "summary": judgement.summary,
        "findings": judgement.findings.iter().map(finding).collect::<Vec<Value>>(),
        "data": wire::value_of(&judgement.data),
    })
}

fn scrub_view(report: &ScrubReport, text: &str) -> Value {
    let redaction = |redaction: &Redaction| {
        // The nearest decimal: 0.9 is no number of 32 bits, and nobody means 0.8999999761581421.
        let confidence = (f64::from(redaction.confidence) * 1e6).round() / 1e6;
        json!({
            "kind": redaction.kind,
            "start": redaction.start,
            "end": redaction.end,
            "confidence": confidence,
            "replacement": redaction.replacement,
        })
    };
    json!({
        "blocked": report.blocked,
        "summary": report.summary,
        "redactions": report.redactions.iter().map(redaction).collect::<Vec<Value>>(),
        "text": if report.blocked { Value::Null } else { Value::from(cut(text, &report.redactions)) },
        "data": wire::value_of(&report.data),
    })
}

/// `text` as the host keeps it. The plugin host has checked that redactions are in order and on characters' boundaries.
fn cut(text: &str, redactions: &[Redaction]) -> String {
    let (mut kept, mut from) = (String::with_capacity(text.len()), 0);
    for redaction in redactions {
        kept.push_str(&text[from..redaction.start]);
        kept.push_str(&redaction.replacement);
        from = redaction.end;
    }
    kept.push_str(&text[from..]);
    kept
}

fn played(played: Played) -> Called {
    let step = |step: &super::script::Step| {
        let mut value = json!({"kind": step.kind.as_str(), "commands": step.commands});
        if let Some(refusal) = &step.refusal {
            value["refusal"] = refusal.clone();
        }
        value
    };
    let steps: Vec<Value> = played.steps.iter().map(step).collect();
    let commands = steps.last().map_or_else(|| json!([]), |last| last["commands"].clone());
    let mut answer = json!({
        "steps": steps, "commands": commands, "mission": played.mission, "work_items": played.work_items,
    });
    if let Some(failure) = &played.failure {
        answer["failure"] = failure_view(failure);
    }
    Called { answer, failure: played.failure, reports: played.reports }
}
