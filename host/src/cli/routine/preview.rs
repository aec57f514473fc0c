//! `sluice routine preview`: what a schedule means, before it is saved.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use sluice_api::schedule::{IntervalView, OnceView, PreviewAnswer, PreviewRequest, ScheduleGiven, ScheduleView};

use super::given;
use crate::cli::connect::{Access, Common};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::{moment, span, table};

/// Show when a schedule fires, and what it means; exit code 1 when it never does
#[derive(Debug, Args)]
pub(in crate::cli) struct PreviewArgs {
    /// A crontab expression: "30 9 * * 1-5", @daily
    #[arg(value_name = "EXPRESSION", required_unless_present_any = ["every", "once"])]
    expression: Option<String>,
    /// Every so often: 15m, 6h
    #[arg(long, value_name = "TIME", value_parser = span::parse, conflicts_with_all = ["expression", "once"])]
    every: Option<Duration>,
    /// Once
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse, conflicts_with = "expression")]
    once: Option<u64>,
    /// The zone it is written for
    #[arg(long, value_name = "ZONE", visible_alias = "tz")]
    timezone: Option<String>,
    /// Fires later than this (default: now)
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    after: Option<u64>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 5)]
    count: u32,
    /// Leave out a date: 2026-12-24, or 12-25 of every year; may stand several times
    #[arg(long, value_name = "DATE")]
    exclude: Vec<String>,
    /// Not before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    starts: Option<u64>,
    /// Not after this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment::parse)]
    ends: Option<u64>,
    #[command(flatten)]
    pub(super) common: Common,
}

impl PreviewArgs {
    fn schedule(&self) -> Result<ScheduleGiven, Failure> {
        let said = match (&self.expression, self.every, self.once) {
            (Some(expression), ..) => return Ok(ScheduleGiven::Expression(expression.clone())),
            (None, Some(every), _) if every.subsec_nanos() != 0 => {
                return Err(Failure::bad_input("--every: an interval is a whole number of seconds"));
            }
            (None, Some(every), _) => {
                let interval = IntervalView { seconds: every.as_secs(), anchor_ms: None };
                ScheduleView { interval_seconds: Some(interval), ..ScheduleView::default() }
            }
            (None, None, once) => {
                ScheduleView { once: once.map(|at_ms| OnceView { at_ms }), ..ScheduleView::default() }
            }
        };
        Ok(ScheduleGiven::Said(said))
    }
}

pub(super) async fn execute(args: PreviewArgs) -> Result<ExitCode, Failure> {
    let request = PreviewRequest {
        schedule: args.schedule()?,
        timezone: args.timezone,
        after_ms: args.after,
        count: Some(args.count),
        starts_at_ms: args.starts,
        ends_at_ms: args.ends,
        exclude: args.exclude,
    };
    let connection = args.common.connect(Access::Read).await?;
    let asked = connection.client.preview_schedule(&request).await;
    let answer = asked.map_err(|error| given::pointed(error, args.expression.as_deref()))?;
    if args.common.json {
        output::json(&answer)?;
    } else {
        print(&answer)?;
    }
    Ok(if answer.never { Exit::Failed } else { Exit::Succeeded }.into())
}

fn print(answer: &PreviewAnswer) -> Result<(), Failure> {
    output::print(&visible(&answer.meaning))?;
    if let Some(note) = &answer.note {
        eprintln!("note: {}", visible(note));
    }
    if answer.never {
        return output::print("never fires");
    }
    let now = span::now();
    let row = |fire: &sluice_api::schedule::FireView| {
        vec![
            fire.local.clone(),
            fire.abbreviation.clone(),
            fire.utc.clone(),
            span::until(fire.at_ms, now),
            fire.remark.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = answer.fires.iter().map(row).collect();
    for line in table::lines(&["LOCAL", "ZONE", "UTC", "WHEN", "REMARK"], &rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(())
}
