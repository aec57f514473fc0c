//! Artifacts' rows; their content is in the blob store ([`super::blobs`]).

use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{IDS_PER_STATEMENT, Record, Select, Source};
use super::table::{Life, Table, integer, text};
use crate::domain::artifact::Artifact;
use crate::domain::id::{ArtifactId, MissionId, RunId, WorkItemId, WorkspaceId};

pub(super) static ARTIFACTS: Table = Table {
    name: "artifacts",
    life: Life::AppendOnly,
    key_columns: 1,
    guard_column: None,
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("mission_id"),
        text("work_item_id"),
        text("run_id"),
        text("kind"),
        text("name"),
        text("media_type"),
        integer("size"),
        text("digest"),
        integer("created_at_ms"),
    ],
};

/// The row of `artifact`.
pub(super) fn row(artifact: &Artifact) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&ARTIFACTS);
    row.text("id", artifact.id.as_str())
        .text("workspace_id", artifact.workspace_id.as_str())
        .text("mission_id", artifact.mission_id.as_str())
        .text_or_null("work_item_id", artifact.work_item_id.as_ref().map(WorkItemId::as_str))
        .text_or_null("run_id", artifact.run_id.as_ref().map(RunId::as_str))
        .text("kind", &artifact.kind)
        .text("name", &artifact.name)
        .text("media_type", &artifact.media_type)
        .integer("size", artifact.size)
        .text("digest", artifact.digest.as_str())
        .moment("created_at_ms", artifact.created_at);
    row.finish()
}

impl Record for Artifact {
    const SOURCE: Source = Source { from: "artifacts", parts: &[("artifacts", ARTIFACTS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: ArtifactId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            work_item_id: row.text_or_null("work_item_id")?.map(WorkItemId::new),
            run_id: row.text_or_null("run_id")?.map(RunId::new),
            kind: row.text("kind")?,
            name: row.text("name")?,
            media_type: row.text("media_type")?,
            size: row.integer("size")?,
            digest: row.digest("digest")?,
            created_at: row.moment("created_at_ms")?,
        })
    }
}

impl Store {
    /// What a run has left, by id, which is the order it was left in; at most
    /// [`super::PAGE_MAX`].
    pub async fn artifact_ids_of_run(&self, run: &RunId) -> Result<Vec<ArtifactId>, StorageError> {
        let select = Select::<Artifact>::all().only("artifacts.run_id = $", run.as_str());
        let found = self.many(select.page("artifacts.id", super::PAGE_MAX)).await?;
        Ok(found.into_iter().map(|artifact| artifact.id).collect())
    }

    /// The artifact of this id.
    pub async fn artifact(&self, id: &ArtifactId) -> Result<Option<Artifact>, StorageError> {
        self.one(Select::all().only("artifacts.id = $", id.as_str())).await
    }

    /// A mission's artifacts, or one work item's, by id, which is the order they were left in:
    /// at most `limit` (and [`super::PAGE_MAX`]) of them, after `after`.
    pub async fn artifacts(
        &self,
        mission: &MissionId,
        work_item: Option<&WorkItemId>,
        after: Option<&ArtifactId>,
        limit: u32,
    ) -> Result<Vec<Artifact>, StorageError> {
        let select = Select::all()
            .only("artifacts.mission_id = $", mission.as_str())
            .only_some("artifacts.work_item_id = $", work_item.map(WorkItemId::as_str))
            .only_some("artifacts.id > $", after.map(ArtifactId::as_str))
            .page("artifacts.id", limit);
        self.many(select).await
    }

    /// The artifacts of these ids, in the order of `ids`; one that does not exist is left out.
    pub async fn artifacts_by_ids(&self, ids: &[ArtifactId]) -> Result<Vec<Artifact>, StorageError> {
        let mut found = std::collections::HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(IDS_PER_STATEMENT) {
            let select = Select::<Artifact>::all().only_in("artifacts.id", chunk.iter().map(|id| id.as_str().into()));
            found.extend(self.many(select).await?.into_iter().map(|artifact| (artifact.id.clone(), artifact)));
        }
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }
}
