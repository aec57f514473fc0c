//! Runs and their leases.
//!
//! A lease is a row of its own, so that heartbeats, by far the most frequent write, rewrite
//! three columns and no run, and never disturb a unit that is guarded by the run's revision.

use super::documents;
use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, Row, RowReader, RowWriter};
use super::select::{IDS_PER_STATEMENT, Record, Select, Source};
use super::table::{Column, Kind, Life, Table, boolean, integer, text};
use crate::domain::artifact::Digest;
use crate::domain::id::{MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::run::{Lease, Run, RunStatus};
use crate::domain::time::Timestamp;

pub(super) static RUNS: Table = Table {
    name: "runs",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("mission_id"),
        text("work_item_id"),
        text("session_id"),
        text("worked_by"),
        text("token_digest"),
        text("kind"),
        integer("attempt"),
        text("status"),
        text("prompt"),
        text("assigned_agent"),
        text("skills"),
        text("action"),
        integer("not_before_ms"),
        integer("fence"),
        integer("interruptions"),
        boolean("cancel_requested"),
        text("summary"),
        text("output"),
        text("artifacts"),
        integer("queued_at_ms"),
        integer("started_at_ms"),
        integer("finished_at_ms"),
        integer("revision"),
    ],
};

pub(super) static RUN_LEASES: Table = Table {
    name: "run_leases",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("fence"),
    end_column: Some("expires_at_ms"),
    columns: &[
        text("run_id"),
        text("workspace_id"),
        text("worker"),
        text("principal"),
        text("host_id"),
        integer("fence"),
        integer("lease_ms"),
        Column {
            name: "expires_at_ms",
            kind: Kind::Integer,
            // A run may be written by somebody who read it before its lease was renewed.
            merge: Some(
                "CASE WHEN run_leases.fence = excluded.fence AND run_leases.expires_at_ms > excluded.expires_at_ms \
                 THEN run_leases.expires_at_ms ELSE excluded.expires_at_ms END",
            ),
        },
    ],
};

/// The row of `run`, without its lease.
pub(super) fn row(run: &Run) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&RUNS);
    row.text("id", run.id.as_str())
        .text("workspace_id", run.workspace_id.as_str())
        .text("mission_id", run.mission_id.as_str())
        .text_or_null("work_item_id", run.work_item_id.as_ref().map(WorkItemId::as_str))
        .text_or_null("session_id", run.session_id.as_deref())
        .text_or_null("worked_by", run.worked_by.as_deref())
        .text_or_null("token_digest", run.token_digest.as_ref().map(Digest::as_str))
        .text("kind", run.kind.as_str())
        .integer("attempt", run.attempt.into())
        .text("status", run.status.as_str())
        .text("prompt", &run.prompt)
        .text_or_null("assigned_agent", run.assigned_agent.as_deref())
        .text("skills", &documents::write_texts(&run.skills))
        .text_or_null("action", run.action.as_ref().map(Json::as_str))
        .moment_or_null("not_before_ms", run.not_before)
        .integer("fence", run.fence)
        .integer("interruptions", run.interruptions.into())
        .boolean("cancel_requested", run.cancel_requested)
        .text_or_null("summary", run.summary.as_deref())
        .text_or_null("output", run.output.as_deref())
        .text("artifacts", &documents::write_artifact_refs(&run.artifacts))
        .moment("queued_at_ms", run.queued_at)
        .moment_or_null("started_at_ms", run.started_at)
        .moment_or_null("finished_at_ms", run.finished_at)
        .integer("revision", run.revision);
    row.finish()
}

/// The row of the lease of `run`.
pub(super) fn lease_row(run: &Run, lease: &Lease) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&RUN_LEASES);
    row.text("run_id", run.id.as_str())
        .text("workspace_id", run.workspace_id.as_str())
        .text("worker", &lease.worker)
        .text("principal", &lease.principal)
        .text("host_id", &lease.host_id)
        .integer("fence", lease.fence)
        .integer("lease_ms", lease.lease_ms)
        .moment("expires_at_ms", lease.expires_at);
    row.finish()
}

impl Record for Run {
    const SOURCE: Source = Source {
        from: "runs LEFT JOIN run_leases ON run_leases.run_id = runs.id",
        parts: &[("runs", RUNS.columns), ("run_leases", RUN_LEASES.columns)],
    };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let mut run = Self {
            id: RunId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            work_item_id: row.text_or_null("work_item_id")?.map(WorkItemId::new),
            session_id: row.text_or_null("session_id")?,
            worked_by: row.text_or_null("worked_by")?,
            token_digest: row.digest_or_null("token_digest")?,
            kind: row.word("kind")?,
            attempt: row.small("attempt")?,
            status: row.word("status")?,
            prompt: row.text("prompt")?,
            assigned_agent: row.text_or_null("assigned_agent")?,
            skills: row.document("skills", documents::read_texts)?,
            action: row.json_or_null("action")?,
            not_before: row.moment_or_null("not_before_ms")?,
            lease: None,
            fence: row.integer("fence")?,
            interruptions: row.small("interruptions")?,
            cancel_requested: row.boolean("cancel_requested")?,
            summary: row.text_or_null("summary")?,
            output: row.text_or_null("output")?,
            artifacts: row.document("artifacts", documents::read_artifact_refs)?,
            queued_at: row.moment("queued_at_ms")?,
            started_at: row.moment_or_null("started_at_ms")?,
            finished_at: row.moment_or_null("finished_at_ms")?,
            revision: row.integer("revision")?,
        };
        run.lease = read_lease(row)?;
        Ok(run)
    }
}

/// The lease that a joined row ends with; columns of a row that is not there are all null.
pub(super) fn read_lease(row: &mut RowReader<'_>) -> Result<Option<Lease>, StorageError> {
    if row.text_or_null("run_id")?.is_none() {
        return Ok(None);
    }
    row.text("workspace_id")?;
    Ok(Some(Lease {
        worker: row.text("worker")?,
        principal: row.text("principal")?,
        host_id: row.text("host_id")?,
        fence: row.integer("fence")?,
        lease_ms: row.integer("lease_ms")?,
        expires_at: row.moment("expires_at_ms")?,
    }))
}

/// A run, by nothing but its id.
struct Named(RunId);

impl Record for Named {
    const SOURCE: Source = Source { from: "runs", parts: &[("runs", &[text("id")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(RunId::new(row.text("id")?)))
    }
}

impl Store {
    /// A run of the workspace that has one of these ids, or whose worker named `session`.
    pub async fn run_of_session(
        &self,
        workspace: &WorkspaceId,
        session: &str,
        ids: &[RunId],
    ) -> Result<Option<RunId>, StorageError> {
        let of_workspace = || Select::<Named>::all().only("runs.workspace_id = $", workspace.as_str());
        for ids in ids.chunks(IDS_PER_STATEMENT) {
            let ids = ids.iter().map(|id| Cell::from(id.as_str()));
            if let Some(Named(id)) = self.one(of_workspace().only_in("runs.id", ids).page("runs.id", 1)).await? {
                return Ok(Some(id));
            }
        }
        let named = self.one(of_workspace().only("runs.session_id = $", session).page("runs.id", 1)).await?;
        Ok(named.map(|Named(id)| id))
    }

    /// The run of this id.
    pub async fn run(&self, id: &RunId) -> Result<Option<Run>, StorageError> {
        self.one(Select::all().only("runs.id = $", id.as_str())).await
    }

    /// A workspace's runs by id, which is the order they were made in: at most `limit` (and
    /// [`super::PAGE_MAX`]) of them, after `after`.
    pub async fn runs(
        &self,
        workspace: &WorkspaceId,
        mission: Option<&MissionId>,
        status: Option<RunStatus>,
        after: Option<&RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, StorageError> {
        let select = Select::all()
            .only("runs.workspace_id = $", workspace.as_str())
            .only_some("runs.mission_id = $", mission.map(MissionId::as_str))
            .only_some("runs.status = $", status.map(RunStatus::as_str))
            .only_some("runs.id > $", after.map(RunId::as_str))
            .page("runs.id", limit);
        self.many(select).await
    }

    /// What a mission's board needs of its runs, by id: those not at their end, each work
    /// item's last one, and the planner's. Without a limit of its own: a mission's open runs
    /// and work items have theirs.
    pub async fn board_runs(&self, mission: &MissionId) -> Result<Vec<Run>, StorageError> {
        let id = mission.as_str();
        let select = Select::all()
            .only("runs.mission_id = $", id)
            .only(
                "(runs.status IN ('queued', 'running') OR runs.kind = 'planner' OR runs.id IN \
                 (SELECT run_id FROM work_items WHERE mission_id = $ AND run_id IS NOT NULL))",
                id,
            )
            .ordered("runs.id");
        self.many(select).await
    }

    /// Runs with a lease, the earliest end first: of the workers inside `host_id` (one outside has a
    /// run token, and outlives the host that gave it), or that ended before `expired_before`, or
    /// both. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn leased_runs(
        &self,
        host_id: Option<&str>,
        expired_before: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<Run>, StorageError> {
        let select = Select::all()
            .only_if("run_leases.run_id IS NOT NULL")
            .only_some("runs.token_digest IS NULL AND run_leases.host_id = $", host_id)
            .only_some("run_leases.expires_at_ms < $", expired_before)
            .page("run_leases.expires_at_ms, runs.id", limit);
        self.many(select).await
    }
}
