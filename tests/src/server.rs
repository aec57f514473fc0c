//! A server on loopback over a database of its own, asked as clients ask it.
//!
//! It has the real components and the real loops; what is not real is only that it lives in the
//! process of its test, which can therefore stop it at any moment and look behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use sluice::clock::{Clock, SystemClock};
use sluice::domain::id::WorkspaceId;
use sluice::domain::json::Json;
use sluice::domain::plugin::PluginKind;
use sluice::domain::principal::Role;
use sluice::domain::time::Timestamp;
use sluice::engine::ports::SharedPostman;
use sluice::engine::{Engine, EngineOptions, NewToken, WorkspaceMission};
use sluice::events::Tailer;
use sluice::http::serve::{self, Limits};
use sluice::http::{Host, HttpOptions};
use sluice::plugins::{PluginHost, PluginHostOptions};
use sluice::scheduler::Scheduler;
use sluice::telemetry::Metrics;
use sluice::webhooks::{Courier, WebhookOptions};

use crate::databases::TestDatabase;
use crate::load::find;

/// How long a test waits for what has to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a test may set of its server.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Of its API.
    pub http: HttpOptions,
    /// Of its connections.
    pub limits: Limits,
    /// Of its engine.
    pub engine: EngineOptions,
    /// A scrubber in place of the built-in one: its component.
    pub scrubber: Option<Vec<u8>>,
    /// What tells it the time.
    pub clock: MovedClock,
}

/// The machine's clock, which a test may move on.
#[derive(Clone, Default)]
pub struct MovedClock {
    machine: Arc<SystemClock>,
    /// By how much time passed faster.
    passed_ms: Arc<AtomicU64>,
    /// By how much somebody set the clock, beside that.
    set_ms: Arc<AtomicI64>,
}

impl std::fmt::Debug for MovedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ms ahead", self.ahead_ms())
    }
}

impl MovedClock {
    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).expect("a test's time is short");
        self.passed_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets it forward, or back: the date leaps, and no time passes.
    pub fn set(&self, by_ms: i64) {
        self.set_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    fn ahead_ms(&self) -> i64 {
        self.set_ms.load(Ordering::SeqCst) + self.passed_ms.load(Ordering::SeqCst).cast_signed()
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.machine.now().as_millis().saturating_add_signed(self.ahead_ms()))
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic() + Duration::from_millis(self.passed_ms.load(Ordering::SeqCst))
    }
}

/// A server.
pub struct TestServer {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    /// An operator's token in the workspace `local`.
    pub operator: String,
    /// What the server stands on.
    pub engine: Engine,
    http: Client,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    _scheduler: Scheduler,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Reply {
    /// The code of a problem document.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// Runs `test` on a server over each kind of database there is. `cache` is where compiled
/// components are kept: `env!("CARGO_TARGET_TMPDIR")`.
pub async fn on_both_servers(cache: &str, test: impl AsyncFn(TestServer)) {
    for database in TestDatabase::each().await {
        // Printed only when the test fails, and then the last such line says where.
        println!("on {:?}", database.location);
        test(TestServer::start(&database, cache, ServerOptions::default()).await).await;
    }
}

impl TestServer {
    /// A server over `database`.
    pub async fn start(database: &TestDatabase, cache: &str, options: ServerOptions) -> Self {
        let plugins = PluginHost::new(PluginHostOptions {
            cache_dir: Some(std::path::Path::new(cache).join("compiled")),
            limits: sluice::plugins::Limits::default(),
            clock: Arc::new(SystemClock::new()),
            compiler: None,
        });
        let plugins = Arc::new(plugins.expect("the machine runs components"));
        let store = database.open().await;
        let host_id = format!("host_{}", std::process::id());
        let clock = Arc::new(options.clock);
        let mut engine_options = options.engine;
        let binding = match options.scrubber {
            None => sluice::app::standard_scrubber(&plugins).expect("the scrubber can be bound"),
            Some(bytes) => {
                plugins.install(bytes).expect("the scrubber is taken");
                let bound = plugins.bind("hostile", PluginKind::Scrubber, &Json::empty_object());
                bound.expect("the scrubber can be bound")
            }
        };
        engine_options.memory.scrubber.get_or_insert(binding);
        if engine_options.postman.is_none() {
            engine_options.postman = Some(postman(WebhookOptions::default()));
        }
        let engine = Engine::with_options(store.clone(), Arc::clone(&plugins) as _, clock, host_id, engine_options);
        let scheduler = Scheduler::start(&engine, 2);
        let metrics = Arc::new(Metrics::default());
        let observer = sluice::app::server::observer(Arc::clone(&metrics), engine.clone());
        let tailer = Tailer::observed(store, observer).await.expect("the log's end can be read");
        let host = Host::new(engine.clone(), plugins, tailer, Arc::clone(&metrics), options.http);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let base = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let shutdown = CancellationToken::new();
        let (router, draining, told) =
            (sluice::http::router(Arc::clone(&host)), host.draining.clone(), shutdown.clone());
        let limits = options.limits;
        let serving = tokio::spawn(async move {
            let ended = told.clone();
            tokio::spawn(async move {
                ended.cancelled().await;
                draining.cancel();
            });
            serve::serve(listener, router, limits, metrics, told).await;
        });
        sluice::client::ready_tls();
        let http = Client::builder().no_proxy().build().expect("a client can be made");
        let mut server = Self { base, operator: String::new(), engine, http, shutdown, serving, _scheduler: scheduler };
        server.operator = server.token("local", Role::Operator, "user.root").await;
        server
    }

    /// A mission as `POST /mission` makes it, started, and made by `actor` without asking policy, which lets no agent
    /// give it capabilities; its id.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn mission_of(&self, workspace: &str, actor: &str, mission: Value) -> String {
        let new = WorkspaceMission {
            workspace_id: WorkspaceId::new(workspace),
            request: serde_json::from_value(mission).expect("a mission's members"),
            has_gates: true,
            start: true,
            actor: actor.to_owned(),
            receipt: None,
        };
        self.engine.create_bound_mission(new).await.expect("a mission can be made").id.to_string()
    }

    /// A token for `principal` of `workspace`.
    pub async fn token(&self, workspace: &str, role: Role, principal: &str) -> String {
        let new = NewToken {
            workspace_id: WorkspaceId::new(workspace),
            name: principal.to_owned(),
            role,
            principal: Some(principal.to_owned()),
            ttl_ms: None,
        };
        self.engine.issue_token(new, "test").await.expect("a token can be issued").text
    }

    /// A request to be filled in.
    pub fn request(&self, method: Method, path: &str, token: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base)).timeout(PATIENCE * 3);
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// Asks, with a body of JSON unless it is null.
    pub async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> Reply {
        let request = self.request(method, path, token);
        let request = if body.is_null() { request } else { request.json(&body) };
        reply(request).await
    }

    /// Looks, as the operator.
    pub async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &self.operator, Value::Null).await
    }

    /// Sends, as the operator.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::POST, path, &self.operator, body).await
    }

    /// Looks until `there` holds.
    ///
    /// # Panics
    /// When it does not in [`PATIENCE`].
    pub async fn until(&self, path: &str, there: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..PATIENCE.as_millis() / 20 {
            last = self.get(path).await.body;
            if there(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} stays {last:#}");
    }

    /// Drains and ends.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.expect("serving ends by itself");
        self.engine.store().close().await;
    }
}

/// Who posts to webhooks.
///
/// # Panics
/// When the machine has no client of HTTP.
pub fn postman(options: WebhookOptions) -> SharedPostman {
    SharedPostman(Arc::new(Courier::new(options).expect("a client can be made")))
}

/// Sends a request and reads its answer.
///
/// # Panics
/// When there is none.
pub async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.expect("the answer comes to its end");
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    // The answer to HEAD has none.
    if !bytes.is_empty() && headers.get("content-type").is_some_and(|of| of == "application/problem+json") {
        assert_eq!(body["status"], status, "a problem's status is the answer's: {body:#}");
    }
    Reply { status, headers, body }
}

/// A stream of server-sent events, read frame by frame.
pub struct Frames {
    response: reqwest::Response,
    /// What came and was not read yet; a character may have come halfway.
    buffer: Vec<u8>,
    /// Bytes of it in which no frame ends.
    searched: usize,
}

/// One frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// `id:`.
    pub id: Option<u64>,
    /// `event:`.
    pub event: Option<String>,
    /// `data:`, as JSON; null without.
    pub data: Value,
}

impl Frames {
    /// Opens a stream.
    ///
    /// # Panics
    /// When the server does not answer 200.
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        assert_eq!(response.status().as_u16(), 200, "{:?}", response.headers());
        Self { response, buffer: Vec::new(), searched: 0 }
    }

    /// Opens a stream of a server that may be gone or on its way.
    pub async fn try_open(request: reqwest::RequestBuilder) -> Option<Self> {
        let response = request.send().await.ok().filter(|response| response.status().as_u16() == 200)?;
        Some(Self { response, buffer: Vec::new(), searched: 0 })
    }

    /// The next frame that is no comment; `None` at the stream's end.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            while let Some(end) = find(&self.buffer[self.searched..], b"\n\n") {
                let end = self.searched + end;
                self.searched = 0;
                let frame = parse(std::str::from_utf8(&self.buffer[..end]).expect("a frame is text"));
                self.buffer.drain(..end + 2);
                if frame != Frame::default() {
                    return Some(frame);
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("something comes in time");
            let chunk = chunk.ok().flatten()?;
            self.searched = self.buffer.len().saturating_sub(1);
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// The next event of the log.
    ///
    /// # Panics
    /// When the stream ends before.
    pub async fn event(&mut self) -> Frame {
        loop {
            let frame = self.next().await.expect("the stream goes on");
            if frame.id.is_some() {
                return frame;
            }
        }
    }
}

fn parse(text: &str) -> Frame {
    let mut frame = Frame::default();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("id", id)) => frame.id = id.parse().ok(),
            Some(("event", event)) => frame.event = Some(event.to_owned()),
            Some(("data", data)) => frame.data = serde_json::from_str(data).expect("data is JSON"),
            _ => {}
        }
    }
    frame
}
