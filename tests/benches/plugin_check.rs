//! How long a check takes on 10,000 recorded events: of one long mission, and of a hundred short ones.
//!
//! The reducer that comes with the host is tried on what it decided itself, so that nothing may differ. The target is
//! 5 s on two cores.
//!
//! `cargo bench -p e2e --bench plugin_check`.

use e2e::databases::TestDatabase;
use e2e::server::{ServerOptions, TestServer};
use serde_json::{Map, Value, json};
use sluice::domain::event::InputKind;
use sluice::domain::id::MissionId;
use sluice::engine::{Engine, Tried};
use sluice_api::check::{CheckAsk, CheckReport};

const EVENTS: u64 = 10_000;
const TARGET_MS: u64 = 5_000;
/// Checks of which the fastest counts.
const TRIES: usize = 3;

async fn mission(server: &TestServer) -> MissionId {
    let items: Vec<Value> = (0..10).map(|n| json!({"id": format!("i{n}"), "title": "An item"})).collect();
    let made = server.post("/mission", json!({"title": "Measured", "work_items": items, "start": true})).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    let id = MissionId::new(made.body["mission"]["id"].as_str().expect("an id"));
    server.engine.catch_up(&id).await.expect("it begins");
    id
}

/// Tells a mission until its history is so long.
async fn fill(engine: Engine, id: MissionId, length: u64) {
    let workspace = Engine::local_workspace();
    loop {
        let data: Map<String, Value> = Map::from_iter([("tool".to_owned(), json!("grep"))]);
        let told = engine.post_event(&workspace, &id, InputKind::ToolObserved, data, "user.bench").await;
        if told.expect("it is taken").mission.revision >= length {
            return;
        }
    }
}

async fn check(server: &TestServer) -> CheckReport {
    let ask: CheckAsk = serde_json::from_value(json!({"role": "reducer", "last": EVENTS})).expect("it fits");
    let found = server.get("/plugins?limit=500").await.body;
    let plugins = found["items"].as_array().expect("plugins").iter();
    let digest = plugins.filter(|plugin| plugin["name"] == "mission-default").find_map(|of| of["digest"].as_str());
    let digest = digest.and_then(sluice::domain::artifact::Digest::parse).expect("the host's reducer");
    let check = server.engine.prepare_check(&Engine::local_workspace(), Tried::Registered(digest), &ask).await;
    check.unwrap_or_else(|error| panic!("it can be made: {error}")).run().await.expect("it comes to its end")
}

async fn measure(missions: u64) -> bool {
    let cache = std::env::temp_dir().join("sluice-bench-cache");
    let cache = cache.to_str().expect("a temporary directory is text");
    let database = TestDatabase::sqlite();
    let server = TestServer::start(&database, cache, ServerOptions::default()).await;
    let mut filling = Vec::new();
    for _ in 0..missions {
        let id = mission(&server).await;
        filling.push(tokio::spawn(fill(server.engine.clone(), id, EVENTS / missions)));
    }
    for filled in filling {
        filled.await.expect("it is filled");
    }
    let mut best = u64::MAX;
    for _ in 0..TRIES {
        let report = check(&server).await;
        assert_eq!((report.events, report.same, report.is_complete), (EVENTS, EVENTS, true), "{report:#?}");
        best = best.min(report.took_ms);
    }
    println!("{missions:>9} {EVENTS:>8} {best:>8} ms   target {TARGET_MS} ms");
    server.stop().await;
    best <= TARGET_MS
}

#[tokio::main]
async fn main() {
    println!("{:>9} {:>8} {:>11}", "missions", "events", "took");
    let (one, many) = (measure(1).await, measure(100).await);
    assert!(one && many, "a check takes longer than it may");
}
