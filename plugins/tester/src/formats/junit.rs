//! `JUnit` XML, in the dialects of Surefire, pytest, nextest, gotestsum, jest and others.
//!
//! Owns what an element means. The numbers a suite declares are compared with what it lists: a
//! suite that admits failures it does not show has failed.

use super::text::{MESSAGE_KEPT_BYTES, collect};
use super::xml::{Token, Xml, XmlError};
use super::{leading_line, place};
use crate::report::{Case, Event, Sink, Status, malformed, seconds};
use std::io::Read;

/// A suite that is open.
#[derive(Debug, Default)]
struct Suite {
    name: String,
    file: Option<String>,
    declared_failures: u64,
    declared_tests: u64,
    listed_failures: u64,
    listed_tests: u64,
    /// What it says it took; none when it says nothing.
    declared_s: Option<f64>,
    /// What its tests and suites took.
    listed_s: f64,
}

/// A test that is open.
#[derive(Debug)]
struct Test {
    name: String,
    class: String,
    file: Option<String>,
    line: Option<u32>,
    time_s: f64,
    status: Status,
    is_flaky: bool,
    message: String,
    /// Failures shown; some writers show several for one test and count each.
    failures: u64,
}

/// What the text that follows belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Nothing,
    OfTest,
    OfSuite,
}

/// Reads a report.
///
/// # Errors
///
/// The XML breaks its rules, the root is no suite, or the stream fails. What was told before stands.
pub(super) fn read(name: &str, stream: impl Read, sink: &mut dyn Sink) -> Result<(), XmlError> {
    let mut xml = Xml::new(stream);
    let mut junit =
        Junit { fallback: name, suites: Vec::new(), test: None, words: Words::Nothing, suite_message: String::new() };
    loop {
        match xml.next_token()? {
            Token::Start => junit.start(&xml, sink),
            Token::End => junit.end(xml.name(), xml.line(), sink),
            Token::Text => junit.text(&xml.text()),
            Token::Eof => return Ok(()),
        }
    }
}

struct Junit<'n> {
    fallback: &'n str,
    suites: Vec<Suite>,
    test: Option<Test>,
    words: Words,
    suite_message: String,
}

impl Junit<'_> {
    fn start<R: Read>(&mut self, xml: &Xml<R>, sink: &mut dyn Sink) {
        match (xml.name(), &mut self.test) {
            ("testsuites" | "testsuite", None) => self.suites.push(suite(xml)),
            ("testcase", None) => self.test = Some(test(xml)),
            ("failure" | "error", Some(test)) => {
                let is_error = xml.name() == "error";
                // A failure weighs more than being skipped, and the first one names the kind.
                if !matches!(test.status, Status::Failed | Status::Errored) {
                    test.status = if is_error { Status::Errored } else { Status::Failed };
                }
                test.failures += 1;
                self.words = Words::OfTest;
                note(&mut test.message, xml);
                test.file = test.file.take().or_else(|| xml.attribute("file").map(str::to_owned));
                test.line = test.line.or_else(|| xml.attribute("line").and_then(leading_line));
            }
            ("skipped" | "ignored" | "disabled", Some(test)) if test.status == Status::Passed => {
                test.status = Status::Skipped;
            }
            ("flakyFailure" | "flakyError", Some(test)) => {
                test.is_flaky = true;
                self.words = Words::OfTest;
                note(&mut test.message, xml);
            }
            ("error" | "failure", None) if !self.suites.is_empty() => {
                self.words = Words::OfSuite;
                note(&mut self.suite_message, xml);
            }
            ("testcase", Some(_)) => malformed(sink, Some(xml.line()), "a test case stands inside of another"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str, line: u64, sink: &mut dyn Sink) {
        match name {
            "testcase" => {
                if let Some(test) = self.test.take() {
                    self.tell(&test, sink);
                }
            }
            "testsuites" | "testsuite" if self.test.is_none() => {
                if let Some(suite) = self.suites.pop() {
                    self.close(&suite, line, sink);
                }
            }
            "failure" | "error" if self.words == Words::OfSuite => {
                let message = std::mem::take(&mut self.suite_message);
                let suite = self.inner().to_owned();
                if let Some(open) = self.suites.last_mut() {
                    open.listed_failures += 1;
                }
                sink.on(Event::Case(Case {
                    message: &message,
                    ..Case::new(&suite, "(the suite itself)", Status::Errored)
                }));
                self.words = Words::Nothing;
            }
            _ => self.words = Words::Nothing,
        }
    }

    fn text(&mut self, words: &str) {
        let message = match (self.words, &mut self.test) {
            (Words::OfTest, Some(test)) => &mut test.message,
            (Words::OfSuite, _) => &mut self.suite_message,
            _ => return,
        };
        if !words.trim().is_empty() && message.len() < MESSAGE_KEPT_BYTES {
            collect(message, words.trim_matches('\n'));
        }
    }

    fn tell(&mut self, one: &Test, sink: &mut dyn Sink) {
        let outermost = self.suites.iter().find(|suite| !suite.name.is_empty()).map_or("", |suite| &suite.name);
        let innermost = self.inner();
        let file = one.file.as_deref().or_else(|| self.suites.iter().rev().find_map(|suite| suite.file.as_deref()));
        let found = place::find(&one.message);
        let (path, line) = match (file, one.line, found) {
            (Some(file), Some(line), _) => (Some(file), Some(line)),
            (Some(file), None, Some((path, line))) if path.ends_with(file) || file.ends_with(path) => {
                (Some(file), Some(line))
            }
            (_, _, Some((path, line))) => (Some(path), Some(line)),
            (file, line, None) => (file, line),
        };
        sink.on(Event::Case(Case {
            suite: innermost,
            class: &one.class,
            outer: outermost,
            name: &one.name,
            status: one.status,
            flaky: one.is_flaky,
            message: &one.message,
            path,
            line,
        }));
        if let Some(suite) = self.suites.last_mut() {
            suite.listed_tests += 1;
            suite.listed_failures +=
                one.failures.max(u64::from(matches!(one.status, Status::Failed | Status::Errored)));
            suite.listed_s += one.time_s;
        } else {
            sink.on(Event::Duration(one.time_s));
        }
    }

    fn close(&mut self, suite: &Suite, line: u64, sink: &mut dyn Sink) {
        // Nested suites are part of what the outer one declares.
        let took_s = suite.declared_s.unwrap_or(suite.listed_s);
        let name = if suite.name.is_empty() { self.fallback } else { &suite.name };
        if suite.declared_failures > suite.listed_failures {
            let hidden = suite.declared_failures - suite.listed_failures;
            malformed(sink, Some(line), format!("suite {name:?} declares {hidden} failures that it does not list"));
        }
        if suite.declared_tests > 0 && suite.listed_tests == 0 {
            malformed(
                sink,
                Some(line),
                format!("suite {name:?} declares {} tests and lists none", suite.declared_tests),
            );
        }
        match self.suites.last_mut() {
            Some(outer) => {
                outer.listed_failures += suite.listed_failures.max(suite.declared_failures);
                outer.listed_tests += suite.listed_tests;
                outer.listed_s += took_s;
            }
            None => sink.on(Event::Duration(took_s)),
        }
    }

    fn inner(&self) -> &str {
        let named = self.suites.iter().rev().find(|suite| !suite.name.is_empty());
        named.map_or(self.fallback, |suite| suite.name.as_str())
    }
}

fn suite<R: Read>(xml: &Xml<R>) -> Suite {
    let count = |name: &str| xml.attribute(name).and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
    Suite {
        name: xml.attribute("name").unwrap_or_default().to_owned(),
        file: xml.attribute("file").or_else(|| xml.attribute("filepath")).map(str::to_owned),
        declared_failures: count("failures").saturating_add(count("errors")),
        declared_tests: count("tests"),
        declared_s: xml.attribute("time").and_then(seconds),
        ..Suite::default()
    }
}

fn test<R: Read>(xml: &Xml<R>) -> Test {
    let text = |name: &str| xml.attribute(name).map(str::to_owned);
    // GoogleTest and Bazel say in attributes what others say with elements.
    let words = ["status", "result"].map(|name| xml.attribute(name).unwrap_or_default().to_ascii_lowercase());
    let says = |all: &[&str]| words.iter().any(|word| all.contains(&word.as_str()));
    let status = if says(&["failed", "failure", "fail"]) {
        Status::Failed
    } else if says(&["error", "errored", "timeout", "timed_out"]) {
        Status::Errored
    } else if says(&["notrun", "not_run", "skipped", "suppressed", "disabled", "ignored"]) {
        Status::Skipped
    } else {
        Status::Passed
    };
    Test {
        name: text("name").unwrap_or_else(|| "(a test without a name)".to_owned()),
        class: text("classname").or_else(|| text("class")).unwrap_or_default(),
        file: text("file"),
        line: xml.attribute("line").or_else(|| xml.attribute("lineno")).and_then(leading_line),
        time_s: xml.attribute("time").and_then(seconds).unwrap_or(0.0),
        status,
        is_flaky: false,
        message: String::new(),
        failures: 0,
    }
}

/// What the element's own attributes say about the failure.
fn note<R: Read>(message: &mut String, xml: &Xml<R>) {
    for name in ["message", "type"] {
        if let Some(text) = xml.attribute(name).filter(|text| !text.trim().is_empty()) {
            collect(message, text);
            return;
        }
    }
}
