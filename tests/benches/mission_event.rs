//! Durable events per second over HTTP, against the same rows written by the store in process.
//!
//! Each client has a mission of its own and waits for each answer; an event is a call of the
//! mission's reducer, a history entry, the mission's header and one event of the log, on disk with
//! full synchronisation when it is answered. The reference commits exactly those rows, prepared, from
//! as many tasks. Client and server share the machine's cores. The target is half of the reference at
//! 64 clients. The second table tells what an event costs in a mission of 10,000 items, against one
//! of 10; the target is 1.5 times.
//!
//! `cargo bench -p e2e --bench mission_event`, with the seconds for each figure as an argument (3 by
//! default).

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::load::{Connection, address};
use e2e::server::{ServerOptions, TestServer};
use serde_json::{Value, json};
use sluice::domain::event::{Disposition, HistoryEntry, InputKind, NewLogEvent};
use sluice::domain::id::{EventId, MissionId};
use sluice::domain::json::Json;
use sluice::domain::mission::Mission;
use sluice::engine::Engine;
use sluice::store::{Guard, Store, Unit, Write};
use tokio::time::Instant;

const TARGET: f64 = 0.5;
const SIZE_TARGET: f64 = 1.5;
const EVENT: &str = r#"{"event":{"type":"tool_observed","tool":"grep"}}"#;

async fn mission(server: &TestServer, items: usize) -> String {
    let items: Vec<Value> = (0..items).map(|n| json!({"id": format!("i{n}"), "title": "An item"})).collect();
    let body = json!({"title": "Measured", "work_items": items, "start": true, "budgets": {"max_parallel_runs": 1}});
    let made = server.post("/mission", body).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    made.body["mission"]["id"].as_str().expect("an id").to_owned()
}

/// Events answered in `time` by one client for each of `missions`, per second.
async fn over_http(server: &TestServer, missions: &[String], time: Duration) -> f64 {
    let begun = Instant::now();
    let clients: Vec<_> = missions
        .iter()
        .map(|id| {
            let (at, token, path) = (address(&server.base), server.operator.clone(), format!("/mission/{id}/event"));
            tokio::spawn(async move {
                let mut connection = Connection::open(at).await;
                let mut count = 0_u32;
                while begun.elapsed() < time {
                    let (status, body) = connection.post(&path, &token, EVENT).await;
                    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    for client in clients {
        count += client.await.expect("a client that ends well");
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// The same rows, from one task for each of `missions`, per second.
async fn in_process(store: &Store, missions: &[String], time: Duration) -> f64 {
    let mut tasks = Vec::new();
    let begun = Instant::now();
    for id in missions {
        let found = store.mission(&Engine::local_workspace(), &MissionId::new(id.as_str())).await;
        let mut mission = found.expect("it can be read").expect("it is there");
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut count = 0_u32;
            while begun.elapsed() < time {
                store.commit(unit(&mut mission)).await.expect("nobody else writes it");
                count += 1;
            }
            count
        }));
    }
    let mut count = 0;
    for task in tasks {
        count += task.await.expect("a task that ends well");
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

fn unit(mission: &mut Mission) -> Unit {
    let seq = mission.revision;
    mission.revision += 1;
    let event_id = EventId::new(format!("evt_{}_{seq}", mission.id));
    let entry = HistoryEntry {
        workspace_id: mission.workspace_id.clone(),
        mission_id: mission.id.clone(),
        seq,
        event_id: event_id.clone(),
        kind: InputKind::ToolObserved,
        work_item_id: None,
        run_id: None,
        data: Json::from_valid(r#"{"tool":"grep"}"#),
        occurred_at: mission.updated_at,
        actor: "user.root".to_owned(),
        commands: Json::from_valid("[]"),
        assigned_ids: Json::from_valid("[]"),
        disposition: Disposition::Applied,
        refusal: None,
        reducer_digest: mission.bindings.reducer.digest.to_string(),
        fuel: 100_000,
    };
    let properties =
        json!({"mission_id": mission.id.as_str(), "revision": seq + 1, "status": "running", "command_count": 0});
    let told = NewLogEvent {
        event_id,
        event_type: "mission.updated".to_owned(),
        workspace_id: mission.workspace_id.clone(),
        session_id: None,
        run_id: None,
        mission_id: Some(mission.id.clone()),
        resource_key: None,
        actor: "user.root".to_owned(),
        occurred_at: mission.updated_at,
        properties: Json::from_valid(properties.to_string()),
    };
    Unit {
        guards: vec![Guard::mission(&mission.id, Some(seq))],
        writes: vec![Write::Mission(mission.clone()), Write::History(entry)],
        events: vec![told],
        ..Unit::default()
    }
}

async fn missions(server: &TestServer, count: usize, items: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(mission(server, items).await);
    }
    ids
}

async fn compare_clients(time: Duration) -> bool {
    println!("{:>7} {:>12} {:>14} {:>8}   target {TARGET} at 64", "clients", "events/s", "in process/s", "ratio");
    let mut is_met = true;
    for clients in [1, 16, 64] {
        let database = TestDatabase::sqlite();
        let cache = std::env::temp_dir().join("sluice-bench-cache");
        let cache = cache.to_str().expect("a temporary directory is text");
        let server = TestServer::start(&database, cache, ServerOptions::default()).await;
        let (theirs, ours) = (missions(&server, clients, 10).await, missions(&server, clients, 10).await);
        let (mut http, mut direct) = (0.0, 0.0);
        // In turns, so that both meet the same disk.
        for _ in 0..3 {
            http += over_http(&server, &ours, time / 3).await / 3.0;
            direct += in_process(server.engine.store(), &theirs, time / 3).await / 3.0;
        }
        server.stop().await;
        let ratio = http / direct;
        let judged = clients == 64;
        is_met &= !judged || ratio >= TARGET;
        let verdict = if !judged {
            ""
        } else if ratio >= TARGET {
            "met"
        } else {
            "MISSED"
        };
        println!("{clients:>7} {http:>12.0} {direct:>14.0} {ratio:>8.2}   {verdict}");
    }
    is_met
}

async fn compare_sizes(time: Duration) -> bool {
    let database = TestDatabase::sqlite();
    let cache = std::env::temp_dir().join("sluice-bench-cache");
    let cache = cache.to_str().expect("a temporary directory is text");
    let server = TestServer::start(&database, cache, ServerOptions::default()).await;
    let (small, large) = (missions(&server, 1, 10).await, missions(&server, 1, 10_000).await);
    let (mut of_small, mut of_large) = (0.0, 0.0);
    for _ in 0..3 {
        of_small += over_http(&server, &small, time / 3).await / 3.0;
        of_large += over_http(&server, &large, time / 3).await / 3.0;
    }
    server.stop().await;
    let times = of_small / of_large;
    let verdict = if times <= SIZE_TARGET { "met" } else { "MISSED" };
    println!("\n{:>12} {:>14} {:>8}   target {SIZE_TARGET}", "10 items/s", "10,000 items/s", "times");
    println!("{of_small:>12.0} {of_large:>14.0} {times:>8.2}   {verdict}");
    times <= SIZE_TARGET
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(3.0);
    let time = Duration::from_secs_f64(seconds);
    let is_met = compare_clients(time).await & compare_sizes(time).await;
    if is_met { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
