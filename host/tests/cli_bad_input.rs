//! What bad input is answered: exit code 2, a message that names the field and the remedy, and
//! nothing recorded. What only shows while a mission runs fails that mission instead (1).

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::binary::{Answer, Binary};
use e2e::guest::{self, World};
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _};

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of cases are text")
}

/// Exit code 2, every part of the message, and no mission.
fn assert_refused(sluice: &Binary, case: &str, answer: &Answer, parts: &[&str]) {
    assert_eq!(answer.code, Some(2), "{case}: {answer:#?}");
    assert!(answer.stderr.starts_with("error: "), "{case}: {answer:#?}");
    for part in parts {
        assert!(answer.stderr.contains(part), "{case}: `{part}` is not in the message: {answer:#?}");
    }
    assert_eq!(answer.stdout, "", "{case}");
    assert_eq!(sluice.missions(), Vec::<Value>::new(), "{case}: nothing is recorded");
}

const ITEM: &str = "\n[[work_items]]\nid = \"a\"\ntitle = \"A\"\n[work_items.action.exec]\nargv = [\"true\"]\n";

/// A mission of `ITEM` with something before it.
fn with_item(top: &str) -> String {
    format!("title = \"T\"\n{top}\n{ITEM}")
}

/// A mission of one item with `exec` for its action.
fn with_exec(exec: &str) -> String {
    format!("title = \"T\"\n[[work_items]]\ntitle = \"A\"\n[work_items.action.exec]\n{exec}\n")
}

/// A mission of items, each an id and what it depends on.
fn with_dependencies(items: &[(&str, &[&str])]) -> String {
    let mut text = "title = \"T\"\n".to_owned();
    for (id, depends_on) in items {
        let quoted: Vec<String> = depends_on.iter().map(|id| format!("\"{id}\"")).collect();
        let quoted = quoted.join(", ");
        let head = format!("[[work_items]]\nid = \"{id}\"\ntitle = \"{id}\"\ndepends_on = [{quoted}]\n");
        text.push_str(&head);
        text.push_str("action = { exec = { argv = [\"true\"] } }\n");
    }
    text
}

#[test]
fn a_file_that_cannot_be_understood_names_the_place() {
    let sluice = binary();
    let cases: &[(&str, &str, &str, &[&str])] = &[
        ("TOML", "m.toml", "title = \"T\"\ngoal = \n", &["m.toml: is not TOML", "line 2"]),
        ("JSON", "m.json", "{\"title\": \"T\",\n \"goal\": }", &["m.json: is not JSON", "line 2 column 10"]),
        ("a JSON list", "m.json", "[1]", &["m.json: "]),
        ("no title", "m.toml", ITEM, &["missing field `title`"]),
        ("a wrong type", "m.toml", &with_item("goal = 3"), &["goal: invalid type: integer `3`, expected a string"]),
        ("a far name", "m.toml", &with_item("colour = 1"), &["unknown field `colour`", "expected one of `title`"]),
        ("a near name", "m.toml", &with_item("gaol = \"x\""), &["unknown field `gaol`", "did you mean `goal`?"]),
        (
            "an unknown budget",
            "m.toml",
            &with_item("[budgets]\nmax_step = 3"),
            &["budgets.max_step: unknown field `max_step`", "did you mean `max_steps`?"],
        ),
        (
            "an unknown member of an item",
            "m.toml",
            &with_item("").replace("title = \"A\"", "title = \"A\"\ndepends = []"),
            &["work_items[0].depends: unknown field `depends`", "did you mean `depends_on`?"],
        ),
        (
            "an unknown member of exec",
            "m.toml",
            &with_exec("argv = [\"true\"]\ntimeout = 3"),
            &["work_items[0].action.exec: unknown field `timeout`", "did you mean `timeout_ms`?"],
        ),
    ];
    for (case, name, content, parts) in cases {
        let file = sluice.file(name, content);
        assert_refused(&sluice, case, &sluice.run(&["run", text(&file)]), parts);
    }
}

#[test]
fn a_file_that_is_none_is_told_as_such() {
    let sluice = binary();
    let nowhere = sluice.directory().join("nowhere.toml");
    assert_refused(
        &sluice,
        "no file",
        &sluice.run(&["run", text(&nowhere)]),
        &["nowhere.toml: cannot be read: No such file"],
    );
    let file = sluice.directory().join("latin.toml");
    std::fs::write(&file, b"title = \"\xe4\"").expect("write");
    assert_refused(&sluice, "not UTF-8", &sluice.run(&["run", text(&file)]), &["latin.toml: is not UTF-8 text"]);
    let file = sparse(&sluice, "big.toml", 16 * 1024 * 1024 + 1);
    assert_refused(
        &sluice,
        "too large",
        &sluice.run(&["run", text(&file)]),
        &["has 16777217 bytes; a mission file has at most 16777216"],
    );
    assert_refused(&sluice, "a directory", &sluice.run(&["run", text(sluice.directory())]), &["cannot be read"]);
}

fn sparse(sluice: &Binary, name: &str, length: u64) -> PathBuf {
    let path = sluice.directory().join(name);
    std::fs::File::create(&path).and_then(|file| file.set_len(length)).expect("make a sparse file");
    path
}

#[test]
fn work_items_that_cannot_be_are_named() {
    let sluice = binary();
    let long = "x".repeat(201);
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "a duplicate id",
            &with_dependencies(&[("a", &[]), ("b", &[]), ("a", &[])]),
            &["work_items[2]: work item id `a` is taken"],
        ),
        ("itself", &with_dependencies(&[("a", &["a"])]), &["work_items[0]: work item `a` depends on itself"]),
        (
            "unknown",
            &with_dependencies(&[("a", &[]), ("b", &["a", "c"])]),
            &["work_items[1]: work item `b` depends on `c`, which is not an item of this mission"],
        ),
        ("twice", &with_dependencies(&[("a", &[]), ("b", &["a", "a"])]), &["names its dependency `a` twice"]),
        (
            "a circle",
            &with_dependencies(&[("z", &[]), ("a", &["c"]), ("b", &["a"]), ("c", &["b", "z"])]),
            &["depend on each other in a circle: "],
        ),
        ("a bad id", &with_dependencies(&[("a b", &[])]), &["work_items[0].id: `a b` is not an id", "1 to 128 "]),
        ("an empty title", &with_item("").replace("\"T\"", "\"\""), &["title: has 0 characters; 1 to 200"]),
        ("a blank title", &with_item("").replace("\"A\"", "\"  \""), &["work_items[0].title: ", "not only blanks"]),
        ("a long title", &with_item("").replace("\"T\"", &format!("\"{long}\"")), &["title: has 201 characters"]),
        ("no items", "title = \"T\"", &["work_items: there are none", "[planner.exec]"]),
        (
            "no action",
            "title = \"T\"\n[[work_items]]\ntitle = \"A\"",
            &["work_items[0].action: has no `exec`", "argv, env, timeout_ms, artifacts"],
        ),
        ("a budget of 0", &with_item("[budgets]\nmax_steps = 0"), &["budgets.max_steps: is 0", "leave it out"]),
    ];
    for (case, content, parts) in cases {
        let file = sluice.file("m.toml", content);
        assert_refused(&sluice, case, &sluice.run(&["run", text(&file)]), parts);
    }
}

#[test]
fn a_circle_is_told_with_every_item_of_it_and_no_other() {
    let sluice = binary();
    let file =
        sluice.file("m.toml", &with_dependencies(&[("z", &[]), ("a", &["c"]), ("b", &["a"]), ("c", &["b", "z"])]));
    let answer = sluice.run(&["run", text(&file)]);
    let (_, circle) = answer.stderr.trim_end().split_once("in a circle: ").expect("a circle is told");
    let ids: Vec<&str> = circle.split(" -> ").collect();
    assert_eq!(ids.len(), 4, "{circle}");
    assert_eq!(ids.first(), ids.last(), "{circle}");
    for id in ["a", "b", "c"] {
        assert!(ids.contains(&id), "{circle}");
    }
}

#[test]
fn an_action_that_cannot_be_carried_out_is_refused_before_anything_runs() {
    let sluice = binary();
    let at = "work_items[0].action.exec.";
    let cases: &[(&str, &str, &[&str])] = &[
        ("no argv", "argv = []", &["argv", "the first element is the program"]),
        ("no program", "argv = [\"no-such-program\"]", &["argv[0]: there is no program `no-such-program`", "PATH"]),
        ("no path", "argv = [\"./no/such\"]", &["argv[0]: there is no program", "relative to the working directory"]),
        ("not executable", "argv = [\"./m.toml\"]", &["argv[0]: there is no program `./m.toml`"]),
        ("no directory", "argv = [\"true\"]\ncwd = \"nowhere\"", &["cwd: ", "is not a directory"]),
        ("no time", "argv = [\"true\"]\ntimeout_ms = 0", &["timeout_ms: is 0; 1 to 86400000"]),
        ("over a day", "argv = [\"true\"]\ntimeout_ms = 86400001", &["timeout_ms: is 86400001"]),
        (
            "our names",
            "argv = [\"true\"]\nenv = { SLUICE_RUN = \"x\" }",
            &["env.SLUICE_RUN: ", "SLUICE_ are the worker's"],
        ),
        (
            "a path that leads out",
            "argv = [\"true\"]\nartifacts = [{ path = \"ok\", kind = \"text\" }, { path = \"../x\", kind = \"text\" }]",
            &["artifacts[1].path: ", "without `..`"],
        ),
        (
            "an absolute path",
            "argv = [\"true\"]\nartifacts = [{ path = \"/etc/passwd\", kind = \"text\" }]",
            &["artifacts[0].path: is a relative path below $SLUICE_ARTIFACTS"],
        ),
    ];
    for (case, exec, parts) in cases {
        let file = sluice.file("m.toml", &with_exec(exec));
        let answer = sluice.run(&["run", text(&file)]);
        assert_refused(&sluice, case, &answer, parts);
        assert!(answer.stderr.contains(at), "{case}: {answer:#?}");
    }
    let planner = "title = \"T\"\n[planner.exec]\nargv = [\"no-such-program\"]\n";
    let file = sluice.file("m.toml", planner);
    assert_refused(&sluice, "a planner", &sluice.run(&["run", text(&file)]), &["planner: action.exec.argv[0]: "]);
}

#[test]
fn plugins_that_cannot_be_bound_are_refused_before_a_mission_is_recorded() {
    let sluice = binary();
    let prebuilt = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/prebuilt");
    std::fs::copy(prebuilt.join("mission-default.wasm"), sluice.directory().join("reducer.wasm")).expect("copy");
    sluice.file("text.wasm", "not wasm");
    std::fs::write(sluice.directory().join("core.wasm"), b"\0asm\x01\0\0\0").expect("write");
    std::fs::write(
        sluice.directory().join("half.wasm"),
        &std::fs::read(prebuilt.join("tester.wasm")).expect("read")[..5000],
    )
    .expect("write");
    let no_manifest = guest::encode(World::Reducer, "", &guest::text("trap", &[("what", "unreachable")]));
    std::fs::write(sluice.directory().join("bare.wasm"), no_manifest).expect("write");
    let cases: &[(&str, &str, &[&str])] = &[
        ("a gate nobody has", "[gates.reviw]", &["gates.reviw: ", "`review` and `test`", "did you mean `review`?"]),
        ("a gate that is a number", "[gates]\nreview = 3", &["gates.review: ", "false, or a table with `plugin`"]),
        (
            "an unknown name",
            "[reducer]\nplugin = \"mine\"",
            &["reducer: no reducer answers to `mine`", "mission-default@"],
        ),
        (
            "another kind by name",
            "[gates.test]\nplugin = \"mission-default\"",
            &["gates.test: ", "is a reducer, and a gate is wanted here"],
        ),
        (
            "another kind by file",
            "[gates.test]\nplugin = \"reducer.wasm\"",
            &["is a reducer, and a gate is wanted here"],
        ),
        ("no file", "[reducer]\nplugin = \"nowhere.wasm\"", &["nowhere.wasm` cannot be read: No such file"]),
        ("text", "[reducer]\nplugin = \"text.wasm\"", &["text.wasm`: the file is not WebAssembly"]),
        (
            "a core module",
            "[reducer]\nplugin = \"core.wasm\"",
            &["core WebAssembly module", "wasm-tools component new"],
        ),
        ("half a component", "[gates.test]\nplugin = \"half.wasm\"", &["half.wasm`: the component is damaged"]),
        ("no manifest", "[reducer]\nplugin = \"bare.wasm\"", &["bare.wasm`: read the component's manifest"]),
        (
            "an unknown setting",
            "[reducer.settings]\nmax_attempt = 3",
            &["reducer: the settings of `mission-default@", "did you mean `max_attempts`?"],
        ),
        (
            "a setting out of range",
            "[reducer.settings]\nmax_attempts = 0",
            &["reducer: the settings of `mission-default@", "max_attempts"],
        ),
        (
            "a setting of another type",
            "[gates.review.settings]\nmax_files = \"many\"",
            &["gates.review: ", "max_files"],
        ),
    ];
    for (case, top, parts) in cases {
        let file = sluice.file("m.toml", &with_item(top));
        assert_refused(&sluice, case, &sluice.run(&["run", text(&file)]), parts);
    }
}

/// A component that the settings' schema cannot judge is compiled only after the mission is durable.
#[test]
fn settings_that_the_plugin_itself_refuses_fail_the_recorded_mission() {
    let sluice = binary();
    let file =
        sluice.file("m.toml", &with_item("[reducer.settings]\nretry_backoff_ms = 5000\nretry_backoff_max_ms = 4999"));
    let answer = sluice.run(&["run", text(&file)]);
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    assert!(answer.stderr.contains("`retry_backoff_max_ms`"), "{answer:#?}");
    let missions = sluice.missions();
    assert_eq!(missions.len(), 1);
    assert_eq!(missions[0]["status"], "failed", "{missions:#?}");
}

fn many_items(count: usize) -> String {
    let items: Vec<Value> = (0..count)
        .map(|n| json!({"id": format!("item-{n}"), "title": "One of many", "action": {"exec": {"argv": ["sleep", "600"]}}}))
        .collect();
    json!({"title": "Many", "work_items": items}).to_string()
}

#[test]
fn ten_thousand_items_are_taken_and_one_more_is_not() {
    let sluice = binary();
    let file = sluice.file("many.json", &many_items(10_001));
    assert_refused(
        &sluice,
        "10,001",
        &sluice.run(&["run", text(&file)]),
        &["work_items: 10001 work items are more than the 10000 a mission may hold"],
    );
    let file = sluice.file("many.json", &many_items(10_000));
    let mut process = sluice.start(&["run", text(&file)]);
    process.wait_for("run started (attempt 1)");
    process.signal(Signal::INT);
    let answer = process.wait();
    assert_eq!(answer.code, Some(130), "{}", answer.stderr);
    let missions = sluice.missions();
    assert_eq!(missions.len(), 1);
    let (_, shown) = sluice.json(&["mission", "show", missions[0]["id"].as_str().expect("an id")]);
    assert_eq!(shown["mission"]["work_items"].as_array().map(Vec::len), Some(10_000));
}

#[test]
fn artifacts_that_cannot_be_kept_fail_the_run_and_say_why() {
    let sluice = binary();
    let cases = [
        ("missing", "true", "artifact `x` was not left in $SLUICE_ARTIFACTS"),
        (
            "too large",
            "truncate -s 33554433 \"$SLUICE_ARTIFACTS/x\"",
            "artifact `x` has 33554433 bytes; at most 33554432 are kept",
        ),
        ("a link", "ln -s /etc/passwd \"$SLUICE_ARTIFACTS/x\"", "artifact `x` is not a regular file"),
        ("a directory", "mkdir \"$SLUICE_ARTIFACTS/x\"", "artifact `x` is not a regular file"),
    ];
    for (case, script, message) in cases {
        let exec = format!("argv = [\"sh\", \"-c\", '{script}']\nartifacts = [{{ path = \"x\", kind = \"text\" }}]");
        let top = "[budgets]\nmax_attempts = 1\n[gates]\nreview = false\ntest = false\n";
        let content = with_exec(&exec).replacen("[[", &format!("{top}[["), 1);
        let file = sluice.file("m.toml", &content);
        let answer = sluice.run(&["run", text(&file)]);
        assert_eq!(answer.code, Some(1), "{case}: {answer:#?}");
        assert!(answer.stdout.contains(message), "{case}: {answer:#?}");
    }
}

#[test]
fn an_artifact_of_exactly_the_limit_is_kept() {
    let sluice = binary();
    let exec = "argv = [\"sh\", \"-c\", 'truncate -s 33554432 \"$SLUICE_ARTIFACTS/x\"']\n\
                artifacts = [{ path = \"x\", kind = \"text\" }]";
    let content = with_exec(exec).replacen("[[", "[gates]\nreview = false\ntest = false\n[[", 1);
    let file = sluice.file("m.toml", &content);
    let (code, document) = sluice.json(&["run", text(&file)]);
    assert_eq!(code, Some(0), "{document}");
    assert_eq!(document["artifacts"][0]["size"], 33_554_432, "{document}");
}

#[test]
fn a_failure_with_json_is_one_document_too() {
    let sluice = binary();
    let file = sluice.file("m.toml", "title = 3");
    let (code, document) = sluice.json(&["run", text(&file)]);
    assert_eq!(code, Some(2));
    assert_eq!(document["error"]["exit_code"], 2);
    assert!(document["error"]["message"].as_str().is_some_and(|message| message.contains("title: ")), "{document}");
}

#[test]
fn wrong_arguments_are_bad_input() {
    let sluice = binary();
    for arguments in [&["run"][..], &["run", "x.toml", "--jobs", "0"], &["run", "x.toml", "--jbos", "1"], &["fly"]] {
        let answer = sluice.run(arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}: {answer:#?}");
        assert!(answer.stderr.contains("Usage") || answer.stderr.contains("--help"), "{arguments:?}: {answer:#?}");
    }
    assert_eq!(sluice.run(&["--help"]).code, Some(0));
    let answer = sluice.run(&["mission", "show", "mis_nothing"]);
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    assert!(answer.stderr.contains("sluice mission list"), "{answer:#?}");
}

/// A database of ours with one statement carried out behind the program's back.
async fn changed_database(sluice: &Binary, sql: &str) {
    std::fs::create_dir_all(sluice.data()).expect("make the data directory");
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(sluice.data().join("sluice.db")).create_if_missing(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("open the database");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("change the database");
    connection.close().await.expect("close the database");
}

fn assert_not_opened(sluice: &Binary, parts: &[&str]) {
    let file = sluice.file("m.toml", &with_item(""));
    for arguments in [&["run", text(&file)][..], &["mission", "list"]] {
        let answer = sluice.run(arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}: {answer:#?}");
        for part in parts {
            assert!(answer.stderr.contains(part), "`{part}` is not in the message of {arguments:?}: {answer:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_newer_than_the_program_is_left_alone() {
    let sluice = binary();
    assert_eq!(sluice.missions().len(), 0, "this makes the database");
    changed_database(&sluice, "INSERT INTO schema_migrations (number, name) VALUES (999, 'from the future')").await;
    assert_not_opened(&sluice, &["schema 999", "knows schemas up to ", "use the newer program that wrote it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_program_is_left_alone() {
    let sluice = binary();
    changed_database(&sluice, "CREATE TABLE recipes (name TEXT)").await;
    assert_not_opened(&sluice, &["belongs to another program", "name a directory or database of its own"]);
}

#[test]
fn a_damaged_database_is_told_as_such() {
    let sluice = binary();
    std::fs::create_dir_all(sluice.data()).expect("make the data directory");
    std::fs::write(sluice.data().join("sluice.db"), "this is no database, and long enough to be sure. ".repeat(100))
        .expect("write");
    assert_not_opened(&sluice, &["it is damaged", "restore a backup or name another data directory"]);
}

#[test]
fn a_database_that_cannot_be_reached_is_told_as_such() {
    for (url, parts) in [
        ("nonsense", &["postgres://user:password@host:5432/database"][..]),
        ("postgres://127.0.0.1:1/none", &["reach the database", "that the server runs"]),
    ] {
        let sluice = binary().on_database(url.to_owned());
        assert_not_opened(&sluice, parts);
    }
}

/// Who verifies the wrong directory is not told that every link holds, and nothing is made there.
#[test]
fn only_a_database_that_is_there_is_verified() {
    let sluice = binary();
    sluice.refused(&["verify"], 2, "there is no database in");
    assert!(!sluice.data().exists(), "verifying made the data directory");
    std::fs::create_dir_all(sluice.data()).expect("make the data directory");
    sluice.refused(&["verify"], 2, "--database-url");
    assert!(!sluice.data().join("sluice.db").exists(), "verifying made a database");

    assert_eq!(sluice.missions().len(), 0, "this makes the database");
    assert_eq!(sluice.ok(&["verify"])["broken"], Value::Null);
    let record = |more: &str| {
        let told = format!(r#"{{"url": "http://127.0.0.1:1", "pid": 1{more}}}"#);
        std::fs::write(sluice.data().join("server.json"), told).expect("write the record of a server");
    };
    record(r#", "is_on_postgres": true"#);
    sluice.refused(
        &["verify"],
        2,
        "PostgreSQL database and not in this directory; name the database with --database-url",
    );
    record("");
    assert_eq!(sluice.ok(&["verify"])["broken"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_a_host_on_postgres_is_named_to_be_verified() {
    let Some(postgres) = e2e::postgres::shared() else { return };
    let sluice = binary().on_database(postgres.create_database().await);
    let mut server = sluice.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.wait_for("listening on http://");
    let mut without = sluice.command(&["verify"]);
    without.env_remove("SLUICE_DATABASE_URL");
    let answer = sluice.start_command(without).wait();
    assert!(
        answer.code == Some(2) && answer.stderr.contains("keeps its state in a PostgreSQL database"),
        "{answer:#?}"
    );
    assert!(!sluice.data().join("sluice.db").exists(), "verifying made a database");
    assert_eq!(sluice.ok(&["verify"])["broken"], Value::Null);
    server.kill();
}

#[test]
fn a_data_directory_that_is_none_is_refused() {
    let sluice = binary();
    let file = sluice.file("m.toml", &with_item(""));
    for place in [text(&file), "/proc/no-such-directory"] {
        let answer = sluice.run(&["run", text(&file), "--data", place]);
        assert_eq!(answer.code, Some(2), "{answer:#?}");
        assert!(answer.stderr.contains(&format!("data directory `{place}` cannot be used")), "{answer:#?}");
        assert!(answer.stderr.contains("choose another with --data"), "{answer:#?}");
    }
}

/// Root writes anywhere, so root tries it as a user who may not.
#[test]
fn a_data_directory_that_cannot_be_written_is_refused() {
    const NOBODY: u32 = 65_534;
    let sluice = binary();
    let file = sluice.file("m.toml", &with_item(""));
    let data = sluice.data();
    std::fs::create_dir_all(&data).expect("make the data directory");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o555)).expect("make it read-only");
    let arguments = ["run", text(&file)];
    let mut command = sluice.command(&arguments);
    if rustix::process::geteuid().is_root() {
        use std::os::unix::process::CommandExt as _;
        // The build directory may be closed to others, so the program is tried where it is open.
        let program = sluice.directory().join("sluice");
        std::fs::copy(env!("CARGO_BIN_EXE_sluice"), &program).expect("copy the program");
        chown(&data, Some(NOBODY), Some(NOBODY)).expect("give the directory away");
        let mut as_nobody = std::process::Command::new(program);
        as_nobody.args(arguments).env("SLUICE_DATA", &data).uid(NOBODY).gid(NOBODY).current_dir("/");
        command = as_nobody;
    }
    let answer = sluice.start_command(command).wait_at_most(Duration::from_mins(1));
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).expect("make it writable");
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    assert!(answer.stderr.contains("cannot be used: Permission denied"), "{answer:#?}");
    assert!(answer.stderr.contains("check its permissions"), "{answer:#?}");
    assert_eq!(std::fs::read_dir(&data).expect("read it").count(), 0, "nothing is left behind");
}
