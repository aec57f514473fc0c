//! What happens to one mission, as lines; on a terminal a line at the bottom tells how far it is.
//!
//! It shows events wherever they come from: `sluice run` reads its own log, `sluice mission watch`
//! a stream. What an event does not carry itself is asked of [`Details`].

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use sluice_api::event::EventView;
use sluice_api::verdict::FindingView;

use super::output::visible;
use super::report::finding_line;
use super::table;

/// Findings shown with a verdict; the rest is counted.
const FINDINGS_SHOWN: usize = 10;

/// What a display asks beside the events.
pub(super) trait Details: Send + Sync {
    /// Every item's id and whether it is done.
    fn items(&self) -> impl Future<Output = Vec<(String, bool)>> + Send;

    /// The findings of a verdict; none when they cannot be had.
    fn findings(&self, verdict_id: &str) -> impl Future<Output = Vec<FindingView>> + Send;
}

/// A display of one mission.
pub(super) struct Display<D> {
    details: D,
    bar: Option<ProgressBar>,
    total: usize,
    done: BTreeSet<String>,
    running: BTreeSet<String>,
}

/// A line at the bottom of a terminal; nothing elsewhere.
fn bar() -> Option<ProgressBar> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let bar = ProgressBar::with_draw_target(None, indicatif::ProgressDrawTarget::stdout());
    bar.set_style(
        ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.enable_steady_tick(Duration::from_millis(120));
    Some(bar)
}

impl<D: Details> Display<D> {
    /// A display that begins with the mission's title and counts what is done already.
    pub(super) async fn begin(details: D, mission_id: &str, title: &str) -> Self {
        let mut display = Self { details, bar: bar(), total: 0, done: BTreeSet::new(), running: BTreeSet::new() };
        display.line(&format!("mission {mission_id} \"{title}\""));
        for (id, is_done) in display.details.items().await {
            display.total += 1;
            if is_done {
                display.done.insert(id);
            }
        }
        display
    }

    /// Shows one event.
    pub(super) async fn show(&mut self, view: &EventView) {
        let p = &view.properties;
        let text = |name: &str| p.get(name).and_then(Value::as_str).unwrap_or_default();
        let item = text("work_item_id").to_owned();
        match view.event_type.as_str() {
            "session.run.claimed" => {
                self.running.insert(run_label(p));
                self.line(&format!("{}  run started (attempt {})", run_label(p), p["attempt"]));
            }
            "session.run.interrupted" => {
                self.running.remove(&run_label(p));
                self.line(&format!("{}  run interrupted: {}; queued again", run_label(p), text("reason")));
            }
            "session.run.finished" => {
                self.running.remove(&run_label(p));
                self.line(&format!("{}  run {}: {}", run_label(p), text("status"), text("summary")));
            }
            "message.part.updated" => {
                let part = &p["part"];
                let line = part.get("text").and_then(Value::as_str).unwrap_or_default();
                self.line(&format!("    | {line}"));
            }
            "gate.passed" | "gate.failed" | "gate.needs_human" | "gate.error" => {
                let outcome = view.event_type.trim_start_matches("gate.");
                self.line(&format!("{item}  {} {outcome} ({}): {}", text("gate"), text("plugin"), text("summary")));
                self.findings(text("verdict_id")).await;
            }
            "mission.work_item.updated" if text("to") == "todo" && text("from").is_empty() => self.total += 1,
            "mission.work_item.updated" if matches!(text("to"), "failed" | "blocked") => {
                self.line(&format!("{item}  {}: {}", text("to"), text("reason")));
            }
            "mission.work_item.rework_requested" => self.line(&format!("{item}  back to rework: {}", text("reason"))),
            "mission.work_item.completed" => {
                self.done.insert(item.clone());
                self.line(&format!("{item}  done"));
            }
            "approval.requested" => self.line(&format!("{item}  waits for a person: {}", text("summary"))),
            // Rework says the same a line earlier.
            "mission.notice" if text("kind") == "work_item_retry" => {}
            "mission.notice" => self.line(&format!("notice  {}: {}", text("kind"), p["data"])),
            "mission.updated" => {
                if let Some(refused) = p.get("refused") {
                    let message = refused["message"].as_str().unwrap_or_default();
                    self.line(&format!(
                        "refused  {} (event {}): {message}",
                        refused["event"].as_str().unwrap_or_default(),
                        refused["seq"]
                    ));
                }
            }
            _ => {}
        }
    }

    async fn findings(&self, verdict_id: &str) {
        let findings = self.details.findings(verdict_id).await;
        for finding in findings.iter().take(FINDINGS_SHOWN) {
            self.line(&format!("    {}", finding_line(finding)));
        }
        if findings.len() > FINDINGS_SHOWN {
            self.line(&format!("    and {} more", findings.len() - FINDINGS_SHOWN));
        }
    }

    /// A line of its own.
    pub(super) fn line(&self, text: &str) {
        let text = visible(text);
        match &self.bar {
            Some(bar) => bar.println(table::cut(&text, table::terminal_width())),
            None => {
                let _ = super::output::print(&text);
            }
        }
    }

    /// Brings the line at the bottom up to date.
    pub(super) fn draw(&self) {
        if let Some(bar) = &self.bar {
            let running: Vec<&str> = self.running.iter().map(String::as_str).collect();
            let running =
                if running.is_empty() { String::new() } else { format!(" · running: {}", running.join(", ")) };
            bar.set_message(visible(&format!("{}/{} done{running}", self.done.len(), self.total)));
        }
    }

    /// Takes the line at the bottom away.
    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn run_label(properties: &Value) -> String {
    properties.get("work_item_id").and_then(Value::as_str).unwrap_or("planner").to_owned()
}
