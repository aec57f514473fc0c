//! Principals: who asks, in which workspace, in which role.

use super::artifact::Digest;
use super::id::{RunId, WorkspaceId};
use super::word::words;

words! {
    /// What a principal is in its workspace. What each may do stands in the table of
    /// [`crate::policy`].
    Role {
        /// Runs the host: tokens, components, everything of every workspace.
        Operator = "operator",
        /// A person who works with missions and answers questions.
        Member = "member",
        /// A program that works: claims runs, proposes work. Never answers for a person.
        Agent = "agent",
        /// Looks and changes nothing.
        Viewer = "viewer",
    }
}

/// Somebody who was recognised by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Where it may do anything at all.
    pub workspace_id: WorkspaceId,
    /// Its name, as it stands in events and in the audit: `user.ada`, `agent.builder`.
    pub name: String,
    /// How it was recognised, and what follows from that.
    pub credential: Credential,
}

/// What somebody was recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A token somebody issued.
    Token {
        /// The token.
        id: super::id::TokenId,
        /// What its principal is.
        role: Role,
    },
    /// A ticket for streams, drawn on a token.
    Ticket {
        /// The token it was drawn on.
        id: super::id::TokenId,
        /// What its principal is.
        role: Role,
    },
    /// The token of one claimed run: good for that run alone, and as long as its lease.
    Run {
        /// The run.
        run_id: RunId,
        /// The fencing token of the claim.
        fence: u64,
        /// SHA-256 of the token's secret.
        digest: Digest,
    },
    /// Being this very process: whoever may write the data directory is its operator.
    Owner,
}

impl Principal {
    /// Its role; a run's token has none.
    pub fn role(&self) -> Option<Role> {
        match &self.credential {
            Credential::Token { role, .. } | Credential::Ticket { role, .. } => Some(*role),
            Credential::Owner => Some(Role::Operator),
            Credential::Run { .. } => None,
        }
    }
}
