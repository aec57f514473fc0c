//! Reads and checks `action.exec`, when a mission is created and again when a run is claimed.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use sluice_api::run::{ExecAction, RunView};

/// Why an action cannot be carried out here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// There is no `exec`.
    #[error(
        "action: has no `exec`; the local worker carries out only `action.exec` (argv, env, timeout_ms, artifacts)"
    )]
    NoExec,
    /// A member is not as it should be.
    #[error("{field}: {message}")]
    Field {
        /// Which, below the action.
        field: String,
        /// What is wrong and what would be right.
        message: String,
    },
}

fn field(name: &str, message: impl Into<String>) -> ActionError {
    ActionError::Field { field: format!("action.exec.{name}"), message: message.into() }
}

/// Longest time one process may take: a day.
const TIMEOUT_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// Reads the `exec` of an action and checks that it can be carried out: the program exists, paths
/// stay inside.
///
/// # Errors
/// [`ActionError`] naming the member.
pub fn check(action: &Value, base: &Path) -> Result<ExecAction, ActionError> {
    let exec = action.get("exec").ok_or(ActionError::NoExec)?;
    let exec: ExecAction = serde_json::from_value(exec.clone())
        .map_err(|error| ActionError::Field { field: "action.exec".to_owned(), message: error.to_string() })?;
    let Some(program) = exec.argv.first() else {
        return Err(field("argv", "is empty; the first element is the program"));
    };
    let cwd = working_directory(&exec, base);
    if !cwd.is_dir() {
        return Err(field("cwd", format!("`{}` is not a directory", cwd.display())));
    }
    if find_program(program, &cwd, &exec).is_none() {
        let remedy = if program.contains('/') {
            "paths are relative to the working directory"
        } else {
            "is it installed, and in PATH?"
        };
        return Err(field("argv[0]", format!("there is no program `{program}`; {remedy}")));
    }
    if exec.timeout_ms == 0 || exec.timeout_ms > TIMEOUT_MAX_MS {
        return Err(field(
            "timeout_ms",
            format!("is {}; 1 to {TIMEOUT_MAX_MS} milliseconds are allowed", exec.timeout_ms),
        ));
    }
    if let Some(name) =
        exec.env.keys().find(|name| name.starts_with("SLUICE_") || name.is_empty() || name.contains(['=', '\0']))
    {
        return Err(field(
            &format!("env.{name}"),
            "is not a name one may set; names beginning with SLUICE_ are the worker's",
        ));
    }
    for (index, artifact) in exec.artifacts.iter().enumerate() {
        let path = Path::new(&artifact.path);
        let stays_inside = !artifact.path.is_empty() && path.components().all(|c| matches!(c, Component::Normal(_)));
        if !stays_inside {
            return Err(field(
                &format!("artifacts[{index}].path"),
                "is a relative path below $SLUICE_ARTIFACTS, without `..`",
            ));
        }
    }
    Ok(exec)
}

/// The action of a claimed run.
pub(super) fn of(run: &RunView, base: &Path) -> Result<ExecAction, ActionError> {
    check(run.action.as_ref().unwrap_or(&Value::Null), base)
}

pub(super) fn working_directory(exec: &ExecAction, base: &Path) -> PathBuf {
    exec.cwd.as_ref().map_or_else(|| base.to_owned(), |cwd| base.join(cwd))
}

fn find_program(program: &str, cwd: &Path, exec: &ExecAction) -> Option<PathBuf> {
    if program.contains('/') {
        let path = cwd.join(program);
        return is_executable(&path).then_some(path);
    }
    let path = exec.env.get("PATH").map(std::ffi::OsString::from).or_else(|| std::env::var_os("PATH"))?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}
