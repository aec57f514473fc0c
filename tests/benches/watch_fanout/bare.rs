//! The least that tells many connections of a write: a channel in memory, and axum's own SSE.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::sse::{Event, Sse};
use axum::routing::{get, put};
use e2e::load::find;
use futures_util::Stream;
use tokio::sync::broadcast::{self, Sender};

/// Has this program be the server.
pub(crate) const ARGUMENT: &str = "--as-bare-server";
/// Events that wait for a slow connection. None may be lost here, or less would be delivered.
const WAITING: usize = 64 * 1024;

/// Takes a write and tells everybody, in an envelope as long as ours.
async fn take(State(told): State<Sender<(u64, String)>>, Path(key): Path<String>, body: String) -> String {
    let mark = find(body.as_bytes(), b"\"updated_by\":\"@").map_or("", |at| &body[at + 15..]);
    let sent = mark.split('"').next().unwrap_or_default();
    let data = format!(
        r#"{{"event_id":"evt_019ab3f1c2a07c3e9b1d5a6f7e8d9c0b","seq":1000,"type":"resource.updated","occurred_at_ms":1790000000000,"workspace_id":"local","actor":"user.operator","properties":{{"key":"{key}","rev":1000,"updated_at_ms":1790000000000,"updated_by":"@{sent}"}}}}"#
    );
    // An error says that nobody listens.
    let _ = told.send((1_000, data));
    format!(r#"{{"ok":true,"key":"{key}","rev":1000}}"#)
}

async fn watch(State(told): State<Sender<(u64, String)>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(futures_util::stream::unfold(told.subscribe(), |mut told| async move {
        let (id, data) = told.recv().await.expect("nobody falls that far behind");
        Some((Ok(Event::default().id(id.to_string()).data(data)), told))
    }))
}

/// Serves on a free port, which it prints.
pub(crate) async fn serve() {
    let (told, _) = broadcast::channel(WAITING);
    let routes = Router::new().route("/resource/events", get(watch)).route("/resource/{*key}", put(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("http://{}", listener.local_addr().expect("a bound socket has an address"));
    let listener = axum::serve::ListenerExt::tap_io(listener, |socket| {
        socket.set_nodelay(true).expect("a connected socket takes options");
    });
    axum::serve(listener, routes.with_state(told)).await.expect("it serves until it is killed");
}
