//! Every command that speaks to a host: the same against a server and on a data directory that
//! nobody serves.

#![expect(clippy::similar_names, reason = "a server is what serves")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::binary::{Binary, Process, until};
use e2e::postgres;
use rustix::process::Signal;
use serde_json::{Value, json};

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

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The document of a command that succeeds.
fn ok(sluice: &Binary, arguments: &[&str]) -> Value {
    let (code, document) = sluice.json(arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {document:#}");
    document
}

/// A command that is refused: its exit code, and that it says why.
fn refused(sluice: &Binary, arguments: &[&str], code: i32, part: &str) {
    let answer = sluice.run(arguments);
    assert_eq!(answer.code, Some(code), "{arguments:?}: {answer:#?}");
    assert!(answer.stderr.contains(part), "{arguments:?}: {answer:#?}");
    let (json_code, document) = sluice.json(arguments);
    assert_eq!(json_code, Some(code));
    assert_eq!(document["error"]["exit_code"], code, "{document}");
}

const MISSION: &str = r#"
title = "Two things"
goal = "Both"
[[work_items]]
id = "a"
title = "A"
[[work_items]]
id = "b"
title = "B"
depends_on = ["a"]
"#;

/// Goes through what a person does with missions.
fn missions(sluice: &Binary) {
    assert_eq!(ok(sluice, &["mission", "list"])["count"], 0);
    let file = sluice.file("mission.toml", MISSION);
    let made = ok(sluice, &["mission", "create", text(&file)]);
    let id = made["mission"]["id"].as_str().expect("an id");
    assert_eq!(made["mission"]["status"], "draft", "{made:#}");
    let shown = ok(sluice, &["mission", "show", id]);
    let items = shown["mission"]["work_items"].as_array().expect("a list");
    assert_eq!((items.len(), &items[1]["id"], &shown["mission"]["counts"]["todo"]), (2, &json!("b"), &json!(2)));

    let started = ok(sluice, &["mission", "start", id]);
    assert_eq!(started["mission"]["status"], "running", "{started:#}");
    let kinds: Vec<&Value> = started["commands"].as_array().expect("a list").iter().map(|c| &c["type"]).collect();
    assert!(kinds.contains(&&json!("start_run")), "{kinds:?}");
    let runs = ok(sluice, &["runs", "list", "--mission", id]);
    let run = &runs["runs"][0];
    assert_eq!((&runs["count"], &run["status"], &run["waiting_for"]), (&json!(1), &json!("queued"), &json!("worker")));
    let run_id = run["id"].as_str().expect("an id");
    assert_eq!(ok(sluice, &["runs", "show", run_id])["run"]["work_item_id"], "a");
    assert_eq!(ok(sluice, &["runs", "list", "--status", "failed"])["count"], 0);

    let paused = ok(sluice, &["mission", "pause", id, "--reason", "lunch"]);
    assert_eq!((&paused["mission"]["status"], &paused["mission"]["reason"]), (&json!("paused"), &json!("lunch")));
    assert_eq!(ok(sluice, &["mission", "list", "--status", "paused"])["count"], 1);
    assert_eq!(ok(sluice, &["mission", "resume", id])["mission"]["status"], "running");
    let revision = ok(sluice, &["mission", "show", id])["mission"]["revision"].as_u64().expect("a number");
    let items = r#"{"items":[{"id":"c","title":"C","depends_on":["b"]}]}"#;
    let stale = (revision - 1).to_string();
    refused(
        sluice,
        &["mission", "event", id, "work_items_proposed", "--with", items, "--if-revision", &stale],
        1,
        "REVISION_CONFLICT",
    );
    let grown = ok(
        sluice,
        &["mission", "event", id, "work_items_proposed", "--with", items, "--if-revision", &revision.to_string()],
    );
    assert_eq!(grown["mission"]["revision"], revision + 1, "{grown:#}");
    refused(sluice, &["mission", "event", id, "mission_vanished"], 2, "event.type: expected one of");
    refused(sluice, &["mission", "event", id, "tool_observed", "--with", "[]"], 2, "--with: is not a JSON object");

    let history = ok(sluice, &["mission", "history", id]);
    let told: Vec<&str> =
        history["events"].as_array().expect("a list").iter().filter_map(|e| e["type"].as_str()).collect();
    assert_eq!(told[..4], ["mission_created", "mission_started", "mission_paused", "mission_resumed"], "{told:?}");
    let replayed = ok(sluice, &["mission", "replay", id]);
    assert_eq!((&replayed["differences"], &replayed["events"]), (&json!([]), &history["count"]), "{replayed:#}");
    let digest = ok(sluice, &["mission", "show", id])["mission"]["reducer"]["digest"].clone();
    let again = ok(sluice, &["mission", "replay", id, "--reducer", digest.as_str().expect("a digest")]);
    assert_eq!(again["differences"], json!([]));

    assert_eq!(ok(sluice, &["mission", "cancel", id])["mission"]["status"], "canceled");
    refused(sluice, &["mission", "pause", id], 1, "the mission is canceled");
    let watched = sluice.run(&["mission", "watch", id]);
    assert_eq!(watched.code, Some(1), "{watched:#?}");
    assert!(watched.stdout.contains(&format!("mission {id} canceled")), "{watched:#?}");
    for command in ["show", "history", "replay", "watch", "pause"] {
        refused(sluice, &["mission", command, "mis_nothing"], 2, "there is no mission `mis_nothing`");
    }
    refused(sluice, &["runs", "show", "run_nothing"], 2, "there is no run `run_nothing`");
    events(sluice, id);
}

/// The log, in pages and as it grows.
fn events(sluice: &Binary, id: &str) {
    let lines = |arguments: &[&str]| -> Vec<Value> {
        let answer = sluice.run(arguments);
        assert_eq!(answer.code, Some(0), "{answer:#?}");
        answer.stdout.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect()
    };
    let all = lines(&["events", "--json", "--since-seq", "0", "--mission", id]);
    let types: Vec<&str> = all.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!((types[0], types.contains(&"mission.canceled")), ("mission.created", true), "{types:?}");
    let newest = lines(&["events", "--json", "--tail", "1", "--type", "mission."]);
    assert_eq!(newest.len(), 1, "{newest:#?}");
    let mut follower = sluice.start(&["events", "--json", "--follow", "--tail", "2", "--mission", id]);
    let last = all.last().expect("an event")["event_id"].as_str().expect("an id").to_owned();
    follower.wait_for(&last);
    follower.signal(Signal::INT);
    let followed = follower.wait_at_most(Duration::from_secs(5));
    assert_eq!((followed.code, followed.stdout.lines().count()), (Some(130), 2), "{followed:#?}");
}

/// What an operator does with tokens and questions.
fn tokens_and_approvals(sluice: &Binary) {
    let issued = ok(sluice, &["token", "create", "--name", "eyes", "--role", "viewer", "--ttl-ms", "60000"]);
    let (id, first) = (issued["id"].as_str().expect("an id"), issued["token"].as_str().expect("its text"));
    assert_eq!((&issued["role"], &issued["principal"]), (&json!("viewer"), &json!("user.eyes")), "{issued:#}");
    let listed = ok(sluice, &["token", "list"]);
    assert!(listed["items"].as_array().expect("a list").iter().any(|token| token["id"] == id), "{listed:#}");
    assert!(!listed.to_string().contains(first), "its text is told once");
    let plain = sluice.run(&["token", "rotate", id]);
    assert_eq!(plain.code, Some(0), "{plain:#?}");
    assert!(plain.stdout.starts_with("slt_") && plain.stdout.lines().count() == 1, "the text alone: {plain:#?}");
    assert_ne!(plain.stdout.trim(), first);
    let revoked = ok(sluice, &["token", "revoke", id]);
    assert!(revoked["revoked_at_ms"].is_u64(), "{revoked:#}");
    refused(sluice, &["token", "revoke", "tok_nothing"], 2, "there is no token `tok_nothing`");
    let unknown = sluice.run(&["token", "create", "--name", "x", "--role", "king"]);
    assert_eq!(unknown.code, Some(2), "{unknown:#?}");
    assert!(unknown.stderr.contains("operator, member, agent, viewer"), "{unknown:#?}");

    assert_eq!(ok(sluice, &["approval", "list"]), json!({"approvals": [], "count": 0}));
    for command in ["show", "grant", "deny"] {
        refused(sluice, &["approval", command, "apr_nothing"], 2, "there is no approval `apr_nothing`");
    }
}

#[test]
fn every_command_works_on_a_directory_that_nobody_serves() {
    let sluice = binary();
    missions(&sluice);
    tokens_and_approvals(&sluice);
}

#[test]
fn every_command_works_against_the_directorys_server() {
    against_a_server(&binary());
}

#[tokio::test]
async fn every_command_works_against_a_server_on_postgres() {
    let Some(cluster) = postgres::shared() else { return };
    let sluice = binary().on_database(cluster.create_database().await);
    tokio::task::spawn_blocking(move || against_a_server(&sluice)).await.expect("they work");
}

fn against_a_server(sluice: &Binary) {
    let server = serve(sluice);
    missions(sluice);
    tokens_and_approvals(sluice);
    server.signal(Signal::TERM);
    assert_eq!(server.wait_at_most(Duration::from_secs(15)).code, Some(0));
    assert!(!sluice.data().join("server.json").exists(), "a server that ended is not looked for");
    assert_eq!(ok(sluice, &["mission", "list"])["count"], 1, "what it did is in the directory");
}

#[test]
fn a_server_is_found_by_its_directory_its_address_and_a_token() {
    let sluice = binary();
    let server = serve(&sluice);
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(sluice.data().join("server.json")).expect("the server's record"))
            .expect("JSON");
    let url = record["url"].as_str().expect("an address").to_owned();
    let operator = std::fs::read_to_string(sluice.data().join("operator.token")).expect("a token").trim().to_owned();
    assert_eq!(ok(&sluice, &["mission", "list", "--server", &url])["count"], 0, "its token is kept beside it");

    // From elsewhere: another directory, which knows neither the server nor its token.
    let elsewhere = binary();
    refused(&elsewhere, &["mission", "list", "--server", &url], 2, "a token is needed");
    assert_eq!(ok(&elsewhere, &["mission", "list", "--server", &url, "--token", &operator])["count"], 0);
    let file = elsewhere.file("token", &format!("{operator}\n"));
    assert_eq!(ok(&elsewhere, &["token", "list", "--server", &url, "--token-file", text(&file)])["count"], 2);
    let mut command = elsewhere.command(&["mission", "list", "--json"]);
    command.env("SLUICE_SERVER", &url).env("SLUICE_TOKEN", &operator);
    assert_eq!(elsewhere.start_command(command).wait().code, Some(0));
    refused(&elsewhere, &["mission", "list", "--server", &url, "--token", "slt_wrong"], 2, "UNAUTHENTICATED");
    refused(&elsewhere, &["mission", "list", "--server", "ftp://x", "--token", "x"], 2, "is no address of a server");
    let viewer = ok(&sluice, &["token", "create", "--name", "eyes", "--role", "viewer"]);
    let viewer = viewer["token"].as_str().expect("its text");
    let mission = sluice.file("mission.toml", MISSION);
    refused(&elsewhere, &["mission", "create", text(&mission), "--server", &url, "--token", viewer], 2, "FORBIDDEN");

    let own = sluice.file("own.toml", &format!("{MISSION}\n[gates]\nreview = false\n"));
    refused(&sluice, &["mission", "create", text(&own)], 2, "`sluice run FILE` takes the file");
    let reducer = repository("plugins/prebuilt/mission-default.wasm");
    let made = ok(&sluice, &["mission", "create", text(&mission)]);
    let id = made["mission"]["id"].as_str().expect("an id");
    refused(
        &sluice,
        &["mission", "replay", id, "--reducer", text(&reducer)],
        2,
        "a server replays with components it has",
    );

    // A server that was killed leaves its record behind, and the directory is served in process.
    server.kill();
    assert!(sluice.data().join("server.json").exists());
    assert_eq!(ok(&sluice, &["mission", "list"])["count"], 1);
    assert_eq!(ok(&sluice, &["mission", "create", text(&own)])["mission"]["status"], "draft");
}

#[test]
fn a_watcher_sees_the_end_across_a_restart_of_the_server() {
    let sluice = binary();
    let server = serve(&sluice);
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(sluice.data().join("server.json")).expect("the server's record"))
            .expect("JSON");
    let listen = record["url"].as_str().expect("an address").trim_start_matches("http://").to_owned();
    let file = sluice.file("mission.toml", MISSION);
    let mut watcher = sluice.start(&["mission", "create", text(&file), "--start", "--watch", "--json"]);
    watcher.wait_for("session.run.queued");
    let id = sluice.missions()[0]["id"].as_str().expect("an id").to_owned();
    server.kill();
    let mut again = sluice.start(&["serve", "--listen", &listen]);
    again.wait_for("listening on http://");
    ok(&sluice, &["mission", "pause", &id]);
    watcher.wait_for("paused");
    ok(&sluice, &["mission", "cancel", &id]);
    let watched = watcher.wait_at_most(Duration::from_secs(20));
    assert_eq!(watched.code, Some(1), "{watched:#?}");
    let lines: Vec<Value> =
        watched.stdout.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect();
    let seqs: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "each once, in order: {seqs:?}");
    let listed = sluice.run(&["events", "--json", "--since-seq", "0", "--mission", &id]);
    let all: Vec<u64> = listed
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).expect("a document")["seq"].as_u64())
        .collect();
    assert_eq!(
        seqs,
        all.iter().copied().take_while(|seq| seqs.last() >= Some(seq)).collect::<Vec<_>>(),
        "none is missing"
    );
    assert_eq!(lines.last().expect("a line")["mission"]["status"], "canceled");
    assert!(until(Duration::from_secs(1), || !again.has_ended()));
}

#[test]
fn what_needs_no_host_needs_none() {
    let sluice = binary();
    let primed = ok(&sluice, &["prime"]);
    assert!(primed["variables"]["SLUICE_ARTIFACTS"].is_string(), "{primed:#}");
    assert_eq!(primed["calls"].as_array().map(Vec::len), Some(5));
    let plain = sluice.run(&["prime"]);
    assert!(plain.stdout.contains("Never answer an approval") && plain.stdout.len() < 6_000, "{}", plain.stdout.len());
    for shell in ["bash", "zsh", "fish"] {
        let script = sluice.run(&["completions", shell]);
        assert_eq!(script.code, Some(0), "{script:#?}");
        assert!(script.stdout.contains("approval") && script.stdout.contains("work"), "{shell}");
    }
    assert!(!sluice.data().exists(), "nothing was opened");
}
