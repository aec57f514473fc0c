//! `sluice approval`: answer questions that wait for a person.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use sluice_api::verdict::{AnswerRequest, ApprovalView};

use super::connect::{Access, HostArgs};
use super::exit::{Exit, Failure};
use super::output::{self, visible};
use super::table;
use crate::domain::approval::ApprovalStatus;

/// Answer questions that wait for a person
#[derive(Debug, Subcommand)]
pub(super) enum ApprovalCommand {
    /// The questions there are
    #[command(alias = "ls")]
    List {
        /// Only those with this status
        #[arg(long, value_name = "STATUS", default_value = "pending")]
        status: ApprovalStatus,
        /// Only those of this mission
        #[arg(long, value_name = "ID")]
        mission: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// One question: exactly what would be approved
    Show {
        /// The approval's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// Say yes
    Grant {
        #[command(flatten)]
        answer: Answer,
    },
    /// Say no
    Deny {
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
    host: HostArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Answer {
    /// The approval's id
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The digest that `show` told: the answer counts for that content alone
    #[arg(long, value_name = "DIGEST")]
    content_digest: Option<String>,
    #[command(flatten)]
    common: Common,
}

impl ApprovalCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::List { common, .. } | Self::Show { common, .. } => common.json,
            Self::Grant { answer } | Self::Deny { answer } => answer.common.json,
        }
    }
}

pub(super) async fn execute(command: ApprovalCommand) -> Result<ExitCode, Failure> {
    match command {
        ApprovalCommand::List { status, mission, common } => list(status, mission.as_deref(), &common).await,
        ApprovalCommand::Show { id, common } => show(&id, &common).await,
        ApprovalCommand::Grant { answer } => decide("grant", answer).await,
        ApprovalCommand::Deny { answer } => decide("deny", answer).await,
    }
}

async fn list(status: ApprovalStatus, mission: Option<&str>, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.host.connect(Access::Read).await?;
    let mut approvals: Vec<ApprovalView> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = connection.client.approvals(Some(status.as_str()), mission, cursor.as_deref()).await?;
        approvals.extend(page.approvals);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        output::json(&json!({"approvals": approvals, "count": approvals.len()}))?;
    } else if approvals.is_empty() {
        output::print(&format!("no {status} approvals"))?;
    } else {
        let rows: Vec<Vec<String>> = approvals
            .iter()
            .map(|a| {
                let item = a.work_item_id.as_deref().unwrap_or("-");
                let mission = if a.mission_id.is_empty() { "-" } else { &a.mission_id };
                vec![a.id.clone(), mission.to_owned(), visible(item), visible(&a.summary)]
            })
            .collect();
        for line in table::lines(&["APPROVAL", "MISSION", "WORK ITEM", "SUMMARY"], &rows, table::terminal_width()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}

async fn show(id: &str, common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.host.connect(Access::Read).await?;
    let approval = connection.client.approval(id).await?;
    if common.json {
        output::json(&json!({"approval": approval}))?;
        return Ok(Exit::Succeeded.into());
    }
    let about = approval.work_item_id.as_deref().map(|item| format!(", item {item}")).unwrap_or_default();
    output::print(&format!("{} {} ({})", approval.id, approval.status, visible(&approval.kind)))?;
    let mission = Some(approval.mission_id.as_str()).filter(|id| !id.is_empty());
    let mission = mission.map(|id| format!(" for mission {id}")).unwrap_or_default();
    output::print(&format!("asked by {}{mission}{}", visible(&approval.requested_by), visible(&about)))?;
    output::print(&visible(&approval.summary))?;
    if let Some(by) = &approval.decided_by {
        let reason = approval.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        output::print(&visible(&format!("{} by {by}{reason}", approval.status)))?;
    }
    if !approval.rendered.is_empty() {
        output::print(&format!("\nexactly this would be approved:\n{}", approval.rendered))?;
    }
    output::print(&format!("\ncontent digest {}", approval.content_digest))?;
    Ok(Exit::Succeeded.into())
}

async fn decide(word: &str, answer: Answer) -> Result<ExitCode, Failure> {
    // Write access: an answer must not fall between the looks of a process that works on the mission.
    let connection = answer.common.host.connect(Access::Write).await?;
    let request = AnswerRequest { reason: answer.reason, content_digest: answer.content_digest };
    let approval = connection.client.answer_approval(&answer.id, word, &request).await?;
    if answer.common.json {
        output::json(&json!({"approval": approval}))?;
    } else if connection.embedded.is_some() {
        output::print(&format!("{} {}; go on with `sluice run --resume`", approval.id, approval.status))?;
    } else {
        output::print(&format!("{} {}", approval.id, approval.status))?;
    }
    Ok(Exit::Succeeded.into())
}
