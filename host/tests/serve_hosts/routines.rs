//! Routines while hosts are killed or stand still: each slot is dealt with once, each fire has one
//! mission, and everybody is told of it once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use sluice::clock::{Clock as _, SystemClock};
use tokio::sync::watch;

use crate::cluster::{Ask, Cluster};
use crate::follower::follow;

/// Times a host is killed.
const KILLS: usize = 11;
/// Longest time a host lives between two kills, in milliseconds.
const LIFE_MAX_MS: usize = 1_000;
/// How long nobody is there once, so that a slot of each second is later than its grace allows.
const DOWN: Duration = Duration::from_millis(1_300);
/// How long a host stands still: longer than a run's lease, and than the database waits for one that
/// holds a lock (10 s).
const FROZEN: Duration = Duration::from_secs(12);
/// What is later than this was not fired at once, on a machine that does much else.
const LATE_MS: u64 = 4_000;
/// Looks whether nothing is overdue any more.
const REST_LOOKS: usize = 80;
/// A routine that is further behind than this fires no more.
const BEHIND_MAX_MS: u64 = 60_000;
/// Requests on their way at once.
const AT_ONCE: usize = 16;
/// Longest the whole may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// Routines that differ by their number alone.
struct Kind {
    name: &'static str,
    count: usize,
    /// Milliseconds from one occurrence to the next.
    period_ms: u64,
    is_cron: bool,
    more: Value,
}

fn kind(name: &'static str, count: usize, seconds: u64, more: Value) -> Kind {
    Kind { name, count, period_ms: seconds * 1_000, is_cron: false, more }
}

/// Every policy, some hundreds of routines; nobody works on what they start.
fn kinds() -> Vec<Kind> {
    let cron = |kind| Kind { is_cron: true, ..kind };
    let allow = json!({"overlap_policy": "allow", "overlap_max": 100});
    let late = json!({"misfire_policy": {"type": "skip", "grace_ms": 250}});
    let outside = json!({"entrypoint": "connector.mail.send"});
    let asks = json!({"entrypoint": "connector.mail.send", "external_integrations_allowed": true});
    vec![
        kind("skip", 80, 1, json!({})),
        kind("late", 30, 1, late.clone()),
        cron(kind("late-cron", 20, 1, late)),
        cron(kind("cron", 30, 2, json!({"misfire_policy": {"type": "catch_up", "max_runs": 100}}))),
        kind("allow", 10, 1, allow.clone()),
        cron(kind("allow-cron", 6, 2, allow)),
        kind("queue", 20, 1, json!({"overlap_policy": "queue", "overlap_max": 100})),
        kind("instead", 4, 2, json!({"overlap_policy": "cancel_previous"})),
        kind("blocked", 10, 1, outside),
        kind("asks", 10, 1, asks),
    ]
}

/// What the policies here lead to, and whether it has a mission.
fn has_mission(run: &Value) -> bool {
    match run["status"].as_str().expect("a status") {
        "skipped" | "missed" | "blocked" => false,
        "queued" => run["waiting_for"] != "dependency",
        "approval_required" | "running" | "canceled" => true,
        other => panic!("nobody worked, and it is {other}: {run:#}"),
    }
}

async fn make(cluster: &Cluster, kinds: &[Kind]) {
    let of_kind = |kind: &Kind| {
        let seconds = kind.period_ms / 1_000;
        let expression = format!("*/{seconds} * * * * *");
        let interval = json!({"interval_seconds": {"seconds": seconds}});
        let schedule = if kind.is_cron { json!(expression) } else { interval };
        let mut body = json!({"name": kind.name, "schedule": schedule, "entrypoint": "Look at what is new."});
        let more = kind.more.as_object().expect("members").clone();
        body.as_object_mut().expect("members").extend(more);
        (0..kind.count)
            .map(move |number| (format!("{}-{number}", body["name"].as_str().expect("a name")), body.clone()))
    };
    let all: Vec<_> = kinds.iter().flat_map(of_kind).collect();
    each(all, async |(id, mut body): (String, Value)| {
        body["id"] = json!(id);
        let made = cluster.ask(Ask::post("/routines", &cluster.operator, body).named(id)).await;
        assert_eq!(made.status, 201, "{made:#?}");
    })
    .await;
}

/// Does it with each, some at once.
async fn each<T>(all: Vec<T>, deed: impl AsyncFn(T)) {
    let deed = &deed;
    stream::iter(all.into_iter().map(|one| deed(one))).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

/// The whole of a list.
async fn all(cluster: &Cluster, path: &str, name: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = cluster.ask(Ask::get(format!("{path}?limit=500{cursor}"), &cluster.operator)).await;
        assert_eq!(page.status, 200, "{page:#?}");
        found.extend(page.body[name].as_array().expect("a list").clone());
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

fn now_ms() -> u64 {
    SystemClock::new().now().as_millis()
}

/// Waits until nothing is overdue, but not for long on a machine that is too busy to catch up, and has the
/// routines fire no more. What is not dealt with by then is still to come.
async fn come_to_rest(cluster: &Cluster) {
    let is_due = |routine: &Value| routine["next_fire_at_ms"].as_u64().is_some_and(|at| at + 1_000 < now_ms());
    for _ in 0..REST_LOOKS {
        if !all(cluster, "/routines", "routines").await.iter().any(is_due) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ids: Vec<String> = all(cluster, "/routines", "routines").await.iter().map(|of| text(of, "id")).collect();
    each(ids, async |id: String| {
        let pause = Ask {
            method: Method::PATCH,
            ..Ask::post(format!("/routines/{id}"), &cluster.operator, json!({"status": "paused"}))
        };
        let paused = cluster.ask(pause).await;
        assert_eq!((paused.status, &paused.body["status"]), (200, &json!("paused")), "{paused:#?}");
    })
    .await;
}

fn text(of: &Value, member: &str) -> String {
    of[member].as_str().unwrap_or_default().to_owned()
}

fn number(of: &Value, member: &str) -> u64 {
    of[member].as_u64().unwrap_or_else(|| panic!("no {member}: {of:#}"))
}

/// What there is at the end.
struct Found {
    routines: Vec<Value>,
    runs: Vec<Value>,
    missions: Vec<Value>,
    log: Vec<Value>,
}

async fn find(cluster: &Cluster) -> Found {
    let marker = cluster.mission(json!({"title": "the last"}), "the last").await;
    let (last, named) = watch::channel(Some(marker.clone()));
    cluster.mission(json!({"title": "after the last"}), "after the last").await;
    let (log, _) = follow(cluster.clone(), 0, named).await;
    drop(last);
    let mut missions = all(cluster, "/mission", "missions").await;
    missions.retain(|mission| mission["created_by"] == "system.routines");
    let routines = all(cluster, "/routines", "routines").await;
    Found { routines, runs: all(cluster, "/routines/runs", "runs").await, missions, log }
}

/// Every slot since the routine was made has one row, or is one of those that a row of missed ones
/// counts; none has two.
fn check_slots(kinds: &[Kind], found: &Found) {
    let mut by_routine: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for run in found.runs.iter().filter(|run| run["trigger"] != "run_now") {
        by_routine.entry(text(run, "routine_id")).or_default().push(run);
    }
    assert_eq!(by_routine.len(), kinds.iter().map(|kind| kind.count).sum::<usize>());
    for routine in &found.routines {
        let kind = kinds.iter().find(|kind| routine["name"] == kind.name).expect("one of ours");
        let (period, made) = (kind.period_ms, number(routine, "created_at_ms"));
        let mut dealt_with = Vec::new();
        for run in &by_routine[routine["id"].as_str().expect("an id")] {
            let last = number(run, "scheduled_at_ms");
            let first = if run["status"] == "missed" { number(run, "missed_since_ms") } else { last };
            let slots: Vec<u64> = (first..=last).step_by(usize::try_from(period).expect("short")).collect();
            if run["status"] == "missed" {
                assert_eq!(number(run, "missed_count"), slots.len() as u64, "{run:#}");
            }
            dealt_with.extend(slots);
        }
        dealt_with.sort_unstable();
        let (Some(first), Some(last)) = (dealt_with.first(), dealt_with.last()) else { panic!("{routine:#}") };
        let begin = if kind.is_cron { made - made % period } else { made };
        assert_eq!(*first, begin + period, "{routine:#}");
        let expected: Vec<u64> = (*first..=*last).step_by(usize::try_from(period).expect("short")).collect();
        assert_eq!(dealt_with, expected, "a slot without a row, or with two: {routine:#}");
        assert!(*last + 2 * period + BEHIND_MAX_MS > number(routine, "updated_at_ms"), "it fired no more: {routine:#}");
    }
}

/// Every fire has its mission and no mission is without; each was told once, and nothing else was.
fn check_told(found: &Found) {
    let fired: BTreeSet<String> =
        found.runs.iter().filter(|run| has_mission(run)).map(|run| text(run, "mission_id")).collect();
    let with_mission = found.runs.iter().filter(|run| has_mission(run)).count();
    assert_eq!(fired.len(), with_mission, "two fires share a mission");
    let missions: BTreeSet<String> = found.missions.iter().map(|mission| text(mission, "id")).collect();
    assert_eq!(missions, fired, "a mission without a fire, or a fire without its mission");
    let seqs: Vec<u64> = found.log.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "a gap, or one twice");
    let told = |event_type: &str| -> Vec<String> {
        let of_type = found.log.iter().filter(|event| event["type"] == event_type);
        let mut ids: Vec<String> = of_type.map(|event| text(event, "run_id")).collect();
        ids.sort_unstable();
        ids
    };
    let are = |is_so: &dyn Fn(&str) -> bool| -> Vec<String> {
        let those = found.runs.iter().filter(|run| is_so(run["status"].as_str().unwrap_or_default()));
        let mut ids: Vec<String> = those.map(|run| text(run, "id")).collect();
        ids.sort_unstable();
        ids
    };
    let is_dropped = |status: &str| matches!(status, "missed" | "skipped");
    assert_eq!(told("routine.fired"), are(&|status| !is_dropped(status) && status != "blocked"));
    assert_eq!(told("routine.missed"), are(&is_dropped));
    assert_eq!(told("routine.blocked"), are(&|status| status == "blocked"));
    assert_eq!(told("routine.approval_required"), are(&|status| status == "approval_required"));
    let created = |event: &&Value| event["type"] == "mission.created" && event["actor"] == "system.routines";
    assert_eq!(found.log.iter().filter(created).count(), missions.len(), "a mission was made twice");
}

async fn survive_kills(cluster: Cluster) {
    // Where two share the work, one is always there, and nothing need be late.
    let is_alone = cluster.len() == 1;
    let kinds = kinds();
    make(&cluster, &kinds).await;
    for kill in 0..KILLS {
        let life = u64::try_from(cluster.below(LIFE_MAX_MS)).expect("short");
        tokio::time::sleep(Duration::from_millis(life)).await;
        // Asked for under a name while hosts go down: it runs once.
        let asked = {
            let cluster = cluster.clone();
            tokio::spawn(async move {
                let ask = Ask::post(format!("/routines/allow-{}/run_now", kill % 10), &cluster.operator, json!({}));
                cluster.ask(ask.named(format!("now {kill}"))).await
            })
        };
        let down = if kill == 0 && is_alone { DOWN } else { Duration::ZERO };
        cluster.kill_and_start_after(cluster.below(cluster.len()), down).await;
        let asked = asked.await.expect("it is answered");
        assert_eq!(asked.status, 200, "{asked:#?}");
    }
    come_to_rest(&cluster).await;
    let found = find(&cluster).await;
    check_slots(&kinds, &found);
    check_told(&found);
    let by_status = found.runs.iter().fold(BTreeMap::<String, u64>::new(), |mut counts, run| {
        *counts.entry(text(run, "status")).or_default() += 1;
        counts
    });
    println!("{by_status:?}, {} events", found.log.len());
    let missed = is_alone.then_some("missed");
    for status in ["skipped", "blocked", "approval_required", "queued", "running", "canceled"].into_iter().chain(missed)
    {
        assert!(by_status.contains_key(status), "none was {status}: {by_status:?}");
    }
    assert_eq!(found.runs.iter().filter(|run| run["trigger"] == "run_now").count(), KILLS, "a named wish, twice");
    cluster.stop().await;
}

async fn survive_a_freeze(cluster: Cluster) {
    let allow = json!({"overlap_policy": "allow", "overlap_max": 100});
    let kinds = [kind("skip", 40, 1, json!({})), kind("allow", 5, 2, allow)];
    make(&cluster, &kinds).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.signal(0, Signal::STOP);
    let frozen_at = now_ms();
    tokio::time::sleep(FROZEN).await;
    let thawed_at = now_ms();
    cluster.signal(0, Signal::CONT);
    tokio::time::sleep(Duration::from_secs(4)).await;
    come_to_rest(&cluster).await;
    let found = find(&cluster).await;
    check_slots(&kinds, &found);
    check_told(&found);
    // A host that stands still in the middle of a commit holds a lock, which the database takes from it
    // after ten seconds; without one, the others feel nothing.
    let lateness = |run: &Value| number(run, "lateness_ms");
    let worst = found.runs.iter().map(lateness).max();
    assert!(worst < Some(10_000 + LATE_MS), "{worst:?} ms late");
    let later = |run: &&Value| number(run, "fired_at_ms") >= thawed_at;
    let late = found.runs.iter().filter(later).find(|run| lateness(run) > LATE_MS);
    assert!(late.is_none(), "fired late by who stood still: {late:#?}");
    let meanwhile = |run: &&Value| (frozen_at..thawed_at).contains(&number(run, "fired_at_ms"));
    let seconds = usize::try_from(FROZEN.as_secs()).expect("short");
    let fired = found.runs.iter().filter(meanwhile).count();
    assert!(fired >= 40 * (seconds - 5), "the other did not take over: {fired} in {seconds} s");
    println!("{} runs, at worst {worst:?} ms late", found.runs.len());
    cluster.stop().await;
}

fn seed() -> u64 {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    seed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_slot_is_dealt_with_once_while_its_host_is_killed() {
    let cluster = Cluster::alone(seed()).await;
    tokio::time::timeout(PATIENCE, survive_kills(cluster)).await.expect("it takes less than a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_slot_is_dealt_with_once_while_two_hosts_are_killed() {
    let Some(cluster) = Cluster::start(2, seed()).await else { return };
    tokio::time::timeout(PATIENCE, survive_kills(cluster)).await.expect("it takes less than a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_host_takes_over_while_the_other_stands_still() {
    let Some(cluster) = Cluster::start(2, seed()).await else { return };
    tokio::time::timeout(PATIENCE, survive_a_freeze(cluster)).await.expect("it takes less than a minute");
}
