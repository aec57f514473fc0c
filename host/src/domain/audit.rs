//! The audit: who did, or was denied, what; one chain over the whole database.

use sha2::{Digest as _, Sha256};

use super::artifact::Digest;
use super::id::WorkspaceId;
use super::json::Json;
use super::time::Timestamp;
use super::word::words;

words! {
    /// How an audited act came out.
    AuditOutcome {
        /// It was done.
        Done = "done",
        /// It was refused.
        Denied = "denied",
    }
}

/// An entry that is still to be written; the store gives it its place and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEntry {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What: a name of the table of actions, or `approval.granted` and its like.
    pub action: String,
    /// On what: `token/tok_...`, `approval/apr_...`.
    pub resource: String,
    /// How it came out.
    pub outcome: AuditOutcome,
    /// JSON object: the particulars. Never a secret.
    pub detail: Json,
}

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the chain, from 1 without holes.
    pub seq: u64,
    /// What it says.
    pub entry: NewAuditEntry,
    /// Hash of the entry before it; 64 zeros for the first.
    pub previous_hash: String,
    /// SHA-256 over the entry and the hash before it, in hexadecimal.
    pub hash: String,
}

/// The hash before the first entry.
pub const GENESIS_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl AuditEntry {
    /// `entry` at place `seq`, chained to the entry whose hash is `previous_hash`.
    pub fn chained(seq: u64, entry: NewAuditEntry, previous_hash: String) -> Self {
        let hash = hash_of(seq, &entry, &previous_hash);
        Self { seq, entry, previous_hash, hash }
    }

    /// Whether nobody changed it since it was written, as far as it can tell alone.
    pub fn is_intact(&self) -> bool {
        hash_of(self.seq, &self.entry, &self.previous_hash) == self.hash
    }
}

/// SHA-256 over each field with its length before it, so that no two entries read the same.
fn hash_of(seq: u64, entry: &NewAuditEntry, previous_hash: &str) -> String {
    let (seq, at) = (seq.to_string(), entry.at.as_millis().to_string());
    let fields = [
        previous_hash,
        &seq,
        entry.workspace_id.as_str(),
        &at,
        &entry.actor,
        &entry.action,
        &entry.resource,
        entry.outcome.as_str(),
        entry.detail.as_str(),
    ];
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field.as_bytes());
    }
    Digest::from_hash(hash).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chains that exist are checked with this hash: it is over the texts as they were written down.
    #[test]
    fn the_hash_of_an_entry_stays_what_it_was() {
        let entry = NewAuditEntry {
            workspace_id: WorkspaceId::new("local"),
            at: Timestamp(1_700_000_000_000),
            actor: "user.ada".to_owned(),
            action: "approval.decide".to_owned(),
            resource: "approval/apr_1".to_owned(),
            outcome: AuditOutcome::Done,
            detail: Json::from_valid(r#"{"b":1,"a":2}"#.to_owned()),
        };
        let entry = AuditEntry::chained(1, entry, GENESIS_HASH.to_owned());
        assert_eq!(entry.hash, "6491e281c000889eab46eb73933572f926861d3e5fc4cde54eaba16ad7f708b1");
    }
}
