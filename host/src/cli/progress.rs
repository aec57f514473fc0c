//! Live progress of a mission that this process works on, read from its own log.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use sluice_api::verdict::FindingView;

use super::display::{Details, Display};
use crate::domain::id::{MissionId, VerdictId};
use crate::domain::mission::Mission;
use crate::engine::Engine;
use crate::events::Follower;
use crate::store::LogFilter;
use crate::wire;

/// A running display.
pub(super) struct Progress {
    task: Option<(JoinHandle<()>, oneshot::Sender<()>)>,
}

/// What a display asks, answered by the store.
struct Stored {
    engine: Engine,
    mission_id: MissionId,
}

impl Details for Stored {
    async fn items(&self) -> Vec<(String, bool)> {
        let mut items = Vec::new();
        let mut after = None;
        while let Ok(page) = self.engine.store().work_items(&self.mission_id, after, 500).await {
            let Some(last) = page.last() else { break };
            after = Some(last.position);
            items.extend(page.iter().map(|item| (item.spec.id.to_string(), item.status.as_str() == "done")));
        }
        items
    }

    async fn findings(&self, verdict_id: &str) -> Vec<FindingView> {
        let verdict = self.engine.store().verdict(&VerdictId::new(verdict_id)).await;
        let Ok(Some(verdict)) = verdict else { return Vec::new() };
        verdict.findings.iter().map(wire::finding_view).collect()
    }
}

impl Progress {
    /// Shows what happens to `mission` after `after_seq`.
    pub(super) fn start(engine: &Engine, mission: &Mission, after_seq: u64, is_quiet: bool) -> Self {
        if is_quiet {
            return Self { task: None };
        }
        let filter = LogFilter { mission_id: Some(mission.id.clone()), ..LogFilter::default() };
        let follower = Follower::new(engine.store().clone(), mission.workspace_id.clone(), filter, after_seq);
        let stored = Stored { engine: engine.clone(), mission_id: mission.id.clone() };
        let title = mission.title.clone();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let id = stored.mission_id.to_string();
            run(Display::begin(stored, &id, &title).await, follower, stopped).await;
        });
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

async fn run(mut display: Display<Stored>, mut follower: Follower, mut stopped: oneshot::Receiver<()>) {
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
                    display.show(&wire::log_event_view(event)).await;
                }
                display.draw();
            }
            Err(error) => {
                tracing::warn!(%error, "failed to read the event log");
                break;
            }
        }
    }
    display.end();
}
