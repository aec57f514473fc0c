//! Why a component cannot be loaded or bound. How a *call* fails is
//! [`crate::domain::plugin::PluginFailure`].

use super::apart::ApartError;
use super::inspect::COMPONENT_BYTES_MAX;
use super::manifest::ManifestError;
use super::settings::SettingsProblem;
use crate::domain::plugin::{PluginFailure, PluginKind};

/// The host of plugins cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PluginHostError {
    /// The machine cannot run compiled components.
    #[error("set up the engine that runs plugins")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread behind the wall limit did not start.
    #[error("start the plugins' clock")]
    Ticker(#[source] std::io::Error),
    /// A component that comes with the host cannot be loaded.
    #[error("load the built-in plugin `{name}`")]
    Builtin {
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: LoadError,
    },
}

/// A component cannot be loaded. Each case says what is wrong and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is no WebAssembly.
    #[error("the file is not WebAssembly; a plugin is a component (*.wasm)")]
    NotWasm,
    /// It is a core module.
    #[error(
        "the file is a core WebAssembly module, not a component; make one of it with `wasm-tools component new` or build it with `sluice plugin build`"
    )]
    CoreModule,
    /// It is too large.
    #[error("the component has {bytes} bytes; at most {COMPONENT_BYTES_MAX} are allowed")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// Its bytes are not what a component's should be.
    #[error("the component is damaged or uses features this host does not have")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its manifest is missing or cannot be used.
    #[error("read the component's manifest")]
    Manifest(#[from] ManifestError),
    /// The schema of its settings is not one.
    #[error("the manifest's `settings_schema` cannot be used: {reason}")]
    Schema {
        /// Why.
        reason: String,
    },
    /// It exports something else than its kind needs.
    #[error("the manifest says the plugin is a {kind}, which has to export `{expected}`; it exports {found}")]
    WrongWorld {
        /// What it says it is.
        kind: PluginKind,
        /// What that has to export.
        expected: &'static str,
        /// What it exports.
        found: String,
    },
    /// It wants what no plugin of its kind gets.
    #[error("a {kind} may not import {}; plugins reach nothing but what `wit/` offers their kind", imports.join(", "))]
    ForbiddenImports {
        /// What it is.
        kind: PluginKind,
        /// All it wanted beyond its world.
        imports: Vec<String>,
    },
    /// It cannot be compiled.
    #[error("compile the component")]
    Compile(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its functions have other types than its world's.
    #[error("the component does not fit the world of a {kind}: {reason}; rebuild it against this host's `wit/`")]
    Unfit {
        /// What it says it is.
        kind: PluginKind,
        /// Which function, and how.
        reason: String,
    },
    /// The process that compiles uploaded components made nothing of it.
    #[error(transparent)]
    Apart(#[from] ApartError),
    /// It fell through when it was called for the first time.
    #[error("{what} failed")]
    FirstCall {
        /// Which call.
        what: &'static str,
        /// How.
        #[source]
        failure: PluginFailure,
    },
    /// Nothing with this digest is installed.
    #[error("no plugin with the digest {digest} is installed")]
    NotInstalled {
        /// The digest.
        digest: String,
    },
}

impl LoadError {
    pub(super) fn damaged(error: wasmparser::BinaryReaderError) -> Self {
        Self::Damaged(Box::new(error))
    }

    pub(super) fn compile(error: wasmtime::Error) -> Self {
        Self::Compile(error.into_boxed_dyn_error())
    }
}

/// A component cannot be bound with these settings.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// No installed component answers to the selector.
    #[error("no {kind} answers to `{selector}`; installed are {}", if installed.is_empty() { "none".to_owned() } else { installed.join(", ") })]
    Unknown {
        /// A name, `name@version` or a digest.
        selector: String,
        /// The kind wanted.
        kind: PluginKind,
        /// `name@version` of every installed component of that kind.
        installed: Vec<String>,
    },
    /// The component decides something else.
    #[error("`{selector}` is a {found}, and a {kind} is wanted here")]
    WrongKind {
        /// A name, `name@version` or a digest.
        selector: String,
        /// The kind wanted.
        kind: PluginKind,
        /// The kind it is.
        found: PluginKind,
    },
    /// The settings do not fit the plugin's schema.
    #[error("the settings of `{plugin}` do not fit: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings {
        /// `name@version`.
        plugin: String,
        /// Everything that is wrong.
        problems: Vec<SettingsProblem>,
    },
    /// The plugin's own check refused the settings.
    #[error("`{plugin}` refuses the settings: {reason}")]
    Refused {
        /// `name@version`.
        plugin: String,
        /// Its words.
        reason: String,
    },
    /// The plugin's own check failed.
    #[error("check the settings of `{plugin}`")]
    Check {
        /// `name@version`.
        plugin: String,
        /// How.
        #[source]
        source: PluginFailure,
    },
    /// The component cannot be loaded.
    #[error("load `{plugin}`")]
    Load {
        /// `name@version`.
        plugin: String,
        /// Why.
        #[source]
        source: LoadError,
    },
}
