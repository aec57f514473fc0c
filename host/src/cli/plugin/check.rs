//! `sluice plugin check`: what a component would have decided, before it is bound.

use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressBar;
use serde_json::{Map, Value};
use sluice_api::check::{CheckAsk, CheckDifference, CheckOutcome, CheckReport, CheckRole};

use super::read;
use super::registry::{Common, digest_of};
use crate::cli::connect::Access;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::table;
use crate::client::{Client, TriedPlugin};

/// Try a component on what a workspace has recorded, before it is bound
///
/// Ends with 0 when everything would have been decided the same, and else with 1.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CheckArgs {
    /// A component's file, which need not be installed; or a digest, name@version or name
    #[arg(value_name = "FILE.wasm|PLUGIN")]
    plugin: String,
    /// The workspace
    #[arg(long, value_name = "NAME", default_value = "local")]
    workspace: String,
    /// What it is to decide
    #[arg(long, value_parser = ["reducer", "gate", "scrubber"])]
    role: String,
    /// The stage a gate is for: review or test
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// The settings it is called with
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// How many records it is tried on, the newest; up to 10,000
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    last: u32,
    /// How many differences are shown; up to 200
    #[arg(long, value_name = "N", default_value_t = 20)]
    differences: u32,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let ask = args.ask()?;
    let file = Path::new(&args.plugin);
    // No plugin is named like this, so that a file which is missing is told as one.
    let looks_like_one = file.extension().is_some_and(|of| of == "wasm") || args.plugin.contains('/');
    let is_file = file.is_file() || looks_like_one;
    let bytes = is_file.then(|| read(file)).transpose()?;
    let connection = args.common.connect(Access::Read).await?;
    let tried = match bytes {
        Some(bytes) => TriedPlugin::Given(bytes),
        None => TriedPlugin::Registered(digest_of(&connection.client, &args.plugin).await?),
    };
    let report = watched(&connection.client, &args.workspace, tried, &ask, args.common.json).await?;
    if args.common.json {
        output::json(&report)?;
    } else {
        for line in lines(&report) {
            output::print(&line)?;
        }
    }
    let is_same = report.different == 0 && report.failed == 0 && report.is_complete;
    Ok(if is_same { Exit::Succeeded } else { Exit::Failed }.into())
}

impl CheckArgs {
    fn ask(&self) -> Result<CheckAsk, Failure> {
        let settings = match &self.settings {
            None => Map::new(),
            Some(text) => serde_json::from_str(text)
                .map_err(|error| Failure::bad_input(format!("--settings: is no JSON object: {error}")))?,
        };
        let role = match self.role.as_str() {
            "reducer" => CheckRole::Reducer,
            "gate" => CheckRole::Gate,
            _ => CheckRole::Scrubber,
        };
        Ok(CheckAsk {
            workspace_id: Some(self.workspace.clone()),
            role,
            stage: self.stage.clone(),
            settings,
            last: Some(self.last),
            differences_max: Some(self.differences),
        })
    }
}

/// Has the check made, and shows on a terminal how far it is.
async fn watched(
    client: &Client,
    workspace: &str,
    tried: TriedPlugin,
    ask: &CheckAsk,
    is_quiet: bool,
) -> Result<CheckReport, Failure> {
    // Hides itself where standard error is no terminal.
    let bar = if is_quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
    let shown = bar.clone();
    let tell = move |progress: sluice_api::check::CheckProgress| {
        shown.set_length(progress.of);
        shown.set_position(progress.events);
    };
    let report = client.check_plugin(workspace, tried, ask, tell).await;
    bar.finish_and_clear();
    Ok(report?)
}

fn lines(report: &CheckReport) -> Vec<String> {
    let stage = report.stage.as_deref().map(|stage| format!(" for {stage}")).unwrap_or_default();
    let role = match report.role {
        CheckRole::Reducer => "reducer",
        CheckRole::Gate => "gate",
        CheckRole::Scrubber => "scrubber",
    };
    let mut lines = vec![visible(&format!("{} as {role}{stage} in workspace {}", report.plugin, report.workspace_id))];
    let slower = report.slower.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let counts = [report.events, report.same, report.different, report.failed];
    let mut row: Vec<String> = counts.iter().map(u64::to_string).collect();
    row.extend([slower, report.left_out.to_string(), format!("{} ms", report.took_ms)]);
    let header = ["EVENTS", "SAME", "DIFFERENT", "FAILED", "SLOWER", "LEFT OUT", "TOOK"];
    let width = table::terminal_width();
    lines.extend(table::lines(&header, &[row], width));
    lines.extend(report.notes.iter().map(|note| visible(&format!("note: {note}"))));
    for difference in &report.differences {
        lines.push(String::new());
        lines.extend(told(difference).iter().map(|line| table::cut(&visible(line), width)));
    }
    let shown = report.differences.len() as u64;
    let all = report.different + report.failed;
    if shown < all {
        lines.push(format!("\n{} more are not shown; see --differences", all - shown));
    }
    if !report.is_complete {
        lines.push("not everything was tried that was asked for".to_owned());
    }
    lines
}

/// One difference: what it is about, then what was recorded (-) and what the component decides (+).
pub(in crate::cli) fn told(difference: &CheckDifference) -> Vec<String> {
    let mut about = Vec::new();
    about.extend(difference.mission_id.as_ref().map(|id| format!("mission {id}")));
    about.extend(difference.seq.map(|seq| format!("event {seq}")));
    about.extend(difference.work_item_id.as_ref().map(|id| format!("item {id}")));
    about.extend(difference.verdict_id.as_ref().map(|id| format!("verdict {id}")));
    about.extend(difference.memory_id.as_ref().map(|id| format!("record {id}")));
    about.push(format!("({})", difference.kind));
    if difference.outcome == CheckOutcome::Failed {
        about.push("failed".to_owned());
    }
    let (then, now) = (parts(&difference.recorded), parts(&difference.candidate));
    let without = |of: &[String], other: &[String]| -> Vec<String> {
        let mut other: Vec<&String> = other.iter().collect();
        let mut left = Vec::new();
        for line in of {
            match other.iter().position(|same| *same == line) {
                Some(at) => {
                    other.swap_remove(at);
                }
                None => left.push(line.clone()),
            }
        }
        left
    };
    let (mut gone, mut new) = (without(&then, &now), without(&now, &then));
    if gone.is_empty() && new.is_empty() {
        // The same in another order.
        (gone, new) = (then, now);
    }
    let mut lines = vec![about.join(" ")];
    lines.extend(gone.iter().map(|line| format!("- {line}")));
    lines.extend(new.iter().map(|line| format!("+ {line}")));
    lines
}

/// A side of a difference, a line for each part: commands and findings stand alone.
fn parts(side: &Value) -> Vec<String> {
    let Value::Object(members) = side else { return vec![side.to_string()] };
    let mut parts = Vec::new();
    for (name, value) in members {
        match value {
            Value::Array(items) => parts.extend(items.iter().map(|item| format!("{name}: {item}"))),
            Value::String(text) => parts.push(format!("{name}: {text}")),
            other => parts.push(format!("{name}: {other}")),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(recorded: Value, candidate: Value) -> CheckDifference {
        CheckDifference {
            outcome: CheckOutcome::Different,
            mission_id: Some("mis_1".to_owned()),
            seq: Some(4),
            work_item_id: None,
            verdict_id: None,
            memory_id: None,
            kind: "mission_started".to_owned(),
            recorded,
            candidate,
        }
    }

    #[test]
    fn a_difference_shows_what_only_one_side_has() {
        let (a, b, c) = (json!({"type": "a"}), json!({"type": "b"}), json!({"type": "c"}));
        let shown = told(&difference(json!({"commands": [a, b, b]}), json!({"commands": [b, c]})));
        assert_eq!(
            shown,
            [
                "mission mis_1 event 4 (mission_started)",
                "- commands: {\"type\":\"a\"}",
                "- commands: {\"type\":\"b\"}",
                "+ commands: {\"type\":\"c\"}",
            ]
        );
        let turned = told(&difference(json!({"commands": [a, b]}), json!({"commands": [b, a]})));
        assert_eq!(turned.len(), 5, "another order is shown whole: {turned:#?}");
    }
}
