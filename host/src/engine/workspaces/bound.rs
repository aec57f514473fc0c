//! What decides in a workspace now, as this host remembers it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::mission::Bindings;
use crate::domain::plugin::Binding;
use crate::domain::shadow::{Shadow, ShadowRecord, ShadowRole};
use crate::domain::workspace::{Canary, Required, WorkspaceRevision};
use crate::engine::shadow::Trial;
use crate::engine::{Engine, EngineError};
use crate::store::Guard;

/// Workspaces that are remembered; a host that serves more reads some again.
const REMEMBERED_MAX: usize = 1_000;

/// What decides in a workspace: what is bound, and where nothing is, what comes with the host.
#[derive(Debug)]
pub struct Bound {
    /// What is bound.
    pub revision: WorkspaceRevision,
    /// What new missions are pinned to, but for the canary's share.
    pub bindings: Bindings,
    /// The reducer that a share of new missions is pinned to, unless it is in quarantine.
    pub canary: Option<Canary>,
    /// What texts are scrubbed by; without one nothing is remembered.
    pub scrubber: Option<Binding>,
    /// What decides in shadow; a component that is not signed as it has to be does not.
    pub shadows: Vec<Shadow>,
    /// The same, under the terms of now.
    trials: Vec<Arc<Trial>>,
    /// Role and name of a component that no trusted key signed where that is required.
    unsigned: Option<(&'static str, String)>,
}

impl Bound {
    /// It is still in force.
    pub fn guard(&self) -> Guard {
        Guard::no_workspace(&self.revision.workspace_id, self.revision.revision + 1)
    }

    /// What a mission of this id is pinned to, with or without gates.
    pub fn pins(&self, id: &MissionId, has_gates: bool) -> Bindings {
        let mut bindings = self.bindings.clone();
        if let Some(canary) = self.canary.as_ref().filter(|canary| canary.takes(id)) {
            bindings.reducer = canary.binding.clone();
        }
        if !has_gates {
            bindings.gates.clear();
            bindings.required.clear();
        }
        bindings
    }

    /// What decides in shadow in a role.
    pub(in crate::engine) fn trial(&self, role: ShadowRole) -> Option<&Arc<Trial>> {
        self.trials.iter().find(|trial| trial.role() == role)
    }

    /// Everything that decides in shadow.
    pub(in crate::engine) fn trials(&self) -> &[Arc<Trial>] {
        &self.trials
    }

    /// Whether a component that was counted still decides in shadow, under the same terms.
    pub fn tries(&self, record: &ShadowRecord) -> bool {
        self.trials.iter().any(|trial| {
            trial.role() == record.role && trial.binding().digest == record.digest && trial.terms == record.terms
        })
    }

    /// Refuses to go on with a component that is not signed as the workspace wants it.
    ///
    /// # Errors
    /// [`EngineError::PluginUnsigned`].
    pub(in crate::engine) fn check_signed(&self) -> Result<(), EngineError> {
        match &self.unsigned {
            None => Ok(()),
            Some((role, plugin)) => {
                Err(EngineError::PluginUnsigned { field: format!("bindings.{role}"), plugin: plugin.clone() })
            }
        }
    }
}

/// Workspaces that were asked about lately. What is remembered is good as long as its revision is the newest.
#[derive(Default)]
pub(in crate::engine) struct BoundSets(Mutex<HashMap<WorkspaceId, Remembered>>);

/// A revision of a workspace, once whoever asked for it first has read it.
#[derive(Clone, Default)]
struct Remembered {
    revision: u64,
    bound: Arc<OnceCell<Arc<Bound>>>,
}

impl BoundSets {
    /// Where a revision is remembered, or a later one that somebody saw meanwhile: many ask at once after a change, and
    /// it is read once.
    fn at(&self, workspace_id: &WorkspaceId, revision: u64) -> Remembered {
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remembered) = sets.get(workspace_id).filter(|remembered| remembered.revision >= revision) {
            return remembered.clone();
        }
        if sets.len() >= REMEMBERED_MAX {
            sets.clear();
        }
        let remembered = Remembered { revision, bound: Arc::default() };
        sets.insert(workspace_id.clone(), remembered.clone());
        remembered
    }

    /// What was read last, which may no longer be in force.
    fn last(&self, workspace_id: &WorkspaceId) -> Option<Arc<Bound>> {
        let sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sets.get(workspace_id).and_then(|remembered| remembered.bound.get().cloned())
    }
}

impl Engine {
    /// What decides in a workspace at this moment.
    ///
    /// # Errors
    /// [`EngineError::HostFault`] when this host lacks a component that it comes with; storage.
    pub async fn bound(&self, workspace_id: &WorkspaceId) -> Result<Arc<Bound>, EngineError> {
        let newest = self.parts.store.workspace_newest(workspace_id).await?;
        self.bound_at(workspace_id, newest).await
    }

    /// What decides in a workspace whose newest revision is `newest`, or was a moment ago.
    ///
    /// # Errors
    /// As [`Self::bound`].
    pub(in crate::engine) async fn bound_at(
        &self,
        workspace_id: &WorkspaceId,
        newest: u64,
    ) -> Result<Arc<Bound>, EngineError> {
        let Remembered { revision, bound } = self.parts.bound.at(workspace_id, newest);
        let read = || async { self.read_bound(workspace_id, revision).await.map(Arc::new) };
        bound.get_or_try_init(read).await.cloned()
    }

    /// What decided in a workspace when this host last looked; it looks now if it never did. For whoever guards what
    /// comes of it by [`Bound::guard`], and asks [`Self::bound`] when that does not hold.
    ///
    /// # Errors
    /// As [`Self::bound`].
    pub(super) async fn last_bound(&self, workspace_id: &WorkspaceId) -> Result<Arc<Bound>, EngineError> {
        match self.parts.bound.last(workspace_id) {
            Some(bound) => Ok(bound),
            None => self.bound(workspace_id).await,
        }
    }

    /// Remembers what was just written, so that whoever makes a mission next has not to find out that it is in force.
    pub(super) async fn remember_bound(&self, written: &WorkspaceRevision) {
        let Remembered { revision, bound } = self.parts.bound.at(&written.workspace_id, written.revision);
        if revision != written.revision {
            return;
        }
        let read = || async { self.bound_of(written.clone()).await.map(Arc::new) };
        if let Err(error) = bound.get_or_try_init(read).await {
            tracing::debug!(%error, "what was bound is read when it is asked for");
        }
    }

    async fn read_bound(&self, workspace_id: &WorkspaceId, newest: u64) -> Result<Bound, EngineError> {
        let revision = match newest {
            0 => None,
            newest => self.parts.store.workspace_revision(workspace_id, newest).await?,
        };
        self.bound_of(revision.unwrap_or_else(|| WorkspaceRevision::none(workspace_id.clone()))).await
    }

    async fn bound_of(&self, revision: WorkspaceRevision) -> Result<Bound, EngineError> {
        let standard = self.parts.plugins.standard_bindings().map_err(EngineError::HostFault)?;
        let bindings = laid_over(&standard, &revision);
        self.keep_components(&bindings).await?;
        let is_free = |canary: &&Canary| revision.quarantine.of_role(&canary.binding.digest, true).is_none();
        let canary = revision.bindings.canary.as_ref().filter(is_free).cloned();
        if let Some(canary) = &canary {
            self.keep_component(&canary.binding.digest).await?;
        }
        let scrubber = revision.bindings.scrubber.clone().or_else(|| self.parts.options.memory.scrubber.clone());
        let mut unsigned = None;
        let mut shadows = revision.bindings.shadows.clone();
        if revision.require_signatures {
            for (role, binding) in revision.bindings.deciding() {
                if !self.is_trusted(&binding.digest, &revision.trusted_keys).await? {
                    unsigned.get_or_insert((role, binding.label()));
                }
            }
            shadows.clear();
            for shadow in &revision.bindings.shadows {
                if self.is_trusted(&shadow.binding.digest, &revision.trusted_keys).await? {
                    shadows.push(shadow.clone());
                }
            }
        }
        let trial = |shadow: &Shadow| {
            let (deciding, required) = beside(shadow.role, &bindings, scrubber.as_ref());
            Arc::new(Trial::new(&revision.workspace_id, revision.revision, shadow, &deciding, required))
        };
        let trials = shadows.iter().map(trial).collect();
        Ok(Bound { revision, bindings, canary, scrubber, shadows, trials, unsigned })
    }
}

/// What decides in a role, and how much of it has to pass.
fn beside<'b>(role: ShadowRole, bindings: &'b Bindings, scrubber: Option<&'b Binding>) -> (Vec<&'b Binding>, Required) {
    match (role, role.stage()) {
        (_, Some(name)) => (bindings.gates_of(name).collect(), bindings.required(name)),
        (ShadowRole::Scrubber, None) => (scrubber.into_iter().collect(), Required::All),
        (_, None) => (vec![&bindings.reducer], Required::All),
    }
}

/// What comes with the host, with what is bound in its place. A reducer in quarantine makes no mission; a gate in
/// quarantine stays, since it is closed and does not let work pass.
fn laid_over(standard: &Bindings, revision: &WorkspaceRevision) -> Bindings {
    let bound = &revision.bindings;
    let reducer =
        bound.reducer.as_ref().filter(|reducer| revision.quarantine.of_role(&reducer.digest, false).is_none());
    let mut bindings =
        Bindings { reducer: reducer.unwrap_or(&standard.reducer).clone(), gates: Vec::new(), required: Vec::new() };
    let mut names = standard.gate_names();
    names.extend(bound.stages.iter().map(|stage| stage.name));
    for name in names {
        if bindings.gate(name).is_some() {
            continue;
        }
        match bound.stages.iter().find(|stage| stage.name == name) {
            None => bindings.gates.extend(standard.gates_of(name).map(|gate| (name, gate.clone()))),
            Some(stage) => {
                bindings.gates.extend(stage.gates.iter().map(|gate| (name, gate.clone())));
                if stage.required != Required::All && !stage.gates.is_empty() {
                    bindings.required.push((name, stage.required));
                }
            }
        }
    }
    bindings
}
