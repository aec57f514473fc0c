//! An installed component on its way to being called: its bytes, compiled once, linked once.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::cache::Cache;
use super::call::CallState;
use super::gate::{self, GateInstancePre, GateState};
use super::manifest::Manifest;
use super::permits::Permits;
use super::reducer::{self, ReducerPre, ReducerState};
use super::scrubber::{self, ScrubberInstancePre, ScrubberState};
use super::{LoadError, precompiled, trial};
use crate::domain::artifact::Digest;
use crate::domain::plugin::PluginKind;

/// What compiling and linking needs. One for each host.
pub(super) struct Workshop {
    engine: Engine,
    cache: Cache,
    compiles: Permits,
    reducers: Linker<CallState<ReducerState>>,
    gates: Linker<CallState<GateState>>,
    scrubbers: Linker<CallState<ScrubberState>>,
}

impl Workshop {
    /// Links the worlds once for all components.
    pub(super) fn new(engine: &Engine, cache: Cache, compiles_max: usize) -> wasmtime::Result<Self> {
        Ok(Self {
            engine: engine.clone(),
            cache,
            compiles: Permits::new(compiles_max),
            reducers: reducer::linker(engine)?,
            gates: gate::linker(engine)?,
            scrubbers: scrubber::linker(engine)?,
        })
    }

    /// Compiles and links a component; at most so many at a time as were allowed.
    fn make(&self, kind: PluginKind, digest: &Digest, bytes: &[u8]) -> Result<Linked, LoadError> {
        let _permit = self.compiles.take();
        self.link(kind, &self.compile(digest, bytes)?)
    }

    /// Compiled code of `bytes`, from the cache when it is there.
    fn compile(&self, digest: &Digest, bytes: &[u8]) -> Result<Component, LoadError> {
        if let Some(compiled) = self.cache.read(digest) {
            match precompiled::load(&self.engine, &compiled) {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(%digest, %error, "compiling a component again, since its cached code does not load");
                    self.cache.forget(digest);
                }
            }
        }
        let compiled = self.engine.precompile_component(bytes).map_err(LoadError::compile)?;
        let component = precompiled::load(&self.engine, &compiled).map_err(LoadError::compile)?;
        self.cache.write(digest, &compiled);
        Ok(component)
    }

    fn link(&self, kind: PluginKind, component: &Component) -> Result<Linked, LoadError> {
        let linked = match kind {
            PluginKind::Reducer => self.reducers.instantiate_pre(component).and_then(reducer::pre).map(Linked::Reducer),
            PluginKind::Gate => self.gates.instantiate_pre(component).and_then(gate::pre).map(Linked::Gate),
            PluginKind::Scrubber => {
                self.scrubbers.instantiate_pre(component).and_then(scrubber::pre).map(Linked::Scrubber)
            }
        };
        let fitting = linked.and_then(|linked| trial::check(&linked).map(|()| linked));
        fitting.map_err(|error| LoadError::Unfit { kind, reason: format!("{error:#}") })
    }
}

/// A component, ready to be instantiated in its world.
pub(super) enum Linked {
    /// A reducer.
    Reducer(ReducerPre),
    /// A gate.
    Gate(GateInstancePre),
    /// A scrubber.
    Scrubber(ScrubberInstancePre),
}

/// An installed component.
pub(super) struct Installed {
    /// What it says of itself.
    pub(super) manifest: Manifest,
    /// SHA-256 of its bytes.
    pub(super) digest: Digest,
    /// Itself: whoever pins a mission to it keeps a copy beside the mission.
    pub(super) bytes: Cow<'static, [u8]>,
    /// Grows with each that is installed: of two builds of one version the later is meant.
    pub(super) order: usize,
    linked: OnceLock<Arc<Linked>>,
    /// Held by whoever compiles, so that others wait instead of compiling too.
    compiling: Mutex<()>,
}

impl Installed {
    /// A component that is yet to be compiled.
    pub(super) fn new(manifest: Manifest, digest: Digest, bytes: Cow<'static, [u8]>, order: usize) -> Self {
        Self { manifest, digest, bytes, order, linked: OnceLock::new(), compiling: Mutex::new(()) }
    }

    /// The component, compiled and linked by whoever comes first; others wait for it.
    ///
    /// # Errors
    /// It does not compile, or not fit its world. The next caller tries again.
    pub(super) fn ready(&self, workshop: &Workshop) -> Result<Arc<Linked>, LoadError> {
        if let Some(linked) = self.linked.get() {
            return Ok(Arc::clone(linked));
        }
        let _one_at_a_time = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(linked) = self.linked.get() {
            return Ok(Arc::clone(linked));
        }
        let linked = Arc::new(workshop.make(self.manifest.kind, &self.digest, &self.bytes)?);
        Ok(Arc::clone(self.linked.get_or_init(|| linked)))
    }
}
