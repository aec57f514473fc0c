//! Missions over HTTP: from creation to the end, told by events alone and worked by a worker.

use e2e::server::{Reply, TestServer, on_both_servers, reply};
use reqwest::{Method, multipart};
use serde_json::{Value, json};
use sluice::domain::principal::Role;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// A change that the reviewer lets pass.
const DIFF: &str = "--- a/src/x.txt\n+++ b/src/x.txt\n@@ -1 +1 @@\n-old\n+new\n";
/// Tests that the tester lets pass.
const TAP: &str = "TAP version 13\n1..2\nok 1 - one\nok 2 - two\n";

async fn create(server: &TestServer, body: Value) -> String {
    let made = server.post("/mission", body).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    made.body["mission"]["id"].as_str().expect("a mission has an id").to_owned()
}

async fn tell(server: &TestServer, id: &str, event: Value) -> Reply {
    server.post(&format!("/mission/{id}/event"), json!({"event": event})).await
}

/// What an agent does with one run: everything a worker may call.
async fn work(server: &TestServer, agent: &str) -> Value {
    let claim = json!({"worker": "w1", "wait_ms": 20_000, "lease_ms": 20_000, "session_id": "ses_1"});
    let claimed = server.ask(Method::POST, "/runs/claim", agent, claim).await;
    assert_eq!(claimed.status, 200, "{:#}", claimed.body);
    let run = claimed.body["run"].clone();
    let (id, token) = (run["id"].as_str().expect("an id"), run["token"].as_str().expect("a token"));
    let path = |last: &str| format!("/runs/{id}/{last}");
    let beats = json!({"worker": "w1", "runs": [{"id": id, "token": token, "progress": {"step": 1}}]});
    let beaten = server.ask(Method::POST, "/runs/heartbeat", agent, beats).await;
    assert_eq!((beaten.status, &beaten.body["runs"][0]["ok"]), (200, &json!(true)), "{:#}", beaten.body);
    let said = json!({"events": [
        {"type": "session.run.started"},
        {"type": "message.part.updated", "part": {"type": "text", "text": "hello"}},
    ]});
    let told = server.ask(Method::POST, &path("events"), token, said).await;
    assert_eq!((told.status, &told.body["accepted"]), (200, &json!(2)), "{:#}", told.body);
    let diff = json!({"kind": "diff", "name": "change.diff", "media_type": "text/x-diff", "content": DIFF});
    let left = server.ask(Method::POST, &path("artifacts"), token, diff).await;
    assert_eq!(left.status, 201, "{:#}", left.body);
    let file = multipart::Part::bytes(TAP.as_bytes()).file_name("tests.tap");
    let form = multipart::Form::new().text("kind", "test_report").part("content", file);
    let left = reply(server.request(Method::POST, &path("artifacts"), token).multipart(form)).await;
    assert_eq!(left.status, 201, "{:#}", left.body);
    let artifact = left.body["artifact"]["id"].as_str().expect("an id").to_owned();
    let bytes = server.request(Method::GET, &format!("/artifacts/{artifact}"), token).send().await.expect("an answer");
    assert_eq!(bytes.headers()["content-disposition"], "attachment");
    assert_eq!(bytes.text().await.expect("a body"), TAP);
    let finish = json!({"status": "succeeded", "summary": "done", "output": "out"});
    for _ in 0..2 {
        let finished = server.ask(Method::POST, &path("finish"), token, finish.clone()).await;
        assert_eq!(
            (finished.status, &finished.body["run"]["status"]),
            (200, &json!("succeeded")),
            "{:#}",
            finished.body
        );
    }
    let other = json!({"status": "failed"});
    assert_eq!(server.ask(Method::POST, &path("finish"), token, other).await.status, 409);
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_carries_a_mission_to_its_end() {
    on_both_servers(CACHE, async |server| {
        let agent = server.token("local", Role::Agent, "agent.builder").await;
        let items = json!([{"work_item_id": "a", "title": "A"}, {"id": "b", "title": "B", "depends_on": ["a"]}]);
        let id = create(&server, json!({"title": "T", "goal": "g", "work_items": items, "start": true})).await;
        let first = work(&server, &agent).await;
        assert_eq!((&first["work_item_id"], &first["session_id"]), (&json!("a"), &json!("ses_1")), "{first:#}");
        let second = work(&server, &agent).await;
        let left = &second["inputs"]["dependencies"][0]["artifacts"];
        assert_eq!((&second["work_item_id"], left.as_array().map(Vec::len)), (&json!("b"), Some(2)), "{second:#}");
        let ended = server.until(&format!("/mission/{id}"), |body| body["mission"]["status"] == "succeeded").await;
        assert_eq!(ended["mission"]["counts"], json!({"done": 2}));
        assert_eq!(ended["mission"]["created_by"], "user.root");
        let verdicts = server.get(&format!("/mission/{id}/verdicts")).await;
        assert_eq!(verdicts.body["count"], 4, "{:#}", verdicts.body);
        let of_session = "/event?since_seq=0&type=session.run.claimed&session_id=ses_1";
        let request = server.request(Method::GET, of_session, &server.operator).header("accept", "application/json");
        assert_eq!(reply(request).await.body["count"], 2, "a run's events belong to the session its worker named");
        let history = server.get(&format!("/mission/{id}/history?limit=1")).await;
        assert_eq!(history.body["history"][0]["type"], "mission_created");
        let next = history.body["next_cursor"].as_str().expect("there is more");
        let rest = server.get(&format!("/mission/{id}/events?cursor={next}&limit=500")).await;
        assert_eq!(rest.body["history"][0]["seq"], 1);
        assert_eq!(rest.body["count"], ended["mission"]["revision"].as_u64().expect("a number") - 1);
        let replayed = server.get(&format!("/mission/{id}/replay")).await;
        assert_eq!(replayed.body["differences"], json!([]), "{:#}", replayed.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_drive_a_mission_by_events_alone() {
    on_both_servers(CACHE, async |server| {
        let id = create(&server, json!({"title": "T", "work_items": [{"id": "a", "title": "A"}]})).await;
        let started = tell(&server, &id, json!({"type": "mission_started", "mission_id": id})).await;
        assert_eq!(started.status, 200, "{:#}", started.body);
        let kinds: Vec<_> = started.body["commands"].as_array().expect("a list").iter().map(|c| &c["type"]).collect();
        assert_eq!(kinds, ["set_mission_status", "start_run"], "{:#}", started.body);
        let runs = server.get(&format!("/runs?mission_id={id}&status=queued")).await;
        assert_eq!((&runs.body["count"], &runs.body["runs"][0]["waiting_for"]), (&json!(1), &json!("worker")));
        let run = &runs.body["runs"][0]["id"];
        let finished = json!({"type": "run_finished", "work_item_id": "a", "run_id": run, "status": "failed"});
        let told = tell(&server, &id, finished.clone()).await;
        assert_eq!(told.status, 200, "{:#}", told.body);
        assert_eq!(told.body["mission"]["id"], id.as_str());
        let again = tell(&server, &id, finished).await;
        assert_eq!(again.status, 200, "twice the same is fine: {:#}", again.body);
        let other = json!({"type": "run_finished", "work_item_id": "a", "run_id": run, "status": "succeeded"});
        assert_eq!(tell(&server, &id, other).await.code(), "CONFLICT");
        for kind in ["run_claimed", "gate_verdict", "reducer_changed", "mission_created", "nonsense"] {
            let refused = tell(&server, &id, json!({"type": kind})).await;
            assert_eq!((refused.status, &refused.body["field"]), (422, &json!("event.type")), "{kind}");
        }
        let canceled = tell(&server, &id, json!({"type": "mission_canceled", "reason": "enough"})).await;
        assert_eq!(canceled.body["mission"]["status"], "canceled", "{:#}", canceled.body);
        let late = tell(&server, &id, json!({"type": "mission_started"})).await;
        assert_eq!((late.code(), &late.body["reason"]), ("EVENT_REFUSED", &json!("MISSION_CLOSED")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mission_moves_to_another_reducer_only_after_a_clean_replay() {
    on_both_servers(CACHE, async |server| {
        let items = json!([{"id": "a", "title": "A"}]);
        let id = create(&server, json!({"title": "T", "work_items": items, "start": true})).await;
        let before = server.get(&format!("/mission/{id}")).await.body["mission"].clone();
        let path = format!("/mission/{id}/reducer");
        let moved = server.post(&path, json!({"digest": before["reducer"]["digest"]})).await;
        assert_eq!(moved.status, 200, "{:#}", moved.body);
        let revision = before["revision"].as_u64().expect("a number");
        assert_eq!(moved.body["mission"]["revision"], revision + 1);
        let history = server.get(&format!("/mission/{id}/history?limit=500")).await;
        let last = history.body["history"].as_array().and_then(|entries| entries.last().cloned()).expect("entries");
        assert_eq!((&last["type"], &last["commands"]), (&json!("reducer_changed"), &json!([])));
        for (wrong, status) in [("reviewer", 422), ("nothing", 404), (&"0".repeat(64), 404)] {
            let refused = server.post(&path, json!({"digest": wrong})).await;
            assert_eq!((refused.status, &refused.body["field"]), (status, &json!("digest")), "{:#}", refused.body);
        }
        // It goes on, and its history still replays.
        let paused = tell(&server, &id, json!({"type": "mission_paused", "reason": "lunch"})).await;
        assert_eq!(paused.body["mission"]["status"], "paused", "{:#}", paused.body);
        let replayed = server.get(&format!("/mission/{id}/replay")).await;
        assert_eq!(replayed.body["differences"], json!([]), "{:#}", replayed.body);
        let audit = server.get("/audit?limit=1").await;
        assert_eq!(audit.body["entries"][0]["action"], "mission.rebind", "{:#}", audit.body);
    })
    .await;
}
