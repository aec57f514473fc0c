//! `sluice resource watch`: each change once and in order, whatever becomes of the server.

use std::time::Duration;

use e2e::binary::{Binary, Process, until};
use rustix::process::Signal;
use serde_json::{Value, json};

/// How long something may take that comes soon.
const SOON: Duration = Duration::from_secs(20);

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn serve(sluice: &Binary, listen: &str) -> Process {
    let mut server = sluice.start(&["serve", "--listen", listen]);
    server.wait_for("listening on http://");
    server
}

/// Where the directory's server listens.
fn address(sluice: &Binary) -> String {
    let record = std::fs::read(sluice.data().join("server.json")).expect("the server's record");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    record["url"].as_str().expect("an address").trim_start_matches("http://").to_owned()
}

fn documents(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect()
}

#[test]
fn a_watcher_tells_every_change_once_over_kills_of_the_server() {
    let sluice = binary();
    let mut server = serve(&sluice, "127.0.0.1:0");
    let listen = address(&sluice);
    let put = |n: usize| sluice.ok(&["resource", "put", "project/watched/n", &n.to_string()])["rev"].clone();
    put(0);
    let since = sluice.ok(&["resource", "ls", "project/watched/"])["seq"].to_string();
    let mut watcher = sluice.start(&["resource", "watch", "project/watched/", "--values", "--json", "--since", &since]);
    let mut plain = sluice.start(&["resource", "watch", "--tail", "1"]);
    plain.wait_for("project/watched/n rev 1");
    for round in 0..3 {
        for n in 0..5 {
            put(round * 10 + n);
        }
        sluice.ok(&["resource", "put", "project/other", "1"]);
        server.kill();
        server = serve(&sluice, &listen);
    }
    sluice.ok(&["resource", "put", "project/watched/brief", "true", "--ttl", "1s"]);
    sluice.ok(&["resource", "rm", "project/watched/n", "--by", "the end"]);
    watcher.wait_for("the end");
    watcher.wait_for("\"expired\"");
    plain.wait_for("expired  project/watched/brief rev 2");
    watcher.signal(Signal::INT);
    let seen = watcher.wait_at_most(SOON);
    assert_eq!(seen.code, Some(130), "{seen:#?}");
    let told = documents(&seen.stdout);
    let of_n: Vec<&Value> =
        told.iter().map(|event| &event["properties"]).filter(|p| p["key"] == "project/watched/n").collect();
    let revs: Vec<u64> = of_n.iter().filter_map(|p| p["rev"].as_u64()).collect();
    assert_eq!(revs, (2..=17).collect::<Vec<_>>(), "each once, in order");
    assert_eq!((&of_n[4]["value"], &of_n[14]["value"], of_n[15].get("value")), (&json!(4), &json!(24), None));
    assert!(told.windows(2).all(|pair| pair[0]["seq"].as_u64() < pair[1]["seq"].as_u64()));
    assert!(!seen.stdout.contains("project/other"), "only what matches");
    plain.signal(Signal::TERM);
    let plain = plain.wait_at_most(SOON);
    assert!(plain.stdout.contains("updated  project/other rev 3  by user."), "{plain:#?}");
    assert!(plain.stdout.contains("deleted  project/watched/n rev 17  by the end"), "{plain:#?}");
    drop(server);
}

#[test]
fn a_watcher_of_a_directory_that_nobody_serves_sees_what_others_write_there() {
    let sluice = binary();
    sluice.ok(&["resource", "put", "project/a", "1"]);
    let mut watcher = sluice.start(&["resource", "watch", "project/", "--tail", "5", "--values"]);
    watcher.wait_for("project/a rev 1");
    sluice.ok(&["resource", "put", "project/a", "{\"n\":2}"]);
    watcher.wait_for("project/a rev 2  by user.local  {\"n\":2}");
    watcher.signal(Signal::INT);
    assert_eq!(watcher.wait_at_most(SOON).code, Some(130));
}

#[test]
fn a_watcher_from_beyond_the_log_is_told_to_begin_anew() {
    let sluice = binary();
    let _server = serve(&sluice, "127.0.0.1:0");
    let mut watcher = sluice.start(&["resource", "watch", "--since", "1000000", "--json"]);
    watcher.wait_for("\"type\":\"reset\"");
    sluice.ok(&["resource", "put", "project/a", "1"]);
    watcher.wait_for("project/a");
    watcher.signal(Signal::INT);
    let answer = watcher.wait_at_most(SOON);
    let told = documents(&answer.stdout);
    assert_eq!((told.len(), &told[0]["type"], &told[1]["properties"]["rev"]), (2, &json!("reset"), &json!(1)));
    assert!(told[0]["oldest_seq"].is_u64() && answer.stderr.contains("`sluice resource ls`"), "{answer:#?}");
}

#[test]
fn a_watcher_ends_when_nobody_reads_it() {
    let sluice = binary();
    sluice.ok(&["resource", "put", "project/a", "1"]);
    let program = env!("CARGO_BIN_EXE_sluice");
    let line = format!("'{program}' resource watch --since 0 | head -n 1");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]).env("SLUICE_DATA", sluice.data()).env_remove("SLUICE_DATABASE_URL");
    let mut seen = sluice.start_command(shell);
    seen.wait_for("project/a rev 1");
    // `head` has gone or is about to.
    let mut rev = 1;
    assert!(
        until(SOON, || {
            rev += 1;
            sluice.ok(&["resource", "put", "project/a", &rev.to_string()]);
            seen.has_ended()
        }),
        "it tells nobody"
    );
    let answer = seen.wait_at_most(SOON);
    assert_eq!((answer.code, answer.stdout.lines().count()), (Some(0), 1), "{answer:#?}");
}
