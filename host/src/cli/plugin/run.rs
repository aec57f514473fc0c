//! `sluice plugin run`: one call of a component, and what it cost.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::given::{self, CallArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::domain::plugin::PluginKind;
use crate::engine::ports::LogLine;
use crate::kit::call::Called;

/// Call a component once and show what it answers, says and costs
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RunArgs {
    #[command(flatten)]
    call: CallArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn execute(args: &RunArgs) -> Result<ExitCode, Failure> {
    tokio::task::block_in_place(|| {
        let host = given::host()?;
        let component = args.call.load(&host)?;
        let asked = args.call.given(&component)?;
        let called = given::bind(&host, &component, &asked.settings)?.call(&asked.input);
        show(&called, component.manifest.kind, args.json)
    })
}

fn show(called: &Called, kind: PluginKind, as_json: bool) -> Result<ExitCode, Failure> {
    let log: Vec<&LogLine> = called.reports.iter().flat_map(|report| &report.log).collect();
    let dropped: u64 = called.reports.iter().map(|report| report.log_dropped).sum();
    if as_json {
        let lines: Vec<Value> = log.iter().map(|line| json!({"level": line.level, "message": line.message})).collect();
        output::json(&json!({
            "answer": called.answer,
            "log": lines,
            "log_dropped": dropped,
            "calls": called.reports.len(),
            "fuel": called.fuel(),
            "memory_bytes": called.memory_bytes(),
            "wall_us": called.wall_us(),
        }))?;
    } else {
        for line in lines(&called.answer, kind) {
            output::print(&visible(&line))?;
        }
        for line in log {
            output::print(&visible(&format!("log       {}: {}", line.level, line.message)))?;
        }
        if dropped > 0 {
            output::print(&format!("log       {dropped} lines more"))?;
        }
        output::print(&format!("fuel      {}", called.fuel()))?;
        output::print(&format!("memory    {} KiB", called.memory_bytes().div_ceil(1024)))?;
        output::print(&format!("time      {} us in {} calls", called.wall_us(), called.reports.len()))?;
    }
    Ok(if called.failure.is_none() { Exit::Succeeded.into() } else { Exit::Failed.into() })
}

/// An answer for people.
fn lines(answer: &Value, kind: PluginKind) -> Vec<String> {
    let mut lines = match kind {
        PluginKind::Gate => verdict(answer),
        PluginKind::Scrubber => redactions(answer),
        PluginKind::Reducer => steps(answer),
    };
    if let Some(failure) = answer.get("failure") {
        lines.push(format!("failed    {}: {}", text(failure, "kind"), text(failure, "message")));
    }
    lines
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn verdict(answer: &Value) -> Vec<String> {
    if answer.get("outcome").is_none() {
        return Vec::new();
    }
    let mut lines = vec![format!("outcome   {}: {}", text(answer, "outcome"), text(answer, "summary"))];
    for finding in list(answer, "findings") {
        let line = finding["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
        let place = format!("{}{line}", text(finding, "path"));
        let (severity, rule) = (text(finding, "severity"), text(finding, "rule"));
        lines.push(format!("finding   {severity} {rule} {place}: {}", text(finding, "message")));
    }
    lines.push(format!("data      {}", answer["data"]));
    lines
}

fn redactions(answer: &Value) -> Vec<String> {
    if answer.get("blocked").is_none() {
        return Vec::new();
    }
    let verb = if answer["blocked"] == true { "blocked" } else { "scrubbed" };
    let mut lines = vec![format!("{verb:<9} {}", text(answer, "summary"))];
    for redaction in list(answer, "redactions") {
        let (start, end) = (&redaction["start"], &redaction["end"]);
        lines.push(format!("redaction {} bytes {start} to {end}", text(redaction, "kind")));
    }
    lines.push(format!("text      {}", text(answer, "text")));
    lines
}

fn steps(answer: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for step in list(answer, "steps") {
        lines.push(format!("event     {}", text(step, "kind")));
        lines.extend(list(step, "commands").iter().map(|command| format!("  command {command}")));
        if let Some(refusal) = step.get("refusal") {
            lines.push(format!("  refused {}: {}", text(refusal, "code"), text(refusal, "message")));
        }
    }
    if answer["mission"].is_object() {
        let mission = &answer["mission"];
        lines.push(format!("mission   {} ({})", text(mission, "status"), text(mission, "phase")));
        lines.push(format!("items     {}", answer["work_items"]));
    }
    lines
}
