//! What a workspace binds, as it is asked for: from arguments, and from what it binds already.

use std::process::ExitCode;

use serde_json::{Map, Value};
use sluice_api::mission::BindingView;
use sluice_api::workspace::{
    BindingAsk, BindingsAsk, BoundView, CanaryAsk, CanaryView, ReducerAsk, RoleView, ScrubberAsk, StageAsk, StageView,
    WorkspacePut,
};

use super::look;
use crate::cli::connect::{Access, OfWorkspace};
use crate::cli::exit::Failure;

/// What changes take that change one thing of what is bound.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct OneChange {
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only if this is the newest revision; 0: only if nothing was ever bound
    #[arg(long, value_name = "REV")]
    if_rev: Option<u64>,
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

impl OneChange {
    /// Binds what `change` makes of what is bound, unless somebody else binds something meanwhile.
    pub(super) async fn make(
        &self,
        change: impl FnOnce(&mut BindingsAsk) -> Result<(), Failure>,
    ) -> Result<ExitCode, Failure> {
        let connection = self.common.connect(Access::Write).await?;
        let before = connection.client.workspace(&self.common.workspace).await?.bound;
        let mut bindings = asked_again(&before.bindings);
        change(&mut bindings)?;
        let put = WorkspacePut {
            bindings: Some(bindings),
            note: self.note.clone(),
            if_match_rev: self.if_rev.or(Some(before.revision)),
            ..WorkspacePut::default()
        };
        let changed = connection.client.change_workspace(&self.common.workspace, &put).await?;
        look::changed(&changed, self.common.json)
    }

    /// The workspace, in words.
    pub(super) fn workspace(&self) -> &str {
        &self.common.workspace
    }
}

/// `PLUGIN` or `PLUGIN={"setting": ...}`.
pub(super) fn binding(flag: &str, given: &str) -> Result<BindingAsk, Failure> {
    let (plugin, settings) = match given.split_once('=') {
        None => (given, Map::new()),
        Some((plugin, text)) => {
            let read = serde_json::from_str(text);
            let wrong =
                |error| Failure::bad_input(format!("{flag} {plugin}: its settings are no JSON object: {error}"));
            (plugin, read.map_err(wrong)?)
        }
    };
    Ok(BindingAsk { plugin: Some(plugin.to_owned()), settings, ..BindingAsk::default() })
}

/// What is bound, as it is asked for.
pub(super) fn asked_again(bound: &BoundView) -> BindingsAsk {
    let stage = |stage: &StageView| StageAsk {
        mode: stage.mode,
        quorum: stage.quorum,
        gates: stage.gates.as_ref().map(|gates| gates.iter().map(ask).collect()),
        shadow: stage.shadow.as_ref().map(ask),
    };
    let reducer = |role: &RoleView| ReducerAsk {
        canary: role.canary.as_ref().map(canary),
        shadow: role.shadow.as_ref().map(ask),
        ..ReducerAsk::default().with_component(component(role))
    };
    let scrubber = |role: &RoleView| ScrubberAsk {
        shadow: role.shadow.as_ref().map(ask),
        ..ScrubberAsk::default().with_component(component(role))
    };
    BindingsAsk {
        reducer: bound.reducer.as_ref().map(reducer),
        gates: bound.gates.iter().map(|(name, of)| (name.clone(), stage(of))).collect(),
        scrubber: bound.scrubber.as_ref().map(scrubber),
    }
}

fn ask(binding: &BindingView) -> BindingAsk {
    let settings = match &binding.settings {
        Value::Object(settings) => settings.clone(),
        _ => Map::new(),
    };
    BindingAsk { digest: Some(binding.digest.clone()), settings, ..BindingAsk::default() }
}

fn component(role: &RoleView) -> BindingAsk {
    role.binding().as_ref().map(ask).unwrap_or_default()
}

fn canary(canary: &CanaryView) -> CanaryAsk {
    CanaryAsk { share_percent: canary.share_percent, ..CanaryAsk::default().with_component(ask(&canary.binding)) }
}
