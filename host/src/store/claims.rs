//! Reads for claims and heartbeats: what may be claimed, who holds how much, and runs without
//! their texts. The rows themselves belong to [`super::runs`].

use super::documents;
use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, RowReader};
use super::runs::RUN_LEASES;
use super::select::{IDS_PER_STATEMENT, Record, Select, Source};
use super::table::{Column, boolean, integer, text};
use crate::domain::id::{MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::run::{ClaimableRun, Run, RunHead, RunStatus};
use crate::domain::time::Timestamp;

const CLAIMABLE_COLUMNS: &[Column] = &[text("id"), text("mission_id"), text("assigned_agent"), text("skills")];
const TURN_COLUMNS: &[Column] = &[integer("turn"), integer("queued_at_ms")];

impl Record for ClaimableRun {
    // The turns are joined by the query, which has arguments for them.
    const SOURCE: Source = Source { from: "runs", parts: &[("runs", CLAIMABLE_COLUMNS), ("turns", TURN_COLUMNS)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: RunId::new(row.text("id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            assigned_agent: row.text_or_null("assigned_agent")?,
            skills: row.document("skills", documents::read_texts)?,
            turn: row.integer("turn")?,
            queued_at: row.moment("queued_at_ms")?,
        })
    }
}

/// How many runs a principal holds.
struct Holding {
    principal: String,
    runs: u64,
}

impl Record for Holding {
    const SOURCE: Source = Source {
        from: "(SELECT workspace_id, principal, COUNT(*) AS runs FROM run_leases \
               GROUP BY workspace_id, principal) AS holdings",
        parts: &[("holdings", &[text("principal"), integer("runs")])],
    };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self { principal: row.text("principal")?, runs: row.integer("runs")? })
    }
}

const HEAD_COLUMNS: &[Column] = &[
    text("id"),
    text("workspace_id"),
    text("mission_id"),
    text("work_item_id"),
    text("session_id"),
    text("kind"),
    integer("attempt"),
    text("status"),
    text("token_digest"),
    boolean("cancel_requested"),
];

impl Record for RunHead {
    const SOURCE: Source = Source {
        from: "runs LEFT JOIN run_leases ON run_leases.run_id = runs.id",
        parts: &[("runs", HEAD_COLUMNS), ("run_leases", RUN_LEASES.columns)],
    };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: RunId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            work_item_id: row.text_or_null("work_item_id")?.map(WorkItemId::new),
            session_id: row.text_or_null("session_id")?,
            kind: row.word("kind")?,
            attempt: row.small("attempt")?,
            status: row.word("status")?,
            token_digest: row.digest_or_null("token_digest")?,
            cancel_requested: row.boolean("cancel_requested")?,
            lease: super::runs::read_lease(row)?,
        })
    }
}

impl Store {
    /// Runs of a workspace that a worker may take now: queued, due, and of a mission that is
    /// running. Fair between missions: the mission with the fewest runs going comes first, each
    /// further run of it counts as one more; then whoever has waited longest. At most `limit`
    /// (and [`super::PAGE_MAX`]), those behind `after`.
    ///
    /// Reads the index of waiting runs in whole for each page, and rows for the page alone.
    pub async fn claimable_runs(
        &self,
        workspace: &WorkspaceId,
        now: Timestamp,
        after: Option<&ClaimableRun>,
        limit: u32,
    ) -> Result<Vec<ClaimableRun>, StorageError> {
        let (turn, queued_at, id) =
            after.map_or((0, Timestamp(0), ""), |run| (run.turn, run.queued_at, run.id.as_str()));
        let select = Select::all()
            .text(
                " JOIN (SELECT id, queued_at_ms, turn FROM (SELECT waiting.id, waiting.queued_at_ms, \
                 ROW_NUMBER() OVER (PARTITION BY waiting.mission_id ORDER BY waiting.queued_at_ms, waiting.id) \
                 + COALESCE(going.runs, 0) AS turn \
                 FROM runs AS waiting JOIN missions ON missions.id = waiting.mission_id \
                 LEFT JOIN (SELECT mission_id, COUNT(*) AS runs FROM runs WHERE status = 'running' \
                 GROUP BY mission_id) AS going ON going.mission_id = waiting.mission_id \
                 WHERE waiting.workspace_id = $ AND waiting.status = 'queued' AND missions.status = 'running' \
                 AND (waiting.not_before_ms IS NULL OR waiting.not_before_ms <= $)) AS queue \
                 WHERE (turn, queued_at_ms, id) > ($, $, $) ORDER BY turn, queued_at_ms, id LIMIT $) AS turns \
                 ON turns.id = runs.id",
                [
                    workspace.as_str().into(),
                    now.into(),
                    turn.into(),
                    queued_at.into(),
                    id.into(),
                    limit.min(super::PAGE_MAX).into(),
                ],
            )
            .ordered("turns.turn, turns.queued_at_ms, turns.id");
        self.many(select).await
    }

    /// Those of `ids` that may be claimed at `now`, whole, in no particular order.
    ///
    /// The statement names nothing but ids: asked for what is queued as well, PostgreSQL went through
    /// every waiting run of every mission instead (measured: 60 ms with 16,000 of them).
    pub async fn still_claimable(&self, ids: &[RunId], now: Timestamp) -> Result<Vec<Run>, StorageError> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(IDS_PER_STATEMENT) {
            let select = Select::<Run>::all()
                .only_in("runs.id", texts(chunk))
                .only_if("(SELECT missions.status FROM missions WHERE missions.id = runs.mission_id) = 'running'");
            let is_due = |run: &Run| run.not_before.is_none_or(|not_before| not_before <= now);
            let runs = self.many(select).await?.into_iter();
            found.extend(runs.filter(|run| run.status == RunStatus::Queued && is_due(run)));
        }
        Ok(found)
    }

    /// The runs of `ids` without their texts, in no particular order; one that does not exist is
    /// left out.
    pub async fn run_heads(&self, ids: &[RunId]) -> Result<Vec<RunHead>, StorageError> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(IDS_PER_STATEMENT) {
            found.extend(self.many(Select::all().only_in("runs.id", texts(chunk))).await?);
        }
        Ok(found)
    }

    /// How many runs of a workspace each of `principals` holds, expired leases that nobody ended
    /// included; whoever holds none is left out.
    pub async fn held_runs(
        &self,
        workspace: &WorkspaceId,
        principals: &[String],
    ) -> Result<Vec<(String, u64)>, StorageError> {
        let mut found = Vec::with_capacity(principals.len());
        for chunk in principals.chunks(IDS_PER_STATEMENT) {
            let select = Select::<Holding>::all()
                .only("holdings.workspace_id = $", workspace.as_str())
                .only_in("holdings.principal", chunk.iter().map(|name| name.as_str().into()));
            found.extend(self.many(select).await?.into_iter().map(|held| (held.principal, held.runs)));
        }
        Ok(found)
    }
}

fn texts(ids: &[RunId]) -> impl Iterator<Item = Cell> {
    ids.iter().map(|id| id.as_str().into())
}
