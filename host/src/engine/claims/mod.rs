//! Claims: workers wait for runs, and each run goes to one of them.
//!
//! One task a workspace ([`dispatcher`]) serves every waiting worker of this host: it looks at what
//! is queued once for all of them, matches ([`queue`]) and has what it matched committed
//! ([`grant`]). It holds no truth: a claim is a guarded commit like any other, so hosts that share
//! a database never give out a run twice, and whatever is in memory here may be lost.

mod dispatcher;
mod grant;
mod queue;

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use sluice_api::run::RunInputs;

use super::{Engine, EngineError};
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::run::Run;
pub(super) use dispatcher::Dispatchers;
use grant::Delivery;

/// Most runs that one principal holds at once; a worker that finishes none gets no more. Counted
/// when runs are claimed: hosts that share a database may together go over it by what each of them
/// gives out in the same moment.
pub const HELD_RUNS_MAX: u64 = 1_000;

/// Longest time a claim waits, whatever it asks for.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// Who wants runs, and of which kind.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose runs.
    pub workspace_id: WorkspaceId,
    /// The worker, in its own words.
    pub worker: String,
    /// The principal it works for.
    pub principal: String,
    /// The agents it speaks for; runs assigned to another are not for it.
    pub agents: Vec<String>,
    /// What it can do; runs that need more are not for it. `None`: everything.
    pub skills: Option<Vec<String>>,
    /// Only runs of this mission, when given.
    pub mission_id: Option<MissionId>,
    /// How many at most.
    pub max: usize,
    /// Milliseconds until the lease ends unless renewed.
    pub lease_ms: u64,
    /// The session the runs belong to from now on; without, each is its own.
    pub session_id: Option<String>,
    /// Whether it gets a run token for each: a worker inside the host needs none.
    pub wants_token: bool,
}

/// A run somebody holds: what every further call names.
#[derive(Debug, Clone)]
pub struct HeldRun {
    /// The run as it was when it was claimed, or looked at by [`Engine::hold`].
    pub run: Run,
    /// The fencing token.
    pub fence: u64,
    /// What it builds on; told with the claim alone.
    pub inputs: RunInputs,
    /// The text of its run token, told with the claim alone and stored nowhere.
    pub token: Option<String>,
}

/// A claim that waits for its answer.
struct Waiter {
    claim: Claim,
    /// When it is answered at the latest.
    deadline: Instant,
    answer: oneshot::Sender<Result<Delivery, EngineError>>,
    /// Its place among the waiters of its dispatcher, given when it arrives.
    place: u64,
    /// How many looks had begun when it arrived: only a later one can tell that there is nothing.
    looks_before: u64,
    /// The first candidate it has not been compared with.
    next_candidate: u64,
}

impl Waiter {
    /// Whether its worker left before the answer.
    fn is_gone(&self) -> bool {
        self.answer.is_closed()
    }
}

impl Engine {
    /// Takes up to `max` runs: at once when there are any for this worker, else as soon as there
    /// are, else none after `wait` (at most 60 s). Missions take turns, the one with the fewest
    /// runs going first, then whoever has waited longest; workers are served in the order they
    /// came.
    ///
    /// # Errors
    /// Storage, when it fails while this claim is looked after.
    ///
    /// *Cancellation*: a dropped future claims nothing. What was claimed for it in that moment goes
    /// back to the queue, which counts as no interruption.
    ///
    /// *Limits*: a principal holds at most [`HELD_RUNS_MAX`] runs; with that many it waits.
    pub async fn claim(&self, claim: Claim, wait: Duration) -> Result<Vec<HeldRun>, EngineError> {
        if claim.max == 0 {
            return Ok(Vec::new());
        }
        let dispatcher = self.parts.dispatchers.of(self, &claim.workspace_id);
        let (answer, answered) = oneshot::channel();
        let deadline = Instant::now() + wait.min(WAIT_MAX);
        let waiter = Waiter { claim, deadline, answer, place: 0, looks_before: 0, next_candidate: 0 };
        let gone = || EngineError::HostFault("the dispatcher of claims ended".to_owned());
        dispatcher.send(waiter).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?.map(Delivery::accept)
    }
}
