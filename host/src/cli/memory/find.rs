//! `sluice memory search`, `ls` and `context`.

use std::process::ExitCode;

use clap::Args;

use sluice_api::memory::MemorySearch;

use super::{Common, ForRun, TierArg, tier_word};
use crate::cli::connect::Access;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::table;
use crate::client::MemoryFilter;

/// Most of a text shown in a table, in characters; a terminal has fewer.
const SHOWN_MAX: usize = 500;

/// Find what is remembered
///
/// Words, "quoted phrases" and the beginning of a word with a `*` behind; the best come first.
#[derive(Debug, Args)]
pub(in crate::cli) struct SearchArgs {
    /// What to look for
    query: String,
    /// Only in this tier (repeatable; default: all you may read)
    #[arg(long = "tier", value_name = "TIER")]
    tiers: Vec<TierArg>,
    /// The project (default: `default`)
    #[arg(long, value_name = "ID", env = "SLUICE_PROJECT")]
    project: Option<String>,
    /// The session whose records are searched too
    #[arg(long, value_name = "ID", env = "SLUICE_SESSION_ID")]
    session: Option<String>,
    /// Only records with this tag (repeatable: with all of them)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Most results, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 8)]
    limit: u32,
    /// Most characters of all texts together
    #[arg(long, value_name = "N")]
    max_chars: Option<u32>,
    #[command(flatten)]
    run: ForRun,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What is remembered, the newest first
#[derive(Debug, Args)]
pub(in crate::cli) struct LsArgs {
    /// Only in this tier
    #[arg(long, value_name = "TIER")]
    tier: Option<TierArg>,
    /// Only of this project
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Those of this session too
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only what belongs to this principal, or was put on behalf of this user
    #[arg(long, value_name = "WHO")]
    user: Option<String>,
    /// Most records shown, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Records left out before the first
    #[arg(long, value_name = "N")]
    offset: Option<u32>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What a run may be told of what is remembered, for its prompt
#[derive(Debug, Args)]
pub(in crate::cli) struct ContextArgs {
    /// The run's id
    #[arg(env = "SLUICE_RUN_ID")]
    run_id: String,
    /// What to look for (default: the title and detail of its work item)
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// Most characters
    #[arg(long, value_name = "N")]
    max_chars: Option<u32>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn search(args: SearchArgs) -> Result<ExitCode, Failure> {
    let tiers: Vec<_> = args.tiers.iter().map(|tier| (*tier).into()).collect();
    let request = MemorySearch {
        query: args.query,
        limit: Some(args.limit),
        max_chars: args.max_chars,
        tiers: (!tiers.is_empty()).then_some(tiers),
        tags: args.tags,
        session_id: args.session.filter(|id| !id.is_empty()),
        project_id: args.project.filter(|id| !id.is_empty()),
        capability: args.run.capability(),
        ..MemorySearch::default()
    };
    // Every search is in the audit, and so is a write.
    let connection = args.common.connect(Access::Write).await?;
    let found = connection.client.search_memory(&request).await?;
    if args.common.json {
        output::json(&found)?;
        return Ok(Exit::Succeeded.into());
    }
    for tier in &found.blocked_scopes {
        eprintln!("not searched: tier {} is not granted to you", tier_word(*tier));
    }
    if found.results.is_empty() {
        output::print("nothing found")?;
    } else {
        let rows = found.results.iter().map(|hit| {
            vec![hit.id.clone(), format!("{:.2}", hit.score), tier_word(hit.tier).to_owned(), line(&hit.text)]
        });
        print_table(&["MEMORY", "SCORE", "TIER", "TEXT"], &rows.collect::<Vec<_>>())?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn ls(args: LsArgs) -> Result<ExitCode, Failure> {
    let filter = MemoryFilter {
        query: None,
        tier: args.tier.map(|tier| tier_word(tier.into()).to_owned()),
        project_id: args.project,
        session_id: args.session,
        user_id: args.user,
        limit: Some(args.limit),
        offset: args.offset,
    };
    let connection = args.common.connect(Access::Read).await?;
    let list = connection.client.memories(&filter).await?;
    if args.common.json {
        output::json(&list)?;
    } else if list.items.is_empty() {
        output::print("nothing is remembered here")?;
    } else {
        let rows = list.items.iter().map(|record| {
            let tier = tier_word(record.tier).to_owned();
            vec![record.id.clone(), tier, record.project_id.clone(), visible(&record.owner), line(&record.text)]
        });
        print_table(&["MEMORY", "TIER", "PROJECT", "OWNER", "TEXT"], &rows.collect::<Vec<_>>())?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn context(args: ContextArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Write).await?;
    let context = connection.client.run_context(&args.run_id, args.query.as_deref(), args.max_chars).await?;
    if args.common.json {
        output::json(&context)?;
    } else if !context.text.is_empty() {
        output::print(context.text.trim_end())?;
    }
    Ok(Exit::Succeeded.into())
}

fn print_table(header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    for line in table::lines(header, rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(())
}

/// A text on one line.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(SHOWN_MAX).collect();
    visible(&text)
}
