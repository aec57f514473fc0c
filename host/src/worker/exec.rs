//! One process from start to end: its group, its output, its time, its lease.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use sluice_api::run::ExecAction;

use super::action::working_directory;
use super::scratch::Scratch;
use crate::engine::{Engine, EngineError, FinishStatus, HeldRun, OutputPart};

/// Time between asking a process group to end and killing it.
const GRACE: Duration = Duration::from_secs(2);
/// Renewals tried in the time one lease lasts; each also learns whether the run is to stop.
const BEATS: u32 = 16;
/// Time output may wait for more before it is told.
const TELL_AFTER: Duration = Duration::from_millis(100);
/// Most lines told at once.
const LINES_PER_BATCH: usize = 256;
/// Longest line, in bytes; a longer one is told in pieces.
const LINE_MAX_BYTES: u64 = 16 * 1024;
/// Most output told of one run, in bytes (1 MiB); the rest is counted.
const OUTPUT_MAX_BYTES: usize = 1024 * 1024;

/// How a process came to its end.
pub(super) enum Ended {
    /// It exited, or was killed for its time or by request.
    Exited(Exited),
    /// The run went on without this worker; the process was killed.
    Lost,
}

/// A process that is no more.
pub(super) struct Exited {
    pub(super) status: FinishStatus,
    pub(super) summary: String,
    /// Standard output, at most [`OUTPUT_MAX_BYTES`].
    pub(super) output: String,
}

/// Why a process is stopped.
enum Stop {
    TimeOut,
    Canceled,
    Lost,
}

/// A process group that dies with this value, whatever its members are doing.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(pid) = self.0 {
            // It fails only when nobody is left in the group.
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
    }
}

/// Carries an action out.
pub(super) async fn run(
    engine: &Engine,
    held: &HeldRun,
    action: &ExecAction,
    base: &Path,
    scratch: &Scratch,
    lease: Duration,
) -> Ended {
    let mut child = match spawn(held, action, base, scratch) {
        Ok(child) => child,
        Err(error) => {
            let summary = format!("could not start `{}`: {error}", action.argv[0]);
            return Ended::Exited(Exited { status: FinishStatus::Failed, summary, output: String::new() });
        }
    };
    let group = Group(child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)));
    feed(&mut child, scratch.run_json.clone());
    if let Err(error) = engine.note_started(held).await {
        tracing::debug!(run_id = %held.run.id, %error, "the start of a run was not told");
    }
    let (lines, told) = mpsc::channel(LINES_PER_BATCH);
    let readers = [
        child.stdout.take().map(|out| tokio::spawn(read_lines(out, "stdout", lines.clone()))),
        child.stderr.take().map(|err| tokio::spawn(read_lines(err, "stderr", lines.clone()))),
    ];
    drop(lines);
    let teller = tokio::spawn(tell(engine.clone(), held.clone(), told));

    let waited = tokio::select! {
        exited = child.wait() => Ok(exited),
        stop = watch(engine, held, Duration::from_millis(action.timeout_ms), lease) => Err(stop),
    };
    let (status, stop) = match waited {
        Ok(exited) => (exited, None),
        Err(stop) => (end(&mut child, &group).await, Some(stop)),
    };
    // Whatever it left behind in its group would hold its output open, and is over with it.
    drop(group);
    for reader in readers.into_iter().flatten() {
        let _ = reader.await;
    }
    let output = teller.await.unwrap_or_default();
    let (status, summary) = match (stop, status) {
        (Some(Stop::Lost), _) => return Ended::Lost,
        (Some(Stop::Canceled), _) => (FinishStatus::Canceled, "stopped by request".to_owned()),
        (Some(Stop::TimeOut), _) => {
            (FinishStatus::Failed, format!("killed after its time-out of {} ms", action.timeout_ms))
        }
        (None, Ok(exit)) if exit.success() => (FinishStatus::Succeeded, "exited with 0".to_owned()),
        (None, Ok(exit)) => (FinishStatus::Failed, describe(exit)),
        (None, Err(error)) => (FinishStatus::Failed, format!("could not be waited for: {error}")),
    };
    Ended::Exited(Exited { status, summary, output })
}

fn describe(exit: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (exit.code(), exit.signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

fn spawn(held: &HeldRun, action: &ExecAction, base: &Path, scratch: &Scratch) -> std::io::Result<Child> {
    let mut command = Command::new(&action.argv[0]);
    command
        .args(&action.argv[1..])
        .envs(&action.env)
        .current_dir(working_directory(action, base))
        .env("SLUICE_RUN_ID", held.run.id.as_str())
        .env("SLUICE_MISSION_ID", held.run.mission_id.as_str())
        .env("SLUICE_WORK_ITEM_ID", held.run.work_item_id.as_ref().map_or("", |id| id.as_str()))
        .env("SLUICE_ATTEMPT", held.run.attempt.to_string())
        .env("SLUICE_RUN", scratch.root.join("run.json"))
        .env("SLUICE_ARTIFACTS", scratch.root.join("artifacts"))
        .env("SLUICE_INPUTS", scratch.root.join("inputs"))
        .env("SLUICE_SCRATCH", scratch.root.join("work"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command.spawn()
}

/// Gives the process its run; one that does not read is none the worse for it.
fn feed(child: &mut Child, run_json: Vec<u8>) {
    if let Some(mut stdin) = child.stdin.take() {
        tokio::spawn(async move {
            let _ = stdin.write_all(&run_json).await;
        });
    }
}

/// Returns when the process has to be stopped. Renews the lease meanwhile.
async fn watch(engine: &Engine, held: &HeldRun, timeout: Duration, lease: Duration) -> Stop {
    let deadline = tokio::time::sleep(timeout);
    let mut beat = tokio::time::interval(lease / BEATS);
    let mut since_renewal = 0_u32;
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            () = &mut deadline => return Stop::TimeOut,
            _ = beat.tick() => {}
        }
        since_renewal += 1;
        let lease_ms = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
        match engine.renew_lease(&held.run.id, held.fence, lease_ms).await {
            Ok(false) => since_renewal = 0,
            Ok(true) => return Stop::Canceled,
            Err(EngineError::LeaseLost { .. } | EngineError::NotFound { .. }) => return Stop::Lost,
            // Storage is away: the lease holds for a while, and then somebody else may have it.
            Err(_) if since_renewal < BEATS - 1 => {}
            Err(_) => return Stop::Lost,
        }
    }
}

/// Asks the group to end, and kills it when it does not.
async fn end(child: &mut Child, group: &Group) -> std::io::Result<std::process::ExitStatus> {
    group.signal(rustix::process::Signal::TERM);
    if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
        return status;
    }
    group.signal(rustix::process::Signal::KILL);
    child.wait().await
}

struct Line {
    stream: &'static str,
    text: String,
}

async fn read_lines(from: impl AsyncRead + Unpin, stream: &'static str, lines: mpsc::Sender<Line>) {
    let mut reader = BufReader::new(from);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let read = (&mut reader).take(LINE_MAX_BYTES).read_until(b'\n', &mut buffer).await;
        if !matches!(read, Ok(count) if count > 0) {
            return;
        }
        let text = String::from_utf8_lossy(&buffer).trim_end_matches(['\n', '\r']).replace('\0', "\u{fffd}");
        if lines.send(Line { stream, text }).await.is_err() {
            return;
        }
    }
}

/// Tells lines in batches, and returns what came on standard output.
async fn tell(engine: Engine, held: HeldRun, mut lines: mpsc::Receiver<Line>) -> String {
    let mut output = String::new();
    let (mut told_bytes, mut dropped) = (0, 0_u64);
    while let Some(first) = lines.recv().await {
        let mut batch = vec![first];
        let wait = tokio::time::sleep(TELL_AFTER);
        tokio::pin!(wait);
        while batch.len() < LINES_PER_BATCH {
            tokio::select! {
                () = &mut wait => break,
                next = lines.recv() => match next {
                    Some(line) => batch.push(line),
                    None => break,
                },
            }
        }
        let mut parts = Vec::new();
        for line in batch {
            if line.stream == "stdout" && output.len() + line.text.len() < OUTPUT_MAX_BYTES {
                output.push_str(&line.text);
                output.push('\n');
            }
            told_bytes += line.text.len();
            if told_bytes > OUTPUT_MAX_BYTES {
                dropped += 1;
                continue;
            }
            parts.push(OutputPart { part: json!({"type": "text", "stream": line.stream, "text": line.text}) });
        }
        append(&engine, &held, &parts).await;
    }
    if dropped > 0 {
        let text = format!("[{dropped} more lines were not kept]");
        append(&engine, &held, &[OutputPart { part: json!({"type": "text", "stream": "worker", "text": text}) }]).await;
    }
    output
}

/// Output is told at most once: a line that cannot be told now is not worth a run.
async fn append(engine: &Engine, held: &HeldRun, parts: &[OutputPart]) {
    if parts.is_empty() {
        return;
    }
    if let Err(error) = engine.append_output(held, parts).await {
        tracing::debug!(run_id = %held.run.id, %error, "output of a run was not kept");
    }
}
