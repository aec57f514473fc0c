//! An engine on a database of its own, with scripted plugins and a clock that is moved. No loop
//! runs: a case takes every step itself, so that it can stop between any two.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use sluice::domain::artifact::Digest;
use sluice::domain::command::Command;
use sluice::domain::event::{HistoryEntry, InputKind, LogEvent};
use sluice::domain::gate::{Evaluation, GateName};
use sluice::domain::id::{ArtifactId, MissionId, RunId, WorkItemId};
use sluice::domain::json::Json;
use sluice::domain::mission::{Bindings, Mission, MissionStatus};
use sluice::domain::plugin::Binding;
use sluice::domain::run::{Run, RunStatus};
use sluice::domain::time::Timestamp;
use sluice::domain::work_item::{WorkItem, WorkItemStatus};
use sluice::domain::workspace::Required;
use sluice::engine::ports::Plugins;
use sluice::engine::{
    Advanced, Claim, Engine, EngineError, EngineOptions, FinishReport, FinishStatus, HeldRun, NewMission,
    NewRunArtifact,
};
use sluice::store::{LogFilter, Store};

use crate::databases::TestDatabase;
use crate::scripted::{Scripted, TestClock};

/// Milliseconds a lease lasts here.
pub const LEASE_MS: u64 = 10_000;
/// More rows than any case makes.
const ALL: u32 = 10_000;

/// An engine that can be stopped and started again.
pub struct TestEngine {
    /// The engine.
    pub engine: Engine,
    /// What its plugins answer.
    pub plugins: Arc<Scripted>,
    /// Its clock.
    pub clock: Arc<TestClock>,
    database: TestDatabase,
}

/// Runs `test` on an engine over each kind of database there is.
pub async fn on_both_engines(test: impl AsyncFn(TestEngine)) {
    for database in TestDatabase::each().await {
        // Printed only when the test fails, and then the last such line says where.
        println!("on {:?}", database.location);
        test(TestEngine::start(database).await).await;
    }
}

impl TestEngine {
    /// An engine over `database`.
    pub async fn start(database: TestDatabase) -> Self {
        let (plugins, clock) = (Arc::new(Scripted::default()), Arc::new(TestClock::default()));
        let engine = make_engine(&database, &plugins, &clock).await;
        Self { engine, plugins, clock, database }
    }

    /// Stops it as a crash does, keeping nothing but the database, and starts it again.
    #[must_use]
    pub async fn restart(self) -> Self {
        self.engine.store().close().await;
        drop(self.engine);
        let engine = make_engine(&self.database, &self.plugins, &self.clock).await;
        Self { engine, ..self }
    }

    /// Another host on the same database, with the same plugins and clock.
    pub async fn another_host(&self) -> Engine {
        let plugins: Arc<dyn Plugins> = Arc::clone(&self.plugins) as _;
        Engine::new(self.database.open().await, plugins, Arc::clone(&self.clock) as _, "host_other".to_owned())
    }

    /// The same, with what an operator may set.
    pub async fn another_with(&self, options: EngineOptions) -> Engine {
        let plugins: Arc<dyn Plugins> = Arc::clone(&self.plugins) as _;
        let (store, clock) = (self.database.open().await, Arc::clone(&self.clock) as _);
        Engine::with_options(store, plugins, clock, "host_set".to_owned(), options)
    }

    /// Another handle on its database.
    pub async fn open_store(&self) -> Store {
        self.database.open().await
    }

    /// Its database.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// A mission's runs, oldest first.
    pub async fn runs_of(&self, id: &MissionId) -> Vec<Run> {
        let runs = self.engine.store().runs(&Engine::local_workspace(), Some(id), None, None, ALL).await;
        runs.expect("they can be read")
    }

    /// What its clock says.
    pub fn clock_now(&self) -> Timestamp {
        use sluice::clock::Clock as _;
        self.clock.now()
    }

    /// Whether its database is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.database.is_postgres()
    }

    /// A mission in `draft` of what `request` adds to a title, with the gates of `gates`.
    pub async fn draft(&self, request: Value, gates: &[GateName]) -> MissionId {
        self.draft_with(request, gates, Vec::new()).await
    }

    /// The same, of whose gates so many have to pass at a stage.
    async fn draft_with(&self, request: Value, gates: &[GateName], required: Vec<(GateName, Required)>) -> MissionId {
        let mut whole = json!({"title": "T"});
        for (name, value) in request.as_object().expect("a request is an object") {
            whole[name] = value.clone();
        }
        let gates = gates.iter().map(|gate| (*gate, binding(gate.as_str()))).collect();
        let new = NewMission {
            workspace_id: Engine::local_workspace(),
            request: serde_json::from_value(whole).expect("the request fits"),
            bindings: Bindings { reducer: binding("reducer"), gates, required },
            start: false,
            actor: "user.test".to_owned(),
            receipt: None,
        };
        let mission = self.engine.create_mission(new).await.expect("the mission is created");
        self.catch_up(&mission.id).await;
        mission.id
    }

    /// The same, started, with a run queued for each item of `start`.
    pub async fn running(&self, request: Value, gates: &[GateName], start: &[&str]) -> MissionId {
        self.running_with(request, gates, Vec::new(), start).await
    }

    /// The same, of whose gates so many have to pass at a stage.
    pub async fn running_with(
        &self,
        request: Value,
        gates: &[GateName],
        required: Vec<(GateName, Required)>,
        start: &[&str],
    ) -> MissionId {
        let id = self.draft_with(request, gates, required).await;
        let mut commands = vec![mission_to("running")];
        commands.extend(start.iter().map(|item| start_run(item)));
        self.tell(&id, InputKind::MissionStarted, commands).await.expect("the mission starts");
        id
    }

    /// Tells a mission something, to which the reducer answers `commands`.
    pub async fn tell(&self, id: &MissionId, kind: InputKind, commands: Vec<Command>) -> Result<Advanced, EngineError> {
        self.plugins.decide_next(Ok(commands));
        let told = self.engine.post_event(&Engine::local_workspace(), id, kind, Map::new(), "user.test").await;
        if matches!(told, Err(EngineError::Refused(_))) && self.plugins.left_over() > 0 {
            // The event could not be a fact, so no reducer was asked.
            self.plugins.forget();
        }
        told
    }

    /// The reducer answers an event that means nothing to the host with `commands`.
    pub async fn order(&self, id: &MissionId, commands: Vec<Command>) -> Result<Advanced, EngineError> {
        self.tell(id, InputKind::ResourceChanged, commands).await
    }

    /// The code and command index with which `commands` are refused.
    ///
    /// # Panics
    /// When they are not.
    pub async fn refusal(&self, id: &MissionId, commands: Vec<Command>) -> (&'static str, Option<usize>, String) {
        let shown = format!("{commands:?}");
        match self.order(id, commands).await {
            Err(EngineError::Refused(refusal)) => (refusal.code, refusal.command_index, refusal.message),
            other => panic!("not refused: {shown}: {other:?}"),
        }
    }

    /// Applies what waits in the inbox; how many inputs that were.
    pub async fn catch_up(&self, id: &MissionId) -> usize {
        self.engine.catch_up(id).await.expect("the inbox can be applied")
    }

    /// The same, the first input answered with `commands`.
    pub async fn apply(&self, id: &MissionId, commands: Vec<Command>) {
        self.plugins.decide_next(Ok(commands));
        assert!(self.catch_up(id).await > 0, "something was to be applied");
        assert_eq!(self.plugins.left_over(), 0, "the reducer was asked");
    }

    /// Takes one run, and tells the mission.
    pub async fn claim(&self, id: &MissionId) -> HeldRun {
        let held = self.claim_quietly("worker").await.expect("a run can be claimed");
        assert_eq!(held.run.mission_id, *id);
        self.catch_up(id).await;
        held
    }

    /// Takes one run, if there is one; the mission is yet to be told.
    pub async fn claim_quietly(&self, worker: &str) -> Option<HeldRun> {
        let claim = Claim { worker: worker.to_owned(), ..claim("agent.test") };
        self.engine.claim(claim, Duration::ZERO).await.expect("runs can be claimed").pop()
    }

    /// Leaves `content` as an artifact of a run.
    pub async fn leave(&self, held: &HeldRun, content: &str) -> Result<ArtifactId, EngineError> {
        let new = NewRunArtifact {
            kind: "text".to_owned(),
            name: "left.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            content: content.as_bytes().to_vec(),
        };
        Ok(self.engine.add_artifact(held, new).await?.id)
    }

    /// Ends a run that leaves `content`; the mission is yet to be told.
    pub async fn succeed(&self, held: &HeldRun, content: &str) {
        let left = self.leave(held, content).await.expect("the artifact is kept");
        let report = FinishReport { artifacts: vec![left], ..finished(FinishStatus::Succeeded) };
        self.engine.finish_run(held, report).await.expect("the run is finished");
    }

    /// One item from queued run to `review` with the verdict asked for.
    pub async fn bring_to_review(&self, id: &MissionId, item: &str, content: &str) -> Evaluation {
        let held = self.claim(id).await;
        assert_eq!(held.run.work_item_id.as_ref().map(WorkItemId::as_str), Some(item));
        self.succeed(&held, content).await;
        self.apply(id, vec![item_to(item, WorkItemStatus::Review), request_gate(item, "review")]).await;
        self.pending(id).await.pop().expect("a verdict is asked for")
    }

    /// Requests for verdicts that wait.
    pub async fn pending(&self, id: &MissionId) -> Vec<Evaluation> {
        self.engine.store().evaluations_of(id).await.expect("they can be read")
    }

    /// The mission's header.
    pub async fn mission(&self, id: &MissionId) -> Mission {
        let found = self.engine.store().mission(&Engine::local_workspace(), id).await.expect("it can be read");
        found.expect("the mission is there")
    }

    /// Where the mission stands.
    pub async fn status(&self, id: &MissionId) -> MissionStatus {
        self.mission(id).await.status
    }

    /// Its items, in order.
    pub async fn items(&self, id: &MissionId) -> Vec<WorkItem> {
        self.engine.store().work_items(id, None, ALL).await.expect("they can be read")
    }

    /// One of them.
    pub async fn item(&self, id: &MissionId, item: &str) -> WorkItem {
        let items = self.items(id).await;
        items.into_iter().find(|found| found.spec.id.as_str() == item).expect("the item is there")
    }

    /// A run's row.
    pub async fn run(&self, id: &RunId) -> Run {
        self.engine.store().run(id).await.expect("it can be read").expect("the run is there")
    }

    /// How many of the mission's runs have this status.
    pub async fn runs(&self, id: &MissionId, status: RunStatus) -> usize {
        let runs = self.engine.store().runs(&Engine::local_workspace(), Some(id), Some(status), None, 500).await;
        runs.expect("they can be read").len()
    }

    /// How many runs of all missions have this status; up to 10,000.
    pub async fn runs_of_all(&self, status: RunStatus) -> usize {
        let runs = self.engine.store().runs(&Engine::local_workspace(), None, Some(status), None, ALL).await;
        runs.expect("they can be read").len()
    }

    /// Its history.
    pub async fn history(&self, id: &MissionId) -> Vec<HistoryEntry> {
        self.engine.store().history(id, None, ALL).await.expect("it can be read")
    }

    /// Its newest history entry.
    pub async fn last_entry(&self, id: &MissionId) -> HistoryEntry {
        self.history(id).await.pop().expect("the history is never empty")
    }

    /// Its events.
    pub async fn events(&self, id: &MissionId) -> Vec<LogEvent> {
        let filter = LogFilter { mission_id: Some(id.clone()), ..LogFilter::default() };
        let events = self.engine.store().log_events(&Engine::local_workspace(), 0, &filter, ALL).await;
        events.expect("they can be read")
    }

    /// Ends every lease whose time is up.
    pub async fn end_expired_leases(&self) -> usize {
        let expired =
            self.engine.store().leased_runs(None, Some(self.clock_now()), 500).await.expect("they can be read");
        let count = expired.len();
        for run in expired {
            self.engine.interrupt_run(run, "its lease ran out").await.expect("the lease is ended");
        }
        count
    }
}

async fn make_engine(database: &TestDatabase, plugins: &Arc<Scripted>, clock: &Arc<TestClock>) -> Engine {
    let store = database.open().await;
    let plugins: Arc<dyn Plugins> = Arc::clone(plugins) as _;
    Engine::new(store, plugins, Arc::clone(clock) as _, "host_test".to_owned())
}

/// A claim of one run by a worker of `principal`, who can do everything and wants no token.
pub fn claim(principal: &str) -> Claim {
    Claim {
        workspace_id: Engine::local_workspace(),
        worker: "worker".to_owned(),
        principal: principal.to_owned(),
        agents: Vec::new(),
        skills: None,
        mission_id: None,
        max: 1,
        lease_ms: LEASE_MS,
        session_id: None,
        wants_token: false,
    }
}

/// A component that exists in name only.
pub fn binding(name: &str) -> Binding {
    Binding {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        digest: Digest::of(name.as_bytes()),
        settings: Json::empty_object(),
    }
}

/// `set_mission_status`.
pub fn mission_to(status: &str) -> Command {
    let status = status.parse().expect("a status of a mission");
    Command::SetMissionStatus { status, data: Json::empty_object() }
}

/// `set_work_item_status`.
pub fn item_to(item: &str, status: WorkItemStatus) -> Command {
    Command::SetWorkItemStatus { work_item_id: WorkItemId::new(item), status, reason: None }
}

/// `start_run` of an item.
pub fn start_run(item: &str) -> Command {
    Command::StartRun { work_item_id: Some(WorkItemId::new(item)), data: Json::from_valid(r#"{"prompt":"do it"}"#) }
}

/// `start_run` of an item, not to be claimed before a moment.
pub fn start_run_at(item: &str, not_before_ms: u64) -> Command {
    let data = json!({"prompt": "do it", "not_before_ms": not_before_ms});
    Command::StartRun { work_item_id: Some(WorkItemId::new(item)), data: Json::from_valid(data.to_string()) }
}

/// `request_gate`.
pub fn request_gate(item: &str, gate: &str) -> Command {
    Command::RequestGate { work_item_id: WorkItemId::new(item), gate: gate.to_owned() }
}

/// `add_work_item`.
pub fn add_item(item: &str, data: &Value) -> Command {
    Command::AddWorkItem { id: WorkItemId::new(item), data: Json::from_valid(data.to_string()) }
}

/// `schedule_timer`.
pub fn timer(key: &str, due_at: Timestamp, data: &str) -> Command {
    Command::ScheduleTimer { key: key.to_owned(), due_at, data: Json::from_valid(data) }
}

/// `emit_notice`.
pub fn notice(kind: &str) -> Command {
    Command::EmitNotice { kind: kind.to_owned(), data: Json::empty_object() }
}

/// A worker's last word without anything more to it.
pub fn finished(status: FinishStatus) -> FinishReport {
    FinishReport { status, summary: Some("the worker's words".to_owned()), output: None, artifacts: Vec::new() }
}

/// A request with items, each an id and what it depends on.
pub fn items(items: &[(&str, &[&str])]) -> Value {
    let items: Vec<Value> =
        items.iter().map(|(id, depends_on)| json!({"id": id, "title": id, "depends_on": depends_on})).collect();
    json!({"work_items": items})
}
