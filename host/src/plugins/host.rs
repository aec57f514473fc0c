//! The host of plugins: what is installed, what is bound, and the three kinds of calls.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::apart::Compiler;
use super::cache::Cache;
use super::call::Caller;
use super::component::{Installed, Kept, Linked, Workshop};
use super::inspect::{self, Inspection};
use super::limits::Limits;
use super::manifest::Manifest;
use super::permits::Permits;
use super::ticker::Ticker;
use super::{
    BindError, LoadError, PluginHostError, builtin, check, first_call, gate, reducer, registry, runtime, scrubber,
    settings, world,
};
use crate::clock::Clock;
use crate::domain::artifact::Digest;
use crate::domain::board::Board;
use crate::domain::gate::GateName;
use crate::domain::json::Json;
use crate::domain::mission::Bindings;
use crate::domain::plugin::{Binding, PluginFacts, PluginFailure, PluginKind};
use crate::engine::ports::{
    ArtifactSource, BindRefusal, CallFailure, CallReport, GateCall, Judgement, PluginRefusal, Plugins, ReducerCall,
    Reduction, ScrubReport,
};

/// What a [`PluginHost`] is made of.
pub struct PluginHostOptions {
    /// Where compiled components are kept, made with mode 0700; none to compile each time.
    pub cache_dir: Option<PathBuf>,
    /// What a call may use.
    pub limits: Limits,
    /// Read to report how long calls take, and for nothing else.
    pub clock: Arc<dyn Clock>,
    /// The program that compiles what does not come with the host; without one this process does.
    pub compiler: Option<Compiler>,
}

/// A component that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginInfo {
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: usize,
}

/// Loads components and calls them. Every method may block for as long as a component may
/// compile or run, so none is for a thread that drives async tasks. Dropping it ends its thread.
pub struct PluginHost {
    limits: Limits,
    is_pooled: bool,
    caller: Caller,
    workshop: Workshop,
    installed: RwLock<HashMap<Digest, Arc<Installed>>>,
    /// Components that are only tried, and how often each is held.
    held: Mutex<HashMap<Digest, (Arc<Installed>, usize)>>,
    reducers: Permits,
    gates: Permits,
    scrubbers: Permits,
}

impl PluginHost {
    /// A host with the built-in plugins installed, none of them compiled yet.
    ///
    /// A cache directory that cannot be used is a warning in the log and not an error, and so is
    /// a machine without the address space for pooled instances.
    ///
    /// # Errors
    /// The machine cannot run compiled components, or has no thread left.
    pub fn new(options: PluginHostOptions) -> Result<Self, PluginHostError> {
        let engine_error = |error: wasmtime::Error| PluginHostError::Engine(error.into_boxed_dyn_error());
        let (engine, unpooled) = runtime::engine(&options.limits).map_err(engine_error)?;
        let is_pooled = unpooled.is_none();
        if let Some(reason) = unpooled {
            tracing::warn!(%reason, "plugins run without pooled instances, which makes each call slower");
        }
        let (cache, unusable) = Cache::open(options.cache_dir, &engine);
        if let Some(reason) = unusable {
            tracing::warn!(%reason, "compiled plugins are not kept, since their directory cannot be used");
        }
        let ticker = Ticker::start(&engine).map_err(PluginHostError::Ticker)?;
        let host = Self {
            workshop: Workshop::new(&engine, cache, options.compiler, options.limits.compiles_max)
                .map_err(engine_error)?,
            caller: Caller { engine, ticker, clock: options.clock },
            installed: RwLock::default(),
            held: Mutex::default(),
            reducers: Permits::new(options.limits.reducer.calls_max),
            gates: Permits::new(options.limits.gate.calls_max),
            scrubbers: Permits::new(options.limits.scrubber.calls_max),
            limits: options.limits,
            is_pooled,
        };
        for (name, bytes) in builtin::BUILTINS {
            host.add_builtin(bytes).map_err(|source| PluginHostError::Builtin { name, source })?;
        }
        Ok(host)
    }

    /// Whether instances come from a pool; otherwise each call takes several times as long.
    pub fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// Reads a component without compiling or installing it.
    ///
    /// # Errors
    /// It is no component, damaged, too large, or has no usable manifest. That it fits its world
    /// is not checked here, so that one that does not can be looked at.
    pub fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
        inspect::inspect(bytes)
    }

    /// Installs a component. Installing one twice changes nothing.
    ///
    /// Everything is checked that can be without compiling; [`Self::prepare`] does the rest.
    ///
    /// # Errors
    /// What is wrong with it, and what to do about it.
    pub fn install(&self, bytes: impl Into<Vec<u8>>) -> Result<PluginInfo, LoadError> {
        let bytes = bytes.into();
        let installed = self.add(checked(&bytes)?, Cow::Owned(bytes));
        installed.name();
        Ok(info(&installed))
    }

    /// Compiles a component in this process, calling it for the first time if `calls` says so: for a process that
    /// does nothing else.
    ///
    /// # Errors
    /// What is wrong with it, and what to do about it.
    pub(super) fn compile_here(&self, bytes: &[u8], calls: bool) -> Result<(Vec<u8>, Json), LoadError> {
        let Inspection { manifest, .. } = checked(bytes)?;
        let first_calls = |linked: &Linked| {
            if calls {
                first_call::make(&self.caller, &self.limits, &manifest, linked)
            } else {
                Ok(Json::empty_object())
            }
        };
        self.workshop.compile_here(manifest.kind, bytes, first_calls)
    }

    /// Compiles a component that somebody uploaded, calls it for the first time, and has it at hand from then on.
    ///
    /// # Errors
    /// What is wrong with it, and what to do about it.
    pub(super) fn try_out(&self, bytes: Vec<u8>) -> Result<Json, LoadError> {
        let inspection = checked(&bytes)?;
        let manifest = &inspection.manifest;
        let (linked, told) = self.workshop.try_out(manifest.kind, Kept::As(&inspection.digest), &bytes, |linked| {
            first_call::make(&self.caller, &self.limits, manifest, linked)
        })?;
        self.add(inspection, Cow::Owned(bytes)).link(linked);
        Ok(told)
    }

    /// Does the same with a component that is only to be tried, and keeps it in memory until it is let go.
    fn try_and_hold(&self, bytes: Vec<u8>) -> Result<(), LoadError> {
        let inspection = checked(&bytes)?;
        let digest = inspection.digest.clone();
        if let Some((_, count)) = self.held.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&digest) {
            *count += 1;
            return Ok(());
        }
        let manifest = &inspection.manifest;
        let (linked, _) = self.workshop.try_out(manifest.kind, Kept::Nowhere, &bytes, |linked| {
            first_call::make(&self.caller, &self.limits, manifest, linked)
        })?;
        let component = Installed::new(inspection.manifest, digest.clone(), Cow::Owned(bytes), 0);
        component.link(linked);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(digest).or_insert_with(|| (Arc::new(component), 0)).1 += 1;
        Ok(())
    }

    /// Has a component at hand that was kept beside whoever is pinned to it.
    fn keep(&self, bytes: Vec<u8>) -> Result<(), LoadError> {
        self.add(checked(&bytes)?, Cow::Owned(bytes));
        Ok(())
    }

    /// Compiles an installed component now, or loads it from the cache; otherwise the first call
    /// does. Costs milliseconds from the cache, up to half a minute for large components.
    ///
    /// # Errors
    /// It is not installed, does not compile, or does not fit its world.
    pub fn prepare(&self, digest: &Digest) -> Result<(), LoadError> {
        let not_installed = || LoadError::NotInstalled { digest: digest.to_string() };
        self.find(digest).ok_or_else(not_installed)?.ready(&self.workshop).map(|_| ())
    }

    /// What is installed, by name, the newest version first; of one version the last installed.
    pub fn installed(&self) -> Vec<PluginInfo> {
        let installed = self.installed.read().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<&Arc<Installed>> = installed.values().filter(|component| component.is_named()).collect();
        sorted.sort_by(|a, b| {
            let newest_first = version(&b.manifest).cmp(&version(&a.manifest));
            a.manifest.name.cmp(&b.manifest.name).then(newest_first).then(b.order.cmp(&a.order))
        });
        sorted.into_iter().map(info).collect()
    }

    /// Binds `settings` to the component that `selector` names: a name (its newest version),
    /// `name@version`, or a digest of 64 digits. Compiles nothing: [`Self::check_binding`] does,
    /// and has the plugin itself judge the settings.
    ///
    /// # Errors
    /// Nothing or something else answers to `selector`, or the settings do not fit the plugin's
    /// schema.
    pub fn bind(&self, selector: &str, kind: PluginKind, settings: &Json) -> Result<Binding, BindError> {
        let component = self.select(selector, kind)?;
        let binding = Binding {
            name: component.manifest.name.clone(),
            version: component.manifest.version.clone(),
            digest: component.digest.clone(),
            settings: settings.clone(),
        };
        settings::check(&component.manifest.settings_schema, settings)
            .map_err(|problems| BindError::Settings { plugin: binding.label(), problems })?;
        Ok(binding)
    }

    /// Has the component of `binding` compiled, or loaded from the cache, and asks it whether its
    /// settings will do.
    ///
    /// # Errors
    /// It is not installed, cannot be loaded, or refuses the settings.
    pub fn check_binding(&self, binding: &Binding) -> Result<(), BindError> {
        let load_error = |source| BindError::Load { plugin: binding.label(), source };
        let component = self
            .find(&binding.digest)
            .ok_or_else(|| load_error(LoadError::NotInstalled { digest: binding.digest.to_string() }))?;
        let linked = component.ready(&self.workshop).map_err(load_error)?;
        let _permit = self.permits(component.manifest.kind).take();
        check::settings(&self.caller, &self.limits, &linked, &binding.settings).map_err(|failure| match failure {
            PluginFailure::Guest { message } => BindError::Refused { plugin: binding.label(), reason: message },
            source => BindError::Check { plugin: binding.label(), source },
        })
    }

    /// Installs a component that comes with the host. A test has installed the same bytes as
    /// anybody's, so that only reading them is left to do at each start.
    fn add_builtin(&self, bytes: &'static [u8]) -> Result<(), LoadError> {
        self.add(inspect::inspect(bytes)?, Cow::Borrowed(bytes)).name();
        Ok(())
    }

    fn add(&self, inspection: Inspection, bytes: Cow<'static, [u8]>) -> Arc<Installed> {
        let mut installed = self.installed.write().unwrap_or_else(PoisonError::into_inner);
        let order = installed.len();
        let digest = inspection.digest.clone();
        let component = || Arc::new(Installed::new(inspection.manifest, inspection.digest, bytes, order));
        Arc::clone(installed.entry(digest).or_insert_with(component))
    }

    fn permits(&self, kind: PluginKind) -> &Permits {
        match kind {
            PluginKind::Reducer => &self.reducers,
            PluginKind::Gate => &self.gates,
            PluginKind::Scrubber => &self.scrubbers,
        }
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<Arc<Installed>> {
        self.find_installed(digest).or_else(|| {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.get(digest).map(|(component, _)| Arc::clone(component))
        })
    }

    fn find_installed(&self, digest: &Digest) -> Option<Arc<Installed>> {
        self.installed.read().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    fn select(&self, selector: &str, kind: PluginKind) -> Result<Arc<Installed>, BindError> {
        if let Some(component) = Digest::parse(selector).and_then(|digest| self.find(&digest)) {
            let found = component.manifest.kind;
            let wrong = || BindError::WrongKind { selector: selector.to_owned(), kind, found };
            return if found == kind { Ok(component) } else { Err(wrong()) };
        }
        let answers = |info: &PluginInfo| {
            let manifest = &info.manifest;
            let full = selector.split_once('@').is_some_and(|(name, v)| name == manifest.name && v == manifest.version);
            selector == manifest.name || full
        };
        let infos = self.installed();
        let named = || infos.iter().filter(|info| answers(info));
        let Some(chosen) = named().find(|info| info.manifest.kind == kind) else {
            return Err(match named().next() {
                Some(other) => BindError::WrongKind { selector: selector.to_owned(), kind, found: other.manifest.kind },
                None => BindError::Unknown { selector: selector.to_owned(), kind, installed: labels(&infos, kind) },
            });
        };
        let unknown = || BindError::Unknown { selector: selector.to_owned(), kind, installed: Vec::new() };
        self.find(&chosen.digest).ok_or_else(unknown)
    }

    /// The component of `binding`, ready to be called.
    fn linked(&self, binding: &Binding) -> Result<Arc<Linked>, CallFailure> {
        let component = self.find(&binding.digest).ok_or_else(|| unavailable(binding, "it is not installed"))?;
        component.ready(&self.workshop).map_err(|error| unavailable(binding, &with_cause(&error)))
    }
}

impl Plugins for PluginHost {
    fn is_installed(&self, digest: &Digest) -> bool {
        self.find_installed(digest).is_some()
    }

    fn install(&self, bytes: Vec<u8>) -> Result<(), String> {
        self.keep(bytes).map_err(|error| with_cause(&error))
    }

    fn read(&self, bytes: &[u8]) -> Result<PluginFacts, PluginRefusal> {
        checked(bytes).map(registry::facts).map_err(|error| registry::refusal(&error))
    }

    fn first_call(&self, bytes: Vec<u8>) -> Result<Json, PluginRefusal> {
        self.try_out(bytes).map_err(|error| registry::refusal(&error))
    }

    fn hold(&self, bytes: Vec<u8>) -> Result<(), PluginRefusal> {
        self.try_and_hold(bytes).map_err(|error| registry::refusal(&error))
    }

    fn let_go(&self, digest: &Digest) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = held.get_mut(digest) {
            *count -= 1;
            if *count == 0 {
                held.remove(digest);
            }
        }
    }

    fn built_in(&self) -> Vec<PluginFacts> {
        registry::built_in()
    }

    fn bind_pinned(&self, digest: &Digest, kind: PluginKind, settings: &Json) -> Result<Binding, BindRefusal> {
        let bound = self.bind(digest.as_str(), kind, settings);
        let checked = bound.and_then(|binding| self.check_binding(&binding).map(|()| binding));
        checked.map_err(registry::bind_refusal)
    }

    fn component(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.find(digest).map(|component| component.bytes.to_vec())
    }

    fn standard_bindings(&self) -> Result<Bindings, String> {
        let bind = |name: &str, kind| {
            self.bind(name, kind, &Json::empty_object()).map_err(|error| format!("{name} cannot be bound: {error}"))
        };
        Ok(Bindings {
            reducer: bind("mission-default", PluginKind::Reducer)?,
            gates: vec![
                (GateName::Review, bind("reviewer", PluginKind::Gate)?),
                (GateName::Test, bind("tester", PluginKind::Gate)?),
            ],
            required: Vec::new(),
        })
    }

    fn reduce(&self, binding: &Binding, board: Arc<Board>, call: ReducerCall) -> Result<Reduction, CallFailure> {
        let linked = self.linked(binding)?;
        let Linked::Reducer(reducer) = &*linked else {
            return Err(unavailable(binding, "it is no reducer"));
        };
        let _permit = self.permits(PluginKind::Reducer).take();
        reducer::reduce(&self.caller, &self.limits.reducer, reducer, &binding.settings, board, call)
    }

    fn evaluate(
        &self,
        binding: &Binding,
        call: GateCall,
        artifacts: Arc<dyn ArtifactSource>,
    ) -> Result<Judgement, CallFailure> {
        let linked = self.linked(binding)?;
        let Linked::Gate(gate) = &*linked else { return Err(unavailable(binding, "it is no gate")) };
        let _permit = self.permits(PluginKind::Gate).take();
        gate::evaluate(&self.caller, &self.limits.gate, gate, &binding.settings, &call, artifacts)
    }

    fn scrub(&self, binding: &Binding, text: &str, data: &Json) -> Result<ScrubReport, CallFailure> {
        let linked = self.linked(binding)?;
        let Linked::Scrubber(scrubber) = &*linked else {
            return Err(unavailable(binding, "it is no scrubber"));
        };
        let _permit = self.permits(PluginKind::Scrubber).take();
        scrubber::scrub(&self.caller, &self.limits.scrubber, scrubber, &binding.settings, text, data)
    }
}

/// Everything that can be checked without compiling.
fn checked(bytes: &[u8]) -> Result<Inspection, LoadError> {
    let inspection = inspect::inspect(bytes)?;
    world::check(&inspection)?;
    settings::check_schema(&inspection.manifest.settings_schema).map_err(|reason| LoadError::Schema { reason })?;
    inspect::validate(bytes)?;
    Ok(inspection)
}

fn info(component: &Arc<Installed>) -> PluginInfo {
    PluginInfo { manifest: component.manifest.clone(), digest: component.digest.clone(), size: component.bytes.len() }
}

/// A manifest's version, to compare; manifests without one are refused when installed.
fn version(manifest: &Manifest) -> Option<semver::Version> {
    semver::Version::parse(&manifest.version).ok()
}

fn labels(infos: &[PluginInfo], kind: PluginKind) -> Vec<String> {
    let of_kind = infos.iter().filter(|info| info.manifest.kind == kind);
    of_kind.map(|info| format!("{}@{}", info.manifest.name, info.manifest.version)).collect()
}

/// What went wrong and why, in one line for somebody who gets no error but words.
pub(super) fn with_cause(error: &LoadError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

fn unavailable(binding: &Binding, reason: &str) -> CallFailure {
    let message = format!("the plugin {} ({}) cannot be called: {reason}", binding.label(), binding.digest);
    CallFailure { failure: PluginFailure::Host { message }, report: CallReport::default() }
}
