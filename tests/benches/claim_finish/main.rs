//! Runs claimed and finished per second, by 64 workers in process that take one or ten at a time.
//!
//! The engine's side is the whole of it: a claim waits at the dispatcher, its run is read, claimed
//! with a run token, given its inputs and finished. The store's side commits the very same rows, two
//! guarded units for each run by 64 callers, and does nothing else; how that compares with bare sqlx
//! is what `unit_of_work` tells. Each turn works off 16 missions with 1,000 queued runs each, with
//! full synchronisation, the sides in turns on databases of their own.
//!
//! `cargo bench -p e2e --bench claim_finish`, with the number of turns as an argument (2 by default).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::engine::{claim, finished};
use e2e::postgres::{Cluster, Fsync};
use e2e::scripted::Scripted;
use sluice::clock::SystemClock;
use sluice::engine::{Claim, Engine, FinishStatus};
use sluice::store::{Location, Store};
use tokio::task::JoinSet;
use tokio::time::Instant;

mod rows;

/// Missions of one turn, and queued runs of each.
const MISSIONS: usize = 16;
const RUNS_EACH: usize = 1_000;
const RUNS: usize = MISSIONS * RUNS_EACH;
const WORKERS: usize = 64;
/// Of the store's side.
const TARGET: f64 = 0.5;

/// Claims and finishes every queued run; the time it took.
async fn engine_turn(engine: &Engine, at_a_time: usize) -> Duration {
    let left = Arc::new(AtomicUsize::new(RUNS));
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for number in 0..WORKERS {
        let (engine, left) = (engine.clone(), Arc::clone(&left));
        workers.spawn(async move {
            while left.load(Ordering::SeqCst) > 0 {
                let claim =
                    Claim { max: at_a_time, lease_ms: 60_000, wants_token: true, ..claim(&format!("agent.{number}")) };
                let held = engine.claim(claim, Duration::from_millis(20)).await.expect("runs can be claimed");
                for held in held {
                    let report = finished(FinishStatus::Succeeded);
                    engine.finish_run(&held, report).await.expect("whoever holds it finishes it");
                    left.fetch_sub(1, Ordering::SeqCst);
                }
            }
        });
    }
    workers.join_all().await;
    begun.elapsed()
}

/// Writes the same rows for every queued run; the time it took.
async fn store_turn(store: &Store, turn: usize) -> Duration {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..WORKERS {
        let (store, next) = (store.clone(), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= RUNS {
                    return;
                }
                let queued = rows::queued_run(turn, number / RUNS_EACH, number % RUNS_EACH);
                for unit in rows::claimed_and_finished(queued) {
                    store.commit(unit).await.expect("a unit that conflicts with nobody");
                }
            }
        });
    }
    callers.join_all().await;
    begun.elapsed()
}

/// Compares both sides on two empty databases of one kind; whether the target is met.
async fn compare(name: &str, [ours, theirs]: [&Location; 2], at_a_time: usize, turns: usize) -> bool {
    let (ours, theirs) = (
        Store::open(ours).await.expect("the engine's database"),
        Store::open(theirs).await.expect("the store's database"),
    );
    let engine =
        Engine::new(ours.clone(), Arc::new(Scripted::default()), Arc::new(SystemClock::new()), "bench".to_owned());
    let (mut by_engine, mut by_store) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..turns {
        rows::fill(&ours, turn, MISSIONS, RUNS_EACH).await;
        rows::fill(&theirs, turn, MISSIONS, RUNS_EACH).await;
        by_engine += engine_turn(&engine, at_a_time).await;
        by_store += store_turn(&theirs, turn).await;
    }
    ours.close().await;
    theirs.close().await;
    let per_second = |time: Duration| (turns * RUNS) as f64 / time.as_secs_f64();
    let (ours, theirs) = (per_second(by_engine), per_second(by_store));
    let ratio = ours / theirs;
    let verdict = if ratio >= TARGET { "met" } else { "MISSED" };
    println!("{name:<12} {at_a_time:>9} {ours:>12.0} {theirs:>12.0} {ratio:>8.2}   {verdict}");
    ratio >= TARGET
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let turns = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2);
    let cluster = Cluster::start(Fsync::On);
    println!(
        "{:<12} {:>9} {:>12} {:>12} {:>8}   target {TARGET}",
        "database", "at a time", "runs/s", "store/s", "ratio"
    );
    let mut is_met = true;
    for at_a_time in [1, 10] {
        let (ours, theirs) = (TestDatabase::sqlite(), TestDatabase::sqlite());
        is_met &= compare("sqlite", [&ours.location, &theirs.location], at_a_time, turns).await;
    }
    if let Some(cluster) = &cluster {
        for at_a_time in [1, 10] {
            let ours = Location::Postgres { url: cluster.create_database().await };
            let theirs = Location::Postgres { url: cluster.create_database().await };
            is_met &= compare("postgres", [&ours, &theirs], at_a_time, turns).await;
        }
    }
    if is_met { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
