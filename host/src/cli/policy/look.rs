//! `sluice policy show` and `history`.

use std::process::ExitCode;

use serde_json::json;
use sluice_api::policy::{PolicyMode, PolicyPreset, PolicyView};

use crate::cli::connect::{Access, OfWorkspace};
use crate::cli::exit::{Exit, Failure};
use crate::cli::moment;
use crate::cli::output::{self, visible};
use crate::cli::table;
use crate::domain::policy::Preset;
use crate::engine::policy_preset_of;
use crate::policy::DEFAULT_TEXT;

/// The policy that holds in a workspace
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ShowArgs {
    /// The default policies, which hold in every workspace, instead
    #[arg(long)]
    defaults: bool,
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

/// The policies that held in a workspace, newest first
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct HistoryArgs {
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

pub(super) async fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    if args.defaults {
        if args.common.json {
            output::json(&json!({"policies": {"default": DEFAULT_TEXT}}))?;
        } else {
            output::print(DEFAULT_TEXT.trim_end())?;
        }
        return Ok(Exit::Succeeded.into());
    }
    let connection = args.common.connect(Access::Read).await?;
    let policy = connection.client.policy(&args.common.workspace).await?;
    if args.common.json {
        output::json(&policy)?;
        return Ok(Exit::Succeeded.into());
    }
    if policy.revision == 0 {
        output::print(&format!(
            "// {} has no policy of its own; the defaults hold (sluice policy show --defaults)",
            policy.workspace_id
        ))?;
        return Ok(Exit::Succeeded.into());
    }
    output::print(&visible(&format!(
        "// revision {} of {}, {}{}, set by {}",
        policy.revision,
        policy.workspace_id,
        mode(policy.mode),
        policy.preset.map(|preset| format!(", preset {}", preset_name(preset))).unwrap_or_default(),
        policy.changed_by.as_deref().unwrap_or("-"),
    )))?;
    for (name, text) in &policy.policies {
        output::print(&visible(&format!("\n// {name}")))?;
        for line in text.trim_end().lines() {
            output::print(&visible(line))?;
        }
    }
    for link in &policy.links {
        let principal = link.principal.as_deref().map(|of| format!(" ?principal = {of}")).unwrap_or_default();
        let resource = link.resource.as_deref().map(|of| format!(" ?resource = {of}")).unwrap_or_default();
        output::print(&visible(&format!("\n// {} is {} with{principal}{resource}", link.id, link.template)))?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn history(args: &HistoryArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let mut history: Vec<PolicyView> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = connection.client.policy_history(&args.common.workspace, cursor.as_deref()).await?;
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
    if history.is_empty() {
        output::print("there never was a policy; the defaults hold")?;
        return Ok(Exit::Succeeded.into());
    }
    let row = |of: &PolicyView| {
        let back = of.rolled_back_to.map(|to| format!("back to {to}"));
        vec![
            of.revision.to_string(),
            of.changed_at_ms.map(moment::written).unwrap_or_default(),
            mode(of.mode).to_owned(),
            of.preset.map_or_else(|| "-".to_owned(), |preset| preset_name(preset).to_owned()),
            of.policies.len().to_string(),
            visible(of.changed_by.as_deref().unwrap_or("-")),
            visible(&back.or_else(|| of.note.clone()).unwrap_or_default()),
        ]
    };
    let rows: Vec<Vec<String>> = history.iter().map(row).collect();
    let header = ["REV", "SET", "MODE", "PRESET", "TEXTS", "BY", "NOTE"];
    for line in table::lines(&header, &rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(Exit::Succeeded.into())
}

fn mode(mode: PolicyMode) -> &'static str {
    match mode {
        PolicyMode::Enforce => "enforced",
        PolicyMode::Observe => "observed",
    }
}

fn preset_name(preset: PolicyPreset) -> &'static str {
    let preset: Preset = policy_preset_of(preset);
    preset.as_str()
}
