//! Quarantine: a bound component that keeps failing is called no more, until somebody binds something anew.
//!
//! Each host counts the calls that fail in a row; one that answers ends the row. When there are as many as the
//! workspace waits for, a revision with the component in quarantine is written, and so every host knows at once, new
//! missions are made with the host's reducer, and gates are closed. Faults of the host count for nothing, and neither
//! does what a client posted and a reducer refused. A scrubber is never quarantined: each text it fails on is blocked, and that is closed enough.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::domain::artifact::Digest;
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::event_type::EventType;
use crate::domain::id::WorkspaceId;
use crate::domain::plugin::Binding;
use crate::domain::workspace::{QuarantinedComponent, WorkspaceRevision};
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire;

/// Rows that are remembered; beyond it they begin anew.
const ROWS_MAX: usize = 10_000;
/// Times it is tried again because others change the workspace.
const ATTEMPTS_MAX: usize = 16;
/// Longest reason that is kept, in bytes.
const REASON_MAX_BYTES: usize = 1_024;
/// Who quarantines, in the log and the audit.
const ACTOR: &str = "system.quarantine";

/// Calls that failed in a row, as this host saw them.
#[derive(Default)]
pub(in crate::engine) struct Failures(Mutex<HashMap<(WorkspaceId, Digest), u32>>);

impl Failures {
    fn rows(&self) -> MutexGuard<'_, HashMap<(WorkspaceId, Digest), u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was answered.
    fn end(&self, workspace_id: &WorkspaceId, digest: &Digest) {
        let mut rows = self.rows();
        // Hardly ever is there a row at all, and this is asked after every call.
        if !rows.is_empty() {
            rows.remove(&(workspace_id.clone(), digest.clone()));
        }
    }

    /// A call failed: how many did in a row.
    fn add(&self, workspace_id: &WorkspaceId, digest: &Digest) -> u32 {
        let mut rows = self.rows();
        if rows.len() >= ROWS_MAX {
            rows.clear();
        }
        let count = rows.entry((workspace_id.clone(), digest.clone())).or_default();
        *count = count.saturating_add(1);
        *count
    }
}

impl Engine {
    /// A component answered, or failed in a way that is its own doing. What cannot be written now is tried again with
    /// the next failure.
    pub(in crate::engine) async fn note_call(
        &self,
        workspace_id: &WorkspaceId,
        binding: &Binding,
        failure: Option<&str>,
    ) {
        let Some(reason) = failure else { return self.parts.failures.end(workspace_id, &binding.digest) };
        let count = self.parts.failures.add(workspace_id, &binding.digest);
        if let Err(error) = self.quarantine(workspace_id, binding, reason, count).await {
            tracing::warn!(%error, plugin = binding.label(), "a component that keeps failing is not quarantined yet");
        }
    }

    /// Writes the quarantine of a component that failed `failures` times in a row, when that is often enough, and
    /// the workspace binds it.
    async fn quarantine(
        &self,
        workspace_id: &WorkspaceId,
        binding: &Binding,
        reason: &str,
        failures: u32,
    ) -> Result<(), EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let before = self.workspace(workspace_id).await?;
            if before.quarantine.of(&binding.digest).is_some() {
                self.parts.failures.end(workspace_id, &binding.digest);
                return Ok(());
            }
            let after = before.quarantine.after;
            let is_it = |(role, bound): &(&str, &Binding)| *role != "scrubber" && bound.digest == binding.digest;
            let role = before.bindings.all().find(is_it).map(|(role, _)| role);
            let Some(role) = role.filter(|_| after > 0 && failures >= after) else { return Ok(()) };
            let cut = &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)];
            let component = QuarantinedComponent {
                role: role.to_owned(),
                plugin: binding.label(),
                digest: binding.digest.clone(),
                // A component's own words, and no database takes U+0000 in a text.
                reason: cut.replace('\0', "\u{fffd}"),
                failures,
                since: self.now(),
            };
            let unit = self.quarantine_unit(before, binding, component);
            match self.parts.store.commit(unit).await {
                Ok(_) => {
                    let plugin = binding.label();
                    tracing::warn!(%workspace_id, plugin, "a component that keeps failing is quarantined");
                    self.parts.failures.end(workspace_id, &binding.digest);
                    return Ok(());
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    fn quarantine_unit(&self, before: WorkspaceRevision, binding: &Binding, component: QuarantinedComponent) -> Unit {
        let told = json!({
            "name": binding.name,
            "version": binding.version,
            "kind": if component.role == "reducer" { "reducer" } else { "gate" },
            "digest": binding.digest.as_str(),
            "stage": "call",
            "reason": component.reason,
            "role": component.role,
            "failures": component.failures,
            "revision": before.revision + 1,
        });
        let (workspace_id, now) = (before.workspace_id.clone(), component.since);
        let mut log = LogWriter::of_workspace(self, &workspace_id, None, ACTOR, now);
        log.plugin(EventType::PluginFailed, &told);
        let mut revision = WorkspaceRevision {
            revision: before.revision + 1,
            note: None,
            rolled_back_to: None,
            changed_by: ACTOR.to_owned(),
            changed_at: now,
            ..before
        };
        revision.quarantine.components.push(component);
        Unit {
            guards: vec![Guard::no_workspace(&workspace_id, revision.revision)],
            writes: vec![Write::Workspace(Box::new(revision))],
            events: log.into_events(),
            audit: vec![NewAuditEntry {
                workspace_id: workspace_id.clone(),
                at: now,
                actor: ACTOR.to_owned(),
                action: "plugin.quarantine".to_owned(),
                resource: format!("workspace/{workspace_id}"),
                outcome: AuditOutcome::Done,
                detail: wire::json_of(&told),
            }],
            ..Unit::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_ended_by_one_answer_and_counted_for_each_workspace() {
        let failures = Failures::default();
        let (here, there) = (WorkspaceId::new("here"), WorkspaceId::new("there"));
        let digest = Digest::of(b"a component");
        assert_eq!([failures.add(&here, &digest), failures.add(&here, &digest)], [1, 2]);
        assert_eq!(failures.add(&there, &digest), 1);
        failures.end(&here, &digest);
        assert_eq!([failures.add(&here, &digest), failures.add(&there, &digest)], [1, 2]);
    }
}
