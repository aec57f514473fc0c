//! How runs end and what follows: failures, pauses, what waits, deletion.

use e2e::engine::TestEngine;
use e2e::routines::{
    HOUR, MINUTE, PERSON, create, look, occurrences, on_both_routines, routine, settings, states, work,
};
use sluice::domain::id::RoutineId;
use sluice::domain::json::Json;
use sluice::domain::routine::{
    HistoryEvent, Misfire, OccurrenceState, Overlap, Routine, RoutineSettings, RoutineStatus,
};
use sluice::engine::{Engine, EngineError, FinishStatus, ResumeMissed, RoutineChange};

/// Has a routine stand there; what was missed is forgotten.
pub(crate) async fn set_status(host: &TestEngine, id: &str, status: &str) -> Result<Routine, EngineError> {
    resume(host, id, status, ResumeMissed::Skip).await
}

async fn resume(
    host: &TestEngine,
    id: &str,
    status: &str,
    resume_missed: ResumeMissed,
) -> Result<Routine, EngineError> {
    let status = Some(status.parse().expect("a status"));
    let change = RoutineChange {
        settings: None,
        status,
        status_reason: None,
        resume_missed,
        if_revision: None,
        by: PERSON,
        receipt: None,
    };
    host.engine.change_routine(&Engine::local_workspace(), &RoutineId::new(id), change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_in_a_row_pause_it_and_a_success_counts_anew() {
    on_both_routines(async |host| {
        let limited = RoutineSettings { pause_after_failures: Some(2), ..settings("0 * * * *") };
        create(&host.engine, "r", limited).await;
        use FinishStatus::{Failed, Succeeded};
        for (end, failures, status) in [
            (Failed, 1, RoutineStatus::Enabled),
            (Succeeded, 0, RoutineStatus::Enabled),
            (Failed, 1, RoutineStatus::Enabled),
            (Failed, 2, RoutineStatus::Paused),
        ] {
            host.clock.pass(HOUR);
            look(&host.engine).await;
            assert_eq!(work(&host, end).await, 1);
            look(&host.engine).await;
            let now = routine(&host.engine, "r").await;
            assert_eq!((now.failures_in_a_row, now.status), (failures, status));
        }
        host.clock.pass(HOUR);
        look(&host.engine).await;
        assert_eq!(occurrences(&host.engine, "r").await.len(), 4, "it fires no more");
        let resumed = set_status(&host, "r", "enabled").await.unwrap();
        assert_eq!(resumed.failures_in_a_row, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resuming_forgets_what_was_missed_or_judges_it() {
    on_both_routines(async |host| {
        for (id, missed, expected) in [("forget", ResumeMissed::Skip, 0), ("judge", ResumeMissed::Policy, 2)] {
            let misfire = Misfire::CatchUp { max_runs: 2 };
            create(&host.engine, id, RoutineSettings { misfire, ..settings("0 * * * *") }).await;
            let paused = set_status(&host, id, "paused").await.unwrap();
            assert_eq!(paused.next_fire_at, None);
            host.clock.pass(5 * HOUR + 30 * MINUTE);
            look(&host.engine).await;
            assert!(occurrences(&host.engine, id).await.is_empty(), "{id}: paused is paused");
            resume(&host, id, "enabled", missed).await.unwrap();
            look(&host.engine).await;
            let fired = states(&host.engine, id).await.into_iter().filter(|state| state.is_open()).count();
            assert_eq!(fired, expected, "{id}");
            host.clock.pass(30 * MINUTE);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_paused_and_resumed_with_its_mission() {
    on_both_routines(async |host| {
        create(&host.engine, "r", settings("0 * * * *")).await;
        host.clock.pass(HOUR);
        look(&host.engine).await;
        e2e::routines::catch_up(&host.engine).await;
        let run = occurrences(&host.engine, "r").await.remove(0);
        let workspace = Engine::local_workspace();
        let refused = host.engine.resume_occurrence(&workspace, &run.id, "user.ada", None).await;
        assert!(matches!(refused, Err(EngineError::RunState { wish: "resumed", .. })), "{refused:?}");
        let paused = host.engine.pause_occurrence(&workspace, &run.id, "user.ada", Some("lunch".to_owned())).await;
        assert_eq!(paused.unwrap().state, OccurrenceState::Paused);
        let resumed = host.engine.resume_occurrence(&workspace, &run.id, "user.ada", None).await;
        assert_eq!(resumed.unwrap().state, OccurrenceState::Running);
        work(&host, FinishStatus::Succeeded).await;
        let refused = host.engine.pause_occurrence(&workspace, &run.id, "user.ada", None).await;
        assert!(matches!(refused, Err(EngineError::RunState { .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_calls_off_what_waits_and_leaves_what_runs() {
    on_both_routines(async |host| {
        let queue = Overlap::Queue { max: 5 };
        create(&host.engine, "r", RoutineSettings { overlap: queue, ..settings("0 * * * *") }).await;
        let mail = RoutineSettings {
            entrypoint: Json::from_valid(r#""connector.mail.send""#),
            external_integrations_allowed: true,
            ..settings("0 * * * *")
        };
        create(&host.engine, "mail", mail).await;
        for _ in 0..2 {
            host.clock.pass(HOUR);
            look(&host.engine).await;
            e2e::routines::catch_up(&host.engine).await;
        }
        let workspace = Engine::local_workspace();
        for id in ["r", "mail"] {
            host.engine.delete_routine(&workspace, &RoutineId::new(id), PERSON).await.unwrap();
            let gone = host.engine.routine(&workspace, &RoutineId::new(id)).await;
            assert!(matches!(gone, Err(EngineError::NotFound { .. })), "{gone:?}");
        }
        assert_eq!(states(&host.engine, "r").await, [OccurrenceState::Running, OccurrenceState::Canceled]);
        assert_eq!(states(&host.engine, "mail").await[0], OccurrenceState::Canceled);
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1, "what ran goes on, and what asked does not");
        host.clock.pass(HOUR);
        look(&host.engine).await;
        assert_eq!(states(&host.engine, "r").await, [OccurrenceState::Succeeded, OccurrenceState::Canceled]);

        let history = host.engine.store().routine_history(&workspace, &RoutineId::new("r"), None, 100).await.unwrap();
        let events: Vec<_> = history.iter().rev().map(|entry| entry.event).collect();
        use HistoryEvent::{Created, Deleted, Finished, Fired};
        assert_eq!(events, [Created, Fired, Fired, Finished, Deleted, Finished], "the newest came first");
        let again = create(&host.engine, "r", settings("0 * * * *")).await;
        assert_eq!(again.revision, 1, "the id is free again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_on_when_a_paused_routine_is_resumed() {
    on_both_routines(async |host| {
        let queue = Overlap::Queue { max: 5 };
        create(&host.engine, "r", RoutineSettings { overlap: queue, ..settings("0 * * * *") }).await;
        for _ in 0..2 {
            host.clock.pass(HOUR);
            look(&host.engine).await;
        }
        set_status(&host, "r", "paused").await.unwrap();
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
        look(&host.engine).await;
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 0, "nothing starts while it is paused");
        set_status(&host, "r", "enabled").await.unwrap();
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
        look(&host.engine).await;
        assert_eq!(states(&host.engine, "r").await, [OccurrenceState::Succeeded; 2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_changes_counts_from_now_on() {
    on_both_routines(async |host| {
        create(&host.engine, "r", settings("0 * * * *")).await;
        host.clock.pass(3 * HOUR + 30 * MINUTE);
        let change = RoutineChange {
            settings: Some(settings("15 * * * *")),
            status: None,
            status_reason: None,
            resume_missed: ResumeMissed::Skip,
            if_revision: Some(1),
            by: PERSON,
            receipt: None,
        };
        let changed =
            host.engine.change_routine(&Engine::local_workspace(), &RoutineId::new("r"), change).await.unwrap();
        assert_eq!(changed.next_fire_at, Some(host.clock_now().plus_millis(45 * MINUTE)));
        look(&host.engine).await;
        assert!(occurrences(&host.engine, "r").await.is_empty());
    })
    .await;
}
