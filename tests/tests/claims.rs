//! Claims: each run goes to one worker that fits, missions take turns, nobody is passed over, and
//! what was claimed for somebody who left comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::engine::{LEASE_MS, TestEngine, claim, items, mission_to, on_both_engines, start_run};
use e2e::random::Random;
use serde_json::json;
use sluice::domain::event::InputKind;
use sluice::domain::id::{MissionId, RunId};
use sluice::domain::run::{Run, RunStatus};
use sluice::engine::{
    Claim, Engine, EngineError, FinishReport, FinishStatus, HELD_RUNS_MAX, Heartbeat, HeldRun, secret,
};

/// Long enough that only a lost wake-up makes anybody wait so long.
const LONG: Duration = Duration::from_secs(30);
const NOW: Duration = Duration::ZERO;

/// A running mission with a queued run for each of `count` items that need `skill`.
async fn mission_with(t: &TestEngine, count: usize, skill: &str) -> MissionId {
    let names: Vec<String> = (0..count).map(|number| format!("i{number}")).collect();
    let items: Vec<_> = names.iter().map(|id| json!({"id": id, "title": id, "skills": [skill]})).collect();
    let start: Vec<&str> = names.iter().map(String::as_str).collect();
    t.running(json!({"work_items": items}), &[], &start).await
}

async fn claimed(engine: &Engine, claim: Claim, wait: Duration) -> Vec<HeldRun> {
    engine.claim(claim, wait).await.expect("runs can be claimed")
}

fn skilled(skill: &str, max: usize) -> Claim {
    Claim { skills: Some(vec![skill.to_owned()]), max, ..claim("agent.test") }
}

fn ids(held: &[HeldRun]) -> Vec<&str> {
    held.iter().map(|held| held.run.id.as_str()).collect()
}

/// Waits until `is_so`, which something in the background is about to make so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came true that {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missions_take_turns_and_the_one_with_fewest_going_is_first() {
    on_both_engines(async |t| {
        let large = mission_with(&t, 6, "any").await;
        let busy = mission_with(&t, 3, "any").await;
        let of_busy = Claim { mission_id: Some(busy.clone()), max: 2, ..claim("agent.test") };
        assert_eq!(claimed(&t.engine, of_busy, NOW).await.len(), 2);
        t.clock.pass(1);
        let small = mission_with(&t, 2, "any").await;
        let held = claimed(&t.engine, Claim { max: 6, ..claim("agent.test") }, NOW).await;
        let turns: Vec<&MissionId> = held.iter().map(|held| &held.run.mission_id).collect();
        assert_eq!(turns, [&large, &small, &large, &small, &large, &busy], "in the order they were given out");
        let oldest: Vec<&str> =
            held.iter().filter(|held| held.run.mission_id == large).map(|held| held.run.id.as_str()).collect();
        assert!(oldest.is_sorted(), "within a mission the longest queued first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_starves_behind_runs_for_others() {
    on_both_engines(async |t| {
        // More than one page of candidates before the one run that fits.
        for _ in 0..12 {
            mission_with(&t, 900, "rust").await;
        }
        t.clock.pass(1);
        let last = mission_with(&t, 1, "prose").await;
        let found = claimed(&t.engine, skilled("prose", 5), NOW).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].run.mission_id, last);
        assert_eq!(claimed(&t.engine, skilled("prose", 1), NOW).await.len(), 0);
        let assigned = json!({"work_items": [{"id": "a", "title": "a", "assigned_agent": "ada"}]});
        let id = t.running(assigned, &[], &["a"]).await;
        assert_eq!(claimed(&t.engine, skilled("none", 1), NOW).await.len(), 0, "it is for ada");
        let ada = Claim { agents: vec!["bob".to_owned(), "ada".to_owned()], ..skilled("none", 1) };
        assert_eq!(claimed(&t.engine, ada, NOW).await[0].run.mission_id, id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_served_in_turn_as_soon_as_there_is_a_run() {
    on_both_engines(async |t| {
        let id = t.draft(items(&[("a", &[]), ("b", &[])]), &[]).await;
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let engine = t.engine.clone();
            waiting.push(tokio::spawn(async move { claimed(&engine, claim("agent.test"), LONG).await }));
            // The dispatcher takes them in the order in which they came.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let start = vec![mission_to("running"), start_run("a"), start_run("b")];
        t.tell(&id, InputKind::MissionStarted, start).await.expect("it starts");
        let third = waiting.pop().expect("three wait");
        let mut got = Vec::new();
        for waiter in waiting {
            got.push(ids(&waiter.await.expect("it is answered")).join(" "));
        }
        assert!(got.is_sorted() && got.iter().all(|ids| ids.starts_with("run_")), "first come, first served: {got:?}");
        assert!(!third.is_finished(), "there is none for the third");
        third.abort();
        let short =
            tokio::time::timeout(LONG, claimed(&t.engine, claim("agent.test"), Duration::from_millis(30))).await;
        assert_eq!(short.expect("it waits no longer than it asked for").len(), 0);
        let late = json!({"work_items": [{"id": "a", "title": "a"}]});
        let id = t.draft(late, &[]).await;
        let not_before = t.clock_now().plus_millis(5_000).as_millis();
        let delayed = e2e::engine::start_run_at("a", not_before);
        t.tell(&id, InputKind::MissionStarted, vec![mission_to("running"), delayed]).await.expect("it starts");
        assert_eq!(claimed(&t.engine, claim("agent.test"), NOW).await.len(), 0, "not before its time");
        t.clock.pass(5_000);
        assert_eq!(claimed(&t.engine, claim("agent.test"), NOW).await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_claimed_for_somebody_who_left_comes_back_uncounted() {
    on_both_engines(async |t| {
        let id = t.draft(items(&[("a", &[])]), &[]).await;
        // Waiters leave around the moment of the claim: some before it, some before its answer.
        for round in 0..20_u64 {
            let engine = t.engine.clone();
            let waiter = tokio::spawn(async move { claimed(&engine, claim("agent.gone"), LONG).await });
            tokio::time::sleep(Duration::from_millis(2)).await;
            if round == 0 {
                let start = vec![mission_to("running"), start_run("a")];
                t.tell(&id, InputKind::MissionStarted, start).await.expect("it starts");
            }
            tokio::time::sleep(Duration::from_micros(200 * round)).await;
            if !waiter.is_finished() {
                waiter.abort();
                continue;
            }
            // It was faster and has it: as a worker inside the host it gives it back itself.
            for held in waiter.await.expect("it was answered") {
                t.engine.give_back(&held).await.expect("it is given back");
            }
        }
        let engine = t.engine.clone();
        let held = claimed(&engine, claim("agent.stays"), LONG).await;
        assert_eq!(held.len(), 1, "it is there for whoever stays");
        assert_eq!(held[0].run.interruptions, 0);
        t.catch_up(&id).await;
        let history = t.history(&id).await;
        assert!(history.iter().all(|entry| entry.refusal.is_none()), "the mission follows: {history:?}");
        let back = t.events(&id).await.into_iter().filter(|event| event.event.event_type == "session.run.queued");
        assert!(back.count() > 1, "at least one of them was given back");
        t.succeed(&held[0], "x").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_run_that_is_given_back_is_canceled() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let held = t.claim(&id).await;
        let cancel = sluice::domain::command::Command::CancelRun {
            run_id: held.run.id.clone(),
            reason: "not needed".to_owned(),
        };
        t.order(&id, vec![cancel]).await.expect("it may be withdrawn");
        t.engine.give_back(&held).await.expect("it is taken back");
        assert_eq!(t.run(&held.run.id).await.status, RunStatus::Canceled);
        t.engine.give_back(&held).await.expect("what is over is left alone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_holds_no_more_than_its_bound() {
    on_both_engines(async |t| {
        let bound = usize::try_from(HELD_RUNS_MAX).expect("it fits");
        mission_with(&t, 600, "any").await;
        mission_with(&t, 600, "any").await;
        let greedy = Claim { max: 700, ..claim("agent.greedy") };
        let mut held = claimed(&t.engine, greedy.clone(), NOW).await;
        assert_eq!(held.len(), 700);
        held.extend(claimed(&t.engine, Claim { worker: "another".to_owned(), ..greedy.clone() }, NOW).await);
        assert_eq!(held.len(), bound, "whatever its workers are called");
        assert_eq!(claimed(&t.engine, greedy.clone(), NOW).await.len(), 0);
        assert_eq!(claimed(&t.engine, claim("agent.modest"), NOW).await.len(), 1, "others are not held up");
        let engine = t.engine.clone();
        let waiting = tokio::spawn(async move { claimed(&engine, greedy, LONG).await });
        let report = FinishReport { status: FinishStatus::Failed, summary: None, output: None, artifacts: Vec::new() };
        let done = held.pop().expect("many");
        t.engine.finish_run(&done, report).await.expect("one is finished");
        assert_eq!(waiting.await.expect("it is answered").len(), 1, "and one may be claimed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_token_is_good_for_its_hold_alone() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let wanted = Claim { wants_token: true, session_id: Some("ses_1".to_owned()), ..claim("agent.test") };
        let held = claimed(&t.engine, wanted.clone(), NOW).await.pop().expect("a run");
        let text = held.token.clone().expect("a token");
        let parsed = secret::parse(&text).expect("it is one");
        assert_eq!(parsed.id, format!("{}.{}", held.run.id, held.fence));
        let stored = t.run(&held.run.id).await;
        assert_eq!(stored.token_digest, Some(parsed.digest()), "only its digest is stored");
        assert_eq!(stored.session(), "ses_1");
        let (run_id, fence, digest) = (&held.run.id, held.fence, parsed.digest());
        let lost = |found: Result<HeldRun, EngineError>| matches!(found, Err(EngineError::LeaseLost { .. }));
        let again = t.engine.hold(run_id, fence, &digest).await.expect("it holds");
        assert_eq!(again.run, stored);
        assert!(lost(t.engine.hold(run_id, fence + 1, &digest).await));
        let other = secret::mint(secret::Kind::Run, "x").1;
        assert!(lost(t.engine.hold(run_id, fence, &other).await));
        let unknown = t.engine.hold(&RunId::new("run_x"), fence, &digest).await;
        assert!(matches!(unknown, Err(EngineError::NotFound { .. })));

        t.clock.pass(LEASE_MS);
        t.engine.hold(run_id, fence, &digest).await.expect("to the millisecond it holds");
        t.clock.pass(1);
        assert!(lost(t.engine.hold(run_id, fence, &digest).await), "over, though nobody has ended it");
        assert!(t.run(run_id).await.lease.is_some());
        let late = t.engine.finish_run(&again, e2e::engine::finished(FinishStatus::Succeeded)).await;
        assert!(matches!(late, Err(EngineError::LeaseLost { .. })), "{late:?}");
        assert!(matches!(t.leave(&again, "late").await, Err(EngineError::LeaseLost { .. })), "by the commit's guard");
        assert_eq!(t.end_expired_leases().await, 1);

        let second = claimed(&t.engine, wanted, NOW).await.pop().expect("the run again");
        let parsed = secret::parse(second.token.as_deref().expect("a token")).expect("it is one");
        assert!(lost(t.engine.hold(run_id, fence, &digest).await), "the old token is of the old hold");
        let late = t.engine.recognise(&text).await;
        assert!(
            matches!(late, Err(EngineError::LeaseLost { .. })),
            "it is told why, and not that it is nobody: {late:?}"
        );
        t.succeed(&second, "x").await;
        let ended = t.engine.hold(run_id, second.fence, &parsed.digest()).await.expect("so that it can finish again");
        assert_eq!(ended.run.status, RunStatus::Succeeded);
        t.engine.finish_run(&ended, e2e::engine::finished(FinishStatus::Succeeded)).await.expect("the same again");
        let of_session = t.events(&id).await.into_iter().filter(|event| event.event.run_id.is_some());
        let sessions: BTreeSet<_> =
            of_session.skip(1).map(|event| event.event.session_id.expect("a run's event has one")).collect();
        assert_eq!(sessions, BTreeSet::from(["ses_1".to_owned()]), "all after the claim");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_touch_nothing_but_leases() {
    on_both_engines(async |t| {
        mission_with(&t, 20, "any").await;
        let wanted = Claim { max: 20, wants_token: true, ..claim("agent.test") };
        let held = claimed(&t.engine, wanted, NOW).await;
        let beat_of = |held: &HeldRun| Heartbeat {
            run_id: held.run.id.clone(),
            fence: held.fence,
            digest: secret::parse(held.token.as_deref().expect("a token")).map(|parsed| parsed.digest()),
            lease_ms: None,
            progress: None,
        };
        let mut beats: Vec<Heartbeat> = held.iter().map(beat_of).collect();
        let before = all_runs(&t).await;
        let seq = t.engine.store().log_head().await.expect("read");
        t.clock.pass(4_000);
        let answers = t.engine.heartbeat(&beats).await;
        let expires_at = t.clock_now().plus_millis(LEASE_MS);
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|b| b.expires_at == expires_at && !b.cancel)));
        assert_eq!(t.engine.store().log_head().await.expect("read"), seq, "the log is as it was");
        for (before, after) in before.iter().zip(all_runs(&t).await) {
            assert_eq!(after.lease.as_ref().expect("held").expires_at, expires_at);
            assert_eq!(Run { lease: before.lease.clone(), ..after }, *before, "its revision too");
        }

        // In one batch each is judged by itself.
        beats[1].digest = Some(secret::mint(secret::Kind::Run, "x").1);
        beats[2].fence += 1;
        beats[3].run_id = RunId::new("run_x");
        beats[4].progress =
            Some(sluice::domain::json::Json::from_valid(format!("{{\"a\":\"{}\"}}", "x".repeat(5_000))));
        t.engine.finish_run(&held[5], e2e::engine::finished(FinishStatus::Failed)).await.expect("it is finished");
        let answers = t.engine.heartbeat(&beats).await;
        assert!(matches!(answers[1], Err(EngineError::LeaseLost { .. })));
        assert!(matches!(answers[2], Err(EngineError::LeaseLost { .. })));
        assert!(matches!(answers[3], Err(EngineError::NotFound { .. })));
        assert!(matches!(answers[4], Err(EngineError::Field(_))));
        assert!(matches!(answers[5], Err(EngineError::LeaseLost { .. })));
        assert!(answers.iter().enumerate().all(|(index, answer)| answer.is_ok() != (1..=5).contains(&index)));
        t.clock.pass(LEASE_MS + 1);
        assert!(t.engine.heartbeat(&beats).await.iter().all(Result::is_err), "what has run out stays out");
    })
    .await;
}

async fn all_runs(t: &TestEngine) -> Vec<Run> {
    t.engine.store().runs(&Engine::local_workspace(), None, None, None, 500).await.expect("read")
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_when_it_changed_and_at_most_once_a_second() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let held = t.claim(&id).await;
        let told = async || {
            let events = t.events(&id).await.into_iter();
            events.filter(|event| event.event.event_type == "session.run.progress").count()
        };
        for (pause_ms, step, expected) in [(0, 1, 1), (2_000, 1, 1), (0, 2, 2), (999, 3, 2), (1, 3, 3), (0, 3, 3)] {
            t.clock.pass(pause_ms);
            let beat = Heartbeat {
                run_id: held.run.id.clone(),
                fence: held.fence,
                digest: None,
                lease_ms: None,
                progress: Some(sluice::domain::json::Json::from_valid(format!("{{\"step\":{step}}}"))),
            };
            assert!(t.engine.heartbeat(&[beat]).await.remove(0).is_ok());
            assert_eq!(told().await, expected, "after {pause_ms} ms, step {step}");
        }
    })
    .await;
}

/// Two hosts on one database, dozens of workers that claim one or several, finish, leave or lose
/// their lease: no run is ever held by two, and each ends once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hosts_never_both_give_out_a_run() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let t = TestEngine::start(database).await;
    let other = t.another_host().await;
    let mut missions = Vec::new();
    for _ in 0..4 {
        missions.push(mission_with(&t, 150, "any").await);
    }
    let taken: Arc<std::sync::Mutex<BTreeMap<String, u64>>> = Arc::default();
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..24_u64 {
        let engine = if number % 2 == 0 { t.engine.clone() } else { other.clone() };
        let taken = Arc::clone(&taken);
        workers.spawn(async move {
            let mut random = Random::new(number);
            let mut finished = 0_usize;
            loop {
                let max = 1 + random.below(7);
                let claim = Claim { max, ..claim(&format!("agent.{number}")) };
                let wait = Duration::from_millis(300);
                if random.below(8) == 0 {
                    // Leaves at some moment of the claim.
                    let _ = tokio::time::timeout(
                        Duration::from_micros(100 * u64::from(random.small() % 60)),
                        engine.claim(claim, wait),
                    )
                    .await;
                    continue;
                }
                let held = engine.claim(claim, wait).await.expect("runs can be claimed");
                if held.is_empty() {
                    return finished;
                }
                for held in held {
                    let before = taken.lock().expect("no panic").insert(held.run.id.to_string(), held.fence);
                    assert!(before.is_none_or(|fence| fence < held.fence), "each hold has a fence of its own");
                    let report = e2e::engine::finished(FinishStatus::Succeeded);
                    engine.finish_run(&held, report).await.expect("whoever holds it finishes it");
                    finished += 1;
                }
            }
        });
    }
    let finished: usize = workers.join_all().await.into_iter().sum();
    until("every run is finished or queued again", async || t.runs_of_all(RunStatus::Running).await == 0).await;
    let left = t.runs_of_all(RunStatus::Queued).await;
    assert_eq!(finished + left, 600, "each run was finished once");
    assert_eq!(t.runs_of_all(RunStatus::Succeeded).await, finished);
}
