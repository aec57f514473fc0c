//! `sluice mission create`: a mission from a file, without carrying it out.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use sluice_api::mission::{CreateMission, MissionView};

use super::Common;
use crate::cli::connect::{Access, Connection};
use crate::cli::exit::{Exit, Failure};
use crate::cli::mission_file::{self, Carrier, Loaded};
use crate::cli::{output, watch};
use crate::client::From;
use crate::engine::{Engine, NewMission};
use crate::wire;

/// Most events of a mission just made that are shown before what comes: nearly always all.
const TAIL: u32 = 500;

/// Make a mission from a file
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CreateArgs {
    /// The mission file (TOML, or JSON when it ends in .json)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Start it at once
    #[arg(long)]
    start: bool,
    /// Watch it until it has ended; the exit code says how
    #[arg(long, requires = "start")]
    watch: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn execute(args: CreateArgs) -> Result<ExitCode, Failure> {
    let loaded = mission_file::load(&args.file, Carrier::AnyWorker)?;
    let connection = args.common.connect(Access::Write).await?;
    let mission = if loaded.names_components() {
        create_with_own_components(&connection, &loaded, args.start).await?
    } else {
        connection.client.create_mission(&request_of(&loaded, args.start)).await?
    };
    let id = mission.id.clone();
    match (args.common.json, args.watch) {
        (true, true) => output::json_line(&json!({"mission": mission}))?,
        (true, false) => output::json(&json!({"mission": mission}))?,
        (false, true) => {}
        (false, false) => output::print(&format!("mission {id} {}", mission.status))?,
    }
    if !args.watch {
        return Ok(Exit::Succeeded.into());
    }
    Ok(watch::until_ended(&connection.client, &id, From::Tail(TAIL), args.common.json).await?.into())
}

/// Components of a mission's own are a matter between a data directory and its person; a server's
/// missions use what is bound there.
async fn create_with_own_components(
    connection: &Connection,
    loaded: &Loaded,
    start: bool,
) -> Result<MissionView, Failure> {
    let Some(embedded) = &connection.embedded else {
        return Err(Failure::bad_input(
            "the file names its own reducer or gates, and a server's missions use those of their workspace; \
             `sluice run FILE` takes the file as it is",
        ));
    };
    let bindings = loaded.bindings(embedded.plugins())?;
    let engine = embedded.engine();
    engine.keep_components(&bindings).await?;
    let new = NewMission {
        workspace_id: Engine::local_workspace(),
        request: loaded.request.clone(),
        bindings,
        start,
        actor: "user.local".to_owned(),
        receipt: None,
    };
    Ok(wire::mission_view(&engine.create_mission(new).await?))
}

fn request_of(loaded: &Loaded, start: bool) -> CreateMission {
    let request = loaded.request.clone();
    CreateMission {
        title: request.title,
        goal: request.goal,
        success_criteria: request.success_criteria,
        budgets: request.budgets,
        capabilities: request.capabilities,
        entrypoint: request.entrypoint,
        args: serde_json::Map::new(),
        metadata: request.metadata,
        work_items: request.work_items,
        start,
    }
}
