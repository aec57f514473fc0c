//! The log of one call: what a plugin said with `log`, and what it wrote to WASI's stdout and
//! stderr. Bounded, and never a reason for a call to fail.

use super::failure::cut;
use crate::engine::ports::LogLine;

/// Most bytes of one line (`wit/plugin-0.1/log.wit`).
pub const LINE_BYTES_MAX: usize = 4_096;

/// Most lines of one call (`wit/plugin-0.1/log.wit`).
pub const LINES_MAX: usize = 256;

/// The log of one call.
#[derive(Default)]
pub(super) struct PluginLog {
    lines: Vec<LogLine>,
    dropped: u64,
}

impl PluginLog {
    /// Adds a line, or counts it when there are enough.
    pub(super) fn add(&mut self, level: &'static str, message: &str) {
        if self.lines.len() < LINES_MAX {
            self.lines.push(LogLine { level, message: cut(message, LINE_BYTES_MAX).to_owned() });
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// The lines, and how many were dropped.
    pub(super) fn finish(self) -> (Vec<LogLine>, u64) {
        (self.lines, self.dropped)
    }
}
