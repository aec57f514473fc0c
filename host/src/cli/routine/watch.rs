//! `sluice routine watch`: what happens to routines, over restarts of the server.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use sluice_api::event::EventView;

use crate::cli::connect::{Access, Common};
use crate::cli::exit::Failure;
use crate::cli::tell::{self, Teller};

/// Tell what happens to routines, until interrupted
///
/// A connection that breaks is made again, and what happened meanwhile is told then: nothing is
/// missing and nothing stands twice.
#[derive(Debug, Args)]
pub(in crate::cli) struct WatchArgs {
    /// Only this routine
    id: Option<String>,
    /// Begin after this place in the log
    #[arg(long, value_name = "SEQ", conflicts_with = "tail")]
    since: Option<u64>,
    /// Begin with the newest so many events
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn execute(args: WatchArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let from = tell::from(args.since, args.tail);
    let teller = Teller { as_json: args.common.json, line, when_lost: "`sluice routine history` has them" };
    teller.follow(connection.client.watch_routines(args.id, from)).await
}

fn line(event: &EventView) -> String {
    let p = &event.properties;
    let text = |name: &str| p.get(name).and_then(Value::as_str);
    let what = event.event_type.strip_prefix("routine.").unwrap_or(&event.event_type);
    let routine = text("routine_id").unwrap_or_default();
    let words = ["run_id", "trigger", "status", "reason"].into_iter().filter_map(text).map(str::to_owned);
    let count = p.get("count").and_then(Value::as_u64).map(|count| format!("{count} times"));
    let more: Vec<String> = words.chain(count).collect();
    format!("{:>6}  {what:<17}  {routine}  {}", event.seq, more.join("  "))
}
