//! Hosts on one database, as processes, and one clock for whoever asks them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use e2e::binary::{Binary, Process};
use reqwest::{Client, Method};
use rustix::process::Signal;
use serde_json::Value;
use sluice::clock::{Clock as _, SystemClock};

/// How long a host may take to answer; longer than any is frozen.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

struct Host {
    sluice: Binary,
    process: Mutex<Option<Process>>,
    base: String,
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Hosts {
    hosts: Arc<Vec<Host>>,
    http: Client,
    token: String,
    clock: Arc<SystemClock>,
    /// What the wall clock says when the monotonic one says nothing, in microseconds.
    offset_us: u64,
}

/// What became of a request.
pub(crate) enum Told {
    /// It was answered: status and body.
    Answer(u16, Value),
    /// It may have been carried out, or not.
    Lost,
    /// It was never sent.
    Nothing,
}

fn start(sluice: &Binary, listen: &str) -> Process {
    let mut process = sluice.start(&["serve", "--listen", listen]);
    process.wait_for("listening on http://");
    process
}

fn read(sluice: &Binary, name: &str) -> String {
    std::fs::read_to_string(sluice.data().join(name)).expect("a file of the server").trim().to_owned()
}

impl Hosts {
    /// `count` hosts, on SQLite if no database is named.
    pub(crate) async fn start(count: usize, url: Option<String>) -> Self {
        let one = move |_| {
            let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
            let sluice = Binary::new(env!("CARGO_BIN_EXE_sluice"), cache);
            let sluice = if let Some(url) = &url { sluice.on_database(url.clone()) } else { sluice };
            let process = Mutex::new(Some(start(&sluice, "127.0.0.1:0")));
            let record: Value = serde_json::from_str(&read(&sluice, "server.json")).expect("the record is JSON");
            Host { base: record["url"].as_str().expect("an address").to_owned(), process, sluice }
        };
        let hosts = tokio::task::spawn_blocking(move || (0..count).map(one).collect::<Vec<_>>()).await;
        let hosts = hosts.expect("the hosts start");
        sluice::client::ready_tls();
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        let clock = Arc::new(SystemClock::new());
        let micros = u64::try_from(clock.monotonic().as_micros()).expect("a small number");
        let offset_us = clock.now().as_millis() * 1_000 - micros;
        let token = read(&hosts[0].sluice, "operator.token");
        Self { hosts: Arc::new(hosts), http, token, clock, offset_us }
    }

    pub(crate) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Microseconds since the Unix epoch; never goes back.
    pub(crate) fn now_us(&self) -> u64 {
        self.offset_us + u64::try_from(self.clock.monotonic().as_micros()).expect("a small number")
    }

    /// Asks one host once.
    pub(crate) async fn ask(&self, host: usize, method: Method, path: &str, body: Value) -> Told {
        let url = format!("{}{path}", self.hosts[host].base);
        let mut request = self.http.request(method, url).bearer_auth(&self.token).timeout(ANSWER_WAIT);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Told::Nothing,
            Err(error) => {
                assert!(!error.is_timeout(), "a host that is well answers: {error:?}");
                return Told::Lost;
            }
        };
        let status = response.status().as_u16();
        match response.bytes().await {
            Ok(bytes) => Told::Answer(status, serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(_) => Told::Lost,
        }
    }

    pub(crate) fn signal(&self, host: usize, signal: Signal) {
        let process = self.hosts[host].process.lock().unwrap_or_else(PoisonError::into_inner);
        process.as_ref().expect("it runs").signal(signal);
    }

    /// Kills a host as a power cut does, and starts it again where it was.
    pub(crate) async fn kill_and_start(&self, host: usize) {
        let hosts = Arc::clone(&self.hosts);
        let again = move || {
            let Host { sluice, process, base } = &hosts[host];
            let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
            process.take().expect("it runs").kill();
            *process = Some(start(sluice, base.trim_start_matches("http://")));
        };
        tokio::task::spawn_blocking(again).await.expect("it starts again");
    }

    /// Drains all hosts.
    pub(crate) async fn stop(&self) {
        let hosts = Arc::clone(&self.hosts);
        let stopped = move || {
            for host in hosts.iter() {
                let process = host.process.lock().unwrap_or_else(PoisonError::into_inner).take().expect("it runs");
                process.signal(Signal::TERM);
                let answer = process.wait();
                assert_eq!(answer.code, Some(0), "{answer:#?}");
                assert!(!answer.stderr.contains("panicked"), "{answer:#?}");
            }
        };
        tokio::task::spawn_blocking(stopped).await.expect("they end");
    }
}
