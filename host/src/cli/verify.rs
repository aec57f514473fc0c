//! `sluice verify`: walks along the audit's chain.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::PlaceArgs;
use super::connect::Access;
use super::embedded;
use super::exit::{Exit, Failure};
use super::output;
use crate::data_dir::DataDir;
use crate::store::Location;

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
    check_database(&args.place)?;
    let embedded = embedded::open(&args.place.place(), Access::Read).await?;
    let found = embedded.engine().verify_audit().await?;
    let exit = if found.broken.is_none() { Exit::Succeeded } else { Exit::Failed };
    if args.json {
        let broken = found.broken.map(|link| json!({"seq": link.seq, "reason": link.reason}));
        output::json(&json!({"intact": found.intact, "broken": broken}))?;
        return Ok(exit.into());
    }
    output::print(&match found.broken {
        None if found.intact == 0 => "the audit of this database has no entries".to_owned(),
        None => format!("{} entries of the audit, every link holds", found.intact),
        Some(link) => {
            format!("entry {} of the audit is broken: {}; {} before it hold", link.seq, link.reason, found.intact)
        }
    })?;
    Ok(exit.into())
}

/// Refuses what is not the database that was meant: one that would have to be made first holds nothing, and an audit
/// of nothing is always whole.
fn check_database(place: &PlaceArgs) -> Result<(), Failure> {
    if place.database_url.is_some() {
        return Ok(());
    }
    let root = DataDir::root_of(place.data.as_deref())?;
    let shown = root.display();
    let served = DataDir::existing(place.data.as_deref())?.and_then(|directory| directory.server());
    if let Some(record) = served.filter(|record| record.is_on_postgres) {
        return Err(Failure::bad_input(format!(
            "the host that serves `{shown}` ({}) keeps its state in a PostgreSQL database and not in this directory; \
             name the database with --database-url. If nothing serves the directory any more, remove `server.json` \
             in it to verify what lies there",
            record.url
        )));
    }
    if (Location::Sqlite { directory: root.clone() }).may_exist() {
        return Ok(());
    }
    Err(Failure::bad_input(format!(
        "there is no database in `{shown}`; name the data directory of a host with --data, or its PostgreSQL database \
         with --database-url"
    )))
}
