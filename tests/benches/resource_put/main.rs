//! Compare-and-set puts per second over HTTP on SQLite with full synchronisation, against etcd on the
//! same disk in the same run.
//!
//! Each client has a key of its own and waits for each answer: one request is one revision, one event
//! of the log and one answer, on disk before it is given. etcd gets the same: a transaction that compares the key's
//! revision and puts it. Each client of either side has a connection of its own; etcd, which shares
//! connections between clients better than it takes many, also gets eight connections for all, and counts
//! with the better of the two. The clients of both share the machine's cores with what they ask. The target is 1.5 times etcd's
//! throughput at 64 clients, with a p99 that is not worse.
//!
//! `cargo bench -p e2e --bench resource_put`, with the seconds for each figure as an argument (3 by
//! default). Where no `etcd` is installed only our own figures are printed.

mod etcd;

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::load::{Connection, address};
use e2e::server::{ServerOptions, TestServer};
use etcd::Etcd;
use serde_json::Value;
use tokio::time::Instant;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TARGET: f64 = 1.5;
/// About 200 bytes, as a status or a claim has.
const VALUE: &str = r#"{"state":"running","owner":"agent.builder-07","step":17,"of":40,"note":"compiling the second of three targets","artifacts":["art_01","art_02"],"started_at_ms":1790000000000,"tokens":{"in":18233,"out":4411}}"#;

/// What was measured of one side.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    per_second: f64,
    p99: Duration,
}

/// The figures of clients that began at `begun` and tell how long each request took.
async fn collect(begun: Instant, clients: Vec<tokio::task::JoinHandle<Vec<Duration>>>) -> Figures {
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.expect("a client that ends well"));
    }
    let per_second = times.len() as f64 / begun.elapsed().as_secs_f64();
    times.sort_unstable();
    Figures { per_second, p99: times[times.len() * 99 / 100] }
}

async fn ours(server: &TestServer, clients: usize, time: Duration, round: usize) -> Figures {
    let begun = Instant::now();
    let put = |client: usize| {
        let (at, token) = (address(&server.base), server.operator.clone());
        let path = format!("/resource/project/bench/r{round}c{client}");
        tokio::spawn(async move {
            let mut connection = Connection::open(at).await;
            let (mut times, mut rev) = (Vec::new(), 0);
            while begun.elapsed() < time {
                let asked = Instant::now();
                let body = format!(r#"{{"value":{VALUE},"if_match_rev":{rev}}}"#);
                let (status, answer) = connection.send("PUT", &path, &token, &body).await;
                times.push(asked.elapsed());
                assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
                rev += 1;
            }
            let (_, answer) = connection.send("GET", &path, &token, "").await;
            let record: Value = serde_json::from_slice(&answer).expect("a record");
            assert_eq!(record["rev"], rev, "every answered put is there");
            times
        })
    };
    collect(begun, (0..clients).map(put).collect()).await
}

async fn theirs(etcd: &Etcd, clients: usize, time: Duration, shared: usize, round: usize) -> Figures {
    let mut connections = Vec::new();
    for _ in 0..shared.min(clients) {
        connections.push(etcd.client().await);
    }
    let begun = Instant::now();
    let put = |client: usize| {
        let mut connection = connections[client % connections.len()].clone();
        let key = format!("project/bench/r{round}s{shared}c{client}");
        tokio::spawn(async move {
            let (mut times, mut revision) = (Vec::new(), 0);
            while begun.elapsed() < time {
                let asked = Instant::now();
                let put = connection.put(&key, VALUE.as_bytes(), revision).await;
                times.push(asked.elapsed());
                revision = put.expect("nobody else writes the key");
            }
            times
        })
    };
    collect(begun, (0..clients).map(put).collect()).await
}

/// The better of what etcd reaches with a connection for each client and with eight for all.
async fn theirs_at_best(etcd: &Etcd, clients: usize, time: Duration, round: usize) -> Figures {
    let own = theirs(etcd, clients, time / 2, clients, round).await;
    let shared = theirs(etcd, clients, time / 2, 8, round).await;
    if own.per_second > shared.per_second { own } else { shared }
}

fn add(sum: &mut Figures, one: Figures, rounds: u32) {
    sum.per_second += one.per_second / f64::from(rounds);
    sum.p99 += one.p99 / rounds;
}

async fn compare(clients: usize, time: Duration) -> bool {
    const ROUNDS: u32 = 3;
    let database = TestDatabase::sqlite();
    let cache = std::env::temp_dir().join("sluice-bench-cache");
    let cache = cache.to_str().expect("a temporary directory is text");
    let server = TestServer::start(&database, cache, ServerOptions::default()).await;
    let etcd = Etcd::start().await;
    let (mut us, mut them) = (Figures::default(), Figures::default());
    // In turns, so that both meet the same disk.
    for round in 0..ROUNDS as usize {
        add(&mut us, ours(&server, clients, time / ROUNDS, round).await, ROUNDS);
        if let Some(etcd) = &etcd {
            add(&mut them, theirs_at_best(etcd, clients, time / ROUNDS, round).await, ROUNDS);
        }
    }
    server.stop().await;
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    if etcd.is_none() {
        println!("{clients:>7} {:>9.0} {:>9.2}   etcd is not installed", us.per_second, ms(us.p99));
        return true;
    }
    let ratio = us.per_second / them.per_second;
    let is_met = clients != 64 || (ratio >= TARGET && us.p99 <= them.p99);
    let verdict = if clients != 64 {
        ""
    } else if is_met {
        "met"
    } else {
        "MISSED"
    };
    println!(
        "{clients:>7} {:>9.0} {:>9.2} {:>9.0} {:>9.2} {ratio:>7.2}   {verdict}",
        us.per_second,
        ms(us.p99),
        them.per_second,
        ms(them.p99)
    );
    is_met
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(3.0);
    let time = Duration::from_secs_f64(seconds);
    println!(
        "{:>7} {:>9} {:>9} {:>9} {:>9} {:>7}   target {TARGET} at 64, p99 not worse",
        "clients", "puts/s", "p99 ms", "etcd/s", "p99 ms", "ratio"
    );
    let mut is_met = true;
    for clients in [1, 16, 64] {
        is_met &= compare(clients, time).await;
    }
    if is_met { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
