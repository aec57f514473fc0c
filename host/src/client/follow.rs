//! Follows a host's log over a stream that may break: every event once, in order.
//!
//! After a break the stream is asked for again with the last place that was told, so nothing is
//! missed or seen twice. When the host no longer has what comes next it says so with `reset`, and
//! whoever follows is told of the gap as such.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{ACCEPT, HeaderName};
use serde_json::Value;

use sluice_api::event::{EventList, EventView};

use super::sse::{Frame, Frames};
use super::{Client, ClientError, STREAM_PATIENCE};

/// Longest silence; a host says something at least every 10 s.
const SILENCE_MAX: Duration = Duration::from_secs(35);
/// First pause before a stream is asked for again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(3);

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Beginnings of types; any when there are none.
    pub types: Vec<String>,
    /// Of one mission.
    pub mission_id: Option<String>,
    /// Of one run.
    pub run_id: Option<String>,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With what happens from now on.
    Now,
    /// With the newest few.
    Tail(u32),
    /// With what came after this place.
    After(u64),
}

/// What a stream tells.
#[derive(Debug, Clone)]
pub enum Told {
    /// It has begun.
    Ready,
    /// Something happened.
    Event(Box<EventView>),
    /// Everything up to here was told.
    Bookmark(u64),
    /// Events before `oldest_seq` are gone, and were not told.
    Reset {
        /// The oldest that is still there.
        oldest_seq: u64,
    },
}

/// A part of the log that has a stream, and a page, of its own.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    /// Where it is.
    pub(super) path: &'static [&'static str],
    /// Which part of it.
    pub(super) query: Vec<(&'static str, String)>,
}

/// A stream of events that is asked for again whenever it breaks.
pub struct Follow {
    client: Client,
    feed: Feed,
    from: From,
    last_seq: Option<u64>,
    open: Option<(Response, Frames)>,
    pause: Duration,
    left: Duration,
}

impl Client {
    /// Follows the log. Nothing is sent yet.
    pub fn follow(&self, filter: EventFilter, from: From) -> Follow {
        self.follow_feed(filter.feed(), from)
    }

    /// A page of the log, oldest first: what passes `filter`.
    pub async fn events(&self, filter: &EventFilter, from: From, limit: Option<u32>) -> Result<EventList, ClientError> {
        let feed = filter.clone().feed();
        let call = self.get(feed.path).header(ACCEPT, "application/json").query_all(&feed.query).query("limit", limit);
        let call = match from {
            From::Now => call,
            From::Tail(count) => call.query("tail", Some(count)),
            From::After(seq) => call.query("since_seq", Some(seq)),
        };
        call.answer().await
    }

    /// Follows a part of the log. Nothing is sent yet.
    pub(super) fn follow_feed(&self, feed: Feed, from: From) -> Follow {
        let last_seq = match from {
            From::After(seq) => Some(seq),
            From::Now | From::Tail(_) => None,
        };
        let client = self.with_patience(STREAM_PATIENCE);
        Follow { left: client.patience, client, feed, from, last_seq, open: None, pause: PAUSE }
    }
}

impl EventFilter {
    fn feed(self) -> Feed {
        let types = self.types.into_iter().map(|event_type| ("type", event_type));
        let mission = self.mission_id.map(|id| ("mission_id", id));
        let run = self.run_id.map(|id| ("run_id", id));
        Feed { path: &["event"], query: types.chain(mission).chain(run).collect() }
    }
}

impl Follow {
    /// What the stream tells next. Waits for it; a stream that breaks is asked for again for a
    /// minute of pauses, counted from the last time it told something.
    ///
    /// # Errors
    /// When the host refuses the stream, or stays away.
    ///
    /// *Cancellation*: safe; nothing that was not answered is lost.
    pub async fn next(&mut self) -> Result<Told, ClientError> {
        loop {
            let failure = match self.step().await {
                Ok(Some(Told::Ready)) => return Ok(Told::Ready),
                // That a stream begins does not say yet that it holds.
                Ok(Some(told)) => {
                    self.pause = PAUSE;
                    self.left = self.client.patience;
                    return Ok(told);
                }
                Ok(None) => continue,
                Err(error) => error,
            };
            self.open = None;
            if !failure.is_passing() || self.left < self.pause {
                return Err(failure);
            }
            tracing::debug!(%failure, "the stream broke; asking for it again");
            self.left -= self.pause;
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        }
    }

    async fn step(&mut self) -> Result<Option<Told>, ClientError> {
        let server = self.client.transport.server();
        let broken = |why: String| ClientError::Broken { server: server.clone(), why };
        let Some((response, frames)) = &mut self.open else {
            let response = self.ask().await?;
            self.open = Some((response, Frames::default()));
            return Ok(None);
        };
        if let Some(frame) = frames.next() {
            return self.understand(&frame);
        }
        let read = tokio::time::timeout(SILENCE_MAX, response.chunk()).await;
        match read.map_err(|_| broken("it fell silent".to_owned()))? {
            Ok(Some(bytes)) => {
                frames.push(&bytes).map_err(|error| ClientError::Unreadable { server, why: error.to_string() })?;
                Ok(None)
            }
            Ok(None) => Err(broken("it ended".to_owned())),
            Err(error) => Err(broken(super::transport::describe(&error))),
        }
    }

    async fn ask(&self) -> Result<Response, ClientError> {
        let client = self.client.with_patience(Duration::ZERO);
        let call = client.get(self.feed.path).timeout(None).header(ACCEPT, "text/event-stream");
        let mut call = call.query_all(&self.feed.query);
        call = match (self.last_seq, self.from) {
            (Some(seq), _) => call.header(HeaderName::from_static("last-event-id"), &seq.to_string()),
            (None, From::Tail(count)) => call.query("tail", Some(count)),
            (None, _) => call,
        };
        call.response().await
    }

    fn understand(&mut self, frame: &Frame) -> Result<Option<Told>, ClientError> {
        let unreadable = |why: String| ClientError::Unreadable {
            server: self.client.transport.server(),
            why: format!("a frame {why}"),
        };
        let value = || serde_json::from_str::<Value>(&frame.data).unwrap_or_default();
        let told = match frame.event.as_deref() {
            None => {
                let event: EventView =
                    serde_json::from_str(&frame.data).map_err(|error| unreadable(format!("is no event: {error}")))?;
                // What was told before the break may come again from a host that is careful.
                if self.last_seq.is_some_and(|last| event.seq <= last) {
                    return Ok(None);
                }
                self.last_seq = Some(event.seq);
                Told::Event(Box::new(event))
            }
            Some("ready") => {
                let seq = value().get("seq").and_then(Value::as_u64);
                // A stream that breaks before anything happened goes on from where it began.
                self.last_seq = self.last_seq.or(seq);
                Told::Ready
            }
            Some("bookmark") => {
                let Some(seq) = value().get("seq").and_then(Value::as_u64) else { return Ok(None) };
                self.last_seq = Some(self.last_seq.map_or(seq, |last| last.max(seq)));
                Told::Bookmark(seq)
            }
            Some("reset") => {
                let oldest_seq = value().get("oldest_seq").and_then(Value::as_u64);
                let oldest_seq = oldest_seq.ok_or_else(|| unreadable("`reset` names no `oldest_seq`".to_owned()))?;
                self.last_seq = Some(oldest_seq.saturating_sub(1));
                Told::Reset { oldest_seq }
            }
            // A kind of frame that came later than this client.
            Some(_) => return Ok(None),
        };
        Ok(Some(told))
    }
}
