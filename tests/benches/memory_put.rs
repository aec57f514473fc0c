//! Records remembered per second over HTTP, against the same rows committed by the store alone.
//!
//! Our side has 1, 16 or 64 clients that each put a text of about sixty words and wait for the answer: it is scrubbed
//! by the component, looked for among what says the same, stored, indexed, told and audited. The bare side has as
//! many callers in process that commit units of the very same rows, one record with its words, two events
//! and one entry of the audit, which nobody has to look at, by the same store's group commit, on a database of its
//! own. The sides take turns. The target is 0.3 times with 64 clients.
//!
//! `cargo bench -p e2e --bench memory_put`, with the number of seconds for each figure as an argument
//! (4 by default). On SQLite, and on PostgreSQL where there is one.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::load::{Connection, address};
use e2e::postgres::{Cluster, Fsync};
use e2e::random::Random;
use e2e::records::plain_memory;
use e2e::server::{ServerOptions, TestServer};
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::domain::audit::{AuditOutcome, NewAuditEntry};
use sluice::domain::event::NewLogEvent;
use sluice::domain::id::{EventId, WorkspaceId};
use sluice::domain::json::Json;
use sluice::domain::memory::{Partition, Tier};
use sluice::domain::time::Timestamp;
use sluice::store::{Store, Unit, Write};
use tokio::time::Instant;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TARGET: f64 = 0.3;
/// The number of clients that the target is for.
const TARGET_CLIENTS: usize = 64;
/// Turns that each side takes; the figure is that of all of them together.
const TURNS: u32 = 4;
const WORDS: usize = 60;

/// The text of this number, which says nearly the same as no other.
fn text(number: u64) -> String {
    const WORD: [&str; 24] = [
        "build",
        "cache",
        "worker",
        "queue",
        "timeout",
        "retry",
        "deploy",
        "branch",
        "schema",
        "index",
        "latency",
        "module",
        "request",
        "handler",
        "token",
        "budget",
        "planner",
        "reviewer",
        "log",
        "config",
        "release",
        "migration",
        "socket",
        "thread",
    ];
    let random = &mut Random::new(number + 1);
    let mut text = format!("Note {number}:");
    for at in 0..WORDS {
        text.push_str(if at % 12 == 11 { ". " } else { " " });
        text.push_str(random.one_of::<&str>(&WORD));
        if at % 5 == 0 {
            text.push_str(&format!(" {}", random.number() % 100_000));
        }
    }
    text
}

/// The unit that a put of this number makes.
fn unit(number: u64) -> Unit {
    let workspace_id = WorkspaceId::new("local");
    let (text, at) = (text(number), Timestamp(1_800_000_000_000 + number));
    let partition = Partition::new("local", &workspace_id, Some("p"), Tier::Project, None).expect("a name");
    let id = format!("mem_019f0000-0000-7000-8000-{number:012x}");
    let record = plain_memory(partition, &id, text, at);
    let about = json!({
        "memory_id": id, "tier": "project", "partition_key": "local/local/p/project", "kind": "note",
        "visibility": "shared", "source_type": "user", "deduped": false, "scrub_status": "passed", "finding_count": 0,
    });
    let event = |event_type: &str| NewLogEvent {
        event_id: EventId::new(format!("evt_{event_type}_{number:012x}")),
        event_type: event_type.to_owned(),
        workspace_id: workspace_id.clone(),
        session_id: None,
        run_id: None,
        mission_id: None,
        resource_key: None,
        actor: "user.root".to_owned(),
        occurred_at: at,
        properties: Json::from_valid(about.to_string()),
    };
    let detail = json!({
        "audit_id": format!("aud_{number:012x}"), "status": "stored", "visibility": "shared", "scrub_beside": null,
        "partition": {"org": "local", "project_id": "p", "tier": "project", "session_id": null},
        "scrub": {"status": "passed", "plugin": "scrubber@0.1.0", "digest": Digest::of(b"scrubber").as_str(),
            "findings": [], "fingerprints": [], "reason": null},
    });
    let audit = NewAuditEntry {
        workspace_id: workspace_id.clone(),
        at,
        actor: "user.root".to_owned(),
        action: "memory.put".to_owned(),
        resource: format!("memory/{id}"),
        outcome: AuditOutcome::Done,
        detail: Json::from_valid(detail.to_string()),
    };
    Unit {
        writes: vec![Write::Memory(Box::new(record))],
        events: vec![event("memory.write.attempted"), event("memory.write.succeeded")],
        audit: vec![audit],
        ..Unit::default()
    }
}

/// What one side did.
#[derive(Default)]
struct Tally {
    puts: u64,
    time: Duration,
}

impl Tally {
    #[expect(clippy::cast_precision_loss, reason = "a run puts fewer than 2^52 records")]
    fn per_second(&self) -> f64 {
        self.puts as f64 / self.time.as_secs_f64()
    }

    /// Adds what `callers` did, each from the number on that it is given; the next numbers.
    async fn add<C>(&mut self, callers: Vec<C>, next: &mut u64)
    where
        C: Future<Output = u64> + Send + 'static,
    {
        let begun = Instant::now();
        let callers: Vec<_> = callers.into_iter().map(tokio::spawn).collect();
        for caller in callers {
            self.puts += caller.await.expect("a caller that ends well");
        }
        self.time += begun.elapsed();
        *next += NUMBERS_PER_TURN;
    }
}

/// Numbers that the callers of one turn share; each has every n-th of them.
const NUMBERS_PER_TURN: u64 = 10_000_000;

async fn client(mut connection: Connection, token: String, mut number: u64, step: u64, until: Instant) -> u64 {
    let mut puts = 0;
    while Instant::now() < until {
        let body = json!({"text": text(number), "tier": "project", "project_id": "p", "tags": ["bench"]}).to_string();
        let (status, answer) = connection.post("/memory/put", &token, &body).await;
        let answer: Value = serde_json::from_slice(&answer).expect("an answer");
        assert_eq!((status, &answer["stored"], &answer["deduped"]), (200, &json!(true), &json!(false)), "{answer:#}");
        (number, puts) = (number + step, puts + 1);
    }
    puts
}

async fn caller(store: Store, mut number: u64, step: u64, until: Instant) -> u64 {
    let mut puts = 0;
    while Instant::now() < until {
        store.commit(unit(number)).await.expect("each content once");
        (number, puts) = (number + step, puts + 1);
    }
    puts
}

/// Compares both sides on two empty databases of one kind; whether the target is met.
async fn compare(name: &str, [ours, theirs]: [TestDatabase; 2], clients: usize, time: Duration) -> bool {
    let cache = std::env::temp_dir().join("sluice-bench-cache");
    let server = TestServer::start(&ours, cache.to_str().expect("text"), ServerOptions::default()).await;
    let store = theirs.open().await;
    let (mut by_http, mut by_store) = (Tally::default(), Tally::default());
    let (mut next, mut their_next, step) = (0, 0, clients as u64);
    // The first turn of each warms up.
    for turn in 0..=TURNS {
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(Connection::open(address(&server.base)).await);
        }
        let until = Instant::now() + time / TURNS;
        let token = &server.operator;
        let clients = (next..).zip(connections);
        let clients =
            clients.map(|(number, connection)| client(connection, token.clone(), number, step, until)).collect();
        let mut done = Tally::default();
        done.add(clients, &mut next).await;
        let until = Instant::now() + time / TURNS;
        let callers = (their_next..their_next + step).map(|number| caller(store.clone(), number, step, until));
        let mut their_done = Tally::default();
        their_done.add(callers.collect(), &mut their_next).await;
        if turn > 0 {
            for (all, done) in [(&mut by_http, done), (&mut by_store, their_done)] {
                all.puts += done.puts;
                all.time += done.time;
            }
        }
    }
    server.stop().await;
    store.close().await;
    let (ours, theirs) = (by_http.per_second(), by_store.per_second());
    let ratio = ours / theirs;
    let is_met = clients != TARGET_CLIENTS || ratio >= TARGET;
    let verdict = match (clients == TARGET_CLIENTS, is_met) {
        (false, _) => "",
        (true, true) => "met",
        (true, false) => "MISSED",
    };
    println!("{name:<12} {clients:>7} {ours:>12.0} {theirs:>12.0} {ratio:>8.2}   {verdict}");
    is_met
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(4.0);
    let time = Duration::from_secs_f64(seconds);
    let cluster = Cluster::start(Fsync::On);
    println!(
        "{:<12} {:>7} {:>12} {:>12} {:>8}   target {TARGET} with {TARGET_CLIENTS}",
        "database", "clients", "puts/s", "bare/s", "ratio"
    );
    let mut is_met = true;
    for clients in [1, 16, TARGET_CLIENTS] {
        is_met &= compare("sqlite", [TestDatabase::sqlite(), TestDatabase::sqlite()], clients, time).await;
    }
    if let Some(cluster) = &cluster {
        for clients in [1, 16, TARGET_CLIENTS] {
            let databases = [TestDatabase::of_cluster(cluster).await, TestDatabase::of_cluster(cluster).await];
            is_met &= compare("postgres", databases, clients, time).await;
        }
    }
    if is_met { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
