//! The clock behind the wall limit: a thread that advances the engine's epoch.
//!
//! The epoch is a clock and never an event: advancing it to stop one call would stop its
//! siblings. The thread rests while nothing is called and ends with its owner.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

/// How long one tick of the epoch lasts.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Ticks without a call after which the thread rests.
const IDLE_TICKS: u32 = 100;

struct Shared {
    stopped: AtomicBool,
    resting: AtomicBool,
    calls: AtomicU64,
}

/// Owns the thread.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts ticking for `engine`.
    pub(super) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            stopped: AtomicBool::new(false),
            resting: AtomicBool::new(false),
            calls: AtomicU64::new(0),
        });
        let (engine, seen) = (engine.clone(), Arc::clone(&shared));
        let thread =
            std::thread::Builder::new().name("plugin-ticker".to_owned()).spawn(move || tick(&engine, &seen))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Tells that a call begins, so that there are ticks to stop it until the guard is dropped.
    pub(super) fn call_begins(&self) -> Ticking<'_> {
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.resting.load(Ordering::SeqCst) {
            self.wake();
        }
        Ticking(&self.shared)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

/// A call goes on.
pub(super) struct Ticking<'t>(&'t Shared);

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A ticker that panicked has nothing left to clean up.
            let _ = thread.join();
        }
    }
}

fn tick(engine: &Engine, shared: &Shared) {
    let mut idle = 0;
    while !shared.stopped.load(Ordering::SeqCst) {
        std::thread::park_timeout(TICK);
        engine.increment_epoch();
        idle = if shared.calls.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle >= IDLE_TICKS {
            shared.resting.store(true, Ordering::SeqCst);
            // A call that began before `resting` was set sees nobody to wake; it shows here.
            while shared.calls.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst) {
                std::thread::park();
            }
            shared.resting.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}
