//! Batches: units that are committed together are still each on their own.

use e2e::databases::{TestDatabase, on_both_databases};
use e2e::random::Random;
use e2e::records;
use sluice::domain::event::Input;
use sluice::domain::id::{EventId, MissionId, RunId, WorkspaceId};
use sluice::domain::mission::{Mission, MissionStatus};
use sluice::domain::run::{Lease, Run, RunStatus};
use sluice::domain::time::Timestamp;
use sluice::store::{CommitError, Committed, Guard, LogFilter, StorageErrorKind, Store, Unit, Write};

fn step(id: &str, from: Option<u64>) -> Unit {
    let to = from.map_or(1, |revision| revision + 1);
    Unit {
        guards: vec![Guard::mission(&MissionId::new(id), from)],
        writes: vec![Write::Mission(records::mission_at(id, MissionStatus::Running, to))],
        events: vec![records::plain_event(&format!("evt_{id}_{to}_{:?}", from))],
        ..Unit::default()
    }
}

/// Commits units at the same moment. The tests' runtime has one thread and runs tasks in the
/// order they were made, so all units are queued before the writer looks: they are one batch.
async fn together<const N: usize>(store: &Store, units: [Unit; N]) -> Vec<Result<Committed, CommitError>> {
    let commit = |unit| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(unit).await })
    };
    let mut answers = Vec::new();
    for task in units.map(commit) {
        answers.push(task.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn a_later_unit_sees_the_revision_of_an_earlier_one() {
    on_both_databases(async |store| {
        let units = [step("mis_a", None), step("mis_a", Some(1)), step("mis_a", Some(2)), step("mis_a", Some(3))];
        let answers = together(&store, units).await;
        for (index, answer) in answers.iter().enumerate() {
            let seq = index as u64 + 1;
            assert_eq!(answer.as_ref().unwrap().seqs, Some((seq, seq)));
        }
        let mission = store.mission(&records::workspace(), &MissionId::new("mis_a")).await.unwrap().unwrap();
        assert_eq!(mission.revision, 4, "the last write of the batch wins");
    })
    .await;
}

#[tokio::test]
async fn of_two_units_at_the_same_revision_the_second_is_left_out_alone() {
    on_both_databases(async |store| {
        let mut late = step("mis_a", None);
        late.events = vec![records::plain_event("evt_late")];
        let answers = together(&store, [step("mis_a", None), late, step("mis_b", None), step("mis_a", Some(1))]).await;
        assert!(matches!(answers[1], Err(CommitError::Conflict { expected: None, found: Some(1), .. })), "{answers:?}");
        let seqs: Vec<_> = answers.iter().map(|answer| answer.as_ref().ok().and_then(|done| done.seqs)).collect();
        assert_eq!(seqs, [Some((1, 1)), None, Some((2, 2)), Some((3, 3))], "no seq is lost to a conflict");
        let events = store.log_events(&records::workspace(), 0, &LogFilter::default(), 10).await.unwrap();
        assert!(events.iter().all(|event| event.event.event_id.as_str() != "evt_late"));
    })
    .await;
}

#[tokio::test]
async fn what_one_unit_deletes_the_next_finds_absent() {
    on_both_databases(async |store| {
        let input: Input = records::input(&mut Random::new(1), "mis_a", "evt_in");
        let id = input.id.clone();
        let put = || Unit {
            guards: vec![Guard::input(&id, false)],
            writes: vec![Write::Input(input.clone())],
            ..Unit::default()
        };
        let take = || Unit {
            guards: vec![Guard::input(&id, true)],
            writes: vec![Write::DeleteInput(id.clone())],
            ..Unit::default()
        };
        let answers = together(&store, [put(), put(), take(), take(), put()]).await;
        let done: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, false, true, false, true]);
        assert_eq!(store.inbox_of(&input.mission_id, 10).await.unwrap(), std::slice::from_ref(&input));
        let answers = together(&store, [take(), put(), take()]).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(store.inbox_of(&input.mission_id, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_renewal_keeps_a_lease_alive_for_what_comes_behind_it_in_one_batch() {
    on_both_databases(async |store| {
        let lease = Lease { fence: 1, expires_at: Timestamp(10), ..records::lease(&mut Random::new(1)) };
        let run = records::run(&mut Random::new(9), "mis_a", "run_a");
        let run = Run { status: RunStatus::Running, lease: Some(lease), fence: 1, revision: 1, ..run };
        let put = || Unit { writes: vec![Write::Run(run.clone())], ..Unit::default() };
        store.commit(put()).await.unwrap();
        let renew = |now, expires_at| {
            let run_id = RunId::new("run_a");
            let guards = vec![Guard::held_lease(&run_id, 1, Timestamp(now))];
            let renewal = Write::RenewLease { run_id, fence: 1, expires_at: Timestamp(expires_at) };
            Unit { guards, writes: vec![renewal], ..Unit::default() }
        };
        let end = |now| {
            let guards = vec![Guard::lapsed_lease(&RunId::new("run_a"), 1, Timestamp(now))];
            let ended = Run { lease: None, status: RunStatus::Queued, revision: 2, ..run.clone() };
            Unit { guards, writes: vec![Write::Run(ended)], ..Unit::default() }
        };
        // The run is written once more by somebody who read it before the renewal.
        let answers =
            together(&store, [renew(11, 900), renew(10, 50), put(), end(11), renew(50, 60), end(61), renew(61, 99)])
                .await;
        let done: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(done, [false, true, true, false, true, true, false]);
        assert_eq!(store.run(&RunId::new("run_a")).await.unwrap().unwrap().lease, None);
    })
    .await;
}

#[tokio::test]
async fn a_renewal_and_another_claim_in_one_batch_do_not_mix() {
    on_both_databases(async |store| {
        let run = |fence, expires_at| {
            let lease = Lease { fence, expires_at: Timestamp(expires_at), ..records::lease(&mut Random::new(1)) };
            let run = records::run(&mut Random::new(9), "mis_a", "run_a");
            let run = Run { status: RunStatus::Running, lease: Some(lease), fence, revision: fence, ..run };
            Unit { writes: vec![Write::Run(run)], ..Unit::default() }
        };
        let renew = |fence, expires_at| {
            let run_id = RunId::new("run_a");
            let renewal = Write::RenewLease { run_id, fence, expires_at: Timestamp(expires_at) };
            Unit { writes: vec![renewal], ..Unit::default() }
        };
        let lease = async || {
            let lease = store.run(&RunId::new("run_a")).await.unwrap().unwrap().lease.unwrap();
            (lease.fence, lease.expires_at.as_millis())
        };
        let answers = together(&store, [run(1, 10), renew(1, 500), run(2, 20), renew(1, 900)]).await;
        let done: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, true, true, false]);
        assert_eq!(lease().await, (2, 20));
        let answers = together(&store, [renew(2, 40), renew(2, 60), renew(2, 50), run(2, 30)]).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(lease().await, (2, 60), "of several renewals the latest end holds");
        let answers = together(&store, [run(3, 70), renew(3, 90)]).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(lease().await, (3, 90));
    })
    .await;
}

#[tokio::test]
async fn a_unit_the_database_refuses_does_not_take_its_batch_with_it() {
    on_both_databases(async |store| {
        let entry = records::history_entry(&mut Random::new(1), "mis_a", 0);
        let write = |write| Unit { writes: vec![write], events: vec![], ..Unit::default() };
        store.commit(write(Write::History(entry.clone()))).await.unwrap();
        let mut again = entry.clone();
        again.actor = "somebody else".to_owned();
        let answers = together(&store, [step("mis_a", None), write(Write::History(again)), step("mis_b", None)]).await;
        let Err(CommitError::Storage(error)) = &answers[1] else { panic!("{answers:?}") };
        assert_eq!(error.kind, StorageErrorKind::Other);
        assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
        assert_eq!(store.history(&entry.mission_id, None, 10).await.unwrap(), [entry], "history is never rewritten");
        assert_eq!(store.log_head().await.unwrap(), 2);
        store.commit(step("mis_a", Some(1))).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_row_of_another_workspace_is_never_taken_over() {
    on_both_databases(async |store| {
        let mine = records::mission_at("mis_a", MissionStatus::Running, 1);
        let unit = |mission: &Mission| Unit { writes: vec![Write::Mission(mission.clone())], ..Unit::default() };
        store.commit(unit(&mine)).await.unwrap();
        let theirs = Mission { workspace_id: WorkspaceId::new("ws_other"), ..mine.clone() };
        let refused = store.commit(unit(&theirs)).await;
        assert!(matches!(refused, Err(CommitError::Storage(_))), "{refused:?}");
        assert_eq!(store.mission(&theirs.workspace_id, &theirs.id).await.unwrap(), None);
        assert_eq!(store.mission(&mine.workspace_id, &mine.id).await.unwrap(), Some(mine));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_stops_waiting_cancels_nothing() {
    on_both_databases(async |store| {
        for revision in 0..20_u64 {
            let waiting = store.clone();
            let from = (revision > 0).then_some(revision);
            let caller = tokio::spawn(async move { waiting.commit(step("mis_a", from)).await });
            // Queued, and gone before the answer.
            tokio::task::yield_now().await;
            caller.abort();
        }
        // The queue is in order: when this is answered, everything before it is done.
        let last = store.commit(step("mis_b", None)).await.unwrap();
        let head = store.log_head().await.unwrap();
        assert_eq!(last.seqs, Some((head, head)));
        let mission = store.mission(&records::workspace(), &MissionId::new("mis_a")).await.unwrap().unwrap();
        assert_eq!(mission.revision, head - 1, "each queued unit was carried out, in order");
        assert_eq!(mission.revision, 20);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_on_one_mission_each_win_once() {
    const CALLERS: u64 = 16;
    const STEPS: u64 = 25;
    on_both_databases(async |store| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut done = 0;
                    while done < STEPS {
                        let mission = store.mission(&records::workspace(), &MissionId::new("mis_a")).await.unwrap();
                        match store.commit(step("mis_a", mission.map(|mission| mission.revision))).await {
                            Ok(_) => done += 1,
                            Err(CommitError::Conflict { .. }) => {}
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        let mission = store.mission(&records::workspace(), &MissionId::new("mis_a")).await.unwrap().unwrap();
        assert_eq!(mission.revision, CALLERS * STEPS);
        assert_eq!(store.log_head().await.unwrap(), CALLERS * STEPS);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hosts_on_one_database_guard_against_each_other() {
    const STEPS: u64 = 60;
    let Some(database) = TestDatabase::postgres().await else { return };
    let hosts = [database.open().await, database.open().await, database.open().await];
    let callers: Vec<_> = hosts
        .iter()
        .map(|store| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut done = 0;
                while done < STEPS {
                    let mission = store.mission(&records::workspace(), &MissionId::new("mis_a")).await.unwrap();
                    match store.commit(step("mis_a", mission.map(|mission| mission.revision))).await {
                        Ok(_) => done += 1,
                        Err(CommitError::Conflict { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let mission = hosts[0].mission(&records::workspace(), &MissionId::new("mis_a")).await.unwrap().unwrap();
    assert_eq!(mission.revision, STEPS * hosts.len() as u64);
    assert_eq!(hosts[1].log_head().await.unwrap(), mission.revision);
}

#[tokio::test]
async fn an_empty_unit_and_one_of_guards_alone_are_units() {
    on_both_databases(async |store| {
        assert_eq!(store.commit(Unit::default()).await.unwrap().seqs, None);
        let guards = vec![Guard::input(&EventId::new("evt_a"), false)];
        assert_eq!(store.commit(Unit { guards, ..Unit::default() }).await.unwrap().seqs, None);
        let events = vec![records::plain_event("evt_a"), records::plain_event("evt_b")];
        assert_eq!(store.commit(Unit { events, ..Unit::default() }).await.unwrap().seqs, Some((1, 2)));
    })
    .await;
}
