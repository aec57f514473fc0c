//! What a process says: read in lines, told in batches, kept for the end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::sync::mpsc;

use super::port::{Coordinator, Held};

/// Time output may wait for more before it is told.
const TELL_AFTER: Duration = Duration::from_millis(100);
/// Most lines told at once.
pub(super) const LINES_PER_BATCH: usize = 256;
/// Most bytes told at once (256 KiB): written as JSON they may become six times as many.
const BATCH_MAX_BYTES: usize = 256 * 1024;
/// Longest line, in bytes; a longer one is told in pieces. Six times as many, as JSON, are still
/// one part's 64 KiB.
const LINE_MAX_BYTES: u64 = 10 * 1024;
/// Most output told of one run, in bytes (1 MiB); the rest is counted.
const OUTPUT_MAX_BYTES: usize = 1024 * 1024;

/// A line a process said.
pub(super) struct Line {
    stream: &'static str,
    text: String,
}

/// What is kept of a process's output.
#[derive(Default)]
pub(super) struct Kept {
    /// Standard output, at most [`OUTPUT_MAX_BYTES`].
    pub(super) output: String,
    /// The last line that says anything, of standard output before that of standard error.
    pub(super) last_line: Option<String>,
}

/// Reads one stream to its end.
pub(super) async fn read_lines(from: impl AsyncRead + Unpin, stream: &'static str, lines: mpsc::Sender<Line>) {
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

/// Tells lines in batches until there are no more.
pub(super) async fn tell<C: Coordinator>(coordinator: Arc<C>, held: Held<C>, mut lines: mpsc::Receiver<Line>) -> Kept {
    let mut kept = Kept::default();
    let mut last_error_line = None;
    let (mut told_bytes, mut dropped) = (0, 0_u64);
    while let Some(batch) = next_batch(&mut lines).await {
        let mut parts = Vec::new();
        for line in batch {
            let is_output = line.stream == "stdout";
            if !line.text.trim().is_empty() {
                let last = if is_output { &mut kept.last_line } else { &mut last_error_line };
                *last = Some(line.text.trim().to_owned());
            }
            if is_output && kept.output.len() + line.text.len() < OUTPUT_MAX_BYTES {
                kept.output.push_str(&line.text);
                kept.output.push('\n');
            }
            told_bytes += line.text.len();
            if told_bytes > OUTPUT_MAX_BYTES {
                dropped += 1;
                continue;
            }
            parts.push(json!({"type": "text", "stream": line.stream, "text": line.text}));
        }
        tell_parts(&*coordinator, &held, parts).await;
    }
    if dropped > 0 {
        let text = format!("[{dropped} more lines were not kept]");
        tell_parts(&*coordinator, &held, vec![json!({"type": "text", "stream": "worker", "text": text})]).await;
    }
    kept.last_line = kept.last_line.or(last_error_line);
    kept
}

/// What was said within a moment; `None` when nothing more will be.
async fn next_batch(lines: &mut mpsc::Receiver<Line>) -> Option<Vec<Line>> {
    let first = lines.recv().await?;
    let mut bytes = first.text.len();
    let mut batch = vec![first];
    let wait = tokio::time::sleep(TELL_AFTER);
    tokio::pin!(wait);
    while batch.len() < LINES_PER_BATCH && bytes < BATCH_MAX_BYTES {
        tokio::select! {
            () = &mut wait => break,
            next = lines.recv() => match next {
                Some(line) => {
                    bytes += line.text.len();
                    batch.push(line);
                }
                None => break,
            },
        }
    }
    Some(batch)
}

/// Output is told at most once: a line that cannot be told now is not worth a run.
async fn tell_parts<C: Coordinator>(coordinator: &C, held: &Held<C>, parts: Vec<Value>) {
    if parts.is_empty() {
        return;
    }
    if let Err(error) = coordinator.tell(held, parts).await {
        tracing::debug!(run_id = %held.run.id, %error, "output of a run was not kept");
    }
}
