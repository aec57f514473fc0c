//! A hundred watchers who come and go while others write, against the table of events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::random::Random;
use e2e::server::{Frames, ServerOptions, TestServer};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::event::LogEvent;
use sluice::domain::id::WorkspaceId;
use sluice::domain::resource::ResourceKey;
use sluice::http::HttpOptions;
use sluice::store::LogFilter;
use tokio::sync::watch;

use crate::CACHE;

const WATCHERS: usize = 100;
const WRITERS: usize = 6;
const WRITES: usize = 80;
/// Nothing comes any more when nothing came for so long after everything was written.
const QUIET: Duration = Duration::from_secs(3);
const PREFIXES: [&str; 9] =
    ["", "team/", "team/a", "team/a/", "team/a/1", "project/", "project/x:1", "mission/none/", "run/s"];
const KEYS: [&str; 10] = [
    "team/a/1",
    "team/a/12",
    "team/ab",
    "team/b/c/d",
    "project/x:1",
    "project/x:1/deep",
    "project/y",
    "run/s1/note",
    "run/s2/note",
    "mission/m1/plan",
];

/// Writes, overwrites, deletes and lets expire what it likes, on any of the hosts.
async fn write(servers: Arc<Vec<TestServer>>, seed: u64) {
    let mut random = Random::new(seed);
    for number in 0..WRITES {
        let server = random.one_of(&servers);
        let key = random.one_of(&KEYS);
        let path = format!("/resource/{key}");
        let (method, body) = match random.below(6) {
            0 => (Method::DELETE, json!({})),
            1 => (Method::PUT, json!({"value": {"writer": seed, "n": number}, "ttl_ms": 1 + random.below(150)})),
            _ => (Method::PUT, json!({"value": {"writer": seed, "n": number}})),
        };
        let answer = server.ask(method, &path, &server.operator, body).await;
        assert!([200, 404].contains(&answer.status), "{path}: {} {:#}", answer.status, answer.body);
        if random.below(4) == 0 {
            tokio::time::sleep(Duration::from_millis(random.below(20) as u64)).await;
        }
    }
}

/// What one watcher was told.
struct Seen {
    prefix: &'static str,
    values: bool,
    events: Vec<Value>,
    streams: usize,
}

/// Watches `prefix` from the log's beginning to `end`, and comes back each time its connection ends.
async fn watch_all(servers: Arc<Vec<TestServer>>, seed: u64, end: watch::Receiver<Option<u64>>) -> Seen {
    let mut random = Random::new(seed);
    let mut seen =
        Seen { prefix: PREFIXES[random.below(PREFIXES.len())], values: random.flag(), events: Vec::new(), streams: 0 };
    let mut at = 0;
    loop {
        let server = random.one_of(&servers);
        let mut query = vec![format!("values={}", seen.values)];
        if !seen.prefix.is_empty() {
            query.push(format!("prefix={}", seen.prefix));
        }
        let by_header = random.flag();
        // The header wins over whatever the query says.
        query.push(format!("since_seq={}", if by_header { random.below(50) as u64 } else { at }));
        let path = format!("/resource/events?{}", query.join("&"));
        let mut request = server.request(Method::GET, &path, &server.operator);
        if by_header {
            request = request.header("last-event-id", at);
        }
        let mut frames = Frames::open(request).await;
        seen.streams += 1;
        let ready = frames.next().await.unwrap();
        assert_eq!((ready.event.as_deref(), &ready.data["seq"]), (Some("ready"), &json!(at)));
        let mut most = random.below(40);
        loop {
            // A host hears of what the other one wrote by looking now and then, and may be busy.
            let is_over = end.borrow().is_some();
            let wait = if is_over { QUIET } else { Duration::from_millis(50 + random.below(400) as u64) };
            match tokio::time::timeout(wait, frames.next()).await {
                Ok(Some(frame)) if frame.id.is_some() => {
                    assert_eq!(frame.data["seq"], json!(frame.id));
                    at = frame.id.unwrap();
                    seen.events.push(frame.data);
                }
                Ok(Some(other)) => assert_eq!(other.event.as_deref(), Some("bookmark"), "{other:?}"),
                Ok(None) => panic!("a host ended the stream"),
                // It was quiet for a while although everything is written.
                Err(_) if is_over => return seen,
                Err(_) => break,
            }
            if most == 0 && end.borrow().is_none() {
                break;
            }
            most = most.saturating_sub(1);
        }
    }
}

async fn table(server: &TestServer) -> Vec<LogEvent> {
    let (store, mut all) = (server.engine.store(), Vec::<LogEvent>::new());
    loop {
        let after = all.last().map_or(0, |event| event.seq);
        let page = store.log_events(&WorkspaceId::new("local"), after, &LogFilter::default(), 500).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Nothing is left that ends by itself.
async fn until_all_ended(server: &TestServer) {
    while server.engine.store().next_resource_end().await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Compares what a watcher was told with the table, and the values with those that are kept.
fn compare(seen: &Seen, table: &[LogEvent], values: &BTreeMap<(String, u64), Value>) -> usize {
    let of_prefix = |event: &&LogEvent| {
        let key = event.event.resource_key.as_ref().map(ResourceKey::as_str);
        key.is_some_and(|key| key.starts_with(seen.prefix))
    };
    let held: Vec<_> = table.iter().filter(of_prefix).collect();
    let seqs: Vec<_> = seen.events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, held.iter().map(|event| event.seq).collect::<Vec<_>>(), "of {:?}", seen.prefix);
    let mut with_value = 0;
    for (event, held) in seen.events.iter().zip(held) {
        assert_eq!(event["type"], held.event.event_type.as_str());
        let mut properties = event["properties"].clone();
        let value = properties.as_object_mut().unwrap().remove("value");
        assert_eq!(properties, serde_json::from_str::<Value>(held.event.properties.as_str()).unwrap());
        let is_update = held.event.event_type == "resource.updated";
        assert!(seen.values && is_update || value.is_none(), "{event}");
        if seen.values && is_update {
            let id = (properties["key"].as_str().unwrap().to_owned(), properties["rev"].as_u64().unwrap());
            // A revision that is no longer kept may have been when the watcher was told.
            if let Some(kept) = values.get(&id) {
                assert_eq!(value.as_ref(), Some(kept), "{event}");
                with_value += 1;
            }
        }
    }
    with_value
}

async fn try_out(servers: Vec<TestServer>) {
    let servers = Arc::new(servers);
    let (end, until) = watch::channel(None);
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|number| tokio::spawn(watch_all(Arc::clone(&servers), 1_000 + number as u64, until.clone())))
        .collect();
    let writers: Vec<_> = (0..WRITERS).map(|seed| tokio::spawn(write(Arc::clone(&servers), seed as u64))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    until_all_ended(&servers[0]).await;
    let table = table(&servers[0]).await;
    end.send(table.last().map(|event| event.seq)).unwrap();
    let mut values = BTreeMap::new();
    for key in KEYS {
        let key = ResourceKey::parse(key).unwrap();
        let store = servers[0].engine.store();
        let workspace = WorkspaceId::new("local");
        for revision in store.resource_history(&workspace, &key, None, 200).await.unwrap() {
            let kept = store.resource_revision(&workspace, &key, revision.rev).await.unwrap();
            if let Some(value) = kept.and_then(|kept| kept.value) {
                let value = serde_json::from_str(value.as_str()).unwrap();
                values.insert((key.to_string(), revision.rev), value);
            }
        }
    }
    let (mut told, mut with_value, mut streams) = (0, 0, 0);
    for watcher in watchers {
        let seen = tokio::time::timeout(Duration::from_secs(60), watcher).await.expect("it ends").unwrap();
        with_value += compare(&seen, &table, &values);
        told += seen.events.len();
        streams += seen.streams;
    }
    let expired = table.iter().filter(|event| event.event.properties.as_str().contains("\"expired\"")).count();
    println!("{told} events told over {streams} streams, {with_value} values compared, {expired} records expired");
    assert!(streams > 2 * WATCHERS && with_value > 1_000 && expired > 5);
    for server in Arc::into_inner(servers).unwrap() {
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_watchers_who_come_and_go_are_told_what_the_table_holds() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        // Two hosts where two can share a database: whoever writes to one is watched on the other.
        let mut servers = Vec::new();
        for _ in 0..if database.is_postgres() { 2 } else { 1 } {
            let http = HttpOptions { streams_per_principal_max: 2 * WATCHERS, ..HttpOptions::default() };
            servers.push(TestServer::start(&database, CACHE, ServerOptions { http, ..ServerOptions::default() }).await);
        }
        try_out(servers).await;
    }
}
