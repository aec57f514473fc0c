//! Missions are made and worked on three hosts while one is frozen and another is killed: in the
//! end everything was done once, and everybody who followed was told the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cluster::{Ask, Cluster};
use crate::follower::follow;
use crate::worker::{Journal, LEASE_MS, Shared, work};

const HOSTS: usize = 3;
const WORKERS: usize = 8;
/// Clients that make missions, and how many each makes.
const MAKERS: usize = 3;
const MISSIONS_EACH: usize = 5;
/// How long a host is frozen: longer than a lease.
const FROZEN: Duration = Duration::from_millis(LEASE_MS + 2_000);
/// Longest the whole may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// Items of every mission, and the finished attempts each takes.
const ITEMS: [(&str, u64); 4] = [("first", 1), ("second", 1), ("fails", 2), ("silent", 1)];

async fn make(cluster: Cluster, maker: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..MISSIONS_EACH {
        let items = json!([
            {"id": "first", "title": "F"}, {"id": "second", "title": "S", "depends_on": ["first"]},
            {"id": "fails", "title": "fails once"}, {"id": "silent", "title": "loses its first worker"},
        ]);
        let title = format!("{maker}-{number}");
        let body = json!({"title": title, "goal": "g", "work_items": items, "start": true});
        ids.push(cluster.mission(body, &title).await);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    ids
}

/// One host stands still for longer than a lease, another dies meanwhile; then a third dies.
async fn trouble(cluster: &Cluster) {
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    cluster.signal(1, Signal::STOP);
    let frozen = tokio::time::sleep(FROZEN);
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.kill_and_start(2).await;
    frozen.await;
    cluster.signal(1, Signal::CONT);
    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster.kill_and_start(0).await;
}

async fn survive(cluster: Cluster) {
    let (last, named) = watch::channel(None);
    let followers: Vec<_> = (0..HOSTS).map(|host| tokio::spawn(follow(cluster.clone(), host, named.clone()))).collect();
    let (journal, ended) = (Shared::default(), Arc::new(AtomicBool::new(false)));
    let start = |number| tokio::spawn(work(cluster.clone(), format!("w{number}"), journal.clone(), ended.clone()));
    let workers: Vec<_> = (0..WORKERS).map(start).collect();
    let makers: Vec<_> = (0..MAKERS).map(|maker| tokio::spawn(make(cluster.clone(), maker))).collect();
    trouble(&cluster).await;
    let mut missions = Vec::new();
    for maker in makers {
        missions.extend(maker.await.expect("missions are made"));
    }
    for id in &missions {
        cluster.until(&format!("/mission/{id}"), |body| body["mission"]["status"] != "running").await;
    }
    ended.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.expect("workers are told nothing unexpected");
    }
    let marker = cluster.mission(json!({"title": "the last"}), "the last").await;
    last.send_replace(Some(marker));
    // Whoever was told of the last before it was named is told of this one, and then knows.
    cluster.mission(json!({"title": "after the last"}), "after the last").await;
    let mut logs = Vec::new();
    for follower in followers {
        let (log, changes) = follower.await.expect("it follows");
        assert!(changes > 0, "each lost its host at least once");
        logs.push(log);
    }
    check_log(&logs);
    let journal = std::mem::take(&mut *journal.lock().expect("workers have ended"));
    check_holds(&journal, &logs[0]);
    for id in &missions {
        check_mission(&cluster, id, &logs[0]).await;
    }
    let asked = cluster.stop().await;
    println!("{asked} requests, {} events, {} holds lost", logs[0].len(), journal.lost.len());
}

/// Everybody was told the same, without a gap or anything twice.
fn check_log(logs: &[Vec<Value>]) {
    for log in logs {
        let seqs: Vec<u64> = log.iter().filter_map(|event| event["seq"].as_u64()).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "a gap, or one twice");
        assert!(log == &logs[0], "hosts tell different stories");
    }
    let ids: BTreeSet<&str> = logs[0].iter().filter_map(|event| event["event_id"].as_str()).collect();
    assert_eq!(ids.len(), logs[0].len(), "an event stands in the log twice");
}

/// How often each run was told of by this type of event.
fn count<'l>(log: &'l [Value], event_type: &str) -> BTreeMap<&'l str, u64> {
    let mut counts = BTreeMap::new();
    for event in log.iter().filter(|event| event["type"] == event_type) {
        *counts.entry(event["run_id"].as_str().expect("a run's event names it")).or_default() += 1;
    }
    counts
}

/// Each hold was one worker's, and each run ended once, under the newest of its holds.
fn check_holds(journal: &Journal, log: &[Value]) {
    let claimed: BTreeSet<_> = journal.claimed.iter().collect();
    assert_eq!(claimed.len(), journal.claimed.len(), "a fencing token was given out twice");
    let mut ended = BTreeMap::new();
    for (run, fence) in &journal.finished {
        assert_eq!(ended.insert(run.as_str(), *fence), None, "{run} ended under two fencing tokens");
    }
    let [claims, interruptions, queued, finished] =
        ["claimed", "interrupted", "queued", "finished"].map(|what| count(log, &format!("session.run.{what}")));
    assert!(ended.keys().all(|run| finished.contains_key(run)), "an end nobody was told of");
    for (run, ends) in &finished {
        assert_eq!(*ends, 1, "{run} ended twice");
        // A host that froze while it committed an end leaves its worker without an answer; another
        // says meanwhile that the lease is over, which is so until the first wakes up.
        let is_unsure = !ended.contains_key(run) && journal.lost.contains(&((*run).to_owned(), claims[run]));
        assert!(is_unsure || ended.get(run) == Some(&claims[run]), "{run} ended under an old fencing token");
        let lost = interruptions.get(run).copied().unwrap_or(0);
        // Queued once, and again each time its worker had left before it was told.
        assert_eq!(claims[run], lost + queued[run], "{run}: each claim but the last came to its end");
    }
    assert!(journal.lost.len() >= MAKERS * MISSIONS_EACH, "at least the silent ones lost theirs");
}

async fn check_mission(cluster: &Cluster, id: &str, log: &[Value]) {
    let get = async |path: String| cluster.ask(Ask::get(path, &cluster.operator)).await.body;
    let mission = get(format!("/mission/{id}")).await["mission"].clone();
    assert_eq!(mission["status"], "succeeded", "{mission:#}");
    let runs = get(format!("/runs?mission_id={id}&limit=500")).await["runs"].clone();
    let runs = runs.as_array().expect("a list");
    for (name, attempts) in ITEMS {
        let items = mission["work_items"].as_array().expect("a list");
        let item = items.iter().find(|item| item["id"] == name).expect("every item is there");
        assert_eq!(item["attempts"], attempts, "interruptions are no attempts: {item:#}");
        let of_item: Vec<_> = runs.iter().filter(|run| run["work_item_id"] == name).collect();
        let ends: Vec<_> = of_item.iter().filter_map(|run| run["status"].as_str()).collect();
        let wanted = if attempts == 1 { vec!["succeeded"] } else { vec!["failed", "succeeded"] };
        assert_eq!(ends, wanted, "{name}: {of_item:#?}");
        if name == "silent" {
            assert!(of_item[0]["interruptions"].as_u64() >= Some(1), "{of_item:#?}");
        }
    }
    check_verdicts(&get(format!("/mission/{id}/verdicts")).await, id, log);
    check_history(&get(format!("/mission/{id}/history?limit=500")).await);
}

/// One verdict for each request, and one request for each gate of each item.
fn check_verdicts(answer: &Value, mission: &str, log: &[Value]) {
    let key = |event: &Value| (event["run_id"].clone().to_string(), event["properties"]["gate"].clone().to_string());
    let of_type = |prefix: &str| -> Vec<_> {
        let is_so = |event: &&Value| event["type"] == prefix && event["mission_id"] == mission;
        let mut found: Vec<_> = log.iter().filter(is_so).map(key).collect();
        found.sort();
        found
    };
    let (requested, passed) = (of_type("gate.requested"), of_type("gate.passed"));
    assert_eq!(requested, passed, "exactly one verdict for each request");
    assert_eq!(requested.len(), 2 * ITEMS.len());
    assert_eq!(answer["count"], 2 * ITEMS.len(), "{answer:#}");
}

/// One line without holes, and each timer that was set fired once.
fn check_history(answer: &Value) {
    let history = answer["history"].as_array().expect("a list");
    let (mut set, mut fired) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    for (at, entry) in history.iter().enumerate() {
        assert_eq!(entry["seq"], at, "a hole, or one twice");
        for command in entry["commands"].as_array().into_iter().flatten() {
            if command["type"] == "schedule_timer" {
                *set.entry(command["key"].to_string()).or_default() += 1;
            }
        }
        if entry["type"] == "timer_fired" {
            *fired.entry(entry["data"]["key"].to_string()).or_default() += 1;
        }
    }
    assert!(set.contains_key("\"rework:fails\""), "{set:?}");
    assert_eq!(set, fired, "timers fire once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_hosts_do_everything_once_while_one_freezes_and_others_die() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let Some(cluster) = Cluster::start(HOSTS, seed).await else { return };
    tokio::time::timeout(PATIENCE, survive(cluster)).await.expect("it takes less than a minute");
}
