//! `GET /event`: the workspace's log, as a stream of server-sent events or as a page of JSON.
//!
//! A stream holds a cursor and no events. It is written a few events at a time and only when the
//! client takes them, so that one that never reads costs its socket's buffers and nothing more.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use sluice_api::event::EventList;
use sluice_api::token::Ticket;

use super::access::Caller;
use super::host::{Shared, StreamPermit};
use super::idempotency::NeverKept;
use super::json::Params;
use super::page;
use super::problem::{self, Problem};
use crate::domain::event::LogEvent;
use crate::domain::id::{MissionId, RunId};
use crate::domain::principal::Credential;
use crate::events::{Tail, Tailed, Told};
use crate::store::LogFilter;
use crate::wire;

/// Time between two comments that keep a quiet connection open.
const COMMENT_EVERY: Duration = Duration::from_secs(10);
/// Time between two notes of how far the log is.
const BOOKMARK_EVERY: Duration = Duration::from_secs(15);
/// Time between two looks at whether the client's token is still good. With what a host remembers of
/// a token (`engine::CACHE_TTL`) it stays below the second in which a revocation has to be felt.
const CHECK_EVERY: Duration = Duration::from_millis(250);
/// Most events written at once: what a client that does not read leaves in memory.
const EVENTS_AT_ONCE: u32 = 16;
/// Text after which no further event is written in the same piece, in bytes.
const PIECE_BYTES: usize = 8 * 1024;
/// Most prefixes of types in one filter.
const TYPES_MAX: usize = 20;
/// Milliseconds after which a browser comes back.
const RETRY_MS: u64 = 1_000;

/// Which events, and from where on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamParams {
    /// Only types that begin with this; may stand several times, at most 20.
    #[serde(default, rename = "type")]
    #[param(rename = "type", max_items = 20, value_type = Option<Vec<String>>)]
    types: Vec<String>,
    /// Only this session's events.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    session_id: Option<String>,
    /// Only this run's events.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    run_id: Option<String>,
    /// Only this mission's events.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
    mission_id: Option<String>,
    /// Only events after this one.
    #[param(maximum = 9_223_372_036_854_775_807_u64)]
    since_seq: Option<u64>,
    /// Begin with the newest so many events, at most 10,000.
    #[param(maximum = 10_000)]
    tail: Option<u32>,
    /// A ticket of `POST /event/ticket`, for clients that cannot send headers.
    #[expect(dead_code, reason = "read before the handler is called")]
    ticket: Option<String>,
    /// Entries of a page of JSON.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

impl StreamParams {
    fn filter(&self) -> Result<LogFilter, Problem> {
        if self.types.len() > TYPES_MAX {
            return Err(Problem::field(
                "type",
                format!("type: stands {} times; at most {TYPES_MAX}", self.types.len()),
            ));
        }
        Ok(LogFilter {
            mission_id: page::selector("mission_id", self.mission_id.as_deref())?.map(MissionId::new),
            run_id: page::selector("run_id", self.run_id.as_deref())?.map(RunId::new),
            session_id: page::selector("session_id", self.session_id.as_deref())?.map(str::to_owned),
            type_prefixes: self.types.clone(),
            key_prefixes: None,
        })
    }
}

/// Follow the workspace's log
///
/// A stream of server-sent events: the log's events carry `id:` (their `seq`) and no `event:`; the
/// control frames `ready`, `bookmark` and `reset` carry `event:` and no `id:`. With
/// `Accept: application/json` a page of events instead.
#[utoipa::path(
    get, path = "/event", tag = "events", params(
        StreamParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "Only events after this one; wins over `since_seq`."),
    ),
    responses((status = 200, description = "The stream, or a page of events", content(
        (String = "text/event-stream"), (EventList = "application/json"),
    )))
)]
pub(super) async fn follow(
    State(host): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<StreamParams>,
) -> Result<Response, Problem> {
    open(host, caller, &headers, params).await
}

/// Follow the workspace's log
///
/// The same as `GET /event`.
#[utoipa::path(
    get, path = "/global/event", tag = "events", params(
        StreamParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "Only events after this one; wins over `since_seq`."),
    ),
    responses((status = 200, description = "The stream, or a page of events", content(
        (String = "text/event-stream"), (EventList = "application/json"),
    )))
)]
pub(super) async fn follow_global(
    State(host): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Params(params): Params<StreamParams>,
) -> Result<Response, Problem> {
    open(host, caller, &headers, params).await
}

/// Draw a ticket for streams
///
/// For browsers, whose `EventSource` sends no headers: the ticket stands in the query of a stream,
/// reconnects included, for a minute, and ends with the token it was drawn on.
#[utoipa::path(
    post, path = "/event/ticket", tag = "events",
    responses((status = 201, description = "The ticket", body = Ticket))
)]
pub(super) async fn draw_ticket(State(host): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    let (Credential::Token { id, .. } | Credential::Ticket { id, .. }) = &caller.principal.credential else {
        return Err(Problem::new(problem::FORBIDDEN, "a run token draws no tickets"));
    };
    let drawn = host.engine.draw_ticket(id).await?;
    let ticket = Ticket { ticket: drawn.0, expires_at_ms: drawn.1.as_millis() };
    let mut response = (axum::http::StatusCode::CREATED, JsonAnswer(ticket)).into_response();
    response.extensions_mut().insert(NeverKept);
    Ok(response)
}

async fn open(host: Shared, caller: Caller, headers: &HeaderMap, params: StreamParams) -> Result<Response, Problem> {
    let filter = params.filter()?;
    let limit = page::limit(params.limit)?;
    let start = start_of(&host, &caller, headers, &params, &filter).await?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("application/json") && !accept.contains("text/event-stream") {
        return list(&host, &caller, &filter, start, limit).await;
    }
    let Some(permit) = host.take_stream(&caller.principal) else {
        let most = host.options.streams_per_principal_max;
        return Err(Problem::new(problem::TOO_MANY_STREAMS, format!("{most} streams are open; close one first")));
    };
    // Whoever has seen events that this log does not hold has seen another one: a database that was
    // set back.
    let head = host.engine.store().log_head().await?;
    let tail = host.tailer.follow(caller.workspace().clone(), filter, start.min(head));
    let follower = Follower::new(host, caller, tail, start > head, permit);
    let frames = futures_util::stream::unfold(follower, |mut follower| async move {
        let frame = follower.next().await?;
        Some((Ok::<_, Infallible>(frame), follower))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers an answer before it passes it on would hold a stream for ever.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// The `seq` after which the stream begins.
async fn start_of(
    host: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    params: &StreamParams,
    filter: &LogFilter,
) -> Result<u64, Problem> {
    if let Some(last) = headers.get("last-event-id") {
        let parsed = last.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok());
        return parsed.filter(|seq| i64::try_from(*seq).is_ok()).ok_or_else(|| {
            Problem::new(problem::MALFORMED_REQUEST, "Last-Event-ID: is the `seq` of an event")
                .with("field", "Last-Event-ID")
        });
    }
    if let Some(since) = params.since_seq {
        return Ok(since);
    }
    let store = host.engine.store();
    match params.tail {
        Some(count @ 0..=10_000) => Ok(store.log_tail(caller.workspace(), filter, count).await?),
        Some(count) => Err(Problem::field("tail", format!("tail: is {count}; at most 10000"))),
        None => Ok(store.log_head().await?),
    }
}

async fn list(host: &Shared, caller: &Caller, filter: &LogFilter, start: u64, limit: u32) -> Result<Response, Problem> {
    let store = host.engine.store();
    let trimmed = store.log_trimmed().await?;
    if start < trimmed {
        let detail = format!("the log begins at {}; start there", trimmed + 1);
        return Err(Problem::new(problem::GONE, detail).with("oldest_seq", trimmed + 1));
    }
    let events = store.log_events(caller.workspace(), start, filter, limit).await?;
    let next_cursor = page::next_cursor(&events, limit, |event| event.seq.to_string());
    let events: Vec<_> = events.iter().map(wire::log_event_view).collect();
    Ok(JsonAnswer(EventList { count: events.len(), items: events, next_cursor }).into_response())
}

/// One client's stream.
struct Follower {
    host: Shared,
    caller: Caller,
    tail: Tail,
    /// Where the client wanted to go on, when that lies beyond the log's end.
    beyond: bool,
    pending: VecDeque<Arc<Tailed>>,
    begun: bool,
    commented_at: Duration,
    bookmarked_at: Duration,
    _permit: StreamPermit,
}

impl Follower {
    fn new(host: Shared, caller: Caller, tail: Tail, beyond: bool, permit: StreamPermit) -> Self {
        let now = host.engine.clock().monotonic();
        let pending = VecDeque::new();
        Self {
            host,
            caller,
            tail,
            beyond,
            pending,
            begun: false,
            commented_at: now,
            bookmarked_at: now,
            _permit: permit,
        }
    }

    /// What is written next; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.begun {
            self.begun = true;
            return Some(self.ready());
        }
        loop {
            if !self.pending.is_empty() {
                return Some(self.piece());
            }
            let told = tokio::select! {
                biased;
                () = self.host.draining.cancelled() => return None,
                told = self.tail.next(EVENTS_AT_ONCE) => Some(told),
                () = tokio::time::sleep(CHECK_EVERY) => None,
            };
            if !self.is_welcome().await {
                return None;
            }
            let mut text = String::new();
            match told {
                Some(Ok(Told::Events(events))) => self.pending.extend(events),
                Some(Ok(Told::Gap { oldest_seq })) => self.write_reset(oldest_seq, &mut text),
                Some(Err(error)) => {
                    tracing::warn!(%error, "a stream could not read the log; its client comes back");
                    return None;
                }
                None => {}
            }
            self.write_signs_of_life(&mut text);
            if !text.is_empty() {
                return Some(text.into());
            }
        }
    }

    /// The next events that wait to be written: whole frames, a few KiB of them.
    fn piece(&mut self) -> Bytes {
        let (mut text, mut count) = (String::new(), 0);
        while let Some(next) = self.pending.front() {
            let next = next.text(frame);
            if !text.is_empty() && text.len() + next.len() > PIECE_BYTES {
                break;
            }
            text.push_str(std::str::from_utf8(next).unwrap_or_default());
            self.pending.pop_front();
            count += 1;
        }
        self.host.metrics.events_delivered(count);
        text.into()
    }

    async fn is_welcome(&self) -> bool {
        self.caller.is_vouched || self.host.engine.is_still_good(&self.caller.principal).await.unwrap_or(true)
    }

    fn ready(&self) -> Bytes {
        let data = json!({"seq": self.tail.cursor(), "workspace_id": self.caller.workspace().as_str()});
        let mut text = format!("retry: {RETRY_MS}\nevent: ready\ndata: {data}\n\n");
        if self.beyond {
            self.write_reset(self.tail.cursor() + 1, &mut text);
        }
        text.into()
    }

    /// The client asked for events that are gone: it has to read the present state anew.
    fn write_reset(&self, oldest_seq: u64, text: &mut String) {
        let snapshot = json!({"seq": self.tail.cursor(), "read": ["/mission", "/runs", "/approvals"]});
        let data = json!({"oldest_seq": oldest_seq, "snapshot": snapshot});
        // A String takes every write.
        let _ = write!(text, "event: reset\ndata: {data}\n\n");
    }

    fn write_signs_of_life(&mut self, text: &mut String) {
        let now = self.host.engine.clock().monotonic();
        if now.saturating_sub(self.bookmarked_at) >= BOOKMARK_EVERY {
            self.bookmarked_at = now;
            self.commented_at = now;
            // A String takes every write.
            let _ = write!(text, "event: bookmark\ndata: {{\"seq\":{}}}\n\n", self.tail.cursor());
        }
        if now.saturating_sub(self.commented_at) >= COMMENT_EVERY {
            self.commented_at = now;
            text.push_str(": still here\n\n");
        }
    }
}

/// An event of the log as one frame.
fn frame(event: &LogEvent) -> String {
    let data = wire::json_of(&wire::log_event_view(event));
    format!("id: {}\ndata: {}\n\n", event.seq, data.as_str())
}
