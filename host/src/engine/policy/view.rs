//! A workspace's policy between the wire and the domain.

use std::collections::BTreeMap;

use sluice_api::policy::{PolicyLink, PolicyMode, PolicyPreset, PolicyPut, PolicyView};

use super::change::PolicyChange;
use crate::domain::id::WorkspaceId;
use crate::domain::policy::{Link, Mode, PolicyRevision, PolicySource, Preset};
use crate::domain::time::Timestamp;
use crate::wire::FieldError;

/// What a single text is named.
const ONLY_TEXT: &str = "policy";

impl<'c> PolicyChange<'c> {
    /// What a request wants the policy to be.
    ///
    /// # Errors
    /// [`FieldError`] when it holds both one text and many.
    pub fn read(
        workspace_id: &'c WorkspaceId,
        put: PolicyPut,
        if_revision: Option<u64>,
        actor: &'c str,
    ) -> Result<Self, FieldError> {
        let (preset, mode, note) = (put.preset.map(preset_of), put.mode.map(mode_of), put.note.clone());
        Ok(Self { workspace_id, source: source_of(put)?, preset, mode, note, if_revision, actor })
    }
}

/// The policies of a request.
///
/// # Errors
/// [`FieldError`] when it holds both one text and many.
pub fn source_of(put: PolicyPut) -> Result<PolicySource, FieldError> {
    let policies = match (put.text, put.policies) {
        (Some(_), Some(_)) => return Err(FieldError::new("text", "stands beside `policies`; leave one out")),
        (Some(text), None) => BTreeMap::from([(ONLY_TEXT.to_owned(), text)]),
        (None, policies) => policies.unwrap_or_default(),
    };
    if policies.values().any(|text| text.contains('\0')) {
        return Err(FieldError::new("policies", "hold the character U+0000, which cannot be stored; leave it out"));
    }
    let link = |PolicyLink { id, template, principal, resource }| Link { id, template, principal, resource };
    Ok(PolicySource { policies, links: put.links.into_iter().map(link).collect() })
}

/// The preset that a request names.
pub fn preset_of(preset: PolicyPreset) -> Preset {
    match preset {
        PolicyPreset::ObserveOnly => Preset::ObserveOnly,
        PolicyPreset::ReadOnly => Preset::ReadOnly,
        PolicyPreset::ReviewedEgress => Preset::ReviewedEgress,
        PolicyPreset::Open => Preset::Open,
    }
}

/// The mode that a request names.
fn mode_of(mode: PolicyMode) -> Mode {
    match mode {
        PolicyMode::Enforce => Mode::Enforce,
        PolicyMode::Observe => Mode::Observe,
    }
}

/// A workspace's policy, which may never have had one.
pub fn policy_view(workspace_id: &WorkspaceId, revision: Option<&PolicyRevision>) -> PolicyView {
    let link = |link: &Link| PolicyLink {
        id: link.id.clone(),
        template: link.template.clone(),
        principal: link.principal.clone(),
        resource: link.resource.clone(),
    };
    let preset = |preset: Preset| match preset {
        Preset::ObserveOnly => PolicyPreset::ObserveOnly,
        Preset::ReadOnly => PolicyPreset::ReadOnly,
        Preset::ReviewedEgress => PolicyPreset::ReviewedEgress,
        Preset::Open => PolicyPreset::Open,
    };
    PolicyView {
        workspace_id: workspace_id.to_string(),
        revision: revision.map_or(0, |revision| revision.revision),
        mode: match revision.map_or(Mode::Enforce, |revision| revision.mode) {
            Mode::Enforce => PolicyMode::Enforce,
            Mode::Observe => PolicyMode::Observe,
        },
        preset: revision.and_then(|revision| revision.preset).map(preset),
        policies: revision.map(|revision| revision.source.policies.clone()).unwrap_or_default(),
        links: revision.map(|revision| revision.source.links.iter().map(link).collect()).unwrap_or_default(),
        note: revision.and_then(|revision| revision.note.clone()),
        rolled_back_to: revision.and_then(|revision| revision.rolled_back_to),
        changed_by: revision.map(|revision| revision.changed_by.clone()),
        changed_at_ms: revision.map(|revision| Timestamp::as_millis(revision.changed_at)),
    }
}
