//! The default reducer called by wasmtime alone, to measure the host against: the same component,
//! the same answers to what it asks, and nothing of the host around it.

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use self::bindings::exports::sluice::mission::reducer::Event;
use self::bindings::sluice::mission::{board, commands, types};
use self::bindings::sluice::plugin::{log, settings, types as plugin_types};
use self::bindings::{MissionReducer, MissionReducerPre};

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit/plugin-0.1", "../wit/mission-0.1"],
        world: "sluice:mission/mission-reducer",
    });
}

/// The component, linked and ready.
pub struct Bare {
    engine: Engine,
    reducer: MissionReducerPre<Canned>,
    is_limited: bool,
}

impl Bare {
    /// Compiles the component; with the host's engine settings, or with nothing but a pool.
    pub fn new(is_limited: bool) -> Self {
        let engine = engine(is_limited);
        let component = prebuilt(&engine, "mission-default");
        let mut linker = Linker::new(&engine);
        MissionReducer::add_to_linker::<_, HasSelf<Canned>>(&mut linker, |canned| canned).expect("names are unique");
        let pre = linker.instantiate_pre(&component).expect("the component fits");
        Self { engine, reducer: MissionReducerPre::new(pre).expect("the component fits"), is_limited }
    }

    /// One event in a fresh instance.
    pub fn call(&self) {
        let mut store = Store::new(&self.engine, Canned { issued: Vec::new() });
        if self.is_limited {
            store.set_fuel(2_000_000_000).expect("fuel is on");
            store.set_epoch_deadline(1_000);
        }
        let event = Event {
            seq: 1,
            occurred_at: 1_800_000_000_000,
            kind: "mission_started".to_owned(),
            work_item: None,
            run: None,
            data: "{}".to_owned(),
        };
        let reducer = self.reducer.instantiate(&mut store).expect("it can be instantiated");
        let answer = reducer.sluice_mission_reducer().call_on_event(&mut store, &event);
        answer.expect("it does not trap").expect("it does not fail");
        assert!(store.data().issued.len() > 4);
    }
}

/// An engine with the host's settings, or with nothing but a pool.
pub(crate) fn engine(is_limited: bool) -> Engine {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(64).total_tables(64).total_core_instances(256).total_component_instances(64);
    pool.max_memory_size(256 * 1024 * 1024);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(8 << 20).table_keep_resident(8 << 20);
    }
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool)).concurrency_support(false);
    if is_limited {
        config.consume_fuel(true).epoch_interruption(true).cranelift_nan_canonicalization(true);
        config.relaxed_simd_deterministic(true);
    }
    Engine::new(&config).expect("the machine has the address space for a pool")
}

/// Compiles a component that comes with the host.
pub(crate) fn prebuilt(engine: &Engine, name: &str) -> Component {
    let path = format!("{}/../plugins/prebuilt/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    Component::from_file(engine, path).expect("the prebuilt component compiles")
}

/// Answers as the host gives them for a mission with ten items, made without looking.
struct Canned {
    issued: Vec<(&'static str, String, String)>,
}

impl Canned {
    fn note(&mut self, name: &'static str, one: String, two: String) {
        self.issued.push((name, one, two));
    }
}

impl plugin_types::Host for Canned {}
impl types::Host for Canned {}

impl log::Host for Canned {
    fn log(&mut self, _: log::Level, _: String) {}
}

impl settings::Host for Canned {
    fn get(&mut self) -> String {
        "{}".to_owned()
    }
}

impl board::Host for Canned {
    fn get_mission(&mut self) -> board::Mission {
        board::Mission {
            id: "mis_test".to_owned(),
            status: types::MissionStatus::Draft,
            phase: "planning".to_owned(),
            revision: 1,
            data: r#"{"title":"A title","goal":"A \"goal\"\nin two lines","success_criteria":["it works"],"budgets":{},"usage":{"steps":0,"tool_calls":0},"metadata":{"k":1},"planner_attempts":0,"required_gates":[]}"#.to_owned(),
        }
    }

    fn get_work_item(&mut self, id: String) -> Option<board::WorkItem> {
        let data = format!(r#"{{"title":"{id}","depends_on":[],"skills":["rust"],"gates":{{}},"artifact_refs":[]}}"#);
        Some(board::WorkItem { id, status: types::WorkItemStatus::Todo, attempts: 0, run: None, data })
    }

    fn get_run(&mut self, _: String) -> Option<board::Run> {
        None
    }

    fn count_by_status(&mut self) -> Vec<board::StatusCount> {
        use types::WorkItemStatus as Status;
        let all = [
            Status::Todo,
            Status::InProgress,
            Status::Blocked,
            Status::Review,
            Status::Test,
            Status::Rework,
            Status::Done,
            Status::Failed,
            Status::Canceled,
        ];
        let count = |status| board::StatusCount { status, count: if status == Status::Todo { 10 } else { 0 } };
        all.into_iter().map(count).collect()
    }

    fn list_by_status(&mut self, status: types::WorkItemStatus, _: Option<String>, limit: u32) -> Vec<String> {
        if status == types::WorkItemStatus::Todo { self.list_ready(limit) } else { Vec::new() }
    }

    fn list_ready(&mut self, limit: u32) -> Vec<String> {
        (0..limit.min(10)).map(|n| format!("item-{n}")).collect()
    }

    fn list_dependents(&mut self, _: String, _: Option<String>, _: u32) -> Vec<String> {
        Vec::new()
    }

    fn list_open_runs(&mut self) -> Vec<String> {
        Vec::new()
    }
}

impl commands::Host for Canned {
    fn add_work_item(&mut self, id: String, data: String) {
        self.note("add", id, data);
    }

    fn set_work_item_status(&mut self, id: String, _: types::WorkItemStatus, reason: Option<String>) {
        self.note("move", id, reason.unwrap_or_default());
    }

    fn start_run(&mut self, work_item: Option<String>, data: String) {
        self.note("run", work_item.unwrap_or_default(), data);
    }

    fn cancel_run(&mut self, run: String, reason: String) {
        self.note("cancel", run, reason);
    }

    fn request_gate(&mut self, work_item: String, gate: String) {
        self.note("gate", work_item, gate);
    }

    fn request_approval(&mut self, _: Option<String>, kind: String, _: String, data: String) {
        self.note("approval", kind, data);
    }

    fn persist_artifact(&mut self, name: String, kind: String, _: String, _: Vec<u8>) {
        self.note("artifact", name, kind);
    }

    fn schedule_timer(&mut self, key: String, _: u64, data: String) {
        self.note("timer", key, data);
    }

    fn set_mission_status(&mut self, _: types::MissionStatus, data: String) {
        self.note("mission", String::new(), data);
    }

    fn emit_notice(&mut self, kind: String, data: String) {
        self.note("notice", kind, data);
    }
}
