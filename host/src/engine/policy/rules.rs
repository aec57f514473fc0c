//! Workspaces' policies as this host remembers them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::id::WorkspaceId;
use crate::domain::policy::PolicyRevision;
use crate::engine::{Engine, EngineError};
use crate::policy::Rules;

/// How long a workspace's policy is taken as it is remembered. A change is felt at once on the host that makes
/// it, and on the others as soon as they read of it in the log; this is for a host that reads no log.
const CHECK_EVERY: Duration = Duration::from_millis(500);
/// Workspaces whose policies are remembered; a host that serves more reads some again.
const REMEMBERED_MAX: usize = 1_000;

/// Policies of workspaces that were asked about lately.
#[derive(Default)]
pub(in crate::engine) struct Policies(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    /// Each with when it was last found to be the newest (monotonic).
    rules: HashMap<WorkspaceId, (Arc<Rules>, Duration)>,
    /// Times some policy was found to have changed: what was read before is not remembered.
    changes: u64,
}

impl Policies {
    /// What is remembered, and whether it need not be compared yet; and the changes so far.
    fn get(&self, workspace_id: &WorkspaceId, now: Duration) -> (Option<(Arc<Rules>, bool)>, u64) {
        let remembered = self.lock();
        let found = remembered.rules.get(workspace_id);
        let found = found.map(|(rules, at)| (Arc::clone(rules), now.saturating_sub(*at) < CHECK_EVERY));
        (found, remembered.changes)
    }

    fn put(&self, workspace_id: &WorkspaceId, rules: Arc<Rules>, at: Duration, changes: u64) {
        let mut remembered = self.lock();
        // A newer revision may have been put, or told of, since these were read.
        if remembered.changes != changes {
            return;
        }
        if remembered.rules.len() >= REMEMBERED_MAX {
            remembered.rules.clear();
        }
        remembered.rules.insert(workspace_id.clone(), (rules, at));
    }

    pub(super) fn forget(&self, workspace_id: &WorkspaceId) {
        let mut remembered = self.lock();
        remembered.changes += 1;
        remembered.rules.remove(workspace_id);
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The policies that hold in a workspace now.
    ///
    /// # Errors
    /// Storage: what cannot be read is not guessed.
    pub async fn rules_of(&self, workspace_id: &WorkspaceId) -> Result<Arc<Rules>, EngineError> {
        let now = self.parts.clock.monotonic();
        let (found, changes) = self.parts.policies.get(workspace_id, now);
        if let Some((rules, true)) = &found {
            return Ok(Arc::clone(rules));
        }
        let newest = self.parts.store.policy_newest(workspace_id).await?.unwrap_or(0);
        let rules = match found {
            Some((rules, _)) if rules.revision() == newest => rules,
            _ => Arc::new(self.read_rules(workspace_id, newest).await?),
        };
        self.parts.policies.put(workspace_id, Arc::clone(&rules), now, changes);
        Ok(rules)
    }

    async fn read_rules(&self, workspace_id: &WorkspaceId, newest: u64) -> Result<Rules, EngineError> {
        if newest == 0 {
            return Ok(Rules::standard());
        }
        let revision = self.parts.store.policy(workspace_id).await?;
        let Some(revision) = revision else { return Ok(Rules::standard()) };
        // A thousand policies take a while; other requests go on meanwhile.
        let compiled = tokio::task::spawn_blocking(move || compiled(&revision)).await;
        compiled.map_err(|error| EngineError::HostFault(error.to_string()))
    }

    /// A workspace has another policy than this host remembers; the log tells of it.
    pub fn forget_rules(&self, workspace_id: &WorkspaceId) {
        self.parts.policies.forget(workspace_id);
    }
}

/// What a stored revision says. One that was written by another version and cannot be read any more closes the
/// workspace for everybody but whoever changes its policy.
fn compiled(revision: &PolicyRevision) -> Rules {
    let PolicyRevision { revision: number, mode, preset, source, workspace_id, .. } = revision;
    Rules::of(*number, *preset, *mode, source).unwrap_or_else(|problems| {
        tracing::error!(%workspace_id, revision = number, %problems, "a workspace's policy cannot be read any more");
        Rules::closed(*number)
    })
}
