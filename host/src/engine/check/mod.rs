//! Check before activation: what a component would have decided on what a workspace has recorded.
//!
//! The component is asked what the one of then was asked, and its answers are compared with what is recorded; nothing
//! is written, told or kept. Events of histories are [`missions`]', verdicts of gates [`verdicts`]', remembered texts
//! [`texts`]'; what is counted is [`tally`]'s, what is compared [`sides`]'. The board of a mission follows what was *recorded*
//! ([`super::replay`]), so that each event is judged by itself. Binding is [`super::workspaces`]'.

mod sides;
mod tally;
mod held;
mod missions;
mod verdicts;
mod texts;

pub use tally::CheckWatch;

pub(super) use held::{Checks, HeldComponent};
pub(super) use sides::{bounded, commands_side, found, fuel_of, is_slower, judged_same, text_side, verdict_side};

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use sluice_api::check::{CheckAsk, CheckReport, CheckRole};

use self::held::Held;
use self::tally::Tally;
use super::registry::{FoundPlugin, Selector};
use super::workspaces::Place;
use super::{Engine, EngineError};
use crate::domain::artifact::Digest;
use crate::domain::gate::GateName;
use crate::domain::id::WorkspaceId;
use crate::domain::plugin::{Binding, PluginFacts, PluginKind};
use crate::wire::{self, FieldError};

/// Records a component is tried on when nobody says how many.
const LAST_DEFAULT: u32 = 1_000;
/// Most records it is tried on.
const LAST_MAX: u32 = 10_000;
/// Differences that are told when nobody says how many.
const DIFFERENCES_DEFAULT: u32 = 20;
/// Most differences that are told: with the longest sides of each they fit a frame of a stream.
const DIFFERENCES_MAX: u32 = 200;
/// How long a check may take. What is known then is told.
const WALL: Duration = Duration::from_secs(30);
/// Most records that are tried side by side, however many cores there are.
const SIDE_BY_SIDE_MAX: usize = 16;

/// A component that is to be tried.
#[derive(Debug)]
pub enum Tried {
    /// One of the registry.
    Registered(Digest),
    /// One that somebody holds; it is compiled and called for the first time as an installed one is, and kept in
    /// memory for as long as the check takes.
    Given(Vec<u8>),
}

/// What a check was asked for, as far as it can be wrong by itself.
#[derive(Debug, Clone, Copy)]
struct Terms {
    kind: PluginKind,
    role: CheckRole,
    /// Of a gate.
    stage: GateName,
    last: u32,
    differences_max: usize,
}

/// A check that is about to be made. Dropping it, or its run, ends it.
pub struct PluginCheck {
    engine: Engine,
    workspace_id: WorkspaceId,
    binding: Binding,
    terms: Terms,
    tally: Arc<Tally>,
    held: Arc<Held>,
}

impl Engine {
    /// Makes a component ready to be tried, and takes the workspace's one place for it on this host.
    ///
    /// # Errors
    /// [`EngineError::Field`]; [`EngineError::CheckRunning`]; [`EngineError::NotFound`] for a component that is not
    /// registered; [`EngineError::PluginRefused`] for one that is given and not taken; [`EngineError::PluginUnfit`]
    /// when it decides something else or does not take the settings; [`EngineError::HostFault`]; storage.
    pub async fn prepare_check(
        &self,
        workspace_id: &WorkspaceId,
        tried: Tried,
        ask: &CheckAsk,
    ) -> Result<PluginCheck, EngineError> {
        let terms = Terms::of(ask)?;
        let tally = Arc::new(Tally::new(terms.differences_max));
        let mut held = Held::enter(&self.parts.checks, &self.parts.plugins, workspace_id)
            .ok_or_else(|| EngineError::CheckRunning { workspace_id: workspace_id.to_string() })?;
        let (facts, found) = match tried {
            Tried::Registered(digest) => {
                let found = self.find_plugin(&Selector::Digest(digest.clone())).await?;
                let found = found.ok_or_else(|| EngineError::NotFound { what: "plugin", id: digest.to_string() })?;
                self.have_component(&digest).await?;
                (found.facts.clone(), Some(found))
            }
            Tried::Given(bytes) => self.hold_given(bytes, &mut held).await?,
        };
        if facts.kind != terms.kind {
            let message = format!("`{}` is a {}, and a {} is wanted here", facts.label(), facts.kind, terms.kind);
            return Err(Place::member("role").unfit(message));
        }
        let settings = wire::json_of(&Value::Object(ask.settings.clone()));
        let binding = self.bind_component(&facts, settings, &Place::member("settings")).await?;
        self.note_signatures(workspace_id, found.as_ref(), &tally).await?;
        let (engine, workspace_id) = (self.clone(), workspace_id.clone());
        Ok(PluginCheck { engine, workspace_id, binding, terms, tally, held: Arc::new(held) })
    }

    /// Has a component at hand that nobody registered; or the registered one, should it be the same.
    async fn hold_given(
        &self,
        bytes: Vec<u8>,
        held: &mut Held,
    ) -> Result<(PluginFacts, Option<FoundPlugin>), EngineError> {
        let bytes = Arc::new(bytes);
        let facts = self.read_component(&bytes).await?;
        if let Some(found) = self.find_plugin(&Selector::Digest(facts.digest.clone())).await? {
            self.have_component(&facts.digest).await?;
            return Ok((facts, Some(found)));
        }
        held.keep(self.hold_component(&facts, bytes).await?);
        Ok((facts, None))
    }

    /// Says when the component could not be bound as the workspace stands.
    async fn note_signatures(
        &self,
        workspace_id: &WorkspaceId,
        found: Option<&FoundPlugin>,
        tally: &Tally,
    ) -> Result<(), EngineError> {
        let revision = self.workspace(workspace_id).await?;
        let is_trusted = match found {
            None => false,
            Some(found) => self.is_trusted(&found.facts.digest, &revision.trusted_keys).await?,
        };
        if revision.require_signatures && !is_trusted {
            tally.note("the workspace requires signatures, and no key it trusts signed this component".to_owned());
        }
        Ok(())
    }
}

impl Terms {
    fn of(ask: &CheckAsk) -> Result<Self, FieldError> {
        let kind = match ask.role {
            CheckRole::Reducer => PluginKind::Reducer,
            CheckRole::Gate => PluginKind::Gate,
            CheckRole::Scrubber => PluginKind::Scrubber,
        };
        let stage = match (&ask.stage, kind) {
            (None, _) => GateName::Review,
            (Some(name), PluginKind::Gate) => {
                name.parse::<GateName>().map_err(|error| FieldError::new("stage", format!("is no stage: {error}")))?
            }
            (Some(_), kind) => {
                return Err(FieldError::new("stage", format!("is given, and a {kind} has none; leave it out")));
            }
        };
        let last = ask.last.unwrap_or(LAST_DEFAULT);
        if !(1..=LAST_MAX).contains(&last) {
            return Err(FieldError::new("last", format!("is {last}; 1 to {LAST_MAX}")));
        }
        let differences = ask.differences_max.unwrap_or(DIFFERENCES_DEFAULT);
        if differences > DIFFERENCES_MAX {
            return Err(FieldError::new("differences_max", format!("is {differences}; at most {DIFFERENCES_MAX}")));
        }
        Ok(Self { kind, role: ask.role, stage, last, differences_max: differences as usize })
    }
}

impl PluginCheck {
    /// What tells how far it is, also while it runs.
    pub fn watch(&self) -> CheckWatch {
        CheckWatch(Arc::clone(&self.tally))
    }

    /// Tries the component, on all cores and for at most half a minute.
    ///
    /// # Errors
    /// Storage; [`EngineError::HostFault`] when this process is going down. What the host cannot try is left out,
    /// and said.
    ///
    /// *Cancellation*: safe; calls that are being made come to their own end.
    pub async fn run(self) -> Result<CheckReport, EngineError> {
        let started = self.engine.clock().monotonic();
        let stop = self.tally.stop_at_drop();
        let trying = async {
            match self.terms.kind {
                PluginKind::Reducer => self.try_events().await,
                PluginKind::Gate => self.try_verdicts().await,
                PluginKind::Scrubber => self.try_texts().await,
            }
        };
        if let Ok(tried) = tokio::time::timeout(WALL, trying).await {
            tried?;
        } else {
            self.tally.leave_incomplete();
            self.tally.note(format!("time ran out after {} s", WALL.as_secs()));
        }
        drop(stop);
        let took = self.engine.clock().monotonic().saturating_sub(started);
        Ok(self.tally.report(&self, u64::try_from(took.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// How many records are tried at the same time.
fn side_by_side() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(SIDE_BY_SIDE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(role: CheckRole) -> CheckAsk {
        let settings = serde_json::Map::new();
        CheckAsk { workspace_id: None, role, stage: None, settings, last: None, differences_max: None }
    }

    #[test]
    fn limits_hold_from_both_sides_and_say_so() {
        for (last, is_fine) in [(0, false), (1, true), (10_000, true), (10_001, false)] {
            let terms = Terms::of(&CheckAsk { last: Some(last), ..ask(CheckRole::Reducer) });
            assert_eq!(terms.is_ok(), is_fine, "{last}");
        }
        for (most, is_fine) in [(0, true), (200, true), (201, false)] {
            let terms = Terms::of(&CheckAsk { differences_max: Some(most), ..ask(CheckRole::Gate) });
            assert_eq!(terms.map_err(|error| error.field).err(), (!is_fine).then(|| "differences_max".to_owned()));
        }
        for (role, stage, is_fine) in [
            (CheckRole::Gate, "test", true),
            (CheckRole::Gate, "deploy", false),
            (CheckRole::Reducer, "review", false),
            (CheckRole::Scrubber, "review", false),
        ] {
            let terms = Terms::of(&CheckAsk { stage: Some(stage.to_owned()), ..ask(role) });
            assert_eq!(terms.is_ok(), is_fine, "{role:?} at {stage}");
        }
    }
}
