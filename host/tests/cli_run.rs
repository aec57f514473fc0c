//! `sluice run` from outside: the quickstart, and every way a mission comes to its end or is
//! interrupted before it. What bad input is answered is in `cli_bad_input.rs`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::binary::{Answer, Binary, until};
use e2e::postgres;
use e2e::random::Random;
use rustix::process::Signal;
use serde_json::Value;

fn binary() -> Binary {
    Binary::new(env!("CARGO_BIN_EXE_sluice"), concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
}

async fn binary_on_postgres() -> Option<Binary> {
    Some(binary().on_database(postgres::shared()?.create_database().await))
}

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart/mission.toml")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of cases are text")
}

/// The verdicts of one item as `attempt gate outcome`.
fn verdicts_of(document: &Value, item: &str) -> Vec<String> {
    let all = document["verdicts"].as_array().expect("verdicts is a list");
    let own = all.iter().filter(|verdict| verdict["work_item_id"] == item);
    own.map(|v| format!("{} {} {}", v["attempt"], text_of(v, "gate"), text_of(v, "outcome"))).collect()
}

fn text_of<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_else(|| panic!("`{member}` is text in {value}"))
}

fn item<'v>(document: &'v Value, id: &str) -> &'v Value {
    let items = document["mission"]["work_items"].as_array().expect("work_items is a list");
    items.iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("no item {id} in {document}"))
}

/// What the quickstart's document says, however often it was interrupted on the way.
fn assert_quickstart_succeeded(document: &Value) {
    let mission = &document["mission"];
    assert!(text_of(mission, "id").starts_with("mis_"));
    assert_eq!(mission["status"], "succeeded", "{document}");
    for (id, attempts) in [("fix-octal", 2), ("reject-garbage", 2), ("document", 1), ("release", 1)] {
        assert_eq!(item(document, id)["status"], "done", "{id}");
        assert_eq!(item(document, id)["attempts"], attempts, "{id}: {document}");
    }
    assert_eq!(verdicts_of(document, "fix-octal"), ["1 review fail", "2 review pass", "2 test pass"]);
    assert_eq!(
        verdicts_of(document, "reject-garbage"),
        ["1 review pass", "1 test fail", "2 review pass", "2 test pass"]
    );
    assert_eq!(verdicts_of(document, "document"), ["1 review pass", "1 test pass"]);
    assert_eq!(verdicts_of(document, "release"), ["1 review pass", "1 test pass"]);
    let artifacts = document["artifacts"].as_array().expect("artifacts is a list");
    let summaries = artifacts.iter().filter(|artifact| artifact["kind"] == "summary").count();
    assert_eq!(summaries, 1, "{artifacts:#?}");
}

fn assert_quickstart_findings(document: &Value) {
    let all = document["verdicts"].as_array().expect("verdicts is a list");
    let rejected: Vec<&Value> = all.iter().filter(|verdict| verdict["outcome"] == "fail").collect();
    for (verdict, plugin, rule, severity, path, line) in [
        (rejected[0], "reviewer@", "secrets/github_token", "critical", "seconds.sh", 4),
        (rejected[1], "tester@", "test/failed", "error", "tests/run.sh", 6),
    ] {
        assert!(text_of(verdict, "plugin").starts_with(plugin), "{verdict}");
        assert_eq!(text_of(verdict, "digest").len(), 64, "{verdict}");
        assert!(!text_of(verdict, "summary").is_empty());
        let finding = &verdict["findings"][0];
        assert_eq!(text_of(finding, "rule"), rule);
        assert_eq!(text_of(finding, "severity"), severity);
        assert_eq!(text_of(finding, "path"), path);
        assert_eq!(finding["line"], line);
        assert!(!text_of(finding, "message").is_empty());
    }
}

/// Whether a process is there and not only waiting to be buried.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(|state| !"ZX".contains(state)))
}

fn pid_in(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A mission of one item without gates, done by a shell script.
fn one_item(script: &str, more: &str) -> String {
    format!(
        r#"
title = "One item"
[budgets]
max_attempts = 1
[gates]
review = false
test = false
[[work_items]]
id = "only"
title = "The only one"
[work_items.action.exec]
argv = ["sh", "-c", '''{script}''']
{more}
"#
    )
}

#[test]
fn the_quickstart_prints_verdicts_with_file_and_line_and_a_table() {
    let sluice = binary();
    let answer = sluice.run(&["run", text(&quickstart())]);
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert_eq!(answer.stderr, "", "nothing is warned of");
    let lines: Vec<&str> = answer.stdout.lines().collect();
    let has = |begin: &str| lines.iter().any(|line| line.starts_with(begin));
    assert!(has("    seconds.sh:4: critical secrets/github_token: "), "{}", answer.stdout);
    assert!(has("    tests/run.sh:6: error test/failed: "), "{}", answer.stdout);
    let table: Vec<Vec<&str>> = lines
        .iter()
        .skip_while(|line| !line.starts_with("WORK ITEM"))
        .skip(2)
        .take(4)
        .map(|line| line.split_whitespace().take(5).collect())
        .collect();
    assert_eq!(table[0], ["fix-octal", "done", "2", "passed", "passed"]);
    assert_eq!(table[3], ["release", "done", "1", "passed", "passed"]);
    assert!(has("summary: summary.md ("), "{}", answer.stdout);
    assert!(!answer.stdout.contains('\u{1b}'), "plain lines where nobody looks");
}

#[test]
fn the_quickstart_as_json_is_one_document() {
    let (code, document) = binary().json(&["run", text(&quickstart())]);
    assert_eq!(code, Some(0), "{document}");
    assert_quickstart_succeeded(&document);
    assert_quickstart_findings(&document);
}

#[tokio::test]
async fn the_quickstart_is_the_same_on_postgres() {
    let Some(sluice) = binary_on_postgres().await else { return };
    let (code, document) = sluice.json(&["run", text(&quickstart())]);
    assert_eq!(code, Some(0), "{document}");
    assert_quickstart_succeeded(&document);
    assert_quickstart_findings(&document);
    let artifacts = document["artifacts"].as_array().expect("artifacts is a list");
    assert!(!sluice.data().join("blobs").exists(), "{} artifacts are in the database", artifacts.len());
}

#[test]
fn a_project_is_not_changed_by_the_quickstart() {
    let project = quickstart().with_file_name("project");
    let before = std::fs::read_to_string(project.join("seconds.sh")).expect("the quickstart's program");
    assert!(before.contains("total=$((total * 60 + part))"), "the bug is still there to be found");
    assert!(!project.join(".git").exists(), "a run's repository is in its scratch directory");
}

/// Kills the quickstart at random moments until it gets through, and looks at what came of it.
fn kill_and_resume(sluice: &Binary, seed: u64, kills: usize) {
    let file = quickstart();
    let mut random = Random::new(seed);
    let mut killed = 0;
    while killed < kills {
        let mut process = sluice.start(&["run", "--resume", text(&file)]);
        let moment = Duration::from_millis(20 + random.number() % 900);
        // The moment is the point here: nothing is waited for.
        if until(moment, || process.has_ended()) {
            break;
        }
        process.kill();
        killed += 1;
    }
    println!("killed {killed} times");
    let (code, document) = sluice.json(&["run", "--resume", text(&file)]);
    assert_eq!(code, Some(0), "seed {seed}: {document}");
    assert_quickstart_succeeded(&document);
    assert_eq!(sluice.missions().len(), 1, "seed {seed}: one mission, however often it was begun");
    let id = text_of(&document["mission"], "id");
    let (code, replay) = sluice.json(&["mission", "replay", id]);
    assert_eq!(code, Some(0), "{replay}");
    assert_eq!(replay["differences"].as_array().map(Vec::len), Some(0), "seed {seed}: {replay}");
}

#[test]
fn killed_at_any_moment_it_resumes_to_the_same_end() {
    let sluice = binary();
    kill_and_resume(&sluice, 0x51_1ce, 8);
    assert_eq!(std::fs::read_dir(sluice.data().join("scratch")).map_or(0, Iterator::count), 0, "scratch is empty");
}

#[tokio::test]
async fn killed_at_any_moment_it_resumes_to_the_same_end_on_postgres() {
    let Some(sluice) = binary_on_postgres().await else { return };
    tokio::task::spawn_blocking(move || kill_and_resume(&sluice, 0xd15_ea5e, 5)).await.expect("it resumes");
}

#[test]
fn an_interrupt_ends_it_within_three_seconds_and_its_children_and_it_can_go_on() {
    let sluice = binary();
    let pid_file = sluice.directory().join("pid");
    let script = format!(
        "if [ -e {0} ]; then exit 0; fi; sleep 600 & echo $! > {0}.new; mv {0}.new {0}; echo ready; wait",
        text(&pid_file)
    );
    let file = sluice.file("mission.toml", &one_item(&script, ""));
    let mut process = sluice.start(&["run", text(&file)]);
    process.wait_for("| ready");
    let child = pid_in(&pid_file).expect("the script wrote its child's id");
    assert!(is_alive(child));
    process.signal(Signal::INT);
    let answer = process.wait_at_most(Duration::from_secs(3));
    assert_eq!(answer.code, Some(130), "{answer:#?}");
    assert!(answer.stdout.contains("sluice run --resume"), "{answer:#?}");
    assert!(until(Duration::from_secs(3), || !is_alive(child)), "process {child} outlived the host");

    let (code, document) = sluice.json(&["run", "--resume"]);
    assert_eq!(code, Some(0), "{document}");
    assert_eq!(item(&document, "only")["attempts"], 1, "an interruption is no attempt: {document}");
}

#[test]
fn nothing_recorded_and_no_file_is_bad_input() {
    let sluice = binary();
    let answer = sluice.run(&["run", "--resume"]);
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    assert!(answer.stderr.contains("no mission is recorded here to resume"), "{answer:#?}");
    assert!(answer.stderr.contains("--data"), "it says what to do: {answer:#?}");
    assert_eq!(sluice.missions().len(), 0);
}

#[test]
fn a_second_process_on_the_same_directory_is_told_who_has_it() {
    let sluice = binary();
    let file = sluice.file("mission.toml", &one_item("echo ready; sleep 600", ""));
    let mut first = sluice.start(&["run", text(&file)]);
    first.wait_for("| ready");
    let second = sluice.run(&["run", text(&file)]);
    assert_eq!(second.code, Some(2), "{second:#?}");
    assert!(second.stderr.contains(&format!("(process {})", first.id())), "{second:#?}");
    assert_eq!(sluice.missions().len(), 1, "reading goes on beside it, and nothing was recorded twice");
    first.signal(Signal::TERM);
    assert_eq!(first.wait_at_most(Duration::from_secs(3)).code, Some(130));
}

#[test]
fn a_process_that_ignores_being_told_is_killed_with_its_group_at_its_time_out() {
    let sluice = binary();
    let pid_file = sluice.directory().join("pid");
    // The grandchild ignores the request too, as what a shell forks inherits that.
    let script = format!(
        "trap '' TERM; sh -c 'echo $$ > {0}; while :; do sleep 1; done' & while :; do sleep 1; done",
        text(&pid_file)
    );
    let file = sluice.file("mission.toml", &one_item(&script, "timeout_ms = 700"));
    let answer = sluice.run(&["run", text(&file)]);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    assert!(answer.stdout.contains("killed after its time-out of 700 ms"), "{answer:#?}");
    let grandchild = pid_in(&pid_file).expect("the grandchild wrote its id");
    assert!(until(Duration::from_secs(3), || !is_alive(grandchild)), "process {grandchild} outlived its time-out");
}

#[test]
fn a_mission_whose_item_fails_ends_with_1_and_says_why() {
    let sluice = binary();
    let file = sluice.file("mission.toml", &one_item("echo broken >&2; exit 3", ""));
    let answer = sluice.run(&["run", text(&file)]);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    assert!(answer.stdout.contains("    | broken"), "{answer:#?}");
    assert!(answer.stdout.contains("exited with 3"), "{answer:#?}");
    assert!(answer.stdout.contains(" failed: "), "{answer:#?}");
    let again = sluice.run(&["run", "--resume", text(&file)]);
    assert_eq!(again.code, Some(1), "a mission that has ended is not begun anew: {again:#?}");
    assert_eq!(sluice.missions().len(), 1);
}

const NEEDS_A_PERSON: &str = r#"
title = "A change somebody has to look at"
[budgets]
max_attempts = 3
[reducer.settings]
retry_backoff_ms = 0
[gates]
test = false
[gates.review.settings]
needs_human_paths = ["deploy/**"]
[[work_items]]
id = "only"
title = "The only one"
[work_items.action.exec]
argv = ["sh", "-c", '''
path=deploy/a.txt
if [ "$SLUICE_ATTEMPT" = 2 ]; then path=b.txt; fi
cat > "$SLUICE_ARTIFACTS/change.diff" <<END
diff --git a/$path b/$path
new file mode 100644
--- /dev/null
+++ b/$path
@@ -0,0 +1 @@
+hello
END
''']
artifacts = [{ path = "change.diff", kind = "diff" }]
"#;

/// Runs it until it waits, and gives the approval's id.
fn wait_for_a_person(sluice: &Binary, file: &Path) -> String {
    let answer = sluice.run(&["run", text(file)]);
    assert_eq!(answer.code, Some(3), "{answer:#?}");
    assert!(answer.stdout.contains("sluice approval grant ID"), "{answer:#?}");
    let (code, list) = sluice.json(&["approval", "list"]);
    assert_eq!((code, &list["count"]), (Some(0), &Value::from(1)), "{list}");
    let approval = &list["approvals"][0];
    assert_eq!(approval["work_item_id"], "only", "{approval}");
    let id = text_of(approval, "id").to_owned();
    assert!(answer.stdout.contains(&id), "{answer:#?}");
    id
}

#[test]
fn what_needs_a_person_waits_with_3_and_a_yes_lets_it_through() {
    let sluice = binary();
    let file = sluice.file("mission.toml", NEEDS_A_PERSON);
    let id = wait_for_a_person(&sluice, &file);
    let still = sluice.run(&["run", "--resume"]);
    assert_eq!(still.code, Some(3), "without an answer it waits on: {still:#?}");

    let granted = sluice.run(&["approval", "grant", &id, "--reason", "looks right"]);
    assert_eq!(granted.code, Some(0), "{granted:#?}");
    assert_eq!(sluice.run(&["approval", "grant", &id]).code, Some(0), "the same answer again is fine");
    let denied = sluice.run(&["approval", "deny", &id]);
    assert_eq!(denied.code, Some(2), "another answer is not: {denied:#?}");

    let (code, document) = sluice.json(&["run", "--resume"]);
    assert_eq!(code, Some(0), "{document}");
    assert_eq!(item(&document, "only")["attempts"], 1);
    assert_eq!(item(&document, "only")["gates"]["review"]["status"], "approved", "{document}");
    assert_eq!(verdicts_of(&document, "only"), ["1 review needs_human"], "the verdict itself stands");
}

#[test]
fn a_no_sends_the_item_back_to_rework() {
    let sluice = binary();
    let file = sluice.file("mission.toml", NEEDS_A_PERSON);
    let id = wait_for_a_person(&sluice, &file);
    let denied = sluice.run(&["approval", "deny", &id, "--reason", "not in deploy"]);
    assert_eq!(denied.code, Some(0), "{denied:#?}");
    let (code, document) = sluice.json(&["run", "--resume"]);
    assert_eq!(code, Some(0), "{document}");
    assert_eq!(item(&document, "only")["attempts"], 2);
    assert_eq!(verdicts_of(&document, "only"), ["1 review needs_human", "2 review pass"]);
}

#[test]
fn an_approval_that_does_not_exist_is_bad_input() {
    let answer: Answer = binary().run(&["approval", "grant", "apr_nothing"]);
    assert_eq!(answer.code, Some(2), "{answer:#?}");
    assert!(answer.stderr.contains("there is no approval `apr_nothing`"), "{answer:#?}");
}

#[test]
fn a_planner_that_answers_badly_is_asked_again_with_the_reason() {
    let sluice = binary();
    let seen = sluice.directory().join("second-request.json");
    let mission = format!(
        r#"
title = "Planned"
goal = "One thing"
[reducer.settings]
retry_backoff_ms = 0
[gates]
review = false
test = false
[planner.exec]
argv = ["sh", "-c", '''
if [ "$SLUICE_ATTEMPT" = 1 ]; then
    echo 'Sure! {{"work_items": []}}'
else
    cp "$SLUICE_RUN" {}
    echo '{{"work_items": [{{"id": "b", "title": "B", "depends_on": ["a"], "action": {{"exec": {{"argv": ["true"]}}}}}},'
    echo '{{"id": "a", "title": "A", "action": {{"exec": {{"argv": ["true"]}}}}}}]}}'
fi
''']
"#,
        text(&seen)
    );
    let file = sluice.file("mission.toml", &mission);
    let (code, document) = sluice.json(&["run", text(&file)]);
    assert_eq!(code, Some(0), "{document}");
    assert_eq!(item(&document, "a")["status"], "done");
    assert_eq!(item(&document, "b")["status"], "done");
    let request = std::fs::read_to_string(&seen).expect("the second planner saved its request");
    assert!(request.contains("the answer must be one JSON object"), "it is told why: {request}");
}
