//! `sluice routine create`, `edit`, `pause`, `resume` and `rm`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use sluice_api::routine::RoutineView;
use sluice_api::routine_run::RoutineRunStep;

use super::{given, look, runs};
use crate::cli::connect::{Access, Common, Connection};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};

/// Make a routine
///
/// From arguments, from a file (--file), or from a template (--template; `sluice routine templates` lists
/// them) whose name becomes its id. `sluice routine preview` tells beforehand when it would fire.
#[derive(Debug, Args)]
pub(in crate::cli) struct CreateArgs {
    /// Its id, and its name unless --name says another (default: the template's, or else the host chooses)
    id: Option<String>,
    /// Begin with a template
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    template: Option<String>,
    /// Leave it disabled: a draft
    #[arg(long)]
    draft: bool,
    #[command(flatten)]
    settings: given::Settings,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Change a routine; what is not given stays
#[derive(Debug, Args)]
pub(in crate::cli) struct EditArgs {
    /// The routine's id
    id: String,
    /// Only if it is at this revision
    #[arg(long, value_name = "N")]
    if_rev: Option<u64>,
    #[command(flatten)]
    settings: given::Settings,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Let a routine fire no more until it is resumed; with --run, pause one of its runs
#[derive(Debug, Args)]
pub(in crate::cli) struct PauseArgs {
    #[command(flatten)]
    which: Which,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Let a routine fire again, or for the first time; with --run, go on with one of its runs
#[derive(Debug, Args)]
pub(in crate::cli) struct ResumeArgs {
    #[command(flatten)]
    which: Which,
    /// What becomes of what was missed meanwhile
    #[arg(long, value_name = "CHOICE", default_value = "skip")]
    missed: Missed,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The routine's id
    id: Option<String>,
    /// A run's id
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Missed {
    /// It is forgotten
    Skip,
    /// The routine's misfire policy decides
    Policy,
}

/// Delete a routine; runs that it started go on
#[derive(Debug, Args)]
pub(in crate::cli) struct RmArgs {
    /// The routine's id
    id: String,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn create(args: CreateArgs) -> Result<ExitCode, Failure> {
    let mut document = given::document(args.settings.file.as_ref())?;
    let connection = args.common.connect(Access::Write).await?;
    if let Some(name) = &args.template {
        document = template(&connection, name).await?;
        document.insert("id".to_owned(), json!(name));
    }
    if let Some(id) = args.id {
        document.remove("routine_id");
        document.insert("id".to_owned(), json!(id));
    }
    if args.draft {
        document.insert("status".to_owned(), json!("disabled"));
    }
    let expression = args.settings.expression().map(str::to_owned);
    args.settings.lay_over(&mut document)?;
    if let Some(id) = document.get("id").cloned() {
        document.entry("name").or_insert(id);
    }
    let made = connection.client.create_routine(&document).await;
    let routine = made.map_err(|error| given::pointed(error, expression.as_deref()))?;
    tell(&routine, &args.common)
}

async fn template(connection: &Connection, name: &str) -> Result<Map<String, Value>, Failure> {
    let templates = connection.client.routine_templates().await?.templates;
    let names: Vec<String> = templates.iter().map(|template| template.name.clone()).collect();
    let Some(found) = templates.into_iter().find(|template| template.name == name) else {
        let message = format!("--template: there is no `{}`; there are {}", visible(name), names.join(", "));
        return Err(Failure::bad_input(message));
    };
    match serde_json::to_value(found.routine) {
        Ok(Value::Object(document)) => Ok(document),
        _ => Err(Failure::failed(format!("the template `{name}` is no object"))),
    }
}

pub(super) async fn edit(args: EditArgs) -> Result<ExitCode, Failure> {
    let mut change = given::document(args.settings.file.as_ref())?;
    let expression = args.settings.expression().map(str::to_owned);
    args.settings.lay_over(&mut change)?;
    if change.is_empty() {
        return Err(Failure::bad_input("nothing to change was given; `sluice routine edit --help` lists what may be"));
    }
    if let Some(revision) = args.if_rev {
        change.insert("if_revision".to_owned(), json!(revision));
    }
    let connection = args.common.connect(Access::Write).await?;
    let changed = connection.client.change_routine(&args.id, &change).await;
    let routine = changed.map_err(|error| given::pointed(error, expression.as_deref()))?;
    tell(&routine, &args.common)
}

pub(super) async fn pause(args: PauseArgs) -> Result<ExitCode, Failure> {
    let change = json!({"status": "paused", "status_reason": args.reason});
    change_or_step(args.which, change, ("pause", args.reason), &args.common).await
}

pub(super) async fn resume(args: ResumeArgs) -> Result<ExitCode, Failure> {
    let missed = match args.missed {
        Missed::Skip => "skip",
        Missed::Policy => "policy",
    };
    let change = json!({"status": "enabled", "status_reason": args.reason, "resume_missed": missed});
    change_or_step(args.which, change, ("resume", args.reason), &args.common).await
}

async fn change_or_step(
    which: Which,
    change: Value,
    (step, reason): (&str, Option<String>),
    common: &Common,
) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Write).await?;
    if let Some(run) = which.run {
        let request = RoutineRunStep { reason, content_digest: None };
        let run = connection.client.step_routine_run(&run, step, &request).await?;
        return runs::tell(&run, common);
    }
    // One of the two is there: the group requires it.
    let id = which.id.unwrap_or_default();
    let routine = connection.client.change_routine(&id, &change).await?;
    tell(&routine, common)
}

pub(super) async fn rm(args: RmArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Write).await?;
    let deleted = connection.client.delete_routine(&args.id).await?;
    if args.common.json {
        output::json(&deleted)?;
    } else {
        output::print(&format!("{} deleted", deleted.id))?;
    }
    Ok(Exit::Succeeded.into())
}

/// Tells how a routine stands after a change.
fn tell(routine: &RoutineView, common: &Common) -> Result<ExitCode, Failure> {
    if common.json {
        output::json(&json!({"routine": routine}))?;
    } else {
        output::print(&format!("{} {}, {}", routine.id, routine.status, look::next(routine)))?;
        output::print(&visible(&routine.meaning))?;
        if let Some(mark) = look::side_effects(routine) {
            output::print(&mark)?;
        }
    }
    Ok(Exit::Succeeded.into())
}
