//! Settings as `sluice config explain` takes and tells them: what wins over what, what is refused and
//! how that is said, and what is never shown.

use std::collections::BTreeMap;
use std::ffi::OsString;

use e2e::binary::{Answer, Binary};
use serde_json::{Value, json};
use sluice::config::{Config, ServeFlags};

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

/// Writes the data directory's own file.
fn write_file(sluice: &Binary, text: &str) -> String {
    std::fs::create_dir_all(sluice.data()).expect("make the data directory");
    let path = sluice.data().join("sluice.toml");
    std::fs::write(&path, text).expect("write the file of settings");
    path.display().to_string()
}

fn explain(sluice: &Binary, flags: &[&str], variables: &[(&str, &str)]) -> Answer {
    let mut command = sluice.command(&[&["config", "explain"], flags].concat());
    command.envs(variables.iter().copied());
    // A worker's variables are nobody's mistake.
    command.envs([("SLUICE_RUN_ID", "run_1"), ("SLUICE_ATTEMPT", "1"), ("SLUICE_TOKEN", "slt_x")]);
    sluice.start_command(command).wait()
}

fn settings(sluice: &Binary, flags: &[&str], variables: &[(&str, &str)]) -> BTreeMap<String, (Value, Value)> {
    let answer = explain(sluice, &[flags, &["--json"]].concat(), variables);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    let document: Value = serde_json::from_str(&answer.stdout).expect("standard output is one document");
    let all = document["settings"].as_array().expect("settings is a list").iter();
    all.map(|row| {
        (row["name"].as_str().expect("names are texts").to_owned(), (row["value"].clone(), row["origin"].clone()))
    })
    .collect()
}

#[test]
fn flags_beat_variables_beat_the_file_beat_defaults() {
    let sluice = binary();
    let path = write_file(
        &sluice,
        "listen = '127.0.0.1:1'\norg = 'file'\nmax_connections = 7\nlog_retention_ms = 0\nallowed_hosts = ['A.example', 'b']\n",
    );
    let variables = [("SLUICE_LISTEN", "127.0.0.1:2"), ("SLUICE_ORG", "variable"), ("SLUICE_LOG_FORMAT", "")];
    let flags = ["--listen", "0.0.0.0", "--set", "rate_per_second=5", "--set", "listen=127.0.0.1:9"];
    let all = settings(&sluice, &flags, &variables);
    let file = |key: &str| json!({ "kind": "file", "path": path, "key": key });
    for (name, value, origin) in [
        ("listen", json!("0.0.0.0:4700"), json!({ "kind": "flag", "flag": "--listen" })),
        ("rate_per_second", json!(5), json!({ "kind": "flag", "flag": "--set rate_per_second" })),
        ("org", json!("variable"), json!({ "kind": "variable", "name": "SLUICE_ORG" })),
        ("data", json!(sluice.data()), json!({ "kind": "variable", "name": "SLUICE_DATA" })),
        ("max_connections", json!(7), file("max_connections")),
        ("log_retention_ms", json!(0), file("log_retention_ms")),
        ("allowed_hosts", json!(["a.example", "b"]), file("allowed_hosts")),
        ("log_format", json!("text"), json!({ "kind": "default" })),
        ("approval_ttl_ms", json!(604_800_000), json!({ "kind": "default" })),
    ] {
        assert_eq!(all[name], (value, origin), "{name}");
    }
    // Open to the network is allowed, and said.
    let answer = explain(&sluice, &["--listen", "0.0.0.0"], &[]);
    assert!(answer.stderr.starts_with("warning: listening on 0.0.0.0:4700"), "{answer:#?}");
    assert!(answer.stdout.contains(&format!("{path} (max_connections)")), "{answer:#?}");

    // A file that is named replaces the data directory's own; the current directory's is never read.
    let other = sluice.file("other.toml", "org = 'other'\n");
    sluice.file("sluice.toml", "no such thing = 1");
    let mut command = sluice.command(&["config", "explain", "--json", "--config", other.to_str().unwrap()]);
    let answer = sluice.start_command({
        command.current_dir(sluice.directory());
        command
    });
    let answer = answer.wait();
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert!(answer.stdout.contains("\"other\"") && !answer.stdout.contains("max_connections\": 7"), "{answer:#?}");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_remedy() {
    let sluice = binary();
    let path = write_file(&sluice, "lisen = 'x'\nmax_json_depth = '9'\ndata = '/x'\n");
    let variables = [
        ("SLUICE_MAX_CONECTIONS", "5"),
        ("SLUICE_ALLOWED_ORIGINS", "*"),
        ("SLUICE_DATABASE_URL", "mysql://ada:hunter2@db/x"),
    ];
    let answer =
        explain(&sluice, &["--set", "header_timeout_ms=5s", "--set", "nothing", "--listen", "here:1"], &variables);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""), "{answer:#?}");
    for line in [
        format!("{path} (lisen): there is no setting `lisen`; did you mean `listen`?"),
        format!("{path} (max_json_depth): setting `max_json_depth` cannot be `9`; write a whole number from 4 to 128"),
        format!("{path}: `data` cannot stand in the data directory's own file"),
        "no setting has the variable `SLUICE_MAX_CONECTIONS`; did you mean `SLUICE_MAX_CONNECTIONS`?".to_owned(),
        "variable SLUICE_ALLOWED_ORIGINS: setting `allowed_origins` cannot be `*`; write origins".to_owned(),
        "variable SLUICE_DATABASE_URL: setting `database_url` cannot be used as it is; write a URL like".to_owned(),
        "flag --set header_timeout_ms: setting `header_timeout_ms` cannot be `5s`; write a whole number".to_owned(),
        "--set nothing: there is no value".to_owned(),
        "flag --listen: setting `listen` cannot be `here:1`; write an address".to_owned(),
    ] {
        assert!(answer.stderr.contains(&line), "{line}\nis not in\n{}", answer.stderr);
    }
    assert!(!answer.stderr.contains("hunter2"), "{answer:#?}");

    for (text, said) in [
        ("org = 'a'\norg = 'b'\n", "line 2 is not TOML: duplicate key"),
        ("\n\ndatabase_url = postgres://ada:hunter2@db\n", "line 3 is not TOML"),
    ] {
        let path = write_file(&sluice, text);
        let answer = explain(&sluice, &[], &[]);
        assert_eq!(answer.code, Some(2), "{answer:#?}");
        assert!(answer.stderr.starts_with(&format!("error: {path}: {said}")), "{answer:#?}");
        assert!(!answer.stderr.contains("hunter2"), "{answer:#?}");
    }
    let answer = explain(&sluice, &["--config", "/nowhere/at.toml"], &[]);
    assert!(answer.stderr.contains("/nowhere/at.toml: the file of settings cannot be read"), "{answer:#?}");
}

#[test]
fn a_password_is_never_shown() {
    let sluice = binary();
    let url = "postgres://ada:hunter2@db.example/sluice?sslmode=require&sslpassword=hunter2";
    let shown = "postgres://ada:***@db.example/sluice?sslmode=require&sslpassword=***";
    assert_eq!(settings(&sluice, &["--database-url", url], &[])["database_url"].0, json!(shown));
    for answer in
        [explain(&sluice, &["--database-url", url], &[]), explain(&sluice, &[], &[("SLUICE_DATABASE_URL", url)])]
    {
        assert!(answer.stdout.contains(shown), "{answer:#?}");
        assert!(!answer.stdout.contains("hunter2") && !answer.stderr.contains("hunter2"), "{answer:#?}");
    }
    let flags = ServeFlags { database_url: Some(url.to_owned()), ..ServeFlags::default() };
    let nothing: Vec<(OsString, OsString)> = Vec::new();
    let config = Config::load(&flags, &nothing.into_iter().collect()).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.database_url.unwrap().expose(), url);
}

/// Every setting can be set, takes the least and the most it says, and refuses what lies beyond.
#[test]
fn every_number_has_its_bounds() {
    let load = |name: &str, value: u64| {
        let flags = ServeFlags { set: vec![format!("{name}={value}")], ..ServeFlags::default() };
        let nothing: Vec<(OsString, OsString)> = Vec::new();
        Config::load(&flags, &nothing.into_iter().collect())
    };
    let mut numbers = 0;
    for name in sluice::config::names() {
        // A number's message tells its bounds.
        let Err(error) = load(name, u64::MAX) else { continue };
        let message = error.to_string();
        let Some((_, bounds)) = message.split_once("a whole number from ") else { continue };
        let mut words = bounds.split([' ', ',']);
        let least: u64 = words.next().unwrap().parse().unwrap();
        let most: u64 = words.nth(1).unwrap().parse().unwrap();
        for value in [least, most] {
            let config = load(name, value).unwrap_or_else(|error| panic!("{error}"));
            let explained = config.explain();
            let row = explained.iter().find(|row| row.name == name).unwrap();
            assert_eq!(row.value, json!(value), "{name}");
        }
        assert!(load(name, most + 1).is_err(), "{name}");
        assert!(least == 0 || load(name, least - 1).is_err(), "{name}");
        numbers += 1;
    }
    assert_eq!(numbers, 17);
}
