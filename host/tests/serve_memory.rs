//! Governed memory in the real server: secrets that reach no log, file or copy of one; and promotions that a kill
//! finds done wholly or not at all.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use e2e::binary::{Binary, Process};
use e2e::postgres;
use e2e::server::Frames;
use reqwest::{Client, Method};
use rustix::process::Signal;
use serde_json::{Value, json};

/// What a leak is known by: the part of each secret that must be nowhere.
const CANARIES: [&str; 7] = [
    "Zk4wT8nRq2YvHc6M",
    "bX7jL3sGd9PfUe5A",
    "rN6oV1yKi4WtCz8Q",
    "eS9aF2mBh7JxDp3L",
    "gU5kP8vEw1OyRn6T",
    "iH3cM7zXq4LsGb9V",
    "dY8tJ2fAo6NwKe5R",
];
/// The key of an endpoint that nobody answers at.
const ENDPOINT_KEY: &str = "sk-Tn5hQ9cVx3RbWm7Z";
/// Times the server is killed in a promotion, at least, and at most until one was found done and one was not.
const KILLS: u64 = 8;
const KILLS_MAX: u64 = 16;
/// Longest a test may take: a busy machine compiles the components first.
const PATIENCE: Duration = Duration::from_mins(6);

fn secret(index: usize) -> String {
    format!("ghp_{}abcdefghij0123456789", CANARIES[index])
}

/// A server and whoever asks it.
struct Served {
    process: Process,
    base: String,
    token: String,
    http: Client,
}

impl Served {
    fn start(sluice: &Binary, more: &[&str]) -> Self {
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0"];
        arguments.extend(more);
        let mut process = sluice.start(&arguments);
        process.wait_for("listening on http://");
        let record = std::fs::read(sluice.data().join("server.json")).expect("the server wrote where it listens");
        let record: Value = serde_json::from_slice(&record).expect("the record is JSON");
        let base = record["url"].as_str().expect("it has an address").to_owned();
        let token = std::fs::read_to_string(sluice.data().join("operator.token")).expect("the server keeps a token");
        sluice::client::ready_tls();
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        Self { process, base, token: token.trim().to_owned(), http }
    }

    fn request(&self, method: Method, path: &str, token: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base)).timeout(Duration::from_mins(1));
        let request = request.bearer_auth(token);
        if body.is_null() { request } else { request.json(body) }
    }

    /// An answer, whatever its status.
    async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
        let response = self.request(method, path, token, &body).send().await.expect("the server answers");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    async fn ok(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, &self.token, body).await;
        assert!((200..300).contains(&status), "{path}: {status}: {answer:#}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.ok(Method::POST, path, body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.ok(Method::GET, path, Value::Null).await
    }

    /// Ends it as an operator does; what it wrote to its log.
    fn end(self) -> String {
        self.process.signal(Signal::TERM);
        let answer = self.process.wait();
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        format!("{}{}", answer.stdout, answer.stderr)
    }
}

/// Every file below `directory` that holds one of `words`.
fn holding(directory: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holding(&path, words));
        } else if let Ok(bytes) = std::fs::read(&path) {
            let text = String::from_utf8_lossy(&bytes);
            let held = words.iter().filter(|word| text.contains(**word));
            found.extend(held.map(|word| format!("{word} in {}", path.display())));
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a new directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, &target).expect("a file can be copied");
        }
    }
}

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

async fn put_secrets_everywhere(server: &Served) {
    let held = format!("the deploy token is {} and works", secret(0));
    let stored = server.post("/memory/put", json!({"text": held, "tier": "project"})).await;
    assert_eq!(
        (&stored["scrub"]["status"], &stored["embedding"]),
        (&json!("redacted"), &json!("failed")),
        "{stored:#}"
    );
    let beside = json!({
        "text": "harmless words", "tier": "project", "tags": [secret(1)], "source": secret(1), "tool": secret(1),
        "metadata": {"password": secret(2), secret(2): 1},
    });
    let beside = server.post("/memory/put", beside).await;
    server.post("/memory/search", json!({"query": format!("deploy {}", secret(3)), "tags": [secret(3)]})).await;
    server.get(&format!("/memory?q={}", secret(3))).await;
    server.post("/memory/scrub", json!({"text": secret(4)})).await;
    server.post("/memory/promote", json!({"id": stored["id"], "reason": secret(5)})).await;
    server.post("/memory/demote", json!({"id": beside["id"], "reason": secret(5)})).await;
    // What is refused is not repeated either.
    let operator = &server.token;
    for (method, path, body) in [
        (Method::POST, "/memory/put".to_owned(), json!({"text": secret(6), "session_id": secret(6)})),
        (Method::POST, "/memory/put".to_owned(), json!({"text": "x", "capability": secret(6)})),
        (Method::POST, "/memory/put".to_owned(), json!({"text": format!("\u{0}{}", secret(6))})),
        (Method::POST, "/memory/put".to_owned(), json!({secret(6): 1})),
        (Method::POST, "/memory/promote".to_owned(), json!({"id": secret(6)})),
    ] {
        let (status, answer) = server.ask(method, &path, operator, body).await;
        assert!((400..500).contains(&status), "{path}: {status}: {answer:#}");
    }
    let found = server.post("/memory/search", json!({"query": "deploy token works", "tiers": ["project"]})).await;
    assert_eq!(found["count"], 1, "{found:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_log_at_its_loudest_no_file_and_no_copy() {
    let sluice = binary();
    let key = sluice.file("endpoint.key", ENDPOINT_KEY);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("memory_embeddings_url=http://{}/v1", nobody.local_addr().expect("it is bound"));
    drop(nobody);
    let key = format!("memory_embeddings_api_key_file={}", key.display());
    let settings =
        ["--log-format", "json", "--set", "log=trace,sqlx=debug,hyper=debug,h2=debug", "--set", &url, "--set", &key];
    let server = Served::start(&sluice, &settings);
    put_secrets_everywhere(&server).await;
    // A copy while it works, and one of what it leaves.
    let (live, left) = (sluice.directory().join("live-copy"), sluice.directory().join("copy"));
    copy(&sluice.data(), &live);
    let log = server.end();
    copy(&sluice.data(), &left);
    for directory in [sluice.data(), live, left] {
        assert_eq!(holding(&directory, &CANARIES), Vec::<String>::new());
        assert_eq!(holding(&directory, &[ENDPOINT_KEY]), Vec::<String>::new());
        assert!(!holding(&directory, &["the deploy token is"]).is_empty(), "{} holds nothing", directory.display());
    }
    for word in CANARIES.iter().chain([&ENDPOINT_KEY]) {
        let leak = log.lines().find(|line| line.contains(word));
        // Who writes a secret into an address has it in the address; the text of a query is not logged.
        assert_eq!(leak, None, "{word} is in the log");
    }
    for said in ["/memory/put", "/memory/search", "no vector was made", "DEBUG"] {
        assert!(log.contains(said), "the log does not tell of `{said}`, so that nothing was looked for");
    }
}

/// What there is of a promotion.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    records: usize,
    is_used: bool,
    events: usize,
    receipts: usize,
}

async fn seen(server: &Served, source: &str, approval: &str) -> Seen {
    let list = server.get("/memory?tier=team&limit=500").await;
    let items = list["items"].as_array().expect("a list");
    let audit = server.get(&format!("/memory/audit?memory_id={source}&limit=500")).await;
    let entries = audit["entries"].as_array().expect("entries");
    let promoted = entries.iter().filter(|entry| entry["action"] == "memory.promote" && entry["status"] == "promoted");
    let shown = server.get(&format!("/approvals/{approval}")).await;
    let events = events_of(server, source).await;
    Seen {
        records: items.iter().filter(|item| item["origin"] == source).count(),
        is_used: !shown["approval"]["used_at_ms"].is_null(),
        events,
        receipts: promoted.count(),
    }
}

/// How often the log tells that a record was promoted.
async fn events_of(server: &Served, source: &str) -> usize {
    static MARKS: AtomicUsize = AtomicUsize::new(0);
    let mark = format!("mark{}", MARKS.fetch_add(1, Ordering::Relaxed));
    let mark = server.post("/memory/put", json!({"text": mark})).await;
    assert_eq!(mark["deduped"], false, "{mark:#}");
    let request = server.request(Method::GET, "/event?since_seq=0", &server.token, &Value::Null);
    let mut frames = Frames::open(request).await;
    let mut promoted = 0;
    loop {
        let event = frames.event().await.data;
        match event["type"].as_str() {
            Some("memory.promoted") if event["properties"]["memory_id"] == source => promoted += 1,
            Some("memory.write.succeeded") if event["properties"]["memory_id"] == mark["id"] => return promoted,
            _ => {}
        }
    }
}

/// Asks for a promotion that needs another person's yes, and has it; the record, the approval, what was asked.
async fn approved(server: &Served, number: u64, other: &str) -> (String, String, Value) {
    const WORDS: [&str; 6] = ["oak", "birch", "maple", "willow", "cedar", "alder"];
    let word = WORDS[usize::try_from(number).expect("a small number") % WORDS.len()];
    let body = json!({"text": format!("{word} {number} is what round {number} found"), "tier": "project"});
    let source = server.post("/memory/put", body).await["id"].as_str().expect("an id").to_owned();
    let ask = json!({"id": source, "to_tier": "team"});
    let asked = server.post("/memory/promote", ask.clone()).await;
    assert_eq!((&asked["promoted"], &asked["approval_status"]), (&json!(false), &json!("pending")), "{asked:#}");
    let approval = asked["approval_id"].as_str().expect("an id").to_owned();
    let path = format!("/approvals/{approval}/grant");
    let (status, granted) = server.ask(Method::POST, &path, other, json!({"reason": "looked at it"})).await;
    assert_eq!(status, 200, "{granted:#}");
    let mut review = ask;
    review["review"] = json!({"approval_id": approval});
    (source, approval, review)
}

async fn promote_under_kills(sluice: Binary) {
    const REVIEWED: [&str; 2] = ["--set", "memory_review=team,curated"];
    let whole = Seen { records: 1, is_used: true, events: 1, receipts: 1 };
    let nothing = Seen { records: 0, is_used: false, events: 0, receipts: 0 };
    let mut server = Served::start(&sluice, &REVIEWED);
    let other = json!({"name": "other", "role": "operator", "principal": "user.other"});
    let made = server.post("/tokens", other).await;
    let other = made["token"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned();
    // How long the server has: longer after it was too short, shorter after it was enough, so that kills come near to
    // the moment of the commit however fast the machine is.
    let mut given = Duration::ZERO;
    let (mut found_whole, mut found_nothing) = (0, 0);
    for kill in 0..KILLS_MAX {
        if kill >= KILLS && found_whole > 0 && found_nothing > 0 {
            break;
        }
        let (source, approval, review) = approved(&server, kill, &other).await;
        assert_eq!(seen(&server, &source, &approval).await, nothing, "before");
        // Several at once: whichever comes first, it is one promotion.
        let asking: Vec<_> = (0..3)
            .map(|_| tokio::spawn(server.request(Method::POST, "/memory/promote", &server.token, &review).send()))
            .collect();
        tokio::time::sleep(given).await;
        server.process.signal(Signal::KILL);
        let mut answered = 0;
        for asked in asking {
            let answer = asked.await.expect("it ends").ok().filter(|answer| answer.status() == 200);
            let answer: Option<Value> = match answer {
                Some(answer) => answer.json().await.ok(),
                None => None,
            };
            answered += usize::from(answer.is_some_and(|answer| answer["promoted"] == true));
        }
        server.process.kill();
        server = Served::start(&sluice, &REVIEWED);
        let after = seen(&server, &source, &approval).await;
        assert!(after == whole || after == nothing, "half a promotion: {after:?}");
        assert!(answered == 0 || after == whole, "it was answered and is lost: {after:?}");
        if after == whole {
            (found_whole, given) = (found_whole + 1, given / 2);
        } else {
            (found_nothing, given) = (found_nothing + 1, (given * 2).max(Duration::from_millis(8)));
        }
        // The same again has it done, once.
        for _ in 0..2 {
            let promoted = server.post("/memory/promote", review.clone()).await;
            assert_eq!(promoted["promoted"], true, "{promoted:#}");
            assert_eq!(seen(&server, &source, &approval).await, whole, "kill {kill}");
        }
    }
    assert!(found_whole > 0 && found_nothing > 0, "kills came before and after: {found_nothing} and {found_whole}");
    server.end();
    let (code, verified) = sluice.json(&["verify"]);
    assert_eq!((code, &verified["broken"]), (Some(0), &Value::Null), "{verified}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_in_a_promotion_leaves_all_of_it_or_nothing() {
    tokio::time::timeout(PATIENCE, promote_under_kills(binary())).await.expect("it takes a few seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_on_postgres() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.create_database().await;
    tokio::time::timeout(PATIENCE, promote_under_kills(binary().on_database(url))).await.expect("a few seconds");
}
