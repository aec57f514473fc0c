//! What was decided lately, kept so that another policy can be tried on it.
//!
//! Written behind: nobody waits for it, and what a host that is killed had not written yet is not missed. The same
//! question is kept once a minute, so that neither a busy worker nor somebody who knocks again and again pushes
//! everything else out; and of what is allowed no more than twenty a second, so that keeping costs little.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_api::policy::PolicyQuestion;

use super::question::written;
use crate::domain::id::{self, ApprovalId, ArtifactId, LeaseId, MemoryId, MissionId, RunId, WorkspaceId};
use crate::domain::policy::RecordedDecision;
use crate::engine::{Engine, EngineError};
use crate::policy::{Ask, Asker, Effect, ThingKind, Verdict};
use crate::store::{CommitError, Unit, Write};
use crate::wire;

/// Decisions kept of one workspace.
pub const DECISIONS_KEPT: u32 = 10_000;
/// Questions beyond those kept after which the oldest are deleted.
const SLACK: u32 = 500;
/// How long the same question is not kept again.
const QUIET: Duration = Duration::from_mins(1);
/// Questions remembered for that; of more some are kept again sooner.
const REMEMBERED_MAX: usize = 20_000;
/// Denials that wait to be written; of more the newest are dropped.
const WAITING_MAX: usize = 4_096;
/// Decisions that wait when one more that allowed something is dropped: a busy host samples what it allows.
const WAITING_ALLOWED_MAX: usize = 10;
/// How long they wait, so that one unit holds many.
const WAIT: Duration = Duration::from_millis(500);

/// What was asked lately, and what of it is yet to be written.
#[derive(Default)]
pub(in crate::engine) struct Decisions(Mutex<Lately>);

#[derive(Default)]
struct Lately {
    /// When each question was kept last (monotonic), by its hash.
    asked: HashMap<u64, Duration>,
    waiting: Vec<RecordedDecision>,
    /// Whether somebody is on the way to write them.
    is_underway: bool,
    /// Decisions written of each workspace since its oldest were deleted last.
    written: HashMap<WorkspaceId, u32>,
}

impl Decisions {
    fn lock(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question as it is kept. What stands in an id's place and is none may be anything, a secret too: it is
/// left out.
fn kept(ask: &Ask<'_>) -> PolicyQuestion {
    let mut question = written(ask);
    let prefix = match ask.action.kind() {
        ThingKind::Mission => MissionId::PREFIX,
        ThingKind::Run => RunId::PREFIX,
        ThingKind::Artifact => ArtifactId::PREFIX,
        ThingKind::Approval => ApprovalId::PREFIX,
        ThingKind::Memory => MemoryId::PREFIX,
        ThingKind::Lease => LeaseId::PREFIX,
        // People choose these, and they are kept where they name something.
        _ => return question,
    };
    let resource = &mut question.resource;
    resource.id.take_if(|id| !id::is_made(prefix, id));
    resource.run_id.take_if(|id| !id::is_made(RunId::PREFIX, id));
    question
}

impl Engine {
    /// Keeps a decision, unless the same question was kept within a minute.
    pub fn record_decision(&self, ask: &Ask<'_>, verdict: &Verdict) {
        // Whoever owns this process may do everything, and a command that only looks writes nothing.
        if matches!(ask.asker, Asker::Role { credential: "owner", .. }) {
            return;
        }
        let now = self.parts.clock.monotonic();
        let key = hash_of(ask, verdict);
        {
            let mut lately = self.parts.decisions.lock();
            let most = if verdict.effect == Effect::Allowed { WAITING_ALLOWED_MAX } else { WAITING_MAX };
            let is_quiet = lately.asked.get(&key).is_some_and(|at| now.saturating_sub(*at) < QUIET);
            if is_quiet || lately.waiting.len() >= most {
                return;
            }
            if lately.asked.len() >= REMEMBERED_MAX {
                lately.asked.retain(|_, at| now.saturating_sub(*at) < QUIET);
                if lately.asked.len() >= REMEMBERED_MAX {
                    lately.asked.clear();
                }
            }
            lately.asked.insert(key, now);
        }
        let decision = RecordedDecision {
            workspace_id: ask.thing.workspace_id.clone(),
            id: self.new_id("pdc_"),
            at: self.now(),
            request: wire::json_of(&kept(ask)),
            effect: verdict.effect.as_str().to_owned(),
            policies: verdict.policies.clone(),
        };
        let mut lately = self.parts.decisions.lock();
        lately.waiting.push(decision);
        if !std::mem::replace(&mut lately.is_underway, true) {
            let engine = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(WAIT).await;
                if let Err(error) = engine.write_decisions().await {
                    tracing::warn!(%error, "decisions could not be kept; policies are tried on fewer");
                }
            });
        }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// Storage; what waited is dropped.
    pub async fn write_decisions(&self) -> Result<(), EngineError> {
        let waiting = {
            let mut lately = self.parts.decisions.lock();
            lately.is_underway = false;
            std::mem::take(&mut lately.waiting)
        };
        if waiting.is_empty() {
            return Ok(());
        }
        let mut of: HashMap<WorkspaceId, u32> = HashMap::new();
        for decision in &waiting {
            *of.entry(decision.workspace_id.clone()).or_default() += 1;
        }
        let writes = waiting.into_iter().map(|decision| Write::PolicyDecision(Box::new(decision))).collect();
        self.commit_decisions(writes).await?;
        for (workspace_id, count) in of {
            let is_due = {
                let mut lately = self.parts.decisions.lock();
                let first = !lately.written.contains_key(&workspace_id);
                let written = lately.written.entry(workspace_id.clone()).or_default();
                *written += count;
                let is_due = first || *written >= SLACK;
                if is_due {
                    *written = 0;
                }
                is_due
            };
            if is_due {
                self.forget_decisions(&workspace_id).await?;
            }
        }
        Ok(())
    }

    /// Deletes the oldest decisions of a workspace beyond those that are kept.
    async fn forget_decisions(&self, workspace_id: &WorkspaceId) -> Result<(), EngineError> {
        let kept = self.parts.store.policy_decision_ids(workspace_id, None, DECISIONS_KEPT).await?;
        let Some(oldest) = kept.last().filter(|_| kept.len() >= DECISIONS_KEPT as usize) else { return Ok(()) };
        loop {
            let beyond = self.parts.store.policy_decision_ids(workspace_id, Some(oldest), SLACK).await?;
            if beyond.is_empty() {
                return Ok(());
            }
            let delete = |id: String| Write::DeletePolicyDecision(workspace_id.clone(), id);
            self.commit_decisions(beyond.into_iter().map(delete).collect()).await?;
        }
    }

    async fn commit_decisions(&self, writes: Vec<Write>) -> Result<(), EngineError> {
        match self.parts.store.commit(Unit { writes, ..Unit::default() }).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

fn hash_of(ask: &Ask<'_>, verdict: &Verdict) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    let thing = ask.thing;
    (thing.workspace_id, ask.asker, ask.action, thing.id, thing.owner, thing.run_id).hash(&mut hasher);
    ask.effect.map(|effect| &effect.args_hash).hash(&mut hasher);
    verdict.effect.as_str().hash(&mut hasher);
    hasher.finish()
}
