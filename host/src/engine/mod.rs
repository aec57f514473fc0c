//! Use cases: what happens when somebody creates a mission, a worker finishes a run, a gate
//! answers or a person decides.
//!
//! The engine owns the order of things (facts, reducer, rules, one commit) and is the only
//! module that builds a unit of work. It executes no action, opens no socket and knows no
//! component runtime: storage is [`crate::store`], components are behind [`ports::Plugins`],
//! time and ids come in. Read [`advance`] for the life of one event; [`missions`], [`claims`],
//! [`runs`], [`heartbeats`], [`actions`], [`webhooks`], [`gates`], [`approvals`] and [`timers`] are what the outside calls.

pub mod ports;
pub mod secret;

mod error;
mod boards;
mod components;
mod missions;
mod advance;
mod effects;
mod told;
mod claims;
mod run_inputs;
mod runs;
mod heartbeats;
mod actions;
mod webhooks;
mod gates;
mod approvals;
mod timers;
mod tokens;
mod resources;
mod routines;
mod memory;
mod sessions;
mod retention;
mod unclaimed;
mod rebind;
mod registry;
mod workspaces;
mod audit;
mod policy;
mod replay;
mod check;
mod shadow;

pub use actions::ActionAsk;
pub use advance::Advanced;
pub use approvals::Decision;
pub use audit::{AuditBreak, AuditCheck, Denied};
pub use check::{CheckWatch, PluginCheck, Tried};
pub use claims::{Claim, HELD_RUNS_MAX, HeldRun};
pub use error::EngineError;
pub use gates::{Heard, Hearing};
pub use heartbeats::{BEATS_PER_LEASE, Beaten, Heartbeat};
pub use memory::{
    Destination, EXPIRES_IN_SESSION_MS, Finding, FingerprintKey, LIMIT_DEFAULT, LIMIT_MAX, ListAsk, MemoryCaller,
    MemoryOptions, Removal, RemovalNote, ScrubResult,
};
pub use missions::{NewEvent, NewMission};
pub use policy::{
    DECISIONS_KEPT, PolicyChange, Question, explain_by_policy, policy_preset_of, policy_source_of, policy_view,
    written_question,
};
pub use registry::{FoundPlugin, InstalledPlugin, NewPlugin, Selector};
pub use replay::Candidate;
pub use resources::{
    EndsSeen, LeaseAsk, NamedAnswer, PAGE_MAX_BYTES, ResourceAsk, ResourceOp, ResourcePage, ResourceRequest,
    ResourceRules, RuleChange, RunReach, SCHEMA_MAX_BYTES, SCHEMAS_MAX, VALUES_MAX_BYTES, WRITES_MAX, Written,
};
pub use retention::RoutineName;
pub use routines::{
    Backfill, Maker, NewRoutine, ResumeMissed, RoutineActor, RoutineChange, RunNow, URI_LIST, URI_MAX_BYTES,
};
pub use runs::{FinishReport, FinishStatus, NewRunArtifact, OutputPart};
pub use sessions::{Pass, SessionEvent, SessionTelling, StatusIndexer};
pub use tokens::{CACHE_TTL, Issued, NewToken, TICKET_TTL_MS};
pub use webhooks::WebhookChange;
pub use workspaces::{Bound, WorkspaceChange, WorkspaceMission};

use std::sync::Arc;

use crate::clock::{Clock, Ids};
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::store::Store;

use boards::Boards;
use check::Checks;
use claims::Dispatchers;
use components::Kept;
use gates::{Gathering, Readings};
use heartbeats::Progress;
use memory::CleanNames;
use policy::{Decisions, Policies};
use ports::{Plugins, SharedPostman, Templates};
use registry::Installing;
use resources::{Ends, Rules, Turns};
use sessions::Indexed;
use shadow::Shadows;
use tokens::TokenCache;
use workspaces::{BoundSets, Failures};

/// Code of the refusal of a mission whose component cannot be loaded or refuses its settings.
pub const PLUGIN_UNUSABLE: &str = "PLUGIN_UNUSABLE";

/// The engine of one host process. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    parts: Arc<Parts>,
}

/// What an operator may set of an engine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Milliseconds a question waits for a person before it expires.
    pub approval_ttl_ms: u64,
    /// Milliseconds an event stays in the log; `None` for ever.
    pub log_retention_ms: Option<u64>,
    /// Milliseconds that runs of routines and their history are kept beyond the newest of each routine;
    /// `None` for ever.
    pub routine_retention_ms: Option<u64>,
    /// Where mission templates come from; nowhere without.
    pub templates: Option<Arc<dyn Templates>>,
    /// Of memory.
    pub memory: MemoryOptions,
    /// Who posts to webhooks; without one nothing is delivered from this host.
    pub postman: Option<SharedPostman>,
}

impl Default for EngineOptions {
    /// A week for questions, so that one asked before a holiday can be answered after it; the log and
    /// runs of routines for ever, because nobody should lose them without having said so.
    fn default() -> Self {
        Self {
            approval_ttl_ms: 7 * 24 * 60 * 60 * 1000,
            log_retention_ms: None,
            routine_retention_ms: None,
            templates: None,
            memory: MemoryOptions::default(),
            postman: None,
        }
    }
}

struct Parts {
    options: EngineOptions,
    store: Store,
    plugins: Arc<dyn Plugins>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    host_id: String,
    boards: Boards,
    dispatchers: Dispatchers,
    progress: Progress,
    tokens: TokenCache,
    ends: Ends,
    turns: Turns,
    rules: Rules,
    indexed: Indexed,
    /// When the next routine fires, as far as this host wrote it.
    fires: Ends,
    /// That occurrences ended, as far as this host saw it.
    occurrences_over: Ends,
    clean_names: CleanNames,
    installing: Installing,
    checks: Arc<Checks>,
    shadows: Shadows,
    /// What workspaces bind, as this host read it last.
    bound: BoundSets,
    kept: Kept,
    readings: Readings,
    gathering: Arc<Gathering>,
    failures: Failures,
    policies: Policies,
    decisions: Decisions,
}

impl Engine {
    /// An engine over `store`. `host_id` names this host across restarts: leases granted under it
    /// are its own to end when it starts again.
    pub fn new(store: Store, plugins: Arc<dyn Plugins>, clock: Arc<dyn Clock>, host_id: String) -> Self {
        Self::with_options(store, plugins, clock, host_id, EngineOptions::default())
    }

    /// The same, with what an operator has set.
    pub fn with_options(
        store: Store,
        plugins: Arc<dyn Plugins>,
        clock: Arc<dyn Clock>,
        host_id: String,
        options: EngineOptions,
    ) -> Self {
        let parts = Parts {
            options,
            store,
            plugins,
            clock,
            ids: Ids::default(),
            host_id,
            boards: Boards::default(),
            dispatchers: Dispatchers::default(),
            progress: Progress::default(),
            tokens: TokenCache::default(),
            ends: Ends::default(),
            turns: Turns::default(),
            rules: Rules::default(),
            indexed: Indexed::default(),
            fires: Ends::default(),
            occurrences_over: Ends::default(),
            clean_names: CleanNames::default(),
            installing: Installing::default(),
            checks: Arc::default(),
            shadows: Shadows::default(),
            bound: BoundSets::default(),
            kept: Kept::default(),
            readings: Readings::default(),
            gathering: Arc::default(),
            failures: Failures::default(),
            policies: Policies::default(),
            decisions: Decisions::default(),
        };
        Self { parts: Arc::new(parts) }
    }

    /// Where everything is written down.
    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    /// The clock everything is dated by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.parts.clock
    }

    /// The name of this host.
    pub fn host_id(&self) -> &str {
        &self.parts.host_id
    }

    /// The workspace of a host that has no others.
    pub fn local_workspace() -> WorkspaceId {
        WorkspaceId::new("local")
    }

    /// A new id for a request.
    pub fn new_request_id(&self) -> String {
        self.new_id("req_")
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    fn new_id(&self, prefix: &str) -> String {
        self.parts.ids.next(prefix, self.now())
    }
}
