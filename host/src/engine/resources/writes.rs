//! Writes of shared resources, carried out as one unit of work.
//!
//! What cannot be decided at the commit is read beforehand (the value a patch is laid over, the
//! revision an answer names before it is written), and done again when somebody else was faster.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rules::ResourceRules;
use super::{EndsSeen, ResourceAsk, ResourceOp, ResourceRequest, Written};
use crate::domain::id::EventId;
use crate::domain::json::Json;
use crate::domain::resource::{
    self, Change, Expect, Head, Refused, Resource, ResourceKey, ResourceWrite, TTL_MAX_MS, VALUE_MAX_BYTES,
};
use crate::domain::time::Timestamp;
use crate::engine::advance::add_receipt;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit};
use crate::wire::{self, FieldError};

/// Most resources of one request.
pub const WRITES_MAX: usize = 100;
/// Most bytes of values that one request may leave behind together (16 MiB): what is written,
/// answered and kept as a receipt stays bounded.
pub const VALUES_MAX_BYTES: usize = 16 << 20;
/// Longest name a writer gives itself, in bytes.
const UPDATED_BY_MAX_BYTES: usize = 256;
/// How often a request is tried that others keep coming before. The later ones wait for their turn,
/// so that only other hosts can be faster.
const ATTEMPTS_MAX: u32 = 32;

/// One write on its way, and what it will have made once its revision is known.
struct Planned<'r> {
    ask: &'r ResourceAsk,
    write: ResourceWrite,
    /// Whether the condition is the engine's own: then a conflict is no answer for the caller.
    read_before: bool,
}

impl Planned<'_> {
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
    /// [`EngineError::LeaseLost`] when the run is not, [`EngineError::ResourceKept`] and
    /// [`EngineError::ResourceClaimed`] for what only the host writes, [`EngineError::ResourceUnfit`] for a
    /// value that a schema forbids, [`EngineError::Field`] for a value, a time or a key that is none;
    /// in a batch those that are about one operation inside [`EngineError::Operation`];
    /// [`EngineError::Contended`] when others kept coming before; storage.
    pub async fn write_resources(&self, request: &ResourceRequest<'_>) -> Result<Vec<Written>, EngineError> {
        check(request.asks)?;
        let mut turns = None;
        for _ in 0..ATTEMPTS_MAX {
            match self.try_write(request).await {
                Ok(Some(written)) => return Ok(written),
                Ok(None) => {}
                Err(error) => {
                    let absent = request.asks.iter().find(|ask| error.tells_absence_of(ask.key.as_str()));
                    let Some(ask) = absent else { return Err(error) };
                    if self.is_surely_absent(request.workspace_id, &ask.key).await? {
                        return Err(error);
                    }
                }
            }
            if turns.is_none() {
                turns = Some(self.parts.turns.take(request.workspace_id, request.asks).await);
            }
        }
        Err(EngineError::Contended)
    }

    /// One attempt; none when somebody else was faster.
    async fn try_write(&self, request: &ResourceRequest<'_>) -> Result<Option<Vec<Written>>, EngineError> {
        let now = self.now();
        let writes_values = request.asks.iter().any(|ask| !matches!(ask.op, ResourceOp::Delete));
        let rules = if writes_values { Some(self.rules_at_hand(request.workspace_id).await?) } else { None };
        let planned = match self.plan(request, rules.as_deref(), now).await {
            // Nothing is committed then, and so no guard finds out that the schema has changed.
            Err(error)
                if error.is_unfit() && self.have_rules_changed(request.workspace_id, rules.as_deref()).await? =>
            {
                return Ok(None);
            }
            planned => planned?,
        };
        let mut unit = Unit { guards: self.lease_guards(request, now).await?, ..Unit::default() };
        unit.guards.extend(rules.map(|rules| Guard::resource_schemas(request.workspace_id, rules.revision())));
        unit.guards.extend(request.held.map(|held| self.hold_guard(held)));
        unit.resources = planned.iter().map(|planned| planned.write.clone()).collect();
        if let Some((key, answer)) = request.receipt {
            let revs: Vec<u64> = planned.iter().filter_map(|planned| planned.write.becomes).collect();
            add_receipt(&mut unit, key, 200, &answer(&written(&planned, &revs)), now);
        }
        match self.parts.store.commit(unit).await {
            Ok(committed) => {
                planned.iter().filter_map(Planned::end).for_each(|end| self.parts.ends.note(end));
                Ok(Some(written(&planned, &committed.revs)))
            }
            Err(CommitError::Storage(error)) => Err(error.into()),
            Err(CommitError::Conflict { resource: Some((index, refused)), .. }) => {
                planned.get(index).map_or(Ok(()), |planned| refusal(planned, refused))?;
                Ok(None)
            }
            Err(CommitError::Conflict { table, .. }) => match (table, request.held) {
                // Another host carries the same named write out: its receipt is the answer.
                ("receipts", _) => Err(EngineError::Contended),
                ("run_leases", Some(held)) => Err(EngineError::LeaseLost {
                    run_id: held.run.id.to_string(),
                    reason: "it ran out, was ended or taken over".to_owned(),
                }),
                ("resource_schemas", _) => {
                    self.parts.rules.forget(request.workspace_id);
                    Ok(None)
                }
                // A lease that was held a moment ago: the next attempt finds out which.
                _ => Ok(None),
            },
        }
    }

    /// What is asked, as writes; whatever has to be known beforehand is read.
    async fn plan<'r>(
        &self,
        request: &ResourceRequest<'r>,
        rules: Option<&ResourceRules>,
        now: Timestamp,
    ) -> Result<Vec<Planned<'r>>, EngineError> {
        let store = &self.parts.store;
        let is_patch = |ask: &&ResourceAsk| matches!(ask.op, ResourceOp::Patch(_));
        let patched: Vec<ResourceKey> = request.asks.iter().filter(is_patch).map(|ask| ask.key.clone()).collect();
        let present = store.resources_by_keys(request.workspace_id, &patched, now).await?;
        let heads: BTreeMap<ResourceKey, Head> = if request.receipt.is_some() {
            let keys: Vec<ResourceKey> = request.asks.iter().map(|ask| ask.key.clone()).collect();
            store.heads_by_keys(request.workspace_id, &keys).await?.into_iter().collect()
        } else {
            BTreeMap::new()
        };
        let mut planned = Vec::with_capacity(request.asks.len());
        let mut bytes = 0;
        for ask in request.asks {
            let found = present.iter().find(|resource| resource.key == ask.key);
            let mut one = self.planned(request, ask, found, rules, now).map_err(|error| about(ask, error))?;
            if request.receipt.is_some() {
                match resource::decide(heads.get(&ask.key).copied(), &one.write) {
                    Ok(steps) => one.write.becomes = steps.last().map(|step| step.rev),
                    // The commit will say the same, or that it is so no longer.
                    Err(refused) => refusal(&one, refused)?,
                }
            }
            if let Change::Put { value, .. } = &one.write.change {
                bytes += value.as_str().len();
            }
            planned.push(one);
        }
        if bytes > VALUES_MAX_BYTES {
            let message = format!("make {bytes} bytes of values together; at most {VALUES_MAX_BYTES} (16 MiB)");
            return Err(FieldError::new("operations", message).into());
        }
        Ok(planned)
    }

    fn planned<'r>(
        &self,
        request: &ResourceRequest<'_>,
        ask: &'r ResourceAsk,
        found: Option<&Resource>,
        rules: Option<&ResourceRules>,
        now: Timestamp,
    ) -> Result<Planned<'r>, EngineError> {
        let mut expect = ask.expect;
        let mut read_before = false;
        let (value, ttl_ms, expires_at) = match &ask.op {
            ResourceOp::Delete => (None, None, None),
            ResourceOp::Put { value, ttl_ms } => {
                (Some(value.clone()), *ttl_ms, ttl_ms.map(|ttl_ms| now.plus_millis(ttl_ms)))
            }
            ResourceOp::Patch(patch) => {
                let target = patched(ask, found)?;
                if let (Some(found), Expect::Anything | Expect::Present) = (found, ask.expect) {
                    expect = Expect::Revision(found.rev);
                    read_before = true;
                }
                let mut value = target;
                wire::merge_patch(&mut value, patch);
                (Some(value), found.and_then(|found| found.ttl_ms), found.and_then(|found| found.expires_at))
            }
        };
        let change = match value {
            None => Change::Delete,
            Some(value) => {
                let text = checked_value(ask, &value)?;
                if let Some(rules) = rules {
                    rules.judge(&ask.key, &value)?;
                }
                Change::Put { value: text, ttl_ms, expires_at, claim_of: None, kept: false }
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
        Ok(Planned { ask, write, read_before })
    }

    pub(in crate::engine) fn two_event_ids(&self) -> [EventId; 2] {
        [(); 2].map(|()| EventId::new(self.new_id(EventId::PREFIX)))
    }
}

/// The value a patch is laid over. What the caller expects is judged here already: the value of another
/// revision than the one the patch will replace must never get into it.
fn patched(ask: &ResourceAsk, found: Option<&Resource>) -> Result<Value, EngineError> {
    let current = found.map_or(0, |found| found.rev);
    let conflict = |expected| Err(EngineError::ResourceConflict { key: ask.key.to_string(), expected, current });
    match (ask.expect, found) {
        (Expect::Absent, Some(_)) => conflict(0),
        (Expect::Revision(expected), _) if expected != current => conflict(expected),
        (_, Some(found)) => Ok(wire::value_of(&found.value)),
        (Expect::Absent, None) => Ok(Value::Object(serde_json::Map::new())),
        (_, None) => Err(EngineError::NotFound { what: "resource", id: ask.key.to_string() }),
    }
}

/// What the writes made, given the revisions they came to have.
fn written(planned: &[Planned<'_>], revs: &[u64]) -> Vec<Written> {
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
fn refusal(planned: &Planned<'_>, refused: Refused) -> Result<(), EngineError> {
    let key = planned.write.key.to_string();
    let error = match refused {
        Refused::Overtaken => return Ok(()),
        Refused::Conflict { .. } if planned.read_before => return Ok(()),
        Refused::Conflict { expected, current } => EngineError::ResourceConflict { key, expected, current },
        Refused::Kept => EngineError::ResourceClaimed { key },
        Refused::Absent => EngineError::NotFound { what: "resource", id: key },
    };
    Err(about(planned.ask, error))
}

/// An error about one operation of a batch says which.
pub(super) fn about(ask: &ResourceAsk, error: EngineError) -> EngineError {
    match ask.index {
        Some(index) if !matches!(error, EngineError::Storage(_) | EngineError::Contended) => {
            EngineError::Operation { index, key: ask.key.to_string(), error: Box::new(error) }
        }
        _ => error,
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
        if !keys.insert(&ask.key) {
            let message = format!("`{}` stands in the request twice; each key once", ask.key);
            return Err(about(ask, FieldError::new(ask.field("key"), message).into()));
        }
        check_one(ask).map_err(|error| about(ask, error))?;
    }
    Ok(())
}

fn check_one(ask: &ResourceAsk) -> Result<(), EngineError> {
    if ask.key.status_of().is_some() {
        return Err(EngineError::ResourceKept { key: ask.key.to_string() });
    }
    if let ResourceOp::Put { ttl_ms: Some(ttl_ms), .. } = ask.op
        && !(1..=TTL_MAX_MS).contains(&ttl_ms)
    {
        let message = format!("is {ttl_ms}; 1 to {TTL_MAX_MS} (366 days)");
        return Err(FieldError::new(ask.field("ttl_ms"), message).into());
    }
    let by = ask.updated_by.as_deref().unwrap_or("x");
    if by.trim().is_empty() || by.len() > UPDATED_BY_MAX_BYTES || by.chars().any(char::is_control) {
        let message = format!("has {} bytes; 1 to {UPDATED_BY_MAX_BYTES}, no control characters", by.len());
        return Err(FieldError::new(ask.field("updated_by"), message).into());
    }
    Ok(())
}

fn checked_value(ask: &ResourceAsk, value: &Value) -> Result<Json, FieldError> {
    let text = wire::json_of(value);
    let bytes = text.as_str().len();
    if bytes > VALUE_MAX_BYTES {
        let message = format!("has {bytes} bytes as compact JSON; at most {VALUE_MAX_BYTES} (1 MiB)");
        return Err(FieldError::new(ask.field("value"), message));
    }
    // The escape of U+0000, or a backslash before such letters.
    if text.as_str().contains("\\u0000")
        && let Some(place) = place_of_nul(value)
    {
        let message = "holds U+0000, which many readers take for the end of a text; leave it out";
        return Err(FieldError::new(format!("{}{place}", ask.field("value")), message));
    }
    Ok(text)
}

/// Where a text or a name within `value` holds U+0000, as a path after `value`.
fn place_of_nul(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            let mut places = items.iter().enumerate();
            places.find_map(|(index, item)| place_of_nul(item).map(|place| format!("[{index}]{place}")))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if name.contains('\0') {
                return Some(String::new());
            }
            place_of_nul(member).map(|place| format!(".{name}{place}"))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
