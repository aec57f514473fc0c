//! Named leases as clients use them: one holder at a time, fencing tokens that only grow, claims
//! that everybody can read, and nothing for whoever comes back late.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::server::{Reply, ServerOptions, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

#[track_caller]
fn code(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code()), (status, code), "{:#}", reply.body);
}

fn id_of(lease: &Value) -> String {
    lease["lease_id"].as_str().unwrap_or_else(|| panic!("{lease:#}")).to_owned()
}

async fn taken(server: &TestServer, body: Value) -> Value {
    let answer = server.post("/leases", body).await;
    assert_eq!(answer.status, 201, "{:#}", answer.body);
    answer.body
}

async fn step(server: &TestServer, id: &str, what: &str) -> Reply {
    server.ask(Method::POST, &format!("/leases/{id}/{what}"), &server.operator, Value::Null).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_has_one_holder_and_tokens_that_only_grow() {
    on_both_servers(CACHE, async |server| {
        let ada = server.token("local", Role::Agent, "agent.ada").await;
        let bob = server.token("local", Role::Agent, "agent.bob").await;
        let body = json!({"name": "deploy", "ttl_ms": 60_000, "owner": "ada's laptop"});
        let first = server.ask(Method::POST, "/leases", &ada, body.clone()).await;
        assert_eq!(first.status, 201, "{:#}", first.body);
        let lease = first.body;
        assert_eq!(
            (&lease["name"], &lease["owner"], &lease["state"]),
            (&json!("deploy"), &json!("ada's laptop"), &json!("held"))
        );
        assert_eq!(
            (&lease["fencing_token"], &lease["principal"], &lease["retries"]),
            (&json!(1), &json!("agent.ada"), &json!(0))
        );
        assert_eq!(lease["expires_at_ms"].as_u64(), lease["acquired_at_ms"].as_u64().map(|at| at + 60_000));
        // Held is held, whoever asks.
        for token in [&ada, &bob, &server.operator] {
            let refused = server.ask(Method::POST, "/leases", token, body.clone()).await;
            code(&refused, 409, "LEASE_HELD");
            assert_eq!((&refused.body["holder"], &refused.body["fencing_token"]), (&json!("ada's laptop"), &json!(1)));
            assert_eq!(
                (&refused.body["expires_at_ms"], &refused.body["name"]),
                (&lease["expires_at_ms"], &lease["name"])
            );
        }
        let id = id_of(&lease);
        for what in ["renew", "release"] {
            let path = format!("/leases/{id}/{what}");
            code(&server.ask(Method::POST, &path, &bob, Value::Null).await, 403, "FORBIDDEN");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        let before = server.engine.store().log_head().await.expect("the log has an end");
        let renewed = server.ask(Method::POST, &format!("/leases/{id}/renew"), &ada, json!({})).await;
        assert_eq!((renewed.status, &renewed.body["fencing_token"]), (200, &json!(1)), "{:#}", renewed.body);
        assert!(renewed.body["expires_at_ms"].as_u64() > lease["expires_at_ms"].as_u64());
        assert_eq!(server.engine.store().log_head().await.expect("the log has an end"), before, "nothing is told");
        assert_eq!(server.get(&format!("/leases/{id}")).await.body, renewed.body);

        let released = server.ask(Method::POST, &format!("/leases/{id}/release"), &ada, Value::Null).await;
        assert_eq!((released.status, &released.body["state"]), (200, &json!("released")));
        for what in ["renew", "release"] {
            code(&step(&server, &id, what).await, 409, "LEASE_LOST");
        }
        // The next holder; whoever still has the old id is told that it lost.
        let next = server.ask(Method::POST, "/leases", &bob, json!({"name": "deploy", "ttl_ms": 60_000})).await.body;
        assert_eq!(
            (&next["fencing_token"], &next["owner"], &next["retries"]),
            (&json!(2), &json!("agent.bob"), &json!(0))
        );
        assert_ne!(next["lease_id"], lease["lease_id"]);
        for what in ["renew", "release"] {
            let late = server.ask(Method::POST, &format!("/leases/{id}/{what}"), &ada, Value::Null).await;
            code(&late, 409, "LEASE_LOST");
        }
        code(&server.get(&format!("/leases/{id}")).await, 409, "LEASE_LOST");
        let stem = id.rsplit_once('.').expect("an id has two parts").0;
        for unknown in
            ["lse_none", "lse_none.1", "..", "%2F", &format!("{stem}.3"), &format!("{stem}.0"), &format!("{stem}.x")]
        {
            for path in [format!("/leases/{unknown}"), format!("/leases/{unknown}/renew")] {
                let method = if path.ends_with("renew") { Method::POST } else { Method::GET };
                let answer = server.ask(method, &path, &server.operator, Value::Null).await;
                assert_eq!(answer.status, 404, "{path}: {:#}", answer.body);
            }
        }
        // An operator may end what somebody holds.
        assert_eq!(step(&server, &id_of(&next), "release").await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ask_at_once_one_gets_it() {
    for database in TestDatabase::each().await {
        let one = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let two = if database.is_postgres() {
            Some(TestServer::start(&database, CACHE, ServerOptions::default()).await)
        } else {
            None
        };
        let servers = [&one, two.as_ref().unwrap_or(&one)];
        for round in 1..=5_u64 {
            let ask = |n: usize| {
                servers[n % 2].post("/leases", json!({"name": "leader", "ttl_ms": 60_000, "claim_key": "team/leader"}))
            };
            let answers = futures_util::future::join_all((0..16).map(ask)).await;
            let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
            assert_eq!((won.len(), lost.len()), (1, 15));
            lost.iter().for_each(|answer| code(answer, 409, "LEASE_HELD"));
            assert_eq!(won[0].body["fencing_token"], round);
            assert_eq!(step(&one, &id_of(&won[0].body), "release").await.status, 200);
        }
        let claim = one.get("/resource/team/leader").await.body;
        assert_eq!((&claim["rev"], &claim["value"]["state"]), (&json!(10), &json!("released")), "{claim:#}");
        if let Some(two) = two {
            two.stop().await;
        }
        one.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_under_a_lease_needs_it_held() {
    on_both_servers(CACHE, async |server| {
        let write = async |lease: &str| {
            server.ask(Method::PUT, "/resource/team/w", &server.operator, json!({"value": 1, "lease_id": lease})).await
        };
        let lease = id_of(&taken(&server, json!({"name": "w", "ttl_ms": 1_000})).await);
        assert_eq!(write(&lease).await.status, 200);
        let path = format!("/resource/team/w?lease_id={lease}");
        assert_eq!(server.ask(Method::PATCH, &path, &server.operator, json!({})).await.status, 200);
        // The holder pauses for longer than its lease lasts, and comes back late.
        tokio::time::sleep(Duration::from_millis(1_010)).await;
        code(&write(&lease).await, 409, "LEASE_LOST");
        code(&server.ask(Method::PATCH, &path, &server.operator, json!({})).await, 409, "LEASE_LOST");
        code(&server.ask(Method::DELETE, &path, &server.operator, Value::Null).await, 409, "LEASE_LOST");
        code(&step(&server, &lease, "renew").await, 409, "LEASE_LOST");
        assert_eq!(server.get(&format!("/leases/{lease}")).await.body["state"], "expired");
        let next = taken(&server, json!({"name": "w", "ttl_ms": 60_000})).await;
        assert_eq!((&next["fencing_token"], &next["retries"]), (&json!(2), &json!(1)));
        code(&write(&lease).await, 409, "LEASE_LOST");
        assert_eq!(write(&id_of(&next)).await.body["rev"], 3, "nothing of what came late was written");
        assert_eq!(step(&server, &id_of(&next), "release").await.status, 200);
        code(&write(&id_of(&next)).await, 409, "LEASE_LOST");
        code(&write("lse_unknown.1").await, 409, "LEASE_LOST");
        let elsewhere = server.token("elsewhere", Role::Member, "user.other").await;
        let body =
            json!({"value": 1, "lease_id": id_of(&taken(&server, json!({"name": "x", "ttl_ms": 60_000})).await)});
        code(&server.ask(Method::PUT, "/resource/team/w", &elsewhere, body).await, 409, "LEASE_LOST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_shows_who_holds_it_and_nobody_else_writes_it() {
    on_both_servers(CACHE, async |server| {
        let body = |ttl_ms: u64| json!({"name": "task 7", "ttl_ms": ttl_ms, "owner": "ada", "claim_key": "project/tasks/7"});
        let claim = async || server.get("/resource/project/tasks/7").await.body;
        let lease = taken(&server, body(60_000)).await;
        let shown = claim().await;
        let value = json!({
            "name": "task 7", "owner": "ada", "state": "held", "lease_id": lease["lease_id"], "fencing_token": 1,
            "ttl_ms": 60_000, "acquired_at_ms": lease["acquired_at_ms"], "expires_at_ms": lease["expires_at_ms"], "retries": 0,
        });
        assert_eq!((&shown["value"], &shown["rev"], shown.get("expires_at_ms")), (&value, &json!(1), None));
        for (method, body) in [
            (Method::PUT, json!({"value": 1})),
            (Method::PUT, json!({"value": 1, "lease_id": lease["lease_id"], "if_match_rev": 1})),
            (Method::PATCH, json!({"owner": "eve"})),
            (Method::DELETE, Value::Null),
        ] {
            let refused = server.ask(method, "/resource/project/tasks/7", &server.operator, body).await;
            code(&refused, 409, "RESOURCE_CLAIMED");
            assert_eq!(refused.body["key"], "project/tasks/7");
        }
        // A renewal makes no revision, and every reader sees it.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let renewed = step(&server, &id_of(&lease), "renew").await.body;
        let known = server.request(Method::GET, "/resource/project/tasks/7", &server.operator);
        let read = reply(known.header("if-none-match", "\"1\"")).await;
        for shown in [read.body, server.get("/resource?prefix=project/").await.body["items"][0].clone()] {
            assert_eq!((&shown["value"]["expires_at_ms"], &shown["rev"]), (&renewed["expires_at_ms"], &json!(1)));
        }
        assert_eq!(step(&server, &id_of(&lease), "release").await.status, 200);
        let shown = claim().await;
        assert_eq!((&shown["value"]["state"], &shown["value"]["owner"], &shown["rev"]), (&json!("released"), &Value::Null, &json!(2)));

        // A holder that is not heard of: the record says so by itself, and counts on.
        taken(&server, body(1_000)).await;
        let ended = server.until("/resource/project/tasks/7", |record| record["value"]["state"] == "expired").await;
        assert_eq!((&ended["rev"], &ended["value"]["fencing_token"], &ended["value"]["retries"]), (&json!(4), &json!(2), &json!(0)));
        assert_eq!((&ended["value"]["lease_id"], &ended["updated_by"]), (&Value::Null, &json!("system.leases")));
        taken(&server, body(1_000)).await;
        server.until("/resource/project/tasks/7", |record| record["rev"] == 6).await;
        let third = taken(&server, body(60_000)).await;
        assert_eq!((&third["retries"], &claim().await["value"]["retries"]), (&json!(2), &json!(2)));
        // Somebody else's record is not taken for a claim.
        let free = server.ask(Method::PUT, "/resource/project/free", &server.operator, json!({"value": 1})).await;
        assert_eq!(free.status, 200);
        let refused = json!({"name": "other", "ttl_ms": 60_000, "claim_key": "project/free"});
        code(&server.post("/leases", refused).await, 409, "CONFLICT");
        let refused = json!({"name": "other", "ttl_ms": 60_000, "claim_key": "project/tasks/7"});
        code(&server.post("/leases", refused).await, 409, "CONFLICT");
        assert_eq!(step(&server, &id_of(&third), "release").await.status, 200);
        // What shows no holder any more is a record like others.
        let mine = server.ask(Method::DELETE, "/resource/project/tasks/7", &server.operator, Value::Null).await;
        assert_eq!((mine.status, &mine.body["rev"]), (200, &json!(9)), "{:#}", mine.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_listed_by_name_and_taken_once_under_a_name_of_the_request() {
    on_both_servers(CACHE, async |server| {
        for name in ["b", "a", "ü", "c d"] {
            taken(&server, json!({"name": name, "ttl_ms": 60_000})).await;
        }
        let gone = taken(&server, json!({"name": "bb", "ttl_ms": 60_000})).await;
        assert_eq!(step(&server, &id_of(&gone), "release").await.status, 200);
        let names = async |query: &str| {
            let (mut names, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = server.get(&format!("/leases?limit=2{query}{cursor}")).await.body;
                let items = page["items"].as_array().unwrap_or_else(|| panic!("{page:#}"));
                names.extend(items.iter().map(|lease| lease["name"].as_str().unwrap().to_owned()));
                let Some(next) = page["next_cursor"].as_str() else { return names };
                cursor = format!("&cursor={}", form_encoded(next));
            }
        };
        assert_eq!(names("").await, ["a", "b", "bb", "c d", "ü"]);
        assert_eq!(names("&held=true").await, ["a", "b", "c d", "ü"]);
        let elsewhere = server.token("elsewhere", Role::Member, "user.other").await;
        assert_eq!(server.ask(Method::GET, "/leases", &elsewhere, Value::Null).await.body["count"], 0);

        let named = async || {
            let request = server.request(Method::POST, "/leases", &server.operator).header("idempotency-key", "k");
            reply(request.json(&json!({"name": "named", "ttl_ms": 60_000}))).await
        };
        let (first, again) = (named().await, named().await);
        assert_eq!((first.status, again.status, &first.body), (201, 201, &again.body));
        assert!(again.headers.contains_key("idempotency-replayed"), "{:?}", again.headers);

        let bad = [
            (json!({"ttl_ms": 60_000}), "name"),
            (json!({"name": " ", "ttl_ms": 60_000}), "name"),
            (json!({"name": "x".repeat(257), "ttl_ms": 60_000}), "name"),
            (json!({"name": "a\nb", "ttl_ms": 60_000}), "name"),
            (json!({"name": "a\u{0}b", "ttl_ms": 60_000}), "name"),
            (json!({"name": "n"}), "ttl_ms"),
            (json!({"name": "n", "ttl_ms": 999}), "ttl_ms"),
            (json!({"name": "n", "ttl_ms": 86_400_001}), "ttl_ms"),
            (json!({"name": "n", "ttl_ms": -1}), "ttl_ms"),
            (json!({"name": "n", "ttl_ms": 60_000, "owner": ""}), "owner"),
            (json!({"name": "n", "ttl_ms": 60_000, "claim_key": "tasks/1"}), "claim_key"),
            (json!({"name": "n", "ttl_ms": 60_000, "claim_key": "run/s/status"}), "claim_key"),
            (json!({"name": "n", "ttl_ms": 60_000, "ttl": 1}), "ttl"),
        ];
        for (body, field) in bad {
            let refused = server.post("/leases", body.clone()).await;
            assert_eq!((refused.status, &refused.body["field"]), (422, &json!(field)), "{body}: {:#}", refused.body);
        }
        for (query, status) in
            [("held=yes", 422), ("limit=0", 422), ("cursor=", 422), ("cursor=%01", 400), ("x=1", 422)]
        {
            assert_eq!(server.get(&format!("/leases?{query}")).await.status, status, "{query}");
        }
    })
    .await;
}

/// A text as it stands in a query.
fn form_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
