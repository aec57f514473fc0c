//! One connection: hyper between the patient socket and the router.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use super::body::{AnswerBody, Answering, SteadyBody};
use super::io::{PatientIo, Turn};
use super::{Draining, Peer, Shared, refusal};

/// What hyper may buffer of a request's head and of an answer. With its default a stream's client that
/// never reads costs 0.8 MiB, with this less than 64 KiB (`tests/http_edge.rs` measures it).
const BUFFER_BYTES: usize = 16 * 1024;

/// Carries a connection to its end.
pub(super) async fn carry(shared: &Shared, stream: TcpStream, peer: SocketAddr) {
    let turn = Arc::new(Turn::default());
    let socket = TokioIo::new(PatientIo::new(stream, &shared.limits, Arc::clone(&turn)));
    let service = service_fn(|request| answer(shared, peer, &turn, request));
    let limits = &shared.limits;
    let connection = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES.max(limits.max_header_bytes))
        .max_header_size(limits.max_header_bytes)
        .max_headers(limits.max_headers)
        // `PatientIo` has a deadline for heads, one that spares idle connections.
        .header_read_timeout(None)
        .serve_connection(socket, service);
    tokio::pin!(connection);
    let mut is_draining = false;
    let ended = loop {
        tokio::select! {
            ended = connection.as_mut() => break ended,
            () = shared.draining.cancelled(), if !is_draining => {
                is_draining = true;
                connection.as_mut().graceful_shutdown();
            }
            () = shared.cut.cancelled() => return,
        }
    };
    if let Err(error) = ended {
        // The peer's doing, nearly always; and anybody can make as many of these as they like.
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

async fn answer(
    shared: &Shared,
    peer: SocketAddr,
    turn: &Arc<Turn>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let answering = Answering::new(turn);
    let response = match length_of_target(&request) {
        length if length > shared.limits.max_uri_bytes => {
            turn.body_was_left();
            refusal::long_uri()
        }
        _ => {
            let idle_timeout = shared.limits.body_idle_timeout;
            let mut request = request.map(|body| Body::new(SteadyBody::new(body, idle_timeout, Arc::clone(turn))));
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(Draining(shared.draining.clone()));
            let Ok(response) = shared.router.clone().oneshot(request).await;
            // Whatever the handler made of the broken body: this is what was wrong.
            if turn.take_late() { refusal::late_body() } else { response }
        }
    };
    Ok(response.map(|body| AnswerBody::new(body, answering)))
}

fn length_of_target(request: &Request<Incoming>) -> usize {
    request.uri().path_and_query().map_or(0, |target| target.as_str().len())
}
