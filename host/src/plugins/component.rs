//! An installed component on its way to being called: its bytes, compiled once, linked once.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::apart::Compiler;
use super::cache::Cache;
use super::call::CallState;
use super::gate::{self, GateInstancePre, GateState};
use super::manifest::Manifest;
use super::permits::Permits;
use super::reducer::{self, ReducerPre, ReducerState};
use super::scrubber::{self, ScrubberInstancePre, ScrubberState};
use super::{LoadError, precompiled, trial};
use crate::domain::artifact::Digest;
use crate::domain::json::Json;
use crate::domain::plugin::PluginKind;

/// Where the compiled code of a component goes that is tried.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kept<'d> {
    /// Into the cache, under the component's digest.
    As(&'d Digest),
    /// Nowhere.
    Nowhere,
}

impl<'d> Kept<'d> {
    fn digest(self) -> Option<&'d Digest> {
        match self {
            Self::As(digest) => Some(digest),
            Self::Nowhere => None,
        }
    }
}

/// What compiling and linking needs. One for each host.
pub(super) struct Workshop {
    engine: Engine,
    cache: Cache,
    compiler: Option<Compiler>,
    compiles: Permits,
    reducers: Linker<CallState<ReducerState>>,
    gates: Linker<CallState<GateState>>,
    scrubbers: Linker<CallState<ScrubberState>>,
}

impl Workshop {
    /// Links the worlds once for all components.
    pub(super) fn new(
        engine: &Engine,
        cache: Cache,
        compiler: Option<Compiler>,
        compiles_max: usize,
    ) -> wasmtime::Result<Self> {
        Ok(Self {
            engine: engine.clone(),
            cache,
            compiler,
            compiles: Permits::new(compiles_max),
            reducers: reducer::linker(engine)?,
            gates: gate::linker(engine)?,
            scrubbers: scrubber::linker(engine)?,
        })
    }

    /// Compiles and links a component; at most so many at a time as were allowed.
    fn make(&self, component: &Installed) -> Result<Linked, LoadError> {
        let _permit = self.compiles.take();
        self.link(component.manifest.kind, &self.compile(component)?)
    }

    /// Compiles a component that nobody has called before, apart from this process where there is a compiler, and
    /// has `calls` make its first calls there or here.
    ///
    /// # Errors
    /// It does not compile, does not fit its world, or falls through its first calls.
    pub(super) fn try_out(
        &self,
        kind: PluginKind,
        kept: Kept<'_>,
        bytes: &[u8],
        calls: impl FnOnce(&Linked) -> Result<Json, LoadError>,
    ) -> Result<(Linked, Json), LoadError> {
        let _permit = self.compiles.take();
        let (compiled, told) = match &self.compiler {
            Some(compiler) => {
                let made = compiler.make(bytes, true)?;
                (made.compiled, Some(made.self_test))
            }
            None => match kept.digest().and_then(|digest| self.cache.read(digest)) {
                Some(compiled) => (compiled, None),
                None => (self.engine.precompile_component(bytes).map_err(LoadError::compile)?, None),
            },
        };
        let component = precompiled::load(&self.engine, &compiled).map_err(LoadError::compile)?;
        let linked = self.link(kind, &component)?;
        let told = match told {
            Some(told) => told,
            None => calls(&linked)?,
        };
        if let Some(digest) = kept.digest() {
            self.cache.write(digest, &compiled);
        }
        Ok((linked, told))
    }

    /// Compiles a component in this process, for another that waits for it, and has `calls` make its first calls.
    ///
    /// # Errors
    /// As [`Self::try_out`].
    pub(super) fn compile_here(
        &self,
        kind: PluginKind,
        bytes: &[u8],
        calls: impl FnOnce(&Linked) -> Result<Json, LoadError>,
    ) -> Result<(Vec<u8>, Json), LoadError> {
        let compiled = self.engine.precompile_component(bytes).map_err(LoadError::compile)?;
        let component = precompiled::load(&self.engine, &compiled).map_err(LoadError::compile)?;
        let told = calls(&self.link(kind, &component)?)?;
        Ok((compiled, told))
    }

    /// Compiled code of `bytes`, from the cache when it is there. Only what comes with the host is compiled in
    /// this process where there is a compiler.
    fn compile(&self, installed: &Installed) -> Result<Component, LoadError> {
        let digest = &installed.digest;
        if let Some(compiled) = self.cache.read(digest) {
            match precompiled::load(&self.engine, &compiled) {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(%digest, %error, "compiling a component again, since its cached code does not load");
                    self.cache.forget(digest);
                }
            }
        }
        let compiled = match (&self.compiler, &installed.bytes) {
            (Some(compiler), Cow::Owned(bytes)) => compiler.make(bytes, false)?.compiled,
            (_, bytes) => self.engine.precompile_component(bytes).map_err(LoadError::compile)?,
        };
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
    /// Whether it answers to its name: what missions and workspaces are pinned to answers to its digest alone.
    is_named: AtomicBool,
    linked: OnceLock<Arc<Linked>>,
    /// Held by whoever compiles, so that others wait instead of compiling too.
    compiling: Mutex<()>,
}

impl Installed {
    /// A component that is yet to be compiled.
    pub(super) fn new(manifest: Manifest, digest: Digest, bytes: Cow<'static, [u8]>, order: usize) -> Self {
        let is_named = AtomicBool::new(false);
        Self { manifest, digest, bytes, order, is_named, linked: OnceLock::new(), compiling: Mutex::new(()) }
    }

    /// It answers to its name from now on.
    pub(super) fn name(&self) {
        self.is_named.store(true, Ordering::Relaxed);
    }

    /// Whether it answers to its name.
    pub(super) fn is_named(&self) -> bool {
        self.is_named.load(Ordering::Relaxed)
    }

    /// It is linked already.
    pub(super) fn link(&self, linked: Linked) {
        self.linked.get_or_init(|| Arc::new(linked));
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
        let linked = Arc::new(workshop.make(self)?);
        Ok(Arc::clone(self.linked.get_or_init(|| linked)))
    }
}
