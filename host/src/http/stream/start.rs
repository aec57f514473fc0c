//! How a stream begins: from where on, and as what.

use std::convert::Infallible;

use axum::Json as JsonAnswer;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use sluice_api::event::EventList;

use super::follower::Follower;
use super::{TAIL_MAX, frame};
use crate::domain::event::LogEvent;
use crate::http::access::Caller;
use crate::http::host::{Host, Shared};
use crate::http::page;
use crate::http::problem::{self, Problem};
use crate::store::LogFilter;
use crate::wire;

/// Text of values after which a page of JSON takes no further event (4 MiB).
const PAGE_VALUES_BYTES: usize = 4 << 20;

/// From where on, as the query has it; without either, from now on.
#[derive(Debug)]
pub(super) struct From {
    /// After this event.
    pub(super) since_seq: Option<u64>,
    /// With the newest so many events.
    pub(super) tail: Option<u32>,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Ask {
    /// Which events.
    pub(super) filter: LogFilter,
    /// From where on.
    pub(super) from: From,
    /// Entries of a page of JSON.
    pub(super) limit: Option<u32>,
    /// Whether events come with the values they gave resources.
    pub(super) values: bool,
    /// Where the present state is read by whoever has missed events.
    pub(super) state: Vec<String>,
}

/// Answers with the stream, or with a page when only JSON is accepted.
pub(super) async fn open(host: Shared, caller: Caller, headers: &HeaderMap, ask: Ask) -> Result<Response, Problem> {
    let limit = page::limit(ask.limit)?;
    let start = start_of(&host, &caller, headers, &ask).await?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("application/json") && !accept.contains("text/event-stream") {
        return list(&host, &caller, &ask, start, limit).await;
    }
    let Some(permit) = host.take_stream(&caller.principal) else {
        let most = host.options.streams_per_principal_max;
        return Err(Problem::new(problem::TOO_MANY_STREAMS, format!("{most} streams are open; close one first")));
    };
    // Whoever has seen events that this log does not hold has seen another one: a database that was
    // set back.
    let head = host.engine.store().log_head().await?;
    let tail = host.tailer.follow(caller.workspace().clone(), ask.filter.clone(), start.min(head));
    let follower = Follower::new(host, caller, tail, ask, start > head, permit);
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
async fn start_of(host: &Host, caller: &Caller, headers: &HeaderMap, ask: &Ask) -> Result<u64, Problem> {
    if let Some(last) = headers.get("last-event-id") {
        let parsed = last.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok());
        return parsed.filter(|seq| i64::try_from(*seq).is_ok()).ok_or_else(|| {
            Problem::new(problem::MALFORMED_REQUEST, "Last-Event-ID: is the `seq` of an event")
                .with("field", "Last-Event-ID")
        });
    }
    if let Some(since) = ask.from.since_seq {
        return Ok(since);
    }
    let store = host.engine.store();
    match ask.from.tail {
        Some(count @ 0..=TAIL_MAX) => Ok(store.log_tail(caller.workspace(), &ask.filter, count).await?),
        Some(count) => Err(Problem::field("tail", format!("tail: is {count}; at most {TAIL_MAX}"))),
        None => Ok(store.log_head().await?),
    }
}

async fn list(host: &Host, caller: &Caller, ask: &Ask, start: u64, limit: u32) -> Result<Response, Problem> {
    let store = host.engine.store();
    let trimmed = store.log_trimmed().await?;
    if start < trimmed {
        let detail = format!("the log begins at {}; start there", trimmed + 1);
        return Err(Problem::new(problem::GONE, detail).with("oldest_seq", trimmed + 1));
    }
    let mut events = store.log_events(caller.workspace(), start, &ask.filter, limit).await?;
    let mut next_cursor = page::next_cursor(&events, limit, cursor);
    let items = if ask.values {
        let items = with_values(host, &events).await?;
        if items.len() < events.len() {
            events.truncate(items.len());
            next_cursor = events.last().map(cursor);
        }
        items
    } else {
        events.iter().map(wire::log_event_view).collect()
    };
    Ok(JsonAnswer(EventList { count: items.len(), items, next_cursor }).into_response())
}

fn cursor(event: &LogEvent) -> String {
    event.seq.to_string()
}

/// As many of the events as fit a page with their values; at least one.
async fn with_values(host: &Host, events: &[LogEvent]) -> Result<Vec<sluice_api::event::EventView>, Problem> {
    let (mut views, mut bytes) = (Vec::new(), 0);
    for event in events {
        let value = host.tailer.value(event).await?;
        views.push(frame::view_with_value(event, value.as_ref()));
        bytes += value.map_or(0, |value| value.as_str().len());
        if bytes > PAGE_VALUES_BYTES {
            break;
        }
    }
    Ok(views)
}
