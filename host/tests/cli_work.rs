//! `sluice work` from outside: shell scripts as agents against a real `sluice serve`.

#![expect(clippy::similar_names, reason = "a server is what serves")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::binary::{Answer, Binary, Process, until};
use e2e::postgres;
use rustix::process::Signal;
use serde_json::{Value, json};

/// How long something may take that is waited for; two leases and a half on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server on a data directory of its own.
struct Served {
    sluice: Binary,
    server: Process,
}

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

fn serve() -> Served {
    serve_on(binary())
}

fn serve_on(sluice: Binary) -> Served {
    let server = start_server(&sluice, "127.0.0.1:0");
    Served { sluice, server }
}

fn start_server(sluice: &Binary, listen: &str) -> Process {
    let mut server = sluice.start(&["serve", "--listen", listen]);
    server.wait_for("listening on http://");
    server
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of cases are text")
}

impl Served {
    /// Writes an agent and gives the command line that runs it.
    fn agent(&self, script: &str) -> String {
        format!("sh {}", text(&self.sluice.file("agent.sh", script)))
    }

    /// Makes a mission of these items and starts it; its id.
    fn mission(&self, items: &str) -> String {
        let file = self.sluice.file("mission.toml", &format!("title = \"Work\"\n{items}"));
        let (code, made) = self.sluice.json(&["mission", "create", text(&file), "--start"]);
        assert_eq!(code, Some(0), "{made}");
        made["mission"]["id"].as_str().expect("an id").to_owned()
    }

    /// Works until nothing is left to do.
    fn work(&self, agent: &str, more: &[&str]) -> Answer {
        let arguments = [&["work", "--exec", agent, "--once", "--wait-ms", "4000"], more].concat();
        let answer = self.sluice.run(&arguments);
        assert_eq!(answer.code, Some(0), "{answer:#?}");
        answer
    }

    fn show(&self, id: &str) -> Value {
        let (code, shown) = self.sluice.json(&["mission", "show", id]);
        assert_eq!(code, Some(0), "{shown}");
        shown
    }

    fn runs(&self) -> Vec<Value> {
        let (code, listed) = self.sluice.json(&["runs", "list"]);
        assert_eq!(code, Some(0), "{listed}");
        listed["runs"].as_array().expect("runs is a list").clone()
    }

    fn only_run(&self) -> Value {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:#?}");
        runs[0].clone()
    }

    fn wait_for_run(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        assert!(until(PATIENCE, || is_so(&self.only_run())), "{what}: {:#}", self.only_run());
        self.only_run()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sluice.directory().join(name)
    }
}

fn item<'v>(shown: &'v Value, id: &str) -> &'v Value {
    let items = shown["mission"]["work_items"].as_array().expect("work_items is a list");
    items.iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("no item {id} in {shown}"))
}

fn pid_in(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Whether a process is there and not only waiting to be buried.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(|state| !"ZX".contains(state)))
}

/// What every agent here leaves when it succeeds: gates want a diff and a report.
const LEAVE: &str = r#"
leave() {
    printf 'diff --git a/hello.txt b/hello.txt\nnew file mode 100644\n--- /dev/null\n+++ b/hello.txt\n@@ -0,0 +1 @@\n+hello\n' > "$SLUICE_ARTIFACTS/change.diff"
    printf 'TAP version 13\n1..1\nok 1 - hello\n' > "$SLUICE_ARTIFACTS/tests.tap"
}
"#;

const ONE_ITEM: &str = "[[work_items]]\nid = \"only\"\ntitle = \"The only one\"\n";

#[test]
fn a_script_is_given_everything_and_what_it_leaves_is_judged_and_handed_on() {
    two_items_by_a_script(&serve());
}

#[tokio::test]
async fn a_script_works_the_same_on_postgres() {
    let Some(cluster) = postgres::shared() else { return };
    let sluice = binary().on_database(cluster.create_database().await);
    tokio::task::spawn_blocking(move || two_items_by_a_script(&serve_on(sluice))).await.expect("it works");
}

fn two_items_by_a_script(served: &Served) {
    let id = served.mission(
        "[[work_items]]\nid = \"a\"\ntitle = \"First\"\ndetail = \"Say hello\"\n\
         [[work_items]]\nid = \"b\"\ntitle = \"Second\"\ndepends_on = [\"a\"]\n",
    );
    let seen = served.path("seen");
    std::fs::create_dir(&seen).expect("a directory");
    let agent = served.agent(&format!(
        r#"{LEAVE}
seen={}
cat > "$seen/$SLUICE_WORK_ITEM_ID-$SLUICE_ATTEMPT.json"
cmp -s "$SLUICE_RUN" "$seen/$SLUICE_WORK_ITEM_ID-$SLUICE_ATTEMPT.json" || exit 9
env | grep '^SLUICE_' | sort > "$seen/$SLUICE_WORK_ITEM_ID-$SLUICE_ATTEMPT.env"
leave
echo working on $SLUICE_WORK_ITEM_ID
echo grumbling >&2
case $SLUICE_WORK_ITEM_ID-$SLUICE_ATTEMPT in
    a-1) rm "$SLUICE_ARTIFACTS/tests.tap" ;;
    a-2)
        mkdir "$SLUICE_ARTIFACTS/deep"
        echo deep > "$SLUICE_ARTIFACTS/deep/notes.md"
        printf '\000\377' > "$SLUICE_ARTIFACTS/blob"
        echo '{{"kind":"snapshot","media_type":"application/x-blob"}}' > "$SLUICE_ARTIFACTS/blob.sluice.json"
        ln -s /etc/passwd "$SLUICE_ARTIFACTS/passwd"
        ;;
    b-1) cp -r "$SLUICE_INPUTS" "$seen/inputs" ;;
esac
echo "said hello"
"#,
        text(&seen)
    ));
    let mut watcher = served.sluice.start(&["mission", "watch", &id]);
    watcher.wait_for("\"Work\"");
    let worked = served.work(&agent, &["--jobs", "2", "--name", "tester"]);
    let watched = watcher.wait_at_most(PATIENCE);
    assert_eq!(watched.code, Some(0), "{watched:#?}");
    for line in ["a  run started (attempt 1)", "    | working on a", "    error report/missing", "b  done", "succeeded"]
    {
        assert!(watched.stdout.contains(line), "no `{line}`: {}", watched.stdout);
    }
    assert!(worked.stdout.contains("succeeded: said hello"), "{worked:#?}");
    let shown = served.show(&id);
    assert_eq!(shown["mission"]["status"], "succeeded", "{shown:#}");
    assert_eq!((&item(&shown, "a")["attempts"], &item(&shown, "b")["attempts"]), (&json!(2), &json!(1)));

    let read = |name: &str| std::fs::read_to_string(seen.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let first: Value = serde_json::from_str(&read("a-1.json")).expect("the run is JSON");
    assert!(first["prompt"].as_str().is_some_and(|prompt| prompt.contains("Say hello")), "{first:#}");
    assert_eq!((&first["inputs"]["rework"], &first["worker"]), (&json!([]), &json!("tester")), "{first:#}");
    assert!(first.get("token").is_none(), "the token is in the environment alone: {first:#}");
    let second: Value = serde_json::from_str(&read("a-2.json")).expect("the run is JSON");
    let rework = &second["inputs"]["rework"][0];
    assert_eq!((&rework["gate"], &rework["findings"][0]["rule"]), (&json!("test"), &json!("report/missing")));
    let agent_token = std::fs::read_to_string(served.sluice.data().join("agent.token")).expect("the agent's token");
    let environment = read("b-1.env");
    assert!(environment.contains("SLUICE_TOKEN=slr_") && !environment.contains(agent_token.trim()), "{environment}");
    assert!(environment.contains("SLUICE_SERVER=http://127.0.0.1:"), "{environment}");
    assert!(!environment.contains("SLUICE_DATA="), "what the worker was given stays with it: {environment}");

    let mut left: Vec<String> = std::fs::read_dir(seen.join("inputs/a"))
        .expect("b was given what a left")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["blob", "change.diff", "deep__notes.md", "tests.tap"], "links are not followed");
    assert_eq!(std::fs::read(seen.join("inputs/a/blob")).expect("bytes"), b"\0\xff");
    let refs = item(&shown, "a")["artifact_refs"].as_array().expect("a list").clone();
    let kinds: Vec<&str> = refs.iter().filter_map(|artifact| artifact["kind"].as_str()).collect();
    assert_eq!(kinds, ["snapshot", "diff", "text", "test_report"], "{refs:#?}");

    let last = served.runs().into_iter().find(|run| run["work_item_id"] == "b").expect("a run of b");
    assert_eq!((&last["summary"], &last["output"]), (&json!("said hello"), &json!("working on b\nsaid hello\n")));
    let parts = served.sluice.run(&["events", "--type", "message.part", "--tail", "100", "--json"]);
    assert!(parts.stdout.contains(r#""stream":"stderr""#) && parts.stdout.contains("grumbling"), "{parts:#?}");
}

#[test]
fn an_exit_code_fails_a_run_with_its_last_line() {
    let served = serve();
    let id = served.mission(&format!("[budgets]\nmax_attempts = 1\n{ONE_ITEM}"));
    let agent = served.agent("echo fine so far; echo no compiler here >&2; echo giving up; exit 3");
    served.work(&agent, &[]);
    let shown = served.show(&id);
    assert_eq!(shown["mission"]["status"], "failed", "{shown:#}");
    let run = served.only_run();
    assert_eq!((&run["status"], &run["summary"]), (&json!("failed"), &json!("exited with 3: giving up")));
    let watched = served.sluice.run(&["mission", "watch", &id]);
    assert_eq!(watched.code, Some(1), "what has ended is not waited for: {watched:#?}");
}

#[test]
fn a_canceled_run_is_killed_with_its_group() {
    let served = serve();
    let id = served.mission(ONE_ITEM);
    let pid_file = served.path("pid");
    let agent = served.agent(&format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", text(&pid_file)));
    let mut worker = served.sluice.start(&["work", "--exec", &agent, "--lease-ms", "5000"]);
    assert!(until(PATIENCE, || pid_file.exists()), "{}", worker.printed());
    let child = pid_in(&pid_file).expect("the script's child");
    let canceled = served.sluice.run(&["mission", "cancel", &id]);
    assert_eq!(canceled.code, Some(0), "{canceled:#?}");
    worker.wait_for("canceled: stopped by request");
    assert!(until(PATIENCE, || !is_alive(child)), "process {child} outlived its run");
    assert_eq!(served.only_run()["status"], "canceled");
    worker.signal(Signal::TERM);
    assert_eq!(worker.wait_at_most(PATIENCE).code, Some(130));
}

#[test]
fn a_worker_that_slept_through_its_lease_kills_what_it_lost() {
    let served = serve();
    served.mission(ONE_ITEM);
    let pid_file = served.path("pid");
    let agent = served.agent(&format!(
        "{LEAVE}\nif [ -e {0} ]; then leave; echo again; exit 0; fi\nsleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
        text(&pid_file)
    ));
    let mut worker = served.sluice.start(&["work", "--exec", &agent, "--lease-ms", "5000", "--wait-ms", "500"]);
    assert!(until(PATIENCE, || pid_file.exists()), "{}", worker.printed());
    let child = pid_in(&pid_file).expect("the script's child");
    worker.signal(Signal::STOP);
    let run = served.wait_for_run("its lease runs out", |run| run["interruptions"] == 1);
    assert_eq!(run["status"], "queued", "{run:#}");
    assert!(is_alive(child), "nobody is there to kill it yet");
    worker.signal(Signal::CONT);
    worker.wait_for("lost: its lease was lost");
    assert!(until(PATIENCE, || !is_alive(child)), "process {child} outlived its lease");
    // It comes back for the same run, which is now somebody's first finished attempt.
    let run = served.wait_for_run("it is done", |run| run["status"] == "succeeded");
    assert_eq!((&run["attempt"], &run["interruptions"]), (&json!(1), &json!(1)), "{run:#}");
    worker.signal(Signal::TERM);
    assert_eq!(worker.wait_at_most(PATIENCE).code, Some(130));
}

#[test]
fn a_worker_that_is_told_to_end_kills_and_finishes_nothing() {
    let served = serve();
    served.mission(ONE_ITEM);
    let pid_file = served.path("pid");
    let agent = served.agent(&format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", text(&pid_file)));
    let scratch = served.path("scratch");
    let worker = served.sluice.start(&["work", "--exec", &agent, "--lease-ms", "5000", "--scratch", text(&scratch)]);
    assert!(until(PATIENCE, || pid_file.exists()), "{}", worker.printed());
    let child = pid_in(&pid_file).expect("the script's child");
    assert_eq!(std::fs::read_dir(&scratch).expect("its directory").count(), 1);
    worker.signal(Signal::TERM);
    assert_eq!(worker.wait_at_most(Duration::from_secs(5)).code, Some(130));
    assert!(until(PATIENCE, || !is_alive(child)), "process {child} outlived its worker");
    assert_eq!(std::fs::read_dir(&scratch).expect("its directory").count(), 0, "it leaves nothing behind");
    let run = served.wait_for_run("it is queued again", |run| run["status"] == "queued");
    assert_eq!((&run["attempt"], &run["interruptions"]), (&json!(1), &json!(1)), "{run:#}");
}

#[test]
fn what_a_killed_worker_left_running_is_ended_by_the_next() {
    let served = serve();
    served.mission(ONE_ITEM);
    let pid_file = served.path("pid");
    let agent = served.agent(&format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", text(&pid_file)));
    let scratch = served.path("scratch");
    let arguments = ["work", "--exec", &agent, "--scratch", text(&scratch)];
    let worker = served.sluice.start(&arguments);
    assert!(until(PATIENCE, || pid_file.exists()), "{}", worker.printed());
    let child = pid_in(&pid_file).expect("the script's child");
    worker.kill();
    assert!(is_alive(child), "nobody could end it");
    let mut next = served.sluice.start(&arguments);
    next.wait_for("works for");
    assert!(until(PATIENCE, || !is_alive(child)), "process {child} was left behind");
}

#[test]
fn a_server_that_is_killed_and_started_again_costs_no_work() {
    let Served { sluice, server } = serve();
    let record = std::fs::read_to_string(sluice.data().join("server.json")).expect("the server's record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let url = record["url"].as_str().expect("an address").to_owned();
    let served = Served { sluice, server };
    let id = served.mission(ONE_ITEM);
    let (ready, go) = (served.path("ready"), served.path("go"));
    // Far more output than is kept, while the server is away.
    let agent = served.agent(&format!(
        "{LEAVE}\ntouch {}\nwhile [ ! -e {} ]; do sleep 0.1; done\nleave\n\
         yes 0123456789012345678901234567890123456789012345678901234567890123 | head -n 40000\necho \"the end\"\n",
        text(&ready),
        text(&go)
    ));
    let mut worker = served.sluice.start(&[
        "work",
        "--exec",
        &agent,
        "--once",
        "--wait-ms",
        "4000",
        "--lease-ms",
        "60000",
        "--jobs",
        "2",
    ]);
    assert!(until(PATIENCE, || ready.exists()), "{}", worker.printed());
    let Served { sluice, server } = served;
    server.kill();
    std::fs::write(&go, "").expect("a file");
    worker.wait_for("waiting for the server");
    let server = start_server(&sluice, url.trim_start_matches("http://"));
    let served = Served { sluice, server };
    let worked = worker.wait_at_most(PATIENCE);
    assert_eq!(worked.code, Some(0), "{worked:#?}");
    let shown = served.show(&id);
    assert_eq!(shown["mission"]["status"], "succeeded", "{worked:#?}\n{shown:#}");
    let run = served.only_run();
    assert_eq!((&run["summary"], &run["interruptions"]), (&json!("the end"), &json!(0)), "{}", run["status"]);
    let kept = run["output"].as_str().expect("its output").len();
    assert!((900_000..=1_048_576).contains(&kept), "{kept} bytes of output are kept");
    let told = served.sluice.run(&["events", "--type", "message.part", "--tail", "1", "--json"]);
    assert!(told.stdout.contains("more lines were not kept"), "{told:#?}");
}

#[test]
fn an_action_of_the_mission_is_carried_out_only_where_that_is_allowed() {
    let served = serve();
    let mark = served.path("mark");
    let id = served.mission(&format!(
        "[budgets]\nmax_attempts = 1\n{ONE_ITEM}action = {{ exec = {{ argv = [\"touch\", \"{}\"] }} }}\n",
        text(&mark)
    ));
    let agent = served.agent(&format!("{LEAVE}\nleave\necho by my own command"));
    served.work(&agent, &[]);
    assert_eq!(served.show(&id)["mission"]["status"], "succeeded");
    assert!(!mark.exists(), "the mission chose no program");
    assert_eq!(served.only_run()["summary"], "by my own command");

    let again =
        served.sluice.file("again.toml", &std::fs::read_to_string(served.path("mission.toml")).expect("the file"));
    assert_eq!(served.sluice.run(&["mission", "create", text(&again), "--start"]).code, Some(0));
    let answer = served.sluice.run(&["work", "--allow-exec-actions", "--once", "--wait-ms", "4000"]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert!(mark.exists(), "{answer:#?}");
}

#[test]
fn an_agent_that_wants_to_act_waits_for_a_person() {
    let served = serve();
    let id = served.mission(&format!("capabilities = [\"connector.forge.*\"]\n{ONE_ITEM}"));
    let agent = served.agent(&format!(
        r#"{LEAVE}
ask() {{
    curl -sS -X POST "$SLUICE_SERVER/runs/$SLUICE_RUN_ID/actions" -H "Authorization: Bearer $SLUICE_TOKEN" \
        -H 'Content-Type: application/json' \
        -d '{{"connector":"forge","action":"create_pr","args":{{"title":"Say hello"}},"summary":"Open a pull request"}}'
}}
until ask | grep -q '"decision":"allowed"'; do sleep 0.2; done
leave
echo opened
"#
    ));
    let mut worker = served.sluice.start(&["work", "--exec", &agent, "--once", "--wait-ms", "1000"]);
    let pending = || served.sluice.json(&["approval", "list", "--mission", &id]).1["approvals"][0].clone();
    assert!(until(PATIENCE, || !pending().is_null()), "nobody is asked: {}", worker.printed());
    let approval = pending();
    assert_eq!((&approval["kind"], &approval["summary"]), (&json!("action"), &json!("Open a pull request")));
    let approval_id = approval["id"].as_str().expect("an id");
    let shown = served.sluice.run(&["approval", "show", approval_id]);
    let digest = approval["content_digest"].as_str().expect("a digest");
    assert!(shown.stdout.contains("\"title\": \"Say hello\"") && shown.stdout.contains(digest), "{shown:#?}");
    let other = served.sluice.run(&["approval", "grant", approval_id, "--content-digest", &"0".repeat(64)]);
    assert_eq!(other.code, Some(2), "an answer to something else: {other:#?}");
    let itself = served.sluice.data().join("agent.token");
    let agents = served.sluice.run(&["approval", "grant", approval_id, "--token-file", text(&itself)]);
    assert!(agents.code == Some(2) && agents.stderr.contains("FORBIDDEN"), "agents never approve: {agents:#?}");
    assert!(!worker.has_ended());
    let granted = served.sluice.run(&["approval", "grant", approval_id, "--content-digest", digest, "--reason", "go"]);
    assert_eq!((granted.code, granted.stdout), (Some(0), format!("{approval_id} granted\n")));
    let worked = worker.wait_at_most(PATIENCE);
    assert!(worked.stdout.contains("succeeded: opened"), "{worked:#?}");
    let denied = served.sluice.run(&["approval", "deny", approval_id]);
    assert_eq!(denied.code, Some(2), "{denied:#?}");
}

#[test]
fn the_calls_that_prime_tells_work_by_hand() {
    let served = serve();
    let id = served.mission(ONE_ITEM);
    let (_, primed) = served.sluice.json(&["prime"]);
    let read = |name: &str| std::fs::read_to_string(served.sluice.data().join(name)).expect("a file of the server");
    let record: Value = serde_json::from_str(&read("server.json")).expect("JSON");
    let agent_token = read("agent.token").trim().to_owned();
    std::fs::write(served.path("change.diff"), "+hello\n").expect("a file");
    let (mut run_id, mut run_token, mut artifact_id) = (String::new(), String::new(), "art_...".to_owned());
    for call in primed["calls"].as_array().expect("a list") {
        let line = call["curl"].as_str().expect("a command line").replace("art_...", &artifact_id);
        let answer = std::process::Command::new("sh")
            .args(["-c", &line])
            .current_dir(served.sluice.directory())
            .env("SLUICE_SERVER", record["url"].as_str().expect("an address"))
            .env("AGENT_TOKEN", &agent_token)
            .env("SLUICE_RUN_ID", &run_id)
            .env("SLUICE_TOKEN", &run_token)
            .output()
            .expect("a shell with curl");
        let answer: Value = serde_json::from_slice(&answer.stdout).unwrap_or_else(|_| panic!("{line}: {answer:?}"));
        assert!(answer.get("code").is_none_or(Value::is_null), "{line}: {answer:#}");
        let text_of = |value: &Value| value.as_str().map(str::to_owned);
        run_id = text_of(&answer["run"]["id"]).unwrap_or(run_id);
        run_token = text_of(&answer["run"]["token"]).unwrap_or(run_token);
        artifact_id = text_of(&answer["artifact"]["id"]).unwrap_or(artifact_id);
    }
    let run = served.only_run();
    assert_eq!((&run["status"], &run["summary"]), (&json!("succeeded"), &json!("one line")), "{run:#}");
    assert_eq!((&run["mission_id"], &run["artifacts"][0]["name"]), (&json!(id), &json!("change.diff")), "{run:#}");
}

#[test]
fn a_worker_without_a_server_or_a_right_is_told_so() {
    let sluice = binary();
    let alone = sluice.run(&["work", "--exec", "true"]);
    assert_eq!(alone.code, Some(2), "{alone:#?}");
    assert!(alone.stderr.contains("sluice serve"), "{alone:#?}");
    let nothing = sluice.run(&["work"]);
    assert_eq!(nothing.code, Some(2), "{nothing:#?}");

    let served = serve();
    let (code, issued) = served.sluice.json(&["token", "create", "--name", "eyes", "--role", "viewer"]);
    assert_eq!(code, Some(0), "{issued}");
    let token = issued["token"].as_str().expect("its text");
    for (token, part) in [(token, "FORBIDDEN"), ("slt_nothing", "UNAUTHENTICATED")] {
        let refused = served.sluice.run(&["work", "--exec", "true", "--token", token]);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(refused.stderr.contains(part), "{refused:#?}");
    }
    drop(served.server);
}
