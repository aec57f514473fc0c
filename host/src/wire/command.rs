//! Commands: as history shows them, and understood for the rules.

use serde::Deserialize;
use serde_json::Value;

use sluice_api::command::CommandView;
use sluice_api::mission::WorkItemRequest;

use super::history::{json_of, value_of};
use super::mission::item_spec;
use crate::domain::approval::KIND_GATE;
use crate::domain::artifact::Digest;
use crate::domain::command::{Command, Order};
use crate::domain::gate::GateName;
use crate::domain::id::{RunId, VerdictId, WorkItemId};
use crate::domain::json::Json;
use crate::domain::mission::Phase;
use crate::domain::rules::Refusal;
use crate::domain::time::Timestamp;

/// A command as history shows it.
pub fn view(command: &Command) -> CommandView {
    match command {
        Command::AddWorkItem { id, data } => {
            CommandView::AddWorkItem { work_item_id: id.to_string(), data: value_of(data) }
        }
        Command::SetWorkItemStatus { work_item_id, status, reason } => CommandView::SetWorkItemStatus {
            work_item_id: work_item_id.to_string(),
            status: status.to_string(),
            reason: reason.clone(),
        },
        Command::StartRun { work_item_id, data } => {
            CommandView::StartRun { work_item_id: work_item_id.as_ref().map(ToString::to_string), data: value_of(data) }
        }
        Command::CancelRun { run_id, reason } => {
            CommandView::CancelRun { run_id: run_id.to_string(), reason: reason.clone() }
        }
        Command::RequestGate { work_item_id, gate } => {
            CommandView::RequestGate { work_item_id: work_item_id.to_string(), gate: gate.clone() }
        }
        Command::RequestApproval { work_item_id, kind, summary, data } => CommandView::RequestApproval {
            work_item_id: work_item_id.as_ref().map(ToString::to_string),
            kind: kind.clone(),
            summary: summary.clone(),
            data: value_of(data),
        },
        Command::PersistArtifact { name, kind, media_type, content } => CommandView::PersistArtifact {
            name: name.clone(),
            kind: kind.clone(),
            media_type: media_type.clone(),
            size: content.len() as u64,
            digest: Digest::of(content).to_string(),
        },
        Command::ScheduleTimer { key, due_at, data } => {
            CommandView::ScheduleTimer { key: key.clone(), due_at_ms: due_at.as_millis(), data: value_of(data) }
        }
        Command::SetMissionStatus { status, data } => {
            CommandView::SetMissionStatus { status: status.to_string(), data: value_of(data) }
        }
        Command::EmitNotice { kind, data } => CommandView::EmitNotice { kind: kind.clone(), data: value_of(data) },
    }
}

/// A recorded command; `None` when it cannot be read. Content of artifacts is not part of the
/// record, so theirs is empty.
pub fn from_view(view: &CommandView) -> Option<Command> {
    Some(match view.clone() {
        CommandView::AddWorkItem { work_item_id, data } => {
            Command::AddWorkItem { id: WorkItemId::new(work_item_id), data: json_of(&data) }
        }
        CommandView::SetWorkItemStatus { work_item_id, status, reason } => Command::SetWorkItemStatus {
            work_item_id: WorkItemId::new(work_item_id),
            status: status.parse().ok()?,
            reason,
        },
        CommandView::StartRun { work_item_id, data } => {
            Command::StartRun { work_item_id: work_item_id.map(WorkItemId::new), data: json_of(&data) }
        }
        CommandView::CancelRun { run_id, reason } => Command::CancelRun { run_id: RunId::new(run_id), reason },
        CommandView::RequestGate { work_item_id, gate } => {
            Command::RequestGate { work_item_id: WorkItemId::new(work_item_id), gate }
        }
        CommandView::RequestApproval { work_item_id, kind, summary, data } => Command::RequestApproval {
            work_item_id: work_item_id.map(WorkItemId::new),
            kind,
            summary,
            data: json_of(&data),
        },
        CommandView::PersistArtifact { name, kind, media_type, .. } => {
            Command::PersistArtifact { name, kind, media_type, content: Vec::new() }
        }
        CommandView::ScheduleTimer { key, due_at_ms, data } => {
            Command::ScheduleTimer { key, due_at: Timestamp(due_at_ms), data: json_of(&data) }
        }
        CommandView::SetMissionStatus { status, data } => {
            Command::SetMissionStatus { status: status.parse().ok()?, data: json_of(&data) }
        }
        CommandView::EmitNotice { kind, data } => Command::EmitNotice { kind, data: json_of(&data) },
    })
}

#[derive(Deserialize)]
struct StartRunData {
    #[serde(default)]
    prompt: String,
    not_before_ms: Option<u64>,
}

#[derive(Deserialize)]
struct MissionStatusData {
    reason: Option<String>,
    phase: Option<String>,
}

#[derive(Deserialize)]
struct GateApprovalData {
    gate: String,
    verdict_id: String,
}

/// Reads the JSON of `commands` into what the rules judge.
///
/// # Errors
/// A [`Refusal`] with code `BAD_COMMAND` and the command's index when a member is missing, of the
/// wrong type or out of range.
pub fn understand(commands: Vec<Command>) -> Result<Vec<Order>, Refusal> {
    let understood = |(index, command)| order(command).and_then(storable).map_err(|refusal: Refusal| refusal.at(index));
    commands.into_iter().enumerate().map(understood).collect()
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new("BAD_COMMAND", message)
}

/// Texts become columns, and no database takes U+0000 there: an event that could never be written
/// is refused, and not tried for ever.
fn storable(order: Order) -> Result<Order, Refusal> {
    let texts: Vec<&str> = match &order {
        Order::AddWorkItem(spec) => {
            let mut texts = vec![spec.title.as_str()];
            texts.extend(spec.detail.as_deref());
            texts.extend(spec.assigned_agent.as_deref());
            texts.extend(spec.skills.iter().map(String::as_str));
            texts
        }
        Order::SetWorkItemStatus { reason, .. } | Order::SetMissionStatus { reason, .. } => {
            reason.as_deref().into_iter().collect()
        }
        Order::StartRun { prompt, .. } => vec![prompt],
        Order::CancelRun { reason, .. } => vec![reason],
        Order::RequestGate { .. } => Vec::new(),
        Order::RequestApproval { kind, summary, .. } => vec![kind, summary],
        Order::PersistArtifact { name, kind, media_type, .. } => vec![name, kind, media_type],
        Order::ScheduleTimer { key, .. } => vec![key],
        Order::EmitNotice { kind, .. } => vec![kind],
    };
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(bad("a text has the character U+0000, which cannot be stored; leave it out"));
    }
    Ok(order)
}

fn members<T: for<'d> Deserialize<'d>>(command: &str, data: &Json) -> Result<T, Refusal> {
    serde_json::from_str(data.as_str()).map_err(|error| bad(format!("{command}: data does not fit: {error}")))
}

fn gate_name(text: &str) -> Result<GateName, Refusal> {
    text.parse().map_err(|error| bad(format!("`{text}` is no gate: {error}")))
}

fn order(command: Command) -> Result<Order, Refusal> {
    Ok(match command {
        Command::AddWorkItem { id, data } => Order::AddWorkItem(added_item(&id, &data)?),
        Command::SetWorkItemStatus { work_item_id, status, reason } => {
            Order::SetWorkItemStatus { work_item_id, status, reason }
        }
        Command::StartRun { work_item_id, data } => {
            let read: StartRunData = members("start_run", &data)?;
            Order::StartRun { work_item_id, prompt: read.prompt, not_before: read.not_before_ms.map(Timestamp) }
        }
        Command::CancelRun { run_id, reason } => Order::CancelRun { run_id, reason },
        Command::RequestGate { work_item_id, gate } => Order::RequestGate { work_item_id, gate: gate_name(&gate)? },
        Command::RequestApproval { work_item_id, kind, summary, data } => {
            let overrides = if kind == KIND_GATE {
                let read: GateApprovalData = members("request_approval", &data)?;
                Some((gate_name(&read.gate)?, VerdictId::new(read.verdict_id)))
            } else {
                None
            };
            Order::RequestApproval { work_item_id, kind, summary, data, overrides }
        }
        Command::PersistArtifact { name, kind, media_type, content } => {
            Order::PersistArtifact { name, kind, media_type, content }
        }
        Command::ScheduleTimer { key, due_at, data } => Order::ScheduleTimer { key, due_at, data },
        Command::SetMissionStatus { status, data } => {
            let read: MissionStatusData = members("set_mission_status", &data)?;
            let phase =
                read.phase.map(|phase| phase.parse::<Phase>().map_err(|e| bad(format!("phase `{phase}`: {e}"))));
            Order::SetMissionStatus { status, reason: read.reason, phase: phase.transpose()? }
        }
        Command::EmitNotice { kind, data } => Order::EmitNotice { kind, data },
    })
}

/// The item's id is an argument of the command; a different one in its data is a mistake.
fn added_item(id: &WorkItemId, data: &Json) -> Result<crate::domain::work_item::WorkItemSpec, Refusal> {
    let mut value = value_of(data);
    if let Value::Object(object) = &mut value {
        let named = object.insert("id".to_owned(), Value::String(id.to_string()));
        if named.is_some_and(|named| named.as_str() != Some(id.as_str())) {
            return Err(bad(format!("add_work_item: data names another id than `{id}`")));
        }
    }
    let request: WorkItemRequest =
        serde_json::from_value(value).map_err(|error| bad(format!("add_work_item `{id}`: {error}")))?;
    item_spec(request, || id.to_string()).map_err(|error| bad(format!("add_work_item `{id}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::work_item::WorkItemStatus;

    #[test]
    fn what_could_never_be_written_is_refused_with_its_place() {
        let moved = |reason: &str| Command::SetWorkItemStatus {
            work_item_id: WorkItemId::new("a"),
            status: WorkItemStatus::Rework,
            reason: Some(reason.to_owned()),
        };
        let refusal = understand(vec![moved("fine"), moved("not\0fine")]).unwrap_err();
        assert_eq!((refusal.code, refusal.command_index), ("BAD_COMMAND", Some(1)));
        let prompt = Json::from_valid(r#"{"prompt":"a\u0000b"}"#);
        let refusal = understand(vec![Command::StartRun { work_item_id: None, data: prompt }]).unwrap_err();
        assert_eq!(refusal.code, "BAD_COMMAND");
        assert_eq!(understand(vec![moved("fine")]).map(|orders| orders.len()), Ok(1));
    }
}
