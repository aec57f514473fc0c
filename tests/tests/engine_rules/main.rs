//! What the host enforces whatever a reducer says, tried with a scripted one on both databases:
//! the rules of specs/ORCHESTRATOR.md, from the command refused to the rows that did not change.

mod gates;
mod verdicts;
mod approvals;
mod commands;
mod budgets;
mod runs;
mod course;
mod failures;

use e2e::engine::{TestEngine, items};
use serde_json::Value;
use sluice::domain::gate::GateName;
use sluice::domain::id::MissionId;
use sluice::domain::json::Json;
use sluice::domain::plugin::PluginFailure;

const REVIEW: &[GateName] = &[GateName::Review];
const BOTH_GATES: &[GateName] = &[GateName::Review, GateName::Test];

fn host_fault() -> PluginFailure {
    PluginFailure::Host { message: "out of threads".to_owned() }
}

fn parsed(json: &Json) -> Value {
    serde_json::from_str(json.as_str()).expect("stored JSON is JSON")
}

/// A mission whose item `a` has succeeded once and stands in progress, its end told.
async fn worked(t: &TestEngine, gates: &[GateName]) -> MissionId {
    let id = t.running(items(&[("a", &[]), ("b", &["a"])]), gates, &["a"]).await;
    let held = t.claim(&id).await;
    t.succeed(&held, "first").await;
    t.apply(&id, vec![]).await;
    id
}
