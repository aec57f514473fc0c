//! What workspaces bind, and the registry's components.

use sluice_api::plugin::{PluginUse, PluginView, SignatureView};
use sluice_api::workspace::{
    self, BoundView, CanaryView, QuarantineView, QuarantinedView, RoleView, StageMode, StageView, WorkspaceRevisionView,
};

use super::mission::binding_view;
use crate::domain::mission::Bindings;
use crate::domain::plugin::{Binding, PluginFacts, PluginSignature, RegisteredPlugin};
use crate::domain::shadow::{Shadow, ShadowRole};
use crate::domain::workspace::{
    Canary, Quarantine, QuarantinedComponent, QuarantinedGates, Required, Stage, WorkspaceBindings, WorkspaceRevision,
};

/// What is bound, and what is tried beside it.
pub fn bound_view(bindings: &WorkspaceBindings) -> BoundView {
    let role = |binding: Option<&Binding>| binding.map(|binding| RoleView::from(binding_view(binding)));
    let view = BoundView {
        reducer: role(bindings.reducer.as_ref()),
        gates: bindings.stages.iter().map(|stage| (stage.name.to_string(), stage_view(stage))).collect(),
        scrubber: role(bindings.scrubber.as_ref()),
    };
    beside(view, bindings.canary.as_ref(), &bindings.shadows)
}

fn stage_view(stage: &Stage) -> StageView {
    let (mode, quorum) = match stage.required {
        Required::All => (StageMode::All, None),
        Required::Any => (StageMode::Any, None),
        Required::Quorum(needed) => (StageMode::Quorum, Some(needed)),
    };
    StageView { mode, quorum, gates: Some(stage.gates.iter().map(binding_view).collect()), shadow: None }
}

/// A view with what is tried beside what it shows.
fn beside(mut view: BoundView, canary: Option<&Canary>, shadows: &[Shadow]) -> BoundView {
    if let Some(Canary { binding, share_percent }) = canary {
        let canary = CanaryView { binding: binding_view(binding), share_percent: *share_percent };
        view.reducer.get_or_insert_default().canary = Some(canary);
    }
    for Shadow { role, binding } in shadows {
        let shadow = Some(binding_view(binding));
        match role {
            ShadowRole::Reducer => view.reducer.get_or_insert_default().shadow = shadow,
            ShadowRole::Scrubber => view.scrubber.get_or_insert_default().shadow = shadow,
            ShadowRole::Review | ShadowRole::Test => {
                view.gates.entry(role.to_string()).or_default().shadow = shadow;
            }
        }
    }
    view
}

/// What new missions get and texts are scrubbed by, with what is tried beside it now.
pub fn effective_view(
    bindings: &Bindings,
    scrubber: Option<&Binding>,
    canary: Option<&Canary>,
    shadows: &[Shadow],
) -> BoundView {
    let stage =
        |name| Stage { name, required: bindings.required(name), gates: bindings.gates_of(name).cloned().collect() };
    let view = BoundView {
        reducer: Some(binding_view(&bindings.reducer).into()),
        gates: bindings.gate_names().into_iter().map(|name| (name.to_string(), stage_view(&stage(name)))).collect(),
        scrubber: scrubber.map(|binding| binding_view(binding).into()),
    };
    beside(view, canary, shadows)
}

/// A revision of what a workspace binds.
pub fn workspace_revision_view(revision: &WorkspaceRevision) -> WorkspaceRevisionView {
    let is_written = revision.revision > 0;
    WorkspaceRevisionView {
        workspace_id: revision.workspace_id.to_string(),
        revision: revision.revision,
        bindings: bound_view(&revision.bindings),
        require_signatures: revision.require_signatures,
        trusted_keys: revision.trusted_keys.clone(),
        quarantine: quarantine_view(&revision.quarantine),
        note: revision.note.clone(),
        rolled_back_to: revision.rolled_back_to,
        changed_by: is_written.then(|| revision.changed_by.clone()),
        changed_at_ms: is_written.then(|| revision.changed_at.as_millis()),
    }
}

fn quarantine_view(quarantine: &Quarantine) -> QuarantineView {
    let component = |component: &QuarantinedComponent| QuarantinedView {
        role: component.role.clone(),
        plugin: component.plugin.clone(),
        digest: component.digest.to_string(),
        reason: component.reason.clone(),
        failures: component.failures,
        since_ms: component.since.as_millis(),
    };
    QuarantineView {
        after: quarantine.after,
        gates: match quarantine.gates {
            QuarantinedGates::Error => workspace::QuarantinedGates::Error,
            QuarantinedGates::NeedsHuman => workspace::QuarantinedGates::NeedsHuman,
        },
        components: quarantine.components.iter().map(component).collect(),
    }
}

/// What somebody wants gates in quarantine to decide.
pub fn quarantined_gates_from(asked: workspace::QuarantinedGates) -> QuarantinedGates {
    match asked {
        workspace::QuarantinedGates::Error => QuarantinedGates::Error,
        workspace::QuarantinedGates::NeedsHuman => QuarantinedGates::NeedsHuman,
    }
}

/// A component of the registry, or one that comes with the host.
pub fn plugin_view(facts: &PluginFacts, registered: Option<&RegisteredPlugin>) -> PluginView {
    let signature = |signature: &PluginSignature| SignatureView {
        key: signature.key.clone(),
        signature: signature.signature.clone(),
        added_by: signature.added_by.clone(),
        added_at_ms: signature.added_at.as_millis(),
    };
    PluginView {
        name: facts.name.clone(),
        version: facts.version.clone(),
        kind: facts.kind.to_string(),
        digest: facts.digest.to_string(),
        contract: facts.contract.clone(),
        description: facts.description.clone(),
        size: facts.size,
        built_in: registered.is_none(),
        signatures: registered.map(|plugin| plugin.signatures.iter().map(signature).collect()).unwrap_or_default(),
        installed_by: registered.map(|plugin| plugin.installed_by.clone()),
        installed_at_ms: registered.map(|plugin| plugin.installed_at.as_millis()),
    }
}

/// As what a workspace binds a component.
pub fn plugin_use(revision: &WorkspaceRevision, digest: &crate::domain::artifact::Digest) -> PluginUse {
    let mut roles: Vec<String> = Vec::new();
    for (role, _) in revision.bindings.all().filter(|(_, binding)| binding.digest == *digest) {
        if !roles.iter().any(|known| known == role) {
            roles.push(role.to_owned());
        }
    }
    PluginUse { workspace_id: revision.workspace_id.to_string(), revision: revision.revision, roles }
}
