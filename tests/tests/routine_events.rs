//! What followers of the log are told of routines, word for word from a server: a change of any name or member
//! shows here, and is one for every client.

use std::collections::BTreeSet;

use e2e::server::{Reply, TestServer, on_both_servers};
use e2e::told::{Family, redact};
use reqwest::Method;
use serde_json::{Value, json};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const FAMILY: Family = Family { test: "routine_events", prefixes: &["routine."] };

fn ok(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{:#}", reply.body);
    reply.body
}

/// Everything that makes one of these events, each for a routine named after it.
async fn live(server: &TestServer) {
    let make = async |id: &str, more: Value| {
        let mut body = json!({"id": id, "name": id, "schedule": "@yearly", "entrypoint": "look"});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        ok(server.post("/routines", body).await);
    };
    let patch = async |id: &str, change: Value| {
        ok(server.ask(Method::PATCH, &format!("/routines/{id}"), &server.operator, change).await);
    };
    make("plain", json!({})).await;
    patch("plain", json!({"name": "Plain"})).await;
    patch("plain", json!({"status": "paused", "status_reason": "a holiday"})).await;
    patch("plain", json!({"status": "enabled"})).await;
    let run = ok(server.post("/routines/plain/run_now", json!({})).await)["run_id"].clone();
    let path = format!("/routines/runs/{}", run.as_str().expect("an id"));
    let mission = server.get(&path).await.body["mission_id"].clone();
    let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 30_000});
    let claimed = ok(server.post("/runs/claim", claim).await)["run"].clone();
    let finish = format!("/runs/{}/finish", claimed["id"].as_str().expect("an id"));
    let token = claimed["token"].as_str().expect("a token");
    ok(server.ask(Method::POST, &finish, token, json!({"status": "succeeded"})).await);
    let is_told = |history: &Value| history["history"][0]["event"] == "finished";
    server.until("/routines/plain/history", is_told).await;
    ok(server.ask(Method::DELETE, "/routines/plain", &server.operator, Value::Null).await);

    make("sender", json!({"entrypoint": "connector.mail.send", "external_integrations_allowed": true})).await;
    ok(server.post("/routines/sender/run_now", json!({})).await);
    make("outside", json!({"entrypoint": "connector.mail.send"})).await;
    assert_eq!(server.post("/routines/outside/run_now", json!({})).await.status, 403);
    // The second one overlaps the first, which nobody works on.
    make("often", json!({"schedule": "* * * * * *"})).await;
    server.until("/routines/often/runs?status=skipped", |runs| runs["count"].as_u64() > Some(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_routines_are_as_clients_know_them() {
    on_both_servers(CACHE, async |server| {
        live(&server).await;
        let request = server.request(Method::GET, "/routines/events?since_seq=0&limit=500", &server.operator);
        let page = e2e::server::reply(request.header("accept", "application/json")).await.body;
        let mut events = page["items"].as_array().expect("events").clone();
        server.stop().await;
        // How often it fires until that is seen is no part of the contract: its first firing is shown, and the
        // first one that was dropped.
        let mut seen = BTreeSet::new();
        events.retain(|event| {
            let is_often = event["properties"]["routine_id"] == "often";
            !is_often || seen.insert(event["type"].to_string())
        });
        for event in &mut events {
            redact(event, &|name, _| name.ends_with("_ms"), &|text| {
                for (prefix, name) in [("run_", "[run]"), ("mis_", "[mission]"), ("apr_", "[approval]")] {
                    if text.starts_with(prefix) && text.len() > 20 {
                        name.clone_into(text);
                    }
                }
            });
        }
        for (name, told) in FAMILY.snapshots(events) {
            insta::assert_json_snapshot!(name, told);
        }
    })
    .await;
}

#[test]
fn no_snapshot_is_left_over() {
    FAMILY.check_files();
}
