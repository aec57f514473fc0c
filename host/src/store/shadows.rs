//! What became of components in shadow: their counts, and what they decided differently.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::artifact::Digest;
use crate::domain::id::{MissionId, VerdictId, WorkItemId, WorkspaceId};
use crate::domain::shadow::{ShadowCounts, ShadowDifference, ShadowRecord, ShadowRole};

pub(super) static SHADOWS: Table = Table {
    name: "shadows",
    life: Life::Mutable,
    key_columns: 3,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("workspace_id"),
        text("role"),
        text("digest"),
        text("plugin"),
        text("terms"),
        integer("since_revision"),
        integer("since_ms"),
        integer("updated_at_ms"),
        integer("same"),
        integer("different"),
        integer("failed"),
        integer("slower"),
        integer("dropped"),
        integer("revision"),
    ],
};

pub(super) static SHADOW_DIFFERENCES: Table = Table {
    name: "shadow_differences",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: None,
    end_column: None,
    columns: &[
        text("workspace_id"),
        text("id"),
        text("role"),
        text("digest"),
        integer("at_ms"),
        text("outcome"),
        text("mission_id"),
        integer("seq"),
        text("work_item_id"),
        text("verdict_id"),
        text("kind"),
        text("decided"),
        text("candidate"),
    ],
};

/// The row of `record`.
pub(super) fn row(record: &ShadowRecord) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&SHADOWS);
    row.text("workspace_id", record.workspace_id.as_str())
        .text("role", record.role.as_str())
        .text("digest", record.digest.as_str())
        .text("plugin", &record.plugin)
        .text("terms", record.terms.as_str())
        .integer("since_revision", record.since_revision)
        .moment("since_ms", record.since)
        .moment("updated_at_ms", record.updated_at)
        .integer("same", record.counts.same)
        .integer("different", record.counts.different)
        .integer("failed", record.counts.failed)
        .integer("slower", record.counts.slower)
        .integer("dropped", record.counts.dropped)
        .integer("revision", record.revision);
    row.finish()
}

/// The row of `difference`.
pub(super) fn difference_row(difference: &ShadowDifference) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&SHADOW_DIFFERENCES);
    row.text("workspace_id", difference.workspace_id.as_str())
        .text("id", &difference.id)
        .text("role", difference.role.as_str())
        .text("digest", difference.digest.as_str())
        .moment("at_ms", difference.at)
        .text("outcome", difference.outcome.as_str())
        .text_or_null("mission_id", difference.mission_id.as_ref().map(MissionId::as_str))
        .integer_or_null("seq", difference.seq)
        .text_or_null("work_item_id", difference.work_item_id.as_ref().map(WorkItemId::as_str))
        .text_or_null("verdict_id", difference.verdict_id.as_ref().map(VerdictId::as_str))
        .text("kind", &difference.kind)
        .text("decided", difference.decided.as_str())
        .text("candidate", difference.candidate.as_str());
    row.finish()
}

impl Record for ShadowRecord {
    const SOURCE: Source = Source { from: "shadows", parts: &[("shadows", SHADOWS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            role: row.word("role")?,
            digest: row.digest("digest")?,
            plugin: row.text("plugin")?,
            terms: row.digest("terms")?,
            since_revision: row.integer("since_revision")?,
            since: row.moment("since_ms")?,
            updated_at: row.moment("updated_at_ms")?,
            counts: ShadowCounts {
                same: row.integer("same")?,
                different: row.integer("different")?,
                failed: row.integer("failed")?,
                slower: row.integer("slower")?,
                dropped: row.integer("dropped")?,
            },
            revision: row.integer("revision")?,
        })
    }
}

impl Record for ShadowDifference {
    const SOURCE: Source =
        Source { from: "shadow_differences", parts: &[("shadow_differences", SHADOW_DIFFERENCES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            id: row.text("id")?,
            role: row.word("role")?,
            digest: row.digest("digest")?,
            at: row.moment("at_ms")?,
            outcome: row.word("outcome")?,
            mission_id: row.text_or_null("mission_id")?.map(MissionId::new),
            seq: row.integer_or_null("seq")?,
            work_item_id: row.text_or_null("work_item_id")?.map(WorkItemId::new),
            verdict_id: row.text_or_null("verdict_id")?.map(VerdictId::new),
            kind: row.text("kind")?,
            decided: row.json("decided")?,
            candidate: row.json("candidate")?,
        })
    }
}

/// The id of a difference.
struct DifferenceId(String);

impl Record for DifferenceId {
    const SOURCE: Source = Source { from: "shadow_differences", parts: &[("shadow_differences", &[text("id")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        row.text("id").map(Self)
    }
}

impl Store {
    /// What became of a component in shadow in a role.
    pub async fn shadow(
        &self,
        workspace: &WorkspaceId,
        role: ShadowRole,
        digest: &Digest,
    ) -> Result<Option<ShadowRecord>, StorageError> {
        let select = Select::all()
            .only("shadows.workspace_id = $", workspace.as_str())
            .only("shadows.role = $", role.as_str())
            .only("shadows.digest = $", digest.as_str());
        self.one(select).await
    }

    /// The components of a workspace that decide in shadow or did, those counted last first: at most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn shadows(&self, workspace: &WorkspaceId, limit: u32) -> Result<Vec<ShadowRecord>, StorageError> {
        let select = Select::all()
            .only("shadows.workspace_id = $", workspace.as_str())
            .page("shadows.updated_at_ms DESC, shadows.role, shadows.digest", limit);
        self.many(select).await
    }

    /// What was decided differently in shadow in a workspace, or in one role of it, newest first: at most `limit`
    /// (and [`super::PAGE_MAX`]), before `before`.
    pub async fn shadow_differences(
        &self,
        workspace: &WorkspaceId,
        role: Option<ShadowRole>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ShadowDifference>, StorageError> {
        let select = Select::all()
            .only("shadow_differences.workspace_id = $", workspace.as_str())
            .only_some("shadow_differences.role = $", role.map(ShadowRole::as_str))
            .only_some("shadow_differences.id < $", before)
            .page("shadow_differences.id DESC", limit);
        self.many(select).await
    }

    /// The ids of what a component in a role decided differently, newest first: at most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn shadow_difference_ids(
        &self,
        workspace: &WorkspaceId,
        role: ShadowRole,
        digest: &Digest,
        limit: u32,
    ) -> Result<Vec<String>, StorageError> {
        let select = Select::<DifferenceId>::all()
            .only("shadow_differences.workspace_id = $", workspace.as_str())
            .only("shadow_differences.role = $", role.as_str())
            .only("shadow_differences.digest = $", digest.as_str())
            .page("shadow_differences.id DESC", limit);
        Ok(self.many(select).await?.into_iter().map(|id| id.0).collect())
    }
}
