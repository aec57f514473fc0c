//! `sluice webhook`: where runs may post to, and how that goes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use sluice_api::webhook::{DeliveryState, DeliveryView, WebhookPut, WebhookSet, WebhookView};

use super::connect::{Access, OfWorkspace};
use super::exit::{Exit, Failure};
use super::moment;
use super::output::{self, visible};
use super::table;
use crate::domain::webhook::DeliveryStatus;

/// Most deliveries of one page.
const PAGE_MAX: u32 = 500;

/// Say where runs may post to, and see what was posted
#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Set where a name posts to; a secret that is made is shown this once
    Set {
        /// Its name: what runs say as `endpoint`
        name: String,
        /// Where to, as in `https://hooks.example.com/path`
        url: Option<String>,
        /// A file whose one line is what deliveries are signed with: whsec_ and base64 (default: one is made)
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// Make another secret
        #[arg(long, conflicts_with = "secret_file")]
        new_secret: bool,
        /// Deliver again
        #[arg(long)]
        enable: bool,
        /// Deliver nothing until it is enabled
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Only if it is at this revision; 0: only if it is not there
        #[arg(long, value_name = "N")]
        if_revision: Option<u64>,
        #[command(flatten)]
        common: OfWorkspace,
    },
    /// The webhooks there are
    Ls {
        #[command(flatten)]
        common: OfWorkspace,
    },
    /// Delete one; what was to be delivered there is given up
    Rm {
        /// Its name
        name: String,
        /// Only if it is at this revision
        #[arg(long, value_name = "N")]
        if_revision: Option<u64>,
        #[command(flatten)]
        common: OfWorkspace,
    },
    /// What runs were allowed to post, the newest first, and how that went
    Deliveries {
        /// Only to this webhook
        #[arg(long, value_name = "NAME")]
        webhook: Option<String>,
        /// Only what this run asked for
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
        /// Only those that are pending, delivered or failed
        #[arg(long, value_name = "STATUS")]
        status: Option<DeliveryStatus>,
        /// How many, the newest ones
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        common: OfWorkspace,
    },
}

impl WebhookCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Set { common, .. }
            | Self::Ls { common }
            | Self::Rm { common, .. }
            | Self::Deliveries { common, .. } => common.json,
        }
    }
}

pub(super) async fn execute(command: WebhookCommand) -> Result<ExitCode, Failure> {
    match command {
        WebhookCommand::Set { name, url, secret_file, new_secret, enable, disable, if_revision, common } => {
            let secret = secret_file.as_deref().map(read_secret).transpose()?;
            let is_enabled = (enable || disable).then_some(enable);
            let put = WebhookPut { url, secret, new_secret, is_enabled, if_match_rev: if_revision };
            let connection = common.connect(Access::Write).await?;
            print_set(&connection.client.set_webhook(&common.workspace, &name, &put).await?, &common)?;
        }
        WebhookCommand::Ls { common } => list(&common).await?,
        WebhookCommand::Rm { name, if_revision, common } => {
            let connection = common.connect(Access::Write).await?;
            let deleted = connection.client.delete_webhook(&common.workspace, &name, if_revision).await?;
            if common.json {
                output::json(&deleted)?;
            } else {
                output::print(&visible(&format!("webhook {} is deleted", deleted.name)))?;
            }
        }
        WebhookCommand::Deliveries { webhook, run, status, limit, common } => {
            let given = [("endpoint", webhook), ("run_id", run), ("status", status.map(|status| status.to_string()))];
            let filter: Vec<_> =
                given.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
            deliveries(&filter, limit, &common).await?;
        }
    }
    Ok(Exit::Succeeded.into())
}

/// The file's one line. An argument would show in the list of processes.
fn read_secret(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::bad_input(format!("failed to read {}: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}

/// A secret alone goes to standard output, so that `SECRET=$(sluice webhook set ...)` works.
fn print_set(set: &WebhookSet, common: &OfWorkspace) -> Result<(), Failure> {
    if common.json {
        return output::json(set);
    }
    let of = &set.webhook;
    let state = if of.is_enabled { "" } else { ", disabled" };
    let line = visible(&format!("webhook {} posts to {} (revision {}{state})", of.name, of.url, of.revision));
    match &set.secret {
        Some(secret) => {
            eprintln!("{line}; this is the only time its secret is shown");
            output::print(secret)
        }
        None => output::print(&line),
    }
}

async fn list(common: &OfWorkspace) -> Result<(), Failure> {
    let connection = common.connect(Access::Read).await?;
    let mut webhooks: Vec<WebhookView> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = connection.client.webhooks(&common.workspace, cursor.as_deref()).await?;
        webhooks.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        return output::json(&json!({"items": webhooks, "count": webhooks.len()}));
    }
    if webhooks.is_empty() {
        return output::print("no webhooks");
    }
    let row = |of: &WebhookView| {
        let state = if of.is_enabled { "enabled" } else { "disabled" };
        vec![visible(&of.name), state.to_owned(), of.revision.to_string(), visible(&of.url)]
    };
    let rows: Vec<_> = webhooks.iter().map(row).collect();
    print_table(&["WEBHOOK", "STATE", "REV", "URL"], &rows)
}

async fn deliveries(filter: &[(&str, String)], limit: u32, common: &OfWorkspace) -> Result<(), Failure> {
    let connection = common.connect(Access::Read).await?;
    let mut deliveries: Vec<DeliveryView> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let left = limit.saturating_sub(u32::try_from(deliveries.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let of = cursor.as_deref();
        let page = connection.client.deliveries(&common.workspace, filter, of, left.min(PAGE_MAX)).await?;
        deliveries.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        return output::json(&json!({"items": deliveries, "count": deliveries.len()}));
    }
    if deliveries.is_empty() {
        return output::print("no deliveries");
    }
    let rows: Vec<_> = deliveries.iter().map(delivery_row).collect();
    print_table(&["DELIVERY", "WEBHOOK", "STATE", "TRIES", "RUN", "ALLOWED", "NOTE"], &rows)
}

fn delivery_row(of: &DeliveryView) -> Vec<String> {
    let state = match of.status {
        DeliveryState::Pending => DeliveryStatus::Pending,
        DeliveryState::Delivered => DeliveryStatus::Delivered,
        DeliveryState::Failed => DeliveryStatus::Failed,
    };
    vec![
        of.id.clone(),
        visible(&of.endpoint),
        state.to_string(),
        of.attempts.to_string(),
        visible(&of.run_id),
        moment::written(of.created_at_ms),
        visible(of.last_error.as_deref().unwrap_or_default()),
    ]
}

fn print_table(heads: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    for line in table::lines(heads, rows, table::terminal_width()) {
        output::print(&line)?;
    }
    Ok(())
}
