//! What routines may do to the world outside, and who says so: nothing unasked, a yes for one run and exactly
//! what it asked, and agents that make drafts.

use e2e::server::{Reply, TestServer, on_both_servers};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

fn ok(reply: Reply) -> Value {
    assert!((200..300).contains(&reply.status), "{} {:#}", reply.status, reply.body);
    reply.body
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code()), (status, code), "{:#}", reply.body);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// A routine that sends mail.
async fn sender(server: &TestServer, id: &str, more: Value) -> Value {
    let mut body = json!({
        "id": id, "name": "Send", "schedule": "@yearly", "entrypoint": "connector.mail.send", "args": {"to": "ann"},
        "overlap_policy": "allow",
    });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    ok(server.post("/routines", body).await)["routine"].clone()
}

/// A run that waits for a person, as it looks.
async fn asks(server: &TestServer, id: &str) -> Value {
    let started = ok(server.post(&format!("/routines/{id}/run_now"), json!({})).await);
    assert_eq!((&started["status"], &started["waiting_for"]), (&json!("queued"), &json!("approval")), "{started:#}");
    let run = server.get(&format!("/routines/runs/{}", text(&started["run_id"]))).await.body;
    assert_eq!((&run["status"], &run["approval_id"]), (&json!("approval_required"), &started["approval_id"]));
    run
}

async fn step(server: &TestServer, run: &Value, what: &str, token: &str, body: Value) -> Reply {
    server.ask(Method::POST, &format!("/routines/runs/{}/{what}", text(&run["id"])), token, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reaches_the_world_outside_unless_it_may() {
    on_both_servers(CACHE, async |server| {
        let routine = sender(&server, "blocked", json!({})).await;
        assert_eq!((&routine["external_side_effects"], &routine["requires_approval"]), (&json!(true), &json!(true)));
        let reply = server.post("/routines/blocked/run_now", json!({})).await;
        refused(&reply, 403, "ROUTINE_POLICY_BLOCKED");
        assert!(text(&reply.body["reason"]).contains("external_integrations_allowed"), "{:#}", reply.body);
        let run = server.get(&format!("/routines/runs/{}", text(&reply.body["run_id"]))).await.body;
        assert_eq!((&run["status"], &run["mission_id"]), (&json!("blocked"), &Value::Null), "{run:#}");
        refused(&step(&server, &run, "approve", &server.operator, json!({})).await, 409, "ROUTINE_RUN_STATE");
        let left = json!({"uri": "https://example.org/", "kind": "link"});
        refused(&step(&server, &run, "artifacts", &server.operator, left).await, 409, "CONFLICT");
        // By whatever way it gets there.
        for (id, more) in [
            ("by-capability", json!({"entrypoint": "write", "capabilities": ["connector.mail.*"]})),
            ("by-args", json!({"entrypoint": "write", "args": {"deep": [{"connector": "mail"}]}})),
            ("by-mission", json!({"entrypoint": {"mission": {"title": "T", "capabilities": ["connector.mail.send"]}}})),
        ] {
            assert_eq!(sender(&server, id, more).await["external_side_effects"], true, "{id}");
        }
        let inside = sender(&server, "inside", json!({"entrypoint": "write", "args": {}})).await;
        assert_eq!(inside["external_side_effects"], false);
        assert_eq!(ok(server.post("/routines/inside/run_now", json!({})).await)["waiting_for"], "worker");
        // Allowed and unasked: a person wants it so.
        sender(&server, "free", json!({"external_integrations_allowed": true, "requires_approval": false})).await;
        assert_eq!(ok(server.post("/routines/free/run_now", json!({})).await)["waiting_for"], "worker");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_for_one_run_and_exactly_what_it_asked() {
    on_both_servers(CACHE, async |server| {
        sender(&server, "send", json!({"external_integrations_allowed": true})).await;
        let operator = server.operator.clone();
        let agent = server.token("local", Role::Agent, "agent.a").await;
        let run = asks(&server, "send").await;
        let other = asks(&server, "send").await;
        let approval = format!("/approvals/{}", text(&run["approval_id"]));
        let shown = server.get(&approval).await.body["approval"].clone();
        assert_eq!((&shown["kind"], &shown["status"]), (&json!("routine"), &json!("pending")), "{shown:#}");
        for part in ["connector.mail.send", "\"to\": \"ann\"", text(&run["id"])] {
            assert!(text(&shown["rendered"]).contains(part), "{part} is not in {shown:#}");
        }
        let mission = format!("/mission/{}", text(&run["mission_id"]));
        assert_eq!(server.get(&mission).await.body["mission"]["status"], "draft", "nothing has begun");
        let start = json!({"event": {"type": "mission_started"}});
        refused(&server.post(&format!("{mission}/event"), start).await, 409, "ROUTINE_APPROVAL_REQUIRED");

        for what in ["approve", "deny"] {
            refused(&step(&server, &run, what, &agent, json!({})).await, 403, "FORBIDDEN");
        }
        let wrong = json!({"content_digest": "0".repeat(64)});
        refused(&step(&server, &run, "approve", &operator, wrong).await, 409, "CONFLICT");
        let looked_at = json!({"content_digest": shown["content_digest"], "reason": "it is fine"});
        let approved = ok(step(&server, &run, "approve", &operator, looked_at).await);
        assert_eq!((&approved["ok"], &approved["run"]["id"]), (&json!(true), &run["id"]));
        server.until(&mission, |answer| answer["mission"]["status"] == "running").await;
        refused(&step(&server, &run, "deny", &operator, json!({})).await, 409, "ROUTINE_RUN_STATE");
        let untouched = server.get(&format!("/routines/runs/{}", text(&other["id"]))).await.body;
        assert_eq!(untouched["status"], "approval_required", "a yes is for one run");

        // A no, by either way.
        let denied = ok(step(&server, &other, "deny", &operator, json!({"reason": "not now"})).await);
        assert_eq!(denied["run"]["status"], "denied", "{denied:#}");
        refused(&step(&server, &other, "approve", &operator, json!({})).await, 409, "ROUTINE_RUN_STATE");
        let third = asks(&server, "send").await;
        ok(server.post(&format!("/approvals/{}/deny", text(&third["approval_id"])), json!({})).await);
        let path = format!("/routines/runs/{}", text(&third["id"]));
        server.until(&path, |run| run["status"] == "denied").await;

        // What changed meanwhile was never asked.
        let fourth = asks(&server, "send").await;
        let change = json!({"args": {"to": "everybody"}});
        ok(server.ask(Method::PATCH, "/routines/send", &operator, change).await);
        refused(&step(&server, &fourth, "approve", &operator, json!({})).await, 409, "ROUTINE_CHANGED");
        let path = format!("/routines/runs/{}", text(&fourth["id"]));
        assert_eq!(server.get(&path).await.body["status"], "canceled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_makes_is_a_draft() {
    on_both_servers(CACHE, async |server| {
        let agent = server.token("local", Role::Agent, "agent.a").await;
        let other = server.token("local", Role::Agent, "agent.b").await;
        let viewer = server.token("local", Role::Viewer, "user.v").await;
        let ask = async |token: &str, method: Method, path: &str, body: Value| server.ask(method, path, token, body).await;
        let body = json!({"id": "mine", "name": "Mine", "schedule": "@yearly", "entrypoint": "tidy", "status": "enabled"});
        refused(&ask(&viewer, Method::POST, "/routines", body.clone()).await, 403, "FORBIDDEN");
        let made = ok(ask(&agent, Method::POST, "/routines", body.clone()).await)["routine"].clone();
        assert_eq!(
            (&made["status"], &made["creator_type"], &made["creator_id"], &made["next_fire_at_ms"]),
            (&json!("disabled"), &json!("agent"), &json!("agent.a"), &Value::Null)
        );
        for (member, value) in [("external_integrations_allowed", true), ("requires_approval", false)] {
            let mut bold = body.clone();
            bold["id"] = json!("bold");
            bold[member] = json!(value);
            let reply = ask(&agent, Method::POST, "/routines", bold).await;
            refused(&reply, 403, "ROUTINE_AGENT_DRAFT");
            assert_eq!(reply.body["field"], member);
            let reply = ask(&agent, Method::PATCH, "/routines/mine", json!({ member: value })).await;
            refused(&reply, 403, "ROUTINE_AGENT_DRAFT");
        }
        let enable = json!({"status": "enabled"});
        refused(&ask(&agent, Method::PATCH, "/routines/mine", enable.clone()).await, 403, "ROUTINE_AGENT_DRAFT");
        for force in [false, true] {
            let reply = ask(&agent, Method::POST, "/routines/mine/run_now", json!({"force": force})).await;
            assert!(matches!(reply.status, 403 | 409), "{:#}", reply.body);
        }
        refused(&ask(&other, Method::PATCH, "/routines/mine", json!({"name": "Ours"})).await, 403, "FORBIDDEN");
        refused(&ask(&other, Method::DELETE, "/routines/mine", Value::Null).await, 403, "FORBIDDEN");
        // Whatever an agent says it is.
        let said = json!({
            "id": "bold", "name": "n", "schedule": "@yearly", "entrypoint": "x", "creator_type": "user",
            "creator_id": "user.root",
        });
        let bold = ok(ask(&agent, Method::POST, "/routines", said).await)["routine"].clone();
        let whose = |routine: &Value| json!([routine["status"], routine["creator_type"], routine["creator_id"], routine["owner"]]);
        assert_eq!(whose(&bold), json!(["disabled", "agent", "agent.a", "agent.a"]));
        refused(&ask(&agent, Method::PATCH, "/routines/bold", enable.clone()).await, 403, "ROUTINE_AGENT_DRAFT");
        // A user who makes one for an agent makes a draft too.
        let for_agent = json!({
            "id": "for-b", "name": "n", "schedule": "@yearly", "entrypoint": "x", "creator_type": "agent", "creator_id": "agent.b",
        });
        let made = ok(server.post("/routines", for_agent).await)["routine"].clone();
        assert_eq!(whose(&made), json!(["disabled", "agent", "agent.b", "agent.b"]));
        assert_eq!(ask(&other, Method::DELETE, "/routines/for-b", Value::Null).await.status, 200);

        // What a user calls its maker is a label: the agent of that name has no right to it.
        let labelled = json!({
            "id": "labelled", "name": "n", "schedule": "@yearly", "entrypoint": "x", "creator_type": "user",
            "creator_id": "agent.b",
        });
        let made = ok(server.post("/routines", labelled).await)["routine"].clone();
        assert_eq!(whose(&made), json!(["enabled", "user", "agent.b", "user.root"]));
        for method in [Method::PATCH, Method::DELETE] {
            refused(&ask(&other, method, "/routines/labelled", json!({})).await, 403, "FORBIDDEN");
        }
        refused(&ask(&other, Method::POST, "/routines/labelled/run_now", json!({})).await, 403, "FORBIDDEN");
        let told = server.get("/routines/labelled/history").await.body;
        assert_eq!(told["history"][0]["actor"], "user.root", "what is done is done by the token's principal");

        assert_eq!(ok(ask(&server.operator, Method::PATCH, "/routines/mine", enable).await)["status"], "enabled");
        // Whatever an agent changes in it is a draft again.
        let changed = ok(ask(&agent, Method::PATCH, "/routines/mine", json!({"entrypoint": "tidy more"})).await);
        assert_eq!((&changed["status"], &changed["next_fire_at_ms"]), (&json!("disabled"), &Value::Null), "{changed:#}");
    })
    .await;
}
