//! `POST /sessions/{session_id}/events` and the status it leads to, as clients see them.

use std::sync::Arc;

use e2e::databases::TestDatabase;
use e2e::random::Random;
use e2e::server::{Reply, ServerOptions, TestServer, on_both_servers, reply};
use e2e::sessions::check_statuses;
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

async fn tell(server: &TestServer, session: &str, body: Value) -> Reply {
    server.post(&format!("/sessions/{session}/events"), body).await
}

/// What is told is accepted, and the status is right at once.
async fn told(server: &TestServer, session: &str, body: Value) -> Value {
    let told = tell(server, session, body).await;
    assert_eq!(told.status, 200, "{:#}", told.body);
    let status = server.get(&format!("/resource/run/{session}/status")).await;
    assert_eq!(status.status, 200, "{:#}", status.body);
    assert_eq!(status.body["updated_by"], "system.status_indexer");
    status.body["value"].clone()
}

fn run_event(kind: &str, at: u64, properties: Value) -> Value {
    json!({"type": format!("session.run.{kind}"), "occurred_at_ms": 1_700_000_000_000_u64 + at, "properties": properties})
}

fn part(at: u64, part: Value) -> Value {
    json!({
        "type": "message.part.updated", "occurred_at_ms": 1_700_000_000_000_u64 + at,
        "properties": {"runID": "r1", "part": part},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engines_session_stands_as_it_told_in_whatever_order() {
    on_both_servers(CACHE, async |server| {
        let one = json!({"type": "session.run.started", "properties": {"sessionID": "alone"}});
        let running = json!({
            "session_id": "alone", "run_id": "alone", "state": "running", "phase": "run", "tool_active": false,
            "event_type": "session.run.started",
        });
        assert_eq!(told(&server, "alone", one).await, running, "a session whose runs are not named is one run");

        let call = |state: &str| json!({"sessionID": "s1", "type": "tool", "callID": "c", "tool": "bash", "state": {"status": state}});
        let story = [
            run_event("queued", 1, json!({"runID": "r1", "sessionId": "s1"})),
            run_event("started", 2, json!({"run_id": "r1", "session_id": "s1", "model": "m"})),
            part(3, json!({"type": "text", "text": "x"})),
            part(4, call("running")),
            part(5, call("completed")),
            run_event("finished", 6, json!({"runId": "r1", "status": "succeeded"})),
        ];
        let states = [
            ("queued", "run", false, "session.run.queued"),
            ("running", "run", false, "session.run.started"),
            ("running", "run", false, "message.part.updated"),
            ("running", "tool", true, "message.part.updated"),
            ("running", "run", false, "message.part.updated"),
            ("finished", "run", false, "session.run.finished"),
        ];
        for (event, (state, phase, tool_active, event_type)) in story.iter().zip(states) {
            let mut expected = json!({
                "session_id": "s1", "run_id": "r1", "state": state, "phase": phase, "tool_active": tool_active,
                "event_type": event_type,
            });
            if tool_active {
                expected["tool"] = json!("bash");
            }
            if state == "finished" {
                expected["result"] = json!("succeeded");
            }
            assert_eq!(told(&server, "s1", event.clone()).await, expected, "after {event}");
            // What was told before changes nothing when it comes again.
            for earlier in &story[..2] {
                let again = told(&server, "s1", earlier.clone()).await;
                if state != "queued" {
                    assert_eq!(again, expected, "after {event}, then {earlier}");
                }
            }
        }
        let mut random = Random::new(3);
        let last = told(&server, "s1", story[0].clone()).await;
        for number in 0..6 {
            let session = format!("mixed-{number}");
            let mut events: Vec<Value> = story.iter().chain(&story).cloned().collect();
            for event in &mut events {
                let properties = event["properties"].as_object_mut().expect("properties");
                properties.retain(|name, _| !name.starts_with("session"));
                if let Some(part) = properties.get_mut("part").and_then(Value::as_object_mut) {
                    part.remove("sessionID");
                }
            }
            for end in (1..events.len()).rev() {
                events.swap(end, random.below(end + 1));
            }
            let mut expected = last.clone();
            expected["session_id"] = json!(session);
            assert_eq!(told(&server, &session, json!({ "events": events })).await, expected);
        }

        // The log tells all of it onwards, in the host's names.
        let log = server.request(Method::GET, "/event?since_seq=0&limit=500&session_id=s1", &server.operator);
        let log = reply(log.header("accept", "application/json")).await.body;
        let started = log["items"].as_array().expect("events").iter().find(|e| e["type"] == "session.run.started");
        let started = started.expect("it is there");
        assert_eq!(started["properties"], json!({"run_id": "r1", "session_id": "s1", "model": "m"}));
        assert_eq!((&started["run_id"], &started["occurred_at_ms"]), (&json!("r1"), &json!(1_700_000_000_002_u64)));
        assert_eq!(started["actor"], "user.root");
        check_statuses(server.engine.store()).await;
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_is_told_once() {
    on_both_servers(CACHE, async |server| {
        let named = |id: &str| json!({"type": "session.run.started", "event_id": id, "properties": {"run_id": "r"}});
        let first = tell(&server, "s", json!({"events": [named("1"), named("2")]})).await;
        assert_eq!(first.body["accepted"], 2);
        let again = tell(&server, "s", json!({"events": [named("1"), named("2")]})).await;
        assert_eq!(again.body, first.body);
        // An id means nothing to others: not of another principal, not of another session.
        let other = server.token("local", Role::Agent, "agent.other").await;
        let theirs = server.ask(Method::POST, "/sessions/s/events", &other, named("1")).await;
        assert_eq!(theirs.status, 200);
        assert!(theirs.body["seqs"][0].as_u64() > first.body["seqs"][1].as_u64(), "{:#}", theirs.body);
        let elsewhere = tell(&server, "t", named("1")).await;
        assert!(elsewhere.body["seqs"][0].as_u64() > theirs.body["seqs"][1].as_u64(), "{:#}", elsewhere.body);

        // A request that is named is carried out once, whatever is in it.
        let nameless = json!({"type": "session.run.progress", "properties": {"run_id": "r"}});
        let send = async |body: &Value| {
            let request = server.request(Method::POST, "/sessions/s/events", &server.operator);
            reply(request.header("idempotency-key", "k").json(body)).await
        };
        let first = send(&nameless).await;
        let head = server.engine.store().log_head().await.expect("read");
        let again = send(&nameless).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(server.engine.store().log_head().await.expect("read"), head);
        assert_eq!(send(&named("7")).await.code(), "IDEMPOTENCY_KEY_REUSED");
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_right_is_refused_in_whole() {
    on_both_servers(CACHE, async |server| {
        let soon = server.engine.clock().now().as_millis() + 600_000;
        let good = json!({"type": "session.run.started", "properties": {}});
        let with = |properties: Value| json!({"type": "session.run.started", "properties": properties});
        let large = "x".repeat(65 * 1024);
        let cases = [
            (json!({"type": "session.run.failed"}), 422, "INVALID_FIELD", "type"),
            (json!({"type": "mission.created", "properties": {}}), 422, "INVALID_FIELD", "type"),
            (json!({"events": [good, {"type": "resource.updated"}]}), 422, "INVALID_FIELD", "events[1].type"),
            (json!({"events": []}), 422, "INVALID_FIELD", "events"),
            (json!({"events": vec![&good; 501]}), 422, "INVALID_FIELD", "events"),
            (json!({"events": [good], "type": "session.run.started"}), 422, "INVALID_FIELD", "events"),
            (json!({}), 422, "INVALID_FIELD", "type"),
            (json!({"type": "session.run.started", "seq": 1}), 422, "UNKNOWN_FIELD", "seq"),
            (json!({"type": "session.run.started", "properties": []}), 422, "INVALID_FIELD", "properties"),
            (with(json!({"sessionID": "other"})), 400, "SESSION_EVENT_MISMATCH", "properties"),
            (
                with(json!({"sessionID": "s", "session_id": "other"})),
                400,
                "SESSION_EVENT_MISMATCH",
                "properties.sessionID",
            ),
            (with(json!({"runID": "a", "run_id": "b"})), 400, "SESSION_EVENT_MISMATCH", "properties.runID"),
            (with(json!({"sessionID": 5})), 422, "INVALID_FIELD", "properties.sessionID"),
            (with(json!({"run_id": "../x"})), 422, "INVALID_FIELD", "properties.run_id"),
            (with(json!({"run_id": ""})), 422, "INVALID_FIELD", "properties.run_id"),
            (with(json!({ "x": large })), 422, "INVALID_FIELD", "properties"),
            (json!({"type": "message.part.updated", "properties": {}}), 422, "INVALID_FIELD", "properties.part"),
            (
                json!({"type": "message.part.updated", "properties": {"part": {"text": "x"}}}),
                422,
                "INVALID_FIELD",
                "properties.part",
            ),
            (
                json!({"type": "message.part.updated", "properties": {"part": {"type": "text", "sessionID": "other"}}}),
                400,
                "SESSION_EVENT_MISMATCH",
                "properties",
            ),
            (json!({"type": "session.run.started", "event_id": ""}), 422, "INVALID_FIELD", "event_id"),
            (json!({"type": "session.run.started", "event_id": "x".repeat(257)}), 422, "INVALID_FIELD", "event_id"),
            (json!({"type": "session.run.started", "event_id": "1", "id": "2"}), 422, "INVALID_FIELD", "id"),
            (json!({"type": "session.run.started", "occurred_at_ms": soon}), 422, "INVALID_FIELD", "occurred_at_ms"),
            (json!({"type": "session.run.started", "occurred_at_ms": -1}), 422, "INVALID_FIELD", "occurred_at_ms"),
            (
                json!({"events": [good, {"type": "session.run.started", "occurred_at_ms": soon}]}),
                422,
                "INVALID_FIELD",
                "events[1].occurred_at_ms",
            ),
        ];
        for (body, status, code, field) in cases {
            let refused = tell(&server, "s", body.clone()).await;
            assert_eq!(
                (refused.status, refused.code(), &refused.body["field"]),
                (status, code, &json!(field)),
                "{body}: {:#}",
                refused.body
            );
        }
        let named = tell(&server, "s", json!({"type": "session.run.failed"})).await.body;
        assert!(named["detail"].as_str().expect("a detail").contains("session.run.interrupted"), "{named:#}");
        for session in ["..", "a%2Fb", "a%20b", "%00"] {
            let refused = tell(&server, session, good.clone()).await;
            assert!([400, 404].contains(&refused.status), "{session}: {:#}", refused.body);
        }
        assert_eq!(server.engine.store().log_head().await.expect("read"), 0, "nothing was written");
        server.stop().await;
    })
    .await;
}

/// Nobody speaks for a run of this host but its worker.
#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_own_runs_are_told_of_by_their_workers_alone() {
    on_both_servers(CACHE, async |server| {
        let made = json!({"title": "t", "work_items": [{"id": "a", "title": "A"}], "start": true});
        let mission = server.post("/mission", made).await.body["mission"]["id"].clone();
        let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "session_id": "theirs"});
        let run = server.post("/runs/claim", claim).await.body["run"].clone();
        let (id, token) = (run["id"].as_str().expect("an id"), run["token"].as_str().expect("a token"));
        let finished = |run_id: &str| json!({"type": "session.run.finished", "properties": {"run_id": run_id, "status": "failed"}});
        for (session, run_id) in [(id, "x"), ("theirs", "x"), ("mine", id), ("theirs", id)] {
            for role in [Role::Operator, Role::Member, Role::Agent] {
                let teller = server.token("local", role, "user.other").await;
                let path = format!("/sessions/{session}/events");
                let refused = server.ask(Method::POST, &path, &teller, finished(run_id)).await;
                assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"), "{session} {run_id}: {:#}", refused.body);
            }
        }
        let path = format!("/sessions/{id}/events");
        assert_eq!(server.ask(Method::POST, &path, token, finished(id)).await.status, 403, "nor by its own token here");
        let running = |body: &Value| body["value"]["state"] == "running";
        let status = server.until("/resource/run/theirs/status", running).await;
        assert_eq!(status["value"]["run_id"], id);
        // In another workspace the name is nobody's.
        let elsewhere = server.token("elsewhere", Role::Member, "user.other").await;
        let theirs = server.ask(Method::POST, "/sessions/theirs/events", &elsewhere, finished("x")).await;
        assert_eq!(theirs.status, 200, "{:#}", theirs.body);
        assert_eq!(server.get("/resource/run/theirs/status").await.body["value"], status["value"]);

        let events = json!({"events": [
            {"type": "session.run.started"},
            {"type": "message.part.updated", "part": {"type": "tool", "id": "1", "tool": "grep", "state": "running"}},
        ]});
        let accepted = server.ask(Method::POST, &format!("/runs/{id}/events"), token, events).await;
        assert_eq!(accepted.status, 200, "{:#}", accepted.body);
        let at_tool = |body: &Value| body["value"]["tool"] == "grep" && body["value"]["phase"] == "tool";
        server.until("/resource/run/theirs/status", at_tool).await;
        let finish = server.ask(Method::POST, &format!("/runs/{id}/finish"), token, json!({"status": "succeeded"})).await;
        assert_eq!(finish.status, 200, "{:#}", finish.body);
        for session in ["theirs", id] {
            let path = format!("/resource/run/{session}/status");
            let ended = server.until(&path, |body| body["value"]["state"] == "finished").await["value"].clone();
            assert_eq!((&ended["result"], &ended["tool_active"], &ended["tool"]), (&json!("succeeded"), &json!(false), &Value::Null));
        }
        // And the status itself is the host's.
        let put = json!({"value": {"state": "queued"}});
        let refused = server.ask(Method::PUT, "/resource/run/theirs/status", &server.operator, put).await;
        assert_eq!((refused.status, refused.code()), (403, "RESOURCE_RESERVED"));
        server.stop().await;
    })
    .await;
}

/// Two hosts index one log: what one is told the other shows, and nothing is written twice.
#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_on_one_database_write_each_revision_once() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let mut servers = Vec::new();
    for _ in 0..2 {
        servers.push(Arc::new(TestServer::start(&database, CACHE, ServerOptions::default()).await));
    }
    let mut tellers = Vec::new();
    for number in 0..8_usize {
        let server = Arc::clone(&servers[number % 2]);
        let other = Arc::clone(&servers[(number + 1) % 2]);
        tellers.push(tokio::spawn(async move {
            for step in 0..25_u64 {
                // Each session is told of through both hosts.
                let session = format!("s{}", number / 2);
                let run = format!("r{number}-{}", step / 5);
                let kind =
                    ["queued", "claimed", "started", "progress", "finished"][usize::try_from(step % 5).expect("small")];
                let event = run_event(kind, step * 10 + number as u64, json!({"run_id": run, "status": "succeeded"}));
                let through = if step % 2 == 0 { &server } else { &other };
                let told = tell(through, &session, event).await;
                assert_eq!(told.status, 200, "{:#}", told.body);
            }
        }));
    }
    for teller in tellers {
        teller.await.expect("it tells all");
    }
    let last = servers[0].engine.store().log_head().await.expect("read");
    for server in &servers {
        assert!(server.engine.await_status(last, e2e::server::PATIENCE).await, "it catches up");
    }
    let checked = check_statuses(servers[0].engine.store()).await;
    assert_eq!(checked.sessions, 4);
    assert!(checked.revisions > 20, "{checked:?}");
    for server in servers {
        Arc::into_inner(server).expect("nobody else has it").stop().await;
    }
}
