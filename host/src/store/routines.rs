//! Routines: what their authors say, and how far each is.

use serde::{Deserialize, Serialize};

use super::documents::{self, DocumentError};
use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Life, Table, boolean, integer, text};
use crate::domain::artifact::Digest;
use crate::domain::id::{OccurrenceId, RoutineId, WorkspaceId};
use crate::domain::routine::{Misfire, Overlap, Routine, RoutineSettings, RoutineStatus, ScheduleSpec};
use crate::domain::time::Timestamp;

pub(super) static ROUTINES: Table = Table {
    name: "routines",
    life: Life::Mutable,
    key_columns: 2,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("workspace_id"),
        text("id"),
        text("name"),
        text("status"),
        text("status_reason"),
        text("schedule"),
        text("timezone"),
        text("exclude"),
        integer("jitter_ms"),
        integer("starts_at_ms"),
        integer("ends_at_ms"),
        text("misfire"),
        text("overlap"),
        text("entrypoint"),
        text("args"),
        text("budgets"),
        text("capabilities"),
        boolean("requires_approval"),
        boolean("external_integrations_allowed"),
        boolean("external_side_effects"),
        text("template_digest"),
        integer("pause_after_failures"),
        text("creator_type"),
        text("creator_id"),
        text("owner"),
        integer("edition"),
        integer("cursor_ms"),
        integer("next_fire_at_ms"),
        integer("last_fired_at_ms"),
        text("last_run"),
        integer("failures_in_a_row"),
        integer("created_at_ms"),
        integer("updated_at_ms"),
        integer("revision"),
    ],
};

/// The row of `routine`.
pub(super) fn row(routine: &Routine) -> Result<Row, StorageError> {
    let settings = &routine.settings;
    let mut row = RowWriter::new(&ROUTINES);
    row.text("workspace_id", routine.workspace_id.as_str())
        .text("id", routine.id.as_str())
        .text("name", &settings.name)
        .text("status", routine.status.as_str())
        .text_or_null("status_reason", routine.status_reason.as_deref())
        .text("schedule", &documents::write(&ScheduleDocument::from(&settings.schedule)))
        .text("timezone", &settings.timezone)
        .text("exclude", &documents::write_texts(&settings.exclude))
        .integer("jitter_ms", settings.jitter_ms)
        .moment_or_null("starts_at_ms", settings.starts_at)
        .moment_or_null("ends_at_ms", settings.ends_at)
        .text("misfire", &documents::write(&MisfireDocument::from(settings.misfire)))
        .text("overlap", &documents::write(&OverlapDocument::from(settings.overlap)))
        .text("entrypoint", settings.entrypoint.as_str())
        .text("args", settings.args.as_str())
        .text("budgets", &documents::write_budgets(&settings.budgets))
        .text("capabilities", &documents::write_texts(&settings.capabilities))
        .boolean("requires_approval", settings.requires_approval)
        .boolean("external_integrations_allowed", settings.external_integrations_allowed)
        .boolean("external_side_effects", routine.external_side_effects)
        .text_or_null("template_digest", routine.template.as_ref().map(Digest::as_str))
        .integer_or_null("pause_after_failures", settings.pause_after_failures.map(u64::from))
        .text("creator_type", routine.creator_type.as_str())
        .text("creator_id", &routine.creator_id)
        .text("owner", &routine.owner)
        .integer("edition", routine.edition)
        .moment("cursor_ms", routine.cursor)
        .moment_or_null("next_fire_at_ms", routine.next_fire_at)
        .moment_or_null("last_fired_at_ms", routine.last_fired_at)
        .text_or_null("last_run", routine.last_run.as_ref().map(OccurrenceId::as_str))
        .integer("failures_in_a_row", routine.failures_in_a_row.into())
        .moment("created_at_ms", routine.created_at)
        .moment("updated_at_ms", routine.updated_at)
        .integer("revision", routine.revision);
    row.finish()
}

impl Record for Routine {
    const SOURCE: Source = Source { from: "routines", parts: &[("routines", ROUTINES.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let workspace_id = WorkspaceId::new(row.text("workspace_id")?);
        let id = RoutineId::new(row.text("id")?);
        let name = row.text("name")?;
        let status = row.word("status")?;
        let status_reason = row.text_or_null("status_reason")?;
        let mut settings = RoutineSettings {
            name,
            schedule: row.document("schedule", read::<ScheduleDocument>)?.into(),
            timezone: row.text("timezone")?,
            exclude: row.document("exclude", documents::read_texts)?,
            jitter_ms: row.integer("jitter_ms")?,
            starts_at: row.moment_or_null("starts_at_ms")?,
            ends_at: row.moment_or_null("ends_at_ms")?,
            misfire: row.document("misfire", read::<MisfireDocument>)?.into(),
            overlap: row.document("overlap", read::<OverlapDocument>)?.into(),
            entrypoint: row.json("entrypoint")?,
            args: row.json("args")?,
            budgets: row.document("budgets", documents::read_budgets)?,
            capabilities: row.document("capabilities", documents::read_texts)?,
            requires_approval: row.boolean("requires_approval")?,
            external_integrations_allowed: row.boolean("external_integrations_allowed")?,
            pause_after_failures: None,
        };
        let external_side_effects = row.boolean("external_side_effects")?;
        let template = row.digest_or_null("template_digest")?;
        let pause_after = row.integer_or_null("pause_after_failures")?;
        settings.pause_after_failures = pause_after.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        Ok(Self {
            workspace_id,
            id,
            status,
            status_reason,
            settings,
            external_side_effects,
            template,
            creator_type: row.word("creator_type")?,
            creator_id: row.text("creator_id")?,
            owner: row.text("owner")?,
            edition: row.integer("edition")?,
            cursor: row.moment("cursor_ms")?,
            next_fire_at: row.moment_or_null("next_fire_at_ms")?,
            last_fired_at: row.moment_or_null("last_fired_at_ms")?,
            last_run: row.text_or_null("last_run")?.map(OccurrenceId::new),
            failures_in_a_row: row.small("failures_in_a_row")?,
            created_at: row.moment("created_at_ms")?,
            updated_at: row.moment("updated_at_ms")?,
            revision: row.integer("revision")?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScheduleDocument {
    Cron { expression: String },
    Interval { every_ms: u64, anchor_ms: Option<u64> },
    Once { at_ms: u64 },
}

impl From<&ScheduleSpec> for ScheduleDocument {
    fn from(spec: &ScheduleSpec) -> Self {
        match spec {
            ScheduleSpec::Cron { expression } => Self::Cron { expression: expression.clone() },
            ScheduleSpec::Interval { every_ms, anchor } => {
                Self::Interval { every_ms: *every_ms, anchor_ms: anchor.map(Timestamp::as_millis) }
            }
            ScheduleSpec::Once { at } => Self::Once { at_ms: at.as_millis() },
        }
    }
}

impl From<ScheduleDocument> for ScheduleSpec {
    fn from(document: ScheduleDocument) -> Self {
        match document {
            ScheduleDocument::Cron { expression } => Self::Cron { expression },
            ScheduleDocument::Interval { every_ms, anchor_ms } => {
                Self::Interval { every_ms, anchor: anchor_ms.map(Timestamp) }
            }
            ScheduleDocument::Once { at_ms } => Self::Once { at: Timestamp(at_ms) },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MisfireDocument {
    Skip { grace_ms: u64 },
    RunOnce { window_ms: u64 },
    CatchUp { max_runs: u32 },
}

impl From<Misfire> for MisfireDocument {
    fn from(misfire: Misfire) -> Self {
        match misfire {
            Misfire::Skip { grace_ms } => Self::Skip { grace_ms },
            Misfire::RunOnce { window_ms } => Self::RunOnce { window_ms },
            Misfire::CatchUp { max_runs } => Self::CatchUp { max_runs },
        }
    }
}

impl From<MisfireDocument> for Misfire {
    fn from(document: MisfireDocument) -> Self {
        match document {
            MisfireDocument::Skip { grace_ms } => Self::Skip { grace_ms },
            MisfireDocument::RunOnce { window_ms } => Self::RunOnce { window_ms },
            MisfireDocument::CatchUp { max_runs } => Self::CatchUp { max_runs },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OverlapDocument {
    Skip,
    Queue { max: u32 },
    Allow { max: u32 },
    CancelPrevious,
}

impl From<Overlap> for OverlapDocument {
    fn from(overlap: Overlap) -> Self {
        match overlap {
            Overlap::Skip => Self::Skip,
            Overlap::Queue { max } => Self::Queue { max },
            Overlap::Allow { max } => Self::Allow { max },
            Overlap::CancelPrevious => Self::CancelPrevious,
        }
    }
}

impl From<OverlapDocument> for Overlap {
    fn from(document: OverlapDocument) -> Self {
        match document {
            OverlapDocument::Skip => Self::Skip,
            OverlapDocument::Queue { max } => Self::Queue { max },
            OverlapDocument::Allow { max } => Self::Allow { max },
            OverlapDocument::CancelPrevious => Self::CancelPrevious,
        }
    }
}

fn read<D: for<'de> Deserialize<'de>>(text: &str) -> Result<D, DocumentError> {
    Ok(serde_json::from_str(text)?)
}

/// When a routine fires next and nothing else.
struct NextFire(Option<Timestamp>);

impl Record for NextFire {
    const SOURCE: Source = Source { from: "routines", parts: &[("routines", &[integer("next_fire_at_ms")])] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        row.moment_or_null("next_fire_at_ms").map(Self)
    }
}

impl Store {
    /// The routine of this id, if this workspace has it.
    pub async fn routine(&self, workspace: &WorkspaceId, id: &RoutineId) -> Result<Option<Routine>, StorageError> {
        let select =
            Select::all().only("routines.workspace_id = $", workspace.as_str()).only("routines.id = $", id.as_str());
        self.one(select).await
    }

    /// A workspace's routines by id: at most `limit` (and [`super::PAGE_MAX`]) of them, after `after`.
    pub async fn routines(
        &self,
        workspace: &WorkspaceId,
        status: Option<RoutineStatus>,
        after: Option<&RoutineId>,
        limit: u32,
    ) -> Result<Vec<Routine>, StorageError> {
        let select = Select::all()
            .only("routines.workspace_id = $", workspace.as_str())
            .only_some("routines.status = $", status.map(RoutineStatus::as_str))
            .only_some("routines.id > $", after.map(RoutineId::as_str))
            .page("routines.id", limit);
        self.many(select).await
    }

    /// Routines of every workspace that are due after `after`, if it says so, and not after `until`,
    /// the longest due first. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn due_routines(
        &self,
        after: Option<Timestamp>,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Routine>, StorageError> {
        let select = firing(Select::all(), after)
            .only("routines.next_fire_at_ms <= $", until)
            .page("routines.next_fire_at_ms", limit);
        self.many(select).await
    }

    /// When the next routine of any workspace is due, after `after` if it says so.
    pub async fn next_routine_fire(&self, after: Option<Timestamp>) -> Result<Option<Timestamp>, StorageError> {
        let select = firing(Select::<NextFire>::all(), after).page("routines.next_fire_at_ms", 1);
        Ok(self.one(select).await?.and_then(|next| next.0))
    }
}

fn firing<R: Record>(select: Select<R>, after: Option<Timestamp>) -> Select<R> {
    let select = select.only_if("routines.status = 'enabled'").only_if("routines.next_fire_at_ms IS NOT NULL");
    select.only_some("routines.next_fire_at_ms > $", after)
}
