//! `sluice lease`: names that one holder at a time has.
//!
//! [`take`] takes, renews and gives back; [`run`] holds a lease while a command runs, with [`keep`]
//! renewing it; [`look`] shows leases.

mod take;
mod keep;
mod run;
mod look;

use std::process::ExitCode;

use clap::Subcommand;

use super::connect::Common;
use super::exit::Failure;

/// Be the only one: take names that one holder at a time has
#[derive(Debug, Subcommand)]
pub(super) enum LeaseCommand {
    Acquire(take::AcquireArgs),
    /// Have a lease last its time from now on
    Renew {
        /// The lease's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// Give a lease back
    Release {
        /// The lease's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// One lease, held or not
    Show {
        /// The lease's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// The leases there are, by name
    Ls {
        /// Only those that somebody holds now
        #[arg(long)]
        held: bool,
        #[command(flatten)]
        common: Common,
    },
    Run(run::RunArgs),
}

impl LeaseCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Acquire(args) => args.common.json,
            Self::Renew { common, .. }
            | Self::Release { common, .. }
            | Self::Show { common, .. }
            | Self::Ls { common, .. } => common.json,
            // Standard output is the command's.
            Self::Run(_) => false,
        }
    }
}

pub(super) async fn execute(command: LeaseCommand) -> Result<ExitCode, Failure> {
    match command {
        LeaseCommand::Acquire(args) => take::acquire(args).await,
        LeaseCommand::Renew { id, common } => take::renew(&id, &common).await,
        LeaseCommand::Release { id, common } => take::release(&id, &common).await,
        LeaseCommand::Show { id, common } => look::show(&id, &common).await,
        LeaseCommand::Ls { held, common } => look::ls(held, &common).await,
        LeaseCommand::Run(args) => run::execute(args).await,
    }
}
