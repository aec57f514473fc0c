//! Commits what was matched for one waiter, and hands it over.
//!
//! Whatever was claimed for a worker that left before the answer comes back by itself: the answer
//! is a [`Delivery`], and one that nobody accepts gives its runs back when it is dropped.

use futures_util::future::join_all;
use tokio::sync::mpsc::UnboundedSender;

use sluice_api::run::RunInputs;

use super::{Claim, HeldRun, Waiter};
use crate::domain::artifact::Digest;
use crate::domain::event::InputKind;
use crate::domain::id::RunId;
use crate::domain::run::{Lease, Run, RunStatus};
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError, secret};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

/// What a dispatcher is told by those it has sent out. Bounded by the runs being given out.
pub(super) enum Report {
    /// These are claimed, or somebody else has them.
    Ended(Vec<RunId>),
    /// Others took all that was matched for this waiter.
    Again(Box<Waiter>),
    /// Nobody was there to take these any more.
    GivenBack(Vec<HeldRun>),
}

/// Claimed runs on their way to whoever claimed them.
pub(super) struct Delivery {
    held: Vec<HeldRun>,
    reports: Option<UnboundedSender<Report>>,
}

impl Delivery {
    /// An answer without any runs.
    pub(super) fn empty() -> Self {
        Self { held: Vec::new(), reports: None }
    }

    /// Hands the runs over.
    pub(super) fn accept(mut self) -> Vec<HeldRun> {
        std::mem::take(&mut self.held)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let held = std::mem::take(&mut self.held);
        if let Some(reports) = self.reports.take().filter(|_| !held.is_empty()) {
            // A dispatcher that ended with its engine gives nothing back; then the leases run out.
            let _ = reports.send(Report::GivenBack(held));
        }
    }
}

/// Claims `runs` for `waiter` and answers it, or sends it back to wait on.
pub(super) async fn grant(engine: Engine, waiter: Waiter, runs: Vec<Run>, reports: UnboundedSender<Report>) {
    let ids = runs.iter().map(|run| run.id.clone()).collect();
    let claimed = join_all(runs.into_iter().map(|run| engine.claim_run(run, &waiter.claim))).await;
    let (mut held, mut failure) = (Vec::new(), None);
    for claimed in claimed {
        match claimed {
            Ok(Some(run)) => held.push(run),
            Ok(None) => {}
            Err(error) => failure = Some(error),
        }
    }
    // Before the answer: whoever has it and claims again is counted right.
    let _ = reports.send(Report::Ended(ids));
    // Whoever stopped waiting does not want the answer, and drops what it holds.
    match failure {
        Some(error) if held.is_empty() => drop(waiter.answer.send(Err(error))),
        _ if held.is_empty() => drop(reports.send(Report::Again(Box::new(waiter)))),
        _ => drop(waiter.answer.send(Ok(Delivery { held, reports: Some(reports) }))),
    }
}

impl Engine {
    /// Claims one run and gathers what it builds on; `None` when somebody else has changed it.
    pub(in crate::engine) async fn claim_run(&self, run: Run, claim: &Claim) -> Result<Option<HeldRun>, EngineError> {
        let fence = run.fence + 1;
        let (token, digest) = if claim.wants_token {
            let (text, digest) = secret::mint(secret::Kind::Run, &format!("{}.{fence}", run.id));
            (Some(text), Some(digest))
        } else {
            (None, None)
        };
        let (unit, run) = self.claim_unit(run, claim, digest);
        match self.parts.store.commit(unit).await {
            Ok(_) => {}
            Err(CommitError::Conflict { .. }) => return Ok(None),
            Err(CommitError::Storage(error)) => return Err(error.into()),
        }
        let held = HeldRun { inputs: RunInputs::default(), fence, token, run };
        match self.inputs_of(&held.run).await {
            Ok(inputs) => Ok(Some(HeldRun { inputs, ..held })),
            Err(error) => {
                // Its worker would work without them.
                self.give_back(&held).await?;
                Err(error)
            }
        }
    }

    fn claim_unit(&self, mut run: Run, claim: &Claim, token_digest: Option<Digest>) -> (Unit, Run) {
        let now = self.now();
        let guard = Guard::run(&run.id, Some(run.revision));
        run.revision += 1;
        run.fence += 1;
        run.status = RunStatus::Running;
        run.started_at = run.started_at.or(Some(now));
        run.worked_by = Some(claim.principal.clone());
        let left = std::mem::replace(&mut run.session_id, claim.session_id.clone());
        let left = left.filter(|left| left != run.session());
        run.token_digest = token_digest;
        run.lease = Some(Lease {
            worker: claim.worker.clone(),
            principal: claim.principal.clone(),
            host_id: self.parts.host_id.clone(),
            fence: run.fence,
            lease_ms: claim.lease_ms,
            expires_at: now.plus_millis(claim.lease_ms),
        });
        let mut log = LogWriter::of_mission(self, &run.workspace_id, &run.mission_id, &claim.principal, now);
        log.run_claimed(&run, &claim.worker, left.as_deref());
        let data = wire::json_of(&serde_json::json!({"worker": claim.worker, "attempt": run.attempt}));
        let input = self.run_input(&run, InputKind::RunClaimed, data, &claim.principal);
        let unit = Unit {
            guards: vec![guard],
            writes: vec![Write::Input(input), Write::Run(run.clone())],
            events: log.into_events(),
            ..Unit::default()
        };
        (unit, run)
    }
}
