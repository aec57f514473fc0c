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

    let stale = ["--reducer", "mission-default", "--if-rev", "1"];
    sluice.refused(&[&["workspace", "bind"][..], &stale].concat(), 1, "REVISION_CONFLICT");
    sluice.refused(&["workspace", "rollback", "0", "--if-rev", "1"], 1, "REVISION_CONFLICT");
    let back = sluice.ok(&["workspace", "rollback", "0", "--if-rev", "2"]);
    assert_eq!(
        (&back["revision"], &back["rolled_back_to"], &back["require_signatures"]),
        (&json!(3), &json!(0), &json!(false))
    );
    let history = sluice.ok(&["workspace", "history"]);
    assert_eq!((&history["count"], &history["history"][2]["note"]), (&json!(3), &json!("a try")));
    // A rollback says what it lifts and what it brings back besides components.
    let key_line = |words: &str| format!("this key is {words}: {public}\n");
    let again = sluice.shown(&["workspace", "rollback", "2"]);
    assert!(again.contains("need a signature from now on\n") && again.contains(&key_line("trusted again")), "{again}");
    sluice.ok(&["workspace", "bind", "--quarantine-after", "0"]);
    let told_of_rollback = sluice.shown(&["workspace", "rollback", "0"]);
    let said = [
        "components need no signature any more\n",
        &key_line("no longer trusted"),
        "failures in a row; it was never\n",
    ];
    assert!(said.iter().all(|line| told_of_rollback.contains(line)), "{told_of_rollback}");
    assert!(!sluice.shown(&["workspace", "rollback", "0"]).contains("signature"));
    for nothing in [&["workspace", "bind"][..], &["workspace", "bind", "--note", "why", "--if-rev", "6"]] {
        sluice.refused(nothing, 2, "--reducer");
    }
    let weak = "00".repeat(32);
    sluice.refused(&["workspace", "bind", "--trust", &weak], 2, "trusted_keys[0]");
    sluice.refused(&["workspace", "bind", "--trust", &weak], 2, "weak Ed25519 key");
    assert_eq!(sluice.ok(&["plugin", "rm", "lenient@1.0.0"])["digest"], json!(digest));
    sluice.refused(&["plugin", "show", "lenient"], 1, "there is no plugin `lenient`");
    tried(sluice, &strict);
    beside(sluice);
    let trap = plugin(World::Reducer, "trap", "1.0.0", "trap", &[("what", "unreachable")]);
    let trap = file(sluice, "trap.wasm", &trap);
    sluice.refused(&["plugin", "check", &trap, "--role", "reducer"], 2, "its first call failed");
    sluice.refused(&["plugin", "push", &trap], 2, "its first call failed");
}

/// A mission's file may bring components of its own, and they are asked for signatures like those that are bound.
#[test]
fn a_file_brings_no_unsigned_component_where_signatures_are_required() {
    let sluice = &binary();
    file(sluice, "own.wasm", &gate_that("pass", "own", "1.0.0"));
    let own = "title = \"Mine\"\n[gates.review]\nplugin = \"own.wasm\"\n[gates]\ntest = false\n\
               [[work_items]]\nid = \"one\"\ntitle = \"One\"\n[work_items.action.exec]\nargv = [\"true\"]\n";
    let mission = file(sluice, "mission.toml", own.as_bytes());
    let key = sluice.directory().join("key").display().to_string();
    let public = sluice.ok(&["plugin", "keygen", "--out", &key])["key"].as_str().expect("a key").to_owned();
    sluice.ok(&["workspace", "bind", "--require-signatures", "true", "--trust", &public]);
    sluice.refused(&["run", &mission], 2, "gates.review");
    sluice.ok(&["workspace", "rollback", "0"]);
    assert_eq!(sluice.ok(&["run", &mission])["mission"]["status"], "succeeded");
}

/// Components on their way to others: into a directory that registries of images understand, and out of it.
#[test]
fn components_travel_in_an_image_layout_with_their_signatures() {
    let sluice = binary();
    let first = file(&sluice, "first.wasm", &gate_that("pass", "traveller", "1.0.0"));
    let second = file(&sluice, "second.wasm", &gate_that("fail", "traveller", "1.1.0+build.7"));
    let at = |name: &str| sluice.directory().join(name).display().to_string();
    let (key, layout, out) = (at("key"), at("layout"), at("out.wasm"));
    let public = sluice.ok(&["plugin", "keygen", "--out", &key])["key"].as_str().expect("a key").to_owned();

    let put = sluice.ok(&["plugin", "push", &first, "--to", &layout, "--key", &key]);
    assert_eq!(put["at"], json!(format!("{layout}:1.0.0")));
    let digest = put["digest"].as_str().expect("a digest");
    // As the specification of images has it.
    let read = |name: &str| -> Value {
        let text = std::fs::read(sluice.directory().join("layout").join(name)).expect("a file of the layout");
        serde_json::from_slice(&text).expect("JSON")
    };
    assert_eq!(read("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}));
    let listed = read("index.json")["manifests"][0].clone();
    assert_eq!(listed["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(listed["annotations"], json!({"org.opencontainers.image.ref.name": "1.0.0"}));
    let named =
        |of: &Value| format!("blobs/sha256/{}", of["digest"].as_str().expect("a digest").replace("sha256:", ""));
    let manifest = read(&named(&listed));
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["digest"], json!(format!("sha256:{digest}")));
    assert_eq!(read(&named(&manifest["config"]))["layerDigests"], json!([format!("sha256:{digest}")]));

    // The only one needs no tag; of two, one is named. A version stays what it is, and is signed by more.
    assert_eq!(sluice.ok(&["plugin", "pull", &layout, "--out", &out])["digest"], json!(digest));
    assert_eq!(std::fs::read(&out).expect("it was written"), std::fs::read(&first).expect("it is there"));
    let second = sluice.ok(&["plugin", "push", &second, "--to", &layout]);
    assert_eq!(second["at"], json!(format!("{layout}:1.1.0_build.7")));
    sluice.refused(&["plugin", "pull", &layout], 2, "holds 1.0.0, 1.1.0_build.7; name one");
    sluice.refused(&["plugin", "pull", &format!("{layout}:2")], 2, "has no `2`; it holds 1.0.0");
    let moved = ["plugin", "push", &first, "--to", &format!("{layout}:1.1.0_build.7")];
    sluice.refused(&moved, 2, "a version never changes");
    sluice.refused(&["plugin", "push", &first, "--to", &format!("{layout}:-")], 2, "is no tag");
    let other = at("other");
    sluice.ok(&["plugin", "keygen", "--out", &other]);
    sluice.ok(&["plugin", "push", &first, "--to", &layout, "--key", &other]);
    let signed = sluice.ok(&["plugin", "pull", &format!("{layout}:1.0.0"), "--out", &out])["signatures"].clone();
    assert_eq!(signed.as_array().map(Vec::len), Some(2), "{signed}");

    // From there into a host, with what signed it.
    let installed = sluice.ok(&["plugin", "push", &format!("{layout}:1.0.0")]);
    assert_eq!(installed["digest"], json!(digest));
    let keys: Vec<&Value> = installed["signatures"].as_array().expect("some").iter().map(|of| &of["key"]).collect();
    assert!(keys.len() == 2 && keys.contains(&&json!(public)), "{keys:?}");

    // What was changed on its way is told, and nothing is written.
    let blob = sluice.directory().join("layout/blobs/sha256").join(digest);
    let mut bytes = std::fs::read(&blob).expect("the component");
    *bytes.last_mut().expect("it has bytes") ^= 1;
    std::fs::write(&blob, bytes).expect("it can be changed");
    let none = at("none.wasm");
    for command in [vec!["plugin", "pull", &layout, "--out", &none], vec!["plugin", "push", &layout]] {
        let tagged: Vec<String> = command
            .iter()
            .map(|of| if **of == *layout { format!("{layout}:1.0.0") } else { (*of).to_owned() })
            .collect();
        sluice.refused(&tagged.iter().map(String::as_str).collect::<Vec<_>>(), 2, "is not what its name says");
    }
    assert!(!std::path::Path::new(&none).exists());
    sluice.refused(&["plugin", "pull", &at("nowhere")], 2, "is no OCI image layout");
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
