//! The commands a reducer issues: noted in order, bounded, applied by nobody here.
//!
//! JSON that a command carries is checked when the command is noted. A command whose JSON is
//! wrong does not stop the call (the contract says that noting never fails); it fails the call
//! once it has ended, with the command's place and name.

use wasmtime::component::{HasSelf, Linker};

use super::bindings::mission::sluice::mission::{commands, types};
use super::call::CallState;
use super::failure::OverLimit;
use super::limits::{COMMAND_ARTIFACT_BYTES_MAX, COMMAND_BYTES_MAX};
use super::object;
use super::reducer::ReducerState;
use super::status;
use crate::domain::command::{COMMANDS_MAX, Command};
use crate::domain::id::{RunId, WorkItemId};
use crate::domain::json::Json;
use crate::domain::plugin::Limit;
use crate::domain::time::Timestamp;

/// What one call has issued so far.
#[derive(Default)]
pub(super) struct CommandBuffer {
    commands: Vec<Command>,
    issued: usize,
    bytes: u64,
    fault: Option<String>,
}

impl CommandBuffer {
    /// The commands in the order issued.
    ///
    /// # Errors
    /// The first command that breaks the contract, in words.
    pub(super) fn finish(self) -> Result<Vec<Command>, String> {
        self.fault.map_or(Ok(self.commands), Err)
    }

    /// Counts one more command that holds `bytes`.
    fn admit(&mut self, bytes: usize) -> wasmtime::Result<()> {
        if self.issued >= COMMANDS_MAX {
            return Err(OverLimit { limit: Limit::ResultSize, allowed: COMMANDS_MAX as u64 }.into());
        }
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.bytes > COMMAND_BYTES_MAX {
            return Err(OverLimit { limit: Limit::ResultSize, allowed: COMMAND_BYTES_MAX }.into());
        }
        self.issued += 1;
        Ok(())
    }

    /// Notes a command, or why it is none. After the first fault nothing of this call can be
    /// applied any more, so nothing more is kept.
    fn note(&mut self, name: &str, command: Result<Command, String>) {
        if self.fault.is_some() {
            return;
        }
        match command {
            Ok(command) => self.commands.push(command),
            Err(reason) => self.fault = Some(format!("command {} ({name}): {reason}", self.issued)),
        }
    }
}

/// Links the interface.
pub(super) fn link(linker: &mut Linker<CallState<ReducerState>>) -> wasmtime::Result<()> {
    commands::add_to_linker::<_, HasSelf<CallState<ReducerState>>>(linker, |state| state)
}

fn object(data: String) -> Result<Json, String> {
    object::check(data).map_err(|reason| format!("`data` {reason}"))
}

fn item(id: String) -> WorkItemId {
    WorkItemId::new(id)
}

fn length(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

impl CallState<ReducerState> {
    fn issue(
        &mut self,
        name: &str,
        bytes: usize,
        make: impl FnOnce() -> Result<Command, String>,
    ) -> wasmtime::Result<()> {
        self.charge(bytes)?;
        self.world.commands.admit(bytes)?;
        self.world.commands.note(name, make());
        Ok(())
    }
}

impl commands::Host for CallState<ReducerState> {
    fn add_work_item(&mut self, id: String, data: String) -> wasmtime::Result<()> {
        self.issue("add-work-item", id.len() + data.len(), || {
            Ok(Command::AddWorkItem { id: item(id), data: object(data)? })
        })
    }

    fn set_work_item_status(
        &mut self,
        id: String,
        status: types::WorkItemStatus,
        reason: Option<String>,
    ) -> wasmtime::Result<()> {
        self.issue("set-work-item-status", id.len() + length(reason.as_ref()), || {
            Ok(Command::SetWorkItemStatus { work_item_id: item(id), status: status::work_item_from(status), reason })
        })
    }

    fn start_run(&mut self, work_item: Option<String>, data: String) -> wasmtime::Result<()> {
        self.issue("start-run", length(work_item.as_ref()) + data.len(), || {
            Ok(Command::StartRun { work_item_id: work_item.map(item), data: object(data)? })
        })
    }

    fn cancel_run(&mut self, run: String, reason: String) -> wasmtime::Result<()> {
        self.issue("cancel-run", run.len() + reason.len(), || {
            Ok(Command::CancelRun { run_id: RunId::new(run), reason })
        })
    }

    fn request_gate(&mut self, work_item: String, gate: String) -> wasmtime::Result<()> {
        self.issue("request-gate", work_item.len() + gate.len(), || {
            Ok(Command::RequestGate { work_item_id: item(work_item), gate })
        })
    }

    fn request_approval(
        &mut self,
        work_item: Option<String>,
        kind: String,
        summary: String,
        data: String,
    ) -> wasmtime::Result<()> {
        let bytes = length(work_item.as_ref()) + kind.len() + summary.len() + data.len();
        self.issue("request-approval", bytes, || {
            Ok(Command::RequestApproval { work_item_id: work_item.map(item), kind, summary, data: object(data)? })
        })
    }

    fn persist_artifact(
        &mut self,
        name: String,
        kind: String,
        media_type: String,
        content: Vec<u8>,
    ) -> wasmtime::Result<()> {
        let bytes = name.len() + kind.len() + media_type.len() + content.len();
        if content.len() as u64 > COMMAND_ARTIFACT_BYTES_MAX {
            return Err(OverLimit { limit: Limit::ResultSize, allowed: COMMAND_ARTIFACT_BYTES_MAX }.into());
        }
        self.issue("persist-artifact", bytes, || Ok(Command::PersistArtifact { name, kind, media_type, content }))
    }

    fn schedule_timer(&mut self, key: String, due: u64, data: String) -> wasmtime::Result<()> {
        self.issue("schedule-timer", key.len() + data.len(), || {
            Ok(Command::ScheduleTimer { key, due_at: Timestamp(due), data: object(data)? })
        })
    }

    fn set_mission_status(&mut self, status: types::MissionStatus, data: String) -> wasmtime::Result<()> {
        self.issue("set-mission-status", data.len(), || {
            Ok(Command::SetMissionStatus { status: status::mission_from(status), data: object(data)? })
        })
    }

    fn emit_notice(&mut self, kind: String, data: String) -> wasmtime::Result<()> {
        self.issue("emit-notice", kind.len() + data.len(), || Ok(Command::EmitNotice { kind, data: object(data)? }))
    }
}
