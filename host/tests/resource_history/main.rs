//! Shared resources asked by many at once, over hosts that are killed and frozen: every key's history
//! must have an order in which each answer is right.
//!
//! What clients were told is all there is to go by; whether it is right is decided by
//! [`e2e::linear`] and [`model`], which know nothing of the host.

#![expect(
    clippy::similar_names,
    clippy::struct_field_names,
    reason = "`key` and `keys`, `host` and `hosts` are what they are"
)]
#![expect(clippy::option_option, reason = "not known, and known to have no end, are two things")]

mod hosts;
mod model;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use e2e::linear::{self, Call};
use e2e::random::Random;
use hosts::{Hosts, Told};
use model::{Answer, Ask, Expect, Key, Numbers, Op, Resource};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

const KEYS: [&str; 4] = ["team/history/a", "team/history/b", "project/c", "run/h:1/d"];
/// Clients in all.
const CLIENTS: usize = 10;
/// Times that a host is killed or frozen.
const BLOWS: usize = 4;
/// Fewest calls that are answered before each blow, and after the last.
const BETWEEN_BLOWS: usize = 350;
/// Longest time to live that is asked for.
const TTL_MAX_MS: usize = 60;
/// How long after its host was killed the database may still carry something out.
const LATE_US: u64 = 3_000_000;
const PATIENCE: Duration = Duration::from_mins(3);

/// What all clients did, by key.
#[derive(Default)]
struct History {
    calls: Mutex<Vec<(usize, Call<Op>)>>,
    /// The revision that somebody saw last, by key.
    seen: [AtomicUsize; KEYS.len()],
    answered: AtomicUsize,
    /// Whether it is enough.
    is_over: AtomicBool,
}

fn some_ask(random: &mut Random, number: u64, seen: u64) -> Ask {
    let expect = match random.below(4) {
        0 => Expect::Anything,
        1 if seen > 0 => Expect::Revision(seen.saturating_sub(1).max(1)),
        _ if seen > 0 => Expect::Revision(seen),
        _ => Expect::Anything,
    };
    let ttl_ms = random.maybe(|random| 1 + random.below(TTL_MAX_MS) as u64);
    match random.below(20) {
        0..=6 => Ask::Get,
        7..=9 => Ask::Put { number, expect: Expect::Absent, ttl_ms },
        10..=14 => Ask::Put { number, expect, ttl_ms },
        15..=17 => Ask::Patch { number, expect },
        _ => Ask::Delete { expect },
    }
}

/// An ask as a request: method, query and body.
fn as_request(ask: Ask) -> (Method, String, Value) {
    let (method, expect, body) = match ask {
        Ask::Get => return (Method::GET, String::new(), Value::Null),
        Ask::Put { number, expect, ttl_ms: None } => (Method::PUT, expect, json!({"value": {"put": number}})),
        Ask::Put { number, expect, ttl_ms } => {
            (Method::PUT, expect, json!({"value": {"put": number}, "ttl_ms": ttl_ms}))
        }
        Ask::Patch { number, expect } => (Method::PATCH, expect, json!({"patched": number})),
        Ask::Delete { expect } => (Method::DELETE, expect, Value::Null),
    };
    let query = match expect {
        Expect::Anything => String::new(),
        Expect::Absent => "?if_match_rev=0".to_owned(),
        Expect::Revision(rev) => format!("?if_match_rev={rev}"),
    };
    (method, query, body)
}

fn answer(ask: Ask, status: u16, body: &Value) -> Answer {
    let number = |name: &str| body[name].as_u64().unwrap_or_else(|| panic!("{name} of {body:#}"));
    match (status, body["code"].as_str()) {
        (200, _) if matches!(ask, Ask::Delete { .. }) => Answer::Deleted { rev: number("rev") },
        (200, _) => {
            let value: Numbers = (body["value"]["put"].as_u64().expect("a number"), body["value"]["patched"].as_u64());
            Answer::Found { rev: number("rev"), value, end_ms: body["expires_at_ms"].as_u64() }
        }
        (404, Some("NOT_FOUND")) => Answer::Absent,
        (409, Some("RESOURCE_REVISION_CONFLICT")) => Answer::Conflict { current: number("current_rev") },
        _ => panic!("{ask:?}: {status} {body:#}"),
    }
}

async fn client(hosts: Hosts, history: Arc<History>, name: usize, seed: u64) {
    let random = &mut Random::new(seed.wrapping_add(name as u64 * 7919));
    for call in 0.. {
        if history.is_over.load(Ordering::Relaxed) {
            break;
        }
        let key = random.below(KEYS.len());
        let seen = history.seen[key].load(Ordering::Relaxed) as u64;
        let ask = some_ask(random, (call * CLIENTS + name) as u64, seen);
        let (method, query, body) = as_request(ask);
        let began = hosts.now_us();
        let told =
            hosts.ask((name + call) % hosts.len(), method, &format!("/resource/{}{query}", KEYS[key]), body).await;
        let now = hosts.now_us();
        let (ended, op) = match told {
            Told::Answer(status, body) if status < 500 => {
                let answer = answer(ask, status, &body);
                if let Answer::Found { rev, .. } | Answer::Conflict { current: rev } = answer {
                    history.seen[key].store(usize::try_from(rev).expect("a small number"), Ordering::Relaxed);
                }
                history.answered.fetch_add(1, Ordering::Relaxed);
                (now, Op { ask, answer: Some(answer) })
            }
            Told::Nothing => {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
            Told::Lost | Told::Answer(..) => (now + LATE_US, Op { ask, answer: None }),
        };
        // A read that nobody heard the answer of tells nothing.
        if op.answer.is_some() || ask != Ask::Get {
            let answered = op.answer.is_some();
            let call = Call { began, ended, answered, op };
            history.calls.lock().unwrap_or_else(PoisonError::into_inner).push((key, call));
        }
    }
}

/// Kills hosts, and freezes them where there is more than one, each time that clients have got on.
async fn trouble(hosts: &Hosts, history: &History) {
    let got_on = async |blow: usize| {
        while history.answered.load(Ordering::Relaxed) < blow * BETWEEN_BLOWS {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    for blow in 1..=BLOWS {
        got_on(blow).await;
        let host = blow / 2 % hosts.len();
        if hosts.len() > 1 && blow % 2 == 0 {
            hosts.signal(host, Signal::STOP);
            tokio::time::sleep(Duration::from_millis(4 * TTL_MAX_MS as u64)).await;
            hosts.signal(host, Signal::CONT);
        } else {
            hosts.kill_and_start(host).await;
        }
    }
    got_on(BLOWS + 1).await;
    history.is_over.store(true, Ordering::Relaxed);
}

/// Whether each key's history has an order; panics with what is wrong of the first that has none.
fn judge(history: &History, model: &Resource) -> BTreeMap<&'static str, usize> {
    let calls = std::mem::take(&mut *history.calls.lock().unwrap_or_else(PoisonError::into_inner));
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (key, name) in KEYS.iter().enumerate() {
        let of_key: Vec<Call<Op>> = calls.iter().filter(|(of, _)| *of == key).map(|(_, call)| call.clone()).collect();
        for call in &of_key {
            *kinds.entry(kind(&call.op)).or_default() += 1;
        }
        if let Err(stuck) = linear::check(model, Key::default(), &of_key) {
            let shown =
                |calls: &[usize]| -> Vec<String> { calls.iter().map(|call| format!("{:?}", of_key[*call])).collect() };
            let last = &stuck.explained[stuck.explained.len().saturating_sub(12)..];
            panic!(
                "{name}: {} of {} calls have an order.\nthe last of them:\n{}\ncould be next:\n{}\nstates: {:?}",
                stuck.explained.len(),
                of_key.len(),
                shown(last).join("\n"),
                shown(&stuck.next).join("\n"),
                stuck.states
            );
        }
    }
    kinds
}

fn kind(op: &Op) -> &'static str {
    match (op.ask, op.answer) {
        (_, None) => "lost",
        (Ask::Get, Some(Answer::Absent)) => "found nothing",
        (Ask::Get, _) => "found",
        (_, Some(Answer::Conflict { .. })) => "conflict",
        (_, Some(Answer::Absent)) => "nothing to change",
        (Ask::Put { ttl_ms: Some(_), .. }, _) => "put for a while",
        (Ask::Put { .. }, _) => "put",
        (Ask::Patch { .. }, _) => "patched",
        (Ask::Delete { .. }, _) => "deleted",
    }
}

async fn survive(hosts: Hosts, skew_us: u64) {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let history = Arc::new(History::default());
    let clients: Vec<_> =
        (0..CLIENTS).map(|name| tokio::spawn(client(hosts.clone(), Arc::clone(&history), name, seed))).collect();
    trouble(&hosts, &history).await;
    for client in clients {
        client.await.expect("clients are told nothing unexpected");
    }
    hosts.stop().await;
    let kinds = judge(&history, &Resource { skew_us });
    println!("{kinds:?}");
    for kind in ["found nothing", "found", "conflict", "put for a while", "put", "patched", "deleted"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 20), "too few `{kind}`: {kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_key_has_one_history_across_kills() {
    let hosts = Hosts::start(1, None).await;
    tokio::time::timeout(PATIENCE, survive(hosts, 2_000)).await.expect("it takes a few seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_key_has_one_history_on_two_hosts() {
    let Some(postgres) = e2e::postgres::shared() else { return };
    let url = postgres.create_database().await;
    let hosts = Hosts::start(2, Some(url)).await;
    // Hosts measure the database's time, and may be off by half of a measurement's time.
    tokio::time::timeout(PATIENCE, survive(hosts, 400_000)).await.expect("it takes a few seconds");
}
