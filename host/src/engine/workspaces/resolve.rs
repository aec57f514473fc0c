//! Judges what somebody wants to bind: whether each component is there, decides what it is to decide, takes its
//! settings, and is signed where that is required.

use std::sync::Arc;

use serde_json::Value;

use sluice_api::workspace::{BindingAsk, BindingsAsk, ReducerAsk, ScrubberAsk, StageAsk, StageMode};

use crate::domain::artifact::Digest;
use crate::domain::gate::GateName;
use crate::domain::json::Json;
use crate::domain::plugin::{Binding, PluginFacts, PluginKind, RegisteredPlugin};
use crate::domain::shadow::{Shadow, ShadowRole};
use crate::domain::workspace::{Canary, Required, STAGE_GATES_MAX, Stage, WorkspaceBindings};
use crate::engine::ports::BindRefusal;
use crate::engine::registry::{FoundPlugin, Selector};
use crate::engine::{Engine, EngineError};
use crate::signing;
use crate::wire;

/// Where something stands in a request.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Place {
    /// As a path: `bindings.gates.review.gates[0]`.
    field: String,
    /// As a JSON pointer (RFC 6901).
    pointer: String,
}

impl Place {
    /// A member of the request.
    pub(in crate::engine) fn member(name: &str) -> Self {
        Self { field: name.to_owned(), pointer: format!("/{name}") }
    }

    fn below(&self, name: &str) -> Self {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        Self { field: format!("{}.{name}", self.field), pointer: format!("{}/{escaped}", self.pointer) }
    }

    fn at(&self, index: usize) -> Self {
        Self { field: format!("{}[{index}]", self.field), pointer: format!("{}/{index}", self.pointer) }
    }

    /// What stands here cannot be bound.
    pub(in crate::engine) fn unfit(&self, message: impl Into<String>) -> EngineError {
        EngineError::PluginUnfit { field: self.field.clone(), pointer: self.pointer.clone(), message: message.into() }
    }
}

/// What was asked for, judged.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) bindings: WorkspaceBindings,
    /// The registry's rows of it, each once.
    pub(super) rows: Vec<RegisteredPlugin>,
}

impl Resolved {
    fn note(&mut self, found: FoundPlugin) {
        if let Some(row) = found.registered
            && self.rows.iter().all(|known| known.facts.digest != row.facts.digest)
        {
            self.rows.push(row);
        }
    }
}

/// Whose components may be bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trust<'t> {
    pub(super) is_required: bool,
    pub(super) keys: &'t [String],
}

impl Engine {
    /// Judges what a request wants to bind.
    ///
    /// # Errors
    /// [`EngineError::PluginUnfit`] and [`EngineError::PluginUnsigned`] with the first thing that is wrong;
    /// [`EngineError::HostFault`]; storage.
    pub(super) async fn resolve(&self, ask: &BindingsAsk, trust: Trust<'_>) -> Result<Resolved, EngineError> {
        let mut resolved = Resolved::default();
        let root = Place::member("bindings");
        if let Some(ask) = &ask.reducer {
            self.resolve_reducer(ask, &root.below("reducer"), trust, &mut resolved).await?;
        }
        for (name, ask) in &ask.gates {
            let place = root.below("gates").below(name);
            self.resolve_stage(name, ask, &place, trust, &mut resolved).await?;
        }
        if let Some(ask) = &ask.scrubber {
            self.resolve_scrubber(ask, &root.below("scrubber"), trust, &mut resolved).await?;
        }
        Ok(resolved)
    }

    async fn resolve_reducer(
        &self,
        ask: &ReducerAsk,
        place: &Place,
        trust: Trust<'_>,
        resolved: &mut Resolved,
    ) -> Result<(), EngineError> {
        let component = ask.component();
        if is_named(&component, ask.canary.is_some() || ask.shadow.is_some(), place)? {
            let binding = self.resolve_one(&component, PluginKind::Reducer, place, trust, resolved).await?;
            resolved.bindings.reducer = Some(binding);
        }
        if let Some(ask) = &ask.canary {
            let place = place.below("canary");
            let share_percent = ask.share_percent;
            if !(1..=100).contains(&share_percent) {
                return Err(place.below("share_percent").unfit(format!("is {share_percent}; 1 to 100")));
            }
            let binding = self.resolve_one(&ask.component(), PluginKind::Reducer, &place, trust, resolved).await?;
            if resolved.bindings.reducer.as_ref() == Some(&binding) {
                return Err(place.unfit("is the reducer itself, with the same settings; leave it out"));
            }
            resolved.bindings.canary = Some(Canary { binding, share_percent });
        }
        self.resolve_shadow(ask.shadow.as_ref(), ShadowRole::Reducer, place, trust, resolved).await
    }

    async fn resolve_scrubber(
        &self,
        ask: &ScrubberAsk,
        place: &Place,
        trust: Trust<'_>,
        resolved: &mut Resolved,
    ) -> Result<(), EngineError> {
        let component = ask.component();
        if is_named(&component, ask.shadow.is_some(), place)? {
            let binding = self.resolve_one(&component, PluginKind::Scrubber, place, trust, resolved).await?;
            resolved.bindings.scrubber = Some(binding);
        }
        self.resolve_shadow(ask.shadow.as_ref(), ShadowRole::Scrubber, place, trust, resolved).await
    }

    async fn resolve_stage(
        &self,
        name: &str,
        ask: &StageAsk,
        place: &Place,
        trust: Trust<'_>,
        resolved: &mut Resolved,
    ) -> Result<(), EngineError> {
        let name: GateName = name.parse().map_err(|error| place.unfit(format!("is no stage: {error}")))?;
        if let Some(asks) = &ask.gates {
            if asks.len() > STAGE_GATES_MAX {
                return Err(place.unfit(format!("has {} gates; at most {STAGE_GATES_MAX}", asks.len())));
            }
            let required = required(ask, asks.len(), place)?;
            let mut gates: Vec<Binding> = Vec::with_capacity(asks.len());
            for (index, ask) in asks.iter().enumerate() {
                let place = place.below("gates").at(index);
                let binding = self.resolve_one(ask, PluginKind::Gate, &place, trust, resolved).await?;
                if gates.contains(&binding) {
                    return Err(place.unfit("stands twice, with the same settings; it has one voice"));
                }
                gates.push(binding);
            }
            if gates.is_empty() && ask.shadow.is_some() {
                return Err(place.below("shadow").unfit("stands beside a stage that is left out; nothing is judged"));
            }
            resolved.bindings.stages.push(Stage { name, required, gates });
        } else if ask.shadow.is_none() {
            return Err(place.below("gates").unfit("is missing; say which gates, or none to leave the stage out"));
        } else if ask.mode != StageMode::All || ask.quorum.is_some() {
            return Err(place.below("mode").unfit("stands without gates; say which ones are meant"));
        }
        self.resolve_shadow(ask.shadow.as_ref(), ShadowRole::of_stage(name), place, trust, resolved).await
    }

    /// Judges what is to decide in shadow in a role, whose own binding stands at `place`.
    async fn resolve_shadow(
        &self,
        ask: Option<&BindingAsk>,
        role: ShadowRole,
        place: &Place,
        trust: Trust<'_>,
        resolved: &mut Resolved,
    ) -> Result<(), EngineError> {
        let Some(ask) = ask else { return Ok(()) };
        let kind = match role {
            ShadowRole::Reducer => PluginKind::Reducer,
            ShadowRole::Review | ShadowRole::Test => PluginKind::Gate,
            ShadowRole::Scrubber => PluginKind::Scrubber,
        };
        let binding = self.resolve_one(ask, kind, &place.below("shadow"), trust, resolved).await?;
        resolved.bindings.shadows.push(Shadow { role, binding });
        Ok(())
    }

    async fn resolve_one(
        &self,
        ask: &BindingAsk,
        kind: PluginKind,
        place: &Place,
        trust: Trust<'_>,
        resolved: &mut Resolved,
    ) -> Result<Binding, EngineError> {
        let selector = selector(ask, place)?;
        let found = self.find_plugin(&selector).await?;
        let found = found.ok_or_else(|| {
            place.unfit(format!("there is no plugin `{selector}`; `GET /plugins` lists those there are"))
        })?;
        check_same(ask, &found.facts, place)?;
        let settings = wire::json_of(&Value::Object(ask.settings.clone()));
        let binding = self.bind_found(&found, kind, settings, place, trust).await?;
        resolved.note(found);
        Ok(binding)
    }

    /// Judges what was bound once.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub(super) async fn resolve_again(
        &self,
        before: &WorkspaceBindings,
        place: &Place,
        trust: Trust<'_>,
    ) -> Result<Resolved, EngineError> {
        let mut resolved = Resolved { bindings: before.clone(), rows: Vec::new() };
        for (role, binding) in before.all() {
            let found = self.find_plugin(&Selector::Digest(binding.digest.clone())).await?;
            let found = found.ok_or_else(|| {
                place.unfit(format!("its {role} {} ({}) was removed since", binding.label(), binding.digest))
            })?;
            self.bind_found(&found, found.facts.kind, binding.settings.clone(), place, trust).await?;
            resolved.note(found);
        }
        Ok(resolved)
    }

    async fn bind_found(
        &self,
        found: &FoundPlugin,
        kind: PluginKind,
        settings: Json,
        place: &Place,
        trust: Trust<'_>,
    ) -> Result<Binding, EngineError> {
        let label = found.facts.label();
        if found.facts.kind != kind {
            return Err(place.unfit(format!("`{label}` is a {}, and a {kind} is wanted here", found.facts.kind)));
        }
        let is_signed = found.registered.as_ref().is_none_or(|row| is_signed(row, trust.keys));
        if trust.is_required && !is_signed {
            return Err(EngineError::PluginUnsigned { field: place.field.clone(), plugin: label });
        }
        let digest = found.facts.digest.clone();
        self.have_component(&digest).await?;
        self.bind_component(&found.facts, settings, &place.below("settings")).await
    }

    /// Binds settings, which stand at `place`, to a component that is at hand.
    ///
    /// # Errors
    /// [`EngineError::PluginUnfit`]; [`EngineError::HostFault`].
    pub(in crate::engine) async fn bind_component(
        &self,
        facts: &PluginFacts,
        settings: Json,
        place: &Place,
    ) -> Result<Binding, EngineError> {
        let (label, digest, kind) = (facts.label(), facts.digest.clone(), facts.kind);
        let plugins = Arc::clone(&self.parts.plugins);
        let bound = tokio::task::spawn_blocking(move || plugins.bind_pinned(&digest, kind, &settings)).await;
        let bound = bound.map_err(|error| EngineError::HostFault(error.to_string()))?;
        bound.map_err(|refusal| match refusal {
            BindRefusal::WrongKind(found) => place.unfit(format!("`{label}` is a {found}, and no {kind}")),
            BindRefusal::Settings(problems) => {
                let pointer = problems.first().map(|(pointer, _)| pointer.clone()).unwrap_or_default();
                let told: Vec<String> =
                    problems.iter().map(|(pointer, problem)| format!("at `{pointer}`: {problem}")).collect();
                EngineError::PluginUnfit {
                    field: place.field.clone(),
                    pointer: format!("{}{pointer}", place.pointer),
                    message: format!("do not fit `{label}`: {}", told.join("; ")),
                }
            }
            BindRefusal::Refused(reason) => place.unfit(format!("`{label}` refuses them: {reason}")),
            BindRefusal::HostFault(message) => EngineError::HostFault(message),
        })
    }

    /// Whether a component comes with the host, or one of `keys` signed it.
    pub(in crate::engine) async fn is_trusted(&self, digest: &Digest, keys: &[String]) -> Result<bool, EngineError> {
        let found = self.find_plugin(&Selector::Digest(digest.clone())).await?;
        Ok(found.is_some_and(|found| found.registered.is_none_or(|row| is_signed(&row, keys))))
    }
}

/// Whether one of `keys` signed it. What the row says is verified and not believed.
fn is_signed(row: &RegisteredPlugin, keys: &[String]) -> bool {
    row.signatures.iter().any(|signature| {
        keys.contains(&signature.key)
            && signing::verify(&signature.key, &signature.signature, &row.facts.digest).is_ok()
    })
}

/// Whether a binding names a component. It may name none where something is bound beside what the host brings.
fn is_named(component: &BindingAsk, has_beside: bool, place: &Place) -> Result<bool, EngineError> {
    if component.names_one() || !has_beside {
        return Ok(true);
    }
    if component.settings.is_empty() {
        return Ok(false);
    }
    Err(place.below("settings").unfit("stand without a component; say whose they are"))
}

fn required(ask: &StageAsk, count: usize, place: &Place) -> Result<Required, EngineError> {
    let most = u32::try_from(count).unwrap_or(u32::MAX);
    match (ask.mode, ask.quorum) {
        (StageMode::All, None) => Ok(Required::All),
        (StageMode::Any, None) if count > 0 => Ok(Required::Any),
        (StageMode::Quorum, Some(needed)) if (1..=most).contains(&needed) => Ok(Required::Quorum(needed)),
        (StageMode::Quorum, Some(needed)) => {
            Err(place.below("quorum").unfit(format!("is {needed} of {count} gates; 1 to {count}")))
        }
        (StageMode::Quorum, None) => Err(place.below("quorum").unfit("is missing; the mode is `quorum`")),
        (_, Some(_)) => Err(place.below("quorum").unfit("stands with another mode than `quorum`; leave it out")),
        (StageMode::Any, None) => Err(place.below("gates").unfit("is empty, and one of them has to pass")),
    }
}

fn selector(ask: &BindingAsk, place: &Place) -> Result<Selector, EngineError> {
    if let Some(text) = &ask.digest {
        let digest = Digest::parse(text);
        let wrong = || place.below("digest").unfit("is no SHA-256: 64 lower-case hexadecimal digits");
        return Ok(Selector::Digest(digest.ok_or_else(wrong)?));
    }
    match (&ask.plugin, &ask.name, &ask.version) {
        (Some(text), ..) => Ok(Selector::parse(text)),
        (None, Some(name), Some(version)) => Ok(Selector::Version(name.clone(), version.clone())),
        (None, Some(name), None) => Ok(Selector::Name(name.clone())),
        (None, None, _) => Err(place.unfit("names no component; say `digest`, `name` and `version`, or `plugin`")),
    }
}

/// What is said beside what the component was found by has to be true of it.
fn check_same(ask: &BindingAsk, facts: &PluginFacts, place: &Place) -> Result<(), EngineError> {
    let is_it = |selector: Selector| match selector {
        Selector::Digest(digest) => digest == facts.digest,
        Selector::Version(name, version) => name == facts.name && version == facts.version,
        Selector::Name(name) => name == facts.name,
    };
    let differs = ask.name.as_ref().is_some_and(|name| *name != facts.name)
        || ask.version.as_ref().is_some_and(|version| *version != facts.version)
        || ask.plugin.as_ref().is_some_and(|text| !is_it(Selector::parse(text)));
    if !differs {
        return Ok(());
    }
    Err(place.unfit(format!("names different components: {} is `{}`", facts.digest, facts.label())))
}
