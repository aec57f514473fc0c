//! What `cargo test -- -Z unstable-options --format json` prints, and nextest's `libtest-json`:
//! one JSON object a line.
//!
//! Owns the reconciliation of the tests listed with the numbers of their suite.

use super::lines::Line;
use super::{LineParser, place};
use crate::report::{Case, Event, Sink, Status, malformed};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Debug, Deserialize)]
struct Record<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    stdout: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    test_count: Option<u64>,
    passed: Option<u64>,
    failed: Option<u64>,
    ignored: Option<u64>,
    measured: Option<u64>,
    exec_time: Option<f64>,
    #[serde(borrow)]
    nextest: Option<NextestNote<'a>>,
}

/// What nextest adds to a suite.
#[derive(Debug, Deserialize)]
struct NextestNote<'a> {
    #[serde(rename = "crate", borrow, default)]
    package: Cow<'a, str>,
    #[serde(borrow, default)]
    test_binary: Cow<'a, str>,
}

/// The parser.
#[derive(Debug)]
pub(super) struct LibtestJson {
    fallback: String,
    suite: Option<Suite>,
    is_broken: bool,
}

#[derive(Debug, Default)]
struct Suite {
    name: String,
    announced: Option<u64>,
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl LibtestJson {
    pub(super) fn new(name: &str) -> Self {
        Self { fallback: name.to_owned(), suite: None, is_broken: false }
    }
}

impl LineParser for LibtestJson {
    const LINE_MAX_BYTES: usize = 1024 * 1024;

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let text = line.text.trim_ascii();
        if text.first() != Some(&b'{') {
            return;
        }
        let text = String::from_utf8_lossy(text);
        match serde_json::from_str::<Record<'_>>(&text) {
            Ok(record) => self.record(&record, line.number, sink),
            Err(_) => self.broken(Some(line.number), "a line is no record, or longer than 1 MiB", sink),
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        if self.suite.take().is_some() {
            self.broken(None, "it ends before its last suite does", sink);
        }
    }
}

impl LibtestJson {
    fn record(&mut self, record: &Record<'_>, line: u64, sink: &mut dyn Sink) {
        match (&*record.kind, &*record.event) {
            ("suite", "started") => {
                if self.suite.is_some() {
                    self.broken(Some(line), "a suite begins before the last one has ended", sink);
                }
                let name = record.nextest.as_ref().map_or(self.fallback.clone(), |note| {
                    if note.package == note.test_binary {
                        note.package.to_string()
                    } else {
                        format!("{}::{}", note.package, note.test_binary)
                    }
                });
                self.suite = Some(Suite { name, announced: record.test_count, ..Suite::default() });
            }
            ("suite", "ok" | "failed") => match self.suite.take() {
                Some(suite) => self.close(&suite, record, line, sink),
                None => self.broken(Some(line), "a suite ends that has not begun", sink),
            },
            ("test", "ok") | ("bench", _) => self.test(record, Status::Passed, line, sink),
            ("test", "failed") => self.test(record, Status::Failed, line, sink),
            ("test", "ignored") => self.test(record, Status::Skipped, line, sink),
            // `started`, `timeout` (a warning before the end), reports.
            _ => {}
        }
    }

    fn test(&mut self, record: &Record<'_>, status: Status, line: u64, sink: &mut dyn Sink) {
        let Some(suite) = &mut self.suite else {
            self.broken(Some(line), "a test stands outside of a suite", sink);
            return;
        };
        match status {
            Status::Passed => suite.passed += 1,
            Status::Skipped => suite.ignored += 1,
            Status::Failed | Status::Errored => suite.failed += 1,
        }
        // nextest writes `package::binary$module::test`.
        let name = record.name.split_once('$').map_or(&*record.name, |(_, name)| name);
        let message = if record.message.is_empty() { &record.stdout } else { &record.message };
        let found = place::find(&record.stdout).or_else(|| place::find(&record.message));
        sink.on(Event::Case(Case {
            message,
            path: found.map(|(path, _)| path),
            line: found.map(|(_, line)| line),
            ..Case::new(&suite.name, name, status)
        }));
    }

    fn close(&mut self, suite: &Suite, record: &Record<'_>, line: u64, sink: &mut dyn Sink) {
        let count = |number: Option<u64>| number.unwrap_or(0);
        let total = [record.passed, record.failed, record.ignored, record.measured]
            .into_iter()
            .map(count)
            .fold(0_u64, u64::saturating_add);
        if suite.announced.is_some_and(|announced| announced != total) {
            self.broken(Some(line), "a suite announced another number of tests than it has in its result", sink);
        }
        let listed = suite.passed + suite.failed + suite.ignored;
        if listed < total {
            self.broken(Some(line), "a suite counts more tests than it lists", sink);
        }
        let hidden = count(record.failed).saturating_sub(suite.failed);
        if hidden > 0 {
            sink.on(Event::Counted { suite: &suite.name, class: "", passed: 0, failed: hidden, skipped: 0 });
        }
        if record.event == "failed" && suite.failed == 0 && hidden == 0 {
            sink.on(Event::Case(Case::new(&suite.name, "(the suite itself)", Status::Failed)));
        }
        if let Some(seconds) = record.exec_time.filter(|seconds| seconds.is_finite() && *seconds >= 0.0) {
            sink.on(Event::Duration(seconds));
        }
    }

    fn broken(&mut self, line: Option<u64>, reason: &str, sink: &mut dyn Sink) {
        if !self.is_broken {
            self.is_broken = true;
            malformed(sink, line, reason);
        }
    }
}
