//! Governed memory: records, what was found, and what the scrubber made of a text.

use serde_json::Value;

use sluice_api::memory::{
    Citation, FindingCount, MemoryAuditEntry, MemoryHit, MemoryKindName, MemoryView, PartitionName, ScrubAnswer,
    ScrubFinding, ScrubSummary, TierName, VisibilityName,
};

use super::FieldError;
use super::history::value_of;
use crate::domain::audit::AuditEntry;
use crate::domain::id::{self, RunId, WorkspaceId};
use crate::domain::memory::rank::Ranked;
use crate::domain::memory::{MemoryKind, MemoryRecord, ScrubStatus, Scrubbed, Tier, Visibility};
use crate::domain::time::Timestamp;

/// What the tag begins with that says on whose behalf a record was put.
const USER_TAG: &str = "user:";
/// Longest name of a user, so that its tag is one.
const USER_MAX_BYTES: usize = 59;

/// The tier of a request.
pub fn tier_from(name: TierName) -> Tier {
    match name {
        TierName::Session => Tier::Session,
        TierName::Project => Tier::Project,
        TierName::Team => Tier::Team,
        TierName::Curated => Tier::Curated,
    }
}

/// The tier of an answer.
pub fn tier_view(tier: Tier) -> TierName {
    match tier {
        Tier::Session => TierName::Session,
        Tier::Project => TierName::Project,
        Tier::Team => TierName::Team,
        Tier::Curated => TierName::Curated,
    }
}

/// What a record is, of a request.
pub fn memory_kind_from(name: MemoryKindName) -> MemoryKind {
    match name {
        MemoryKindName::Fact => MemoryKind::Fact,
        MemoryKindName::Note => MemoryKind::Note,
        MemoryKindName::SolutionCapsule => MemoryKind::SolutionCapsule,
    }
}

fn kind_view(kind: MemoryKind) -> MemoryKindName {
    match kind {
        MemoryKind::Fact => MemoryKindName::Fact,
        MemoryKind::Note => MemoryKindName::Note,
        MemoryKind::SolutionCapsule => MemoryKindName::SolutionCapsule,
    }
}

/// Who sees a record, of a request.
pub fn visibility_from(name: VisibilityName) -> Visibility {
    match name {
        VisibilityName::Private => Visibility::Private,
        VisibilityName::Shared => Visibility::Shared,
    }
}

/// A partition as far as a request names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaidPartition {
    /// The project.
    pub project_id: Option<String>,
    /// The tier.
    pub tier: Option<Tier>,
}

/// Why a request's partition is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionProblem {
    /// It lies in another workspace or organisation.
    Elsewhere,
    /// It is said twice, and differently.
    Field(FieldError),
}

/// What a request says of its partition, in one member or in several.
///
/// # Errors
/// [`PartitionProblem`].
pub fn said_partition(
    org: &str,
    workspace: &WorkspaceId,
    partition: Option<&PartitionName>,
    project_id: Option<&str>,
    tier: Option<TierName>,
) -> Result<SaidPartition, PartitionProblem> {
    let Some(partition) = partition else {
        return Ok(SaidPartition { project_id: project_id.map(str::to_owned), tier: tier.map(tier_from) });
    };
    let is_elsewhere = partition.org_id.as_deref().is_some_and(|given| given != org)
        || partition.workspace_id.as_deref().is_some_and(|given| given != workspace.as_str());
    if is_elsewhere {
        return Err(PartitionProblem::Elsewhere);
    }
    let twice = |member: &str| {
        PartitionProblem::Field(FieldError::new(member, "is said in `partition` too, and differently; say it once"))
    };
    if project_id.zip(partition.project_id.as_deref()).is_some_and(|(one, other)| one != other) {
        return Err(twice("project_id"));
    }
    if tier.zip(partition.tier).is_some_and(|(one, other)| one != other) {
        return Err(twice("tier"));
    }
    Ok(SaidPartition {
        project_id: project_id.or(partition.project_id.as_deref()).map(str::to_owned),
        tier: tier.or(partition.tier).map(tier_from),
    })
}

/// The tag that says on whose behalf a record was put.
///
/// # Errors
/// [`FieldError`] for what can be nobody's name.
pub fn user_tag(user: &str) -> Result<String, FieldError> {
    if user.len() > USER_MAX_BYTES || id::check(user).is_err() {
        let message =
            format!("is not 1 to {USER_MAX_BYTES} of A-Z a-z 0-9 . _ : @ -, beginning with a letter or digit");
        return Err(FieldError::new("user_id", message));
    }
    Ok(format!("{USER_TAG}{user}"))
}

/// What the scrubber made of a text, in short.
pub fn scrub_view(scrubbed: &Scrubbed) -> ScrubSummary {
    let counts = scrubbed.counts.iter();
    let findings = counts.map(|(kind, count)| FindingCount { kind: kind.clone(), count: u64::from(*count) });
    ScrubSummary { status: scrubbed.status.to_string(), findings: findings.collect() }
}

/// The same with what was found beside the text.
pub fn scrub_view_with(mut summary: ScrubSummary, beside: &Scrubbed) -> ScrubSummary {
    if beside.status != ScrubStatus::Passed {
        summary.status = beside.status.to_string();
    }
    for (kind, count) in &beside.counts {
        match summary.findings.iter_mut().find(|finding| finding.kind == *kind) {
            Some(finding) => finding.count += u64::from(*count),
            None => summary.findings.push(FindingCount { kind: kind.clone(), count: u64::from(*count) }),
        }
    }
    summary.findings.sort_by(|one, other| one.kind.cmp(&other.kind));
    summary
}

/// A record.
pub fn memory_view(record: &MemoryRecord) -> MemoryView {
    let user = record.tags.iter().find_map(|tag| tag.strip_prefix(USER_TAG));
    MemoryView {
        id: record.id.to_string(),
        partition_key: record.partition.display_key(),
        tier: tier_view(record.partition.tier),
        project_id: record.partition.project_id.clone(),
        session_id: record.partition.session_id.clone(),
        owner: record.owner.clone(),
        user_id: user.unwrap_or(&record.owner).to_owned(),
        visibility: record.visibility.to_string(),
        kind: kind_view(record.kind),
        text: record.text.clone(),
        tags: tags_of(record),
        classification: record.classification.clone(),
        metadata: value_of(&record.metadata),
        source: record.source.clone(),
        source_type: record.source_type.to_string(),
        run_id: record.run_id.as_ref().map(ToString::to_string),
        tool: record.tool.clone(),
        origin: record.origin.as_ref().map(ToString::to_string),
        approval_id: record.approval_id.as_ref().map(ToString::to_string),
        trust: record.trust.to_string(),
        scrub: scrub_view(&record.scrub),
        created_at_ms: record.created_at.as_millis(),
        updated_at_ms: record.updated_at.as_millis(),
        expires_at_ms: record.expires_at.map(Timestamp::as_millis),
        revision: record.revision,
    }
}

/// The tags that were given as such.
fn tags_of(record: &MemoryRecord) -> Vec<String> {
    record.tags.iter().filter(|tag| !tag.starts_with(USER_TAG)).cloned().collect()
}

/// A result of a search.
pub fn memory_hit(found: &Ranked) -> MemoryHit {
    let record = &found.record;
    MemoryHit {
        id: record.id.to_string(),
        text: record.text.clone(),
        score: found.score,
        tier: tier_view(record.partition.tier),
        kind: kind_view(record.kind),
        tags: tags_of(record),
        source: record.source.clone(),
        source_type: record.source_type.to_string(),
        run_id: record.run_id.as_ref().map(ToString::to_string),
        trust: record.trust.to_string(),
        project_id: record.partition.project_id.clone(),
        session_id: record.partition.session_id.clone(),
        created_at_ms: record.created_at.as_millis(),
    }
}

/// A record that a context cites.
pub fn citation(found: &Ranked) -> Citation {
    Citation {
        id: found.record.id.to_string(),
        tier: tier_view(found.record.partition.tier),
        score: found.score,
        created_at_ms: found.record.created_at.as_millis(),
    }
}

/// How the audit names a record. What cannot be an id of the host's own making is not repeated: it could be
/// anything.
pub fn memory_resource(id: &str) -> String {
    let is_own = id.strip_prefix("mem_").is_some_and(|rest| {
        (1..=60).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    });
    if is_own { format!("memory/{id}") } else { "memory/unknown".to_owned() }
}

/// An entry of the audit about memory.
pub fn memory_audit_view(entry: &AuditEntry) -> MemoryAuditEntry {
    let mut detail = value_of(&entry.entry.detail);
    let text = |detail: &Value, name: &str| detail[name].as_str().map(str::to_owned);
    let id = text(&detail, "audit_id").unwrap_or_else(|| format!("aud_{}", entry.seq));
    let run_id = text(&detail, "run_id").map(RunId::new).map(|run_id| run_id.to_string());
    let status = text(&detail, "status").unwrap_or_else(|| entry.entry.outcome.to_string());
    if let Value::Object(members) = &mut detail {
        members.retain(|name, _| !matches!(name.as_str(), "audit_id" | "run_id" | "status"));
    }
    MemoryAuditEntry {
        id,
        ts_ms: entry.entry.at.as_millis(),
        action: entry.entry.action.clone(),
        run_id,
        memory_id: entry.entry.resource.strip_prefix("memory/").map(str::to_owned),
        actor: entry.entry.actor.clone(),
        status,
        detail,
        seq: entry.seq,
        previous_hash: entry.previous_hash.clone(),
        hash: entry.hash.clone(),
    }
}

/// What would become of a text: `findings` are (kind, first byte, byte after the last, confidence).
pub fn scrub_answer(
    status: ScrubStatus,
    text: String,
    findings: impl IntoIterator<Item = (String, usize, usize, f32)>,
    reason: Option<String>,
    (plugin, digest): (String, String),
) -> ScrubAnswer {
    let findings = findings.into_iter();
    ScrubAnswer {
        status: status.to_string(),
        text,
        findings: findings
            .map(|(kind, start, end, confidence)| ScrubFinding { kind, start, end, confidence })
            .collect(),
        reason,
        plugin,
        digest,
    }
}
