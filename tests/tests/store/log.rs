//! The log: dense, in order, followed without gaps, with several writers and several hosts.

use std::collections::HashSet;
use std::time::Duration;

use e2e::databases::{TestDatabase, on_both_databases};
use e2e::records::{self, plain_event, workspace};
use sluice::domain::event::{LogEvent, NewLogEvent};
use sluice::domain::id::{MissionId, RunId, WorkspaceId};
use sluice::events::{FOLLOW_PAGE, Follower};
use sluice::store::{LogFilter, Store, Unit};

async fn tell(store: &Store, events: impl IntoIterator<Item = NewLogEvent>) {
    store.commit(Unit { events: events.into_iter().collect(), ..Unit::default() }).await.unwrap();
}

fn ids(events: &[LogEvent]) -> Vec<&str> {
    events.iter().map(|event| event.event.event_id.as_str()).collect()
}

#[tokio::test]
async fn each_part_of_a_filter_narrows_it() {
    on_both_databases(async |store| {
        let event =
            |id: &str, kind: &str, mission: Option<&str>, run: Option<&str>, session: Option<&str>| NewLogEvent {
                event_type: kind.to_owned(),
                mission_id: mission.map(MissionId::new),
                run_id: run.map(RunId::new),
                session_id: session.map(str::to_owned),
                ..plain_event(id)
            };
        let foreign = NewLogEvent { workspace_id: WorkspaceId::new("ws_other"), ..plain_event("evt_x") };
        tell(
            &store,
            [
                event("evt_1", "mission.created", Some("mis_a"), None, None),
                event("evt_2", "mission.work_item.updated", Some("mis_a"), Some("run_a"), Some("s1")),
                event("evt_3", "Mission.odd", Some("mis_b"), Some("run_a"), Some("s2")),
                foreign,
                event("evt_4", "missionXodd", Some("mis_b"), Some("run_b"), Some("s1")),
                event("evt_5", "gate.passed", None, None, None),
            ],
        )
        .await;
        let find = async |filter: LogFilter, after, limit| {
            let found = store.log_events(&workspace(), after, &filter, limit).await.unwrap();
            ids(&found).join(" ")
        };
        let everything = LogFilter::default;
        assert_eq!(find(everything(), 0, 9).await, "evt_1 evt_2 evt_3 evt_4 evt_5");
        assert_eq!(find(everything(), 1, 2).await, "evt_2 evt_3");
        let mission_id = Some(MissionId::new("mis_a"));
        assert_eq!(find(LogFilter { mission_id: mission_id.clone(), ..everything() }, 0, 9).await, "evt_1 evt_2");
        let run_id = Some(RunId::new("run_a"));
        assert_eq!(find(LogFilter { run_id: run_id.clone(), ..everything() }, 0, 9).await, "evt_2 evt_3");
        let session_id = Some("s1".to_owned());
        assert_eq!(find(LogFilter { session_id: session_id.clone(), ..everything() }, 0, 9).await, "evt_2 evt_4");
        let type_prefixes = vec!["mission.".to_owned(), "gate".to_owned()];
        let prefixes = LogFilter { type_prefixes: type_prefixes.clone(), ..everything() };
        assert_eq!(find(prefixes, 0, 9).await, "evt_1 evt_2 evt_5", "neither case nor a wildcard matches");
        let all = LogFilter { mission_id, run_id, session_id, type_prefixes, ..everything() };
        assert_eq!(find(all, 0, 9).await, "evt_2");
        let other = store.log_events(&WorkspaceId::new("ws_other"), 0, &everything(), 9).await.unwrap();
        assert_eq!((ids(&other), other[0].seq), (vec!["evt_x"], 4));
    })
    .await;
}

#[tokio::test]
async fn seq_goes_on_after_retention_and_after_a_restart() {
    for database in TestDatabase::each().await {
        let store = database.open().await;
        tell(&store, ["evt_1", "evt_2", "evt_3"].map(plain_event)).await;
        store.close().await;
        forget_events(&database).await;
        let store = database.open().await;
        assert_eq!(store.log_head().await.unwrap(), 3);
        tell(&store, [plain_event("evt_4")]).await;
        let found = store.log_events(&workspace(), 0, &LogFilter::default(), 9).await.unwrap();
        assert_eq!(found.iter().map(|event| event.seq).collect::<Vec<_>>(), [4]);
    }
}

/// What retention will do one day.
async fn forget_events(database: &TestDatabase) {
    use sluice::store::Location;
    use sqlx::Connection as _;
    const FORGET: &str = "DELETE FROM events";
    match &database.location {
        Location::Sqlite { directory } => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.join("sluice.db"));
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(FORGET).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Location::Postgres { url } => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(FORGET).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// What a follower answers within a moment, if anything.
async fn next_soon(follower: &mut Follower) -> Option<Vec<LogEvent>> {
    tokio::time::timeout(Duration::from_millis(300), follower.next()).await.ok().map(Result::unwrap)
}

#[tokio::test]
async fn a_follower_starts_where_it_is_told_and_waits_for_more() {
    on_both_databases(async |store| {
        tell(&store, ["evt_1", "evt_2", "evt_3"].map(plain_event)).await;
        let mut follower = Follower::new(store.clone(), workspace(), LogFilter::default(), 1);
        assert_eq!(ids(&follower.next().await.unwrap()), ["evt_2", "evt_3"]);
        assert_eq!(next_soon(&mut follower).await, None);
        let (found, ()) = tokio::join!(follower.next(), tell(&store, [plain_event("evt_4")]));
        assert_eq!(ids(&found.unwrap()), ["evt_4"]);
        assert_eq!(follower.cursor(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_commit_wakes_a_follower_long_before_it_would_look() {
    on_both_databases(async |store| {
        let mut follower = Follower::new(store.clone(), workspace(), LogFilter::default(), 0);
        for round in 0..20 {
            let event = plain_event(&format!("evt_{round}"));
            let waited = tokio::time::timeout(Duration::from_millis(900), async {
                tokio::join!(follower.next(), async {
                    // Let the follower fall asleep first.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    tell(&store, [event]).await;
                })
            });
            waited.await.expect("awake before a second has passed").0.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_in_the_middle_of_a_followers_reading_wakes_it() {
    on_both_databases(async |store| {
        let mut follower = Follower::new(store.clone(), workspace(), LogFilter::default(), 0);
        for round in 0..400_u64 {
            let store = store.clone();
            let telling = tokio::spawn(async move {
                // As long as a read takes, more or less.
                for _ in 0..round % 40 {
                    tokio::task::yield_now().await;
                }
                tell(&store, [plain_event(&format!("evt_{round}"))]).await;
            });
            let waited = tokio::time::timeout(Duration::from_millis(900), follower.next());
            assert_eq!(waited.await.expect("awake before a second has passed").unwrap().len(), 1);
            telling.await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_follower_passes_over_what_it_filters_out() {
    on_both_databases(async |store| {
        let odd = |id: String| NewLogEvent { event_type: "odd".to_owned(), ..plain_event(&id) };
        let count = FOLLOW_PAGE * 2;
        tell(&store, (0..count).map(|number| plain_event(&format!("evt_{number}")))).await;
        tell(&store, [odd("odd_1".to_owned())]).await;
        tell(&store, [plain_event("evt_last")]).await;
        let filter = LogFilter { type_prefixes: vec!["odd".to_owned()], ..LogFilter::default() };
        let mut follower = Follower::new(store.clone(), workspace(), filter, 0);
        assert_eq!(ids(&follower.next().await.unwrap()), ["odd_1"]);
        assert_eq!(follower.cursor(), u64::from(count) + 2, "what did not pass is not read again");
        // More than a page that passes comes in pages, none lost between them.
        tell(&store, (0..count + 1).map(|number| odd(format!("odd_more_{number}")))).await;
        let mut pages = Vec::new();
        for _ in 0..3 {
            pages.push(follower.next().await.unwrap().len());
        }
        assert_eq!(pages, [256, 256, 1]);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_wait_loses_nothing() {
    on_both_databases(async |store| {
        let mut follower = Follower::new(store.clone(), workspace(), LogFilter::default(), 0);
        let mut seen = Vec::new();
        for number in 0..200_u64 {
            tell(&store, [plain_event(&format!("evt_{number}"))]).await;
            // Cancelled at every stage of its reading.
            let wait = Duration::from_micros(number * 20 % 3000);
            if let Ok(events) = tokio::time::timeout(wait, follower.next()).await {
                seen.extend(events.unwrap().iter().map(|event| event.seq));
            }
        }
        while seen.len() < 200 {
            seen.extend(follower.next().await.unwrap().iter().map(|event| event.seq));
        }
        assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    })
    .await;
}

/// Commits `units` units of 1 to 3 events each from each of `callers` tasks.
fn commit_many(store: &Store, host: &str, callers: u64, units: u64) -> Vec<tokio::task::JoinHandle<u64>> {
    (0..callers)
        .map(|caller| {
            let (store, host) = (store.clone(), host.to_owned());
            tokio::spawn(async move {
                let mut told = 0;
                for unit in 0..units {
                    let count = unit % 3 + 1;
                    let events: Vec<_> = (0..count)
                        .map(|event| records::plain_event(&format!("{host}_{caller}_{unit}_{event}")))
                        .collect();
                    let first = events[0].event_id.clone();
                    let done = store.commit(Unit { events, ..Unit::default() }).await.unwrap();
                    let (from, to) = done.seqs.unwrap();
                    assert_eq!(to - from + 1, count);
                    // What a caller is told is what a reader finds.
                    let found = store.log_events(&workspace(), from - 1, &LogFilter::default(), 1).await.unwrap();
                    assert_eq!((found[0].seq, &found[0].event.event_id), (from, &first));
                    told += count;
                }
                told
            })
        })
        .collect()
}

/// Follows until `count` events were seen; checks that they are 1, 2, 3, ... and all different.
async fn follow_all(store: Store, count: u64) {
    let mut follower = Follower::new(store, workspace(), LogFilter::default(), 0);
    let (mut last, mut seen) = (0, HashSet::new());
    while last < count {
        for event in follower.next().await.unwrap() {
            assert_eq!(event.seq, last + 1, "no event is skipped and none comes twice");
            assert!(seen.insert(event.event.event_id.clone()), "{:?}", event.event.event_id);
            last = event.seq;
        }
    }
    assert_eq!(last, count);
}

const CALLERS: u64 = 8;
const UNITS: u64 = 60;
/// Units of 1, 2 and 3 events in turn.
const EVENTS: u64 = CALLERS * UNITS * 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn followers_see_each_event_once_while_many_callers_write() {
    on_both_databases(async |store| {
        let followers = [(); 3].map(|()| tokio::spawn(follow_all(store.clone(), EVENTS)));
        for caller in commit_many(&store, "h", CALLERS, UNITS) {
            caller.await.unwrap();
        }
        for follower in followers {
            let ended = tokio::time::timeout(Duration::from_secs(30), follower).await;
            ended.expect("every event arrives").unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_event_of_another_host_appears_behind_a_cursor() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let (a, b) = (database.open().await, database.open().await);
    let watcher = database.open().await;
    let followers = [&a, &b, &watcher].map(|store| tokio::spawn(follow_all(store.clone(), EVENTS * 2)));
    let callers = commit_many(&a, "a", CALLERS, UNITS).into_iter().chain(commit_many(&b, "b", CALLERS, UNITS));
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    for follower in followers {
        tokio::time::timeout(Duration::from_secs(30), follower).await.expect("every event arrives").unwrap();
    }
}

#[tokio::test]
async fn another_hosts_commit_wakes_a_follower() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let (here, there) = (database.open().await, database.open().await);
    let mut follower = Follower::new(here, workspace(), LogFilter::default(), 0);
    // The connection that listens is made in the background.
    tell(&there, [plain_event("evt_first")]).await;
    assert_eq!(ids(&follower.next().await.unwrap()), ["evt_first"]);
    let mut fast = 0;
    for round in 0..10 {
        let event = plain_event(&format!("evt_{round}"));
        let waited = tokio::time::timeout(Duration::from_millis(500), async {
            tokio::join!(follower.next(), async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                tell(&there, [event]).await;
            })
        });
        match waited.await {
            Ok((events, ())) => fast += usize::from(events.unwrap().len() == 1),
            Err(_) => drop(follower.next().await.unwrap()),
        }
    }
    assert!(fast >= 9, "only {fast} of 10 were told of; the rest were found by looking");
}
