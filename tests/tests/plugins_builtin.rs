//! The components that come with the host, called as the engine calls them.

use std::sync::{Arc, LazyLock};

use e2e::plugins::{Memory, board, event, gate_call};
use sluice::domain::command::Command;
use sluice::domain::event::InputKind;
use sluice::domain::gate::Outcome;
use sluice::domain::id::WorkItemId;
use sluice::domain::json::Json;
use sluice::domain::mission::MissionStatus;
use sluice::domain::plugin::{Binding, PluginKind};
use sluice::engine::ports::{GateCall, Judgement, Plugins as _, ReducerCall};
use sluice::plugins::{BindError, Limits, PluginHost};

/// One host for all cases: each component is compiled once.
static HOST: LazyLock<PluginHost> = LazyLock::new(|| e2e::plugins::host(Limits::default()));

fn bound(name: &str, kind: PluginKind) -> Binding {
    let binding = HOST.bind(name, kind, &Json::empty_object()).expect("it is built in");
    HOST.check_binding(&binding).expect("its defaults are good");
    binding
}

#[test]
fn all_four_are_there_and_want_nothing_but_their_world() {
    let names: Vec<String> = HOST.installed().into_iter().map(|info| info.manifest.name).collect();
    assert_eq!(names, ["mission-default", "reviewer", "scrubber", "tester"]);
    for name in names {
        let path = format!("{}/../plugins/prebuilt/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        // The host trusts its own; here they are judged as anybody's.
        HOST.install(bytes.clone()).unwrap();
        let inspection = PluginHost::inspect(&bytes).unwrap();
        let wasi: Vec<&String> = inspection.imports.iter().filter(|import| import.starts_with("wasi:")).collect();
        assert_eq!(wasi, [] as [&String; 0], "{name}");
    }
}

#[test]
fn the_reducer_starts_the_ready_items() {
    let binding = bound("mission-default", PluginKind::Reducer);
    let board = board(&binding, 2);
    HOST.reduce(&binding, Arc::clone(&board), ReducerCall::Init).unwrap();
    let reduction = HOST.reduce(&binding, Arc::clone(&board), event(InputKind::MissionStarted, "{}")).unwrap();
    let first = reduction.commands.first();
    assert!(matches!(first, Some(Command::SetMissionStatus { status: MissionStatus::Running, .. })), "{first:?}");
    let started: Vec<WorkItemId> = reduction
        .commands
        .iter()
        .filter_map(|command| match command {
            Command::StartRun { work_item_id, .. } => work_item_id.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(started, [WorkItemId::new("item-0"), WorkItemId::new("item-1")]);
    let again = HOST.reduce(&binding, board, event(InputKind::MissionStarted, "{}")).unwrap();
    assert_eq!((again.commands, again.report.fuel), (reduction.commands, reduction.report.fuel));
}

#[test]
fn the_reducer_refuses_settings_it_does_not_know() {
    let settings = Json::from_valid(r#"{"max_paralel_runs":2}"#);
    let error = HOST.bind("mission-default", PluginKind::Reducer, &settings).unwrap_err();
    assert!(matches!(error, BindError::Settings { .. }), "{error:?}");
    assert!(error.to_string().contains("did you mean `max_parallel_runs`?"), "{error}");
}

/// What the gate `name` says of one artifact.
fn judged(name: &str, kind: &str, file: &str, content: &[u8]) -> Judgement {
    let binding = bound(name, PluginKind::Gate);
    let mut call: GateCall = gate_call(&[content]);
    kind.clone_into(&mut call.artifacts[0].kind);
    file.clone_into(&mut call.artifacts[0].name);
    HOST.evaluate(&binding, call, Arc::new(Memory(vec![content.to_vec()]))).expect("it judges")
}

fn diff(added: &str) -> String {
    format!("diff --git a/src/a.txt b/src/a.txt\n--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,1 +1,2 @@\n one\n+{added}\n")
}

#[test]
fn the_reviewer_passes_a_clean_diff_and_finds_a_secret() {
    let clean = judged("reviewer", "diff", "change.diff", diff("two").as_bytes());
    assert_eq!(clean.outcome, Outcome::Pass, "{clean:?}");
    // Put together here, so that nobody who scans this file takes it for a real one.
    let key = format!("AKIA{}", "QWERTYUIOP234567");
    let dirty = judged("reviewer", "diff", "change.diff", diff(&format!("key = \"{key}\"")).as_bytes());
    assert_eq!(dirty.outcome, Outcome::Fail, "{dirty:?}");
    let secret = dirty.findings.iter().find(|finding| finding.rule.starts_with("secrets/")).unwrap();
    assert_eq!((secret.path.as_deref(), secret.line), (Some("src/a.txt"), Some(2)));
    assert!(!secret.message.contains(&key), "{}", secret.message);
}

#[test]
fn the_tester_passes_a_good_report_and_nothing_else() {
    let good = judged("tester", "test_report", "report.tap", b"TAP version 13\n1..2\nok 1 - a\nok 2 - b\n");
    assert_eq!(good.outcome, Outcome::Pass, "{good:?}");
    for bad in ["TAP version 13\n1..2\nok 1 - a\nnot ok 2 - b\n", "TAP version 13\n1..3\nok 1 - a\n", ""] {
        let judgement = judged("tester", "test_report", "report.tap", bad.as_bytes());
        assert_eq!(judgement.outcome, Outcome::Fail, "{bad:?} gave {judgement:?}");
        assert!(!judgement.findings.is_empty());
    }
}

#[test]
fn the_gates_read_the_largest_artifacts_within_their_limits() {
    let line = "+a line like any other in a long change\n";
    let count = 32 * 1024 * 1024 / line.len() - 10;
    let head = format!(
        "diff --git a/a.txt b/a.txt\nnew file mode 100644\n--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1,{count} @@\n"
    );
    let content = format!("{head}{}", line.repeat(count));
    let judgement = judged("reviewer", "diff", "change.diff", content.as_bytes());
    assert!(judgement.report.memory_bytes < 32 * 1024 * 1024, "{:?}", judgement.report);
}

#[test]
fn the_scrubber_points_at_an_address() {
    let binding = bound("scrubber", PluginKind::Scrubber);
    let text = "Schöne Grüße von jane.doe@example.org!";
    let report = HOST.scrub(&binding, text, &Json::empty_object()).unwrap();
    let found: Vec<&str> = report.redactions.iter().map(|r| &text[r.start..r.end]).collect();
    assert_eq!(found, ["jane.doe@example.org"], "{report:?}");
}
