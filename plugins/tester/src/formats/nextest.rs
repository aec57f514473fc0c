//! What `cargo nextest run` prints.
//!
//! Owns the reading of status lines and the reconciliation with the summary. Attempts of one test
//! are one test: it is flaky when a later attempt passes, and failed when none does.

use super::lines::Line;
use super::text::{collect, leading_number, without_colours};
use super::{LineParser, place};
use crate::report::{Case, Event, Sink, Status, malformed, seconds};
use std::collections::BTreeMap;

/// Most tests whose failed attempts are remembered at a time.
const RETRIED_MAX: usize = 10_000;

/// The parser.
#[derive(Debug, Default)]
pub(super) struct Nextest {
    has_started: bool,
    is_summarized: bool,
    failed: u64,
    passed: u64,
    skipped: u64,
    /// The failure whose output may follow.
    pending: Option<Pending>,
    /// Tests whose attempts so far failed, with what the last one said.
    retried: BTreeMap<(String, String), String>,
}

#[derive(Debug)]
struct Pending {
    suite: String,
    name: String,
    status: Status,
    /// Whether another attempt may follow.
    is_attempt: bool,
    words: String,
}

/// One status line.
#[derive(Debug, PartialEq, Eq)]
struct StatusLine<'a> {
    word: &'a str,
    /// Which attempt it was, when there is more than one.
    attempt: Option<u64>,
    suite: &'a str,
    name: &'a str,
}

impl LineParser for Nextest {
    const LINE_MAX_BYTES: usize = 16 * 1024;

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let plain = without_colours(line.text);
        let text = String::from_utf8_lossy(&plain);
        let trimmed = text.trim();
        if self.is_summarized {
            // The failures are listed once more.
            return;
        }
        if trimmed.starts_with("Starting ") && trimmed.contains(" across ") {
            self.has_started = true;
        } else if let Some(summary) = trimmed.strip_prefix("Summary [") {
            self.flush(sink);
            self.summary(summary, line.number, sink);
        } else if let Some(status) = StatusLine::parse(trimmed).filter(|_| text.starts_with(' ')) {
            self.flush(sink);
            self.status(&status, sink);
        } else if let Some(pending) = &mut self.pending
            && !trimmed.is_empty()
            && !trimmed.chars().all(|character| matches!(character, '─' | '-' | '='))
        {
            collect(&mut pending.words, trimmed);
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        self.flush(sink);
        if !self.is_summarized {
            self.tell_retried(sink);
            malformed(sink, None, "it has no summary, so it is cut off");
        }
    }
}

impl Nextest {
    fn status(&mut self, status: &StatusLine<'_>, sink: &mut dyn Sink) {
        let key = || (status.suite.to_owned(), status.name.to_owned());
        match status.word {
            "PASS" | "LEAK" => {
                let words = self.retried.remove(&key());
                self.passed += 1;
                sink.on(Event::Case(Case {
                    flaky: words.is_some() || status.attempt.is_some_and(|attempt| attempt > 1),
                    message: words.as_deref().unwrap_or_default(),
                    ..Case::new(status.suite, status.name, Status::Passed)
                }));
            }
            "SKIP" => {
                self.skipped += 1;
                sink.on(Event::Case(Case::new(status.suite, status.name, Status::Skipped)));
            }
            word if is_failure(word) => {
                self.pending = Some(Pending {
                    suite: status.suite.to_owned(),
                    name: status.name.to_owned(),
                    status: if word.starts_with("FAIL") || word.starts_with("LEAK") {
                        Status::Failed
                    } else {
                        Status::Errored
                    },
                    is_attempt: status.attempt.is_some(),
                    words: String::new(),
                });
            }
            // `SLOW`, `RETRY`, `START` tell of what is still to come.
            _ => {}
        }
    }

    fn flush(&mut self, sink: &mut dyn Sink) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        if pending.is_attempt && self.retried.len() < RETRIED_MAX {
            self.retried.insert((pending.suite, pending.name), pending.words);
            return;
        }
        self.tell_failure(&pending.suite, &pending.name, pending.status, &pending.words, sink);
    }

    fn tell_failure(&mut self, suite: &str, name: &str, status: Status, words: &str, sink: &mut dyn Sink) {
        self.failed += 1;
        let found = place::find(words);
        sink.on(Event::Case(Case {
            message: words,
            path: found.map(|(path, _)| path),
            line: found.map(|(_, line)| line),
            ..Case::new(suite, name, status)
        }));
    }

    /// What was tried and never passed has failed.
    fn tell_retried(&mut self, sink: &mut dyn Sink) {
        for ((suite, name), words) in std::mem::take(&mut self.retried) {
            self.tell_failure(&suite, &name, Status::Failed, &words, sink);
        }
    }

    /// `   0.012s] 3 tests run: 2 passed (1 flaky), 1 failed, 0 skipped`
    fn summary(&mut self, text: &str, line: u64, sink: &mut dyn Sink) {
        self.is_summarized = true;
        self.tell_retried(sink);
        let Some((time, rest)) = text.split_once(']') else {
            malformed(sink, Some(line), "its summary cannot be read");
            return;
        };
        if let Some(seconds) = seconds(time.trim().trim_end_matches('s')) {
            sink.on(Event::Duration(seconds));
        }
        let rest = rest.trim();
        let Some((run, after)) = leading_number(rest) else {
            malformed(sink, Some(line), "its summary cannot be read");
            return;
        };
        // `2/3 tests run` stands for a run that was given up.
        if let Some((planned, _)) =
            after.strip_prefix('/').and_then(leading_number).filter(|(planned, _)| *planned != run)
        {
            malformed(sink, Some(line), format!("{run} of {planned} tests were run before it was given up"));
        }
        let counts = rest.split_once(':').map_or("", |(_, counts)| counts);
        let count = |words: &[&str]| {
            let parts = counts.split([',', '(']).map(|part| part.trim().trim_end_matches(')'));
            parts
                .filter_map(leading_number)
                .filter(|(_, what)| words.contains(&what.trim()))
                .fold(0_u64, |sum, (count, _)| sum.saturating_add(count))
        };
        let failed = count(&["failed", "timed out", "exec failed", "failed to execute"]);
        let failed = failed.saturating_sub(self.failed);
        // Passed tests may be kept from the list by `--status-level`.
        let passed = count(&["passed"]).saturating_sub(self.passed);
        let skipped = count(&["skipped"]).saturating_sub(self.skipped);
        if passed > 0 || failed > 0 || skipped > 0 {
            sink.on(Event::Counted { suite: "", class: "", passed, failed, skipped });
        }
    }
}

impl<'a> StatusLine<'a> {
    /// Reads `PASS [   0.005s] (1/3) package::binary module::test`, with `TRY 2 ` before it for a
    /// later attempt.
    fn parse(text: &'a str) -> Option<Self> {
        let (head, rest) = text.split_once('[')?;
        let (_, rest) = rest.split_once(']')?;
        let head = head.trim();
        let (attempt, word) = match head.strip_prefix("TRY ").and_then(leading_number) {
            Some((attempt, word)) => (Some(attempt), word.trim()),
            None => (None, head),
        };
        let is_word = !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'+' | b' '));
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('(').and_then(|counter| counter.split_once(')')) {
            Some((counter, rest))
                if counter.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b' ' | b'-' | b'\xe2'..)) =>
            {
                rest
            }
            _ => rest,
        };
        let (suite, name) = rest.trim().split_once(' ')?;
        (is_word && !name.trim().is_empty()).then_some(Self { word, attempt, suite, name: name.trim() })
    }
}

fn is_failure(word: &str) -> bool {
    ["FAIL", "LEAK-FAIL", "TIMEOUT", "TMT", "ABORT", "SIG", "XFAIL", "EXECFAIL", "FLKY-FL"]
        .iter()
        .any(|start| word.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::StatusLine;

    #[test]
    fn status_lines_are_read() {
        let read = |text| StatusLine::parse(text).map(|line| (line.word, line.attempt, line.suite, line.name));
        assert_eq!(read("PASS [   0.005s] app tests::a"), Some(("PASS", None, "app", "tests::a")));
        assert_eq!(read("PASS [   0.005s] (1/3) app::cli a b"), Some(("PASS", None, "app::cli", "a b")));
        assert_eq!(read("TRY 2 FAIL [   0.005s] ( 2/10) app t"), Some(("FAIL", Some(2), "app", "t")));
        assert_eq!(read("SIGSEGV [   0.1s] app t"), Some(("SIGSEGV", None, "app", "t")));
        assert_eq!(read("assertion [left] right"), None);
        assert_eq!(read("PASS [ 0.1s] app"), None);
    }
}
