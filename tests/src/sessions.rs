//! What has to hold of the status of sessions, whatever happened to the hosts that keep it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use sluice::domain::event::LogEvent;
use sluice::domain::id::WorkspaceId;
use sluice::domain::resource::ResourceKey;
use sluice::domain::session_status::SessionStatus;
use sluice::domain::time::Timestamp;
use sluice::store::Store;
use sluice::wire;

/// Later than everything.
const END: Timestamp = Timestamp(u64::MAX / 4);
const PAGE: u32 = 10_000;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Sessions.
    pub sessions: usize,
    /// Revisions of their statuses.
    pub revisions: u64,
}

async fn whole_log(store: &Store) -> Vec<LogEvent> {
    let mut log: Vec<LogEvent> = Vec::new();
    loop {
        let page = store.log_of_all(log.last().map_or(0, |event| event.seq), PAGE).await.expect("the log can be read");
        if page.is_empty() {
            return log;
        }
        log.extend(page);
    }
}

/// A session's status; null without.
pub async fn status_of(store: &Store, session: &str) -> Value {
    let key = ResourceKey::of_status(session).expect("a session's name makes a key");
    let found = store.resource(&WorkspaceId::new("local"), &key, END).await.expect("it can be read");
    found.map_or(Value::Null, |found| serde_json::from_str(found.value.as_str()).expect("a value is JSON"))
}

/// Compares every status with what the whole log says of its session, and every revision of one with
/// the events that tell of it: each has exactly one, and changed something.
///
/// # Panics
/// When something is not as it has to be.
pub async fn check_statuses(store: &Store) -> Checked {
    let log = whole_log(store).await;
    let mut expected: BTreeMap<String, SessionStatus> = BTreeMap::new();
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    // What was told last may still wait to be read, as after any kill: it counts from the next start on.
    let indexed = store.log_cursor("status_indexer").await.expect("read").unwrap_or(0);
    for event in &log {
        for (session, what) in wire::told_of_sessions(event).into_iter().filter(|_| event.seq <= indexed) {
            expected.entry(session).or_default().take(&what);
        }
        if let Some(key) = event.event.resource_key.as_ref().filter(|key| key.status_of().is_some()) {
            assert_eq!((&*event.event.event_type, &*event.event.actor), ("resource.updated", "system.status_indexer"));
            let properties: Value = serde_json::from_str(event.event.properties.as_str()).expect("JSON");
            told.entry(key.to_string()).or_default().push(properties["rev"].clone());
        }
    }
    let mut revisions = 0;
    for (session, status) in &expected {
        let view = serde_json::to_value(wire::session_status_view(session, status)).expect("a view is JSON");
        assert_eq!(status_of(store, session).await, view, "of {session}");
        let key = ResourceKey::of_status(session).expect("a session's name makes a key");
        let history = store.resource_history(&WorkspaceId::new("local"), &key, None, PAGE).await.expect("read");
        let newest = history.first().expect("there is a revision").rev;
        let all: Vec<Value> = (1..=newest).map(|rev| json!(rev)).collect();
        assert_eq!(told.remove(key.as_str()), Some(all), "of {session}");
        let mut values = Vec::with_capacity(history.len());
        for revision in &history {
            let kept = store.resource_revision(&WorkspaceId::new("local"), &key, revision.rev).await.expect("read");
            values.push(kept.expect("it is kept").value);
        }
        assert!(values.windows(2).all(|pair| pair[0] != pair[1]), "{session}: a revision changed nothing");
        revisions += newest;
    }
    assert_eq!(told, BTreeMap::new(), "statuses of sessions that nobody told of");
    Checked { sessions: expected.len(), revisions }
}
