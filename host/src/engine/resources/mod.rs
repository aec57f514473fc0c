//! Shared resources: what callers ask of keys, carried out as one unit of work.
//!
//! What a write makes of its key is decided when it is committed (see
//! [`crate::domain::resource::decide`]); here a request becomes such writes, what cannot be decided
//! there is read beforehand (the value a patch is laid over, the revision an answer names before
//! it is written), and done again when somebody else was faster.

mod ends;
mod leases;
mod expiry;

use std::collections::BTreeSet;

use serde_json::Value;

pub(super) use ends::Ends;
pub use ends::EndsSeen;
pub use leases::LeaseAsk;

use super::advance::add_receipt;
use super::{Engine, EngineError};
use crate::domain::id::{EventId, LeaseId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::receipt::ReceiptKey;
use crate::domain::resource::{
    Change, Expect, Refused, Resource, ResourceKey, ResourceWrite, TTL_MAX_MS, VALUE_MAX_BYTES,
};
use crate::domain::time::Timestamp;
use crate::store::{CommitError, Unit};
use crate::wire::{self, FieldError};

/// Most resources of one request.
pub const WRITES_MAX: usize = 100;

/// How often a request is tried that others keep coming before.
const ATTEMPTS_MAX: u32 = 32;

/// What becomes of a key.
#[derive(Debug, Clone)]
pub enum ResourceOp {
    /// It has this value.
    Put {
        /// The value.
        value: Value,
        /// Milliseconds until it is gone by itself.
        ttl_ms: Option<u64>,
    },
    /// Its value is changed by a merge patch (RFC 7396); an absent one counts as an empty object.
    Patch(Value),
    /// It has none.
    Delete,
}

/// One thing asked of one key.
#[derive(Debug, Clone)]
pub struct ResourceAsk {
    /// How the caller names this part of the request, for messages: `` or `operations[3].`.
    pub field: String,
    /// The key.
    pub key: ResourceKey,
    /// What must hold.
    pub expect: Expect,
    /// What is done.
    pub op: ResourceOp,
    /// Who does it, in its own words.
    pub updated_by: Option<String>,
    /// The lease that must be held.
    pub lease_id: Option<LeaseId>,
}

/// A request about shared resources: all of it or nothing.
pub struct ResourceRequest<'r> {
    /// Whose.
    pub workspace_id: &'r WorkspaceId,
    /// The principal that asks.
    pub actor: &'r str,
    /// What is asked, each key once.
    pub asks: &'r [ResourceAsk],
    /// What the caller calls this write when it named it, and how it is answered.
    pub receipt: Option<(&'r ReceiptKey, fn(&[Written]) -> Value)>,
}

/// What was done to one key.
#[derive(Debug, Clone)]
pub enum Written {
    /// It has this record now.
    Put(Resource),
    /// It has none any more.
    Deleted {
        /// The key.
        key: ResourceKey,
        /// The revision of the deletion.
        rev: u64,
    },
}

impl Written {
    /// The key's newest revision.
    pub fn rev(&self) -> u64 {
        match self {
            Self::Put(resource) => resource.rev,
            Self::Deleted { rev, .. } => *rev,
        }
    }
}

/// One write on its way, and what it will have made once its revision is known.
struct Planned {
    write: ResourceWrite,
    /// Whether the condition is the engine's own: then a conflict is no answer for the caller.
    read_before: bool,
}

impl Planned {
    fn end(&self) -> Option<Timestamp> {
        match &self.write.change {
            Change::Put { expires_at, .. } => *expires_at,
            Change::Delete | Change::Expire => None,
        }
    }
}

impl Engine {
    /// Wakes when something is written that ends.
    pub fn ends(&self) -> EndsSeen {
        self.parts.ends.subscribe()
    }

    /// Carries a request out; answers what became of each key, in order.
    ///
    /// # Errors
    /// [`EngineError::ResourceConflict`] when a condition does not hold, [`EngineError::NotFound`] for a
    /// deletion or a patch of what there is not, [`EngineError::NameNotHeld`] when a lease is not held,
    /// [`EngineError::ResourceKept`] for what only the host writes, [`EngineError::Field`] for a value, a
    /// time or a key that is none; [`EngineError::Contended`] when others kept coming before; storage.
    pub async fn write_resources(&self, request: &ResourceRequest<'_>) -> Result<Vec<Written>, EngineError> {
        check(request.asks)?;
        for _ in 0..ATTEMPTS_MAX {
            let now = self.now();
            let planned = self.plan(request, now).await?;
            let mut unit = Unit { guards: self.lease_guards(request, now).await?, ..Unit::default() };
            unit.resources = planned.iter().map(|planned| planned.write.clone()).collect();
            if let Some((key, answer)) = request.receipt {
                let revs: Vec<u64> = planned.iter().filter_map(|planned| planned.write.becomes).collect();
                add_receipt(&mut unit, key, 200, &answer(&written(&planned, &revs)), now);
            }
            match self.parts.store.commit(unit).await {
                Ok(committed) => {
                    planned.iter().filter_map(Planned::end).for_each(|end| self.parts.ends.note(end));
                    return Ok(written(&planned, &committed.revs));
                }
                Err(CommitError::Storage(error)) => return Err(error.into()),
                Err(CommitError::Conflict { table, key, resource, .. }) => {
                    let refused = resource.and_then(|(index, refused)| Some((planned.get(index)?, refused)));
                    match refused {
                        Some((planned, refused)) => refusal(planned, refused)?,
                        None if table == "leases" => return Err(EngineError::NameNotHeld { name: key }),
                        None if table == "receipts" => return Err(EngineError::Contended),
                        None => {}
                    }
                }
            }
        }
        Err(EngineError::Contended)
    }

    /// What is asked, as writes; whatever has to be known beforehand is read.
    async fn plan(&self, request: &ResourceRequest<'_>, now: Timestamp) -> Result<Vec<Planned>, EngineError> {
        let store = &self.parts.store;
        let is_patch = |ask: &&ResourceAsk| matches!(ask.op, ResourceOp::Patch(_));
        let patched: Vec<ResourceKey> = request.asks.iter().filter(is_patch).map(|ask| ask.key.clone()).collect();
        let present = store.resources_by_keys(request.workspace_id, &patched, now).await?;
        let mut planned = Vec::with_capacity(request.asks.len());
        for ask in request.asks {
            let found = present.iter().find(|resource| resource.key == ask.key);
            let mut one = self.planned(request, ask, found, now)?;
            if request.receipt.is_some() {
                let head = store.resource_head(request.workspace_id, &ask.key).await?;
                let steps = crate::domain::resource::decide(head, &one.write);
                let steps = match steps {
                    Ok(steps) => steps,
                    Err(refused) => {
                        refusal(&one, refused)?;
                        Vec::new()
                    }
                };
                one.write.becomes = steps.last().map(|step| step.rev);
            }
            planned.push(one);
        }
        Ok(planned)
    }

    fn planned(
        &self,
        request: &ResourceRequest<'_>,
        ask: &ResourceAsk,
        found: Option<&Resource>,
        now: Timestamp,
    ) -> Result<Planned, EngineError> {
        let mut expect = ask.expect;
        let mut read_before = false;
        let change = match &ask.op {
            ResourceOp::Delete => Change::Delete,
            ResourceOp::Put { value, ttl_ms } => Change::Put {
                value: checked_value(&ask.field, value)?,
                ttl_ms: *ttl_ms,
                expires_at: ttl_ms.map(|ttl| now.plus_millis(ttl)),
                claim_of: None,
                kept: false,
            },
            ResourceOp::Patch(patch) => {
                let Some(found) = found else {
                    return Err(match ask.expect {
                        Expect::Revision(expected) => {
                            EngineError::ResourceConflict { key: ask.key.to_string(), expected, current: 0 }
                        }
                        _ => EngineError::NotFound { what: "resource", id: ask.key.to_string() },
                    });
                };
                if ask.expect == Expect::Anything {
                    expect = Expect::Revision(found.rev);
                    read_before = true;
                }
                let mut value: Value = serde_json::from_str(found.value.as_str()).unwrap_or_default();
                wire::merge_patch(&mut value, patch);
                let value = checked_value(&ask.field, &value)?;
                let (ttl_ms, expires_at) = (found.ttl_ms, found.expires_at);
                Change::Put { value, ttl_ms, expires_at, claim_of: None, kept: false }
            }
        };
        let write = ResourceWrite {
            workspace_id: request.workspace_id.clone(),
            key: ask.key.clone(),
            expect,
            becomes: None,
            change,
            by_host: false,
            updated_by: ask.updated_by.clone().unwrap_or_else(|| request.actor.to_owned()),
            actor: request.actor.to_owned(),
            at: now,
            event_ids: self.two_event_ids(),
        };
        Ok(Planned { write, read_before })
    }

    pub(super) fn two_event_ids(&self) -> [EventId; 2] {
        [(); 2].map(|()| EventId::new(self.new_id(EventId::PREFIX)))
    }
}

/// What the writes made, given the revisions they came to have.
fn written(planned: &[Planned], revs: &[u64]) -> Vec<Written> {
    let written = planned.iter().zip(revs).map(|(Planned { write, .. }, rev)| match &write.change {
        Change::Put { value, ttl_ms, expires_at, .. } => Written::Put(Resource {
            workspace_id: write.workspace_id.clone(),
            key: write.key.clone(),
            value: value.clone(),
            rev: *rev,
            updated_at: write.at,
            updated_by: write.updated_by.clone(),
            ttl_ms: *ttl_ms,
            expires_at: *expires_at,
            claim_of: None,
        }),
        Change::Delete | Change::Expire => Written::Deleted { key: write.key.clone(), rev: *rev },
    });
    written.collect()
}

/// The answer to a write that was refused; none when it has to be tried again.
fn refusal(planned: &Planned, refused: Refused) -> Result<(), EngineError> {
    let key = planned.write.key.to_string();
    match refused {
        Refused::Overtaken => Ok(()),
        Refused::Conflict { .. } if planned.read_before => Ok(()),
        Refused::Conflict { expected, current } => Err(EngineError::ResourceConflict { key, expected, current }),
        Refused::Kept => Err(EngineError::ResourceKept { key, why: refused.to_string() }),
        Refused::Absent => Err(EngineError::NotFound { what: "resource", id: key }),
    }
}

/// What can be refused without looking at anything.
fn check(asks: &[ResourceAsk]) -> Result<(), EngineError> {
    if asks.is_empty() || asks.len() > WRITES_MAX {
        let message = format!("has {} entries; 1 to {WRITES_MAX}", asks.len());
        return Err(FieldError::new("operations", message).into());
    }
    let mut keys = BTreeSet::new();
    for ask in asks {
        let named = |name: &str| format!("{}{name}", ask.field);
        if !keys.insert(&ask.key) {
            let message = format!("`{}` stands in the request twice; each key once", ask.key);
            return Err(FieldError::new(named("key"), message).into());
        }
        if ask.key.status_of().is_some() {
            let why = "the host keeps it: it shows how a session stands".to_owned();
            return Err(EngineError::ResourceKept { key: ask.key.to_string(), why });
        }
        if let ResourceOp::Put { ttl_ms: Some(ttl_ms), .. } = ask.op
            && !(1..=TTL_MAX_MS).contains(&ttl_ms)
        {
            return Err(FieldError::new(named("ttl_ms"), format!("is {ttl_ms}; 1 to {TTL_MAX_MS} (366 days)")).into());
        }
        let by = ask.updated_by.as_deref().unwrap_or("x");
        if by.trim().is_empty() || by.len() > UPDATED_BY_MAX_BYTES || by.chars().any(char::is_control) {
            let message = format!("has {} bytes; 1 to {UPDATED_BY_MAX_BYTES}, no control characters", by.len());
            return Err(FieldError::new(named("updated_by"), message).into());
        }
    }
    Ok(())
}

/// Longest name a writer gives itself, in bytes.
const UPDATED_BY_MAX_BYTES: usize = 256;

fn checked_value(field: &str, value: &Value) -> Result<Json, FieldError> {
    let value = wire::json_of(value);
    let bytes = value.as_str().len();
    if bytes > VALUE_MAX_BYTES {
        let message = format!("has {bytes} bytes as compact JSON; at most {VALUE_MAX_BYTES} (1 MiB)");
        return Err(FieldError::new(format!("{field}value"), message));
    }
    Ok(value)
}
