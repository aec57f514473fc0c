//! What is due while an earlier run is not over.

use e2e::engine::TestEngine;
use e2e::routines::{MINUTE, create, look, occurrences, on_both_routines, settings, states, work};
use sluice::domain::routine::OccurrenceState::{self, Canceled, Queued, Running, Skipped, Succeeded};
use sluice::domain::routine::{Misfire, Overlap, RoutineSettings, Trigger};
use sluice::engine::FinishStatus;

/// Fires four times, a minute apart, without anything being worked.
async fn four_minutes(host: &TestEngine, overlap: Overlap) {
    create(&host.engine, "r", RoutineSettings { overlap, ..settings("* * * * *") }).await;
    for _ in 0..4 {
        host.clock.pass(MINUTE);
        look(&host.engine).await;
        e2e::routines::catch_up(&host.engine).await;
        look(&host.engine).await;
    }
}

/// Works until there is nothing more to work; how many runs that took.
async fn work_all(host: &TestEngine) -> usize {
    let mut worked = 0;
    loop {
        let more = work(host, FinishStatus::Succeeded).await;
        look(&host.engine).await;
        if more == 0 {
            return worked;
        }
        worked += more;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skip_drops_what_would_overlap_and_says_so() {
    on_both_routines(async |host| {
        four_minutes(&host, Overlap::Skip).await;
        assert_eq!(states(&host.engine, "r").await, [Running, Skipped, Skipped, Skipped]);
        let told = e2e::routines::told(&host.engine).await;
        assert_eq!(told.iter().filter(|(_, reason)| reason == "overlap").count(), 3);
        assert_eq!(work_all(&host).await, 1);
        host.clock.pass(MINUTE);
        look(&host.engine).await;
        assert_eq!(states(&host.engine, "r").await[4], Queued, "the next one fires");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queue_runs_one_after_the_other_and_is_bounded() {
    on_both_routines(async |host| {
        four_minutes(&host, Overlap::Queue { max: 2 }).await;
        assert_eq!(states(&host.engine, "r").await, [Running, Queued, Queued, Skipped]);
        let waiting = &occurrences(&host.engine, "r").await[1];
        assert_eq!(waiting.mission_id, None, "no mission is made before it is its turn");
        for over in 1..=3_usize {
            assert_eq!(work(&host, FinishStatus::Succeeded).await, 1);
            look(&host.engine).await;
            let done = states(&host.engine, "r").await;
            assert_eq!(done.iter().filter(|state| **state == Succeeded).count(), over);
        }
        assert_eq!(work_all(&host).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn allow_runs_beside_each_other_and_is_bounded() {
    on_both_routines(async |host| {
        four_minutes(&host, Overlap::Allow { max: 3 }).await;
        assert_eq!(states(&host.engine, "r").await, [Running, Running, Running, Skipped]);
        assert_eq!(work_all(&host).await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_previous_leaves_the_latest() {
    on_both_routines(async |host| {
        four_minutes(&host, Overlap::CancelPrevious).await;
        assert_eq!(states(&host.engine, "r").await, [Canceled, Canceled, Canceled, Running]);
        let first = &occurrences(&host.engine, "r").await[0];
        assert!(first.reason.as_deref().is_some_and(|reason| reason.contains("takes its place")), "{first:?}");
        assert_eq!(work_all(&host).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_caught_up_runs_in_order_whatever_the_overlap_policy() {
    for overlap in [Overlap::Skip, Overlap::Queue { max: 1 }, Overlap::Allow { max: 1 }, Overlap::CancelPrevious] {
        on_both_routines(async |host| {
            let misfire = Misfire::CatchUp { max_runs: 4 };
            create(&host.engine, "r", RoutineSettings { overlap, misfire, ..settings("0 * * * *") }).await;
            host.clock.pass(9 * 60 * MINUTE + 30 * MINUTE);
            look(&host.engine).await;
            let rows = occurrences(&host.engine, "r").await;
            assert_eq!(rows[0].state, OccurrenceState::Missed, "{overlap:?}");
            assert!(rows[1..].iter().all(|row| row.trigger == Trigger::CatchUp && row.state == Queued), "{rows:?}");
            assert_eq!(work_all(&host).await, 4, "{overlap:?}");
            let rows = occurrences(&host.engine, "r").await;
            assert!(rows[1..].iter().all(|row| row.state == Succeeded), "{overlap:?}: {rows:?}");
            assert!(rows[1..].is_sorted_by_key(|row| (row.scheduled_at, row.started_at)), "{overlap:?}");
        })
        .await;
    }
}
