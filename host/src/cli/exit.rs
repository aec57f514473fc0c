//! Exit codes, and how a failure is told.

use std::error::Error;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::app::StartError;
use crate::client::ClientError;
use crate::data_dir::DataDirError;
use crate::engine::EngineError;
use crate::kit::KitError;
use crate::store::{OpenError, StorageError};

/// What a process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// The mission succeeded; the command did what was asked.
    Succeeded = 0,
    /// A mission failed or was canceled, or the host could not go on.
    Failed = 1,
    /// What was given cannot be used.
    BadInput = 2,
    /// The mission waits for a person.
    Waiting = 3,
    /// Interrupted by the user (128 + SIGINT).
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early: a message that says what is wrong and what to do.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
    /// The problem's code, when a server answered with one.
    code: Option<String>,
    /// What else the problem says: `expected_rev`, `current_rev`, `holder`, ...
    more: Box<Map<String, Value>>,
}

impl Failure {
    /// What was given cannot be used.
    pub(super) fn bad_input(message: impl Into<String>) -> Self {
        Self { exit: Exit::BadInput, message: message.into(), code: None, more: Box::default() }
    }

    /// The host could not go on.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into(), code: None, more: Box::default() }
    }

    /// `error` with its causes.
    pub(super) fn caused_by(exit: Exit, error: &dyn Error) -> Self {
        Self { exit, message: with_causes(error), code: None, more: Box::default() }
    }

    /// The same, told in other words.
    #[must_use]
    pub(super) fn in_words(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// What is wrong, in words.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Tells it and gives the exit code.
    pub(super) fn report(&self, as_json: bool) -> ExitCode {
        if as_json {
            let mut error = json!({"message": self.message, "exit_code": self.exit as u8});
            if let Some(code) = &self.code {
                error["code"] = json!(code);
            }
            if let Value::Object(members) = &mut error {
                for (name, value) in self.more.iter() {
                    members.entry(name).or_insert_with(|| value.clone());
                }
            }
            println!("{}", json!({"error": error}));
        }
        eprintln!("error: {}", self.message);
        self.exit.into()
    }
}

/// An error and what led to it, each once.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match &error {
            StartError::DataDir(_) | StartError::Store(_) | StartError::Storage(_) | StartError::Listen { .. } => {
                Exit::BadInput
            }
            StartError::Plugins(_) | StartError::Recover(_) | StartError::Tokens(_) => Exit::Failed,
        };
        Self::caused_by(exit, &error)
    }
}

impl From<DataDirError> for Failure {
    fn from(error: DataDirError) -> Self {
        Self::caused_by(Exit::BadInput, &error)
    }
}

impl From<KitError> for Failure {
    fn from(error: KitError) -> Self {
        let exit = match &error {
            KitError::NoCompiler | KitError::NoTool { .. } | KitError::Tool { .. } => Exit::Failed,
            _ => Exit::BadInput,
        };
        Self::caused_by(exit, &error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        StartError::Store(error).into()
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let message = format!("failed to {}; {}", with_causes(&error), error.help());
        Self::failed(message)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let is_input_at_fault = match (error.status(), error.code()) {
            // A rule forbids it, or it will do later: what was given is as it should be.
            (
                _,
                Some(
                    "EVENT_REFUSED"
                    | "LEASE_LOST"
                    | "LEASE_HELD"
                    | "REVISION_CONFLICT"
                    | "RESOURCE_REVISION_CONFLICT"
                    | "RESOURCE_CLAIMED"
                    | "PLUGIN_CHECK_RUNNING"
                    | "ROUTINE_POLICY_BLOCKED"
                    | "ROUTINE_QUEUE_FULL"
                    | "ROUTINE_CHANGED"
                    | "ROUTINE_APPROVAL_REQUIRED",
                ),
            )
            | (Some(408 | 429), _) => false,
            (Some(status), _) => status < 500,
            (None, _) => matches!(error, ClientError::Address { .. }),
        };
        let exit = if is_input_at_fault { Exit::BadInput } else { Exit::Failed };
        let message = match list_of_what_is_missing(&error) {
            Some(list) => format!("{error}; `sluice {list}` shows those there are"),
            None => error.to_string(),
        };
        let code = error.code().map(str::to_owned);
        let more = if let ClientError::Problem(problem) = error { problem.more } else { Map::new() };
        let more = Box::new(more);
        Self { exit, message, code, more }
    }
}

/// The command that lists what a server says there is none of.
fn list_of_what_is_missing(error: &ClientError) -> Option<&'static str> {
    let ClientError::Problem(problem) = error else { return None };
    match problem.detail.strip_prefix("there is no ")?.split(' ').next()? {
        "mission" => Some("mission list"),
        "run" => Some("runs list"),
        "approval" => Some("approval list"),
        "token" => Some("token list"),
        "resource" => Some("resource ls"),
        "lease" => Some("lease ls"),
        "routine" => Some("routine ls"),
        "routine's" => Some("routine runs"),
        "memory" => Some("memory ls"),
        _ => None,
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let exit = match &error {
            EngineError::NotFound { .. }
            | EngineError::Field(_)
            | EngineError::ResourceKept { .. }
            | EngineError::ResourceClaimed { .. }
            | EngineError::ResourceUnfit { .. }
            | EngineError::RevisionGone { .. }
            | EngineError::Operation { .. }
            | EngineError::HostsOwn { .. }
            | EngineError::RoutineTaken { .. }
            | EngineError::RoutineSchedule { .. }
            | EngineError::RoutineNotEnabled { .. }
            | EngineError::RoutineDraft { .. }
            | EngineError::RunState { .. }
            | EngineError::CapabilityInvalid { .. }
            | EngineError::TierNotGranted { .. }
            | EngineError::Policy(_)
            | EngineError::PluginRefused { .. }
            | EngineError::PluginTaken { .. }
            | EngineError::PluginUnfit { .. }
            | EngineError::PluginUnsigned { .. }
            | EngineError::Conflict(_) => Exit::BadInput,
            EngineError::Refused(_)
            | EngineError::Revision { .. }
            | EngineError::ResourceConflict { .. }
            | EngineError::LeaseLost { .. }
            | EngineError::NameHeld { .. }
            | EngineError::NameNotHeld { .. }
            | EngineError::RoutineBlocked { .. }
            | EngineError::RoutineFull { .. }
            | EngineError::PluginInUse { .. }
            | EngineError::CheckRunning { .. }
            | EngineError::RoutineChanged { .. }
            | EngineError::RoutineApproval { .. }
            | EngineError::HostFault(_)
            | EngineError::ComponentDamaged { .. }
            | EngineError::Contended
            | EngineError::Storage(_) => Exit::Failed,
        };
        Self::caused_by(exit, &error)
    }
}
