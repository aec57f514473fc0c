//! `sluice resource put`, `patch`, `rm` and `batch`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

use sluice_api::resource::{ResourceDeleted, ResourceResult, ResourceWritten};

use super::given::Given;
use super::key;
use crate::cli::connect::{Access, Common};
use crate::cli::exit::{Exit, Failure};
use crate::cli::{output, span};
use crate::client::WriteTerms;

/// On what terms something is written.
#[derive(Debug, Args)]
pub(super) struct Terms {
    /// Only if it is at this revision (0: only if there is none)
    #[arg(long, value_name = "N")]
    if_rev: Option<u64>,
    /// Only while this lease is held
    #[arg(long, value_name = "ID", env = "SLUICE_LEASE_ID")]
    lease: Option<String>,
    /// Who writes, as others see it (default: who the token speaks for)
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

impl Terms {
    fn read(&self) -> WriteTerms {
        WriteTerms {
            if_match_rev: self.if_rev,
            updated_by: self.by.clone(),
            lease_id: self.lease.clone().filter(|id| !id.is_empty()),
        }
    }
}

/// Write a value
#[derive(Debug, Args)]
#[command(override_usage = "sluice resource put [OPTIONS] <KEY> <JSON|-|--file <FILE>>")]
pub(in crate::cli) struct PutArgs {
    /// Where: run/, mission/, project/ or team/ and more segments
    key: String,
    #[command(flatten)]
    given: Given,
    /// Take what is given as a text, not as JSON
    #[arg(long)]
    string: bool,
    /// Only if there is none yet
    #[arg(long, conflicts_with = "if_rev")]
    create: bool,
    /// Have it gone by itself after this time, 30s or 2h (default: it stays)
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    ttl: Option<Duration>,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// Change members of a value (merge patch: `null` takes a member away)
#[derive(Debug, Args)]
#[command(override_usage = "sluice resource patch [OPTIONS] <KEY> <JSON|-|--file <FILE>>")]
pub(in crate::cli) struct PatchArgs {
    /// The key
    key: String,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// Take a value away
#[derive(Debug, Args)]
pub(in crate::cli) struct RmArgs {
    /// The key
    key: String,
    #[command(flatten)]
    pub(super) terms: Terms,
}

/// Write several values: all of them or none
///
/// The document is a list of 1 to 100 operations, each key once:
/// [{"op":"put","key":...,"value":...}, {"op":"patch","key":...,"patch":...}, {"op":"delete","key":...}],
/// each with its own `if_match_rev`, `ttl_ms`, `lease_id` and `updated_by` where wanted.
#[derive(Debug, Args)]
pub(in crate::cli) struct BatchArgs {
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    pub(super) common: Common,
}

/// A list of operations as the request has it.
#[derive(Serialize)]
struct Batch<'a> {
    operations: &'a RawValue,
}

pub(super) async fn put(args: PutArgs) -> Result<ExitCode, Failure> {
    let key = key(&args.key)?;
    let value = args.given.value(args.string)?;
    let mut terms = args.terms.read();
    if args.create {
        terms.if_match_rev = Some(0);
    }
    let connection = args.terms.common.connect(Access::Write).await?;
    let written = connection.client.put_resource(key.as_str(), &value, args.ttl.map(span::millis), &terms).await?;
    tell_written(&written, &args.terms.common)
}

pub(super) async fn patch(args: PatchArgs) -> Result<ExitCode, Failure> {
    let key = key(&args.key)?;
    let patch = args.given.json()?;
    let connection = args.terms.common.connect(Access::Write).await?;
    let written = connection.client.patch_resource(key.as_str(), &patch, &args.terms.read()).await?;
    tell_written(&written, &args.terms.common)
}

fn tell_written(written: &ResourceWritten, common: &Common) -> Result<ExitCode, Failure> {
    if common.json {
        output::json(written)?;
    } else {
        output::print(&written_line(written))?;
    }
    Ok(Exit::Succeeded.into())
}

fn written_line(written: &ResourceWritten) -> String {
    let record = &written.record;
    let end = record.expires_at_ms.map(|end| end.saturating_sub(record.updated_at_ms));
    let end = end.map(|left| format!(", gone in {}", span::show(left))).unwrap_or_default();
    format!("{} rev {}{end}", record.key, record.rev)
}

fn deleted_line(deleted: &ResourceDeleted) -> String {
    format!("{} deleted (rev {})", deleted.key, deleted.rev)
}

pub(super) async fn rm(args: RmArgs) -> Result<ExitCode, Failure> {
    let key = key(&args.key)?;
    let connection = args.terms.common.connect(Access::Write).await?;
    let deleted = connection.client.delete_resource(key.as_str(), &args.terms.read()).await?;
    if args.terms.common.json {
        output::json(&deleted)?;
    } else {
        output::print(&deleted_line(&deleted))?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn batch(args: BatchArgs) -> Result<ExitCode, Failure> {
    let document = args.given.json()?;
    let is_list = document.get().starts_with('[');
    let connection = args.common.connect(Access::Write).await?;
    let done = if is_list {
        connection.client.batch_resources(&Batch { operations: &document }).await?
    } else {
        connection.client.batch_resources(&document).await?
    };
    if args.common.json {
        output::json(&done)?;
        return Ok(Exit::Succeeded.into());
    }
    for result in &done.results {
        output::print(&match result {
            ResourceResult::Written(written) => written_line(written),
            ResourceResult::Deleted(deleted) => deleted_line(deleted),
        })?;
    }
    Ok(Exit::Succeeded.into())
}
