//! Clients that read streams and note when they were told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::load::{Connection, find};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What the time of a request stands behind, in its event.
const SENT_AT: &[u8] = b"\"updated_by\":\"@";
/// How long everything may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// Microseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures with the machine's clock")]
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    u64::try_from(since.as_micros()).expect("microseconds fit 64 bits")
}

/// What was measured.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Microseconds of a processor that the server spent for each delivery.
    pub(crate) cpu_us: f64,
}

impl Figures {
    /// Adds one of `rounds`.
    pub(crate) fn add(&mut self, one: Self, rounds: u32) {
        let share = 1.0 / f64::from(rounds);
        self.per_second += one.per_second * share;
        self.p50_ms += one.p50_ms * share;
        self.p99_ms += one.p99_ms * share;
        self.cpu_us += one.cpu_us * share;
    }
}

#[derive(Debug, Default)]
struct Told {
    /// Microseconds from each request to each watcher's having its event.
    ages: Mutex<Vec<u64>>,
    count: AtomicU64,
    more: Notify,
}

/// Watchers, all of them connected.
pub(crate) struct Watchers {
    told: Arc<Told>,
    tasks: JoinSet<()>,
}

impl Watchers {
    /// One for each of `prefixes`.
    pub(crate) async fn open(at: SocketAddr, token: &str, prefixes: impl IntoIterator<Item = String>) -> Self {
        let (told, mut tasks) = (Arc::new(Told::default()), JoinSet::new());
        for prefix in prefixes {
            let path = format!("/resource/events?prefix={prefix}");
            let mut stream = Connection::open(at).await.stream(&path, token).await;
            let mut head = Vec::new();
            while find(&head, b"\r\n\r\n").is_none() {
                assert!(stream.read_buf(&mut head).await.expect("an answer") > 0, "no answer");
            }
            assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
            tasks.spawn(read(stream, Arc::clone(&told)));
        }
        Self { told, tasks }
    }

    /// Forgets what was measured so far.
    pub(crate) fn forget(&self) {
        self.told.ages.lock().expect("nobody panics with it").clear();
        self.told.count.store(0, Ordering::SeqCst);
    }

    /// Waits until each of them was told of `writes` events.
    pub(crate) async fn all_told(&self, writes: usize) {
        let wanted = (writes * self.tasks.len()) as u64;
        let all = async {
            while self.told.count.load(Ordering::SeqCst) < wanted {
                self.told.more.notified().await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, all).await;
        assert!(told.is_ok(), "{} of {wanted} events arrived", self.told.count.load(Ordering::SeqCst));
    }

    /// What was measured in a time of `took`, of which the server's processors worked `cpu`.
    pub(crate) fn figures(&self, took: Duration, cpu: Duration) -> Figures {
        let mut ages = self.told.ages.lock().expect("nobody panics with it").clone();
        ages.sort_unstable();
        let at = |share: f64| ages[(ages.len() as f64 * share) as usize] as f64 / 1_000.0;
        Figures {
            per_second: ages.len() as f64 / took.as_secs_f64(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            cpu_us: cpu.as_secs_f64() * 1e6 / ages.len() as f64,
        }
    }

    /// Closes all connections.
    pub(crate) async fn close(mut self) {
        self.tasks.shutdown().await;
        // The server notices a moment later.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Reads until the connection ends.
async fn read(mut stream: TcpStream, told: Arc<Told>) {
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut ages = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut buffer).await {
        let now = now_us();
        let mut at = 0;
        // The mark stands in one piece only when the whole frame has come.
        while let Some(end) = find(&buffer[at..], b"\n\n") {
            let frame = &buffer[at..at + end];
            if let Some(mark) = find(frame, SENT_AT) {
                let digits = frame[mark + SENT_AT.len()..].iter().take_while(|byte| byte.is_ascii_digit());
                let sent: u64 = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
                ages.push(now.saturating_sub(sent));
            }
            at += end + 2;
        }
        buffer.drain(..at);
        if !ages.is_empty() {
            let count = ages.len() as u64;
            told.ages.lock().expect("nobody panics with it").append(&mut ages);
            told.count.fetch_add(count, Ordering::SeqCst);
            told.more.notify_one();
        }
    }
}
