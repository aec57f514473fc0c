//! Missions and work items: requests checked, answers written.

use serde_json::{Map, Value, json};

use sluice_api::mission::{
    BindingView, BindingsView, Budgets as BudgetsView, MissionCreated, MissionRequest, MissionView, UsageView,
    WorkItemRequest, WorkItemView,
};

use super::history::{json_of, value_of};
use super::run::artifact_ref_view;
use crate::domain::artifact::Digest;
use crate::domain::graph;
use crate::domain::id::{self, MissionId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::memory::grant;
use crate::domain::mission::{Bindings, Budgets, Mission, MissionStatus, Phase, Usage};
use crate::domain::plugin::Binding;
use crate::domain::time::Timestamp;
use crate::domain::work_item::{WorkItem, WorkItemSpec, WorkItemStatus};
use crate::domain::workspace::Required;

/// Longest title, in characters.
const TITLE_MAX_CHARS: usize = 200;
/// Longest goal or detail, in bytes.
const TEXT_MAX_BYTES: usize = 64 * 1024;

/// A member of a request that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// Which, as a path: `work_items[3].depends_on`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// `field` is wrong because of `message`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    fn below(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}

/// Checks a request, and gives every work item without an id one from `new_id`.
///
/// # Errors
/// The first member at fault.
pub fn check_request(
    request: &mut MissionRequest,
    mut new_id: impl FnMut() -> String,
) -> Result<Vec<WorkItemSpec>, FieldError> {
    check_title(&request.title)?;
    check_text("goal", &request.goal)?;
    check_budgets(&request.budgets).map_err(|error| error.below("budgets"))?;
    for (index, capability) in request.capabilities.iter().enumerate() {
        // A misspelt one would pass for less than was meant.
        grant::check(capability)
            .map_err(|error| FieldError::new(format!("capabilities[{index}]"), error.to_string()))?;
    }
    let mut specs = Vec::with_capacity(request.work_items.len());
    for (index, item) in request.work_items.iter_mut().enumerate() {
        let id = item.id.get_or_insert_with(&mut new_id).clone();
        specs.push(item_spec(item.clone(), || id).map_err(|error| error.below(&format!("work_items[{index}]")))?);
    }
    graph::check(&specs, 0, |_| false).map_err(|error| {
        let field = error.index().map_or_else(|| "work_items".to_owned(), |index| format!("work_items[{index}]"));
        FieldError::new(field, error.to_string())
    })?;
    Ok(specs)
}

fn check_title(title: &str) -> Result<(), FieldError> {
    let chars = title.chars().count();
    if title.trim().is_empty() || chars > TITLE_MAX_CHARS {
        return Err(FieldError::new(
            "title",
            format!("has {chars} characters; 1 to {TITLE_MAX_CHARS} are allowed, not only blanks"),
        ));
    }
    Ok(())
}

fn check_text(field: &str, text: &str) -> Result<(), FieldError> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(FieldError::new(field, format!("has {} bytes; at most {TEXT_MAX_BYTES} are allowed", text.len())));
    }
    Ok(())
}

fn check_budgets(budgets: &BudgetsView) -> Result<(), FieldError> {
    let numbers = [
        ("max_steps", budgets.max_steps),
        ("max_duration_ms", budgets.max_duration_ms),
        ("max_attempts", budgets.max_attempts.map(u64::from)),
        ("max_parallel_runs", budgets.max_parallel_runs.map(u64::from)),
    ];
    if let Some((field, _)) = numbers.iter().find(|(_, number)| *number == Some(0)) {
        return Err(FieldError::new(*field, "is 0, which would let nothing run; leave it out for no limit"));
    }
    // Numbers are kept as signed 64-bit integers, and the API's schema says so.
    let wide = numbers.into_iter().chain([("max_tool_calls", budgets.max_tool_calls)]);
    match wide.into_iter().find(|(_, number)| number.is_some_and(|number| i64::try_from(number).is_err())) {
        Some((field, _)) => Err(FieldError::new(field, format!("is over {}; leave it out for no limit", i64::MAX))),
        None => Ok(()),
    }
}

/// The specification of one item.
pub(super) fn item_spec(item: WorkItemRequest, new_id: impl FnOnce() -> String) -> Result<WorkItemSpec, FieldError> {
    let id = item.id.unwrap_or_else(new_id);
    id::check(&id).map_err(|error| FieldError::new("id", format!("`{id}` is not an id: {error}")))?;
    check_title(&item.title)?;
    check_text("detail", item.detail.as_deref().unwrap_or_default())?;
    Ok(WorkItemSpec {
        id: WorkItemId::new(id),
        title: item.title,
        detail: item.detail,
        depends_on: item.depends_on.into_iter().map(WorkItemId::new).collect(),
        assigned_agent: item.assigned_agent,
        skills: item.skills,
        action: item.action.as_ref().map(json_of),
        metadata: item.metadata.as_ref().map(json_of),
    })
}

/// The mission and the items that `created` describes, as they are before their first event.
///
/// # Errors
/// The first member at fault; never for what [`check_request`] passed.
pub fn created_mission(
    created: &MissionCreated,
    workspace_id: &WorkspaceId,
    id: &MissionId,
    created_by: &str,
    now: Timestamp,
) -> Result<(Mission, Vec<WorkItem>), FieldError> {
    let request = &created.request;
    let mission = Mission {
        workspace_id: workspace_id.clone(),
        id: id.clone(),
        title: request.title.clone(),
        goal: request.goal.clone(),
        status: MissionStatus::Draft,
        phase: if request.work_items.is_empty() { Phase::Planning } else { Phase::Working },
        reason: None,
        success_criteria: json_of(&request.success_criteria),
        budgets: budgets_from_view(&request.budgets),
        usage: Usage::default(),
        capabilities: json_of(&request.capabilities),
        entrypoint: request.entrypoint.clone(),
        metadata: json_of(&request.metadata),
        bindings: bindings_from_view(&created.bindings)?,
        planner_attempts: 0,
        counts: [(WorkItemStatus::Todo, u32::try_from(request.work_items.len()).unwrap_or(u32::MAX))]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect(),
        created_by: created_by.to_owned(),
        revision: 0,
        created_at: now,
        updated_at: now,
        started_at: None,
    };
    let mut items = Vec::with_capacity(request.work_items.len());
    for (position, item) in (0_u32..).zip(&request.work_items) {
        let spec = item_spec(item.clone(), String::new)?;
        items.push(WorkItem::new(workspace_id.clone(), id.clone(), position, spec));
    }
    Ok((mission, items))
}

/// Limits as the domain has them.
pub fn budgets_from_view(view: &BudgetsView) -> Budgets {
    Budgets {
        max_steps: view.max_steps,
        max_tool_calls: view.max_tool_calls,
        max_duration_ms: view.max_duration_ms,
        max_attempts: view.max_attempts,
        max_parallel_runs: view.max_parallel_runs,
        max_interruptions: view.max_interruptions,
    }
}

/// Limits for people and programs.
pub fn budgets_view(budgets: &Budgets) -> BudgetsView {
    BudgetsView {
        max_steps: budgets.max_steps,
        max_tool_calls: budgets.max_tool_calls,
        max_duration_ms: budgets.max_duration_ms,
        max_attempts: budgets.max_attempts,
        max_parallel_runs: budgets.max_parallel_runs,
        max_interruptions: budgets.max_interruptions,
    }
}

/// Components as history records them.
pub fn bindings_view(bindings: &Bindings) -> BindingsView {
    BindingsView {
        reducer: binding_view(&bindings.reducer),
        gates: bindings.gates.iter().map(|(gate, binding)| (gate.to_string(), binding_view(binding))).collect(),
        required: bindings
            .required
            .iter()
            .map(|(gate, required)| {
                let count = required.of(bindings.gates_of(*gate).count());
                (gate.to_string(), u32::try_from(count).unwrap_or(u32::MAX))
            })
            .collect(),
    }
}

/// Components as the domain has them.
///
/// # Errors
/// A gate or digest that is none.
pub fn bindings_from_view(view: &BindingsView) -> Result<Bindings, FieldError> {
    let mut gates = Vec::with_capacity(view.gates.len());
    for (gate, binding) in &view.gates {
        let name = gate.parse().map_err(|error| FieldError::new(format!("gates.{gate}"), format!("{error}")))?;
        gates.push((name, binding_from_view(binding)?));
    }
    let mut required = Vec::with_capacity(view.required.len());
    for (gate, needed) in &view.required {
        let name = gate.parse().map_err(|error| FieldError::new(format!("required.{gate}"), format!("{error}")))?;
        required.push((name, Required::Quorum(*needed)));
    }
    Ok(Bindings { reducer: binding_from_view(&view.reducer)?, gates, required })
}

pub(super) fn binding_view(binding: &Binding) -> BindingView {
    BindingView {
        name: binding.name.clone(),
        version: binding.version.clone(),
        digest: binding.digest.to_string(),
        settings: value_of(&binding.settings),
    }
}

fn binding_from_view(view: &BindingView) -> Result<Binding, FieldError> {
    let digest = Digest::parse(&view.digest).ok_or_else(|| FieldError::new("digest", "is no SHA-256"))?;
    Ok(Binding {
        name: view.name.clone(),
        version: view.version.clone(),
        digest,
        settings: if view.settings.is_null() { Json::empty_object() } else { json_of(&view.settings) },
    })
}

/// A mission without its items.
pub fn mission_view(mission: &Mission) -> MissionView {
    MissionView {
        id: mission.id.to_string(),
        title: mission.title.clone(),
        goal: mission.goal.clone(),
        status: mission.status.to_string(),
        phase: mission.phase.to_string(),
        reason: mission.reason.clone(),
        success_criteria: value_of(&mission.success_criteria),
        budgets: budgets_view(&mission.budgets),
        usage: UsageView { steps: mission.usage.steps, tool_calls: mission.usage.tool_calls },
        capabilities: value_of(&mission.capabilities),
        entrypoint: mission.entrypoint.clone(),
        metadata: value_of(&mission.metadata),
        revision: mission.revision,
        created_at_ms: mission.created_at.as_millis(),
        updated_at_ms: mission.updated_at.as_millis(),
        started_at_ms: mission.started_at.map(Timestamp::as_millis),
        reducer: binding_view(&mission.bindings.reducer),
        counts: Some(mission.counts.iter().map(|(status, count)| (status.to_string(), Value::from(*count))).collect()),
        created_by: mission.created_by.clone(),
        work_items: None,
    }
}

/// A work item.
pub fn work_item_view(item: &WorkItem) -> WorkItemView {
    let gates: Map<String, Value> = item
        .gates
        .iter()
        .map(|(gate, state)| {
            let verdict = state.verdict_id.as_ref().map(ToString::to_string);
            (
                gate.to_string(),
                json!({"status": state.status.as_str(), "verdict_id": verdict, "evaluations": state.evaluations}),
            )
        })
        .collect();
    WorkItemView {
        id: item.spec.id.to_string(),
        title: item.spec.title.clone(),
        detail: item.spec.detail.clone(),
        status: item.status.to_string(),
        reason: item.reason.clone(),
        depends_on: item.spec.depends_on.iter().map(ToString::to_string).collect(),
        assigned_agent: item.spec.assigned_agent.clone(),
        skills: item.spec.skills.clone(),
        run_id: item.run_id.as_ref().map(ToString::to_string),
        attempts: item.attempts,
        artifact_refs: item.artifacts.iter().map(artifact_ref_view).collect(),
        gates,
        metadata: item.spec.metadata.as_ref().map(value_of),
    }
}
