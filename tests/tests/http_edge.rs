//! The accept loop from outside, over bare sockets: peers that say nothing, too little, too much, and
//! never read. Limits are short here, so that nobody waits five seconds; the rules are the same.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Extension;
use axum::routing::{get, post};
use futures_util::stream;
use sluice::http::serve::{Drained, Draining, Limits, Peer, raise_open_files, serve};
use sluice::telemetry::Metrics;
use tokio_util::sync::CancellationToken;

/// How long a peer may take here.
const PATIENCE: Duration = Duration::from_millis(300);
/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(3);

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    metrics: Arc<Metrics>,
    runtime: tokio::runtime::Runtime,
    serving: Option<tokio::task::JoinHandle<Drained>>,
}

fn limits() -> Limits {
    Limits {
        header_timeout: PATIENCE,
        body_idle_timeout: PATIENCE,
        keep_alive_timeout: PATIENCE * 4,
        write_timeout: PATIENCE,
        drain_timeout: PATIENCE,
        ..Limits::default()
    }
}

impl Server {
    fn start(limits: Limits) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, metrics) = (CancellationToken::new(), Arc::new(Metrics::default()));
        let serving = runtime.spawn(serve(listener, router(), limits, Arc::clone(&metrics), shutdown.clone()));
        Self { address, shutdown, metrics, runtime, serving: Some(serving) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// As [`Self::connect`], for a peer whose own kernel takes little before it has to read.
    fn connect_with_little_room(&self) -> TcpStream {
        let connected = self.runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(8 * 1024)?;
            socket.connect(self.address).await?.into_std()
        });
        let stream = connected.unwrap();
        stream.set_nonblocking(false).unwrap();
        stream
    }

    /// Sends `bytes` and reads to the end of the connection.
    fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may have answered and closed before all of it is written.
        let _ = stream.write_all(bytes);
        rest(&mut stream)
    }

    fn is_well(&self) -> bool {
        self.ask(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ends_with("\r\n\r\nhello")
    }

    fn stop(&mut self) -> Drained {
        self.shutdown.cancel();
        self.runtime.block_on(self.serving.take().unwrap()).unwrap()
    }

    fn open_connections(&self) -> usize {
        let told = self.metrics.render();
        let line = told.lines().find(|line| line.starts_with("sluice_http_connections_open ")).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

fn router() -> Router {
    let endless =
        || async { Body::from_stream(stream::repeat_with(|| Ok::<_, String>(Bytes::from(vec![b'x'; 16 * 1024])))) };
    Router::new()
        .route("/", get(async || "hello"))
        .route("/peer", get(async |Extension(peer): Extension<Peer>| peer.0.to_string()))
        .route("/length", post(async |body: Bytes| body.len().to_string()))
        // Makes of a broken body what it likes.
        .route(
            "/careless",
            post(async |body: Body| match axum::body::to_bytes(body, usize::MAX).await {
                Ok(_) => "all",
                Err(_) => "whatever",
            }),
        )
        .route("/unread", post(async || "not interested"))
        .route("/endless", get(endless))
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(PATIENCE / 2).await;
                "slow"
            }),
        )
        .route(
            "/never",
            get(async || {
                std::future::pending::<()>().await;
            }),
        )
        .route(
            "/until-drained",
            get(async |Extension(draining): Extension<Draining>| {
                draining.0.cancelled().await;
                "drained"
            }),
        )
}

/// What comes until the connection ends; a reset is an end too.
fn rest(stream: &mut TcpStream) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the connection did not end: {error}; so far {:?}", String::from_utf8_lossy(&all)),
        }
    }
    String::from_utf8(all).unwrap()
}

/// That `answer` is one problem document, with this status and code, which ends the connection.
#[track_caller]
fn assert_problem(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(u64::from(status)), Some(code)));
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    let (type_, title) = (problem["type"].as_str().unwrap(), problem["title"].as_str().unwrap());
    assert!(type_.starts_with("/problems/") && !title.is_empty(), "{problem}");
}

/// How long until `act` is done.
fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "this measures the server from outside")]
    let start = Instant::now();
    let outcome = act();
    (outcome, start.elapsed())
}

#[test]
fn a_peer_that_says_too_little_is_let_go_in_time() {
    let server = Server::start(limits());
    let after_patience = PATIENCE..PATIENCE + SLACK;

    let (answer, took) = timed(|| server.ask(b""));
    assert_eq!(answer, "", "a silent connection is closed without a word");
    assert!(after_patience.contains(&took), "silent: {took:?}");

    let (answer, took) = timed(|| server.ask(b"GET / HTTP/1.1\r\nhost: x\r\nx-half: "));
    assert_problem(&answer, 408, "REQUEST_TIMEOUT");
    assert!(after_patience.contains(&took), "half a head: {took:?}");

    for path in ["/length", "/careless"] {
        let half = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
        let (answer, took) = timed(|| server.ask(half.as_bytes()));
        assert_problem(&answer, 408, "REQUEST_TIMEOUT");
        assert!(after_patience.contains(&took), "half a body: {took:?}");
    }
    assert!(server.is_well());
    assert_eq!(wait_for_connections(&server, 0), 0);
}

#[test]
fn a_drip_is_no_progress() {
    let server = Server::start(limits());
    // One byte at a time, each well within the patience, for ten times as long.
    for head in ["GET / HTTP/1.1\r\nx-drip: ", "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"] {
        let mut stream = server.connect();
        stream.write_all(head.as_bytes()).unwrap();
        let ((), took) = timed(|| {
            for _ in 0..100 {
                if stream.write_all(b"x").is_err() {
                    break;
                }
                let mut peeked = [0];
                stream.set_read_timeout(Some(PATIENCE / 10)).unwrap();
                if stream.peek(&mut peeked).is_ok() {
                    break;
                }
            }
        });
        assert!((PATIENCE..PATIENCE + SLACK / 2).contains(&took), "{head:?} was dripped for {took:?}");
        stream.set_read_timeout(Some(SLACK)).unwrap();
        assert_problem(&rest(&mut stream), 408, "REQUEST_TIMEOUT");
    }
    // A slow line that does bring something is waited for, for much longer than one pause.
    let mut stream = server.connect();
    stream.write_all(b"POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 8192\r\n\r\n").unwrap();
    for _ in 0..8 {
        stream.write_all(&[b'x'; 1024]).unwrap();
        std::thread::sleep(PATIENCE / 3);
    }
    assert!(rest(&mut stream).ends_with("\r\n\r\n8192"));
}

#[test]
fn a_head_that_is_too_much_or_none_is_told_so() {
    let server = Server::start(limits());
    let head = |middle: &str| format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{middle}\r\n");

    let fits = head(&format!("x-big: {}\r\n", "x".repeat(15 * 1024)));
    assert!(server.ask(fits.as_bytes()).starts_with("HTTP/1.1 200 "));
    for size in [17 * 1024, 200 * 1024] {
        let huge = head(&format!("x-big: {}\r\n", "x".repeat(size)));
        assert_problem(&server.ask(huge.as_bytes()), 431, "HEADERS_TOO_LARGE");
    }
    let count = |count: usize| head(&(2..count).map(|n| format!("x-{n}: 1\r\n")).collect::<String>());
    assert!(server.ask(count(100).as_bytes()).starts_with("HTTP/1.1 200 "));
    assert_problem(&server.ask(count(101).as_bytes()), 431, "HEADERS_TOO_LARGE");

    let target =
        |length: usize| format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "p".repeat(length - 1));
    assert!(server.ask(target(8 * 1024).as_bytes()).starts_with("HTTP/1.1 404 "));
    assert_problem(&server.ask(target(8 * 1024 + 1).as_bytes()), 414, "URI_TOO_LONG");

    for garbage in ["\u{1}\u{2}\u{3}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"] {
        assert_problem(&server.ask(garbage.as_bytes()), 400, "MALFORMED_REQUEST");
    }
    for framing in ["content-length: 1\r\ncontent-length: 2\r\n", "content-length: -1\r\n"] {
        assert_problem(&server.ask(head(framing).as_bytes()), 400, "MALFORMED_REQUEST");
    }
    assert!(server.is_well());
}

#[test]
fn garbage_after_a_request_spoils_only_itself() {
    let server = Server::start(limits());
    let answers =
        server.ask(b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /peer HTTP/1.1\r\nhost: x\r\n\r\n\x01garbage\r\n\r\n");
    let (first, later) = answers.split_once("hello").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
    let (second, third) = later.split_at(later.rfind("HTTP/1.1 ").unwrap());
    assert!(second.starts_with("HTTP/1.1 200 ") && second.contains("\r\n\r\n127.0.0.1:"), "{second}");
    assert_problem(third, 400, "MALFORMED_REQUEST");
    // A body that nobody reads does not become the next request, and its answer arrives.
    let inner = "GET /peer HTTP/1.1\r\nhost: x\r\n\r\n";
    let body = format!("{inner}{}", "x".repeat(200_000));
    let smuggled = format!("POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let answer = server.ask(smuggled.as_bytes());
    assert!(answer.ends_with("\r\n\r\nnot interested") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
}

#[test]
fn an_idle_connection_is_kept_longer_than_a_head_may_take() {
    let server = Server::start(limits());
    let mut stream = server.connect();
    let mut hello = [0; 512];
    for pause in [Duration::ZERO, PATIENCE * 2] {
        std::thread::sleep(pause);
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let count = stream.read(&mut hello).unwrap();
        assert!(hello[..count].ends_with(b"hello"), "{:?}", String::from_utf8_lossy(&hello[..count]));
    }
    let (end, took) = timed(|| rest(&mut stream));
    assert_eq!(end, "");
    assert!((PATIENCE * 3..PATIENCE * 4 + SLACK).contains(&took), "{took:?}");
    // The second head has its own, short time, as the first had.
    let mut stream = server.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(stream.read(&mut hello).unwrap() > 0);
    stream.write_all(b"GET /").unwrap();
    let (end, took) = timed(|| rest(&mut stream));
    assert_problem(&end, 408, "REQUEST_TIMEOUT");
    assert!((PATIENCE..PATIENCE * 3).contains(&took), "{took:?}");
}

#[test]
fn a_thousand_that_never_read_cost_little_and_are_dropped() {
    const READERS: usize = 1000;
    raise_open_files(READERS * 2);
    let server = Server::start(Limits { write_timeout: Duration::from_secs(4), ..limits() });
    // Whatever the process takes once, for anybody, is there before it is measured.
    for _ in 0..20 {
        assert!(server.is_well());
    }
    let before = anonymous_kib();
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let mut stream = server.connect_with_little_room();
            stream.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            stream
        })
        .collect();
    assert_eq!(wait_for_connections(&server, READERS), READERS);
    // Time for all of them to be stuck.
    std::thread::sleep(Duration::from_secs(1));
    let each = (anonymous_kib().saturating_sub(before)) as f64 / READERS as f64;
    println!("a reader that never reads costs {each:.1} KiB");
    assert!(server.is_well(), "others are served meanwhile");
    assert!(each <= 64.0, "each reader costs {each:.1} KiB");
    assert_eq!(wait_for_connections(&server, 0), 0, "they are dropped while they still hold on");
    assert!(server.is_well());
    drop(readers);
}

#[test]
fn one_connection_too_many_is_told_to_come_back() {
    let server = Server::start(Limits { max_connections: 3, header_timeout: Duration::from_secs(30), ..limits() });
    let mut held: Vec<_> = (0..3).map(|_| server.connect()).collect();
    assert_eq!(wait_for_connections(&server, 3), 3);
    let answer = server.ask(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_problem(&answer, 503, "OVERLOADED");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    // As soon as one leaves there is room again.
    held.pop();
    assert_eq!(wait_for_connections(&server, 2), 2);
    assert!(server.is_well());
    assert!(server.metrics.render().contains("sluice_http_connections_turned_away_total 1\n"));
}

#[test]
fn stopping_lets_requests_end_and_cuts_what_does_not() {
    let mut server = Server::start(Limits { drain_timeout: PATIENCE * 3, ..limits() });
    let mut idle = server.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut hello = [0; 512];
    assert!(idle.read(&mut hello).unwrap() > 0);
    let ask = |path: &str| {
        let mut stream = server.connect();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
        stream
    };
    let (mut slow, mut told, mut never) = (ask("/slow"), ask("/until-drained"), ask("/never"));
    assert_eq!(wait_for_connections(&server, 4), 4);
    std::thread::sleep(PATIENCE / 4);
    let (drained, took) = timed(|| server.stop());
    assert_eq!(drained, Drained { cut: 1 });
    assert!((PATIENCE * 3..PATIENCE * 3 + SLACK).contains(&took), "{took:?}");
    assert!(rest(&mut slow).ends_with("\r\n\r\nslow"), "a request in flight ends");
    assert!(rest(&mut told).ends_with("\r\n\r\ndrained"), "what would wait is told to end");
    assert_eq!((rest(&mut idle), rest(&mut never)), (String::new(), String::new()));
    assert!(TcpStream::connect(server.address).is_err(), "nobody is accepted any more");

    // With nothing that hangs on, stopping takes no time.
    let mut server = Server::start(Limits { drain_timeout: Duration::from_secs(60), ..limits() });
    let _idle = server.connect();
    assert!(server.is_well());
    let (drained, took) = timed(|| server.stop());
    assert_eq!(drained, Drained { cut: 0 });
    assert!(took < SLACK, "{took:?}");
}

/// Waits until so many connections are open; how many are.
fn wait_for_connections(server: &Server, count: usize) -> usize {
    for _ in 0..2000 {
        if server.open_connections() == count {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    server.open_connections()
}

/// Memory of this process that is its own, in KiB.
fn anonymous_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
