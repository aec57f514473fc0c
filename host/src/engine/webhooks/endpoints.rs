//! Endpoints: addresses by name, written by operators.

use serde_json::{Value, json};

use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{ENDPOINTS_MAX, NAME_MAX_BYTES, Secret, WebhookEndpoint, is_name};
use crate::engine::ports::Address;
use crate::engine::{Engine, EngineError};
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire::{self, FieldError};

/// Times a change is tried that others keep coming before.
const ATTEMPTS_MAX: usize = 16;

/// What an endpoint is to be. What is not asked for stays as it is.
#[derive(Clone)]
pub struct WebhookChange<'c> {
    /// Whose.
    pub workspace_id: &'c WorkspaceId,
    /// Its name.
    pub name: &'c str,
    /// Where to; needed for one that is not there yet.
    pub url: Option<&'c str>,
    /// What deliveries are signed with.
    pub secret: Option<&'c str>,
    /// Whether a secret is made in place of the one there is.
    pub is_new_secret: bool,
    /// Whether anything is delivered.
    pub is_enabled: Option<bool>,
    /// Only at this revision; 0: only if it is not there.
    pub if_revision: Option<u64>,
    /// Who changes it.
    pub actor: &'c str,
}

impl Engine {
    /// The endpoint of this name.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; storage.
    pub async fn webhook(&self, workspace_id: &WorkspaceId, name: &str) -> Result<WebhookEndpoint, EngineError> {
        // A text with U+0000 is no name, and no question for a database.
        let found = if is_name(name) { self.parts.store.webhook(workspace_id, name).await? } else { None };
        found.filter(WebhookEndpoint::is_there).ok_or_else(|| not_found(name))
    }

    /// Writes an endpoint. The answer says whether its secret was made now: told this once.
    ///
    /// # Errors
    /// [`EngineError::Field`]; [`EngineError::Revision`]; [`EngineError::Contended`]; storage.
    pub async fn set_webhook(&self, change: WebhookChange<'_>) -> Result<(WebhookEndpoint, bool), EngineError> {
        check_name(change.name)?;
        let given = change.secret.map(secret_of).transpose()?;
        if given.is_some() && change.is_new_secret {
            return Err(FieldError::new("new_secret", "is said beside `secret`; leave one of them out").into());
        }
        let address = change.url.map(|url| self.address_of(url)).transpose()?;
        for _ in 0..ATTEMPTS_MAX {
            let row = self.parts.store.webhook(change.workspace_id, change.name).await?;
            let before = row.as_ref().filter(|endpoint| endpoint.is_there());
            check_revision(change.if_revision, before)?;
            if before.is_none() {
                self.check_room(change.workspace_id).await?;
            }
            let kept = before.map(|endpoint| endpoint.secret.clone()).filter(|_| !change.is_new_secret);
            let (secret, is_made) = match given.clone().or(kept) {
                Some(secret) => (secret, false),
                None => (new_secret(), true),
            };
            let revision = row.as_ref().map_or(0, |row| row.revision) + 1;
            let endpoint = endpoint_of(&change, before, address.clone(), secret, revision, self.now())?;
            if self.write_webhook(&endpoint, row.map(|row| row.revision), "webhook.write").await? {
                return Ok((endpoint, is_made));
            }
        }
        Err(EngineError::Contended)
    }

    /// Deletes an endpoint; what was to be delivered there is given up at its next attempt. Answers the revision
    /// of the deletion.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Revision`]; [`EngineError::Contended`]; storage.
    pub async fn delete_webhook(
        &self,
        workspace_id: &WorkspaceId,
        name: &str,
        if_revision: Option<u64>,
        actor: &str,
    ) -> Result<u64, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let before = self.webhook(workspace_id, name).await?;
            check_revision(if_revision, Some(&before))?;
            let now = self.now();
            let gone = WebhookEndpoint {
                url: String::new(),
                origin: String::new(),
                secret: Secret::none(),
                is_enabled: false,
                deleted_at: Some(now),
                updated_by: actor.to_owned(),
                updated_at: now,
                revision: before.revision + 1,
                ..before
            };
            if self.write_webhook(&gone, Some(gone.revision - 1), "webhook.delete").await? {
                return Ok(gone.revision);
            }
        }
        Err(EngineError::Contended)
    }

    /// Writes one revision of an endpoint; false when somebody came before.
    async fn write_webhook(
        &self,
        endpoint: &WebhookEndpoint,
        before: Option<u64>,
        action: &str,
    ) -> Result<bool, EngineError> {
        let unit = Unit {
            guards: vec![Guard::webhook(&endpoint.workspace_id, &endpoint.name, before)],
            writes: vec![Write::Webhook(Box::new(endpoint.clone()))],
            audit: vec![NewAuditEntry {
                workspace_id: endpoint.workspace_id.clone(),
                at: endpoint.updated_at,
                actor: endpoint.updated_by.clone(),
                action: action.to_owned(),
                resource: format!("webhook/{}", endpoint.name),
                outcome: AuditOutcome::Done,
                detail: wire::json_of(&told(endpoint)),
            }],
            ..Unit::default()
        };
        match self.parts.store.commit(unit).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict { .. }) => Ok(false),
            Err(CommitError::Storage(error)) => Err(error.into()),
        }
    }

    fn address_of(&self, url: &str) -> Result<Address, EngineError> {
        let nobody = "cannot be reached from this host, which delivers no webhooks; install the certificates of public \
                      authorities and start it again";
        let postman = self.postman().ok_or_else(|| FieldError::new("url", nobody))?;
        Ok(postman.address(url).map_err(|problem| FieldError::new("url", problem))?)
    }

    async fn check_room(&self, workspace_id: &WorkspaceId) -> Result<(), EngineError> {
        let there = self.parts.store.webhooks(workspace_id, None, ENDPOINTS_MAX).await?;
        if there.len() < ENDPOINTS_MAX as usize {
            return Ok(());
        }
        let message = format!("is the name of one more than the {ENDPOINTS_MAX} that a workspace may have; delete one");
        Err(FieldError::new("name", message).into())
    }
}

/// What the audit keeps of an endpoint: neither its secret nor its path, which is often one too.
fn told(endpoint: &WebhookEndpoint) -> Value {
    json!({
        "revision": endpoint.revision,
        "origin": endpoint.origin,
        "address_revision": endpoint.address_revision,
        "is_enabled": endpoint.is_enabled,
    })
}

fn endpoint_of(
    change: &WebhookChange<'_>,
    before: Option<&WebhookEndpoint>,
    address: Option<Address>,
    secret: Secret,
    revision: u64,
    now: Timestamp,
) -> Result<WebhookEndpoint, FieldError> {
    let kept = before.map(|before| (Address::of_row(before), before.address_revision));
    let (address, address_revision) = match (address, kept) {
        (Some(address), Some((kept, of))) if kept.url == address.url => (kept, of),
        (Some(address), _) => (address, revision),
        (None, Some(kept)) => kept,
        (None, None) => {
            let message = "is missing, and there is no such endpoint yet; say where it posts to";
            return Err(FieldError::new("url", message));
        }
    };
    Ok(WebhookEndpoint {
        workspace_id: change.workspace_id.clone(),
        name: change.name.to_owned(),
        url: address.url,
        origin: address.origin,
        secret,
        is_enabled: change.is_enabled.or(before.map(|before| before.is_enabled)).unwrap_or(true),
        deleted_at: None,
        address_revision,
        updated_by: change.actor.to_owned(),
        updated_at: now,
        revision,
    })
}

fn not_found(name: &str) -> EngineError {
    EngineError::NotFound { what: "webhook", id: name.to_owned() }
}

/// Absence is revision 0, whatever the number of the row that a deletion left.
fn check_revision(expected: Option<u64>, before: Option<&WebhookEndpoint>) -> Result<(), EngineError> {
    let current = before.map_or(0, |before| before.revision);
    match expected.filter(|expected| *expected != current) {
        Some(expected) => Err(EngineError::Revision { expected, current }),
        None => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), FieldError> {
    if is_name(name) {
        return Ok(());
    }
    let message = format!("is not 1 to {NAME_MAX_BYTES} of a-z, 0-9, `_` and `-`, beginning with a letter or digit");
    Err(FieldError::new("name", message))
}

fn secret_of(text: &str) -> Result<Secret, FieldError> {
    let wrong =
        || FieldError::new("secret", "is not `whsec_` and the base64 of 24 to 64 bytes; leave it out to get one");
    Secret::parse(text).ok_or_else(wrong)
}

/// # Panics
/// When the operating system has no randomness, without which no secret is one.
fn new_secret() -> Secret {
    let mut bytes = [0_u8; 32];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system has no randomness: {error}");
    }
    Secret::of_bytes(&bytes)
}
