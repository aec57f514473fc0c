//! The accept loop: from a listening socket to requests, and back to nothing at the end.
//!
//! It owns connections, how many there are and how long each may take for what; it never looks into
//! a request, which is the router's. `axum::serve` is no substitute: it waits for ever for headers.
//! Where to read next: `connection.rs` for one connection, `io.rs` for its patience with the peer,
//! `body.rs` for the patience with a body, `refusal.rs` for answers given before there is a request.

mod connection;
mod io;
mod body;
mod refusal;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::telemetry::Metrics;
pub use body::{BodyError, BodyTooSlow};

/// How many connections at once are told that there is no room; beyond, they are closed unanswered.
const TURNED_AWAY_AT_ONCE: usize = 64;
/// What the kernel takes from this process before it is sent. Without a bound it is megabytes for each
/// peer that does not read; what is sent and not acknowledged yet is not counted, so fast peers stay fast.
const UNSENT_BYTES: u32 = 16 * 1024;
/// Files open besides connections: databases, plugins, workers' pipes, with room to spare.
const OWN_FILES: u64 = 512;
/// How long the loop rests when the process has no file descriptor left for a connection.
const REST: Duration = Duration::from_millis(100);

/// What one connection, and all of them, may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once. One more is answered 503 `OVERLOADED` with `Retry-After` and closed.
    pub max_connections: usize,
    /// Bytes of a request's head: its line and its headers. More is 431 `HEADERS_TOO_LARGE`.
    pub max_header_bytes: usize,
    /// Headers of a request. More is 431.
    pub max_headers: usize,
    /// Bytes of a request's target. More is 414 `URI_TOO_LONG`.
    pub max_uri_bytes: usize,
    /// From the first byte of a head to its last, and from a new connection to the first. A head that
    /// broke off is answered 408 `REQUEST_TIMEOUT`; a silent connection is closed.
    pub header_timeout: Duration,
    /// A body that brings fewer than 512 bytes in this time, and not its end, is answered 408.
    pub body_idle_timeout: Duration,
    /// A connection without a request is closed after this.
    pub keep_alive_timeout: Duration,
    /// A peer that takes nothing of what there is for it in this time is dropped.
    pub write_timeout: Duration,
    /// Requests in flight when the host stops are given this long to end.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            max_header_bytes: 16 * 1024,
            max_headers: 100,
            max_uri_bytes: 8 * 1024,
            header_timeout: Duration::from_secs(5),
            body_idle_timeout: Duration::from_secs(5),
            keep_alive_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// Who is at the other end of the connection; every request carries it in its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Whether the host is about to stop; every request carries it in its extensions. What would take
/// long, a stream or a wait for work, ends when it is canceled.
#[derive(Debug, Clone)]
pub struct Draining(pub CancellationToken);

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because they had not ended in time.
    pub cut: usize,
}

/// What all connections share.
struct Shared {
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    /// The host is about to stop.
    draining: CancellationToken,
    /// It has waited long enough.
    cut: CancellationToken,
}

/// Serves `router` on `listener` until `shutdown` is canceled, then drains: nobody is accepted any
/// more, idle connections are closed, requests in flight may end within `drain_timeout`, and streams
/// learn it through [`Draining`].
///
/// *Cancellation*: dropped, it accepts nobody and leaves the connections there are to themselves.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) -> Drained {
    let room = Arc::new(Semaphore::new(limits.max_connections));
    let cut = CancellationToken::new();
    let drain_timeout = limits.drain_timeout;
    let shared = Arc::new(Shared { router, limits, metrics, draining: shutdown.clone(), cut: cut.clone() });
    let connections = TaskTracker::new();
    let turning_away = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE));
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Some((stream, peer)) = usable(accepted).await else { continue };
        match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => start(&connections, &shared, stream, peer, permit),
            Err(_) => turn_away(&connections, &turning_away, &shared, stream),
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(drain_timeout, connections.wait()).await.is_ok() {
        return Drained { cut: 0 };
    }
    let left = connections.len();
    cut.cancel();
    connections.wait().await;
    Drained { cut: left }
}

/// Has this process be allowed as many open files as `connections` need besides its own, if the
/// system lets it; a limit that stays too low shows as a warning when accepting fails.
pub fn raise_open_files(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OWN_FILES);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
    let raised = setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum });
    if raised.is_err() || current < Some(wanted) {
        tracing::warn!(wanted, "the limit of open files is lower than `max_connections` needs");
    }
}

/// The connection, unless accepting failed. A peer that went away again is nobody's concern; a
/// process without file descriptors has to wait until some connection ends.
async fn usable(accepted: std::io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    use std::io::ErrorKind;
    match accepted {
        Ok((stream, peer)) => {
            // Frames of a stream are small and must not wait for each other.
            stream.set_nodelay(true).ok()?;
            socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES).ok()?;
            Some((stream, peer))
        }
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
            ) =>
        {
            None
        }
        Err(error) => {
            tracing::warn!(%error, "failed to accept a connection; is the limit of open files too low?");
            tokio::time::sleep(REST).await;
            None
        }
    }
}

fn start(
    connections: &TaskTracker,
    shared: &Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
) {
    let shared = Arc::clone(shared);
    connections.spawn(async move {
        let _open = shared.metrics.connection_opened();
        connection::carry(&shared, stream, peer).await;
        drop(permit);
    });
}

/// Answers that there is no room. Only so many at once, so that a flood costs no more than that.
fn turn_away(connections: &TaskTracker, slots: &Arc<Semaphore>, shared: &Arc<Shared>, stream: TcpStream) {
    shared.metrics.connection_turned_away();
    if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
        connections.spawn(async move {
            io::answer_and_close(stream, &refusal::overloaded()).await;
            drop(slot);
        });
    }
}
