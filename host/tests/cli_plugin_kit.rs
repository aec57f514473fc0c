//! The author's commands on components that need no compiler: calls, cases, comparisons, and what is refused.

use e2e::binary::Binary;
use e2e::guest::{World, encode, gate_that, manifest, plugin, renamed, text, with_manifest};
use serde_json::{Value, json};

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

/// Writes a file of the case and gives its path.
fn file(sluice: &Binary, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = sluice.directory().join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("make a directory");
    std::fs::write(&path, bytes).expect("write a file of the case");
    path.display().to_string()
}

fn text_file(sluice: &Binary, name: &str, value: &Value) -> String {
    file(sluice, name, value.to_string())
}

/// A component that comes with the host.
fn prebuilt(name: &str) -> String {
    format!("{}/../plugins/prebuilt/{name}.wasm", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_gate_is_called_with_what_a_person_wrote() {
    let sluice = binary();
    let change = "--- a/key.txt\n+++ b/key.txt\n@@ -0,0 +1,2 @@\n+one\n+<<<<<<< HEAD\n";
    file(&sluice, "cases/change.diff", change);
    let artifacts =
        json!([{"name": "change.diff", "kind": "diff", "media_type": "text/x-diff", "file": "change.diff"}]);
    let input = text_file(&sluice, "cases/input.json", &json!({"artifacts": artifacts, "attempt": 2}));
    let called = sluice.ok(&["plugin", "run", &prebuilt("reviewer"), "--input", &input]);
    assert_eq!(called["answer"]["outcome"], "fail", "{called:#}");
    assert_eq!(
        (&called["calls"], &called["answer"]["findings"][0]["path"]),
        (&json!(1), &json!("key.txt")),
        "{called:#}"
    );
    assert!(called["fuel"].as_u64() > Some(10_000) && called["memory_bytes"].as_u64() > Some(65_536), "{called:#}");
    let shown = sluice.shown(&["plugin", "run", &prebuilt("reviewer"), "--input", &input]);
    assert!(shown.starts_with("outcome   fail") && shown.contains("key.txt:2"), "{shown}");
    assert!(shown.contains("\nfuel ") && shown.contains("\nmemory ") && shown.contains("\ntime "), "{shown}");

    let refused = |input: &Value, part: &str| {
        let input = text_file(&sluice, "wrong.json", input);
        sluice.refused(&["plugin", "run", &prebuilt("reviewer"), "--input", &input], 2, part);
    };
    refused(&json!({"artefacts": []}), "artefacts");
    refused(&json!({"artifacts": [{"name": "a", "file": "nowhere.diff"}]}), "nowhere.diff");
    let settings =
        ["plugin", "run", &prebuilt("reviewer"), "--input", &input, "--settings", r#"{"max_lines": "many"}"#];
    sluice.refused(&settings, 2, "/max_lines");
    sluice.refused(&["plugin", "run", &prebuilt("reviewer"), "--input", "nowhere.json"], 2, "nowhere.json");
    sluice.refused(&["plugin", "run", &input, "--input", &input], 2, "not WebAssembly");
}

#[test]
fn a_scrubber_shows_the_text_as_the_host_would_cut_it() {
    let sluice = binary();
    let input =
        text_file(&sluice, "input.json", &json!({"text": "Write to ann@example.org today.", "data": {"tier": "team"}}));
    let called = sluice.ok(&["plugin", "run", &prebuilt("scrubber"), "--input", &input]);
    let redaction = &called["answer"]["redactions"][0];
    assert_eq!((&redaction["kind"], &redaction["start"], &redaction["end"]), (&json!("email"), &json!(9), &json!(24)));
    let text = called["answer"]["text"].as_str().expect("a text");
    assert!(text.starts_with("Write to ") && text.ends_with(" today.") && !text.contains("ann@"), "{text}");
}

/// The built-in reducer plays a mission under the host's rules; what cannot be is refused as a host would.
#[test]
fn a_reducer_plays_a_mission() {
    let sluice = binary();
    let script = json!({
        "mission": {"title": "Mend", "work_items": [
            {"id": "a", "title": "A"}, {"id": "b", "title": "B", "depends_on": ["a"]}]},
        "gates": ["review"],
        "events": [
            {"kind": "mission_started"},
            {"kind": "mission_started"},
            {"kind": "run_finished", "work_item_id": "a", "data": {"status": "succeeded"}},
            {"kind": "gate_verdict", "work_item_id": "a", "data": {"gate": "review", "outcome": "needs_human"}},
            {"kind": "approval_granted", "work_item_id": "a"},
            {"kind": "run_finished", "work_item_id": "b", "data": {"status": "succeeded"}},
            {"kind": "gate_verdict", "work_item_id": "b", "data": {"gate": "review", "outcome": "pass"}},
        ],
    });
    let input = text_file(&sluice, "script.json", &script);
    let called = sluice.ok(&["plugin", "run", &prebuilt("mission-default"), "--input", &input]);
    let answer = &called["answer"];
    assert_eq!(
        (&answer["mission"]["status"], &answer["work_items"]["b"]),
        (&json!("succeeded"), &json!("done")),
        "{answer:#}"
    );
    assert_eq!(answer["steps"][2]["refusal"]["code"], "MISSION_STATE", "{answer:#}");
    assert_eq!((answer["steps"].as_array().map(Vec::len), &called["calls"]), (Some(8), &json!(7)), "{answer:#}");
    assert_eq!(sluice.ok(&["plugin", "run", &prebuilt("mission-default"), "--input", &input])["answer"], *answer);
    let measured = sluice.ok(&["plugin", "bench", &prebuilt("mission-default"), "--input", &input, "--seconds", "1"]);
    assert!(measured["calls"].as_u64() >= Some(7), "{measured:#}");
    assert!(measured["p50_us"].as_u64() <= measured["p99_us"].as_u64() && measured["fuel_max"].as_u64() > Some(0));

    let wrong = text_file(&sluice, "wrong.json", &json!({"mission": {"title": "A"}, "events": [{"kind": "lunch"}]}));
    sluice.refused(&["plugin", "run", &prebuilt("mission-default"), "--input", &wrong], 2, "events[0].kind");
    let wrong = text_file(&sluice, "wrong.json", &json!({"mission": {"title": " "}}));
    sluice.refused(&["plugin", "run", &prebuilt("mission-default"), "--input", &wrong], 2, "mission.title");
}

#[test]
fn what_comes_with_the_host_lives_through_what_nobody_would_send() {
    let sluice = binary();
    for name in ["reviewer", "tester", "scrubber", "mission-default"] {
        let judged = sluice.ok(&["plugin", "test", &prebuilt(name)]);
        assert!(judged["count"].as_u64() >= Some(6) && judged["failed"] == 0, "{name}: {judged:#}");
    }
}

#[test]
fn an_answer_that_is_not_as_expected_fails_with_its_place() {
    let sluice = binary();
    let gate = file(&sluice, "gate.wasm", gate_that("pass", "lenient", "1.0.0"));
    let case = |outcome: &str| json!({"input": {}, "expected": {"outcome": outcome, "summary": "lenient"}});
    text_file(&sluice, "cases/right.json", &case("pass"));
    let cases = sluice.directory().join("cases").display().to_string();
    let judged = sluice.ok(&["plugin", "test", &gate, "--cases", &cases]);
    assert_eq!((&judged["ok"], &judged["cases"][0]["name"]), (&json!(true), &json!("right")), "{judged:#}");
    text_file(&sluice, "cases/wrong.json", &case("fail"));
    let (code, judged) = sluice.json(&["plugin", "test", &gate, "--cases", &cases]);
    let expected = json!([{"pointer": "/outcome", "expected": "fail", "found": "pass"}]);
    assert_eq!(
        (code, &judged["failed"], &judged["cases"][1]["unexpected"]),
        (Some(1), &json!(1), &expected),
        "{judged:#}"
    );
    let shown = sluice.run(&["plugin", "test", &gate, "--cases", &cases]).stdout;
    assert!(shown.contains("FAILED  golden: wrong: /outcome: is \"pass\", expected \"fail\""), "{shown}");

    text_file(&sluice, "cases/wrong.json", &json!({"input": {}, "expected": {}}));
    sluice.refused(&["plugin", "test", &gate, "--cases", &cases], 2, "wrong.json");
    text_file(&sluice, "cases/wrong.json", &json!({"input": {"gates": 1}, "expected": {"outcome": "pass"}}));
    sluice.refused(&["plugin", "test", &gate, "--cases", &cases], 2, "wrong.json: input: ");
    let empty = sluice.directory().join("empty").display().to_string();
    sluice.refused(&["plugin", "test", &gate, "--cases", &empty], 2, "has no cases");
}

#[test]
fn a_component_that_traps_or_runs_into_a_limit_fails() {
    let sluice = binary();
    let trap = file(&sluice, "trap.wasm", plugin(World::Reducer, "trap", "1.0.0", "trap", &[("what", "unreachable")]));
    let (code, judged) = sluice.json(&["plugin", "test", &trap]);
    assert_eq!((code, &judged["failed"]), (Some(1), &judged["count"]), "{judged:#}");
    let said = judged["cases"][0]["problems"][0].as_str().unwrap_or_default();
    assert!(said.starts_with("the plugin trapped: "), "{said}");
    let input = text_file(&sluice, "input.json", &json!({"mission": {"title": "A"}}));
    let (code, called) = sluice.json(&["plugin", "run", &trap, "--input", &input]);
    assert_eq!((code, &called["answer"]["failure"]["kind"]), (Some(1), &json!("trap")), "{called:#}");
    sluice.refused(&["plugin", "bench", &trap, "--input", &input], 1, "not worth measuring");
}

#[test]
fn what_differs_between_two_components_is_told() {
    let sluice = binary();
    let bare = encode(World::Gate, "", &text("decide", &[("outcome", "0"), ("summary", "a"), ("bytes", "1")]));
    let with = |version: &str, properties: Value| {
        let mut manifest = manifest("gate");
        manifest["version"] = json!(version);
        manifest["settings_schema"]["properties"] = properties;
        manifest
    };
    let first = with_manifest(&bare, &with("0.1.0", json!({"words": {"type": "array"}, "limit": {"type": "integer"}})));
    let second =
        with_manifest(&bare, &with("0.2.0", json!({"words": {"type": "string"}, "more": {"type": "integer"}})));
    let (first, second) = (file(&sluice, "first.wasm", first), file(&sluice, "second.wasm", second));
    let found = sluice.ok(&["plugin", "diff", &first, &second]);
    assert_eq!(found["breaking_settings"], json!(["limit: is gone", "words: is judged by other rules"]), "{found:#}");
    let shown = sluice.shown(&["plugin", "diff", &first, &second]);
    assert!(shown.contains("~ manifest version: \"0.1.0\" -> \"0.2.0\"\n"), "{shown}");
    assert!(shown.contains("+ setting more\n") && shown.contains("! setting limit: is gone"), "{shown}");
    assert_eq!(sluice.shown(&["plugin", "diff", &first, &first]), "the same bytes\n");
    let other =
        file(&sluice, "other.wasm", renamed(&std::fs::read(prebuilt("reviewer")).expect("read"), "hostile", "1.0.0"));
    let found = sluice.ok(&["plugin", "diff", &first, &other]);
    let imports =
        found["changes"].as_array().expect("changes").iter().filter(|change| change["what"] == "import").count();
    assert!(imports > 0, "{found:#}");
    sluice.refused(&["plugin", "diff", &first, "nowhere.wasm"], 2, "nowhere.wasm");
}

#[test]
fn a_new_plugin_is_whole_and_never_written_over() {
    let sluice = binary();
    for kind in ["gate", "reducer", "scrubber"] {
        let dir = sluice.directory().join(kind).display().to_string();
        let made = sluice.ok(&["plugin", "new", "my-plugin", "--kind", kind, "--dir", &dir]);
        let files: Vec<&str> = made["files"].as_array().expect("files").iter().filter_map(Value::as_str).collect();
        for expected in ["Cargo.toml", "Cargo.lock", "manifest.json", "src/lib.rs", "README.md", "sdk/Cargo.toml"] {
            assert!(files.contains(&expected), "{files:?}");
        }
        assert!(files.iter().filter(|path| path.starts_with("tests/golden/")).count() >= 3, "{files:?}");
        assert!(files.iter().all(|path| std::path::Path::new(&dir).join(path).is_file()));
        sluice.refused(&["plugin", "new", "my-plugin", "--kind", kind, "--dir", &dir], 2, "is there already");
    }
    sluice.refused(&["plugin", "new", "My Plugin", "--kind", "gate"], 2, "cannot be a plugin's name");
    assert_eq!(sluice.run(&["plugin", "new", "x", "--kind", "router"]).code, Some(2));
    let nowhere = sluice.directory().join("nowhere").display().to_string();
    sluice.refused(&["plugin", "build", &nowhere], 2, "nowhere");
    let here = sluice.directory().display().to_string();
    sluice.refused(&["plugin", "build", &here], 2, "it has no Cargo.toml");
    let dir = sluice.directory().join("gate");
    let manifest = std::fs::read_to_string(dir.join("manifest.json")).expect("read");
    std::fs::write(dir.join("manifest.json"), manifest.replace("\"0.1\"", "\"9.9\"")).expect("write");
    sluice.refused(&["plugin", "build", &dir.display().to_string()], 2, "contract");
    sluice.refused(&["plugin", "watch", &sluice.directory().join("reducer").display().to_string()], 2, "nobody serves");
}
