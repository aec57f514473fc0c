//! Why a use case did not happen.

use crate::domain::artifact::Digest;
use crate::domain::lease::NamedLease;
use crate::domain::memory::Tier;
use crate::domain::routine::{OccurrenceState, RoutineStatus};
use crate::domain::rules::Refusal;
use crate::domain::schedule::ScheduleFault;
use crate::policy::TextProblems;
use crate::store::{CommitError, StorageError};
use crate::wire::{FieldError, PartitionProblem};

/// Why a use case did not happen. Nothing was changed unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no such thing in this workspace.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// `mission`, `run`, `approval`, ...
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// A member of the request is not as it should be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A rule forbids it. When a reducer was called the refusal is part of the history.
    #[error(transparent)]
    Refused(Refusal),
    /// The worker no longer holds the run.
    #[error("the lease of run `{run_id}` is lost: {reason}")]
    LeaseLost {
        /// The run.
        run_id: String,
        /// How.
        reason: String,
    },
    /// A shared resource is not as it must be.
    #[error("`{key}` is at revision {current}, not {expected} (0: absent)")]
    ResourceConflict {
        /// Its key.
        key: String,
        /// What was expected; 0 stands for absence.
        expected: u64,
        /// What there is; 0 stands for absence.
        current: u64,
    },
    /// A shared resource that only the host ever writes.
    #[error("`{key}` is kept by the host: it shows how a session stands")]
    ResourceKept {
        /// Its key.
        key: String,
    },
    /// A shared resource that shows who holds a lease, for as long as somebody does.
    #[error("`{key}` is kept by the host as long as the lease is held that it shows")]
    ResourceClaimed {
        /// Its key.
        key: String,
    },
    /// A value that a schema of its workspace forbids.
    #[error("the value of `{key}` does not fit the schema for `{prefix}`: at `{pointer}`: {problem}")]
    ResourceUnfit {
        /// Its key.
        key: String,
        /// For which keys the schema is.
        prefix: String,
        /// JSON pointer (RFC 6901) to the part that does not fit; empty for the whole value.
        pointer: String,
        /// What is wrong.
        problem: String,
    },
    /// A revision of a shared resource whose value cannot be had any more.
    #[error("revision {rev} of `{key}` is no longer kept, or its time is over")]
    RevisionGone {
        /// The key.
        key: String,
        /// The revision.
        rev: u64,
    },
    /// One operation of a batch did not happen, and so none of it did.
    #[error("operation {index} of the batch: {error}")]
    Operation {
        /// Its place, from 0.
        index: usize,
        /// Its key.
        key: String,
        /// Why.
        error: Box<EngineError>,
    },
    /// A run or a session of the host's own, of which only its worker tells.
    #[error("run `{run_id}` is this host's own: its worker tells of it, with the run's token")]
    HostsOwn {
        /// The run.
        run_id: String,
    },
    /// Somebody else has the lease.
    #[error("the lease `{}` is held by `{}` until {}", lease.name, lease.owner, lease.expires_at.0)]
    NameHeld {
        /// How it is held.
        lease: Box<NamedLease>,
    },
    /// The lease is not held any more.
    #[error("the lease `{name}` is not held: it ran out, was given back, or somebody else has it")]
    NameNotHeld {
        /// Its name or its id.
        name: String,
    },
    /// A mission, or a set of schemas, is at another revision than the caller expects.
    #[error("it is at revision {current}, not {expected}")]
    Revision {
        /// What the caller expects.
        expected: u64,
        /// What it is.
        current: u64,
    },
    /// A routine of this id exists already.
    #[error("there is a routine `{id}` already")]
    RoutineTaken {
        /// The id.
        id: String,
    },
    /// When the routine happens cannot be understood.
    #[error("{fault}")]
    RoutineSchedule {
        /// What is wrong with it.
        fault: Box<ScheduleFault>,
    },
    /// A routine that is not enabled was asked to run.
    #[error("routine `{id}` is {status}; enable it first")]
    RoutineNotEnabled {
        /// Its id.
        id: String,
        /// Where it stands.
        status: RoutineStatus,
    },
    /// A routine that may not reach the outside world was asked to. The occurrence is written down
    /// as blocked.
    #[error("routine `{id}` is blocked: {reason}")]
    RoutineBlocked {
        /// Its id.
        id: String,
        /// The occurrence.
        run_id: String,
        /// Why.
        reason: String,
    },
    /// An agent would loosen what keeps a routine in check, or put one to use.
    #[error("only a person may set `{member}` so; what an agent makes is a draft")]
    RoutineDraft {
        /// The member of the request.
        member: &'static str,
    },
    /// More occurrences of a routine wait than may.
    #[error("{waiting} occurrences of routine `{id}` wait already; no more may")]
    RoutineFull {
        /// Its id.
        id: String,
        /// How many wait.
        waiting: usize,
    },
    /// An occurrence does not stand where this could be done to it.
    #[error("run `{run_id}` is {state} and cannot be {wish}")]
    RunState {
        /// The occurrence.
        run_id: String,
        /// Where it stands.
        state: OccurrenceState,
        /// What was asked: `approved`, `paused`, ...
        wish: &'static str,
    },
    /// What was approved is not what the routine is now. The occurrence is called off.
    #[error("routine `{id}` changed since run `{run_id}` asked; the run is called off")]
    RoutineChanged {
        /// Its id.
        id: String,
        /// The occurrence.
        run_id: String,
    },
    /// The mission of an occurrence that waits for a person was told something else.
    #[error("mission `{mission_id}` waits for the approval of its routine's run; nothing else starts or changes it")]
    RoutineApproval {
        /// The mission.
        mission_id: String,
    },
    /// A workspace's policy is none that could hold.
    #[error("the policy has {} {}: {}", .0.0.len(), if .0.0.len() == 1 { "problem" } else { "problems" }, .0)]
    Policy(TextProblems),
    /// A component is not taken into the registry.
    #[error("the component is refused ({stage}): {message}")]
    PluginRefused {
        /// Where it fell through: `load`, `compile` or `self_test`.
        stage: String,
        /// What is wrong, and what to do about it.
        message: String,
    },
    /// The registry has other bytes under this name and version.
    #[error("`{plugin}` is there with other bytes ({digest}); give what you changed a version of its own")]
    PluginTaken {
        /// `name@version`.
        plugin: String,
        /// The digest of what is there.
        digest: String,
    },
    /// A component that somebody needs was to be removed.
    #[error("the component {digest} cannot be removed: {by}")]
    PluginInUse {
        /// Its digest.
        digest: String,
        /// Who needs it.
        by: String,
    },
    /// The workspace has a check going on, on this host.
    #[error("a check of workspace `{workspace_id}` is going on; wait for it to end, which takes at most half a minute")]
    CheckRunning {
        /// The workspace.
        workspace_id: String,
    },
    /// A component cannot be bound as it was asked for.
    #[error("{field}: {message}")]
    PluginUnfit {
        /// The member of the request, as a path.
        field: String,
        /// JSON pointer (RFC 6901) to the value at fault, from the request's root.
        pointer: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A component that no trusted key signed was to be bound where that is required.
    #[error("{field}: `{plugin}` is signed by none of the keys that the workspace trusts")]
    PluginUnsigned {
        /// The member of the request, as a path.
        field: String,
        /// `name@version`.
        plugin: String,
    },
    /// It was decided before, and differently.
    #[error("{0}")]
    Conflict(String),
    /// The host could not call the component. Trying again may help.
    #[error("the host could not call a plugin: {0}")]
    HostFault(String),
    /// What is stored of a component is not what it was, or is gone, so that it is not called. Installing the same
    /// bytes again mends it.
    #[error(
        "what is stored as the component {digest} {}, so that it is not called; install the same bytes again \
         (`sluice plugin push`), which stores them anew",
        stored(found.as_ref())
    )]
    ComponentDamaged {
        /// Whose bytes they should be.
        digest: Digest,
        /// Whose they are; none can be read otherwise.
        found: Option<Digest>,
    },
    /// Somebody else kept changing the same rows. Trying again may help.
    #[error("others kept changing the same rows")]
    Contended,
    /// A capability that is none, or is good no more.
    #[error("the capability is not good: {reason}")]
    CapabilityInvalid {
        /// How.
        reason: &'static str,
    },
    /// A tier that the caller was not granted.
    #[error("tier `{tier}` is not granted to {may}{}", granted(allowed))]
    TierNotGranted {
        /// `write`, `promote to`, ...
        may: &'static str,
        /// Which.
        tier: Tier,
        /// The tiers that are.
        allowed: Vec<Tier>,
    },
    /// Storage failed.
    #[error("storage failed")]
    Storage(#[from] StorageError),
}

impl EngineError {
    /// Whether a schema forbids a value, of a batch or alone.
    pub(super) fn is_unfit(&self) -> bool {
        match self {
            Self::ResourceUnfit { .. } => true,
            Self::Operation { error, .. } => error.is_unfit(),
            _ => false,
        }
    }

    /// Whether a write is refused because this key has no record.
    pub(super) fn tells_absence_of(&self, of: &str) -> bool {
        match self {
            Self::ResourceConflict { key, current: 0, .. } => key == of,
            Self::NotFound { what: "resource", id } => id == of,
            Self::Operation { error, .. } => error.tells_absence_of(of),
            _ => false,
        }
    }

    /// Whether the same request may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::HostFault(_) | Self::ComponentDamaged { .. } | Self::Contended | Self::Storage(_))
    }
}

fn stored(found: Option<&Digest>) -> String {
    found.map_or_else(
        || "is gone or cannot be read".to_owned(),
        |found| format!("was damaged or changed (its bytes are those of {found})"),
    )
}

fn granted(allowed: &[Tier]) -> String {
    if allowed.is_empty() {
        return "; none is here".to_owned();
    }
    let words: Vec<&str> = allowed.iter().map(|tier| tier.as_str()).collect();
    format!("; granted are {}", words.join(", "))
}

/// A partition that a request names is its own or nobody's.
impl From<PartitionProblem> for EngineError {
    fn from(problem: PartitionProblem) -> Self {
        match problem {
            PartitionProblem::Elsewhere => Self::NotFound { what: "partition", id: "of another workspace".to_owned() },
            PartitionProblem::Field(error) => error.into(),
        }
    }
}

/// A conflict is for the caller to look at again; everything else is storage.
pub(super) fn conflict_or_storage(error: CommitError) -> EngineError {
    match error {
        CommitError::Conflict { .. } => EngineError::Contended,
        CommitError::Storage(error) => EngineError::Storage(error),
    }
}
