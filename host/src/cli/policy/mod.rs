//! `sluice policy`: who may do what in a workspace.
//!
//! [`given`] reads files, [`check`] and [`test`] judge them without any host, [`set`] has them hold,
//! [`look`] shows what holds and what held, [`ask`] asks why, and what another policy would decide.

mod given;
mod check;
mod test;
mod set;
mod look;
mod ask;

use std::process::ExitCode;

use clap::Subcommand;
use sluice_api::policy::{PolicyCited, PolicyDecision};

use super::exit::Failure;

/// Who may do what in a workspace
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    Check(check::CheckArgs),
    Test(test::TestArgs),
    Show(look::ShowArgs),
    History(look::HistoryArgs),
    Set(set::SetArgs),
    Rollback(set::RollbackArgs),
    Explain(ask::ExplainArgs),
    Diff(ask::DiffArgs),
}

impl PolicyCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Check(args) => args.json,
            Self::Test(args) => args.json,
            Self::Show(args) => args.common.json,
            Self::History(args) => args.common.json,
            Self::Set(args) => args.common.json,
            Self::Rollback(args) => args.common.json,
            Self::Explain(args) => args.common.json,
            Self::Diff(args) => args.common.json,
        }
    }
}

pub(super) async fn execute(command: PolicyCommand) -> Result<ExitCode, Failure> {
    match command {
        PolicyCommand::Check(args) => check::execute(&args),
        PolicyCommand::Test(args) => test::execute(&args),
        PolicyCommand::Show(args) => look::show(&args).await,
        PolicyCommand::History(args) => look::history(&args).await,
        PolicyCommand::Set(args) => set::set(&args).await,
        PolicyCommand::Rollback(args) => set::roll_back(&args).await,
        PolicyCommand::Explain(args) => ask::explain(args).await,
        PolicyCommand::Diff(args) => ask::diff(&args).await,
    }
}

fn word(decision: PolicyDecision) -> &'static str {
    match decision {
        PolicyDecision::Allowed => "allowed",
        PolicyDecision::ApprovalRequired => "approval required",
        PolicyDecision::Denied => "denied",
    }
}

fn cited(policies: &[PolicyCited]) -> String {
    let ids: Vec<&str> = policies.iter().map(|policy| policy.id.as_str()).collect();
    if ids.is_empty() { "no policy permits it".to_owned() } else { ids.join(", ") }
}
