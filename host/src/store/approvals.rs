//! Approvals: questions only a person may answer.

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::approval::{Approval, ApprovalStatus};
use crate::domain::artifact::Digest;
use crate::domain::gate::GateName;
use crate::domain::id::{ApprovalId, MissionId, RunId, VerdictId, WorkItemId, WorkspaceId};
use crate::domain::time::Timestamp;

pub(super) static APPROVALS: Table = Table {
    name: "approvals",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("mission_id"),
        text("work_item_id"),
        text("kind"),
        text("gate"),
        text("verdict_id"),
        text("subject"),
        text("requested_by"),
        text("run_id"),
        text("content"),
        text("content_digest"),
        integer("used_at_ms"),
        text("summary"),
        text("data"),
        text("status"),
        text("decided_by"),
        text("reason"),
        integer("requested_at_ms"),
        integer("decided_at_ms"),
        integer("expires_at_ms"),
        integer("revision"),
    ],
};

/// The row of `approval`.
pub(super) fn row(approval: &Approval) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&APPROVALS);
    row.text("id", approval.id.as_str())
        .text("workspace_id", approval.workspace_id.as_str())
        .text_or_null("mission_id", approval.mission_id.as_ref().map(MissionId::as_str))
        .text_or_null("work_item_id", approval.work_item_id.as_ref().map(WorkItemId::as_str))
        .text("kind", &approval.kind)
        .text_or_null("gate", approval.gate.map(GateName::as_str))
        .text_or_null("verdict_id", approval.verdict_id.as_ref().map(VerdictId::as_str))
        .text("subject", approval.subject.as_str())
        .text("requested_by", &approval.requested_by)
        .text_or_null("run_id", approval.run_id.as_ref().map(RunId::as_str))
        .text("content", approval.content.as_str())
        .text("content_digest", approval.content_digest.as_str())
        .moment_or_null("used_at_ms", approval.used_at)
        .text("summary", &approval.summary)
        .text("data", approval.data.as_str())
        .text("status", approval.status.as_str())
        .text_or_null("decided_by", approval.decided_by.as_deref())
        .text_or_null("reason", approval.reason.as_deref())
        .moment("requested_at_ms", approval.requested_at)
        .moment_or_null("decided_at_ms", approval.decided_at)
        .moment_or_null("expires_at_ms", approval.expires_at)
        .integer("revision", approval.revision);
    row.finish()
}

impl Record for Approval {
    const SOURCE: Source = Source { from: "approvals", parts: &[("approvals", APPROVALS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: ApprovalId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            mission_id: row.text_or_null("mission_id")?.map(MissionId::new),
            work_item_id: row.text_or_null("work_item_id")?.map(WorkItemId::new),
            kind: row.text("kind")?,
            gate: row.word_or_null("gate")?,
            verdict_id: row.text_or_null("verdict_id")?.map(VerdictId::new),
            subject: row.digest("subject")?,
            requested_by: row.text("requested_by")?,
            run_id: row.text_or_null("run_id")?.map(RunId::new),
            content: row.json("content")?,
            content_digest: row.digest("content_digest")?,
            used_at: row.moment_or_null("used_at_ms")?,
            summary: row.text("summary")?,
            data: row.json("data")?,
            status: row.word("status")?,
            decided_by: row.text_or_null("decided_by")?,
            reason: row.text_or_null("reason")?,
            requested_at: row.moment("requested_at_ms")?,
            decided_at: row.moment_or_null("decided_at_ms")?,
            expires_at: row.moment_or_null("expires_at_ms")?,
            revision: row.integer("revision")?,
        })
    }
}

impl Store {
    /// The approval of this id.
    pub async fn approval(&self, id: &ApprovalId) -> Result<Option<Approval>, StorageError> {
        self.one(Select::all().only("approvals.id = $", id.as_str())).await
    }

    /// A workspace's approvals by id, which is the order they were asked in: at most `limit`
    /// (and [`super::PAGE_MAX`]) of them, after `after`.
    pub async fn approvals(
        &self,
        workspace: &WorkspaceId,
        mission: Option<&MissionId>,
        status: Option<ApprovalStatus>,
        after: Option<&ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, StorageError> {
        let select = Select::all()
            .only("approvals.workspace_id = $", workspace.as_str())
            .only_some("approvals.mission_id = $", mission.map(MissionId::as_str))
            .only_some("approvals.status = $", status.map(ApprovalStatus::as_str))
            .only_some("approvals.id > $", after.map(ApprovalId::as_str))
            .page("approvals.id", limit);
        self.many(select).await
    }

    /// The approvals a run asked for this very content with, the newest first.
    pub async fn approvals_of_content(
        &self,
        workspace: &WorkspaceId,
        run: &RunId,
        content_digest: &Digest,
    ) -> Result<Vec<Approval>, StorageError> {
        let select = Select::all()
            .only("approvals.workspace_id = $", workspace.as_str())
            .only("approvals.run_id = $", run.as_str())
            .only("approvals.content_digest = $", content_digest.as_str())
            .page("approvals.id DESC", super::PAGE_MAX);
        self.many(select).await
    }

    /// The approvals that were asked about promotions with this subject, the newest first: at most
    /// [`super::PAGE_MAX`].
    pub async fn approvals_of_promotion(
        &self,
        workspace: &WorkspaceId,
        subject: &Digest,
    ) -> Result<Vec<Approval>, StorageError> {
        let select = Select::all()
            .only_if("approvals.kind = 'memory_promotion'")
            .only("approvals.workspace_id = $", workspace.as_str())
            .only("approvals.subject = $", subject.as_str())
            .page("approvals.id DESC", super::PAGE_MAX);
        self.many(select).await
    }

    /// What a run has asked that nobody has answered: at most `limit` (and [`super::PAGE_MAX`]).
    pub async fn pending_of_run(
        &self,
        workspace: &WorkspaceId,
        run: &RunId,
        limit: u32,
    ) -> Result<Vec<Approval>, StorageError> {
        let select = Select::all()
            .only("approvals.workspace_id = $", workspace.as_str())
            .only("approvals.run_id = $", run.as_str())
            .only_if("approvals.status = 'pending'")
            .page("approvals.id", limit);
        self.many(select).await
    }

    /// Pending approvals of every workspace that nobody answered by `now`, the earliest end
    /// first. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn expired_approvals(&self, now: Timestamp, limit: u32) -> Result<Vec<Approval>, StorageError> {
        let select = Select::all()
            .only_if("approvals.status = 'pending'")
            .only("approvals.expires_at_ms <= $", now)
            .page("approvals.expires_at_ms, approvals.id", limit);
        self.many(select).await
    }
}
