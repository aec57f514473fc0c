//! What nobody would send: inputs that a component has to live through, whatever it makes of them.
//!
//! An answer, or an error in the component's own words, is fine. A trap, a limit it runs into, or two answers to the same
//! question are not. Everything here stays within what a host lets reach a component of that kind.

use serde_json::{Map, Value, json};

use super::input::{GivenArtifact, Input, gate_input};
use super::script::Script;
use crate::domain::json::Json;
use crate::domain::plugin::PluginKind;

/// Bytes of a large artifact.
const ARTIFACT_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of the longest text that is scrubbed.
const TEXT_BYTES: usize = 1024 * 1024;

/// Depth of JSON that no reader should follow without a limit.
const DEPTH: usize = 100_000;

/// Depth of JSON that a host still reads, and so hands on.
const DEPTH_READ: usize = 100;

/// Work items of a large mission.
const ITEMS: usize = 2_000;

/// Characters that are not what they look like: bidirectional marks, joiners, a byte order mark, combining marks, a NUL, a
/// noncharacter, emoji of several parts, digits that are not ASCII, letters that change their length in lower case.
const ODD: &str =
    "a\u{202e}b\u{200d}c\u{feff}e\u{301}\u{301}\u{0}\u{ffff}\u{10ffff}👩‍👩‍👧‍👦\u{661}\u{662}İßǅ\u{2028}\r\n\u{85}";

/// The inputs for a kind, each with what is odd about it.
pub fn inputs(kind: PluginKind) -> Vec<(&'static str, Input)> {
    match kind {
        PluginKind::Gate => gate(),
        PluginKind::Scrubber => scrubber(),
        PluginKind::Reducer => reducer(),
    }
}

fn deep(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn deep_value() -> Value {
    (0..DEPTH_READ).fold(json!(1), |inner, _| json!([inner]))
}

fn artifact(kind: &str, name: &str, content: impl Into<Vec<u8>>) -> GivenArtifact {
    let media_type = if kind == "coverage" { "application/json" } else { "text/plain" };
    GivenArtifact {
        kind: kind.to_owned(),
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        content: content.into(),
    }
}

fn gate() -> Vec<(&'static str, Input)> {
    let of = |artifacts| gate_input(artifacts, Map::new());
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(64 * 1024).collect();
    let odd_data: Map<String, Value> = [
        ("title".to_owned(), json!(ODD)),
        ("detail".to_owned(), json!(ODD.repeat(100))),
        ("metadata".to_owned(), json!({ODD: ODD})),
        ("run_summary".to_owned(), json!(ODD)),
    ]
    .into_iter()
    .collect();
    let deep_data = Map::from_iter([("metadata".to_owned(), json!({"deep": deep_value()}))]);
    let odd_name: String = ODD.chars().filter(|character| !character.is_control()).collect();
    let many = (0..500).map(|index| artifact("text", &format!("{index}.txt"), format!("{index}\n"))).collect();
    vec![
        ("no artifacts", of(Vec::new())),
        ("an empty artifact", of(vec![artifact("diff", "empty.diff", "")])),
        ("one line of 8 MiB", of(vec![artifact("diff", "long.diff", vec![b'+'; ARTIFACT_BYTES])])),
        ("8 MiB of line ends", of(vec![artifact("text", "lines.txt", vec![b'\n'; ARTIFACT_BYTES])])),
        ("500 artifacts", of(many)),
        ("bytes that are no text", of(vec![artifact("diff", "bytes.diff", every_byte.clone())])),
        ("bytes for a test report", of(vec![artifact("test_report", "report.xml", every_byte)])),
        (
            "a diff that is cut off",
            of(vec![artifact("diff", "cut.diff", "diff --git a/x b/x\n@@ -1,9999999999 +1 @@\n+")]),
        ),
        ("odd characters", gate_input(vec![artifact("diff", &odd_name, ODD.repeat(1_000))], odd_data)),
        ("deep JSON in an artifact", of(vec![artifact("coverage", "deep.json", deep(DEPTH))])),
        ("deep JSON in the data", gate_input(Vec::new(), deep_data)),
    ]
}

fn scrubber() -> Vec<(&'static str, Input)> {
    let of = |text: String| Input::Scrubber {
        text,
        data: Json::from_valid(r#"{"tier":"session","classification":"internal","kind":"note"}"#),
    };
    let long = |part: &str| part.repeat(TEXT_BYTES / part.len());
    let bare = |data: &Value| Input::Scrubber { text: "text".to_owned(), data: Json::from_valid(data.to_string()) };
    vec![
        ("an empty text", of(String::new())),
        ("1 MiB of one letter", of(long("a"))),
        ("1 MiB of digits", of(long("4"))),
        ("1 MiB of line ends", of(long("\n"))),
        ("1 MiB of addresses", of(long("a@b.example "))),
        ("1 MiB of beginnings", of(long("-----BEGIN PRIVATE KEY-----"))),
        ("odd characters", of(ODD.repeat(1_000))),
        ("deep JSON", of(deep(DEPTH))),
        ("data without members", bare(&json!({}))),
        ("deep JSON in the data", bare(&json!({"tier": "session", "deep": deep_value()}))),
    ]
}

fn reducer() -> Vec<(&'static str, Input)> {
    let item = |id: &str, title: &str| json!({"id": id, "title": title});
    let mission = |items: Vec<Value>| json!({"title": "Odd", "goal": "None", "work_items": items});
    let odd_title = ODD.replace('\0', "");
    let many: Vec<Value> = (0..ITEMS).map(|number| item(&format!("wi_{number}"), "Another")).collect();
    let chain = (0..ITEMS).map(|number| match number {
        0 => item("wi_0", "The first"),
        _ => json!({"id": format!("wi_{number}"), "title": "The next", "depends_on": [format!("wi_{}", number - 1)]}),
    });
    let odd = json!({"id": "odd", "title": odd_title, "detail": ODD, "metadata": {ODD: ODD}});
    let start = json!({"kind": "mission_started"});
    let one = || mission(vec![item("a", "A")]);
    let scripts = [
        ("a mission without items", json!({"mission": mission(Vec::new()), "events": [start]})),
        ("2,000 items", json!({"mission": mission(many), "events": [start]})),
        ("a chain of 2,000 items", json!({"mission": mission(chain.collect()), "events": [start]})),
        ("odd characters", json!({"mission": mission(vec![odd]), "events": [start]})),
        (
            "events out of order",
            json!({"mission": one(), "gates": ["review", "test"], "events": [
                {"kind": "timer_fired", "data": {"key": ODD, "data": {}}},
                {"kind": "mission_resumed"},
                start,
                {"kind": "run_finished", "work_item_id": "nobody", "run_id": "run_99", "data": {"status": "succeeded"}},
                {"kind": "gate_verdict", "work_item_id": "a", "data": {"gate": "test", "outcome": "pass"}},
                {"kind": "approval_granted", "data": {}},
                start,
            ]}),
        ),
        (
            "events with odd data",
            json!({"mission": one(), "events": [
                start,
                {"kind": "tool_observed", "data": {"deep": deep_value(), ODD: ODD}},
                {"kind": "resource_changed", "data": {}},
                {"kind": "work_items_proposed", "data": {"items": [1, null, {"title": ODD}, {"id": ""}]}},
                {"kind": "work_items_proposed", "data": {}},
                {"kind": "timer_fired", "data": {}},
                {"kind": "run_finished", "work_item_id": "a", "data": {"status": "failed", "summary": ODD, "output": ODD}},
            ]}),
        ),
    ];
    let read = |(name, value)| Script::read(value).ok().map(|script| (name, Input::Reducer(Box::new(script))));
    scripts.into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script that does not read would be left out, and nobody would miss it.
    #[test]
    fn every_input_of_every_kind_is_there() {
        let count = |kind| inputs(kind).len();
        let counts = [count(PluginKind::Gate), count(PluginKind::Scrubber), count(PluginKind::Reducer)];
        assert_eq!(counts, [11, 10, 6]);
    }
}
