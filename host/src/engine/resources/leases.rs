//! Named leases: taken, renewed, given back; and the record that shows who holds one.
//!
//! A lease is judged by its row at the moment of the commit, so that of many who ask at once
//! exactly one gets it, and a holder that comes back late finds that it is no longer one.

use std::collections::BTreeSet;

use super::writes::about;
use super::{NamedAnswer, ResourceRequest};
use crate::domain::id::{LeaseId, WorkspaceId};
use crate::domain::lease::{LEASE_TTL_MS, LeaseState, NAME_MAX_BYTES, NamedLease};
use crate::domain::resource::{Change, Expect, Refused, ResourceKey, ResourceWrite};
use crate::domain::time::Timestamp;
use crate::engine::advance::add_receipt;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire::{self, FieldError};

/// Somebody wants a lease.
pub struct LeaseAsk<'a> {
    /// Whose name.
    pub workspace_id: &'a WorkspaceId,
    /// The principal that asks.
    pub principal: &'a str,
    /// The name.
    pub name: String,
    /// Milliseconds it lasts from each renewal: a second to a day.
    pub ttl_ms: u64,
    /// Who holds it, in the holder's words; the principal without.
    pub owner: Option<String>,
    /// The resource that shows who holds it.
    pub claim_key: Option<ResourceKey>,
    /// What the caller calls this write when it named it, and how it is answered.
    pub receipt: Option<NamedAnswer<'a, NamedLease>>,
}

/// How often something is tried that others keep coming before.
const ATTEMPTS_MAX: u32 = 32;

/// Who keeps the records that show claims.
const KEEPER: &str = "system.leases";

impl Engine {
    /// Takes a lease that nobody holds.
    ///
    /// # Errors
    /// [`EngineError::NameHeld`] with its holder; [`EngineError::Field`]; [`EngineError::Conflict`] when
    /// `claim_key` has a record that is no claim of this lease; storage.
    pub async fn acquire_lease(&self, ask: &LeaseAsk<'_>) -> Result<NamedLease, EngineError> {
        check(ask)?;
        let store = &self.parts.store;
        for _ in 0..ATTEMPTS_MAX {
            let now = self.now();
            let before = store.named_lease(ask.workspace_id, &ask.name).await?;
            if let Some(holder) = before.as_ref().filter(|lease| lease.is_held(now)) {
                return Err(EngineError::NameHeld { lease: Box::new(holder.clone()) });
            }
            let lease = self.next_holding(ask, before.as_ref(), now);
            let guard = match &before {
                // Whether it counts as a retry hangs on how it ended.
                Some(lease) if lease.state == LeaseState::Held => {
                    Guard::lapsed_name(ask.workspace_id, &ask.name, lease.fencing_token, now)
                }
                before => {
                    let fence = before.as_ref().map(|lease| lease.fencing_token);
                    Guard::free_name(ask.workspace_id, &ask.name, fence, now)
                }
            };
            let mut unit = Unit { guards: vec![guard], writes: vec![Write::Lease(lease.clone())], ..Unit::default() };
            // The record that showed the last holding, where this one is shown elsewhere or nowhere.
            if let Some(before) = before.filter(|before| before.state == LeaseState::Held) {
                let ended = NamedLease { state: LeaseState::Expired, ..before };
                if ended.claim_key.is_some() && ended.claim_key != lease.claim_key {
                    unit.resources.extend(self.claim_write(&ended, now).await?);
                }
            }
            unit.resources.extend(self.claim_write(&lease, now).await?);
            if let Some((key, answer)) = ask.receipt {
                add_receipt(&mut unit, key, 201, &answer(&lease), now);
            }
            match store.commit(unit).await {
                Ok(_) => {
                    self.parts.ends.note(lease.expires_at);
                    return Ok(lease);
                }
                Err(CommitError::Conflict { resource: Some((_, refused @ Refused::Kept)), .. }) => {
                    return Err(EngineError::Conflict(refused.to_string()));
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    fn next_holding(&self, ask: &LeaseAsk<'_>, before: Option<&NamedLease>, now: Timestamp) -> NamedLease {
        let fencing_token = before.map_or(0, |lease| lease.fencing_token) + 1;
        let fresh = self.new_id(LeaseId::PREFIX);
        let stem = before.and_then(|lease| lease.id.as_str().rsplit_once('.')).map_or(&*fresh, |(stem, _)| stem);
        // A lease that ran out is `held` still until somebody notices.
        let ran_out = before.filter(|lease| lease.state != LeaseState::Released);
        NamedLease {
            workspace_id: ask.workspace_id.clone(),
            name: ask.name.clone(),
            id: LeaseId::new(format!("{stem}.{fencing_token}")),
            owner: ask.owner.clone().unwrap_or_else(|| ask.principal.to_owned()),
            principal: ask.principal.to_owned(),
            fencing_token,
            ttl_ms: ask.ttl_ms,
            acquired_at: now,
            expires_at: now.plus_millis(ask.ttl_ms),
            state: LeaseState::Held,
            retries: ran_out.map_or(0, |lease| lease.retries.saturating_add(1)),
            claim_key: ask.claim_key.clone(),
        }
    }

    /// The lease of this id, whether it is held or not.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an id that was never given; [`EngineError::NameNotHeld`] for that of a
    /// holding that another has followed, of which nothing else is known any more; storage.
    pub async fn lease_of_id(&self, workspace_id: &WorkspaceId, id: &LeaseId) -> Result<NamedLease, EngineError> {
        let missing = || EngineError::NotFound { what: "lease", id: id.to_string() };
        let lease = self.parts.store.lease(workspace_id, id).await?.ok_or_else(missing)?;
        if lease.id == *id {
            return Ok(lease);
        }
        let number = id.as_str().rsplit_once('.').and_then(|(_, number)| number.parse::<u64>().ok());
        match number.filter(|number| (1..lease.fencing_token).contains(number)) {
            Some(_) => Err(EngineError::NameNotHeld { name: lease.name }),
            None => Err(missing()),
        }
    }

    /// Renews a lease: it lasts its time from now on. Writes no revision and no event.
    ///
    /// # Errors
    /// [`EngineError::NameNotHeld`] when it ran out, was given back or taken since; storage.
    pub async fn renew_lease_of_name(&self, lease: NamedLease) -> Result<NamedLease, EngineError> {
        let now = self.now();
        let renewed = NamedLease { expires_at: now.plus_millis(lease.ttl_ms).max(lease.expires_at), ..lease };
        let unit = Unit { writes: vec![Write::Lease(renewed.clone())], ..Unit::default() };
        self.commit_while_held(renewed, unit, now).await
    }

    /// Gives a lease back.
    ///
    /// # Errors
    /// As for [`Self::renew_lease_of_name`].
    pub async fn release_lease(&self, lease: NamedLease) -> Result<NamedLease, EngineError> {
        let now = self.now();
        let released = NamedLease { state: LeaseState::Released, retries: 0, ..lease };
        let unit = Unit {
            writes: vec![Write::Lease(released.clone())],
            resources: self.claim_write(&released, now).await?.into_iter().collect(),
            ..Unit::default()
        };
        self.commit_while_held(released, unit, now).await
    }

    async fn commit_while_held(
        &self,
        lease: NamedLease,
        mut unit: Unit,
        now: Timestamp,
    ) -> Result<NamedLease, EngineError> {
        unit.guards.push(Guard::held_name(&lease.workspace_id, &lease.name, lease.fencing_token, now));
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(lease),
            Err(CommitError::Conflict { .. }) => Err(EngineError::NameNotHeld { name: lease.name }),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    /// Notices leases that ran out and have somebody to tell: their records say so from then on. Tells
    /// how many.
    ///
    /// # Errors
    /// Storage.
    pub async fn end_claims(&self) -> Result<usize, EngineError> {
        const PAGE: u32 = 200;
        let now = self.now();
        let ended = self.parts.store.ended_claims(now, PAGE).await?;
        let count = ended.len();
        for lease in ended {
            let guard = Guard::lapsed_name(&lease.workspace_id, &lease.name, lease.fencing_token, now);
            let lease = NamedLease { state: LeaseState::Expired, ..lease };
            let unit = Unit {
                guards: vec![guard],
                resources: self.claim_write(&lease, now).await?.into_iter().collect(),
                writes: vec![Write::Lease(lease)],
                ..Unit::default()
            };
            match self.parts.store.commit(unit).await {
                // Somebody took it in this moment, or another host noticed.
                Ok(_) | Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Ok(count)
    }

    /// The record that shows a lease as it is now. None when somebody else's record stands there
    /// meanwhile, which is left alone.
    async fn claim_write(&self, lease: &NamedLease, now: Timestamp) -> Result<Option<ResourceWrite>, EngineError> {
        let Some(key) = &lease.claim_key else { return Ok(None) };
        let found = self.parts.store.resource(&lease.workspace_id, key, now).await?;
        let is_held = lease.state == LeaseState::Held;
        let expect = match &found {
            None if is_held => Expect::Absent,
            Some(record) if record.claim_of.as_deref() == Some(&lease.name) => Expect::Revision(record.rev),
            Some(_) if is_held => {
                let message = format!("`{key}` has a record that shows no claim of `{}`", lease.name);
                return Err(EngineError::Conflict(message));
            }
            // Somebody deleted or replaced what showed a lease that ended: nothing has to be said.
            None | Some(_) => return Ok(None),
        };
        Ok(Some(ResourceWrite {
            workspace_id: lease.workspace_id.clone(),
            key: key.clone(),
            expect,
            becomes: None,
            change: Change::Put {
                value: wire::claim_value(lease),
                ttl_ms: None,
                expires_at: None,
                claim_of: Some(lease.name.clone()),
                kept: is_held,
            },
            by_host: true,
            updated_by: KEEPER.to_owned(),
            actor: if lease.state == LeaseState::Expired { KEEPER.to_owned() } else { lease.principal.clone() },
            at: now,
            event_ids: self.two_event_ids(),
        }))
    }

    /// What must hold of the leases that a request names.
    pub(super) async fn lease_guards(
        &self,
        request: &ResourceRequest<'_>,
        now: Timestamp,
    ) -> Result<Vec<Guard>, EngineError> {
        let mut guards = Vec::new();
        let mut seen = BTreeSet::new();
        for ask in request.asks {
            let Some(id) = ask.lease_id.as_ref().filter(|id| seen.insert(*id)) else { continue };
            let lost = |name: String| Err(about(ask, EngineError::NameNotHeld { name }));
            let lease = match self.lease_of_id(request.workspace_id, id).await {
                Ok(lease) => lease,
                // To whoever writes under it, an id that means nothing here is a lease it does not hold.
                Err(EngineError::NotFound { id, .. }) => return lost(id),
                Err(EngineError::NameNotHeld { name }) => return lost(name),
                Err(error) => return Err(error),
            };
            if !lease.is_held(now) {
                return lost(lease.name);
            }
            guards.push(Guard::held_name(request.workspace_id, &lease.name, lease.fencing_token, now));
        }
        Ok(guards)
    }
}

fn check(ask: &LeaseAsk<'_>) -> Result<(), FieldError> {
    for (field, text) in [("name", Some(&ask.name)), ("owner", ask.owner.as_ref())] {
        let Some(text) = text else { continue };
        if text.trim().is_empty() || text.len() > NAME_MAX_BYTES || text.chars().any(char::is_control) {
            let message = format!("has {} bytes; 1 to {NAME_MAX_BYTES}, no control characters", text.len());
            return Err(FieldError::new(field, message));
        }
    }
    if !LEASE_TTL_MS.contains(&ask.ttl_ms) {
        let (least, most) = (LEASE_TTL_MS.start(), LEASE_TTL_MS.end());
        return Err(FieldError::new("ttl_ms", format!("is {}; {least} to {most} (a second to a day)", ask.ttl_ms)));
    }
    match &ask.claim_key {
        Some(key) if key.status_of().is_some() => {
            Err(FieldError::new("claim_key", "is where the host shows how a session stands; take another"))
        }
        _ => Ok(()),
    }
}
