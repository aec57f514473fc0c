//! `sluice policy test`: cases that policies have to decide as their file says, for an operator's CI.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use sluice_api::policy::{PolicyCase, PolicyExplanation, PolicyQuestion, PolicyTests};

use super::given::{Given, document, rules};
use super::{cited, word};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::domain::id::WorkspaceId;
use crate::engine::{Question, explain_by_policy};
use crate::policy::Rules;

/// Have cases judged by policies, without a host
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TestArgs {
    /// The cases, JSON or TOML: {"cases": [{"principal", "action", "resource", "context", "expected"}]}
    #[arg(value_name = "CASES")]
    cases: PathBuf,
    #[command(flatten)]
    given: Given,
    /// The workspace that policies see
    #[arg(long, value_name = "NAME", default_value = "local")]
    workspace: String,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn execute(args: &TestArgs) -> Result<ExitCode, Failure> {
    let tests: PolicyTests = document(&args.cases)?;
    let put = args.given.read()?;
    let rules = rules(&put)?.map_err(|problems| Failure::bad_input(problems.to_string()))?;
    if tests.cases.is_empty() {
        return Err(Failure::bad_input(format!("{} has no cases", args.cases.display())));
    }
    let workspace = WorkspaceId::new(args.workspace.as_str());
    let (mut failed, mut told) = (0, Vec::new());
    for (index, case) in tests.cases.iter().enumerate() {
        let name = case.name.clone().unwrap_or_else(|| format!("case {}", index + 1));
        let answer = judged(&rules, &workspace, case)
            .map_err(|error| Failure::bad_input(format!("{}: {name}: {error}", args.cases.display())))?;
        let passes = passes(case, &answer);
        failed += usize::from(!passes);
        if args.json {
            told.push(as_json(&name, case, &answer, passes));
        } else {
            output::print(&visible(&line(&name, case, &answer, passes)))?;
        }
    }
    let count = tests.cases.len();
    if args.json {
        output::json(&json!({"ok": failed == 0, "count": count, "failed": failed, "cases": told}))?;
    } else {
        output::print(&format!("{count} cases, {failed} failed"))?;
    }
    Ok(if failed == 0 { Exit::Succeeded.into() } else { Exit::Failed.into() })
}

fn judged(
    rules: &Rules,
    workspace: &WorkspaceId,
    case: &PolicyCase,
) -> Result<PolicyExplanation, crate::wire::FieldError> {
    let PolicyCase { principal, action, resource, context, .. } = case.clone();
    let question = Question::read(workspace, &PolicyQuestion { principal, action, resource, context })?;
    Ok(explain_by_policy(rules, &question))
}

fn passes(case: &PolicyCase, answer: &PolicyExplanation) -> bool {
    let is_by = |by: &String| answer.policies.iter().any(|policy| policy.id == *by);
    answer.decision == case.expected && case.by.as_ref().is_none_or(is_by)
}

fn line(name: &str, case: &PolicyCase, answer: &PolicyExplanation, passes: bool) -> String {
    let (is, by) = (word(answer.decision), cited(&answer.policies));
    if passes {
        return format!("ok      {name}: {is} ({by})");
    }
    let wanted_by = case.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("FAILED  {name}: is {is} ({by}), expected {}{wanted_by}", word(case.expected))
}

fn as_json(name: &str, case: &PolicyCase, answer: &PolicyExplanation, passes: bool) -> Value {
    json!({"name": name, "ok": passes, "expected": case.expected, "decision": answer.decision, "policies": answer.policies})
}
