//! What a server tells of itself: its log, and spans to a collector, both without secrets.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::binary::{Answer, Binary, Process, until};
use rustix::process::Signal;
use serde_json::Value;

/// A trace that a client is in the middle of.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Something no log may hold. It is no credential of any host.
const SECRET: &str = "slt_tok_nobody_5ec2e75ec2e75ec2e75ec2e7_00000000";

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

/// A server that tells everything it has to tell.
fn serve(sluice: &Binary, settings: &[&str]) -> (Process, String) {
    let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--log-format", "json"];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
    let mut server = sluice.start(&arguments);
    server.wait_for("operator token in ");
    let address =
        server.printed().lines().find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned));
    (server, address.expect("it says where it listens"))
}

fn stop(server: Process) -> Answer {
    server.signal(Signal::TERM);
    server.wait()
}

/// One request over a connection of its own.
fn ask(address: &str, target: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connect to the server");
    write!(stream, "GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n")
        .expect("send a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read the answer");
    answer
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

fn log_of(answer: &Answer) -> Vec<Value> {
    let lines = answer.stderr.lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
}

/// Takes whatever spans it is sent, and remembers the requests whole.
fn collector() -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen as the collector");
    let (address, received) = (listener.local_addr().expect("an address"), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&received);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while let Ok(count) = stream.read(&mut piece) {
                request.extend_from_slice(&piece[..count]);
                let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let head = text.find("\r\n\r\n");
                let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
                if count == 0
                    || matches!((head, length), (Some(head), Some(length)) if body_of(&request, head).len() >= length)
                {
                    break;
                }
            }
            kept.lock().expect("nobody panicked").push(request);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (format!("http://{address}"), received)
}

/// The head is ASCII, so that places in its text are places in its bytes.
fn body_of(request: &[u8], head: usize) -> &[u8] {
    &request[head + 4..]
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_request_is_logged_and_traced_under_its_id_and_without_secrets() {
    let (endpoint, received) = collector();
    let sluice = binary();
    let (server, address) = serve(&sluice, &["log=info", &format!("otlp_endpoint={endpoint}")]);
    let authorization = format!("authorization: Bearer {SECRET}\r\n");
    let traced =
        format!("{authorization}x-request-id: req-of-client\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n");

    let refused = ask(&address, &format!("/mission/mis_1?ticket={SECRET}"), &traced);
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    assert_eq!(header(&refused, "x-request-id"), "req-of-client");
    let misplaced = ask(&address, &format!("/no/such/{SECRET}"), &authorization);
    assert!(misplaced.starts_with("HTTP/1.1 404 "), "{misplaced}");
    let made = header(&misplaced, "x-request-id").to_owned();

    let ended = stop(server);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let log = log_of(&ended);
    let line_of = |id: &str| {
        let is_it = |line: &&Value| line["span"]["request_id"] == id && line["message"] == "answered";
        log.iter().find(is_it).unwrap_or_else(|| panic!("no line of {id} in {log:#?}")).clone()
    };
    let (first, second) = (line_of("req-of-client"), line_of(&made));
    assert_eq!((&first["status"], &first["code"]), (&401.into(), &"UNAUTHENTICATED".into()), "{first}");
    assert_eq!(
        (&first["span"]["method"], &first["span"]["path"]),
        (&"GET".into(), &"/mission/mis_1".into()),
        "{first}"
    );
    assert!(first["took_us"].is_u64(), "{first}");
    assert_eq!(second["span"]["path"], "/no/such/slt_***", "{second}");

    // What was not sent while it ran is sent when it ends.
    let sent: Vec<u8> = received.lock().unwrap().concat();
    assert!(contains(&sent, "POST /v1/traces HTTP/1.1"), "{}", String::from_utf8_lossy(&sent));
    let trace: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&TRACE[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert!(sent.windows(16).any(|window| window == trace), "the span is part of the client's trace");
    for text in ["GET /mission/{id}", "GET unknown route", "req-of-client", made.as_str(), "/no/such/slt_***", "sluice"]
    {
        assert!(contains(&sent, text), "{text} is not in {}", String::from_utf8_lossy(&sent));
    }

    let secret = SECRET.rsplit_once('_').unwrap().0.rsplit_once('_').unwrap().1;
    let token = std::fs::read_to_string(sluice.data().join("operator.token")).unwrap();
    for secret in [secret, token.trim()] {
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
        assert!(!contains(&sent, secret), "a secret was sent to the collector");
    }
}

#[test]
fn a_collector_that_is_away_costs_one_warning() {
    // Nobody listens where somebody just did.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sluice = binary();
    let (server, address) = serve(&sluice, &[&format!("otlp_endpoint=http://ada:hunter2@{gone}")]);
    let is_well = || ask(&address, "/healthz", "").starts_with("HTTP/1.1 200 ");
    assert!(is_well());
    // Longer than spans are kept before they are sent.
    std::thread::sleep(Duration::from_secs(6));
    assert!(until(Duration::from_secs(1), is_well));
    let ended = stop(server);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let log = log_of(&ended);
    let told = log.iter().filter(|line| line["message"] == "spans do not reach the collector and are dropped");
    assert_eq!(told.count(), 1, "{log:#?}");
    assert!(!ended.stderr.contains("hunter2"), "{ended:#?}");
}
