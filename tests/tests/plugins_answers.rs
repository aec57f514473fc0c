//! What the host makes of what components answer: the four kinds of failure, contracts that are
//! broken, and what is cut.

use std::sync::Arc;

use e2e::guest::{World, component};
use e2e::plugins::{Memory, NOW, bind, board, evaluate, event, failure, gate_call, host, init};
use sluice::domain::artifact::Digest;
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::gate::{Outcome, Severity};
use sluice::domain::id::{RunId, WorkItemId};
use sluice::domain::json::Json;
use sluice::domain::plugin::{Limit, PluginFailure, PluginKind};
use sluice::domain::time::Timestamp;
use sluice::engine::ports::{CallFailure, Judgement, Plugins as _, ReducerCall, ScrubReport};
use sluice::plugins::Limits;

fn guest_words(failure: &PluginFailure) -> &str {
    match failure {
        PluginFailure::Guest { message } => message,
        other => panic!("expected the guest's own error, got {other:?}"),
    }
}

fn trap_words(failure: &PluginFailure) -> &str {
    match failure {
        PluginFailure::Trap { message } => message,
        other => panic!("expected a trap, got {other:?}"),
    }
}

#[test]
fn a_reducer_is_told_the_whole_event() {
    let host = host(Limits::default());
    let binding = bind(&host, component(World::Reducer, "echo", &[]), PluginKind::Reducer);
    let ReducerCall::OnEvent { mut input, .. } = event(InputKind::GateVerdict, "{\"gate\":\"test\"}") else {
        unreachable!()
    };
    input.work_item_id = Some(WorkItemId::new("item-7"));
    input.run_id = Some(RunId::new("run_7"));
    let call = ReducerCall::OnEvent { seq: 42, input: input.clone() };
    let data = input.data.clone();
    let notice = Command::EmitNotice { kind: "gate_verdict".to_owned(), data: data.clone() };
    let place = Command::ScheduleTimer { key: "gate_verdict".to_owned(), due_at: Timestamp(42), data: data.clone() };
    let time = Command::ScheduleTimer { key: "item-7".to_owned(), due_at: NOW, data };
    let run = Command::CancelRun { run_id: RunId::new("run_7"), reason: "gate_verdict".to_owned() };
    let told = host.reduce(&binding, board(&binding, 0), call).unwrap().commands;
    assert_eq!(told, [notice.clone(), time, place.clone(), run]);
    (input.work_item_id, input.run_id) = (None, None);
    let told = host.reduce(&binding, board(&binding, 0), ReducerCall::OnEvent { seq: 42, input }).unwrap().commands;
    assert_eq!(told, [notice, place]);
}

#[test]
fn a_gate_is_told_the_whole_request() {
    let epoch = NOW.as_millis() - 5;
    let gate = component(World::Gate, "gate_echo", &[("epoch", &epoch.to_string())]);
    let judgement = evaluate(&host(Limits::default()), gate, &[b"content"]).unwrap();
    assert_eq!((judgement.outcome, judgement.summary.as_str()), (Outcome::NeedsHuman, "mis_test"));
    assert_eq!(judgement.data.as_str(), "{\"title\":\"A title\"}");
    let told: Vec<_> = judgement
        .findings
        .iter()
        .map(|f| (f.rule.as_str(), f.message.as_str(), f.path.as_deref(), f.line, f.data.as_str()))
        .collect();
    let digest = format!("{{\"digest\":\"{}\"}}", Digest::of(b"content"));
    assert_eq!(
        told,
        [
            ("review", "item-0", Some("0.txt"), Some(1), digest.as_str()),
            ("text", "text/plain", Some("art_0"), Some(7), "{}"),
            ("time", "", None, Some(5), "{}"),
        ]
    );
}

#[test]
fn a_scrubber_is_told_the_whole_request() {
    let host = host(Limits::default());
    let binding = bind(&host, component(World::Scrubber, "scrub_echo", &[]), PluginKind::Scrubber);
    let report = host.scrub(&binding, "Grüße", &Json::from_valid("{\"tier\":\"team\"}")).unwrap();
    assert_eq!((report.blocked, report.summary.as_str(), report.redactions.len()), (true, "Grüße", 0));
    assert_eq!(report.data.as_str(), "{\"tier\":\"team\"}");
}

#[test]
fn a_trap_names_the_guests_functions() {
    let host = host(Limits::default());
    for (what, says) in [
        ("unreachable", "`unreachable` instruction executed in"),
        ("i32.const 1 i32.const 0 i32.div_u", "integer divide by zero in"),
        ("i32.const -4 i32.load", "out of bounds memory access in"),
    ] {
        let failure = failure(init(&host, component(World::Reducer, "trap", &[("what", what)])));
        let words = trap_words(&failure);
        assert!(words.contains(says) && words.contains("guilty <-"), "{words}");
    }
}

fn error(values: &[(&str, &str)]) -> Vec<u8> {
    let mut all =
        vec![("fill", "101"), ("tag", "1"), ("at", "65536"), ("bytes", "3"), ("answer", "16"), ("pages", "2")];
    for (name, value) in values {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    component(World::Reducer, "error", &all)
}

#[test]
fn the_guests_own_error_is_its_own_kind() {
    let failure = failure(init(&host(Limits::default()), error(&[])));
    assert_eq!(failure, PluginFailure::Guest { message: "eee".to_owned() });
}

#[test]
fn an_answer_that_is_none_is_a_trap() {
    let host = host(Limits::default());
    for (values, says) in [
        (vec![("fill", "255")], "invalid utf-8"),
        (vec![("at", "131071")], "out of bounds"),
        (vec![("bytes", "-1")], "out of bounds"),
        (vec![("tag", "7")], "discriminant"),
        (vec![("answer", "17")], "not aligned"),
        (vec![("answer", "131068")], "out of bounds"),
    ] {
        let failure = failure(init(&host, error(&values)));
        assert!(trap_words(&failure).contains(says), "{values:?} gave {failure:?}");
    }
}

fn start_run(data: &str, bytes: usize) -> Result<Vec<Command>, CallFailure> {
    let bytes = bytes.to_string();
    let component = component(World::Reducer, "start_run", &[("data", data), ("bytes", &bytes)]);
    init(&host(Limits::default()), component).map(|reduction| reduction.commands)
}

#[test]
fn commands_arrive_in_the_order_issued() {
    let commands = start_run(r#"{\"prompt\":\"p\"}"#, 14).unwrap();
    let notice = Command::EmitNotice { kind: "noise".to_owned(), data: Json::empty_object() };
    let run = Command::StartRun { work_item_id: None, data: Json::from_valid(r#"{"prompt":"p"}"#) };
    assert_eq!(commands, [notice, run]);
}

#[test]
fn a_command_with_bad_json_fails_the_call_and_says_which() {
    let deep = format!("{}1{}", r#"{\"a\":"#.repeat(200), "}".repeat(200));
    for (data, bytes, says) in [
        ("", 0, "is not a JSON object"),
        ("[1]", 3, "is not a JSON object"),
        (r#"{\"a\""#, 4, "is not valid JSON"),
        ("{} {}", 5, "is not valid JSON"),
        (deep.as_str(), 200 * 6 + 1, "recursion limit"),
    ] {
        let failure = failure(start_run(data, bytes));
        let words = guest_words(&failure);
        assert!(words.starts_with("command 2 (start-run): `data` ") && words.contains(says), "{words}");
    }
}

/// A verdict with one finding, unless `values` say otherwise.
fn verdict(values: &[(&str, &str)]) -> Result<Judgement, CallFailure> {
    let mut all = vec![
        ("findings", "1"),
        ("rule", "size/lines"),
        ("rule_bytes", "10"),
        ("message", "10"),
        ("summary", "10"),
        ("line", "3"),
        ("data", r#"{\"a\":1}"#),
        ("data_bytes", "7"),
        ("table", "1048576"),
        ("pages", "32"),
    ];
    for (name, value) in values {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    evaluate(&host(Limits::default()), component(World::Gate, "verdict", &all), &[])
}

#[test]
fn a_verdict_arrives_whole() {
    let judgement = verdict(&[]).unwrap();
    assert_eq!((judgement.outcome, judgement.summary.as_str()), (Outcome::Fail, "mmmmmmmmmm"));
    assert_eq!(judgement.data.as_str(), r#"{"a":1}"#);
    let [finding] = judgement.findings.as_slice() else { panic!("{:?}", judgement.findings) };
    assert_eq!((finding.rule.as_str(), finding.severity, finding.line), ("size/lines", Severity::Error, Some(3)));
    assert_eq!((finding.message.as_str(), finding.path.as_deref()), ("mmmmmmmmmm", None));
}

#[test]
fn findings_beyond_a_thousand_are_counted() {
    let all = verdict(&[("findings", "1000")]).unwrap();
    assert_eq!((all.findings.len(), all.data.as_str()), (1_000, r#"{"a":1}"#));
    let cut = verdict(&[("findings", "1001"), ("data", r#"{\"omitted\":5}"#), ("data_bytes", "13")]).unwrap();
    assert_eq!((cut.findings.len(), cut.data.as_str()), (1_000, r#"{"omitted":6}"#));
}

#[test]
fn long_texts_of_a_verdict_are_cut() {
    let judgement = verdict(&[("message", "5000"), ("summary", "5000")]).unwrap();
    assert_eq!(judgement.summary.len(), 1_024);
    assert_eq!(judgement.findings[0].message.len(), 4_096);
    assert_eq!(verdict(&[("message", "4096"), ("summary", "1024")]).unwrap().findings[0].message.len(), 4_096);
}

#[test]
fn a_huge_verdict_is_over_the_limit_and_harms_nobody() {
    // 30,000 findings that share one message of 2 KiB: 60 MB on the host's side.
    let flood = failure(verdict(&[("findings", "30000"), ("message", "2048"), ("pages", "64")]));
    assert_eq!(flood, PluginFailure::Limit { limit: Limit::ResultSize, allowed: 8 * 1024 * 1024 });
    // 100 MB of summary.
    let long = failure(verdict(&[("summary", "104857600"), ("pages", "1700")]));
    assert_eq!(long, PluginFailure::Limit { limit: Limit::ResultSize, allowed: 8 * 1024 * 1024 });
}

#[test]
fn a_verdict_that_breaks_the_contract_is_the_gates_error() {
    for (values, says) in [
        (vec![("data", "[]"), ("data_bytes", "2")], "the verdict's `data` is not a JSON object"),
        (vec![("rule", ""), ("rule_bytes", "0")], "finding 1 has the rule \"\""),
        (vec![("rule", "Size Lines")], "finding 1 has the rule \"Size Lines\""),
    ] {
        let failure = failure(verdict(&values));
        assert!(guest_words(&failure).starts_with(says), "{failure:?}");
    }
    let hundred = "r".repeat(100);
    verdict(&[("rule", &hundred), ("rule_bytes", "100")]).unwrap();
    failure(verdict(&[("rule", &format!("{hundred}r")), ("rule_bytes", "101")]));
}

#[test]
fn line_nought_is_no_line() {
    assert_eq!(verdict(&[("line", "0")]).unwrap().findings[0].line, None);
}

fn read(id: &str, offset: &str, length: &str, artifacts: &[&[u8]]) -> Result<Judgement, CallFailure> {
    let bytes = id.len().to_string();
    // A mebibyte fits into the guest's memory and two do not.
    let values = [("id", id), ("id_bytes", bytes.as_str()), ("offset", offset), ("length", length), ("pages", "20")];
    evaluate(&host(Limits::default()), component(World::Gate, "read", &values), artifacts)
}

#[test]
fn a_gate_reads_the_artifacts_of_its_call() {
    let artifacts: [&[u8]; 2] = [b"first artifact", b"second"];
    assert_eq!(read("art_1", "0", "1000", &artifacts).unwrap().summary, "second");
    assert_eq!(read("art_0", "6", "3", &artifacts).unwrap().summary, "art");
    assert_eq!(read("art_0", "9223372036854775807", "3", &artifacts).unwrap().summary, "");
}

#[test]
fn a_gate_reads_no_other_artifacts() {
    for id in ["art_2", "art_", "", "art_0/../art_1"] {
        let failure = failure(read(id, "0", "10", &[b"first", b"second"]));
        assert!(guest_words(&failure).contains("not among the artifacts of this call"), "{failure:?}");
    }
}

#[test]
fn storage_that_fails_is_the_hosts_fault() {
    let host = host(Limits::default());
    let values = [("id", "art_0"), ("id_bytes", "5"), ("offset", "0"), ("length", "9"), ("pages", "20")];
    let binding = bind(&host, component(World::Gate, "read", &values), PluginKind::Gate);
    // The call names an artifact that the storage does not find.
    let failed = failure(host.evaluate(&binding, gate_call(&[b"content"]), Arc::new(Memory(Vec::new()))));
    assert_eq!(failed, PluginFailure::Host { message: "artifact art_0 could not be read: storage failed".to_owned() });
}

#[test]
fn one_read_gives_at_most_a_mebibyte() {
    let artifact = vec![b'a'; 2 * 1024 * 1024];
    let judgement = read("art_0", "0", "2097152", &[&artifact]).unwrap();
    assert!(judgement.summary.starts_with("aaaa"));
    let judgement = read("art_0", "2097150", "2097152", &[&artifact]).unwrap();
    assert_eq!(judgement.summary, "aa");
}

fn redact(values: &[(&str, &str)], text: &str) -> Result<ScrubReport, CallFailure> {
    let mut all =
        vec![("count", "2"), ("start", "0"), ("end", "4"), ("step", "5"), ("confidence", "0.5"), ("pages", "40")];
    for (name, value) in values {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let host = host(Limits::default());
    let binding = bind(&host, component(World::Scrubber, "redact", &all), PluginKind::Scrubber);
    host.scrub(&binding, text, &Json::empty_object())
}

#[test]
fn redactions_arrive_in_order() {
    let report = redact(&[], "0123456789").unwrap();
    let spans: Vec<_> =
        report.redactions.iter().map(|r| (r.start, r.end, r.kind.as_str(), r.replacement.as_str())).collect();
    assert_eq!(spans, [(0, 4, "secret", "[gone]"), (5, 9, "secret", "[gone]")]);
    assert!(!report.blocked);
}

#[test]
fn redactions_that_do_not_fit_the_text_are_the_scrubbers_error() {
    for (values, text, says) in [
        (vec![], "01234567", "redaction 2 spans bytes 5 to 9 of a text of 8"),
        (vec![("end", "0")], "0123456789", "redaction 1 spans bytes 0 to 0"),
        (vec![("step", "3")], "0123456789", "redaction 2 begins at byte 3"),
        (vec![("step", "-1"), ("start", "2")], "0123456789", "redaction 2 begins at byte 1"),
        (vec![("end", "1")], "äääääääää", "redaction 1 spans bytes 0 to 1, which cuts a character"),
        (vec![("confidence", "1.5")], "0123456789", "redaction 1 has the confidence 1.5"),
        (vec![("confidence", "nan")], "0123456789", "redaction 1 has the confidence NaN"),
    ] {
        let failure = failure(redact(&values, text));
        assert!(guest_words(&failure).starts_with(says), "{values:?} gave {failure:?}");
    }
}

#[test]
fn redactions_are_counted() {
    let text = "x".repeat(20_000);
    let many = |count: &'static str| redact(&[("count", count), ("end", "1"), ("step", "2")], &text);
    assert_eq!(many("10000").unwrap().redactions.len(), 10_000);
    assert_eq!(
        failure(redact(&[("count", "10001"), ("end", "1"), ("step", "1")], &text)),
        PluginFailure::Limit { limit: Limit::ResultSize, allowed: 10_000 }
    );
}

#[test]
fn a_text_over_a_mebibyte_is_not_scrubbed() {
    let (fits, over) = ("x".repeat(1024 * 1024), "x".repeat(1024 * 1024 + 1));
    redact(&[], &fits).unwrap();
    assert!(failure(redact(&[], &over)).to_string().contains("1048577 bytes"));
}
