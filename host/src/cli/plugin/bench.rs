//! `sluice plugin bench`: how fast a component is, called again and again with one input.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::given::{self, CallArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::clock::{Clock as _, SystemClock};

/// Rounds that are not counted: the first ones touch what later ones find in place.
const WARM_UP_ROUNDS: usize = 5;

/// Most calls that are counted.
const CALLS_MAX: usize = 5_000_000;

/// Call a component again and again with one input
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BenchArgs {
    #[command(flatten)]
    call: CallArgs,
    /// For how many seconds
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn execute(args: &BenchArgs) -> Result<ExitCode, Failure> {
    tokio::task::block_in_place(|| bench(args))
}

fn bench(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let host = given::host()?;
    let component = args.call.load(&host)?;
    let asked = args.call.given(&component)?;
    let subject = given::bind(&host, &component, &asked.settings)?;
    let failed = |why: String| Failure::failed(format!("{}: {why}", args.call.file.display()));
    for _ in 0..WARM_UP_ROUNDS {
        if let Some(failure) = subject.call(&asked.input).failure {
            return Err(failed(format!("{failure}; what fails is not worth measuring")));
        }
    }
    let clock = SystemClock::new();
    let (mut walls, mut fuel, mut memory_bytes) = (Vec::new(), 0_u64, 0_u64);
    let started = clock.monotonic();
    let mut elapsed = Duration::ZERO;
    while elapsed < Duration::from_secs(args.seconds) && walls.len() < CALLS_MAX {
        let called = subject.call(&asked.input);
        if let Some(failure) = called.failure {
            return Err(failed(format!("failed after {} calls: {failure}", walls.len())));
        }
        memory_bytes = memory_bytes.max(called.memory_bytes());
        for report in called.reports {
            walls.push(report.wall_us);
            fuel = fuel.max(report.fuel);
        }
        elapsed = clock.monotonic().saturating_sub(started);
    }
    walls.sort_unstable();
    let (p50, p99) = (percentile(&walls, 50), percentile(&walls, 99));
    let per_second = whole_per_second(walls.len(), elapsed);
    if args.json {
        output::json(&json!({
            "calls": walls.len(), "calls_per_second": per_second, "p50_us": p50, "p99_us": p99,
            "fuel_max": fuel, "memory_bytes": memory_bytes,
        }))?;
    } else {
        output::print(&format!("calls     {} on one thread, {per_second} a second", walls.len()))?;
        output::print(&format!("time      p50 {p50} us, p99 {p99} us"))?;
        output::print(&format!("fuel      {fuel} at most"))?;
        output::print(&format!("memory    {} KiB at most", memory_bytes.div_ceil(1024)))?;
    }
    Ok(Exit::Succeeded.into())
}

/// The value that `percent` of the sorted `values` do not go over; 0 without any.
fn percentile(values: &[u64], percent: usize) -> u64 {
    let rank = (values.len() * percent).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

fn whole_per_second(calls: usize, elapsed: Duration) -> u128 {
    (calls as u128 * 1_000_000) / elapsed.as_micros().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_values_that_were_measured() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 99)), (100, 198));
        assert_eq!((percentile(&[7], 50), percentile(&[7], 99), percentile(&[], 99)), (7, 7, 0));
        assert_eq!(whole_per_second(500, Duration::from_millis(250)), 2_000);
    }
}
