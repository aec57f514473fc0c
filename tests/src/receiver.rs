//! A receiver of webhooks on the loopback, which answers as it is told and keeps what it got.
//!
//! It reads HTTP/1.1 by itself and checks signatures with another implementation than the host's, so that what
//! it accepts is what receivers in the world accept.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::load::find;
use crate::server::PATIENCE;

/// What a receiver does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A status, and lines of the head.
    Status(u16, Vec<(&'static str, String)>),
    /// The connection ends without a word.
    Nothing,
    /// A status, and a body without an end.
    Endless(u16),
    /// The connection stays, and nothing is said.
    Silence,
}

impl Answer {
    /// A status alone.
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new())
    }
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// `POST /path HTTP/1.1`.
    pub line: String,
    /// Names in lower case.
    pub head: Vec<(String, String)>,
    /// Byte for byte.
    pub body: String,
}

impl Got {
    /// A line of the head.
    ///
    /// # Panics
    /// When there is none of this name, or several.
    pub fn header(&self, name: &str) -> &str {
        let mut found = self.head.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let value = found.next().unwrap_or_else(|| panic!("no `{name}` in {self:#?}"));
        assert_eq!(found.next(), None, "`{name}` stands twice");
        value
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    /// Whether it is signed with `secret`, as Standard Webhooks 1.0 has it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let mut signatures = self.header("webhook-signature").split(' ');
        signatures.any(|signature| {
            let tag = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            tag.is_some_and(|tag| ring::hmac::verify(&key, signed.as_bytes(), &tag).is_ok())
        })
    }
}

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    got: Vec<Got>,
    connections: usize,
}

/// A receiver; it ends when it is dropped.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    /// Begins to listen. Without other orders it answers 204.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        Self::start_on(IpAddr::V4(Ipv4Addr::LOCALHOST)).await
    }

    /// The same on another address of this machine.
    ///
    /// # Panics
    /// When it has none such.
    pub async fn start_on(ip: IpAddr) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::<Mutex<State>>::default();
        let of = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                of.lock().expect("no test panics inside").connections += 1;
                tokio::spawn(receive(stream, Arc::clone(&of)));
            }
        });
        Self { address, state, serving }
    }

    /// `http://127.0.0.1:PORT/hook`.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers the next requests so, in this order, and then 204 again.
    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().expect("no test panics inside").answers.extend(answers);
    }

    /// What came so far.
    pub fn got(&self) -> Vec<Got> {
        self.state.lock().expect("no test panics inside").got.clone()
    }

    /// How many connections were made, whether anything was asked over them or not.
    pub fn connections(&self) -> usize {
        self.state.lock().expect("no test panics inside").connections
    }

    /// Waits for requests with each of these ids.
    ///
    /// # Panics
    /// When they do not come in [`PATIENCE`].
    pub async fn until_id(&self, ids: &BTreeSet<String>) {
        for _ in 0..PATIENCE.as_millis() / 10 {
            let got = self.got();
            let came: BTreeSet<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
            if ids.iter().all(|id| came.contains(id.as_str())) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not all of {ids:#?} came, only {:#?}", self.got());
    }

    /// Waits for so many requests.
    ///
    /// # Panics
    /// When they do not come in [`PATIENCE`].
    pub async fn until(&self, count: usize) -> Vec<Got> {
        for _ in 0..PATIENCE.as_millis() / 10 {
            let got = self.got();
            if got.len() >= count {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} requests did not come, only {:#?}", self.got());
    }
}

async fn receive(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(got) = read(&mut stream).await else { return };
    let answer = {
        let mut state = state.lock().expect("no test panics inside");
        state.got.push(got);
        state.answers.pop_front().unwrap_or(Answer::status(204))
    };
    match answer {
        Answer::Nothing => {}
        Answer::Silence => {
            // Until the other side is gone.
            let _ = stream.read(&mut [0]).await;
        }
        Answer::Status(status, lines) => {
            let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n{lines}\r\n");
            // Whoever asked may be gone.
            let _ = stream.write_all(head.as_bytes()).await;
        }
        Answer::Endless(status) => {
            let head = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Got> {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = text.split("\r\n");
    let line = lines.next()?.to_owned();
    let head: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = head.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[end + 4..end + 4 + length].to_vec()).ok()?;
    Some(Got { line, head, body })
}
