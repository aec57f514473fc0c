//! `sluice plugin` and `sluice workspace`: components signed, installed, bound, taken back and removed, against a
//! server and on a data directory that nobody serves. Components are compiled by a child of the program.

use e2e::binary::{Binary, Process};
use e2e::guest::{World, gate_that, plugin};
use serde_json::{Value, json};

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn serve(sluice: &Binary) -> Process {
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    server
}

/// Writes a component for the case and gives its path.
fn file(sluice: &Binary, name: &str, bytes: &[u8]) -> String {
    let path = sluice.directory().join(name);
    std::fs::write(&path, bytes).expect("write a component");
    path.display().to_string()
}

/// Everything a person does with a component of their own.
fn live(sluice: &Binary) {
    let lenient = file(sluice, "lenient.wasm", &gate_that("pass", "lenient", "1.0.0"));
    let strict = file(sluice, "strict.wasm", &gate_that("fail", "strict", "2.0.0"));
    let key = sluice.directory().join("key").display().to_string();
    let public = sluice.ok(&["plugin", "keygen", "--out", &key])["key"].as_str().expect("a key").to_owned();
    assert!(sluice.run(&["plugin", "keygen", "--out", &key]).code != Some(0), "a key is never written over");

    let pushed = sluice.ok(&["plugin", "push", &lenient]);
    let digest = pushed["digest"].as_str().expect("a digest").to_owned();
    assert_eq!(sluice.ok(&["plugin", "push", &lenient]), pushed);
    let signed = sluice.ok(&["plugin", "push", &strict, "--key", &key]);
    assert_eq!(signed["signatures"][0]["key"], json!(public));
    let listed = sluice.ok(&["plugin", "ls"]);
    let names: Vec<&Value> = listed["items"].as_array().expect("items").iter().map(|of| &of["name"]).collect();
    assert!(names.contains(&&json!("strict")) && names.contains(&&json!("reviewer")), "{names:?}");
    let shown = sluice.ok(&["plugin", "show", "lenient"]);
    assert_eq!((&shown["digest"], &shown["self_test"]["status"]), (&json!(digest), &json!("called")));

    let bound = sluice.ok(&["workspace", "bind", "--gate", "review=lenient", "--note", "a try"]);
    assert_eq!(
        (&bound["revision"], &bound["effective"]["gates"]["review"]["gates"][0]["digest"]),
        (&json!(1), &json!(digest))
    );
    sluice.refused(&["workspace", "bind", "--gate", "review=nobody"], 2, "there is no plugin `nobody`");
    sluice.refused(&["workspace", "bind", "--gate", "review=lenient={\"a\":1}"], 2, "/a");
    sluice.refused(&["plugin", "rm", "lenient@1.0.0"], 2, "bound in `local`");
    let trusting = ["workspace", "bind", "--gate", "review=strict", "--require-signatures", "true", "--trust", &public];
    assert_eq!(sluice.ok(&trusting)["require_signatures"], true);
    sluice.refused(&["workspace", "bind", "--gate", "review=lenient"], 2, "signed by none of the keys");
    assert!(sluice.shown(&["workspace", "show"]).contains("strict@2.0.0"));

    let back = sluice.ok(&["workspace", "rollback", "0", "--if-rev", "2"]);
    assert_eq!(
        (&back["revision"], &back["rolled_back_to"], &back["require_signatures"]),
        (&json!(3), &json!(0), &json!(false))
    );
    let history = sluice.ok(&["workspace", "history"]);
    assert_eq!((&history["count"], &history["history"][2]["note"]), (&json!(3), &json!("a try")));
    assert_eq!(sluice.ok(&["plugin", "rm", "lenient@1.0.0"])["digest"], json!(digest));
    sluice.refused(&["plugin", "show", "lenient"], 1, "there is no plugin `lenient`");
    tried(sluice, &strict);
    beside(sluice);
    let trap = plugin(World::Reducer, "trap", "1.0.0", "trap", &[("what", "unreachable")]);
    let trap = file(sluice, "trap.wasm", &trap);
    sluice.refused(&["plugin", "check", &trap, "--role", "reducer"], 2, "its first call failed");
    sluice.refused(&["plugin", "push", &trap], 2, "its first call failed");
}

/// Binds components beside those that decide: a share of new missions, and in shadow.
fn beside(sluice: &Binary) {
    let reducer = |shown: &Value| shown["bindings"]["reducer"].clone();
    sluice.refused(&["workspace", "canary", "promote"], 2, "workspace `local` has no canary");
    sluice.refused(&["workspace", "canary", "set", "mission-default", "--share", "101"], 2, "is 101; 1 to 100");
    let tried = "mission-default={\"max_parallel_runs\":1}";
    let set = sluice.ok(&["workspace", "canary", "set", tried, "--share", "25", "--note", "a quarter"]);
    assert_eq!(reducer(&set)["canary"]["share_percent"], 25, "{set:#}");
    assert!(sluice.shown(&["workspace", "show"]).contains("(canary, 25 % of new missions)"));
    assert!(sluice.shown(&["workspace", "history"]).contains("mission-default@0.1.0 25%"));
    let both = sluice.ok(&["workspace", "shadow", "set", "reducer", "mission-default"]);
    assert_eq!(reducer(&both)["canary"], reducer(&set)["canary"], "what is not named stays");
    let promoted = sluice.ok(&["workspace", "canary", "promote"]);
    let now = reducer(&promoted);
    assert_eq!((&now["settings"], now.get("canary")), (&json!({"max_parallel_runs": 1}), None), "{promoted:#}");
    assert_eq!(now["shadow"]["name"], "mission-default");
    // What decides alone is bound and taken back, and what is beside it stays.
    let host = sluice.ok(&["workspace", "bind", "--host-reducer"]);
    assert_eq!(reducer(&host), json!({"shadow": now["shadow"]}));
    sluice.ok(&["workspace", "canary", "set", "mission-default", "--share", "1"]);
    assert_eq!(reducer(&sluice.ok(&["workspace", "canary", "drop"])), reducer(&host));

    let gate = sluice.ok(&["workspace", "shadow", "set", "review", "strict"]);
    assert_eq!(gate["bindings"]["gates"]["review"]["shadow"]["version"], "2.0.0", "{gate:#}");
    assert!(sluice.shown(&["workspace", "show"]).contains("(in shadow, without effect)"));
    let report = sluice.ok(&["workspace", "shadow", "show", "review"]);
    assert_eq!((&report["shadows"][0]["plugin"], &report["count"]), (&json!("strict@2.0.0"), &json!(0)), "{report:#}");
    let shown = sluice.shown(&["workspace", "shadow", "show"]);
    assert!(shown.contains("strict@2.0.0") && shown.contains("in force"), "{shown}");
    sluice.ok(&["workspace", "shadow", "drop", "review"]);
    sluice.refused(&["workspace", "shadow", "drop", "review"], 2, "has no review in shadow");
    let none = sluice.ok(&["workspace", "shadow", "drop", "reducer"]);
    assert_eq!(none["bindings"], json!({"gates": {}}), "{none:#}");
}

/// Tries components on what is recorded: a file that is no plugin's, and one of the registry.
fn tried(sluice: &Binary, strict: &str) {
    let none = sluice.ok(&["plugin", "check", strict, "--role", "gate", "--stage", "test", "--last", "10"]);
    assert_eq!(
        (&none["plugin"], &none["events"], &none["is_complete"]),
        (&json!("strict@2.0.0"), &json!(0), &json!(true))
    );
    sluice.ok(&["memory", "put", "abcdefgh", "--tier", "project"]);
    let values = [("pages", "4"), ("count", "1"), ("start", "0"), ("end", "3"), ("step", "0"), ("confidence", "1")];
    let pointing = plugin(World::Scrubber, "pointing", "1.0.0", "redact", &values);
    let pointing = file(sluice, "pointing.wasm", &pointing);
    let check = ["plugin", "check", &pointing, "--role", "scrubber"];
    let (code, report) = sluice.json(&check);
    assert_eq!((code, &report["different"], &report["events"]), (Some(1), &json!(1), &json!(1)), "{report:#}");
    let shown = sluice.run(&check);
    assert_eq!(shown.code, Some(1), "{shown:#?}");
    for part in ["DIFFERENT", "- status: passed", "+ status: redacted", "note: memory holds"] {
        assert!(shown.stdout.contains(part), "`{part}` is not in {shown:#?}");
    }
    assert_eq!(sluice.ok(&["plugin", "check", "scrubber", "--role", "scrubber"])["same"], json!(1));
    sluice.refused(&["plugin", "check", &pointing, "--role", "gate"], 2, "is a scrubber, and a gate is wanted");
    sluice.refused(&["plugin", "check", "nowhere.wasm", "--role", "gate"], 2, "cannot be read");
    sluice.refused(&["plugin", "check", "nobody", "--role", "gate"], 1, "there is no plugin `nobody`");
    sluice.refused(&["plugin", "check", "scrubber", "--role", "scrubber", "--last", "0"], 2, "last: is 0");
}

#[test]
fn components_are_installed_and_bound_on_a_directory_that_nobody_serves() {
    live(&binary());
}

#[test]
fn components_are_installed_and_bound_on_a_server() {
    let sluice = binary();
    let server = serve(&sluice);
    live(&sluice);
    server.kill();
}

#[test]
fn a_signature_is_one_that_other_tools_can_check() {
    let sluice = binary();
    let component = file(&sluice, "lenient.wasm", &gate_that("pass", "lenient", "1.0.0"));
    let key = sluice.directory().join("key").display().to_string();
    sluice.ok(&["plugin", "keygen", "--out", &key]);
    let signed = sluice.ok(&["plugin", "sign", &component, "--key", &key]);
    let words = |member: &str| signed[member].as_str().expect("a text").to_owned();
    let digest = sluice::domain::artifact::Digest::parse(&words("digest")).expect("a digest");
    assert_eq!(sluice::signing::verify(&words("key"), &words("signature"), &digest), Ok(()));
    let printed = sluice.shown(&["plugin", "sign", &component, "--key", &key]);
    assert_eq!(printed.trim(), format!("{}:{}", words("key"), words("signature")));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).expect("the key").permissions());
    assert_eq!(mode & 0o777, 0o600);
}
