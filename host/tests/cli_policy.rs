//! `sluice policy`: checked and tested without a host, then set, asked, tried and taken back, against a server and
//! on a data directory that nobody serves.

use e2e::binary::{Binary, Process};
use serde_json::{Value, json};

const NIGHT: &str = r#"
@id("night-shift")
@reason("agents make no missions at night")
@needed("a member who makes it")
forbid (principal is Agent, action == Action::"mission.create", resource);
"#;

const CASES: &str = r#"
[[cases]]
name = "agents make no missions"
principal = { type = "Agent", name = "agent.a" }
action = "mission.create"
expected = "denied"
by = "night-shift"

[[cases]]
principal = { type = "User", name = "user.m" }
action = "approval.decide"
resource = { id = "apr_1", owner = "agent.a" }
expected = "allowed"

[[cases]]
name = "side effects ask"
principal = { type = "RunToken", name = "agent.a", run_id = "run_1" }
action = "connector.call"
resource = { id = "shop" }
context = { action = "buy", capabilities = ["connector.shop.*"], args = { spend = 5 } }
expected = "approval_required"
"#;

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn serve(sluice: &Binary) -> Process {
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    server
}

fn path(sluice: &Binary, name: &str, content: &str) -> String {
    sluice.file(name, content).display().to_string()
}

#[test]
fn policies_are_checked_and_tested_without_a_host() {
    let sluice = binary();
    let night = path(&sluice, "night.cedar", NIGHT);
    assert_eq!(sluice.ok(&["policy", "check", &night]), json!({"ok": true, "problems": []}));
    assert!(sluice.shown(&["policy", "check", "--preset", "open"]).contains("as they should be"));
    let wrong = path(&sluice, "wrong.cedar", "permit (principal,\n  action == Action::\"mission.creat\", resource);");
    let (code, told) = sluice.json(&["policy", "check", &wrong]);
    assert_eq!((code, &told["problems"][0]["line"], &told["problems"][0]["column"]), (Some(2), &json!(2), &json!(13)));
    let told = sluice.run(&["policy", "check", &wrong]);
    assert!(told.stdout.starts_with("wrong:2:13") && told.stdout.contains("mission.create"), "{told:#?}");
    assert!(sluice.run(&["policy", "check", "/no/such.cedar"]).stderr.contains("cannot be read"));

    let cases = path(&sluice, "cases.toml", CASES);
    let passed = sluice.ok(&["policy", "test", &cases, &night]);
    assert_eq!(
        (&passed["ok"], &passed["count"], &passed["failed"]),
        (&json!(true), &json!(3), &json!(0)),
        "{passed:#}"
    );
    // Without the policy the first case fails, and with `open` the last one.
    let failed = sluice.run(&["policy", "test", &cases]);
    assert_eq!(failed.code, Some(1), "{failed:#?}");
    assert!(
        failed.stdout.contains(
            "FAILED  agents make no missions: is allowed (default/agents-work), expected denied by night-shift"
        ),
        "{failed:#?}"
    );
    assert!(failed.stdout.ends_with("3 cases, 1 failed\n"), "{failed:#?}");
    let (code, told) = sluice.json(&["policy", "test", &cases, &night, "--preset", "open"]);
    assert_eq!((code, &told["cases"][2]["decision"]), (Some(1), &json!("allowed")), "{told:#}");
    let none = path(
        &sluice,
        "none.json",
        r#"{"cases": [{"principal": {"type": "User", "name": "u"}, "action": "fly", "expected": "denied"}]}"#,
    );
    let refused = sluice.run(&["policy", "test", &none]);
    assert!(refused.code == Some(2) && refused.stderr.contains("`fly` is no action"), "{refused:#?}");
}

/// One policy from its trial to its end.
fn story(sluice: &Binary) {
    let night = path(sluice, "night.cedar", NIGHT);
    let before = sluice.ok(&["policy", "show"])["revision"].as_u64().expect("a number");
    assert!(sluice.shown(&["policy", "show", "--defaults"]).contains("@id(\"agents-never-answer\")"));
    let set = sluice.ok(&["policy", "set", &night, "--note", "a test", "--if-rev", &before.to_string()]);
    assert_eq!((&set["revision"], &set["policies"]["night"]), (&json!(before + 1), &json!(NIGHT)), "{set:#}");
    assert!(sluice.shown(&["policy", "show"]).contains("night-shift"));
    sluice.refused(&["policy", "set", &night, "--if-rev", &before.to_string()], 1, "revision");
    let ask = ["policy", "explain", "--principal", "agent.a", "--role", "agent", "--action", "mission.create"];
    let why = sluice.ok(&ask);
    assert_eq!((&why["decision"], &why["policies"][0]["id"]), (&json!("denied"), &json!("night-shift")), "{why:#}");
    let by_name = ["policy", "explain", "--principal", "agent.a", "--action", "mission.create"];
    assert_eq!(sluice.ok(&by_name), why, "an agent's name says that it is one");
    let as_member = [&by_name[..], &["--role", "member"]].concat();
    assert_eq!(sluice.ok(&as_member)["decision"], "allowed", "what --role says counts");
    let told = sluice.shown(&ask);
    assert!(told.starts_with("denied\n") && told.contains("needed   a member who makes it"), "{told}");
    let effect = ["policy", "explain", "--principal", "w", "--run", "run_1", "--action", "connector.shop.buy"];
    let why = sluice.ok(&effect);
    assert_eq!(why["policies"][0]["id"], "default/capabilities-cover-side-effects", "{why:#}");
    let covered = [&effect[..], &["--capability", "connector.shop.*", "--args", "{\"spend\": 1}"]].concat();
    assert_eq!(sluice.ok(&covered)["decision"], "approval_required");

    let diff = sluice.ok(&["policy", "diff", &night, "--last", "10"]);
    assert!(diff["compared"].is_u64() && diff["differences"].is_array(), "{diff:#}");
    let history = sluice.ok(&["policy", "history"]);
    assert_eq!(history["history"][0]["note"], "a test", "{history:#}");
    assert!(sluice.shown(&["policy", "history"]).starts_with("REV"));
    let none = sluice.ok(&["policy", "set", "--none"]);
    assert_eq!(none["policies"], json!({}), "{none:#}");
    let back: Value = sluice.ok(&["policy", "rollback", &(before + 1).to_string()]);
    assert_eq!((&back["revision"], &back["rolled_back_to"]), (&json!(before + 3), &json!(before + 1)), "{back:#}");
    sluice.refused(&["policy", "rollback", "999"], 2, "there is no revision");
    sluice.refused(&["policy", "rollback", "0"], 2, "sluice policy set --none");
    sluice.refused(&["policy", "set"], 2, "--none");
    for (name, empty) in [("empty.cedar", "// forbid nothing yet\n"), ("empty.json", r#"{"mode": "observe"}"#)] {
        sluice.refused(&["policy", "set", &path(sluice, name, empty)], 2, "holds no policy at all");
    }
    // Texts that are none are told with their place, as ever.
    sluice.refused(&["policy", "set", &path(sluice, "broken.cedar", "permit (")], 2, "broken");
}

#[test]
fn a_policy_is_set_asked_and_taken_back_from_the_command_line() {
    let sluice = binary();
    story(&sluice);
    let server = serve(&sluice);
    story(&sluice);
    server.kill();
}
