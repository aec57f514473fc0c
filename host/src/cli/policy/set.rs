//! `sluice policy set` and `rollback`.

use std::process::ExitCode;

use sluice_api::policy::{PolicyRollback, PolicyView};

use super::given::{Given, rules};
use crate::cli::connect::{Access, OfWorkspace};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;

/// Have policies hold in a workspace, instead of those that did
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SetArgs {
    #[command(flatten)]
    given: Given,
    /// Have no policies but the defaults
    #[arg(long, conflicts_with_all = ["files", "preset"])]
    none: bool,
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only if this is the newest revision; 0: only if there never was a policy
    #[arg(long, value_name = "REV")]
    if_rev: Option<u64>,
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

/// Have an earlier revision hold again
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RollbackArgs {
    /// The revision to go back to; `sluice policy history` lists them
    #[arg(value_name = "REV")]
    revision: u64,
    /// Only if this is the newest revision
    #[arg(long, value_name = "REV")]
    if_rev: Option<u64>,
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

pub(super) async fn set(args: &SetArgs) -> Result<ExitCode, Failure> {
    let mut put = args.given.read()?;
    let is_empty = args.given.files.is_empty() && args.given.preset.is_none();
    if is_empty && !args.none {
        return Err(Failure::bad_input("name files of policies or a --preset, or say --none for the defaults alone"));
    }
    if !args.none && rules(&put)?.is_ok_and(|rules| !rules.has_own()) {
        return Err(Failure::bad_input(
            "what was given holds no policy at all, and would take away what holds; say --none for the defaults alone",
        ));
    }
    put.note = args.note.clone().or(put.note);
    put.if_match_rev = args.if_rev.or(put.if_match_rev);
    let connection = args.common.connect(Access::Write).await?;
    told(&connection.client.set_policy(&args.common.workspace, &put).await?, &args.common)
}

pub(super) async fn roll_back(args: &RollbackArgs) -> Result<ExitCode, Failure> {
    if args.revision == 0 {
        return Err(Failure::bad_input(
            "revisions of a policy count from 1; `sluice policy set --none` has no policies hold but the defaults",
        ));
    }
    let connection = args.common.connect(Access::Write).await?;
    let rollback = PolicyRollback { revision: args.revision, if_match_rev: args.if_rev };
    told(&connection.client.roll_back_policy(&args.common.workspace, &rollback).await?, &args.common)
}

fn told(policy: &PolicyView, common: &OfWorkspace) -> Result<ExitCode, Failure> {
    if common.json {
        output::json(policy)?;
    } else {
        output::print(&format!("revision {} of the policy of {} holds", policy.revision, policy.workspace_id))?;
    }
    Ok(Exit::Succeeded.into())
}
