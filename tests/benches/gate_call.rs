//! What a verdict costs through the whole path, beside what wasmtime alone takes for the same call.
//!
//! The reviewer judges a diff made of this repository's own sources. *Whole path*: from a request that waits to the
//! verdict on disk, as the host answers it: rows and artifact read from the database and the blobs, the component
//! called in a fresh instance with its limits, the verdict, what the mission is told and an event committed with full
//! synchronisation. *Alone*: the same component, the same engine settings and the same diff, which lies in memory, from
//! as many threads as there are cores. Both as a rate, in turns; what counts is the median of their ratios. The target
//! is 1.3 times, for a change of 1,500 lines; the small one shows what the path costs by itself.
//!
//! `cargo bench -p e2e --bench gate_call`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use e2e::bare_gate::BareGate;
use e2e::databases::TestDatabase;
use e2e::engine::{TestEngine, binding, finished};
use e2e::flow::decide;
use e2e::plugins::host;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use sluice::domain::gate::{Evaluation, GateName};
use sluice::domain::json::Json;
use sluice::domain::mission::Bindings;
use sluice::domain::plugin::PluginKind;
use sluice::engine::ports::Plugins;
use sluice::engine::{Engine, EngineOptions, FinishReport, FinishStatus, NewMission, NewRunArtifact};
use sluice::plugins::{Limits, PluginHost};
use tokio::time::Instant;

const TARGET: f64 = 1.3;
/// Requests that are answered at once: as many as gates may be called at once.
const AT_ONCE: usize = 8;
/// Verdicts of a round.
const VERDICTS: usize = 96;
const ROUNDS: usize = 7;

/// A diff that adds the first `lines` lines of the host's own sources.
fn diff(lines: usize) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src/engine");
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("sources").map(|file| file.expect("one").path()).collect();
    files.sort();
    let (mut diff, mut left) = (String::new(), lines);
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        let text = std::fs::read_to_string(file).expect("a source is text");
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        let taken: Vec<&str> = text.lines().take(left).collect();
        left -= taken.len();
        let head =
            format!("diff --git a/{name} b/{name}\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{} @@\n", taken.len());
        diff.push_str(&head);
        taken.iter().for_each(|line| diff.extend(["+", line, "\n"]));
        if left == 0 {
            break;
        }
    }
    assert_eq!(left, 0, "there are as many lines");
    diff.into_bytes()
}

/// A mission whose items all wait for the reviewer's verdict on `diff`.
async fn requests(test: &TestEngine, plugins: &PluginHost, diff: &[u8]) -> Vec<Evaluation> {
    test.plugins.decide_with(|_, board, call| Ok(decide(board, call)));
    let reviewer = plugins.bind("reviewer", PluginKind::Gate, &Json::empty_object()).expect("it is built in");
    let items: Vec<Value> = (0..VERDICTS).map(|n| json!({"id": format!("item-{n}"), "title": "An item"})).collect();
    let whole = json!({"title": "Measured", "work_items": items, "budgets": {"max_parallel_runs": VERDICTS}});
    let new = NewMission {
        workspace_id: Engine::local_workspace(),
        request: serde_json::from_value(whole).expect("the request fits"),
        bindings: Bindings {
            reducer: binding("reducer"),
            gates: vec![(GateName::Review, reviewer)],
            required: Vec::new(),
        },
        start: true,
        actor: "user.bench".to_owned(),
        receipt: None,
    };
    let mission = test.engine.create_mission(new).await.expect("it is created").id;
    test.catch_up(&mission).await;
    while let Some(held) = test.claim_quietly("worker").await {
        let left = NewRunArtifact {
            kind: "diff".to_owned(),
            name: "change.diff".to_owned(),
            media_type: "text/x-diff".to_owned(),
            // Each left another one, as in earnest: what is the same is kept and read once.
            content: [format!("Of {}.\n", held.run.id).as_bytes(), diff].concat(),
        };
        let left = test.engine.add_artifact(&held, left).await.expect("it is kept").id;
        let report = FinishReport { artifacts: vec![left], ..finished(FinishStatus::Succeeded) };
        test.engine.finish_run(&held, report).await.expect("it is finished");
        test.catch_up(&mission).await;
    }
    let pending = test.pending(&mission).await;
    assert_eq!(pending.len(), VERDICTS, "each item waits for its verdict");
    pending
}

/// Microseconds of a verdict, of so many at once.
async fn whole_path(database: TestDatabase, plugins: &Arc<PluginHost>, diff: &[u8], findings: usize) -> f64 {
    let test = TestEngine::start(database).await;
    let pending = requests(&test, plugins, diff).await;
    let id = pending[0].mission_id.clone();
    let real: Arc<dyn Plugins> = Arc::clone(plugins) as _;
    let (store, clock) = (test.open_store().await, Arc::clone(&test.clock) as _);
    let engine = Engine::with_options(store, real, clock, "host_bench".to_owned(), EngineOptions::default());
    let begun = Instant::now();
    let evaluate = pending.into_iter().map(|request| {
        let engine = engine.clone();
        async move { tokio::spawn(async move { engine.evaluate(request).await }).await }
    });
    let done: Vec<_> = stream::iter(evaluate).buffer_unordered(AT_ONCE).collect().await;
    let took = begun.elapsed();
    done.into_iter().for_each(|done| done.expect("no panic").expect("it is answered"));
    let verdicts = engine.store().verdicts(&id, None, None, 1_000).await.expect("they can be read");
    assert_eq!(verdicts.len(), VERDICTS);
    assert!(verdicts.iter().all(|verdict| verdict.findings.len() == findings), "both find the same");
    engine.store().close().await;
    per_verdict(took)
}

/// The same by wasmtime alone, on every core.
fn alone(bare: &BareGate, diff: &[u8], findings: usize) -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..cores {
            scope.spawn(move || {
                (thread..VERDICTS).step_by(cores).for_each(|_| assert_eq!(bare.call(diff), findings));
            });
        }
    });
    per_verdict(begun.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "there are few")]
fn per_verdict(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6 / VERDICTS as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[tokio::main]
async fn main() {
    let plugins = Arc::new(host(Limits::default()));
    let bare = BareGate::compile();
    let reviewer = plugins.bind("reviewer", PluginKind::Gate, &Json::empty_object()).expect("it is built in");
    plugins.check_binding(&reviewer).expect("it compiles");
    println!("{:<12} {:>9} {:>10} {:>12} {:>12} {:>7}", "database", "lines", "bytes", "alone us", "whole us", "ratio");
    let mut met = true;
    let kinds = if TestDatabase::postgres().await.is_some() { 2 } else { 1 };
    for (lines, is_target) in [(50, false), (1_500, true), (5_000, false)] {
        let diff = diff(lines);
        let findings = bare.call(&diff);
        for kind in 0..kinds {
            let (mut alones, mut wholes, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let database = match kind {
                    0 => TestDatabase::sqlite(),
                    _ => TestDatabase::postgres().await.expect("it was there"),
                };
                let one = tokio::task::block_in_place(|| alone(&bare, &diff, findings));
                let other = whole_path(database, &plugins, &diff, findings).await;
                alones.push(one);
                wholes.push(other);
                ratios.push(other / one);
            }
            let ratio = median(ratios);
            println!(
                "{:<12} {lines:>9} {:>10} {:>12.0} {:>12.0} {ratio:>7.2}{}",
                ["SQLite", "PostgreSQL"][kind],
                diff.len(),
                median(alones),
                median(wholes),
                if is_target { "  target <= 1.30" } else { "" }
            );
            met &= !is_target || ratio <= TARGET;
        }
    }
    assert!(met, "the path costs more than it may");
}
