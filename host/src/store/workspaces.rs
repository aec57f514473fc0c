//! What workspaces bind, revision by revision.

use serde::{Deserialize, Serialize};

use super::documents::{self, BindingDocument, DocumentError};
use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, boolean, integer, text};
use crate::domain::artifact::Digest;
use crate::domain::id::{MissionId, WorkspaceId};
use crate::domain::shadow::Shadow;
use crate::domain::time::Timestamp;
use crate::domain::workspace::{
    Canary, Quarantine, QuarantinedComponent, Required, Stage, WorkspaceBindings, WorkspaceRevision,
};

pub(super) static WORKSPACES: Table = Table {
    name: "workspaces",
    life: Life::AppendOnly,
    key_columns: 2,
    guard_column: None,
    end_column: None,
    columns: &[
        text("workspace_id"),
        integer("revision"),
        text("bindings"),
        boolean("require_signatures"),
        text("trusted_keys"),
        text("note"),
        integer("rolled_back_to"),
        text("changed_by"),
        integer("changed_at_ms"),
        text("quarantine"),
    ],
};

/// The row of `revision`.
pub(super) fn row(revision: &WorkspaceRevision) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&WORKSPACES);
    row.text("workspace_id", revision.workspace_id.as_str())
        .integer("revision", revision.revision)
        .text("bindings", &documents::write(&BoundDocument::of(&revision.bindings)))
        .boolean("require_signatures", revision.require_signatures)
        .text("trusted_keys", &documents::write_texts(&revision.trusted_keys))
        .text_or_null("note", revision.note.as_deref())
        .integer_or_null("rolled_back_to", revision.rolled_back_to)
        .text("changed_by", &revision.changed_by)
        .moment("changed_at_ms", revision.changed_at)
        .text("quarantine", &documents::write(&QuarantineDocument::of(&revision.quarantine)));
    row.finish()
}

impl Record for WorkspaceRevision {
    const SOURCE: Source = Source { from: "workspaces", parts: &[("workspaces", WORKSPACES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            revision: row.integer("revision")?,
            bindings: row.document("bindings", read_bound)?,
            require_signatures: row.boolean("require_signatures")?,
            trusted_keys: row.document("trusted_keys", documents::read_texts)?,
            note: row.text_or_null("note")?,
            rolled_back_to: row.integer_or_null("rolled_back_to")?,
            changed_by: row.text("changed_by")?,
            changed_at: row.moment("changed_at_ms")?,
            quarantine: row.document("quarantine", read_quarantine)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct BoundDocument {
    reducer: Option<BindingDocument>,
    stages: Vec<StageDocument>,
    scrubber: Option<BindingDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canary: Option<CanaryDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shadows: Vec<ShadowDocument>,
}

#[derive(Serialize, Deserialize)]
struct CanaryDocument {
    binding: BindingDocument,
    share_percent: u32,
}

#[derive(Serialize, Deserialize)]
struct ShadowDocument {
    role: String,
    binding: BindingDocument,
}

#[derive(Serialize, Deserialize)]
struct StageDocument {
    name: String,
    required: RequiredDocument,
    gates: Vec<BindingDocument>,
}

/// How many gates of a stage have to pass.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RequiredDocument {
    All,
    Any,
    Quorum(u32),
}

impl From<Required> for RequiredDocument {
    fn from(required: Required) -> Self {
        match required {
            Required::All => Self::All,
            Required::Any => Self::Any,
            Required::Quorum(needed) => Self::Quorum(needed),
        }
    }
}

impl From<RequiredDocument> for Required {
    fn from(document: RequiredDocument) -> Self {
        match document {
            RequiredDocument::All => Self::All,
            RequiredDocument::Any => Self::Any,
            RequiredDocument::Quorum(needed) => Self::Quorum(needed),
        }
    }
}

impl BoundDocument {
    fn of(bindings: &WorkspaceBindings) -> Self {
        let stage = |stage: &Stage| StageDocument {
            name: stage.name.as_str().to_owned(),
            required: stage.required.into(),
            gates: stage.gates.iter().map(BindingDocument::of).collect(),
        };
        Self {
            reducer: bindings.reducer.as_ref().map(BindingDocument::of),
            stages: bindings.stages.iter().map(stage).collect(),
            scrubber: bindings.scrubber.as_ref().map(BindingDocument::of),
            canary: bindings.canary.as_ref().map(|canary| CanaryDocument {
                binding: BindingDocument::of(&canary.binding),
                share_percent: canary.share_percent,
            }),
            shadows: bindings
                .shadows
                .iter()
                .map(|shadow| ShadowDocument {
                    role: shadow.role.as_str().to_owned(),
                    binding: BindingDocument::of(&shadow.binding),
                })
                .collect(),
        }
    }
}

fn read_bound(text: &str) -> Result<WorkspaceBindings, DocumentError> {
    let document: BoundDocument = serde_json::from_str(text)?;
    let stage = |stage: StageDocument| {
        let gates = stage.gates.into_iter().map(BindingDocument::binding).collect::<Result<_, _>>()?;
        Ok(Stage { name: stage.name.parse()?, required: stage.required.into(), gates })
    };
    let canary = |canary: CanaryDocument| {
        Ok::<_, DocumentError>(Canary { binding: canary.binding.binding()?, share_percent: canary.share_percent })
    };
    let shadow = |shadow: ShadowDocument| Ok(Shadow { role: shadow.role.parse()?, binding: shadow.binding.binding()? });
    Ok(WorkspaceBindings {
        reducer: document.reducer.map(BindingDocument::binding).transpose()?,
        canary: document.canary.map(canary).transpose()?,
        stages: document.stages.into_iter().map(stage).collect::<Result<_, DocumentError>>()?,
        scrubber: document.scrubber.map(BindingDocument::binding).transpose()?,
        shadows: document.shadows.into_iter().map(shadow).collect::<Result<_, DocumentError>>()?,
    })
}

/// Every member may be missing: revisions that were there before quarantine have none.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct QuarantineDocument {
    after: Option<u32>,
    gates: Option<String>,
    components: Vec<QuarantinedDocument>,
}

#[derive(Serialize, Deserialize)]
struct QuarantinedDocument {
    role: String,
    plugin: String,
    digest: String,
    reason: String,
    failures: u32,
    since_ms: u64,
}

impl QuarantineDocument {
    fn of(quarantine: &Quarantine) -> Self {
        let component = |component: &QuarantinedComponent| QuarantinedDocument {
            role: component.role.clone(),
            plugin: component.plugin.clone(),
            digest: component.digest.to_string(),
            reason: component.reason.clone(),
            failures: component.failures,
            since_ms: component.since.as_millis(),
        };
        Self {
            after: Some(quarantine.after),
            gates: Some(quarantine.gates.as_str().to_owned()),
            components: quarantine.components.iter().map(component).collect(),
        }
    }
}

fn read_quarantine(text: &str) -> Result<Quarantine, DocumentError> {
    let document: QuarantineDocument = serde_json::from_str(text)?;
    let component = |component: QuarantinedDocument| {
        Ok(QuarantinedComponent {
            role: component.role,
            plugin: component.plugin,
            digest: Digest::parse(&component.digest).ok_or(DocumentError::Digest)?,
            reason: component.reason,
            failures: component.failures,
            since: Timestamp(component.since_ms),
        })
    };
    let standard = Quarantine::default();
    Ok(Quarantine {
        after: document.after.unwrap_or(standard.after),
        gates: document.gates.map_or(Ok(standard.gates), |word| word.parse())?,
        components: document.components.into_iter().map(component).collect::<Result<_, DocumentError>>()?,
    })
}

/// The number of a revision.
struct Newest(u64);

impl Record for Newest {
    const SOURCE: Source = Source { from: "workspaces", parts: &[("workspaces", &[integer("revision")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        row.integer("revision").map(Self)
    }
}

/// The id of a mission.
struct PinnedMission(MissionId);

impl Record for PinnedMission {
    const SOURCE: Source = Source { from: "missions", parts: &[("missions", &[text("id")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self(MissionId::new(row.text("id")?)))
    }
}

impl Store {
    /// The number of the newest revision of what a workspace binds; 0 when it never bound anything.
    pub async fn workspace_newest(&self, workspace: &WorkspaceId) -> Result<u64, StorageError> {
        let select = Select::<Newest>::all()
            .only("workspaces.workspace_id = $", workspace.as_str())
            .page("workspaces.revision DESC", 1);
        Ok(self.one(select).await?.map_or(0, |newest| newest.0))
    }

    /// A revision of what a workspace binds.
    pub async fn workspace_revision(
        &self,
        workspace: &WorkspaceId,
        revision: u64,
    ) -> Result<Option<WorkspaceRevision>, StorageError> {
        let select = Select::all()
            .only("workspaces.workspace_id = $", workspace.as_str())
            .only("workspaces.revision = $", revision);
        self.one(select).await
    }

    /// Revisions of what a workspace binds, newest first: at most `limit` (and [`super::PAGE_MAX`]) of them,
    /// before `before`.
    pub async fn workspace_history(
        &self,
        workspace: &WorkspaceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<WorkspaceRevision>, StorageError> {
        let select = Select::all()
            .only("workspaces.workspace_id = $", workspace.as_str())
            .only_some("workspaces.revision < $", before)
            .page("workspaces.revision DESC", limit);
        self.many(select).await
    }

    /// The workspaces that bind a component now, by id. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn workspaces_binding(
        &self,
        digest: &Digest,
        limit: u32,
    ) -> Result<Vec<WorkspaceRevision>, StorageError> {
        let select = Select::all()
            .only("workspaces.bindings LIKE $", format!("%{digest}%").as_str())
            .only_if(
                "NOT EXISTS (SELECT 1 FROM workspaces AS newer WHERE newer.workspace_id = workspaces.workspace_id \
                 AND newer.revision > workspaces.revision)",
            )
            .page("workspaces.workspace_id", limit);
        self.many(select).await
    }

    /// Missions of any workspace that are pinned to a component and not over. At most `limit` (and
    /// [`super::PAGE_MAX`]).
    pub async fn missions_pinned_to(&self, digest: &Digest, limit: u32) -> Result<Vec<MissionId>, StorageError> {
        let select = Select::<PinnedMission>::all()
            .only_if("missions.status IN ('draft', 'running', 'paused')")
            .only("missions.bindings LIKE $", format!("%{digest}%").as_str())
            .page("missions.id", limit);
        Ok(self.many(select).await?.into_iter().map(|mission| mission.0).collect())
    }
}
