//! Shared resources under load that nobody means well by: ten thousand ends at once, and hands in
//! other people's pockets.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::server::{Frames, MovedClock, Reply, ServerOptions, TestServer, on_both_servers};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;
use tokio::time::Instant;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
/// Records that end at once.
const ENDING: usize = 10_000;
/// Longest that anything else takes meanwhile, on a busy machine.
const HEALTHY: Duration = Duration::from_secs(3);

#[track_caller]
fn code(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code()), (status, code), "{:#}", reply.body);
}

async fn put(server: &TestServer, key: &str, body: Value) -> Value {
    let answer = server.ask(Method::PUT, &format!("/resource/{key}"), &server.operator, body).await;
    assert_eq!(answer.status, 200, "{:#}", answer.body);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_ends_at_once_are_told_once_each() {
    for database in TestDatabase::each().await {
        let clock = MovedClock::default();
        let options = ServerOptions { clock: clock.clone(), ..ServerOptions::default() };
        let server = TestServer::start(&database, CACHE, options).await;
        for batch in 0..ENDING / 100 {
            let operation = |n: usize| {
                let key = format!("team/ending/{:05}", batch * 100 + n);
                json!({"op": "put", "key": key, "value": n, "ttl_ms": 3_600_000})
            };
            let operations: Vec<Value> = (0..100).map(operation).collect();
            let answer = server.post("/resource/batch", json!({"operations": operations})).await;
            assert_eq!(answer.status, 200, "{:#}", answer.body);
        }
        let since = server.get("/resource?limit=1").await.body["seq"].as_u64().expect("a number");
        let path = format!("/resource/events?prefix=team/&since_seq={since}");
        let mut frames = Frames::open(server.request(Method::GET, &path, &server.operator)).await;
        clock.pass(Duration::from_secs(3_601));
        // Gone at once, whether anybody was told already or not.
        assert_eq!(server.get("/resource?prefix=team/&limit=500").await.body["count"], 0);
        code(&server.get("/resource/team/ending/09999").await, 404, "NOT_FOUND");
        let others = async {
            let mut slowest = Duration::ZERO;
            for n in 0..20 {
                let began = Instant::now();
                put(&server, "project/other", json!({"value": n})).await;
                // The loop goes on: what ends later is told of, too.
                put(&server, &format!("team/short/{n}"), json!({"value": n, "ttl_ms": 1})).await;
                slowest = slowest.max(began.elapsed());
            }
            slowest
        };
        let told = async {
            let (mut keys, mut last) = (BTreeSet::new(), since);
            while keys.len() < ENDING + 20 {
                let event = frames.event().await;
                assert!(event.id > Some(last), "in order, and once");
                last = event.id.unwrap_or(last);
                if event.data["type"] == "resource.updated" {
                    continue;
                }
                let properties = &event.data["properties"];
                assert_eq!(
                    (&properties["reason"], &properties["rev"]),
                    (&json!("expired"), &json!(2)),
                    "{properties:#}"
                );
                let key = properties["key"].as_str().expect("a key").to_owned();
                assert!(keys.insert(key), "told twice: {properties:#}");
            }
        };
        let began = Instant::now();
        let (slowest, ()) = tokio::join!(others, told);
        println!("all told after {:?}; the slowest write took {slowest:?}", began.elapsed());
        assert!(slowest < HEALTHY, "a write took {slowest:?}");
        put(&server, "team/last", json!({"value": 1})).await;
        assert_eq!(frames.event().await.data["properties"]["key"], "team/last", "nothing else was told");
        let again = put(&server, "team/ending/00000", json!({"value": 1, "if_match_rev": 0})).await;
        assert_eq!(again["rev"], 3);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_workspace_has_other_resources_and_other_leases() {
    on_both_servers(CACHE, async |server| {
        let mine = put(&server, "team/a", json!({"value": "mine"})).await;
        let lease =
            server.post("/leases", json!({"name": "n", "ttl_ms": 60_000, "claim_key": "team/claim"})).await.body;
        let lease = lease["lease_id"].as_str().expect("an id");
        let schema = json!({"prefix": "team/", "schema": {"type": ["string", "object"]}});
        assert_eq!(server.ask(Method::PUT, "/resource/schemas", &server.operator, schema).await.status, 200);
        let session = json!({"type": "session.run.started", "properties": {"run_id": "r1"}});
        let told = server.post("/sessions/s1/events", session).await;
        assert_eq!(told.status, 200, "{:#}", told.body);
        server.until("/resource/run/s1/status", |record| record["rev"] == 1).await;

        for role in [Role::Operator, Role::Member, Role::Agent, Role::Viewer] {
            let other = server.token("elsewhere", role, &format!("user.{role:?}")).await;
            let ask = async |method: Method, path: &str, body: Value| server.ask(method, path, &other, body).await;
            let get = async |path: &str| ask(Method::GET, path, Value::Null).await;
            for path in [
                "/resource/team/a",
                "/resource/team/a?rev=1",
                "/resource/history/team/a",
                "/resource/team/claim",
                "/resource/run/s1/status",
            ] {
                code(&get(path).await, 404, "NOT_FOUND");
            }
            code(&get(&format!("/leases/{lease}")).await, 404, "NOT_FOUND");
            assert_eq!(get("/resource").await.body["count"], 0);
            assert_eq!(get("/leases").await.body["count"], 0);
            let request = server.request(Method::GET, "/resource/events?values=true&since_seq=0", &other);
            let page = e2e::server::reply(request.header("accept", "application/json")).await;
            assert_eq!((page.status, &page.body["items"]), (200, &json!([])), "{:#}", page.body);
            if role == Role::Viewer {
                continue;
            }
            for (method, path, body) in [
                (Method::DELETE, "/resource/team/a".to_owned(), Value::Null),
                (Method::PATCH, "/resource/team/a".to_owned(), json!({})),
                (Method::POST, format!("/leases/{lease}/renew"), Value::Null),
                (Method::POST, format!("/leases/{lease}/release"), Value::Null),
            ] {
                code(&ask(method, &path, body).await, 404, "NOT_FOUND");
            }
            let stale = ask(Method::PUT, "/resource/team/a", json!({"value": 1, "if_match_rev": 1})).await;
            code(&stale, 409, "RESOURCE_REVISION_CONFLICT");
            assert_eq!(stale.body["current_rev"], 0, "nothing is told of the other record");
            code(
                &ask(Method::PUT, "/resource/team/a", json!({"value": 1, "lease_id": lease})).await,
                409,
                "LEASE_LOST",
            );
        }
        // The same names are free there, and no schema is in the way.
        let other = server.token("elsewhere", Role::Member, "user.other").await;
        let theirs = server.ask(Method::PUT, "/resource/team/a", &other, json!({"value": 7})).await;
        assert_eq!((theirs.status, &theirs.body["rev"]), (200, &json!(1)), "{:#}", theirs.body);
        let body = json!({"name": "n", "ttl_ms": 60_000, "claim_key": "team/claim"});
        let theirs = server.ask(Method::POST, "/leases", &other, body).await;
        assert_eq!((theirs.status, &theirs.body["fencing_token"]), (201, &json!(1)), "{:#}", theirs.body);
        let kept = server.get("/resource/team/a").await.body;
        assert_eq!((&kept["value"], &kept["rev"]), (&mine["value"], &json!(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runs_token_takes_no_lease_and_looks_into_no_other_run() {
    on_both_servers(CACHE, async |server| {
        let body =
            json!({"title": "t", "work_items": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}], "start": true});
        let mission = server.post("/mission", body).await.body["mission"]["id"].as_str().expect("an id").to_owned();
        let mut runs = Vec::new();
        for session in ["s1", "s12"] {
            let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000,
                "session_id": session});
            runs.push(server.post("/runs/claim", claim).await.body["run"].clone());
        }
        let token = runs[0]["token"].as_str().expect("a token");
        let (own, other) = (runs[0]["id"].as_str().expect("an id"), runs[1]["id"].as_str().expect("an id"));
        let lease = server.post("/leases", json!({"name": "n", "ttl_ms": 60_000})).await.body;
        let lease = lease["lease_id"].as_str().expect("an id");
        let ask = async |method: Method, path: &str, body: Value| server.ask(method, path, token, body).await;
        for (method, path, body) in [
            (Method::POST, "/leases".to_owned(), json!({"name": "m", "ttl_ms": 60_000, "claim_key": "project/a"})),
            (Method::POST, format!("/leases/{lease}/renew"), Value::Null),
            (Method::POST, format!("/leases/{lease}/release"), Value::Null),
            (Method::GET, "/leases".to_owned(), Value::Null),
            (Method::GET, format!("/resource/run/{other}/status"), Value::Null),
            (Method::GET, "/resource/run/s12/status".to_owned(), Value::Null),
            (Method::PUT, "/resource/run/s12/x".to_owned(), json!({"value": 1})),
            (Method::PUT, format!("/resource/run/{own}x/x"), json!({"value": 1})),
            (Method::GET, "/resource?prefix=run/s12".to_owned(), Value::Null),
        ] {
            code(&ask(method, &path, body).await, 403, "FORBIDDEN");
        }
        // Its own status is for reading alone; a lease that others hold guards its writes all the same.
        let reserved = ask(Method::PUT, "/resource/run/s1/status", json!({"value": 1})).await;
        code(&reserved, 403, "RESOURCE_RESERVED");
        let path = format!("/resource/run/{own}/x?lease_id={lease}");
        assert_eq!(ask(Method::PUT, &path, json!({"value": 1})).await.status, 200);
        assert_eq!(server.post(&format!("/leases/{lease}/release"), Value::Null).await.status, 200);
        code(&ask(Method::PUT, &path, json!({"value": 2})).await, 409, "LEASE_LOST");
        let kept = ask(Method::GET, &format!("/resource/run/{own}/x"), Value::Null).await;
        assert_eq!((&kept.body["value"], &kept.body["rev"]), (&json!(1), &json!(1)), "{:#}", kept.body);
    })
    .await;
}
