//! What clients get wrong, on purpose or not: each time a problem document that says what, and
//! nothing half-written behind it.

use e2e::databases::TestDatabase;
use e2e::server::{Reply, ServerOptions, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;
use sluice::http::problem::KINDS;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// Checks that a refusal is a whole problem document of this status and code, and gives it back.
#[track_caller]
fn problem<'r>(reply: &'r Reply, status: u16, code: &str, about: &str) -> &'r Value {
    let body = &reply.body;
    assert_eq!((reply.status, reply.code()), (status, code), "{about}: {body:#}");
    assert_eq!(reply.headers["content-type"], "application/problem+json", "{about}");
    assert!(reply.headers.contains_key("x-request-id"), "{about}: {:?}", reply.headers);
    let kind = KINDS.iter().find(|kind| kind.code == code).expect("a kind of problem");
    assert_eq!((body["status"].as_u64(), &body["type"]), (Some(status.into()), &json!(kind.page())), "{about}");
    assert_eq!(body["title"], kind.title, "{about}");
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{about}: {body:#}");
    let retryable = body["retryable"].as_bool().unwrap_or_else(|| panic!("{about}: {body:#}"));
    let is_told_to_wait = reply.headers.contains_key("retry-after");
    assert!(!is_told_to_wait || retryable, "{about}: whoever is told when to come back may come back");
    body
}

async fn body_of(server: &TestServer, path: &str, content_type: &str, body: Vec<u8>) -> Reply {
    let request = server.request(Method::POST, path, &server.operator).header("content-type", content_type);
    reply(request.body(body)).await
}

async fn running_mission(server: &TestServer) -> String {
    let body = json!({"title": "of the test", "work_items": [{"id": "a", "title": "A"}], "start": true});
    let made = server.post("/mission", body).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    made.body["mission"]["id"].as_str().expect("an id").to_owned()
}

/// A run of the mission, claimed by `token`: its id and its own token.
async fn claimed(server: &TestServer, mission: &str, token: &str) -> (String, String) {
    let body = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
    let run = server.ask(Method::POST, "/runs/claim", token, body).await.body["run"].clone();
    let text = |name: &str| run[name].as_str().unwrap_or_else(|| panic!("{run:#}")).to_owned();
    (text("id"), text("token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_are_refused_by_name() {
    on_both_servers(CACHE, async |server| {
        let before = server.engine.store().log_head().await.expect("the log has an end");
        let deep = |levels: usize| {
            format!(r#"{{"title":"t","metadata":{{"a":{}1{}}}}}"#, "[".repeat(levels), "]".repeat(levels))
        };
        let long = format!(r#"{{"title":"t","goal":"{}"}}"#, "x".repeat(2 << 20));
        let cases: &[(&str, &str, u16, &str, &str)] = &[
            ("", "application/json", 400, "MALFORMED_JSON", ""),
            (r#"{"title":"#, "application/json", 400, "MALFORMED_JSON", ""),
            (r#"{"title":"t"} {}"#, "application/json", 400, "MALFORMED_JSON", ""),
            ("{\"title\":\"t\",}", "application/json", 400, "MALFORMED_JSON", ""),
            (r#"{"title":"t","title":"u"}"#, "application/json", 400, "DUPLICATE_KEY", "title"),
            (r#"{"title":"t","metadata":{"a":{"b":1,"b":1}}}"#, "application/json", 400, "DUPLICATE_KEY", "b"),
            (&deep(63), "application/json", 400, "TOO_DEEP", ""),
            (&deep(50_000), "application/json", 400, "TOO_DEEP", ""),
            (&long, "application/json", 413, "TOO_LARGE", ""),
            (r#"{"title":"t"}"#, "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE", ""),
            (r#"{"title":"t"}"#, "application/json; charset=latin1", 415, "UNSUPPORTED_MEDIA_TYPE", ""),
            ("title=t", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE", ""),
            (r#"{"title":"t","titel":"u"}"#, "application/json", 422, "UNKNOWN_FIELD", "titel"),
            (
                r#"{"title":"t","work_items":[{"title":"a","x":1}]}"#,
                "application/json",
                422,
                "UNKNOWN_FIELD",
                "work_items[0].x",
            ),
            ("{}", "application/json", 422, "INVALID_FIELD", "title"),
            ("null", "application/json", 422, "INVALID_FIELD", ""),
            (r#"["t"]"#, "application/json", 422, "INVALID_FIELD", ""),
            (r#"{"title":7}"#, "application/json", 422, "INVALID_FIELD", "title"),
            (r#"{"title":" "}"#, "application/json", 422, "INVALID_FIELD", "title"),
            (
                r#"{"title":"t","budgets":{"max_tool_calls":9223372036854775808}}"#,
                "application/json",
                422,
                "INVALID_FIELD",
                "budgets.max_tool_calls",
            ),
            (r#"{"title":"t","metadata":null}"#, "application/json", 422, "INVALID_FIELD", "metadata"),
            (r#"{"title":"t","start":"yes"}"#, "application/json", 422, "INVALID_FIELD", "start"),
            (r#"{"title":"t","budgets":[1,1,1,1,1,1]}"#, "application/json", 422, "INVALID_FIELD", "budgets"),
            (
                r#"{"title":"t","budgets":{"max_steps":0}}"#,
                "application/json",
                422,
                "INVALID_FIELD",
                "budgets.max_steps",
            ),
            (
                r#"{"title":"t","budgets":{"max_steps":-1}}"#,
                "application/json",
                422,
                "INVALID_FIELD",
                "budgets.max_steps",
            ),
            (r#"{"title":"t","work_items":[["i","a"]]}"#, "application/json", 422, "INVALID_FIELD", "work_items[0]"),
            (
                r#"{"title":"t","work_items":[{"id":"../x","title":"a"}]}"#,
                "application/json",
                422,
                "INVALID_FIELD",
                "work_items[0].id",
            ),
        ];
        for (body, content_type, status, code, field) in cases {
            let about = &body[..body.len().min(80)];
            let answer = body_of(&server, "/mission", content_type, body.as_bytes().to_vec()).await;
            let document = problem(&answer, *status, code, about);
            assert_eq!(document["field"].as_str().unwrap_or_default(), *field, "{about}: {document:#}");
        }
        let answer = body_of(&server, "/mission", "application/json", b"{\"title\":\"\xff\"}".to_vec()).await;
        problem(&answer, 400, "MALFORMED_JSON", "no UTF-8");
        let after = server.engine.store().log_head().await.expect("the log has an end");
        assert_eq!((after, &server.get("/mission").await.body["count"]), (before, &json!(0)), "nothing was written");
        // From the other side: as deep as may be, and 5.0 for an integer.
        let good = deep(61).replace(r#""title":"t""#, r#""title":"t","budgets":{"max_steps":5.0}"#);
        let made = body_of(&server, "/mission", "application/json; charset=utf-8", good.into_bytes()).await;
        assert_eq!((made.status, &made.body["mission"]["budgets"]["max_steps"]), (201, &json!(5)), "{:#}", made.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_cannot_be_are_refused_by_name() {
    on_both_servers(CACHE, async |server| {
        let id = running_mission(&server).await;
        let lists = [
            "/mission".to_owned(),
            "/runs".to_owned(),
            "/approvals".to_owned(),
            "/tokens".to_owned(),
            "/audit".to_owned(),
            format!("/mission/{id}/history"),
            format!("/mission/{id}/events"),
            format!("/mission/{id}/work_items"),
            format!("/mission/{id}/verdicts"),
            format!("/mission/{id}/artifacts"),
        ];
        for list in &lists {
            for (query, field) in [
                ("limit=0", "limit"),
                ("limit=501", "limit"),
                ("limit=x", "limit"),
                ("limit=", "limit"),
                ("cursor=", "cursor"),
                ("limit=1&limit=2", "limit"),
            ] {
                let path = format!("{list}?{query}");
                let refused = server.get(&path).await;
                assert_eq!(problem(&refused, 422, "INVALID_FIELD", &path)["field"], field, "{path}");
                let detail = refused.body["detail"].as_str().expect("what is wrong");
                assert!(detail.contains(field), "{path}: {detail}");
                assert!(query != "limit=x" || detail.contains("a whole number"), "{path}: {detail}");
            }
            for cursor in ["x", "-1", "%2B1", "99999999999999999999", "1%20", "run_", "evt_1", "%00", "mis_a%2Fb"] {
                let path = format!("{list}?cursor={cursor}");
                assert_eq!(
                    problem(&server.get(&path).await, 400, "INVALID_CURSOR", &path)["field"],
                    "cursor",
                    "{path}"
                );
            }
            let path = format!("{list}?limt=5");
            assert_eq!(problem(&server.get(&path).await, 422, "UNKNOWN_FIELD", &path)["field"], "limt", "{path}");
            assert_eq!(server.get(&format!("{list}?limit=500")).await.status, 200, "{list}");
        }
        for (path, field) in [
            ("/mission?status=done", "status"),
            ("/mission?status=", "status"),
            ("/runs?status=waiting", "status"),
            ("/runs?mission_id=", "mission_id"),
            ("/runs?mission_id=a%2Fb", "mission_id"),
            ("/approvals?status=x", "status"),
            ("/approvals?mission_id=%20", "mission_id"),
            ("/event?tail=10001", "tail"),
            ("/event?since_seq=-1", "since_seq"),
            ("/event?run_id=", "run_id"),
            ("/event?session_id=a%20b", "session_id"),
            ("/event?type=", "type"),
        ] {
            assert_eq!(problem(&server.get(path).await, 422, "INVALID_FIELD", path)["field"], field, "{path}");
        }
        let odd = server.request(Method::GET, "/event", &server.operator).header("last-event-id", "abc");
        problem(&reply(odd).await, 400, "MALFORMED_REQUEST", "Last-Event-ID");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_cannot_be_are_refused() {
    on_both_servers(CACHE, async |server| {
        let (id, other) = (running_mission(&server).await, running_mission(&server).await);
        // Claimed, so that nothing goes on in the mission by itself.
        let (run, _) = claimed(&server, &id, &server.token("local", Role::Agent, "agent.a").await).await;
        let path = format!("/mission/{id}/event");
        // Its creation, its start and the claim: nothing else comes by itself.
        server.until(&format!("/mission/{id}/history"), |body| body["count"] == 3).await;
        let revision = 3;
        let cases = [
            (json!({"type": "tool_observed", "mission_id": other}), 400, "MISSION_EVENT_MISMATCH", "event.mission_id"),
            (json!({"type": "tool_observed", "mission_id": 7}), 400, "MISSION_EVENT_MISMATCH", "event.mission_id"),
            (json!({"type": "mission_exploded"}), 422, "INVALID_FIELD", "event.type"),
            (json!({"type": "gate_verdict", "work_item_id": "a"}), 422, "INVALID_FIELD", "event.type"),
            (json!({"type": "run_claimed", "run_id": run}), 422, "INVALID_FIELD", "event.type"),
            (json!({}), 422, "INVALID_FIELD", "event.type"),
            (json!(["tool_observed"]), 422, "INVALID_FIELD", "event"),
            (json!({"type": "run_finished", "run_id": run, "status": "done"}), 422, "INVALID_FIELD", "status"),
            (json!({"type": "approval_granted", "work_item_id": "a"}), 422, "INVALID_FIELD", "event.approval_id"),
        ];
        for (event, status, code, field) in cases {
            let answer = server.post(&path, json!({"event": event})).await;
            assert_eq!(problem(&answer, status, code, &event.to_string())["field"], field, "{event}");
        }
        for stale in [revision - 1, revision + 1] {
            let body = json!({"event": {"type": "mission_paused", "reason": "a test"}, "if_revision": stale});
            let answer = server.post(&path, body).await;
            let document = problem(&answer, 409, "REVISION_CONFLICT", "a stale revision");
            assert_eq!((&document["expected_rev"], &document["current_rev"]), (&json!(stale), &json!(revision)));
        }
        let foreign = json!({"event": {"type": "run_finished", "run_id": run, "status": "succeeded"}});
        problem(&server.post(&path, foreign).await, 409, "LEASE_LOST", "the end of a run that another holds");
        let now = server.get(&format!("/mission/{id}")).await.body;
        assert_eq!((&now["mission"]["revision"], &now["mission"]["status"]), (&json!(revision), &json!("running")));
        // From the other side: the mission's own id, and the revision it is at.
        let body =
            json!({"event": {"type": "mission_paused", "reason": "a test", "mission_id": id}, "if_revision": revision});
        let paused = server.post(&path, body).await;
        assert_eq!((paused.status, &paused.body["mission"]["status"]), (200, &json!("paused")), "{:#}", paused.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_once_and_by_its_own_token() {
    on_both_servers(CACHE, async |server| {
        let agent = server.token("local", Role::Agent, "agent.a").await;
        let (one, two) = (running_mission(&server).await, running_mission(&server).await);
        let (run, token) = claimed(&server, &one, &agent).await;
        let (_, others) = claimed(&server, &two, &agent).await;
        let path = format!("/runs/{run}/finish");
        let finish = async |token: &str, status: &str| {
            server.ask(Method::POST, &path, token, json!({"status": status, "summary": "s"})).await
        };
        let altered = token.replace(&token[20..24], "zzzz");
        problem(&finish(&altered, "succeeded").await, 401, "UNAUTHENTICATED", "an altered token");
        for (whose, text) in
            [("another run's", &others), ("the worker's own", &agent), ("an operator's", &server.operator)]
        {
            problem(&finish(text, "succeeded").await, 403, "FORBIDDEN", whose);
        }
        assert_eq!(server.get(&format!("/runs/{run}")).await.body["run"]["status"], "running");
        let stranger = json!({"status": "succeeded", "artifacts": ["art_none"]});
        let refused = server.ask(Method::POST, &path, &token, stranger).await;
        assert_eq!(problem(&refused, 422, "INVALID_FIELD", "no artifact of this run")["field"], "artifacts");
        let done = finish(&token, "succeeded").await;
        assert_eq!((done.status, &done.body["run"]["status"]), (200, &json!("succeeded")), "{:#}", done.body);
        assert_eq!(finish(&token, "succeeded").await.body["run"]["status"], "succeeded", "twice the same");
        problem(&finish(&token, "failed").await, 409, "CONFLICT", "another end");
        let late = json!({"events": [{"type": "message.part.updated", "part": {"type": "text"}}]});
        let late = server.ask(Method::POST, &format!("/runs/{run}/events"), &token, late).await;
        assert_eq!(problem(&late, 409, "LEASE_LOST", "after the end")["run_id"], run.as_str());
        // A worker's output with its members in an array, or with one too many.
        for (event, field) in [
            (json!(["message.part.updated", {"type": "text"}]), "events[0]"),
            (json!({"type": "message.part.updated"}), "events[0].part"),
            (json!({"type": "message.part.updated", "part": [["type", "text"]]}), "events[0].part"),
            (json!({"type": "message.part.updated", "part": {}}), "events[0].part.type"),
            (json!({"type": "other"}), "events[0].type"),
        ] {
            let path = format!(
                "/runs/{}/events",
                server.get("/runs?status=running").await.body["runs"][0]["id"].as_str().expect("a run")
            );
            let answer = server.ask(Method::POST, &path, &others, json!({"events": [event]})).await;
            assert_eq!(problem(&answer, 422, "INVALID_FIELD", &event.to_string())["field"], field, "{event}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_origins_of_others_are_refused_on_every_route() {
    let server = TestServer::start(&TestDatabase::sqlite(), CACHE, ServerOptions::default()).await;
    let own = server.base.replace("http://", "");
    for operation in sluice::http::operations() {
        let path = operation.path.replace("{id}", "x").replace("{slug}", "not-found");
        let method = Method::from_bytes(operation.method.as_bytes()).expect("a method");
        let with = async |headers: &[(&'static str, &str)]| {
            let mut request =
                server.request(method.clone(), &path, &server.operator).header("accept", "application/json");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            reply(request).await
        };
        for host in ["evil.example", "localhost.evil.example:80"] {
            problem(&with(&[("host", host)]).await, 400, "HOST_NOT_ALLOWED", &path);
        }
        for foreign in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", &format!("http://{own}"))],
        ] {
            problem(&with(foreign).await, 403, "ORIGIN_NOT_ALLOWED", &path);
        }
        let good = with(&[("origin", &format!("http://{own}")), ("sec-fetch-site", "same-origin")]).await;
        assert!(!matches!(good.code(), "HOST_NOT_ALLOWED" | "ORIGIN_NOT_ALLOWED"), "{path}: {:#}", good.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_says_what_there_is() {
    let server = TestServer::start(&TestDatabase::sqlite(), CACHE, ServerOptions::default()).await;
    for path in ["/", "/missions", "/mission/", "/mission/x/y/z", "/runs/x/finish/now", "/%2e%2e/etc/passwd"] {
        problem(&server.get(path).await, 404, "UNKNOWN_ROUTE", path);
    }
    let operations = sluice::http::operations();
    for path in operations.iter().map(|operation| &operation.path) {
        let there: Vec<&str> =
            operations.iter().filter(|other| other.path == *path).map(|operation| operation.method).collect();
        let target = path.replace("{id}", "x").replace("{slug}", "not-found");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().filter(|method| !there.contains(method)) {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let answer = server.ask(method, &target, &server.operator, Value::Null).await;
            problem(&answer, 405, "METHOD_NOT_ALLOWED", path);
            let allow = answer.headers["allow"].to_str().expect("text");
            let mut listed: Vec<&str> = allow.split(',').map(str::trim).filter(|name| *name != "HEAD").collect();
            listed.sort_unstable();
            let mut there = there.clone();
            there.sort_unstable();
            assert_eq!(listed, there, "{path}: Allow: {allow}");
        }
    }
    for path in ["/mission/x", "/runs/run_1", "/artifacts/art_1", "/approvals/a", "/tokens/%20", "/problems/none"] {
        problem(&server.get(path).await, 404, "NOT_FOUND", path);
    }
    problem(&server.get("/mission/%ff").await, 400, "MALFORMED_REQUEST", "no UTF-8 in a path");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_has_its_page() {
    let server = TestServer::start(&TestDatabase::sqlite(), CACHE, ServerOptions::default()).await;
    for kind in KINDS {
        let page =
            server.request(Method::GET, &kind.page(), &server.operator).send().await.expect("the server answers");
        assert_eq!(page.status().as_u16(), 200, "{}", kind.page());
        assert_eq!(page.headers()["content-type"], "text/markdown; charset=utf-8");
        let text = page.text().await.expect("a page");
        for part in [kind.title, kind.code, kind.meaning] {
            assert!(text.contains(part), "{}: {text}", kind.page());
        }
    }
}

async fn named(server: &TestServer, key: &str, path: &str, body: Value) -> Reply {
    let request = server.request(Method::POST, path, &server.operator).header("idempotency-key", key);
    reply(request.json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_write_is_carried_out_once() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let body = json!({"title": "once", "work_items": [{"id": "a", "title": "A"}]});
        let first = named(&server, "one", "/mission", body.clone()).await;
        assert_eq!(first.status, 201, "{:#}", first.body);
        let id = first.body["mission"]["id"].clone();
        let again = named(&server, "one", "/mission", body.clone()).await;
        assert_eq!((again.status, &again.body["mission"]["id"]), (201, &id));
        assert_eq!(again.headers["idempotency-replayed"], "true");
        let other = named(&server, "one", "/mission", json!({"title": "other"})).await;
        problem(&other, 422, "IDEMPOTENCY_KEY_REUSED", "the same key and another body");
        let elsewhere = named(&server, "one", "/event/ticket", Value::Null).await;
        problem(&elsewhere, 422, "IDEMPOTENCY_KEY_REUSED", "the same key and another path");
        for key in ["", &"x".repeat(256), "caf\u{e9}"] {
            problem(&named(&server, key, "/mission", body.clone()).await, 400, "MALFORMED_REQUEST", key);
        }
        // What was refused was not done, and its name is free.
        problem(&named(&server, "two", "/mission", json!({"title": ""})).await, 422, "INVALID_FIELD", "a bad title");
        assert_eq!(named(&server, "two", "/mission", json!({"title": "two"})).await.status, 201);
        // The same name of another principal is another name.
        let member = server.token("local", Role::Member, "user.me").await;
        let request = server.request(Method::POST, "/mission", &member).header("idempotency-key", "one");
        assert_eq!(reply(request.json(&json!({"title": "another's"}))).await.status, 201);

        let event = json!({"event": {"type": "mission_started"}});
        let path = format!("/mission/{}/event", id.as_str().expect("an id"));
        let started = named(&server, "start", &path, event.clone()).await;
        assert_eq!(started.status, 200, "{:#}", started.body);
        server.stop().await;

        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let after = named(&server, "one", "/mission", body.clone()).await;
        assert_eq!((after.status, &after.body["mission"]["id"]), (201, &id), "it survives a restart");
        let restarted = named(&server, "start", &path, event).await;
        assert_eq!((restarted.status, &restarted.body), (200, &started.body), "and so does an event");
        assert_eq!(server.get("/mission").await.body["count"], 3, "once, two, another's");

        let body = json!({"title": "at once"});
        let all =
            futures_util::future::join_all((0..8).map(|_| named(&server, "many", "/mission", body.clone()))).await;
        for answer in &all {
            match answer.status {
                201 => {}
                _ => drop(problem(answer, 409, "IDEMPOTENCY_KEY_IN_USE", "at once").clone()),
            }
        }
        assert!(all.iter().any(|answer| answer.status == 201));
        assert_eq!(server.get("/mission").await.body["count"], 4, "eight at once made one mission");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_write_in_flight_is_told_as_such() {
    let server = TestServer::start(&TestDatabase::sqlite(), CACHE, ServerOptions::default()).await;
    let body = json!({"worker": "w", "wait_ms": 3_000});
    let second = async {
        // The first waits for a run meanwhile; whichever comes second is refused at once.
        let answers = futures_util::future::join(
            named(&server, "claim", "/runs/claim", body.clone()),
            named(&server, "claim", "/runs/claim", body.clone()),
        );
        answers.await
    };
    let (one, two) = second.await;
    let refused = if one.status == 409 { &one } else { &two };
    let document = problem(refused, 409, "IDEMPOTENCY_KEY_IN_USE", "in flight");
    assert_eq!(document["retryable"], true);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!([one.status, two.status].iter().filter(|status| **status == 204).count(), 1);
}
