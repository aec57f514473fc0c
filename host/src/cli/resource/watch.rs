//! `sluice resource watch`: what becomes of shared resources, over restarts of the server.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use sluice_api::event::EventView;

use super::read;
use crate::cli::connect::{Access, Common};
use crate::cli::exit::Failure;
use crate::cli::tell::{self, Teller};

/// Tell what becomes of values, until interrupted
///
/// A connection that breaks is made again, and what happened meanwhile is told then: nothing is
/// missing and nothing stands twice. To begin with what there is: `sluice resource ls --json` tells
/// the `seq` to watch from.
#[derive(Debug, Args)]
pub(in crate::cli) struct WatchArgs {
    /// Only keys that begin with this
    prefix: Option<String>,
    /// Tell the values too
    #[arg(long)]
    values: bool,
    /// Begin after this place in the log
    #[arg(long, value_name = "SEQ", conflicts_with = "tail")]
    since: Option<u64>,
    /// Begin with the newest so many changes
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn execute(args: WatchArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let from = tell::from(args.since, args.tail);
    let prefix = args.prefix.filter(|prefix| !prefix.is_empty());
    let teller =
        Teller { as_json: args.common.json, line, when_lost: "read the present state with `sluice resource ls`" };
    teller.follow(connection.client.watch_resources(prefix, args.values, from)).await
}

fn line(event: &EventView) -> String {
    let p = &event.properties;
    let text = |name: &str| p.get(name).and_then(Value::as_str);
    let what = text("reason").unwrap_or("updated");
    let key = text("key").unwrap_or_default();
    let by = text("updated_by").unwrap_or(&event.actor);
    let value = p.get("value").map(|value| format!("  {}", read::short(value))).unwrap_or_default();
    format!("{:>6}  {what:<7}  {key} rev {}  by {by}{value}", event.seq, p["rev"])
}
