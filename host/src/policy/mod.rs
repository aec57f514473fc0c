//! Who may do what: one table of actions, and the answer for one principal and one thing.
//!
//! It owns the table and nothing else: it reads no request and writes nothing down. Every route
//! of [`crate::http`] is registered under one of these actions; a finer policy will stand behind
//! [`decide`] and change no caller.

use crate::domain::id::WorkspaceId;
use crate::domain::principal::{Credential, Principal, Role};

/// What a thing is, for whoever asks to do something with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource<'r> {
    /// Where it lies.
    pub workspace_id: &'r WorkspaceId,
    /// Whose it is: a mission's maker, a token's principal, whose work an approval is about. `None`
    /// when it belongs to nobody in particular.
    pub owner: Option<&'r str>,
    /// The run it belongs to, for whoever comes with that run's token.
    pub run_id: Option<&'r str>,
}

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// It lies in another workspace, and does not exist for whoever asks.
    #[error("there is no such thing in this workspace")]
    Elsewhere,
    /// The role may not.
    #[error("the role may not do this")]
    Role,
    /// It is somebody else's, and only its owner may.
    #[error("only its owner, a member or an operator may do this")]
    NotOwner,
    /// It is the principal's own, and somebody else has to.
    #[error("nobody decides about their own work")]
    OwnWork,
    /// A run's token speaks for its run alone.
    #[error("a run token speaks for its own run alone")]
    OtherRun,
    /// A run's token reaches the resources of its run, and what its mission was granted.
    #[error(
        "a run token reaches only resources of its run and session, of its mission, and what the mission's capabilities grant"
    )]
    OutOfReach,
}

/// Who of a role may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Nobody.
    No,
    /// Everybody of the role.
    Yes,
    /// Whoever owns the thing.
    Own,
    /// Whoever does not own the thing.
    Others,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The kind of thing it is done to.
    pub resource: &'static str,
    /// Operators.
    pub operator: May,
    /// Members.
    pub member: May,
    /// Agents.
    pub agent: May,
    /// Viewers.
    pub viewer: May,
    /// Whoever comes with a run's token; `Own` is that run.
    pub run: May,
    /// Whether a ticket for streams is enough.
    pub ticket: bool,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $word:literal on $resource:literal:
        $operator:ident $member:ident $agent:ident $viewer:ident $run:ident $(, $ticket:ident)?;)*) => {
        /// What somebody may ask to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$doc])* $action,)*
        }

        impl Action {
            /// Every action, in order.
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            /// Its name, as the audit and the OpenAPI document show it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$action => $word,)* }
            }

            /// Who may.
            pub fn rule(self) -> Rule {
                match self {
                    $(Self::$action => Rule {
                        resource: $resource,
                        operator: May::$operator,
                        member: May::$member,
                        agent: May::$agent,
                        viewer: May::$viewer,
                        run: May::$run,
                        ticket: actions!(@ticket $($ticket)?),
                    },)*
                }
            }
        }
    };
    (@ticket ticket) => { true };
    (@ticket) => { false };
}

actions! {
    //                                            operator member agent viewer run
    /// Make a mission.
    MissionCreate = "mission.create" on "mission":      Yes  Yes  Yes  No  No;
    /// See missions, their items, history and verdicts.
    MissionRead = "mission.read" on "mission":          Yes  Yes  Yes  Yes No;
    /// Start, pause, resume, cancel.
    MissionControl = "mission.control" on "mission":    Yes  Yes  Own  No  No;
    /// Tell a mission what was observed, propose work.
    MissionTell = "mission.tell" on "mission":          Yes  Yes  Yes  No  No;
    /// Run a history through a reducer.
    MissionReplay = "mission.replay" on "mission":      Yes  Yes  No   No  No;
    /// Move a mission to another reducer.
    MissionRebind = "mission.rebind" on "mission":      Yes  No   No   No  No;
    /// See runs.
    RunRead = "run.read" on "run":                      Yes  Yes  Yes  Yes Own;
    /// Take runs, and keep those taken.
    RunClaim = "run.claim" on "run":                    Yes  Yes  Yes  No  No;
    /// Speak for a run: heartbeat, output, artifacts, the end, actions.
    RunHold = "run.hold" on "run":                      No   No   No   No  Own;
    /// Tell of sessions of other engines.
    SessionTell = "session.tell" on "session":          Yes  Yes  Yes  No  No;
    /// Get an artifact's bytes.
    ArtifactRead = "artifact.read" on "artifact":       Yes  Yes  Yes  Yes Yes;
    /// See what waits for people.
    ApprovalRead = "approval.read" on "approval":       Yes  Yes  Yes  Yes No;
    /// Answer for people.
    ApprovalDecide = "approval.decide" on "approval":   Others Others No No No;
    /// See shared resources, and follow them.
    ResourceRead = "resource.read" on "resource":       Yes  Yes  Yes  Yes Yes, ticket;
    /// Write and delete shared resources.
    ResourceWrite = "resource.write" on "resource":     Yes  Yes  Yes  No  Yes;
    /// Say what values of shared resources have to look like.
    ResourceRule = "resource.rule" on "resource":       Yes  No   No   No  No;
    /// See routines and their runs, follow them, ask what a schedule means.
    RoutineRead = "routine.read" on "routine":          Yes  Yes  Yes  Yes No, ticket;
    /// Make, change and delete routines.
    RoutineWrite = "routine.write" on "routine":        Yes  Yes  Own  No  No;
    /// Have routines run outside their schedule, pause and resume their runs.
    RoutineRun = "routine.run" on "routine":            Yes  Yes  Own  No  No;
    /// Answer for runs of routines that wait for a person.
    RoutineDecide = "routine.decide" on "routine":      Yes  Yes  No   No  No;
    /// Find what is remembered; which tiers is the grant's.
    MemoryRead = "memory.read" on "memory":             Yes  Yes  Yes  Yes Yes;
    /// Have something remembered, and see what the scrubber would make of it.
    MemoryWrite = "memory.write" on "memory":           Yes  Yes  Yes  No  Yes;
    /// Have something remembered in a higher tier; an agent does it for a run that was granted it.
    MemoryPromote = "memory.promote" on "memory":       Yes  No   Yes  No  Yes;
    /// Take something back: demote or delete it.
    MemoryRemove = "memory.remove" on "memory":         Yes  Own  Own  No  Own;
    /// See the audit of memory.
    MemoryAudit = "memory.audit" on "memory":           Yes  Yes  No   No  No;
    /// See what a run may be told of what is remembered.
    RunContext = "run.context" on "run":                Yes  Own  Own  No  Own;
    /// See leases.
    LeaseRead = "lease.read" on "lease":                Yes  Yes  Yes  Yes No;
    /// Take a lease.
    LeaseTake = "lease.take" on "lease":                Yes  Yes  Yes  No  No;
    /// Renew a lease, and give it back.
    LeaseHold = "lease.hold" on "lease":                Yes  Own  Own  No  No;
    /// Follow the log.
    EventRead = "event.read" on "event":                Yes  Yes  Yes  Yes No, ticket;
    /// Draw a ticket for streams.
    TicketCreate = "ticket.create" on "ticket":         Yes  Yes  Yes  Yes No;
    /// Issue tokens.
    TokenCreate = "token.create" on "token":            Yes  No   No   No  No;
    /// See tokens; everybody sees their own.
    TokenRead = "token.read" on "token":                Yes  Own  Own  Own No;
    /// End a token.
    TokenRevoke = "token.revoke" on "token":            Yes  Own  Own  Own No;
    /// Give a token a new secret.
    TokenRotate = "token.rotate" on "token":            Yes  Own  Own  Own No;
    /// See the audit.
    AuditRead = "audit.read" on "audit":                Yes  No   No   No  No;
    /// See metrics, the OpenAPI document and what a problem means.
    HostRead = "host.read" on "host":                   Yes  Yes  Yes  Yes No;
}

/// Whether `principal` may do `action` to `resource`.
///
/// # Errors
/// Why not. [`Denial::Elsewhere`] has to look like the thing not being there.
pub fn decide(principal: &Principal, action: Action, resource: Resource<'_>) -> Result<(), Denial> {
    if principal.workspace_id != *resource.workspace_id {
        return Err(Denial::Elsewhere);
    }
    let rule = action.rule();
    let may = match &principal.credential {
        Credential::Ticket { .. } if !rule.ticket => May::No,
        Credential::Token { role, .. } | Credential::Ticket { role, .. } => match role {
            Role::Operator => rule.operator,
            Role::Member => rule.member,
            Role::Agent => rule.agent,
            Role::Viewer => rule.viewer,
        },
        Credential::Owner => rule.operator,
        Credential::Run { run_id, .. } => {
            return match rule.run {
                May::Yes => Ok(()),
                May::Own if resource.run_id == Some(run_id.as_str()) => Ok(()),
                May::Own => Err(Denial::OtherRun),
                May::No | May::Others => Err(Denial::Role),
            };
        }
    };
    let is_own = resource.owner == Some(principal.name.as_str());
    match may {
        May::No => Err(Denial::Role),
        May::Own if !is_own => Err(Denial::NotOwner),
        May::Others if is_own => Err(Denial::OwnWork),
        May::Yes | May::Own | May::Others => Ok(()),
    }
}
