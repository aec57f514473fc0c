//! `sluice routine watch`: what happens to routines, over restarts of the server.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use sluice_api::event::EventView;

use super::Common;
use crate::cli::connect::Access;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::table;
use crate::client::{Follow, From, Told};

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
    let from = match (args.since, args.tail) {
        (Some(seq), _) => From::After(seq),
        (None, Some(count)) => From::Tail(count),
        (None, None) => From::Now,
    };
    let follow = connection.client.watch_routines(args.id, from);
    tokio::select! {
        ended = tell_all(follow, args.common.json) => ended,
        () = crate::cli::interrupted() => Ok(Exit::Interrupted.into()),
    }
}

async fn tell_all(mut follow: Follow, as_json: bool) -> Result<ExitCode, Failure> {
    loop {
        let is_read = match follow.next().await? {
            Told::Event(event) if as_json => output::json_line_while_read(&event)?,
            Told::Event(event) => {
                output::print_while_read(&table::cut(&visible(&line(&event)), table::terminal_width()))?
            }
            Told::Reset { oldest_seq } => {
                eprintln!(
                    "reset: events before {oldest_seq} are no longer kept and were not told; `sluice routine history` \
                     has them"
                );
                !as_json || output::json_line_while_read(&json!({"type": "reset", "oldest_seq": oldest_seq}))?
            }
            Told::Ready | Told::Bookmark(_) => true,
        };
        if !is_read {
            return Ok(Exit::Succeeded.into());
        }
    }
}

fn line(event: &EventView) -> String {
    let p = &event.properties;
    let text = |name: &str| p.get(name).and_then(Value::as_str);
    let what = event.event_type.strip_prefix("routine.").unwrap_or(&event.event_type);
    let routine = text("routine_id").unwrap_or_default();
    let more = ["run_id", "trigger", "status", "reason"].into_iter().filter_map(text);
    let more: String = more.map(|word| format!("  {word}")).collect();
    let count = p.get("count").and_then(Value::as_u64).map(|count| format!("  {count} times")).unwrap_or_default();
    format!("{:>6}  {what:<17}  {routine}{more}{count}", event.seq)
}
