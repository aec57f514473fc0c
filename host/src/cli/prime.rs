//! `sluice prime`: the short text an agent needs to work on runs.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output;

/// Print what an agent needs to know to work on a run
#[derive(Debug, Args)]
pub(super) struct PrimeArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// What a run's process finds in its environment.
const VARIABLES: &[(&str, &str)] = &[
    ("SLUICE_RUN", "file with the run as JSON, the same that comes on standard input"),
    ("SLUICE_ARTIFACTS", "directory: every regular file you leave here is kept as an artifact"),
    ("SLUICE_INPUTS", "directory: what the work items yours depends on left, in INPUTS/<work item>/"),
    ("SLUICE_SCRATCH", "directory of your own; it is removed when the run ends"),
    ("SLUICE_RUN_ID", "the run's id"),
    ("SLUICE_MISSION_ID", "the mission's id"),
    ("SLUICE_WORK_ITEM_ID", "the work item's id; empty when you are to plan"),
    ("SLUICE_ATTEMPT", "which attempt this is, from 1"),
    ("SLUICE_SERVER", "the server's address"),
    ("SLUICE_TOKEN", "the run's token: good for this run alone, and only while it is yours"),
];

/// The calls of a worker that is not started by `sluice work`: what for, and how.
const CALLS: &[(&str, &str)] = &[
    (
        "claim a run, waiting up to 30 s for one (204: none); the answer holds the run, its lease and its token. \
         This call takes an agent's token, the others the run's",
        "curl -sS -X POST $SLUICE_SERVER/runs/claim -H \"Authorization: Bearer $AGENT_TOKEN\" \
         -H 'Content-Type: application/json' -d '{\"worker\":\"me\",\"wait_ms\":30000}'",
    ),
    (
        "keep it, every `lease.heartbeat_ms`; `cancel: true` asks you to stop and finish as canceled",
        "curl -sS -X POST $SLUICE_SERVER/runs/$SLUICE_RUN_ID/heartbeat -H \"Authorization: Bearer $SLUICE_TOKEN\"",
    ),
    (
        "tell watchers what you do",
        "curl -sS -X POST $SLUICE_SERVER/runs/$SLUICE_RUN_ID/events -H \"Authorization: Bearer $SLUICE_TOKEN\" \
         -H 'Content-Type: application/json' \
         -d '{\"events\":[{\"type\":\"message.part.updated\",\"part\":{\"type\":\"text\",\"text\":\"...\"}}]}'",
    ),
    (
        "leave an artifact; the answer's `artifact.id` goes into the last call",
        "curl -sS -X POST $SLUICE_SERVER/runs/$SLUICE_RUN_ID/artifacts -H \"Authorization: Bearer $SLUICE_TOKEN\" \
         -F kind=diff -F name=change.diff -F media_type=text/x-diff -F content=@change.diff",
    ),
    (
        "finish: `succeeded`, `failed` or `canceled`",
        "curl -sS -X POST $SLUICE_SERVER/runs/$SLUICE_RUN_ID/finish -H \"Authorization: Bearer $SLUICE_TOKEN\" \
         -H 'Content-Type: application/json' \
         -d '{\"status\":\"succeeded\",\"summary\":\"one line\",\"artifacts\":[\"art_...\"]}'",
    ),
];

/// How a run goes, in order.
const STEPS: &[&str] = &[
    "Read the run: `prompt` says what is to be done; `inputs.dependencies` what others left for you; \
     `inputs.rework` why the attempt before was not good enough, finding by finding. Begin with the findings.",
    "Do the work. Leave a change as `change.diff` (unified, as `git diff` writes it) in $SLUICE_ARTIFACTS, and the \
     report of the tests you ran as `tests.json`, `junit.xml` or `test.tap`. A file `NAME.sluice.json` beside `NAME` \
     may say {\"kind\",\"media_type\"}.",
    "Print what people should see; every line is told to watchers. Let the last line sum up in one sentence.",
    "Exit with 0 when it is done, with anything else when it is not. Gates judge what you left; what they reject \
     comes back to you as a new attempt with their findings.",
    "Share what other runs have to know as JSON by key: `sluice resource put KEY JSON`, `get KEY`, `ls PREFIX`, \
     `watch PREFIX` (or PUT $SLUICE_SERVER/resource/KEY with {\"value\"}). Yours are run/$SLUICE_RUN_ID/ and \
     mission/$SLUICE_MISSION_ID/. What others write too, write with `--if-rev REV` as you read it, or `--create`: a \
     conflict (exit code 1) means somebody was faster; read again and decide anew.",
    "To act on the outside world (open a pull request, send a message) ask first: POST \
     $SLUICE_SERVER/runs/$SLUICE_RUN_ID/actions with {\"connector\",\"action\",\"args\",\"summary\"}. Act only on \
     `allowed`, and with exactly these args; on `approval_required` ask again with the very same content later. \
     What you ask of the connector `webhook` (action `post`, args {\"endpoint\",\"body\"}) is sent for you.",
];

/// What never to do.
const NEVER: &[&str] = &[
    "Never answer an approval, your own least of all; that is for people.",
    "Never say that work is done, or edit a report, to get past a gate: say what is missing and exit with 1.",
    "Never print or keep $SLUICE_TOKEN, and never put secrets into artifacts.",
    "Never go on after you were told to stop (SIGTERM, `cancel: true`) or after LEASE_LOST: somebody else may have \
     the run.",
];

pub(super) fn execute(args: &PrimeArgs) -> Result<ExitCode, Failure> {
    if args.json {
        let variables: serde_json::Map<String, serde_json::Value> =
            VARIABLES.iter().map(|(name, meaning)| ((*name).to_owned(), json!(meaning))).collect();
        let calls: Vec<_> = CALLS.iter().map(|(what, how)| json!({"what": what, "curl": how})).collect();
        output::json(&json!({"steps": STEPS, "variables": variables, "calls": calls, "never": NEVER}))?;
    } else {
        output::print(&text())?;
    }
    Ok(Exit::Succeeded.into())
}

fn text() -> String {
    let mut lines = vec!["You work on one run of a Sluice mission.".to_owned()];
    lines.extend((1..).zip(STEPS).map(|(number, step)| format!("\n{number}. {step}")));
    lines.push("\nYour environment:\n".to_owned());
    lines.extend(VARIABLES.iter().map(|(name, meaning)| format!("  {name:<20}  {meaning}")));
    lines.push("\nNever:\n".to_owned());
    lines.extend(NEVER.iter().map(|never| format!("- {never}")));
    lines.push("\n`sluice work --exec CMD` does the following for its command. Without it, by hand:".to_owned());
    lines.extend(CALLS.iter().map(|(what, how)| format!("\n- {what}:\n  {how}")));
    lines.join("\n")
}
