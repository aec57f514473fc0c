//! Verdicts over whole attempts, through the same trait the component exports.

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is a failed test")]

use sluice_plugin::gate::{Finding, Gate, Outcome, Severity, Verdict};
use sluice_plugin::serde_json::{Value, from_str};
use sluice_plugin::testing::{MemoryArtifacts, set_settings};
use sluice_reviewer::Reviewer;

fn review(settings: &str, artifacts: &MemoryArtifacts) -> Verdict {
    set_settings(settings);
    Reviewer::evaluate(&artifacts.input("review"), artifacts).unwrap()
}

fn review_diff(settings: &str, diff: &str) -> Verdict {
    let mut artifacts = MemoryArtifacts::new();
    artifacts.add("diff", "change.diff", "text/x-diff", diff);
    review(settings, &artifacts)
}

/// A diff that adds `lines` to one new file.
fn adds(path: &str, lines: &[&str]) -> String {
    let body = format!("+{}\n", lines.join("\n+"));
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\nindex 0000000..1234567\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{body}",
        lines.len()
    )
}

fn rules(verdict: &Verdict) -> Vec<&str> {
    verdict.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

fn found<'a>(verdict: &'a Verdict, rule: &str) -> &'a Finding {
    verdict.findings.iter().find(|finding| finding.rule == rule).unwrap_or_else(|| panic!("{rule} in {verdict:?}"))
}

fn token() -> String {
    format!("gh{}{}", "p_", "q7Zr2LkW9xVb4NsD1mHt8GyC5pJf3QaE6uTo")
}

#[test]
fn a_clean_change_passes_with_numbers() {
    let verdict = review_diff("{}", &adds("README.md", &["# Title", "", "Text."]));
    assert_eq!(verdict.outcome, Outcome::Pass);
    assert!(verdict.findings.is_empty());
    assert_eq!(verdict.summary, "passed: 1 file changed, +3 -0 lines, 1 diff and 0 texts read; no findings");
    let data: Value = from_str(&verdict.data).unwrap();
    assert_eq!((data["files"].as_u64(), data["added"].as_u64(), data["omitted"].as_u64()), (Some(1), Some(3), Some(0)));
}

#[test]
fn an_added_secret_fails_with_file_and_line_and_is_not_quoted() {
    let secret = token();
    let diff = adds("src/config.rs", &["// one", &format!("const T: &str = \"{secret}\";"), "#[test]"]);
    let verdict = review_diff("{}", &diff);
    assert_eq!(verdict.outcome, Outcome::Fail);
    let finding = found(&verdict, "secrets/github_token");
    assert_eq!((finding.path.as_deref(), finding.line), (Some("src/config.rs"), Some(2)));
    assert_eq!(finding.severity, Severity::Critical);
    assert!(!format!("{verdict:?}").contains(&secret[4..]), "{verdict:?}");
}

#[test]
fn a_secret_that_is_removed_or_only_context_is_no_finding() {
    let secret = token();
    let diff = format!("--- a/x.txt\n+++ b/x.txt\n@@ -1,2 +1,2 @@\n-old {secret}\n+new\n context {secret}\n");
    assert_eq!(review_diff("{}", &diff).outcome, Outcome::Pass);
}

#[test]
fn no_diff_and_an_empty_diff_fail_unless_none_is_required() {
    let none = MemoryArtifacts::new();
    assert_eq!(rules(&review("{}", &none)), ["diff/missing"]);
    assert_eq!(review("{}", &none).outcome, Outcome::Fail);
    assert_eq!(review(r#"{"require_diff":false}"#, &none).outcome, Outcome::Pass);
    for empty in ["", "\n \n"] {
        assert_eq!(rules(&review_diff("{}", empty)), ["diff/missing"]);
    }
    assert_eq!(rules(&review_diff("{}", "just prose\n")), ["diff/malformed"]);
    assert_eq!(rules(&review_diff("{}", "\u{1b}[1mdiff --git a/x b/x\u{1b}[m\n")), ["diff/malformed"]);
    let mut wide = MemoryArtifacts::new();
    wide.add("diff", "x.diff", "", b"\xff\xfed\0i\0f\0f\0");
    assert_eq!(rules(&review("{}", &wide)), ["diff/malformed"]);
}

#[test]
fn malformed_diffs_fail_and_cannot_be_silenced() {
    let diff = "--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@\n a\n";
    let verdict = review_diff(r#"{"disabled":["diff"],"severities":{"diff/malformed":"info"}}"#, diff);
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert_eq!(rules(&verdict), ["diff/malformed"]);
    assert_eq!(verdict.findings[0].path.as_deref(), Some("change.diff"));
    assert_eq!(verdict.findings[0].line, Some(5));
}

#[test]
fn paths_are_judged_on_both_sides_of_a_rename() {
    let rename =
        "diff --git a/.env b/docs/sample.txt\nsimilarity index 100%\nrename from .env\nrename to docs/sample.txt\n";
    let verdict = review_diff("{}", rename);
    assert_eq!(found(&verdict, "paths/forbidden").path.as_deref(), Some(".env"));
    for path in ["../outside", "/etc/passwd", ".git/hooks/pre-commit"] {
        let verdict = review_diff(r#"{"disabled":["paths"]}"#, &adds(path, &["x"]));
        assert_eq!(found(&verdict, "paths/traversal").severity, Severity::Critical, "{path}");
    }
    let quoted = adds("x", &["x"]).replace("b/x", r#""b/\056\056/up""#).replace("a/x", r#""a/\056\056/up""#);
    assert_eq!(found(&review_diff("{}", &quoted), "paths/traversal").path.as_deref(), Some("../up"));
}

#[test]
fn a_person_decides_on_configured_paths_unless_something_fails() {
    let settings = r#"{"needs_human_paths":["migrations/**"]}"#;
    let fine = review_diff(settings, &adds("migrations/1.sql", &["select 1;"]));
    assert_eq!(fine.outcome, Outcome::NeedsHuman);
    assert!(fine.summary.starts_with("a person has to decide"), "{}", fine.summary);
    let bad = review_diff(settings, &adds("migrations/1.sql", &[&token()]));
    assert_eq!(bad.outcome, Outcome::Fail);
}

#[test]
fn size_is_limited_from_both_sides() {
    let lines: Vec<String> = (0..10).map(|i| i.to_string()).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let diff = adds("a.md", &lines);
    assert_eq!(review_diff(r#"{"max_lines":10}"#, &diff).outcome, Outcome::Pass);
    assert_eq!(rules(&review_diff(r#"{"max_lines":9}"#, &diff)), ["size/lines"]);
    assert_eq!(review_diff(r#"{"max_lines":null}"#, &diff).outcome, Outcome::Pass);
    assert_eq!(review_diff(r#"{"max_lines":1}"#, &adds("Cargo.lock", &lines)).outcome, Outcome::Pass);
    let two = adds("a.md", &["x"]) + &adds("b.md", &["x"]);
    assert_eq!(review_diff(r#"{"max_files":2}"#, &two).outcome, Outcome::Pass);
    assert_eq!(rules(&review_diff(r#"{"max_files":1}"#, &two)), ["size/files"]);
}

#[test]
fn conflict_markers_count_and_underlines_do_not() {
    let conflict = adds("a.md", &["<<<<<<< HEAD", "a", "=======", "b", ">>>>>>> side"]);
    let verdict = review_diff("{}", &conflict);
    assert_eq!(verdict.findings.iter().map(|f| f.line).collect::<Vec<_>>(), [Some(1), Some(3), Some(5)]);
    assert_eq!(
        review_diff("{}", &adds("a.md", &["Heading", "=======", "<<<<<<<<", ">>>>>>>>>> quote"])).outcome,
        Outcome::Pass
    );
}

#[test]
fn modes_links_and_binaries_are_told() {
    let script = "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n";
    assert_eq!(rules(&review_diff("{}", script)), ["mode/executable"]);
    let link = |target: &str| adds("link", &[target]).replace("100644", "120000");
    assert_eq!(rules(&review_diff("{}", &link("src/x"))), ["mode/symlink"]);
    assert_eq!(review_diff("{}", &link("src/x")).outcome, Outcome::Pass);
    assert_eq!(rules(&review_diff("{}", &link("/etc"))), ["mode/symlink-escape", "mode/symlink"]);
    let binary = "diff --git a/x.png b/x.png\nindex 1234567..89abcde 100644\nBinary files a/x.png and b/x.png differ\n";
    assert_eq!(rules(&review_diff("{}", binary)), ["binary/file"]);
    let submodule = adds("lib", &["Subproject commit 1234567"]).replace("100644", "160000");
    assert_eq!(rules(&review_diff("{}", &submodule)), ["mode/submodule"]);
}

#[test]
fn code_without_tests_is_a_warning() {
    assert_eq!(rules(&review_diff("{}", &adds("src/x.rs", &["fn f() {}"]))), ["tests/missing"]);
    assert_eq!(review_diff("{}", &adds("src/x.rs", &["fn f() {}"])).outcome, Outcome::Pass);
    for fine in [
        adds("src/x.rs", &["fn f() {}", "#[test]", "fn t() {}"]),
        adds("src/x.py", &["def f(): pass"]) + &adds("tests/test_x.py", &["def test_f(): pass"]),
        adds("x.go", &["func F() {}"]) + &adds("x_test.go", &["func TestF() {}"]),
        "--- a/src/x.rs\n+++ b/src/x.rs\n@@ -9 +9 @@ mod tests {\n-    a\n+    b\n".to_owned(),
        adds("docs/x.md", &["text"]),
    ] {
        assert!(rules(&review_diff("{}", &fine)).is_empty(), "{fine}");
    }
    let strict = r#"{"severities":{"tests":"error"}}"#;
    assert_eq!(review_diff(strict, &adds("src/x.rs", &["fn f() {}"])).outcome, Outcome::Fail);
}

#[test]
fn invisible_characters_are_found() {
    let verdict = review_diff("{}", &adds("a.md", &["ok", "a\u{202e}b", "x\u{200b}y"]));
    assert_eq!(rules(&verdict), ["unicode/bidi", "unicode/zero-width"]);
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert!(verdict.findings[0].message.contains("U+202E"));
}

#[test]
fn custom_patterns_apply_where_they_say() {
    let settings = r#"{"custom_patterns":[{"name":"no-print","pattern":"\\bprintln!","message":"use the log","severity":"warning","paths":["src/**"]}]}"#;
    let verdict = review_diff(settings, &adds("src/a.txt", &["println!(1)", "eprintln!(2)", "println!(println!())"]));
    assert_eq!(rules(&verdict), ["custom/no-print", "custom/no-print"]);
    assert_eq!(verdict.findings[1].line, Some(3));
    assert!(rules(&review_diff(settings, &adds("docs/a.txt", &["println!(1)"]))).is_empty());
}

#[test]
fn a_comment_allows_a_secret_only_where_an_operator_says_so() {
    let line = format!("key = {}  # review:allow", token());
    let diff = adds("a.txt", &[&line]);
    assert_eq!(review_diff("{}", &diff).outcome, Outcome::Fail);
    let allowed = review_diff(r#"{"allow_comment":"review:allow"}"#, &diff);
    assert_eq!((allowed.outcome, rules(&allowed)), (Outcome::Pass, vec!["secrets/allowed"]));
    let by_value = format!(r#"{{"secrets_allow":["{}"]}}"#, token());
    assert_eq!(review_diff(&by_value, &diff).outcome, Outcome::Pass);
    assert_eq!(review_diff(r#"{"secrets_ignore_paths":["*.txt"]}"#, &diff).outcome, Outcome::Pass);
    assert_eq!(review_diff(r#"{"disabled":["secrets"]}"#, &diff).outcome, Outcome::Pass);
}

#[test]
fn text_artifacts_are_read_and_binary_ones_noted() {
    let mut artifacts = MemoryArtifacts::new();
    artifacts.add("diff", "change.diff", "text/x-diff", adds("a.md", &["x"]));
    artifacts.add("text", "notes.md", "text/markdown", format!("one\r\ntwo {}\r\n", token()));
    artifacts.add("file", "shot.png", "image/png", b"\x89PNG\r\n\x1a\n\0\0");
    artifacts.add("log", "out.log", "application/octet-stream", format!("\u{1b}[31mred\u{1b}[0m {}", token()));
    let verdict = review("{}", &artifacts);
    assert_eq!(rules(&verdict), ["secrets/github_token", "secrets/github_token", "binary/artifact"]);
    assert_eq!((verdict.findings[0].path.as_deref(), verdict.findings[0].line), (Some("notes.md"), Some(2)));
    assert_eq!(verdict.outcome, Outcome::Fail);
}

#[test]
fn a_diff_under_another_name_is_still_a_diff() {
    let mut artifacts = MemoryArtifacts::new();
    artifacts.add("file", "output", "application/octet-stream", adds("a.md", &["x"]));
    assert_eq!(review("{}", &artifacts).outcome, Outcome::Pass);
}

#[test]
fn a_secret_far_into_a_very_long_line_is_found() {
    // Around each cut between two pieces of 64 KiB.
    for before in [65_500, 65_530, 126_950, 200_000] {
        let line = format!("{}\"{}\"", "x ".repeat(before / 2), token());
        let verdict = review_diff("{}", &adds("min.txt", &[&line]));
        assert_eq!(rules(&verdict), ["secrets/github_token"], "{before}");
        assert_eq!(verdict.findings[0].line, Some(1));
    }
}

#[test]
fn a_flood_is_cut_to_a_thousand_findings_with_the_worst_first() {
    let markers: Vec<String> = (0..3_000).map(|_| "a\u{200b}b".to_owned()).collect();
    let mut lines: Vec<&str> = markers.iter().map(String::as_str).collect();
    let secret = token();
    lines.push(&secret);
    let verdict = review_diff("{}", &adds("a.txt", &lines));
    assert_eq!(verdict.findings.len(), 1_000);
    assert_eq!((verdict.findings[0].rule.as_str(), verdict.findings[0].line), ("secrets/github_token", Some(3_001)));
    let data: Value = from_str(&verdict.data).unwrap();
    assert_eq!(data["omitted"], 2_001);
    assert_eq!(data["findings_by_rule"]["unicode/zero-width"], 3_000);
}

#[test]
fn a_store_that_fails_is_an_error_and_no_verdict() {
    let artifacts = MemoryArtifacts::new();
    let mut input = artifacts.input("review");
    let mut other = MemoryArtifacts::new();
    input.artifacts.push(other.add("diff", "x.diff", "", "x"));
    set_settings("{}");
    let error = Reviewer::evaluate(&input, &artifacts).unwrap_err();
    assert!(error.contains("art_1"), "{error}");
}

#[test]
fn bad_settings_are_an_error() {
    set_settings(r#"{"max_line":1}"#);
    let artifacts = MemoryArtifacts::new();
    assert!(Reviewer::evaluate(&artifacts.input("review"), &artifacts).unwrap_err().contains("max_line"));
    assert!(Reviewer::check_settings(r#"{"disabled":["nonsense"]}"#).is_err());
    assert!(Reviewer::check_settings("{}").is_ok());
}
