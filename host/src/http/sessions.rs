//! Sessions of other engines: what they tell of them.
//!
//! Engines name sessions and runs in three ways, in the event or in its part; all of them are understood
//! here, and told onwards in one.

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use sluice_api::session::{SessionEvent, SessionEventType, SessionEventsAccepted, SessionEventsRequest};

use super::access::Caller;
use super::host::Shared;
use super::idempotency::Named;
use super::json::{self, Body};
use super::page::Segment;
use super::problem::{self, Problem};
use crate::domain::event_type::EventType;
use crate::domain::id::{self, RunId};
use crate::domain::time::Timestamp;
use crate::engine;
use crate::policy::Action;
use crate::wire;

/// Most events of one request.
const EVENTS_MAX: usize = 500;
/// Largest particulars of an event, in bytes of JSON (64 KiB).
const PROPERTIES_MAX_BYTES: usize = 64 * 1024;
/// Longest id that an engine gives an event, in bytes.
const EVENT_ID_MAX_BYTES: usize = 256;
/// Longest time an answer waits until the session's status shows what was told. It is right soon
/// after anyway; the wait is for clients that look at once.
const STATUS_WAIT: Duration = Duration::from_secs(1);

/// How engines name a session.
const SESSION_NAMES: [&str; 3] = ["session_id", "sessionID", "sessionId"];
/// How engines name a run.
const RUN_NAMES: [&str; 3] = ["run_id", "runID", "runId"];

/// A body member by member: one event, or several.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    events: Option<Vec<SessionEvent>>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    properties: Option<Value>,
    event_id: Option<Value>,
    id: Option<Value>,
    occurred_at_ms: Option<Value>,
}

impl Told {
    /// The events, and how their places in the request begin.
    fn events(self) -> Result<(Vec<SessionEvent>, bool), Problem> {
        let Self { events, kind, properties, event_id, id, occurred_at_ms } = self;
        let names = ["type", "properties", "event_id", "id", "occurred_at_ms"];
        let members = names.into_iter().zip([kind, properties, event_id, id, occurred_at_ms]);
        let one: Map<String, Value> = members.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        match events {
            Some(_) if !one.is_empty() => {
                Err(Problem::field("events", "events: stands beside an event; send one event, or several in `events`"))
            }
            Some(events) if !(1..=EVENTS_MAX).contains(&events.len()) => {
                Err(Problem::field("events", format!("events: has {}; 1 to {EVENTS_MAX}", events.len())))
            }
            Some(events) => Ok((events, true)),
            None => Ok((vec![json::typed(Value::Object(one))?], false)),
        }
    }
}

/// Tell what a session of another engine does
///
/// The host shows how the session stands under `run/{session_id}/status`, from what is told here in
/// whatever order. All or nothing. Of the host's own runs their workers tell, by
/// `POST /runs/{id}/events`. The answer comes when the status is right, at most a second later than the
/// events are written.
#[utoipa::path(
    post, path = "/sessions/{session_id}/events", tag = "sessions", request_body = SessionEventsRequest,
    params(("session_id" = String, Path, description = "The session, in its engine's words")),
    responses((status = 200, description = "All were taken", body = SessionEventsAccepted))
)]
pub(super) async fn tell(
    State(host): State<Shared>,
    caller: Caller,
    named: Named,
    Segment(session_id): Segment,
    Body(body): Body<Told>,
) -> Result<JsonAnswer<SessionEventsAccepted>, Problem> {
    id::check(&session_id).map_err(|error| {
        Problem::new(problem::MALFORMED_REQUEST, format!("session_id: {error}")).with("field", "session_id")
    })?;
    let (events, is_list) = body.events()?;
    let accepted = events.len();
    let mut told = Vec::with_capacity(accepted);
    for (index, event) in events.into_iter().enumerate() {
        let field = if is_list { format!("events[{index}].") } else { String::new() };
        told.push(understood(field, event, &session_id)?);
    }
    let telling = engine::SessionTelling {
        workspace_id: caller.workspace(),
        principal: caller.name(),
        session_id: &session_id,
        events: &told,
        receipt: named.0.as_ref().map(|key| (key, json!({ "accepted": accepted }))),
    };
    let (first, last) = match host.engine.tell_session(&telling).await {
        Err(error @ engine::EngineError::HostsOwn { .. }) => {
            caller.note_rule(Action::SessionTell, &format!("session/{session_id}"), error.to_string()).await;
            return Err(error.into());
        }
        told => told?,
    };
    host.engine.await_status(last, STATUS_WAIT).await;
    Ok(JsonAnswer(SessionEventsAccepted { accepted, seqs: Some([first, last]) }))
}

/// An event in the words of the log.
fn understood(field: String, event: SessionEvent, session_id: &str) -> Result<engine::SessionEvent, Problem> {
    let SessionEvent { kind, mut properties, event_id, id, occurred_at_ms } = event;
    let event_type = type_of(kind);
    let bytes = wire::json_of(&properties).as_str().len();
    if bytes > PROPERTIES_MAX_BYTES {
        let name = format!("{field}properties");
        return Err(Problem::field(&name, format!("{name}: has {bytes} bytes; at most {PROPERTIES_MAX_BYTES}")));
    }
    check_part(&field, event_type, &properties)?;
    let part_session = properties.get("part").and_then(Value::as_object);
    let part_session = part_session.map(|part| named(&field, part, "part.", SESSION_NAMES)).transpose()?.flatten();
    let sessions = [take_named(&field, &mut properties, SESSION_NAMES)?, part_session];
    if let Some(other) = sessions.into_iter().flatten().find(|session| session != session_id) {
        let detail = format!("{field}properties: is of session `{other}`; the path says `{session_id}`");
        let problem = Problem::new(problem::SESSION_EVENT_MISMATCH, detail);
        return Err(problem.with("field", format!("{field}properties")));
    }
    let run_id = take_named(&field, &mut properties, RUN_NAMES)?;
    if let Some(run_id) = &run_id {
        let name = format!("{field}properties.run_id");
        id::check(run_id).map_err(|error| Problem::field(&name, format!("{name}: {error}")))?;
    }
    let id = match (event_id, id) {
        (Some(one), Some(other)) if one != other => {
            let name = format!("{field}id");
            return Err(Problem::field(&name, format!("{name}: is another one than `event_id`; give one of them")));
        }
        (one, other) => one.or(other),
    };
    if let Some(id) = id.as_ref().filter(|id| !(1..=EVENT_ID_MAX_BYTES).contains(&id.len())) {
        let name = format!("{field}event_id");
        let detail = format!("{name}: has {} bytes; 1 to {EVENT_ID_MAX_BYTES}", id.len());
        return Err(Problem::field(&name, detail));
    }
    let occurred_at = occurred_at_ms.map(Timestamp);
    let run_id = run_id.map(RunId::new);
    Ok(engine::SessionEvent { field, event_type, run_id, properties, id, occurred_at })
}

fn type_of(kind: SessionEventType) -> EventType {
    match kind {
        SessionEventType::Queued => EventType::RunQueued,
        SessionEventType::Claimed => EventType::RunClaimed,
        SessionEventType::Started => EventType::RunStarted,
        SessionEventType::Progress => EventType::RunProgress,
        SessionEventType::Interrupted => EventType::RunInterrupted,
        SessionEventType::Finished => EventType::RunFinished,
        SessionEventType::Part => EventType::PartUpdated,
    }
}

/// Followers of the log rely on it that a part is there and says of which type it is.
fn check_part(field: &str, event_type: EventType, properties: &Map<String, Value>) -> Result<(), Problem> {
    let has_type = |part: &Value| part.get("type").is_some_and(Value::is_string);
    if event_type == EventType::PartUpdated && !properties.get("part").is_some_and(has_type) {
        let name = format!("{field}properties.part");
        let detail = format!("{name}: is missing or has no `type`; {{\"type\": \"text\" or \"tool\" or .., ..}}");
        return Err(Problem::field(&name, detail));
    }
    Ok(())
}

/// What `names` say, which has to be one thing; they are taken out.
fn take_named(field: &str, properties: &mut Map<String, Value>, names: [&str; 3]) -> Result<Option<String>, Problem> {
    let found = named(field, properties, "", names)?;
    for name in names {
        properties.remove(name);
    }
    Ok(found)
}

/// What `names` of `object` say, which has to be one thing.
fn named(field: &str, object: &Map<String, Value>, of: &str, names: [&str; 3]) -> Result<Option<String>, Problem> {
    let mut found: Option<&str> = None;
    for name in names {
        let place = || format!("{field}properties.{of}{name}");
        let text = match object.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text,
            Some(_) => return Err(Problem::field(&place(), format!("{}: is no text", place()))),
        };
        if let Some(other) = found.replace(text).filter(|other| other != text) {
            let detail = format!("{}: is `{text}`, and it is `{other}` under another name", place());
            return Err(Problem::new(problem::SESSION_EVENT_MISMATCH, detail).with("field", place()));
        }
    }
    Ok(found.map(str::to_owned))
}
