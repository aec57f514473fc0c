//! Processes that share a database, and how they are asked: any of them, again and again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use e2e::binary::{Answer, Binary, Process};
use e2e::postgres;
use e2e::random::Random;
use reqwest::{Client, Method};
use rustix::process::Signal;
use serde_json::Value;

/// How long one host may take to answer before another is asked.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(4);
/// How long hosts are asked in turn until one of them answers.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);
/// Pause before the next host is asked.
const PAUSE: Duration = Duration::from_millis(40);

/// One process, or the place where it was.
struct Host {
    sluice: Binary,
    process: Mutex<Option<Process>>,
    base: String,
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Cluster {
    hosts: Arc<Vec<Host>>,
    http: Client,
    random: Arc<Mutex<Random>>,
    asked: Arc<AtomicU64>,
    /// The first host's operator.
    pub(crate) operator: String,
    /// The first host's agent.
    pub(crate) agent: String,
}

/// A request that any host may answer.
#[derive(Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: &'a str,
    /// Null for none.
    pub(crate) body: Value,
    /// An `Idempotency-Key`.
    pub(crate) key: Option<String>,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(path: impl Into<String>, token: &'a str) -> Self {
        Self { method: Method::GET, path: path.into(), token, body: Value::Null, key: None }
    }

    pub(crate) fn post(path: impl Into<String>, token: &'a str, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), token, body, key: None }
    }

    pub(crate) fn named(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

/// What a host answered.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Told {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

fn start(sluice: &Binary, listen: &str) -> Process {
    let mut process = sluice.start(&["serve", "--listen", listen]);
    process.wait_for("listening on http://");
    process
}

fn read(sluice: &Binary, name: &str) -> String {
    std::fs::read_to_string(sluice.data().join(name)).expect("a file of the server").trim().to_owned()
}

impl Cluster {
    /// `count` hosts on a new database; `None` where there is no PostgreSQL.
    pub(crate) async fn start(count: usize, seed: u64) -> Option<Self> {
        let url = postgres::shared()?.create_database().await;
        Some(Self::on(Some(url), count, seed).await)
    }

    /// One host, on SQLite.
    pub(crate) async fn alone(seed: u64) -> Self {
        Self::on(None, 1, seed).await
    }

    async fn on(url: Option<String>, count: usize, seed: u64) -> Self {
        let hosts: Vec<Host> = tokio::task::spawn_blocking(move || {
            let one = |_| {
                let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
                let sluice = Binary::new(env!("CARGO_BIN_EXE_sluice"), cache);
                let sluice = if let Some(url) = &url { sluice.on_database(url.clone()) } else { sluice };
                let process = Mutex::new(Some(start(&sluice, "127.0.0.1:0")));
                let record: Value = serde_json::from_str(&read(&sluice, "server.json")).expect("the record is JSON");
                Host { base: record["url"].as_str().expect("an address").to_owned(), process, sluice }
            };
            (0..count).map(one).collect()
        })
        .await
        .expect("the hosts start");
        sluice::client::ready_tls();
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        let (operator, agent) = (read(&hosts[0].sluice, "operator.token"), read(&hosts[0].sluice, "agent.token"));
        let random = Arc::new(Mutex::new(Random::new(seed)));
        Self { hosts: Arc::new(hosts), http, random, asked: Arc::default(), operator, agent }
    }

    pub(crate) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Any number below `end`.
    pub(crate) fn below(&self, end: usize) -> usize {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).below(end)
    }

    /// A request to one host, to be sent.
    pub(crate) fn request(&self, host: usize, ask: &Ask<'_>) -> reqwest::RequestBuilder {
        let url = format!("{}{}", self.hosts[host].base, ask.path);
        let mut request = self.http.request(ask.method.clone(), url).bearer_auth(ask.token);
        if !ask.body.is_null() {
            request = request.json(&ask.body);
        }
        match &ask.key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        }
    }

    /// Asks one host once; `None` when it has not answered in `wait`.
    pub(crate) async fn ask_one(&self, host: usize, ask: &Ask<'_>, wait: Duration) -> Option<Told> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let response = self.request(host, ask).timeout(wait).send().await.ok()?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.ok()?;
        Some(Told { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    /// Asks this one host, which is well.
    pub(crate) async fn at(&self, host: usize, ask: Ask<'_>) -> Told {
        self.ask_one(host, &ask, PATIENCE).await.expect("a host that is well answers")
    }

    /// Asks one host after the other until one gives an answer that is not to be asked for again.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Told {
        let mut last = None;
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            match self.ask_one(self.below(self.len()), &ask, ANSWER_WAIT).await {
                Some(told) if told.body["retryable"] != true => return told,
                other => last = other.or(last),
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{} {}: nobody answers; last: {last:?}", ask.method, ask.path);
    }

    /// Asks until the answer is as it should be.
    pub(crate) async fn until(&self, path: &str, there: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..PATIENCE.as_millis() / 100 {
            last = self.ask(Ask::get(path, &self.operator)).await.body;
            if there(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path} stays {last:#}");
    }

    /// Makes a mission and starts it; its id.
    pub(crate) async fn mission(&self, body: Value, key: &str) -> String {
        let made = self.ask(Ask::post("/mission", &self.operator, body).named(key)).await;
        assert_eq!(made.status, 201, "{:#}", made.body);
        made.body["mission"]["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) fn signal(&self, host: usize, signal: Signal) {
        let process = self.hosts[host].process.lock().unwrap_or_else(PoisonError::into_inner);
        process.as_ref().expect("it runs").signal(signal);
    }

    /// Kills a host as a power cut does, and starts it again where it was.
    pub(crate) async fn kill_and_start(&self, host: usize) {
        self.kill_and_start_after(host, Duration::ZERO).await;
    }

    /// Kills a host as a power cut does, and starts it again where it was after it was `down` for a while.
    pub(crate) async fn kill_and_start_after(&self, host: usize, down: Duration) {
        let cluster = self.clone();
        let again = move || {
            let Host { sluice, process, base } = &cluster.hosts[host];
            let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
            process.take().expect("it runs").kill();
            std::thread::sleep(down);
            *process = Some(start(sluice, base.trim_start_matches("http://")));
        };
        tokio::task::spawn_blocking(again).await.expect("it starts again");
    }

    /// Drains all hosts, and has the audit's chain looked at; how many requests they were sent.
    pub(crate) async fn stop(self) -> u64 {
        let asked = self.asked.load(Ordering::Relaxed);
        let stopped = move || {
            let take = |host: &Host| host.process.lock().unwrap_or_else(PoisonError::into_inner).take();
            let processes: Vec<Process> = self.hosts.iter().filter_map(take).collect();
            for process in &processes {
                process.signal(Signal::TERM);
            }
            let answers: Vec<Answer> = processes.into_iter().map(Process::wait).collect();
            (answers, self.hosts[0].sluice.json(&["verify"]))
        };
        let (answers, (code, verified)) = tokio::task::spawn_blocking(stopped).await.expect("they end");
        for answer in answers {
            assert_eq!(answer.code, Some(0), "{answer:#?}");
            assert!(!answer.stderr.contains("panicked"), "{answer:#?}");
        }
        assert_eq!((code, &verified["broken"]), (Some(0), &Value::Null), "{verified}");
        assert!(verified["intact"].as_u64().is_some_and(|intact| intact > 0), "{verified}");
        asked
    }
}
