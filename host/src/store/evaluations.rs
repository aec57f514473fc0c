//! Evaluations: requests for a gate's verdict, and what is under judgement by one.

use std::collections::HashMap;

use super::artifacts::ARTIFACTS;
use super::documents;
use super::error::StorageError;
use super::open::Store;
use super::row::{Cell, Row, RowReader, RowWriter};
use super::select::{Record, Select, Source};
use super::table::{Column, Life, Table, integer, text};
use crate::domain::artifact::{Artifact, ArtifactRef};
use crate::domain::gate::Evaluation;
use crate::domain::id::{EvaluationId, MissionId, RunId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::mission::Bindings;
use crate::domain::time::Timestamp;

pub(super) static EVALUATIONS: Table = Table {
    name: "evaluations",
    life: Life::Mutable,
    key_columns: 1,
    guard_column: Some("revision"),
    end_column: None,
    columns: &[
        text("id"),
        text("workspace_id"),
        text("mission_id"),
        text("work_item_id"),
        text("run_id"),
        text("gate"),
        integer("attempt"),
        text("artifact_set"),
        text("status"),
        integer("host_faults"),
        integer("not_before_ms"),
        integer("requested_at_ms"),
        integer("revision"),
    ],
};

/// The row of `evaluation`.
pub(super) fn row(evaluation: &Evaluation) -> Result<Row, StorageError> {
    let mut row = RowWriter::new(&EVALUATIONS);
    row.text("id", evaluation.id.as_str())
        .text("workspace_id", evaluation.workspace_id.as_str())
        .text("mission_id", evaluation.mission_id.as_str())
        .text("work_item_id", evaluation.work_item_id.as_str())
        .text("run_id", evaluation.run_id.as_str())
        .text("gate", evaluation.gate.as_str())
        .integer("attempt", evaluation.attempt.into())
        .text("artifact_set", evaluation.artifact_set.as_str())
        .text("status", evaluation.status.as_str())
        .integer("host_faults", evaluation.host_faults.into())
        .moment_or_null("not_before_ms", evaluation.not_before)
        .moment("requested_at_ms", evaluation.requested_at)
        .integer("revision", evaluation.revision);
    row.finish()
}

impl Record for Evaluation {
    const SOURCE: Source = Source { from: "evaluations", parts: &[("evaluations", EVALUATIONS.columns)] };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        Ok(Self {
            id: EvaluationId::new(row.text("id")?),
            workspace_id: WorkspaceId::new(row.text("workspace_id")?),
            mission_id: MissionId::new(row.text("mission_id")?),
            work_item_id: WorkItemId::new(row.text("work_item_id")?),
            run_id: RunId::new(row.text("run_id")?),
            gate: row.word("gate")?,
            attempt: row.small("attempt")?,
            artifact_set: row.digest("artifact_set")?,
            status: row.word("status")?,
            host_faults: row.small("host_faults")?,
            not_before: row.moment_or_null("not_before_ms")?,
            requested_at: row.moment("requested_at_ms")?,
            revision: row.integer("revision")?,
        })
    }
}

/// What a request wants judged, as it is kept at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderJudgement {
    /// The request's own revision; `None` when it is gone.
    pub revision: Option<u64>,
    /// What the mission is pinned to.
    pub bindings: Bindings,
    /// The number of the newest revision of what its workspace binds; 0 when it never bound anything.
    pub workspace_newest: u64,
    /// The work item's title.
    pub title: String,
    /// What is to be done.
    pub detail: Option<String>,
    /// JSON object of the work item's author.
    pub metadata: Option<Json>,
    /// The session that the run names, if it names one.
    pub session_id: Option<String>,
    /// What the run said of its end.
    pub run_summary: Option<String>,
    /// What the run left and named at its end, in the order it named it.
    pub artifacts: Vec<Artifact>,
}

/// A row of the one statement that answers it: on the first what there is once, on each an artifact that the run left.
/// What there is once may be long, and does not travel with each artifact.
struct JudgedRow {
    once: Option<(UnderJudgement, Vec<ArtifactRef>)>,
    artifact: Option<Artifact>,
}

const JUDGED_COLUMNS: &[Column] = &[
    text("bindings"),
    integer("revision"),
    integer("workspace_newest"),
    text("title"),
    text("detail"),
    text("metadata"),
    text("session_id"),
    text("summary"),
    text("named"),
];

/// What there is once, of a mission, a workspace, a work item and a run.
const JUDGED_SQL: &str = "(SELECT 1 AS place, missions.bindings, \
    (SELECT revision FROM evaluations WHERE id = $) AS revision, \
    (SELECT COALESCE(MAX(revision), 0) FROM workspaces WHERE workspace_id = missions.workspace_id) AS workspace_newest, \
    work_items.title, work_items.detail, work_items.metadata, runs.session_id, runs.summary, runs.artifacts AS named \
    FROM missions JOIN work_items ON work_items.mission_id = missions.id JOIN runs ON runs.mission_id = missions.id \
    WHERE missions.id = $ AND missions.workspace_id = $ AND work_items.id = $ AND runs.id = $) AS judged";

/// What a run left, numbered.
const LEFT_SQL: &str = " FULL JOIN (SELECT ROW_NUMBER() OVER (ORDER BY id) AS place, artifacts.* FROM artifacts \
    WHERE run_id = $) AS artifacts ON artifacts.place = judged.place";

impl Record for JudgedRow {
    const SOURCE: Source = Source {
        from: "judged",
        parts: &[("judged", JUDGED_COLUMNS), ("artifacts", &[integer("place")]), ("artifacts", ARTIFACTS.columns)],
    };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let once = match row.document_or_null("bindings", documents::read_bindings)? {
            None => {
                JUDGED_COLUMNS[1..].iter().for_each(|column| row.skip(column.name));
                None
            }
            Some(bindings) => {
                let judged = UnderJudgement {
                    bindings,
                    revision: row.integer_or_null("revision")?,
                    workspace_newest: row.integer("workspace_newest")?,
                    title: row.text("title")?,
                    detail: row.text_or_null("detail")?,
                    metadata: row.json_or_null("metadata")?,
                    session_id: row.text_or_null("session_id")?,
                    run_summary: row.text_or_null("summary")?,
                    artifacts: Vec::new(),
                };
                Some((judged, row.document("named", documents::read_artifact_refs)?))
            }
        };
        let artifact = match row.integer_or_null("place")? {
            None => None,
            Some(_) => Some(Artifact::read(row)?),
        };
        Ok(Self { once, artifact })
    }
}

fn judged(evaluation: &Evaluation) -> Select<JudgedRow> {
    let of = [
        evaluation.id.as_str(),
        evaluation.mission_id.as_str(),
        evaluation.workspace_id.as_str(),
        evaluation.work_item_id.as_str(),
        evaluation.run_id.as_str(),
    ];
    Select::of_columns().text(JUDGED_SQL, of.map(Cell::from)).text(LEFT_SQL, [evaluation.run_id.as_str().into()])
}

impl Store {
    /// The evaluation of this id.
    pub async fn evaluation(&self, id: &EvaluationId) -> Result<Option<Evaluation>, StorageError> {
        self.one(Select::all().only("evaluations.id = $", id.as_str())).await
    }

    /// What `evaluation` wants judged, whether it still waits or not, in one round trip; `None` when its mission, work item or run is gone. What the
    /// run left and did not name at its end is left out.
    pub async fn under_judgement(&self, evaluation: &Evaluation) -> Result<Option<UnderJudgement>, StorageError> {
        let mut once = None;
        let mut left = HashMap::new();
        for row in self.many(judged(evaluation)).await? {
            once = once.or(row.once);
            left.extend(row.artifact.map(|artifact| (artifact.id.clone(), artifact)));
        }
        let Some((mut judged, named)) = once else { return Ok(None) };
        judged.artifacts = named.iter().filter_map(|named| left.get(&named.id).cloned()).collect();
        Ok(Some(judged))
    }

    /// Pending evaluations of every workspace that may be evaluated now, the longest asked
    /// first. At most `limit` (and [`super::PAGE_MAX`]).
    pub async fn pending_evaluations(&self, now: Timestamp, limit: u32) -> Result<Vec<Evaluation>, StorageError> {
        let select = Select::all()
            .only_if("evaluations.status = 'pending'")
            .only("(evaluations.not_before_ms IS NULL OR evaluations.not_before_ms <= $)", now)
            .page("evaluations.requested_at_ms, evaluations.id", limit);
        self.many(select).await
    }

    /// A mission's pending evaluations, whether due or not, the longest asked first. Without a
    /// limit of its own: a work item has at most one pending for each gate.
    pub async fn evaluations_of(&self, mission: &MissionId) -> Result<Vec<Evaluation>, StorageError> {
        let select = Select::all()
            .only_if("evaluations.status = 'pending'")
            .only("evaluations.mission_id = $", mission.as_str())
            .ordered("evaluations.requested_at_ms, evaluations.id");
        self.many(select).await
    }
}
