//! `sluice memory audit`.

use std::process::ExitCode;

use clap::Args;

use super::Common;
use crate::cli::connect::Access;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::table;

/// What was done with memory, the newest first
#[derive(Debug, Args)]
pub(in crate::cli) struct AuditArgs {
    /// Only what was done to this record
    #[arg(long, value_name = "ID")]
    memory: Option<String>,
    /// Only what was done for this run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Most entries shown, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn execute(args: AuditArgs) -> Result<ExitCode, Failure> {
    let connection = args.common.connect(Access::Read).await?;
    let client = &connection.client;
    let audit = client.memory_audit(args.run.as_deref(), args.memory.as_deref(), Some(args.limit), None).await?;
    if args.common.json {
        output::json(&audit)?;
    } else if audit.entries.is_empty() {
        output::print("the audit holds nothing of this")?;
    } else {
        let rows: Vec<Vec<String>> = audit
            .entries
            .iter()
            .map(|entry| {
                let findings = entry.detail["scrub"]["findings"].as_array().into_iter().flatten();
                let kinds: Vec<&str> = findings.filter_map(|finding| finding["kind"].as_str()).collect();
                vec![
                    entry.seq.to_string(),
                    entry.action.clone(),
                    entry.status.clone(),
                    visible(&entry.actor),
                    entry.memory_id.clone().unwrap_or_else(|| "-".to_owned()),
                    kinds.join(", "),
                ]
            })
            .collect();
        let header = ["SEQ", "WHAT", "STATUS", "WHO", "MEMORY", "FOUND"];
        for line in table::lines(&header, &rows, table::terminal_width()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}
