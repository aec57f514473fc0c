//! Verdicts over whole attempts, through the same trait the component exports.

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is a failed test")]

use sluice_plugin::gate::{Finding, Gate, Outcome, Severity, Verdict};
use sluice_plugin::serde_json::{Value, from_str};
use sluice_plugin::testing::{MemoryArtifacts, set_settings};
use sluice_tester::Tester;

fn judge(settings: &str, reports: &[(&str, &str)]) -> Verdict {
    let mut artifacts = MemoryArtifacts::new();
    for (name, content) in reports {
        artifacts.add("test_report", name, "text/plain", content);
    }
    judge_all(settings, &artifacts)
}

fn judge_all(settings: &str, artifacts: &MemoryArtifacts) -> Verdict {
    set_settings(settings);
    Tester::evaluate(&artifacts.input("test"), artifacts).unwrap()
}

fn rules(verdict: &Verdict) -> Vec<&str> {
    verdict.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

fn found<'a>(verdict: &'a Verdict, rule: &str) -> &'a Finding {
    verdict.findings.iter().find(|finding| finding.rule == rule).unwrap_or_else(|| panic!("{rule} in {verdict:?}"))
}

fn data(verdict: &Verdict) -> Value {
    from_str(&verdict.data).unwrap()
}

const GREEN: &str = "TAP version 13\n1..2\nok 1 - adds\nok 2 - subtracts\n";
const RED: &str = "TAP version 13\n1..2\nok 1 - adds\nnot ok 2 - subtracts\n  ---\n  message: expected 3, got 4\n  at: test/sum.sh:12\n  ...\n";

/// A suite with one result for each letter: `P`assed, `F`ailed, `S`kipped.
fn junit(suite: &str, results: &str) -> String {
    let cases: Vec<String> = results
        .chars()
        .enumerate()
        .map(|(index, result)| match result {
            'F' => format!("<testcase name=\"t{index}\"><failure message=\"no\"/></testcase>"),
            'S' => format!("<testcase name=\"t{index}\"><skipped/></testcase>"),
            _ => format!("<testcase name=\"t{index}\"/>"),
        })
        .collect();
    format!("<testsuite name=\"{suite}\" time=\"2.5\">{}</testsuite>", cases.concat())
}

#[test]
fn green_tests_pass_with_numbers() {
    let verdict = judge("{}", &[("report.tap", GREEN)]);
    assert_eq!(verdict.outcome, Outcome::Pass);
    assert!(verdict.findings.is_empty());
    assert_eq!(verdict.summary, "passed: 2 tests ran, 2 passed, 0 failed, 0 skipped, 0 flaky in 1 report; no findings");
    let data = data(&verdict);
    assert_eq!((data["totals"]["ran"].as_u64(), data["reports"][0]["format"].as_str()), (Some(2), Some("tap")));
}

#[test]
fn a_failing_test_fails_with_its_words_and_place() {
    let verdict = judge("{}", &[("report.tap", RED)]);
    assert_eq!(verdict.outcome, Outcome::Fail);
    let finding = found(&verdict, "test/failed");
    assert_eq!(finding.message, "report.tap > subtracts failed: expected 3, got 4");
    assert_eq!((finding.path.as_deref(), finding.line), (Some("test/sum.sh"), Some(12)));
    let about: Value = from_str(&finding.data).unwrap();
    assert_eq!(about["test"], "subtracts");
}

#[test]
fn no_report_is_a_failure() {
    assert_eq!(rules(&judge("{}", &[])), ["report/missing"]);
    assert_eq!(judge(r#"{"min_tests":0}"#, &[]).outcome, Outcome::Fail);
    let mut artifacts = MemoryArtifacts::new();
    artifacts.add("diff", "change.diff", "text/x-diff", GREEN);
    artifacts.add("text", "notes.txt", "text/plain", "all is well: ok 1");
    artifacts.add("coverage", "lcov.info", "", "SF:a\nDA:1,1\nend_of_record\n");
    assert_eq!(rules(&judge_all("{}", &artifacts)), ["report/missing"]);
}

#[test]
fn empty_unknown_and_cut_reports_are_failures() {
    assert_eq!(rules(&judge("{}", &[("r.tap", "")])), ["report/malformed", "tests/too-few"]);
    assert_eq!(rules(&judge("{}", &[("r.txt", "hello\n")])), ["report/malformed", "tests/too-few"]);
    assert_eq!(rules(&judge("{}", &[("r.tap", "1..0 # SKIP none\n")])), ["tests/too-few"]);
    assert_eq!(rules(&judge("{}", &[("r.xml", "<testsuite name=\"s\"/>")])), ["tests/too-few"]);
    let cut = judge("{}", &[("r.xml", "<testsuite><testcase name=\"a\"/>")]);
    assert_eq!((cut.outcome, rules(&cut)), (Outcome::Fail, vec!["report/malformed"]));
    assert_eq!((cut.findings[0].path.as_deref(), cut.findings[0].line), (Some("r.xml"), Some(1)));
    // A second, green report does not outweigh a broken one.
    assert_eq!(judge("{}", &[("a.tap", GREEN), ("b.tap", "ok 1\n")]).outcome, Outcome::Fail);
    let lenient = r#"{"max_failures":100,"min_tests":0}"#;
    assert_eq!(judge(lenient, &[("b.tap", "ok 1\n")]).outcome, Outcome::Fail);
}

#[test]
fn reports_are_found_by_name_media_type_or_first_line() {
    for (kind, name, media_type) in [
        ("file", "TEST-app.xml", ""),
        ("file", "out", "application/x-junit+xml"),
        ("file", "out", "text/plain"),
        ("junit", "out", ""),
    ] {
        let mut artifacts = MemoryArtifacts::new();
        artifacts.add(kind, name, media_type, junit("s", "PP"));
        assert_eq!(judge_all("{}", &artifacts).outcome, Outcome::Pass, "{kind} {name} {media_type}");
    }
    let mut artifacts = MemoryArtifacts::new();
    artifacts.add("result", "out", "", "noise first\n1..1\nok 1\n");
    assert_eq!(judge_all("{}", &artifacts).outcome, Outcome::Fail);
    assert_eq!(judge_all(r#"{"report_kinds":["result"]}"#, &artifacts).outcome, Outcome::Pass);
}

#[test]
fn thresholds_hold_from_both_sides() {
    let report = junit("s", "PPFS");
    let reports: &[(&str, &str)] = &[("r.xml", &report)];
    assert_eq!(rules(&judge(r#"{"max_failures":1}"#, reports)), ["test/failed"]);
    assert_eq!(judge(r#"{"max_failures":1}"#, reports).findings[0].severity, Severity::Warning);
    assert_eq!(judge(r#"{"max_failures":1}"#, reports).outcome, Outcome::Pass);
    assert_eq!(judge("{}", reports).outcome, Outcome::Fail);
    let with = |member: &str| judge(&format!(r#"{{"max_failures":1,{member}}}"#), reports);
    assert_eq!(with(r#""min_tests":3"#).outcome, Outcome::Pass);
    assert_eq!(found(&with(r#""min_tests":4"#), "tests/too-few").message, "3 tests ran, fewer than the 4 required");
    assert_eq!(with(r#""max_skipped":1"#).outcome, Outcome::Pass);
    assert_eq!(with(r#""max_skipped":0"#).outcome, Outcome::Fail);
    assert_eq!(with(r#""max_duration_s":2.5"#).outcome, Outcome::Pass);
    assert_eq!(found(&with(r#""max_duration_s":2.4"#), "duration/too-long").severity, Severity::Error);
    assert_eq!(rules(&judge(r#"{"max_duration_s":9}"#, &[("r.tap", GREEN)])), ["duration/missing"]);
}

#[test]
fn required_suites_must_run_and_pass() {
    let (unit, system) = (junit("unit.sum", "PP"), junit("system", "PF"));
    let settings = |suites: &str| format!(r#"{{"required_suites":[{suites}],"max_failures":9}}"#);
    let reports: &[(&str, &str)] = &[("u.xml", &unit), ("s.xml", &system)];
    assert_eq!(judge(&settings(r#""unit.*""#), reports).outcome, Outcome::Pass);
    assert!(rules(&judge(&settings(r#""system""#), reports)).contains(&"suite/failed"));
    assert!(rules(&judge(&settings(r#""end-to-end""#), reports)).contains(&"suite/missing"));
    let skipped = junit("slow", "SS");
    assert!(rules(&judge(&settings(r#""slow""#), &[("r.xml", &skipped), ("u.xml", &unit)])).contains(&"suite/missing"));
}

#[test]
fn a_rerun_that_passes_is_flaky_and_not_failed() {
    let report = "<testsuites><testsuite name=\"s\" failures=\"1\"><testcase name=\"a\"><failure message=\"race\"/></testcase></testsuite>\
                  <testsuite name=\"s\"><testcase name=\"a\"/></testsuite></testsuites>";
    let verdict = judge("{}", &[("r.xml", report)]);
    assert_eq!((verdict.outcome, rules(&verdict)), (Outcome::Pass, vec!["flaky/test"]));
    assert_eq!(verdict.findings[0].message, "s > a failed and then passed when it was run again: race");
    assert_eq!(judge(r#"{"flaky_severity":"error"}"#, &[("r.xml", report)]).outcome, Outcome::Fail);
    let surefire = "<testsuite name=\"s\"><testcase name=\"a\"><flakyFailure message=\"race\"/></testcase></testsuite>";
    assert_eq!(rules(&judge("{}", &[("r.xml", surefire)])), ["flaky/test"]);
    // Two artifacts of one name are runs of the same tests; of two names they are not.
    let (red, green) = (junit("s", "F"), junit("s", "P"));
    assert_eq!(judge("{}", &[("r.xml", &red), ("r.xml", &green)]).outcome, Outcome::Pass);
    assert_eq!(judge("{}", &[("linux.xml", &red), ("windows.xml", &green)]).outcome, Outcome::Fail);
    assert_eq!(judge("{}", &[("r.xml", &green), ("r.xml", &red)]).outcome, Outcome::Fail);
}

#[test]
fn coverage_is_judged_and_required_when_a_threshold_is_set() {
    let lcov = "SF:a\nDA:1,1\nDA:2,1\nDA:3,1\nDA:4,0\nBRDA:1,0,0,1\nBRDA:1,0,1,0\nend_of_record\n";
    let reports: &[(&str, &str)] = &[("r.tap", GREEN), ("lcov.info", lcov)];
    assert_eq!(judge(r#"{"min_line_coverage":75,"min_branch_coverage":50}"#, reports).outcome, Outcome::Pass);
    assert_eq!(rules(&judge(r#"{"min_line_coverage":75.1}"#, reports)), ["coverage/lines"]);
    assert_eq!(rules(&judge(r#"{"min_branch_coverage":51}"#, reports)), ["coverage/branches"]);
    assert_eq!(rules(&judge(r#"{"min_line_coverage":1}"#, &[("r.tap", GREEN)])), ["coverage/missing"]);
    let nothing = "SF:a\nend_of_record\n";
    assert_eq!(
        rules(&judge(r#"{"min_line_coverage":1}"#, &[("r.tap", GREEN), ("lcov.info", nothing)])),
        ["coverage/missing"]
    );
    assert_eq!(data(&judge("{}", reports))["coverage"]["lines"]["percent"], 75.0);
}

#[test]
fn a_flood_of_failures_is_cut_and_still_counted() {
    let report = junit("s", &"F".repeat(2_500));
    let verdict = judge("{}", &[("r.xml", &report)]);
    assert_eq!((verdict.outcome, verdict.findings.len()), (Outcome::Fail, 1_000));
    assert_eq!(data(&verdict)["totals"]["failed"], 2_500);
    // Failures that were made good later do not hide one that was not.
    let mut report = "<testsuites>".to_owned() + &junit("s", &"F".repeat(1_500)) + &junit("s", &"P".repeat(1_499));
    report.push_str("</testsuites>");
    let verdict = judge("{}", &[("r.xml", &report)]);
    assert_eq!((verdict.outcome, data(&verdict)["totals"]["failed"].as_u64()), (Outcome::Fail, Some(1)));
    assert_eq!(verdict.findings[0].rule, "test/failed");
}

#[test]
fn failures_that_are_only_counted_are_counted() {
    let report =
        "running 5000 tests\ntest result: FAILED. 0 passed; 5000 failed; 0 ignored; 0 measured; 0 filtered out\n";
    let verdict = judge(r#"{"max_failures":4999}"#, &[("r.txt", report)]);
    assert_eq!((verdict.outcome, rules(&verdict)), (Outcome::Fail, vec!["test/failed"]));
    assert_eq!(verdict.findings[0].message, "5000 further tests failed");
    assert_eq!(judge(r#"{"max_failures":5000}"#, &[("r.txt", report)]).outcome, Outcome::Pass);
}

#[test]
fn words_of_a_report_cannot_steer_a_terminal_or_flood_a_message() {
    let report = format!("1..1\nnot ok 1 - \u{1b}[2Jx\u{202e}y\n  ---\n  message: {}\n  ...\n", "m".repeat(9_000));
    let verdict = judge("{}", &[("r.tap", &report)]);
    let message = &found(&verdict, "test/failed").message;
    assert!(message.len() <= 2_000 && !message.contains(['\u{1b}', '\u{202e}']), "{message}");
}

#[test]
fn a_very_large_report_streams() {
    let case =
        |index: u32| format!("<testcase name=\"t{index}\"><system-out>{}</system-out></testcase>", "o".repeat(20));
    let report = format!("<testsuite name=\"s\">{}</testsuite>", (0..60_000).map(case).collect::<Vec<_>>().concat());
    let verdict = judge(r#"{"min_tests":60000}"#, &[("r.xml", &report)]);
    assert_eq!(verdict.outcome, Outcome::Pass, "{}", verdict.summary);
}

#[test]
fn a_store_that_fails_and_bad_settings_are_errors() {
    let artifacts = MemoryArtifacts::new();
    let mut input = artifacts.input("test");
    input.artifacts.push(MemoryArtifacts::new().add("test_report", "r.tap", "", GREEN));
    set_settings("{}");
    assert!(Tester::evaluate(&input, &artifacts).unwrap_err().contains("art_1"));
    set_settings(r#"{"max_failure":1}"#);
    assert!(Tester::evaluate(&input, &artifacts).unwrap_err().contains("max_failure"));
    assert!(Tester::check_settings(r#"{"min_line_coverage":200}"#).is_err());
    assert!(Tester::check_settings("{}").is_ok());
}

#[test]
fn quotes_that_belong_to_a_message_stay() {
    let report = "1..1\nnot ok 1 - greets\n  ---\n  message: 'got \"a\", expected \"b\"'\n  ...\n";
    let verdict = judge("{}", &[("r.tap", report)]);
    let message = &found(&verdict, "test/failed").message;
    assert!(message.ends_with("got \"a\", expected \"b\""), "{message}");
}
