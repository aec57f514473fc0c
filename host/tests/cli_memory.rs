//! `sluice memory`: the same against a server and on a data directory that nobody serves.

use e2e::binary::{Binary, Process};
use serde_json::{Value, json};

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn serve(sluice: &Binary) -> Process {
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    server
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value:#}"))
}

const SECRET: &str = "ghp_Qx7vK2mPz9LwRt4Babcdefghij0123456789";

/// One record from its put to its end.
fn story(sluice: &Binary) {
    let tried = sluice.ok(&["memory", "scrub", &format!("token {SECRET} here")]);
    assert_eq!(tried["status"], "redacted", "{tried:#}");
    let said = format!("The pool of the shop grows to twenty; its token is {SECRET}");
    let put = sluice.ok(&["memory", "put", &said, "--tier", "project", "--tag", "pool", "--metadata", r#"{"n":1}"#]);
    assert_eq!((&put["stored"], text(&put["scrub"], "status")), (&json!(true), "redacted"), "{put:#}");
    let id = text(&put, "id");
    let again = sluice.run(&["memory", "put", &said, "--tier", "project"]);
    assert!(again.stdout.contains("known already in project (redacted: 1 "), "{again:#?}");
    let found = sluice.ok(&["memory", "search", "\"pool of the shop\" twen*", "--tier", "project"]);
    assert_eq!((&found["count"], &found["results"][0]["id"]), (&json!(1), &put["id"]), "{found:#}");
    let table = sluice.shown(&["memory", "search", "pool"]);
    assert!(table.starts_with("MEMORY") && table.contains("1.00") && !table.contains("Qx7vK2mP"), "{table}");
    assert_eq!(sluice.shown(&["memory", "search", "nothing-like-it"]), "nothing found\n");
    let listed = sluice.ok(&["memory", "ls", "--tier", "project"]);
    assert_eq!(listed["items"][0]["metadata"], json!({"n": 1}), "{listed:#}");
    let promoted = sluice.ok(&["memory", "promote", id, "--to", "team", "--reason", "it holds"]);
    let new = text(&promoted, "new_memory_id").to_owned();
    assert_eq!(sluice.shown(&["memory", "demote", &new]), format!("{new} demoted\n"));
    sluice.refused(&["memory", "promote", &new], 2, "`sluice memory ls` shows those there are");
    assert_eq!(sluice.ok(&["memory", "rm", id])["ok"], true);
    sluice.refused(&["memory", "rm", id], 2, "there is no memory");
    let audit = sluice.ok(&["memory", "audit", "--memory", id]);
    let mut acts: Vec<&str> = audit["entries"].as_array().expect("a list").iter().map(|e| text(e, "action")).collect();
    // A refusal is asked for twice, as JSON and in words; a server counts the second, a process of its own does not.
    acts.dedup();
    let wanted = ["memory.remove", "memory.delete", "memory.promote", "memory.put"];
    assert_eq!(acts, wanted, "{audit:#}");
    let shown = sluice.shown(&["memory", "audit"]);
    assert!(shown.starts_with("SEQ") && !shown.contains("Qx7vK2mP"), "{shown}");
    sluice.refused(&["memory", "put", "x", "--project", "a/b"], 2, "project_id");
    sluice.refused(&["memory", "put", "x", "--metadata", "[1]"], 2, "no JSON object");
    sluice.refused(&["memory", "put", "--file", "/no/such/file"], 2, "cannot be read");
}

#[test]
fn what_is_remembered_is_governed_from_the_command_line() {
    let sluice = binary();
    story(&sluice);
    let server = serve(&sluice);
    story(&sluice);
    server.kill();
    let verified = sluice.run(&["verify"]);
    assert_eq!(verified.code, Some(0), "{verified:#?}");
}
