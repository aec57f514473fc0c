//! A server that is killed again and again while sessions run: afterwards each session stands as the
//! log says, and each revision of its status was written and told once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use e2e::binary::{Binary, Process};
use e2e::postgres;
use e2e::sessions::{check_statuses, status_of};
use reqwest::{Client, Method};
use rustix::process::Signal;
use serde_json::{Value, json};
use sluice::store::{Location, Store};

/// Times the server is killed.
const KILLS: u64 = 8;
/// Fewest things told between two kills.
const BETWEEN_KILLS: u64 = 12;
/// Workers of the host's own runs.
const WORKERS: u64 = 2;
/// Engines with sessions of their own.
const ENGINES: u64 = 3;
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
    told: Arc<AtomicU64>,
}

impl Api {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Asks until there is an answer that is no failure of the server's.
    async fn ask(&self, method: Method, path: &str, token: &str, key: &str, body: &Value) -> (u16, Value) {
        loop {
            let request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(token);
            let request = if key.is_empty() { request } else { request.header("idempotency-key", key) };
            let request = if body.is_null() { request } else { request.json(body) };
            if let Ok(response) = request.timeout(Duration::from_secs(10)).send().await {
                let status = response.status().as_u16();
                let answer = response.json::<Value>().await;
                if status < 500 && (status == 204 || answer.is_ok()) {
                    return (status, answer.unwrap_or_default());
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn post(&self, path: &str, key: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, &self.token, key, &body).await
    }

    /// Tells of a session until told to end, each event under an id of its own; how many runs ended.
    async fn be_engine(self, number: u64) -> u64 {
        let path = format!("/sessions/engine-{number}/events");
        let mut runs = 0;
        while !self.has_ended() {
            let run = format!("r{runs}");
            let call = |state: &str| json!({"part": {"type": "tool", "id": "1", "tool": "grep", "state": state}});
            let story = [
                ("session.run.queued", json!({})),
                ("session.run.started", json!({})),
                ("message.part.updated", call("running")),
                ("message.part.updated", call("completed")),
                ("session.run.finished", json!({"status": "succeeded"})),
            ];
            for (step, (kind, mut properties)) in story.into_iter().enumerate() {
                properties["runID"] = json!(run);
                let event = json!({"type": kind, "event_id": format!("{run}-{step}"), "properties": properties});
                let (status, answer) = self.post(&path, "", event).await;
                assert_eq!(status, 200, "{answer:#}");
                self.told.fetch_add(1, Ordering::Relaxed);
            }
            runs += 1;
        }
        runs
    }

    /// Works on missions of its own until told to end; the runs that it finished.
    async fn work(self, number: u64) -> Vec<String> {
        let mut finished = Vec::new();
        for step in 0.. {
            if self.has_ended() {
                break;
            }
            let made = json!({"title": "t", "work_items": [{"id": "a", "title": "A"}], "start": true});
            let (status, mission) = self.post("/mission", &format!("{number}-{step}"), made).await;
            assert_eq!(status, 201, "{mission:#}");
            let mut claim =
                json!({"worker": "w", "mission_id": mission["mission"]["id"], "wait_ms": 5_000, "lease_ms": 60_000});
            if step % 2 == 0 {
                claim["session_id"] = json!(format!("worker-{number}"));
            }
            let (status, claimed) = self.post("/runs/claim", "", claim).await;
            // A claim whose answer was lost holds its run until the lease ends; there are others.
            if status == 200 {
                let run = &claimed["run"];
                finished.extend(
                    self.carry_out(run["id"].as_str().expect("an id"), run["token"].as_str().expect("a token")).await,
                );
            }
        }
        finished
    }

    async fn carry_out(&self, run: &str, token: &str) -> Option<String> {
        let tell = async |events: Value| {
            let path = format!("/runs/{run}/events");
            self.ask(Method::POST, &path, token, "", &json!({ "events": events })).await.0
        };
        let call = |state: &str| json!([{"type": "message.part.updated", "part": {"type": "tool", "id": "1", "tool": "ls", "state": state}}]);
        for events in [json!([{"type": "session.run.started"}]), call("running"), call("completed")] {
            if tell(events).await != 200 {
                return None;
            }
            self.told.fetch_add(1, Ordering::Relaxed);
        }
        let path = format!("/runs/{run}/finish");
        let (status, _) = self.ask(Method::POST, &path, token, "", &json!({"status": "succeeded"})).await;
        (status == 200).then(|| run.to_owned())
    }
}

async fn survive(sluice: Binary, url: Option<String>) {
    let mut server = serve(&sluice, "127.0.0.1:0");
    let record = std::fs::read(sluice.data().join("server.json")).expect("the server wrote where it listens");
    let record: Value = serde_json::from_slice(&record).expect("the record is JSON");
    let base = record["url"].as_str().expect("it has an address").to_owned();
    let listen = base.trim_start_matches("http://").to_owned();
    sluice::client::ready_tls();
    let http = Client::builder().no_proxy().build().expect("a client can be made");
    let api = Api { base, token: token(&sluice.data()), http, ended: Arc::default(), told: Arc::default() };
    let engines: Vec<_> = (0..ENGINES).map(|number| tokio::spawn(api.clone().be_engine(number))).collect();
    let workers: Vec<_> = (0..WORKERS).map(|number| tokio::spawn(api.clone().work(number))).collect();
    for kill in 1..=KILLS {
        while api.told.load(Ordering::Relaxed) < kill * BETWEEN_KILLS {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        server.signal(Signal::KILL);
        server.wait();
        server = serve(&sluice, &listen);
    }
    api.ended.store(true, Ordering::Relaxed);
    let mut runs = 0;
    for engine in engines {
        runs += engine.await.expect("engines end");
    }
    let mut finished = Vec::new();
    for worker in workers {
        finished.extend(worker.await.expect("workers end"));
    }
    assert!(runs > 0 && !finished.is_empty(), "{runs} and {finished:?}");
    // The status of what is told last shows that all before it are right.
    let last = json!({"type": "session.run.started", "properties": {}});
    assert_eq!(api.post("/sessions/last/events", "", last).await.0, 200);
    while api.ask(Method::GET, "/resource/run/last/status", &api.token, "", &Value::Null).await.0 != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code, Some(0));

    let location = match url {
        Some(url) => Location::Postgres { url },
        None => Location::Sqlite { directory: sluice.data() },
    };
    let store = Store::open(&location).await.expect("it opens");
    let checked = check_statuses(&store).await;
    assert!(checked.sessions >= finished.len() + usize::try_from(ENGINES).expect("a few"), "{checked:?}");
    for run in finished {
        let status = status_of(&store, &run).await;
        assert_eq!((&status["state"], &status["result"]), (&json!("finished"), &json!("succeeded")), "{status:#}");
    }
    for engine in 0..ENGINES {
        let status = status_of(&store, &format!("engine-{engine}")).await;
        assert_eq!((&status["state"], &status["tool_active"]), (&json!("finished"), &json!(false)), "{status:#}");
    }
    store.close().await;
}

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_session_stands_as_the_log_says_across_kills() {
    tokio::time::timeout(PATIENCE, survive(binary(), None)).await.expect("it takes a few seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_on_postgres() {
    let Some(postgres) = postgres::shared() else { return };
    let url = postgres.create_database().await;
    tokio::time::timeout(PATIENCE, survive(binary().on_database(url.clone()), Some(url)))
        .await
        .expect("it takes a few seconds");
}
