//! `sluice mission replay`: what another reducer would have decided.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sluice_api::history::ReplayReport;

use super::{Common, look};
use crate::cli::connect::Access;
use crate::cli::embedded::Embedded;
use crate::cli::exit::{Exit, Failure, with_causes};
use crate::cli::output::{self, visible};
use crate::domain::id::MissionId;
use crate::domain::json::Json;
use crate::domain::plugin::PluginKind;
use crate::engine::{Candidate, Engine};
use crate::wire;

pub(super) async fn execute(
    id: &str,
    reducer: Option<PathBuf>,
    settings: Option<&str>,
    common: &Common,
) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Read).await?;
    let found = match (reducer, &connection.embedded) {
        (Some(path), Some(embedded)) if is_file(&path) => replay_file(id, &path, settings, embedded).await?,
        (Some(path), None) if is_file(&path) => {
            return Err(Failure::bad_input(format!(
                "--reducer {}: a server replays with components it has; name one by its digest, or replay on a \
                 data directory that no server serves",
                path.display()
            )));
        }
        (Some(_), _) if settings.is_some() => {
            return Err(Failure::bad_input(
                "--settings: goes with a component's file; by name or digest a reducer gets the mission's settings",
            ));
        }
        (reducer, _) => {
            let selector = reducer.as_ref().map(|reducer| reducer.to_string_lossy());
            connection.client.replay(id, selector.as_deref()).await?
        }
    };
    if common.json {
        output::json(&found)?;
    } else {
        print(&found)?;
    }
    Ok(if found.differences.is_empty() { Exit::Succeeded } else { Exit::Failed }.into())
}

fn is_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm") || path.components().count() > 1
}

async fn replay_file(
    id: &str,
    path: &Path,
    settings: Option<&str>,
    embedded: &Embedded,
) -> Result<ReplayReport, Failure> {
    let (engine, plugins) = (embedded.engine(), embedded.plugins());
    let workspace_id = Engine::local_workspace();
    let mission_id = MissionId::new(id);
    let Some(mission) = engine.store().mission(&workspace_id, &mission_id).await? else {
        return Err(Failure::bad_input(format!(
            "there is no mission `{id}` here; `sluice mission list` shows those there are"
        )));
    };
    let wrong = |message: String| Failure::bad_input(format!("--reducer {}: {message}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
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
    let candidate = Candidate::Other(binding.map_err(|error| wrong(with_causes(&error)))?);
    Ok(engine.replay(&workspace_id, &mission_id, candidate).await?)
}

fn settings_from(text: &str) -> Result<Json, Failure> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|error| Failure::bad_input(format!("--settings: is not a JSON object: {error}")))?;
    Ok(wire::json_of(&object))
}

fn print(found: &ReplayReport) -> Result<(), Failure> {
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
            output::print(&format!("  - {}", look::command_line(command)))?;
        }
        if let Some(refusal) = &difference.recorded_refusal {
            output::print(&format!("  - refused: {}", visible(&refusal.to_string())))?;
        }
        for command in &difference.candidate {
            output::print(&format!("  + {}", look::command_line(command)))?;
        }
        if let Some(refusal) = &difference.candidate_refusal {
            output::print(&format!("  + refused: {}", visible(&refusal.to_string())))?;
        }
    }
    Ok(())
}
