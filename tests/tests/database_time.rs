//! Hosts that share a database decide by its clock what is late, whatever their own clocks say.

use std::sync::Arc;
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::engine::{TestEngine, claim, finished, item_to, items, start_run};
use sluice::clock::{Clock, SystemClock};
use sluice::domain::event::InputKind;
use sluice::domain::run::RunStatus;
use sluice::domain::time::Timestamp;
use sluice::domain::work_item::WorkItemStatus;
use sluice::engine::ports::Plugins;
use sluice::engine::{Claim, Engine, EngineError, FinishStatus};
use sluice::timekeeping::clock_of;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A machine whose wall clock is wrong.
struct Skewed {
    machine: SystemClock,
    ahead_ms: i64,
}

impl Skewed {
    fn by(ahead_ms: i64) -> Arc<dyn Clock> {
        Arc::new(Self { machine: SystemClock::new(), ahead_ms })
    }
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp(self.machine.now().as_millis().saturating_add_signed(self.ahead_ms))
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }
}

/// A host on the database of `t` whose machine is `ahead_ms` ahead.
async fn host(t: &TestEngine, name: &str, ahead_ms: i64) -> Engine {
    let store = t.open_store().await;
    let clock = clock_of(&store, Skewed::by(ahead_ms)).await.expect("the database tells the time");
    Engine::new(store, Arc::clone(&t.plugins) as Arc<dyn Plugins>, clock, name.to_owned())
}

/// What the lease loop of `host` does in one look; how many it found.
async fn end_expired(host: &Engine) -> usize {
    let expired = host.store().leased_runs(None, Some(host.clock().now()), 100).await.expect("read");
    let count = expired.len();
    for run in expired {
        host.interrupt_run(run, "its lease ran out").await.expect("it is ended");
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_an_hour_apart_agree_on_when_a_lease_ends() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let t = TestEngine::start(database).await;
    let hour = i64::try_from(HOUR_MS).expect("it fits");
    let (ahead, behind) = (host(&t, "host_ahead", hour).await, host(&t, "host_behind", -hour).await);
    let apart = ahead.clock().now().as_millis().abs_diff(behind.clock().now().as_millis());
    assert!(apart < 1_000, "they are {apart} ms apart");
    let by_machine = SystemClock::new().now().as_millis();
    let off = ahead.clock().now().as_millis().abs_diff(by_machine);
    assert!(off < 1_000, "the database of this test is on this machine, and its time is not {off} ms off");

    let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
    for (gives, ends) in [(&ahead, &behind), (&behind, &ahead)] {
        let short = Claim { lease_ms: 600, ..claim("agent.test") };
        let held = gives.claim(short, Duration::from_secs(5)).await.expect("claimed").pop().expect("the run");
        assert_eq!(end_expired(ends).await, 0, "it has just begun");
        let since = gives.clock().monotonic();
        while end_expired(ends).await == 0 {
            assert!(gives.clock().monotonic() - since < Duration::from_secs(10), "it ends");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(gives.clock().monotonic() - since > Duration::from_millis(300), "and not before its time");
        // A host that was frozen meanwhile wakes up with what it held.
        let late = gives.finish_run(&held, finished(FinishStatus::Succeeded)).await;
        assert!(matches!(late, Err(EngineError::LeaseLost { .. })), "{late:?}");
        assert!(gives.renew_lease(&held.run.id, held.fence, HOUR_MS).await.is_err());
        assert_eq!(t.run(&held.run.id).await.status, RunStatus::Queued);
    }
    assert_eq!(t.run(&t.runs_of(&id).await[0].id).await.interruptions, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_slept_through_changes_does_not_act_on_its_old_board() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let t = TestEngine::start(database).await;
    let id = t.running(items(&[("a", &[]), ("b", &["a"])]), &[], &["a"]).await;
    let other = t.another_host().await;
    // The first host has the board; the second goes on with the mission alone.
    let held = t.claim(&id).await;
    t.engine.finish_run(&held, finished(FinishStatus::Succeeded)).await.expect("it is finished");
    t.plugins.decide_next(Ok(vec![item_to("a", WorkItemStatus::Done), start_run("b")]));
    assert_eq!(other.catch_up(&id).await.expect("applied"), 1);
    // The first host wakes up: what it claims is told with what it builds on now.
    let held = t.claim_quietly("worker").await.expect("the run of b");
    assert_eq!(held.inputs.dependencies.len(), 1, "as the other host left it");
    t.catch_up(&id).await;
    let refused = t.refusal(&id, vec![start_run("b")]).await;
    assert_eq!(refused.0, "ILLEGAL_COMMAND", "b is at work already: {refused:?}");
    let history = t.history(&id).await;
    assert!(history.iter().enumerate().all(|(at, entry)| entry.seq == at as u64), "one line without holes");
    assert!(history.iter().any(|entry| entry.kind == InputKind::RunClaimed));
}
