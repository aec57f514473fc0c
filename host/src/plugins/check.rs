//! Asks a component about settings, through its optional export `settings-check`.

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, Instance, InstancePre, TypedFunc};

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
    if interface(pre.component()).is_none() {
        return Ok(());
    }
    let moment = Moment { at: Timestamp(0), seed: String::new() };
    let state = CallState::new(limits, settings.clone(), moment, W::default());
    let ended = caller.run(limits, state, |store: &mut Store<CallState<W>>| {
        let instance = pre.instantiate(&mut *store)?;
        match function(store, &instance, pre.component())? {
            Some(check) => Ok(check.call(store, (settings.as_str().to_owned(),))?.0),
            None => Ok(Ok(())),
        }
    });
    ended.result
}

/// The interface, when the component exports it.
fn interface(component: &Component) -> Option<ComponentExportIndex> {
    component.get_export_index(None, SETTINGS_CHECK)
}

/// The function of the interface, when the component exports it.
///
/// # Errors
/// It has another type than the contract says.
pub(super) fn function<W>(
    store: &mut Store<CallState<W>>,
    instance: &Instance,
    component: &Component,
) -> wasmtime::Result<Option<Check>> {
    let Some(interface) = interface(component) else { return Ok(None) };
    let Some(check) = component.get_export_index(Some(&interface), "check") else {
        return Err(wasmtime::format_err!("`{SETTINGS_CHECK}` has no function `check`"));
    };
    let typed = instance.get_typed_func(&mut *store, check);
    typed.map(Some).map_err(|error| error.context(format!("`check` of `{SETTINGS_CHECK}`")))
}

/// The function that judges settings.
pub(super) type Check = TypedFunc<(String,), (Result<(), String>,)>;
