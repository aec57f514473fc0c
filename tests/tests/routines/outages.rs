//! Nothing is lost without a word: what fired and what was dropped is what the schedule says.

use std::collections::BTreeSet;

use e2e::routines::{HOUR, MINUTE, create, look, occurrences, on_both_routines, settings};
use proptest::prelude::*;
use sluice::domain::routine::{
    Misfire, Occurrence, OccurrenceState, Overlap, RoutineSettings, ScheduleSpec, Trigger, due,
};
use sluice::domain::schedule::Zone;
use sluice::domain::time::Timestamp;

const DAY: u64 = 24 * HOUR;

/// Instants that rows of the schedule stand for: each fired one for itself, each `missed` one for its count.
fn accounted(occurrences: &[Occurrence]) -> u64 {
    let count = |occurrence: &Occurrence| match occurrence.state {
        OccurrenceState::Missed => occurrence.missed_count.expect("a missed row counts"),
        _ => 1,
    };
    occurrences.iter().map(count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_down_are_accounted_for() {
    on_both_routines(async |host| {
        let misfires = [
            Misfire::Skip { grace_ms: MINUTE },
            Misfire::RunOnce { window_ms: DAY },
            Misfire::RunOnce { window_ms: MINUTE },
            Misfire::CatchUp { max_runs: 7 },
        ];
        let expressions = ["*/5 * * * *", "30 2 * * *", "0 0 1 * *", "17 */6 * * 1-5", "* * * * * *"];
        let overlaps = [Overlap::Skip, Overlap::Queue { max: 3 }, Overlap::Allow { max: 5 }, Overlap::CancelPrevious];
        let mut number = 0;
        let begin = host.clock_now();
        let mut made = Vec::new();
        for misfire in misfires {
            for expression in expressions {
                let id = format!("r{number}");
                let overlap = overlaps[number % overlaps.len()];
                let jitter_ms = if number % 3 == 0 { 90_000 } else { 0 };
                let said = RoutineSettings { misfire, overlap, jitter_ms, ..settings(expression) };
                let routine = create(&host.engine, &id, said).await;
                made.push((id, routine));
                number += 1;
            }
        }
        host.clock.pass(30 * DAY + 12_345);
        let host = host.restart().await;
        look(&host.engine).await;
        for (id, routine) in made {
            let now = e2e::routines::routine(&host.engine, &id).await;
            let schedule = routine.settings.plan(routine.created_at).expect("it was saved");
            let expected = schedule.count(begin, now.cursor);
            let rows = occurrences(&host.engine, &id).await;
            assert_eq!(accounted(&rows), expected, "{id}: {:?}", routine.settings);
            assert!(rows.iter().all(|row| row.state.is_open() || row.reason.is_some()), "{id}: each says why");
            if let Misfire::CatchUp { max_runs } = routine.settings.misfire {
                let caught_up: Vec<_> = rows.iter().filter(|row| row.trigger == Trigger::CatchUp).collect();
                assert_eq!(caught_up.len() as u64, u64::from(max_runs).min(expected), "{id}");
                assert!(caught_up.is_sorted_by_key(|row| row.scheduled_at), "{id}: in order");
                assert!(caught_up.iter().all(|row| row.state.is_open()), "{id}: each has a run of its own");
            }
        }
    })
    .await;
}

fn misfire() -> impl Strategy<Value = Misfire> {
    prop_oneof![
        (0..3 * HOUR).prop_map(|grace_ms| Misfire::Skip { grace_ms }),
        (1..3 * DAY).prop_map(|window_ms| Misfire::RunOnce { window_ms }),
        (1..=100_u32).prop_map(|max_runs| Misfire::CatchUp { max_runs }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_fires_and_what_is_dropped_is_what_was_due(
        expression in prop_oneof![
            Just("*/7 * * * *"), Just("30 2 * * *"), Just("0 */2 * * *"), Just("*/20 * * * * *"), Just("0 3 29 2 *"),
        ],
        zone in prop_oneof![Just("UTC"), Just("Europe/Paris"), Just("Pacific/Apia"), Just("America/Sao_Paulo")],
        misfire in misfire(),
        jitter_ms in prop_oneof![Just(0), 0..120_000_u64],
        begin in 1_300_000_000_000..2_000_000_000_000_u64,
        looks in proptest::collection::vec(prop_oneof![0..2 * MINUTE, 0..5 * HOUR, 0..40 * DAY], 1..12),
        back in 0..2 * HOUR,
    ) {
        let spec = ScheduleSpec::Cron { expression: expression.to_owned() };
        let begin = Timestamp(begin);
        let schedule = spec.plan(Zone::named(zone).expect("a zone"), begin).expect("a schedule");
        let (mut cursor, mut now, mut fired, mut dropped) = (begin, begin, BTreeSet::new(), 0_u64);
        for (number, pass) in looks.into_iter().enumerate() {
            now = now.plus_millis(pass);
            if number == 3 {
                now = Timestamp(now.as_millis().saturating_sub(back));
            }
            for _ in 0..2_000 {
                let due = due(&schedule, jitter_ms, misfire, cursor, now);
                prop_assert!(due.cursor >= cursor);
                for fire in &due.fires {
                    prop_assert!(cursor < fire.scheduled_at && fire.scheduled_at <= due.cursor);
                    prop_assert!(fire.scheduled_at.plus_millis(jitter_ms) <= now, "never early");
                    prop_assert!(fired.insert(fire.scheduled_at), "never twice");
                }
                dropped += due.dropped.map_or(0, |dropped| dropped.count);
                cursor = due.cursor;
                if due.next_fire_at.is_none_or(|next| next > now) {
                    break;
                }
            }
            prop_assert_eq!(fired.len() as u64 + dropped, schedule.count(begin, cursor));
            prop_assert!(cursor.plus_millis(jitter_ms) <= now.max(begin.plus_millis(jitter_ms)) || back > 0);
        }
        let latest = Timestamp(now.as_millis().saturating_sub(jitter_ms));
        prop_assert_eq!(schedule.count(cursor, latest.max(cursor)), 0, "nothing that is due is left");
    }
}
