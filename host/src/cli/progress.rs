//! Live progress of one mission: its events as lines, and on a terminal a line at the bottom that
//! tells how far it is.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::output::visible;
use super::report::finding_line;
use super::table;
use crate::domain::event::LogEvent;
use crate::domain::id::{MissionId, VerdictId, WorkspaceId};
use crate::domain::mission::Mission;
use crate::engine::Engine;
use crate::events::Follower;
use crate::store::LogFilter;
use crate::wire;

/// Findings shown with a verdict; the rest is counted.
const FINDINGS_SHOWN: usize = 10;

/// A running display.
pub(super) struct Progress {
    task: Option<(JoinHandle<()>, oneshot::Sender<()>)>,
}

impl Progress {
    /// Shows what happens to `mission` after `after_seq`.
    pub(super) fn start(engine: &Engine, mission: &Mission, after_seq: u64, is_quiet: bool) -> Self {
        if is_quiet {
            return Self { task: None };
        }
        let filter = LogFilter { mission_id: Some(mission.id.clone()), ..LogFilter::default() };
        let follower = Follower::new(engine.store().clone(), mission.workspace_id.clone(), filter, after_seq);
        let display = Display {
            engine: engine.clone(),
            workspace_id: mission.workspace_id.clone(),
            mission_id: mission.id.clone(),
            title: mission.title.clone(),
            bar: bar(),
            total: 0,
            done: BTreeSet::new(),
            running: BTreeSet::new(),
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(display.run(follower, stopped));
        Self { task: Some((task, stop)) }
    }

    /// Shows what is left to show, and ends the display.
    pub(super) async fn finish(self) {
        if let Some((task, stop)) = self.task {
            let _ = stop.send(());
            let _ = task.await;
        }
    }
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

struct Display {
    engine: Engine,
    workspace_id: WorkspaceId,
    mission_id: MissionId,
    title: String,
    bar: Option<ProgressBar>,
    total: usize,
    done: BTreeSet<String>,
    running: BTreeSet<String>,
}

impl Display {
    async fn run(mut self, mut follower: Follower, mut stopped: oneshot::Receiver<()>) {
        self.line(&format!("mission {} \"{}\"", self.mission_id, self.title));
        self.count().await;
        let mut is_ending = false;
        loop {
            let batch = tokio::select! {
                batch = follower.next() => batch,
                _ = &mut stopped, if !is_ending => {
                    is_ending = true;
                    continue;
                }
                // Everything is committed by then; what is left comes without waiting.
                () = tokio::time::sleep(Duration::from_millis(50)), if is_ending => break,
            };
            match batch {
                Ok(events) => {
                    for event in &events {
                        self.show(event).await;
                    }
                    self.draw();
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to read the event log");
                    break;
                }
            }
        }
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    async fn count(&mut self) {
        let mut after = None;
        while let Ok(page) = self.engine.store().work_items(&self.mission_id, after, 500).await {
            let Some(last) = page.last() else { break };
            after = Some(last.position);
            self.total += page.len();
            self.done.extend(page.iter().filter(|i| i.status.as_str() == "done").map(|i| i.spec.id.to_string()));
        }
    }

    async fn show(&mut self, event: &LogEvent) {
        let view = wire::log_event_view(event);
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
        let Ok(Some(verdict)) = self.engine.store().verdict(&VerdictId::new(verdict_id)).await else { return };
        debug_assert_eq!(verdict.workspace_id, self.workspace_id);
        for finding in verdict.findings.iter().take(FINDINGS_SHOWN) {
            self.line(&format!("    {}", finding_line(&wire::finding_view(finding))));
        }
        if verdict.findings.len() > FINDINGS_SHOWN {
            self.line(&format!("    and {} more", verdict.findings.len() - FINDINGS_SHOWN));
        }
    }

    fn line(&self, text: &str) {
        let text = visible(text);
        match &self.bar {
            Some(bar) => bar.println(table::cut(&text, table::terminal_width())),
            None => {
                let _ = super::output::print(&text);
            }
        }
    }

    fn draw(&self) {
        if let Some(bar) = &self.bar {
            let running: Vec<&str> = self.running.iter().map(String::as_str).collect();
            let running =
                if running.is_empty() { String::new() } else { format!(" · running: {}", running.join(", ")) };
            bar.set_message(visible(&format!("{}/{} done{running}", self.done.len(), self.total)));
        }
    }
}

fn run_label(properties: &Value) -> String {
    properties.get("work_item_id").and_then(Value::as_str).unwrap_or("planner").to_owned()
}
