//! Runs that somebody asks for: one now, or those of the past.

use e2e::engine::TestEngine;
use e2e::routines::{
    HOUR, MINUTE, PERSON, create, create_by, look, occurrences, on_both_routines, settings, states, work,
};
use sluice::domain::id::RoutineId;
use sluice::domain::routine::{Occurrence, OccurrenceState, Overlap, RoutineSettings, RoutineStatus, Trigger};
use sluice::domain::time::Timestamp;
use sluice::engine::{Backfill, Engine, EngineError, FinishStatus, RoutineActor, RunNow};

async fn run_now(host: &TestEngine, id: &str, force: bool, by: RoutineActor<'_>) -> Result<Occurrence, EngineError> {
    let ask = RunNow { force, reason: None, by, receipt: None };
    host.engine.run_routine_now(&Engine::local_workspace(), &RoutineId::new(id), ask).await
}

async fn backfill(
    host: &TestEngine,
    from: Timestamp,
    to: Timestamp,
    max_runs: u32,
) -> Result<Vec<Occurrence>, EngineError> {
    let ask = Backfill { from, to, max_runs, by: PERSON, receipt: None };
    host.engine.backfill_routine(&Engine::local_workspace(), &RoutineId::new("r"), ask).await
}

#[tokio::test(flavor = "multi_thread")]
async fn run_now_runs_and_waits_its_turn() {
    on_both_routines(async |host| {
        create(&host.engine, "r", settings("0 0 1 1 *")).await;
        let next = e2e::routines::routine(&host.engine, "r").await.next_fire_at;
        let first = run_now(&host, "r", false, PERSON).await.unwrap();
        let second = run_now(&host, "r", false, PERSON).await.unwrap();
        assert_eq!((first.trigger, first.state), (Trigger::RunNow, OccurrenceState::Queued));
        assert!(first.mission_id.is_some() && second.mission_id.is_none(), "the second waits");
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
        look(&host.engine).await;
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
        look(&host.engine).await;
        assert_eq!(states(&host.engine, "r").await, [OccurrenceState::Succeeded; 2]);
        let after = e2e::routines::routine(&host.engine, "r").await;
        assert_eq!((after.next_fire_at, after.last_run), (next, Some(second.id)), "the schedule is as it was");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_enabled_runs_only_when_a_person_insists() {
    on_both_routines(async |host| {
        create_by(&host.engine, "r", settings("* * * * *"), e2e::routines::AGENT).await;
        for (force, by) in [(false, PERSON), (true, e2e::routines::AGENT)] {
            let refused = run_now(&host, "r", force, by).await;
            assert!(
                matches!(refused, Err(EngineError::RoutineNotEnabled { status: RoutineStatus::Disabled, .. })),
                "{refused:?}"
            );
        }
        run_now(&host, "r", true, PERSON).await.unwrap();
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
        let refused = run_now(&host, "nobody", true, PERSON).await;
        assert!(matches!(refused, Err(EngineError::NotFound { what: "routine", .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_wait_than_may() {
    on_both_routines(async |host| {
        create(&host.engine, "r", settings("0 0 1 1 *")).await;
        for _ in 0..=sluice::domain::routine::OPEN_MAX {
            run_now(&host, "r", false, PERSON).await.unwrap();
        }
        let refused = run_now(&host, "r", false, PERSON).await;
        assert!(matches!(refused, Err(EngineError::RoutineFull { waiting: 100, .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_runs_each_past_instant_once() {
    on_both_routines(async |host| {
        let overlap = Overlap::Allow { max: 2 };
        create(&host.engine, "r", RoutineSettings { overlap, ..settings("*/10 * * * *") }).await;
        let now = host.clock_now();
        let from = Timestamp(now.as_millis() - HOUR);
        let made = backfill(&host, from, now, 3).await.unwrap();
        let instants: Vec<_> = made.iter().map(|run| run.scheduled_at.millis_since(from) / MINUTE).collect();
        assert_eq!(instants, [0, 10, 20], "the earliest first, the ends included");
        let begun: Vec<_> = made.iter().map(|run| run.mission_id.is_some()).collect();
        assert_eq!(begun, [true, true, false], "as many beside each other as may");
        let more = backfill(&host, from, now, 100).await.unwrap();
        assert_eq!(more.len(), 4, "what was backfilled is not done again");
        assert!(backfill(&host, from, now, 100).await.unwrap().is_empty());
        while work(&host, FinishStatus::Succeeded).await > 0 {
            look(&host.engine).await;
        }
        let all = occurrences(&host.engine, "r").await;
        assert_eq!(all.len(), 7);
        assert!(all.iter().all(|run| run.state == OccurrenceState::Succeeded), "{all:?}");
        for (from, to, max, field) in [
            (now, from, 1, "to_ms"),
            (from, now.plus_millis(1), 1, "to_ms"),
            (from, now, 0, "max_runs"),
            (from, now, 101, "max_runs"),
        ] {
            let refused = backfill(&host, from, to, max).await;
            assert!(matches!(&refused, Err(EngineError::Field(error)) if error.field == field), "{refused:?}");
        }
    })
    .await;
}
