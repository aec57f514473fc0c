//! How long a search of one partition takes among many, against a bare FTS5 query for the same words
//! and against the same partition alone in a database.
//!
//! The bare side is a table with the partition as a word beside the text's, asked for the eight best
//! rowids by sqlx on a connection of its own; ours answers eight whole records with every condition on
//! them, ranked. The sides take turns, query by query. The targets are twice the bare query's median
//! and 99th percentile, and for the 99th percentile 1.5 times that of the partition alone. The last
//! line asks the store's own table of words by hand: what of ours is the search for words itself.
//!
//! `cargo bench -p e2e --bench memory_search`, with the number of records (1,000,000 by default, a
//! thousand in each partition) and the number of queries (2,000) as arguments.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::random::Random;
use sluice::domain::memory::{Query, Scope};
use sluice::domain::time::Timestamp;
use sluice::store::{Location, MemoryFilter, MemorySearch, Store, Unit, Write};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::time::Instant;

mod bare;
mod texts;

use bare::Bare;

const RECORDS_PER_PARTITION: usize = 1_000;
const BARE_TARGET: f64 = 2.0;
const ALONE_TARGET: f64 = 1.5;
/// Records of one unit, and units that are under way at once.
const UNIT: usize = 250;
const UNITS_AT_ONCE: usize = 4;

async fn load(store: &Store, partitions: &[usize]) {
    let begun = Instant::now();
    for partition in partitions {
        let units = (0..RECORDS_PER_PARTITION / UNIT).map(|unit| {
            let records = unit * UNIT..(unit + 1) * UNIT;
            let write = |number| Write::Memory(Box::new(texts::record(*partition, number)));
            let unit = Unit { writes: records.map(write).collect(), ..Unit::default() };
            let store = store.clone();
            tokio::spawn(async move { store.commit(unit).await.expect("each content once") })
        });
        let units: Vec<_> = units.collect();
        assert!(units.len() <= UNITS_AT_ONCE, "a partition's units at once");
        for unit in units {
            unit.await.expect("a commit that ends well");
        }
    }
    let count = partitions.len() * RECORDS_PER_PARTITION;
    println!("  {count} records put in {:.1} s", begun.elapsed().as_secs_f64());
}

async fn search(store: &Store, partition: usize, text: &str) -> usize {
    let (workspace, query) = (texts::workspace(), Query::parse(text));
    let scopes = [Scope::shared(texts::partition(partition)), Scope::private(texts::partition(partition), "user.ada")];
    let search = MemorySearch {
        workspace_id: &workspace,
        scopes: &scopes,
        query: &query,
        vector: None,
        filter: &MemoryFilter::default(),
        trusted_only: false,
        now: Timestamp(1_900_000_000_000),
        limit: 8,
        max_chars: None,
    };
    store.search_memories(&search).await.expect("a search").len()
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

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let mut number = |default: usize| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let (records, queries) = (number(1_000_000), number(2_000));
    let partitions: Vec<usize> = (0..(records / RECORDS_PER_PARTITION).max(1)).collect();
    // One in the middle of everything.
    let middle = partitions.len() / 2;

    println!("{} partitions of {RECORDS_PER_PARTITION} records:", partitions.len());
    let (database, alone_database) = (TestDatabase::sqlite(), TestDatabase::sqlite());
    let (store, alone) = (database.open().await, alone_database.open().await);
    load(&store, &partitions).await;
    load(&alone, &[middle]).await;
    let mut bare = Bare::load(partitions.len(), RECORDS_PER_PARTITION).await;
    let Location::Sqlite { directory } = &database.location else { unreachable!("it is SQLite's") };
    let options = SqliteConnectOptions::new().filename(directory.join("sluice.db")).read_only(true);
    let mut own = SqliteConnection::connect_with(&options).await.expect("it is there");

    let random = &mut Random::new(42);
    let mut times: [Times; 5] = std::array::from_fn(|_| Times(Vec::with_capacity(queries)));
    for round in 0..queries + queries / 10 {
        let anywhere = random.below(partitions.len());
        let text = texts::query(random, anywhere, RECORDS_PER_PARTITION);
        let of_middle = texts::query(random, middle, RECORDS_PER_PARTITION);
        let key = Scope::shared(texts::partition(anywhere)).key();
        let words: Vec<String> = text.split(' ').map(|word| format!("\"{}w{word}\"", key.as_str())).collect();
        let mut moments = vec![Instant::now()];
        let mut found = Vec::new();
        found.push(bare.search(anywhere, &text).await);
        moments.push(Instant::now());
        found.push(search(&store, anywhere, &text).await);
        moments.push(Instant::now());
        found.push(search(&store, middle, &of_middle).await);
        moments.push(Instant::now());
        found.push(search(&alone, middle, &of_middle).await);
        moments.push(Instant::now());
        found.push(bare::found(&mut own, "memory_fts_1", &words.join(" OR ")).await);
        moments.push(Instant::now());
        assert!(found.iter().all(|found| *found > 0), "each query has a record it was made from: {text}");
        assert_eq!(found[0], found[1], "both sides find as many: {text}");
        assert_eq!(found[2], found[3], "the same partition: {of_middle}");
        // The first tenth warms everything up.
        if round >= queries / 10 {
            for (times, pair) in times.iter_mut().zip(moments.windows(2)) {
                times.0.push(pair[1] - pair[0]);
            }
        }
    }

    let names = ["bare FTS5 query", "search", "search of one partition", "that partition alone", "own words by hand"];
    println!("\n{:<26} {:>10} {:>10}", "milliseconds", "p50", "p99");
    let figures: Vec<[f64; 2]> = times.iter_mut().map(|times| [times.at(0.5), times.at(0.99)]).collect();
    for (name, [median, late]) in names.iter().zip(&figures) {
        println!("{name:<26} {median:>10.3} {late:>10.3}");
    }
    let ratios = [
        ("search / bare, p50", figures[1][0] / figures[0][0], BARE_TARGET),
        ("search / bare, p99", figures[1][1] / figures[0][1], BARE_TARGET),
        ("among others / alone, p99", figures[2][1] / figures[3][1], ALONE_TARGET),
    ];
    println!();
    let mut is_met = true;
    for (name, ratio, target) in ratios {
        let verdict = if ratio <= target { "met" } else { "MISSED" };
        is_met &= ratio <= target;
        println!("{name:<28} {ratio:>7.2} (target {target:.1}: {verdict})");
    }
    store.close().await;
    alone.close().await;
    std::process::exit(i32::from(!is_met));
}
