//! `sluice token`: issue tokens, look at them, end them.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use sluice_api::token::{RoleName, RotateRequest, TokenIssued, TokenRequest, TokenView};

use super::connect::{Access, HostArgs};
use super::exit::{Exit, Failure};
use super::output::{self, visible};
use super::table;
use crate::domain::principal::Role;

/// Issue tokens, look at them, end them
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Issue a token; its text is told this once
    Create {
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// What its bearer is: operator, member, agent or viewer
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// Who it speaks for (default: made of role and name)
        #[arg(long, value_name = "NAME")]
        principal: Option<String>,
        /// Milliseconds it is good for (default: until it is revoked)
        #[arg(long, value_name = "MS")]
        ttl_ms: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// The tokens there are; your own, unless you are an operator
    #[command(alias = "ls")]
    List {
        #[command(flatten)]
        common: Common,
    },
    /// End a token, within a second everywhere
    Revoke {
        /// The token's id
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// Give a token a new secret; its text is told this once
    Rotate {
        /// The token's id
        id: String,
        /// Milliseconds the old secret stays good
        #[arg(long, value_name = "MS", default_value_t = 0)]
        grace_ms: u64,
        #[command(flatten)]
        common: Common,
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

impl TokenCommand {
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Create { common, .. }
            | Self::List { common }
            | Self::Revoke { common, .. }
            | Self::Rotate { common, .. } => common.json,
        }
    }
}

pub(super) async fn execute(command: TokenCommand) -> Result<ExitCode, Failure> {
    match command {
        TokenCommand::Create { name, role, principal, ttl_ms, common } => {
            let connection = common.host.connect(Access::Write).await?;
            let request = TokenRequest { name, role: role_name(role), principal, ttl_ms };
            print_issued(&connection.client.create_token(&request).await?, &common)
        }
        TokenCommand::List { common } => list(&common).await,
        TokenCommand::Revoke { id, common } => {
            let connection = common.host.connect(Access::Write).await?;
            let token = connection.client.revoke_token(&id).await?;
            if common.json {
                output::json(&token)?;
            } else {
                output::print(&format!("token {} of {} is revoked", token.id, visible(&token.principal)))?;
            }
            Ok(Exit::Succeeded.into())
        }
        TokenCommand::Rotate { id, grace_ms, common } => {
            let connection = common.host.connect(Access::Write).await?;
            print_issued(&connection.client.rotate_token(&id, &RotateRequest { grace_ms }).await?, &common)
        }
    }
}

fn role_name(role: Role) -> RoleName {
    match role {
        Role::Operator => RoleName::Operator,
        Role::Member => RoleName::Member,
        Role::Agent => RoleName::Agent,
        Role::Viewer => RoleName::Viewer,
    }
}

fn role_text(role: RoleName) -> &'static str {
    match role {
        RoleName::Operator => Role::Operator.as_str(),
        RoleName::Member => Role::Member.as_str(),
        RoleName::Agent => Role::Agent.as_str(),
        RoleName::Viewer => Role::Viewer.as_str(),
    }
}

/// The text alone goes to standard output, so that `TOKEN=$(sluice token create ...)` works.
fn print_issued(issued: &TokenIssued, common: &Common) -> Result<ExitCode, Failure> {
    if common.json {
        output::json(issued)?;
    } else {
        let view = &issued.view;
        eprintln!(
            "token {} of {} ({}); this is the only time its text is shown",
            view.id,
            view.principal,
            role_text(view.role)
        );
        output::print(&issued.token)?;
    }
    Ok(Exit::Succeeded.into())
}

async fn list(common: &Common) -> Result<ExitCode, Failure> {
    let connection = common.host.connect(Access::Read).await?;
    let mut tokens: Vec<TokenView> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = connection.client.tokens(cursor.as_deref()).await?;
        tokens.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        output::json(&json!({"items": tokens, "count": tokens.len()}))?;
    } else if tokens.is_empty() {
        output::print("no tokens")?;
    } else {
        let state = |token: &TokenView| if token.revoked_at_ms.is_some() { "revoked" } else { "-" };
        let rows: Vec<Vec<String>> = tokens
            .iter()
            .map(|t| {
                let role = role_text(t.role).to_owned();
                vec![t.id.clone(), role, visible(&t.principal), state(t).to_owned(), visible(&t.name)]
            })
            .collect();
        for line in table::lines(&["TOKEN", "ROLE", "PRINCIPAL", "ENDED", "NAME"], &rows, table::terminal_width()) {
            output::print(&line)?;
        }
    }
    Ok(Exit::Succeeded.into())
}
