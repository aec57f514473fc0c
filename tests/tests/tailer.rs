//! The one reader that all of a host's followers share: each is told its own events, all of them, in
//! order and once, and events of others cost it nothing.

#![expect(clippy::unwrap_used, reason = "a case that cannot go on ends there")]

use std::sync::Arc;
use std::time::Duration;

use e2e::databases::on_both_databases;
use e2e::random::Random;
use e2e::records::{plain_event, workspace};
use sluice::domain::event::NewLogEvent;
use sluice::domain::id::{MissionId, RunId, WorkspaceId};
use sluice::domain::json::Json;
use sluice::domain::resource::ResourceKey;
use sluice::events::{Tail, Tailer, Told};
use sluice::store::{LogFilter, Store, Unit, Write};

async fn tell(store: &Store, events: impl IntoIterator<Item = NewLogEvent>) {
    store.commit(Unit { events: events.into_iter().collect(), ..Unit::default() }).await.unwrap();
}

fn about(key: &str, id: String) -> NewLogEvent {
    let key = ResourceKey::parse(key).unwrap();
    NewLogEvent { event_type: "resource.updated".to_owned(), resource_key: Some(key), ..plain_event(&id) }
}

fn keys(prefix: &str) -> LogFilter {
    LogFilter { key_prefixes: Some(vec![prefix.to_owned()]), ..LogFilter::default() }
}

fn types(prefix: &str) -> LogFilter {
    LogFilter { type_prefixes: vec![prefix.to_owned()], ..LogFilter::default() }
}

/// What a follower is told next, by number.
async fn next(tail: &mut Tail) -> Vec<u64> {
    let told = tokio::time::timeout(Duration::from_secs(20), tail.next(16)).await.expect("something is told");
    match told.unwrap() {
        Told::Events(events) => events.iter().map(|tailed| tailed.event.seq).collect(),
        Told::Gap { oldest_seq } => panic!("nothing is gone before {oldest_seq}"),
    }
}

/// Lets a follower look, and checks that there is nothing for it.
async fn is_quiet(tail: &mut Tail) -> bool {
    tokio::time::timeout(Duration::from_millis(20), tail.next(16)).await.is_err()
}

async fn until_read(tailer: &Tailer, store: &Store) -> u64 {
    let head = store.log_head().await.unwrap();
    while tailer.head() < head {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    head
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_others_cost_a_follower_nothing() {
    on_both_databases(async |store| {
        let tailer = Tailer::start(store.clone()).await.unwrap();
        let mut idle: Vec<Tail> = (0..1_000)
            .map(|number| {
                let filter = match number % 4 {
                    0 => keys(&format!("team/idle-{number}/")),
                    1 => types(&format!("idle.{number}.")),
                    2 => LogFilter { run_id: Some(RunId::new(format!("run_{number}"))), ..LogFilter::default() },
                    _ => LogFilter { mission_id: Some(MissionId::new(format!("mis_{number}"))), ..keys("run/none") },
                };
                tailer.follow(workspace(), filter, 0)
            })
            .collect();
        // Another workspace's follower of everything.
        idle.push(tailer.follow(WorkspaceId::new("ws_other"), LogFilter::default(), 0));
        let mut busy = tailer.follow(workspace(), keys("team/busy/"), 0);
        let sleepers: Vec<_> = idle
            .into_iter()
            .map(|mut tail| {
                tokio::spawn(async move {
                    let told = tail.next(16).await;
                    (tail, told.is_ok())
                })
            })
            .collect();
        // More than is remembered, so that a follower which did not look fell out of it.
        const EVENTS: u64 = 6_000;
        let mut seen = 0;
        for page in 0..EVENTS / 100 {
            tell(&store, (0..100).map(|number| about("team/busy/a", format!("evt_{page}_{number}")))).await;
            while seen < (page + 1) * 100 {
                for seq in next(&mut busy).await {
                    seen += 1;
                    assert_eq!(seq, seen);
                }
            }
        }
        let effort = tailer.effort();
        assert_eq!((effort.events, effort.considered), (EVENTS, EVENTS), "one follower for each event: {effort:?}");
        assert!(effort.woken <= EVENTS, "{effort:?}");
        assert_eq!((effort.searched, effort.pages), (0, 0), "{effort:?}");
        // Each of the others is told its own event all the same, from memory.
        let own = (0..1_000).map(|number| match number % 4 {
            0 => about(&format!("team/idle-{number}/x"), format!("own_{number}")),
            1 => NewLogEvent { event_type: format!("idle.{number}.x"), ..plain_event(&format!("own_{number}")) },
            2 => NewLogEvent {
                run_id: Some(RunId::new(format!("run_{number}"))),
                ..plain_event(&format!("own_{number}"))
            },
            _ => NewLogEvent {
                mission_id: Some(MissionId::new(format!("mis_{number}"))),
                ..about("run/none/x", format!("own_{number}"))
            },
        });
        let elsewhere = NewLogEvent { workspace_id: WorkspaceId::new("ws_other"), ..plain_event("own_elsewhere") };
        tell(&store, own.chain([elsewhere])).await;
        let mut told = 0;
        for (number, sleeper) in sleepers.into_iter().enumerate() {
            let (tail, is_told) = tokio::time::timeout(Duration::from_secs(20), sleeper).await.unwrap().unwrap();
            assert_eq!((is_told, tail.cursor()), (true, EVENTS + 1 + number as u64));
            told += 1;
        }
        let after = tailer.effort();
        // Those of missions stand among the followers of one prefix.
        assert!(after.considered - effort.considered <= told + 250 * 250, "{after:?}");
        assert_eq!((after.woken - effort.woken, after.searched, after.pages), (told, 0, 0), "{after:?}");
        // Whoever was not woken is at the log's end without having looked at anything.
        let head = until_read(&tailer, &store).await;
        assert!(is_quiet(&mut busy).await);
        assert_eq!((busy.cursor(), tailer.effort()), (head, after));
        drop((tailer, busy));
    })
    .await;
}

#[tokio::test]
async fn retention_is_a_gap_for_those_who_have_to_look_back_and_for_nobody_else() {
    on_both_databases(async |store| {
        let tailer = Tailer::start(store.clone()).await.unwrap();
        let mut quiet = tailer.follow(workspace(), types("rare"), 0);
        let mut behind = tailer.follow(workspace(), types("test"), 0);
        let mut swamped = tailer.follow(workspace(), types("test"), 0);
        let large = Json::from_valid(format!("\"{}\"", "x".repeat(400 << 10)));
        for number in 0..200 {
            let properties = if number % 8 == 0 { large.clone() } else { Json::empty_object() };
            tell(&store, [NewLogEvent { properties, ..plain_event(&format!("evt_{number}")) }]).await;
        }
        until_read(&tailer, &store).await;
        assert_eq!(next(&mut swamped).await[0], 1, "what is gone from memory is read from the log");
        store.commit(Unit { writes: vec![Write::TrimLog { up_to_seq: 20 }], ..Unit::default() }).await.unwrap();
        for tail in [&mut behind, &mut swamped] {
            assert!(matches!(tail.next(16).await.unwrap(), Told::Gap { oldest_seq: 21 }));
            assert_eq!(tail.cursor(), 20);
            let mut seqs = Vec::new();
            while seqs.len() < 180 {
                seqs.extend(next(tail).await);
            }
            assert_eq!(seqs, (21..=200).collect::<Vec<_>>());
        }
        tell(&store, [NewLogEvent { event_type: "rare".to_owned(), ..plain_event("evt_rare") }]).await;
        assert_eq!(next(&mut quiet).await, [201], "nothing for it was deleted");
    })
    .await;
}

const WORKSPACES: [&str; 2] = ["ws_a", "ws_b"];
const TYPES: [&str; 4] = ["gate.passed", "gate.passive", "session.run.queued", "resource.updated"];
const KEYS: [&str; 6] = ["team/a", "team/a/b", "team/ab", "team/b/c/d", "run/r1/status", "project/x"];
const PREFIXES: [&str; 8] = ["", "team/", "team/a", "team/a/", "team/ab", "run", "project/x", "mission/"];

fn random_event(random: &mut Random, id: String) -> NewLogEvent {
    // Large enough now and then that what is remembered is soon forgotten.
    let properties = match random.below(12) {
        0 => Json::from_valid(format!("\"{}\"", "x".repeat(900 << 10))),
        _ => Json::empty_object(),
    };
    let resource_key = random.maybe(|random| ResourceKey::from_stored(*random.one_of(&KEYS)));
    NewLogEvent {
        workspace_id: WorkspaceId::new(*random.one_of(&WORKSPACES)),
        event_type: (*random.one_of(&TYPES)).to_owned(),
        session_id: random.maybe(|random| format!("s{}", random.below(3))),
        run_id: random.maybe(|random| RunId::new(format!("run_{}", random.below(3)))),
        mission_id: random.maybe(|random| MissionId::new(format!("mis_{}", random.below(3)))),
        resource_key,
        properties,
        ..plain_event(&id)
    }
}

fn random_filter(random: &mut Random) -> LogFilter {
    let rarely = |random: &mut Random| random.below(4) == 0;
    let mut filter = LogFilter::default();
    if rarely(random) {
        filter.mission_id = Some(MissionId::new(format!("mis_{}", random.below(3))));
    }
    if rarely(random) {
        filter.run_id = Some(RunId::new(format!("run_{}", random.below(3))));
    }
    if rarely(random) {
        filter.session_id = Some(format!("s{}", random.below(3)));
    }
    if rarely(random) {
        filter.type_prefixes =
            random.few(|random| random.one_of(&["gate.", "gate.pass", "session", "resource.", ""]).to_string());
    }
    if rarely(random) {
        filter.key_prefixes = Some(random.few(|random| random.one_of(&PREFIXES).to_string()));
    }
    filter
}

/// Follows from `from` on, impatient, slow and forgetful, until `count` numbers were told.
async fn follow(
    tailer: Arc<Tailer>,
    workspace: WorkspaceId,
    filter: LogFilter,
    from: u64,
    seed: u64,
    mut until: tokio::sync::watch::Receiver<Option<u64>>,
) -> Vec<u64> {
    let mut random = Random::new(seed);
    let mut seqs = Vec::new();
    let mut tail = tailer.follow(workspace.clone(), filter.clone(), from);
    loop {
        let limit = 1 + random.below(20) as u32;
        let wait = Duration::from_micros(random.below(20_000) as u64);
        // Cancelled at every stage, and seldom enough that a database keeps its connections.
        let told = if random.below(12) == 0 {
            tokio::time::timeout(wait, tail.next(limit)).await.map_or(Ok(None), |told| told.map(Some))
        } else {
            tail.look(limit).await
        };
        match told {
            Ok(Some(Told::Events(events))) => {
                assert!((1..=limit as usize).contains(&events.len()));
                seqs.extend(events.iter().map(|tailed| tailed.event.seq));
                assert!(seqs.last() <= Some(&tail.cursor()));
            }
            Ok(Some(Told::Gap { oldest_seq })) => panic!("nothing is gone before {oldest_seq}"),
            // Nothing more: it is done once it has passed the end.
            Ok(None) if until.borrow_and_update().is_some_and(|end| tail.cursor() >= end) => return seqs,
            Ok(None) => drop(tokio::time::timeout(wait, tail.sleep()).await),
            // Tried again from the same place; a database may run out of connections for a moment.
            Err(error) => {
                println!("{error:?}");
                tokio::time::sleep(wait).await;
            }
        }
        match random.below(30) {
            // Comes back later, from where it was.
            0 => tail = tailer.follow(workspace.clone(), filter.clone(), tail.cursor()),
            1 => tokio::time::sleep(Duration::from_millis(random.below(60) as u64)).await,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_somebody_asks_for_is_what_the_table_of_events_holds() {
    on_both_databases(async |store| {
        let mut random = Random::new(11);
        tell(&store, (0..50).map(|number| random_event(&mut random, format!("before_{number}")))).await;
        let tailer = Arc::new(Tailer::start(store.clone()).await.unwrap());
        let (end, until) = tokio::sync::watch::channel(None);
        let mut followers = Vec::new();
        let mut sit_down = |random: &mut Random, head: u64| {
            let workspace = WorkspaceId::new(*random.one_of(&WORKSPACES));
            let (filter, from) = (random_filter(random), random.below(head as usize + 1) as u64);
            let task =
                follow(Arc::clone(&tailer), workspace.clone(), filter.clone(), from, random.number(), until.clone());
            followers.push((workspace, filter, from, tokio::spawn(task)));
        };
        for round in 0..90 {
            let head = store.log_head().await.unwrap();
            sit_down(&mut random, head);
            let writers = (0..3).map(|writer| {
                let count = if random.below(20) == 0 { 300 } else { 1 + random.below(6) };
                let events: Vec<_> = (0..count)
                    .map(|number| random_event(&mut random, format!("evt_{round}_{writer}_{number}")))
                    .collect();
                // One of the large ones in a unit is enough.
                let large = events.iter().position(|event| event.properties.as_str().len() > 9);
                let small = |(at, event): (usize, NewLogEvent)| match large {
                    Some(large) if large != at => NewLogEvent { properties: Json::empty_object(), ..event },
                    _ => event,
                };
                tell(&store, events.into_iter().enumerate().map(small).collect::<Vec<_>>())
            });
            futures_util::future::join_all(writers.collect::<Vec<_>>()).await;
        }
        let head = store.log_head().await.unwrap();
        end.send(Some(head)).unwrap();
        let mut told = 0;
        for (workspace, filter, from, follower) in followers {
            let seqs = tokio::time::timeout(Duration::from_secs(60), follower).await.expect("it gets there").unwrap();
            let mut held = Vec::new();
            let mut after = from;
            loop {
                let page = store.log_events(&workspace, after, &filter, 1_000).await.unwrap();
                held.extend(page.iter().map(|event| event.seq));
                match page.last() {
                    Some(last) => after = last.seq,
                    None => break,
                }
            }
            assert_eq!(seqs, held, "after {from}: {filter:?}");
            told += seqs.len();
        }
        assert!(told > 5_000, "{told} events are too few to say anything");
        println!("{told} events told; {:?}", tailer.effort());
        let effort = tailer.effort();
        assert!(effort.searched > 0 && effort.pages > 0, "some were behind: {effort:?}");
    })
    .await;
}
