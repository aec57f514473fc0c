//! Shared resources as clients use them: revisions, conditions, lists, history, time, and many at
//! once.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::server::{Reply, ServerOptions, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;
use sluice::engine::EngineOptions;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

async fn put(server: &TestServer, key: &str, body: Value) -> Reply {
    server.ask(Method::PUT, &format!("/resource/{key}"), &server.operator, body).await
}

async fn patch(server: &TestServer, path: &str, body: Value) -> Reply {
    server.ask(Method::PATCH, &format!("/resource/{path}"), &server.operator, body).await
}

async fn delete(server: &TestServer, path: &str) -> Reply {
    server.ask(Method::DELETE, &format!("/resource/{path}"), &server.operator, Value::Null).await
}

async fn with(server: &TestServer, method: Method, key: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    let mut request = server.request(method, &format!("/resource/{key}"), &server.operator);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(if body.is_null() { request } else { request.json(&body) }).await
}

#[track_caller]
fn revision(reply: &Reply, rev: u64) {
    assert_eq!((reply.status, &reply.body["rev"]), (200, &json!(rev)), "{:#}", reply.body);
    assert_eq!(reply.headers["etag"], format!("\"{rev}\"").as_str());
}

#[track_caller]
fn conflict(reply: &Reply, expected: u64, current: u64) {
    assert_eq!((reply.status, reply.code()), (409, "RESOURCE_REVISION_CONFLICT"), "{:#}", reply.body);
    let told = (reply.body["expected_rev"].as_u64(), reply.body["current_rev"].as_u64());
    assert_eq!(told, (Some(expected), Some(current)), "{:#}", reply.body);
}

#[track_caller]
fn code(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code()), (status, code), "{:#}", reply.body);
}

/// What the log tells of resources, as `type key rev`.
async fn told(server: &TestServer) -> Vec<String> {
    let request = server.request(Method::GET, "/event?since_seq=0&limit=500&type=resource.", &server.operator);
    let page = reply(request.header("accept", "application/json")).await;
    let line = |event: &Value| {
        let properties = &event["properties"];
        let reason = properties["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
        format!(
            "{} {} {}{reason}",
            event["type"].as_str().unwrap(),
            properties["key"].as_str().unwrap(),
            properties["rev"]
        )
    };
    page.body["items"].as_array().expect("a page has items").iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_lives_through_its_revisions() {
    on_both_servers(CACHE, async |server| {
        code(&server.get("/resource/project/a").await, 404, "NOT_FOUND");
        let floats = json!([0.300_000_000_000_000_04, 1e-7, 9_007_199_254_740_993_i64, u64::MAX, "ä\u{1f600}", null]);
        let made = put(&server, "project/a", json!({"value": {"n": floats}, "updated_by": "ada"})).await;
        revision(&made, 1);
        assert_eq!((&made.body["ok"], &made.body["updated_by"]), (&json!(true), &json!("ada")));
        let seen = server.get("/resource/project%2Fa").await;
        revision(&seen, 1);
        assert_eq!((&seen.body["value"]["n"], seen.body.get("ok"), seen.body.get("ttl_ms")), (&floats, None, None));

        // A patch goes on inside, null takes away; the other content type is as good.
        revision(&patch(&server, "project/a", json!({"n": null, "m": {"x": 1}})).await, 2);
        let request = server.request(Method::PATCH, "/resource/project/a?updated_by=bob", &server.operator);
        let request = request.header("content-type", "application/merge-patch+json").body(r#"{"m":{"y":2}}"#);
        let patched = reply(request).await;
        revision(&patched, 3);
        assert_eq!(
            (&patched.body["value"], &patched.body["updated_by"]),
            (&json!({"m": {"x": 1, "y": 2}}), &json!("bob"))
        );

        // The key may stand in the body.
        let by_body = json!({"key": "project/a", "value": null, "if_match_rev": 3});
        revision(&server.ask(Method::PUT, "/resource", &server.operator, by_body).await, 4);
        assert_eq!(server.get("/resource/project/a").await.body["value"], Value::Null);
        let gone = server.ask(Method::DELETE, "/resource", &server.operator, json!({"key": "project/a"})).await;
        assert_eq!(gone.body, json!({"ok": true, "deleted": true, "key": "project/a", "rev": 5}));
        code(&server.get("/resource/project/a").await, 404, "NOT_FOUND");
        code(&delete(&server, "project/a").await, 404, "NOT_FOUND");
        code(&patch(&server, "project/a", json!({"a": 1})).await, 404, "NOT_FOUND");
        // Revisions never restart; a patch that asks for absence makes a record.
        let made = patch(&server, "project/a?if_match_rev=0", json!({"a": 1, "b": null, "c": {"d": null}})).await;
        revision(&made, 6);
        assert_eq!(made.body["value"], json!({"a": 1, "c": {}}));
        let expected = [
            "resource.updated project/a 1",
            "resource.updated project/a 2",
            "resource.updated project/a 3",
            "resource.updated project/a 4",
            "resource.deleted project/a 5 deleted",
            "resource.updated project/a 6",
        ];
        assert_eq!(told(&server).await, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_mean_the_same_wherever_they_stand() {
    on_both_servers(CACHE, async |server| {
        let value = || json!({"value": 1});
        conflict(&put(&server, "team/a", json!({"value": 1, "if_match_rev": 3})).await, 3, 0);
        conflict(&with(&server, Method::PUT, "team/a", &[("if-match", "\"3\"")], value()).await, 3, 0);
        conflict(&put(&server, "team/a?if_match_rev=3", value()).await, 3, 0);
        conflict(&patch(&server, "team/a?if_match_rev=3", json!({})).await, 3, 0);
        conflict(&delete(&server, "team/a?if_match_rev=3").await, 3, 0);
        code(&with(&server, Method::PUT, "team/a", &[("if-match", "*")], value()).await, 404, "NOT_FOUND");
        revision(&with(&server, Method::PUT, "team/a", &[("if-none-match", "*")], value()).await, 1);
        for method in [Method::PUT, Method::PATCH] {
            let absent = [("if-none-match", "*")];
            conflict(&with(&server, method.clone(), "team/a", &absent, value()).await, 0, 1);
            conflict(&with(&server, method, "team/a?if_match_rev=0", &[], value()).await, 0, 1);
        }
        conflict(&put(&server, "team/a", json!({"value": 1, "if_match_rev": 0})).await, 0, 1);
        conflict(&with(&server, Method::PATCH, "team/a", &[("if-match", "\"2\"")], json!({})).await, 2, 1);
        revision(&with(&server, Method::PUT, "team/a", &[("if-match", "*")], value()).await, 2);
        revision(&with(&server, Method::PATCH, "team/a", &[("if-match", "\"2\"")], json!({})).await, 3);
        revision(&with(&server, Method::PUT, "team/a?if_match_rev=3", &[("if-match", "\"3\"")], value()).await, 4);

        // Readers ask for news alone.
        for known in ["\"4\"", "W/\"4\"", "\"1\", \"4\"", "*"] {
            let seen = with(&server, Method::GET, "team/a", &[("if-none-match", known)], Value::Null).await;
            assert_eq!(
                (seen.status, &seen.headers["etag"], &seen.body),
                (304, &"\"4\"".parse().unwrap(), &Value::Null)
            );
        }
        revision(&with(&server, Method::GET, "team/a", &[("if-none-match", "\"3\"")], Value::Null).await, 4);
        let head = with(&server, Method::HEAD, "team/a", &[], Value::Null).await;
        assert_eq!((head.status, &head.headers["etag"], &head.body), (200, &"\"4\"".parse().unwrap(), &Value::Null));
        assert_eq!(with(&server, Method::HEAD, "team/none", &[], Value::Null).await.status, 404);
        assert_eq!(delete(&server, "team/a?if_match_rev=4").await.body["rev"], 5);
        assert_eq!(told(&server).await.len(), 5, "what was refused is told of nowhere");
    })
    .await;
}

async fn keys_of(server: &TestServer, query: &str, limit: u32) -> (Vec<String>, usize) {
    let (mut keys, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = server.get(&format!("/resource?{query}limit={limit}{cursor}")).await.body;
        let items = page["items"].as_array().unwrap_or_else(|| panic!("{page:#}"));
        assert_eq!(page["count"], items.len());
        keys.extend(items.iter().map(|item| item["key"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", next.replace('/', "%2F")),
            None => return (keys, pages),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_by_key_and_are_bounded_in_number_and_bytes() {
    on_both_servers(CACHE, async |server| {
        let names = ["project/a", "project/a/b", "project/a-b", "project/B", "project/a.b", "team/a", "run/a/x"];
        for name in names {
            revision(&put(&server, name, json!({"value": name})).await, 1);
        }
        revision(&put(&server, "project/zz", json!({"value": 1})).await, 1);
        assert_eq!(delete(&server, "project/zz").await.status, 200);
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        for limit in [1, 2, 3, 7, 8] {
            assert_eq!(keys_of(&server, "", limit).await.0, sorted);
            let under = |prefix: &str| sorted.iter().filter(|k| k.starts_with(prefix)).copied().collect::<Vec<_>>();
            assert_eq!(keys_of(&server, "prefix=project/a&", limit).await.0, under("project/a"));
            assert_eq!(keys_of(&server, "prefix=project%2Fa%2F&", limit).await.0, ["project/a/b"]);
            assert_eq!(keys_of(&server, "prefix=pro&", limit).await.0, under("pro"));
        }
        assert_eq!(keys_of(&server, "", 7).await.1, 1, "a page that is just full is the last");
        let page = server.get("/resource?prefix=mission/").await.body;
        assert_eq!((&page["items"], &page["count"], &page["next_cursor"]), (&json!([]), &json!(0), &Value::Null));
        let head = server.engine.store().log_head().await.expect("the log has an end");
        assert_eq!(page["seq"], head);

        // A megabyte each: no page has more than eight, and all of them come.
        let large = "x".repeat((1 << 20) - 2);
        for index in 0..10 {
            revision(&put(&server, &format!("mission/m/{index}"), json!({"value": large})).await, 1);
        }
        let (keys, pages) = keys_of(&server, "prefix=mission/&", 500).await;
        assert_eq!((keys.len(), pages), (10, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_what_happened_and_old_values_can_be_had_for_a_while() {
    on_both_servers(CACHE, async |server| {
        code(&server.get("/resource/history/project/h").await, 404, "NOT_FOUND");
        for n in 1..=3 {
            let body = json!({"value": n, "ttl_ms": 3_600_000, "updated_by": "ada"});
            revision(&put(&server, "project/h", body).await, n);
        }
        assert_eq!(delete(&server, "project/h").await.body["rev"], 4);
        revision(&put(&server, "project/h", json!({"value": 5})).await, 5);
        let history = server.get("/resource/history/project%2Fh?limit=2").await.body;
        let newest = &history["history"][0];
        assert_eq!((&newest["rev"], &newest["kind"], newest.get("ttl_ms")), (&json!(5), &json!("updated"), None));
        assert_eq!((&newest["actor"], &newest["updated_by"]), (&json!("user.root"), &json!("user.root")));
        assert_eq!((&history["history"][1]["kind"], &history["count"]), (&json!("deleted"), &json!(2)));
        let cursor = history["next_cursor"].as_str().expect("there is more");
        let rest = server.get(&format!("/resource/history/project/h?cursor={cursor}")).await.body;
        let revs: Vec<_> = rest["history"].as_array().unwrap().iter().map(|entry| entry["rev"].clone()).collect();
        assert_eq!((revs, &rest["next_cursor"]), (vec![json!(3), json!(2), json!(1)], &Value::Null));
        let entry = &rest["history"][0];
        assert_eq!(entry["expires_at_ms"].as_u64(), entry["updated_at_ms"].as_u64().map(|at| at + 3_600_000));
        assert!(entry.get("value").is_none(), "{entry:#}");

        let old = server.get("/resource/project/h?rev=2").await;
        revision(&old, 2);
        assert_eq!((&old.body["value"], &old.body["updated_by"]), (&json!(2), &json!("ada")));
        code(&server.get("/resource/project/h?rev=4").await, 404, "NOT_FOUND");
        code(&server.get("/resource/project/h?rev=6").await, 404, "NOT_FOUND");
        code(&server.get("/resource/project/none?rev=1").await, 404, "NOT_FOUND");
        for n in 6..=101 {
            revision(&put(&server, "project/h", json!({"value": n})).await, n);
        }
        assert_eq!(server.get("/resource/project/h?rev=2").await.body["value"], 2, "a hundred are kept");
        let gone = server.get("/resource/project/h?rev=1").await;
        code(&gone, 410, "REVISION_GONE");
        assert_eq!((&gone.body["key"], &gone.body["rev"]), (&json!("project/h"), &json!(1)));
        // A value whose time is over is nobody's any more, whatever its revision.
        revision(&put(&server, "project/t", json!({"value": "short", "ttl_ms": 1})).await, 1);
        tokio::time::sleep(Duration::from_millis(5)).await;
        code(&server.get("/resource/project/t?rev=1").await, 410, "REVISION_GONE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_takes_revisions_that_were_replaced_and_never_the_newest() {
    for database in TestDatabase::each().await {
        let engine = EngineOptions { log_retention_ms: Some(1), ..EngineOptions::default() };
        let server = TestServer::start(&database, CACHE, ServerOptions { engine, ..ServerOptions::default() }).await;
        for n in 1..=3 {
            revision(&put(&server, "team/r", json!({"value": n})).await, n);
        }
        revision(&put(&server, "team/once", json!({"value": 1})).await, 1);
        revision(&put(&server, "team/gone", json!({"value": 1})).await, 1);
        assert_eq!(delete(&server, "team/gone").await.status, 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
        server.engine.trim_log().await.expect("the log is trimmed");
        code(&server.get("/resource/team/r?rev=2").await, 410, "REVISION_GONE");
        code(&server.get("/resource/team/gone?rev=1").await, 410, "REVISION_GONE");
        revision(&server.get("/resource/team/r?rev=3").await, 3);
        revision(&server.get("/resource/team/once").await, 1);
        assert_eq!(server.get("/resource/history/team/r").await.body["count"], 1);
        revision(&put(&server, "team/gone", json!({"value": 1})).await, 3);
        server.stop().await;
    }
}

async fn batch(server: &TestServer, operations: Value) -> Reply {
    server.post("/resource/batch", json!({"operations": operations})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_happens_as_a_whole_or_not_at_all() {
    on_both_servers(CACHE, async |server| {
        revision(&put(&server, "team/a", json!({"value": {"n": 1}})).await, 1);
        revision(&put(&server, "team/b", json!({"value": 1})).await, 1);
        let put_c = json!({"op": "put", "key": "team/c", "value": null, "ttl_ms": 60_000, "if_match_rev": 0});
        let patch_a = json!({"op": "patch", "key": "team/a", "patch": {"m": 2}, "if_match_rev": 1});
        let delete_b = json!({"op": "delete", "key": "team/b", "updated_by": "ada"});
        let refused = |operation: Value| json!([put_c, patch_a, operation, delete_b]);
        let cases = [
            (json!({"op": "put", "key": "team/d", "value": 1, "if_match_rev": 7}), 409, "RESOURCE_REVISION_CONFLICT"),
            (json!({"op": "delete", "key": "team/d"}), 404, "NOT_FOUND"),
            (json!({"op": "patch", "key": "team/d", "patch": {}}), 404, "NOT_FOUND"),
            (
                json!({"op": "patch", "key": "team/d", "patch": {}, "if_match_rev": 2}),
                409,
                "RESOURCE_REVISION_CONFLICT",
            ),
            (json!({"op": "put", "key": "team/d", "value": 1, "lease_id": "lse_none.1"}), 409, "LEASE_LOST"),
            (json!({"op": "put", "key": "team/d", "value": 1, "ttl_ms": 0}), 422, "INVALID_FIELD"),
            (json!({"op": "put", "key": "run/s/status", "value": 1}), 403, "RESOURCE_RESERVED"),
        ];
        for (operation, status, kind) in cases {
            let answer = batch(&server, refused(operation.clone())).await;
            code(&answer, status, kind);
            assert_eq!((&answer.body["index"], &answer.body["key"]), (&json!(2), &operation["key"]), "{operation}");
            if kind == "RESOURCE_REVISION_CONFLICT" {
                assert_eq!(
                    (&answer.body["expected_rev"], &answer.body["current_rev"]),
                    (&operation["if_match_rev"], &json!(0))
                );
            }
        }
        assert_eq!(told(&server).await.len(), 2, "nothing of it was written");
        let done = server.post("/resource/batch", json!({"ops": [put_c, patch_a, delete_b]})).await;
        assert_eq!(
            (done.status, &done.body["ok"], &done.body["count"]),
            (200, &json!(true), &json!(3)),
            "{:#}",
            done.body
        );
        let results = &done.body["results"];
        assert_eq!(
            (&results[0]["key"], &results[0]["rev"], &results[0]["ttl_ms"]),
            (&json!("team/c"), &json!(1), &json!(60_000))
        );
        assert_eq!((&results[1]["rev"], &results[1]["value"]), (&json!(2), &json!({"n": 1, "m": 2})));
        assert_eq!(results[2], json!({"ok": true, "deleted": true, "key": "team/b", "rev": 2}));
        let log = told(&server).await;
        assert_eq!(
            log[2..],
            ["resource.updated team/c 1", "resource.updated team/a 2", "resource.deleted team/b 2 deleted"]
        );

        // From both sides of its limits.
        let many = |count: usize, bytes: usize| -> Value {
            (0..count)
                .map(|n| json!({"op": "put", "key": format!("project/{n}"), "value": "x".repeat(bytes)}))
                .collect()
        };
        assert_eq!(batch(&server, many(100, 1)).await.status, 200);
        code(&batch(&server, many(101, 1)).await, 422, "INVALID_FIELD");
        code(&batch(&server, json!([])).await, 422, "INVALID_FIELD");
        assert_eq!(batch(&server, many(15, 1 << 20 >> 1)).await.status, 200, "it may be larger than other bodies");
        code(&batch(&server, many(17, 1_000_000)).await, 413, "TOO_LARGE");
        let patches: Value = (0..100)
            .map(|n| json!({"op": "patch", "key": format!("project/{n}"), "patch": "y".repeat(150_000)}))
            .collect();
        assert_eq!(batch(&server, patches).await.status, 200);
        let grow: Value =
            (0..100).map(|n| json!({"op": "patch", "key": format!("mission/{n}"), "patch": {"b": 1}})).collect();
        for n in 0..100 {
            revision(&put(&server, &format!("mission/{n}"), json!({"value": {"a": "z".repeat(170_000)}})).await, 1);
        }
        code(&batch(&server, grow).await, 422, "INVALID_FIELD");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_lose_nothing_and_leave_no_hole() {
    const CLIENTS: u64 = 8;
    const ROUNDS: u64 = 12;
    for database in TestDatabase::each().await {
        let one = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        // Two hosts on one PostgreSQL.
        let two = if database.is_postgres() {
            Some(TestServer::start(&database, CACHE, ServerOptions::default()).await)
        } else {
            None
        };
        let servers = [&one, two.as_ref().unwrap_or(&one)];
        let server = &one;
        revision(&put(server, "team/counter", json!({"value": 0})).await, 1);
        revision(&put(server, "team/members", json!({"value": {}})).await, 1);
        let client = |client: u64| async move {
            let server = servers[usize::from(client.is_multiple_of(2))];
            let (mut won, mut revs) = (0, Vec::new());
            for round in 0..ROUNDS {
                // Compare and set: whoever is told of a conflict looks again.
                loop {
                    let seen = server.get("/resource/team/counter").await.body;
                    let next = json!({"value": seen["value"].as_u64().unwrap() + 1, "if_match_rev": seen["rev"]});
                    let answer = put(server, "team/counter", next).await;
                    if answer.status == 200 {
                        won += 1;
                        break;
                    }
                    code(&answer, 409, "RESOURCE_REVISION_CONFLICT");
                }
                // Without a condition nobody is ever in another's way.
                let answer = put(server, "team/last", json!({"value": client})).await;
                assert_eq!(answer.status, 200, "{:#}", answer.body);
                revs.push(answer.body["rev"].as_u64().unwrap());
                let name = format!("{client}-{round}");
                assert_eq!(patch(server, "team/members", json!({ name: true })).await.status, 200);
            }
            (won, revs)
        };
        let done = futures_util::future::join_all((0..CLIENTS).map(client)).await;
        let all = CLIENTS * ROUNDS;
        assert_eq!(done.iter().map(|(won, _)| won).sum::<u64>(), all);
        let counter = server.get("/resource/team/counter").await.body;
        assert_eq!((&counter["value"], &counter["rev"]), (&json!(all), &json!(all + 1)));
        assert!(done.iter().all(|(_, revs)| revs.is_sorted()), "{done:?}");
        let mut revs: Vec<u64> = done.into_iter().flat_map(|(_, revs)| revs).collect();
        revs.sort_unstable();
        assert_eq!(revs, (1..=all).collect::<Vec<_>>());
        let members = server.get("/resource/team/members").await.body;
        assert_eq!((members["value"].as_object().unwrap().len() as u64, &members["rev"]), (all, &json!(all + 1)));
        if let Some(two) = two {
            two.stop().await;
        }
        one.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_write_makes_one_revision() {
    on_both_servers(CACHE, async |server| {
        let named = async |method: Method, path: &str, key: &str, body: Value| {
            let request = server.request(method, path, &server.operator).header("idempotency-key", key);
            reply(request.json(&body)).await
        };
        let first = named(Method::PUT, "/resource/team/n", "one", json!({"value": 1})).await;
        let again = named(Method::PUT, "/resource/team/n", "one", json!({"value": 1})).await;
        assert_eq!((first.status, &first.body, again.status), (200, &again.body, 200));
        assert_eq!((again.headers["idempotency-replayed"].as_bytes(), &first.body["rev"]), (&b"true"[..], &json!(1)));
        code(&named(Method::PUT, "/resource/team/n", "one", json!({"value": 2})).await, 422, "IDEMPOTENCY_KEY_REUSED");
        for _ in 0..2 {
            assert_eq!(named(Method::PATCH, "/resource/team/n", "two", json!({"a": 1})).await.body["rev"], 2);
            assert_eq!(named(Method::DELETE, "/resource/team/n", "three", json!({})).await.body["rev"], 3);
            let large = "x".repeat(1_000_000);
            let operations: Value =
                (0..6).map(|n| json!({"op": "put", "key": format!("team/{n}"), "value": large})).collect();
            let done = named(Method::POST, "/resource/batch", "four", json!({"operations": operations})).await;
            assert_eq!((done.status, &done.body["results"][5]["rev"]), (200, &json!(1)), "{}", done.code());
        }
        // What was refused may be sent again under its name, and then be carried out.
        let body = json!({"value": 1, "if_match_rev": 4});
        code(&named(Method::PUT, "/resource/team/n", "five", body.clone()).await, 409, "RESOURCE_REVISION_CONFLICT");
        revision(&put(&server, "team/n", json!({"value": 0})).await, 4);
        assert_eq!(named(Method::PUT, "/resource/team/n", "five", body).await.body["rev"], 5);
    })
    .await;
}

/// Reads a key until it is gone: every answer before is the value, and none comes after its end.
async fn watched_to_its_end(server: &TestServer, key: &str) -> u64 {
    let mut reads = 0;
    loop {
        let before = now_ms();
        let answer = server.get(&format!("/resource/{key}")).await;
        if answer.status == 404 {
            return reads;
        }
        let end = answer.body["expires_at_ms"].as_u64().expect("it has an end");
        assert!(before < end, "{} ms after its end: {:#}", before - end, answer.body);
        reads += 1;
    }
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later than 1970");
    u64::try_from(since.as_millis()).expect("milliseconds fit")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_gone_at_once_and_told_of_once() {
    for database in TestDatabase::each().await {
        let one = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        // Two hosts on one PostgreSQL.
        let two = if database.is_postgres() {
            Some(TestServer::start(&database, CACHE, ServerOptions::default()).await)
        } else {
            None
        };
        let other = two.as_ref().unwrap_or(&one);
        let made = put(&one, "team/t", json!({"value": 1, "ttl_ms": 700})).await;
        assert_eq!(made.body["expires_at_ms"].as_u64(), made.body["updated_at_ms"].as_u64().map(|at| at + 700));
        // A patch keeps the end, a put without a time to live takes it away.
        let patched = patch(other, "team/t", json!({"a": 1})).await;
        assert_eq!(patched.body["expires_at_ms"], made.body["expires_at_ms"]);
        revision(&put(&one, "team/lasting", json!({"value": 1, "ttl_ms": 300})).await, 1);
        assert_eq!(put(other, "team/lasting", json!({"value": 2})).await.body.get("expires_at_ms"), None);
        let (first, second) = tokio::join!(watched_to_its_end(&one, "team/t"), watched_to_its_end(other, "team/t"));
        assert!(first > 0 && second > 0, "{first} and {second}");
        // Gone for every kind of reader and writer, whether somebody has said so yet or not.
        conflict(&put(other, "team/t", json!({"value": 1, "if_match_rev": 2})).await, 2, 0);
        code(&delete(&one, "team/t").await, 404, "NOT_FOUND");
        revision(&put(other, "team/t", json!({"value": 2, "if_match_rev": 0})).await, 4);
        let log = one.until("/resource/history/team/t", |history| history["count"] == 4).await;
        assert_eq!(
            (&log["history"][1]["kind"], &log["history"][1]["actor"]),
            (&json!("expired"), &json!("system.expiry"))
        );
        // Many that end at once end once each.
        for n in 0..30 {
            revision(&put(&one, &format!("project/{n}"), json!({"value": n, "ttl_ms": 200})).await, 1);
        }
        let ended =
            |lines: &[String]| lines.iter().filter(|line| line.starts_with("resource.deleted project/")).count();
        for _ in 0..500 {
            if ended(&told(&one).await) == 30 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let log = told(other).await;
        assert_eq!(ended(&log), 30, "{log:#?}");
        assert_eq!(log.iter().filter(|line| *line == "resource.deleted team/t 3 expired").count(), 1, "{log:#?}");
        assert_eq!(one.get("/resource/team/lasting").await.body["value"], 2);
        assert_eq!(one.get("/resource?prefix=project/").await.body["count"], 0);
        if let Some(two) = two {
            two.stop().await;
        }
        one.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reaches_what_it_was_given_as_long_as_it_is_held() {
    on_both_servers(CACHE, async |server| {
        let made = json!({
            "title": "t", "work_items": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}], "start": true,
            "capabilities": ["resource.read:project/docs/", "resource.write:team/board"],
        });
        let mission = server.post("/mission", made).await.body["mission"]["id"].as_str().unwrap().to_owned();
        let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
        let run = server.post("/runs/claim", claim.clone()).await.body["run"].clone();
        let other = server.post("/runs/claim", claim).await.body["run"].clone();
        let (id, token) = (run["id"].as_str().unwrap(), run["token"].as_str().unwrap());
        let other = other["id"].as_str().unwrap();
        let ask = async |method: Method, path: &str, body: Value| server.ask(method, path, token, body).await;

        let writable = [format!("run/{id}/x"), format!("mission/{mission}/x"), "team/board-a".to_owned()];
        for key in &writable {
            revision(&ask(Method::PUT, &format!("/resource/{key}"), json!({"value": 1})).await, 1);
            revision(&ask(Method::GET, &format!("/resource/{key}"), Value::Null).await, 1);
        }
        for key in ["project/docs/a", "project/secret", "team/other"] {
            revision(&put(&server, key, json!({"value": 1})).await, 1);
        }
        revision(&put(&server, &format!("run/{other}/x"), json!({"value": 1})).await, 1);
        revision(&ask(Method::GET, "/resource/project/docs/a", Value::Null).await, 1);
        let outside =
            [format!("run/{other}/x"), "project/secret".to_owned(), "team/other".to_owned(), "project/docs".to_owned()];
        for key in &outside {
            for path in
                [format!("/resource/{key}"), format!("/resource/{key}?rev=1"), format!("/resource/history/{key}")]
            {
                let refused = ask(Method::GET, &path, Value::Null).await;
                code(&refused, 403, "FORBIDDEN");
                let allowed =
                    json!([format!("mission/{mission}/"), "project/docs/", format!("run/{id}/"), "team/board"]);
                assert_eq!((&refused.body["allowed"], &refused.body["key"]), (&allowed, &json!(key)), "{path}");
            }
        }
        for key in outside.iter().map(String::as_str).chain(["project/docs/a"]) {
            let path = format!("/resource/{key}");
            code(&ask(Method::PUT, &path, json!({"value": 2})).await, 403, "FORBIDDEN");
            code(&ask(Method::PATCH, &path, json!({})).await, 403, "FORBIDDEN");
            code(&ask(Method::DELETE, &path, Value::Null).await, 403, "FORBIDDEN");
            let operations = json!([
                {"op": "put", "key": writable[0], "value": 2}, {"op": "put", "key": key, "value": 2},
            ]);
            code(&ask(Method::POST, "/resource/batch", json!({"operations": operations})).await, 403, "FORBIDDEN");
        }
        let keys = |page: Value| -> Vec<String> {
            let keys = page["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap());
            // How the run stands, which the host shows beside them.
            keys.filter(|key| !key.ends_with("/status")).map(str::to_owned).collect()
        };
        let mut all: Vec<String> = writable.to_vec();
        all.push("project/docs/a".to_owned());
        all.sort_unstable();
        assert_eq!(keys(ask(Method::GET, "/resource", Value::Null).await.body), all);
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = ask(Method::GET, &format!("/resource?limit=1{cursor}"), Value::Null).await.body;
            paged.extend(keys(page.clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, all);
        assert_eq!(keys(ask(Method::GET, "/resource?prefix=project/", Value::Null).await.body), ["project/docs/a"]);
        code(&ask(Method::GET, "/resource?prefix=project/s", Value::Null).await, 403, "FORBIDDEN");
        code(&ask(Method::GET, "/resource/schemas", Value::Null).await, 403, "FORBIDDEN");

        // Once the run has ended its token reaches nothing.
        let finish = format!("/runs/{id}/finish");
        assert_eq!(ask(Method::POST, &finish, json!({"status": "succeeded"})).await.status, 200);
        let mine = format!("/resource/{}", writable[0]);
        code(&ask(Method::PUT, &mine, json!({"value": 3})).await, 409, "LEASE_LOST");
        code(&ask(Method::GET, &mine, Value::Null).await, 409, "LEASE_LOST");
        code(&ask(Method::GET, "/resource", Value::Null).await, 409, "LEASE_LOST");
        assert_eq!(server.get(&mine).await.body["value"], 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_judge_every_value_that_is_written() {
    on_both_servers(CACHE, async |server| {
        let set = async |body: Value| server.ask(Method::PUT, "/resource/schemas", &server.operator, body).await;
        let empty = server.get("/resource/schemas").await;
        assert_eq!((empty.status, empty.body), (200, json!({"items": [], "count": 0, "revision": 0})));
        revision(&put(&server, "project/old", json!({"value": "anything"})).await, 1);
        let object = json!({
            "type": "object", "required": ["n"], "additionalProperties": false,
            "properties": {"n": {"type": "integer", "maximum": 9}, "m": {"$ref": "#/$defs/text"}},
            "$defs": {"text": {"type": "string"}},
        });
        let answer = set(json!({"prefix": "project/", "schema": object, "if_revision": 0})).await;
        assert_eq!((answer.status, answer.body), (200, json!({"ok": true, "prefix": "project/", "revision": 1})));
        let deeper = json!({"prefix": "project/a", "schema": {"properties": {"n": {"minimum": 5}}}});
        assert_eq!(set(deeper).await.body["revision"], 2);
        let stale = set(json!({"prefix": "team/", "schema": true, "if_revision": 1})).await;
        code(&stale, 409, "REVISION_CONFLICT");
        assert_eq!((&stale.body["expected_rev"], &stale.body["current_rev"]), (&json!(1), &json!(2)));

        let refused = [
            ("project/x", json!("text"), "project/", ""),
            ("project/x", json!({"n": 10}), "project/", "/n"),
            ("project/x", json!({"n": 1, "m": 1}), "project/", "/m"),
            ("project/x", json!({"n": 1, "o/p": 1}), "project/", "/o~1p"),
            ("project/ab", json!({"n": 4}), "project/a", "/n"),
            ("project/ab", json!({"n": 10}), "project/", "/n"),
        ];
        for (key, value, prefix, pointer) in refused {
            let answer = put(&server, key, json!({"value": value})).await;
            code(&answer, 422, "RESOURCE_SCHEMA_VIOLATION");
            let told = json!([answer.body["key"], answer.body["prefix"], answer.body["pointer"]]);
            assert_eq!(told, json!([key, prefix, pointer]), "{:#}", answer.body);
            assert!(answer.body["problem"].as_str().is_some_and(|problem| !problem.is_empty()), "{:#}", answer.body);
        }
        revision(&put(&server, "project/ab", json!({"value": {"n": 5}})).await, 1);
        // Patches are judged by what they make.
        code(&patch(&server, "project/ab", json!({"n": null})).await, 422, "RESOURCE_SCHEMA_VIOLATION");
        revision(&patch(&server, "project/ab", json!({"m": "x"})).await, 2);
        let operations = json!([
            {"op": "put", "key": "team/free", "value": 1}, {"op": "patch", "key": "project/ab", "patch": {"n": 4}},
        ]);
        let answer = batch(&server, operations).await;
        code(&answer, 422, "RESOURCE_SCHEMA_VIOLATION");
        assert_eq!((&answer.body["index"], &answer.body["prefix"]), (&json!(1), &json!("project/a")));
        code(&server.get("/resource/team/free").await, 404, "NOT_FOUND");
        // What was there stays, and may be deleted; claims are the host's own.
        assert_eq!(server.get("/resource/project/old").await.body["value"], "anything");
        assert_eq!(delete(&server, "project/old").await.status, 200);
        let lease = json!({"name": "n", "ttl_ms": 60_000, "claim_key": "project/claim"});
        assert_eq!(server.post("/leases", lease).await.status, 201);
        // Whoever is remembered elsewhere with the old schemas judges by the new ones.
        let gone =
            server.ask(Method::DELETE, "/resource/schemas", &server.operator, json!({"prefix": "project/a"})).await;
        assert_eq!((gone.status, &gone.body["revision"]), (200, &json!(3)), "{:#}", gone.body);
        revision(&put(&server, "project/ab", json!({"value": {"n": 4}})).await, 3);
        let listed = server.get("/resource/schemas").await.body;
        assert_eq!(listed, json!({"items": [{"prefix": "project/", "schema": object}], "count": 1, "revision": 3}));
        let audit = server.get("/audit").await.body;
        let entries = audit["entries"].as_array().unwrap();
        let changes: Vec<_> = entries.iter().filter(|entry| entry["action"] == "resource.rule").collect();
        assert_eq!(changes.len(), 3, "{changes:#?}");
        assert_eq!((&changes[2]["resource"], &changes[2]["actor"]), (&json!("resource/project/"), &json!("user.root")));
        for role in [Role::Member, Role::Agent, Role::Viewer] {
            let token = server.token("local", role, "user.other").await;
            let answer =
                server.ask(Method::PUT, "/resource/schemas", &token, json!({"prefix": "team/", "schema": true})).await;
            code(&answer, 403, "FORBIDDEN");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_set_on_another_host_is_obeyed_by_the_next_write() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let one = TestServer::start(&database, CACHE, ServerOptions::default()).await;
    let two = TestServer::start(&database, CACHE, ServerOptions::default()).await;
    revision(&put(&one, "team/a", json!({"value": "x"})).await, 1);
    for (number, schema) in [json!({"type": "integer"}), json!({"type": "string"}), json!(false)].iter().enumerate() {
        let body = json!({"prefix": "team/", "schema": schema, "if_revision": number});
        assert_eq!(two.ask(Method::PUT, "/resource/schemas", &two.operator, body).await.status, 200);
        let answer = put(&one, "team/a", json!({"value": "x"})).await;
        assert_eq!(answer.status, if number == 1 { 200 } else { 422 }, "{schema}: {:#}", answer.body);
    }
    two.stop().await;
    one.stop().await;
}
