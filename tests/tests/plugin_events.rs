//! What followers of the log are told of plugins, word for word from a server: a change of any name or member shows
//! here, and is one for every client.

use e2e::guest::{World, component, gate_that, plugin};
use e2e::server::{TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::domain::event_type::EventType;
use sluice::signing::SigningKey;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

async fn install(server: &TestServer, path: &str, bytes: &[u8], signature: Option<String>) -> u16 {
    let request = server.request(Method::PUT, &format!("/plugins/{path}"), &server.operator).body(bytes.to_vec());
    let request = match signature {
        Some(signature) => request.header("sluice-signature", signature),
        None => request,
    };
    reply(request).await.status
}

/// Everything that makes one of these events.
async fn live(server: &TestServer) {
    let key = SigningKey::parse(&"7".repeat(64)).expect("a key");
    let (lenient, strict) = (gate_that("pass", "lenient", "1.0.0"), gate_that("fail", "strict", "1.0.0"));
    let signature = format!("{}:{}", key.public(), key.sign(&Digest::of(&lenient)));
    assert_eq!(install(server, "lenient/1.0.0", &lenient, Some(signature)).await, 201);
    assert_eq!(install(server, "strict/1.0.0", &strict, None).await, 201);
    let flow = plugin(World::Reducer, "flow", "1.0.0", "spin", &[("rounds", "1")]);
    assert_eq!(install(server, "flow/1.0.0", &flow, None).await, 201);
    let trap = component(World::Reducer, "trap", &[("what", "unreachable")]);
    assert_eq!(install(server, "hostile/0.1.0", &trap, None).await, 422);
    let bindings = json!({
        "reducer": {"plugin": "flow"},
        "gates": {"review": {"mode": "quorum", "quorum": 1, "gates": [{"plugin": "lenient"}, {"plugin": "strict"}]}},
    });
    let put = async |body: Value| server.ask(Method::PUT, "/workspaces/local", &server.operator, body).await.status;
    assert_eq!(put(json!({"bindings": bindings, "note": "a try", "trusted_keys": [key.public()]})).await, 200);
    assert_eq!(
        put(json!({"bindings": {"gates": {"review": {"gates": [{"plugin": "lenient"}]}}}, "require_signatures": true}))
            .await,
        200
    );
    assert_eq!(server.post("/workspaces/local/rollback", json!({"revision": 0})).await.status, 200);
    let path = format!("/plugins/{}", Digest::of(&strict));
    assert_eq!(server.ask(Method::DELETE, &path, &server.operator, Value::Null).await.status, 200);
}

/// What differs with each version of the tools that make components has a name instead.
fn redacted(event: &Value) -> Value {
    let mut event = event.clone();
    if event["properties"]["size"].is_number() {
        event["properties"]["size"] = json!("[size]");
    }
    let mut text = event.to_string();
    let components = [
        ("lenient", gate_that("pass", "lenient", "1.0.0")),
        ("strict", gate_that("fail", "strict", "1.0.0")),
        ("flow", plugin(World::Reducer, "flow", "1.0.0", "spin", &[("rounds", "1")])),
        ("hostile", component(World::Reducer, "trap", &[("what", "unreachable")])),
    ];
    for (name, bytes) in components {
        text = text.replace(Digest::of(&bytes).as_str(), &format!("[digest of {name}]"));
    }
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_plugins_are_as_clients_know_them() {
    on_both_servers(CACHE, async |server| {
        live(&server).await;
        let request = server.request(Method::GET, "/event?since_seq=0&limit=500&type=plugin.", &server.operator);
        let page = reply(request.header("accept", "application/json")).await.body;
        let mut events = page["items"].as_array().expect("events").clone();
        server.stop().await;
        for event in &mut events {
            *event = redacted(event);
            event.sort_all_objects();
            for name in ["seq", "event_id", "occurred_at_ms"] {
                event[name] = json!(format!("[{name}]"));
            }
        }
        for kind in EventType::ALL.iter().filter(|kind| kind.as_str().starts_with("plugin.")) {
            let of_kind: Vec<&Value> = events.iter().filter(|event| event["type"] == kind.as_str()).collect();
            assert!(!of_kind.is_empty(), "nothing told of {kind}: add it to what happens");
            insta::assert_json_snapshot!(kind.as_str().replace('.', "_"), of_kind);
        }
    })
    .await;
}
