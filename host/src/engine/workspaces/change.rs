//! Writes revisions of what workspaces bind.

use serde_json::{Value, json};

use sluice_api::workspace::WorkspacePut;

use super::resolve::{Place, Resolved, Trust};
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::event_type::EventType;
use crate::domain::id::WorkspaceId;
use crate::domain::workspace::{
    CANARY, QUARANTINE_AFTER_MAX, Quarantine, TRUSTED_KEYS_MAX, WorkspaceBindings, WorkspaceRevision,
};
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError};
use crate::signing;
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire::{self, FieldError};

/// Times a change is tried that others keep coming before.
const ATTEMPTS_MAX: usize = 16;
/// Longest note, in characters.
const NOTE_MAX_CHARS: usize = 500;

/// What a workspace is to bind.
#[derive(Debug, Clone, Copy)]
pub struct WorkspaceChange<'c> {
    /// Whose.
    pub workspace_id: &'c WorkspaceId,
    /// What is asked for.
    pub put: &'c WorkspacePut,
    /// Only at this revision; 0: only if nothing was ever bound.
    pub if_revision: Option<u64>,
    /// Who changes it.
    pub actor: &'c str,
}

impl Engine {
    /// A workspace's newest revision; number 0 where nothing was ever bound.
    ///
    /// # Errors
    /// Storage.
    pub async fn workspace(&self, workspace_id: &WorkspaceId) -> Result<WorkspaceRevision, EngineError> {
        let newest = self.parts.store.workspace_history(workspace_id, None, 1).await?.into_iter().next();
        Ok(newest.unwrap_or_else(|| WorkspaceRevision::none(workspace_id.clone())))
    }

    /// Has other components decide in a workspace, from the commit on and on every host. What is not asked for
    /// stays as it is.
    ///
    /// # Errors
    /// [`EngineError::PluginUnfit`], [`EngineError::PluginUnsigned`], [`EngineError::Field`];
    /// [`EngineError::Revision`]; [`EngineError::Contended`]; [`EngineError::HostFault`]; storage. What was in
    /// force stays in force.
    pub async fn change_workspace(&self, change: WorkspaceChange<'_>) -> Result<WorkspaceRevision, EngineError> {
        let WorkspaceChange { workspace_id, put, if_revision, actor } = change;
        check_note(put.note.as_deref())?;
        check_quarantine(put)?;
        let keys = put.trusted_keys.as_deref().map(checked_keys).transpose()?;
        for _ in 0..ATTEMPTS_MAX {
            let before = self.workspace(workspace_id).await?;
            check_revision(if_revision, before.revision)?;
            let trusted_keys = keys.clone().unwrap_or_else(|| before.trusted_keys.clone());
            let require_signatures = put.require_signatures.unwrap_or(before.require_signatures);
            let trust = Trust { is_required: require_signatures, keys: &trusted_keys };
            let resolved = match &put.bindings {
                Some(ask) => self.resolve(ask, trust).await?,
                None => self.resolve_again(&before.bindings, &Place::member("require_signatures"), trust).await?,
            };
            let revision = WorkspaceRevision {
                workspace_id: workspace_id.clone(),
                revision: before.revision + 1,
                bindings: resolved.bindings.clone(),
                require_signatures,
                trusted_keys,
                note: put.note.clone(),
                rolled_back_to: None,
                quarantine: quarantine_of(put, &before.quarantine),
                changed_by: actor.to_owned(),
                changed_at: self.now(),
            };
            if let Some(written) = self.write_workspace(revision, &before, &resolved).await? {
                return Ok(written);
            }
        }
        Err(EngineError::Contended)
    }

    /// Has what an earlier revision says be in force again, as a new revision; 0 for what comes with the host.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; else as [`Self::change_workspace`], of which [`EngineError::PluginUnfit`] is told
    /// when a component is no longer there.
    pub async fn roll_back_workspace(
        &self,
        workspace_id: &WorkspaceId,
        to: u64,
        if_revision: Option<u64>,
        actor: &str,
    ) -> Result<WorkspaceRevision, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let before = self.workspace(workspace_id).await?;
            check_revision(if_revision, before.revision)?;
            let found = match to {
                0 => Some(WorkspaceRevision::none(workspace_id.clone())),
                to => self.parts.store.workspace_revision(workspace_id, to).await?,
            };
            let found = found.ok_or_else(|| EngineError::NotFound { what: "revision", id: to.to_string() })?;
            let trust = Trust { is_required: found.require_signatures, keys: &found.trusted_keys };
            let resolved = self.resolve_again(&found.bindings, &Place::member("revision"), trust).await?;
            let revision = WorkspaceRevision {
                revision: before.revision + 1,
                note: None,
                rolled_back_to: Some(to),
                quarantine: found.quarantine.emptied(),
                changed_by: actor.to_owned(),
                changed_at: self.now(),
                ..found
            };
            if let Some(written) = self.write_workspace(revision, &before, &resolved).await? {
                return Ok(written);
            }
        }
        Err(EngineError::Contended)
    }

    /// Writes a revision; `None` when somebody came before.
    async fn write_workspace(
        &self,
        revision: WorkspaceRevision,
        before: &WorkspaceRevision,
        resolved: &Resolved,
    ) -> Result<Option<WorkspaceRevision>, EngineError> {
        let workspace_id = &revision.workspace_id;
        let told = told(&revision, before);
        let mut log = LogWriter::of_workspace(self, workspace_id, None, &revision.changed_by, revision.changed_at);
        log.plugin(EventType::PluginActivated, &told);
        let mut unit = Unit {
            guards: vec![Guard::no_workspace(workspace_id, revision.revision)],
            writes: vec![Write::Workspace(Box::new(revision.clone()))],
            events: log.into_events(),
            audit: vec![NewAuditEntry {
                workspace_id: workspace_id.clone(),
                at: revision.changed_at,
                actor: revision.changed_by.clone(),
                action: "workspace.write".to_owned(),
                resource: format!("workspace/{workspace_id}"),
                outcome: AuditOutcome::Done,
                detail: wire::json_of(&told),
            }],
            ..Unit::default()
        };
        for row in &resolved.rows {
            // Whoever would remove it sees that it was needed.
            unit.guards.push(Guard::plugin(&row.facts.name, &row.facts.version, Some(row.revision)));
            let mut row = row.clone();
            row.revision += 1;
            unit.writes.push(Write::Plugin(Box::new(row)));
        }
        match self.parts.store.commit(unit).await {
            Ok(_) => {
                self.parts.shadows.forget(workspace_id);
                self.remember_bound(&revision).await;
                Ok(Some(revision))
            }
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }
}

/// What the log and the audit tell of a revision.
fn told(revision: &WorkspaceRevision, before: &WorkspaceRevision) -> Value {
    json!({
        "revision": revision.revision,
        "bindings": wire::bound_view(&revision.bindings),
        "changed": changed(&before.bindings, &revision.bindings),
        "require_signatures": revision.require_signatures,
        "trusted_keys": revision.trusted_keys,
        "rolled_back_to": revision.rolled_back_to,
        "note": revision.note,
    })
}

/// The roles that something else decides from now on.
fn changed(before: &WorkspaceBindings, now: &WorkspaceBindings) -> Vec<&'static str> {
    let mut changed = Vec::new();
    if before.reducer != now.reducer {
        changed.push("reducer");
    }
    if before.canary != now.canary {
        changed.push(CANARY);
    }
    for name in crate::domain::gate::GateName::ALL {
        let of = |bindings: &WorkspaceBindings| bindings.stages.iter().find(|stage| stage.name == *name).cloned();
        if of(before) != of(now) {
            changed.push(name.as_str());
        }
    }
    if before.scrubber != now.scrubber {
        changed.push("scrubber");
    }
    if before.shadows != now.shadows {
        changed.push("shadow");
    }
    changed
}

fn check_revision(expected: Option<u64>, current: u64) -> Result<(), EngineError> {
    match expected {
        Some(expected) if expected != current => Err(EngineError::Revision { expected, current }),
        _ => Ok(()),
    }
}

/// What is in quarantine from now on: whoever binds something has it tried again.
fn quarantine_of(put: &WorkspacePut, before: &Quarantine) -> Quarantine {
    let mut quarantine = if put.bindings.is_some() { before.emptied() } else { before.clone() };
    quarantine.after = put.quarantine_after.unwrap_or(before.after);
    quarantine.gates = put.quarantined_gates.map_or(before.gates, wire::quarantined_gates_from);
    quarantine
}

fn check_quarantine(put: &WorkspacePut) -> Result<(), FieldError> {
    match put.quarantine_after {
        Some(after) if after > QUARANTINE_AFTER_MAX => Err(FieldError::new(
            "quarantine_after",
            format!("is {after}; at most {QUARANTINE_AFTER_MAX}, or 0 for never"),
        )),
        _ => Ok(()),
    }
}

fn check_note(note: Option<&str>) -> Result<(), FieldError> {
    let chars = note.unwrap_or_default().chars().count();
    if chars <= NOTE_MAX_CHARS {
        return Ok(());
    }
    Err(FieldError::new("note", format!("has {chars} characters; at most {NOTE_MAX_CHARS}")))
}

fn checked_keys(keys: &[String]) -> Result<Vec<String>, FieldError> {
    if keys.len() > TRUSTED_KEYS_MAX {
        return Err(FieldError::new("trusted_keys", format!("has {}; at most {TRUSTED_KEYS_MAX}", keys.len())));
    }
    let mut checked: Vec<String> = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        signing::check_key(key)
            .map_err(|problem| FieldError::new(format!("trusted_keys[{index}]"), problem.to_string()))?;
        if !checked.contains(key) {
            checked.push(key.clone());
        }
    }
    Ok(checked)
}
