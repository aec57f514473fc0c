//! The actions there are: what every operation of the API is done as.
//!
//! Who may do them stands in `specs/policy/default.cedar`, and what they are done to in
//! `specs/policy/schema.cedarschema`; a test compares this list with the schema.

use crate::domain::word::words;

words! {
    /// The kinds of things there are to ask about; entity types of the schema.
    ThingKind {
        /// A mission.
        Mission = "Mission",
        /// A run.
        Run = "Run",
        /// A session.
        Session = "Session",
        /// An artifact.
        Artifact = "Artifact",
        /// An approval.
        Approval = "Approval",
        /// A shared resource.
        Resource = "Resource",
        /// A routine.
        Routine = "Routine",
        /// A record of memory.
        Memory = "Memory",
        /// A lease.
        Lease = "Lease",
        /// The workspace's log.
        Event = "Event",
        /// A ticket for streams.
        Ticket = "Ticket",
        /// A token.
        Token = "Token",
        /// The audit.
        Audit = "Audit",
        /// This host: its metrics and documents.
        Host = "Host",
        /// The workspace's policy.
        Policy = "Policy",
        /// A component of the registry.
        Plugin = "Plugin",
        /// What a workspace binds.
        Workspace = "Workspace",
        /// An address that webhooks post to.
        Webhook = "Webhook",
        /// An outside system.
        Connector = "Connector",
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $word:literal on $kind:ident;)*) => {
        words! {
            /// What somebody may ask to do.
            Action {
                $($(#[$doc])* $action = $word,)*
            }
        }

        impl Action {
            /// The kind of thing it is done to.
            pub fn kind(self) -> ThingKind {
                match self { $(Self::$action => ThingKind::$kind,)* }
            }
        }
    };
}

actions! {
    /// Make a mission.
    MissionCreate = "mission.create" on Mission;
    /// Give a mission capabilities: side effects, tiers of memory.
    MissionGrant = "mission.grant" on Mission;
    /// See missions, their items, history and verdicts.
    MissionRead = "mission.read" on Mission;
    /// Start, pause, resume, cancel.
    MissionControl = "mission.control" on Mission;
    /// Tell a mission what was observed, propose work.
    MissionTell = "mission.tell" on Mission;
    /// Run a history through a reducer.
    MissionReplay = "mission.replay" on Mission;
    /// Move a mission to another reducer.
    MissionRebind = "mission.rebind" on Mission;
    /// See runs.
    RunRead = "run.read" on Run;
    /// Take runs, and keep those taken.
    RunClaim = "run.claim" on Run;
    /// Speak for a run: heartbeat, output, artifacts, the end, actions.
    RunHold = "run.hold" on Run;
    /// Tell of sessions of other engines.
    SessionTell = "session.tell" on Session;
    /// Get an artifact's bytes.
    ArtifactRead = "artifact.read" on Artifact;
    /// See what waits for people.
    ApprovalRead = "approval.read" on Approval;
    /// Answer for people.
    ApprovalDecide = "approval.decide" on Approval;
    /// See shared resources, and follow them.
    ResourceRead = "resource.read" on Resource;
    /// Write and delete shared resources.
    ResourceWrite = "resource.write" on Resource;
    /// Say what values of shared resources have to look like.
    ResourceRule = "resource.rule" on Resource;
    /// See routines and their runs, follow them, ask what a schedule means.
    RoutineRead = "routine.read" on Routine;
    /// Make, change and delete routines.
    RoutineWrite = "routine.write" on Routine;
    /// Have routines run outside their schedule, pause and resume their runs.
    RoutineRun = "routine.run" on Routine;
    /// Answer for runs of routines that wait for a person.
    RoutineDecide = "routine.decide" on Routine;
    /// Find what is remembered; which tiers is the grant's.
    MemoryRead = "memory.read" on Memory;
    /// Have something remembered, and see what the scrubber would make of it.
    MemoryWrite = "memory.write" on Memory;
    /// Have something remembered in a higher tier; an agent does it for a run that was granted it.
    MemoryPromote = "memory.promote" on Memory;
    /// Take something back: demote or delete it.
    MemoryRemove = "memory.remove" on Memory;
    /// See the audit of memory.
    MemoryAudit = "memory.audit" on Memory;
    /// See what a run may be told of what is remembered.
    RunContext = "run.context" on Run;
    /// See leases.
    LeaseRead = "lease.read" on Lease;
    /// Take a lease.
    LeaseTake = "lease.take" on Lease;
    /// Renew a lease, and give it back.
    LeaseHold = "lease.hold" on Lease;
    /// Follow the log.
    EventRead = "event.read" on Event;
    /// Draw a ticket for streams.
    TicketCreate = "ticket.create" on Ticket;
    /// Issue tokens.
    TokenCreate = "token.create" on Token;
    /// See tokens; everybody sees their own.
    TokenRead = "token.read" on Token;
    /// End a token.
    TokenRevoke = "token.revoke" on Token;
    /// Give a token a new secret.
    TokenRotate = "token.rotate" on Token;
    /// See the audit.
    AuditRead = "audit.read" on Audit;
    /// See metrics, the OpenAPI document and what a problem means.
    HostRead = "host.read" on Host;
    /// See the workspace's policy, its history, and why something is decided as it is.
    PolicyRead = "policy.read" on Policy;
    /// Change the workspace's policy.
    PolicyWrite = "policy.write" on Policy;
    /// See the registry of components.
    PluginRead = "plugin.read" on Plugin;
    /// Install and remove components.
    PluginWrite = "plugin.write" on Plugin;
    /// See what a component would have decided on the workspace's records.
    PluginCheck = "plugin.check" on Plugin;
    /// See what the workspace binds, and its history.
    WorkspaceRead = "workspace.read" on Workspace;
    /// Change what the workspace binds.
    WorkspaceWrite = "workspace.write" on Workspace;
    /// See the addresses that webhooks post to, and what is delivered there.
    WebhookRead = "webhook.read" on Webhook;
    /// Set and delete those addresses.
    WebhookWrite = "webhook.write" on Webhook;
    /// Act on the outside world; asked by runs and routines, and no operation of the API by itself.
    ConnectorCall = "connector.call" on Connector;
}

impl Action {
    /// Its name, as the audit and the OpenAPI document show it.
    pub fn name(self) -> &'static str {
        self.as_str()
    }

    /// Whether a ticket for streams is enough to ask.
    pub fn takes_tickets(self) -> bool {
        matches!(self, Self::ResourceRead | Self::RoutineRead | Self::EventRead)
    }

    /// Whether it is asked of policy itself, which only the default policies decide about: nobody locks
    /// the operators out.
    pub fn is_about_policy(self) -> bool {
        matches!(self, Self::PolicyRead | Self::PolicyWrite)
    }
}
