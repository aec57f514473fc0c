//! Watching shared resources as clients do: nothing missed, nothing twice, nothing that is not theirs.

#![expect(clippy::unwrap_used, reason = "a case that cannot go on ends there")]

mod crowd;
mod frames;

use e2e::server::{Frames, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

async fn put(server: &TestServer, key: &str, value: Value) -> u64 {
    let written =
        server.ask(Method::PUT, &format!("/resource/{key}"), &server.operator, json!({ "value": value })).await;
    assert_eq!(written.status, 200, "{key}: {:#}", written.body);
    written.body["rev"].as_u64().unwrap()
}

async fn watch(server: &TestServer, query: &str) -> Frames {
    Frames::open(server.request(Method::GET, &format!("/resource/events{query}"), &server.operator)).await
}
