//! `sluice workspace bind` and `rollback`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value};
use sluice_api::plugin::PluginView;
use sluice_api::workspace::{
    BindingAsk, BindingsAsk, BoundView, QuarantinedGates, StageAsk, StageMode, WorkspacePut, WorkspaceRollback,
    WorkspaceView,
};

use super::look;
use crate::cli::connect::{Access, OfWorkspace};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::client::Client;

/// Have components decide in a workspace; what is not named stays as it is
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BindArgs {
    /// A JSON file of everything that is to be bound: what `PUT /workspaces/ID` takes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reducer", "gate", "scrubber", "host_reducer", "host_gate", "host_scrubber"])]
    file: Option<PathBuf>,
    /// The reducer: a digest, name@version or name; `PLUGIN={"setting": ...}` with settings
    #[arg(long, value_name = "PLUGIN[=JSON]")]
    reducer: Option<String>,
    /// The gates of a stage: review=PLUGIN[=JSON]; several of one stage all have to pass
    #[arg(long, value_name = "STAGE=PLUGIN[=JSON]")]
    gate: Vec<String>,
    /// The scrubber
    #[arg(long, value_name = "PLUGIN[=JSON]")]
    scrubber: Option<String>,
    /// The reducer is the host's again
    #[arg(long, conflicts_with = "reducer")]
    host_reducer: bool,
    /// The gates of this stage are the host's again
    #[arg(long, value_name = "STAGE")]
    host_gate: Vec<String>,
    /// The scrubber is the host's again
    #[arg(long, conflicts_with = "scrubber")]
    host_scrubber: bool,
    /// Whether components have to be signed by a trusted key
    #[arg(long, value_name = "BOOL")]
    require_signatures: Option<bool>,
    /// The keys that are trusted, all of them; may stand several times
    #[arg(long, value_name = "KEY")]
    trust: Vec<String>,
    /// Calls of a component that fail in a row until it is quarantined; 0 for never
    #[arg(long, value_name = "N")]
    quarantine_after: Option<u32>,
    /// What gates in quarantine decide
    #[arg(long, value_name = "OUTCOME", value_parser = ["error", "needs_human"])]
    quarantined_gates: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only if this is the newest revision; 0: only if nothing was ever bound
    #[arg(long, value_name = "REV")]
    if_rev: Option<u64>,
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

/// Have what was bound once decide again
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RollbackArgs {
    /// The revision; 0 for what comes with the host
    revision: u64,
    /// Only if this is the newest revision
    #[arg(long, value_name = "REV")]
    if_rev: Option<u64>,
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

pub(super) async fn bind(args: &BindArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Write).await?;
    let workspace = &args.common.workspace;
    let mut put = match &args.file {
        Some(file) => {
            let wrong = |why: String| Failure::bad_input(format!("{}: {why}", file.display()));
            let text = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?
        }
        None if args.names_components() => {
            // What stands is read and written again: only that revision may be replaced by it.
            let before = connection.client.workspace(workspace).await?.bound;
            WorkspacePut {
                bindings: Some(args.laid_over(asked_again(&before.bindings))?),
                if_match_rev: Some(before.revision),
                ..WorkspacePut::default()
            }
        }
        None => WorkspacePut::default(),
    };
    put.require_signatures = args.require_signatures.or(put.require_signatures);
    put.quarantine_after = args.quarantine_after.or(put.quarantine_after);
    if let Some(decide) = &args.quarantined_gates {
        let is_error = decide == "error";
        put.quarantined_gates = Some(if is_error { QuarantinedGates::Error } else { QuarantinedGates::NeedsHuman });
    }
    put.note = args.note.clone().or(put.note);
    put.if_match_rev = args.if_rev.or(put.if_match_rev);
    if !args.trust.is_empty() {
        put.trusted_keys = Some(args.trust.clone());
    }
    let changed = connection.client.change_workspace(workspace, &put).await?;
    show(&changed, args.common.json)
}

impl BindArgs {
    fn names_components(&self) -> bool {
        self.reducer.is_some()
            || self.scrubber.is_some()
            || self.host_reducer
            || self.host_scrubber
            || !self.gate.is_empty()
            || !self.host_gate.is_empty()
    }

    fn laid_over(&self, mut ask: BindingsAsk) -> Result<BindingsAsk, Failure> {
        if let Some(given) = &self.reducer {
            ask.reducer = Some(binding("--reducer", given)?);
        }
        if let Some(given) = &self.scrubber {
            ask.scrubber = Some(binding("--scrubber", given)?);
        }
        if self.host_reducer {
            ask.reducer = None;
        }
        if self.host_scrubber {
            ask.scrubber = None;
        }
        for stage in &self.host_gate {
            ask.gates.remove(stage);
        }
        let mut named: Vec<&str> = Vec::new();
        for given in &self.gate {
            let wrong = || Failure::bad_input(format!("--gate {given}: write STAGE=PLUGIN, as in review=reviewer"));
            let (stage, given) = given.split_once('=').ok_or_else(wrong)?;
            if !named.contains(&stage) {
                named.push(stage);
                ask.gates.insert(stage.to_owned(), StageAsk { mode: StageMode::All, ..StageAsk::default() });
            }
            if let Some(of) = ask.gates.get_mut(stage) {
                of.gates.push(binding("--gate", given)?);
            }
        }
        Ok(ask)
    }
}

/// What a component decides in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Role {
    /// How missions flow.
    Reducer,
    /// Whether work passes a stage.
    Gate(String),
    /// What is cut from text.
    Scrubber,
}

/// Has one component decide alone in a role; everything else stays as it is. Without settings it keeps those that a
/// component of the same name had there.
pub(in crate::cli) async fn bind_one(
    client: &Client,
    workspace: &str,
    role: &Role,
    component: &PluginView,
    settings: Option<Map<String, Value>>,
) -> Result<WorkspaceView, Failure> {
    let before = client.workspace(workspace).await?.bound;
    let bound = match role {
        Role::Reducer => before.bindings.reducer.as_ref(),
        Role::Scrubber => before.bindings.scrubber.as_ref(),
        Role::Gate(stage) => before.bindings.gates.get(stage).and_then(|stage| stage.gates.first()),
    };
    let kept = bound.filter(|bound| bound.name == component.name).and_then(|bound| bound.settings.as_object().cloned());
    let settings = settings.or(kept).unwrap_or_default();
    let binding = BindingAsk { digest: Some(component.digest.clone()), settings, ..BindingAsk::default() };
    let mut bindings = asked_again(&before.bindings);
    match role {
        Role::Reducer => bindings.reducer = Some(binding),
        Role::Scrubber => bindings.scrubber = Some(binding),
        Role::Gate(stage) => {
            bindings.gates.insert(stage.clone(), StageAsk { gates: vec![binding], ..StageAsk::default() });
        }
    }
    let put = WorkspacePut {
        bindings: Some(bindings),
        note: Some(format!("sluice plugin watch: {}@{}", component.name, component.version)),
        if_match_rev: Some(before.revision),
        ..WorkspacePut::default()
    };
    Ok(client.change_workspace(workspace, &put).await?)
}

/// `PLUGIN` or `PLUGIN={"setting": ...}`.
fn binding(flag: &str, given: &str) -> Result<BindingAsk, Failure> {
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
fn asked_again(bound: &BoundView) -> BindingsAsk {
    let ask = |binding: &sluice_api::mission::BindingView| BindingAsk {
        digest: Some(binding.digest.clone()),
        settings: match &binding.settings {
            Value::Object(settings) => settings.clone(),
            _ => Map::new(),
        },
        ..BindingAsk::default()
    };
    let stage = |stage: &sluice_api::workspace::StageView| StageAsk {
        mode: stage.mode,
        quorum: stage.quorum,
        gates: stage.gates.iter().map(ask).collect(),
    };
    BindingsAsk {
        reducer: bound.reducer.as_ref().map(ask),
        gates: bound.gates.iter().map(|(name, of)| (name.clone(), stage(of))).collect(),
        scrubber: bound.scrubber.as_ref().map(ask),
    }
}

pub(super) async fn roll_back(args: &RollbackArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Write).await?;
    let rollback = WorkspaceRollback { revision: args.revision, if_match_rev: args.if_rev };
    let changed = connection.client.roll_back_workspace(&args.common.workspace, &rollback).await?;
    show(&changed, args.common.json)
}

fn show(workspace: &sluice_api::workspace::WorkspaceView, as_json: bool) -> Result<ExitCode, Failure> {
    if as_json {
        output::json(workspace)?;
    } else {
        look::print(workspace)?;
    }
    Ok(Exit::Succeeded.into())
}
