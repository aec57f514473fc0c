//! Plugins in JavaScript and Python: what the kit makes of their tools, here a double of one; and, where they are asked for,
//! the tools themselves.
//!
//! `SLUICE_REQUIRE_LANGUAGES=1` has every template of JavaScript and the gate in Python built and tried with the tools in `PATH`,
//! and fails without them; `=all` has all in Python too, each of which a host compiles for half a minute.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::binary::{Answer, Binary, until};
use e2e::guest::{World, encode, text};
use serde_json::{Value, json};

/// Whether, and how widely, the tools themselves are tried.
const REQUIRE: &str = "SLUICE_REQUIRE_LANGUAGES";

/// How soon after a file was saved what it says decides.
const WATCH_TIME_OUT: Duration = Duration::from_mins(1);

/// A double of `componentize-qjs`: it notes where and how it was called, and "makes" what lies beside the plugin.
const DOUBLE: &str = r#"#!/bin/sh
{ pwd; for word; do echo "$word"; done; } > called.txt
if [ -e broken ]; then echo "line 3: no such word" >&2; exit 3; fi
if [ -e silent ]; then exit 0; fi
cp made.bin "$word"
"#;

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

/// Makes the directory of a plugin.
fn new_plugin(sluice: &Binary, folder: &Path, kind: &str, language: &str) {
    let dir = folder.display().to_string();
    let made = sluice.ok(&["plugin", "new", "made", "--kind", kind, "--lang", language, "--dir", &dir]);
    let files: Vec<&str> = made["files"].as_array().expect("files").iter().filter_map(Value::as_str).collect();
    assert!(files.contains(&"wit/target.wit") && files.contains(&"manifest.json"), "{files:?}");
    assert!(files.iter().all(|path| folder.join(path).is_file()), "{files:?}");
}

/// Runs `sluice plugin COMMAND DIR MORE` with this `PATH`.
fn plugin(sluice: &Binary, path: &str, folder: &Path, command: &str, more: &[&str]) -> Answer {
    let dir = folder.display().to_string();
    let mut command = sluice.command(&[&["plugin", command, &dir], more].concat());
    command.env("PATH", path);
    sluice.start_command(command).wait()
}

fn install_double(project: &Path) {
    let tool = project.join("node_modules/.bin/componentize-qjs");
    std::fs::create_dir_all(tool.parent().expect("a parent")).expect("make a directory");
    std::fs::write(&tool, DOUBLE).expect("write the double");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("make it a program");
}

#[test]
fn what_a_tool_makes_becomes_a_plugin() {
    let sluice = binary();
    let folder = sluice.directory().join("it's a project/my gate");
    new_plugin(&sluice, &folder, "gate", "js");
    let (nothing, system) = (sluice.directory().display().to_string(), "/usr/bin:/bin");
    let answer = plugin(&sluice, &nothing, &folder, "build", &[]);
    assert!(
        answer.code == Some(1) && answer.stderr.contains("neither installed for the plugin nor in PATH"),
        "{answer:#?}"
    );
    assert!(answer.stderr.contains("&& npm ci"), "it says what to run: {answer:#?}");

    // Installed for the project that the plugin is a part of.
    install_double(folder.parent().expect("a parent"));
    let bare = encode(World::Gate, "", &text("decide", &[("outcome", "1"), ("summary", "no"), ("bytes", "2")]));
    std::fs::write(folder.join("made.bin"), bare).expect("write a component");
    let answer = plugin(&sluice, system, &folder, "build", &["--offline", "--json"]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    let component = folder.join("made.wasm").display().to_string();
    let found = sluice.ok(&["plugin", "inspect", &component]);
    assert_eq!((&found["name"], &found["kind"]), (&json!("made"), &json!("gate")), "{found:#}");
    let called = || std::fs::read_to_string(folder.join("called.txt")).expect("it was called");
    let place = std::fs::canonicalize(&folder).expect("it is there").display().to_string();
    assert_eq!(called().lines().next(), Some(place.as_str()));
    assert!(called().contains("--wit\nwit\n--js\nplugin.js\n"), "{}", called());

    // Its own comes before the project's, and the module is the one that the package names.
    install_double(&folder);
    let package = folder.join("package.json");
    std::fs::write(&package, r#"{"main": "src/gate.js"}"#).expect("write");
    std::fs::write(folder.join("broken"), "").expect("write");
    let answer = plugin(&sluice, system, &folder, "build", &[]);
    assert!(answer.code == Some(2) && answer.stderr.contains("does not compile (exit status: 3)"), "{answer:#?}");
    assert!(answer.stderr.contains("line 3: no such word"), "the tool's own words are shown: {answer:#?}");
    assert!(called().contains("--js\nsrc/gate.js\n"), "{}", called());
    std::fs::rename(folder.join("broken"), folder.join("silent")).expect("rename");
    let answer = plugin(&sluice, system, &folder, "build", &[]);
    assert!(answer.code == Some(2) && answer.stderr.contains("target/release.wasm` cannot be read"), "{answer:#?}");
    std::fs::write(&package, "{").expect("write");
    let answer = plugin(&sluice, system, &folder, "build", &[]);
    assert!(answer.code == Some(2) && answer.stderr.contains("package.json: "), "{answer:#?}");
}

#[test]
fn a_plugin_without_its_tool_says_what_installs_it() {
    let sluice = binary();
    let nothing = sluice.directory().display().to_string();
    for kind in ["gate", "reducer", "scrubber"] {
        let folder = sluice.directory().join(kind);
        new_plugin(&sluice, &folder, kind, "python");
        let answer = plugin(&sluice, &nothing, &folder, "test", &[]);
        assert!(answer.code == Some(1) && answer.stderr.contains("pip install -r requirements.txt"), "{answer:#?}");
    }
    let empty = sluice.directory().join("empty");
    std::fs::create_dir(&empty).expect("make a directory");
    let answer = plugin(&sluice, &nothing, &empty, "build", &[]);
    assert!(answer.code == Some(2) && answer.stderr.contains("it has no Cargo.toml, package.json"), "{answer:#?}");
    assert_eq!(sluice.run(&["plugin", "new", "x", "--kind", "gate", "--lang", "cobol"]).code, Some(2));
}

/// How widely the tools themselves are to be tried; nothing when they are not.
fn required() -> Option<String> {
    let required = std::env::var(REQUIRE).ok();
    if required.is_none() {
        eprintln!("skipped: {REQUIRE} is not set");
    }
    required
}

fn path() -> String {
    std::env::var("PATH").expect("there is a PATH")
}

#[test]
fn every_template_builds_with_its_tool_and_passes() {
    let Some(required) = required() else { return };
    let python: &[&str] = if required == "all" { &["gate", "reducer", "scrubber"] } else { &["gate"] };
    let sluice = binary();
    for (language, kinds) in [("js", &["gate", "reducer", "scrubber"][..]), ("python", python)] {
        for kind in kinds {
            let folder = sluice.directory().join(language).join(kind);
            new_plugin(&sluice, &folder, kind, language);
            let answer = plugin(&sluice, &path(), &folder, "test", &[]);
            assert_eq!(answer.code, Some(0), "{language}, {kind}: {answer:#?}");
            assert!(answer.stdout.contains("ok      golden: ") && answer.stdout.contains(" 0 failed"), "{answer:#?}");
        }
    }
}

/// What the guide says of JavaScript, word by word; the tool is there, so that nothing has to be installed.
#[test]
fn the_guides_commands_for_javascript_work() {
    if required().is_none() {
        return;
    }
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs/plugin-authors.md");
    let guide = std::fs::read_to_string(guide).expect("the guide is there");
    let block = guide.split("```sh js\n").nth(1).and_then(|rest| rest.split("```").next()).expect("commands");
    let sluice = binary();
    let mut folder = sluice.directory().to_owned();
    for line in block.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["cd", place] => folder = folder.join(place),
            ["npm", "ci"] => assert!(folder.join("package-lock.json").is_file(), "it has nothing to install from"),
            ["sluice", arguments @ ..] => {
                let mut command = sluice.command(arguments);
                command.current_dir(&folder);
                let answer = sluice.start_command(command).wait();
                assert_eq!(answer.code, Some(0), "{line}: {answer:#?}");
            }
            _ => panic!("the guide has a command that nobody follows: {line}"),
        }
    }
    assert!(folder.join("no-todo.wasm").is_file());
}

/// Changes one place of a file.
fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("read a file of the plugin");
    assert!(text.contains(from), "{}: there is no `{from}`", file.display());
    std::fs::write(file, text.replace(from, to)).expect("write a file of the plugin");
}

/// A gate in JavaScript whose directory is ready to be built.
fn js_gate(sluice: &Binary) -> PathBuf {
    let folder = sluice.directory().join("gate");
    new_plugin(sluice, &folder, "gate", "js");
    folder
}

#[test]
fn time_and_chance_are_those_of_the_call() {
    if required().is_none() {
        return;
    }
    let sluice = binary();
    let folder = js_gate(&sluice);
    let told = "JSON.stringify({ found, now: Date.now(), random: [Math.random(), Math.random()] })";
    edit(&folder.join("plugin.js"), "JSON.stringify({ found })", told);
    let answer = plugin(&sluice, &path(), &folder, "build", &[]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    let component = folder.join("made.wasm").display().to_string();
    let ask = |at: u64| {
        let input = sluice.file("input.json", &json!({"artifacts": [], "requested_at_ms": at}).to_string());
        let called = sluice.ok(&["plugin", "run", &component, "--input", &input.display().to_string()]);
        called["answer"]["data"].clone()
    };
    let first = ask(1_700_000_000_123);
    assert_eq!(first["now"], json!(1_700_000_000_123_u64), "the clock stands when the verdict was asked for");
    assert_ne!(first["random"][0], first["random"][1], "{first}");
    assert_eq!(ask(1_700_000_000_123), first, "the same is answered by another process, at another time");
    assert_eq!(ask(1_800_000_000_000)["now"], json!(1_800_000_000_000_u64));
}

#[test]
fn what_an_author_saves_in_javascript_decides() {
    if required().is_none() {
        return;
    }
    let sluice = binary();
    let folder = js_gate(&sluice);
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    let mut watch = sluice.start(&["plugin", "watch", &folder.display().to_string(), "--json"]);
    watch.wait_for("\"changed\":true");
    let bound = || sluice.ok(&["workspace", "show"])["effective"]["gates"]["review"]["gates"][0].clone();
    let first = bound();
    assert_eq!(first["name"], "made", "{first:#}");
    let module = folder.join("plugin.js");
    edit(&module, "lines with a forbidden word", "bad lines");
    assert!(until(WATCH_TIME_OUT, || bound()["digest"] != first["digest"]), "{}", watch.printed());
    let second = bound();
    edit(&module, "export const evaluator = {", "export const evaluator = {{");
    watch.wait_for("\"ok\":false");
    assert_eq!(bound(), second, "what does not compile changes nothing");
    watch.signal(rustix::process::Signal::INT);
    assert_eq!(watch.wait().code, Some(130));
    server.kill();
}
