//! What followers of the event stream cost and get: events delivered per second, the time from
//! commit to client, and the server's memory for each follower that reads and each that never does.
//!
//! The server is a process of its own (`sluice serve`, release build, SQLite); clients and the writer
//! live here, on the same cores. Latency is the event's own time, taken just before its commit, to
//! the moment a client has the whole frame: the commit's synchronisation is part of it.
//!
//! `cargo build --release && cargo bench -p e2e --bench stream`

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::load::{Connection, address, find};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Time each count of followers is measured for.
const TIME: Duration = Duration::from_secs(5);
/// Pause of the writer between two events: what is measured is delivery, not the writer.
const PAUSE: Duration = Duration::from_millis(10);
/// Pause in which everything that is on its way arrives.
const SETTLE: Duration = Duration::from_millis(500);
/// What an event's own time stands behind.
const OCCURRED_AT: &[u8] = b"\"occurred_at_ms\":";
/// Readers that never read.
const SILENT: usize = 1_000;

struct Server {
    child: Child,
    base: String,
    token: String,
    data: std::path::PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures with the machine's clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    u64::try_from(since.as_millis()).expect("milliseconds fit 64 bits")
}

#[expect(clippy::zombie_processes, reason = "whoever drops the server waits for it")]
fn serve() -> Server {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    let data = std::env::temp_dir().join(format!("sluice-stream-bench-{}", std::process::id()));
    let child = Command::new(root.join("target/release/sluice"))
        .args(["serve", "--listen", "127.0.0.1:0", "--set", "max_streams_per_principal=100000", "--data"])
        .arg(&data)
        .stdout(Stdio::null())
        .spawn();
    let child = child.expect("run `cargo build --release` first");
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let record = std::fs::read(data.join("server.json")).ok();
        if let Some(record) = record.and_then(|text| serde_json::from_slice::<Value>(&text).ok()) {
            let token = std::fs::read_to_string(data.join("operator.token")).expect("a token");
            let base = record["url"].as_str().expect("an address").to_owned();
            return Server { child, base, token: token.trim().to_owned(), data };
        }
        assert!(Instant::now() < until, "the server does not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Server {
    /// Resident memory that no file stands behind, in KiB.
    fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the server lives");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

/// Milliseconds from each event's own time to each client's having it.
type Ages = Arc<Mutex<Vec<u64>>>;

/// Reads frames and notes how old each event is.
async fn follow(mut stream: TcpStream, ages: Ages) {
    let mut buffer = Vec::with_capacity(64 * 1024);
    while let Ok(1..) = stream.read_buf(&mut buffer).await {
        let now = now_ms();
        while let Some(end) = find(&buffer, b"\n\n") {
            if let Some(at) = find(&buffer[..end], OCCURRED_AT) {
                let digits = buffer[at + OCCURRED_AT.len()..end].iter().take_while(|b| b.is_ascii_digit());
                let occurred: u64 = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
                ages.lock().expect("nobody panics with it").push(now.saturating_sub(occurred));
            }
            buffer.drain(..end + 2);
        }
    }
}

/// Has a writer post events, one after the other, for [`TIME`].
async fn write(server: &Server) -> Duration {
    let mut writer = Connection::open(address(&server.base)).await;
    let (status, made) = writer.post("/mission", &server.token, r#"{"title":"Told"}"#).await;
    assert_eq!(status, 201);
    let made: Value = serde_json::from_slice(&made).expect("JSON");
    let path = format!("/mission/{}/event", made["mission"]["id"].as_str().expect("an id"));
    let begun = Instant::now();
    while begun.elapsed() < TIME {
        let (status, _) = writer.post(&path, &server.token, r#"{"event":{"type":"tool_observed"}}"#).await;
        assert_eq!(status, 200);
        tokio::time::sleep(PAUSE).await;
    }
    begun.elapsed()
}

async fn measure(server: &Server, followers: usize) {
    let before = server.memory_kib();
    let ages = Ages::default();
    let mut tasks = JoinSet::new();
    for _ in 0..followers {
        let stream = Connection::open(address(&server.base)).await.stream("/event", &server.token).await;
        tasks.spawn(follow(stream, Arc::clone(&ages)));
    }
    // Every stream is open before the first event.
    tokio::time::sleep(SETTLE).await;
    let took = write(server).await;
    tokio::time::sleep(SETTLE).await;
    let memory = server.memory_kib().saturating_sub(before);
    tasks.shutdown().await;
    let mut ages = std::mem::take(&mut *ages.lock().expect("nobody panics with it"));
    ages.sort_unstable();
    let at = |share: f64| ages.get((ages.len() as f64 * share) as usize).copied().unwrap_or(0);
    println!(
        "{followers:>9} {:>12.0} {:>8} {:>8} {:>10.1}",
        ages.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        memory as f64 / followers as f64
    );
}

async fn measure_silent(server: &Server) {
    let at = address(&server.base);
    let before = server.memory_kib();
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(Connection::open(at).await.stream("/event?since_seq=0", &server.token).await);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let memory = server.memory_kib().saturating_sub(before);
    println!("\n{SILENT} readers that never read: {:.1} KiB each", memory as f64 / SILENT as f64);
}

#[tokio::main]
async fn main() {
    let server = serve();
    println!("{:>9} {:>12} {:>8} {:>8} {:>10}", "followers", "delivered/s", "p50, ms", "p99, ms", "KiB each");
    for followers in [1, 100, 1_000] {
        measure(&server, followers).await;
    }
    measure_silent(&server).await;
}
