//! What `cargo test` prints: blocks of `running N tests` ... `test result: ...`, one for each test
//! binary, with cargo's own lines between them.
//!
//! Owns the reconciliation of what a block lists with what its result counts. A block without its
//! result was cut short: a crash, or a report that was cut off.

use super::lines::Line;
use super::text::{collect, leading_number, without_colours};
use super::{LineParser, place};
use crate::report::{Case, Event, Sink, Status, malformed, seconds};
use std::collections::BTreeMap;

/// Most failures of one binary whose words are kept.
const FAILURES_MAX: usize = 1_000;

/// The parser.
#[derive(Debug)]
pub(super) struct Libtest {
    fallback: String,
    suite: String,
    /// The source that cargo named for the binary: `src/lib.rs`, `tests/cli.rs`.
    source: String,
    block: Option<Block>,
    /// Errors of the compiler, until it is known that the build failed.
    build_output: String,
    is_building: bool,
}

/// One binary's tests.
#[derive(Debug, Default)]
struct Block {
    announced: u64,
    passed: u64,
    ignored: u64,
    /// Names and words of failures, in the order they failed.
    failed: Vec<String>,
    failed_beyond: u64,
    words: BTreeMap<String, String>,
    /// The failure whose output follows.
    section: Option<String>,
}

/// The numbers of a `test result:` line.
#[derive(Debug, Default)]
struct Totals {
    is_ok: bool,
    passed: u64,
    failed: u64,
    ignored: u64,
    measured: u64,
    seconds: Option<f64>,
}

impl Libtest {
    pub(super) fn new(name: &str) -> Self {
        Self {
            fallback: name.to_owned(),
            suite: name.to_owned(),
            source: String::new(),
            block: None,
            build_output: String::new(),
            is_building: false,
        }
    }
}

impl LineParser for Libtest {
    const LINE_MAX_BYTES: usize = 16 * 1024;

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let plain = without_colours(line.text);
        let text = String::from_utf8_lossy(&plain);
        if let Some(announced) = announced(&text) {
            self.cut_short(Some(line.number), sink);
            self.block = Some(Block { announced, ..Block::default() });
        } else if let Some(totals) = text.strip_prefix("test result: ").and_then(Totals::parse) {
            match self.block.take() {
                Some(block) => self.close(&block, &totals, line.number, sink),
                None => malformed(sink, Some(line.number), "a result stands without its tests"),
            }
        } else if let Some(block) = &mut self.block {
            if let Some((name, status)) = block.line(&text) {
                sink.on(Event::Case(Case { class: &self.source, ..Case::new(&self.suite, name, status) }));
            }
        } else {
            self.between(&text, sink);
        }
        if self.block.is_some() && text.trim_start().starts_with("process didn't exit successfully") {
            self.cut_short(Some(line.number), sink);
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        self.cut_short(None, sink);
        if self.is_building {
            self.build_failed(sink);
        }
    }
}

impl Libtest {
    /// A line of cargo's.
    fn between(&mut self, text: &str, sink: &mut dyn Sink) {
        let trimmed = text.trim_start();
        if let Some(target) = trimmed.strip_prefix("Running ") {
            self.target(target);
        } else if let Some(name) = trimmed.strip_prefix("Doc-tests ") {
            self.suite = format!("{} (doc)", name.trim());
            self.source.clear();
        } else if text.starts_with("error: could not compile") {
            self.build_failed(sink);
        } else if text.starts_with("error[E")
            || (text.starts_with("error: ")
                && !text.starts_with("error: test failed")
                && !text.contains("target failed"))
        {
            self.is_building = true;
            collect(&mut self.build_output, text);
        } else if self.is_building {
            collect(&mut self.build_output, text);
        }
    }

    /// `unittests src/lib.rs (target/debug/deps/name-0123456789abcdef)`
    fn target(&mut self, target: &str) {
        let (source, binary) = target.split_once(" (").unwrap_or((target, ""));
        source.trim_start_matches("unittests ").trim().clone_into(&mut self.source);
        let binary = binary.trim_end().trim_end_matches(')');
        let file = binary.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = file.trim_end_matches(".exe");
        let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
        let suite = if name.is_empty() { &self.source } else { name };
        suite.clone_into(&mut self.suite);
    }

    fn build_failed(&mut self, sink: &mut dyn Sink) {
        self.is_building = false;
        let message = std::mem::take(&mut self.build_output);
        let found = place::find(&message);
        sink.on(Event::Case(Case {
            message: &message,
            path: found.map(|(path, _)| path),
            line: found.map(|(_, line)| line),
            ..Case::new(&self.fallback, "(build)", Status::Errored)
        }));
    }

    fn cut_short(&mut self, line: Option<u64>, sink: &mut dyn Sink) {
        let Some(block) = self.block.take() else {
            return;
        };
        let reason = format!("the tests of {} have no result; they crashed, or the report is cut off", self.suite);
        self.tell_failures(&block, sink);
        self.tell_counted(0, block.failed_beyond, 0, sink);
        malformed(sink, line, reason);
    }

    fn close(&self, block: &Block, totals: &Totals, line: u64, sink: &mut dyn Sink) {
        let total = [totals.passed, totals.failed, totals.ignored, totals.measured]
            .iter()
            .fold(0_u64, |sum, count| sum.saturating_add(*count));
        if total != block.announced {
            malformed(
                sink,
                Some(line),
                format!("{} tests were announced and {total} are in the result", block.announced),
            );
        }
        let listed = block.failed.len() as u64 + block.failed_beyond;
        let unlisted = block.failed_beyond + totals.failed.saturating_sub(listed);
        self.tell_failures(block, sink);
        if !totals.is_ok && listed + unlisted == 0 {
            sink.on(Event::Case(Case::new(&self.suite, "(the suite itself)", Status::Failed)));
        }
        // The result counts what was printed into a test's own output and so not listed.
        let passed = totals.passed.saturating_sub(block.passed).saturating_add(totals.measured);
        let skipped = totals.ignored.saturating_sub(block.ignored);
        self.tell_counted(passed, unlisted, skipped, sink);
        if let Some(seconds) = totals.seconds {
            sink.on(Event::Duration(seconds));
        }
    }

    fn tell_failures(&self, block: &Block, sink: &mut dyn Sink) {
        for name in &block.failed {
            let message = block.words.get(name).map_or("", String::as_str);
            let found = place::find(message).or_else(|| doc_test_place(name));
            sink.on(Event::Case(Case {
                class: &self.source,
                message,
                path: found.map(|(path, _)| path),
                line: found.map(|(_, line)| line),
                ..Case::new(&self.suite, name, Status::Failed)
            }));
        }
    }

    fn tell_counted(&self, passed: u64, failed: u64, skipped: u64, sink: &mut dyn Sink) {
        if passed > 0 || failed > 0 || skipped > 0 {
            sink.on(Event::Counted { suite: &self.suite, class: &self.source, passed, failed, skipped });
        }
    }
}

impl Block {
    /// Takes a line; gives the result of a test that did not fail. Failures wait for their words.
    fn line<'t>(&mut self, text: &'t str) -> Option<(&'t str, Status)> {
        // What a failing test printed is not the harness speaking.
        let is_listing = self.section.is_none();
        let result = text.strip_prefix("test ").filter(|_| is_listing).and_then(|rest| rest.rsplit_once(" ... "));
        if let Some((name, result)) = result {
            return self.result(name, result.trim_end());
        }
        if let Some(name) = text.strip_prefix("---- ").and_then(|rest| rest.trim_end().strip_suffix(" ----")) {
            let name = name.strip_suffix(" stdout").or_else(|| name.strip_suffix(" stderr")).unwrap_or(name);
            self.section = Some(name.to_owned());
        } else if text == "failures:" || text == "successes:" {
            self.section = None;
        } else if let Some(name) = &self.section
            && !text.trim().is_empty()
            && !text.starts_with("note: run with `RUST_BACKTRACE")
            && (self.words.len() < FAILURES_MAX || self.words.contains_key(name))
        {
            collect(self.words.entry(name.clone()).or_default(), text);
        }
        None
    }

    fn result<'t>(&mut self, name: &'t str, result: &str) -> Option<(&'t str, Status)> {
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        if result == "ok" || result.starts_with("ok <") {
            self.passed += 1;
            return Some((name, Status::Passed));
        }
        if result.starts_with("ignored") {
            self.ignored += 1;
            return Some((name, Status::Skipped));
        }
        if result.starts_with("FAILED") {
            if self.failed.len() < FAILURES_MAX {
                self.failed.push(name.to_owned());
            } else {
                self.failed_beyond += 1;
            }
        }
        // Anything else is a measurement, or a test's own output on the line; the result counts it.
        None
    }
}

impl Totals {
    /// Reads `ok. 3 passed; 1 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.01s`.
    fn parse(text: &str) -> Option<Self> {
        let (word, counts) = text.split_once(". ")?;
        let mut totals = Self { is_ok: word == "ok", ..Self::default() };
        for part in counts.split(';').map(str::trim) {
            if let Some(time) = part.strip_prefix("finished in ") {
                totals.seconds = seconds(time.trim_end_matches('s'));
                continue;
            }
            let (count, what) = leading_number(part)?;
            match what.trim() {
                "passed" => totals.passed = count,
                "failed" => totals.failed = count,
                "ignored" => totals.ignored = count,
                "measured" => totals.measured = count,
                _ => {}
            }
        }
        (word == "ok" || word == "FAILED").then_some(totals)
    }
}

/// `running 3 tests`
fn announced(text: &str) -> Option<u64> {
    let (count, rest) = leading_number(text.strip_prefix("running ")?)?;
    matches!(rest.trim_end(), " test" | " tests").then_some(count)
}

/// `src/lib.rs - adds (line 12)`
fn doc_test_place(name: &str) -> Option<(&str, u32)> {
    let (path, rest) = name.split_once(" - ")?;
    let (_, line) = rest.rsplit_once("(line ")?;
    Some((path, super::leading_line(line)?))
}

#[cfg(test)]
mod tests {
    use super::{Totals, announced, doc_test_place};

    #[test]
    fn the_lines_that_count_are_read() {
        let totals =
            Totals::parse("FAILED. 3 passed; 1 failed; 2 ignored; 4 measured; 5 filtered out; finished in 1.50s")
                .unwrap();
        assert_eq!((totals.is_ok, totals.passed, totals.failed, totals.ignored, totals.measured), (false, 3, 1, 2, 4));
        assert!((totals.seconds.unwrap() - 1.5).abs() < 1e-9);
        assert!(Totals::parse("ok. nonsense").is_none() && Totals::parse("fine. 1 passed").is_none());
        assert_eq!(
            (announced("running 1 test"), announced("running 12 tests"), announced("running late")),
            (Some(1), Some(12), None)
        );
        assert_eq!(doc_test_place("src/lib.rs - adds (line 12)"), Some(("src/lib.rs", 12)));
    }
}
