//! Governed memory: what agents and people leave behind for later, and where it may be seen.
//!
//! This module owns the nouns: a record, the partition it lies in, what a principal may reach
//! ([`grant`]), how text is read as words ([`terms`], [`query`]) and how records are ranked
//! ([`rank`]). It reaches no database and no scrubber. Read [`partition`] first, then [`grant`].

mod fold;

pub mod grant;
pub mod near;
pub mod partition;
pub mod query;
pub mod rank;
pub mod terms;
pub mod validation;
pub mod vector;

pub use grant::{InvalidMemoryGrant, MemoryGrant};
pub use partition::{InvalidPartition, Partition, Scope};
pub use query::Query;

use sha2::{Digest as _, Sha256};

use super::artifact::Digest;
use super::id::{ApprovalId, MemoryId, RunId, WorkspaceId};
use super::json::Json;
use super::time::Timestamp;
use super::word::words;

words! {
    /// How far a record is seen, and how much stands behind it: each tier is reached from the one
    /// before it by promotion.
    Tier {
        /// One session of one user; ends by itself.
        Session = "session",
        /// A project.
        Project = "project",
        /// A team.
        Team = "team",
        /// What somebody answers for.
        Curated = "curated",
    }
}

impl Tier {
    /// The tier that promotion leads to by default; none after the last.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Session => Some(Self::Project),
            Self::Project => Some(Self::Team),
            Self::Team => Some(Self::Curated),
            Self::Curated => None,
        }
    }
}

words! {
    /// What a record is.
    MemoryKind {
        /// Something that holds.
        Fact = "fact",
        /// Something somebody thought worth keeping.
        Note = "note",
        /// How something was solved.
        SolutionCapsule = "solution_capsule",
    }
}

words! {
    /// Who sees a record of a partition.
    Visibility {
        /// Its owner alone.
        Private = "private",
        /// Whoever may read the partition.
        Shared = "shared",
        /// Nobody: somebody took it back. It is kept for the audit.
        Demoted = "demoted",
    }
}

words! {
    /// Where a record came from.
    SourceType {
        /// A person said so.
        User = "user",
        /// A program that works said so.
        Agent = "agent",
        /// A run said so, under its own token.
        Run = "run",
        /// The host took it from events.
        Event = "event",
        /// It was promoted from another record.
        Promotion = "promotion",
    }
}

words! {
    /// Whether a record may reach a prompt without anybody asking for it.
    Trust {
        /// A person wrote or approved it.
        Trusted = "trusted",
        /// Only programs stand behind it.
        Untrusted = "untrusted",
    }
}

words! {
    /// How scrubbing a text came out.
    ScrubStatus {
        /// Nothing was found.
        Passed = "passed",
        /// What was found was replaced.
        Redacted = "redacted",
        /// It may not be kept.
        Blocked = "blocked",
    }
}

/// What scrubbing found, without what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrubbed {
    /// How it came out.
    pub status: ScrubStatus,
    /// How often each kind was found, in the order of their names.
    pub counts: Vec<(String, u32)>,
    /// The component that looked.
    pub scrubber: Digest,
}

/// A record. Everything in it has been scrubbed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryRecord {
    /// Its id.
    pub id: MemoryId,
    /// Where it lies.
    pub partition: Partition,
    /// The principal it belongs to; of what a run wrote, the one that made its mission.
    pub owner: String,
    /// Who sees it. A record of a session is private to its owner.
    pub visibility: Visibility,
    /// What it is.
    pub kind: MemoryKind,
    /// What it says, at most [`validation::TEXT_MAX_BYTES`].
    pub text: String,
    /// What it is found by, beside its words: in order, each once ([`validation::tags`]).
    pub tags: Vec<String>,
    /// A word of the author's: `internal`, `public`, ...
    pub classification: String,
    /// JSON object of the author's own.
    pub metadata: Json,
    /// Where it came from, in the author's words.
    pub source: Option<String>,
    /// Where it came from.
    pub source_type: SourceType,
    /// The run that wrote it.
    pub run_id: Option<RunId>,
    /// The tool whose answer it was.
    pub tool: Option<String>,
    /// [`content_digest`] of its text.
    pub content_digest: Digest,
    /// The record it was promoted from.
    pub origin: Option<MemoryId>,
    /// What the scrubber said of the text as it was given.
    pub scrub: Scrubbed,
    /// The approval it was stored under.
    pub approval_id: Option<ApprovalId>,
    /// Whether it may be used without being asked for.
    pub trust: Trust,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was last changed, or put again.
    pub updated_at: Timestamp,
    /// When it is gone by itself.
    pub expires_at: Option<Timestamp>,
    /// From 1; guards every write to it.
    pub revision: u64,
}

impl MemoryRecord {
    /// Where it is indexed: with the shared records of its partition, or with its owner's own.
    /// Without meaning for a demoted one, which is indexed nowhere.
    pub fn scope(&self) -> Scope {
        match self.visibility {
            Visibility::Private => Scope::private(self.partition.clone(), &self.owner),
            Visibility::Shared | Visibility::Demoted => Scope::shared(self.partition.clone()),
        }
    }

    /// Whose it is.
    pub fn workspace_id(&self) -> &WorkspaceId {
        &self.partition.workspace_id
    }

    /// Whether it can be found at `now`.
    pub fn is_living(&self, now: Timestamp) -> bool {
        self.visibility != Visibility::Demoted && self.expires_at.is_none_or(|end| end > now)
    }
}

/// What two texts have in common when they say the same: the digest of the text without case and
/// diacritics, its white space reduced. Punctuation counts: `-1` is not `1`.
pub fn content_digest(text: &str) -> Digest {
    let folded = fold::folded(text);
    let mut hash = Sha256::new();
    for word in folded.split_whitespace() {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word.as_bytes());
    }
    Digest::from_hash(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_case_and_space_only_is_the_same_content() {
        let one = content_digest("Use  the\tPool\n");
        assert_eq!(content_digest("use the pool"), one);
        for other in ["use the pools", "usethe pool", "use the -pool", "use the", ""] {
            assert_ne!(content_digest(other), one, "{other}");
        }
    }

    #[test]
    fn tiers_are_climbed_one_by_one() {
        let mut tier = Tier::Session;
        let mut climbed = vec![tier];
        while let Some(next) = tier.next() {
            assert!(next > tier);
            tier = next;
            climbed.push(tier);
        }
        assert_eq!(climbed, Tier::ALL);
    }
}
