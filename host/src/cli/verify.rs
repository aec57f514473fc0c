//! `sluice verify`: walks along the audit's chain.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::PlaceArgs;
use super::connect::Access;
use super::embedded;
use super::exit::{Exit, Failure};
use super::output;

/// Check that nobody changed the audit: walks along its chain and names the first broken link
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Reads the database itself: whoever could answer over the network could answer anything.
pub(super) async fn execute(args: VerifyArgs) -> Result<ExitCode, Failure> {
    let embedded = embedded::open(&args.place.place(), Access::Read).await?;
    let found = embedded.engine().verify_audit().await?;
    let exit = if found.broken.is_none() { Exit::Succeeded } else { Exit::Failed };
    if args.json {
        let broken = found.broken.map(|link| json!({"seq": link.seq, "reason": link.reason}));
        output::json(&json!({"intact": found.intact, "broken": broken}))?;
        return Ok(exit.into());
    }
    output::print(&match found.broken {
        None => format!("{} entries of the audit, every link holds", found.intact),
        Some(link) => {
            format!("entry {} of the audit is broken: {}; {} before it hold", link.seq, link.reason, found.intact)
        }
    })?;
    Ok(exit.into())
}
