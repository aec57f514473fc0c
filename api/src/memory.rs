//! Governed memory: what agents and people remember, by tier.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// How far a record reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TierName {
    /// One session of one owner, for a while.
    Session,
    /// One project.
    Project,
    /// Everybody of a workspace who works on the project's side.
    Team,
    /// What has been reviewed.
    Curated,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKindName {
    /// Something that holds.
    Fact,
    /// A remark.
    Note,
    /// How something was solved.
    SolutionCapsule,
}

/// Who sees a record of a tier that others may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VisibilityName {
    /// Its owner alone.
    Private,
    /// Everybody who may read its tier.
    Shared,
}

/// A partition said in one member, as some clients do. It has to lie in the token's workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartitionName {
    /// The host's organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub org_id: Option<String>,
    /// The token's workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub workspace_id: Option<String>,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$")]
    pub project_id: Option<String>,
    /// The tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierName>,
}

/// Something to be remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryPut {
    /// What: 1 byte to 256 KiB of text without control characters but tabs and line ends.
    #[serde(default, alias = "content", skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 262_144)]
    pub text: Option<String>,
    /// What it is; a note without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MemoryKindName>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 32)]
    pub tags: Vec<String>,
    /// Where it comes from, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub source: Option<String>,
    /// The session it belongs to; a run's token has one of its own, everybody else's is `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$")]
    pub session_id: Option<String>,
    /// The run it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub run_id: Option<String>,
    /// The tool it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub tool: Option<String>,
    /// How far it reaches; `session` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierName>,
    /// The project; `default` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$")]
    pub project_id: Option<String>,
    /// How confidential it is, in one word; `internal` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
    pub classification: Option<String>,
    /// The caller's own: at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
    /// Who sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<VisibilityName>,
    /// Milliseconds until it is gone by itself, at most ten years; a week in tier `session` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 315_360_000_000_u64)]
    pub ttl_ms: Option<u64>,
    /// The text as numbers, of a model of the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 4096)]
    pub embedding: Option<Vec<f64>>,
    /// The token of a claimed run, which says what may be done for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub capability: Option<String>,
    /// The partition in one member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionName>,
    /// On whose behalf, when that is not the principal itself: a label to list by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 59, pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]*$")]
    pub user_id: Option<String>,
}

/// How often something of a kind was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingCount {
    /// What: `email`, `aws_access_key`, ...
    pub kind: String,
    /// How often.
    pub count: u64,
}

/// What the scrubber made of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScrubSummary {
    /// `passed`, `redacted` or `blocked`.
    pub status: String,
    /// What it found, by kind; never the secrets.
    pub findings: Vec<FindingCount>,
}

/// What became of a put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemoryStored {
    /// The record's id; of one that was not stored, the id under which the audit knows the attempt.
    pub id: String,
    /// Always true: the request was carried out.
    pub ok: bool,
    /// Whether there is a record now. A text that was blocked leaves none.
    pub stored: bool,
    /// Whether it joined a record that said the same.
    pub deduped: bool,
    /// Its tier.
    pub tier: TierName,
    /// Its partition, to be shown: `org/workspace/project/tier`.
    pub partition_key: String,
    /// The entry of the audit.
    pub audit_id: String,
    /// What the scrubber made of it.
    pub scrub: ScrubSummary,
    /// When it is gone by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
}

/// A search.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemorySearch {
    /// Words, "quoted phrases" and beginnings of words with a `*` behind; everything else is words too.
    #[schema(min_length = 1, max_length = 4096)]
    pub query: String,
    /// Most results, 1 to 100; 8 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// Most characters of all results' texts together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max_chars: Option<u32>,
    /// Only these tiers; without, all that may be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 4)]
    pub tiers: Option<Vec<TierName>>,
    /// Only records with all of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 32)]
    pub tags: Vec<String>,
    /// Only records of these kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 3)]
    pub kinds: Option<Vec<MemoryKindName>>,
    /// The session whose records are searched too; a run's token has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$")]
    pub session_id: Option<String>,
    /// The project; `default` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$")]
    pub project_id: Option<String>,
    /// The query as numbers, of the model that the records' are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 4096)]
    pub embedding: Option<Vec<f64>>,
    /// The token of a claimed run, which says what may be done for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub capability: Option<String>,
    /// The partition in one member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionName>,
    /// Only what was put on behalf of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 59, pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]*$")]
    pub user_id: Option<String>,
}

/// One result of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryHit {
    /// The record's id.
    pub id: String,
    /// What it says, scrubbed.
    pub text: String,
    /// How well it fits, relative to this answer: the best has 1.
    pub score: f64,
    /// Its tier.
    pub tier: TierName,
    /// What it is.
    pub kind: MemoryKindName,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where it comes from, in its maker's words.
    pub source: Option<String>,
    /// `user`, `agent`, `run`, `event` or `promotion`.
    pub source_type: String,
    /// The run it comes from.
    pub run_id: Option<String>,
    /// `trusted`, or `untrusted`: said by a program and reviewed by nobody.
    pub trust: String,
    /// Its project.
    pub project_id: String,
    /// Its session.
    pub session_id: Option<String>,
    /// When it was made.
    pub created_at_ms: u64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryFound {
    /// The results, best first.
    pub results: Vec<MemoryHit>,
    /// How many of them.
    pub count: usize,
    /// The tiers that were searched.
    pub scopes_used: Vec<TierName>,
    /// The tiers that were asked for and may not be read.
    pub blocked_scopes: Vec<TierName>,
    /// The entry of the audit.
    pub audit_id: String,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryView {
    /// Its id.
    pub id: String,
    /// Its partition, to be shown: `org/workspace/project/tier`.
    pub partition_key: String,
    /// Its tier.
    pub tier: TierName,
    /// Its project.
    pub project_id: String,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Whose it is.
    pub owner: String,
    /// On whose behalf it was put, or its owner.
    pub user_id: String,
    /// Who sees it.
    pub visibility: String,
    /// What it is.
    pub kind: MemoryKindName,
    /// What it says, scrubbed.
    pub text: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How confidential it is.
    pub classification: String,
    /// Its maker's own.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// Where it comes from, in its maker's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `user`, `agent`, `run`, `event` or `promotion`.
    pub source_type: String,
    /// The run it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The tool it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The record it was promoted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The approval it was promoted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// `trusted`, or `untrusted`: said by a program and reviewed by nobody.
    pub trust: String,
    /// What the scrubber made of it.
    pub scrub: ScrubSummary,
    /// When it was made.
    pub created_at_ms: u64,
    /// When it last changed.
    pub updated_at_ms: u64,
    /// When it is gone by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// Counts its changes.
    pub revision: u64,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryList {
    /// The records: the newest first, or with `q` the best first.
    pub items: Vec<MemoryView>,
    /// How many are on this page.
    pub count: usize,
}

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
