//! WASI 0.2 with nothing in it, for components whose language brings it along.
//!
//! No files, no environment, no arguments, no network. Standard input is empty; standard output
//! and error go to the plugin's log. Time stands at the moment of the call and randomness is
//! seeded from it, so that the same call does the same again. Nothing blocks: waiting for a
//! moment moves the monotonic clock there at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rand_core::{Infallible, TryRng};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWrite;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult, subscribe};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use super::call::CallState;
use super::plugin_log::{LINE_BYTES_MAX, LINES_MAX, PluginLog};
use super::runtime::HANDLES_MAX;
use crate::domain::time::Timestamp;

/// Most bytes of standard output, and of standard error, that are kept.
const OUTPUT_BYTES_MAX: usize = LINE_BYTES_MAX * LINES_MAX;

/// Most bytes of one write.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Most random bytes one call of `get-random-bytes` gives.
const RANDOM_BYTES_MAX: u64 = 4 * 1024;

/// When a call happens, as far as the component can tell.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// The time of the event, or of the request.
    pub(super) at: Timestamp,
    /// What makes this call's randomness differ from another's: ids of what it is about.
    pub(super) seed: String,
}

/// The WASI of one call.
pub(super) struct EmptyWasi {
    context: WasiCtx,
    table: ResourceTable,
    monotonic: StandingClock,
    output: Output,
    errors: Output,
}

impl EmptyWasi {
    /// A WASI that stands at `moment`.
    pub(super) fn new(moment: &Moment) -> Self {
        let (output, errors) = (Output::default(), Output::default());
        let monotonic = StandingClock::default();
        let seed: [u8; 32] = Sha256::digest(format!("{}\0{}", moment.at.as_millis(), moment.seed)).into();
        let mut insecure_seed = [0; 16];
        insecure_seed.copy_from_slice(&seed[..16]);
        let context = WasiCtx::builder()
            .stdout(output.clone())
            .stderr(errors.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .wall_clock(StandingWallClock(moment.at))
            .monotonic_clock(monotonic.clone())
            .secure_random(SeededBytes::new(seed, b's'))
            .insecure_random(SeededBytes::new(seed, b'i'))
            .insecure_random_seed(u128::from_le_bytes(insecure_seed))
            .max_random_size(RANDOM_BYTES_MAX)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self { context, table, monotonic, output, errors }
    }

    /// Moves what was written to standard output and error into the plugin's log.
    pub(super) fn flush_into(self, log: &mut PluginLog) {
        for (level, pipe) in [("info", &self.output), ("warn", &self.errors)] {
            for line in String::from_utf8_lossy(&pipe.kept()).lines().filter(|line| !line.is_empty()) {
                log.add(level, line);
            }
        }
    }
}

impl<W: Send + 'static> WasiView for CallState<W> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi();
        WasiCtxView { ctx: &mut wasi.context, table: &mut wasi.table }
    }
}

/// Links WASI, with a monotonic clock of its own in place of the one that really waits.
pub(super) fn link<W: Send + 'static>(linker: &mut Linker<CallState<W>>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<_, HasSelf<CallState<W>>>(linker, |state| state)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl<W: Send + 'static> monotonic_clock::Host for CallState<W> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.wasi().monotonic.now())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let wasi = self.wasi();
        wasi.monotonic.0.fetch_max(when, Ordering::Relaxed);
        let passed = wasi.table.push(Passed)?;
        subscribe(&mut wasi.table, passed)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let when = self.wasi().monotonic.now().saturating_add(duration);
        self.subscribe_instant(when)
    }
}

/// A moment that has been reached.
struct Passed;

#[wasmtime_wasi::async_trait]
impl Pollable for Passed {
    async fn ready(&mut self) {}
}

/// Nanoseconds that the component has waited for; nothing else moves it.
#[derive(Clone, Default)]
struct StandingClock(Arc<AtomicU64>);

impl HostMonotonicClock for StandingClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct StandingWallClock(Timestamp);

impl HostWallClock for StandingWallClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.as_millis())
    }
}

/// Takes whatever is written and keeps the beginning of it.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn kept(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    /// Only WASI 0.3 asks for it, and that is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = OUTPUT_BYTES_MAX - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

/// SHA-256 over seed and counter, block by block: the same bytes on every machine and in every
/// version, which no generator of a library promises.
struct SeededBytes {
    seed: [u8; 32],
    purpose: u8,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl SeededBytes {
    fn new(seed: [u8; 32], purpose: u8) -> Self {
        Self { seed, purpose, counter: 0, block: [0; 32], used: 32 }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            if self.used == self.block.len() {
                let hash = Sha256::new_with_prefix(self.seed)
                    .chain_update([self.purpose])
                    .chain_update(self.counter.to_le_bytes());
                self.block = hash.finalize().into();
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
        bytes
    }
}

impl TryRng for SeededBytes {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        for byte in buffer {
            [*byte] = self.take();
        }
        Ok(())
    }
}
