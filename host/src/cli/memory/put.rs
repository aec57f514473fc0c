//! `sluice memory put` and `scrub`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use sluice_api::memory::{FindingCount, MemoryPut, ScrubRequest, VisibilityName};

use super::{Common, ForRun, KindArg, Text, TierArg, tier_word};
use crate::cli::connect::Access;
use crate::cli::exit::{Exit, Failure};
use crate::cli::{output, span};

/// Have something remembered
///
/// It is scrubbed first; what is kept holds no secrets. A text that is blocked is not kept, and the exit code
/// is 1.
#[derive(Debug, Args)]
#[command(override_usage = "sluice memory put [OPTIONS] <TEXT|-|--file <FILE>>")]
pub(in crate::cli) struct PutArgs {
    #[command(flatten)]
    text: Text,
    /// How far it reaches (default: session)
    #[arg(long, value_name = "TIER")]
    tier: Option<TierArg>,
    /// The project (default: `default`)
    #[arg(long, value_name = "ID", env = "SLUICE_PROJECT")]
    project: Option<String>,
    /// The session, for tier session
    #[arg(long, value_name = "ID", env = "SLUICE_SESSION_ID")]
    session: Option<String>,
    /// What it is (default: note)
    #[arg(long, value_name = "KIND")]
    kind: Option<KindArg>,
    /// A word to find it by (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Where it comes from
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// How confidential it is, in one word (default: internal)
    #[arg(long, value_name = "WORD")]
    classification: Option<String>,
    /// A JSON object of your own
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// Have it seen by nobody but yourself
    #[arg(long)]
    private: bool,
    /// Have it gone by itself after this time, 30s or 2h
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    ttl: Option<Duration>,
    #[command(flatten)]
    run: ForRun,
    #[command(flatten)]
    pub(super) common: Common,
}

/// See what the scrubber would make of a text
///
/// Nothing is kept. The text as it would be kept goes to standard output, what was found to standard error.
#[derive(Debug, Args)]
#[command(override_usage = "sluice memory scrub [OPTIONS] <TEXT|-|--file <FILE>>")]
pub(in crate::cli) struct ScrubArgs {
    #[command(flatten)]
    text: Text,
    /// The tier it would be bound for (default: session)
    #[arg(long, value_name = "TIER")]
    tier: Option<TierArg>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn put(args: PutArgs) -> Result<ExitCode, Failure> {
    let request = MemoryPut {
        text: Some(args.text.read()?),
        kind: args.kind.map(Into::into),
        tags: args.tags.clone(),
        source: args.source.clone(),
        session_id: args.session.clone().filter(|id| !id.is_empty()),
        tier: args.tier.map(Into::into),
        project_id: args.project.clone().filter(|id| !id.is_empty()),
        classification: args.classification.clone(),
        metadata: args.metadata.as_deref().map(object).transpose()?,
        visibility: args.private.then_some(VisibilityName::Private),
        ttl_ms: args.ttl.map(span::millis),
        capability: args.run.capability(),
        ..MemoryPut::default()
    };
    let connection = args.common.connect(Access::Write).await?;
    let stored = connection.client.put_memory(&request).await?;
    if args.common.json {
        output::json(&stored)?;
    } else {
        let found = found(&stored.scrub.findings);
        let how = match (stored.stored, stored.deduped) {
            (false, _) => "not stored: the scrubber blocked it",
            (true, true) => "known already",
            (true, false) => "stored",
        };
        output::print(&format!("{} {how} in {}{found}", stored.id, tier_word(stored.tier)))?;
    }
    Ok(if stored.stored { Exit::Succeeded.into() } else { Exit::Failed.into() })
}

/// What a scrubber found, in words.
pub(super) fn found(findings: &[FindingCount]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let kinds: Vec<String> = findings.iter().map(|finding| format!("{} {}", finding.count, finding.kind)).collect();
    format!(" (redacted: {})", kinds.join(", "))
}

fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::bad_input(format!("--metadata is no JSON object: {error}")))
}

pub(super) async fn scrub(args: ScrubArgs) -> Result<ExitCode, Failure> {
    let request = ScrubRequest { text: args.text.read()?, tier: args.tier.map(Into::into) };
    let connection = args.common.connect(Access::Read).await?;
    let answer = connection.client.scrub(&request).await?;
    let is_blocked = answer.status == "blocked";
    if args.common.json {
        output::json(&answer)?;
    } else {
        if !is_blocked {
            output::print(&answer.text)?;
        }
        let reason = answer.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        eprintln!("{}{reason}", answer.status);
        for finding in &answer.findings {
            eprintln!("{} at bytes {} to {}", finding.kind, finding.start, finding.end);
        }
    }
    Ok(if is_blocked { Exit::Failed.into() } else { Exit::Succeeded.into() })
}
