//! `sluice events`: the log, as it is or as it grows.

use std::process::ExitCode;

use clap::Args;

use sluice_api::event::EventView;

use super::connect::{Access, HostArgs};
use super::exit::{Exit, Failure};
use super::output::{self, visible};
use super::table;
use crate::client::{Client, EventFilter, From, Told};

/// Most events of a page.
const PAGE: u32 = 500;

/// Show what happened; with --follow also what happens
#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// Go on with what happens, until interrupted
    #[arg(long, short = 'f')]
    follow: bool,
    /// Only types that begin with this; may stand several times
    #[arg(long = "type", value_name = "PREFIX")]
    types: Vec<String>,
    /// Only events of this mission
    #[arg(long, value_name = "ID")]
    mission: Option<String>,
    /// Only events of this run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Begin with the newest so many events (default: 100; with --follow: 0)
    #[arg(long, value_name = "N", conflicts_with = "since_seq")]
    tail: Option<u32>,
    /// Begin after this place in the log
    #[arg(long, value_name = "SEQ")]
    since_seq: Option<u64>,
    /// Print one JSON document a line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) async fn execute(args: EventsArgs) -> Result<ExitCode, Failure> {
    let connection = args.host.connect(Access::Read).await?;
    let filter = EventFilter { types: args.types, mission_id: args.mission, run_id: args.run };
    let from = match (args.since_seq, args.tail) {
        (Some(seq), _) => From::After(seq),
        (None, Some(count)) => From::Tail(count),
        (None, None) if args.follow => From::Now,
        (None, None) => From::Tail(100),
    };
    if !args.follow {
        list(&connection.client, &filter, from, args.json).await?;
        return Ok(Exit::Succeeded.into());
    }
    tokio::select! {
        followed = follow(&connection.client, filter, from, args.json) => followed,
        () = super::interrupted() => Ok(Exit::Interrupted.into()),
    }
}

async fn list(client: &Client, filter: &EventFilter, mut from: From, as_json: bool) -> Result<(), Failure> {
    loop {
        let page = client.events(filter, from, Some(PAGE)).await?;
        for event in &page.items {
            if !print(event, as_json)? {
                return Ok(());
            }
        }
        let next = page.next_cursor.and_then(|cursor| cursor.parse().ok());
        let Some(seq) = next else { return Ok(()) };
        from = From::After(seq);
    }
}

async fn follow(client: &Client, filter: EventFilter, from: From, as_json: bool) -> Result<ExitCode, Failure> {
    let mut follow = client.follow(filter, from);
    loop {
        match follow.next().await? {
            Told::Event(event) if print(&event, as_json)? => {}
            Told::Event(_) => return Ok(Exit::Succeeded.into()),
            Told::Reset { oldest_seq } => {
                eprintln!("events before {oldest_seq} are no longer kept; what follows begins there");
            }
            Told::Ready | Told::Bookmark(_) => {}
        }
    }
}

/// Whether somebody still reads.
fn print(event: &EventView, as_json: bool) -> Result<bool, Failure> {
    if as_json {
        return output::json_line_while_read(event);
    }
    let line = format!("{:>6}  {}  by {}  {}", event.seq, event.event_type, event.actor, event.properties);
    output::print_while_read(&table::cut(&visible(&line), table::terminal_width()))
}
