//! Plugins as the rest of the host speaks of them: a binding, and how a call can fail.

use super::artifact::Digest;
use super::id::WorkspaceId;
use super::json::Json;
use super::time::Timestamp;
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

/// What a component says of itself, wants and offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginFacts {
    /// Its name.
    pub name: String,
    /// Its version, as Semantic Versioning has it.
    pub version: String,
    /// What it decides.
    pub kind: PluginKind,
    /// The contract it was built against.
    pub contract: String,
    /// One sentence for operators.
    pub description: String,
    /// JSON Schema of its settings.
    pub settings_schema: Json,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Names it imports.
    pub imports: Vec<String>,
    /// Names it exports.
    pub exports: Vec<String>,
}

impl PluginFacts {
    /// `name@version`, as people read it.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// Most signatures of one component.
pub const SIGNATURES_MAX: usize = 8;

/// Somebody stands behind a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSignature {
    /// The public key, 64 hexadecimal digits.
    pub key: String,
    /// The signature over the component's digest, 128 hexadecimal digits.
    pub signature: String,
    /// Who brought it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
}

/// A component of the registry. Name and version name it; its digest is what is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredPlugin {
    /// What it says of itself.
    pub facts: PluginFacts,
    /// Who stands behind it; at most [`SIGNATURES_MAX`].
    pub signatures: Vec<PluginSignature>,
    /// JSON object: what came of its first calls.
    pub self_test: Json,
    /// The workspace of whoever installed it.
    pub installed_in: WorkspaceId,
    /// Who installed it.
    pub installed_by: String,
    /// When.
    pub installed_at: Timestamp,
    /// Counts changes: signatures, and workspaces that bind it.
    pub revision: u64,
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
