//! A model's endpoint that makes vectors: what it is sent, what its vectors find, and that nothing but those is
//! missing when it is slow, away, wrong or too much.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use e2e::databases::TestDatabase;
use e2e::server::{ServerOptions, TestServer};
use serde_json::{Value, json};
use sluice::clock::SystemClock;
use sluice::embeddings::{ApiKey, EmbeddingOptions, Endpoint};
use sluice::engine::ports::SharedEmbedder;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::memory::{ids, ok, put, search, text};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
const KEY: &str = "sk-the-endpoints-own-key";
const SECRET: &str = "ghp_Wq8vN3mRz5LtKp2Babcdefghij0123456789";
/// How long the host waits for the endpoint.
const TIMEOUT: Duration = Duration::from_millis(400);

/// How the endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Late,
    /// With a status, and when to come again.
    Status(u16, Option<&'static str>),
    TooFewNumbers,
    Endlessly,
    Nonsense,
    /// Answers a head and then nothing.
    Halfway,
}

/// What the endpoint was asked: the key and the text.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

struct Model {
    url: String,
    asked: Asked,
    mood: Arc<Mutex<Mood>>,
}

impl Model {
    async fn start(mood: Mood) -> Self {
        let (asked, mood) = (Asked::default(), Arc::new(Mutex::new(mood)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
        let state = (Arc::clone(&asked), Arc::clone(&mood));
        let answer = async move |headers: HeaderMap, body: Bytes| {
            let body: Value = serde_json::from_slice(&body).expect("it is sent JSON");
            assert_eq!(body["model"], "small");
            let given = body["input"].as_str().expect("one text").to_owned();
            let key = headers["authorization"].to_str().expect("a key is text").to_owned();
            state.0.lock().expect("nobody panicked").push((key, given.clone()));
            let mood = *state.1.lock().expect("nobody panicked");
            answer(mood, &given).await
        };
        let router = Router::new().route("/v1/embeddings", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, mood }
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().expect("nobody panicked").clone()
    }

    /// What a server is given to ask it.
    fn embedder(&self, model: &str) -> SharedEmbedder {
        embedder(&self.url, model)
    }
}

fn embedder(url: &str, model: &str) -> SharedEmbedder {
    let path = std::env::temp_dir().join(format!("sluice-embedding-key-of-{}", std::process::id()));
    std::fs::write(&path, format!("{KEY}\n")).expect("a file can be written");
    let options = EmbeddingOptions {
        url: url.to_owned(),
        model: model.to_owned(),
        key: Some(ApiKey::read(&path).expect("it holds a key")),
        dimensions: Some(3),
        timeout: TIMEOUT,
    };
    SharedEmbedder(Arc::new(Endpoint::new(options, Arc::new(SystemClock::new())).expect("an address")))
}

async fn answer(mood: Mood, given: &str) -> Response {
    let numbers = json!({"object": "list", "data": [{"index": 0, "embedding": direction(given)}]});
    match mood {
        Mood::Well => axum::Json(numbers).into_response(),
        Mood::Late => {
            tokio::time::sleep(TIMEOUT * 20).await;
            axum::Json(numbers).into_response()
        }
        Mood::Status(status, again) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let text = "no, and this is why: sk-the-endpoints-own-key";
            match again {
                Some(seconds) => (status, [("retry-after", seconds)], text).into_response(),
                None => (status, text).into_response(),
            }
        }
        Mood::TooFewNumbers => axum::Json(json!({"data": [{"embedding": [1.0, 0.0]}]})).into_response(),
        Mood::Endlessly => {
            let chunk = || futures_util::future::ready(Some((Ok::<_, std::io::Error>("[1.0, ".repeat(10_000)), ())));
            axum::body::Body::from_stream(futures_util::stream::unfold((), move |()| chunk())).into_response()
        }
        Mood::Nonsense => axum::Json(json!({"data": [{"embedding": "AAAAAA=="}]})).into_response(),
        Mood::Halfway => {
            let begin = futures_util::stream::once(async { Ok::<_, std::io::Error>("{\"data\": [") });
            let never = futures_util::stream::pending();
            axum::body::Body::from_stream(futures_util::StreamExt::chain(begin, never)).into_response()
        }
    }
}

/// What a text is about, as a small model sees it.
fn direction(text: &str) -> [f32; 3] {
    let has = |words: [&str; 3]| f32::from(u8::from(words.iter().any(|word| text.to_lowercase().contains(word))));
    [has(["car", "automobile", "vehicle"]), has(["boat", "ship", "vessel"]), 0.1]
}

async fn server(database: &TestDatabase, embedder: SharedEmbedder) -> TestServer {
    let mut options = ServerOptions::default();
    options.engine.memory.embedder = Some(embedder);
    TestServer::start(database, CACHE, options).await
}

async fn remember(server: &TestServer, text: &str) -> Value {
    put(server, &server.operator, json!({"text": text, "tier": "project"})).await
}

async fn find(server: &TestServer, query: &str) -> Value {
    search(server, &server.operator, json!({"query": query, "tiers": ["project"]})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_find_what_no_word_does_and_only_clean_text_leaves_the_host() {
    for database in TestDatabase::each().await {
        let model = Model::start(Mood::Well).await;
        let first = server(&database, model.embedder("small")).await;
        let tyres = remember(&first, &format!("An automobile needs tyres. Token {SECRET} works.")).await;
        assert_eq!((&tyres["embedding"], &tyres["scrub"]["status"]), (&json!("made"), &json!("redacted")), "{tyres:#}");
        let hull = remember(&first, "Any vessel needs a hull.").await;
        let found = find(&first, &format!("car {SECRET}")).await;
        assert_eq!(found["embedding"], "made", "{found:#}");
        assert_eq!(ids(&found)[0], text(&tyres["id"]), "{found:#}");
        assert_eq!(ids(&find(&first, "ship").await)[0], text(&hull["id"]));
        let asked = model.asked();
        assert_eq!(asked.len(), 4, "{asked:#?}");
        for (key, given) in &asked {
            assert_eq!(*key, format!("Bearer {KEY}"));
            assert!(!given.contains("Wq8vN3mRz5LtKp2B"), "{given}");
        }
        // What callers bring goes first, and nobody is asked for it.
        let body = json!({"text": "Sails are sewn.", "tier": "project", "embedding": [0.0, 0.0, 1.0, 0.0]});
        let given = put(&first, &first.operator, body).await;
        assert_eq!(given["embedding"], "given", "{given:#}");
        let ask = json!({"query": "zzz", "tiers": ["project"], "embedding": [0.0, 0.0, 1.0, 0.0]});
        let found = search(&first, &first.operator, ask).await;
        assert_eq!((&found["embedding"], ids(&found)), (&json!("given"), vec![given["id"].as_str().expect("an id")]));
        // The same words again join a record that has its vector.
        let again = remember(&first, "any VESSEL needs a hull").await;
        assert_eq!((&again["deduped"], &again["id"]), (&json!(true), &hull["id"]), "{again:#}");
        assert!(again.get("embedding").is_none(), "{again:#}");
        assert_eq!(model.asked().len(), 4);
        // What is promoted is found by its vector in its new tier.
        let promoted = ok(first.post("/memory/promote", json!({"id": tyres["id"], "to_tier": "team"})).await);
        let found = search(&first, &first.operator, json!({"query": "car", "tiers": ["team"]})).await;
        assert_eq!(ids(&found), [text(&promoted["new_memory_id"])], "{found:#}");
        first.stop().await;
        // Another model's vectors are not compared with these, though they have as many numbers.
        let second = server(&database, embedder(&model.url, "small")).await;
        assert_eq!(ids(&find(&second, "ship").await)[0], text(&hull["id"]), "the same model goes on");
        second.stop().await;
        let other = Other::start().await;
        let third = server(&database, embedder(&other, "other")).await;
        let found = find(&third, "ship").await;
        assert_eq!((&found["embedding"], &found["count"]), (&json!("made"), &json!(0)), "{found:#}");
        third.stop().await;
    }
}

/// An endpoint that says the same of every text.
struct Other;

impl Other {
    async fn start() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let answer = async || axum::Json(json!({"data": [{"embedding": [0.0, 1.0, 0.1]}]}));
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/embeddings", post(answer))).await });
        url
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_endpoint_does_memory_goes_on_by_words() {
    let moods = [
        Mood::Late,
        Mood::Status(429, Some("30")),
        Mood::Status(500, None),
        Mood::Status(307, None),
        Mood::TooFewNumbers,
        Mood::Endlessly,
        Mood::Nonsense,
        Mood::Halfway,
    ];
    for (database, moods) in TestDatabase::each().await.into_iter().zip([&moods[..], &moods[..2]]) {
        for mood in moods {
            let model = Model::start(*mood).await;
            goes_on(&database, model.embedder("small"), &format!("{mood:?}")).await;
            let asked = model.asked().len();
            let wanted = if *mood == Mood::Status(429, Some("30")) { 1 } else { 3 };
            assert_eq!(asked, wanted, "{mood:?}: who fails is left alone");
        }
        let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = nobody.local_addr().expect("it is bound");
        drop(nobody);
        goes_on(&database, embedder(&format!("http://{address}/v1"), "small"), "nobody there").await;
    }
}

async fn goes_on(database: &TestDatabase, embedder: SharedEmbedder, what: &str) {
    let server = server(database, embedder).await;
    // One word, whatever stands in it.
    let name = what.replace(|c: char| !c.is_ascii_alphanumeric(), "").to_lowercase();
    let begun = Instant::now();
    for number in 0..3 {
        let said = format!("{name}{number} was written down for later use by automobile {number}");
        let stored = remember(&server, &said).await;
        assert_eq!((&stored["stored"], &stored["embedding"]), (&json!(true), &json!("failed")), "{what}: {stored:#}");
        let found = find(&server, &format!("{name}{number}")).await;
        assert_eq!(
            (&found["embedding"], ids(&found)),
            (&json!("failed"), vec![text(&stored["id"]).as_str()]),
            "{what}"
        );
    }
    assert!(begun.elapsed() < TIMEOUT * 3 + Duration::from_secs(10), "{what}: {:?}", begun.elapsed());
    let metrics = server.request(reqwest::Method::GET, "/metrics", &server.operator).send().await.expect("it answers");
    let metrics = metrics.text().await.expect("text");
    assert!(metrics.contains("sluice_memory_embeddings_total{outcome=\"failed\"} 6"), "{what}: {metrics}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_recovers_is_asked_again() {
    let database = TestDatabase::sqlite();
    let model = Model::start(Mood::Status(503, Some("1"))).await;
    let server = server(&database, model.embedder("small")).await;
    assert_eq!(find(&server, "car").await["embedding"], "failed");
    *model.mood.lock().expect("nobody panicked") = Mood::Well;
    assert_eq!(find(&server, "car").await["embedding"], "failed", "it asked for a second");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(find(&server, "car").await["embedding"], "made");
    server.stop().await;
}
