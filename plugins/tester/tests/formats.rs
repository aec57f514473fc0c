//! Reports as tools really write them, format by format.

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is a failed test")]

use proptest::prelude::*;
use sluice_tester::formats::{Format, detect, read};
use sluice_tester::report::{Event, Sink, Status};
use std::io::{self, Read};

/// Notes everything as text, one event a line.
#[derive(Default)]
struct Notes(Vec<String>);

impl Sink for Notes {
    fn on(&mut self, event: Event<'_>) {
        self.0.push(match event {
            Event::Case(case) => {
                let flaky = if case.flaky { " flaky" } else { "" };
                let place = case.path.map_or(String::new(), |path| format!(" @{path}:{}", case.line.unwrap_or(0)));
                let words = case.message.lines().next().unwrap_or_default();
                let words = if words.is_empty() || case.status == Status::Passed {
                    String::new()
                } else {
                    format!(" {words:?}")
                };
                format!("{:?}{flaky} {}|{}{place}{words}", case.status, case.suite, case.name)
            }
            Event::Counted { suite, passed, failed, skipped, .. } => {
                format!("Counted {suite} {passed}+{failed}+{skipped}")
            }
            Event::Duration(seconds) => format!("{seconds:.3} s"),
            Event::Lines(covered, total) => format!("lines {covered}/{total}"),
            Event::Branches(covered, total) => format!("branches {covered}/{total}"),
            Event::Malformed { line, reason } => format!("! {} {reason}", line.unwrap_or(0)),
        });
    }
}

/// Gives at most `chunk` bytes a read.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn parse(format: Format, report: &[u8], chunk: usize) -> Vec<String> {
    let mut notes = Notes::default();
    read(format, "report", Slow(report, chunk), &mut notes).unwrap();
    notes.0
}

fn events(format: Format, report: &str) -> Vec<String> {
    assert_eq!(detect(report.as_bytes(), true), Some(format), "{report}");
    let events = parse(format, report.as_bytes(), usize::MAX);
    assert_eq!(parse(format, report.as_bytes(), 3), events, "chunks of three bytes");
    assert_eq!(parse(format, report.replace('\n', "\r\n").as_bytes(), 1_000), events, "carriage returns");
    events
}

fn malformed(format: Format, report: &str) -> Vec<String> {
    parse(format, report.as_bytes(), usize::MAX).into_iter().filter(|event| event.starts_with('!')).collect()
}

const SUREFIRE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="app.SumTest" time="0.25" tests="5" errors="1" skipped="1" failures="1" flakes="1">
  <properties><property name="os.name" value="Linux"/></properties>
  <testcase name="adds" classname="app.SumTest" time="0.05"/>
  <testcase name="subtracts" classname="app.SumTest" time="0.05">
    <failure message="expected: &lt;3&gt; but was: &lt;4&gt;" type="AssertionError"><![CDATA[AssertionError: expected
	at app.SumTest.subtracts(SumTest.java:21)
]]></failure>
    <rerunFailure message="again" type="AssertionError">at x</rerunFailure>
    <system-out>lots of output: SumTest.java:99</system-out>
  </testcase>
  <testcase name="divides" classname="app.SumTest" time="0.05"><error message="/ by zero" type="ArithmeticException"/></testcase>
  <testcase name="later" classname="app.SumTest" time="0"><skipped/></testcase>
  <testcase name="sometimes" classname="app.SumTest" time="0.1"><flakyFailure message="race" type="E"><stackTrace>t</stackTrace></flakyFailure></testcase>
</testsuite>
"#;

#[test]
fn junit_of_surefire() {
    assert_eq!(
        events(Format::Junit, SUREFIRE),
        [
            "Passed app.SumTest|adds",
            "Failed app.SumTest|subtracts @SumTest.java:21 \"expected: <3> but was: <4>\"",
            "Errored app.SumTest|divides \"/ by zero\"",
            "Skipped app.SumTest|later",
            "Passed flaky app.SumTest|sometimes",
            "0.250 s",
        ]
    );
}

#[test]
fn junit_nests_and_names_places_of_many_writers() {
    let report = r#"<testsuites name="all" tests="4" failures="2" time="1,000.5">
<testsuite name="outer"><testsuite name="inner" file="tests/a.py">
<testcase classname="tests.a" name="t1" file="tests/a.py" line="7" time="nonsense"><failure message="boom">tests/a.py:9: AssertionError</failure></testcase>
<testcase classname="tests.a" name="t2"><failure>File "tests/a.py", line 12, in t2</failure></testcase>
</testsuite></testsuite>
<testsuite name="g"><testcase name="t3" status="notrun"/><testcase name="t4" result="completed" status="run"/></testsuite>
</testsuites>"#;
    assert_eq!(
        events(Format::Junit, report),
        [
            "Failed inner|t1 @tests/a.py:7 \"boom\"",
            "Failed inner|t2 @tests/a.py:12 \"File \\\"tests/a.py\\\", line 12, in t2\"",
            "Skipped g|t3",
            "Passed g|t4",
            "1000.500 s",
        ]
    );
}

#[test]
fn junit_that_admits_failures_it_does_not_show_is_not_believed() {
    let hidden = r#"<testsuite name="s" tests="1" failures="1"><testcase name="a"/></testsuite>"#;
    assert_eq!(malformed(Format::Junit, hidden), ["! 1 suite \"s\" declares 1 failures that it does not list"]);
    let outer = r#"<testsuites failures="2"><testsuite name="s" failures="1"><testcase name="a"><failure/></testcase></testsuite></testsuites>"#;
    assert_eq!(malformed(Format::Junit, outer).len(), 1);
    let none = r#"<testsuite name="s" tests="3"/>"#;
    assert_eq!(malformed(Format::Junit, none).len(), 1);
    let suite_error =
        r#"<testsuite name="s" errors="1"><error message="set-up failed"/><testcase name="a"/></testsuite>"#;
    assert_eq!(events(Format::Junit, suite_error)[0], "Errored s|(the suite itself) \"set-up failed\"");
    assert!(malformed(Format::Junit, suite_error).is_empty());
}

#[test]
fn junit_cut_off_anywhere_is_malformed() {
    let whole = SUREFIRE.trim_end();
    for cut in 0..whole.len() {
        assert_eq!(malformed(Format::Junit, &whole[..cut]).len(), 1, "cut at {cut}");
    }
    assert!(malformed(Format::Junit, whole).is_empty());
}

#[test]
fn cobertura_in_three_dialects() {
    let counts = r#"<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.9" branch-rate="0.5" lines-covered="80" lines-valid="100" branches-covered="5" branches-valid="10" version="1"><packages/></coverage>"#;
    assert_eq!(events(Format::Cobertura, counts), ["lines 80/100", "branches 5/10"]);
    let listed = r#"<coverage><packages><package><classes><class filename="a.py">
<methods><method name="f"><lines><line number="1" hits="1"/></lines></method></methods>
<lines><line number="1" hits="1"/><line number="2" hits="0" branch="true" condition-coverage="50% (1/2)"/></lines></class></classes></package></packages></coverage>"#;
    assert_eq!(events(Format::Cobertura, listed), ["lines 1/2", "branches 1/2"]);
    assert_eq!(events(Format::Cobertura, r#"<coverage line-rate="0.8765" branch-rate="0"/>"#), ["lines 8765/10000"]);
    assert_eq!(malformed(Format::Cobertura, r#"<coverage line-rate="7"/>"#), ["! 0 it holds no line coverage"]);
    assert_eq!(malformed(Format::Cobertura, r#"<coverage lines-covered="9" lines-valid="3"/>"#).len(), 1);
    assert_eq!(
        malformed(Format::Cobertura, "<!DOCTYPE coverage [<!ENTITY a \"b\">]><coverage line-rate=\"1\"/>").len(),
        1
    );
}

#[test]
fn lcov_counts_records() {
    let report = "TN:\nSF:src/a.rs\nFN:1,main\nFNDA:1,main\nDA:1,5\nDA:2,0\nDA:3,99999999999999999999\nDA:4,-1\nBRDA:1,0,0,1\nBRDA:1,0,1,-\nLF:4\nLH:2\nend_of_record\nSF:b.c\nLF:10\nLH:7\nend_of_record\n";
    assert_eq!(events(Format::Lcov, report), ["lines 9/14", "branches 1/2"]);
    for (broken, reason) in [
        ("SF:a\nDA:1,1\n", "ends before"),
        ("SF:a\nDA:x,1\nend_of_record\n", "cannot be read"),
        ("SF:a\nSF:b\nend_of_record\n", "cannot be read"),
        ("DA:1,1\n", "cannot be read"),
        ("SF:a\nLF:1\nLH:2\nend_of_record\n", "more hits"),
        ("TN:x\n", "no file"),
    ] {
        let found = malformed(Format::Lcov, broken);
        assert!(found.len() == 1 && found[0].contains(reason), "{broken}: {found:?}");
    }
}

#[test]
fn tap_with_directives_and_diagnostics() {
    let report = "TAP version 13\n1..6\nok 1 - adds\nnot ok 2 - subtracts\n  ---\n  message: 'expected 3'\n  severity: fail\n  at:\n    file: test/sum.js\n    line: 12\n  duration_ms: 250\n  ...\nok 3 # SKIP no net\nnot ok 4 - later # TODO\nsome noise\n# a comment\nnot ok 5 - old style\n#   Failed test at t/sum.t line 9.\n#   see t/sum.t:9\nok 6 - six\n";
    assert_eq!(
        events(Format::Tap, report),
        [
            "Passed report|adds",
            "Failed report|subtracts @test/sum.js:12 \"expected 3\"",
            "Skipped report|test 3",
            "Skipped report|later",
            "Failed report|old style @t/sum.t:9 \"Failed test at t/sum.t line 9.\"",
            "Passed report|six",
            "0.250 s",
        ]
    );
}

#[test]
fn tap_plans_must_be_there_and_be_kept() {
    for (report, reason) in [
        ("ok 1\nok 2\n", "no plan"),
        ("1..3\nok 1\nok 2\n", "3 tests were planned and 2 ran"),
        ("ok 1\nok 2\n1..1\n", "1 tests were planned and 2 ran"),
        ("1..1\nok 1\n1..1\n", "more than one plan"),
        ("1..2\nok 1\nok 1\n", "out of sequence"),
        ("1..1\nnot ok 1\n  ---\n  message: x\n", "inside a diagnostic"),
        ("1..2\nok 1\n  ---\n  x: y\nnot ok 2\n", "not closed"),
    ] {
        let found = malformed(Format::Tap, report);
        assert!(found.len() == 1 && found[0].contains(reason), "{report}: {found:?}");
    }
    // An open block does not swallow the failure behind it.
    assert!(
        parse(Format::Tap, b"1..2\nok 1\n  ---\n  x: y\nnot ok 2\n", 9).contains(&"Failed report|test 2".to_owned())
    );
    for report in [
        "1..2\nok\nok\n",
        "ok 1\nok 2\n1..2\n",
        "1..0 # SKIP nothing to do\n",
        "TAP version 13\n1..1\nok 1\nTAP version 13\n1..1\nok 1\n",
    ] {
        assert!(malformed(Format::Tap, report).is_empty(), "{report}");
    }
    assert_eq!(
        events(Format::Tap, "1..3\nok 1\nBail out! disk full\n"),
        ["Passed report|test 1", "Errored report|(bailed out) \"disk full\""]
    );
}

#[test]
fn tap_subtests_count_once() {
    let report = "TAP version 14\n# Subtest: math\n    # Subtest: deep\n        ok 1 - a\n        1..1\n    ok 1 - deep\n    not ok 2 - b\n      ---\n      location: '/app/test/x.test.js:5:3'\n      error: 'broken'\n      ...\n    1..2\nnot ok 1 - math\n# Subtest: later\n    not ok 1 - c\n    1..1\nnot ok 2 - later # TODO\n1..2\n";
    assert_eq!(
        events(Format::Tap, report),
        [
            "Passed math > deep|a",
            "Failed math|b @/app/test/x.test.js:5 \"broken\"",
            "Skipped later|c",
            "Skipped report|later",
        ]
    );
    // A parent that calls itself fine does not outweigh its failing child.
    let liar = "TAP version 14\n    not ok 1 - c\n    1..1\nok 1 - parent\n1..1\n";
    assert_eq!(events(Format::Tap, liar), ["Failed report|c"]);
    let short = "TAP version 14\n    ok 1 - c\n    1..2\nok 1 - parent\n1..1\n";
    assert_eq!(malformed(Format::Tap, short).len(), 1);
    let open = "TAP version 14\n1..1\n    not ok 1 - c\n    1..1\n";
    assert!(malformed(Format::Tap, open).iter().any(|event| event.contains("inside a subtest")));
    assert!(parse(Format::Tap, open.as_bytes(), 5).contains(&"Failed report|c".to_owned()));
}

const LIBTEST: &str = "   Compiling app v0.1.0
     Running unittests src/lib.rs (target/debug/deps/app-0123456789abcdef)

running 4 tests
test tests::a ... ok
test tests::b ... FAILED
test tests::c ... ignored, needs a network
test tests::d - should panic ... ok

failures:

---- tests::b stdout ----

thread 'tests::b' (12) panicked at src/lib.rs:10:5:
assertion `left == right` failed
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

failures:
    tests::b

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.50s

error: test failed, to rerun pass `--lib`
   Doc-tests app

running 1 test
test src/lib.rs - adds (line 12) ... FAILED

failures:

---- src/lib.rs - adds (line 12) stdout ----
Test compiled, but failed.

failures:
    src/lib.rs - adds (line 12)

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.25s
";

#[test]
fn libtest_text() {
    assert_eq!(
        events(Format::Libtest, LIBTEST),
        [
            "Passed app|tests::a",
            "Skipped app|tests::c",
            "Passed app|tests::d",
            "Failed app|tests::b @src/lib.rs:10 \"thread 'tests::b' (12) panicked at src/lib.rs:10:5:\"",
            "0.500 s",
            "Failed app (doc)|src/lib.rs - adds (line 12) @src/lib.rs:12 \"Test compiled, but failed.\"",
            "0.250 s",
        ]
    );
}

#[test]
fn libtest_counts_what_it_does_not_list_and_refuses_what_is_cut() {
    let quiet = "running 3 tests\n...\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    assert_eq!(events(Format::Libtest, quiet), ["Counted report 3+0+0", "0.000 s"]);
    let noisy = "running 2 tests\ntest a ... printing ok\ntest b ... FAILED\ntest result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
    assert_eq!(events(Format::Libtest, noisy), ["Failed report|b", "Counted report 0+1+0"]);
    for (report, reason) in [
        ("running 2 tests\ntest a ... ok\n", "have no result"),
        (
            "running 2 tests\ntest a ... ok\nerror: test failed\n  process didn't exit successfully: x (signal: 11, SIGSEGV)\n",
            "have no result",
        ),
        (
            "running 1 test\ntest a ... ok\nrunning 1 test\ntest b ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n",
            "have no result",
        ),
        (
            "running 2 tests\ntest a ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n",
            "announced",
        ),
    ] {
        let found = malformed(Format::Libtest, report);
        assert!(found.len() == 1 && found[0].contains(reason), "{report}: {found:?}");
    }
    let liar = "running 1 test\ntest a ... ok\ntest result: FAILED. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
    assert!(events(Format::Libtest, liar).contains(&"Failed report|(the suite itself)".to_owned()));
    let build = "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\nerror[E0308]: mismatched types\n --> src/lib.rs:3:5\nerror: could not compile `app` (lib test)\n";
    assert_eq!(
        events(Format::Libtest, build),
        ["Errored report|(build) @src/lib.rs:3 \"error[E0308]: mismatched types\""]
    );
}

#[test]
fn libtest_json_lines() {
    let report = r#"{ "type": "suite", "event": "started", "test_count": 3 }
{ "type": "test", "event": "started", "name": "tests::a" }
{ "type": "test", "name": "tests::a", "event": "ok", "exec_time": 0.1 }
{ "type": "test", "name": "tests::b", "event": "failed", "stdout": "thread 'tests::b' panicked at src/lib.rs:10:5:\nboom\n" }
{ "type": "test", "event": "timeout", "name": "tests::c" }
{ "type": "test", "name": "tests::c", "event": "ignored" }
{ "type": "suite", "event": "failed", "passed": 1, "failed": 1, "ignored": 1, "measured": 0, "filtered_out": 0, "exec_time": 0.125 }
"#;
    assert_eq!(
        events(Format::LibtestJson, report),
        [
            "Passed report|tests::a",
            "Failed report|tests::b @src/lib.rs:10 \"thread 'tests::b' panicked at src/lib.rs:10:5:\"",
            "Skipped report|tests::c",
            "0.125 s",
        ]
    );
    let nextest = r#"{"type":"suite","event":"started","test_count":1,"nextest":{"crate":"app","test_binary":"cli","kind":"test"}}
{"type":"test","event":"ok","name":"app::cli$works"}
{"type":"suite","event":"ok","passed":1,"failed":0,"ignored":0,"measured":0,"filtered_out":0,"exec_time":0.0}
"#;
    assert_eq!(events(Format::LibtestJson, nextest)[0], "Passed app::cli|works");
    let start = "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":1}\n";
    let end = "{\"type\":\"suite\",\"event\":\"ok\",\"passed\":1,\"failed\":0,\"ignored\":0,\"measured\":0}\n";
    let test = "{\"type\":\"test\",\"event\":\"ok\",\"name\":\"a\"}\n";
    for (broken, reason) in [
        (start.to_owned(), "ends before"),
        (format!("{start}{end}"), "more tests than it lists"),
        (format!("{start}{test}{{\"type\":\n{end}"), "no record"),
        (format!("{start}{test}{}", end.replace("\"passed\":1", "\"passed\":2")), "another number"),
        (test.to_owned(), "outside of a suite"),
    ] {
        let found = malformed(Format::LibtestJson, &broken);
        assert!(found.len() == 1 && found[0].contains(reason), "{broken}: {found:?}");
    }
}

#[test]
fn nextest_text() {
    let report = "    Finished `test` profile
────────────
 Nextest run ID 0f0e0d with nextest profile: default
    Starting 4 tests across 2 binaries (1 test skipped)
        PASS [   0.005s] (1/4) app tests::a
        \u{1b}[31;1mFAIL\u{1b}[0m [   0.006s] (2/4) app::cli tests::b
  stdout ───

    running 1 test
    test tests::b ... FAILED

  stderr ───
    thread 'tests::b' panicked at tests/cli.rs:10:5:

  TRY 1 FAIL [   0.003s] app flaky
  TRY 2 PASS [   0.003s] app flaky
     SIGSEGV [   0.003s] app crash
────────────
     Summary [   1.500s] 4 tests run: 2 passed (1 flaky), 2 failed, 1 skipped
   FLAKY 2/2 [   0.003s] app flaky
        FAIL [   0.006s] app::cli tests::b
     SIGSEGV [   0.003s] app crash
error: test run failed
";
    let found = events(Format::Nextest, report);
    assert_eq!(
        found,
        [
            "Passed app|tests::a",
            "Failed app::cli|tests::b @tests/cli.rs:10 \"stdout ───\"",
            "Passed flaky app|flaky",
            "Errored app|crash",
            "1.500 s",
            "Counted  0+0+1",
        ]
    );
}

#[test]
fn nextest_without_its_summary_or_with_a_worse_one_is_not_believed() {
    let start = "    Starting 2 tests across 1 binary\n        PASS [   0.005s] app a\n";
    assert_eq!(malformed(Format::Nextest, start).len(), 1);
    let never = format!(
        "{start}  TRY 1 FAIL [   0.1s] app b\n  TRY 2 FAIL [   0.1s] app b\n     Summary [   0.1s] 2 tests run: 1 passed, 1 failed, 0 skipped\n"
    );
    assert_eq!(events(Format::Nextest, &never)[..3], ["Passed app|a", "Failed app|b", "0.100 s"].map(str::to_owned));
    let hidden = format!("{start}     Summary [   0.1s] 2 tests run: 1 passed, 1 timed out, 0 skipped\n");
    assert!(events(Format::Nextest, &hidden).contains(&"Counted  0+1+0".to_owned()));
    let given_up = format!("{start}     Summary [   0.1s] 1/2 tests run: 1 passed, 0 skipped\n");
    assert!(malformed(Format::Nextest, &given_up)[0].contains("1 of 2"));
}

#[test]
fn go_json() {
    let report = r#"{"Time":"2026-01-01T00:00:00Z","Action":"start","Package":"example.com/sum"}
{"Action":"run","Package":"example.com/sum","Test":"TestAdd"}
{"Action":"output","Package":"example.com/sum","Test":"TestAdd","Output":"=== RUN   TestAdd\n"}
{"Action":"run","Package":"example.com/sum","Test":"TestAdd/negative"}
{"Action":"output","Package":"example.com/sum","Test":"TestAdd/negative","Output":"    sum_test.go:12: got 3, want 4\n"}
{"Action":"fail","Package":"example.com/sum","Test":"TestAdd/negative","Elapsed":0}
{"Action":"fail","Package":"example.com/sum","Test":"TestAdd","Elapsed":0}
{"Action":"run","Package":"example.com/sum","Test":"TestOk"}
{"Action":"pass","Package":"example.com/sum","Test":"TestOk","Elapsed":0.1}
{"Action":"skip","Package":"example.com/sum","Test":"TestNet","Elapsed":0}
{"Action":"fail","Package":"example.com/sum","Elapsed":0.5}
{"Action":"output","Package":"example.com/none","Output":"?   \texample.com/none\t[no test files]\n"}
{"Action":"skip","Package":"example.com/none","Elapsed":0}
"#;
    assert_eq!(
        events(Format::GoJson, report),
        [
            "Failed example.com/sum|TestAdd/negative @sum_test.go:12 \"    sum_test.go:12: got 3, want 4\"",
            "Passed example.com/sum|TestOk",
            "Skipped example.com/sum|TestNet",
            "0.500 s",
        ]
    );
}

#[test]
fn go_packages_that_crash_or_do_not_build_have_failed() {
    let crash = r#"{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: boom\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"\t/src/p/a_test.go:7 +0x1\n"}
{"Action":"fail","Package":"p","Elapsed":0.1}
"#;
    assert_eq!(events(Format::GoJson, crash)[0], "Errored p|TestA @/src/p/a_test.go:7 \"panic: boom\"");
    let build = r##"{"ImportPath":"p [p.test]","Action":"build-output","Output":"# p [p.test]\n"}
{"ImportPath":"p [p.test]","Action":"build-output","Output":"./a.go:3:5: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","Elapsed":0,"FailedBuild":"p [p.test]"}
"##;
    assert_eq!(events(Format::GoJson, build)[0], "Errored p [p.test]|(build) @./a.go:3 \"# p [p.test]\"");
    let cut = crash.lines().take(4).collect::<Vec<_>>().join("\n");
    assert!(malformed(Format::GoJson, &cut)[0].contains("ends before"));
    assert!(
        malformed(Format::GoJson, "{\"Action\":\"start\",\"Package\":\"p\"}\n{\"Action\":\n")[0].contains("no event")
    );
}

fn any_line() -> impl Strategy<Value = String> {
    let lines = [
        "TAP version 14",
        "1..2",
        "1..0",
        "ok 1",
        "not ok 2 - x # TODO",
        "    ok 1",
        "    1..1",
        "# Subtest: s",
        "  ---",
        "  ...",
        "    ---",
        "Bail out!",
        "running 2 tests",
        "test a ... ok",
        "test b ... FAILED",
        "---- b stdout ----",
        "failures:",
        "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        "test result: FAILED. 99999999999999999999 passed; 18446744073709551615 failed; 1 ignored",
        "    Starting 1 test across 1 binary",
        "        PASS [   0.005s] a b",
        "  TRY 1 FAIL [ 0.1s] a b",
        "     Summary [   0.1s] 18446744073709551615 tests run: 18446744073709551615 failed, 18446744073709551615 failed",
        "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":18446744073709551615}",
        "{\"type\":\"test\",\"event\":\"failed\",\"name\":\"a$b\"}",
        "{\"type\":\"suite\",\"event\":\"failed\",\"passed\":18446744073709551615,\"failed\":18446744073709551615}",
        "{\"Action\":\"start\",\"Package\":\"p\"}",
        "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"a/b\"}",
        "{\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"a/b\",\"Elapsed\":-1e999}",
        "{\"Action\":\"fail\",\"Package\":\"p\"}",
        "{\"Action\":\"build-fail\"}",
        "SF:a",
        "DA:1,1",
        "LF:18446744073709551615",
        "LH:18446744073709551615",
        "BRDA:1,1,1,-",
        "end_of_record",
        "<testsuite failures=\"18446744073709551615\" errors=\"1\" time=\"1e999\">",
        "<testcase name=\"a\" time=\"NaN\">",
        "<failure>",
        "</failure>",
        "</testcase>",
        "</testsuite>",
        "<coverage lines-covered=\"1\" lines-valid=\"2\">",
        "<line hits=\"1\" condition-coverage=\"1% (4294967295/1)\"/>",
        "</coverage>",
        "&#0;",
        "<![CDATA[",
        "]]>",
        "",
        "ü\u{1b}[",
        "\r",
    ];
    prop_oneof![9 => proptest::sample::select(lines.to_vec()).prop_map(str::to_owned), 1 => ".{0,12}"]
}

const FORMATS: [Format; 8] = [
    Format::Junit,
    Format::Cobertura,
    Format::Tap,
    Format::Libtest,
    Format::LibtestJson,
    Format::Nextest,
    Format::GoJson,
    Format::Lcov,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_lines_panics_and_chunks_do_not_matter(lines in proptest::collection::vec(any_line(), 0..30), chunk in 1_usize..50) {
        let report = lines.join("\n");
        for format in FORMATS {
            prop_assert_eq!(parse(format, report.as_bytes(), chunk), parse(format, report.as_bytes(), usize::MAX), "{:?}", format);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for format in FORMATS {
            parse(format, &bytes, 7);
        }
        detect(&bytes, true);
    }
}
