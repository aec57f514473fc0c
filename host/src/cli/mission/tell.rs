//! What somebody tells a mission: that it is to start, pause, go on or end, or what happened.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::Common;
use crate::cli::connect::Access;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;

/// What somebody tells a mission.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Told {
    /// The mission's id
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Tell a mission that something happened
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct EventArgs {
    /// The mission's id
    id: String,
    /// What happened: `tool_observed`, `work_items_proposed`, ...
    #[arg(value_name = "TYPE")]
    kind: String,
    /// The particulars, as a JSON object (`-` reads it from standard input)
    #[arg(long = "with", value_name = "JSON")]
    particulars: Option<String>,
    /// Only if the mission is at this revision
    #[arg(long, value_name = "N")]
    if_revision: Option<u64>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn tell(told: Told, kind: &str) -> Result<ExitCode, Failure> {
    let reason = told.reason.unwrap_or_else(|| "by command".to_owned());
    let data = match kind {
        "mission_started" | "mission_resumed" => Map::new(),
        _ => Map::from_iter([("reason".to_owned(), json!(reason))]),
    };
    post(&told.id, kind, data, None, &told.common).await
}

pub(super) async fn event(args: EventArgs) -> Result<ExitCode, Failure> {
    let data = match args.particulars.as_deref() {
        None => Map::new(),
        Some("-") => {
            let text = std::io::read_to_string(std::io::stdin())
                .map_err(|error| Failure::bad_input(format!("--with: standard input cannot be read: {error}")))?;
            object(&text)?
        }
        Some(text) => object(text)?,
    };
    post(&args.id, &args.kind, data, args.if_revision, &args.common).await
}

fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::bad_input(format!("--with: is not a JSON object: {error}")))
}

async fn post(
    id: &str,
    kind: &str,
    data: Map<String, Value>,
    if_revision: Option<u64>,
    common: &Common,
) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Write).await?;
    let advanced = connection.client.post_event(id, kind, data, if_revision).await?;
    if common.json {
        output::json(&advanced)?;
    } else {
        output::print(&format!("mission {id} {}", advanced.mission.status))?;
    }
    Ok(Exit::Succeeded.into())
}
