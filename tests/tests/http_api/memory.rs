//! Putting, finding, listing and taking back what is remembered, as clients see it.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::server::{Reply, ServerOptions, TestServer, on_both_servers};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// What a call answered that has to succeed.
pub fn ok(reply: Reply) -> Value {
    assert_eq!(reply.status, 200, "{:#}", reply.body);
    reply.body
}

pub async fn put(server: &TestServer, token: &str, body: Value) -> Value {
    ok(server.ask(Method::POST, "/memory/put", token, body).await)
}

pub async fn search(server: &TestServer, token: &str, body: Value) -> Value {
    ok(server.ask(Method::POST, "/memory/search", token, body).await)
}

pub fn ids(found: &Value) -> Vec<&str> {
    let results = found["results"].as_array().or(found["items"].as_array()).expect("a list");
    results.iter().map(|hit| hit["id"].as_str().expect("an id")).collect()
}

fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_is_found_listed_and_taken_back() {
    on_both_servers(CACHE, async |server| {
        let ann = server.token("local", Role::Member, "user.ann").await;
        let bob = server.token("local", Role::Member, "user.bob").await;
        let one = put(&server, &ann, json!({
            "text": "The connection pool grows to twenty before queries queue.", "tier": "project", "kind": "fact",
            "tags": ["postgres", "pool"], "source": "load test", "metadata": {"build": 7}, "run_id": "their-run-1",
        }))
        .await;
        assert_eq!(
            members(&one),
            ["audit_id", "deduped", "id", "ok", "partition_key", "scrub", "stored", "tier"],
            "{one:#}"
        );
        assert_eq!((&one["ok"], &one["stored"], &one["deduped"]), (&json!(true), &json!(true), &json!(false)));
        assert_eq!((&one["tier"], &one["partition_key"]), (&json!("project"), &json!("local/local/default/project")));
        assert_eq!(one["scrub"], json!({"status": "passed", "findings": []}));
        assert!(text(&one["id"]).starts_with("mem_") && text(&one["audit_id"]).starts_with("aud_"), "{one:#}");
        let other = put(&server, &ann, json!({"content": "Deploys happen on Tuesdays.", "tier": "project"})).await;

        // The same in other letters and blanks joins, whoever says it, and brings its tags along.
        let again = json!({"text": "the connection pool  grows to TWENTY before queries queue.\n", "tier": "project", "tags": ["size"]});
        let joined = put(&server, &bob, again).await;
        assert_eq!((&joined["id"], &joined["deduped"]), (&one["id"], &json!(true)), "{joined:#}");

        let found = search(&server, &bob, json!({"query": "pool size", "project_id": "default"})).await;
        assert_eq!(members(&found), ["audit_id", "blocked_scopes", "count", "results", "scopes_used"], "{found:#}");
        assert_eq!(ids(&found), [text(&one["id"])], "{found:#}");
        assert_eq!(found["scopes_used"], json!(["session", "project", "team", "curated"]));
        assert_eq!(found["blocked_scopes"], json!([]));
        let hit = &found["results"][0];
        for name in ["id", "text", "score", "tier", "tags", "source_type", "run_id", "created_at_ms"] {
            assert!(hit.get(name).is_some(), "a result lacks {name}: {hit:#}");
        }
        assert_eq!((&hit["score"], &hit["source_type"]), (&json!(1.0), &json!("user")));
        assert_eq!((&hit["tags"], &hit["run_id"]), (&json!(["pool", "postgres", "size"]), &json!("their-run-1")));

        let list = ok(server.get("/memory?tier=project").await);
        assert_eq!((members(&list), &list["count"]), (vec!["count", "items"], &json!(2)), "{list:#}");
        let record = list["items"].as_array().expect("items").iter().find(|item| item["id"] == one["id"]);
        let record = record.expect("it is listed");
        assert_eq!((&record["metadata"], &record["owner"]), (&json!({"build": 7}), &json!("user.ann")));
        assert_eq!((&record["revision"], &record["trust"]), (&json!(2), &json!("trusted")), "{record:#}");
        assert_eq!(ids(&ok(server.get("/memory?limit=1&offset=1").await)).len(), 1);
        assert_eq!(ids(&ok(server.get("/memory?q=tuesdays").await)), [text(&other["id"])]);

        // Demoted it is found by nobody, and only an operator can still delete it.
        let id = text(&one["id"]);
        let refused = server.ask(Method::POST, "/memory/demote", &bob, json!({"id": id})).await;
        assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"), "it is another's: {:#}", refused.body);
        let demoted = ok(server.ask(Method::POST, "/memory/demote", &ann, json!({"id": id, "run_id": "r"})).await);
        assert_eq!((members(&demoted), &demoted["id"]), (vec!["audit_id", "id", "ok"], &one["id"]));
        assert_eq!(ids(&search(&server, &bob, json!({"query": "pool"})).await).len(), 0);
        assert_eq!(server.ask(Method::POST, "/memory/demote", &ann, json!({"id": id})).await.status, 404);
        assert_eq!(server.ask(Method::DELETE, &format!("/memory/{id}"), &ann, Value::Null).await.status, 404);
        let deleted = server.ask(Method::DELETE, &format!("/memory/{id}"), &server.operator, json!({})).await;
        assert_eq!((deleted.status, &deleted.body["ok"]), (200, &json!(true)), "{:#}", deleted.body);
        assert_eq!(server.ask(Method::DELETE, &format!("/memory/{id}"), &server.operator, Value::Null).await.status, 404);

        // Each of these acts is in the audit, newest first, and of one chain.
        let audit = ok(server.get(&format!("/memory/audit?memory_id={id}")).await);
        let entries = audit["entries"].as_array().expect("entries");
        let told: Vec<(&str, &str, &str)> = entries
            .iter()
            .map(|entry| {
                let of = |name: &str| entry[name].as_str().unwrap_or_default();
                (of("action"), of("actor"), of("status"))
            })
            .collect();
        let denied = ("memory.remove", "user.ann", "denied");
        assert_eq!(
            told,
            [
                ("memory.remove", "user.root", "denied"),
                ("memory.delete", "user.root", "done"),
                denied,
                ("memory.demote", "user.ann", "done"),
                ("memory.remove", "user.bob", "denied"),
                ("memory.put", "user.bob", "deduped"),
                ("memory.put", "user.ann", "stored"),
            ],
            "{audit:#}"
        );
        let first = entries.last().expect("the first");
        assert_eq!((&first["id"], &first["run_id"]), (&one["audit_id"], &json!("their-run-1")), "{first:#}");
        assert_eq!(first["detail"]["partition"]["tier"], "project");
        assert_eq!(ok(server.get("/memory/audit?run_id=their-run-1").await)["count"], 2);
        assert!(server.engine.verify_audit().await.expect("it can be read").broken.is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn near_duplicates_join_unless_a_program_said_it_first() {
    on_both_servers(CACHE, async |server| {
        let ann = server.token("local", Role::Member, "user.ann").await;
        let long = |word: &str| {
            let words: Vec<String> = (0..60).map(|n| if n == 30 { word.to_owned() } else { format!("w{n}") }).collect();
            words.join(" ")
        };
        let of = |text: String| json!({"text": text, "tier": "project"});
        let one = put(&server, &ann, of(long("same"))).await;
        let near = put(&server, &ann, of(long("other"))).await;
        assert_eq!((&near["id"], &near["deduped"]), (&one["id"], &json!(true)), "{near:#}");
        let shown = ok(server.get("/memory?tier=project").await);
        assert_eq!(shown["items"][0]["text"], long("same"), "what was there stays");
        // A program plants nearly what a person will say: the person's words are kept as they are.
        let bot = server.token("local", Role::Agent, "user.cy").await;
        let person = server.token("local", Role::Member, "user.cy").await;
        let of = |text: String| json!({"text": text, "tier": "session", "session_id": "s"});
        let planted = put(&server, &bot, of(format!("planted {}", long("evil")))).await;
        let said = put(&server, &person, of(format!("planted {}", long("good")))).await;
        assert_ne!(planted["id"], said["id"], "{said:#}");
        assert_eq!(said["deduped"], false);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_end_by_themselves() {
    for database in TestDatabase::each().await {
        let options = ServerOptions::default();
        let clock = options.clock.clone();
        let server = TestServer::start(&database, CACHE, options).await;
        let body = json!({"text": "short lived words", "tier": "project", "ttl_ms": 60_000});
        let one = put(&server, &server.operator, body.clone()).await;
        let kept = put(&server, &server.operator, json!({"text": "of a session", "session_id": "s"})).await;
        assert!(kept["expires_at_ms"].as_u64() > one["expires_at_ms"].as_u64(), "a week: {kept:#}");
        clock.pass(Duration::from_millis(60_000));
        assert_eq!(ids(&search(&server, &server.operator, json!({"query": "lived"})).await).len(), 0);
        let promoted = server.post("/memory/promote", json!({"id": one["id"]})).await;
        assert_eq!(promoted.status, 404, "{:#}", promoted.body);
        let anew = put(&server, &server.operator, body).await;
        assert_eq!(anew["deduped"], false, "what has ended is joined by nothing: {anew:#}");
        assert_ne!(anew["id"], one["id"]);
        clock.pass(Duration::from_secs(8 * 24 * 3600));
        let gone = |audit: &Value| {
            let entries = audit["entries"].as_array().map(Vec::len).unwrap_or_default();
            entries > 1 && audit["entries"][0]["action"] == "memory.expire"
        };
        server.until(&format!("/memory/audit?memory_id={}", text(&kept["id"])), gone).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_name() {
    on_both_servers(CACHE, async |server| {
        let many = json!(vec!["t"; 33].iter().enumerate().map(|(n, t)| format!("{t}{n}")).collect::<Vec<_>>());
        for (path, body, status, field) in [
            ("/memory/put", json!({}), 422, "text"),
            ("/memory/put", json!({"text": " \n"}), 422, "text"),
            ("/memory/put", json!({"text": "a\u{0}b", "session_id": "s"}), 422, "text"),
            ("/memory/put", json!({"text": "a\u{1b}[0m", "session_id": "s"}), 422, "text"),
            ("/memory/put", json!({"text": "x".repeat(256 * 1024 + 1), "session_id": "s"}), 422, "text"),
            ("/memory/put", json!({"text": "x", "session_id": "a/b"}), 422, "session_id"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "project_id": ""}), 422, "project_id"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "project_id": "a/b"}), 422, "project_id"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "tier": "galaxy"}), 422, "tier"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "kind": "dream"}), 422, "kind"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "tags": [""]}), 422, "tags[0]"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "tags": ["a", "x".repeat(65)]}), 422, "tags[1]"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "tags": many}), 422, "tags"),
            (
                "/memory/put",
                json!({"text": "x", "session_id": "s", "classification": "Top Secret"}),
                422,
                "classification",
            ),
            (
                "/memory/put",
                json!({"text": "x", "session_id": "s", "metadata": {"a": "x".repeat(17_000)}}),
                422,
                "metadata",
            ),
            ("/memory/put", json!({"text": "x", "session_id": "s", "metadata": {"a": "\u{0}"}}), 422, "metadata"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "metadata": [1]}), 422, "metadata"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "ttl_ms": 0}), 422, "ttl_ms"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "visibility": "shared"}), 422, "visibility"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "embedding": []}), 422, "embedding"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "embedding": [0.0]}), 422, "embedding"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "run_id": "-x"}), 422, "run_id"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "user_id": "a b"}), 422, "user_id"),
            ("/memory/put", json!({"text": "x", "session_id": "s", "colour": "red"}), 422, "colour"),
            ("/memory/put", json!({"text": "x", "tier": "team", "partition": {"tier": "project"}}), 422, "tier"),
            ("/memory/put", json!({"text": "x", "tier": "team", "partition": {"workspace_id": "elsewhere"}}), 404, ""),
            ("/memory/put", json!({"text": "x", "tier": "team", "partition": {"org_id": "elsewhere"}}), 404, ""),
            ("/memory/search", json!({"query": "x", "limit": 0}), 422, "limit"),
            ("/memory/search", json!({"query": "x", "limit": 101}), 422, "limit"),
            ("/memory/search", json!({"query": "x".repeat(9000)}), 422, "query"),
            ("/memory/search", json!({"query": "a\u{0}"}), 422, "query"),
            ("/memory/search", json!({"query": "x", "project_id": "../x"}), 422, "project_id"),
            ("/memory/search", json!({"query": "x", "partition": {"workspace_id": "elsewhere"}}), 404, ""),
            ("/memory/scrub", json!({"text": ""}), 422, "text"),
            ("/memory/scrub", json!({"text": "x".repeat(256 * 1024 + 1)}), 422, "text"),
            ("/memory/promote", json!({}), 422, "id"),
            ("/memory/promote", json!({"id": "mem_none"}), 404, ""),
            ("/memory/demote", json!({"id": "mem_none"}), 404, ""),
        ] {
            let reply = server.post(path, body.clone()).await;
            let shown: String = body.to_string().chars().take(200).collect();
            assert_eq!(reply.status, status, "{path} {shown}: {:#}", reply.body);
            let named = reply.body["field"].as_str().unwrap_or_default();
            assert_eq!(named, field, "{path} {shown}: {:#}", reply.body);
        }
        let told = server.post("/memory/put", json!({"text": "ab\u{0}", "session_id": "s"})).await;
        assert!(text(&told.body["detail"]).contains("U+0000 at byte 2"), "{:#}", told.body);
        for (path, field) in [
            ("/memory?tier=galaxy", "tier"),
            ("/memory?limit=501", "limit"),
            ("/memory?offset=10001", "offset"),
            ("/memory?color=1", "color"),
            ("/memory/audit?memory_id=%20", "memory_id"),
        ] {
            let reply = server.get(path).await;
            assert_eq!((reply.status, reply.body["field"].as_str()), (422, Some(field)), "{path}: {:#}", reply.body);
        }
        let typo = json!({"title": "t", "capabilities": ["memory.read:team", "memory.promote:all"]});
        let refused = server.post("/mission", typo).await;
        assert_eq!(
            (refused.status, refused.body["field"].as_str()),
            (422, Some("capabilities[1]")),
            "{:#}",
            refused.body
        );
        let bare = put(&server, &server.operator, json!({"text": "bare"})).await;
        assert_eq!(bare["partition_key"], "local/local/default/session", "a text is enough: {bare:#}");
        assert_eq!(ids(&search(&server, &server.operator, json!({"query": "bare"})).await), [text(&bare["id"])]);
        // Nothing of all the others was stored.
        assert_eq!(ok(server.get("/memory").await)["count"], 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_words_whatever_stands_in_them() {
    on_both_servers(CACHE, async |server| {
        let put_text = async |text: &str, tags: Value| {
            of_id(&put(&server, &server.operator, json!({"text": text, "tier": "team", "tags": tags})).await)
        };
        let near = put_text("Near the body of the scope lies a NOT so secret word.", json!(["a"])).await;
        let percent = put_text("100% of _x_ or 'quoted; DROP TABLE memories --", json!(["a", "b"])).await;
        for (query, wanted) in [
            ("NEAR(body scope)", vec![&near]),
            ("body:secret", vec![&near]),
            ("\"so secret word\"", vec![&near]),
            ("\"secret so\"", vec![]),
            ("secr*", vec![&near]),
            ("%", vec![]),
            ("_", vec![]),
            ("'; DROP TABLE memories --", vec![&percent]),
            ("\" OR 1=1 OR \"", vec![]),
            ("quoted) OR (scope", vec![&near, &percent]),
        ] {
            let found = search(&server, &server.operator, json!({"query": query, "tiers": ["team"]})).await;
            let (mut got, mut wanted) = (ids(&found), wanted.iter().map(|id| id.as_str()).collect::<Vec<_>>());
            got.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(got, wanted, "{query}: {found:#}");
        }
        let tagged = json!({"query": "quoted scope", "tags": ["a", "b"], "tiers": ["team"]});
        assert_eq!(ids(&search(&server, &server.operator, tagged).await), [percent.as_str()]);
        let cut = json!({"query": "quoted scope", "tiers": ["team"], "max_chars": 60});
        assert_eq!(ids(&search(&server, &server.operator, cut).await).len(), 1);
    })
    .await;
}

fn of_id(stored: &Value) -> String {
    text(&stored["id"])
}
