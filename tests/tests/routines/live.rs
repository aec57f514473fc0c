//! With the real loops and the real reducer: a clock that goes on by itself, and one that leaps.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::engine::{claim, finished};
use e2e::routines::{HOUR, create, occurrences, routine, settings};
use e2e::server::{MovedClock, PATIENCE, ServerOptions, TestServer};
use sluice::domain::routine::{Misfire, Occurrence, OccurrenceState, Overlap, RoutineSettings, ScheduleSpec, Trigger};
use sluice::domain::time::Timestamp;
use sluice::engine::{Engine, FinishStatus};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// Looks at a routine's occurrences until `there` holds of them.
async fn until(engine: &Engine, id: &str, there: impl Fn(&[Occurrence]) -> bool) -> Vec<Occurrence> {
    for _ in 0..PATIENCE.as_millis() / 20 {
        let found = occurrences(engine, id).await;
        if there(&found) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came true of {:#?}", occurrences(engine, id).await);
}

fn every_second() -> RoutineSettings {
    RoutineSettings { schedule: ScheduleSpec::Interval { every_ms: 1_000, anchor: None }, ..settings("@daily") }
}

/// Checks that rows deal with every second from the first to the last, and with none twice.
fn check_seconds(rows: &[Occurrence]) {
    let mut next: Option<Timestamp> = None;
    let mut by_slot: Vec<&Occurrence> = rows.iter().collect();
    by_slot.sort_unstable_by_key(|row| row.scheduled_at);
    for row in by_slot {
        let missed = (row.state == OccurrenceState::Missed).then_some((row.missed_since, row.missed_count));
        let (since, count) =
            missed.map_or((row.scheduled_at, 1), |(since, count)| (since.expect("since"), count.expect("a count")));
        assert_eq!(row.scheduled_at, since.plus_millis((count - 1) * 1_000), "{row:?}");
        assert!(next.is_none_or(|next| next == since), "{next:?} is not dealt with, or twice: {row:?}");
        next = Some(row.scheduled_at.plus_millis(1_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_and_far_ahead_is_survived() {
    const YEARS: i64 = 10 * 365 * 24 * HOUR.cast_signed();
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let clock = MovedClock::default();
        let server =
            TestServer::start(&database, CACHE, ServerOptions { clock: clock.clone(), ..Default::default() }).await;
        let engine = &server.engine;
        create(engine, "second", every_second()).await;
        until(engine, "second", |fired| fired.len() >= 3).await;

        // An hour back: what fired fires no more, and what is made then fires by the new time.
        clock.set(-HOUR.cast_signed());
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = occurrences(engine, "second").await;
        create(engine, "later", every_second()).await;
        let later = until(engine, "later", |fired| fired.len() >= 3).await;
        assert!(later[0].scheduled_at < before[0].scheduled_at && later.iter().all(|run| run.lateness_ms < 5_000));
        assert_eq!(occurrences(engine, "second").await, before, "it fired again");
        clock.set(HOUR.cast_signed());
        until(engine, "second", |fired| fired.len() > before.len() + 1).await;

        // Ten years ahead: all of them are counted in a row. There are more routines than catch up at once.
        for number in 0..150 {
            create(engine, &format!("many-{number}"), settings("0 0 * * *")).await;
        }
        clock.set(YEARS);
        let caught_up = |fired: &[Occurrence]| {
            let is_missed = |run: &Occurrence| run.state == OccurrenceState::Missed;
            fired.iter().any(is_missed) && fired.last().is_some_and(|run| run.lateness_ms < 1_000)
        };
        let leapt = until(engine, "second", caught_up).await;
        check_seconds(&leapt);
        let missed: Vec<_> = leapt.iter().filter_map(|run| run.missed_count).collect();
        assert!(missed.iter().all(|count| *count > 315_000_000) && !missed.is_empty(), "{missed:?}");
        assert!(engine.clock().now().as_millis() > before[0].scheduled_at.as_millis() + YEARS.unsigned_abs());

        // And back while they catch up: nothing fires before its time, and nothing turns in circles.
        clock.set(-YEARS);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let revisions = async || {
            let mut revisions = Vec::new();
            for number in 0..150 {
                revisions.push(routine(engine, &format!("many-{number}")).await.revision);
            }
            revisions
        };
        let (fired, written) = (occurrences(engine, "second").await, revisions().await);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!((occurrences(engine, "second").await, revisions().await), (fired.clone(), written));
        // Whoever resumes it has it go on from there.
        for status in ["paused", "enabled"] {
            let change = serde_json::json!({"status": status});
            let reply = server.ask(reqwest::Method::PATCH, "/routines/second", &server.operator, change).await;
            assert_eq!(reply.status, 200, "{:#}", reply.body);
        }
        until(engine, "second", |now| now.len() > fired.len() + 1).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_fire_on_time_and_a_worker_ends_it() {
    for database in TestDatabase::each().await {
        println!("on {:?}", database.location);
        let clock = MovedClock::default();
        let server =
            TestServer::start(&database, CACHE, ServerOptions { clock: clock.clone(), ..Default::default() }).await;
        let engine = &server.engine;
        let second = RoutineSettings {
            schedule: ScheduleSpec::Interval { every_ms: 1_000, anchor: None },
            overlap: Overlap::Allow { max: 100 },
            ..settings("@daily")
        };
        create(engine, "second", second).await;
        let fired = until(engine, "second", |fired| fired.len() >= 3).await;
        assert!(fired.iter().all(|run| run.lateness_ms < 5_000), "{fired:?}");

        // An hour passes at once: one run stands for what it would have fired.
        let hourly = RoutineSettings { misfire: Misfire::CatchUp { max_runs: 2 }, ..settings("*/10 * * * *") };
        create(engine, "leap", hourly).await;
        clock.pass(Duration::from_millis(2 * HOUR));
        let leapt = until(engine, "leap", |fired| fired.iter().any(|run| run.state == OccurrenceState::Running)).await;
        assert!(leapt.iter().filter(|run| run.state != OccurrenceState::Missed).count() >= 2, "{leapt:?}");
        for _ in 0..400 {
            let Some(held) = engine.claim(claim("agent.test"), Duration::from_secs(5)).await.expect("claimed").pop()
            else {
                break;
            };
            engine.finish_run(&held, finished(FinishStatus::Succeeded)).await.expect("finished");
            if occurrences(engine, "leap").await.iter().all(|run| !run.state.is_open() && !run.untold) {
                break;
            }
        }
        let over = until(engine, "leap", |fired| fired.iter().all(|run| !run.state.is_open() && !run.untold)).await;
        // A slot of the last minute is no misfire: it comes as scheduled, and finds the run caught up still open.
        let stood_back = |run: &Occurrence| run.state == OccurrenceState::Skipped && run.trigger == Trigger::Schedule;
        assert!(
            over.iter().all(|run| {
                matches!(run.state, OccurrenceState::Missed | OccurrenceState::Succeeded) || stood_back(run)
            }),
            "{over:?}"
        );
        server.stop().await;
    }
}
