//! `sluice routine`: work that starts by a schedule, made, looked at and answered by hand, with and without a
//! server.

use std::time::Duration;

use e2e::binary::{Binary, Process, until};
use serde_json::{Value, json};

/// How long something may take that comes soon.
const SOON: Duration = Duration::from_secs(30);

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn serve(sluice: &Binary) -> Process {
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    server
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// What needs nobody who fires.
fn by_hand(sluice: &Binary) {
    assert_eq!(sluice.shown(&["routine", "ls"]), "no routines; `sluice routine create` makes one\n");
    let spring = ["routine", "preview", "30 2 * * *", "--tz", "Europe/Paris", "--after", "2026-03-28T12:00:00Z"];
    let shown = sluice.shown(&spring);
    assert!(shown.starts_with("at 02:30 every day, Europe/Paris\n"), "{shown}");
    assert!(shown.contains("2026-03-29T03:00:00+02:00  CEST  2026-03-29T01:00:00Z"), "{shown}");
    assert_eq!(sluice.ok(&spring)["fires"][0]["at_ms"], 1_774_746_000_000_u64);
    let (code, never) = sluice.json(&["routine", "preview", "@daily", "--ends", "1"]);
    assert_eq!((code, &never["never"]), (Some(1), &json!(true)), "{never:#}");
    let wrong = sluice.refused(&["routine", "preview", "0 25 * * *"], 2, "  0 25 * * *\n    ^");
    assert_eq!((&wrong["code"], &wrong["position"]), (&json!("INVALID_SCHEDULE"), &json!(2)), "{wrong:#}");
    assert_eq!(sluice.ok(&["routine", "preview", "--every", "90s"])["count"], 5);

    let made = sluice.shown(&["routine", "create", "--template", "daily-digest", "--tz", "Europe/Paris"]);
    assert!(made.starts_with("daily-digest enabled, next 20"), "{made}");
    assert!(made.contains("at 08:30 on Monday to Friday, Europe/Paris"), "{made}");
    sluice.refused(&["routine", "create", "--template", "daily-digest"], 2, "ROUTINE_EXISTS");
    sluice.refused(&["routine", "create", "--template", "nothing"], 2, "there are daily-digest");
    let arguments = [
        "routine",
        "create",
        "mail",
        "--name",
        "Mail",
        "--cron",
        "0 9 * * *",
        "--entrypoint",
        "connector.mail.send",
        "--arg",
        "to=ann",
        "--misfire",
        "catch_up:3",
        "--overlap",
        "queue:4",
        "--jitter",
        "30s",
        "--exclude",
        "12-25",
    ];
    let mail = sluice.ok(&arguments)["routine"].clone();
    assert_eq!(mail["misfire_policy"], json!({"type": "catch_up", "max_runs": 3}), "{mail:#}");
    assert_eq!((&mail["overlap_policy"], &mail["overlap_max"]), (&json!("queue"), &json!(4)));
    assert_eq!((&mail["args"], &mail["exclude"]), (&json!({"to": "ann"}), &json!(["12-25"])));
    assert_eq!((&mail["jitter_ms"], &mail["external_side_effects"]), (&json!(30_000), &json!(true)));
    let table = sluice.shown(&["routine", "ls"]);
    assert!(table.contains("mail          enabled") && table.contains("blocked"), "{table}");
    let one = sluice.shown(&["routine", "get", "mail"]);
    assert!(one.contains("EXTERNAL SIDE EFFECTS, blocked") && one.contains("no runs yet"), "{one}");
    sluice.refused(&["routine", "run", "mail"], 1, "ROUTINE_POLICY_BLOCKED");

    let edited = sluice.shown(&["routine", "edit", "mail", "--allow-external", "true", "--cron", "@hourly"]);
    assert!(edited.contains("EXTERNAL SIDE EFFECTS, each run waits for a person"), "{edited}");
    sluice.refused(&["routine", "edit", "mail", "--if-rev", "1", "--name", "x"], 1, "REVISION_CONFLICT");
    sluice.refused(&["routine", "edit", "mail"], 2, "nothing to change");
    sluice.refused(&["routine", "edit", "mail", "--cron", "61 * * * *"], 2, "  61 * * * *\n  ^");
    let file = sluice.file("change.json", r#"{"overlap_policy": "allow", "colour": 1}"#);
    let file = file.to_str().expect("a path of the case is text");
    let unknown = sluice.refused(&["routine", "edit", "mail", "--file", file], 2, "colour");
    assert_eq!(unknown["code"], "UNKNOWN_FIELD");

    let asked = sluice.ok(&["routine", "run", "mail"]);
    assert_eq!((&asked["status"], &asked["waiting_for"]), (&json!("queued"), &json!("approval")), "{asked:#}");
    let run = string(&asked["run_id"]);
    let one = sluice.ok(&["routine", "get", "mail"]);
    assert_eq!(one["pending_approvals"][0]["id"], asked["run_id"], "{one:#}");
    assert!(sluice.shown(&["routine", "get", "mail"]).contains(&format!("sluice routine approve {run}")));
    let question = sluice.shown(&["approval", "show", string(&asked["approval_id"])]);
    assert!(question.contains("connector.mail.send") && question.contains("\"to\": \"ann\""), "{question}");
    let denied = sluice.ok(&["routine", "deny", run, "--reason", "not today"]);
    assert_eq!(denied["run"]["status"], "denied", "{denied:#}");
    sluice.refused(&["routine", "approve", run], 2, "ROUTINE_RUN_STATE");
    sluice.refused(&["routine", "approve", "run_none"], 2, "`sluice routine runs` shows those there are");

    let paused = sluice.shown(&["routine", "pause", "mail", "--reason", "a holiday"]);
    assert!(paused.starts_with("mail paused, does not fire"), "{paused}");
    sluice.refused(&["routine", "run", "mail"], 2, "ROUTINE_NOT_ENABLED");
    assert_eq!(sluice.ok(&["routine", "resume", "mail", "--missed", "policy"])["routine"]["status"], "enabled");
    let past =
        ["routine", "backfill", "daily-digest", "--from", "2026-01-05T00:00:00Z", "--to", "2026-01-09T00:00:00Z"];
    assert_eq!(sluice.ok(&past)["count"], 4);
    assert_eq!(sluice.shown(&past), "no occurrences lie between the two\n");
    let history = sluice.shown(&["routine", "history", "mail"]);
    for event in ["created", "updated", "fired", "approval_required", "blocked"] {
        assert!(history.contains(event), "{event} is not in {history}");
    }
    assert_eq!(sluice.ok(&["routine", "templates"])["count"], 4);
    assert_eq!(sluice.shown(&["routine", "rm", "mail"]), "mail deleted\n");
    sluice.refused(&["routine", "get", "mail"], 2, "`sluice routine ls` shows those there are");
    let misused: [&[&str]; 6] = [
        &["preview"],
        &["preview", "@daily", "--every", "5s"],
        &["create", "x", "--misfire", "catch_up"],
        &["backfill", "x", "--from", "yesterday", "--to", "1"],
        &["pause"],
        &["runs", "--status", "late"],
    ];
    for arguments in misused {
        assert_eq!(sluice.run(&[&["routine"], arguments].concat()).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn routines_are_kept_by_hand_with_and_without_a_server() {
    by_hand(&binary());
    let served = binary();
    let _server = serve(&served);
    by_hand(&served);
}

#[test]
fn a_server_fires_what_is_due_and_tells_of_it() {
    let sluice = binary();
    let _server = serve(&sluice);
    let watch = sluice.start(&["routine", "watch", "often", "--since", "0"]);
    sluice.ok(&["routine", "create", "often", "--cron", "* * * * * *", "--prompt", "look around"]);
    assert!(until(SOON, || watch.printed().contains("  fired  ")));
    assert!(until(SOON, || watch.printed().contains("missed")), "a second one overlaps: {}", watch.printed());
    let told = watch.printed();
    assert!(told.lines().next().is_some_and(|line| line.contains("created") && line.contains("often")), "{told}");
    watch.signal(rustix::process::Signal::INT);
    assert_eq!(watch.wait_at_most(SOON).code, Some(130));
    let runs = sluice.ok(&["routine", "runs", "often"])["runs"].clone();
    let runs = runs.as_array().expect("runs");
    assert!(runs.iter().any(|run| run["status"] == "skipped"), "{runs:#?}");
    assert!(sluice.shown(&["routine", "runs"]).contains("an earlier run is not over"));
}
