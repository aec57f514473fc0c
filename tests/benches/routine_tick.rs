//! What a look of the loop that fires routines costs, how many it fires a second, and how late.
//!
//! Four figures, each on both databases. *Tick*: one look that finds 100 routines due, among
//! 1,000 and among 100,000 of them, in turns; the target is 1.2 times. *Crowd*: as many routines as
//! the first argument says (100,000 by default) are due in the same second; all fire, none twice, and
//! the rate is held against that of units of one row and one event by as many callers at once; the
//! target is 0.3 times. *Delay*: 100 routines of six seconds, 1,000 fires a minute, by the
//! real loop and the machine's clock; the target is 100 ms at the 99th percentile.
//!
//! `cargo bench -p e2e --bench routine_tick`.

use std::sync::Arc;
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::engine::TestEngine;
use e2e::routines::{MINUTE, create, decide, occurrences, settings};
use sluice::clock::SystemClock;
use sluice::domain::id::{EventId, RoutineId};
use sluice::domain::json::Json;
use sluice::domain::mission::MissionStatus;
use sluice::domain::routine::{Overlap, Routine, RoutineSettings, ScheduleSpec};
use sluice::engine::Engine;
use sluice::scheduler::Scheduler;
use sluice::store::{Store, Unit, Write};
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

fn beside_each_other(expression: &str) -> RoutineSettings {
    RoutineSettings { overlap: Overlap::Allow { max: 100 }, ..settings(expression) }
}

/// An engine with [`DUE`] routines of every minute among `all`.
async fn among(database: TestDatabase, all: usize) -> TestEngine {
    let host = TestEngine::start(database).await;
    host.plugins.decide_with(|_, board, call| Ok(decide(board, call)));
    let often = create(&host.engine, "often", beside_each_other("* * * * *")).await;
    copies(host.engine.store(), &often, DUE - 1).await;
    let seldom = create(&host.engine, "seldom", settings("0 0 1 1 *")).await;
    copies(host.engine.store(), &seldom, all - DUE - 1).await;
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

/// Units of one row and one event that `store` commits a second.
async fn bare_rate(store: &Store, row: &Routine, count: usize) -> f64 {
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (store, row) = (store.clone(), row.clone());
            tokio::spawn(async move {
                for number in (caller..count).step_by(CALLERS) {
                    let id = RoutineId::new(format!("bare-{number}"));
                    let event = sluice::domain::event::NewLogEvent {
                        event_id: EventId::new(format!("evt_bare_{number}")),
                        event_type: "routine.fired".to_owned(),
                        workspace_id: row.workspace_id.clone(),
                        session_id: None,
                        run_id: None,
                        mission_id: None,
                        resource_key: None,
                        actor: "bench".to_owned(),
                        occurred_at: row.created_at,
                        properties: Json::empty_object(),
                    };
                    let writes = vec![Write::Routine(Box::new(Routine { id, ..row.clone() }))];
                    let unit = Unit { writes, events: vec![event], ..Unit::default() };
                    store.commit(unit).await.expect("a unit that conflicts with nobody");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller that ends well");
    }
    rate(count, begun.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 are counted")]
fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

async fn crowd(database: TestDatabase, count: usize) -> bool {
    let host = TestEngine::start(database).await;
    let row = create(&host.engine, "row", settings("0 0 1 1 *")).await;
    let bare = bare_rate(host.engine.store(), &row, count.min(20_000)).await;
    let first = create(&host.engine, "crowd", settings("0 * * * *")).await;
    copies(host.engine.store(), &first, count - 1).await;
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
    println!("  crowd   {count} due at once: {ours:.0} a second, bare units {bare:.0}   ratio {ratio:.2}");
    ratio >= RATE_TARGET
}

async fn delay(database: TestDatabase) -> bool {
    let host = TestEngine::start(database).await;
    host.plugins.decide_with(|_, board, call| Ok(decide(board, call)));
    let plugins = Arc::clone(&host.plugins);
    let engine = Engine::new(host.open_store().await, plugins, Arc::new(SystemClock::new()), "host_live".to_owned());
    let scheduler = Scheduler::start(&engine, 2);
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
    let mut late = Vec::new();
    for number in 0..100 {
        let fired = occurrences(&engine, &format!("live-{number}")).await;
        late.extend(fired.into_iter().map(|run| run.lateness_ms));
    }
    late.sort_unstable();
    let p99 = late[late.len() * 99 / 100];
    println!("  delay   {} fires: median {} ms, p99 {p99} ms", late.len(), late[late.len() / 2]);
    engine.store().close().await;
    p99 <= DELAY_TARGET_MS
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
        met &= crowd(fresh().await, count).await;
        met &= delay(fresh().await).await;
    }
    assert!(met, "a target is missed");
}
