//! Sees that a component's functions have the types of its world, before anybody calls them.
//!
//! Linking checks what a component imports; what it exports has types only in an instance. So
//! one is made here, with little fuel, and thrown away.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::bindings::gate::Gate;
use super::bindings::mission::MissionReducer;
use super::bindings::scrubber::Scrubber;
use super::call::CallState;
use super::check;
use super::component::Linked;
use super::limits::CallLimits;
use super::wasi::Moment;
use crate::domain::json::Json;
use crate::domain::time::Timestamp;

/// What the trial may use: enough for what languages do when they start. Its fuel ends it long
/// before its time would.
const LIMITS: CallLimits = CallLimits {
    fuel: 50_000_000,
    memory_bytes: 64 * 1024 * 1024,
    wall: Duration::from_hours(24),
    transfer_bytes: 64 * 1024,
    calls_max: 1,
};

/// Checks the types of every function the host may call.
///
/// # Errors
/// Which function is missing or has another type. A component that cannot be instantiated within
/// the trial's limits passes: its calls fail, and say how.
pub(super) fn check(linked: &Linked) -> wasmtime::Result<()> {
    match linked {
        Linked::Reducer(pre) => try_out(pre.instance_pre(), |store, i| MissionReducer::new(store, i).map(|_| ())),
        Linked::Gate(pre) => try_out(pre.instance_pre(), |store, i| Gate::new(store, i).map(|_| ())),
        Linked::Scrubber(pre) => try_out(pre.instance_pre(), |store, i| Scrubber::new(store, i).map(|_| ())),
    }
}

fn try_out<W: Default + Send + 'static>(
    pre: &InstancePre<CallState<W>>,
    load: impl FnOnce(&mut Store<CallState<W>>, &Instance) -> wasmtime::Result<()>,
) -> wasmtime::Result<()> {
    let moment = Moment { at: Timestamp(0), seed: String::new() };
    let state = CallState::new(&LIMITS, Json::empty_object(), moment, W::default());
    let mut store = Store::new(pre.component().engine(), state);
    super::call::prepare(&mut store, &LIMITS)?;
    let Ok(instance) = pre.instantiate(&mut store) else { return Ok(()) };
    load(&mut store, &instance)?;
    check::function(&mut store, &instance, pre.component()).map(|_| ())
}
