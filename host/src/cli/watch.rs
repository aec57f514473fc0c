//! Watching a mission through the API until it has ended.

use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::json;

use sluice_api::mission::MissionView;
use sluice_api::verdict::{FindingView, VerdictView};

use super::display::{Details, Display};
use super::exit::{Exit, Failure};
use super::output;
use crate::client::{Client, ClientError, EventFilter, Follow, From, Told};

/// What a display asks, answered by the API.
struct Remote {
    client: Client,
    mission_id: String,
    seen: Mutex<Verdicts>,
}

/// Verdicts read so far: each page once.
#[derive(Default)]
struct Verdicts {
    all: Vec<VerdictView>,
    /// Where the last page that was not full begins.
    cursor: Option<String>,
}

impl Remote {
    fn known(&self, verdict_id: &str) -> Option<Vec<FindingView>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.all.iter().find(|verdict| verdict.id == verdict_id).map(|verdict| verdict.findings.clone())
    }

    async fn read_on(&self) -> Result<(), ClientError> {
        loop {
            let cursor = self.seen.lock().unwrap_or_else(PoisonError::into_inner).cursor.clone();
            let page = self.client.verdicts(&self.mission_id, cursor.as_deref()).await?;
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            for verdict in page.verdicts {
                if !seen.all.iter().any(|known| known.id == verdict.id) {
                    seen.all.push(verdict);
                }
            }
            let Some(next) = page.next_cursor else { return Ok(()) };
            seen.cursor = Some(next);
        }
    }
}

impl Details for Remote {
    async fn items(&self) -> Vec<(String, bool)> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        while let Ok(page) = self.client.work_items(&self.mission_id, cursor.as_deref()).await {
            items.extend(page.items.into_iter().map(|item| (item.id, item.status == "done")));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        items
    }

    async fn findings(&self, verdict_id: &str) -> Vec<FindingView> {
        if self.known(verdict_id).is_none()
            && let Err(error) = self.read_on().await
        {
            tracing::debug!(%error, "a verdict's findings cannot be had");
        }
        self.known(verdict_id).unwrap_or_default()
    }
}

/// Watches a mission until it has ended, and says how. With `as_json` each event is one line.
pub(super) async fn until_ended(client: &Client, id: &str, from: From, as_json: bool) -> Result<Exit, Failure> {
    let filter = EventFilter { mission_id: Some(id.to_owned()), ..EventFilter::default() };
    let follow = client.follow(filter, from);
    tokio::select! {
        ended = follow_to_end(client, id, follow, as_json) => ended,
        () = super::interrupted() => Ok(Exit::Interrupted),
    }
}

async fn follow_to_end(client: &Client, id: &str, mut follow: Follow, as_json: bool) -> Result<Exit, Failure> {
    // The stream first: what happens between two looks is in it.
    let mut told = follow.next().await?;
    let mission = client.mission(id).await?;
    let mut display = if as_json {
        None
    } else {
        let remote = Remote { client: client.clone(), mission_id: id.to_owned(), seen: Mutex::default() };
        Some(Display::begin(remote, id, &mission.title).await)
    };
    let mut ended = has_ended(&mission).then_some(mission);
    // What the stream still holds of a mission that has ended comes before its next bookmark; a
    // mission that had ended before is not waited for.
    while ended.is_none() {
        if let Told::Event(event) = &told {
            match &mut display {
                Some(display) => {
                    display.show(event).await;
                    display.draw();
                }
                None => output::json_line(event)?,
            }
            if matches!(event.event_type.as_str(), "mission.completed" | "mission.failed" | "mission.canceled") {
                ended = Some(client.mission(id).await?);
                break;
            }
        }
        if let Told::Reset { oldest_seq } = told
            && let Some(display) = &display
        {
            display.line(&format!("(what happened before event {oldest_seq} is no longer kept)"));
        }
        told = follow.next().await?;
    }
    if let Some(display) = display {
        display.end();
    }
    let Some(mission) = ended else { return Err(Failure::failed("the stream ended before the mission")) };
    let reason = mission.reason.as_ref().map(|reason| format!(": {}", output::visible(reason))).unwrap_or_default();
    if as_json {
        output::json_line(&json!({"mission": mission}))?;
    } else {
        output::print(&format!("mission {} {}{reason}", mission.id, mission.status))?;
    }
    Ok(if mission.status == "succeeded" { Exit::Succeeded } else { Exit::Failed })
}

fn has_ended(mission: &MissionView) -> bool {
    matches!(mission.status.as_str(), "succeeded" | "failed" | "canceled")
}
