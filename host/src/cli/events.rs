//! `sluice events`: the log, as it is or as it grows.

use std::process::ExitCode;

use clap::Args;

use sluice_api::event::EventView;

use super::connect::{Access, HostArgs};
use super::exit::{Exit, Failure};
use super::tell::{self, Teller};
use crate::client::{Client, EventFilter, From};

/// Most events of a page.
const PAGE: u32 = 500;
/// How many of the newest are shown unless it is said.
const TAIL: u32 = 100;

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
    let teller = Teller { as_json: args.json, line, when_lost: "what follows begins there" };
    if args.follow {
        let from = tell::from(args.since_seq, args.tail);
        return teller.follow(connection.client.follow(filter, from)).await;
    }
    let tail = args.tail.unwrap_or(TAIL);
    list(&connection.client, &filter, tell::from(args.since_seq, Some(tail)), &teller).await?;
    Ok(Exit::Succeeded.into())
}

async fn list(client: &Client, filter: &EventFilter, mut from: From, teller: &Teller) -> Result<(), Failure> {
    loop {
        let page = client.events(filter, from, Some(PAGE)).await?;
        for event in &page.items {
            if !teller.event(event)? {
                return Ok(());
            }
        }
        let next = page.next_cursor.and_then(|cursor| cursor.parse().ok());
        let Some(seq) = next else { return Ok(()) };
        from = From::After(seq);
    }
}

fn line(event: &EventView) -> String {
    format!("{:>6}  {}  by {}  {}", event.seq, event.event_type, event.actor, event.properties)
}
