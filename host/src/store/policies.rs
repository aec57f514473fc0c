//! Workspaces' policies, revision by revision, and the decisions that were recorded.

use super::documents;
use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::id::WorkspaceId;
use crate::domain::policy::{PolicyRevision, Preset, RecordedDecision};

pub(super) static POLICIES: Table = Table {
    name: "policies",
    life: Life::AppendOnly,
    key_columns: 2,
    guard_column: None,
    end_column: None,
    columns: &[
        text("workspace_id"),
        integer("revision"),
        text("mode"),
        text("preset"),
        text("source"),
        text("note"),
        integer("rolled_back_to"),
        text("changed_by"),
        integer("changed_at_ms"),
    ],
};

pub(super) static POLICY_DECISIONS: Table = Table {
    name: "policy_decisions",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: None,
    end_column: None,
    columns: &[text("workspace_id"), text("id"), integer("at_ms"), text("request"), text("effect"), text("policies")],
};

/// The row of `revision`.
pub(super) fn row(revision: &PolicyRevision) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&POLICIES);
    row.text("workspace_id", revision.workspace_id.as_str())
        .integer("revision", revision.revision)
        .text("mode", revision.mode.as_str())
        .text_or_null("preset", revision.preset.map(Preset::as_str))
        .text("source", &documents::write_policy_source(&revision.source))
        .text_or_null("note", revision.note.as_deref())
        .integer_or_null("rolled_back_to", revision.rolled_back_to)
        .text("changed_by", &revision.changed_by)
        .moment("changed_at_ms", revision.changed_at);
    row.finish()
}

/// The row of `decision`.
pub(super) fn decision_row(decision: &RecordedDecision) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&POLICY_DECISIONS);
    row.text("workspace_id", decision.workspace_id.as_str())
        .text("id", &decision.id)
        .moment("at_ms", decision.at)
        .text("request", decision.request.as_str())
        .text("effect", &decision.effect)
        .text("policies", &documents::write_texts(&decision.policies));
    row.finish()
}

impl Record for PolicyRevision {
    const SOURCE: Source = Source { from: "policies", parts: &[("policies", POLICIES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            revision: row.integer("revision")?,
            mode: row.word("mode")?,
            preset: row.word_or_null("preset")?,
            source: row.document("source", documents::read_policy_source)?,
            note: row.text_or_null("note")?,
            rolled_back_to: row.integer_or_null("rolled_back_to")?,
            changed_by: row.text("changed_by")?,
            changed_at: row.moment("changed_at_ms")?,
        })
    }
}

impl Record for RecordedDecision {
    const SOURCE: Source =
        Source { from: "policy_decisions", parts: &[("policy_decisions", POLICY_DECISIONS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            id: row.text("id")?,
            at: row.moment("at_ms")?,
            request: row.json("request")?,
            effect: row.text("effect")?,
            policies: row.document("policies", documents::read_texts)?,
        })
    }
}

/// One number of a revision.
struct Newest(u64);

impl Record for Newest {
    const SOURCE: Source = Source { from: "policies", parts: &[("policies", &[integer("revision")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.integer("revision")?))
    }
}

/// The id of a recorded decision.
struct DecisionId(String);

impl Record for DecisionId {
    const SOURCE: Source = Source { from: "policy_decisions", parts: &[("policy_decisions", &[text("id")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(row.text("id")?))
    }
}

impl Store {
    /// The number of the newest revision of a workspace's policy; `None` when it never had one.
    pub async fn policy_newest(&self, workspace: &WorkspaceId) -> Result<Option<u64>, StorageError> {
        let select = Select::<Newest>::all()
            .only("policies.workspace_id = $", workspace.as_str())
            .page("policies.revision DESC", 1);
        Ok(self.one(select).await?.map(|newest| newest.0))
    }

    /// The ids of decisions that were recorded, newest first, as [`Self::policy_decisions`] has them.
    pub async fn policy_decision_ids(
        &self,
        workspace: &WorkspaceId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StorageError> {
        let select = Select::<DecisionId>::all()
            .only("policy_decisions.workspace_id = $", workspace.as_str())
            .only_some("policy_decisions.id < $", before)
            .page("policy_decisions.id DESC", limit);
        Ok(self.many(select).await?.into_iter().map(|id| id.0).collect())
    }

    /// The newest revision of a workspace's policy; `None` when it never had one.
    pub async fn policy(&self, workspace: &WorkspaceId) -> Result<Option<PolicyRevision>, StorageError> {
        let newest = self.policy_history(workspace, None, 1).await?;
        Ok(newest.into_iter().next())
    }

    /// A revision of a workspace's policy.
    pub async fn policy_revision(
        &self,
        workspace: &WorkspaceId,
        revision: u64,
    ) -> Result<Option<PolicyRevision>, StorageError> {
        let select =
            Select::all().only("policies.workspace_id = $", workspace.as_str()).only("policies.revision = $", revision);
        self.one(select).await
    }

    /// Revisions of a workspace's policy, newest first: at most `limit` (and [`super::PAGE_MAX`]) of them,
    /// before `before`.
    pub async fn policy_history(
        &self,
        workspace: &WorkspaceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PolicyRevision>, StorageError> {
        let select = Select::all()
            .only("policies.workspace_id = $", workspace.as_str())
            .only_some("policies.revision < $", before)
            .page("policies.revision DESC", limit);
        self.many(select).await
    }

    /// Decisions that were recorded, newest first: at most `limit` (and [`super::PAGE_MAX`]) of them,
    /// before `before`.
    pub async fn policy_decisions(
        &self,
        workspace: &WorkspaceId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RecordedDecision>, StorageError> {
        let select = Select::all()
            .only("policy_decisions.workspace_id = $", workspace.as_str())
            .only_some("policy_decisions.id < $", before)
            .page("policy_decisions.id DESC", limit);
        self.many(select).await
    }
}
