//! Stop after every commit, start again, come to the same end: a host that crashes loses nothing
//! it has written and does nothing twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::engine::{TestEngine, finished, items, on_both_engines};
use e2e::flow;
use serde_json::{Value, json};
use sluice::domain::event::InputKind;
use sluice::domain::gate::{GateName, Outcome};
use sluice::domain::id::{ArtifactId, MissionId};
use sluice::domain::plugin::PluginFailure;
use sluice::engine::{Engine, FinishStatus, HeldRun};

/// A worker that outlives the host, as one on another machine does.
enum Worker {
    Free,
    Holds(Box<HeldRun>),
    Left(Box<HeldRun>, ArtifactId),
}

/// One mission, taken forward one commit at a time.
struct Walk {
    t: TestEngine,
    id: MissionId,
    worker: Worker,
    /// Calls of the reducer that are left before the host stops being able to.
    calls: Arc<AtomicUsize>,
}

impl Walk {
    async fn begin(t: TestEngine) -> Self {
        let calls = Arc::new(AtomicUsize::new(usize::MAX));
        let left = Arc::clone(&calls);
        t.plugins.decide_with(move |_, board, call| {
            let spent = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            match spent {
                Ok(_) => Ok(flow::decide(board, call)),
                Err(_) => Err(PluginFailure::Host { message: "the host is going down".to_owned() }),
            }
        });
        // What is reviewed first is sent back once.
        t.plugins.judge_next(Ok((Outcome::Fail, Vec::new())));
        let request = items(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]);
        let id = t.draft(request, &[GateName::Review]).await;
        let (workspace, nothing) = (Engine::local_workspace(), serde_json::Map::new());
        let start = t.engine.post_event(&workspace, &id, InputKind::MissionStarted, nothing, "user.test");
        start.await.expect("the mission starts");
        Self { t, id, worker: Worker::Free, calls }
    }

    /// The next commit, whosever turn it is; false when there is nothing left to do.
    async fn step(&mut self) -> bool {
        let waiting = self.t.engine.store().inbox_of(&self.id, 1).await.expect("the inbox can be read");
        if !waiting.is_empty() {
            self.calls.store(1, Ordering::SeqCst);
            // The second of several fails, which leaves it for the next step.
            let _ = self.t.engine.catch_up(&self.id).await;
            return true;
        }
        if let Some(asked) = self.t.pending(&self.id).await.into_iter().next() {
            self.t.engine.evaluate(asked).await.expect("it is judged");
            return true;
        }
        match std::mem::replace(&mut self.worker, Worker::Free) {
            Worker::Free => match self.t.claim_quietly("remote").await {
                Some(held) => self.worker = Worker::Holds(Box::new(held)),
                None => return false,
            },
            Worker::Holds(held) => {
                let item = held.run.work_item_id.as_ref().map(ToString::to_string).unwrap_or_default();
                let left = self.t.leave(&held, &format!("{item} {}", held.run.attempt)).await.expect("it is kept");
                self.worker = Worker::Left(held, left);
            }
            Worker::Left(held, left) => {
                let mut report = finished(FinishStatus::Succeeded);
                report.artifacts = vec![left];
                self.t.engine.finish_run(&held, report).await.expect("it is finished");
            }
        }
        true
    }

    /// All of it that does not depend on ids and times.
    async fn end(&self) -> Value {
        let items: Vec<Value> = self
            .t
            .items(&self.id)
            .await
            .iter()
            .map(|item| {
                let artifacts: Vec<&str> = item.artifacts.iter().map(|artifact| artifact.digest.as_str()).collect();
                let gates: Vec<&str> = item.gates.iter().map(|(_, state)| state.status.as_str()).collect();
                json!([item.spec.id.as_str(), item.status.as_str(), item.attempts, artifacts, gates])
            })
            .collect();
        let history: Vec<Value> = self
            .t
            .history(&self.id)
            .await
            .iter()
            .map(|entry| json!([entry.seq, entry.kind.as_str(), entry.disposition.as_str(), entry.commands.as_str()]))
            .collect();
        let events: Vec<Value> =
            self.t.events(&self.id).await.iter().map(|event| json!(event.event.event_type)).collect();
        let mission = self.t.mission(&self.id).await;
        json!({"status": mission.status.as_str(), "steps": mission.usage.steps, "items": items, "history": history, "events": events})
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_after_every_commit_it_comes_to_the_same_end() {
    on_both_engines(async |t| {
        let mut walk = Walk::begin(t).await;
        while walk.step().await {}
        let expected = walk.end().await;
        assert_eq!(expected["status"], "succeeded", "{expected:#}");
        assert_eq!(expected["steps"], 5, "four items, one of them twice");

        let fresh = e2e::databases::TestDatabase::each().await;
        let is_postgres = walk.t.is_postgres();
        let database =
            fresh.into_iter().find(|database| database.is_postgres() == is_postgres).expect("one of its kind");
        let mut walk = Walk::begin(TestEngine::start(database).await).await;
        let mut stops = 0;
        loop {
            let went_on = walk.step().await;
            walk.t = walk.t.restart().await;
            if !went_on {
                break;
            }
            stops += 1;
        }
        assert!(stops > 30, "{stops} commits");
        assert_eq!(walk.end().await, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ended_before_the_crash_is_told_after_it() {
    on_both_engines(async |t| {
        let id = t.running(items(&[("a", &[])]), &[], &["a"]).await;
        let held = t.claim(&id).await;
        t.succeed(&held, "x").await;
        assert_eq!(t.item(&id, "a").await.attempts, 0, "the mission does not know yet");
        let t = t.restart().await;
        let again = t.engine.finish_run(&held, finished(FinishStatus::Succeeded)).await;
        again.expect("a worker that saw no answer may say it again");
        assert_eq!(t.catch_up(&id).await, 1);
        assert_eq!(t.item(&id, "a").await.attempts, 1);
        assert_eq!(t.item(&id, "a").await.artifacts.len(), 1, "what it left is there");
    })
    .await;
}
