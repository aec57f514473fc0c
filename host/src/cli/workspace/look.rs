//! `sluice workspace show` and `history`.

use std::process::ExitCode;

use serde_json::json;
use sluice_api::mission::BindingView;
use sluice_api::workspace::{BoundView, QuarantinedGates, RoleView, StageMode, WorkspaceRevisionView, WorkspaceView};

use crate::cli::connect::{Access, OfWorkspace};
use crate::cli::exit::{Exit, Failure};
use crate::cli::moment;
use crate::cli::output::{self, visible};
use crate::cli::table;

/// What decides in a workspace now
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ShowArgs {
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

/// What decided in a workspace, newest first
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct HistoryArgs {
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

pub(super) async fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let workspace = connection.client.workspace(&args.common.workspace).await?;
    if args.common.json {
        output::json(&workspace)?;
    } else {
        print(&workspace)?;
    }
    Ok(Exit::Succeeded.into())
}

/// Shows a workspace to people.
pub(super) fn print(workspace: &WorkspaceView) -> Result<(), Failure> {
    let bound = &workspace.bound;
    let by = bound.changed_by.as_deref().map(|by| format!(", by {by}")).unwrap_or_default();
    output::print(&visible(&format!("workspace {}, revision {}{by}", bound.workspace_id, bound.revision)))?;
    for line in lines(&workspace.effective, &bound.bindings) {
        output::print(&visible(&line))?;
    }
    for component in &bound.quarantine.components {
        let since = moment::written(component.since_ms);
        let line = format!(
            "{} {} is in quarantine since {since}, after {} failures: {}",
            component.role, component.plugin, component.failures, component.reason
        );
        output::print(&visible(&line))?;
    }
    if bound.require_signatures {
        output::print(&format!("components have to be signed by one of {} trusted keys", bound.trusted_keys.len()))?;
    }
    Ok(())
}

/// Shows what a change made of a workspace.
pub(super) fn changed(workspace: &WorkspaceView, as_json: bool) -> Result<ExitCode, Failure> {
    if as_json {
        output::json(workspace)?;
    } else {
        print(workspace)?;
    }
    Ok(Exit::Succeeded.into())
}

/// What a rollback changed besides bindings, one line each: whoever takes a component back may not have meant it.
pub(super) fn beside_bindings(before: &WorkspaceRevisionView, now: &WorkspaceRevisionView) -> Vec<String> {
    let mut lines = Vec::new();
    if now.revision != before.revision + 1 {
        lines.push("somebody else changed the workspace meanwhile; what follows is both changes together".to_owned());
    }
    match (before.require_signatures, now.require_signatures) {
        (true, false) => lines.push("components need no signature any more".to_owned()),
        (false, true) => lines.push("components need a signature from now on".to_owned()),
        _ => {}
    }
    let only_in = |of: &[String], other: &[String]| -> Vec<String> {
        of.iter().filter(|key| !other.contains(key)).cloned().collect()
    };
    for key in only_in(&before.trusted_keys, &now.trusted_keys) {
        lines.push(format!("this key is no longer trusted: {key}"));
    }
    for key in only_in(&now.trusted_keys, &before.trusted_keys) {
        lines.push(format!("this key is trusted again: {key}"));
    }
    let (was, is) = (&before.quarantine, &now.quarantine);
    if was.after != is.after {
        let when = |after: u32| match after {
            0 => "never".to_owned(),
            after => format!("after {after} failures in a row"),
        };
        lines.push(format!("components are quarantined {}; it was {}", when(is.after), when(was.after)));
    }
    if was.gates != is.gates {
        let decided = if is.gates == QuarantinedGates::Error { "error" } else { "needs_human" };
        lines.push(format!("gates in quarantine decide `{decided}` from now on"));
    }
    if !was.components.is_empty() {
        lines.push("no component is in quarantine any more".to_owned());
    }
    lines
}

/// A line for each component that decides, and for each that is tried.
fn lines(effective: &BoundView, own: &BoundView) -> Vec<String> {
    let line = |role: &str, binding: &BindingView, remark: &str| {
        let settings = match &binding.settings {
            serde_json::Value::Object(settings) if settings.is_empty() => String::new(),
            settings => format!("  {settings}"),
        };
        let digest: String = binding.digest.chars().take(16).collect();
        format!("{role:<10} {}@{} {digest}{settings}{remark}", binding.name, binding.version)
    };
    let from = |is_own: bool| if is_own { "" } else { "  (the host's)" };
    let shadow = |name: &str, shadow: &Option<BindingView>| {
        shadow.as_ref().map(|binding| line(name, binding, "  (in shadow, without effect)"))
    };
    let is_own = |role: &Option<RoleView>| role.as_ref().is_some_and(|role| role.digest.is_some());
    let mut lines = Vec::new();
    if let Some(reducer) = &effective.reducer {
        lines.extend(reducer.binding().map(|binding| line("reducer", &binding, from(is_own(&own.reducer)))));
        lines.extend(reducer.canary.as_ref().map(|canary| {
            line("reducer", &canary.binding, &format!("  (canary, {} % of new missions)", canary.share_percent))
        }));
        lines.extend(shadow("reducer", &reducer.shadow));
    }
    for (name, stage) in &effective.gates {
        let is_own = own.gates.get(name).is_some_and(|stage| stage.gates.is_some());
        lines.extend(stage.gates.iter().flatten().map(|binding| line(name, binding, from(is_own))));
        match (stage.mode, stage.quorum) {
            (StageMode::Any, _) => lines.push(format!("{name:<10} one of them has to pass")),
            (StageMode::Quorum, Some(needed)) => lines.push(format!("{name:<10} {needed} of them have to pass")),
            _ => {}
        }
        lines.extend(shadow(name, &stage.shadow));
    }
    for name in own.gates.keys().filter(|name| !effective.gates.contains_key(*name)) {
        lines.push(format!("{name:<10} none"));
    }
    if let Some(scrubber) = &effective.scrubber {
        lines.extend(scrubber.binding().map(|binding| line("scrubber", &binding, from(is_own(&own.scrubber)))));
        lines.extend(shadow("scrubber", &scrubber.shadow));
    }
    lines
}

pub(super) async fn history(args: &HistoryArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let mut history: Vec<WorkspaceRevisionView> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = connection.client.workspace_history(&args.common.workspace, cursor.as_deref()).await?;
        history.extend(page.history);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if args.common.json {
        output::json(&json!({"history": history, "count": history.len()}))?;
        return Ok(Exit::Succeeded.into());
    }
    let row = |of: &WorkspaceRevisionView| {
        let back = of.rolled_back_to.map(|to| format!("back to {to}"));
        vec![
            of.revision.to_string(),
            of.changed_at_ms.map(moment::written).unwrap_or_default(),
            visible(&components(&of.bindings)),
            visible(of.changed_by.as_deref().unwrap_or("-")),
            visible(&back.or_else(|| of.note.clone()).unwrap_or_default()),
        ]
    };
    let rows: Vec<Vec<String>> = history.iter().map(row).collect();
    for line in table::lines(&["REV", "SET", "BOUND", "BY", "NOTE"], &rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(Exit::Succeeded.into())
}

/// What is bound, in one line; `%` stands behind a canary's share and `~` before what is in shadow.
fn components(bound: &BoundView) -> String {
    let label = |binding: &BindingView| format!("{}@{}", binding.name, binding.version);
    let shadow = |shadow: &Option<BindingView>| shadow.as_ref().map(|binding| format!("~{}", label(binding)));
    let mut labels = Vec::new();
    if let Some(reducer) = &bound.reducer {
        labels.extend(reducer.binding().as_ref().map(label));
        let canary = reducer.canary.as_ref();
        labels.extend(canary.map(|canary| format!("{} {}%", label(&canary.binding), canary.share_percent)));
        labels.extend(shadow(&reducer.shadow));
    }
    for stage in bound.gates.values() {
        labels.extend(stage.gates.iter().flatten().map(label));
        labels.extend(shadow(&stage.shadow));
    }
    if let Some(scrubber) = &bound.scrubber {
        labels.extend(scrubber.binding().as_ref().map(label));
        labels.extend(shadow(&scrubber.shadow));
    }
    if labels.is_empty() { "the host's".to_owned() } else { labels.join(" ") }
}
