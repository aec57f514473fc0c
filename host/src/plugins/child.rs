//! The child that compiles a component for [`super::apart`]: reads it, compiles it, calls it for the first time,
//! and answers. Its limits are set before it reads a byte of what somebody uploaded; it has no
//! environment.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;

use super::apart::Head;
use super::inspect::COMPONENT_BYTES_MAX;
use super::{Limits, LoadError, PluginHost, PluginHostOptions};
use crate::clock::SystemClock;

/// What a child is asked to do, and what it may use.
#[derive(Debug, Clone, Copy)]
pub struct ChildTask {
    /// Processor time in seconds.
    pub cpu_s: u64,
    /// Bytes of memory beyond what it has before it reads.
    pub memory_bytes: u64,
    /// Whether it calls the component.
    pub calls: bool,
}

/// Seconds between the signal that tells of the end of its processor time and the one that ends it.
const CPU_GRACE_S: u64 = 2;

/// Largest file it may write: the first contents of memories lie in files without a name.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Does the child's work from `input` to `output`.
///
/// # Errors
/// Only when it cannot be spoken to, or cannot limit itself; what is wrong with the component is its answer.
pub fn serve(task: ChildTask, input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let options = PluginHostOptions {
        cache_dir: None,
        limits: Limits::default(),
        clock: Arc::new(SystemClock::new()),
        compiler: None,
    };
    let host = PluginHost::new(options).map_err(io::Error::other)?;
    limit(task)?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to see that it is too large.
    input.take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    let (head, compiled) = match host.compile_here(&bytes, task.calls) {
        Ok((compiled, self_test)) => {
            let self_test = serde_json::from_str(self_test.as_str()).unwrap_or(Value::Null);
            (Head { self_test, refused: None }, compiled)
        }
        Err(error) => {
            let words = super::host::with_cause(&error);
            (Head { self_test: Value::Null, refused: Some((stage_of(&error).to_owned(), words)) }, Vec::new())
        }
    };
    serde_json::to_writer(&mut *output, &head).map_err(io::Error::other)?;
    output.write_all(b"\n")?;
    output.write_all(&compiled)?;
    output.flush()
}

/// Where a component fell through.
pub(super) fn stage_of(error: &LoadError) -> &'static str {
    match error {
        LoadError::Compile(_) => "compile",
        LoadError::FirstCall { .. } => "self_test",
        _ => "load",
    }
}

/// Limits this process: what it has now is not counted.
fn limit(task: ChildTask) -> io::Result<()> {
    set(Resource::Cpu, task.cpu_s, task.cpu_s + CPU_GRACE_S)?;
    set(Resource::Core, 0, 0)?;
    set(Resource::Fsize, FILE_BYTES_MAX, FILE_BYTES_MAX)?;
    // Address space is what the system limits; where nobody tells how much there is, the clock alone does.
    if let Some(present) = address_space() {
        let bytes = present.saturating_add(task.memory_bytes);
        set(Resource::As, bytes, bytes)?;
    }
    Ok(())
}

fn set(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
    // Nobody but root raises a maximum.
    let allowed = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Rlimit { current: Some(current.min(allowed)), maximum: Some(maximum.min(allowed)) };
    Ok(setrlimit(resource, limit)?)
}

/// Bytes of address space this process has.
fn address_space() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
