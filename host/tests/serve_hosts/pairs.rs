//! The same thing asked of two hosts: at once, or of one when the other has just changed it.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::server::Frames;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cluster::{Ask, Cluster, PATIENCE, Told};

/// Within this a revocation is felt everywhere.
const REVOKED_WITHIN: Duration = Duration::from_secs(1);
/// How long after the deed one host wakes up for what another did, on a busy machine. Polling
/// alone, once a second, would not be much slower.
const WOKEN_WITHIN: Duration = Duration::from_secs(3);
/// Names and questions that are sent to both hosts at once.
const ROUNDS: usize = 20;

async fn a_revoked_token_ends_everywhere(cluster: &Cluster) {
    let new = json!({"name": "looker", "role": "viewer"});
    let made = cluster.at(0, Ask::post("/tokens", &cluster.operator, new)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let text = made.body["token"].as_str().expect("its text").to_owned();
    let id = made.body["id"].as_str().expect("an id").to_owned();
    let mut stream = Frames::open(cluster.request(1, &Ask::get("/event", &text))).await;
    assert_eq!(stream.next().await.and_then(|frame| frame.event).as_deref(), Some("ready"));
    let look = || cluster.at(1, Ask::get("/mission", &text));
    assert_eq!(look().await.status, 200);
    let ended = tokio::spawn(async move {
        while stream.next().await.is_some() {}
        Instant::now()
    });
    let revoke = Ask { method: Method::DELETE, ..Ask::get(format!("/tokens/{id}"), &cluster.operator) };
    assert_eq!(cluster.at(0, revoke).await.status, 200);
    let revoked = Instant::now();
    tokio::time::sleep_until(revoked + REVOKED_WITHIN).await;
    assert_eq!(look().await.status, 401, "the other host believes it for longer than a second");
    let ended = tokio::time::timeout(PATIENCE, ended).await.expect("its stream ends").expect("it was read");
    // The stream's end has to come through to the client, too.
    let within = REVOKED_WITHIN + Duration::from_millis(500);
    assert!(ended - revoked < within, "its stream went on for {:?}", ended - revoked);
}

/// Asks both hosts the same at once, each again as long as it says so.
async fn of_both(cluster: &Cluster, ask: Ask<'_>) -> [Told; 2] {
    let patiently = async |host: usize| {
        for _ in 0..200 {
            let told = cluster.at(host, ask.clone()).await;
            if told.body["retryable"] != true {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{}: it is to be tried again for ever", ask.path);
    };
    tokio::join!(patiently(0), patiently(1)).into()
}

async fn a_named_write_is_done_once(cluster: &Cluster) {
    let mut ids = BTreeSet::new();
    for round in 0..ROUNDS {
        let body = json!({"title": format!("named {round}"), "goal": "once"});
        let [a, b] = of_both(cluster, Ask::post("/mission", &cluster.operator, body).named(format!("k{round}"))).await;
        assert_eq!((a.status, b.status), (201, 201), "{a:?} {b:?}");
        assert_eq!(a.body["mission"]["id"], b.body["mission"]["id"], "both are told of the same");
        ids.insert(a.body["mission"]["id"].to_string());
    }
    assert_eq!(ids.len(), ROUNDS);
    let listed = cluster.at(0, Ask::get("/mission?limit=500", &cluster.operator)).await;
    let listed = listed.body["missions"].as_array().expect("a list").clone();
    let named: BTreeSet<_> =
        listed.iter().filter(|mission| mission["goal"] == "once").map(|mission| mission["id"].to_string()).collect();
    assert_eq!(named, ids, "nothing else was made");
    // What a mission is told is told once, too.
    let id = listed.iter().find(|mission| mission["goal"] == "once").expect("one")["id"].clone();
    let path = format!("/mission/{}", id.as_str().expect("an id"));
    let started = json!({"event": {"type": "mission_started"}});
    let [a, b] = of_both(cluster, Ask::post(format!("{path}/event"), &cluster.operator, started).named("start")).await;
    assert_eq!((a.status, b.status), (200, 200), "{a:?} {b:?}");
    let history = cluster.at(1, Ask::get(format!("{path}/history"), &cluster.operator)).await.body;
    let starts =
        history["history"].as_array().expect("a list").iter().filter(|entry| entry["type"] == "mission_started");
    assert_eq!(starts.count(), 1, "{history:#}");
}

/// A mission with one item that may act on the forge; its id.
async fn acting(cluster: &Cluster, start: bool) -> String {
    let items = json!([{"id": "a", "title": "A"}]);
    let body = json!({"title": "acts", "goal": "g", "work_items": items, "capabilities": ["connector.forge.*"],
        "start": start});
    let made = cluster.at(0, Ask::post("/mission", &cluster.operator, body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["mission"]["id"].as_str().expect("an id").to_owned()
}

/// Claims the run of a mission at `host`.
async fn claim(cluster: &Cluster, host: usize, mission: &str) -> Value {
    let body = json!({"worker": "w", "wait_ms": 30_000, "lease_ms": 600_000, "mission_id": mission});
    let told = cluster.at(host, Ask::post("/runs/claim", &cluster.agent, body)).await;
    assert_eq!(told.status, 200, "{told:?}");
    told.body["run"].clone()
}

async fn a_waiting_claim_is_served_by_another_hosts_start(cluster: &Cluster) {
    for _ in 0..3 {
        let mission = acting(cluster, false).await;
        let waiting = {
            let (cluster, mission) = (cluster.clone(), mission.clone());
            tokio::spawn(async move { (claim(&cluster, 1, &mission).await, Instant::now()) })
        };
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!waiting.is_finished(), "nothing is queued yet");
        let started = json!({"event": {"type": "mission_started"}});
        let ask = Ask::post(format!("/mission/{mission}/event"), &cluster.operator, started);
        assert_eq!(cluster.at(0, ask).await.status, 200);
        let told = Instant::now();
        let (run, served) = waiting.await.expect("it is served");
        assert_eq!(run["mission_id"], mission);
        assert!(served.saturating_duration_since(told) < WOKEN_WITHIN, "it waited for {:?}", served - told);
    }
}

async fn of_two_answers_one_wins(cluster: &Cluster) {
    let mission = acting(cluster, true).await;
    let run = claim(cluster, 1, &mission).await;
    let (id, token) = (run["id"].as_str().expect("an id"), run["token"].as_str().expect("a token"));
    let (mut granted, mut denied) = (0, 0);
    for round in 0..ROUNDS {
        let action = json!({"connector": "forge", "action": "tag", "args": {"n": round}, "summary": "Tag it"});
        let ask = Ask::post(format!("/runs/{id}/actions"), token, action);
        let asked = cluster.at(round % 2, ask.clone()).await;
        assert_eq!(asked.body["decision"], "approval_required", "{asked:?}");
        let approval = asked.body["approval_id"].as_str().expect("an id");
        let answer = |host, word| {
            cluster.at(host, Ask::post(format!("/approvals/{approval}/{word}"), &cluster.operator, json!({})))
        };
        let (yes, no) = tokio::join!(answer(0, "grant"), answer(1, "deny"));
        let statuses = (yes.status, no.status);
        assert!(statuses == (200, 409) || statuses == (409, 200), "{yes:?} {no:?}");
        let is_granted = yes.status == 200;
        *(if is_granted { &mut granted } else { &mut denied }) += 1;
        let shown = cluster.at(1, Ask::get(format!("/approvals/{approval}"), &cluster.operator)).await.body;
        let word = if is_granted { "granted" } else { "denied" };
        assert_eq!(shown["approval"]["status"], word, "{shown:#}");
        // Used once, though both hosts are asked at once.
        let (a, b) = tokio::join!(cluster.at(0, ask.clone()), cluster.at(1, ask));
        let allowed = [&a, &b].iter().filter(|told| told.body["decision"] == "allowed").count();
        assert_eq!(allowed, usize::from(is_granted), "{a:?} {b:?}");
    }
    println!("{granted} granted, {denied} denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hosts_are_as_one() {
    let Some(cluster) = Cluster::start(2, 1).await else { return };
    a_revoked_token_ends_everywhere(&cluster).await;
    a_named_write_is_done_once(&cluster).await;
    a_waiting_claim_is_served_by_another_hosts_start(&cluster).await;
    of_two_answers_one_wins(&cluster).await;
    cluster.stop().await;
}
