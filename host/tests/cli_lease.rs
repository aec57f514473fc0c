//! `sluice lease`: of many who want a name one has it, and what runs under it ends with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::binary::{Binary, Process, until};
use rustix::process::Signal;
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

fn string(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Goes through what is done with a lease by hand.
fn by_hand(sluice: &Binary) {
    assert_eq!(sluice.shown(&["lease", "ls"]), "no leases\n");
    let taken =
        sluice.run(&["lease", "acquire", "deploy", "--ttl", "1m", "--owner", "ann", "--claim", "project/deploy"]);
    assert_eq!((taken.code, taken.stdout.lines().count()), (Some(0), 1), "{taken:#?}");
    assert!(taken.stderr.contains("deploy is held by ann for 1m (fencing token 1)"), "{taken:#?}");
    let id = taken.stdout.trim();
    let held =
        sluice.refused(&["lease", "acquire", "deploy", "--ttl", "1m"], 1, "is held by ann; unless it is renewed");
    assert_eq!((&held["code"], &held["holder"]), (&json!("LEASE_HELD"), &json!("ann")), "{held:#}");
    let waited = sluice.run(&["lease", "acquire", "deploy", "--ttl", "1m", "--wait", "300ms"]);
    assert_eq!(waited.code, Some(1), "{waited:#?}");
    assert!(waited.stderr.contains("; waiting\n"), "{waited:#?}");

    assert_eq!(sluice.shown(&["lease", "renew", id]), "deploy is held for another 1m\n");
    let renewed = sluice.ok(&["lease", "renew", id]);
    assert_eq!((&renewed["lease_id"], &renewed["fencing_token"]), (&json!(id), &json!(1)));
    let claim = sluice.ok(&["resource", "get", "project/deploy"])["value"].clone();
    assert_eq!((&claim["owner"], &claim["state"], &claim["lease_id"]), (&json!("ann"), &json!("held"), &json!(id)));
    sluice.refused(&["resource", "put", "project/deploy", "1"], 1, "RESOURCE_CLAIMED");
    assert_eq!(sluice.ok(&["resource", "put", "project/x", "1", "--lease", id])["rev"], 1);
    let table = sluice.shown(&["lease", "ls", "--held"]);
    assert!(table.starts_with("NAME    STATE  OWNER  END"), "{table}");
    assert!(table.contains("deploy  held   ann    in "), "{table}");
    let one = sluice.shown(&["lease", "show", id]);
    assert!(one.starts_with("deploy held (") && one.contains("shown by project/deploy"), "{one}");
    assert_eq!(sluice.ok(&["lease", "show", id])["ttl_ms"], 60_000);

    assert_eq!(sluice.shown(&["lease", "release", id]), "deploy is given back\n");
    assert_eq!(sluice.ok(&["lease", "ls", "--held"]), json!({"items": [], "count": 0}));
    assert_eq!(sluice.ok(&["lease", "ls"])["items"][0]["state"], "released");
    sluice.refused(&["lease", "renew", id], 1, "LEASE_LOST");
    sluice.refused(&["lease", "release", id], 1, "LEASE_LOST");
    sluice.refused(&["resource", "put", "project/x", "2", "--lease", id], 1, "LEASE_LOST");
    let next = sluice.ok(&["lease", "acquire", "deploy", "--ttl", "1s"]);
    assert_eq!(next["fencing_token"], 2, "{next:#}");
    sluice.refused(&["lease", "show", id], 1, "LEASE_LOST");
    // Whoever waits has it once it has run out.
    let after = sluice.ok(&["lease", "acquire", "deploy", "--ttl", "1m", "--wait", "30s"]);
    assert_eq!((&after["fencing_token"], &after["retries"]), (&json!(3), &json!(1)), "{after:#}");
    assert_eq!(sluice.ok(&["lease", "release", string(&after["lease_id"])])["state"], "released");

    sluice.refused(&["lease", "show", "lse_nothing.1"], 2, "`sluice lease ls` shows those there are");
    sluice.refused(&["lease", "acquire", "", "--ttl", "1m"], 2, "name");
    sluice.refused(&["lease", "acquire", "x", "--ttl", "10ms"], 2, "ttl_ms");
    sluice.refused(&["lease", "acquire", "x", "--ttl", "2d"], 2, "ttl_ms");
    sluice.refused(&["lease", "acquire", "x", "--ttl", "1m", "--claim", "nowhere/x"], 2, "claim_key");
    let misused: [&[&str]; 4] =
        [&["acquire", "x"], &["run", "x"], &["run", "x", "--ttl", "5", "--", "true"], &["take"]];
    for arguments in misused {
        assert_eq!(sluice.run(&[&["lease"], arguments].concat()).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn leases_are_taken_by_hand_with_and_without_a_server() {
    let sluice = binary();
    by_hand(&sluice);
    let alone = sluice.run(&["lease", "run", "x", "--", "true"]);
    assert_eq!(alone.code, Some(2), "{alone:#?}");
    assert!(alone.stderr.contains("`sluice serve`"), "{alone:#?}");
    let served = binary();
    let _server = serve(&served);
    by_hand(&served);
}

/// Starts a command under a lease of a second and a half. What it appends goes to `log`.
fn start(sluice: &Binary, more: &[&str], script: &str) -> Process {
    let arguments = [&["lease", "run", "turn", "--ttl", "1500ms"], more, &["--", "sh", "-c", script]].concat();
    sluice.start(&arguments)
}

fn lines(log: &PathBuf) -> Vec<String> {
    std::fs::read_to_string(log).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn commands_run_one_after_the_other() {
    let sluice = binary();
    let _server = serve(&sluice);
    let log = sluice.directory().join("log");
    // Longer than the lease, so that it has to be renewed.
    let script = format!(
        "echo \"begin $SLUICE_FENCING_TOKEN\" >>'{0}'; sleep 2.5; echo \"end $SLUICE_FENCING_TOKEN\" >>'{0}'; exit 7",
        text(&log)
    );
    let both = [start(&sluice, &["--wait", "1m"], &script), start(&sluice, &["--wait", "1m"], &script)];
    assert!(until(SOON, || !lines(&log).is_empty()));
    let third = sluice.run(&["lease", "run", "turn", "--", "true"]);
    assert_eq!(third.code, Some(1), "{third:#?}");
    assert!(third.stderr.contains("LEASE_HELD"), "{third:#?}");
    for process in both {
        let ended = process.wait_at_most(SOON);
        assert_eq!(ended.code, Some(7), "the command's: {ended:#?}");
    }
    assert_eq!(lines(&log), ["begin 1", "end 1", "begin 2", "end 2"]);
    assert_eq!(sluice.ok(&["lease", "ls"])["items"][0]["state"], "released");
}

#[test]
fn a_command_gets_what_it_is_given_and_its_lease_guards_what_it_writes() {
    let sluice = binary();
    let _server = serve(&sluice);
    let program = env!("CARGO_BIN_EXE_sluice");
    let script = format!(
        "read line; echo \"$line from $1\"; '{program}' resource put project/turn \"$SLUICE_FENCING_TOKEN\"; \
         '{program}' lease release \"$SLUICE_LEASE_ID\"; '{program}' resource put project/turn 9; exit 3"
    );
    let input = sluice.file("input", "words\n");
    let mut command =
        sluice.command(&["lease", "run", "turn", "--owner", "me", "--", "sh", "-c", &script, "sh", "--one"]);
    command.stdin(std::fs::File::open(input).expect("the input"));
    let ended = sluice.start_command(command).wait_at_most(SOON);
    assert_eq!(ended.code, Some(1), "it gave its lease away and went on: {ended:#?}");
    assert_eq!(ended.stdout, "words from --one\nproject/turn rev 1\nturn is given back\n", "{ended:#?}");
    assert_eq!(ended.stderr.matches("LEASE_LOST").count(), 2, "the second write and the end: {ended:#?}");
    assert_eq!(sluice.ok(&["resource", "get", "project/turn"])["value"], 1);

    for (command, code) in [("/nowhere/at/all", 127), (text(sluice.directory()), 126)] {
        let ended = sluice.run(&["lease", "run", "turn", "--", command]);
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        assert!(ended.stderr.contains("cannot be started"), "{ended:#?}");
    }
    let killed = start(&sluice, &[], "kill -9 $$").wait_at_most(SOON);
    assert_eq!(killed.code, Some(137), "{killed:#?}");
    assert_eq!(sluice.ok(&["lease", "ls", "--held"])["count"], 0, "it is given back each time");
}

#[test]
fn signals_go_to_the_command_and_what_it_leaves_ends_with_it() {
    let sluice = binary();
    let _server = serve(&sluice);
    let log = sluice.directory().join("log");
    let script = format!(
        "trap 'echo asked >>\"{0}\"; exit 5' INT; (sleep 3; echo left >>'{0}') & echo begun >>'{0}'; while :; do sleep 0.05; done",
        text(&log)
    );
    let running = start(&sluice, &[], &script);
    assert!(until(SOON, || lines(&log) == ["begun"]));
    running.signal(Signal::INT);
    let ended = running.wait_at_most(SOON);
    assert_eq!(ended.code, Some(5), "{ended:#?}");
    let holder = sluice.ok(&["lease", "acquire", "turn", "--ttl", "1m"]);
    let waiting = start(&sluice, &["--wait", "1m"], "true");
    assert!(until(SOON, || waiting_has_told(&sluice)), "it waits");
    waiting.signal(Signal::INT);
    assert_eq!(waiting.wait_at_most(SOON).code, Some(130), "nothing was begun");
    sluice.ok(&["lease", "release", string(&holder["lease_id"])]);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(lines(&log), ["begun", "asked"], "nobody of the group is left");
}

/// Whether some process of the case says that it waits.
fn waiting_has_told(sluice: &Binary) -> bool {
    let files = std::fs::read_dir(sluice.directory()).expect("the directory of the case");
    let files = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
    files.filter_map(|path| std::fs::read_to_string(path).ok()).any(|text| text.contains("; waiting\n"))
}

#[test]
fn a_holder_that_was_paused_longer_than_its_lease_finds_it_lost() {
    let sluice = binary();
    let _server = serve(&sluice);
    let log = sluice.directory().join("log");
    let script =
        format!("trap 'echo asked >>\"{0}\"' TERM; echo begun >>'{0}'; while :; do sleep 0.05; done", text(&log));
    let paused = start(&sluice, &["--claim", "project/turn"], &script);
    assert!(until(SOON, || lines(&log) == ["begun"]));
    paused.signal(Signal::STOP);
    let next = sluice.ok(&["lease", "acquire", "turn", "--ttl", "1m", "--owner", "next", "--wait", "30s"]);
    assert_eq!(next["fencing_token"], 2);
    paused.signal(Signal::CONT);
    let ended = paused.wait_at_most(SOON);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(
        ended.stderr.contains("the lease `turn` was lost while the command ran: it was not renewed in time"),
        "{ended:#?}"
    );
    assert_eq!(lines(&log), ["begun", "asked"], "asked to end, and killed since it did not");
    let held = sluice.ok(&["lease", "ls", "--held"]);
    assert_eq!(held["items"][0]["owner"], "next", "the other one has it still: {held:#}");

    // One that was paused for less than that goes on.
    sluice.ok(&["lease", "release", string(&next["lease_id"])]);
    let short = start(&sluice, &[], "sleep 2");
    assert!(until(SOON, || sluice.ok(&["lease", "ls", "--held"])["count"] == 1));
    short.signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(300));
    short.signal(Signal::CONT);
    let short = short.wait_at_most(SOON);
    assert_eq!(short.code, Some(0), "{short:#?}");
}

#[test]
fn a_lease_that_cannot_be_renewed_ends_its_command_before_others_may_have_it() {
    let sluice = binary();
    let server = serve(&sluice);
    let running = start(&sluice, &[], "sleep 60");
    assert!(until(SOON, || sluice.ok(&["lease", "ls", "--held"])["count"] == 1));
    server.kill();
    let ended = running.wait_at_most(Duration::from_secs(5));
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("it was not renewed in time: no server answers"), "{ended:#?}");

    let _server = serve(&sluice);
    let running = start(&sluice, &["--owner", "again", "--wait", "10s"], "sleep 60");
    assert!(until(SOON, || sluice.ok(&["lease", "ls", "--held"])["items"][0]["owner"] == "again"));
    let held = sluice.ok(&["lease", "ls", "--held"]);
    sluice.ok(&["lease", "release", string(&held["items"][0]["lease_id"])]);
    let ended = running.wait_at_most(Duration::from_secs(5));
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("LEASE_LOST"), "told by the server: {ended:#?}");
}
