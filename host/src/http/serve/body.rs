//! Bodies: of requests, with limited patience; of answers, so that the connection knows when one is over.
//!
//! It limits time only; how large a body may be is the route's. Read next: `io.rs`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use super::io::Turn;

/// What a body has to bring in one stretch of time, so that a peer cannot hold a connection with a
/// byte now and then. A line that brings less than this in five seconds is slower than any modem.
const LEAST_BYTES: usize = 512;

/// A request's body paused for too long. The peer is answered 408 whatever the handler does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body of the request paused for too long")]
pub struct BodyTooSlow;

/// Why a request's body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It paused for too long.
    #[error(transparent)]
    TooSlow(#[from] BodyTooSlow),
    /// The connection broke, or the body is not framed as HTTP wants it.
    #[error("failed to read the body of the request")]
    Broken(#[from] hyper::Error),
}

/// A request's body that has to keep coming.
pub(super) struct SteadyBody {
    inner: Incoming,
    idle_timeout: Duration,
    /// Runs while the body pauses, and on until it has brought enough.
    pause: Option<Pin<Box<Sleep>>>,
    brought: usize,
    is_over: bool,
    turn: Arc<Turn>,
}

impl SteadyBody {
    pub(super) fn new(inner: Incoming, idle_timeout: Duration, turn: Arc<Turn>) -> Self {
        let is_over = hyper::body::Body::is_end_stream(&inner);
        Self { inner, idle_timeout, pause: None, brought: 0, is_over, turn }
    }

    fn note(&mut self, bytes: usize) {
        self.brought += bytes;
        if self.brought >= LEAST_BYTES {
            self.brought = 0;
            self.pause = None;
        }
    }
}

impl hyper::body::Body for SteadyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.note(frame.data_ref().map_or(0, Bytes::len));
                this.is_over = this.inner.is_end_stream();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.is_over = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let idle_timeout = this.idle_timeout;
                let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle_timeout)));
                ready!(pause.as_mut().poll(cx));
                this.turn.body_was_late();
                Poll::Ready(Some(Err(BodyTooSlow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for SteadyBody {
    fn drop(&mut self) {
        if !self.is_over {
            self.turn.body_was_left();
        }
    }
}

/// Marks a request as being answered, until the answer's last byte is with hyper.
pub(super) struct Answering(Arc<Turn>);

impl Answering {
    pub(super) fn new(turn: &Arc<Turn>) -> Self {
        turn.began();
        Self(Arc::clone(turn))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// An answer's body.
pub(super) struct AnswerBody {
    inner: Body,
    _answering: Answering,
}

impl AnswerBody {
    pub(super) fn new(inner: Body, answering: Answering) -> Self {
        Self { inner, _answering: answering }
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
