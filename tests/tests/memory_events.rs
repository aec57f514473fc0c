//! What followers of the log are told of memory, word for word from a server: a change of any name or member
//! shows here, and is one for every client.

use std::collections::BTreeMap;

use e2e::databases::TestDatabase;
use e2e::guest::{World, component};
use e2e::server::{Reply, ServerOptions, TestServer};
use e2e::told::{Family, redact};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const FAMILY: Family = Family { test: "memory_events", prefixes: &["memory."] };

fn ok(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{:#}", reply.body);
    reply.body
}

/// Names of what differs each time, by what it is.
type Names = BTreeMap<String, String>;

fn named(names: &mut Names, id: &Value, name: &str) {
    names.insert(id.as_str().expect("an id").to_owned(), format!("[{name}]"));
}

/// Everything that makes one of these events, but what the scrubber blocks.
async fn live(server: &TestServer, names: &mut Names) {
    let bot = server.token("local", Role::Agent, "agent.bot").await;
    let made = json!({"title": "t", "work_items": [{"id": "a", "title": "Size the pool"}], "start": true});
    let mission = ok(server.ask(Method::POST, "/mission", &bot, made).await)["mission"]["id"].clone();
    let claim =
        json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000, "session_id": "s1"});
    let run = ok(server.ask(Method::POST, "/runs/claim", &bot, claim).await)["run"].clone();
    named(names, &mission, "mission");
    named(names, &run["id"], "run");
    let body = json!({"text": "The pool wants size 20.", "capability": run["token"]});
    let source = ok(server.ask(Method::POST, "/memory/put", &bot, body).await)["id"].clone();
    named(names, &source, "source");
    ok(server.post("/memory/search", json!({"query": "pool"})).await);
    let promote = json!({"id": source, "to_tier": "curated"});
    let target = ok(server.post("/memory/promote", promote).await)["new_memory_id"].clone();
    named(names, &target, "target");
    let context = format!("/runs/{}/context", run["id"].as_str().expect("an id"));
    assert_eq!(ok(server.ask(Method::GET, &context, &bot, Value::Null).await)["count"], 1);
    ok(server.post("/memory/demote", json!({"id": target})).await);
    let path = format!("/memory/{}", target.as_str().expect("an id"));
    ok(server.ask(Method::DELETE, &path, &server.operator, Value::Null).await);
}

/// The same where the scrubber blocks everything.
async fn be_blocked(server: &TestServer, names: &mut Names) {
    let blocked = ok(server.post("/memory/put", json!({"text": "x", "tier": "team"})).await);
    named(names, &blocked["id"], "blocked");
    let source = names.iter().find(|(_, name)| *name == "[source]").map(|(id, _)| id.clone()).expect("it was put");
    assert_eq!(ok(server.post("/memory/promote", json!({"id": source})).await)["promoted"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_memory_are_as_clients_know_them() {
    for database in TestDatabase::each().await {
        let mut names = Names::new();
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        live(&server, &mut names).await;
        server.stop().await;
        let scrubber = Some(component(World::Scrubber, "scrub_echo", &[]));
        let server = TestServer::start(&database, CACHE, ServerOptions { scrubber, ..ServerOptions::default() }).await;
        be_blocked(&server, &mut names).await;
        let log = server.engine.store().log_of_all(0, 10_000).await.expect("the log can be read");
        let mut events: Vec<Value> = log
            .iter()
            .map(|event| serde_json::to_value(sluice::wire::log_event_view(event)).expect("an event is JSON"))
            .collect();
        server.stop().await;
        for event in &mut events {
            redact(event, &|name, _| name.ends_with("_at_ms"), &|text| {
                for (id, name) in &names {
                    *text = text.replace(id, name);
                }
            });
        }
        for (name, told) in FAMILY.snapshots(events) {
            insta::assert_json_snapshot!(name, told);
        }
    }
}

#[test]
fn no_snapshot_is_left_over() {
    FAMILY.check_files();
}
