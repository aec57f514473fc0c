//! What the engine asks of others: the traits it owns and somebody else implements.
//!
//! The plugin host implements [`Plugins`]; the engine knows no component runtime. A client of a model's endpoint
//! implements [`Embedder`], and one of receivers [`Postman`]; the engine knows no protocol.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::domain::artifact::{Artifact, Digest};
use crate::domain::board::Board;
use crate::domain::command::Command;
use crate::domain::event::Input;
use crate::domain::gate::{Finding, GateName, Outcome};
use crate::domain::id::{ArtifactId, MissionId, WorkItemId, WorkspaceId};
use crate::domain::json::Json;
use crate::domain::memory::vector::Vector;
use crate::domain::mission::Bindings;
use crate::domain::plugin::{Binding, PluginFacts, PluginFailure, PluginKind};
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Secret, WebhookEndpoint};

/// Why there is no vector of a text. It holds nothing of the text, nor of what was answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingFailure {
    /// It failed a moment ago, and is left alone until it may have recovered.
    #[error("it was not asked, because it failed a moment ago")]
    Resting,
    /// It took too long.
    #[error("it did not answer within {0} ms")]
    TimedOut(u64),
    /// It cannot be reached, or broke off.
    #[error("it cannot be reached")]
    Unreachable,
    /// It answered something else than 200.
    #[error("it answered with the status {0}")]
    Refused(u16),
    /// It answered more than a vector.
    #[error("its answer has more than {0} bytes")]
    TooLarge(usize),
    /// It answered no vector.
    #[error("its answer holds no vector")]
    Malformed,
    /// It answered another vector than was configured.
    #[error("its vector has {found} numbers where {wanted} are configured")]
    Dimensions {
        /// How many it has.
        found: usize,
        /// How many it should have.
        wanted: usize,
    },
}

/// Makes vectors of texts.
pub trait Embedder: Send + Sync {
    /// The model's name: only vectors of one model are compared.
    fn model(&self) -> &str;

    /// The vector of a text, which may be cut where the model reads no further.
    fn embed<'e>(&'e self, text: &'e str) -> BoxFuture<'e, Result<Vector, EmbeddingFailure>>;
}

/// An [`Embedder`] among options.
#[derive(Clone)]
pub struct SharedEmbedder(pub Arc<dyn Embedder>);

impl fmt::Debug for SharedEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedEmbedder({})", self.0.model())
    }
}

impl PartialEq for SharedEmbedder {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SharedEmbedder {}

/// Where a webhook posts to, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// All of it, in the one form that everybody reads the same.
    pub url: String,
    /// Scheme, host and port.
    pub origin: String,
}

impl Address {
    /// An endpoint's.
    pub fn of_row(endpoint: &WebhookEndpoint) -> Self {
        Self { url: endpoint.url.clone(), origin: endpoint.origin.clone() }
    }
}

/// One attempt at a delivery.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'l> {
    /// The delivery's id, the same at each attempt.
    pub id: &'l str,
    /// Where to.
    pub url: &'l str,
    /// What it is signed with.
    pub secret: &'l Secret,
    /// What is posted, byte for byte.
    pub body: &'l str,
    /// When: part of what is signed.
    pub at: Timestamp,
}

/// What came of an attempt. Texts are the host's own and tell nothing of what was answered, nor the address's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It was answered.
    Answered {
        /// With this status.
        status: u16,
        /// And the wish to be left alone for so many milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// It was not, and may be another time.
    Unanswered(String),
    /// Nothing was sent, and nothing will be: the address is none that may be reached.
    Refused(String),
}

/// Posts to addresses outside, and to no others.
pub trait Postman: Send + Sync {
    /// Looks at an address that an operator names, without asking anybody about it.
    ///
    /// # Errors
    /// What is wrong with it and what would be right, as the end of a sentence that begins with `url`.
    fn address(&self, url: &str) -> Result<Address, String>;

    /// Makes one attempt; over within [`crate::domain::webhook::ATTEMPT_MAX_MS`].
    fn post<'p>(&'p self, letter: Letter<'p>) -> BoxFuture<'p, Sent>;
}

/// A [`Postman`] among options.
#[derive(Clone)]
pub struct SharedPostman(pub Arc<dyn Postman>);

impl fmt::Debug for SharedPostman {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedPostman")
    }
}

/// One line of a plugin's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// The line, cut after 4,096 bytes.
    pub message: String,
}

/// What a call cost and said, whether it succeeded or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallReport {
    /// Fuel used.
    pub fuel: u64,
    /// Wall time in microseconds, instantiation included.
    pub wall_us: u64,
    /// High-water mark over all memories of the instance, in bytes.
    pub memory_bytes: u64,
    /// The plugin's log; at most 256 lines.
    pub log: Vec<LogLine>,
    /// Lines beyond those.
    pub log_dropped: u64,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// How.
    pub failure: PluginFailure,
    /// What it cost and said until then.
    pub report: CallReport,
}

/// A reducer's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reduction {
    /// The commands in the order issued.
    pub commands: Vec<Command>,
    /// What the call cost and said.
    pub report: CallReport,
}

/// What a reducer is called with.
#[derive(Debug, Clone)]
pub enum ReducerCall {
    /// The mission is created.
    Init,
    /// The mission is told something; `seq` is its place in the history.
    OnEvent {
        /// Its place in the history.
        seq: u64,
        /// What happened.
        input: Input,
    },
}

/// What a gate is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateCall {
    /// The gate.
    pub gate: GateName,
    /// The mission.
    pub mission_id: MissionId,
    /// The work item.
    pub work_item_id: WorkItemId,
    /// The attempt.
    pub attempt: u32,
    /// When the verdict was asked for.
    pub requested_at: Timestamp,
    /// What is judged, in order.
    pub artifacts: Vec<Artifact>,
    /// JSON object: `title`, `detail`, `metadata`, `run_summary`.
    pub data: Json,
}

/// A gate's answer; the host makes a verdict of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// `Pass`, `Fail` or `NeedsHuman`; never `Error`.
    pub outcome: Outcome,
    /// One line, cut after 1,024 bytes.
    pub summary: String,
    /// At most 1,000.
    pub findings: Vec<Finding>,
    /// JSON object; `omitted` counts findings beyond those.
    pub data: Json,
    /// What the call cost and said.
    pub report: CallReport,
}

/// A stretch of text a scrubber wants replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Redaction {
    /// What it is.
    pub kind: String,
    /// First byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// 0 to 1.
    pub confidence: f32,
    /// What stands there instead.
    pub replacement: String,
}

/// A scrubber's answer, checked: redactions are sorted, disjoint and on character boundaries.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrubReport {
    /// The text must not be kept at all.
    pub blocked: bool,
    /// One line.
    pub summary: String,
    /// What to replace.
    pub redactions: Vec<Redaction>,
    /// JSON object.
    pub data: Json,
    /// What the call cost and said.
    pub report: CallReport,
}

/// Reads the artifacts of one gate call. Called from a thread that may block.
pub trait ArtifactSource: Send + Sync {
    /// Up to `length` bytes from `offset` on; empty past the end.
    ///
    /// # Errors
    /// A sentence, when storage failed.
    fn read(&self, id: &ArtifactId, offset: u64, length: u32) -> Result<Vec<u8>, String>;
}

/// Largest file of a template, in bytes.
pub const TEMPLATE_MAX_BYTES: usize = 256 * 1024;

/// A mission template, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// What `POST /mission` takes, but for `start`, with `{{NAME}}` where arguments go.
    pub content: Json,
}

/// Where mission templates come from.
pub trait Templates: std::fmt::Debug + Send + Sync + 'static {
    /// The template of this name in a workspace; blocks for as long as it takes to read a file. `name` has no
    /// separators of paths and begins with no dot.
    ///
    /// # Errors
    /// A sentence that begins with the file, when it is there and cannot be read.
    fn template(&self, workspace: &WorkspaceId, name: &str) -> Result<Option<Template>, String>;
}

/// Why a component is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginRefusal {
    /// Where it fell through: `load`, `compile` or `self_test`.
    pub stage: String,
    /// What is wrong, and what to do about it.
    pub message: String,
    /// Whether it is this host's doing, and trying again may help.
    pub is_host_fault: bool,
}

/// Why a component cannot be bound with some settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindRefusal {
    /// It decides something else.
    WrongKind(PluginKind),
    /// The settings do not fit its schema: JSON pointers (RFC 6901) and what is wrong there.
    Settings(Vec<(String, String)>),
    /// It refuses the settings, in its words, or cannot be loaded.
    Refused(String),
    /// This host could not find out.
    HostFault(String),
}

/// Calls components. Every method blocks its thread for as long as the component may run (see
/// the plugin host's limits), so call it from `spawn_blocking`.
pub trait Plugins: Send + Sync + 'static {
    /// Whether a component can be called without being installed first.
    fn is_installed(&self, digest: &Digest) -> bool;

    /// Installs a component that was kept beside a mission.
    ///
    /// # Errors
    /// A sentence, when it is no longer taken.
    fn install(&self, bytes: Vec<u8>) -> Result<(), String>;

    /// What a component says of itself, and everything that can be checked without compiling it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(&self, bytes: &[u8]) -> Result<PluginFacts, PluginRefusal>;

    /// Compiles a component that somebody uploaded where it can do no harm, and calls it for the first time. It is
    /// installed then. Answers a JSON object: what came of the calls.
    ///
    /// # Errors
    /// What is wrong with it.
    fn first_call(&self, bytes: Vec<u8>) -> Result<Json, PluginRefusal>;

    /// The same for a component that is only to be tried: it can be called by its digest until it is let go as often
    /// as it was held, and is kept nowhere.
    ///
    /// # Errors
    /// What is wrong with it.
    fn hold(&self, bytes: Vec<u8>) -> Result<(), PluginRefusal>;

    /// Lets a component go that was held.
    fn let_go(&self, digest: &Digest);

    /// The components that come with the host.
    fn built_in(&self) -> Vec<PluginFacts>;

    /// Binds `settings` to an installed component, which may judge them.
    ///
    /// # Errors
    /// Why it cannot be bound with these settings.
    fn bind_pinned(&self, digest: &Digest, kind: PluginKind, settings: &Json) -> Result<Binding, BindRefusal>;

    /// The bytes of an installed component.
    fn component(&self, digest: &Digest) -> Option<Vec<u8>>;

    /// The components of missions that the host makes by itself: the built-in reducer and gates,
    /// with their settings' defaults.
    ///
    /// # Errors
    /// A sentence, when this host lacks one of them.
    fn standard_bindings(&self) -> Result<Bindings, String>;

    /// Calls a reducer on a board.
    fn reduce(&self, binding: &Binding, board: Arc<Board>, call: ReducerCall) -> Result<Reduction, CallFailure>;

    /// Calls a gate.
    fn evaluate(
        &self,
        binding: &Binding,
        call: GateCall,
        artifacts: Arc<dyn ArtifactSource>,
    ) -> Result<Judgement, CallFailure>;

    /// Calls a scrubber. `data`: `tier`, `classification`, `kind`.
    fn scrub(&self, binding: &Binding, text: &str, data: &Json) -> Result<ScrubReport, CallFailure>;
}
