//! Plugins as the rest of the host speaks of them: a binding, and how a call can fail.

use super::artifact::Digest;
use super::json::Json;
use super::word::words;

words! {
    /// What a component decides.
    PluginKind {
        /// How a mission flows.
        Reducer = "reducer",
        /// Whether work passes.
        Gate = "gate",
        /// What is cut from text.
        Scrubber = "scrubber",
    }
}

/// One component with the settings it is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The plugin's name, from its manifest.
    pub name: String,
    /// Its version, from its manifest.
    pub version: String,
    /// The digest of its component: what is really pinned.
    pub digest: Digest,
    /// JSON object: its settings, valid under its schema.
    pub settings: Json,
}

impl Binding {
    /// `name@version`, as people read it.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

words! {
    /// A limit of a plugin's call.
    Limit {
        /// Instructions, counted the same on every machine.
        Fuel = "fuel",
        /// Bytes over all memories and tables of the instance.
        Memory = "memory",
        /// Bytes or entries of what the call returned or issued.
        ResultSize = "result_size",
        /// Depth of the guest's call stack.
        Stack = "stack",
    }
}

/// How a call failed. The four kinds are never mixed: the first three are the plugin's doing
/// and repeat with the same input; a host fault is ours and is retried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginFailure {
    /// The plugin said so itself.
    #[error("the plugin answered with an error: {message}")]
    Guest {
        /// Its words, cut after 4,096 bytes.
        message: String,
    },
    /// The code did what WebAssembly forbids.
    #[error("the plugin trapped: {message}")]
    Trap {
        /// The trap, with the guest's frames where they are known.
        message: String,
    },
    /// It wanted more than it was given.
    #[error("the plugin went over its {limit} limit of {allowed}")]
    Limit {
        /// Which.
        limit: Limit,
        /// How much there was, in the limit's unit.
        allowed: u64,
    },
    /// The host could not carry the call out.
    #[error("the host could not carry the call out: {message}")]
    Host {
        /// What went wrong.
        message: String,
    },
}

impl PluginFailure {
    /// The kind in one word, as history and verdicts record it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Guest { .. } => "guest_error",
            Self::Trap { .. } => "trap",
            Self::Limit { .. } => "limit",
            Self::Host { .. } => "host_fault",
        }
    }

    /// Whether the same call may end differently next time.
    pub fn is_host_fault(&self) -> bool {
        matches!(self, Self::Host { .. })
    }
}
