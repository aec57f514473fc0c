//! Secrets reach nothing that lasts: put through every way in, then looked for byte by byte in the data
//! directory, the log, the events and the audit. And scrubbers that fail.

use std::path::Path;

use e2e::databases::TestDatabase;
use e2e::guest::{World, component, encode, manifest, with_manifest};
use e2e::postgres;
use e2e::server::{ServerOptions, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::principal::Role;
use sluice::store::Location;

use super::memory::{ids, ok, put, search, text};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// What a leak is known by: the part of each canary that must be nowhere.
const CANARIES: [&str; 8] = [
    "Qx7vK2mPz9LwRt4B",
    "hG5nD8sYc3JqWe6Z",
    "uT1oF9xMb7VaLk2C",
    "pR4iN6jXd8SgHy3Q",
    "zB9wE5tUf2OcMv7K",
    "kL3yA8rGh6PbXn1D",
    "mJ7qS4eWi9ZdTo5R",
    "vC2fU6kNp1YxHs8E",
];

/// A secret that nobody could take for anything else.
fn secret(index: usize) -> String {
    format!("ghp_{}abcdefghij0123456789", CANARIES[index])
}

/// Every file below `directory` that holds one of `words`.
fn holding(directory: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holding(&path, words));
            continue;
        }
        // A database takes files away while it works; sockets are none.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        // What is looked for is ASCII, and stays where it is whatever stands around it.
        let text = String::from_utf8_lossy(&bytes);
        found.extend(
            words.iter().filter(|word| text.contains(**word)).map(|word| format!("{word} in {}", path.display())),
        );
    }
    found
}

fn leaks(directory: &Path) -> Vec<String> {
    holding(directory, &CANARIES)
}

#[tokio::test(flavor = "multi_thread")]
async fn canary_secrets_reach_no_file_event_or_audit_entry() {
    for database in TestDatabase::each().await {
        let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
        let token = server.operator.clone();
        let held = format!("the deploy token is {} and works", secret(0));
        let named = |method: Method, path: &str, key: &str, body: &Value| {
            let request = server.request(method, path, &token).header("idempotency-key", key.to_owned()).json(body);
            reply(request)
        };
        // The text, also under a name, twice.
        let body = json!({"text": held, "tier": "project"});
        let stored = ok(named(Method::POST, "/memory/put", "k1", &body).await);
        assert_eq!(stored["scrub"]["status"], "redacted", "{stored:#}");
        assert_eq!(ok(named(Method::POST, "/memory/put", "k1", &body).await), stored);
        let other = json!({"text": format!("another {}", secret(0)), "tier": "project"});
        assert_eq!(named(Method::POST, "/memory/put", "k1", &other).await.status, 422);
        // All that stands beside a text.
        let beside = put(
            &server,
            &token,
            json!({
                "text": "harmless words here", "tier": "project",
                "tags": [secret(1), "fine"], "source": format!("log line {}", secret(2)), "tool": secret(2),
                "metadata": {"auth": {"password": secret(3)}, "list": [secret(3)], secret(3): 1},
            }),
        )
        .await;
        assert_eq!(beside["scrub"]["status"], "redacted", "{beside:#}");
        let record = ok(server.get("/memory?tier=project&q=harmless").await)["items"][0].clone();
        assert!(record["tags"].as_array().expect("tags").contains(&json!("fine")), "{record:#}");
        assert!(!record.to_string().contains(CANARIES[3]), "{record:#}");
        for member in ["project_id", "session_id", "run_id"] {
            let mut body = json!({"text": "x", "tier": "session", "session_id": "s"});
            body[member] = json!(secret(4));
            let refused = server.post("/memory/put", body).await;
            assert_eq!((refused.status, refused.body["field"].as_str()), (422, Some(member)), "{:#}", refused.body);
        }
        // Searches, lists, trials, promotions, removals, notes.
        search(&server, &token, json!({"query": secret(5)})).await;
        ok(named(Method::POST, "/memory/search", "k2", &json!({"query": secret(5), "tags": [secret(5)]})).await);
        ok(server.get(&format!("/memory?q={}", secret(5))).await);
        let tried = ok(named(Method::POST, "/memory/scrub", "k3", &json!({"text": secret(6)})).await);
        assert_eq!((&tried["status"], &tried["findings"][0]["start"]), (&json!("redacted"), &json!(0)), "{tried:#}");
        assert!(!text(&tried["text"]).contains(CANARIES[6]), "{tried:#}");
        let promoted = json!({"id": stored["id"], "reason": format!("because {}", secret(7))});
        assert_eq!(ok(server.post("/memory/promote", promoted).await)["promoted"], true);
        let demoted = json!({"id": beside["id"], "reason": secret(7)});
        ok(server.post("/memory/demote", demoted).await);
        for id in [secret(7), format!("mem_{}", CANARIES[7])] {
            server.post("/memory/promote", json!({"id": id})).await;
            server.ask(Method::DELETE, &format!("/memory/{id}"), &token, Value::Null).await;
        }
        server.post("/memory/put", json!({"text": "x", "session_id": "s", "capability": secret(7)})).await;

        // Found again by its other words, without the secret.
        let found = search(&server, &token, json!({"query": "deploy token works", "tiers": ["project"]})).await;
        let shown = text(&found["results"][0]["text"]);
        assert!(shown.starts_with("the deploy token is [REDACTED:") || shown.contains("[redacted:"), "{shown}");
        assert!(shown.ends_with(" and works"), "{shown}");
        let audit = ok(server.get("/memory/audit?limit=500").await);
        let scrubbed = audit["entries"].as_array().expect("entries").iter().find(|e| e["id"] == stored["audit_id"]);
        let prints = &scrubbed.expect("the put is audited")["detail"]["scrub"]["fingerprints"];
        assert_eq!(prints[0]["fingerprint"].as_str().map(str::len), Some(16), "{prints:#}");
        let events = server.engine.store().log_of_all(0, 10_000).await.expect("the log can be read");
        let events: String = events.iter().map(|event| format!("{event:?}")).collect();
        for canary in CANARIES {
            assert!(!events.contains(canary), "{canary} is in the log of events");
            assert!(!audit.to_string().contains(canary), "{canary} is in the audit");
        }
        server.stop().await;
        let directory = match &database.location {
            Location::Sqlite { directory } => directory.as_path(),
            Location::Postgres { .. } => postgres::shared().expect("it runs").directory(),
        };
        assert_eq!(leaks(directory), Vec::<String>::new());
        // What was kept is found by the same search.
        assert!(!holding(directory, &["the deploy token is"]).is_empty(), "nothing was searched");
    }
}

/// A scrubber made of `body`.
fn scrubber(body: &str) -> Vec<u8> {
    let core = format!(
        "(module (memory (export \"memory\") 1)
           (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 1024)
           (func (export \"sluice:scrubber/text@0.1.0#scrub\") (param i32 i32 i32 i32) (result i32) {body}))"
    );
    with_manifest(&encode(World::Scrubber, "", &core), &manifest("scrubber"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrubber_that_fails_blocks_and_is_recorded() {
    let redact = |values: &[(&str, &str)]| {
        let given = [("pages", "8"), ("count", "1"), ("start", "0"), ("end", "6"), ("step", "1"), ("confidence", "1")];
        let all: Vec<(&str, &str)> = given
            .iter()
            .map(|(name, value)| values.iter().find(|(other, _)| other == name).copied().unwrap_or((name, value)))
            .collect();
        component(World::Scrubber, "redact", &all)
    };
    let hostile = [
        ("traps", scrubber("unreachable"), false),
        ("loops", scrubber("(loop $again (br $again)) i32.const 0"), false),
        ("points beyond the text", redact(&[("end", "4000")]), false),
        ("blocks, and says the text", component(World::Scrubber, "scrub_echo", &[]), false),
        ("points well", redact(&[]), true),
    ];
    let database = TestDatabase::sqlite();
    for (what, bytes, is_stored) in hostile {
        let options = ServerOptions { scrubber: Some(bytes), ..ServerOptions::default() };
        let server = TestServer::start(&database, CACHE, options).await;
        let given = format!("{} with more words", secret(0));
        let stored = put(&server, &server.operator, json!({"text": given, "tier": "project"})).await;
        assert_eq!(stored["stored"], is_stored, "{what}: {stored:#}");
        let status = if is_stored { "redacted" } else { "blocked" };
        assert_eq!(stored["scrub"]["status"], status, "{what}: {stored:#}");
        let tried = ok(server.post("/memory/scrub", json!({"text": given})).await);
        assert_eq!(tried["status"], status, "{what}: {tried:#}");
        if !is_stored {
            assert_eq!(tried["text"], "", "{what}");
            let audit = ok(server.get(&format!("/memory/audit?memory_id={}", text(&stored["id"]))).await);
            let entry = &audit["entries"][0];
            assert_eq!((&entry["status"], &entry["action"]), (&json!("blocked"), &json!("memory.put")), "{what}");
            assert!(!entry["detail"]["scrub"]["reason"].is_null(), "{what}: {entry:#}");
            assert_eq!(ids(&search(&server, &server.operator, json!({"query": "words"})).await).len(), 0, "{what}");
        }
        server.stop().await;
        if !is_stored && let Location::Sqlite { directory } = &database.location {
            assert_eq!(leaks(directory), Vec::<String>::new(), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_that_the_scrubber_blocks_stores_nothing() {
    let database = TestDatabase::sqlite();
    let server = TestServer::start(&database, CACHE, ServerOptions::default()).await;
    let source = put(&server, &server.operator, json!({"text": "plain words", "tier": "project"})).await;
    server.stop().await;
    let options = ServerOptions { scrubber: Some(scrubber("unreachable")), ..ServerOptions::default() };
    let server = TestServer::start(&database, CACHE, options).await;
    let blocked = ok(server.post("/memory/promote", json!({"id": source["id"]})).await);
    assert_eq!((&blocked["promoted"], &blocked["scrub_report"]["status"]), (&json!(false), &json!("blocked")));
    assert_eq!(ok(server.get("/memory?tier=team").await)["count"], 0);
    let events = server.engine.store().log_of_all(0, 10_000).await.expect("the log can be read");
    assert!(events.iter().any(|event| event.event.event_type == "memory.promotion_blocked"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_places_and_stores_nothing() {
    on_both_servers(CACHE, async |server| {
        let member = server.token("local", Role::Member, "user.me").await;
        let given = format!("Grüße von ann@firma-nord.de, {}", secret(0));
        let ask = json!({"text": given, "tier": "team"});
        let tried = ok(server.ask(Method::POST, "/memory/scrub", &member, ask).await);
        assert_eq!(tried["status"], "redacted", "{tried:#}");
        for finding in tried["findings"].as_array().expect("findings") {
            let at = |name: &str| usize::try_from(finding[name].as_u64().expect("a number")).expect("it fits");
            let cut = given.get(at("start")..at("end")).expect("on characters' boundaries");
            assert!(cut.contains('@') || cut.contains(CANARIES[0]), "{cut}: {finding:#}");
        }
        let clean = ok(server.post("/memory/scrub", json!({"text": "nothing of note"})).await);
        assert_eq!((&clean["status"], &clean["text"]), (&json!("passed"), &json!("nothing of note")));
        assert_eq!(ok(server.get("/memory").await)["count"], 0);
        assert_eq!(ok(server.get("/memory/audit").await)["count"], 0);
    })
    .await;
}
