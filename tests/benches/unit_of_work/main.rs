//! Units of work per second, against the same rows written set-based by bare sqlx.
//!
//! Both sides write the same five rows and two events for each unit, with full synchronisation,
//! to the same disk, in turns, in one run. The store's side has 1, 16 or 64 callers in process that
//! each wait for their answer before they commit again, every unit guarded by its mission's
//! revision. The bare side has one connection and one task that writes 1, 16 or 64 units in a
//! transaction, arguments made beforehand, nothing guarded and nobody answered. The target is
//! half of the bare side.
//!
//! `cargo bench -p e2e --bench unit_of_work`, with the number of seconds for each figure as an
//! argument (2 by default).

use std::sync::Arc;
use std::time::Duration;

use e2e::databases::TestDatabase;
use e2e::postgres::{Cluster, Fsync};
use sluice::domain::artifact::Digest;
use sluice::domain::event::{Disposition, HistoryEntry, InputKind, NewLogEvent};
use sluice::domain::id::{EventId, MissionId, RunId, WorkItemId, WorkspaceId};
use sluice::domain::json::Json;
use sluice::domain::mission::{Bindings, Budgets, Mission, MissionStatus, Phase, Usage};
use sluice::domain::plugin::Binding;
use sluice::domain::run::{Run, RunKind, RunStatus};
use sluice::domain::time::Timestamp;
use sluice::domain::work_item::{WorkItem, WorkItemSpec, WorkItemStatus};
use sluice::store::{Guard, Location, Store, Unit, Write};
use tokio::time::Instant;

mod bare;

const TARGET: f64 = 0.5;

/// Turns that each side takes; the figure is that of all of them together.
const TURNS: usize = 4;

const GOAL: &str = "Repair the parser so that a line that ends in a backslash goes on in the next one.";

fn json(text: &str) -> Json {
    Json::from_valid(text)
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new("ws_local")
}

/// What a mission's event writes: the header, one item, one run, one entry of history.
pub struct Rows {
    mission: Mission,
    item: WorkItem,
    run: Run,
    history: HistoryEntry,
    events: [NewLogEvent; 2],
}

impl Rows {
    fn new(mission: usize, revision: u64) -> Self {
        let mission_id = MissionId::new(format!("mis_0193f2a1-7b1c-7c3e-9a55-{mission:012}"));
        let run_id = RunId::new(format!("run_0193f2a1-7b1c-7c3e-9a55-{mission:012}"));
        let item_id = WorkItemId::new("fix-parser");
        let now = Timestamp(1_700_000_000_000 + revision);
        let binding = Binding {
            name: "mission-default".to_owned(),
            version: "0.1.0".to_owned(),
            digest: Digest::of(b"component"),
            settings: json("{\"max_attempts\":3}"),
        };
        let event = |index: u32, event_type: &str| NewLogEvent {
            event_id: EventId::new(format!("evt_{mission:06}-{revision:012}-{index}")),
            event_type: event_type.to_owned(),
            workspace_id: workspace(),
            session_id: None,
            run_id: None,
            mission_id: Some(mission_id.clone()),
            actor: "system.engine".to_owned(),
            occurred_at: now,
            properties: json(
                "{\"mission_id\":\"mis_0193f2a1-7b1c-7c3e-9a55-000000000001\",\"work_item_id\":\"fix-parser\",\"from\":\"todo\",\"to\":\"in_progress\"}",
            ),
        };
        Self {
            mission: Mission {
                workspace_id: workspace(),
                id: mission_id.clone(),
                title: "Repair the parser".to_owned(),
                goal: GOAL.to_owned(),
                status: MissionStatus::Running,
                phase: Phase::Working,
                reason: None,
                success_criteria: json("[\"the tests pass\"]"),
                budgets: Budgets { max_attempts: Some(3), ..Budgets::default() },
                usage: Usage { steps: revision, tool_calls: 0 },
                capabilities: json("[]"),
                entrypoint: None,
                metadata: json("{}"),
                bindings: Bindings { reducer: binding, gates: Vec::new() },
                planner_attempts: 0,
                revision,
                created_at: now,
                updated_at: now,
                started_at: Some(now),
            },
            item: WorkItem {
                status: WorkItemStatus::InProgress,
                run_id: Some(run_id.clone()),
                ..WorkItem::new(
                    workspace(),
                    mission_id.clone(),
                    0,
                    WorkItemSpec {
                        id: item_id.clone(),
                        title: "Repair the parser".to_owned(),
                        detail: Some(GOAL.to_owned()),
                        depends_on: Vec::new(),
                        assigned_agent: None,
                        skills: vec!["rust".to_owned()],
                        action: Some(json("{\"exec\":{\"argv\":[\"sh\",\"work.sh\"],\"timeout_ms\":60000}}")),
                        metadata: None,
                    },
                )
            },
            run: Run {
                workspace_id: workspace(),
                id: run_id.clone(),
                mission_id: mission_id.clone(),
                work_item_id: Some(item_id.clone()),
                kind: RunKind::Work,
                attempt: 1,
                status: RunStatus::Queued,
                prompt: GOAL.to_owned(),
                assigned_agent: None,
                skills: vec!["rust".to_owned()],
                action: Some(json("{\"exec\":{\"argv\":[\"sh\",\"work.sh\"],\"timeout_ms\":60000}}")),
                not_before: None,
                lease: None,
                fence: 0,
                interruptions: 0,
                cancel_requested: false,
                summary: None,
                output: None,
                artifacts: Vec::new(),
                queued_at: now,
                started_at: None,
                finished_at: None,
                revision,
            },
            history: HistoryEntry {
                workspace_id: workspace(),
                mission_id: mission_id.clone(),
                seq: revision - 1,
                event_id: EventId::new(format!("evt_{mission:06}-{revision:012}")),
                kind: InputKind::RunFinished,
                work_item_id: Some(item_id),
                run_id: Some(run_id),
                data: json("{\"status\":\"succeeded\",\"summary\":\"done\"}"),
                occurred_at: now,
                actor: "system.scheduler".to_owned(),
                commands: json(
                    "[{\"type\":\"set_work_item_status\",\"work_item_id\":\"fix-parser\",\"status\":\"in_progress\"},{\"type\":\"start_run\",\"work_item_id\":\"fix-parser\"}]",
                ),
                assigned_ids: json("[\"run_0193f2a1-7b1c-7c3e-9a55-000000000001\"]"),
                disposition: Disposition::Applied,
                refusal: None,
                reducer_digest: Digest::of(b"component").to_string(),
                fuel: 123_456,
            },
            events: [event(0, "mission.updated"), event(1, "mission.work_item.updated")],
        }
    }

    fn unit(self) -> Unit {
        let before = self.mission.revision - 1;
        Unit {
            guards: vec![Guard::mission(&self.mission.id, (before > 0).then_some(before))],
            writes: vec![
                Write::Mission(self.mission),
                Write::WorkItem(Arc::new(self.item)),
                Write::Run(self.run),
                Write::History(self.history),
            ],
            events: self.events.into(),
        }
    }
}

/// What has been written so far: each mission's revision.
#[derive(Clone)]
struct Progress {
    revisions: Vec<u64>,
}

/// One turn of the store's side; units written.
async fn store_turn(store: &Store, progress: &mut Progress, time: Duration) -> u64 {
    let until = Instant::now() + time;
    let callers: Vec<_> = progress
        .revisions
        .iter()
        .copied()
        .enumerate()
        .map(|(mission, mut revision)| {
            let store = store.clone();
            tokio::spawn(async move {
                while Instant::now() < until {
                    revision += 1;
                    store.commit(Rows::new(mission, revision).unit()).await.expect("a unit that conflicts with nobody");
                }
                revision
            })
        })
        .collect();
    let mut units = 0;
    for (caller, before) in callers.into_iter().zip(&mut progress.revisions) {
        let after = caller.await.expect("a caller that ends well");
        units += after - *before;
        *before = after;
    }
    units
}

async fn compare(name: &str, location: &Location, bare_location: &Location, callers: usize, time: Duration) -> bool {
    let store = Store::open(location).await.expect("the store's database");
    Store::open(bare_location).await.expect("the bare side's database").close().await;
    let mut bare = bare::Bare::connect(bare_location).await;
    let start = Progress { revisions: vec![0; callers] };
    let (mut ours, mut theirs) = (start.clone(), start);
    let (mut our_units, mut their_units) = (0, 0);
    let (mut our_time, mut their_time) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..TURNS {
        let turn = time / TURNS as u32;
        let begun = Instant::now();
        our_units += store_turn(&store, &mut ours, turn).await;
        our_time += begun.elapsed();
        let (units, spent) = bare.turn(&mut theirs.revisions, turn).await;
        their_units += units;
        their_time += spent;
    }
    store.close().await;
    bare.close().await;
    let ours = our_units as f64 / our_time.as_secs_f64();
    let theirs = their_units as f64 / their_time.as_secs_f64();
    let ratio = ours / theirs;
    let is_met = ratio >= TARGET;
    let verdict = if is_met { "met" } else { "MISSED" };
    println!("{name:<12} {callers:>7} {ours:>12.0} {theirs:>12.0} {ratio:>8.2}   {verdict}");
    is_met
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2.0);
    let time = Duration::from_secs_f64(seconds);
    let cluster = Cluster::start(Fsync::On);
    println!("{:<12} {:>7} {:>12} {:>12} {:>8}   target {TARGET}", "database", "callers", "units/s", "bare/s", "ratio");
    let mut is_met = true;
    for callers in [1, 16, 64] {
        let (ours, theirs) = (TestDatabase::sqlite(), TestDatabase::sqlite());
        is_met &= compare("sqlite", &ours.location, &theirs.location, callers, time).await;
    }
    if let Some(cluster) = &cluster {
        for callers in [1, 16, 64] {
            let ours = Location::Postgres { url: cluster.create_database().await };
            let theirs = Location::Postgres { url: cluster.create_database().await };
            is_met &= compare("postgres", &ours, &theirs, callers, time).await;
        }
    }
    if !is_met {
        println!("the target was missed");
        drop(cluster);
        std::process::exit(1);
    }
}
