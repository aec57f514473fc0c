//! Guards: each kind, each way it can fail, and what a failure leaves behind (nothing).

use e2e::databases::on_both_databases;
use e2e::random::Random;
use e2e::records;
use sluice::domain::id::{ApprovalId, EvaluationId, EventId, LeaseId, MissionId, RunId, WorkspaceId};
use sluice::domain::lease::{LeaseState, NamedLease};
use sluice::domain::mission::MissionStatus;
use sluice::domain::run::{Lease, Run, RunStatus};
use sluice::domain::time::Timestamp;
use sluice::store::{CommitError, Guard, LogFilter, Store, Unit, Write};

async fn write(store: &Store, write: Write) {
    store.commit(Unit { writes: vec![write], ..Unit::default() }).await.unwrap();
}

/// Commits an event under `guard`; the conflict, if there is one, as (expected, found).
async fn try_guard(store: &Store, guard: Guard, event: &str) -> Result<(), (Option<u64>, Option<u64>)> {
    let unit = Unit { guards: vec![guard], events: vec![records::plain_event(event)], ..Unit::default() };
    match store.commit(unit).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict { expected, found, .. }) => Err((expected, found)),
        Err(error) => panic!("{error:?}"),
    }
}

/// Tries a guard against an absent row, a row at revision 5, and again after that.
async fn check_revisions(store: &Store, name: &str, put: Write, guard: impl Fn(Option<u64>) -> Guard) {
    assert_eq!(try_guard(store, guard(Some(5)), "evt_never").await, Err((Some(5), None)), "{name}");
    assert_eq!(try_guard(store, guard(None), &format!("evt_{name}_absent")).await, Ok(()), "{name}");
    write(store, put).await;
    assert_eq!(try_guard(store, guard(None), "evt_never").await, Err((None, Some(5))), "{name}");
    assert_eq!(try_guard(store, guard(Some(4)), "evt_never").await, Err((Some(4), Some(5))), "{name}");
    assert_eq!(try_guard(store, guard(Some(6)), "evt_never").await, Err((Some(6), Some(5))), "{name}");
    assert_eq!(try_guard(store, guard(Some(5)), &format!("evt_{name}_present")).await, Ok(()), "{name}");
}

#[tokio::test]
async fn every_kind_of_guard_tells_absent_stale_and_present_apart() {
    on_both_databases(async |store| {
        let random = &mut Random::new(3);
        let mut mission = records::mission(random, "mis_a");
        mission.revision = 5;
        check_revisions(&store, "mission", Write::Mission(mission), |revision| {
            Guard::mission(&MissionId::new("mis_a"), revision)
        })
        .await;
        let mut run = records::run(random, "mis_a", "run_a");
        run.revision = 5;
        run.lease = Some(Lease { fence: 5, ..records::lease(random) });
        let id = RunId::new("run_a");
        assert_eq!(try_guard(&store, Guard::lease(&id, Some(5)), "evt_never").await, Err((Some(5), None)));
        check_revisions(&store, "run", Write::Run(run), |revision| Guard::run(&id, revision)).await;
        assert_eq!(try_guard(&store, Guard::lease(&id, Some(4)), "evt_never").await, Err((Some(4), Some(5))));
        assert_eq!(try_guard(&store, Guard::lease(&id, Some(5)), "evt_lease").await, Ok(()));
        let mut evaluation = records::evaluation(random, "mis_a", "evl_a");
        evaluation.revision = 5;
        check_revisions(&store, "evaluation", Write::Evaluation(evaluation), |revision| {
            Guard::evaluation(&EvaluationId::new("evl_a"), revision)
        })
        .await;
        let mut approval = records::approval(random, "mis_a", "apr_a");
        approval.revision = 5;
        check_revisions(&store, "approval", Write::Approval(approval), |revision| {
            Guard::approval(&ApprovalId::new("apr_a"), revision)
        })
        .await;
        let mut timer = records::timer(random, "mis_a", "it's due");
        timer.revision = 5;
        check_revisions(&store, "timer", Write::Timer(timer), |revision| {
            Guard::timer(&MissionId::new("mis_a"), "it's due", revision)
        })
        .await;
        // Of the refused units nothing is left.
        let events = store.log_events(&records::workspace(), 0, &LogFilter::default(), 100).await.unwrap();
        assert!(events.iter().all(|event| event.event.event_id.as_str() != "evt_never"));
        assert_eq!(events.len(), 11);
    })
    .await;
}

#[tokio::test]
async fn an_inputs_guard_asks_for_presence() {
    on_both_databases(async |store| {
        let id = EventId::new("evt_a");
        assert_eq!(try_guard(&store, Guard::input(&id, true), "evt_never").await, Err((Some(1), None)));
        write(&store, Write::Input(records::input(&mut Random::new(1), "mis_a", "evt_a"))).await;
        assert_eq!(try_guard(&store, Guard::input(&id, false), "evt_never").await, Err((None, Some(1))));
        assert_eq!(try_guard(&store, Guard::input(&id, true), "evt_b").await, Ok(()));
        write(&store, Write::DeleteInput(id.clone())).await;
        assert_eq!(try_guard(&store, Guard::input(&id, false), "evt_c").await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn two_timers_whose_names_join_alike_are_two() {
    on_both_databases(async |store| {
        let timer = records::timer(&mut Random::new(1), "mis_a", "b/c");
        write(&store, Write::Timer(timer)).await;
        let other = MissionId::new("mis_a/b");
        assert_eq!(try_guard(&store, Guard::timer(&other, "c", None), "evt_a").await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn a_failed_guard_leaves_out_the_whole_unit() {
    on_both_databases(async |store| {
        let random = &mut Random::new(1);
        write(&store, Write::Mission(records::mission_at("mis_a", MissionStatus::Running, 1))).await;
        let unit = Unit {
            guards: vec![Guard::mission(&MissionId::new("mis_a"), Some(1)), Guard::run(&RunId::new("run_a"), Some(1))],
            writes: vec![
                Write::Mission(records::mission_at("mis_a", MissionStatus::Failed, 2)),
                Write::Timer(records::timer(random, "mis_a", "key")),
                Write::History(records::history_entry(random, "mis_a", 1)),
            ],
            events: vec![records::plain_event("evt_a")],
            ..Unit::default()
        };
        let Err(CommitError::Conflict { table, key, expected, found, .. }) = store.commit(unit).await else { panic!() };
        assert_eq!((table, key.as_str(), expected, found), ("runs", "run_a", Some(1), None));
        let mission = store.mission(&records::workspace(), &MissionId::new("mis_a")).await.unwrap().unwrap();
        assert_eq!((mission.revision, mission.status), (1, MissionStatus::Running));
        assert_eq!(store.timers(&mission.id).await.unwrap(), []);
        assert_eq!(store.history(&mission.id, None, 10).await.unwrap(), []);
        assert_eq!(store.log_head().await.unwrap(), 0);
    })
    .await;
}

fn leased(id: &str, fence: u64, expires_at: u64) -> Run {
    let random = &mut Random::new(fence);
    let lease =
        Lease { host_id: format!("host_{fence}"), fence, expires_at: Timestamp(expires_at), ..records::lease(random) };
    Run { status: RunStatus::Running, lease: Some(lease), fence, revision: fence, ..records::run(random, "mis_a", id) }
}

async fn expiry(store: &Store, id: &str) -> Option<u64> {
    let run = store.run(&RunId::new(id)).await.unwrap().unwrap();
    run.lease.map(|lease| lease.expires_at.as_millis())
}

fn renewal(id: &str, fence: u64, expires_at: u64) -> Unit {
    let renewal = Write::RenewLease { run_id: RunId::new(id), fence, expires_at: Timestamp(expires_at) };
    Unit { writes: vec![renewal], ..Unit::default() }
}

#[tokio::test]
async fn a_lease_is_renewed_by_its_holder_only_and_never_shortened() {
    on_both_databases(async |store| {
        let refused = store.commit(renewal("run_a", 3, 200)).await;
        assert!(matches!(
            refused,
            Err(CommitError::Conflict { table: "run_leases", expected: Some(3), found: None, .. })
        ));
        write(&store, Write::Run(leased("run_a", 3, 100))).await;
        write(&store, Write::Run(leased("run_b", 3, 100))).await;
        store.commit(renewal("run_a", 3, 200)).await.unwrap();
        assert_eq!(expiry(&store, "run_a").await, Some(200));
        assert_eq!(expiry(&store, "run_b").await, Some(100), "nobody else's lease is touched");
        let refused = store.commit(renewal("run_a", 2, 300)).await;
        assert!(matches!(refused, Err(CommitError::Conflict { expected: Some(2), found: Some(3), .. })));
        store.commit(renewal("run_a", 3, 150)).await.unwrap();
        assert_eq!(expiry(&store, "run_a").await, Some(200));
        assert_eq!(store.run(&RunId::new("run_a")).await.unwrap().unwrap().revision, 3, "no revision is used up");

        // Somebody who read the run before it was renewed writes it.
        write(&store, Write::Run(leased("run_a", 3, 100))).await;
        assert_eq!(expiry(&store, "run_a").await, Some(200));
        // Another claim is another lease.
        write(&store, Write::Run(leased("run_a", 4, 50))).await;
        assert_eq!(expiry(&store, "run_a").await, Some(50));
        // A run without a lease has given it up.
        write(&store, Write::Run(Run { lease: None, ..leased("run_a", 4, 50) })).await;
        assert_eq!(expiry(&store, "run_a").await, None);
        assert!(store.commit(renewal("run_a", 4, 300)).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_has_run_out_is_held_by_nobody() {
    on_both_databases(async |store| {
        let id = RunId::new("run_a");
        let held = |fence, now| Guard::held_lease(&id, fence, Timestamp(now));
        let lapsed = |fence, now| Guard::lapsed_lease(&id, fence, Timestamp(now));
        assert_eq!(try_guard(&store, held(3, 0), "evt_never").await, Err((Some(3), None)));
        write(&store, Write::Run(leased("run_a", 3, 100))).await;
        assert_eq!(try_guard(&store, held(3, 100), "evt_1").await, Ok(()), "to the millisecond it holds");
        assert_eq!(try_guard(&store, lapsed(3, 100), "evt_never").await, Err((Some(3), None)));
        assert_eq!(try_guard(&store, held(3, 101), "evt_never").await, Err((Some(3), None)));
        assert_eq!(try_guard(&store, lapsed(3, 101), "evt_2").await, Ok(()));
        assert_eq!(try_guard(&store, held(2, 100), "evt_never").await, Err((Some(2), Some(3))));
        assert_eq!(try_guard(&store, lapsed(2, 101), "evt_never").await, Err((Some(2), Some(3))));
    })
    .await;
}

fn named(fencing_token: u64, expires_at: u64, state: LeaseState) -> NamedLease {
    NamedLease {
        workspace_id: WorkspaceId::new("local"),
        name: "n".to_owned(),
        id: LeaseId::new(format!("lse_a.{fencing_token}")),
        owner: "o".to_owned(),
        principal: "p".to_owned(),
        fencing_token,
        ttl_ms: 1_000,
        acquired_at: Timestamp(expires_at - 1_000),
        expires_at: Timestamp(expires_at),
        state,
        retries: 0,
        claim_key: None,
    }
}

#[tokio::test]
async fn a_name_is_free_or_held_and_never_both() {
    on_both_databases(async |store| {
        let workspace = WorkspaceId::new("local");
        let free = |fence, now| Guard::free_name(&workspace, "n", fence, Timestamp(now));
        let held = |fence, now| Guard::held_name(&workspace, "n", fence, Timestamp(now));
        let lapsed = |fence, now| Guard::lapsed_name(&workspace, "n", fence, Timestamp(now));
        assert_eq!(try_guard(&store, held(1, 5_000), "evt_never").await, Err((Some(1), None)));
        assert_eq!(try_guard(&store, free(None, 5_000), "evt_never_taken").await, Ok(()));
        write(&store, Write::Lease(named(1, 5_000, LeaseState::Held))).await;
        // Whoever saw that it was never taken is too late, while it is held and afterwards.
        assert_eq!(try_guard(&store, free(None, 4_999), "evt_never").await, Err((None, Some(1))));
        assert_eq!(try_guard(&store, free(None, 9_000), "evt_never").await, Err((None, Some(1))));
        assert_eq!(try_guard(&store, free(Some(1), 4_999), "evt_never").await, Err((Some(1), None)));
        assert_eq!(try_guard(&store, held(1, 4_999), "evt_held").await, Ok(()));
        // At its end it is nobody's.
        assert_eq!(try_guard(&store, held(1, 5_000), "evt_never").await, Err((Some(1), None)));
        assert_eq!(try_guard(&store, free(Some(1), 5_000), "evt_free").await, Ok(()));
        assert_eq!(try_guard(&store, lapsed(1, 4_999), "evt_never").await, Err((Some(1), None)));
        assert_eq!(try_guard(&store, lapsed(1, 5_000), "evt_lapsed").await, Ok(()));
        write(&store, Write::Lease(named(2, 9_000, LeaseState::Released))).await;
        assert_eq!(try_guard(&store, held(2, 8_000), "evt_never").await, Err((Some(2), None)));
        assert_eq!(try_guard(&store, free(Some(1), 8_000), "evt_never").await, Err((Some(1), Some(2))));
        assert_eq!(try_guard(&store, free(Some(2), 8_000), "evt_released").await, Ok(()));
        // What was given back, or noticed, did not run out: of many who notice one does.
        assert_eq!(try_guard(&store, lapsed(2, 9_999), "evt_never").await, Err((Some(2), None)));
    })
    .await;
}
