//! Asks a component about settings, through its optional export `settings-check`.

use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::call::{CallState, Caller};
use super::component::Linked;
use super::limits::{CallLimits, Limits};
use super::wasi::Moment;
use super::world::SETTINGS_CHECK;
use crate::domain::json::Json;
use crate::domain::plugin::PluginFailure;
use crate::domain::time::Timestamp;

/// Has `component` judge `settings`. One without the export accepts everything.
///
/// # Errors
/// [`PluginFailure::Guest`] with the plugin's words when it refuses them, another failure when it
/// could not judge.
pub(super) fn settings(
    caller: &Caller,
    limits: &Limits,
    component: &Linked,
    settings: &Json,
) -> Result<(), PluginFailure> {
    match component {
        Linked::Reducer(pre) => check(caller, &limits.reducer, pre.instance_pre(), settings),
        Linked::Gate(pre) => check(caller, &limits.gate, pre.instance_pre(), settings),
        Linked::Scrubber(pre) => check(caller, &limits.scrubber, pre.instance_pre(), settings),
    }
}

fn check<W: Default + Send + 'static>(
    caller: &Caller,
    limits: &CallLimits,
    pre: &InstancePre<CallState<W>>,
    settings: &Json,
) -> Result<(), PluginFailure> {
    let component = pre.component();
    let Some(interface) = component.get_export_index(None, SETTINGS_CHECK) else { return Ok(()) };
    let Some(function) = component.get_export_index(Some(&interface), "check") else { return Ok(()) };
    let moment = Moment { at: Timestamp(0), seed: String::new() };
    let state = CallState::new(limits, settings.clone(), moment, W::default());
    let ended = caller.run(limits, state, |store: &mut Store<CallState<W>>| {
        let instance = pre.instantiate(&mut *store)?;
        let check = instance.get_typed_func::<(&str,), (Result<(), String>,)>(&mut *store, function)?;
        Ok(check.call(store, (settings.as_str(),))?.0)
    });
    ended.result
}
