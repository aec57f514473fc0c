//! The status indexer step by step: exactly once, in whatever order and however often things are told,
//! and whatever stands in its way.

use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::engine::{LEASE_MS, TestEngine, claim, finished, items, on_both_engines};
use e2e::random::Random;
use e2e::sessions::{check_statuses, status_of};
use serde_json::{Map, Value, json};
use sluice::domain::event_type::EventType;
use sluice::domain::id::{RunId, WorkspaceId};
use sluice::domain::time::Timestamp;
use sluice::engine::{
    Claim, Engine, EngineError, EngineOptions, FinishStatus, HeldRun, OutputPart, Pass, SessionEvent, SessionTelling,
    StatusIndexer,
};
use sluice::store::{StorageErrorKind, Store, Unit, Write};

/// Passes until there is nothing more; how many indexed something.
async fn settle(indexer: &mut StatusIndexer) -> usize {
    let mut count = 0;
    for _ in 0..1_000 {
        match indexer.pass().await.expect("the log can be indexed") {
            Pass::Idle => return count,
            Pass::Overtaken => {}
            Pass::Done | Pass::More => count += 1,
        }
    }
    panic!("the indexer does not come to rest");
}

fn event(event_type: EventType, run: &str, properties: Value) -> SessionEvent {
    let properties: Map<String, Value> = properties.as_object().expect("an object").clone();
    let run_id = Some(RunId::new(run));
    SessionEvent { field: String::new(), event_type, run_id, properties, id: None, occurred_at: None }
}

async fn tell(engine: &Engine, session: &str, events: &[SessionEvent]) -> Result<(u64, u64), EngineError> {
    let workspace_id = Engine::local_workspace();
    let telling =
        SessionTelling { workspace_id: &workspace_id, principal: "engine", session_id: session, events, receipt: None };
    engine.tell_session(&telling).await
}

async fn take(t: &TestEngine, session: Option<&str>) -> HeldRun {
    let wanted = Claim { session_id: session.map(str::to_owned), ..claim("agent.test") };
    t.engine.claim(wanted, Duration::ZERO).await.expect("runs can be claimed").pop().expect("a run")
}

fn shown(session: &str, run: &str, state: &str, event_type: &str) -> Value {
    json!({
        "session_id": session, "run_id": run, "state": state, "phase": "run", "tool_active": false,
        "event_type": event_type,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runs_status_follows_it_from_worker_to_worker() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let mut indexer = t.engine.status_indexer();
        assert_eq!(settle(&mut indexer).await, 1);
        let run = t.runs_of(&id).await.remove(0).id.to_string();
        let store = t.engine.store().clone();
        assert_eq!(status_of(&store, &run).await, shown(&run, &run, "queued", "session.run.queued"));

        let held = take(&t, Some("s1")).await;
        t.engine.note_started(&held).await.expect("told");
        let tool =
            |state: &str| OutputPart { part: json!({"type": "tool", "id": "1", "tool": "grep", "state": state}) };
        t.engine.append_output(&held, &[tool("running")]).await.expect("told");
        assert_eq!(settle(&mut indexer).await, 1, "all of it is one write");
        let mut expected = shown("s1", &run, "running", "message.part.updated");
        expected["phase"] = json!("tool");
        expected["tool_active"] = json!(true);
        expected["tool"] = json!("grep");
        assert_eq!(status_of(&store, "s1").await, expected);
        expected["session_id"] = json!(run);
        assert_eq!(status_of(&store, &run).await, expected, "also where the run was before it had a session");

        // Its worker is lost, with the call; another one, of another session, takes over.
        t.clock.pass(LEASE_MS + 1);
        assert_eq!(t.end_expired_leases().await, 1);
        settle(&mut indexer).await;
        assert_eq!(status_of(&store, "s1").await, shown("s1", &run, "queued", "session.run.interrupted"));
        let held = take(&t, Some("s2")).await;
        settle(&mut indexer).await;
        let mut left = shown("s1", &run, "finished", "session.run.claimed");
        left["result"] = json!("interrupted");
        assert_eq!(status_of(&store, "s1").await, left);
        for session in ["s2", &*run] {
            assert_eq!(status_of(&store, session).await, shown(session, &run, "running", "session.run.claimed"));
        }
        t.engine.finish_run(&held, finished(FinishStatus::Failed)).await.expect("it is finished");
        settle(&mut indexer).await;
        for session in ["s2", &*run] {
            let mut expected = shown(session, &run, "finished", "session.run.finished");
            expected["result"] = json!("failed");
            assert_eq!(status_of(&store, session).await, expected);
        }
        let checked = check_statuses(&store).await;
        assert_eq!((checked.sessions, checked.revisions), (3, 3 + 2 + 5));
    })
    .await;
}

/// Something that an engine may tell of one of its runs.
fn anything(random: &mut Random, moment: u64) -> SessionEvent {
    // Runs end soon, and others begin.
    let run = format!("r{}", moment / 400 + random.below(3) as u64);
    let kinds = [
        EventType::RunQueued,
        EventType::RunStarted,
        EventType::RunProgress,
        EventType::RunInterrupted,
        EventType::PartUpdated,
        EventType::PartUpdated,
        EventType::PartUpdated,
        EventType::PartUpdated,
        EventType::RunFinished,
    ];
    let kind = *random.one_of(&kinds);
    let call = (*random.one_of(&["1", "2", "3"])).to_owned();
    let state = *random.one_of(&["running", "completed"]);
    let properties = match kind {
        EventType::PartUpdated => json!({"part": {"type": "tool", "callID": call, "tool": "grep", "state": state}}),
        EventType::RunFinished => json!({"status": "succeeded"}),
        _ => json!({}),
    };
    let event = event(kind, &run, properties);
    let at = 1_000_000_000_000 + moment;
    SessionEvent { occurred_at: Some(Timestamp(at)), id: random.maybe(|_| at.to_string()), ..event }
}

/// Several hosts, each stopped at any moment, index what comes mixed up and in parts.
#[tokio::test(flavor = "multi_thread")]
async fn crashes_and_other_hosts_make_no_revision_twice() {
    for (round, database) in [TestDatabase::each().await, TestDatabase::each().await].into_iter().flatten().enumerate()
    {
        let mut random = Random::new(round as u64 + 11);
        let mut t = TestEngine::start(database).await;
        let mut others = Vec::new();
        if t.is_postgres() {
            others.push(t.another_host().await);
        }
        let mut indexers: Vec<_> = others.iter().chain([&t.engine]).map(Engine::status_indexer).collect();
        let mut overtaken = 0;
        for step in 0..60 {
            let mut told: Vec<_> =
                (0..1 + random.below(12)).map(|n| anything(&mut random, step * 100 + n as u64)).collect();
            for _ in 0..random.below(4) {
                let again = told[random.below(told.len())].clone();
                let place = random.below(told.len());
                told.insert(place, again);
            }
            let session = *random.one_of(&["s1", "s2", "s3"]);
            for part in told.chunks(1 + random.below(5)) {
                tell(&t.engine, session, part).await.expect("it is told");
            }
            // Two in the same moment: one of them has to be overtaken.
            let passes = indexers.iter_mut().map(|indexer| async { indexer.pass().await.expect("it can be indexed") });
            let passes = futures_util::future::join_all(passes).await;
            overtaken += passes.iter().filter(|pass| **pass == Pass::Overtaken).count();
            if random.below(8) == 0 {
                indexers.clear();
                t = t.restart().await;
                indexers = others.iter().chain([&t.engine]).map(Engine::status_indexer).collect();
            }
        }
        for indexer in &mut indexers {
            settle(indexer).await;
        }
        let checked = check_statuses(t.engine.store()).await;
        assert_eq!(checked.sessions, 3);
        assert!(checked.revisions > 20, "{checked:?}");
        assert_eq!(overtaken > 0, !others.is_empty(), "{overtaken}");
        for other in others {
            other.store().close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_is_told_once() {
    on_both_engines(async |t| {
        let named = |id: &str| SessionEvent { id: Some(id.to_owned()), ..event(EventType::RunStarted, "r", json!({})) };
        let places = tell(&t.engine, "s", &[named("1"), named("2"), named("1")]).await.expect("it is told");
        assert_eq!(places, (1, 2));
        assert_eq!(tell(&t.engine, "s", &[named("2")]).await.expect("again"), (2, 2));
        assert_eq!(tell(&t.engine, "s", &[named("3"), named("1")]).await.expect("and more"), (1, 3));
        // The same id of another session is another event.
        assert_eq!(tell(&t.engine, "other", &[named("1")]).await.expect("it is told"), (4, 4));
        // All at once: whoever comes second finds what the first has written.
        let again = [named("9")];
        let many = (0..8).map(|_| tell(&t.engine, "s", &again));
        for told in futures_util::future::join_all(many).await {
            assert_eq!(told.expect("it is told"), (5, 5));
        }
        assert_eq!(t.engine.store().log_head().await.expect("read"), 5);
    })
    .await;
}

/// What other engines say of the past does not make the host forget its own log, and what retention
/// has taken away is no obstacle.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_passed_over_and_old_moments_trim_nothing() {
    for database in TestDatabase::each().await {
        let t = TestEngine::start(database).await;
        let options = EngineOptions { log_retention_ms: Some(1_000), ..EngineOptions::default() };
        let keeper = Engine::with_options(
            t.open_store().await,
            std::sync::Arc::clone(&t.plugins) as _,
            std::sync::Arc::clone(&t.clock) as _,
            "host_keeper".to_owned(),
            options,
        );
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let before = t.engine.store().log_head().await.expect("read");
        let long_ago = SessionEvent { occurred_at: Some(Timestamp(5)), ..event(EventType::RunStarted, "r", json!({})) };
        tell(&t.engine, "s", &[long_ago]).await.expect("it is told");
        assert_eq!(keeper.trim_log().await.expect("trimmed"), 0, "the past of others is not the log's");

        t.clock.pass(2_000);
        take(&t, None).await;
        assert_eq!(keeper.trim_log().await.expect("trimmed"), before);
        let mut indexer = t.engine.status_indexer();
        settle(&mut indexer).await;
        let run = t.runs_of(&id).await.remove(0).id.to_string();
        assert_eq!(status_of(t.engine.store(), &run).await, shown(&run, &run, "running", "session.run.claimed"));
        assert_eq!(status_of(t.engine.store(), "s").await["state"], "running");
        keeper.store().close().await;
    }
}

/// A database that refuses one session stands in for whatever else may be wrong with one event.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_indexed_stops_none_of_the_others() {
    let database = TestDatabase::sqlite();
    let sluice::store::Location::Sqlite { directory } = database.location.clone() else { unreachable!() };
    let t = TestEngine::start(database).await;
    let file = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|end| end == "db")).expect("a database");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let aside = sqlx::SqlitePool::connect_with(options).await.expect("it opens");
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON session_status WHEN NEW.session_id = 'bad' \
                  BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    sqlx::query(refuse).execute(&aside).await.expect("a trigger");
    let mut events = 0;
    for session in ["s0", "s1", "bad", "s2", "s3", "s4", "s5"] {
        tell(&t.engine, session, &[event(EventType::RunStarted, "r", json!({}))]).await.expect("it is told");
        events += 1;
    }
    let mut indexer = t.engine.status_indexer();
    let mut failures = 0;
    let mut rests = false;
    for _ in 0..100 {
        match indexer.pass().await {
            Ok(Pass::Idle) => {
                rests = true;
                break;
            }
            Ok(_) => {}
            Err(EngineError::Storage(error)) => {
                assert_eq!(error.kind, StorageErrorKind::Other);
                failures += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(rests && failures > 0, "after {failures} failures it rests: {rests}");
    for session in ["s0", "s1", "s2", "s3", "s4", "s5"] {
        assert_eq!(status_of(t.engine.store(), session).await["state"], "running", "{session}");
    }
    assert_eq!(status_of(t.engine.store(), "bad").await, Value::Null);
    assert!(*t.engine.status_indexed().borrow() >= events);
    sqlx::query("DROP TRIGGER refuse").execute(&aside).await.expect("it goes");
    tell(&t.engine, "bad", &[event(EventType::RunFinished, "r", json!({"status": "ok"}))]).await.expect("it is told");
    settle(&mut indexer).await;
    assert_eq!(status_of(t.engine.store(), "bad").await["result"], "ok");
    aside.close().await;
}

/// A log full of other things is followed without a write for each look, and not read again.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_other_kinds_cost_no_writes() {
    on_both_engines(async |t| {
        let store = t.engine.store().clone();
        let mut indexer = t.engine.status_indexer();
        for _ in 0..20 {
            t.draft(json!({}), &[]).await;
            assert_eq!(indexer.pass().await.expect("read"), Pass::Idle);
        }
        assert_eq!(store.log_cursor("status_indexer").await.expect("read"), None);
        assert_eq!(*t.engine.status_indexed().borrow(), store.log_head().await.expect("read"));
        // Its own writes are no news to it.
        tell(&t.engine, "s", &[event(EventType::RunStarted, "r", json!({}))]).await.expect("it is told");
        assert_eq!(indexer.pass().await.expect("indexed"), Pass::Done);
        assert_eq!(*t.engine.status_indexed().borrow(), store.log_head().await.expect("read"));
        assert_eq!(indexer.pass().await.expect("read"), Pass::Idle);
        // Nor is what says nothing new.
        tell(&t.engine, "s", &[event(EventType::RunStarted, "r", json!({}))]).await.expect("it is told");
        settle(&mut indexer).await;
        assert_eq!(check_statuses(&store).await.revisions, 1);
        // Many of them move the durable cursor all the same: a start does not read them all again.
        many_events(&store).await;
        let moved = store.log_cursor("status_indexer").await.expect("read");
        settle(&mut indexer).await;
        assert!(store.log_cursor("status_indexer").await.expect("read") > moved);
    })
    .await;
}

/// Over ten thousand events of no interest.
async fn many_events(store: &Store) {
    let event = |number: usize| sluice::domain::event::NewLogEvent {
        event_id: sluice::domain::id::EventId::new(format!("evt_{number}")),
        event_type: "mission.notice".to_owned(),
        workspace_id: WorkspaceId::new("local"),
        session_id: None,
        run_id: None,
        mission_id: None,
        resource_key: None,
        actor: "test".to_owned(),
        occurred_at: Timestamp(1_000_000_000_000),
        properties: sluice::domain::json::Json::empty_object(),
    };
    let unit = Unit { events: (0..10_001).map(event).collect(), writes: Vec::<Write>::new(), ..Unit::default() };
    store.commit(unit).await.expect("they are written");
}
