//! Issues, ends and recognises credentials.
//!
//! A token is looked up by the id in its text, and remembered for [`CACHE_TTL`]: a revocation on
//! another host takes that long to be felt, one on this host none. Tickets are not stored at all:
//! they are signed with the digest of the token they were drawn on, and end with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::error::conflict_or_storage;
use super::secret::{self, Kind, Parsed};
use super::{Engine, EngineError};
use crate::domain::artifact::Digest;
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::id::{self, RunId, TokenId, WorkspaceId};
use crate::domain::principal::{Credential, Principal, Role};
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire::{self, FieldError};

/// How long a token is remembered: half of the second in which a revocation has to be felt.
pub const CACHE_TTL: Duration = Duration::from_millis(500);
/// Milliseconds a ticket is good for: as long as a browser needs to open a stream and to come back
/// to it after a short break; a page that lives longer draws another.
pub const TICKET_TTL_MS: u64 = 60_000;
/// Milliseconds between two notes of a token's use.
const USE_NOTED_EVERY_MS: u64 = 60_000;
/// Times a token that is to end is read again because its use was noted meanwhile, by this host or
/// by others: each notes it once a minute.
const LOOKS_MAX: usize = 8;
/// Tokens remembered; a host that sees more forgets them all and reads them again.
const CACHED_MAX: usize = 10_000;
/// Longest name of a token, in characters.
const NAME_MAX_CHARS: usize = 100;
/// Milliseconds the shortest-lived token lives: less would end before its first use.
const TTL_MIN_MS: u64 = 1_000;
/// Milliseconds the longest-lived token that ends at all lives: ten years.
const TTL_MAX_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1000;
/// Longest time the old secret stays good after a rotation: a day.
const GRACE_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// Tokens seen lately.
#[derive(Default)]
pub(super) struct TokenCache {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Each with when it was read (monotonic).
    tokens: HashMap<TokenId, (Option<Token>, Duration)>,
    /// Times one was forgotten because it changed.
    changes: u64,
}

/// A token is not remembered. Whoever reads it now and has this remembers it, unless some token
/// has changed since: it may have been this one, after it was read.
#[derive(Debug)]
struct Unseen {
    changes: u64,
}

impl TokenCache {
    fn get(&self, id: &TokenId, now: Duration) -> Result<Option<Token>, Unseen> {
        let seen = self.lock();
        match seen.tokens.get(id) {
            Some((token, read_at)) if now.saturating_sub(*read_at) < CACHE_TTL => Ok(token.clone()),
            _ => Err(Unseen { changes: seen.changes }),
        }
    }

    fn put(&self, id: TokenId, token: Option<Token>, read_at: Duration, unseen: &Unseen) {
        let mut seen = self.lock();
        if seen.changes != unseen.changes {
            return;
        }
        if seen.tokens.len() >= CACHED_MAX {
            seen.tokens.clear();
        }
        seen.tokens.insert(id, (token, read_at));
    }

    /// A use of the token is noted; it is no younger by that.
    fn note(&self, used: &Token) {
        if let Some((Some(token), _)) = self.lock().tokens.get_mut(&used.id)
            && token.revision + 1 == used.revision
        {
            token.clone_from(used);
        }
    }

    fn forget(&self, id: &TokenId) {
        let mut seen = self.lock();
        seen.changes += 1;
        seen.tokens.remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token to be issued.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Where it will be good.
    pub workspace_id: WorkspaceId,
    /// What it is for.
    pub name: String,
    /// What its principal is.
    pub role: Role,
    /// Who it speaks for; by default made of role and name.
    pub principal: Option<String>,
    /// Milliseconds it is good for.
    pub ttl_ms: Option<u64>,
}

/// A token with its text, told this once.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token.
    pub token: Token,
    /// Its text.
    pub text: String,
}

impl Engine {
    /// Issues a token.
    ///
    /// # Errors
    /// [`EngineError::Field`] naming the member at fault; storage.
    pub async fn issue_token(&self, new: NewToken, actor: &str) -> Result<Issued, EngineError> {
        let now = self.now();
        let principal = check_new(&new)?;
        let id = TokenId::new(self.new_id(TokenId::PREFIX));
        let (text, secret_digest) = secret::mint(Kind::Token, id.as_str());
        let token = Token {
            id,
            workspace_id: new.workspace_id,
            name: new.name,
            principal,
            role: new.role,
            secret_digest,
            previous_digest: None,
            previous_ends_at: None,
            created_by: actor.to_owned(),
            created_at: now,
            expires_at: new.ttl_ms.map(|ttl| now.plus_millis(ttl)),
            last_used_at: None,
            revoked_at: None,
            revision: 1,
        };
        self.write_token(token.clone(), None, "token.create", actor).await?;
        Ok(Issued { token, text })
    }

    /// Ends a token. Ending it twice is fine.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; storage.
    pub async fn revoke_token(
        &self,
        workspace_id: &WorkspaceId,
        id: &TokenId,
        actor: &str,
    ) -> Result<Token, EngineError> {
        for _ in 0..LOOKS_MAX {
            let mut token = self.token(workspace_id, id).await?;
            if token.revoked_at.is_some() {
                return Ok(token);
            }
            let revision = token.revision;
            token.revision += 1;
            token.revoked_at = Some(self.now());
            match self.write_token(token.clone(), Some(revision), "token.revoke", actor).await {
                Err(EngineError::Contended) => {}
                written => return written.map(|()| token),
            }
        }
        Err(EngineError::Contended)
    }

    /// Gives a token a new secret; the old one stays good for `grace_ms`.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when it has ended;
    /// [`EngineError::Field`]; storage.
    pub async fn rotate_token(
        &self,
        workspace_id: &WorkspaceId,
        id: &TokenId,
        grace_ms: u64,
        actor: &str,
    ) -> Result<Issued, EngineError> {
        if grace_ms > GRACE_MAX_MS {
            return Err(FieldError::new("grace_ms", format!("is {grace_ms}; at most {GRACE_MAX_MS} (a day)")).into());
        }
        let mut token = self.token(workspace_id, id).await?;
        let now = self.now();
        if !token.is_good(now) {
            return Err(EngineError::Conflict(format!("token `{id}` has ended; issue another")));
        }
        let revision = token.revision;
        let (text, digest) = secret::mint(Kind::Token, id.as_str());
        token.revision += 1;
        let previous = std::mem::replace(&mut token.secret_digest, digest);
        token.previous_digest = (grace_ms > 0).then_some(previous);
        token.previous_ends_at = (grace_ms > 0).then(|| now.plus_millis(grace_ms));
        self.write_token(token.clone(), Some(revision), "token.rotate", actor).await?;
        Ok(Issued { token, text })
    }

    /// A token of a workspace.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; storage.
    pub async fn token(&self, workspace_id: &WorkspaceId, id: &TokenId) -> Result<Token, EngineError> {
        let token = self.parts.store.token(id).await?.filter(|token| token.workspace_id == *workspace_id);
        token.ok_or_else(|| EngineError::NotFound { what: "token", id: id.to_string() })
    }

    async fn write_token(
        &self,
        token: Token,
        revision: Option<u64>,
        action: &str,
        actor: &str,
    ) -> Result<(), EngineError> {
        let id = token.id.clone();
        let detail = json!({"name": token.name, "principal": token.principal, "role": token.role.as_str()});
        let unit = Unit {
            guards: vec![Guard::token(&id, revision)],
            audit: vec![NewAuditEntry {
                workspace_id: token.workspace_id.clone(),
                at: self.now(),
                actor: actor.to_owned(),
                action: action.to_owned(),
                resource: format!("token/{id}"),
                outcome: AuditOutcome::Done,
                detail: wire::json_of(&detail),
            }],
            writes: vec![Write::Token(token)],
            ..Unit::default()
        };
        self.parts.store.commit(unit).await.map_err(conflict_or_storage)?;
        self.parts.tokens.forget(&id);
        Ok(())
    }

    /// Draws a ticket for streams on a token.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when the token is gone; storage.
    pub async fn draw_ticket(&self, id: &TokenId) -> Result<(String, Timestamp), EngineError> {
        let token = self.parts.store.token(id).await?;
        let token = token.ok_or_else(|| EngineError::NotFound { what: "token", id: id.to_string() })?;
        let ends_at = self.now().plus_millis(TICKET_TTL_MS);
        let ticket_id = format!("{id}.{}", ends_at.as_millis());
        let signature = sign(&token, &ticket_id);
        Ok((secret::write(Kind::Ticket, &ticket_id, &signature), ends_at))
    }

    /// Who comes with this credential; `None` when it is not, or no longer, good.
    ///
    /// # Errors
    /// [`EngineError::LeaseLost`] for the token of a hold that another has followed; storage.
    pub async fn recognise(&self, text: &str) -> Result<Option<Principal>, EngineError> {
        let Some(parsed) = secret::parse(text) else { return Ok(None) };
        match parsed.kind {
            Kind::Token => self.recognise_token(&parsed).await,
            Kind::Ticket => self.recognise_ticket(&parsed).await,
            Kind::Run => self.recognise_run(&parsed).await,
        }
    }

    async fn recognise_token(&self, parsed: &Parsed) -> Result<Option<Principal>, EngineError> {
        let id = TokenId::new(parsed.id.as_str());
        let now = self.now();
        let Some(token) = self.cached_token(&id).await?.filter(|token| token.is_good(now)) else { return Ok(None) };
        let digest = parsed.digest();
        let is_present = secret::is_same(&digest, &token.secret_digest);
        let is_previous = token.previous_ends_at.is_some_and(|end| now < end)
            && token.previous_digest.as_ref().is_some_and(|previous| secret::is_same(&digest, previous));
        if !is_present && !is_previous {
            return Ok(None);
        }
        self.note_use(&token, now);
        let credential = Credential::Token { id, role: token.role };
        Ok(Some(Principal { workspace_id: token.workspace_id, name: token.principal, credential }))
    }

    async fn recognise_ticket(&self, parsed: &Parsed) -> Result<Option<Principal>, EngineError> {
        let Some((token_id, ends_at)) = parsed.id.split_once('.') else { return Ok(None) };
        let now = self.now();
        if ends_at.parse().map_or(true, |end| now >= Timestamp(end)) {
            return Ok(None);
        }
        let id = TokenId::new(token_id);
        let Some(token) = self.cached_token(&id).await?.filter(|token| token.is_good(now)) else { return Ok(None) };
        if !secret::is_same(&Digest::of(sign(&token, &parsed.id).as_bytes()), &parsed.digest()) {
            return Ok(None);
        }
        let credential = Credential::Ticket { id, role: token.role };
        Ok(Some(Principal { workspace_id: token.workspace_id, name: token.principal, credential }))
    }

    /// A run's token is recognised as long as its claim is the run's last one; whether the claim
    /// still holds is asked by whatever the worker then does. The secrets of earlier claims are not
    /// kept: whoever names one learns that the run has gone on, and nothing else, so that a late
    /// worker is told to stop whether or not somebody has the run by now.
    async fn recognise_run(&self, parsed: &Parsed) -> Result<Option<Principal>, EngineError> {
        let Some((run_id, fence)) = parsed.id.rsplit_once('.') else { return Ok(None) };
        let Ok(fence) = fence.parse() else { return Ok(None) };
        let run_id = RunId::new(run_id);
        let Some(run) = self.parts.store.run(&run_id).await? else { return Ok(None) };
        if fence < run.fence {
            let reason = format!("it was claimed again since, {} times in all", run.fence);
            return Err(EngineError::LeaseLost { run_id: run_id.to_string(), reason });
        }
        let is_same = run.token_digest.as_ref().is_some_and(|digest| secret::is_same(digest, &parsed.digest()));
        if !is_same {
            return Ok(None);
        }
        let credential = Credential::Run { run_id, fence, digest: parsed.digest() };
        let name = run.worked_by.unwrap_or_else(|| "system.worker".to_owned());
        Ok(Some(Principal { workspace_id: run.workspace_id, name, credential }))
    }

    /// Whether the token a principal was recognised by has not ended since; a run's token ends with
    /// its lease. Costs no read more often than every [`CACHE_TTL`], but for a run's token one each time.
    ///
    /// # Errors
    /// Storage.
    pub async fn is_still_good(&self, principal: &Principal) -> Result<bool, EngineError> {
        let now = self.now();
        match &principal.credential {
            Credential::Token { id, .. } | Credential::Ticket { id, .. } => {
                Ok(self.cached_token(id).await?.is_some_and(|token| token.is_good(now)))
            }
            Credential::Run { run_id, fence, .. } => {
                let heads = self.parts.store.run_heads(std::slice::from_ref(run_id)).await?;
                let lease = heads.into_iter().find_map(|head| head.lease);
                Ok(lease.is_some_and(|lease| lease.fence == *fence && !lease.is_over(now)))
            }
            Credential::Owner => Ok(true),
        }
    }

    async fn cached_token(&self, id: &TokenId) -> Result<Option<Token>, EngineError> {
        let now = self.parts.clock.monotonic();
        let unseen = match self.parts.tokens.get(id, now) {
            Ok(token) => return Ok(token),
            Err(unseen) => unseen,
        };
        let token = self.parts.store.token(id).await?;
        self.parts.tokens.put(id.clone(), token.clone(), now, &unseen);
        Ok(token)
    }

    /// Notes that a token was used, now and then, and without making its user wait.
    fn note_use(&self, token: &Token, now: Timestamp) {
        let is_fresh = token.last_used_at.is_some_and(|at| now.millis_since(at) < USE_NOTED_EVERY_MS);
        if is_fresh {
            return;
        }
        let mut used = token.clone();
        let revision = used.revision;
        used.revision += 1;
        used.last_used_at = Some(now);
        self.parts.tokens.note(&used);
        let engine = self.clone();
        tokio::spawn(async move {
            let guards = vec![Guard::token(&used.id, Some(revision))];
            let unit = Unit { guards, writes: vec![Write::Token(used.clone())], ..Unit::default() };
            match engine.parts.store.commit(unit).await {
                Ok(_) => {}
                // Somebody changed it; what was remembered of it is not what is kept.
                Err(CommitError::Conflict { .. }) => engine.parts.tokens.forget(&used.id),
                Err(CommitError::Storage(error)) => tracing::debug!(%error, "a token's use was not noted"),
            }
        });
    }
}

/// A ticket's signature: whoever holds the token's digest, which is the host alone, can make it.
fn sign(token: &Token, ticket_id: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.secret_digest.as_str().as_bytes()) else {
        return String::new();
    };
    mac.update(b"ticket:");
    mac.update(ticket_id.as_bytes());
    secret::hexadecimal(&mac.finalize().into_bytes())
}

/// The principal of a new token, when everything about it is as it should be.
fn check_new(new: &NewToken) -> Result<String, FieldError> {
    let chars = new.name.chars().count();
    if new.name.trim().is_empty() || chars > NAME_MAX_CHARS || new.name.contains('\0') {
        let message = format!("has {chars} characters; 1 to {NAME_MAX_CHARS} are allowed, not only blanks");
        return Err(FieldError::new("name", message));
    }
    if let Some(ttl) = new.ttl_ms.filter(|ttl| !(TTL_MIN_MS..=TTL_MAX_MS).contains(ttl)) {
        let message = format!("is {ttl}; {TTL_MIN_MS} to {TTL_MAX_MS}, or leave it out for a token that does not end");
        return Err(FieldError::new("ttl_ms", message));
    }
    let Some(principal) = &new.principal else {
        let name: String =
            new.name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        let kind = if new.role == Role::Agent { "agent" } else { "user" };
        return Ok(format!("{kind}.{}", name.trim_matches('-')));
    };
    id::check(principal)
        .map_err(|error| FieldError::new("principal", format!("`{principal}` is not a principal: {error}")))?;
    if principal.starts_with("system.") {
        return Err(FieldError::new("principal", "begins with `system.`, which is the host's own"));
    }
    Ok(principal.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(revision: u64) -> Token {
        Token {
            id: TokenId::new("tok_1"),
            workspace_id: WorkspaceId::new("local"),
            name: "one".to_owned(),
            principal: "user.one".to_owned(),
            role: Role::Viewer,
            secret_digest: Digest::of(b"secret"),
            previous_digest: None,
            previous_ends_at: None,
            created_by: "test".to_owned(),
            created_at: Timestamp(1),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            revision,
        }
    }

    #[test]
    fn a_token_is_remembered_no_longer_than_it_is_sure_to_be_good() {
        let (cache, id, start) = (TokenCache::default(), TokenId::new("tok_1"), Duration::from_secs(1));
        let unseen = cache.get(&id, start).unwrap_err();
        cache.put(id.clone(), Some(token(1)), start, &unseen);
        let late = start + CACHE_TTL;
        assert_eq!(cache.get(&id, start + CACHE_TTL / 2).ok().flatten().unwrap().revision, 1);
        cache.note(&token(2));
        assert_eq!(cache.get(&id, start).ok().flatten().unwrap().revision, 2, "its use is noted");
        cache.note(&token(4));
        assert_eq!(cache.get(&id, start).ok().flatten().unwrap().revision, 2, "not of one that was changed");
        let unseen = cache.get(&id, late).expect_err("its use makes it no younger");

        // It is revoked while somebody reads it.
        cache.forget(&id);
        cache.put(id.clone(), Some(token(2)), late, &unseen);
        assert!(cache.get(&id, late).is_err(), "what was read before the change is not remembered");
    }
}
