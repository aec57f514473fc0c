//! Compiles a component apart from this process: in a child of the same program, under limits of processor time,
//! memory and time, so that bytes somebody uploaded can neither hold the host up nor bring it down.
//!
//! What the child does is [`super::child`]'s. It is always waited for: a child that goes over a limit is killed and
//! reaped before its answer is given up.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::LoadError;
use crate::domain::json::Json;

/// The hidden command by which the program is its own child.
pub const COMMAND: &str = "compile-component";

/// Longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 256 * 1024;
/// Most of what a child says on its way, in bytes.
const WORDS_BYTES_MAX: u64 = 4 * 1024;
/// Largest compiled component that is taken, in bytes.
const COMPILED_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// What a child may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Processor time over all cores, in whole seconds. A component of 12 MB takes about twenty.
    pub cpu: Duration,
    /// Time from its start to its end.
    pub wall: Duration,
    /// Bytes of memory beyond what it has when it begins to read the component.
    pub memory_bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { cpu: Duration::from_mins(2), wall: Duration::from_mins(2), memory_bytes: 4 * 1024 * 1024 * 1024 }
    }
}

/// The program that compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// This program, or another of the same version.
    pub program: PathBuf,
    /// What it may use.
    pub limits: CompileLimits,
}

/// What a child made.
pub(super) struct Made {
    /// The compiled component.
    pub(super) compiled: Vec<u8>,
    /// What came of its first calls, when they were asked for.
    pub(super) self_test: Json,
}

/// Why a child made nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApartError {
    /// It could not be started, or spoken to.
    #[error("{what} the process that compiles plugins")]
    Io {
        /// `start`, ...
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It did not end in time.
    #[error("the component was not compiled and tried within {} s; a smaller one may be", .0.as_secs())]
    OverTime(Duration),
    /// It used more processor time than it may.
    #[error("compiling and trying the component took more than {} s of processor time", .0.as_secs())]
    OverCpu(Duration),
    /// It ended without an answer, which is what wanting too much memory looks like.
    #[error(
        "the compiler broke off ({how}); the component needs more than the {memory_bytes} bytes it may, or breaks it"
    )]
    BrokeOff {
        /// What was seen of it.
        how: String,
        /// Memory it might use.
        memory_bytes: u64,
    },
    /// It found something wrong with the component.
    #[error("{message}")]
    Refused {
        /// `load`, `compile` or `self_test`.
        stage: String,
        /// What, and what to do.
        message: String,
    },
}

/// The first line of an answer; the compiled component follows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// What came of the first calls.
    #[serde(default)]
    pub(super) self_test: Value,
    /// What is wrong with the component: stage and words.
    #[serde(default)]
    pub(super) refused: Option<(String, String)>,
}

impl Compiler {
    /// Has `bytes` compiled, and called for the first time if `calls` says so.
    ///
    /// # Errors
    /// [`LoadError::Apart`].
    pub(super) fn make(&self, bytes: &[u8], calls: bool) -> Result<Made, LoadError> {
        self.run(bytes, calls).map_err(LoadError::Apart)
    }

    fn run(&self, bytes: &[u8], calls: bool) -> Result<Made, ApartError> {
        let mut command = Command::new(&self.program);
        command
            .arg(COMMAND)
            .args(["--cpu-s", &self.limits.cpu.as_secs().max(1).to_string()])
            .args(["--memory-bytes", &self.limits.memory_bytes.to_string()])
            .args(calls.then_some("--calls"))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| ApartError::Io { what: "start", source })?;
        Running(child).finish(self, bytes)
    }
}

/// A child, which is dead and reaped once this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be over already, and is reaped then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn finish(mut self, compiler: &Compiler, bytes: &[u8]) -> Result<Made, ApartError> {
        let (stdin, stdout, stderr) = (self.0.stdin.take(), self.0.stdout.take(), self.0.stderr.take());
        let (answered, answer) = mpsc::channel();
        std::thread::scope(|scope| {
            // A child that ends early closes its end; what is wrong with it is seen in its answer.
            scope.spawn(move || stdin.map(|stdin| feed(stdin, bytes)));
            scope.spawn(move || {
                // Whoever waited may have given up.
                let _ = answered.send(stdout.map(read));
            });
            let words = scope.spawn(move || {
                let mut words = Vec::new();
                let _ = stderr.map(|stderr| stderr.take(WORDS_BYTES_MAX).read_to_end(&mut words));
                String::from_utf8_lossy(&words).trim().replace('\n', " ")
            });
            let answer = answer.recv_timeout(compiler.limits.wall);
            if answer.is_err() {
                let _ = self.0.kill();
            }
            let ended = self.0.wait().map_err(|source| ApartError::Io { what: "wait for", source })?;
            let words = words.join().unwrap_or_default();
            match answer {
                Err(RecvTimeoutError::Timeout) => Err(ApartError::OverTime(compiler.limits.wall)),
                Ok(Some(Ok(Some((head, code))))) => made(head, code),
                Ok(Some(Err(source))) => Err(ApartError::Io { what: "read from", source }),
                Ok(_) | Err(RecvTimeoutError::Disconnected) => Err(broke_off(compiler, ended, &words)),
            }
        })
    }
}

fn feed(mut stdin: ChildStdin, bytes: &[u8]) -> io::Result<()> {
    stdin.write_all(bytes)
}

/// Head and compiled component; `None` when it broke off.
fn read(stdout: ChildStdout) -> io::Result<Option<(Head, Vec<u8>)>> {
    let mut all = Vec::new();
    stdout.take(COMPILED_BYTES_MAX).read_to_end(&mut all)?;
    let Some(end) = all.iter().take(HEAD_BYTES_MAX).position(|byte| *byte == b'\n') else { return Ok(None) };
    let compiled = all.split_off(end + 1);
    Ok(serde_json::from_slice(&all).ok().map(|head| (head, compiled)))
}

fn made(head: Head, compiled: Vec<u8>) -> Result<Made, ApartError> {
    match head.refused {
        Some((stage, message)) => Err(ApartError::Refused { stage, message }),
        None => Ok(Made { compiled, self_test: Json::from_valid(head.self_test.to_string()) }),
    }
}

fn broke_off(compiler: &Compiler, ended: ExitStatus, words: &str) -> ApartError {
    // The first is what the kernel sends at the limit, the second what it sends a little later.
    if matches!(ended.signal(), Some(24 | 9)) {
        return ApartError::OverCpu(compiler.limits.cpu);
    }
    let how = if words.is_empty() { ended.to_string() } else { format!("{ended}: {words}") };
    ApartError::BrokeOff { how, memory_bytes: compiler.limits.memory_bytes }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// What comes of a child that does `script`.
    fn outcome(script: &str, wall_ms: u64) -> Result<Made, ApartError> {
        let directory = std::env::temp_dir().join(format!("sluice-apart-{}-{wall_ms}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let program = directory.join("child");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let limits = CompileLimits { wall: Duration::from_millis(wall_ms), ..CompileLimits::default() };
        let made = Compiler { program, limits }.run(&vec![7; 1 << 20], true);
        std::fs::remove_dir_all(&directory).unwrap();
        made
    }

    #[test]
    fn a_child_that_hangs_or_dies_is_no_answer() {
        assert!(matches!(outcome("exec /bin/sleep 600", 300), Err(ApartError::OverTime(_))));
        let broken = outcome("echo out of memory >&2; exit 3", 20_001);
        assert!(matches!(&broken, Err(ApartError::BrokeOff { how, .. }) if how.contains("out of memory")));
        assert!(matches!(outcome("kill -XCPU $$", 20_002), Err(ApartError::OverCpu(_))));
        assert!(matches!(outcome("echo nonsense", 20_003), Err(ApartError::BrokeOff { .. })));
    }

    #[test]
    fn what_a_child_answers_is_taken_apart() {
        let made = outcome("/bin/cat > /dev/null; printf '{\"self_test\":{\"a\":1}}\\ncode\\n'", 20_004).unwrap();
        assert_eq!((made.self_test.as_str(), made.compiled.as_slice()), ("{\"a\":1}", &b"code\n"[..]));
        let refused = outcome("printf '{\"refused\":[\"compile\",\"no\"]}\\n'", 20_005);
        assert!(matches!(refused, Err(ApartError::Refused { stage, .. }) if stage == "compile"));
    }
}
