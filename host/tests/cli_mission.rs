//! The commands that look at missions, change their course from outside, and look into plugins.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::binary::Binary;
use rustix::process::Signal;
use serde_json::{Value, json};

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of cases are text")
}

fn list<'v>(value: &'v Value, member: &str) -> &'v Vec<Value> {
    value[member].as_array().unwrap_or_else(|| panic!("`{member}` is a list in {value}"))
}

/// The quickstart, finished; its mission's id.
fn finished_quickstart(sluice: &Binary) -> String {
    let (code, document) = sluice.json(&["run", text(&repository("examples/quickstart/mission.toml"))]);
    assert_eq!(code, Some(0), "{document}");
    document["mission"]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_finished_mission_can_be_listed_shown_and_replayed() {
    let sluice = binary();
    let id = finished_quickstart(&sluice);
    assert_eq!(sluice.missions()[0]["id"], id.as_str());
    let (_, failed) = sluice.json(&["mission", "list", "--status", "failed"]);
    assert_eq!(failed["count"], 0);

    let (code, shown) = sluice.json(&["mission", "show", &id]);
    assert_eq!(code, Some(0));
    assert_eq!((list(&shown["mission"], "work_items").len(), list(&shown, "verdicts").len()), (4, 11), "{shown}");

    let (code, history) = sluice.json(&["mission", "history", &id]);
    assert_eq!(code, Some(0));
    let events = list(&history, "events");
    assert_eq!(history["count"], events.len());
    for (seq, event) in events.iter().enumerate() {
        assert_eq!((&event["seq"], &event["disposition"]), (&json!(seq), &json!("applied")), "{event}");
    }
    assert_eq!(events[0]["type"], "mission_created");

    let (code, same) = sluice.json(&["mission", "replay", &id]);
    assert_eq!((code, &same["events"], &same["differences"]), (Some(0), &json!(events.len()), &json!([])));

    // The same component with another back-off differs where it sends work back, and nowhere else.
    let reducer = repository("plugins/prebuilt/mission-default.wasm");
    let settings = r#"{"retry_backoff_ms":300}"#;
    let (code, other) = sluice.json(&["mission", "replay", &id, "--reducer", text(&reducer), "--settings", settings]);
    assert_eq!(code, Some(1), "differences end with 1, so that a script sees them");
    let rejected: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "gate_verdict" && event["data"]["outcome"] == "fail")
        .map(|event| &event["seq"])
        .collect();
    let differ: Vec<&Value> = list(&other, "differences").iter().map(|difference| &difference["seq"]).collect();
    assert_eq!((rejected.len(), &differ), (2, &rejected), "{other:#}");
    assert_eq!(&other["diverged_at"], rejected[0]);

    let plain = sluice.run(&["mission", "replay", &id, "--reducer", text(&reducer), "--settings", settings]);
    assert_eq!(plain.code, Some(1));
    assert!(plain.stdout.contains(": 2 decided differently"), "{plain:#?}");
    assert!(plain.stdout.contains("\n  - ") && plain.stdout.contains("\n  + "), "{plain:#?}");
}

#[test]
fn a_candidate_that_cannot_be_asked_is_bad_input() {
    let sluice = binary();
    let id = finished_quickstart(&sluice);
    let gate = repository("plugins/prebuilt/tester.wasm");
    let reducer = repository("plugins/prebuilt/mission-default.wasm");
    let nowhere = sluice.directory().join("nowhere.wasm");
    let cases: &[(&[&str], &str)] = &[
        (&["mission", "replay", "mis_nothing"], "there is no mission `mis_nothing`"),
        (&["mission", "replay", &id, "--reducer", text(&gate)], "is a gate, and a reducer is wanted here"),
        (&["mission", "replay", &id, "--reducer", text(&nowhere)], "cannot be read"),
        (&["mission", "replay", &id, "--reducer", text(&reducer), "--settings", "{"], "--settings"),
        (
            &["mission", "replay", &id, "--reducer", text(&reducer), "--settings", r#"{"retry":1}"#],
            "unknown setting `retry`",
        ),
    ];
    for (arguments, part) in cases {
        let answer = sluice.run(arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}: {answer:#?}");
        assert!(answer.stderr.contains(part), "{arguments:?}: {answer:#?}");
    }
}

const TWO_ITEMS: &str = r#"
title = "Two items"
[gates]
review = false
test = false
[[work_items]]
id = "a"
title = "A"
action = { exec = { argv = ["sh", "-c", "if [ -e done ]; then exit 0; fi; echo ready; sleep 600"] } }
[[work_items]]
id = "b"
title = "B"
depends_on = ["a"]
action = { exec = { argv = ["true"] } }
"#;

/// A mission interrupted while its first item is worked; its id.
fn interrupted_mission(sluice: &Binary) -> String {
    let file = sluice.file("mission.toml", TWO_ITEMS);
    let mut process = sluice.start(&["run", text(&file)]);
    process.wait_for("| ready");
    process.signal(Signal::INT);
    assert_eq!(process.wait_at_most(Duration::from_secs(3)).code, Some(130));
    sluice.missions()[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_canceled_mission_ends_and_is_not_resumed() {
    let sluice = binary();
    let id = interrupted_mission(&sluice);
    let (code, canceled) = sluice.json(&["mission", "cancel", &id, "--reason", "no longer wanted"]);
    assert_eq!((code, &canceled["mission"]["status"]), (Some(0), &json!("canceled")), "{canceled}");
    let (code, document) = sluice.json(&["run", "--resume"]);
    assert_eq!((code, &document["mission"]["status"]), (Some(1), &json!("canceled")), "{document}");
    for item in list(&document["mission"], "work_items") {
        assert_eq!(item["status"], "canceled", "{item}");
    }
    let again = sluice.run(&["mission", "cancel", &id]);
    assert_ne!(again.code, Some(0), "{again:#?}");
    assert!(again.stderr.contains("the mission is canceled"), "{again:#?}");
}

#[test]
fn a_paused_mission_goes_on_when_it_is_resumed() {
    let sluice = binary();
    let id = interrupted_mission(&sluice);
    let (code, paused) = sluice.json(&["mission", "pause", &id]);
    assert_eq!((code, &paused["mission"]["status"]), (Some(0), &json!("paused")), "{paused}");
    sluice.file("done", "");
    let (code, document) = sluice.json(&["run", "--resume"]);
    assert_eq!((code, &document["mission"]["status"]), (Some(0), &json!("succeeded")), "{document}");
    let nobody = sluice.run(&["mission", "pause", "mis_nothing"]);
    assert_eq!(nobody.code, Some(2), "{nobody:#?}");
}

#[test]
fn a_plugin_tells_what_it_is_without_being_run() {
    let sluice = binary();
    for (name, kind) in
        [("mission-default", "reducer"), ("reviewer", "gate"), ("tester", "gate"), ("scrubber", "scrubber")]
    {
        let file = repository("plugins/prebuilt").join(name).with_extension("wasm");
        let (code, found) = sluice.json(&["plugin", "inspect", text(&file)]);
        assert_eq!(code, Some(0), "{found}");
        assert_eq!((&found["name"], &found["kind"], &found["usable"]), (&json!(name), &json!(kind), &json!(true)));
        assert_eq!(found["settings_schema"]["type"], "object");
        assert!(list(&found, "imports").iter().all(|import| !import.as_str().unwrap_or("wasi").contains("wasi")));
    }
    let answer = sluice.run(&["plugin", "inspect", text(&sluice.file("x.wasm", "no"))]);
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    assert!(answer.stderr.contains("is not WebAssembly"), "{answer:#?}");
}

#[test]
fn the_doctor_finds_what_is_there_and_what_is_not() {
    let sluice = binary();
    let (code, found) = sluice.json(&["doctor"]);
    assert_eq!((code, &found["ok"]), (Some(0), &json!(true)), "{found}");
    let mut command = sluice.command(&["doctor", "--json"]);
    command.env("PATH", "/nonexistent");
    let answer = sluice.start_command(command).wait();
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    let found: Value = serde_json::from_str(&answer.stdout).expect("one document");
    let git = list(&found, "checks").iter().find(|check| check["check"] == "git").expect("git is looked for");
    assert_eq!((&found["ok"], &git["ok"]), (&json!(false), &json!(false)), "{found}");
    assert!(git["problem"].as_str().is_some_and(|problem| problem.contains("no `git` in PATH")), "{git}");
}
