//! The commands a reducer issues.
//!
//! Owns the trait, its implementation over the host's functions, and [`Command`], the recorded
//! form. Never checks a rule: the host checks all commands of a call together, after the call.
//! Read next: `wit/mission-0.1/commands.wit`; the double for tests is `testing::RecordedCommands`.

use super::{MissionStatus, WorkItemStatus};
use serde_json::{Value, json};

/// Where a reducer's commands go. A call only notes the command; all are applied, or none.
pub trait Commands {
    /// Adds a work item in `todo`. `data`: `title` (required), `detail`, `depends_on`,
    /// `assigned_agent`, `skills`, `action`, `metadata`.
    fn add_work_item(&mut self, id: &str, data: Value);

    /// Moves a work item.
    fn set_work_item_status(&mut self, id: &str, status: WorkItemStatus, reason: Option<&str>);

    /// Queues a run of a work item and moves it to `in-progress`; without one it is a planner's
    /// run. `data`: `prompt`, `not_before_ms`.
    fn start_run(&mut self, work_item: Option<&str>, data: Value);

    /// Withdraws a queued run, or tells a running one's worker to stop.
    fn cancel_run(&mut self, run: &str, reason: &str);

    /// Asks for a verdict of `gate` on the item's present artifacts.
    fn request_gate(&mut self, work_item: &str, gate: &str);

    /// Asks a person. Kind `gate` overrides the `needs_human` verdict of `data.gate`.
    fn request_approval(&mut self, work_item: Option<&str>, kind: &str, summary: &str, data: Value);

    /// Keeps `content` (at most 8 MiB) as an artifact of the mission.
    fn persist_artifact(&mut self, name: &str, kind: &str, media_type: &str, content: &[u8]);

    /// Has `timer_fired` with `key` (1 to 200 bytes) and `data` arrive at `due_at_ms` (Unix
    /// milliseconds) or soon after; a timer of the same key is replaced.
    fn schedule_timer(&mut self, key: &str, due_at_ms: u64, data: Value);

    /// Moves the mission. `data`: `reason`, `phase`.
    fn set_mission_status(&mut self, status: MissionStatus, data: Value);

    /// Tells watchers something; changes nothing.
    fn emit_notice(&mut self, kind: &str, data: Value);
}

/// One command as a value, for tests and tools.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the members are the arguments of `Commands`' methods")]
pub enum Command {
    AddWorkItem { id: String, data: Value },
    SetWorkItemStatus { work_item_id: String, status: WorkItemStatus, reason: Option<String> },
    StartRun { work_item_id: Option<String>, data: Value },
    CancelRun { run_id: String, reason: String },
    RequestGate { work_item_id: String, gate: String },
    RequestApproval { work_item_id: Option<String>, kind: String, summary: String, data: Value },
    PersistArtifact { name: String, kind: String, media_type: String, content: Vec<u8> },
    ScheduleTimer { key: String, due_at_ms: u64, data: Value },
    SetMissionStatus { status: MissionStatus, data: Value },
    EmitNotice { kind: String, data: Value },
}

impl Command {
    /// The command as the HTTP contract writes it: `{"type": .., ..}`. Members without a value
    /// are left out; an artifact's content is told by its size in bytes.
    pub fn to_json(&self) -> Value {
        let mut value = match self {
            Command::AddWorkItem { id, data } => {
                json!({"type": "add_work_item", "work_item_id": id, "data": data})
            }
            Command::SetWorkItemStatus { work_item_id, status, reason } => json!({
                "type": "set_work_item_status", "work_item_id": work_item_id,
                "status": status.word(), "reason": reason,
            }),
            Command::StartRun { work_item_id, data } => {
                json!({"type": "start_run", "work_item_id": work_item_id, "data": data})
            }
            Command::CancelRun { run_id, reason } => {
                json!({"type": "cancel_run", "run_id": run_id, "reason": reason})
            }
            Command::RequestGate { work_item_id, gate } => {
                json!({"type": "request_gate", "work_item_id": work_item_id, "gate": gate})
            }
            Command::RequestApproval { work_item_id, kind, summary, data } => json!({
                "type": "request_approval", "work_item_id": work_item_id, "kind": kind,
                "summary": summary, "data": data,
            }),
            Command::PersistArtifact { name, kind, media_type, content } => json!({
                "type": "persist_artifact", "name": name, "kind": kind,
                "media_type": media_type, "size": content.len(),
            }),
            Command::ScheduleTimer { key, due_at_ms, data } => {
                json!({"type": "schedule_timer", "key": key, "due_at_ms": due_at_ms, "data": data})
            }
            Command::SetMissionStatus { status, data } => {
                json!({"type": "set_mission_status", "status": status.word(), "data": data})
            }
            Command::EmitNotice { kind, data } => {
                json!({"type": "emit_notice", "kind": kind, "data": data})
            }
        };
        if let Value::Object(members) = &mut value {
            members.retain(|_, member| !member.is_null());
        }
        value
    }
}

/// The commands as the host takes them.
#[cfg(target_arch = "wasm32")]
pub struct HostCommands;

#[cfg(target_arch = "wasm32")]
impl Commands for HostCommands {
    fn add_work_item(&mut self, id: &str, data: Value) {
        super::bindings::sluice::mission::commands::add_work_item(id, &data.to_string());
    }

    fn set_work_item_status(&mut self, id: &str, status: WorkItemStatus, reason: Option<&str>) {
        super::bindings::sluice::mission::commands::set_work_item_status(id, status, reason);
    }

    fn start_run(&mut self, work_item: Option<&str>, data: Value) {
        super::bindings::sluice::mission::commands::start_run(work_item, &data.to_string());
    }

    fn cancel_run(&mut self, run: &str, reason: &str) {
        super::bindings::sluice::mission::commands::cancel_run(run, reason);
    }

    fn request_gate(&mut self, work_item: &str, gate: &str) {
        super::bindings::sluice::mission::commands::request_gate(work_item, gate);
    }

    fn request_approval(&mut self, work_item: Option<&str>, kind: &str, summary: &str, data: Value) {
        super::bindings::sluice::mission::commands::request_approval(work_item, kind, summary, &data.to_string());
    }

    fn persist_artifact(&mut self, name: &str, kind: &str, media_type: &str, content: &[u8]) {
        super::bindings::sluice::mission::commands::persist_artifact(name, kind, media_type, content);
    }

    fn schedule_timer(&mut self, key: &str, due_at_ms: u64, data: Value) {
        super::bindings::sluice::mission::commands::schedule_timer(key, due_at_ms, &data.to_string());
    }

    fn set_mission_status(&mut self, status: MissionStatus, data: Value) {
        super::bindings::sluice::mission::commands::set_mission_status(status, &data.to_string());
    }

    fn emit_notice(&mut self, kind: &str, data: Value) {
        super::bindings::sluice::mission::commands::emit_notice(kind, &data.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_the_contract_has_them() {
        let start = Command::StartRun { work_item_id: None, data: json!({"prompt": "Plan."}) };
        assert_eq!(start.to_json(), json!({"type": "start_run", "data": {"prompt": "Plan."}}));
        let set = Command::SetWorkItemStatus {
            work_item_id: "a".to_owned(),
            status: WorkItemStatus::InProgress,
            reason: Some("why".to_owned()),
        };
        let expected =
            json!({"type": "set_work_item_status", "work_item_id": "a", "status": "in_progress", "reason": "why"});
        assert_eq!(set.to_json(), expected);
        let keep = Command::PersistArtifact {
            name: "summary.md".to_owned(),
            kind: "summary".to_owned(),
            media_type: "text/markdown".to_owned(),
            content: b"text".to_vec(),
        };
        assert_eq!(keep.to_json()["size"], 4);
        assert_eq!(keep.to_json().get("content"), None);
    }
}
