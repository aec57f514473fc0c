//! With the real loops and the real reducer: a clock that goes on by itself, and one that leaps.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::engine::{claim, finished};
use e2e::routines::{HOUR, create, occurrences, settings};
use e2e::server::{MovedClock, PATIENCE, ServerOptions, TestServer};
use sluice::domain::routine::{Misfire, Occurrence, OccurrenceState, Overlap, RoutineSettings, ScheduleSpec, Trigger};
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
