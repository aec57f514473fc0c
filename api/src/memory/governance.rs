//! What is done about records: trying the scrubber, promoting, taking back, the audit, and prompts.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ScrubSummary, TierName};

/// A text to be tried.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScrubRequest {
    /// The text: at most 256 KiB.
    #[schema(min_length = 1, max_length = 262_144)]
    pub text: String,
    /// The tier it would be bound for; `session` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierName>,
}

/// Something the scrubber found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScrubFinding {
    /// What it is.
    pub kind: String,
    /// First byte of it in the given text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// How sure the scrubber is, 0 to 1.
    pub confidence: f32,
}

/// What would become of a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScrubAnswer {
    /// `passed`, `redacted` or `blocked`.
    pub status: String,
    /// The text as it would be kept; empty when it would not be.
    pub text: String,
    /// What was found, by start.
    pub findings: Vec<ScrubFinding>,
    /// Why it is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The scrubber: name and version.
    pub plugin: String,
    /// SHA-256 of its component.
    pub digest: String,
}

/// The answer a promotion relies on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionReview {
    /// The approval that was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub approval_id: Option<String>,
}

/// A record to be promoted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryPromote {
    /// Its id.
    #[schema(min_length = 1, max_length = 128)]
    pub id: String,
    /// Where to; the next tier without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_tier: Option<TierName>,
    /// Why, in one line, for whoever reviews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
    /// The review it relies on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<PromotionReview>,
    /// The run it is done for, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub run_id: Option<String>,
    /// The token of a claimed run, which says what may be done for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub capability: Option<String>,
}

/// What became of a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemoryPromoted {
    /// Always true: the request was carried out.
    pub ok: bool,
    /// Whether there is a record in the target tier now.
    pub promoted: bool,
    /// The source, which stays.
    pub id: String,
    /// The record in the target tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_memory_id: Option<String>,
    /// Whether it joined a record that said the same.
    pub deduped: bool,
    /// The target tier.
    pub to_tier: TierName,
    /// What the scrubber made of it.
    pub scrub_report: ScrubSummary,
    /// The approval it waits for, or was promoted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// How that approval stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_status: Option<String>,
    /// The entry of the audit.
    pub audit_id: String,
}

/// A record to be demoted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryDemote {
    /// Its id.
    #[schema(min_length = 1, max_length = 128)]
    pub id: String,
    /// The run it is done for, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub run_id: Option<String>,
    /// Why, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
    /// Only if the record is at this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_revision: Option<u64>,
}

/// On what terms a record is deleted; it may be left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryDelete {
    /// Only if the record is at this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_revision: Option<u64>,
}

/// A record that is no longer found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemoryRemoved {
    /// Always true.
    pub ok: bool,
    /// Its id.
    pub id: String,
    /// The entry of the audit.
    pub audit_id: String,
}

/// An entry of the audit about memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryAuditEntry {
    /// Its id, as answers tell it in `audit_id`.
    pub id: String,
    /// When. Milliseconds since the Unix epoch.
    pub ts_ms: u64,
    /// What: `memory.put`, `memory.search`, `memory.promote`, ...
    pub action: String,
    /// The run it was done for.
    pub run_id: Option<String>,
    /// The record it is about.
    pub memory_id: Option<String>,
    /// Who.
    pub actor: String,
    /// How it came out: `stored`, `deduped`, `blocked`, `promoted`, `review`, `done`, `denied`, ...
    pub status: String,
    /// The particulars; never a secret.
    pub detail: Value,
    /// Its place in the host's one chain.
    pub seq: u64,
    /// Hash of the entry before it.
    pub previous_hash: String,
    /// Hash of this one.
    pub hash: String,
}

/// A page of the audit about memory, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryAudit {
    /// The entries.
    pub entries: Vec<MemoryAuditEntry>,
    /// How many are on this page.
    pub count: usize,
    /// What `cursor` takes for the next page.
    pub next_cursor: Option<String>,
}

/// A record that a context cites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// Its id, as it stands in the text.
    pub id: String,
    /// Its tier.
    pub tier: TierName,
    /// How well it fits: the best has 1.
    pub score: f64,
    /// When it was made.
    pub created_at_ms: u64,
}

/// What a run may be told of what is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunContext {
    /// The run.
    pub run_id: String,
    /// What was looked for.
    pub query: String,
    /// Text for a prompt: each record cited and fenced, marked as data; empty when nothing fits.
    pub text: String,
    /// The records in it, best first.
    pub items: Vec<Citation>,
    /// How many of them.
    pub count: usize,
    /// The tiers that may be used by themselves.
    pub tiers: Vec<TierName>,
    /// The entry of the audit.
    pub audit_id: String,
}
