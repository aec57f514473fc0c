//! The guide for authors, followed word by word: every command of `specs/plugin-authors.md` in its order, with the compiler.
//!
//! Where there is no compiler for WebAssembly this says so and passes, unless `SLUICE_REQUIRE_WASM=1`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::binary::{Answer, Binary, Process, until};
use serde_json::{Value, json};

/// Set to anything, a machine without a compiler for WebAssembly fails these cases.
const REQUIRE: &str = "SLUICE_REQUIRE_WASM";

/// How soon after a file was saved what it says decides.
const WATCH_TIME_OUT: Duration = Duration::from_mins(1);

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

/// Whether plugins can be compiled here.
fn has_compiler() -> bool {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc is there");
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    let has_target = sysroot.join("lib/rustlib/wasm32-unknown-unknown/lib").is_dir();
    let found = has_target || Path::new("/usr/lib/rustlib/src/rust/library/std").is_dir();
    if !found {
        assert!(std::env::var_os(REQUIRE).is_none(), "there is no compiler for wasm32-unknown-unknown");
        eprintln!("skipped: there is no compiler for wasm32-unknown-unknown");
    }
    found
}

/// The environment of an author who has fetched the crates before.
fn prepare(command: &mut Command, folder: &Path) {
    command.current_dir(folder).env("CARGO_NET_OFFLINE", "true");
    // Kept between runs, and shared by the cases: a first build takes a minute.
    command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/plugins"));
}

fn run(sluice: &Binary, folder: &Path, arguments: &[String]) -> Answer {
    let mut command = sluice.command(arguments);
    prepare(&mut command, folder);
    sluice.start_command(command).wait()
}

fn start(sluice: &Binary, folder: &Path, arguments: &[String]) -> Process {
    let mut command = sluice.command(arguments);
    prepare(&mut command, folder);
    sluice.start_command(command)
}

/// The commands of a guide: the lines of its blocks for a shell.
fn commands(guide: &str) -> Vec<String> {
    let blocks = guide.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(ToOwned::to_owned).collect()
}

/// The words of a line, as a shell has them that knows quotes and nothing else.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for character in line.chars() {
        match quote {
            Some(open) if character == open => quote = None,
            None if character == '\'' || character == '"' => quote = Some(character),
            None if character == ' ' => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn the_guide_for_authors_works_word_by_word() {
    if !has_compiler() {
        return;
    }
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/plugin-authors.md");
    let guide = std::fs::read_to_string(guide).expect("the guide is there");
    let sluice = binary();
    let (mut folder, mut running, mut done) = (sluice.directory().to_owned(), Vec::new(), Vec::new());
    for line in commands(&guide) {
        let words = words(&line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["cd", place] => folder = folder.join(place),
            ["cargo", arguments @ ..] => {
                let mut command = Command::new("cargo");
                prepare(command.args(arguments), &folder);
                let output = command.output().expect("cargo is there");
                assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            }
            ["sluice", arguments @ .., "&"] => {
                let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
                let awaited =
                    if arguments[0] == "serve" { "listening on http://" } else { "bound no-fixme@0.1.0-dev.x" };
                let mut process = start(&sluice, &folder, &arguments);
                process.wait_for(awaited);
                running.push(process);
            }
            ["sluice", arguments @ ..] => {
                let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
                let answer = run(&sluice, &folder, &arguments);
                assert_eq!(answer.code, Some(0), "{line}: {answer:#?}");
                check(&arguments, &answer);
            }
            other => panic!("the guide has a command that nobody follows: {other:?}"),
        }
        done.push(line);
    }
    assert!(done.len() >= 15, "{done:?}");
}

/// What the guide says of some commands.
fn check(arguments: &[String], answer: &Answer) {
    let said = |part: &str| assert!(answer.stdout.contains(part), "{arguments:?}: `{part}` is not in {answer:#?}");
    match arguments[1].as_str() {
        "test" => {
            said("ok      golden: forbidden");
            said("ok      hostile: one line of 8 MiB");
            said(" 0 failed");
        }
        "run" if arguments.iter().any(|word| word == "--json") => {
            let called: Value = serde_json::from_str(&answer.stdout).expect("one document");
            assert_eq!(called["answer"]["outcome"], "fail", "the settings name a word of the clean case: {called:#}");
        }
        "run" => {
            said("outcome   fail: 1 lines with a forbidden word");
            said("finding   error forbidden-word change.diff:2: ");
            said("log       info: 1 artifacts, 1 forbidden words");
        }
        "bench" => said(" a second"),
        "build" => said("digest   "),
        _ => {}
    }
}

#[test]
fn every_kind_builds_to_the_same_bytes_in_any_directory_and_passes() {
    if !has_compiler() {
        return;
    }
    let sluice = binary();
    for kind in ["reducer", "scrubber"] {
        let name = format!("my-{kind}");
        let built = |folder: &str| {
            let folder = sluice.directory().join(folder);
            sluice.ok(&["plugin", "new", &name, "--kind", kind, "--dir", &folder.display().to_string()]);
            let answer = run(&sluice, &folder, &["plugin".into(), "build".into(), "--json".into()]);
            assert_eq!(answer.code, Some(0), "{answer:#?}");
            let built: Value = serde_json::from_str(&answer.stdout).expect("one document");
            (folder, built)
        };
        let ((one, first), (_, second)) = (built(&format!("one-{kind}")), built(&format!("elsewhere/two-{kind}")));
        assert_eq!(first["digest"], second["digest"], "a component does not know where it was built");
        let judged = run(&sluice, &one, &["plugin".into(), "test".into(), "--json".into()]);
        let judged: Value = serde_json::from_str(&judged.stdout).expect("one document");
        assert_eq!(judged["ok"], json!(true), "{kind}: {judged:#}");
    }
}

#[test]
fn what_an_author_saves_decides_and_what_does_not_compile_changes_nothing() {
    if !has_compiler() {
        return;
    }
    let sluice = binary();
    let folder = sluice.directory().join("watched");
    sluice.ok(&["plugin", "new", "watched", "--kind", "gate", "--dir", &folder.display().to_string()]);
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    let arguments = ["plugin", "watch", ".", "--settings", r#"{"forbidden": ["XXX"]}"#, "--json"];
    let mut watch = start(&sluice, &folder, &arguments.map(str::to_owned));
    watch.wait_for("\"changed\":true");
    let bound = || sluice.ok(&["workspace", "show"])["effective"]["gates"]["review"]["gates"].clone();
    let first = bound();
    assert_eq!((&first[0]["name"], &first[0]["settings"]), (&json!("watched"), &json!({"forbidden": ["XXX"]})));

    let lib = folder.join("src/lib.rs");
    let text = std::fs::read_to_string(&lib).expect("read");
    std::fs::write(&lib, text.replace("lines with a forbidden word", "bad lines")).expect("write");
    let digest = first[0]["digest"].clone();
    assert!(until(WATCH_TIME_OUT, || bound()[0]["digest"] != digest), "{}", watch.printed());
    let second = bound();
    assert_eq!(second[0]["settings"], first[0]["settings"]);
    let line = watch.printed().lines().rfind(|line| line.contains("\"changed\":true")).map(ToOwned::to_owned);
    let told: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
    assert!(told["elapsed_ms"].as_u64() < Some(20_000), "{told}");
    let gone = || !sluice.ok(&["plugin", "ls"]).to_string().contains(digest.as_str().expect("a digest"));
    assert!(until(WATCH_TIME_OUT, gone), "the build before is removed");

    std::fs::write(&lib, "this is no Rust").expect("write");
    watch.wait_for("\"ok\":false");
    assert_eq!(bound(), second);
    watch.signal(rustix::process::Signal::INT);
    assert_eq!(watch.wait().code, Some(130));
    server.kill();
}
