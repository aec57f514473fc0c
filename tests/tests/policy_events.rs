//! What followers of the log are told of policy, word for word from a server: a change of any name or member
//! shows here, and is one for every client.

use e2e::server::{TestServer, on_both_servers, reply};
use e2e::told::{Family, redact};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const FAMILY: Family = Family { test: "policy_events", prefixes: &["policy."] };
const POLICY: &str = "/workspaces/local/policy";

/// Everything that makes one of these events.
async fn live(server: &TestServer) {
    let set = async |body: Value| {
        let set = server.ask(Method::PUT, POLICY, &server.operator, body).await;
        assert_eq!(set.status, 200, "{:#}", set.body);
    };
    let agent = server.token("local", Role::Agent, "agent.a").await;
    let viewer = server.token("local", Role::Viewer, "user.v").await;
    let make = async |token: &str| server.ask(Method::POST, "/mission", token, json!({"title": "t"})).await.status;
    // By the defaults, which permit it to others.
    assert_eq!(make(&viewer).await, 403);
    let text = r#"
        @id("no-missions") @reason("missions are made by people") @needed("a member")
        forbid (principal is Agent, action == Action::"mission.create", resource);"#;
    set(json!({"text": text, "mode": "observe", "preset": "reviewed-egress", "note": "a try"})).await;
    assert_eq!(make(&agent).await, 201);
    set(json!({"text": text})).await;
    assert_eq!(make(&agent).await, 403);
    let back = server.post(&format!("{POLICY}/rollback"), json!({"revision": 1})).await;
    assert_eq!(back.status, 200, "{:#}", back.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_policy_are_as_clients_know_them() {
    on_both_servers(CACHE, async |server| {
        live(&server).await;
        let request = server.request(Method::GET, "/event?since_seq=0&limit=500&type=policy.", &server.operator);
        let page = reply(request.header("accept", "application/json")).await.body;
        let mut events = page["items"].as_array().expect("events").clone();
        server.stop().await;
        for event in &mut events {
            redact(event, &|name, _| name == "occurred_at_ms", &|_| {});
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
