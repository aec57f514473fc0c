//! `sluice run`: a mission from a file to its end, in this process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::PlaceArgs;
use super::exit::{Exit, Failure, with_causes};
use super::mission_file::{self, Carrier, Loaded};
use super::progress::Progress;
use super::report;
use crate::app::App;
use crate::domain::approval::ApprovalStatus;
use crate::domain::event::InputKind;
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::mission::{Mission, MissionStatus};
use crate::domain::rules::Refusal;
use crate::domain::run::RunStatus;
use crate::engine::{Engine, NewMission, PLUGIN_UNUSABLE};
use crate::store::StorageError;

/// Run a mission from a file to its end
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The mission file (TOML, or JSON when it ends in .json)
    #[arg(value_name = "FILE", required_unless_present = "resume")]
    file: Option<PathBuf>,
    /// Continue what was interrupted; start FILE if nothing was recorded
    #[arg(long)]
    resume: bool,
    /// Runs carried out at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), default_value_t = 4)]
    jobs: u16,
    /// Print one JSON document at the end instead of progress
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// How the wait for a mission ended.
enum Ended {
    Final,
    Waiting,
    Interrupted,
}

pub(super) async fn execute(args: RunArgs) -> Result<ExitCode, Failure> {
    let loaded = args.file.as_deref().map(|file| mission_file::load(file, Carrier::ThisProcess)).transpose()?;
    let mut app = App::open(&args.place.place()).await?;
    let workspace_id = Engine::local_workspace();
    let log_head = app.engine.store().log_head().await?;
    let found = if args.resume { recorded(&app, &workspace_id, loaded.as_ref()).await? } else { None };
    let (mission, is_new) = match (found, loaded) {
        (Some(mission), _) => (mission, false),
        (None, Some(loaded)) => (create(&app, &workspace_id, &loaded).await?, true),
        (None, None) => {
            return Err(Failure::bad_input(
                "no mission is recorded here to resume; name its file, or the directory with --data",
            ));
        }
    };
    if !mission.status.is_final() {
        ready_components(&app, &mission, is_new).await?;
    }
    let progress = Progress::start(&app.engine, &mission, log_head, args.json);
    let ended = work(&mut app, &mission, usize::from(args.jobs)).await?;
    progress.finish().await;
    let exit = report_end(&app, &workspace_id, &mission.id, &ended, args.json).await?;
    app.stop().await;
    Ok(exit.into())
}

/// The mission to go on with: the newest of `loaded`'s file, or the newest at all; one that is
/// still open before one that has ended.
async fn recorded(app: &App, workspace_id: &WorkspaceId, loaded: Option<&Loaded>) -> Result<Option<Mission>, Failure> {
    const PAGE: u32 = 500;
    let mut newest_ended = None;
    let mut before: Option<MissionId> = None;
    loop {
        let page = app.engine.store().missions(workspace_id, None, before.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(newest_ended) };
        before = Some(last.id.clone());
        for mission in page {
            if loaded.is_some_and(|loaded| source_of(&mission).as_deref() != Some(loaded.source.as_str())) {
                continue;
            }
            if !mission.status.is_final() {
                return Ok(Some(mission));
            }
            newest_ended = newest_ended.or(Some(mission));
        }
    }
}

fn source_of(mission: &Mission) -> Option<String> {
    let metadata: serde_json::Value = serde_json::from_str(mission.metadata.as_str()).ok()?;
    Some(metadata.get("source")?.as_str()?.to_owned())
}

/// Writes the mission down. Components are bound by name and settings, and compiled afterwards.
async fn create(app: &App, workspace_id: &WorkspaceId, loaded: &Loaded) -> Result<Mission, Failure> {
    let bindings = loaded.bindings(&app.plugins)?;
    app.engine.require_signed(workspace_id, "reducer", &bindings.reducer).await?;
    for (gate, binding) in &bindings.gates {
        app.engine.require_signed(workspace_id, &format!("gates.{gate}"), binding).await?;
    }
    app.engine.keep_components(&bindings).await?;
    let new = NewMission {
        workspace_id: workspace_id.clone(),
        request: loaded.request.clone(),
        bindings,
        start: true,
        actor: "user.local".to_owned(),
        receipt: None,
    };
    Ok(app.engine.create_mission(new).await?)
}

/// Has every component of the mission compiled and its settings judged. A new mission whose
/// component cannot be used is failed at once; one that was going on is left as it is.
async fn ready_components(app: &App, mission: &Mission, is_new: bool) -> Result<(), Failure> {
    let bindings = mission.bindings.clone();
    let all = std::iter::once(&bindings.reducer).chain(bindings.gates.iter().map(|(_, binding)| binding));
    for binding in all {
        app.engine.have_component(&binding.digest).await?;
        let Err(error) = tokio::task::block_in_place(|| app.plugins.check_binding(binding)) else { continue };
        let message = with_causes(&error);
        if is_new {
            app.engine.refuse_mission(mission, Refusal::new(PLUGIN_UNUSABLE, message.clone())).await?;
        }
        return Err(Failure::bad_input(format!("plugin {}: {message}", binding.label())));
    }
    Ok(())
}

async fn work(app: &mut App, mission: &Mission, jobs: usize) -> Result<Ended, Failure> {
    if mission.status.is_final() {
        return Ok(Ended::Final);
    }
    app.start(jobs).await?;
    app.start_worker(jobs, Some(mission.id.clone()));
    if mission.status == MissionStatus::Paused {
        let nothing = serde_json::Map::new();
        app.engine
            .post_event(&mission.workspace_id, &mission.id, InputKind::MissionResumed, nothing, "user.local")
            .await?;
    }
    tokio::select! {
        ended = until_settled(&app.engine, &mission.workspace_id, &mission.id) => ended,
        () = super::interrupted() => Ok(Ended::Interrupted),
    }
}

/// Waits until the mission has ended, or until nothing but a person can move it on.
async fn until_settled(engine: &Engine, workspace_id: &WorkspaceId, id: &MissionId) -> Result<Ended, Failure> {
    const POLL: Duration = Duration::from_secs(1);
    let mut commits = engine.store().commits();
    loop {
        commits.mark_unchanged();
        match engine.store().mission(workspace_id, id).await {
            Ok(Some(mission)) if mission.status.is_final() => return Ok(Ended::Final),
            Ok(Some(mission)) => match only_a_person_can_move(engine, &mission).await {
                Ok(true) => return Ok(Ended::Waiting),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "failed to read what the mission waits for; trying again"),
            },
            Ok(None) => return Err(Failure::failed(format!("mission `{id}` is no longer in the database"))),
            Err(error) => tracing::warn!(%error, "failed to read the mission; trying again"),
        }
        let _ = tokio::time::timeout(POLL, commits.changed()).await;
    }
}

async fn only_a_person_can_move(engine: &Engine, mission: &Mission) -> Result<bool, StorageError> {
    let store = engine.store();
    let pending = Some(ApprovalStatus::Pending);
    let asks = !store.approvals(&mission.workspace_id, Some(&mission.id), pending, None, 1).await?.is_empty();
    if !asks && mission.status != MissionStatus::Paused {
        return Ok(false);
    }
    for status in [RunStatus::Queued, RunStatus::Running] {
        if !store.runs(&mission.workspace_id, Some(&mission.id), Some(status), None, 1).await?.is_empty() {
            return Ok(false);
        }
    }
    let is_quiet = store.evaluations_of(&mission.id).await?.is_empty()
        && store.timers(&mission.id).await?.iter().all(|timer| timer.key.starts_with("budget:"))
        && store.inbox_of(&mission.id, 1).await?.is_empty();
    // The rows were read one after another; they belong together if no event was applied meanwhile.
    let now = store.mission(&mission.workspace_id, &mission.id).await?;
    Ok(is_quiet && now.is_some_and(|now| now.revision == mission.revision))
}

async fn report_end(
    app: &App,
    workspace_id: &WorkspaceId,
    id: &MissionId,
    ended: &Ended,
    as_json: bool,
) -> Result<Exit, Failure> {
    let report = report::gather(app.engine.store(), workspace_id, id).await?;
    if as_json {
        super::output::json(&report)?;
    } else {
        report::print(&report)?;
    }
    let exit = match ended {
        Ended::Interrupted => Exit::Interrupted,
        Ended::Waiting => Exit::Waiting,
        Ended::Final if report.mission.status == "succeeded" => Exit::Succeeded,
        Ended::Final => Exit::Failed,
    };
    if !as_json {
        report::print_next_step(&report, exit)?;
    }
    Ok(exit)
}
