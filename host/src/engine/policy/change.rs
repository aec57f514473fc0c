//! Writes revisions of workspaces' policies.

use serde_json::json;

use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::id::WorkspaceId;
use crate::domain::policy::{Mode, PolicyRevision, PolicySource, Preset};
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError};
use crate::policy::Rules;
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire::{self, FieldError};

/// Times a change is tried that others keep coming before.
const ATTEMPTS_MAX: usize = 16;
/// Longest note, in characters.
const NOTE_MAX_CHARS: usize = 500;

/// What a workspace's policy is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange<'c> {
    /// Whose.
    pub workspace_id: &'c WorkspaceId,
    /// The policies, all of them.
    pub source: PolicySource,
    /// What holds beside them.
    pub preset: Option<Preset>,
    /// Whether what they deny is denied; without, as the preset means it.
    pub mode: Option<Mode>,
    /// Why, in the author's words; at most 500 characters.
    pub note: Option<String>,
    /// Only at this revision; 0: only if there never was a policy.
    pub if_revision: Option<u64>,
    /// Who changes it.
    pub actor: &'c str,
}

impl Engine {
    /// Gives a workspace another policy, which holds from then on, on this host at once.
    ///
    /// # Errors
    /// [`EngineError::Policy`] with all that is wrong; [`EngineError::Field`]; [`EngineError::Revision`];
    /// [`EngineError::Contended`]; storage. What held before holds on.
    pub async fn change_policy(&self, change: PolicyChange<'_>) -> Result<PolicyRevision, EngineError> {
        let mode = mode_of(&change)?;
        let chars = change.note.as_deref().unwrap_or_default().chars().count();
        if chars > NOTE_MAX_CHARS {
            return Err(FieldError::new("note", format!("has {chars} characters; at most {NOTE_MAX_CHARS}")).into());
        }
        let revision = PolicyRevision {
            workspace_id: change.workspace_id.clone(),
            revision: 0,
            mode,
            preset: change.preset,
            source: change.source,
            note: change.note,
            rolled_back_to: None,
            changed_by: change.actor.to_owned(),
            changed_at: self.now(),
        };
        self.write_policy(revision, change.if_revision).await
    }

    /// Gives a workspace the policy of an earlier revision again, as a new revision.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; else as [`Self::change_policy`], of which [`EngineError::Policy`] is told
    /// when this version of the host no longer takes it.
    pub async fn roll_back_policy(
        &self,
        workspace_id: &WorkspaceId,
        to: u64,
        if_revision: Option<u64>,
        actor: &str,
    ) -> Result<PolicyRevision, EngineError> {
        // Told first: whoever expects another revision may expect another history.
        let current = self.parts.store.policy_newest(workspace_id).await?.unwrap_or(0);
        if let Some(expected) = if_revision.filter(|expected| *expected != current) {
            return Err(EngineError::Revision { expected, current });
        }
        let found = self.parts.store.policy_revision(workspace_id, to).await?;
        let mut revision =
            found.ok_or_else(|| EngineError::NotFound { what: "revision of the policy", id: to.to_string() })?;
        revision.note = None;
        revision.rolled_back_to = Some(to);
        actor.clone_into(&mut revision.changed_by);
        self.write_policy(revision, if_revision).await
    }

    async fn write_policy(
        &self,
        mut revision: PolicyRevision,
        if_revision: Option<u64>,
    ) -> Result<PolicyRevision, EngineError> {
        let judged = revision.clone();
        let checked =
            tokio::task::spawn_blocking(move || Rules::of(0, judged.preset, judged.mode, &judged.source).map(|_| ()));
        checked.await.map_err(|error| EngineError::HostFault(error.to_string()))?.map_err(EngineError::Policy)?;
        for _ in 0..ATTEMPTS_MAX {
            let current = self.parts.store.policy_newest(&revision.workspace_id).await?.unwrap_or(0);
            if let Some(expected) = if_revision.filter(|expected| *expected != current) {
                return Err(EngineError::Revision { expected, current });
            }
            revision.revision = current + 1;
            revision.changed_at = self.now();
            match self.parts.store.commit(self.policy_unit(&revision)).await {
                Ok(_) => {
                    self.forget_rules(&revision.workspace_id);
                    return Ok(revision);
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    fn policy_unit(&self, revision: &PolicyRevision) -> Unit {
        let workspace_id = &revision.workspace_id;
        let told = json!({
            "revision": revision.revision,
            "mode": revision.mode.as_str(),
            "preset": revision.preset.map(Preset::as_str),
            "texts": revision.source.policies.keys().collect::<Vec<_>>(),
            "rolled_back_to": revision.rolled_back_to,
            "note": revision.note,
        });
        let entry = NewAuditEntry {
            workspace_id: workspace_id.clone(),
            at: revision.changed_at,
            actor: revision.changed_by.clone(),
            action: "policy.write".to_owned(),
            resource: format!("policy/{workspace_id}"),
            outcome: AuditOutcome::Done,
            detail: wire::json_of(&told),
        };
        let mut log = LogWriter::of_workspace(self, workspace_id, None, &revision.changed_by, revision.changed_at);
        log.policy_updated(&told);
        Unit {
            guards: vec![Guard::no_policy(workspace_id, revision.revision)],
            writes: vec![Write::Policy(Box::new(revision.clone()))],
            events: log.into_events(),
            audit: vec![entry],
            ..Unit::default()
        }
    }
}

/// The mode: as it is given, or as the preset means it, which only observes or does not.
pub(super) fn mode_of(change: &PolicyChange<'_>) -> Result<Mode, FieldError> {
    let observes = change.preset == Some(Preset::ObserveOnly);
    match change.mode {
        Some(Mode::Enforce) if observes => {
            Err(FieldError::new("mode", "is `enforce`, and the preset `observe-only` denies nothing; leave one out"))
        }
        Some(mode) => Ok(mode),
        None if observes => Ok(Mode::Observe),
        None => Ok(Mode::Enforce),
    }
}
