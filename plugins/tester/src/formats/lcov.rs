//! lcov tracefiles: line and branch coverage.
//!
//! Owns which numbers are believed: the records of lines and branches, else a file's totals.

use super::LineParser;
use super::lines::Line;
use crate::report::{Event, Sink, malformed};

/// The parser.
#[derive(Debug, Default)]
pub(super) struct Lcov {
    lines: (u64, u64),
    branches: (u64, u64),
    /// The source file whose record is open.
    file: Option<File>,
    files: u64,
    /// Whether an error was told: one is enough.
    is_broken: bool,
}

#[derive(Debug, Default)]
struct File {
    lines: (u64, u64),
    branches: (u64, u64),
    /// `LH` and `LF`, `BRH` and `BRF`.
    line_totals: (Option<u64>, Option<u64>),
    branch_totals: (Option<u64>, Option<u64>),
}

impl File {
    fn totals(listed: (u64, u64), totals: (Option<u64>, Option<u64>)) -> (u64, u64) {
        match (listed, totals) {
            ((_, 0), (Some(hit), Some(found))) => (hit, found),
            (listed, _) => listed,
        }
    }
}

impl LineParser for Lcov {
    const LINE_MAX_BYTES: usize = 16 * 1024;

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let text = line.text.trim_ascii();
        if text.is_empty() || text[0] == b'#' {
            return;
        }
        if self.take(text).is_none() {
            self.broken(Some(line.number), "a record cannot be read", sink);
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        if self.file.is_some() {
            self.broken(None, "it ends before the record of its last file does", sink);
        } else if self.files == 0 {
            self.broken(None, "it holds no file", sink);
        }
        if self.lines.0 > self.lines.1 || self.branches.0 > self.branches.1 {
            self.broken(None, "it counts more hits than there are", sink);
            return;
        }
        sink.on(Event::Lines(self.lines.0, self.lines.1));
        if self.branches.1 > 0 {
            sink.on(Event::Branches(self.branches.0, self.branches.1));
        }
    }
}

impl Lcov {
    /// Takes one record; none when it cannot be read here.
    fn take(&mut self, text: &[u8]) -> Option<()> {
        if text == b"end_of_record" {
            let file = self.file.take()?;
            let lines = File::totals(file.lines, file.line_totals);
            let branches = File::totals(file.branches, file.branch_totals);
            self.lines = (self.lines.0.saturating_add(lines.0), self.lines.1.saturating_add(lines.1));
            self.branches = (self.branches.0.saturating_add(branches.0), self.branches.1.saturating_add(branches.1));
            return Some(());
        }
        let text = String::from_utf8_lossy(text);
        let (key, value) = text.split_once(':')?;
        if key == "SF" {
            if self.file.is_some() {
                return None;
            }
            self.file = Some(File::default());
            self.files += 1;
            return Some(());
        }
        match key {
            "DA" => {
                let mut parts = value.split(',');
                parts.next()?.trim().parse::<u64>().ok()?;
                let file = self.file.as_mut()?;
                file.lines.0 += u64::from(is_hit(parts.next()?)?);
                file.lines.1 += 1;
            }
            "BRDA" => {
                let taken = value.rsplit(',').next()?.trim();
                if value.split(',').count() < 4 {
                    return None;
                }
                let file = self.file.as_mut()?;
                file.branches.0 += u64::from(taken != "-" && is_hit(taken)?);
                file.branches.1 += 1;
            }
            "LF" => self.file.as_mut()?.line_totals.1 = Some(value.trim().parse().ok()?),
            "LH" => self.file.as_mut()?.line_totals.0 = Some(value.trim().parse().ok()?),
            "BRF" => self.file.as_mut()?.branch_totals.1 = Some(value.trim().parse().ok()?),
            "BRH" => self.file.as_mut()?.branch_totals.0 = Some(value.trim().parse().ok()?),
            // Names, functions, versions, and what later versions add.
            _ if key.len() <= 8 && key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) => {}
            _ => return None,
        }
        Some(())
    }

    fn broken(&mut self, line: Option<u64>, reason: &str, sink: &mut dyn Sink) {
        if !self.is_broken {
            self.is_broken = true;
            malformed(sink, line, reason);
        }
    }
}

/// Whether a count says that the line ran. Counts may be huge, and negative by an old bug of gcov.
fn is_hit(count: &str) -> Option<bool> {
    let count = count.trim();
    let digits = count.strip_prefix('-').unwrap_or(count);
    let is_number =
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'e' || b == b'+');
    is_number.then(|| !count.starts_with('-') && digits.bytes().any(|b| (b'1'..=b'9').contains(&b)))
}
