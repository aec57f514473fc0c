//! The contract of the API: the document checked in is the one the code makes, it serves whoever
//! was served before, and every promise has an owner and a test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sluice::domain::event_type::EventType;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_document_checked_in_is_the_one_the_code_makes() {
    let made = format!("{:#}\n", sluice::http::document());
    if std::env::var_os("SLUICE_UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(root().join("specs/openapi.json"), &made).expect("the document is written");
    }
    assert!(
        text("specs/openapi.json") == made,
        "specs/openapi.json is not what the code makes; look at the difference after\n  \
         SLUICE_UPDATE=1 cargo test -p e2e --test openapi"
    );
}

#[test]
fn the_api_serves_whoever_was_served_before() {
    xtask::openapi::check(&xtask::root()).unwrap();
}

/// Every reference of the document points to something, and every operation has a name, words and
/// an answer of its own beside the problems that all have.
#[test]
fn the_document_is_whole() {
    let document = sluice::http::document();
    let (mut references, mut ids) = (Vec::new(), BTreeSet::new());
    collect_references(document, &mut references);
    assert!(references.len() > 100, "found {references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("references stay within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for operation in sluice::http::operations() {
        let entry = &document["paths"][&operation.path][operation.method.to_lowercase()];
        let name = format!("{} {}", operation.method, operation.path);
        assert!(entry["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{name} says what it does");
        assert_eq!(entry["x-sluice-action"].as_str(), operation.action.map(|action| action.name()), "{name}");
        assert!(ids.insert(entry["operationId"].to_string()), "{name}: {} stands twice", entry["operationId"]);
        let answers = entry["responses"].as_object().expect("an operation has answers");
        assert!(answers.keys().any(|status| status.starts_with('2')), "{name}: {:?}", answers.keys());
        assert!(answers.contains_key("4XX") && answers.contains_key("5XX"), "{name}: {:?}", answers.keys());
    }
}

fn collect_references<'d>(value: &'d Value, found: &mut Vec<&'d str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(reference) if name == "$ref" => found.push(reference),
                    _ => collect_references(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The rows of the table below a heading of `specs/SDK_CONTRACTS.md`, without the ticks of code.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let contracts = text("specs/SDK_CONTRACTS.md");
    let (_, section) = contracts.split_once(&format!("## {heading}\n")).expect("the heading is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    // The first two rows are the head and its rule.
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

/// A row's owner is a file, and its tests are functions of files.
fn check_owner_and_tests(name: &str, stability: &str, owner: &str, tests: &str) {
    assert!(["stable", "preview"].contains(&stability), "{name}: stability {stability}");
    assert!(root().join(owner).is_file(), "{name}: there is no {owner}");
    for test in tests.split(", ") {
        let (file, function) = test.split_once(": ").unwrap_or_else(|| panic!("{name}: `{test}` is FILE: FUNCTION"));
        assert!(text(file).contains(&format!("fn {function}(")), "{name}: there is no {function} in {file}");
    }
}

#[test]
fn every_operation_stands_in_the_table_of_contracts() {
    let mut left: BTreeSet<Vec<String>> = sluice::http::operations()
        .into_iter()
        .map(|operation| {
            let action = operation.action.map_or("open", |action| action.name());
            vec![format!("{} {}", operation.method, operation.path), action.to_owned()]
        })
        .collect();
    for row in rows("Operations") {
        let [operation, action, stability, owner, tests] = &row[..] else { panic!("{row:?} has other columns") };
        let is_there = left.remove(&vec![operation.clone(), action.clone()]);
        assert!(is_there, "the code has no {operation} done as {action}, or the row stands twice");
        check_owner_and_tests(operation, stability, owner, tests);
    }
    assert!(left.is_empty(), "specs/SDK_CONTRACTS.md lacks {left:?}");
}

#[test]
fn every_type_of_event_stands_in_the_table_of_contracts() {
    let mut left: BTreeSet<String> = EventType::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
    for row in rows("Events") {
        let [kind, stability, owner, tests] = &row[..] else { panic!("{row:?} has other columns") };
        assert!(left.remove(kind), "the code writes no `{kind}`, or the row stands twice");
        check_owner_and_tests(kind, stability, owner, tests);
    }
    assert!(left.is_empty(), "specs/SDK_CONTRACTS.md lacks {left:?}");
}

#[test]
fn every_kind_of_problem_stands_in_the_table_of_contracts() {
    let mut left: BTreeSet<(String, String)> =
        sluice::http::problem::KINDS.iter().map(|kind| (kind.code.to_owned(), kind.status.to_string())).collect();
    for row in rows("Problems") {
        let [code, status, ..] = &row[..] else { panic!("{row:?} has other columns") };
        assert!(left.remove(&(code.clone(), status.clone())), "the code has no {code} with {status}");
    }
    assert!(left.is_empty(), "specs/SDK_CONTRACTS.md lacks {left:?}");
}
