//! What followers of the log are told of plugins, word for word from a server: a change of any name or member shows
//! here, and is one for every client.

use e2e::guest::{World, component, gate_that, plugin};
use e2e::server::{TestServer, on_both_servers, reply};
use e2e::told::{Family, redact};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::signing::SigningKey;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const FAMILY: Family = Family { test: "plugin_events", prefixes: &["plugin."] };

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

/// Names of the components' digests, which differ with each version of the tools that make components.
fn digests() -> Vec<(String, String)> {
    let components = [
        ("lenient", gate_that("pass", "lenient", "1.0.0")),
        ("strict", gate_that("fail", "strict", "1.0.0")),
        ("flow", plugin(World::Reducer, "flow", "1.0.0", "spin", &[("rounds", "1")])),
        ("hostile", component(World::Reducer, "trap", &[("what", "unreachable")])),
    ];
    components.map(|(name, bytes)| (Digest::of(&bytes).to_string(), format!("[digest of {name}]"))).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_plugins_are_as_clients_know_them() {
    on_both_servers(CACHE, async |server| {
        live(&server).await;
        let request = server.request(Method::GET, "/event?since_seq=0&limit=500&type=plugin.", &server.operator);
        let page = reply(request.header("accept", "application/json")).await.body;
        let mut events = page["items"].as_array().expect("events").clone();
        server.stop().await;
        let names = digests();
        for event in &mut events {
            if event["properties"]["size"].is_number() {
                event["properties"]["size"] = json!("[size]");
            }
            redact(event, &|name, _| name == "occurred_at_ms", &|text| {
                for (digest, name) in &names {
                    *text = text.replace(digest, name);
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
