//! A server that is killed again and again: whoever follows the log misses nothing and sees nothing
//! twice, and whoever names a write has it done once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use e2e::binary::{Binary, Process};
use e2e::postgres;
use e2e::server::Frames;
use reqwest::Client;
use rustix::process::Signal;
use serde_json::{Value, json};

/// Times the server is killed.
const KILLS: u64 = 5;
/// Clients that make missions meanwhile.
const WRITERS: u64 = 3;
/// Fewest missions made between two kills.
const BETWEEN_KILLS: u64 = 4;
/// Longest the whole may take.
const PATIENCE: Duration = Duration::from_mins(4);

fn serve(sluice: &Binary, listen: &str) -> Process {
    let mut server = sluice.start(&["serve", "--listen", listen]);
    server.wait_for("listening on http://");
    server
}

fn token(data: &Path) -> String {
    std::fs::read_to_string(data.join("operator.token")).expect("the server keeps a token").trim().to_owned()
}

#[derive(Clone)]
struct Api {
    base: String,
    token: String,
    http: Client,
    ended: Arc<AtomicBool>,
    made: Arc<AtomicU64>,
}

impl Api {
    /// Makes missions until told to end; each is sent until it is answered, under a name of its own.
    async fn write(self, writer: u64) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 0.. {
            if self.ended.load(Ordering::Relaxed) {
                break;
            }
            let title = format!("{writer}-{number}");
            ids.push(self.make(&title).await);
            self.made.fetch_add(1, Ordering::Relaxed);
        }
        ids
    }

    async fn make(&self, title: &str) -> String {
        loop {
            let request = self.http.post(format!("{}/mission", self.base)).bearer_auth(&self.token);
            let request = request.header("idempotency-key", title).json(&json!({"title": title}));
            let answer = request.timeout(Duration::from_secs(10)).send().await;
            if let Ok(response) = answer
                && response.status() == 201
                && let Ok(body) = response.json::<Value>().await
            {
                return body["mission"]["id"].as_str().expect("a mission has an id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Follows the log from its beginning, through every end of its stream, up to `last_title`.
    async fn follow(self, last_title: String) -> Vec<Value> {
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let request = self.http.get(format!("{}/event?since_seq=0", self.base)).bearer_auth(&self.token);
            let request = match seen.last() {
                Some(event) => request.header("last-event-id", event["seq"].to_string()),
                None => request,
            };
            let Some(mut frames) = Frames::try_open(request).await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            while let Some(frame) = frames.next().await {
                if frame.id.is_some() {
                    seen.push(frame.data);
                    if self.is_last(seen.last(), &last_title).await {
                        return seen;
                    }
                }
            }
        }
    }

    async fn is_last(&self, event: Option<&Value>, last_title: &str) -> bool {
        let Some(event) = event.filter(|event| event["type"] == "mission.created") else { return false };
        let id = event["mission_id"].as_str().expect("a mission's event names it");
        let request = self.http.get(format!("{}/mission/{id}", self.base)).bearer_auth(&self.token);
        match request.send().await {
            Ok(response) => response.json::<Value>().await.is_ok_and(|body| body["mission"]["title"] == last_title),
            Err(_) => false,
        }
    }
}

async fn survive(sluice: Binary) {
    let mut server = serve(&sluice, "127.0.0.1:0");
    let record = std::fs::read(sluice.data().join("server.json")).expect("the server wrote where it listens");
    let record: Value = serde_json::from_slice(&record).expect("the record is JSON");
    let base = record["url"].as_str().expect("it has an address").to_owned();
    let listen = base.trim_start_matches("http://").to_owned();
    sluice::client::ready_tls();
    let http = Client::builder().no_proxy().build().expect("a client can be made");
    let api = Api { base, token: token(&sluice.data()), http, ended: Arc::default(), made: Arc::default() };
    let follower = tokio::spawn(api.clone().follow("the last".to_owned()));
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(api.clone().write(writer))).collect();
    for kill in 1..=KILLS {
        while api.made.load(Ordering::Relaxed) < kill * BETWEEN_KILLS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.signal(Signal::KILL);
        server.wait();
        server = serve(&sluice, &listen);
    }
    api.ended.store(true, Ordering::Relaxed);
    let mut ids = BTreeSet::new();
    for writer in writers {
        ids.extend(writer.await.expect("writers end"));
    }
    ids.insert(api.make("the last").await);
    let seen = tokio::time::timeout(PATIENCE, follower).await.expect("the last mission comes").expect("it follows");
    let seqs: Vec<u64> = seen.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "a gap, or one twice");
    let created = seen.iter().filter(|event| event["type"] == "mission.created");
    let created: Vec<_> = created.filter_map(|event| event["mission_id"].as_str()).collect();
    assert_eq!(created.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(), ids);
    assert_eq!(created.len(), ids.len(), "a named write was done twice");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code, Some(0));
    assert!(!sluice.data().join("server.json").exists(), "the record goes with its server");
    let (code, verified) = sluice.json(&["verify"]);
    assert_eq!((code, &verified["broken"]), (Some(0), &Value::Null), "{verified}");
}

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_missed_seen_twice_or_done_twice_across_kills() {
    tokio::time::timeout(PATIENCE, survive(binary())).await.expect("it takes a few seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_on_postgres() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.create_database().await;
    tokio::time::timeout(PATIENCE, survive(binary().on_database(url))).await.expect("it takes a few seconds");
}
