//! `sluice workspace bind` and `rollback`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Map, Value};
use sluice_api::plugin::PluginView;
use sluice_api::workspace::{
    BindingAsk, BindingsAsk, QuarantinedGates, RoleView, StageAsk, WorkspacePut, WorkspaceRollback, WorkspaceView,
};

use super::{given, look};
use crate::cli::connect::{Access, OfWorkspace};
use crate::cli::exit::Failure;
use crate::cli::output::{self, visible};
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
///
/// Everything that the revision says holds again, not only its components: also whether components have to be signed,
/// which keys are trusted, and when components are quarantined. What that lifts is told.
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
    if !args.changes_something() {
        return Err(Failure::bad_input(
            "nothing is to be changed; name what is: --reducer, --gate or --scrubber, --host-reducer, --host-gate or \
             --host-scrubber, --require-signatures, --trust, --quarantine-after, --quarantined-gates, or a --file",
        ));
    }
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
                bindings: Some(args.laid_over(given::asked_again(&before.bindings))?),
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
    look::changed(&changed, args.common.json)
}

impl BindArgs {
    fn changes_something(&self) -> bool {
        self.names_components()
            || self.file.is_some()
            || self.require_signatures.is_some()
            || !self.trust.is_empty()
            || self.quarantine_after.is_some()
            || self.quarantined_gates.is_some()
    }

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
            ask.reducer = Some(ask.reducer.unwrap_or_default().with_component(given::binding("--reducer", given)?));
        }
        if let Some(given) = &self.scrubber {
            ask.scrubber = Some(ask.scrubber.unwrap_or_default().with_component(given::binding("--scrubber", given)?));
        }
        // What stands beside a binding is of its own, and is dropped by name.
        if self.host_reducer {
            let beside = ask.reducer.take().filter(|of| of.canary.is_some() || of.shadow.is_some());
            ask.reducer = beside.map(|of| of.with_component(BindingAsk::default()));
        }
        if self.host_scrubber {
            let beside = ask.scrubber.take().filter(|of| of.shadow.is_some());
            ask.scrubber = beside.map(|of| of.with_component(BindingAsk::default()));
        }
        for stage in &self.host_gate {
            if let Some(StageAsk { shadow: Some(shadow), .. }) = ask.gates.remove(stage) {
                ask.gates.insert(stage.clone(), StageAsk { shadow: Some(shadow), ..StageAsk::default() });
            }
        }
        let mut named: Vec<&str> = Vec::new();
        for given in &self.gate {
            let wrong = || Failure::bad_input(format!("--gate {given}: write STAGE=PLUGIN, as in review=reviewer"));
            let (stage, given) = given.split_once('=').ok_or_else(wrong)?;
            let of = ask.gates.entry(stage.to_owned()).or_default();
            if !named.contains(&stage) {
                named.push(stage);
                *of = StageAsk { shadow: of.shadow.take(), ..StageAsk::default() };
            }
            of.gates.get_or_insert_default().push(given::binding("--gate", given)?);
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
        Role::Reducer => before.bindings.reducer.as_ref().and_then(RoleView::binding),
        Role::Scrubber => before.bindings.scrubber.as_ref().and_then(RoleView::binding),
        Role::Gate(stage) => {
            let gates = before.bindings.gates.get(stage).and_then(|stage| stage.gates.as_ref());
            gates.and_then(|gates| gates.first()).cloned()
        }
    };
    let kept = bound.filter(|bound| bound.name == component.name).and_then(|bound| bound.settings.as_object().cloned());
    let settings = settings.or(kept).unwrap_or_default();
    let binding = BindingAsk { digest: Some(component.digest.clone()), settings, ..BindingAsk::default() };
    let mut bindings = given::asked_again(&before.bindings);
    match role {
        Role::Reducer => bindings.reducer = Some(bindings.reducer.unwrap_or_default().with_component(binding)),
        Role::Scrubber => bindings.scrubber = Some(bindings.scrubber.unwrap_or_default().with_component(binding)),
        Role::Gate(stage) => {
            let of = bindings.gates.entry(stage.clone()).or_default();
            *of = StageAsk { gates: Some(vec![binding]), shadow: of.shadow.take(), ..StageAsk::default() };
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

pub(super) async fn roll_back(args: &RollbackArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Write).await?;
    let before = connection.client.workspace(&args.common.workspace).await?.bound;
    let rollback = WorkspaceRollback { revision: args.revision, if_match_rev: args.if_rev };
    let changed = connection.client.roll_back_workspace(&args.common.workspace, &rollback).await?;
    let exit = look::changed(&changed, args.common.json)?;
    if !args.common.json {
        for line in look::beside_bindings(&before, &changed.bound) {
            output::print(&visible(&line))?;
        }
    }
    Ok(exit)
}
