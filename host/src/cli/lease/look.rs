//! `sluice lease show` and `ls`.

use std::process::ExitCode;

use serde_json::json;

use sluice_api::lease::NamedLeaseView;

use crate::cli::connect::{Access, Common};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, visible};
use crate::cli::{span, table};

pub(super) async fn show(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Read).await?;
    let lease = connection.client.lease(id).await?;
    if common.json {
        output::json(&lease)?;
        return Ok(Exit::Succeeded.into());
    }
    let now = span::now();
    output::print(&format!("{} {} ({})", visible(&lease.name), lease.state, lease.lease_id))?;
    let taken = span::ago(lease.acquired_at_ms, now);
    output::print(&format!("taken by {} ({}) {taken}", visible(&lease.owner), visible(&lease.principal)))?;
    let end = if lease.state == "held" { "ends" } else { "ended" };
    output::print(&format!("{end} {}", ending(&lease, now)))?;
    output::print(&format!("lasts {} from each renewal", span::show(lease.ttl_ms)))?;
    output::print(&format!("fencing token {}", lease.fencing_token))?;
    if lease.retries > 0 {
        output::print(&format!("{} holdings in a row ran out before it", lease.retries))?;
    }
    if let Some(key) = &lease.claim_key {
        output::print(&format!("shown by {key}"))?;
    }
    Ok(Exit::Succeeded.into())
}

pub(super) async fn ls(held: bool, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.connect(Access::Read).await?;
    let (mut leases, mut cursor): (Vec<NamedLeaseView>, Option<String>) = (Vec::new(), None);
    loop {
        let page = connection.client.leases(held, cursor.as_deref()).await?;
        leases.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        output::json(&json!({"items": leases, "count": leases.len()}))?;
        return Ok(Exit::Succeeded.into());
    }
    if leases.is_empty() {
        output::print(if held { "nobody holds a lease" } else { "no leases" })?;
        return Ok(Exit::Succeeded.into());
    }
    let now = span::now();
    let row = |lease: &NamedLeaseView| {
        vec![
            visible(&lease.name),
            lease.state.clone(),
            visible(&lease.owner),
            ending(lease, now),
            lease.fencing_token.to_string(),
            lease.lease_id.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = leases.iter().map(row).collect();
    for line in table::lines(&["NAME", "STATE", "OWNER", "END", "TOKEN", "LEASE"], &rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(Exit::Succeeded.into())
}

/// When a lease ends, or ended.
fn ending(lease: &NamedLeaseView, now: u64) -> String {
    span::until(lease.expires_at_ms, now)
}
