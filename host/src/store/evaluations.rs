//! Evaluations: requests for a gate's verdict, and what is under judgement by one.

use std::collections::HashMap;

use super::artifacts::ARTIFACTS;
use super::documents;
use super::error::StorageError;
use super::open::Store;
use super::row::{Row, RowReader, RowWriter};
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
    /// The request's revision.
    pub revision: u64,
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

/// A row of the one statement that answers it: what there is once of a request, with the first artifact that its run
/// left, or one of the other artifacts. What there is once may be long, and does not travel with each of them.
struct JudgedRow {
    once: Option<(EvaluationId, UnderJudgement, Vec<ArtifactRef>)>,
    artifact: Option<Artifact>,
}

const JUDGED_COLUMNS: &[Column] = &[
    text("evaluation_id"),
    integer("revision"),
    text("bindings"),
    integer("workspace_newest"),
    text("title"),
    text("detail"),
    text("metadata"),
    text("session_id"),
    text("summary"),
    text("named"),
];

/// What there is once, of a request, its mission, its workspace, its work item and its run.
const JUDGED_SQL: &str = "(SELECT 1 AS place, evaluations.id AS evaluation_id, evaluations.revision, evaluations.run_id, \
    missions.bindings, (SELECT COALESCE(MAX(workspaces.revision), 0) FROM workspaces \
    WHERE workspaces.workspace_id = missions.workspace_id) AS workspace_newest, \
    work_items.title, work_items.detail, work_items.metadata, runs.session_id, runs.summary, runs.artifacts AS named \
    FROM evaluations \
    JOIN missions ON missions.id = evaluations.mission_id AND missions.workspace_id = evaluations.workspace_id \
    JOIN work_items ON work_items.mission_id = evaluations.mission_id AND work_items.id = evaluations.work_item_id \
    JOIN runs ON runs.id = evaluations.run_id";

/// What runs left, numbered.
const LEFT_SQL: &str = ") AS judged FULL JOIN (SELECT artifacts.*, \
    ROW_NUMBER() OVER (PARTITION BY artifacts.run_id ORDER BY artifacts.id) AS place FROM artifacts";

const JOINED_SQL: &str = ") AS artifacts ON artifacts.run_id = judged.run_id AND artifacts.place = judged.place";

impl Record for JudgedRow {
    const SOURCE: Source = Source {
        from: "judged",
        parts: &[("judged", JUDGED_COLUMNS), ("artifacts", &[integer("place")]), ("artifacts", ARTIFACTS.columns)],
    };

    fn read(row: &mut RowReader<'_>) -> Result<Self, StorageError> {
        let once = match row.text_or_null("evaluation_id")? {
            None => {
                JUDGED_COLUMNS[1..].iter().for_each(|column| row.skip(column.name));
                None
            }
            Some(id) => {
                let judged = UnderJudgement {
                    revision: row.integer("revision")?,
                    bindings: row.document("bindings", documents::read_bindings)?,
                    workspace_newest: row.integer("workspace_newest")?,
                    title: row.text("title")?,
                    detail: row.text_or_null("detail")?,
                    metadata: row.json_or_null("metadata")?,
                    session_id: row.text_or_null("session_id")?,
                    run_summary: row.text_or_null("summary")?,
                    artifacts: Vec::new(),
                };
                let named = row.document("named", documents::read_artifact_refs)?;
                Some((EvaluationId::new(id), judged, named))
            }
        };
        let artifact = match row.integer_or_null("place")? {
            None => None,
            Some(_) => Some(Artifact::read(row)?),
        };
        Ok(Self { once, artifact })
    }
}

fn judged(evaluations: &[Evaluation]) -> Select<JudgedRow> {
    let ids = evaluations.iter().map(|evaluation| evaluation.id.as_str().into());
    let runs = evaluations.iter().map(|evaluation| evaluation.run_id.as_str().into());
    Select::of_columns()
        .text(JUDGED_SQL, [])
        .only_in("evaluations.id", ids)
        .text(LEFT_SQL, [])
        .anew()
        .only_in("artifacts.run_id", runs)
        .text(JOINED_SQL, [])
}

impl Store {
    /// The evaluation of this id.
    pub async fn evaluation(&self, id: &EvaluationId) -> Result<Option<Evaluation>, StorageError> {
        self.one(Select::all().only("evaluations.id = $", id.as_str())).await
    }

    /// What requests want judged, whether they still wait or not, in one round trip: in the order of `evaluations`,
    /// `None` where the request, its mission, work item or run is gone. What a run left and did not name at its end is
    /// left out. A few at most: what is asked for is held at once.
    pub async fn under_judgement(
        &self,
        evaluations: &[Evaluation],
    ) -> Result<Vec<Option<UnderJudgement>>, StorageError> {
        let (mut once, mut left) = (HashMap::new(), HashMap::new());
        for row in self.many(judged(evaluations)).await? {
            once.extend(row.once.map(|(id, judged, named)| (id, (judged, named))));
            left.extend(row.artifact.map(|artifact| (artifact.id.clone(), artifact)));
        }
        let whole = |evaluation: &Evaluation| {
            let (mut judged, named) = once.remove(&evaluation.id)?;
            let of_run = |artifact: &&Artifact| artifact.run_id.as_ref() == Some(&evaluation.run_id);
            let named = named.iter().filter_map(|named| left.get(&named.id).filter(of_run));
            judged.artifacts = named.cloned().collect();
            Some(judged)
        };
        Ok(evaluations.iter().map(whole).collect())
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
