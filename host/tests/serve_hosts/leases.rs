//! One lease wanted by many, over hosts that are frozen for longer than it lasts and killed: nothing is
//! ever written under an older fencing token after a newer one was given out.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use sluice::clock::{Clock as _, SystemClock};

use crate::cluster::{ANSWER_WAIT, Ask, Cluster, PATIENCE, Told};

const HOLDERS: usize = 6;
/// The shortest there is, in milliseconds.
const TTL_MS: u64 = 1_000;
/// How long a host or a holder stands still.
const FROZEN: Duration = Duration::from_millis(TTL_MS + 700);
/// By how much the clocks of hosts and holders may differ, in milliseconds: hosts measure the database's
/// time, and may be off by half of a measurement's time.
const SKEW_MS: u64 = 400;
/// What has to have happened before it is enough.
const HOLDINGS_MIN: usize = 6;
const WRITES_MIN: usize = 20;
const CLAIM: &str = "project/lease/claim";
const GUARDED: &str = "project/lease/guarded";

/// What all holders did together.
#[derive(Default)]
struct Journal {
    /// Fencing tokens that somebody was given.
    given: Vec<u64>,
    /// Token and revision of writes that were accepted.
    written: Vec<(u64, u64)>,
    /// What was refused after its time, by what it was.
    late: BTreeSet<&'static str>,
    refused: usize,
}

struct Holder {
    cluster: Cluster,
    name: usize,
    clock: Arc<SystemClock>,
    journal: Arc<Mutex<Journal>>,
}

/// A lease as its holder knows it.
struct Held {
    id: String,
    token: u64,
    /// When it ends, as it was last told.
    ends_ms: u64,
}

/// What became of one thing that was done under a lease.
enum Outcome {
    Done(Value),
    Refused,
    /// Nobody knows.
    Lost,
}

impl Holder {
    fn now_ms(&self) -> u64 {
        self.clock.now().as_millis()
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, ask: Ask<'_>) -> Option<Told> {
        let told = self.cluster.ask_one(self.cluster.below(self.cluster.len()), &ask, ANSWER_WAIT).await;
        // A host that stops says so, and has done nothing.
        told.filter(|told| told.status < 500)
    }

    async fn pause(&self, most_ms: usize) {
        tokio::time::sleep(Duration::from_millis(self.cluster.below(most_ms) as u64)).await;
    }

    async fn work(self, is_over: Arc<AtomicBool>) {
        while !is_over.load(Ordering::Relaxed) {
            match self.acquire().await {
                Some(held) => self.hold(held).await,
                None => self.pause(80).await,
            }
        }
    }

    async fn acquire(&self) -> Option<Held> {
        let body =
            json!({"name": "the one", "ttl_ms": TTL_MS, "owner": format!("holder {}", self.name), "claim_key": CLAIM});
        let told = self.ask(Ask::post("/leases", &self.cluster.operator, body)).await?;
        if told.status != 201 {
            assert_eq!((told.status, told.code()), (409, "LEASE_HELD"), "{told:?}");
            return None;
        }
        let number = |name: &str| told.body[name].as_u64().unwrap_or_else(|| panic!("{told:?}"));
        let held = Held {
            id: told.body["lease_id"].as_str().expect("an id").to_owned(),
            token: number("fencing_token"),
            ends_ms: number("expires_at_ms"),
        };
        self.journal().given.push(held.token);
        Some(held)
    }

    /// Works under a lease, and now and then stands still for too long, as a paused process does.
    async fn hold(&self, mut held: Held) {
        for step in 0..4 + self.cluster.below(8) {
            if step > 0 && self.cluster.below(9) == 0 {
                tokio::time::sleep(FROZEN).await;
            }
            let outcome = match self.cluster.below(3) {
                0 => self.renew(&mut held).await,
                _ => self.write(&held).await,
            };
            match outcome {
                Outcome::Done(_) => self.pause(80).await,
                Outcome::Refused => return self.come_back_late(held).await,
                Outcome::Lost => return,
            }
        }
        // Half of them give it back; of the others it is not heard again.
        if self.cluster.below(2) == 0 && matches!(self.step(&held, "release").await, Outcome::Done(_)) {
            let late = Held { ends_ms: 0, ..held };
            self.come_back_late(late).await;
        }
    }

    /// Whoever was refused once is refused whatever it tries.
    async fn come_back_late(&self, mut held: Held) {
        for _ in 0..2 {
            assert!(!matches!(self.write(&held).await, Outcome::Done(_)), "a write under a lease that was lost");
            assert!(!matches!(self.renew(&mut held).await, Outcome::Done(_)), "a renewal of a lease that was lost");
            assert!(!matches!(self.step(&held, "release").await, Outcome::Done(_)), "a release of a lost lease");
            self.pause(400).await;
        }
    }

    async fn renew(&self, held: &mut Held) -> Outcome {
        let outcome = self.step(held, "renew").await;
        if let Outcome::Done(body) = &outcome {
            assert_eq!(body["fencing_token"], held.token, "{body:#}");
            held.ends_ms = body["expires_at_ms"].as_u64().expect("a moment");
        }
        outcome
    }

    async fn step(&self, held: &Held, what: &'static str) -> Outcome {
        let path = format!("/leases/{}/{what}", held.id);
        self.under(held, what, Ask::post(path, &self.cluster.operator, Value::Null)).await
    }

    async fn write(&self, held: &Held) -> Outcome {
        let body = json!({"value": held.token, "lease_id": held.id, "updated_by": held.token.to_string()});
        let ask = Ask { method: Method::PUT, body, ..Ask::get(format!("/resource/{GUARDED}"), &self.cluster.operator) };
        let outcome = self.under(held, "write", ask).await;
        if let Outcome::Done(body) = &outcome {
            self.journal().written.push((held.token, body["rev"].as_u64().expect("a number")));
        }
        outcome
    }

    /// Does something that needs the lease, and looks whether the answer fits its time.
    async fn under(&self, held: &Held, what: &'static str, ask: Ask<'_>) -> Outcome {
        let began_ms = self.now_ms();
        let Some(told) = self.ask(ask).await else { return Outcome::Lost };
        if told.status == 200 {
            assert!(began_ms <= held.ends_ms + SKEW_MS, "{what} after the end of {}: {told:?}", held.token);
            return Outcome::Done(told.body);
        }
        assert_eq!((told.status, told.code()), (409, "LEASE_LOST"), "{what}: {told:?}");
        assert!(self.now_ms() + SKEW_MS >= held.ends_ms, "{what} of {} before its end: {told:?}", held.token);
        let mut journal = self.journal();
        journal.refused += 1;
        journal.late.insert(what);
        Outcome::Refused
    }
}

async fn trouble(cluster: &Cluster) {
    for blow in 0..4 {
        tokio::time::sleep(Duration::from_millis(900)).await;
        let host = blow % cluster.len();
        if blow == 2 {
            cluster.kill_and_start(host).await;
        } else {
            cluster.signal(host, Signal::STOP);
            tokio::time::sleep(FROZEN).await;
            cluster.signal(host, Signal::CONT);
        }
    }
}

impl Journal {
    fn is_enough(&self) -> bool {
        let have_come_late = ["write", "renew"].iter().all(|what| self.late.contains(what));
        self.given.len() >= HOLDINGS_MIN && self.written.len() >= WRITES_MIN && have_come_late
    }
}

/// What the log tells of the claim and of what it guards, in order.
async fn told(cluster: &Cluster) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().map_or(0, |event| event["seq"].as_u64().expect("a number"));
        let path = format!("/resource/events?prefix=project/lease/&values=true&since_seq={after}&limit=500");
        let request = cluster.request(0, &Ask::get(path, &cluster.operator)).header("accept", "application/json");
        let page: Value = request.send().await.expect("it answers").json().await.expect("a page");
        let events = page["items"].as_array().unwrap_or_else(|| panic!("{page:#}"));
        if events.is_empty() {
            return all;
        }
        all.extend(events.iter().cloned());
    }
}

/// Holds what the log tells against what holders were told.
fn check(log: &[Value], journal: &Journal) {
    let (mut token, mut is_held, mut retries) = (0, false, 0);
    let mut written = BTreeSet::new();
    let mut ran_out = false;
    for event in log {
        let properties = &event["properties"];
        if properties["key"] == GUARDED {
            let under: u64 = properties["updated_by"].as_str().and_then(|by| by.parse().ok()).expect("a token");
            assert!(is_held && under == token, "written under {under} when {token} was given out: {event:#}");
            written.insert((under, properties["rev"].as_u64().expect("a number")));
            continue;
        }
        let claim = &properties["value"];
        let number = |name: &str| claim[name].as_u64().unwrap_or_else(|| panic!("{event:#}"));
        match claim["state"].as_str() {
            Some("held") => {
                assert_eq!(number("fencing_token"), token + 1, "tokens grow by one: {event:#}");
                // It ran out unless it was given back, whether somebody noticed or not.
                ran_out |= is_held;
                retries = if ran_out { retries + 1 } else { 0 };
                assert_eq!(number("retries"), retries, "{event:#}");
                (token, is_held, ran_out) = (token + 1, true, false);
            }
            state => {
                assert!(is_held && number("fencing_token") == token, "{token} ends once: {event:#}");
                assert!(matches!(state, Some("released" | "expired")), "{event:#}");
                (is_held, ran_out) = (false, state == Some("expired"));
                assert!(claim["owner"].is_null() && claim["lease_id"].is_null(), "{event:#}");
                // Given back it begins anew.
                retries = if ran_out { retries } else { 0 };
            }
        }
    }
    let given: BTreeSet<u64> = journal.given.iter().copied().collect();
    assert_eq!(given.len(), journal.given.len(), "a token was given to two");
    assert!(given.last().is_some_and(|last| *last <= token), "{given:?} and {token}");
    assert!(journal.written.iter().all(|written_one| written.contains(written_one)), "an accepted write is lost");
    println!("{token} holdings, {} writes, {} refused: {:?}", written.len(), journal.refused, journal.late);
}

async fn contend(cluster: Cluster) {
    let (journal, is_over) = (Arc::new(Mutex::new(Journal::default())), Arc::new(AtomicBool::new(false)));
    let clock = Arc::new(SystemClock::new());
    let holder =
        |name| Holder { cluster: cluster.clone(), name, clock: Arc::clone(&clock), journal: Arc::clone(&journal) };
    let holders: Vec<_> = (0..HOLDERS).map(|name| tokio::spawn(holder(name).work(Arc::clone(&is_over)))).collect();
    trouble(&cluster).await;
    while !journal.lock().unwrap_or_else(PoisonError::into_inner).is_enough() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for holder in holders {
        holder.await.expect("holders are told nothing unexpected");
    }
    // Nobody holds it any more, or not for long.
    let ended = |claim: &Value| claim["value"]["state"] != "held";
    cluster.until(&format!("/resource/{CLAIM}"), ended).await;
    let log = told(&cluster).await;
    check(&log, &journal.lock().unwrap_or_else(PoisonError::into_inner));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_back_late_writes_nothing() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let cluster = Cluster::alone(seed).await;
    tokio::time::timeout(PATIENCE, contend(cluster)).await.expect("it takes a few seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_back_late_writes_nothing_on_two_hosts() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let Some(cluster) = Cluster::start(2, seed).await else { return };
    tokio::time::timeout(PATIENCE, contend(cluster)).await.expect("it takes a few seconds");
}
