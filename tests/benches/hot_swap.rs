//! Events a second while what a workspace binds is swapped every 100 ms, beside the same load left alone.
//!
//! Clients over HTTP make missions and tell each a number of events; each answer is on disk when it is given. Two sets of
//! components take turns: each a reducer and a gate, of which a mission may have the one or the other and never a
//! mixture. Rounds with and without swaps alternate on one server. After each round everything that was answered is
//! looked for: each mission, pinned to one whole set, and each event in its history. The target is 0.95 times, and
//! none lost.
//!
//! `cargo bench -p e2e --bench hot_swap`, with the seconds of a round as an argument (4 by default).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::load::{Connection, address};
use e2e::server::{ServerOptions, TestServer};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

const TARGET: f64 = 0.95;
const CLIENTS: usize = 16;
const ROUNDS: usize = 6;
const SWAP_EVERY: Duration = Duration::from_millis(100);
/// Events of each mission, beside the one that makes it.
const EVENTS: usize = 10;
const EVENT: &str = r#"{"event":{"type":"tool_observed","tool":"grep"}}"#;
const MISSION: &str = r#"{"title":"Measured","start":true,"work_items":[{"id":"a","title":"An item"}]}"#;

/// A mission, and the events it was told.
struct Told {
    id: String,
    events: usize,
}

async fn client(at: std::net::SocketAddr, token: String, until: Instant) -> Vec<Told> {
    let mut connection = Connection::open(at).await;
    let mut told = Vec::new();
    while Instant::now() < until {
        let (status, body) = connection.post("/mission", &token, MISSION).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        let made: Value = serde_json::from_slice(&body).expect("an answer is JSON");
        let id = made["mission"]["id"].as_str().expect("an id").to_owned();
        let path = format!("/mission/{id}/event");
        let mut events = 0;
        while events < EVENTS && Instant::now() < until {
            let (status, body) = connection.post(&path, &token, EVENT).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            events += 1;
        }
        told.push(Told { id, events });
    }
    told
}

/// The two sets: reducer and gate differ in their settings, which travel with the binding.
fn set(number: usize) -> Value {
    json!({"bindings": {
        "reducer": {"name": "mission-default", "settings": {"max_attempts": 2 + number}},
        "gates": {"review": {"gates": [{"name": "reviewer", "settings": {"max_files": 200 + number}}]}},
    }})
}

async fn bind(server: &TestServer, number: usize) {
    let bound = server.ask(Method::PUT, "/workspaces/local", &server.operator, set(number)).await;
    assert_eq!(bound.status, 200, "{:#}", bound.body);
}

/// Swaps until it is told to stop; how often.
async fn swap(server: Arc<TestServer>, stop: Arc<AtomicBool>) -> usize {
    let (mut swaps, mut tick) = (0, tokio::time::interval(SWAP_EVERY));
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        swaps += 1;
        bind(&server, swaps % 2).await;
    }
    swaps
}

/// Events answered a second, all of which are then looked for.
async fn round(server: &Arc<TestServer>, time: Duration, swapping: bool) -> (f64, usize) {
    let stop = Arc::new(AtomicBool::new(!swapping));
    let swaps = tokio::spawn(swap(Arc::clone(server), Arc::clone(&stop)));
    let begun = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(client(address(&server.base), server.operator.clone(), begun + time)))
        .collect();
    let mut told = Vec::new();
    for client in clients {
        told.extend(client.await.expect("a client that ends well"));
    }
    let took = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    let swaps = swaps.await.expect("each swap is taken");
    let mut sets = BTreeMap::new();
    for mission in &told {
        *sets.entry(look(server, mission).await).or_insert(0_usize) += 1;
    }
    assert!(!swapping || sets.len() == 2, "both sets were taken: {sets:?}");
    let count: usize = told.iter().map(|mission| mission.events + 1).sum();
    (f64::from(u32::try_from(count).expect("few")) / took.as_secs_f64(), swaps)
}

/// Which set a mission has: the whole of one. Each event it was told is in its history.
async fn look(server: &TestServer, mission: &Told) -> u64 {
    let page = server.get(&format!("/mission/{}/history?limit=100", mission.id)).await.body;
    let history = page["history"].as_array().expect("a history");
    let tools = history.iter().filter(|entry| entry["type"] == "tool_observed" && entry["disposition"] == "applied");
    assert_eq!(tools.count(), mission.events, "events of {}", mission.id);
    let bindings = &history[0]["data"]["bindings"];
    let number = |settings: &Value, name: &str| settings[name].as_u64().expect("a number");
    let reducer = number(&bindings["reducer"]["settings"], "max_attempts") - 2;
    let gate = bindings["gates"].as_array().expect("gates").iter().find(|gate| gate[0] == "review");
    let gate = number(&gate.expect("the gate")[1]["settings"], "max_files") - 200;
    assert_eq!(reducer, gate, "a mission with the half of each set: {bindings:#}");
    reducer
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    f64::midpoint(figures[(figures.len() - 1) / 2], figures[figures.len() / 2])
}

async fn measure(name: &str, database: &TestDatabase, time: Duration) -> bool {
    let cache = std::env::temp_dir().join("sluice-bench-cache");
    let cache = cache.to_str().expect("a temporary directory is text");
    let server = Arc::new(TestServer::start(database, cache, ServerOptions::default()).await);
    bind(&server, 0).await;
    round(&server, time / 4, true).await;
    let (mut still, mut swapped, mut ratios, mut swaps) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for number in 0..ROUNDS {
        // Each goes first as often as the other, since a log that grows makes everything a little slower.
        let order = [number % 2 == 0, number % 2 != 0];
        let mut rates = [0.0; 2];
        for swapping in order {
            let (rate, times) = round(&server, time, swapping).await;
            rates[usize::from(swapping)] = rate;
            swaps += times;
        }
        still.push(rates[0]);
        swapped.push(rates[1]);
        ratios.push(rates[1] / rates[0]);
    }
    let ratio = median(ratios);
    println!(
        "{name:<12} {:>12.0} {:>12.0} {swaps:>7} {ratio:>7.2}  target >= {TARGET}",
        median(still),
        median(swapped)
    );
    ratio >= TARGET
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(4);
    let time = Duration::from_secs(seconds);
    println!("{:<12} {:>12} {:>12} {:>7} {:>7}", "database", "events/s", "swapping", "swaps", "ratio");
    let mut met = measure("SQLite", &TestDatabase::sqlite(), time).await;
    if let Some(database) = TestDatabase::postgres().await {
        met &= measure("PostgreSQL", &database, time).await;
    }
    assert!(met, "swapping costs more than it may");
}
