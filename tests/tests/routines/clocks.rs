//! Clocks that jump, and hosts that are two: each occurrence fires once.

use std::collections::BTreeSet;

use e2e::routines::{HOUR, MINUTE, create, look, occurrences, on_both_routines, routine, settings, states};
use sluice::domain::routine::{Misfire, Occurrence, OccurrenceState, Overlap, RoutineSettings};
use sluice::domain::time::Timestamp;

fn beside_each_other(expression: &str) -> RoutineSettings {
    RoutineSettings { overlap: Overlap::Allow { max: 100 }, ..settings(expression) }
}

fn instants(occurrences: &[Occurrence]) -> Vec<Timestamp> {
    occurrences.iter().map(|occurrence| occurrence.scheduled_at).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_an_hour_fires_nothing_twice_and_loses_nothing() {
    on_both_routines(async |host| {
        create(&host.engine, "r", beside_each_other("*/10 * * * *")).await;
        let begin = host.clock_now();
        for _ in 0..6 {
            host.clock.pass(10 * MINUTE);
            look(&host.engine).await;
        }
        host.clock.set_back(HOUR);
        for _ in 0..8 {
            look(&host.engine).await;
            host.clock.pass(10 * MINUTE);
        }
        look(&host.engine).await;
        let expected: Vec<_> = (1..=8).map(|n| begin.plus_millis(n * 10 * MINUTE)).collect();
        assert_eq!(instants(&occurrences(&host.engine, "r").await), expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_leaps_ten_years_ahead_is_survived() {
    on_both_routines(async |host| {
        create(&host.engine, "once", settings("* * * * *")).await;
        let three = RoutineSettings { misfire: Misfire::CatchUp { max_runs: 3 }, ..settings("0 0 * * *") };
        create(&host.engine, "three", three).await;
        let years = 10 * 365 * 24 * HOUR;
        host.clock.pass(years + 30_000);
        look(&host.engine).await;
        let once = occurrences(&host.engine, "once").await;
        let (missed, fired): (Vec<_>, Vec<_>) =
            once.iter().partition(|occurrence| occurrence.state == OccurrenceState::Missed);
        assert_eq!((missed.len(), fired.len()), (1, 1), "one run and one row for all the others");
        assert_eq!(missed[0].missed_count, Some(years / MINUTE - 1));
        let three = states(&host.engine, "three").await;
        assert_eq!(three.iter().filter(|state| state.is_open()).count(), 3);

        // The clock is set right again. Whoever pauses and resumes has it go on from there.
        host.clock.set_back(years);
        look(&host.engine).await;
        assert_eq!(occurrences(&host.engine, "once").await.len(), 2);
        crate::ends::set_status(&host, "once", "paused").await.unwrap();
        let resumed = crate::ends::set_status(&host, "once", "enabled").await.unwrap();
        assert!(resumed.next_fire_at.is_some_and(|next| next <= host.clock_now().plus_millis(MINUTE)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_on_one_database_fire_each_occurrence_once() {
    on_both_routines(async |host| {
        if !host.is_postgres() {
            return;
        }
        let other = host.another_host().await;
        for number in 0..40 {
            create(&host.engine, &format!("r{number}"), beside_each_other("* * * * *")).await;
        }
        for _ in 0..5 {
            host.clock.pass(MINUTE);
            tokio::join!(look(&host.engine), look(&other), look(&other), look(&host.engine));
        }
        let begin = host.clock_now();
        for number in 0..40 {
            let fired = occurrences(&host.engine, &format!("r{number}")).await;
            let expected: BTreeSet<_> = (0..5).map(|n| Timestamp(begin.as_millis() - n * MINUTE)).collect();
            assert_eq!(instants(&fired).into_iter().collect::<BTreeSet<_>>(), expected, "r{number}");
            assert_eq!(fired.len(), 5, "r{number}: none twice");
            let missions: BTreeSet<_> = fired.iter().map(|occurrence| occurrence.mission_id.clone()).collect();
            assert_eq!(missions.len(), 5, "r{number}: each has a mission of its own");
        }
        let missions = e2e::routines::missions(&host.engine, sluice::domain::mission::MissionStatus::Draft).await;
        assert_eq!(missions, 200, "no mission was made twice");
        other.store().close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fired_before_a_crash_goes_on_after_it() {
    on_both_routines(async |host| {
        create(&host.engine, "r", beside_each_other("0 * * * *")).await;
        host.clock.pass(HOUR);
        host.engine.fire_routines(None, host.clock_now(), 500).await.unwrap();
        let host = host.restart().await;
        look(&host.engine).await;
        assert_eq!(e2e::routines::work(&host, sluice::engine::FinishStatus::Succeeded).await, 1);
        let host = host.restart().await;
        let over = occurrences(&host.engine, "r").await;
        assert_eq!((over.len(), over[0].state, over[0].untold), (1, OccurrenceState::Succeeded, true));
        look(&host.engine).await;
        assert!(!occurrences(&host.engine, "r").await[0].untold);
        assert_eq!(routine(&host.engine, "r").await.last_run, Some(over[0].id.clone()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_was_set_back_never_fires_a_slot_again() {
    on_both_routines(async |host| {
        create(&host.engine, "r", beside_each_other("*/10 * * * *")).await;
        host.clock.pass(30 * MINUTE);
        look(&host.engine).await;
        let before = occurrences(&host.engine, "r").await;
        // The clock goes back, and somebody resumes: the cursor goes back too.
        host.clock.set_back(15 * MINUTE);
        crate::ends::set_status(&host, "r", "paused").await.unwrap();
        crate::ends::set_status(&host, "r", "enabled").await.unwrap();
        host.clock.pass(5 * MINUTE);
        look(&host.engine).await;
        host.clock.pass(10 * MINUTE);
        look(&host.engine).await;
        host.clock.pass(10 * MINUTE);
        look(&host.engine).await;
        let after = occurrences(&host.engine, "r").await;
        let latest = after.last().expect("there are some").scheduled_at;
        assert_eq!(latest, host.clock_now());
        let slots: BTreeSet<_> = after.iter().map(|occurrence| occurrence.slot.clone()).collect();
        assert_eq!(slots.len(), after.len());
        assert!(before.iter().all(|old| after.contains(old)), "what fired stays as it was");
    })
    .await;
}
