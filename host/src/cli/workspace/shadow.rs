//! `sluice workspace shadow`: what another component would decide beside what decides.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use sluice_api::check::CheckDifference;
use sluice_api::shadow::{ShadowCounts, ShadowDifference, ShadowReport};
use sluice_api::workspace::{BindingAsk, BindingsAsk};

use super::given::{self, OneChange};
use crate::cli::connect::{Access, OfWorkspace};
use crate::cli::exit::{Exit, Failure};
use crate::cli::moment;
use crate::cli::output::{self, visible};
use crate::cli::plugin::told;
use crate::cli::table;

/// Another component beside one that decides, without effect
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ShadowCommand {
    Set(SetArgs),
    Show(ShowArgs),
    Drop(DropArgs),
}

/// Beside what a component decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    Reducer,
    Review,
    Test,
    Scrubber,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Reducer => "reducer",
            Self::Review => "review",
            Self::Test => "test",
            Self::Scrubber => "scrubber",
        }
    }
}

/// Have a component decide beside what is bound
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SetArgs {
    /// Beside what
    #[arg(value_enum)]
    role: Role,
    /// The component: a digest, name@version or name; `PLUGIN={"setting": ...}` with settings
    #[arg(value_name = "PLUGIN[=JSON]")]
    plugin: String,
    #[command(flatten)]
    change: OneChange,
}

/// What components in shadow would have decided
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ShowArgs {
    /// Only of this role
    #[arg(value_enum)]
    role: Option<Role>,
    /// Most differences that are shown, the newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=500))]
    differences: u32,
    #[command(flatten)]
    common: OfWorkspace,
}

/// Have no component in shadow any more; what was counted is kept
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DropArgs {
    /// Beside what
    #[arg(value_enum)]
    role: Role,
    #[command(flatten)]
    change: OneChange,
}

impl ShadowCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Set(args) => args.change.common.json,
            Self::Show(args) => args.common.json,
            Self::Drop(args) => args.change.common.json,
        }
    }

    pub(super) async fn execute(&self) -> Result<ExitCode, Failure> {
        match self {
            Self::Set(args) => {
                let component = given::binding("shadow", &args.plugin)?;
                args.change
                    .make(|bindings| {
                        *place(bindings, args.role) = Some(component);
                        Ok(())
                    })
                    .await
            }
            Self::Show(args) => show(args).await,
            Self::Drop(args) => {
                let (role, workspace) = (args.role.name(), args.change.workspace());
                let none = || Failure::bad_input(format!("workspace `{workspace}` has no {role} in shadow"));
                args.change
                    .make(|bindings| {
                        place(bindings, args.role).take().ok_or_else(none)?;
                        tidy(bindings);
                        Ok(())
                    })
                    .await
            }
        }
    }
}

/// Where the shadow of a role stands.
fn place(bindings: &mut BindingsAsk, role: Role) -> &mut Option<BindingAsk> {
    match role {
        Role::Reducer => &mut bindings.reducer.get_or_insert_default().shadow,
        Role::Scrubber => &mut bindings.scrubber.get_or_insert_default().shadow,
        Role::Review | Role::Test => &mut bindings.gates.entry(role.name().to_owned()).or_default().shadow,
    }
}

/// Leaves out roles that nothing is bound to any more.
fn tidy(bindings: &mut BindingsAsk) {
    bindings.reducer.take_if(|of| !of.component().names_one() && of.canary.is_none() && of.shadow.is_none());
    bindings.scrubber.take_if(|of| !of.component().names_one() && of.shadow.is_none());
    bindings.gates.retain(|_, of| of.gates.is_some() || of.shadow.is_some());
}

async fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let role = args.role.map(Role::name);
    let most = args.differences.max(1);
    let mut report = connection.client.workspace_shadow(&args.common.workspace, role, most).await?;
    report.differences.truncate(args.differences as usize);
    report.count = report.differences.len();
    if args.common.json {
        output::json(&report)?;
    } else {
        for line in lines(&report) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

fn lines(report: &ShadowReport) -> Vec<String> {
    if report.shadows.is_empty() {
        return vec![visible(&format!("nothing was counted in workspace {} yet", report.workspace_id))];
    }
    let width = table::terminal_width();
    let header = ["ROLE", "PLUGIN", "DIGEST", "SAME", "DIFFERENT", "FAILED", "SLOWER", "DROPPED", "SINCE REV", "STATE"];
    let rows: Vec<Vec<String>> = report.shadows.iter().map(row).collect();
    let mut lines = table::lines(&header, &rows, width);
    for difference in &report.differences {
        lines.push(String::new());
        let at = moment::written(difference.at_ms);
        lines.push(visible(&format!("{at} {} {}", difference.role, short(&difference.digest))));
        lines.extend(told(&compared(difference)).iter().map(|line| table::cut(&visible(line), width)));
    }
    lines
}

fn row(of: &ShadowCounts) -> Vec<String> {
    let mut row = vec![of.role.clone(), visible(&of.plugin), short(&of.digest)];
    let counts = [of.same, of.different, of.failed, of.slower, of.dropped, of.since_revision];
    row.extend(counts.iter().map(u64::to_string));
    row.push(if of.in_force { "in force" } else { "dropped" }.to_owned());
    row
}

fn short(digest: &str) -> String {
    digest.chars().take(16).collect()
}

/// The same difference, as a check tells it.
fn compared(of: &ShadowDifference) -> CheckDifference {
    CheckDifference {
        outcome: of.outcome,
        mission_id: of.mission_id.clone(),
        seq: of.seq,
        work_item_id: of.work_item_id.clone(),
        verdict_id: of.verdict_id.clone(),
        memory_id: None,
        kind: of.kind.clone(),
        recorded: of.decided.clone(),
        candidate: of.candidate.clone(),
    }
}
