//! `sluice resource`: the same against a server and on a data directory that nobody serves.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use e2e::binary::{Binary, Process, until};
use e2e::postgres;
use serde_json::{Value, json};

/// How long something may take that comes soon.
const SOON: Duration = Duration::from_secs(20);

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn serve(sluice: &Binary) -> Process {
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    server
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of cases are text")
}

/// Runs it with `input` on standard input; its standard output.
fn fed(sluice: &Binary, arguments: &[&str], input: &str) -> String {
    let path = sluice.file("input", input);
    let mut command = sluice.command(arguments);
    command.stdin(Stdio::from(std::fs::File::open(path).expect("the input")));
    let answer = sluice.start_command(command).wait();
    assert_eq!(answer.code, Some(0), "{arguments:?}: {answer:#?}");
    answer.stdout
}

/// One record from its first revision to its last.
fn one_record(sluice: &Binary) {
    const KEY: &str = "project/web/owner";
    let put = sluice.ok(&["resource", "put", KEY, r#"{"who":"ann","since":1}"#, "--create", "--by", "ann"]);
    assert_eq!((&put["ok"], &put["rev"], &put["updated_by"]), (&json!(true), &json!(1), &json!("ann")), "{put:#}");
    assert_eq!(
        sluice.shown(&["resource", "put", KEY, r#"{"who":"bo","since":2}"#, "--if-rev", "1"]),
        format!("{KEY} rev 2\n")
    );
    let conflict = sluice.refused(&["resource", "put", KEY, "1", "--if-rev", "1"], 1, "is at revision 2, not 1");
    let told = ["code", "expected_rev", "current_rev"].map(|name| conflict[name].clone());
    assert_eq!(told, [json!("RESOURCE_REVISION_CONFLICT"), json!(1), json!(2)], "{conflict:#}");
    sluice.refused(&["resource", "put", KEY, "1", "--create"], 1, "is at revision 2, not 0 (0: absent)");

    let patched = sluice.ok(&["resource", "patch", KEY, r#"{"since":null,"at":-1.5}"#, "--if-rev", "2"]);
    assert_eq!((&patched["value"], &patched["rev"]), (&json!({"who": "bo", "at": -1.5}), &json!(3)));
    let got = sluice.ok(&["resource", "get", KEY]);
    assert_eq!((&got["key"], &got["value"]), (&json!(KEY), &patched["value"]));
    let plain = sluice.run(&["resource", "get", KEY]);
    assert_eq!(serde_json::from_str::<Value>(&plain.stdout).expect("the value alone"), got["value"]);
    assert!(plain.stderr.starts_with("project/web/owner rev 3, by user."), "{plain:#?}");
    assert_eq!(sluice.ok(&["resource", "get", KEY, "--rev", "1"])["value"]["who"], "ann");
    sluice.refused(&["resource", "get", KEY, "--rev", "9"], 2, "9");

    sluice.refused(&["resource", "rm", KEY, "--if-rev", "2"], 1, "is at revision 3, not 2");
    let removed = sluice.ok(&["resource", "rm", KEY, "--if-rev", "3"]);
    assert_eq!((&removed["deleted"], &removed["rev"]), (&json!(true), &json!(4)), "{removed:#}");
    sluice.refused(&["resource", "get", KEY], 2, "`sluice resource ls` shows those there are");
    sluice.refused(&["resource", "rm", KEY], 2, "there is no resource");
    let history = sluice.ok(&["resource", "history", KEY]);
    let kinds: Vec<&Value> =
        history["history"].as_array().expect("a list").iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["deleted", "updated", "updated", "updated"], "{history:#}");
    assert_eq!(sluice.ok(&["resource", "history", KEY, "--limit", "1"])["count"], 1);
    let table = sluice.shown(&["resource", "history", KEY]);
    assert!(table.starts_with("REV  WHAT     WHEN"), "{table}");
    assert!(
        table.lines().last().is_some_and(|line| line.starts_with("1    updated") && line.contains("ann")),
        "{table}"
    );
    sluice.refused(&["resource", "history", "project/never"], 2, "never had a record");
    // Taken up again it goes on where it ended.
    assert_eq!(sluice.shown(&["resource", "put", KEY, "plain words", "--string"]), format!("{KEY} rev 5\n"));
    assert_eq!(sluice.shown(&["resource", "get", KEY]), "\"plain words\"\n");
    assert_eq!(sluice.shown(&["resource", "rm", KEY]), format!("{KEY} deleted (rev 6)\n"));
}

/// Where values come from, and that they arrive as they are.
fn values(sluice: &Binary) {
    let put = |value: &str| sluice.ok(&["resource", "put", "project/v", value])["value"].clone();
    for (given, value) in
        [("-5", json!(-5)), ("null", json!(null)), (" [1, 2.50] ", json!([1, 2.5])), ("\"\"", json!(""))]
    {
        assert_eq!(put(given), value, "{given}");
    }
    assert_eq!(put("18446744073709551615"), json!(u64::MAX));
    let file = sluice.file("value.json", "{\n  \"from\": \"a file\"\n}\n");
    assert_eq!(sluice.ok(&["resource", "put", "project/v", "--file", text(&file)])["value"]["from"], "a file");
    fed(sluice, &["resource", "put", "project/v", "-"], "[\"from\", \"input\"]\n");
    assert_eq!(sluice.ok(&["resource", "get", "project/v"])["value"], json!(["from", "input"]));
    fed(sluice, &["resource", "put", "project/v", "--file", "-", "--string"], "two\nlines\n");
    assert_eq!(sluice.ok(&["resource", "get", "project/v"])["value"], "two\nlines\n");
}

/// Input that cannot be used, and that nothing comes of it.
fn bad_input(sluice: &Binary) {
    let put =
        |value: &str, code: i32, part: &str| sluice.refused(&["resource", "put", "project/bad", value], code, part);
    put("hello", 2, "quote it as a JSON string");
    put("{\"a\":1} x", 2, "is not JSON");
    put("NaN", 2, "is not JSON");
    assert_eq!(put(r#"{"a":{"b":1,"b":2}}"#, 2, "DUPLICATE_KEY")["field"], "b");
    put("1e999", 2, "1e999");
    put("123456789012345678901234567890", 2, "123456789012345678901234567890");
    put(&format!("{}{}", "[".repeat(500), "]".repeat(500)), 2, "TOO_DEEP");
    for key in ["", "elsewhere/x", "project", "project/", "project//x", "project/../x", "project/a%2Fb", "..", "."] {
        for command in ["get", "rm", "history"] {
            sluice.refused(&["resource", command, key], 2, "KEY: ");
        }
    }
    sluice.refused(&["resource", "put", &format!("project/{}", "x".repeat(505)), "1"], 2, "has 513 bytes");
    sluice.refused(&["resource", "put", "project/bad", "--file", "/nowhere/at/all"], 2, "cannot be read");
    sluice.refused(&["resource", "put", "run/session/status", "1"], 2, "RESOURCE_RESERVED");
    sluice.refused(&["resource", "put", "project/bad", "1", "--ttl", "0s"], 2, "ttl_ms");
    sluice.refused(&["resource", "put", "project/bad", "1", "--lease", "lse_no.1"], 1, "LEASE_LOST");
    sluice.refused(&["resource", "patch", "project/bad", "{"], 2, "is not JSON");
    sluice.refused(&["resource", "patch", "project/bad", "{}"], 2, "there is no resource `project/bad`");
    sluice.refused(&["resource", "batch", "[]"], 2, "operations: has 0 entries");
    let twice = r#"[{"op":"put","key":"project/bad","value":1},{"op":"delete","key":"project/bad"}]"#;
    sluice.refused(&["resource", "batch", twice], 2, "project/bad");
    sluice.refused(&["resource", "ls", "nowhere/"], 2, "run/, mission/, project/ or team/");
    sluice.refused(&["resource", "watch", "nowhere/"], 2, "run/, mission/, project/ or team/");
    // What cannot be understood before anything is asked of a host.
    let misused: [(&[&str], &str); 6] = [
        (&["put", "project/bad"], "<KEY> <JSON|-|--file <FILE>>"),
        (&["put", "project/bad", "1", "--file", "x"], "cannot be used with"),
        (&["put", "project/bad", "1", "--create", "--if-rev", "3"], "cannot be used with"),
        (&["put", "project/bad", "1", "--ttl", "30"], "write whole numbers with ms, s, m, h or d"),
        (&["put", "project/bad", "1", "--if-rev", "-1"], "unexpected argument '-1'"),
        (&["watch", "--since", "1", "--tail", "1"], "cannot be used with"),
    ];
    for (arguments, part) in misused {
        let answer = sluice.run(&[&["resource"], arguments].concat());
        assert_eq!(answer.code, Some(2), "{answer:#?}");
        assert!(answer.stderr.contains(part), "{arguments:?}: `{part}` is not in: {answer:#?}");
    }
    assert_eq!(sluice.ok(&["resource", "ls", "project/bad"])["count"], 0, "nothing of all this was written");
}

/// Many records: in one piece, in lists, by schemas.
fn many(sluice: &Binary) {
    let put = |n: usize| json!({"op": "put", "key": format!("team/many/{n:03}"), "value": {"n": n}});
    for first in (0..600).step_by(100) {
        let operations: Vec<Value> = (first..first + 100).map(put).collect();
        let done = sluice.ok(&["resource", "batch", &json!({"operations": operations}).to_string()]);
        assert_eq!(done["count"], 100, "{done:#}");
    }
    let listed = sluice.ok(&["resource", "ls", "team/many/"]);
    let keys: Vec<&str> =
        listed["items"].as_array().expect("a list").iter().filter_map(|r| r["key"].as_str()).collect();
    assert_eq!((listed["count"].as_u64(), keys.len(), keys[599]), (Some(600), 600, "team/many/599"));
    assert!(keys.is_sorted(), "by key, over pages");
    assert_eq!(sluice.ok(&["resource", "ls", "team/many/", "--limit", "7"])["count"], 7);
    let only_keys = sluice.ok(&["resource", "ls", "team/many/59", "--keys"]);
    assert_eq!((&only_keys["count"], &only_keys["keys"][9]), (&json!(10), &json!("team/many/599")));
    assert_eq!(sluice.shown(&["resource", "ls", "team/many/00", "--keys"]).lines().count(), 10);
    assert_eq!(sluice.shown(&["resource", "ls", "team/none"]), "no resources that begin with team/none\n");

    let mixed = json!([
        {"op": "delete", "key": "team/many/000", "if_match_rev": 1},
        {"op": "patch", "key": "team/many/001", "patch": {"m": true}},
        {"op": "put", "key": "team/many/short", "value": 1, "ttl_ms": 3_600_000},
    ]);
    let file = sluice.file("batch.json", &mixed.to_string());
    assert_eq!(
        sluice.shown(&["resource", "batch", "--file", text(&file)]),
        "team/many/000 deleted (rev 2)\nteam/many/001 rev 2\nteam/many/short rev 1, gone in 1h\n"
    );
    let again = sluice.refused(&["resource", "batch", "--file", text(&file)], 1, "team/many/000");
    assert_eq!((&again["index"], &again["current_rev"]), (&json!(0), &json!(0)), "there is none: {again:#}");
    assert_eq!(sluice.ok(&["resource", "get", "team/many/001"])["rev"], 2, "all or nothing");
    let table = sluice.shown(&["resource", "ls", "team/many/short"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("KEY              REV  UPDATED"), "{table}");
    assert!(lines[2].contains("in 59m") || lines[2].contains("in 1h"), "{table}");

    assert_eq!(sluice.shown(&["resource", "schema", "list"]), "no schemas\n");
    let schema =
        sluice.file("schema.json", r#"{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}"#);
    assert_eq!(sluice.ok(&["resource", "schema", "set", "team/many/", text(&schema), "--if-rev", "0"])["revision"], 1);
    let unfit = sluice.refused(&["resource", "put", "team/many/x", r#"{"n":"one"}"#], 2, "RESOURCE_SCHEMA_VIOLATION");
    assert_eq!(unfit["pointer"], "/n", "{unfit:#}");
    assert_eq!(sluice.ok(&["resource", "schema", "list"])["items"][0]["prefix"], "team/many/");
    assert!(sluice.shown(&["resource", "schema", "list"]).contains("team/many/  {"));
    sluice.refused(&["resource", "schema", "rm", "team/many/", "--if-rev", "7"], 1, "REVISION_CONFLICT");
    let none = sluice.file("none.json", "{\"type\":\"objekt\"}");
    sluice.refused(&["resource", "schema", "set", "team/", text(&none)], 2, "schema");
    assert_eq!(
        sluice.shown(&["resource", "schema", "rm", "team/many/"]),
        "schema of team/many/ deleted (revision 2)\n"
    );
    sluice.refused(&["resource", "schema", "rm", "team/many/"], 2, "team/many/");
}

/// A value that is gone by itself.
fn short_lived(sluice: &Binary) {
    assert_eq!(
        sluice.shown(&["resource", "put", "project/brief", "1", "--ttl", "1s500ms"]),
        "project/brief rev 1, gone in 1s\n"
    );
    assert!(until(SOON, || sluice.run(&["resource", "get", "project/brief"]).code == Some(2)), "it never ends");
}

fn everything(sluice: &Binary) {
    one_record(sluice);
    values(sluice);
    bad_input(sluice);
    many(sluice);
    short_lived(sluice);
}

#[test]
fn every_command_works_on_a_directory_that_nobody_serves() {
    everything(&binary());
}

#[test]
fn every_command_works_against_the_directorys_server() {
    let sluice = binary();
    let _server = serve(&sluice);
    everything(&sluice);
}

#[tokio::test]
async fn every_command_works_against_a_server_on_postgres() {
    let Some(cluster) = postgres::shared() else { return };
    let sluice = binary().on_database(cluster.create_database().await);
    let case = move || {
        let _server = serve(&sluice);
        everything(&sluice);
    };
    tokio::task::spawn_blocking(case).await.expect("they work");
}

#[test]
fn a_run_shares_what_is_its_own_and_its_missions() {
    let sluice = binary();
    let _server = serve(&sluice);
    let program = env!("CARGO_BIN_EXE_sluice");
    let script = format!(
        "cat >/dev/null\n'{program}' resource put mission/$SLUICE_MISSION_ID/note '{{\"by\": 1}}' --create\n\
         '{program}' resource patch run/$SLUICE_RUN_ID/own '{{}}' --if-rev 0\n\
         '{program}' resource put project/else 1 2>&1\necho \"ended with $?\"\n"
    );
    let agent = format!("sh {}", text(&sluice.file("agent.sh", &script)));
    let mission = sluice.file("mission.toml", "title = \"Share\"\n[[work_items]]\nid = \"a\"\ntitle = \"A\"\n");
    let made = sluice.ok(&["mission", "create", text(&mission), "--start"]);
    let id = made["mission"]["id"].as_str().expect("an id");
    let worked = sluice.run(&["work", "--exec", &agent, "--once", "--wait-ms", "3000"]);
    assert_eq!(worked.code, Some(0), "{worked:#?}");
    let note = sluice.ok(&["resource", "get", &format!("mission/{id}/note")]);
    assert_eq!((&note["value"], &note["rev"]), (&json!({"by": 1}), &json!(1)), "{note:#}");
    let runs = sluice.ok(&["runs", "list", "--mission", id]);
    let (run_id, said) = (&runs["runs"][0]["id"], runs["runs"][0].to_string());
    let own = sluice.ok(&["resource", "get", &format!("run/{}/own", run_id.as_str().expect("an id"))]);
    assert_eq!(own["rev"], 1, "{own:#}");
    assert!(said.contains("ended with 2"), "{said}");
}
