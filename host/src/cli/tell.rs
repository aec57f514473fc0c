//! Tells what a follower of the log is told, a line for each event, until somebody interrupts or nobody
//! reads any more. What a line says is its caller's.

use std::process::ExitCode;

use serde_json::json;

use sluice_api::event::EventView;

use super::exit::{Exit, Failure};
use super::output::{self, visible};
use super::table;
use crate::client::{Follow, From, Told};

/// Where a follower begins that may be told a place in the log or how many events before now.
pub(super) fn from(since: Option<u64>, tail: Option<u32>) -> From {
    match (since, tail) {
        (Some(seq), _) => From::After(seq),
        (None, Some(count)) => From::Tail(count),
        (None, None) => From::Now,
    }
}

/// How events are told.
pub(super) struct Teller {
    /// One JSON document a line.
    pub(super) as_json: bool,
    /// Else this line of each, cut to the terminal.
    pub(super) line: fn(&EventView) -> String,
    /// What to do when events are no longer kept.
    pub(super) when_lost: &'static str,
}

impl Teller {
    /// Tells what comes.
    pub(super) async fn follow(&self, follow: Follow) -> Result<ExitCode, Failure> {
        tokio::select! {
            ended = self.tell_all(follow) => ended,
            () = super::interrupted() => Ok(Exit::Interrupted.into()),
        }
    }

    async fn tell_all(&self, mut follow: Follow) -> Result<ExitCode, Failure> {
        loop {
            let is_read = match follow.next().await? {
                Told::Event(event) => self.event(&event)?,
                Told::Reset { oldest_seq } => {
                    let when_lost = self.when_lost;
                    eprintln!("reset: events before {oldest_seq} are no longer kept and were not told; {when_lost}");
                    !self.as_json || output::json_line_while_read(&json!({"type": "reset", "oldest_seq": oldest_seq}))?
                }
                Told::Ready | Told::Bookmark(_) => true,
            };
            if !is_read {
                return Ok(Exit::Succeeded.into());
            }
        }
    }

    /// Tells one event. Whether somebody still reads.
    pub(super) fn event(&self, event: &EventView) -> Result<bool, Failure> {
        if self.as_json {
            return output::json_line_while_read(event);
        }
        output::print_while_read(&table::cut(&visible(&(self.line)(event)), table::terminal_width()))
    }
}
