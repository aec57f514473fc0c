//! `sluice resource get`, `ls` and `history`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use sluice_api::resource::{ResourceRecord, ResourceRevision};

use super::key;
use crate::cli::connect::{Access, Common};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::{span, table};
use crate::client::{Client, ClientError, ResourceFilter};

/// Most entries of a page.
const PAGE: usize = 500;
/// Most of a value shown in a table, in characters; a terminal has fewer.
const SHOWN_MAX: usize = 500;

/// Print a value
///
/// The value goes to standard output as JSON, what else is known of it to standard error.
#[derive(Debug, Args)]
pub(in crate::cli) struct GetArgs {
    /// The key
    key: String,
    /// As it was at this revision
    #[arg(long, value_name = "N")]
    rev: Option<u64>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// The values there are, by key
#[derive(Debug, Args)]
pub(in crate::cli) struct LsArgs {
    /// Only keys that begin with this
    prefix: Option<String>,
    /// Most entries shown (default: all)
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// The keys alone
    #[arg(long)]
    keys: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

/// The revisions of a value, newest first
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    /// The key
    key: String,
    /// Most revisions shown
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn get(args: GetArgs) -> Result<ExitCode, Failure> {
    let key = key(&args.key)?;
    let connection = args.common.connect(Access::Read).await?;
    let record = connection.client.resource(key.as_str(), args.rev).await?;
    if args.common.json {
        output::json(&record)?;
        return Ok(Exit::Succeeded.into());
    }
    let now = span::now();
    let end = record.expires_at_ms.map(|end| format!(", gone {}", span::until(end, now))).unwrap_or_default();
    eprintln!(
        "{} rev {}, by {} {}{end}",
        record.key,
        record.rev,
        visible(&record.updated_by),
        span::ago(record.updated_at_ms, now)
    );
    let text = serde_json::to_string_pretty(&record.value).map_err(|error| Failure::failed(error.to_string()))?;
    // A program gets the value as it is; a person sees what could deceive.
    output::print(&if std::io::stdout().is_terminal() { visible(&text) } else { text })?;
    Ok(Exit::Succeeded.into())
}

pub(super) async fn ls(args: LsArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let prefix = args.prefix.filter(|prefix| !prefix.is_empty());
    let (records, seq) = records(&connection.client, prefix.clone(), args.limit).await?;
    let count = records.len();
    match (args.common.json, args.keys) {
        (true, false) => output::json(&json!({"items": records, "count": count, "seq": seq}))?,
        (true, true) => {
            let keys: Vec<&str> = records.iter().map(|record| record.key.as_str()).collect();
            output::json(&json!({"keys": keys, "count": count, "seq": seq}))?;
        }
        (false, true) => {
            for record in &records {
                output::print(&record.key)?;
            }
        }
        (false, false) if records.is_empty() => {
            let which = prefix.map(|prefix| format!(" that begin with {}", visible(&prefix))).unwrap_or_default();
            output::print(&format!("no resources{which}"))?;
        }
        (false, false) => {
            let now = span::now();
            let rows: Vec<Vec<String>> = records.iter().map(|record| row(record, now)).collect();
            let header = ["KEY", "REV", "UPDATED", "ENDS", "BY", "VALUE"];
            for line in table::lines(&header, &rows, table::terminal_width()) {
                output::print(&line)?;
            }
        }
    }
    Ok(Exit::Succeeded.into())
}

/// The first `limit` records, and where the log was before they were read.
async fn records(
    client: &Client,
    prefix: Option<String>,
    limit: usize,
) -> Result<(Vec<ResourceRecord>, Option<u64>), ClientError> {
    let (mut records, mut seq, mut cursor): (Vec<ResourceRecord>, Option<u64>, Option<String>) =
        (Vec::new(), None, None);
    while records.len() < limit {
        let page_limit = u32::try_from((limit - records.len()).min(PAGE)).ok();
        let filter = ResourceFilter { prefix: prefix.clone(), limit: page_limit };
        let page = client.resources(&filter, cursor.as_deref()).await?;
        records.extend(page.items);
        // Whoever watches from the first page's place misses nothing of the later ones either.
        seq = seq.or(Some(page.seq));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok((records, seq))
}

fn row(record: &ResourceRecord, now: u64) -> Vec<String> {
    vec![
        record.key.clone(),
        record.rev.to_string(),
        span::ago(record.updated_at_ms, now),
        record.expires_at_ms.map_or_else(|| "-".to_owned(), |end| span::until(end, now)),
        visible(&record.updated_by),
        short(&record.value),
    ]
}

/// A value on one line.
pub(super) fn short(value: &Value) -> String {
    table::cut(&visible(&value.to_string()), SHOWN_MAX)
}

pub(super) async fn history(args: HistoryArgs) -> Result<ExitCode, Failure> {
    let key = key(&args.key)?;
    let connection = args.common.connect(Access::Read).await?;
    let (mut revisions, mut cursor): (Vec<ResourceRevision>, Option<String>) = (Vec::new(), None);
    while revisions.len() < args.limit {
        let limit = u32::try_from((args.limit - revisions.len()).min(PAGE)).ok();
        let page = connection.client.resource_history(key.as_str(), limit, cursor.as_deref()).await?;
        revisions.extend(page.history);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if args.common.json {
        output::json(&json!({"key": key.as_str(), "history": revisions, "count": revisions.len()}))?;
        return Ok(Exit::Succeeded.into());
    }
    let now = span::now();
    let row = |revision: &ResourceRevision| {
        vec![
            revision.rev.to_string(),
            revision.kind.clone(),
            span::ago(revision.updated_at_ms, now),
            revision.ttl_ms.map_or_else(|| "-".to_owned(), span::show),
            visible(&revision.updated_by),
            visible(&revision.actor),
        ]
    };
    let rows: Vec<Vec<String>> = revisions.iter().map(row).collect();
    for line in table::lines(&["REV", "WHAT", "WHEN", "TTL", "BY", "PRINCIPAL"], &rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(Exit::Succeeded.into())
}
