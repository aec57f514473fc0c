//! Sessions: what any engine tells of its own, and how each stands.
//!
//! Events come in here ([`Engine::tell_session`]) or are told of the host's own runs by whatever
//! happens to them; both are only written to the log. How a session stands is made of the log,
//! afterwards and exactly once, by [`StatusIndexer`].

mod index;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;

pub use index::{Pass, StatusIndexer};

use super::advance::add_receipt;
use super::{Engine, EngineError};
use crate::domain::artifact::Digest;
use crate::domain::event::NewLogEvent;
use crate::domain::event_type::EventType;
use crate::domain::id::{EventId, RunId, WorkspaceId};
use crate::domain::receipt::ReceiptKey;
use crate::domain::time::Timestamp;
use crate::store::{CommitError, Unit};
use crate::wire::{self, FieldError};

/// How far an engine's clock may be ahead of the host's, in milliseconds (a minute).
const SKEW_MAX_MS: u64 = 60_000;
/// How often something is tried that others keep coming before.
const ATTEMPTS_MAX: u32 = 8;

/// Something an engine tells of one of its sessions.
#[derive(Debug, Clone)]
pub struct SessionEvent {
    /// How the caller names it, for messages: `events[3].`, or nothing when it stands alone.
    pub field: String,
    /// What it tells: one of [`wire::SESSION_EVENTS`].
    pub event_type: EventType,
    /// The run; without, the session is one run.
    pub run_id: Option<RunId>,
    /// The particulars, without the names of session and run.
    pub properties: Map<String, Value>,
    /// What the engine calls it.
    pub id: Option<String>,
    /// When it happened; without, now.
    pub occurred_at: Option<Timestamp>,
}

/// What is told of one session, in order: all of it or nothing.
pub struct SessionTelling<'t> {
    /// Whose session.
    pub workspace_id: &'t WorkspaceId,
    /// The principal that tells.
    pub principal: &'t str,
    /// The session.
    pub session_id: &'t str,
    /// What.
    pub events: &'t [SessionEvent],
    /// What the caller calls this write when it named it, and how it is answered before anybody knows
    /// where in the log the events lie.
    pub receipt: Option<(&'t ReceiptKey, Value)>,
}

/// How far the status of sessions is.
pub(super) struct Indexed(watch::Sender<u64>);

impl Default for Indexed {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Engine {
    /// Up to where in the log every event has reached the status of its session, as far as this host
    /// knows.
    pub fn status_indexed(&self) -> watch::Receiver<u64> {
        self.parts.indexed.0.subscribe()
    }

    /// Waits until everything up to `seq` has reached the status of its session, at most for `longest`;
    /// whether it has.
    pub async fn await_status(&self, seq: u64, longest: Duration) -> bool {
        let mut indexed = self.status_indexed();
        // The sender lives as long as the engine.
        tokio::time::timeout(longest, indexed.wait_for(|indexed| *indexed >= seq)).await.is_ok()
    }

    /// Writes to the log what an engine tells; the first and the last place of it there. An event that
    /// the same principal told of the same session under the same id before is not told again.
    ///
    /// # Errors
    /// [`EngineError::HostsOwn`] for a run or a session of the host's own, [`EngineError::Field`] for a
    /// moment to come, [`EngineError::Contended`], storage.
    pub async fn tell_session(&self, telling: &SessionTelling<'_>) -> Result<(u64, u64), EngineError> {
        let now = self.now();
        self.require_foreign(telling).await?;
        let events = self.log_events_of(telling, now)?;
        let ids: Vec<EventId> = events.iter().map(|event| event.event_id.clone()).collect();
        for _ in 0..ATTEMPTS_MAX {
            let known: BTreeMap<EventId, u64> = self.parts.store.log_places(&ids).await?.into_iter().collect();
            let mut mentioned = BTreeSet::new();
            let is_new =
                |event: &&NewLogEvent| !known.contains_key(&event.event_id) && mentioned.insert(event.event_id.clone());
            let mut unit = Unit { events: events.iter().filter(is_new).cloned().collect(), ..Unit::default() };
            if let Some((key, answer)) = &telling.receipt {
                add_receipt(&mut unit, key, 200, answer, now);
            }
            match self.parts.store.commit(unit).await {
                Ok(committed) => {
                    let places = known.into_values().chain(committed.seqs.into_iter().flat_map(|(a, b)| [a, b]));
                    let (first, last) = places.fold((u64::MAX, 0), |(a, b), seq| (a.min(seq), b.max(seq)));
                    return Ok((first.min(last), last));
                }
                // Another host carried the same named write out.
                Err(CommitError::Conflict { .. }) => return Err(EngineError::Contended),
                Err(CommitError::Storage(error)) => {
                    // Somebody may have told the same meanwhile.
                    let found = self.parts.store.log_places(&ids).await?;
                    if found.len() == known.len() {
                        return Err(error.into());
                    }
                }
            }
        }
        Err(EngineError::Contended)
    }

    /// Nobody speaks for a run of this host: its worker does, with the run's own token.
    async fn require_foreign(&self, telling: &SessionTelling<'_>) -> Result<(), EngineError> {
        let mut ids: Vec<RunId> = telling.events.iter().filter_map(|event| event.run_id.clone()).collect();
        ids.push(RunId::new(telling.session_id));
        ids.sort_unstable();
        ids.dedup();
        match self.parts.store.run_of_session(telling.workspace_id, telling.session_id, &ids).await? {
            Some(run_id) => Err(EngineError::HostsOwn { run_id: run_id.to_string() }),
            None => Ok(()),
        }
    }

    fn log_events_of(&self, telling: &SessionTelling<'_>, now: Timestamp) -> Result<Vec<NewLogEvent>, FieldError> {
        let event = |event: &SessionEvent| {
            let occurred_at = event.occurred_at.unwrap_or(now);
            if occurred_at > now.plus_millis(SKEW_MAX_MS) {
                let (at, now) = (occurred_at.as_millis(), now.as_millis());
                let message = format!("is {at}, and now it is {now}; at most {SKEW_MAX_MS} ms ahead");
                return Err(FieldError::new(format!("{}occurred_at_ms", event.field), message));
            }
            let run_id = event.run_id.clone().unwrap_or_else(|| RunId::new(telling.session_id));
            let mut properties = event.properties.clone();
            properties.insert("session_id".to_owned(), telling.session_id.into());
            properties.insert("run_id".to_owned(), run_id.as_str().into());
            Ok(NewLogEvent {
                event_id: match &event.id {
                    Some(id) => scoped_id(telling, id),
                    None => EventId::new(self.new_id(EventId::PREFIX)),
                },
                event_type: event.event_type.as_str().to_owned(),
                workspace_id: telling.workspace_id.clone(),
                session_id: Some(telling.session_id.to_owned()),
                run_id: Some(run_id),
                // What has none was told by another engine: see `wire::told_of_sessions`.
                mission_id: None,
                resource_key: None,
                actor: telling.principal.to_owned(),
                occurred_at,
                properties: wire::json_of(&properties),
            })
        };
        telling.events.iter().map(event).collect()
    }
}

/// The id in the log of what a principal calls `id` in a session: nobody else's, whatever they call
/// theirs.
fn scoped_id(telling: &SessionTelling<'_>, id: &str) -> EventId {
    let scope = [telling.workspace_id.as_str(), telling.principal, telling.session_id, id];
    let digest = Digest::of(wire::json_of(&scope).as_str().as_bytes());
    // As long as the ids that the host makes.
    EventId::new(format!("{}{}", EventId::PREFIX, &digest.as_str()[..32]))
}
