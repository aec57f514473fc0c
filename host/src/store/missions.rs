//! Missions: their headers. Work items are rows of their own ([`super::work_items`]).

use super::documents;
use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::mission::{Mission, MissionStatus, Usage};

pub(super) static MISSIONS: Table = Table {
    name: "missions",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("title"),
        text("goal"),
        text("status"),
        text("phase"),
        text("reason"),
        text("success_criteria"),
        text("budgets"),
        integer("steps"),
        integer("tool_calls"),
        text("capabilities"),
        text("entrypoint"),
        text("metadata"),
        text("bindings"),
        integer("planner_attempts"),
        text("created_by"),
        text("item_counts"),
        integer("revision"),
        integer("created_at_ms"),
        integer("updated_at_ms"),
        integer("started_at_ms"),
    ],
};

/// The row of `mission`.
pub(super) fn row(mission: &Mission) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&MISSIONS);
    row.text("id", mission.id.as_str())
        .text("workspace_id", mission.workspace_id.as_str())
        .text("title", &mission.title)
        .text("goal", &mission.goal)
        .text("status", mission.status.as_str())
        .text("phase", mission.phase.as_str())
        .text_or_null("reason", mission.reason.as_deref())
        .text("success_criteria", mission.success_criteria.as_str())
        .text("budgets", &documents::write_budgets(&mission.budgets))
        .integer("steps", mission.usage.steps)
        .integer("tool_calls", mission.usage.tool_calls)
        .text("capabilities", mission.capabilities.as_str())
        .text_or_null("entrypoint", mission.entrypoint.as_deref())
        .text("metadata", mission.metadata.as_str())
        .text("bindings", &documents::write_bindings(&mission.bindings))
        .integer("planner_attempts", mission.planner_attempts.into())
        .text("created_by", &mission.created_by)
        .text("item_counts", &documents::write_counts(&mission.counts))
        .integer("revision", mission.revision)
        .moment("created_at_ms", mission.created_at)
        .moment("updated_at_ms", mission.updated_at)
        .moment_or_null("started_at_ms", mission.started_at);
    row.finish()
}

impl Record for Mission {
    const SOURCE: Source = Source { from: "missions", parts: &[("missions", MISSIONS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: MissionId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            title: row.text("title")?,
            goal: row.text("goal")?,
            status: row.word("status")?,
            phase: row.word("phase")?,
            reason: row.text_or_null("reason")?,
            success_criteria: row.json("success_criteria")?,
            budgets: row.document("budgets", documents::read_budgets)?,
            usage: Usage { steps: row.integer("steps")?, tool_calls: row.integer("tool_calls")? },
            capabilities: row.json("capabilities")?,
            entrypoint: row.text_or_null("entrypoint")?,
            metadata: row.json("metadata")?,
            bindings: row.document("bindings", documents::read_bindings)?,
            planner_attempts: row.small("planner_attempts")?,
            created_by: row.text("created_by")?,
            counts: row.document("item_counts", documents::read_counts)?,
            revision: row.integer("revision")?,
            created_at: row.moment("created_at_ms")?,
            updated_at: row.moment("updated_at_ms")?,
            started_at: row.moment_or_null("started_at_ms")?,
        })
    }
}

/// A mission's id and nothing else.
struct OpenMission(MissionId);

impl Record for OpenMission {
    const SOURCE: Source = Source { from: "missions", parts: &[("missions", &[text("id")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(MissionId::new(row.text("id")?)))
    }
}

impl Store {
    /// The mission of this id, if this workspace has it.
    pub async fn mission(&self, workspace: &WorkspaceId, id: &MissionId) -> Result<Option<Mission>, StorageError> {
        let select =
            Select::all().only("missions.workspace_id = $", workspace.as_str()).only("missions.id = $", id.as_str());
        self.one(select).await
    }

    /// A workspace's missions, newest first: at most `limit` (and [`super::PAGE_MAX`]) of them,
    /// older than `before`.
    pub async fn missions(
        &self,
        workspace: &WorkspaceId,
        status: Option<MissionStatus>,
        before: Option<&MissionId>,
        limit: u32,
    ) -> Result<Vec<Mission>, StorageError> {
        let select = Select::all()
            .only("missions.workspace_id = $", workspace.as_str())
            .only_some("missions.status = $", status.map(MissionStatus::as_str))
            .only_some("missions.id < $", before.map(MissionId::as_str))
            .page("missions.id DESC", limit);
        self.many(select).await
    }

    /// Every mission of a workspace that is not at its end, oldest first. Without a limit: the
    /// answer is ids only, and whoever starts up needs them all.
    pub async fn open_missions(&self, workspace: &WorkspaceId) -> Result<Vec<MissionId>, StorageError> {
        let select = Select::<OpenMission>::all()
            .only("missions.workspace_id = $", workspace.as_str())
            .only_if("missions.status IN ('draft', 'running', 'paused')")
            .ordered("missions.id");
        Ok(self.many(select).await?.into_iter().map(|mission| mission.0).collect())
    }
}
