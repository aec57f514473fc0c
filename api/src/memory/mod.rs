//! Governed memory: what agents and people remember, by tier.
//!
//! Records, puts and searches are here; what is done about records is in [`governance`].

mod governance;

pub use governance::*;

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

/// Where the vector comes from that a text is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingState {
    /// From the request.
    Given,
    /// From the host's model.
    Made,
    /// The host's model failed; it goes by words alone.
    Failed,
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
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:@-]+$")]
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
    /// Where its vector comes from; without where it has none and none was to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<EmbeddingState>,
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
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:@-]+$")]
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
    /// Where the query's vector comes from; without where it has none and none was to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<EmbeddingState>,
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
