//! How long a search of one partition takes among many over HTTP, against the database's own search for the
//! same words and against the same partition alone in a database.
//!
//! The bare side is one table of all texts with an index of their words, the partition as a condition and the
//! database's own order, asked for the eight best texts by sqlx on a connection of its own; ours answers eight
//! whole records with every condition on them, ranked, with its entry in the audit. The sides take turns, query by
//! query, by one client. The targets are twice the bare query's median and 99th percentile, and for the 99th
//! percentile 1.5 times that of the partition alone. `own tables by hand` asks the store's own index, which each
//! word stands in with its partition, and its own texts: what of ours is the database's search, whatever the design.
//! No answer is given before its entry in the audit is on disk; `bare row written` is what one committed row of text
//! costs on the bare side's connection, and on PostgreSQL that is most of a search of a small partition.
//!
//! `cargo bench -p e2e --bench memory_search`, with the number of records (1,000,000 by default, a
//! thousand in each partition; on PostgreSQL a tenth of it, because it takes longer to fill) and the number of
//! queries (2,000) as arguments; a third, `sqlite` or `postgres`, leaves the other database out.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::load::{Connection, address};
use e2e::postgres::{Cluster, Fsync};
use e2e::random::Random;
use e2e::server::{ServerOptions, TestServer};
use serde_json::{Value, json};
use sluice::store::{Store, Unit, Write};
use tokio::time::Instant;

mod bare;
mod texts;

use bare::Bare;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RECORDS_PER_PARTITION: usize = 1_000;
const BARE_TARGET: f64 = 2.0;
const ALONE_TARGET: f64 = 1.5;
/// Partitions that are written at once, each in one unit.
const UNITS_AT_ONCE: usize = 4;
/// Which share of the records PostgreSQL is filled with.
const POSTGRES_SHARE: usize = 10;

/// A server over a database that has these partitions.
struct Side {
    server: TestServer,
    connection: Connection,
    database: TestDatabase,
}

impl Side {
    async fn start(database: TestDatabase, partitions: &[usize]) -> Self {
        let store = database.open().await;
        fill(&store, partitions).await;
        store.close().await;
        let cache = std::env::temp_dir().join("sluice-bench-cache");
        let cache = cache.to_str().expect("a temporary directory is text");
        let server = TestServer::start(&database, cache, ServerOptions::default()).await;
        let connection = Connection::open(address(&server.base)).await;
        Self { server, connection, database }
    }

    /// How many records are found.
    async fn search(&mut self, partition: usize, query: &str) -> usize {
        let body = json!({"query": query, "project_id": texts::project(partition), "tiers": ["project"]});
        let (status, answer) = self.connection.post("/memory/search", &self.server.operator, &body.to_string()).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        let answer: Value = serde_json::from_slice(&answer).expect("an answer");
        answer["results"].as_array().map_or(0, Vec::len)
    }
}

async fn fill(store: &Store, partitions: &[usize]) {
    let begun = Instant::now();
    for some in partitions.chunks(UNITS_AT_ONCE) {
        let units = some.iter().map(|partition| {
            let write = |number| Write::Memory(Box::new(texts::record(*partition, number)));
            let unit = Unit { writes: (0..RECORDS_PER_PARTITION).map(write).collect(), ..Unit::default() };
            let store = store.clone();
            tokio::spawn(async move { store.commit(unit).await.expect("each content once") })
        });
        for unit in units.collect::<Vec<_>>() {
            unit.await.expect("a commit that ends well");
        }
    }
    let count = partitions.len() * RECORDS_PER_PARTITION;
    println!("  {count} records put in {:.1} s", begun.elapsed().as_secs_f64());
}

/// Times of one side.
struct Times(Vec<Duration>);

impl Times {
    fn at(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
        let place = (self.0.len() as f64 * share) as usize;
        self.0[place.min(self.0.len() - 1)].as_secs_f64() * 1e3
    }
}

const SIDES: [&str; 6] = [
    "bare query",
    "search",
    "search of one partition",
    "that partition alone",
    "own tables by hand",
    "bare row written",
];

/// Compares all sides on one kind of database; whether the targets are met.
async fn compare(
    name: &str,
    [many, alone]: [TestDatabase; 2],
    mut bare: Bare,
    partitions: usize,
    queries: usize,
) -> bool {
    println!("{name}, {partitions} partitions of {RECORDS_PER_PARTITION} records:");
    // One in the middle of everything.
    let middle = partitions / 2;
    let mut many = Side::start(many, &(0..partitions).collect::<Vec<_>>()).await;
    let mut alone = Side::start(alone, &[middle]).await;
    let mut own = Bare::own(&many.database.location).await;
    let random = &mut Random::new(42);
    let mut times: [Times; SIDES.len()] = std::array::from_fn(|_| Times(Vec::with_capacity(queries)));
    for round in 0..queries + queries / 10 {
        let anywhere = random.below(partitions);
        let text = texts::query(random, anywhere, RECORDS_PER_PARTITION);
        let of_middle = texts::query(random, middle, RECORDS_PER_PARTITION);
        let mut moments = vec![Instant::now()];
        let mut found = Vec::new();
        found.push(bare.search(anywhere, &text).await);
        moments.push(Instant::now());
        found.push(many.search(anywhere, &text).await);
        moments.push(Instant::now());
        found.push(many.search(middle, &of_middle).await);
        moments.push(Instant::now());
        found.push(alone.search(middle, &of_middle).await);
        moments.push(Instant::now());
        found.push(own.search_own(anywhere, &text).await);
        moments.push(Instant::now());
        bare.note(&text).await;
        moments.push(Instant::now());
        assert!(found.iter().all(|found| *found > 0), "each query has a record it was made from: {text}");
        assert_eq!((found[0], found[4]), (found[1], found[1]), "all sides find as many: {text}");
        assert_eq!(found[2], found[3], "the same partition: {of_middle}");
        // The first tenth warms everything up.
        if round >= queries / 10 {
            for (times, pair) in times.iter_mut().zip(moments.windows(2)) {
                times.0.push(pair[1] - pair[0]);
            }
        }
    }
    many.server.stop().await;
    alone.server.stop().await;
    report(&mut times)
}

fn report(times: &mut [Times; SIDES.len()]) -> bool {
    println!("  {:<26} {:>10} {:>10}", "milliseconds", "p50", "p99");
    let figures: Vec<[f64; 2]> = times.iter_mut().map(|times| [times.at(0.5), times.at(0.99)]).collect();
    for (name, [median, late]) in SIDES.iter().zip(&figures) {
        println!("  {name:<26} {median:>10.3} {late:>10.3}");
    }
    let ratios = [
        ("search / bare, p50", figures[1][0] / figures[0][0], BARE_TARGET),
        ("search / bare, p99", figures[1][1] / figures[0][1], BARE_TARGET),
        ("among others / alone, p99", figures[2][1] / figures[3][1], ALONE_TARGET),
    ];
    let mut is_met = true;
    for (name, ratio, target) in ratios {
        let verdict = if ratio <= target { "met" } else { "MISSED" };
        is_met &= ratio <= target;
        println!("  {name:<28} {ratio:>7.2} (target {target:.1}: {verdict})");
    }
    let [median, late] = [0, 1].map(|at| figures[1][at] / figures[4][at]);
    println!("  {:<28} {median:>7.2} and {late:.2} at the 99th percentile", "search / own tables, p50");
    let [median, late] = [0, 1].map(|at| figures[1][at] / (figures[0][at] + figures[5][at]));
    println!("  {:<28} {median:>7.2} and {late:.2} at the 99th percentile", "search / bare and row, p50");
    is_met
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let (records, queries) = (numbers.next().unwrap_or(1_000_000), numbers.next().unwrap_or(2_000));
    let is_wanted =
        |name: &str| !arguments.iter().any(|other| ["sqlite", "postgres"].contains(&other.as_str()) && other != name);
    let partitions = |records: usize| (records / RECORDS_PER_PARTITION).max(1);
    let mut is_met = true;
    if is_wanted("sqlite") {
        let partitions = partitions(records);
        let databases = [TestDatabase::sqlite(), TestDatabase::sqlite()];
        is_met &= compare("SQLite", databases, Bare::sqlite(partitions).await, partitions, queries).await;
    }
    if is_wanted("postgres")
        && let Some(cluster) = Cluster::start(Fsync::On)
    {
        let partitions = partitions(records / POSTGRES_SHARE);
        let databases = [TestDatabase::of_cluster(&cluster).await, TestDatabase::of_cluster(&cluster).await];
        let bare = Bare::postgres(&cluster, partitions).await;
        is_met &= compare("PostgreSQL", databases, bare, partitions, queries).await;
    }
    if is_met { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
