//! From the schedule to the mission and back, and each occurrence once.

use e2e::routines::{HOUR, create, look, occurrences, on_both_routines, routine, states, told, work};
use sluice::domain::mission::MissionStatus;
use sluice::domain::routine::{OccurrenceState, Trigger};
use sluice::engine::FinishStatus;

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_fires_its_mission_runs_and_the_run_is_over() {
    on_both_routines(async |host| {
        let made = create(&host.engine, "hourly", e2e::routines::settings("0 * * * *")).await;
        let begin = host.clock_now();
        assert_eq!(made.next_fire_at, Some(begin.plus_millis(HOUR)), "the clock stands at a full hour");
        host.clock.pass(HOUR - 1);
        look(&host.engine).await;
        assert_eq!(states(&host.engine, "hourly").await, []);
        host.clock.pass(1);
        look(&host.engine).await;
        look(&host.engine).await;
        let fired = occurrences(&host.engine, "hourly").await;
        assert_eq!(fired.len(), 1);
        let run = &fired[0];
        assert_eq!((run.trigger, run.state, run.lateness_ms), (Trigger::Schedule, OccurrenceState::Queued, 0));
        assert_eq!((run.scheduled_at, run.local.as_str()), (begin.plus_millis(HOUR), "2027-01-15T09:00:00+00:00"));
        let after = routine(&host.engine, "hourly").await;
        assert_eq!(after.next_fire_at, Some(begin.plus_millis(2 * HOUR)));
        assert_eq!((after.last_fired_at, after.last_run.as_ref()), (Some(run.scheduled_at), Some(&run.id)));

        let mission = run.mission_id.clone().expect("it has a mission");
        host.catch_up(&mission).await;
        assert_eq!(states(&host.engine, "hourly").await, [OccurrenceState::Running]);
        host.clock.pass(1_000);
        assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
        assert_eq!(host.status(&mission).await, MissionStatus::Succeeded);
        look(&host.engine).await;
        let over = &occurrences(&host.engine, "hourly").await[0];
        assert_eq!((over.state, over.untold), (OccurrenceState::Succeeded, false));
        assert_eq!((over.started_at, over.finished_at), (Some(run.fired_at), Some(host.clock_now())));
        let told: Vec<_> = told(&host.engine).await;
        let told: Vec<_> = told.iter().map(|(kind, reason)| (kind.as_str(), reason.as_str())).collect();
        assert_eq!(told, [("routine.created", ""), ("routine.fired", ""), ("routine.updated", "run_succeeded")]);
    })
    .await;
}
