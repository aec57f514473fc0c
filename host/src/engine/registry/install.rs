//! Takes components into the registry: read, compiled and called for the first time before anybody can bind them.

use std::sync::Arc;

use serde_json::json;

use super::{FoundPlugin, Selector};
use crate::domain::artifact::Digest;
use crate::domain::audit::{AuditOutcome, NewAuditEntry};
use crate::domain::event_type::EventType;
use crate::domain::id::WorkspaceId;
use crate::domain::json::Json;
use crate::domain::plugin::{PluginFacts, PluginSignature, RegisteredPlugin, SIGNATURES_MAX};
use crate::engine::check::HeldComponent;
use crate::engine::ports::PluginRefusal;
use crate::engine::told::LogWriter;
use crate::engine::{Engine, EngineError};
use crate::signing;
use crate::store::{CommitError, Guard, Unit, Write};
use crate::wire::{self, FieldError};

/// Times it is tried again because others write the same row.
const ATTEMPTS_MAX: usize = 16;
/// Longest reason that the log tells of a component that was refused, in bytes.
const REASON_MAX_BYTES: usize = 2_048;

/// A component that somebody uploads.
#[derive(Debug)]
pub struct NewPlugin<'n> {
    /// The workspace of whoever does.
    pub workspace_id: &'n WorkspaceId,
    /// The name it is to have.
    pub name: &'n str,
    /// The version it is to have.
    pub version: &'n str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who stands behind it: public key and signature.
    pub signatures: Vec<(String, String)>,
    /// Who uploads it.
    pub actor: &'n str,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPlugin {
    /// The component.
    pub plugin: FoundPlugin,
    /// Whether it is new; it was there before otherwise.
    pub is_new: bool,
}

impl Engine {
    /// Takes a component into the registry. The same bytes again change nothing, but for what is stored of them where
    /// that was damaged; signatures they did not have yet are added.
    ///
    /// # Errors
    /// [`EngineError::PluginRefused`] when it is none, does not compile or falls through its first calls;
    /// [`EngineError::PluginTaken`] when name and version are those of other bytes; [`EngineError::Field`] when
    /// they are not its manifest's, or for a signature; [`EngineError::HostFault`]; storage.
    ///
    /// *Cancellation*: what has begun is carried out or not; the next call finds it.
    pub async fn install_plugin(&self, new: NewPlugin<'_>) -> Result<InstalledPlugin, EngineError> {
        let bytes: Arc<Vec<u8>> = Arc::new(new.bytes);
        let facts = self.read_component(&bytes).await?;
        check_name("name", &facts.name, new.name)?;
        check_name("version", &facts.version, new.version)?;
        let signatures = self.signatures(&new.signatures, &facts.digest, new.actor)?;
        if let Some(found) = self.present(&facts, &bytes, &signatures, new.workspace_id, new.actor).await? {
            return Ok(found);
        }
        let self_test = self.first_call(&facts, &bytes, new.workspace_id, new.actor).await?;
        self.parts.store.put_blob(&bytes).await?;
        for _ in 0..ATTEMPTS_MAX {
            if let Some(found) = self.present(&facts, &bytes, &signatures, new.workspace_id, new.actor).await? {
                return Ok(found);
            }
            let plugin = RegisteredPlugin {
                facts: facts.clone(),
                signatures: signatures.clone(),
                self_test: self_test.clone(),
                installed_in: new.workspace_id.clone(),
                installed_by: new.actor.to_owned(),
                installed_at: self.now(),
                revision: 1,
            };
            let mut unit =
                self.told_of(&plugin.facts, new.workspace_id, new.actor, "plugin.install", &signed_by(&plugin));
            unit.guards.push(Guard::plugin(&facts.name, &facts.version, None));
            unit.writes.push(Write::Plugin(Box::new(plugin.clone())));
            match self.parts.store.commit(unit).await {
                Ok(_) => return Ok(InstalledPlugin { plugin: plugin.into(), is_new: true }),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    /// What a component says of itself, if it is one that could be taken.
    ///
    /// # Errors
    /// [`EngineError::PluginRefused`]; [`EngineError::HostFault`].
    pub(in crate::engine) async fn read_component(&self, bytes: &Arc<Vec<u8>>) -> Result<PluginFacts, EngineError> {
        let (plugins, given) = (Arc::clone(&self.parts.plugins), Arc::clone(bytes));
        let read = tokio::task::spawn_blocking(move || plugins.read(&given)).await.map_err(ending)?;
        read.map_err(refused)
    }

    /// Compiles and calls a component as an install does, and keeps it in memory alone.
    ///
    /// # Errors
    /// [`EngineError::PluginRefused`], of which nobody is told; [`EngineError::HostFault`].
    pub(in crate::engine) async fn hold_component(
        &self,
        facts: &PluginFacts,
        bytes: Arc<Vec<u8>>,
    ) -> Result<HeldComponent, EngineError> {
        let _turn =
            self.parts.installing.0.acquire().await.map_err(|error| EngineError::HostFault(error.to_string()))?;
        let (plugins, digest) = (Arc::clone(&self.parts.plugins), facts.digest.clone());
        let bytes = Arc::unwrap_or_clone(bytes);
        let held = tokio::task::spawn_blocking(move || HeldComponent::hold(plugins, digest, bytes));
        held.await.map_err(ending)?.map_err(refused)
    }

    /// The component, when it is there already, with what `signatures` add to it. Its bytes are put again whatever
    /// this host remembers of them: that is how somebody mends what was damaged.
    async fn present(
        &self,
        facts: &PluginFacts,
        bytes: &[u8],
        signatures: &[PluginSignature],
        workspace_id: &WorkspaceId,
        actor: &str,
    ) -> Result<Option<InstalledPlugin>, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let named = Selector::Version(facts.name.clone(), facts.version.clone());
            let Some(found) = self.find_plugin(&named).await? else { return Ok(None) };
            if found.facts.digest != facts.digest {
                return Err(EngineError::PluginTaken { plugin: facts.label(), digest: found.facts.digest.to_string() });
            }
            self.parts.store.put_blob(bytes).await?;
            let Some(mut plugin) = found.registered.clone() else {
                return Ok(Some(InstalledPlugin { plugin: found, is_new: false }));
            };
            let is_known = |key: &str| plugin.signatures.iter().any(|known| known.key == key);
            let added: Vec<_> = signatures.iter().filter(|new| !is_known(&new.key)).cloned().collect();
            if added.is_empty() {
                return Ok(Some(InstalledPlugin { plugin: found, is_new: false }));
            }
            plugin.signatures.extend(added);
            check_count(plugin.signatures.len())?;
            let guard = Guard::plugin(&facts.name, &facts.version, Some(plugin.revision));
            plugin.revision += 1;
            let mut unit = self.told_of(facts, workspace_id, actor, "plugin.sign", &signed_by(&plugin));
            unit.events.clear();
            unit.guards.push(guard);
            unit.writes.push(Write::Plugin(Box::new(plugin.clone())));
            match self.parts.store.commit(unit).await {
                Ok(_) => return Ok(Some(InstalledPlugin { plugin: plugin.into(), is_new: false })),
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    /// Has the component compiled and called; a refusal is told of.
    async fn first_call(
        &self,
        facts: &PluginFacts,
        bytes: &Arc<Vec<u8>>,
        workspace_id: &WorkspaceId,
        actor: &str,
    ) -> Result<Json, EngineError> {
        let _turn =
            self.parts.installing.0.acquire().await.map_err(|error| EngineError::HostFault(error.to_string()))?;
        let (plugins, given) = (Arc::clone(&self.parts.plugins), Arc::clone(bytes));
        let called = tokio::task::spawn_blocking(move || plugins.first_call(given.to_vec())).await.map_err(ending)?;
        match called {
            Ok(self_test) => Ok(self_test),
            Err(refusal) => {
                if !refusal.is_host_fault {
                    self.tell_refused(facts, &refusal, workspace_id, actor).await;
                }
                Err(refused(refusal))
            }
        }
    }

    /// Tells of a component that was refused. Should that fail, the refusal stands all the same.
    async fn tell_refused(
        &self,
        facts: &PluginFacts,
        refusal: &PluginRefusal,
        workspace_id: &WorkspaceId,
        actor: &str,
    ) {
        let reason = &refusal.message[..refusal.message.floor_char_boundary(REASON_MAX_BYTES)];
        // A component's own words, and no database takes U+0000 in a text.
        let reason = reason.replace('\0', "\u{fffd}");
        let told = json!({
            "name": facts.name,
            "version": facts.version,
            "kind": facts.kind.as_str(),
            "digest": facts.digest.as_str(),
            "stage": refusal.stage,
            "reason": reason,
        });
        let mut unit = self.told_as(EventType::PluginFailed, &told, workspace_id, actor);
        unit.audit.push(NewAuditEntry {
            workspace_id: workspace_id.clone(),
            at: self.now(),
            actor: actor.to_owned(),
            action: "plugin.install".to_owned(),
            resource: format!("plugin/{}", facts.digest),
            outcome: AuditOutcome::Denied,
            detail: wire::json_of(&told),
        });
        if let Err(error) = self.parts.store.commit(unit).await {
            tracing::warn!(%error, plugin = facts.label(), "a plugin that was refused is not told of");
        }
    }

    /// A unit that tells of a component and holds it for the audit.
    pub(super) fn told_of(
        &self,
        facts: &PluginFacts,
        workspace_id: &WorkspaceId,
        actor: &str,
        action: &str,
        signed_by: &[&str],
    ) -> Unit {
        let told = json!({
            "name": facts.name,
            "version": facts.version,
            "kind": facts.kind.as_str(),
            "digest": facts.digest.as_str(),
            "size": facts.size,
            "signed_by": signed_by,
        });
        let event = if action == "plugin.remove" { EventType::PluginRemoved } else { EventType::PluginInstalled };
        let mut unit = self.told_as(event, &told, workspace_id, actor);
        unit.audit.push(NewAuditEntry {
            workspace_id: workspace_id.clone(),
            at: self.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            resource: format!("plugin/{}", facts.digest),
            outcome: AuditOutcome::Done,
            detail: wire::json_of(&told),
        });
        unit
    }

    fn told_as(&self, event: EventType, told: &serde_json::Value, workspace_id: &WorkspaceId, actor: &str) -> Unit {
        let mut log = LogWriter::of_workspace(self, workspace_id, None, actor, self.now());
        log.plugin(event, told);
        Unit { events: log.into_events(), ..Unit::default() }
    }

    fn signatures(
        &self,
        given: &[(String, String)],
        digest: &Digest,
        actor: &str,
    ) -> Result<Vec<PluginSignature>, FieldError> {
        check_count(given.len())?;
        let mut signatures: Vec<PluginSignature> = Vec::with_capacity(given.len());
        for (key, signature) in given {
            signing::verify(key, signature, digest)
                .map_err(|problem| FieldError::new("Sluice-Signature", problem.to_string()))?;
            if signatures.iter().any(|known| known.key == *key) {
                continue;
            }
            signatures.push(PluginSignature {
                key: key.clone(),
                signature: signature.clone(),
                added_by: actor.to_owned(),
                added_at: self.now(),
            });
        }
        Ok(signatures)
    }
}

fn check_name(member: &str, found: &str, wanted: &str) -> Result<(), FieldError> {
    if found == wanted {
        return Ok(());
    }
    let message = format!("is `{wanted}` in the path, and the manifest says `{found}`; they have to be the same");
    Err(FieldError::new(member, message))
}

fn check_count(count: usize) -> Result<(), FieldError> {
    if count <= SIGNATURES_MAX {
        return Ok(());
    }
    Err(FieldError::new("Sluice-Signature", format!("would make {count} signatures; at most {SIGNATURES_MAX}")))
}

fn signed_by(plugin: &RegisteredPlugin) -> Vec<&str> {
    plugin.signatures.iter().map(|signature| signature.key.as_str()).collect()
}

fn refused(refusal: PluginRefusal) -> EngineError {
    let PluginRefusal { stage, message, is_host_fault } = refusal;
    if is_host_fault { EngineError::HostFault(message) } else { EngineError::PluginRefused { stage, message } }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn ending(error: tokio::task::JoinError) -> EngineError {
    EngineError::HostFault(error.to_string())
}
