//! What values of shared resources have to look like: JSON Schemas that an operator sets for the
//! beginnings of keys.
//!
//! A value is judged by every schema whose prefix begins its key when it is written, and never
//! again: a new schema changes nothing that is there. What the host itself writes (claims, how
//! sessions stand) is not judged. Compiled schemas are remembered by workspace; every write guards
//! the revision it was judged by, so that none is judged by what is no longer the rule.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use crate::domain::artifact::Digest;
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::id::WorkspaceId;
use crate::domain::resource::{ResourceKey, check_prefix};
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, ResourceSchemas, Unit, Write};
use crate::wire::{self, FieldError, JsonSchema};

/// Most schemas of one workspace.
pub const SCHEMAS_MAX: usize = 100;
/// Largest schema, in bytes of compact JSON (64 KiB).
pub const SCHEMA_MAX_BYTES: usize = 64 << 10;
/// Workspaces whose schemas are remembered; a host that serves more compiles some again.
const REMEMBERED_MAX: usize = 64;
/// How often a change is tried that others keep coming before.
const ATTEMPTS_MAX: u32 = 16;

/// A workspace's schemas, ready to judge.
#[derive(Debug, Default)]
pub struct ResourceRules {
    revision: Option<u64>,
    rules: Vec<(String, JsonSchema)>,
    schemas: Map<String, Value>,
}

impl ResourceRules {
    /// Counts changes from 1; none when there never was a schema.
    pub fn revision(&self) -> Option<u64> {
        self.revision
    }

    /// The schema for each beginning of keys.
    pub fn schemas(&self) -> &Map<String, Value> {
        &self.schemas
    }

    /// Judges a value.
    ///
    /// # Errors
    /// [`EngineError::ResourceUnfit`] with the first thing that is wrong.
    pub(super) fn judge(&self, key: &ResourceKey, value: &Value) -> Result<(), EngineError> {
        for (prefix, schema) in self.rules.iter().filter(|(prefix, _)| key.as_str().starts_with(prefix)) {
            let Err(problems) = schema.judge(value) else { continue };
            let first = problems.into_iter().next();
            let (pointer, problem) = first.map(|first| (first.pointer, first.problem)).unwrap_or_default();
            return Err(EngineError::ResourceUnfit { key: key.to_string(), prefix: prefix.clone(), pointer, problem });
        }
        Ok(())
    }

    fn compiled(stored: Option<ResourceSchemas>) -> Result<Self, EngineError> {
        let Some(stored) = stored else { return Ok(Self::default()) };
        let schemas: Map<String, Value> = serde_json::from_str(stored.schemas.as_str()).unwrap_or_default();
        let mut rules = Vec::with_capacity(schemas.len());
        for (prefix, schema) in &schemas {
            let schema = JsonSchema::compile(schema).map_err(|problem| {
                EngineError::Conflict(format!("the schema for `{prefix}` is none any more, replace it: {problem}"))
            })?;
            rules.push((prefix.clone(), schema));
        }
        Ok(Self { revision: Some(stored.revision), rules, schemas })
    }
}

/// Schemas of workspaces that were written in lately.
#[derive(Default)]
pub(in crate::engine) struct Rules(Mutex<HashMap<WorkspaceId, Arc<ResourceRules>>>);

impl Rules {
    fn get(&self, workspace_id: &WorkspaceId) -> Option<Arc<ResourceRules>> {
        self.lock().get(workspace_id).cloned()
    }

    fn put(&self, workspace_id: &WorkspaceId, rules: Arc<ResourceRules>) {
        let mut remembered = self.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(workspace_id.clone(), rules);
    }

    /// They have changed.
    pub(super) fn forget(&self, workspace_id: &WorkspaceId) {
        self.lock().remove(workspace_id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<ResourceRules>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change of one schema.
#[derive(Debug, Clone, Copy)]
pub struct RuleChange<'c> {
    /// Whose.
    pub workspace_id: &'c WorkspaceId,
    /// For keys that begin so.
    pub prefix: &'c str,
    /// The schema; none to take it away.
    pub schema: Option<&'c Value>,
    /// Only at this revision of all schemas; 0: only if there never was one.
    pub if_revision: Option<u64>,
    /// Who changes it.
    pub actor: &'c str,
}

impl Engine {
    /// The schemas of a workspace as they stand.
    ///
    /// # Errors
    /// Storage.
    pub async fn resource_rules(&self, workspace_id: &WorkspaceId) -> Result<Arc<ResourceRules>, EngineError> {
        let stored = self.parts.store.resource_schemas(workspace_id).await?;
        // A hundred large schemas take a while; other requests go on meanwhile.
        let compiled = tokio::task::spawn_blocking(move || ResourceRules::compiled(stored)).await;
        let rules = Arc::new(compiled.map_err(|error| EngineError::Conflict(error.to_string()))??);
        self.parts.rules.put(workspace_id, Arc::clone(&rules));
        Ok(rules)
    }

    /// The same as this host remembers them: who builds on them guards their revision.
    pub(super) async fn rules_at_hand(&self, workspace_id: &WorkspaceId) -> Result<Arc<ResourceRules>, EngineError> {
        match self.parts.rules.get(workspace_id) {
            Some(rules) => Ok(rules),
            None => self.resource_rules(workspace_id).await,
        }
    }

    /// Whether `rules`, as this host remembers them, are the workspace's no longer; they are forgotten then.
    pub(super) async fn have_rules_changed(
        &self,
        workspace_id: &WorkspaceId,
        rules: Option<&ResourceRules>,
    ) -> Result<bool, EngineError> {
        let stored = self.parts.store.resource_schemas(workspace_id).await?;
        let have_changed = stored.map(|stored| stored.revision) != rules.and_then(ResourceRules::revision);
        if have_changed {
            self.parts.rules.forget(workspace_id);
        }
        Ok(have_changed)
    }

    /// Sets a schema, or takes it away; the audit holds it. Answers all schemas as they are then.
    ///
    /// # Errors
    /// [`EngineError::Field`]; [`EngineError::NotFound`] when there is none to take away;
    /// [`EngineError::Revision`]; [`EngineError::Contended`]; storage.
    pub async fn change_resource_rule(&self, change: RuleChange<'_>) -> Result<Arc<ResourceRules>, EngineError> {
        check(&change)?;
        for _ in 0..ATTEMPTS_MAX {
            let before = self.parts.store.resource_schemas(change.workspace_id).await?;
            let revision = before.as_ref().map(|before| before.revision);
            let current = revision.unwrap_or(0);
            if let Some(expected) = change.if_revision.filter(|expected| *expected != current) {
                return Err(EngineError::Revision { expected, current });
            }
            let unit = self.rule_unit(&change, before.as_ref())?;
            match self.parts.store.commit(unit).await {
                Ok(_) => return self.resource_rules(change.workspace_id).await,
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    fn rule_unit(&self, change: &RuleChange<'_>, before: Option<&ResourceSchemas>) -> Result<Unit, EngineError> {
        let revision = before.map(|before| before.revision);
        let text = before.map_or("{}", |before| before.schemas.as_str());
        let mut schemas: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        match change.schema {
            Some(schema) => {
                schemas.insert(change.prefix.to_owned(), schema.clone());
                if schemas.len() > SCHEMAS_MAX {
                    let message = format!("would be the {}th that has a schema; at most {SCHEMAS_MAX}", schemas.len());
                    return Err(FieldError::new("prefix", message).into());
                }
            }
            None if schemas.remove(change.prefix).is_none() => {
                return Err(EngineError::NotFound { what: "schema for", id: change.prefix.to_owned() });
            }
            None => {}
        }
        let next = revision.unwrap_or(0) + 1;
        let digest =
            change.schema.map(|schema| Digest::of(wire::canonical_json(schema).as_str().as_bytes()).to_string());
        let entry = NewAuditEntry {
            workspace_id: change.workspace_id.clone(),
            at: self.now(),
            actor: change.actor.to_owned(),
            action: "resource.rule".to_owned(),
            resource: format!("resource/{}", change.prefix),
            outcome: AuditOutcome::Done,
            detail: wire::json_of(&json!({"revision": next, "schema_digest": digest})),
        };
        let schemas = ResourceSchemas {
            workspace_id: change.workspace_id.clone(),
            revision: next,
            schemas: wire::json_of(&schemas),
        };
        Ok(Unit {
            guards: vec![Guard::resource_schemas(change.workspace_id, revision)],
            writes: vec![Write::ResourceSchemas(schemas)],
            audit: vec![entry],
            ..Unit::default()
        })
    }
}

fn check(change: &RuleChange<'_>) -> Result<(), FieldError> {
    if change.prefix.is_empty() {
        return Err(FieldError::new("prefix", "is empty; `project/` is a prefix"));
    }
    check_prefix(change.prefix).map_err(|error| FieldError::new("prefix", format!("`{}` {error}", change.prefix)))?;
    let Some(schema) = change.schema else { return Ok(()) };
    let bytes = schema.to_string().len();
    if bytes > SCHEMA_MAX_BYTES {
        let message = format!("has {bytes} bytes as compact JSON; at most {SCHEMA_MAX_BYTES} (64 KiB)");
        return Err(FieldError::new("schema", message));
    }
    JsonSchema::compile(schema).map(|_| ()).map_err(|problem| FieldError::new("schema", problem))
}
