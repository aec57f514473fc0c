//! Quarantine: a bound component that keeps failing is called no more, until somebody binds something anew.
//!
//! Each host counts the calls that fail in a row; one that answers ends the row. When there are as many as the
//! workspace waits for, a revision with the component in quarantine is written, and so every host knows at once, new
//! missions are made with the host's reducer, or without the canary, and gates are closed. Faults of the host count
//! for nothing, and neither does what a client posted and a reducer refused. A scrubber is never quarantined: each
//! text it fails on is blocked, and that is closed enough. What decides in shadow rests instead ([`super::super::shadow`]).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::domain::artifact::Digest;
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::event_type::EventType;
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;
use crate::domain::plugin::Binding;
use crate::domain::workspace::{CANARY, QuarantinedComponent, WorkspaceBindings, WorkspaceRevision};
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

/// A component with its settings, in a workspace: the same one may be bound, and a canary with others.
type Called = (WorkspaceId, Digest, Json);

fn called(workspace_id: &WorkspaceId, binding: &Binding) -> Called {
    (workspace_id.clone(), binding.digest.clone(), binding.settings.clone())
}

/// Calls that failed in a row, as this host saw them.
#[derive(Default)]
pub(in crate::engine) struct Failures(Mutex<HashMap<Called, u32>>);

impl Failures {
    fn rows(&self) -> MutexGuard<'_, HashMap<Called, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was answered.
    fn end(&self, workspace_id: &WorkspaceId, binding: &Binding) {
        let mut rows = self.rows();
        // Hardly ever is there a row at all, and this is asked after every call.
        if !rows.is_empty() {
            rows.remove(&called(workspace_id, binding));
        }
    }

    /// A call failed: how many did in a row.
    fn add(&self, workspace_id: &WorkspaceId, binding: &Binding) -> u32 {
        let mut rows = self.rows();
        if rows.len() >= ROWS_MAX {
            rows.clear();
        }
        let count = rows.entry(called(workspace_id, binding)).or_default();
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
        let Some(reason) = failure else { return self.parts.failures.end(workspace_id, binding) };
        let count = self.parts.failures.add(workspace_id, binding);
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
            let after = before.quarantine.after;
            let role = role_of(&before.bindings, binding);
            if before.quarantine.of_role(&binding.digest, role == Some(CANARY)).is_some() {
                self.parts.failures.end(workspace_id, binding);
                return Ok(());
            }
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
                    self.parts.failures.end(workspace_id, binding);
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
            "kind": if matches!(&*component.role, "reducer" | CANARY) { "reducer" } else { "gate" },
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

/// The role in which a workspace binds a component that can be quarantined: with these settings, or else, but for a
/// canary, with any.
fn role_of(bindings: &WorkspaceBindings, binding: &Binding) -> Option<&'static str> {
    let bound = || bindings.deciding().filter(|(role, bound)| *role != "scrubber" && bound.digest == binding.digest);
    let same = bound().find(|(_, bound)| bound.settings == binding.settings);
    same.or_else(|| bound().find(|(role, _)| *role != CANARY)).map(|(role, _)| role)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workspace::Canary;

    #[test]
    fn a_row_is_ended_by_one_answer_and_counted_for_each_workspace() {
        let failures = Failures::default();
        let (here, there) = (WorkspaceId::new("here"), WorkspaceId::new("there"));
        let component = |settings: &str| Binding {
            name: "flow".to_owned(),
            version: "1.0.0".to_owned(),
            digest: Digest::of(b"a component"),
            settings: Json::from_valid(settings),
        };
        let (one, other) = (component("{}"), component("{\"a\":1}"));
        assert_eq!([failures.add(&here, &one), failures.add(&here, &one)], [1, 2]);
        assert_eq!([failures.add(&there, &one), failures.add(&here, &other)], [1, 1]);
        failures.end(&here, &one);
        assert_eq!([failures.add(&here, &one), failures.add(&there, &one), failures.add(&here, &other)], [1, 2, 2]);
    }

    #[test]
    fn a_component_is_found_in_the_role_that_has_its_settings() {
        let component = |name: &str, settings: &str| Binding {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            digest: Digest::of(name.as_bytes()),
            settings: Json::from_valid(settings),
        };
        let (flow, tried) = (component("flow", "{}"), component("flow", "{\"a\":1}"));
        let canary = Some(Canary { binding: tried.clone(), share_percent: 1 });
        let bindings = WorkspaceBindings { reducer: Some(flow.clone()), canary, ..WorkspaceBindings::default() };
        assert_eq!([role_of(&bindings, &flow), role_of(&bindings, &tried)], [Some("reducer"), Some("canary")]);
        let earlier = component("flow", "{\"a\":2}");
        assert_eq!(role_of(&bindings, &earlier), Some("reducer"));
        let bindings = WorkspaceBindings { reducer: None, ..bindings };
        assert_eq!([role_of(&bindings, &earlier), role_of(&bindings, &tried)], [None, Some("canary")]);
    }
}
