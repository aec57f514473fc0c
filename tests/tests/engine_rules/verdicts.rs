//! How a verdict comes about: what is read before the gate is called, what the call keeps from others, and what may
//! happen until the verdict is on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use e2e::engine::{TestEngine, binding, finished, item_to, items, on_both_engines};
use e2e::flow;
use serde_json::{Value, json};
use sluice::domain::event::InputKind;
use sluice::domain::gate::{EvaluationStatus, Outcome};
use sluice::domain::id::{ArtifactId, MissionId};
use sluice::domain::work_item::WorkItemStatus;
use sluice::domain::workspace::{QuarantinedComponent, WorkspaceRevision};
use sluice::engine::ports::{ArtifactSource, GateCall};
use sluice::engine::{Engine, FinishReport, FinishStatus};
use sluice::scheduler::Scheduler;
use sluice::store::{Unit, Write};

use crate::{REVIEW, parsed};

/// Counts the calls of gates from now on.
fn counted(t: &TestEngine) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    t.plugins.attend_with(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    calls
}

async fn verdicts(t: &TestEngine, id: &MissionId) -> Vec<Outcome> {
    let verdicts = t.engine.store().verdicts(id, None, None, 100).await.expect("they can be read");
    verdicts.into_iter().map(|verdict| verdict.outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_a_gates_answer_and_its_verdict_has_the_gate_asked_again() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
        let asked = t.bring_to_review(&id, "a", "x").await;
        let calls = counted(&t);
        t.plugins.judge_next(Ok((Outcome::Fail, Vec::new())));
        let hearing = t.engine.prepare_hearing(asked.clone()).await.expect("read").expect("something to judge");
        let heard = t.engine.hear(hearing).await.expect("it is called");
        drop(heard);
        let t = t.restart().await;
        assert_eq!(verdicts(&t, &id).await, []);
        assert_eq!(t.pending(&id).await, std::slice::from_ref(&asked), "it waits as it did");
        t.engine.evaluate(asked).await.expect("it is judged");
        assert_eq!((verdicts(&t, &id).await, calls.load(Ordering::SeqCst)), (vec![Outcome::Pass], 2));
        t.apply(&id, vec![]).await;
        assert_eq!(t.last_entry(&id).await.kind, InputKind::GateVerdict);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_heard_a_gate_one_gives_the_verdict_and_nobody_when_it_was_withdrawn() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
        let asked = t.bring_to_review(&id, "a", "x").await;
        let other = t.another_host().await;
        t.plugins.judge_next(Ok((Outcome::Pass, Vec::new())));
        t.plugins.judge_next(Ok((Outcome::Fail, Vec::new())));
        let mut heard = Vec::new();
        for engine in [&t.engine, &other] {
            let hearing = engine.prepare_hearing(asked.clone()).await.expect("read").expect("something to judge");
            heard.push(engine.hear(hearing).await.expect("it is called"));
        }
        let (second, first) = (heard.pop().expect("two"), heard.pop().expect("two"));
        other.give_verdict(second).await.expect("it is written");
        t.engine.give_verdict(first).await.expect("nobody minds");
        assert_eq!(verdicts(&t, &id).await, [Outcome::Fail]);
        t.apply(&id, vec![item_to("a", WorkItemStatus::Rework)]).await;
        other.store().close().await;

        let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
        let asked = t.bring_to_review(&id, "a", "x").await;
        let hearing = t.engine.prepare_hearing(asked.clone()).await.expect("read").expect("something to judge");
        let heard = t.engine.hear(hearing).await.expect("it is called");
        t.order(&id, vec![item_to("a", WorkItemStatus::Rework)]).await.expect("it goes back");
        t.engine.give_verdict(heard).await.expect("nobody minds");
        assert_eq!(verdicts(&t, &id).await, []);
        assert_eq!(t.catch_up(&id).await, 0, "the mission is told nothing");
        let evaluation = t.engine.store().evaluation(&asked.id).await.expect("read").expect("it is there");
        assert_eq!(evaluation.status, EvaluationStatus::Canceled);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_bound_anew_while_a_gate_judges_counts_from_the_next_request_on() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[]), ("b", &[])]), REVIEW, &["a", "b"]).await;
        let asked = t.bring_to_review(&id, "a", "x").await;
        let calls = counted(&t);
        let hearing = t.engine.prepare_hearing(asked).await.expect("read").expect("something to judge");
        // Whoever does this may be another host: nothing in memory is told.
        let mut revision = WorkspaceRevision { revision: 1, ..WorkspaceRevision::none(Engine::local_workspace()) };
        revision.quarantine.components.push(QuarantinedComponent {
            role: "review".to_owned(),
            plugin: "review@1".to_owned(),
            digest: binding("review").digest,
            reason: "it kept failing".to_owned(),
            failures: 3,
            since: t.clock_now(),
        });
        let unit = Unit { writes: vec![Write::Workspace(Box::new(revision))], ..Unit::default() };
        t.engine.store().commit(unit).await.expect("it is written");
        let heard = t.engine.hear(hearing).await.expect("it is called");
        t.engine.give_verdict(heard).await.expect("it is written");
        assert_eq!((verdicts(&t, &id).await, calls.load(Ordering::SeqCst)), (vec![Outcome::Pass], 1));
        t.apply(&id, vec![]).await;

        let asked = t.bring_to_review(&id, "b", "x").await;
        t.engine.evaluate(asked).await.expect("it is judged");
        assert_eq!(verdicts(&t, &id).await, [Outcome::Pass, Outcome::Error], "closed, and not asked");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let last = t.engine.store().verdicts(&id, None, None, 100).await.expect("read").pop().expect("two");
        assert_eq!(parsed(&last.data)["failure"], "quarantined");
    })
    .await;
}

/// Reads an artifact as components do, in pieces.
fn read_all(artifacts: &dyn ArtifactSource, id: &ArtifactId) -> Result<Vec<u8>, String> {
    const PIECE: u32 = 64 * 1024;
    let mut content = Vec::new();
    loop {
        let piece = artifacts.read(id, content.len() as u64, PIECE)?;
        if piece.is_empty() {
            return Ok(content);
        }
        content.extend(piece);
    }
}

/// One work item whose run left a small text, 3 MiB and 3 MiB more; the request for its verdict waits.
async fn large_work(t: &TestEngine) -> (MissionId, Vec<String>) {
    let id = t.running(items(&[("a", &[])]), REVIEW, &["a"]).await;
    let held = t.claim(&id).await;
    let large = |digit: &str| digit.repeat(3 * 1024 * 1024);
    let contents = vec!["small".to_owned(), large("1"), large("2")];
    let mut left = Vec::new();
    for content in &contents {
        left.push(t.leave(&held, content).await.expect("it is kept"));
    }
    let report = FinishReport { artifacts: left, ..finished(FinishStatus::Succeeded) };
    t.engine.finish_run(&held, report).await.expect("it is finished");
    t.apply(&id, vec![item_to("a", WorkItemStatus::Review), e2e::engine::request_gate("a", "review")]).await;
    (id, contents)
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_read_what_is_held_and_what_is_not_alike() {
    on_both_engines(async |t| {
        let (id, contents) = large_work(&t).await;
        let expected = contents.clone();
        t.plugins.attend_with(move |call: &GateCall, artifacts| {
            let ids: Vec<ArtifactId> = call.artifacts.iter().map(|artifact| artifact.id.clone()).collect();
            for (id, expected) in ids.iter().zip(&expected) {
                let length = expected.len() as u64;
                let read = [
                    read_all(artifacts, id)? == expected.as_bytes(),
                    artifacts.read(id, length - 3, 64)? == expected.as_bytes()[expected.len() - 3..],
                    artifacts.read(id, length, 64)?.is_empty() && artifacts.read(id, u64::MAX, u32::MAX)?.is_empty(),
                    artifacts.read(id, 1, 0)?.is_empty(),
                ];
                if read != [true; 4] {
                    return Err(format!("{id} of {length} bytes reads otherwise: {read:?}"));
                }
            }
            match artifacts.read(&ArtifactId::new("art_other"), 0, 1) {
                Err(refused) if refused.contains("not among those under judgement") => Ok(()),
                other => Err(format!("what is not under judgement reads as {other:?}")),
            }
        });
        let asked = t.pending(&id).await.pop().expect("it is asked for");
        t.engine.evaluate(asked).await.expect("it is judged");
        assert_eq!(verdicts(&t, &id).await, [Outcome::Pass]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_small_is_read_before_the_call_and_what_cannot_be_read_puts_the_verdict_off() {
    on_both_engines(async |t| {
        let (id, _) = large_work(&t).await;
        let read: Arc<std::sync::Mutex<Vec<bool>>> = Arc::default();
        let noted = Arc::clone(&read);
        t.plugins.attend_with(move |call: &GateCall, artifacts| {
            let results: Vec<_> = call.artifacts.iter().map(|artifact| read_all(artifacts, &artifact.id)).collect();
            *noted.lock().expect("no panic") = results.iter().map(Result::is_ok).collect();
            results.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
        });
        let asked = t.pending(&id).await.pop().expect("it is asked for");
        let hearing = t.engine.prepare_hearing(asked.clone()).await.expect("read").expect("something to judge");
        t.database().forget_blobs().await;
        let heard = t.engine.hear(hearing).await.expect("it is called");
        assert_eq!(*read.lock().expect("no panic"), [true, true, false], "4 MiB are held, and no more");
        t.engine.give_verdict(heard).await.expect("it is put off");
        // And when nothing could be read before.
        let asked = t.pending(&id).await.pop().expect("it is asked for");
        assert_eq!(asked.host_faults, 1);
        t.engine.evaluate(asked).await.expect("it is put off");
        assert_eq!(*read.lock().expect("no panic"), [false; 3]);
        assert_eq!(t.pending(&id).await.pop().expect("it is asked for").host_faults, 2);
        assert_eq!(verdicts(&t, &id).await, []);
    })
    .await;
}

/// A mission of so many items that all wait for a verdict.
async fn many_requests(t: &TestEngine, count: usize) -> MissionId {
    t.plugins.decide_with(|_, board, call| Ok(flow::decide(board, call)));
    let list: Vec<Value> = (0..count).map(|n| json!({"id": format!("i{n}"), "title": "An item"})).collect();
    let request = json!({"work_items": list, "budgets": {"max_parallel_runs": count}});
    let id = t.draft(request, REVIEW).await;
    let (workspace, nothing) = (Engine::local_workspace(), serde_json::Map::new());
    let start = t.engine.post_event(&workspace, &id, InputKind::MissionStarted, nothing, "user.test");
    start.await.expect("the mission starts");
    while let Some(held) = t.claim_quietly("worker").await {
        t.catch_up(&id).await;
        t.succeed(&held, "x").await;
        t.catch_up(&id).await;
    }
    assert_eq!(t.pending(&id).await.len(), count);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_keeps_nobody_elses_verdict_back() {
    on_both_engines(async |t| {
        let id = many_requests(&t, 12).await;
        let asked = t.pending(&id).await;
        let damaged = asked[5].run_id.clone();
        t.database().run_aside(format!("UPDATE runs SET artifacts = 'broken' WHERE id = '{damaged}'")).await;
        let evaluate = asked.iter().map(|asked| t.engine.evaluate(asked.clone()));
        let done: Vec<bool> = futures_util::future::join_all(evaluate).await.iter().map(Result::is_ok).collect();
        let expected: Vec<bool> = asked.iter().map(|asked| asked.run_id != damaged).collect();
        assert_eq!(done, expected);
        assert_eq!(verdicts(&t, &id).await.len(), 11);
        assert_eq!(t.pending(&id).await, std::slice::from_ref(&asked[5]), "it waits for somebody to mend it");
    })
    .await;
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_waits_for_the_disk_keeps_no_slot_and_few_wait_so() {
    const COUNT: usize = 11;
    on_both_engines(async |t| {
        let id = many_requests(&t, COUNT).await;
        let (total, running, most) = (counted(&t), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (calls, now, highest) = (Arc::clone(&total), running, Arc::clone(&most));
        t.plugins.attend_with(move |_, _| {
            calls.fetch_add(1, Ordering::SeqCst);
            highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        });
        let held = t.database().hold_commits().await;
        let scheduler = Scheduler::start(&t.engine, 1);
        until("others are heard meanwhile", async || total.load(Ordering::SeqCst) >= 4).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(total.load(Ordering::SeqCst), 4, "so many are under way for one slot, and no more");
        assert_eq!(verdicts(&t, &id).await, [], "nothing is on disk");
        held.release().await;
        until("all are judged", async || verdicts(&t, &id).await.len() == COUNT).await;
        scheduler.stop().await;
        assert_eq!((total.load(Ordering::SeqCst), most.load(Ordering::SeqCst)), (COUNT, 1), "each once, one at a time");
    })
    .await;
}
