//! `sluice approval`: answer questions that wait for a person.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::PlaceArgs;
use super::exit::{Exit, Failure};
use super::output::{self, visible};
use super::table;
use crate::app::App;
use crate::domain::approval::ApprovalStatus;
use crate::domain::id::ApprovalId;
use crate::engine::{Decision, Engine};
use crate::store::Store;
use crate::wire;

/// Answer questions that wait for a person
#[derive(Debug, Subcommand)]
pub(super) enum ApprovalCommand {
    /// The questions there are
    List {
        /// Only those with this status
        #[arg(long, value_name = "STATUS", default_value = "pending")]
        status: ApprovalStatus,
        #[command(flatten)]
        common: Common,
    },
    /// Say yes
    Grant {
        /// The approval's id
        id: String,
        #[command(flatten)]
        answer: Answer,
    },
    /// Say no
    Deny {
        /// The approval's id
        id: String,
        #[command(flatten)]
        answer: Answer,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Answer {
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    common: Common,
}

impl ApprovalCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::List { common, .. } => common.json,
            Self::Grant { answer, .. } | Self::Deny { answer, .. } => answer.common.json,
        }
    }
}

pub(super) async fn execute(command: ApprovalCommand) -> Result<ExitCode, Failure> {
    match command {
        ApprovalCommand::List { status, common } => list(status, &common).await,
        ApprovalCommand::Grant { id, answer } => decide(&id, Decision::Grant, answer).await,
        ApprovalCommand::Deny { id, answer } => decide(&id, Decision::Deny, answer).await,
    }
}

async fn list(status: ApprovalStatus, common: &Common) -> Result<ExitCode, Failure> {
    const PAGE: u32 = 500;
    let (_, location) = common.place.place().open()?;
    let store = Store::open(&location).await?;
    let approvals = store.approvals(&Engine::local_workspace(), None, Some(status), None, PAGE).await?;
    if common.json {
        let views: Vec<_> = approvals.iter().map(wire::approval_view).collect();
        output::json(&json!({"approvals": views, "count": views.len()}))?;
    } else if approvals.is_empty() {
        output::print(&format!("no {status} approvals"))?;
    } else {
        let rows: Vec<Vec<String>> = approvals
            .iter()
            .map(|a| {
                let item = a.work_item_id.as_ref().map_or("-", |id| id.as_str());
                vec![a.id.to_string(), a.mission_id.to_string(), visible(item), visible(&a.summary)]
            })
            .collect();
        for line in table::lines(&["APPROVAL", "MISSION", "WORK ITEM", "SUMMARY"], &rows, table::terminal_width()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

async fn decide(id: &str, decision: Decision, answer: Answer) -> Result<ExitCode, Failure> {
    // The lock: an answer must not fall between the looks of a process that works on the mission.
    let app = App::open(&answer.common.place.place()).await?;
    let workspace_id = Engine::local_workspace();
    let approval = app
        .engine
        .decide_approval(&workspace_id, &ApprovalId::new(id), decision, "user.local", answer.reason, None)
        .await?;
    if answer.common.json {
        output::json(&json!({"approval": wire::approval_view(&approval)}))?;
    } else {
        output::print(&format!("{} {}; go on with `sluice run --resume`", approval.id, approval.status))?;
    }
    Ok(Exit::Succeeded.into())
}
