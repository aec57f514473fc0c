//! `sluice mission`: look at missions. Reads the database of a data directory, also while another
//! process works on it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::json;

use sluice_api::command::CommandView;
use sluice_api::history::{HistoryEntryView, ReplayReport};

use super::PlaceArgs;
use super::exit::{Exit, Failure, with_causes};
use super::output::{self, visible};
use super::{report, table};
use crate::app::{self, App};
use crate::clock::SystemClock;
use crate::domain::event::InputKind;
use crate::domain::id::MissionId;
use crate::domain::json::Json;
use crate::domain::mission::{Mission, MissionStatus};
use crate::domain::plugin::PluginKind;
use crate::engine::{Candidate, Engine};
use crate::store::Store;
use crate::wire;

/// Look at missions
#[derive(Debug, Subcommand)]
pub(super) enum MissionCommand {
    /// The missions there are, newest first
    List {
        /// Only missions with this status
        #[arg(long, value_name = "STATUS")]
        status: Option<MissionStatus>,
        /// Most missions shown
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        common: Common,
    },
    /// One mission: its work items, verdicts and artifacts
    Show {
        /// The mission's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// What one mission was told, and what its reducer made of it
    History {
        /// The mission's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// Have nothing new start until `sluice run --resume`
    Pause {
        #[command(flatten)]
        told: Told,
    },
    /// Call a mission off for good
    Cancel {
        #[command(flatten)]
        told: Told,
    },
    /// Run a mission's history through a reducer and show what it would have decided differently
    Replay {
        /// The mission's id
        id: String,
        /// A reducer component to ask instead of the mission's own
        #[arg(long, value_name = "FILE.wasm")]
        reducer: Option<PathBuf>,
        /// Settings for that reducer, as a JSON object (default: the mission's)
        #[arg(long, value_name = "JSON", requires = "reducer")]
        settings: Option<String>,
        #[command(flatten)]
        common: Common,
    },
}

/// What somebody tells a mission.
#[derive(Debug, clap::Args)]
pub(super) struct Told {
    /// The mission's id
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What every one of these takes.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

impl MissionCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::List { common, .. }
            | Self::Show { common, .. }
            | Self::History { common, .. }
            | Self::Replay { common, .. } => common.json,
            Self::Pause { told } | Self::Cancel { told } => told.common.json,
        }
    }
}

pub(super) async fn execute(command: MissionCommand) -> Result<ExitCode, Failure> {
    match command {
        MissionCommand::List { status, limit, common } => list(status, limit, &common).await,
        MissionCommand::Show { id, common } => show(&id, &common).await,
        MissionCommand::History { id, common } => history(&id, &common).await,
        MissionCommand::Pause { told } => tell(&told, InputKind::MissionPaused).await,
        MissionCommand::Cancel { told } => tell(&told, InputKind::MissionCanceled).await,
        MissionCommand::Replay { id, reducer, settings, common } => {
            replay(&id, reducer, settings.as_deref(), &common).await
        }
    }
}

async fn open(common: &Common) -> Result<Store, Failure> {
    let (_, location) = common.place.place().open()?;
    Ok(Store::open(&location).await?)
}

async fn mission(store: &Store, id: &str) -> Result<Mission, Failure> {
    let found = store.mission(&Engine::local_workspace(), &MissionId::new(id)).await?;
    found.ok_or_else(|| {
        Failure::bad_input(format!("there is no mission `{id}` here; `sluice mission list` shows those there are"))
    })
}

async fn list(status: Option<MissionStatus>, limit: u32, common: &Common) -> Result<ExitCode, Failure> {
    let store = open(common).await?;
    let missions = store.missions(&Engine::local_workspace(), status, None, limit).await?;
    if common.json {
        let views: Vec<_> = missions.iter().map(wire::mission_view).collect();
        output::json(&json!({"missions": views, "count": views.len()}))?;
    } else if missions.is_empty() {
        output::print("no missions; `sluice run FILE` starts one")?;
    } else {
        let rows: Vec<Vec<String>> = missions
            .iter()
            .map(|m| vec![m.id.to_string(), m.status.to_string(), m.revision.to_string(), visible(&m.title)])
            .collect();
        for line in table::lines(&["MISSION", "STATUS", "EVENTS", "TITLE"], &rows, table::terminal_width()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

async fn show(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    let store = open(common).await?;
    let gathered = report::gather(&store, &Engine::local_workspace(), &MissionId::new(id)).await?;
    if common.json {
        output::json(&gathered)?;
        return Ok(Exit::Succeeded.into());
    }
    output::print(&format!("{}\n{}", visible(&gathered.mission.title), visible(&gathered.mission.goal)))?;
    report::print(&gathered)?;
    for verdict in &gathered.verdicts {
        output::print(&format!(
            "{} attempt {}: {} {} by {}: {}",
            visible(&verdict.work_item_id),
            verdict.attempt,
            verdict.gate,
            verdict.outcome,
            verdict.plugin,
            visible(&verdict.summary)
        ))?;
        for finding in &verdict.findings {
            output::print(&format!("    {}", report::finding_line(finding)))?;
        }
    }
    for approval in &gathered.approvals {
        output::print(&format!("waits for a person: {} ({})", visible(&approval.summary), approval.id))?;
    }
    Ok(Exit::Succeeded.into())
}

async fn history(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    const PAGE: u32 = 500;
    let store = open(common).await?;
    let mission = mission(&store, id).await?;
    let mut entries = Vec::new();
    let mut after = None;
    loop {
        let page = store.history(&mission.id, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.seq);
        entries.extend(page.iter().map(wire::entry_view));
    }
    if common.json {
        output::json(&json!({"mission_id": id, "events": entries, "count": entries.len()}))?;
        return Ok(Exit::Succeeded.into());
    }
    for entry in &entries {
        print_entry(entry)?;
    }
    Ok(Exit::Succeeded.into())
}

async fn tell(told: &Told, kind: InputKind) -> Result<ExitCode, Failure> {
    let app = App::open(&told.common.place.place()).await?;
    let workspace_id = Engine::local_workspace();
    let reason = told.reason.clone().unwrap_or_else(|| "by command".to_owned());
    let data = serde_json::Map::from_iter([("reason".to_owned(), json!(reason))]);
    let id = MissionId::new(told.id.as_str());
    let advanced = app.engine.post_event(&workspace_id, &id, kind, data, "user.local").await?;
    if told.common.json {
        output::json(&json!({"mission": wire::mission_view(&advanced.mission), "commands": advanced.commands}))?;
    } else {
        output::print(&format!("mission {id} {}", advanced.mission.status))?;
    }
    Ok(Exit::Succeeded.into())
}

fn print_entry(entry: &HistoryEntryView) -> Result<(), Failure> {
    let about = entry.work_item_id.as_deref().map(|id| format!(" {}", visible(id))).unwrap_or_default();
    let refused = entry.refusal.as_ref().map(|refusal| {
        let text = |name: &str| refusal.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        format!("  REFUSED {}: {}", text("code"), visible(text("message")))
    });
    output::print(&format!(
        "{:>5}  {}{about}  by {}{}",
        entry.seq,
        entry.kind,
        visible(&entry.actor),
        refused.unwrap_or_default()
    ))?;
    for command in &entry.commands {
        output::print(&format!("       -> {}", command_line(command)))?;
    }
    Ok(())
}

/// A command on one line: its JSON, cut to the terminal.
fn command_line(command: &CommandView) -> String {
    let text = serde_json::to_string(command).unwrap_or_default();
    table::cut(&visible(&text), table::terminal_width().saturating_sub(10).max(20))
}

async fn replay(
    id: &str,
    reducer: Option<PathBuf>,
    settings: Option<&str>,
    common: &Common,
) -> Result<ExitCode, Failure> {
    let store = open(common).await?;
    let mission = mission(&store, id).await?;
    let plugins =
        Arc::new(tokio::task::block_in_place(app::plugin_host).map_err(|e| Failure::caused_by(Exit::Failed, &e))?);
    let candidate = match reducer {
        None => Candidate::Pinned,
        Some(path) => {
            let wrong = |message: String| Failure::bad_input(format!("--reducer {}: {message}", path.display()));
            let bytes = std::fs::read(&path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
            let info = plugins.install(bytes).map_err(|error| wrong(with_causes(&error)))?;
            let settings = match settings {
                None => mission.bindings.reducer.settings.clone(),
                Some(text) => settings_from(text)?,
            };
            let binding = tokio::task::block_in_place(|| {
                plugins.bind(info.digest.as_str(), PluginKind::Reducer, &settings).and_then(|binding| {
                    plugins.check_binding(&binding)?;
                    Ok(binding)
                })
            });
            Candidate::Other(binding.map_err(|error| wrong(with_causes(&error)))?)
        }
    };
    let engine = Engine::new(store, plugins, Arc::new(SystemClock::new()), "replay".to_owned());
    let found = engine.replay(&Engine::local_workspace(), &mission.id, candidate).await?;
    if common.json {
        output::json(&found)?;
    } else {
        print_replay(&found)?;
    }
    Ok(if found.differences.is_empty() { Exit::Succeeded } else { Exit::Failed }.into())
}

fn settings_from(text: &str) -> Result<Json, Failure> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|error| Failure::bad_input(format!("--settings: is not a JSON object: {error}")))?;
    Ok(wire::json_of(&object))
}

fn print_replay(found: &ReplayReport) -> Result<(), Failure> {
    output::print(&format!(
        "{} events of {} through {}: {} decided differently",
        found.events,
        found.mission_id,
        found.reducer,
        found.differences.len()
    ))?;
    for difference in &found.differences {
        output::print(&format!("event {} {}", difference.seq, difference.kind))?;
        for command in &difference.recorded {
            output::print(&format!("  - {}", command_line(command)))?;
        }
        if let Some(refusal) = &difference.recorded_refusal {
            output::print(&format!("  - refused: {}", visible(&refusal.to_string())))?;
        }
        for command in &difference.candidate {
            output::print(&format!("  + {}", command_line(command)))?;
        }
        if let Some(refusal) = &difference.candidate_refusal {
            output::print(&format!("  + refused: {}", visible(&refusal.to_string())))?;
        }
    }
    Ok(())
}
