//! `sluice memory promote`, `demote` and `rm`.

use std::process::ExitCode;

use clap::Args;

use sluice_api::memory::{MemoryDemote, MemoryPromote, MemoryPromoted, PromotionReview};

use super::put::found;
use super::{Common, ForRun, TierArg, tier_word};
use crate::cli::connect::Access;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;

/// Have a record remembered in a higher tier
///
/// It is scrubbed again. Where a review is due the approval that waits is named; once it is granted, the same
/// command promotes. The exit code is 0 when there is a record in the higher tier, else 1.
#[derive(Debug, Args)]
pub(in crate::cli) struct PromoteArgs {
    /// The record's id
    id: String,
    /// Where to (default: the next tier)
    #[arg(long, value_name = "TIER")]
    to: Option<TierArg>,
    /// Why, for whoever reviews it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The approval that was granted
    #[arg(long, value_name = "ID")]
    approval: Option<String>,
    #[command(flatten)]
    run: ForRun,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Have a record found no more
#[derive(Debug, Args)]
pub(in crate::cli) struct DemoteArgs {
    /// The record's id
    id: String,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Delete a record; that it was there stays in the audit
#[derive(Debug, Args)]
pub(in crate::cli) struct RmArgs {
    /// The record's id
    id: String,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn promote(args: PromoteArgs) -> Result<ExitCode, Failure> {
    let request = MemoryPromote {
        id: args.id.clone(),
        to_tier: args.to.map(Into::into),
        reason: args.reason.clone(),
        review: args.approval.clone().map(|id| PromotionReview { approval_id: Some(id) }),
        run_id: None,
        capability: args.run.capability(),
    };
    let connection = args.common.connect(Access::Write).await?;
    let promoted = connection.client.promote_memory(&request).await?;
    if args.common.json {
        output::json(&promoted)?;
    } else {
        output::print(&told(&promoted))?;
    }
    Ok(if promoted.promoted { Exit::Succeeded.into() } else { Exit::Failed.into() })
}

fn told(promoted: &MemoryPromoted) -> String {
    let (id, tier) = (&promoted.id, tier_word(promoted.to_tier));
    let found = found(&promoted.scrub_report.findings);
    match (&promoted.new_memory_id, &promoted.approval_id, promoted.approval_status.as_deref()) {
        (Some(new), ..) => format!("{id} promoted to {tier} as {new}{found}"),
        (None, Some(approval), Some("denied")) => format!("{id} not promoted: approval {approval} was denied"),
        (None, Some(approval), _) => {
            format!("{id} waits for approval {approval}{found}; look at it with `sluice approval show {approval}`")
        }
        (None, None, _) => format!("{id} not promoted: the scrubber blocked it"),
    }
}

pub(super) async fn demote(args: DemoteArgs) -> Result<ExitCode, Failure> {
    let request = MemoryDemote { id: args.id, run_id: None, reason: args.reason, if_revision: None };
    let connection = args.common.connect(Access::Write).await?;
    let removed = connection.client.demote_memory(&request).await?;
    if args.common.json {
        output::json(&removed)?;
    } else {
        output::print(&format!("{} demoted", removed.id))?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn rm(args: RmArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Write).await?;
    let removed = connection.client.delete_memory(&args.id).await?;
    if args.common.json {
        output::json(&removed)?;
    } else {
        output::print(&format!("{} deleted", removed.id))?;
    }
    Ok(Exit::Succeeded.into())
}
