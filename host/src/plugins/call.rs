//! One call: a fresh store, the limits, the answer, and what it cost.
//!
//! What differs between kinds of plugins is in [`super::reducer`], [`super::gate`] and
//! [`super::scrubber`]; this is what they share.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, Store, UpdateDeadline};

use super::bindings::base::sluice::plugin::{log, settings, types};
use super::failure::{OverLimit, StoppedByClock, classify, guest};
use super::limits::CallLimits;
use super::meter::Meter;
use super::plugin_log::PluginLog;
use super::runtime::HANDLES_MAX;
use super::ticker::{TICK, Ticker};
use super::wasi::{EmptyWasi, Moment};
use crate::clock::Clock;
use crate::domain::json::Json;
use crate::domain::plugin::{Limit, PluginFailure};
use crate::engine::ports::CallReport;

/// Fuel that one host function costs, whatever it does: about what its work costs in wasm.
const HOST_CALL_FUEL: u64 = 2_000;

/// Bytes that a host function moves for one unit of fuel.
const HOST_BYTES_PER_FUEL: u64 = 4;

/// What a store holds during a call: what every kind has, and `world`, which is the kind's own.
pub(super) struct CallState<W> {
    pub(super) log: PluginLog,
    pub(super) world: W,
    meter: Meter,
    settings: Json,
    moment: Moment,
    wasi: Option<Box<EmptyWasi>>,
    host_fuel: u64,
    fuel_allowed: u64,
    ticks_left: u64,
}

impl<W> CallState<W> {
    /// The state of a call under `limits` that happens at `moment`.
    pub(super) fn new(limits: &CallLimits, settings: Json, moment: Moment, world: W) -> Self {
        Self {
            log: PluginLog::default(),
            world,
            meter: Meter::new(limits.memory_bytes),
            settings,
            moment,
            wasi: None,
            host_fuel: 0,
            fuel_allowed: limits.fuel,
            ticks_left: ticks(limits.wall),
        }
    }

    /// Charges the plugin for one host function that moves `bytes`. Without it a component
    /// could keep the host busy for a thousand times the fuel it pays.
    ///
    /// # Errors
    /// The call's fuel is used up.
    pub(super) fn charge(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.note_host_call(bytes);
        self.check_fuel(self.fuel_allowed)
    }

    /// Charges for a host function that has no way to fail; the next look at the fuel sees it.
    fn note_host_call(&mut self, bytes: usize) {
        self.host_fuel = self.host_fuel.saturating_add(HOST_CALL_FUEL + bytes as u64 / HOST_BYTES_PER_FUEL);
    }

    /// Whether the fuel is used up, when `left` is left of what instructions use.
    fn check_fuel(&self, left: u64) -> wasmtime::Result<()> {
        if self.host_fuel > left {
            return Err(OverLimit { limit: Limit::Fuel, allowed: self.fuel_allowed }.into());
        }
        Ok(())
    }

    /// Counts a tick of the clock.
    fn tick(&mut self) -> wasmtime::Result<()> {
        self.ticks_left = self.ticks_left.saturating_sub(1);
        if self.ticks_left == 0 { Err(StoppedByClock.into()) } else { Ok(()) }
    }
}

impl<W: Send + 'static> CallState<W> {
    /// Links what every kind of plugin may import.
    pub(super) fn link_base(linker: &mut Linker<Self>) -> wasmtime::Result<()> {
        types::add_to_linker::<Self, HasSelf<Self>>(linker, |state| state)?;
        log::add_to_linker::<Self, HasSelf<Self>>(linker, |state| state)?;
        settings::add_to_linker::<Self, HasSelf<Self>>(linker, |state| state)?;
        super::wasi::link(linker)
    }

    /// The empty WASI of this call, made when a component first touches it. Each touch is paid for
    /// as a host function.
    pub(super) fn wasi(&mut self) -> &mut EmptyWasi {
        self.note_host_call(0);
        self.wasi.get_or_insert_with(|| Box::new(EmptyWasi::new(&self.moment)))
    }
}

impl<W: Send> types::Host for CallState<W> {}

impl<W: Send> log::Host for CallState<W> {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.charge(message.len())?;
        let level = match level {
            log::Level::Trace => "trace",
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        self.log.add(level, &message);
        Ok(())
    }
}

impl<W: Send> settings::Host for CallState<W> {
    fn get(&mut self) -> wasmtime::Result<String> {
        self.charge(self.settings.as_str().len())?;
        Ok(self.settings.as_str().to_owned())
    }
}

/// What runs calls.
pub(super) struct Caller {
    pub(super) engine: Engine,
    pub(super) ticker: Ticker,
    /// Only ever read to report how long a call took.
    pub(super) clock: Arc<dyn Clock>,
}

/// A call that has ended.
pub(super) struct Ended<W, R> {
    /// The answer.
    pub(super) result: Result<R, PluginFailure>,
    /// What it cost and said.
    pub(super) report: CallReport,
    /// What is left of the kind's own state.
    pub(super) world: W,
}

impl Caller {
    /// Runs `body` in a store of its own. `body` instantiates and calls; its inner error is
    /// what the plugin said itself.
    pub(super) fn run<W: Send + 'static, R>(
        &self,
        limits: &CallLimits,
        state: CallState<W>,
        body: impl FnOnce(&mut Store<CallState<W>>) -> wasmtime::Result<Result<R, String>>,
    ) -> Ended<W, R> {
        let started = self.clock.monotonic();
        let ticking = self.ticker.call_begins();
        let mut store = Store::new(&self.engine, state);
        let answer = prepare(&mut store, limits).and_then(|()| body(&mut store));
        drop(ticking);
        let left = store.get_fuel().unwrap_or(0).min(limits.fuel);
        let mut state = store.into_data();
        let mut result = match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(message)) => Err(guest(&message)),
            Err(error) => Err(classify(&error, limits)),
        };
        // Instructions and host work are added up at the clock's ticks. However the call ended in
        // between, it ended over its limit, on a fast machine as on a slow one.
        if let Err(over) = state.check_fuel(left)
            && !result.as_ref().is_err_and(PluginFailure::is_host_fault)
        {
            result = Err(classify(&over, limits));
        }
        let fuel = (limits.fuel - left).saturating_add(state.host_fuel);
        if let Some(wasi) = state.wasi.take() {
            wasi.flush_into(&mut state.log);
        }
        let (log, log_dropped) = state.log.finish();
        let report = CallReport {
            fuel: fuel.min(limits.fuel),
            wall_us: u64::try_from(self.clock.monotonic().saturating_sub(started).as_micros()).unwrap_or(u64::MAX),
            memory_bytes: state.meter.memory_bytes(),
            log,
            log_dropped,
        };
        Ended { result, report, world: state.world }
    }
}

/// Puts `limits` on a store.
pub(super) fn prepare<W: Send + 'static>(store: &mut Store<CallState<W>>, limits: &CallLimits) -> wasmtime::Result<()> {
    store.limiter(|state| &mut state.meter);
    store.set_fuel(limits.fuel)?;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        let left = store.get_fuel()?;
        store.data().check_fuel(left)?;
        store.data_mut().tick()?;
        Ok(UpdateDeadline::Continue(1))
    });
    store.set_hostcall_fuel(limits.transfer_bytes);
    store.set_max_component_handles(HANDLES_MAX);
    Ok(())
}

/// Ticks that are at least `wall` long: the first one may end at once.
fn ticks(wall: Duration) -> u64 {
    u64::try_from(wall.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX).saturating_add(1)
}
