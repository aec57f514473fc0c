//! How the verdict comes about: which artifacts are reports, what they add up to, what follows.
//!
//! Owns the outcome: fail when a finding is an error or worse, else pass. A report that cannot be
//! trusted fails whatever it says, and nothing outweighs a failure.

use crate::formats::{self, Format, HEAD_BYTES};
use crate::report::Status;
use crate::settings::Settings;
use crate::tally::{Kept, Required, Tally, Totals};
use sluice_plugin::gate::{Artifact, ArtifactReader, ArtifactSource, Finding, GateInput, Outcome, Severity, Verdict};
use sluice_plugin::serde_json::{Value, json};
use sluice_rules::{Findings, Level, MESSAGE_MAX_BYTES, clean};
use std::io::{Cursor, Read};

/// Longest name of a suite or test in a message.
const NAME_MAX_BYTES: usize = 200;
/// Most reports listed in the verdict's data.
const LISTED_MAX: usize = 100;

/// Judges an attempt.
///
/// # Errors
///
/// An artifact cannot be read.
pub(crate) fn judge(settings: &Settings, input: &GateInput, artifacts: &dyn ArtifactSource) -> Result<Verdict, String> {
    let mut judge = Judge {
        settings,
        findings: Findings::default(),
        tally: Tally::new(&settings.required_suites),
        reports: Vec::new(),
        tests: 0,
    };
    for artifact in &input.artifacts {
        judge
            .artifact(artifact, artifacts)
            .map_err(|error| format!("cannot read artifact {}: {error}", artifact.id))?;
    }
    Ok(judge.verdict())
}

struct Judge<'s> {
    settings: &'s Settings,
    findings: Findings,
    tally: Tally<'s>,
    /// The reports read, for the verdict's data.
    reports: Vec<Value>,
    /// How many of them tell of tests.
    tests: u64,
}

impl Judge<'_> {
    fn artifact(&mut self, artifact: &Artifact, source: &dyn ArtifactSource) -> std::io::Result<()> {
        let is_report = is_report(artifact, &self.settings.report_kinds);
        if !is_report && is_something_else(artifact) {
            return Ok(());
        }
        let mut stream = ArtifactReader::new(source, &artifact.id);
        let mut head = Vec::new();
        stream.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let Some(format) = formats::detect(&head, is_report) else {
            if is_report {
                let is_empty = head.trim_ascii().is_empty();
                let reason = if is_empty { "it is empty" } else { "it is of no known format" };
                self.malformed(&artifact.name, None, reason);
                // It was meant to be a report, so none is missing.
                self.tests += 1;
            }
            return Ok(());
        };
        let before = self.tally.totals;
        self.tally.start(&artifact.name);
        formats::read(format, &artifact.name, Cursor::new(head).chain(stream), &mut self.tally)?;
        for (line, reason) in std::mem::take(&mut self.tally.malformed) {
            self.malformed(&artifact.name, line, &reason);
        }
        self.tests += u64::from(!format.is_coverage());
        if self.reports.len() < LISTED_MAX {
            self.reports.push(listed(artifact, format, before, self.tally.totals));
        }
        Ok(())
    }

    fn malformed(&mut self, name: &str, line: Option<u64>, reason: &str) {
        let message = format!("the report cannot be trusted: {reason}");
        let finding = Finding::new("report/malformed", Severity::Error, message);
        self.findings.add(finding.at(name, line.and_then(|line| u32::try_from(line).ok())));
    }

    fn verdict(mut self) -> Verdict {
        self.judge_counts();
        self.judge_suites();
        self.judge_coverage();
        self.judge_duration();
        let totals = self.tally.totals;
        let (lines, branches, duration_s) = (self.tally.lines, self.tally.branches, self.tally.duration_s);
        self.tell_kept(totals);
        let findings = self.findings;
        let fails = findings.worst().is_some_and(|worst| worst >= Level::Error);
        let outcome = if fails { Outcome::Fail } else { Outcome::Pass };
        let summary = summary(outcome, totals, lines, self.reports.len(), &findings);
        let data = json!({
            "totals": {
                "ran": totals.ran(), "passed": totals.passed, "failed": totals.failed, "errored": totals.errored.min(totals.failed),
                "skipped": totals.skipped, "flaky": totals.flaky,
            },
            "duration_s": duration_s,
            "coverage": {"lines": coverage(lines), "branches": coverage(branches)},
            "reports": self.reports,
            "findings_by_rule": findings.by_rule(),
            "omitted": findings.omitted(),
        });
        Verdict { outcome, summary, findings: findings.into_vec(), data: data.to_string() }
    }

    fn judge_counts(&mut self) {
        let totals = self.tally.totals;
        if self.tests == 0 {
            self.error("report/missing", "the attempt left no test report".to_owned());
        } else if totals.ran() < self.settings.min_tests {
            let message = format!("{} tests ran, fewer than the {} required", totals.ran(), self.settings.min_tests);
            self.error("tests/too-few", message);
        }
        if let Some(max) = self.settings.max_skipped.filter(|&max| totals.skipped > max) {
            self.error("tests/skipped", format!("{} tests were skipped, more than the {max} allowed", totals.skipped));
        }
    }

    fn judge_suites(&mut self) {
        let required: Vec<(String, Required)> = self
            .settings
            .required_suites
            .iter()
            .map(|glob| glob.as_str().to_owned())
            .zip(self.tally.required.clone())
            .collect();
        for (name, Required { ran, failed }) in required {
            if ran == 0 {
                self.error("suite/missing", format!("the required suite {name} did not run"));
            } else if failed > 0 {
                self.error("suite/failed", format!("{failed} tests of the required suite {name} failed"));
            }
        }
    }

    fn judge_coverage(&mut self) {
        let rules = [
            ("coverage/lines", "lines", self.settings.min_line_coverage, self.tally.lines),
            ("coverage/branches", "branches", self.settings.min_branch_coverage, self.tally.branches),
        ];
        for (rule, what, min, found) in rules {
            let Some(min) = min else { continue };
            match found.and_then(percent) {
                None => self.error("coverage/missing", format!("coverage of {what} is required and was not reported")),
                Some(percent) if percent < min => {
                    self.error(rule, format!("{percent:.2} % of {what} are covered, fewer than the {min} % required"));
                }
                Some(_) => {}
            }
        }
    }

    fn judge_duration(&mut self) {
        let Some(max) = self.settings.max_duration_s else { return };
        match self.tally.duration_s {
            None => self.error(
                "duration/missing",
                "a time limit is set and no report tells how long its tests took".to_owned(),
            ),
            Some(seconds) if seconds > max => {
                self.error(
                    "duration/too-long",
                    format!("the tests took {seconds:.1} s, more than the {max} s allowed"),
                );
            }
            Some(_) => {}
        }
    }

    fn error(&mut self, rule: &str, message: String) {
        self.findings.add(Finding::new(rule, Severity::Error, message));
    }

    /// Turns failures and flaky tests into findings, the failures first.
    fn tell_kept(&mut self, totals: Totals) {
        let is_allowed = totals.failed <= self.settings.max_failures;
        let severity = if is_allowed { Severity::Warning } else { Severity::Error };
        let tally = std::mem::replace(&mut self.tally, Tally::new(&self.settings.required_suites));
        let (flaky, failed): (Vec<Kept>, Vec<Kept>) = tally.into_kept().into_iter().partition(|kept| kept.is_flaky);
        let beyond = |total: u64, kept: &[Kept]| total.saturating_sub(kept.len() as u64);
        let (failed_beyond, flaky_beyond) = (beyond(totals.failed, &failed), beyond(totals.flaky, &flaky));
        for kept in failed {
            let (rule, verb) = if kept.status == Status::Errored {
                ("test/errored", "could not be run to its end")
            } else {
                ("test/failed", "failed")
            };
            self.findings.add(finding(rule, severity, verb, kept));
        }
        if failed_beyond > 0 {
            self.findings.add(Finding::new("test/failed", severity, format!("{failed_beyond} further tests failed")));
        }
        let flaky_severity = self.settings.flaky_severity.into();
        for kept in flaky {
            self.findings.add(finding(
                "flaky/test",
                flaky_severity,
                "failed and then passed when it was run again",
                kept,
            ));
        }
        if flaky_beyond > 0 {
            self.findings.add(Finding::new(
                "flaky/test",
                flaky_severity,
                format!("{flaky_beyond} further tests are flaky"),
            ));
        }
    }
}

fn finding(rule: &str, severity: Severity, verb: &str, kept: Kept) -> Finding {
    let suite = clean(kept.suite.as_bytes(), NAME_MAX_BYTES);
    let name = clean(kept.name.as_bytes(), NAME_MAX_BYTES);
    let test = if suite.is_empty() { name.clone() } else { format!("{suite} > {name}") };
    let words = clean(kept.message.as_bytes(), MESSAGE_MAX_BYTES);
    let message = if words.is_empty() { format!("{test} {verb}") } else { format!("{test} {verb}: {words}") };
    let mut finding = Finding::new(rule, severity, message);
    finding.data = json!({"suite": suite, "test": name}).to_string();
    match kept.path {
        Some(path) => finding.at(path, kept.line),
        None => finding,
    }
}

fn listed(artifact: &Artifact, format: Format, before: Totals, after: Totals) -> Value {
    let name = clean(artifact.name.as_bytes(), NAME_MAX_BYTES);
    let ran = after.ran().saturating_sub(before.ran());
    json!({"artifact": artifact.id, "name": name, "format": format.word(), "ran": ran, "failed": after.failed.saturating_sub(before.failed)})
}

fn summary(outcome: Outcome, totals: Totals, lines: Option<(u64, u64)>, reports: usize, findings: &Findings) -> String {
    let decision = if outcome == Outcome::Pass { "passed" } else { "failed" };
    let covered = lines.and_then(percent).map_or(String::new(), |percent| format!(", {percent:.1} % of lines covered"));
    let plural = if reports == 1 { "" } else { "s" };
    format!(
        "{decision}: {} tests ran, {} passed, {} failed, {} skipped, {} flaky{covered} in {reports} report{plural}; {}",
        totals.ran(),
        totals.passed,
        totals.failed,
        totals.skipped,
        totals.flaky,
        findings.tally()
    )
}

fn coverage(counts: Option<(u64, u64)>) -> Value {
    counts.map_or(
        Value::Null,
        |(covered, total)| json!({"covered": covered, "total": total, "percent": percent((covered, total))}),
    )
}

/// Covered of all in percent; none when there is nothing to cover.
fn percent((covered, total): (u64, u64)) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    let share = covered as f64 / total as f64;
    (total > 0).then_some(share * 100.0)
}

/// Whether its worker, or its name, says that an artifact is a report.
fn is_report(artifact: &Artifact, kinds: &[String]) -> bool {
    let name = artifact.name.to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    let media_type = artifact.media_type.to_ascii_lowercase();
    let is_named = match extension {
        "tap" | "lcov" | "junit" | "trx" => true,
        "xml" => {
            ["junit", "test-", "test_", "cobertura", "coverage", "surefire"].iter().any(|word| stem.contains(word))
        }
        "info" => stem.ends_with("lcov") || stem.ends_with("coverage"),
        _ => false,
    };
    is_named
        || kinds.contains(&artifact.kind)
        || ["junit", "cobertura", "x-tap", "lcov"].iter().any(|word| media_type.contains(word))
}

/// Whether an artifact is certainly no report, so that what it quotes is not taken for one.
fn is_something_else(artifact: &Artifact) -> bool {
    let media_type = artifact.media_type.to_ascii_lowercase();
    matches!(artifact.kind.as_str(), "diff" | "patch" | "image")
        || matches!(media_type.as_str(), "text/x-diff" | "text/x-patch" | "text/markdown" | "text/html")
        || ["image/", "audio/", "video/", "font/"].iter().any(|kind| media_type.starts_with(kind))
}
