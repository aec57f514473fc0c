//! The reviewer called by wasmtime alone, to measure the host against: the same component and the same artifact, which
//! lies in memory, and nothing of the host around it.

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, Store};

use self::bindings::sluice::gate::{artifacts, types};
use self::bindings::sluice::plugin::{log, settings, types as plugin_types};
use self::bindings::{Gate, GatePre};
use crate::bare;

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit/plugin-0.1", "../wit/gate-0.1"],
        world: "sluice:gate/gate",
    });
}

/// The component, linked and ready.
pub struct BareGate {
    engine: Engine,
    gate: GatePre<Canned>,
}

impl BareGate {
    /// Compiles the reviewer, with the host's engine settings.
    pub fn compile() -> Self {
        let engine = bare::engine(true);
        let component = bare::prebuilt(&engine, "reviewer");
        let mut linker = Linker::new(&engine);
        Gate::add_to_linker::<_, HasSelf<Canned>>(&mut linker, |canned| canned).expect("names are unique");
        let pre = linker.instantiate_pre(&component).expect("the component fits");
        Self { gate: GatePre::new(pre).expect("the component fits"), engine }
    }

    /// Has a diff judged in a fresh instance: how many findings there are.
    pub fn call(&self, diff: &[u8]) -> usize {
        let mut store = Store::new(&self.engine, Canned { content: diff.to_owned() });
        store.set_fuel(20_000_000_000).expect("fuel is on");
        store.set_epoch_deadline(1_000);
        let artifact = types::Artifact {
            id: "art_bare".to_owned(),
            kind: "diff".to_owned(),
            name: "change.diff".to_owned(),
            media_type: "text/x-diff".to_owned(),
            size: diff.len() as u64,
            data: "{}".to_owned(),
        };
        let input = types::GateInput {
            gate: "review".to_owned(),
            mission: "mis_bare".to_owned(),
            work_item: "item-0".to_owned(),
            attempt: 1,
            requested_at: 1_800_000_000_000,
            artifacts: vec![artifact],
            data: r#"{"title":"item-0","detail":null,"metadata":{},"run_summary":null}"#.to_owned(),
        };
        let gate = self.gate.instantiate(&mut store).expect("it can be instantiated");
        let answer = gate.sluice_gate_evaluator().call_evaluate(&mut store, &input);
        answer.expect("it does not trap").expect("it does not fail").findings.len()
    }
}

/// Answers what the reviewer asks.
struct Canned {
    content: Vec<u8>,
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

impl artifacts::Host for Canned {
    fn read(&mut self, _: String, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.content.len());
        let length = usize::try_from(length.min(1 << 20)).unwrap_or(usize::MAX);
        Ok(self.content[from..(from + length).min(self.content.len())].to_owned())
    }
}
