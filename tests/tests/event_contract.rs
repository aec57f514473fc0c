//! What followers of the log are told of shared resources, sessions and their runs, word for word from
//! a server: a change of any name or member shows here, and is one for every client.

use std::collections::BTreeMap;

use e2e::server::{Frames, Reply, TestServer, on_both_servers};
use e2e::told::{Family, redact};
use reqwest::Method;
use serde_json::{Value, json};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
/// Those of missions are in `mission_events.rs`.
const FAMILY: Family = Family { test: "event_contract", prefixes: &["resource.", "session.", "message."] };

fn ok(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{:#}", reply.body);
    reply.body
}

async fn claim(server: &TestServer, mission: &Value, session: &str, lease_ms: u64) -> (String, String) {
    let claim = json!({
        "worker": "worker-1", "mission_id": mission, "wait_ms": 30_000, "session_id": session, "lease_ms": lease_ms,
    });
    let run = ok(server.post("/runs/claim", claim).await)["run"].clone();
    (run["id"].as_str().expect("an id").to_owned(), run["token"].as_str().expect("a token").to_owned())
}

/// Everything that makes one of these events, once; the run's id.
async fn live(server: &TestServer) -> String {
    let key = "/resource/project/demo";
    ok(server.ask(Method::PUT, key, &server.operator, json!({"value": {"a": 1}, "updated_by": "Ada"})).await);
    ok(server.ask(Method::DELETE, key, &server.operator, Value::Null).await);
    ok(server.ask(Method::PUT, "/resource/team/short", &server.operator, json!({"value": 1, "ttl_ms": 1})).await);
    let made = json!({"title": "t", "work_items": [{"id": "a", "title": "A"}], "start": true});
    let mission = ok(server.post("/mission", made).await)["mission"]["id"].clone();
    // Its lease runs out, and another session takes over.
    claim(server, &mission, "first", 5_000).await;
    let (run, token) = claim(server, &mission, "second", 600_000).await;
    let own = async |what: &str, body: Value| {
        ok(server.ask(Method::POST, &format!("/runs/{run}/{what}"), &token, body).await)
    };
    own("heartbeat", json!({"progress": {"step": 2, "of": 3}})).await;
    let call = json!({"type": "tool", "call_id": "c1", "tool": "grep", "state": "running"});
    let told = json!({"events": [{"type": "session.run.started"}, {"type": "message.part.updated", "part": call}]});
    own("events", told).await;
    own("finish", json!({"status": "succeeded", "summary": "done"})).await;
    let told = json!({"events": [
        {"type": "session.run.started", "event_id": "mine-1", "occurred_at_ms": 5, "properties": {"sessionID": "engine", "runID": "r1", "model": "m"}},
        {"type": "message.part.updated", "properties": {"runID": "r1", "part": {"type": "text", "text": "hello"}}},
    ]});
    ok(server.post("/sessions/engine/events", told).await);
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_as_clients_know_them() {
    on_both_servers(CACHE, async |server| {
        let mut frames = Frames::open(server.request(Method::GET, "/event?since_seq=0", &server.operator)).await;
        let run = live(&server).await;
        // The log's last word on all of it: the statuses of the two sessions that ended.
        let status = |session: &str| format!("run/{session}/status");
        let mut events: Vec<Value> = Vec::new();
        let is_told = |events: &[Value], key: &str, rev: u64| {
            events.iter().any(|e| e["properties"]["key"] == key && e["properties"]["rev"].as_u64() >= Some(rev))
        };
        let is_over = |events: &[Value]| {
            events.iter().any(|e| e["properties"]["reason"] == "expired")
                && is_told(events, &status("engine"), 1)
                && events.iter().any(|e| e["type"] == "session.run.finished")
        };
        while !is_over(&events) {
            let frame = frames.event().await;
            assert_eq!((frame.event, frame.id), (None, frame.data["seq"].as_u64()));
            events.push(frame.data);
        }
        let mission =
            events.iter().find(|e| e["type"] == "mission.created").expect("it was made")["mission_id"].clone();
        let mission = mission.as_str().expect("an id").to_owned();
        let names = BTreeMap::from([(run, "[run]"), (mission, "[mission]")]);
        // How the indexer cuts its passes is its own affair: of the statuses one is shown.
        events.retain(|event| {
            let key = event["properties"]["key"].as_str().unwrap_or_default();
            !key.starts_with("run/") || key == status("engine")
        });
        for event in &mut events {
            // 5 is what the client gave.
            redact(event, &|name, value| name.ends_with("_at_ms") && *value != json!(5), &|text| {
                for (id, name) in &names {
                    *text = text.replace(id, name);
                }
            });
        }
        for (name, told) in FAMILY.snapshots(events) {
            insta::assert_json_snapshot!(name, told);
        }
        server.stop().await;
    })
    .await;
}

#[test]
fn no_snapshot_is_left_over() {
    FAMILY.check_files();
}
