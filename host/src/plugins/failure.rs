//! Tells the four kinds of a failed call apart. Decides by the error's type; by its text only
//! where wasmtime keeps the type to itself.

use std::fmt::Write as _;

use wasmtime::{Trap, WasmBacktrace};

use super::limits::{CallLimits, STACK_BYTES};
use crate::domain::plugin::{Limit, PluginFailure};

/// Longest message of a failure, in bytes.
const MESSAGE_BYTES_MAX: usize = 4_096;

/// Most guest frames a trap's message holds.
const FRAMES_MAX: usize = 8;

/// A host function stopped the call because it went over a limit.
#[derive(Debug, thiserror::Error)]
#[error("the call went over its {limit} limit of {allowed}")]
pub(super) struct OverLimit {
    /// Which limit.
    pub(super) limit: Limit,
    /// How much there was.
    pub(super) allowed: u64,
}

/// The call took longer than it may.
#[derive(Debug, thiserror::Error)]
#[error("the call was stopped by the clock")]
pub(super) struct StoppedByClock;

/// A host function could not do its part.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct HostFault(pub(super) String);

/// A host function stopped the call because the plugin broke the contract.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct ContractBroken(pub(super) String);

/// What the plugin said itself.
pub(super) fn guest(message: &str) -> PluginFailure {
    PluginFailure::Guest { message: cut(message, MESSAGE_BYTES_MAX).to_owned() }
}

/// The kind of `error`, which ended a call under `limits`.
pub(super) fn classify(error: &wasmtime::Error, limits: &CallLimits) -> PluginFailure {
    if let Some(over) = error.downcast_ref::<OverLimit>() {
        return PluginFailure::Limit { limit: over.limit, allowed: over.allowed };
    }
    if error.downcast_ref::<StoppedByClock>().is_some() {
        return host(&format!("the call was stopped by the clock after {} ms", limits.wall.as_millis()));
    }
    if let Some(fault) = error.downcast_ref::<HostFault>() {
        return host(&fault.0);
    }
    if let Some(broken) = error.downcast_ref::<ContractBroken>() {
        return guest(&broken.0);
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return guest(&format!("it ended itself with status {} instead of answering", exit.0));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => PluginFailure::Limit { limit: Limit::Fuel, allowed: limits.fuel },
        Some(Trap::StackOverflow) => PluginFailure::Limit { limit: Limit::Stack, allowed: STACK_BYTES as u64 },
        Some(trap) => PluginFailure::Trap { message: with_frames(&trap.to_string(), error) },
        None => untyped(error, limits),
    }
}

/// An error of the runtime without a public type: the plugin handed over something that is not
/// what its type says, or the machine had nothing left to run it with.
fn untyped(error: &wasmtime::Error, limits: &CallLimits) -> PluginFailure {
    let is_ours = error.downcast_ref::<std::io::Error>().is_some()
        || error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some();
    if is_ours {
        return host(&format!("{error:#}"));
    }
    let text = error.root_cause().to_string();
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return PluginFailure::Limit { limit: Limit::ResultSize, allowed: limits.transfer_bytes as u64 };
    }
    PluginFailure::Trap { message: with_frames(&text, error) }
}

fn host(message: &str) -> PluginFailure {
    PluginFailure::Host { message: cut(message, MESSAGE_BYTES_MAX).to_owned() }
}

/// `message` with the guest's frames, innermost first, where the component names them.
fn with_frames(message: &str, error: &wasmtime::Error) -> String {
    let mut text = message.trim_start_matches("wasm trap: ").to_owned();
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        for (index, frame) in backtrace.frames().iter().take(FRAMES_MAX).enumerate() {
            let lead = if index == 0 { " in" } else { " <-" };
            let offset = frame.module_offset().unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = match frame.func_name() {
                Some(name) => write!(text, "{lead} {name}"),
                None => write!(text, "{lead} function {} (offset {offset:#x})", frame.func_index()),
            };
        }
    }
    cut(&text, MESSAGE_BYTES_MAX).to_owned()
}

/// `text` up to `max` bytes, cut at a character's boundary.
pub(super) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max { text } else { &text[..text.floor_char_boundary(max)] }
}
