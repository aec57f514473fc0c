//! The event stream of `go test -json` (test2json).
//!
//! Owns how events become results: a package that ends without its tests' ends has crashed, and a
//! test that failed only because a subtest did is not counted twice.

use super::lines::Line;
use super::text::collect;
use super::{LineParser, place};
use crate::report::{Case, Event, Sink, Status, malformed};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most tests whose output is kept at a time; beyond it failures are told without words.
const OPEN_MAX: usize = 2_000;
/// Most packages that may be open at a time; `go test` runs a handful.
const PACKAGES_MAX: usize = 10_000;

#[derive(Debug, Deserialize)]
struct Line0<'a> {
    #[serde(rename = "Action", borrow)]
    action: Cow<'a, str>,
    #[serde(rename = "Package", borrow, default)]
    package: Cow<'a, str>,
    /// Where a build failed.
    #[serde(rename = "ImportPath", borrow, default)]
    import_path: Cow<'a, str>,
    #[serde(rename = "Test", borrow, default)]
    test: Cow<'a, str>,
    #[serde(rename = "Elapsed", default)]
    elapsed: f64,
    #[serde(rename = "Output", borrow, default)]
    output: Cow<'a, str>,
}

#[derive(Debug, Default)]
struct Package {
    /// Output of tests that run, by name; the empty name is the package's own.
    open: BTreeMap<String, Open>,
    failed: u64,
}

#[derive(Debug, Default)]
struct Open {
    output: String,
    /// Whether a subtest of it failed.
    child_failed: bool,
    /// Whether it began, rather than only printed.
    is_running: bool,
}

/// The parser.
#[derive(Debug, Default)]
pub(super) struct GoJson {
    packages: BTreeMap<String, Package>,
    build_output: String,
    is_broken: bool,
}

impl LineParser for GoJson {
    const LINE_MAX_BYTES: usize = 1024 * 1024;

    fn line(&mut self, line: Line<'_>, sink: &mut dyn Sink) {
        let text = line.text.trim_ascii();
        // The go command's own words (downloads, build errors of old versions) stand between.
        if text.first() != Some(&b'{') {
            if !text.is_empty() {
                collect(&mut self.build_output, &String::from_utf8_lossy(text));
            }
            return;
        }
        let text = String::from_utf8_lossy(text);
        match serde_json::from_str::<Line0<'_>>(&text) {
            Ok(event) => self.event(&event, line.number, sink),
            Err(_) => self.broken(Some(line.number), "a line is no event", sink),
        }
    }

    fn finish(&mut self, sink: &mut dyn Sink) {
        for (name, package) in std::mem::take(&mut self.packages) {
            // Output without a start belongs to packages that have no tests.
            if package.open.values().any(|open| open.is_running) {
                self.broken(None, &format!("it ends before package {name:?} does"), sink);
            }
        }
    }
}

impl GoJson {
    fn event(&mut self, event: &Line0<'_>, line: u64, sink: &mut dyn Sink) {
        let package_name: &str = if event.package.is_empty() { &event.import_path } else { &event.package };
        if self.packages.len() >= PACKAGES_MAX && !self.packages.contains_key(package_name) {
            self.broken(Some(line), "more than 10,000 packages are open at a time", sink);
            return;
        }
        match (&*event.action, event.test.is_empty()) {
            ("build-output", _) => collect(&mut self.build_output, event.output.trim_end()),
            ("build-fail", _) => {
                let message = std::mem::take(&mut self.build_output);
                let found = place::find(&message);
                let case = Case {
                    message: &message,
                    path: found.map(|(path, _)| path),
                    line: found.map(|(_, line)| line),
                    ..Case::new(package_name, "(build)", Status::Errored)
                };
                sink.on(Event::Case(case));
                self.packages.entry(package_name.to_owned()).or_default().failed += 1;
            }
            ("start", _) => {
                self.packages
                    .entry(package_name.to_owned())
                    .or_default()
                    .open
                    .entry(String::new())
                    .or_default()
                    .is_running = true;
            }
            ("run", false) => {
                let open = self.open(package_name, &event.test);
                if let Some(open) = open {
                    open.is_running = true;
                }
            }
            ("output", _) => self.output(package_name, &event.test, &event.output),
            ("pass" | "fail" | "skip", false) => self.end_of_test(package_name, event, sink),
            ("pass" | "fail" | "skip", true) => self.end_of_package(package_name, event, sink),
            // `pause`, `cont`, `bench`, and what later versions add.
            _ => {}
        }
    }

    /// The open test, unless too many are open.
    fn open(&mut self, package: &str, test: &str) -> Option<&mut Open> {
        let package = self.packages.entry(package.to_owned()).or_default();
        if package.open.len() >= OPEN_MAX && !package.open.contains_key(test) {
            return None;
        }
        Some(package.open.entry(test.to_owned()).or_default())
    }

    fn output(&mut self, package: &str, test: &str, output: &str) {
        let line = output.trim_end();
        let is_chatter = ["=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "--- PASS", "--- SKIP", "PASS", "ok  \t"]
            .iter()
            .any(|start| line.trim_start().starts_with(start));
        if !is_chatter
            && !line.is_empty()
            && let Some(open) = self.open(package, test)
        {
            collect(&mut open.output, line);
        }
    }

    fn end_of_test(&mut self, package_name: &str, event: &Line0<'_>, sink: &mut dyn Sink) {
        let package = self.packages.entry(package_name.to_owned()).or_default();
        let open = package.open.remove(&*event.test).unwrap_or_default();
        let status = match &*event.action {
            "pass" => Status::Passed,
            "skip" => Status::Skipped,
            _ => Status::Failed,
        };
        if status == Status::Failed {
            package.failed += 1;
            if let Some((parent, _)) = event.test.rsplit_once('/') {
                package.open.entry(parent.to_owned()).or_default().child_failed = true;
            }
            if open.child_failed {
                return;
            }
        }
        let found = place::find(&open.output);
        sink.on(Event::Case(Case {
            message: &open.output,
            path: found.map(|(path, _)| path),
            line: found.map(|(_, line)| line),
            ..Case::new(package_name, &event.test, status)
        }));
    }

    fn end_of_package(&mut self, package_name: &str, event: &Line0<'_>, sink: &mut dyn Sink) {
        let mut package = self.packages.remove(package_name).unwrap_or_default();
        let own = package.open.remove("").unwrap_or_default();
        // Tests that began and did not end were cut short by a crash of the package.
        for (name, open) in package.open.iter().filter(|(_, open)| open.is_running) {
            package.failed += 1;
            let words = if open.output.is_empty() { &own.output } else { &open.output };
            let found = place::find(words);
            sink.on(Event::Case(Case {
                message: words,
                path: found.map(|(path, _)| path),
                line: found.map(|(_, line)| line),
                ..Case::new(package_name, name, Status::Errored)
            }));
        }
        if event.action == "fail" && package.failed == 0 {
            let words = if own.output.is_empty() { std::mem::take(&mut self.build_output) } else { own.output };
            let found = place::find(&words);
            sink.on(Event::Case(Case {
                message: &words,
                path: found.map(|(path, _)| path),
                line: found.map(|(_, line)| line),
                ..Case::new(package_name, "(the package itself)", Status::Errored)
            }));
        }
        if event.elapsed.is_finite() && event.elapsed > 0.0 {
            sink.on(Event::Duration(event.elapsed));
        }
    }

    fn broken(&mut self, line: Option<u64>, reason: &str, sink: &mut dyn Sink) {
        if !self.is_broken {
            self.is_broken = true;
            malformed(sink, line, reason);
        }
    }
}
