//! `sluice policy check`: whether policies could hold, told with line and column.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::given::{Given, rules};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::policy::TextProblem;

/// Check policies against the schema, without a host
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CheckArgs {
    #[command(flatten)]
    given: Given,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn execute(args: &CheckArgs) -> Result<ExitCode, Failure> {
    if args.given.files.is_empty() && args.given.preset.is_none() {
        return Err(Failure::bad_input("name a file of policies, or a --preset"));
    }
    let put = args.given.read()?;
    let checked = rules(&put)?;
    let problems = checked.as_ref().err().map(|problems| problems.0.as_slice()).unwrap_or_default();
    if args.json {
        let told: Vec<Value> = problems.iter().map(as_json).collect();
        output::json(&json!({"ok": problems.is_empty(), "problems": told}))?;
    } else if problems.is_empty() {
        output::print("the policies are as they should be")?;
    } else {
        for problem in problems {
            output::print(&visible(&problem.to_string()))?;
        }
    }
    Ok(if problems.is_empty() { Exit::Succeeded.into() } else { Exit::BadInput.into() })
}

fn as_json(problem: &TextProblem) -> Value {
    json!({
        "text": problem.text,
        "policy": problem.policy,
        "line": problem.place.map(|place| place.line),
        "column": problem.place.map(|place| place.column),
        "message": problem.message,
        "help": problem.help,
    })
}
