//! The board as the contract shows it: typed fields where the contract has them, everything else
//! as the members of one JSON object that `wit/mission-0.1/board.wit` lists.

use super::bindings::mission::sluice::mission::board as wit;
use super::object::Object;
use super::status;
use crate::domain::artifact::ArtifactRef;
use crate::domain::board::{Board, BoardRun};
use crate::domain::gate::GateState;
use crate::domain::id::{VerdictId, WorkItemId};
use crate::domain::mission::{Budgets, Mission};
use crate::domain::time::Timestamp;
use crate::domain::work_item::{WorkItem, WorkItemStatus};

/// The header.
pub(super) fn mission(mission: &Mission) -> wit::Mission {
    let mut data = Object::new();
    data.text("title", &mission.title);
    data.text("goal", &mission.goal);
    data.json("success_criteria", &mission.success_criteria);
    data.raw("budgets", &budgets(&mission.budgets));
    let mut usage = Object::new();
    usage.number("steps", mission.usage.steps);
    usage.number("tool_calls", mission.usage.tool_calls);
    data.raw("usage", &usage.finish());
    data.optional_text("entrypoint", mission.entrypoint.as_deref());
    data.json("metadata", &mission.metadata);
    data.optional_number("started_at_ms", mission.started_at.map(Timestamp::as_millis));
    data.number("planner_attempts", mission.planner_attempts);
    data.texts("required_gates", mission.bindings.gate_names().into_iter().map(crate::domain::gate::GateName::as_str));
    wit::Mission {
        id: mission.id.as_str().to_owned(),
        status: status::of_mission(mission.status),
        phase: mission.phase.as_str().to_owned(),
        revision: mission.revision,
        data: data.finish(),
    }
}

fn budgets(budgets: &Budgets) -> String {
    let mut data = Object::new();
    data.optional_number("max_steps", budgets.max_steps);
    data.optional_number("max_tool_calls", budgets.max_tool_calls);
    data.optional_number("max_duration_ms", budgets.max_duration_ms);
    data.optional_number("max_attempts", budgets.max_attempts);
    data.optional_number("max_parallel_runs", budgets.max_parallel_runs);
    data.optional_number("max_interruptions", budgets.max_interruptions);
    data.finish()
}

/// One item.
pub(super) fn work_item(item: &WorkItem) -> wit::WorkItem {
    let mut data = Object::new();
    data.text("title", &item.spec.title);
    data.optional_text("detail", item.spec.detail.as_deref());
    data.texts("depends_on", item.spec.depends_on.iter().map(WorkItemId::as_str));
    data.optional_text("assigned_agent", item.spec.assigned_agent.as_deref());
    data.texts("skills", item.spec.skills.iter().map(String::as_str));
    if let Some(metadata) = &item.spec.metadata {
        data.json("metadata", metadata);
    }
    let mut gates = Object::new();
    for (name, state) in &item.gates {
        gates.raw(name.as_str(), &gate(state));
    }
    data.raw("gates", &gates.finish());
    data.raw("artifact_refs", &artifact_refs(&item.artifacts));
    data.optional_text("reason", item.reason.as_deref());
    wit::WorkItem {
        id: item.spec.id.as_str().to_owned(),
        status: status::of_work_item(item.status),
        attempts: item.attempts,
        run: item.run_id.as_ref().map(|id| id.as_str().to_owned()),
        data: data.finish(),
    }
}

fn gate(state: &GateState) -> String {
    let mut data = Object::new();
    data.text("status", state.status.as_str());
    data.optional_text("verdict_id", state.verdict_id.as_ref().map(VerdictId::as_str));
    data.number("evaluations", state.evaluations);
    data.finish()
}

fn artifact_refs(artifacts: &[ArtifactRef]) -> String {
    let mut text = String::from("[");
    for (index, artifact) in artifacts.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let mut data = Object::new();
        data.text("id", artifact.id.as_str());
        data.text("kind", &artifact.kind);
        data.text("name", &artifact.name);
        data.text("digest", artifact.digest.as_str());
        text.push_str(&data.finish());
    }
    text.push(']');
    text
}

/// One run.
pub(super) fn run(run: &BoardRun) -> wit::Run {
    let mut data = Object::new();
    data.text("kind", run.kind.as_str());
    data.optional_text("summary", run.summary.as_deref());
    data.optional_text("output", run.output.as_deref());
    data.number("interruptions", run.interruptions);
    data.optional_text("reason", run.reason.as_deref());
    wit::Run {
        id: run.id.as_str().to_owned(),
        work_item: run.work_item_id.as_ref().map(|id| id.as_str().to_owned()),
        status: status::of_run(run.status),
        attempt: run.attempt,
        data: data.finish(),
    }
}

/// Counts for every status.
pub(super) fn counts(board: &Board) -> Vec<wit::StatusCount> {
    WorkItemStatus::ALL
        .iter()
        .map(|each| wit::StatusCount { status: status::of_work_item(*each), count: board.count(*each) })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::artifact::Digest;
    use crate::domain::gate::{GateName, GateStatus};
    use crate::domain::id::{ArtifactId, EvaluationId, MissionId, RunId, WorkspaceId};
    use crate::domain::json::Json;
    use crate::domain::mission::{Bindings, MissionStatus, Phase, Usage};
    use crate::domain::plugin::Binding;
    use crate::domain::run::{RunKind, RunStatus};
    use crate::domain::work_item::WorkItemSpec;

    /// A text that needs every kind of escape.
    const AWKWARD: &str = "a \"quoted\"\\ line\nand \u{1}\u{7f} ä \u{2028}";

    fn parsed(data: &str) -> Value {
        serde_json::from_str(data).unwrap()
    }

    fn a_mission() -> Mission {
        let digest = Digest::of(b"");
        let settings = Json::empty_object();
        let binding = Binding { name: "n".to_owned(), version: "1.0.0".to_owned(), digest, settings };
        Mission {
            workspace_id: WorkspaceId::new("ws_1"),
            id: MissionId::new("mis_1"),
            title: AWKWARD.to_owned(),
            goal: "g".to_owned(),
            status: MissionStatus::Running,
            phase: Phase::Working,
            reason: None,
            success_criteria: Json::from_valid("[\"c\"]"),
            budgets: Budgets { max_steps: Some(7), max_attempts: Some(2), ..Budgets::default() },
            usage: Usage { steps: 3, tool_calls: 4 },
            capabilities: Json::from_valid("[]"),
            entrypoint: Some("e".to_owned()),
            metadata: Json::from_valid("{\"deep\":{\"er\":[1.5]}}"),
            bindings: Bindings {
                reducer: binding.clone(),
                gates: vec![(GateName::Review, binding)],
                required: Vec::new(),
            },
            planner_attempts: 1,
            created_by: "user.test".to_owned(),
            counts: std::collections::BTreeMap::new(),
            revision: 9,
            created_at: Timestamp(1),
            updated_at: Timestamp(2),
            started_at: Some(Timestamp(3)),
        }
    }

    fn an_item() -> WorkItem {
        let spec = WorkItemSpec {
            id: WorkItemId::new("a"),
            title: AWKWARD.to_owned(),
            detail: Some("d".to_owned()),
            depends_on: vec![WorkItemId::new("b"), WorkItemId::new("c")],
            assigned_agent: Some("agent".to_owned()),
            skills: vec!["s".to_owned()],
            action: Some(Json::from_valid("{\"exec\":1}")),
            metadata: Some(Json::from_valid("{\"m\":1}")),
        };
        let mut item = WorkItem::new(WorkspaceId::new("ws_1"), MissionId::new("mis_1"), 0, spec);
        item.status = WorkItemStatus::Review;
        item.reason = Some("r".to_owned());
        item.run_id = Some(RunId::new("run_1"));
        item.attempts = 2;
        let digest = Digest::of(b"x");
        item.artifacts = vec![ArtifactRef {
            id: ArtifactId::new("art_1"),
            kind: "diff".to_owned(),
            name: "n".to_owned(),
            digest: digest.clone(),
        }];
        let state = GateState {
            status: GateStatus::Failed,
            evaluation_id: EvaluationId::new("evl_1"),
            verdict_id: Some(VerdictId::new("ver_1")),
            artifact_set: digest,
            evaluations: 4,
        };
        item.gates = vec![(GateName::Review, state)];
        item
    }

    #[test]
    fn a_header_has_the_members_of_the_contract() {
        let seen = mission(&a_mission());
        assert_eq!((seen.id.as_str(), seen.phase.as_str(), seen.revision), ("mis_1", "working", 9));
        assert_eq!(
            parsed(&seen.data),
            json!({
                "title": AWKWARD, "goal": "g", "success_criteria": ["c"], "budgets": {"max_steps": 7, "max_attempts": 2},
                "usage": {"steps": 3, "tool_calls": 4}, "entrypoint": "e", "metadata": {"deep": {"er": [1.5]}},
                "started_at_ms": 3, "planner_attempts": 1, "required_gates": ["review"],
            })
        );
    }

    #[test]
    fn an_item_has_the_members_of_the_contract_and_not_its_action() {
        let seen = work_item(&an_item());
        assert_eq!((seen.id.as_str(), seen.attempts, seen.run.as_deref()), ("a", 2, Some("run_1")));
        assert_eq!(
            parsed(&seen.data),
            json!({
                "title": AWKWARD, "detail": "d", "depends_on": ["b", "c"], "assigned_agent": "agent", "skills": ["s"],
                "metadata": {"m": 1}, "reason": "r",
                "gates": {"review": {"status": "failed", "verdict_id": "ver_1", "evaluations": 4}},
                "artifact_refs": [{"id": "art_1", "kind": "diff", "name": "n", "digest": Digest::of(b"x").as_str()}],
            })
        );
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let mut item = an_item();
        item.spec.detail = None;
        item.spec.metadata = None;
        item.reason = None;
        item.gates.clear();
        item.artifacts.clear();
        let data = parsed(&work_item(&item).data);
        for name in ["detail", "metadata", "reason"] {
            assert_eq!(data.get(name), None, "{name}");
        }
        assert_eq!((&data["gates"], &data["artifact_refs"]), (&json!({}), &json!([])));
    }

    #[test]
    fn a_run_has_the_members_of_the_contract() {
        let seen = run(&BoardRun {
            id: RunId::new("run_1"),
            work_item_id: None,
            kind: RunKind::Planner,
            attempt: 3,
            status: RunStatus::Failed,
            summary: Some("s".to_owned()),
            output: Some(AWKWARD.to_owned()),
            interruptions: 5,
            reason: Some("r".to_owned()),
        });
        assert_eq!((seen.id.as_str(), seen.work_item, seen.attempt), ("run_1", None, 3));
        let expected = json!({"kind": "planner", "summary": "s", "output": AWKWARD, "interruptions": 5, "reason": "r"});
        assert_eq!(parsed(&seen.data), expected);
    }
}
