//! What is told of memory: events for whoever follows the log, and the audit's entries.
//!
//! Neither ever holds a text, a query or what a scrubber found; names of projects and sessions only
//! once the scrubber has let them pass.

use serde_json::{Map, Value, json};

use super::reach::Reach;
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::event::NewLogEvent;
use crate::domain::event_type::EventType;
use crate::domain::id::{EventId, WorkspaceId};
use crate::domain::memory::{MemoryRecord, Partition};
use crate::domain::principal::Principal;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::wire;

/// What the ids of the audit's entries about memory begin with.
const AUDIT_PREFIX: &str = "aud_";

/// One act of memory, as it is told.
pub(super) struct Telling<'t> {
    engine: &'t Engine,
    workspace_id: WorkspaceId,
    actor: String,
    run: Option<(String, String, crate::domain::id::MissionId)>,
    now: Timestamp,
    /// The id of the entry in the audit.
    pub(super) audit_id: String,
    /// What the log tells.
    pub(super) events: Vec<NewLogEvent>,
}

impl<'t> Telling<'t> {
    pub(super) fn new(engine: &'t Engine, principal: &Principal, reach: &Reach, now: Timestamp) -> Self {
        let run = reach.run.as_ref();
        let run = run.map(|run| (run.id.to_string(), run.session().to_owned(), run.mission_id.clone()));
        Self::of(engine, &principal.workspace_id, &principal.name, run, now)
    }

    /// For what the host does by itself.
    pub(super) fn by_host(engine: &'t Engine, workspace_id: &WorkspaceId, actor: &str, now: Timestamp) -> Self {
        Self::of(engine, workspace_id, actor, None, now)
    }

    fn of(
        engine: &'t Engine,
        workspace_id: &WorkspaceId,
        actor: &str,
        run: Option<(String, String, crate::domain::id::MissionId)>,
        now: Timestamp,
    ) -> Self {
        let audit_id = engine.new_id(AUDIT_PREFIX);
        let (workspace_id, actor) = (workspace_id.clone(), actor.to_owned());
        Self { engine, workspace_id, actor, run, now, audit_id, events: Vec::new() }
    }

    /// Tells of something.
    pub(super) fn event(&mut self, event_type: EventType, properties: Value) {
        let run = self.run.as_ref();
        let mut members = Map::new();
        if let Some((run_id, ..)) = run {
            members.insert("run_id".to_owned(), json!(run_id));
        }
        if let Value::Object(given) = properties {
            members.extend(given);
        }
        self.events.push(NewLogEvent {
            event_id: EventId::new(self.engine.new_id(EventId::PREFIX)),
            event_type: event_type.as_str().to_owned(),
            workspace_id: self.workspace_id.clone(),
            session_id: run.map(|(_, session, _)| session.clone()),
            run_id: run.map(|(run_id, ..)| crate::domain::id::RunId::new(run_id.as_str())),
            mission_id: run.map(|(.., mission)| mission.clone()),
            resource_key: None,
            actor: self.actor.clone(),
            occurred_at: self.now,
            properties: wire::json_of(&Value::Object(members)),
        });
    }

    /// The entry of the audit. `run_id` is what the caller says it acts for, when no token says so.
    pub(super) fn audit(
        &self,
        action: &str,
        resource: &str,
        outcome: AuditOutcome,
        run_id: Option<&str>,
        particulars: Value,
    ) -> NewAuditEntry {
        let mut detail = Map::new();
        detail.insert("audit_id".to_owned(), json!(self.audit_id));
        if let Some(run_id) = self.run.as_ref().map(|(run_id, ..)| run_id.as_str()).or(run_id) {
            detail.insert("run_id".to_owned(), json!(run_id));
        }
        if let Value::Object(particulars) = particulars {
            detail.extend(particulars);
        }
        NewAuditEntry {
            workspace_id: self.workspace_id.clone(),
            at: self.now,
            actor: self.actor.clone(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            outcome,
            detail: wire::json_of(&Value::Object(detail)),
        }
    }
}

/// A partition in the audit.
pub(super) fn place(partition: &Partition) -> Value {
    json!({
        "org": partition.org,
        "project_id": partition.project_id,
        "tier": partition.tier.as_str(),
        "session_id": partition.session_id,
    })
}

/// What events tell of a record.
pub(super) fn about(record: &MemoryRecord) -> Value {
    json!({
        "memory_id": record.id.as_str(),
        "tier": record.partition.tier.as_str(),
        "partition_key": record.partition.display_key(),
        "kind": record.kind.as_str(),
        "visibility": record.visibility.as_str(),
        "source_type": record.source_type.as_str(),
    })
}

/// `value` with more members.
pub(super) fn with(mut value: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut value, more) {
        members.extend(more);
    }
    value
}
