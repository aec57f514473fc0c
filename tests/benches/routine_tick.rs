//! What a look of the loop that fires routines costs, how many it fires a second, and how late.
//!
//! Four figures, each on both databases. *Tick*: one look that finds 100 routines due, among
//! 1,000 and among 100,000 of them, in turns; the target is 1.2 times. *Crowd*: as many routines as
//! the first argument says (100,000 by default) are due in the same second; all fire, none twice, and
//! the rate is held against the store's group commit: the same store, asked by as many callers at once to
//! commit units of the same rows and events (a routine, an occurrence, a line of its history, a mission,
//! its item, two inputs, two events), which nobody has to find, judge or think of, in as few transactions
//! as it makes of them. The target is 0.3 times. The rate of units of one row and one event is printed
//! beside it. *Delay*: 100 routines of six seconds, 1,000 fires a minute, by the real loop and the
//! machine's clock, from the due millisecond until it is decided, and until whoever follows the log
//! reads that it fired; the target is 100 ms at the 99th percentile for the second, which holds the first.
//!
//! `cargo bench -p e2e --bench routine_tick`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::engine::TestEngine;
use e2e::random::Random;
use e2e::records;
use e2e::routines::{MINUTE, create, decide, occurrences, settings};
use sluice::clock::SystemClock;
use sluice::domain::event::NewLogEvent;
use sluice::domain::id::{EventId, RoutineId};
use sluice::domain::json::Json;
use sluice::domain::mission::MissionStatus;
use sluice::domain::routine::{Overlap, Routine, RoutineSettings, ScheduleSpec};
use sluice::domain::time::Timestamp;
use sluice::engine::Engine;
use sluice::events::Follower;
use sluice::scheduler::Scheduler;
use sluice::store::{Location, LogFilter, Store, Unit, Write};
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

const TICK_TARGET: f64 = 1.2;
const RATE_TARGET: f64 = 0.3;
const DELAY_TARGET_MS: u64 = 100;
/// Routines that are due in each look.
const DUE: usize = 100;
/// Looks of each side.
const TICKS: usize = 30;
/// Callers at once, as the engine has units on their way.
const CALLERS: usize = 256;

/// `count` copies of a routine, under ids of their own.
async fn copies(store: &Store, of: &Routine, count: usize) {
    for begin in (0..count).step_by(1_000) {
        let copy = |number: usize| {
            let id = RoutineId::new(format!("{}-{number}", of.id));
            Write::Routine(Box::new(Routine { id, ..of.clone() }))
        };
        let writes = (begin..count.min(begin + 1_000)).map(copy).collect();
        store.commit(Unit { writes, ..Unit::default() }).await.expect("routines are written");
    }
}

/// Has PostgreSQL look at its tables now, as it does by itself within a minute of their being filled.
async fn look_at_tables(database: &Location) {
    if let Location::Postgres { url } = database {
        let mut connection = PgConnection::connect(url).await.expect("it is there");
        sqlx::raw_sql("ANALYZE").execute(&mut connection).await.expect("its owner asks");
    }
}

fn beside_each_other(expression: &str) -> RoutineSettings {
    RoutineSettings { overlap: Overlap::Allow { max: 100 }, ..settings(expression) }
}

/// An engine with [`DUE`] routines of every minute among `all`.
async fn among(database: TestDatabase, all: usize) -> TestEngine {
    let location = database.location.clone();
    let host = TestEngine::start(database).await;
    host.plugins.decide_with(|_, board, call| Ok(decide(board, call)));
    let often = create(&host.engine, "often", beside_each_other("* * * * *")).await;
    copies(host.engine.store(), &often, DUE - 1).await;
    let seldom = create(&host.engine, "seldom", settings("0 0 1 1 *")).await;
    copies(host.engine.store(), &seldom, all - DUE - 1).await;
    look_at_tables(&location).await;
    host
}

async fn tick(host: &TestEngine) -> Duration {
    host.clock.pass(MINUTE);
    let begun = Instant::now();
    let fired = host.engine.fire_routines(None, host.clock_now(), 500).await.expect("they fire");
    let next = host.engine.store().next_routine_fire(None).await.expect("the next is known");
    let took = begun.elapsed();
    assert_eq!((fired, next), (DUE, Some(host.clock_now().plus_millis(MINUTE))));
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn compare_ticks(few: TestDatabase, many: TestDatabase) -> bool {
    let (few, many) = (among(few, 1_000).await, among(many, 100_000).await);
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..TICKS {
        of_few.push(tick(&few).await);
        of_many.push(tick(&many).await);
    }
    let (of_few, of_many) = (median(of_few), median(of_many));
    let ratio = of_many.as_secs_f64() / of_few.as_secs_f64();
    println!("  tick    {DUE} of 1,000 {of_few:>10.1?}   {DUE} of 100,000 {of_many:>10.1?}   ratio {ratio:.2}");
    ratio <= TICK_TARGET
}

/// Units that `store` commits a second, as `unit` makes them.
async fn bare_rate(store: &Store, count: usize, unit: impl Fn(usize) -> Unit + Send + Sync + 'static) -> f64 {
    let unit = Arc::new(unit);
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (store, unit) = (store.clone(), Arc::clone(&unit));
            tokio::spawn(async move {
                for number in (caller..count).step_by(CALLERS) {
                    store.commit(unit(number)).await.expect("a unit that conflicts with nobody");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller that ends well");
    }
    rate(count, begun.elapsed())
}

/// A unit of one row and one event.
fn small_unit(row: &Routine, number: usize) -> Unit {
    let id = RoutineId::new(format!("small-{number}"));
    let events = vec![event(row, &format!("evt_small_{number}"))];
    Unit { writes: vec![Write::Routine(Box::new(Routine { id, ..row.clone() }))], events, ..Unit::default() }
}

/// A unit of the rows and events that a fire writes.
fn whole_unit(row: &Routine, number: usize) -> Unit {
    let name = |kind: &str| format!("{kind}_bare_{number}");
    let random = &mut Random::new(number as u64 + 1);
    let (mission_id, id) = (name("mis"), RoutineId::new(name("rtn")));
    let item = records::work_item(random, &mission_id, "wi_bare", 0);
    let mut writes = vec![Write::Routine(Box::new(Routine { id, ..row.clone() }))];
    writes.push(Write::Occurrence(Box::new(records::occurrence(random, &name("rtn"), &name("run")))));
    writes.push(Write::RoutineEntry(records::routine_entry(random, &name("rtn"), &name("evt"))));
    writes.push(Write::Mission(records::mission(random, &mission_id)));
    writes.push(Write::WorkItem(Arc::new(item)));
    for kind in ["created", "started"] {
        writes.push(Write::Input(records::input(random, &mission_id, &name(kind))));
    }
    let events = vec![event(row, &name("evt_a")), event(row, &name("evt_b"))];
    Unit { writes, events, ..Unit::default() }
}

fn event(row: &Routine, id: &str) -> NewLogEvent {
    NewLogEvent {
        event_id: EventId::new(id),
        event_type: "routine.fired".to_owned(),
        workspace_id: row.workspace_id.clone(),
        session_id: None,
        run_id: None,
        mission_id: None,
        resource_key: None,
        actor: "bench".to_owned(),
        occurred_at: row.created_at,
        properties: Json::empty_object(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 are counted")]
fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

async fn crowd(database: TestDatabase, bare_database: TestDatabase, count: usize) -> bool {
    let location = database.location.clone();
    let host = TestEngine::start(database).await;
    let row = create(&host.engine, "row", settings("0 0 1 1 *")).await;
    // In a database of their own, whose rows are no routines that fire.
    let own = bare_database.open().await;
    let (small, whole) = (row.clone(), row);
    let small = bare_rate(&own, count.min(20_000), move |number| small_unit(&small, number)).await;
    let bare = bare_rate(&own, count.min(20_000), move |number| whole_unit(&whole, number)).await;
    own.close().await;
    let first = create(&host.engine, "crowd", settings("0 * * * *")).await;
    copies(host.engine.store(), &first, count - 1).await;
    look_at_tables(&location).await;
    host.clock.pass(60 * MINUTE);
    let begun = Instant::now();
    let mut fired = 0;
    loop {
        match host.engine.fire_routines(None, host.clock_now(), 500).await.expect("they fire") {
            0 => break,
            more => fired += more,
        }
    }
    let ours = rate(count, begun.elapsed());
    let store = host.engine.store();
    let (mut missions, mut before) = (0, None);
    loop {
        let workspace = Engine::local_workspace();
        let page = store.missions(&workspace, Some(MissionStatus::Draft), before.as_ref(), 10_000).await;
        let page = page.expect("they can be read");
        let Some(last) = page.last() else { break };
        before = Some(last.id.clone());
        missions += page.len();
    }
    assert_eq!((fired, missions), (count, count), "all fire, none twice");
    let ratio = ours / bare;
    println!("  crowd   {count} due at once: {ours:.0} a second, the same rows {bare:.0}   ratio {ratio:.2}");
    println!("          units of one row and one event: {small:.0} a second");
    ratio >= RATE_TARGET
}

/// When each run was first read of in the log, while it is followed.
async fn follow(engine: Engine, seen: Arc<Mutex<HashMap<String, Timestamp>>>) {
    let mut follower = Follower::new(engine.store().clone(), Engine::local_workspace(), LogFilter::default(), 0);
    while let Ok(events) = follower.next().await {
        let now = engine.clock().now();
        let mut seen = seen.lock().expect("nobody panics with it");
        for event in events.into_iter().filter(|event| event.event.event_type == "routine.fired") {
            let run = event.event.run_id.expect("it names its run");
            seen.entry(run.as_str().to_owned()).or_insert(now);
        }
    }
}

/// The median and the 99th percentile.
fn percentiles(mut late: Vec<u64>) -> (u64, u64) {
    late.sort_unstable();
    (late[late.len() / 2], late[late.len() * 99 / 100])
}

async fn delay(database: TestDatabase) -> bool {
    let host = TestEngine::start(database).await;
    host.plugins.decide_with(|_, board, call| Ok(decide(board, call)));
    let plugins = Arc::clone(&host.plugins);
    let engine = Engine::new(host.open_store().await, plugins, Arc::new(SystemClock::new()), "host_live".to_owned());
    let scheduler = Scheduler::start(&engine, 2);
    let seen = Arc::<Mutex<HashMap<String, Timestamp>>>::default();
    let following = tokio::spawn(follow(engine.clone(), Arc::clone(&seen)));
    for number in 0..100 {
        let often = RoutineSettings {
            schedule: ScheduleSpec::Interval { every_ms: 6_000, anchor: None },
            jitter_ms: 5_999,
            ..beside_each_other("@daily")
        };
        create(&engine, &format!("live-{number}"), often).await;
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    scheduler.stop().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    following.abort();
    let seen = std::mem::take(&mut *seen.lock().expect("nobody panics with it"));
    let (mut decided, mut read) = (Vec::new(), Vec::new());
    for number in 0..100 {
        for run in occurrences(&engine, &format!("live-{number}")).await {
            let due = run.fired_at.as_millis() - run.lateness_ms;
            decided.push(run.lateness_ms);
            read.push(seen[run.id.as_str()].as_millis().saturating_sub(due));
        }
    }
    let fires = decided.len();
    let (decided, read) = (percentiles(decided), percentiles(read));
    println!(
        "  delay   {fires} fires: decided median {} ms, p99 {} ms; read of median {} ms, p99 {} ms",
        decided.0, decided.1, read.0, read.1
    );
    engine.store().close().await;
    read.1 <= DELAY_TARGET_MS
}

#[tokio::main]
async fn main() {
    let count = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(100_000);
    let mut met = true;
    let kinds = if TestDatabase::postgres().await.is_some() { 2 } else { 1 };
    for kind in 0..kinds {
        println!("{}", ["SQLite", "PostgreSQL"][kind]);
        let fresh = async || match kind {
            0 => TestDatabase::sqlite(),
            _ => TestDatabase::postgres().await.expect("it was there"),
        };
        met &= compare_ticks(fresh().await, fresh().await).await;
        met &= crowd(fresh().await, fresh().await, count).await;
        met &= delay(fresh().await).await;
    }
    assert!(met, "a target is missed");
}
