//! What is kept of routines that fire for years, and that nothing fires again for being forgotten.

use std::collections::BTreeSet;

use e2e::engine::TestEngine;
use e2e::routines::{ALL, HOUR, MINUTE, PERSON, create, look, occurrences, on_both_routines, settings};
use sluice::domain::id::{EventId, OccurrenceId, RoutineId};
use sluice::domain::routine::{HistoryEvent, Occurrence, OccurrenceState, RoutineEntry, Slot, Trigger};
use sluice::domain::time::Timestamp;
use sluice::engine::{Backfill, Engine, EngineOptions};
use sluice::store::{Unit, Write};

/// Rows of the past: more than are kept, and more than go at once.
const OLD: u64 = 1_700;
/// Rows that each routine keeps.
const KEPT: usize = 1_000;
const DAY: u64 = 24 * HOUR;

/// Rows as a routine of every minute leaves them, before `end`.
async fn write_past(host: &TestEngine, of: &Occurrence, end: Timestamp) {
    let mut writes = Vec::new();
    for number in 0..OLD {
        let at = Timestamp(end.as_millis() - (OLD - number) * MINUTE);
        let mut row = Occurrence {
            id: OccurrenceId::new(format!("run_00{number:06}")),
            slot: Slot::scheduled(at),
            scheduled_at: at,
            fired_at: at,
            finished_at: Some(at),
            trigger: Trigger::Schedule,
            state: OccurrenceState::Succeeded,
            mission_id: None,
            untold: false,
            ..of.clone()
        };
        match number {
            0 => row.state = OccurrenceState::Running,
            1 => row.untold = true,
            2 => (row.trigger, row.slot) = (Trigger::Backfill, Slot::backfilled(at)),
            _ => {}
        }
        writes.push(Write::RoutineEntry(RoutineEntry {
            workspace_id: of.workspace_id.clone(),
            routine_id: of.routine_id.clone(),
            id: EventId::new(format!("evt_00{number:06}")),
            event: HistoryEvent::Fired,
            at,
            run_id: Some(row.id.clone()),
            scheduled_at: Some(at),
            trigger: Some(row.trigger),
            actor: "system.routines".to_owned(),
            detail: sluice::domain::json::Json::empty_object(),
        }));
        writes.push(Write::Occurrence(Box::new(row)));
    }
    host.engine.store().commit(Unit { writes, ..Unit::default() }).await.expect("the past is written");
}

async fn history(engine: &Engine, id: &str) -> usize {
    let lines = engine.store().routine_history(&Engine::local_workspace(), &RoutineId::new(id), None, ALL).await;
    lines.expect("it can be read").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_keeps_its_newest_runs_and_forgets_nothing_that_matters() {
    on_both_routines(async |host| {
        create(&host.engine, "r", settings("* * * * *")).await;
        create(&host.engine, "young", settings("* * * * *")).await;
        // One run goes on, and the others stand back: all of them are dealt with.
        for _ in 0..20 {
            host.clock.pass(MINUTE);
            look(&host.engine).await;
        }
        let real = occurrences(&host.engine, "r").await;
        assert_eq!(real.len(), 20);
        write_past(&host, &real[1], Timestamp(host.clock_now().as_millis() - HOUR)).await;
        let lines = history(&host.engine, "r").await;
        assert!(lines > usize::try_from(OLD).unwrap(), "{lines}");

        // As long as they are young, or nobody says that they may go, they stay.
        let engine = |kept| EngineOptions { routine_retention_ms: kept, ..EngineOptions::default() };
        for kept in [None, Some(30 * DAY)] {
            let patient = host.another_with(engine(kept)).await;
            assert_eq!(patient.trim_routines(None, 10).await.unwrap(), (0, None));
            patient.store().close().await;
        }
        let host_set = host.another_with(engine(Some(DAY))).await;
        host.clock.pass(2 * DAY);
        // A few at a time: the look after goes on behind the first.
        let (rows, next) = host_set.trim_routines(None, 1).await.unwrap();
        assert_eq!(next, Some((Engine::local_workspace(), RoutineId::new("r"))));
        let of_old = usize::try_from(OLD).unwrap();
        let (runs_left, lines_left) = (KEPT + 3, KEPT);
        assert_eq!(rows, of_old + 20 - runs_left + lines - lines_left);
        assert_eq!(host_set.trim_routines(next, 10).await.unwrap(), (0, None));
        assert_eq!(host_set.trim_routines(None, 10).await.unwrap(), (0, None), "once is enough");
        assert_eq!(occurrences(&host.engine, "young").await.len(), 20);

        let left = occurrences(&host.engine, "r").await;
        assert_eq!((left.len(), history(&host.engine, "r").await), (runs_left, lines_left));
        let kept: Vec<_> = left.iter().take(3).map(|run| (run.state.is_open(), run.untold, run.trigger)).collect();
        let expected =
            [(true, false, Trigger::Schedule), (false, true, Trigger::Schedule), (false, false, Trigger::Backfill)];
        assert_eq!(kept, expected, "open, untold and backfilled ones stay");
        assert!(real.iter().all(|run| left.contains(run)), "the newest stay");

        nothing_fires_again(&host, &left[2], &left).await;
        host_set.store().close().await;
    })
    .await;
}

/// Neither by a clock that goes back nor by asking for it.
async fn nothing_fires_again(host: &TestEngine, backfilled: &Occurrence, left: &[Occurrence]) {
    let slots = |rows: &[Occurrence]| rows.iter().map(|run| run.slot.clone()).collect::<BTreeSet<_>>();
    let before = slots(left);
    look(&host.engine).await;
    let caught_up = slots(&occurrences(&host.engine, "r").await);
    host.clock.set_back(2 * DAY + 2 * HOUR);
    for _ in 0..3 {
        look(&host.engine).await;
        host.clock.pass(30 * MINUTE);
    }
    assert_eq!(slots(&occurrences(&host.engine, "r").await), caught_up, "a slot that was forgotten fired again");
    host.clock.pass(3 * DAY);
    look(&host.engine).await;
    let after = occurrences(&host.engine, "r").await;
    let first_new = left.last().expect("some are left").scheduled_at;
    let news: Vec<_> = after.iter().filter(|run| !before.contains(&run.slot)).collect();
    assert!(!news.is_empty() && news.iter().all(|run| run.scheduled_at > first_new), "{news:?}");
    let at = backfilled.scheduled_at;
    let ask = Backfill { from: at, to: at, max_runs: 1, by: PERSON, receipt: None };
    let id = RoutineId::new("r");
    let again = host.engine.backfill_routine(&Engine::local_workspace(), &id, ask).await.expect("it may be asked for");
    assert!(again.is_empty(), "what was backfilled is not done again: {again:?}");
}
