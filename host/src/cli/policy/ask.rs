//! `sluice policy explain` and `diff`.

use std::process::ExitCode;

use serde_json::{Map, Value};
use sluice_api::policy::{
    PolicyContext, PolicyDiff, PolicyDiffRequest, PolicyExplanation, PolicyPrincipal, PolicyPrincipalType,
    PolicyQuestion, PolicyThing,
};

use super::given::Given;
use super::{cited, word};
use crate::cli::connect::{Access, OfWorkspace};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};

/// Which policies decide a question, and what would be needed
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExplainArgs {
    /// Who: user.ada, agent.builder; of a routine its id
    #[arg(long, value_name = "NAME")]
    principal: String,
    /// Its role: operator, member, agent or viewer (default: agent for a name such as agent.builder, else member)
    #[arg(long, value_name = "ROLE", conflicts_with_all = ["run", "routine"])]
    role: Option<String>,
    /// It comes with the token of this run
    #[arg(long, value_name = "RUN", conflicts_with = "routine")]
    run: Option<String>,
    /// It is a routine
    #[arg(long)]
    routine: bool,
    /// What for: mission.control, approval.decide, ...; connector.NAME.ACTION for a side effect
    #[arg(long, value_name = "ACTION")]
    action: String,
    /// The thing's id or key
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// Whose the thing is
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// The run that the thing belongs to
    #[arg(long, value_name = "RUN")]
    of_run: Option<String>,
    /// Of a side effect: its arguments as JSON
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// Of a side effect: a capability of the mission; may stand several times
    #[arg(long, value_name = "PATTERN")]
    capability: Vec<String>,
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

/// What other policies would have decided of what was asked lately
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DiffArgs {
    #[command(flatten)]
    given: Given,
    /// How many decisions, the newest ones; at most 10000
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    last: u32,
    #[command(flatten)]
    pub(super) common: OfWorkspace,
}

pub(super) async fn explain(args: ExplainArgs) -> Result<ExitCode, Failure> {
    let question = question(&args)?;
    let connection = args.common.connect(Access::Read).await?;
    let answer = connection.client.explain_policy(&args.common.workspace, &question).await?;
    if args.common.json {
        output::json(&answer)?;
    } else {
        print_explanation(&answer)?;
    }
    Ok(Exit::Succeeded.into())
}

fn question(args: &ExplainArgs) -> Result<PolicyQuestion, Failure> {
    let by_name = if args.principal.starts_with("agent.") { "agent" } else { "member" };
    let role = args.role.as_deref().unwrap_or(by_name);
    let kind = match (&args.run, args.routine, role) {
        (Some(_), ..) => PolicyPrincipalType::RunToken,
        (None, true, _) => PolicyPrincipalType::Routine,
        (None, false, "agent") => PolicyPrincipalType::Agent,
        (None, false, _) => PolicyPrincipalType::User,
    };
    let principal = PolicyPrincipal {
        kind,
        name: args.principal.clone(),
        role: matches!(kind, PolicyPrincipalType::User | PolicyPrincipalType::Agent).then(|| role.to_owned()),
        credential: None,
        run_id: args.run.clone(),
        creator_type: None,
        external_integrations_allowed: None,
        requires_approval: None,
    };
    let mut resource =
        PolicyThing { kind: None, id: args.resource.clone(), owner: args.owner.clone(), run_id: args.of_run.clone() };
    let called = args.action.strip_prefix("connector.").and_then(|rest| rest.split_once('.'));
    let (action, context) = match called {
        Some((connector, action)) => {
            resource.id = Some(connector.to_owned());
            let context = PolicyContext {
                action: Some(action.to_owned()),
                args: arguments(args.args.as_deref())?,
                capabilities: args.capability.clone(),
            };
            ("connector.call".to_owned(), Some(context))
        }
        None => (args.action.clone(), None),
    };
    Ok(PolicyQuestion { principal, action, resource, context })
}

fn arguments(given: Option<&str>) -> Result<Map<String, Value>, Failure> {
    let Some(text) = given else { return Ok(Map::new()) };
    serde_json::from_str(text).map_err(|error| Failure::bad_input(format!("--args is no JSON object: {error}")))
}

fn print_explanation(answer: &PolicyExplanation) -> Result<(), Failure> {
    output::print(word(answer.decision))?;
    if let Some(detail) = &answer.detail {
        output::print(&visible(&format!("because  {detail}")))?;
    }
    for policy in &answer.policies {
        let reason = policy.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        output::print(&visible(&format!("policy   {}{reason}", policy.id)))?;
    }
    for needed in &answer.needed {
        output::print(&visible(&format!("needed   {needed}")))?;
    }
    if let Some(observed) = &answer.observed {
        let line = format!("observed {} by {}, and not enforced", word(observed.decision), cited(&observed.policies));
        output::print(&visible(&line))?;
    }
    Ok(())
}

pub(super) async fn diff(args: &DiffArgs) -> Result<ExitCode, Failure> {
    let policy = args.given.read()?;
    let connection = args.common.connect(Access::Write).await?;
    let request = PolicyDiffRequest { policy, last: Some(args.last) };
    let diff = connection.client.diff_policy(&args.common.workspace, &request).await?;
    if args.common.json {
        output::json(&diff)?;
    } else {
        print_diff(&diff)?;
    }
    Ok(Exit::Succeeded.into())
}

fn print_diff(diff: &PolicyDiff) -> Result<(), Failure> {
    for difference in &diff.differences {
        let PolicyQuestion { principal, action, resource, .. } = &difference.question;
        let thing = resource.id.as_deref().unwrap_or("*");
        let by = |ids: &[String]| if ids.is_empty() { "nothing permits it".to_owned() } else { ids.join(", ") };
        output::print(&visible(&format!(
            "{} {action} {thing}: {} ({}) would be {} ({})",
            principal.name,
            word(difference.was),
            by(&difference.was_by),
            word(difference.would_be),
            by(&difference.would_be_by)
        )))?;
    }
    let unreadable = match diff.unreadable {
        0 => String::new(),
        count => format!(", {count} could not be asked again"),
    };
    output::print(&format!(
        "{} decisions: {} the same, {} different{unreadable}",
        diff.compared, diff.same, diff.different
    ))
}
