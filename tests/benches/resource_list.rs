//! Listing a hundred keys out of a million, against the same hundred out of a thousand, over HTTP.
//!
//! Both servers answer the same page: the records of a prefix with a hundred keys, whose neighbours by key
//! belong to other prefixes. Lists go by an index, so that what else there is must not matter: the
//! target is at most twice the time. Keys that were deleted lie between the others, and must not either.
//!
//! `cargo bench -p e2e --bench resource_list`, with the number of keys of the large one as an argument
//! (1,000,000 by default). On SQLite, and on PostgreSQL where there is one.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::load::{Connection, address};
use e2e::server::{ServerOptions, TestServer};
use serde_json::Value;
use sluice::domain::id::{EventId, WorkspaceId};
use sluice::domain::json::Json;
use sluice::domain::resource::{Change, Expect, ResourceKey, ResourceWrite};
use sluice::domain::time::Timestamp;
use sluice::store::{Store, Unit};
use tokio::time::Instant;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TARGET: f64 = 2.0;
/// Keys of the prefix that is listed; all prefixes have as many.
const LISTED: usize = 100;
const SMALL: usize = 1_000;
/// Writes of one unit when a database is filled.
const UNIT: usize = 5_000;
/// Rounds in which both are asked in turns, and requests of one.
const ROUNDS: usize = 20;
const REQUESTS: usize = 25;

fn write(key: String, change: Change, number: usize) -> ResourceWrite {
    ResourceWrite {
        workspace_id: WorkspaceId::new("local"),
        key: ResourceKey::parse(&key).expect("a key"),
        expect: Expect::Anything,
        becomes: None,
        change,
        by_host: false,
        updated_by: "user.bench".to_owned(),
        actor: "user.bench".to_owned(),
        at: Timestamp(1_000),
        event_ids: [EventId::new(format!("evt_end_{number}")), EventId::new(format!("evt_{number}"))],
    }
}

/// A record of about 100 bytes under the key of this number, in the prefix of each hundred.
fn put(number: usize) -> ResourceWrite {
    let value = Json::from_valid(format!(
        r#"{{"state":"running","step":{number},"note":"compiling the second of three targets"}}"#
    ));
    let change = Change::Put { value, ttl_ms: None, expires_at: None, claim_of: None, kept: false };
    write(key(number), change, number)
}

fn key(number: usize) -> String {
    format!("project/p{:06}/task-{:03}", number / LISTED, number % LISTED)
}

/// Fills a database with `keys` records, and as many keys again of every tenth prefix that were deleted.
async fn fill(store: &Store, keys: usize) {
    let gone = |number: usize| format!("{}-gone", key(number));
    let mut next = keys;
    for from in (0..keys).step_by(UNIT) {
        let numbers = from..keys.min(from + UNIT);
        let mut resources: Vec<ResourceWrite> = numbers.clone().map(put).collect();
        let old: Vec<usize> = numbers.filter(|number| (number / LISTED).is_multiple_of(10)).collect();
        for number in &old {
            next += 1;
            resources.push(ResourceWrite { key: ResourceKey::parse(&gone(*number)).expect("a key"), ..put(next) });
        }
        commit(store, resources).await;
        let mut deletions = Vec::new();
        for number in old {
            next += 1;
            deletions.push(write(gone(number), Change::Delete, next));
        }
        commit(store, deletions).await;
    }
}

async fn commit(store: &Store, resources: Vec<ResourceWrite>) {
    store.commit(Unit { resources, ..Unit::default() }).await.expect("a unit is committed");
}

/// One side: its server, and the page that is asked for.
struct Side {
    server: TestServer,
    path: String,
}

impl Side {
    async fn start(database: &TestDatabase, keys: usize) -> Self {
        let store = database.open().await;
        fill(&store, keys).await;
        store.close().await;
        let cache = std::env::temp_dir().join("sluice-bench-cache");
        let cache = cache.to_str().expect("a temporary directory is text");
        let server = TestServer::start(database, cache, ServerOptions::default()).await;
        // In the middle, in a prefix where keys were deleted, too.
        let prefix = keys / LISTED / 20 * 10;
        Self { server, path: format!("/resource?prefix=project/p{prefix:06}/&limit={LISTED}") }
    }

    /// The time of each of some requests.
    async fn ask(&self) -> Vec<Duration> {
        let mut connection = Connection::open(address(&self.server.base)).await;
        let mut times = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let asked = Instant::now();
            let (status, body) = connection.send("GET", &self.path, &self.server.operator, "").await;
            times.push(asked.elapsed());
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            let page: Value = serde_json::from_slice(&body).expect("a page");
            assert_eq!(page["count"], LISTED, "{page:#}");
        }
        times
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn compare(small: &TestDatabase, large: &TestDatabase, keys: usize) -> bool {
    let began = Instant::now();
    let (small, large) = (Side::start(small, SMALL).await, Side::start(large, keys).await);
    let filled = began.elapsed();
    let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
    // In turns, so that both meet the same machine; the first round warms up.
    for round in 0..=ROUNDS {
        let (times_small, times_large) = (small.ask().await, large.ask().await);
        if round > 0 {
            of_small.extend(times_small);
            of_large.extend(times_large);
        }
    }
    let (of_small, of_large) = (median(of_small), median(of_large));
    let ratio = of_large.as_secs_f64() / of_small.as_secs_f64();
    let verdict = if ratio <= TARGET { "met" } else { "MISSED" };
    println!(
        "{LISTED} of {keys}: {of_large:.2?}, of {SMALL}: {of_small:.2?}, ratio {ratio:.2} (target {TARGET}: {verdict}); filled in {filled:.0?}"
    );
    small.server.stop().await;
    large.server.stop().await;
    ratio <= TARGET
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let keys = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    print!("SQLite: ");
    let mut is_met = compare(&TestDatabase::sqlite(), &TestDatabase::sqlite(), keys).await;
    if let (Some(small), Some(large)) = (TestDatabase::postgres().await, TestDatabase::postgres().await) {
        print!("PostgreSQL: ");
        is_met &= compare(&small, &large, keys).await;
    }
    if is_met { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
