//! The commands a reducer issued, as a list.
//!
//! Owns the recording. Never judges: `MemoryMission` applies them under the host's rules.

use crate::mission::{Command, Commands, MissionStatus, WorkItemStatus};
use serde_json::Value;

/// Commands in the order issued.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordedCommands {
    /// The list.
    pub list: Vec<Command>,
}

impl RecordedCommands {
    /// Nothing issued yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The list as the HTTP contract writes it.
    pub fn to_json(&self) -> Value {
        self.list.iter().map(Command::to_json).collect()
    }
}

impl Commands for RecordedCommands {
    fn add_work_item(&mut self, id: &str, data: Value) {
        self.list.push(Command::AddWorkItem { id: id.to_owned(), data });
    }

    fn set_work_item_status(&mut self, id: &str, status: WorkItemStatus, reason: Option<&str>) {
        let (work_item_id, reason) = (id.to_owned(), reason.map(ToOwned::to_owned));
        self.list.push(Command::SetWorkItemStatus { work_item_id, status, reason });
    }

    fn start_run(&mut self, work_item: Option<&str>, data: Value) {
        self.list.push(Command::StartRun { work_item_id: work_item.map(ToOwned::to_owned), data });
    }

    fn cancel_run(&mut self, run: &str, reason: &str) {
        self.list.push(Command::CancelRun { run_id: run.to_owned(), reason: reason.to_owned() });
    }

    fn request_gate(&mut self, work_item: &str, gate: &str) {
        self.list.push(Command::RequestGate { work_item_id: work_item.to_owned(), gate: gate.to_owned() });
    }

    fn request_approval(&mut self, work_item: Option<&str>, kind: &str, summary: &str, data: Value) {
        self.list.push(Command::RequestApproval {
            work_item_id: work_item.map(ToOwned::to_owned),
            kind: kind.to_owned(),
            summary: summary.to_owned(),
            data,
        });
    }

    fn persist_artifact(&mut self, name: &str, kind: &str, media_type: &str, content: &[u8]) {
        self.list.push(Command::PersistArtifact {
            name: name.to_owned(),
            kind: kind.to_owned(),
            media_type: media_type.to_owned(),
            content: content.to_vec(),
        });
    }

    fn schedule_timer(&mut self, key: &str, due_at_ms: u64, data: Value) {
        self.list.push(Command::ScheduleTimer { key: key.to_owned(), due_at_ms, data });
    }

    fn set_mission_status(&mut self, status: MissionStatus, data: Value) {
        self.list.push(Command::SetMissionStatus { status, data });
    }

    fn emit_notice(&mut self, kind: &str, data: Value) {
        self.list.push(Command::EmitNotice { kind: kind.to_owned(), data });
    }
}
