//! What a check holds for as long as it goes on: the workspace's one place, and a component that nobody registered.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::artifact::Digest;
use crate::domain::id::WorkspaceId;
use crate::engine::ports::{PluginRefusal, Plugins};

/// The workspaces that have a check going on, on this host.
#[derive(Default)]
pub(in crate::engine) struct Checks(Mutex<HashSet<WorkspaceId>>);

/// A place among the checks. Whoever calls the component keeps it too, so that a call that goes on after its check
/// ended still has its component, and no second check begins beside it.
pub(super) struct Held {
    checks: Arc<Checks>,
    plugins: Arc<dyn Plugins>,
    workspace_id: WorkspaceId,
    component: Option<HeldComponent>,
}

/// A component that is only tried; it is let go when this is dropped.
pub(in crate::engine) struct HeldComponent {
    plugins: Arc<dyn Plugins>,
    digest: Digest,
}

impl HeldComponent {
    /// Has `plugins` hold the component of `digest`. Blocks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::engine) fn hold(
        plugins: Arc<dyn Plugins>,
        digest: Digest,
        bytes: Vec<u8>,
    ) -> Result<Self, PluginRefusal> {
        plugins.hold(bytes)?;
        Ok(Self { plugins, digest })
    }
}

impl Drop for HeldComponent {
    fn drop(&mut self) {
        self.plugins.let_go(&self.digest);
    }
}

impl Held {
    /// Takes the workspace's place; `None` when it is taken.
    pub(super) fn enter(checks: &Arc<Checks>, plugins: &Arc<dyn Plugins>, workspace_id: &WorkspaceId) -> Option<Self> {
        let is_free = checks.0.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace_id.clone());
        is_free.then(|| Self {
            checks: Arc::clone(checks),
            plugins: Arc::clone(plugins),
            workspace_id: workspace_id.clone(),
            component: None,
        })
    }

    /// Keeps a component for as long as the check goes on.
    pub(super) fn keep(&mut self, component: HeldComponent) {
        self.component = Some(component);
    }

    /// The plugin host.
    pub(super) fn plugins(&self) -> &dyn Plugins {
        &*self.plugins
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.component.take());
        self.checks.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.workspace_id);
    }
}
