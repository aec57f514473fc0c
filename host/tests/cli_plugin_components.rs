//! Components that were built once and lie in `tests/components`: they pass the cases of their templates, live through what
//! nobody would send, and decide in a mission, on a machine that has none of the tools they were built with.

use e2e::binary::{Binary, Process};
use serde_json::{Value, json};

/// The worker of the missions here: its first attempt leaves a forbidden word, the next one does not.
const AGENT: &str = r#"
if [ "$SLUICE_ATTEMPT" = 1 ]; then line="hello FIXME"; else line="hello"; fi
printf 'diff --git a/a.txt b/a.txt\nnew file mode 100644\n--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1 @@\n+%s\n' "$line" > "$SLUICE_ARTIFACTS/change.diff"
printf 'TAP version 13\n1..1\nok 1 - hello\n' > "$SLUICE_ARTIFACTS/tests.tap"
echo done
"#;

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

/// A place in the repository.
fn repository(place: &str) -> String {
    format!("{}/../{place}", env!("CARGO_MANIFEST_DIR"))
}

/// Has a component judge the cases in a folder, and everything hostile.
fn passes(sluice: &Binary, component: &str, cases: &str) {
    let judged = sluice.ok(&["plugin", "test", component, "--cases", cases]);
    let of = |set: &str| judged["cases"].as_array().expect("cases").iter().filter(|case| case["set"] == set).count();
    let files = std::fs::read_dir(cases).expect("the component's cases").count();
    assert_eq!((&judged["ok"], of("golden")), (&json!(true), files), "{judged:#}");
    assert!(of("hostile") >= 6, "{judged:#}");
}

/// Components of the released contract 0.1, with their digests: their bytes never change, and neither does what they decide.
const FROZEN: [(&str, &str); 3] = [
    ("gate", "831e8c4420bc6b47e65f2be206344af61395347a0bdc20010adb038f661ed06b"),
    ("reducer", "4e0f459b7e536e2df6fe3e9bae6a1892875c9233172881e478e671fdb48113cb"),
    ("scrubber", "e86bb7d0653ceb51e4252f96027af54df720c6bf788ae0b39039e247cf6122bf"),
];

fn serve(sluice: &Binary) -> Process {
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    server
}

/// Works a mission of one item to its end and shows it.
fn worked(sluice: &Binary) -> Value {
    let file = sluice.file("mission.toml", "title = \"Try\"\n[[work_items]]\nid = \"a\"\ntitle = \"A\"\n");
    let file = file.display().to_string();
    let id = sluice.ok(&["mission", "create", &file, "--start"])["mission"]["id"].as_str().expect("an id").to_owned();
    let agent = format!("sh {}", sluice.file("agent.sh", AGENT).display());
    let answer = sluice.run(&["work", "--exec", &agent, "--once", "--wait-ms", "4000"]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    sluice.ok(&["mission", "show", &id])
}

/// The verdicts of a stage, oldest first: outcome and findings.
fn verdicts(shown: &Value, gate: &str) -> Vec<(Value, Value)> {
    let verdicts = shown["verdicts"].as_array().expect("verdicts").iter();
    let of_gate = verdicts.filter(|verdict| verdict["gate"] == gate);
    of_gate.map(|verdict| (verdict["outcome"].clone(), verdict["findings"].clone())).collect()
}

#[test]
fn a_gate_in_javascript_needs_nothing_but_the_host() {
    let sluice = binary();
    let gate = repository("tests/components/js-gate.wasm");
    let found = sluice.ok(&["plugin", "inspect", &gate]);
    let imports = found["imports"].as_array().expect("imports");
    assert!(imports.iter().filter_map(Value::as_str).any(|name| name.starts_with("wasi:")), "{found:#}");
    assert_eq!(found["name"], "js-gate", "{found:#}");
    passes(&sluice, &gate, &repository("host/kit/gate/golden"));

    let _server = serve(&sluice);
    sluice.ok(&["plugin", "push", &gate]);
    sluice.refused(&["workspace", "bind", "--gate", r#"review=js-gate={"forbidden": [""]}"#], 2, "forbidden");
    sluice.ok(&["workspace", "bind", "--gate", "review=js-gate"]);
    let shown = worked(&sluice);
    assert_eq!(shown["mission"]["status"], "succeeded", "{shown:#}");
    let told = verdicts(&shown, "review");
    assert_eq!((told.len(), &told[0].0, &told[1].0), (2, &json!("fail"), &json!("pass")), "{shown:#}");
    let finding = &told[0].1[0];
    assert_eq!((&finding["rule"], &finding["line"]), (&json!("forbidden-word"), &json!(6)), "{finding:#}");
}

#[test]
fn what_was_built_against_the_contract_0_1_goes_on_working() {
    let sluice = binary();
    let _server = serve(&sluice);
    for (kind, digest) in FROZEN {
        let component = repository(&format!("tests/components/frozen-0.1/{kind}.wasm"));
        passes(&sluice, &component, &repository(&format!("tests/components/frozen-0.1/cases/{kind}")));
        assert_eq!(sluice.ok(&["plugin", "push", &component])["digest"], digest, "{kind} is not what was frozen");
    }
    let bind = ["workspace", "bind", "--reducer", "frozen-reducer", "--gate", "review=frozen-gate"];
    sluice.ok(&[&bind[..], &["--scrubber", "frozen-scrubber"]].concat());
    let shown = worked(&sluice);
    assert_eq!(
        (&shown["mission"]["status"], &shown["mission"]["reducer"]["digest"]),
        (&json!("succeeded"), &json!(FROZEN[1].1)),
        "{shown:#}"
    );
    let outcomes: Vec<Value> = verdicts(&shown, "review").into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(outcomes, ["fail", "pass"], "{shown:#}");
    let kept = sluice.ok(&["memory", "put", "See ACME-12.", "--tier", "project"]);
    assert_eq!(kept["scrub"]["findings"], json!([{"kind": "ticket", "count": 1}]), "{kept:#}");
    let listed = sluice.ok(&["memory", "ls", "--tier", "project"]).to_string();
    assert!(listed.contains("See [ticket].") && !listed.contains("ACME-12"), "{listed}");
}
