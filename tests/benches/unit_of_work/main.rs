//! Units of work per second, against the same rows written set-based by bare sqlx.
//!
//! Both sides write the same four rows and two events for each unit, with full synchronisation,
//! to the same disk, in turns, in one run. The store's side has 1, 16 or 64 callers in process that
//! each wait for their answer before they commit again, every unit guarded by its mission's
//! revision. The bare side has one connection and one task that writes 1, 16 or 64 units in a
//! transaction; only the writing is timed, not the making of its arguments, nothing is guarded
//! and nobody answered. The target is half of the bare side.
//!
//! `cargo bench -p e2e --bench unit_of_work`, with the number of seconds for each figure as an
//! argument (2 by default).

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::postgres::{Cluster, Fsync};
use sluice::store::{Location, Store};
use tokio::time::Instant;

mod rows;
mod bare;

use bare::Bare;
use rows::Rows;

const TARGET: f64 = 0.5;

/// Turns that each side takes; the figure is that of all of them together.
const TURNS: u32 = 4;

/// Units written and the time it took.
#[derive(Default)]
struct Tally {
    units: u64,
    time: Duration,
}

impl Tally {
    fn add(&mut self, units: u64, time: Duration) {
        self.units += units;
        self.time += time;
    }

    #[expect(clippy::cast_precision_loss, reason = "a run writes fewer than 2^52 units")]
    fn per_second(&self) -> f64 {
        self.units as f64 / self.time.as_secs_f64()
    }
}

/// One turn of the store's side, with a caller for each of `revisions`, which move on.
async fn store_turn(store: &Store, revisions: &mut [u64], time: Duration) -> u64 {
    let until = Instant::now() + time;
    let callers: Vec<_> = revisions
        .iter()
        .copied()
        .enumerate()
        .map(|(mission, mut revision)| {
            let store = store.clone();
            tokio::spawn(async move {
                while Instant::now() < until {
                    revision += 1;
                    let unit = Rows::new(mission, revision).unit();
                    store.commit(unit).await.expect("a unit that conflicts with nobody");
                }
                revision
            })
        })
        .collect();
    let mut units = 0;
    for (caller, revision) in callers.into_iter().zip(revisions) {
        let after = caller.await.expect("a caller that ends well");
        units += after - *revision;
        *revision = after;
    }
    units
}

/// Compares both sides on two empty databases of one kind; whether the target is met.
async fn compare(name: &str, [ours, theirs]: [&Location; 2], callers: usize, time: Duration) -> bool {
    let store = Store::open(ours).await.expect("the store's database");
    Store::open(theirs).await.expect("the bare side's database").close().await;
    let mut bare = Bare::connect(theirs).await;
    let (mut our_revisions, mut their_revisions) = (vec![0; callers], vec![0; callers]);
    let (mut ours, mut theirs) = (Tally::default(), Tally::default());
    for _ in 0..TURNS {
        let begun = Instant::now();
        let units = store_turn(&store, &mut our_revisions, time / TURNS).await;
        ours.add(units, begun.elapsed());
        // In a task as the store's writer is: a future of `main` itself is woken more slowly.
        let turn = tokio::spawn(async move {
            let done = bare.turn(&mut their_revisions, time / TURNS).await;
            (bare, their_revisions, done)
        });
        let (units, spent);
        (bare, their_revisions, (units, spent)) = turn.await.expect("a side that ends well");
        theirs.add(units, spent);
    }
    store.close().await;
    bare.close().await;
    let (ours, theirs) = (ours.per_second(), theirs.per_second());
    let ratio = ours / theirs;
    let verdict = if ratio >= TARGET { "met" } else { "MISSED" };
    println!("{name:<12} {callers:>7} {ours:>12.0} {theirs:>12.0} {ratio:>8.2}   {verdict}");
    ratio >= TARGET
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2.0);
    let time = Duration::from_secs_f64(seconds);
    let cluster = Cluster::start(Fsync::On);
    println!("{:<12} {:>7} {:>12} {:>12} {:>8}   target {TARGET}", "database", "callers", "units/s", "bare/s", "ratio");
    let mut is_met = true;
    for callers in [1, 16, 64] {
        let (ours, theirs) = (TestDatabase::sqlite(), TestDatabase::sqlite());
        is_met &= compare("sqlite", [&ours.location, &theirs.location], callers, time).await;
    }
    if let Some(cluster) = &cluster {
        for callers in [1, 16, 64] {
            let ours = Location::Postgres { url: cluster.create_database().await };
            let theirs = Location::Postgres { url: cluster.create_database().await };
            is_met &= compare("postgres", [&ours, &theirs], callers, time).await;
        }
    }
    if is_met { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
