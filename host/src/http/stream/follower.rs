//! One client's stream, piece by piece.
//!
//! It is asked for the next piece when the client has taken the one before, and holds nothing large in
//! between: a frame longer than a piece is asked for again for each of its pieces.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use tokio::time::{Interval, MissedTickBehavior};

use super::frame;
use super::start::Ask;
use crate::domain::event_type::EventType;
use crate::domain::principal::Credential;
use crate::events::{Tail, Tailed, Told};
use crate::http::access::Caller;
use crate::http::host::{Shared, StreamPermit};
use crate::store::StorageError;

/// Time between two comments that keep a quiet connection open.
const COMMENT_EVERY: Duration = Duration::from_secs(10);
/// Time between two notes of how far the log is.
const BOOKMARK_EVERY: Duration = Duration::from_secs(15);
/// Time between two looks at whether the host stops and the client's token is still good. With what a host remembers of
/// a token (`engine::CACHE_TTL`) it stays below the second in which a revocation has to be felt.
const CHECK_EVERY: Duration = Duration::from_millis(250);
/// The same for a run's token, whose lease is read each time.
const CHECK_RUN_EVERY: Duration = Duration::from_secs(1);
/// Most events taken at once: what a client that does not read leaves in memory.
const EVENTS_AT_ONCE: u32 = 16;
/// Text after which no further event is written in the same piece, in bytes.
const PIECE_BYTES: usize = 8 * 1024;
/// Longest piece of one event, in bytes.
const PART_BYTES: usize = 32 * 1024;

/// Why a stream ends before its client closes it.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the log could not be read")]
    Storage(#[from] StorageError),
    #[error("the value of an event is gone that was written halfway")]
    Changed,
}

/// A frame that was written up to a point.
#[derive(Debug, Clone, Copy, Default)]
struct Cut {
    written: usize,
    /// Bytes of the whole frame.
    of: usize,
}

/// One client's stream.
pub(super) struct Follower {
    host: Shared,
    caller: Caller,
    tail: Tail,
    ask: Ask,
    /// Where the client wanted to go on, when that lies beyond the log's end.
    beyond: bool,
    pending: VecDeque<Arc<Tailed>>,
    /// How far the first of `pending` was written.
    cut: Cut,
    begun: bool,
    tick: Interval,
    /// When a run's lease was read last.
    checked_at: Option<Duration>,
    commented_at: Duration,
    bookmarked_at: Duration,
    _permit: StreamPermit,
}

impl Follower {
    /// A stream of what `tail` is told.
    pub(super) fn new(host: Shared, caller: Caller, tail: Tail, ask: Ask, beyond: bool, permit: StreamPermit) -> Self {
        let now = host.engine.clock().monotonic();
        let mut tick = tokio::time::interval(CHECK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            host,
            caller,
            tail,
            ask,
            beyond,
            pending: VecDeque::new(),
            cut: Cut::default(),
            begun: false,
            tick,
            checked_at: None,
            commented_at: now,
            bookmarked_at: now,
            _permit: permit,
        }
    }

    /// What is written next; `None` ends the stream.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if !self.begun {
            self.begun = true;
            return Some(self.ready().into());
        }
        match self.piece_or_sign().await {
            Ok(piece) => piece,
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, source, "a stream broke off; its client comes back");
                None
            }
        }
    }

    async fn piece_or_sign(&mut self) -> Result<Option<Bytes>, Broken> {
        let mut is_due = false;
        loop {
            if !self.pending.is_empty() {
                return self.piece().await.map(Some);
            }
            let before = self.tail.cursor();
            let told = self.tail.look(EVENTS_AT_ONCE).await?;
            if told.is_none() && !is_due {
                // Looked once more in either case, so that a bookmark is as new as can be.
                is_due = self.rest().await;
                if is_due && self.host.draining.is_cancelled() {
                    return Ok(None);
                }
                continue;
            }
            is_due = false;
            let seen = if told.is_some() { before } else { self.tail.cursor() };
            if !self.is_welcome().await {
                return Ok(None);
            }
            let mut text = String::new();
            self.write_signs_of_life(seen, &mut text);
            match told {
                Some(Told::Events(events)) => self.pending.extend(events),
                Some(Told::Gap { oldest_seq }) => {
                    frame::write_reset(oldest_seq, self.tail.cursor(), &self.ask.state, &mut text);
                }
                None => {}
            }
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
        }
    }

    /// Waits for an event, or until it is time to look after the rest: whether that is so. It comes
    /// first, so that no stream of events keeps it from its turn.
    async fn rest(&mut self) -> bool {
        tokio::select! {
            biased;
            _ = self.tick.tick() => true,
            () = self.tail.sleep() => false,
        }
    }

    /// The next events that wait to be written: whole frames, a few KiB of them; or a part of a long one.
    async fn piece(&mut self) -> Result<Bytes, Broken> {
        let mut text: Vec<u8> = Vec::new();
        let mut count = 0;
        while let Some(next) = self.pending.front() {
            let whole = self.frame_of(next).await?;
            if whole.len() > PIECE_BYTES || (text.is_empty() && self.pending.len() == 1) {
                if text.is_empty() {
                    return self.part(&whole);
                }
                break;
            }
            if text.len() + whole.len() > PIECE_BYTES {
                break;
            }
            text.extend_from_slice(&whole);
            self.pending.pop_front();
            count += 1;
        }
        self.host.metrics.events_delivered(count);
        Ok(text.into())
    }

    /// The next part of the first frame; all of it, unless it is long.
    fn part(&mut self, whole: &Bytes) -> Result<Bytes, Broken> {
        let Cut { written, of } = self.cut;
        if written > 0 && of != whole.len() {
            return Err(Broken::Changed);
        }
        if whole.len() - written > PART_BYTES {
            let end = written + PART_BYTES;
            self.cut = Cut { written: end, of: whole.len() };
            // A copy: a client that takes it slowly must not keep the whole frame in memory.
            return Ok(Bytes::copy_from_slice(&whole[written..end]));
        }
        self.cut = Cut::default();
        self.pending.pop_front();
        self.host.metrics.events_delivered(1);
        if whole.len() > PIECE_BYTES { Ok(Bytes::copy_from_slice(&whole[written..])) } else { Ok(whole.clone()) }
    }

    async fn frame_of(&self, tailed: &Tailed) -> Result<Bytes, StorageError> {
        if self.ask.values && tailed.event.event.event_type == EventType::ResourceUpdated.as_str() {
            return self.host.tailer.text_with_value(&tailed.event, frame::event_with_value).await;
        }
        Ok(tailed.text(frame::event).clone())
    }

    /// Whether the credential that the stream was opened with has not ended, and policy still lets it.
    async fn is_welcome(&mut self) -> bool {
        if self.caller.is_vouched {
            return true;
        }
        if matches!(self.caller.principal.credential, Credential::Run { .. }) {
            let now = self.host.engine.clock().monotonic();
            if self.checked_at.is_some_and(|at| now.saturating_sub(at) < CHECK_RUN_EVERY) {
                return true;
            }
            self.checked_at = Some(now);
        }
        let is_good = self.host.engine.is_still_good(&self.caller.principal).await.unwrap_or(true);
        is_good && self.caller.is_still_allowed().await
    }

    fn ready(&self) -> String {
        let seq = self.tail.cursor();
        let mut text = frame::ready(seq, self.caller.workspace());
        if self.beyond {
            frame::write_reset(seq + 1, seq, &self.ask.state, &mut text);
        }
        text
    }

    /// What a quiet connection needs now and then. The client has `seen` everything up to there.
    fn write_signs_of_life(&mut self, seen: u64, text: &mut String) {
        let now = self.host.engine.clock().monotonic();
        if now.saturating_sub(self.bookmarked_at) >= BOOKMARK_EVERY {
            self.bookmarked_at = now;
            self.commented_at = now;
            frame::write_bookmark(seen, text);
        }
        if now.saturating_sub(self.commented_at) >= COMMENT_EVERY {
            self.commented_at = now;
            text.push_str(": still here\n\n");
        }
    }
}
