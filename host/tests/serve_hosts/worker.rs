//! A worker that knows of no host in particular: it claims at one, beats at another, and finishes
//! at a third.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{ANSWER_WAIT, Ask, Cluster, Told};

/// The shortest lease there is, in milliseconds.
pub(crate) const LEASE_MS: u64 = 5_000;
/// A change that the reviewer lets pass.
const DIFF: &str = "--- a/src/x.txt\n+++ b/src/x.txt\n@@ -1 +1 @@\n-old\n+new\n";
/// Tests that the tester lets pass.
const TAP: &str = "TAP version 13\n1..2\nok 1 - one\nok 2 - two\n";

/// A run and the fencing token of one claim of it.
pub(crate) type Hold = (String, u64);

/// What all workers did together.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Every hold that a worker was told of.
    pub(crate) claimed: Vec<Hold>,
    /// Every hold whose end a host accepted.
    pub(crate) finished: Vec<Hold>,
    /// Every hold that a host told its worker was lost.
    pub(crate) lost: Vec<Hold>,
}

pub(crate) type Shared = Arc<Mutex<Journal>>;

/// Works until told to end.
pub(crate) async fn work(cluster: Cluster, name: String, journal: Shared, ended: Arc<AtomicBool>) {
    let claim = json!({"worker": name, "wait_ms": 1_000, "lease_ms": LEASE_MS});
    while !ended.load(Ordering::Relaxed) {
        let ask = Ask::post("/runs/claim", &cluster.agent, claim.clone());
        match cluster.ask_one(cluster.below(cluster.len()), &ask, ANSWER_WAIT).await {
            Some(told) if told.status == 200 => {
                Held::new(&cluster, &name, &told.body["run"], &journal).carry_out().await;
            }
            Some(told) => assert!(told.status == 204 || told.body["retryable"] == true, "{told:?}"),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

struct Held<'a> {
    cluster: &'a Cluster,
    worker: &'a str,
    run: &'a Value,
    token: &'a str,
    hold: Hold,
    /// No worker was told of the run before.
    is_first: bool,
    journal: &'a Shared,
}

/// The hold is somebody else's now.
#[derive(Debug)]
struct Lost;

impl<'a> Held<'a> {
    fn new(cluster: &'a Cluster, worker: &'a str, run: &'a Value, journal: &'a Shared) -> Self {
        let id = run["id"].as_str().expect("an id").to_owned();
        let hold = (id, run["lease"]["fencing_token"].as_u64().expect("a number"));
        let mut noted = journal.lock().unwrap_or_else(PoisonError::into_inner);
        // Not by the fencing token: a claim whose answer got lost is given back, and costs one.
        let is_first = noted.claimed.iter().all(|(run, _)| *run != hold.0);
        noted.claimed.push(hold.clone());
        drop(noted);
        Self { cluster, worker, run, token: run["token"].as_str().expect("a token"), hold, is_first, journal }
    }

    async fn carry_out(self) {
        let outcome = self.attempt().await;
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let list = if outcome.is_ok() { &mut journal.finished } else { &mut journal.lost };
        list.push(self.hold.clone());
    }

    /// What the item's name says: `silent` ones lose their first worker, `fails` their first attempt.
    async fn attempt(&self) -> Result<(), Lost> {
        let item = self.run["work_item_id"].as_str().expect("a work item's run");
        if item.starts_with("silent") && self.is_first {
            // Longer than the lease, and nobody has asked for more.
            tokio::time::sleep(Duration::from_millis(LEASE_MS + 1_500)).await;
            assert!(self.beat().await.is_err(), "a lease that ran out is not renewed: {:?}", self.hold);
            assert!(self.leave("diff", "late.diff", DIFF).await.is_err(), "nor used: {:?}", self.hold);
            return self.finish("succeeded", &[]).await;
        }
        for _ in 0..=self.cluster.below(3) {
            tokio::time::sleep(Duration::from_millis(100 + 10 * self.cluster.below(30) as u64)).await;
            self.beat().await?;
        }
        if item.starts_with("fails") && self.run["attempt"] == 1 {
            return self.finish("failed", &[]).await;
        }
        let artifacts =
            [self.leave("diff", "change.diff", DIFF).await?, self.leave("test_report", "tests.tap", TAP).await?];
        self.finish("succeeded", &artifacts).await
    }

    async fn beat(&self) -> Result<(), Lost> {
        let beat = json!({"id": self.hold.0, "token": self.token, "progress": {"step": self.cluster.below(9)}});
        let body = json!({"worker": self.worker, "runs": [beat]});
        let told = self.cluster.ask(Ask::post("/runs/heartbeat", &self.cluster.agent, body)).await;
        let answer = &told.body["runs"][0];
        if told.status == 200 && answer["ok"] == true {
            return Ok(());
        }
        assert_eq!((told.status, &answer["code"]), (200, &json!("LEASE_LOST")), "{:#}", told.body);
        Err(Lost)
    }

    async fn leave(&self, kind: &str, name: &str, content: &str) -> Result<String, Lost> {
        let body = json!({"kind": kind, "name": name, "media_type": "text/plain", "content": content});
        let told = self.tell("artifacts", body).await?;
        assert_eq!(told.status, 201, "{:#}", told.body);
        Ok(told.body["artifact"]["id"].as_str().expect("an id").to_owned())
    }

    async fn finish(&self, status: &str, artifacts: &[String]) -> Result<(), Lost> {
        let body = json!({"status": status, "summary": self.worker, "artifacts": artifacts});
        let told = self.tell("finish", body).await?;
        assert_eq!((told.status, &told.body["run"]["status"]), (200, &json!(status)), "{:#}", told.body);
        Ok(())
    }

    /// Says something about the run with its own token.
    async fn tell(&self, what: &str, body: Value) -> Result<Told, Lost> {
        let ask = Ask::post(format!("/runs/{}/{what}", self.hold.0), self.token, body);
        let told = self.cluster.ask(ask).await;
        if told.status < 300 {
            return Ok(told);
        }
        assert_eq!((told.status, told.code()), (409, "LEASE_LOST"), "{what} of {:?}: {:#}", self.hold, told.body);
        Err(Lost)
    }
}
