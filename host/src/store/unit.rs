//! A unit of work as data: what must hold, what is written, what is told.
//!
//! The three happen together or not at all. A unit says *what*, never *how*: the writer
//! ([`super::writer`]) puts many units into one transaction.

use std::sync::Arc;

use crate::domain::approval::Approval;
use crate::domain::artifact::{Artifact, Digest};
use crate::domain::audit::NewAuditEntry;
use crate::domain::event::{HistoryEntry, Input, NewLogEvent};
use crate::domain::gate::{Evaluation, Verdict};
use crate::domain::id::{
    ApprovalId, DeliveryId, EvaluationId, EventId, MemoryId, MissionId, RoutineId, RunId, TokenId, WorkspaceId,
};
use crate::domain::json::Json;
use crate::domain::lease::NamedLease;
use crate::domain::memory::MemoryRecord;
use crate::domain::memory::vector::Embedding;
use crate::domain::mission::Mission;
use crate::domain::plugin::RegisteredPlugin;
use crate::domain::policy::{PolicyRevision, RecordedDecision};
use crate::domain::receipt::{Receipt, ReceiptKey};
use crate::domain::resource::{ResourceKey, ResourceWrite};
use crate::domain::routine::{Occurrence, Routine, RoutineEntry, Slot};
use crate::domain::run::Run;
use crate::domain::shadow::{ShadowDifference, ShadowRecord, ShadowRole};
use crate::domain::time::Timestamp;
use crate::domain::timer::Timer;
use crate::domain::token::Token;
use crate::domain::webhook::{Delivery, WebhookEndpoint};
use crate::domain::work_item::WorkItem;
use crate::domain::workspace::WorkspaceRevision;

use super::cursors::SessionStatusRow;
use super::memories::content_key;
use super::resource_schemas::ResourceSchemas;
use super::row::Cell;
use super::table::TableId;

/// Most bytes of text one unit may carry (64 MiB): a mission of ten thousand items fits many
/// times over.
pub const UNIT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// A unit of work.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// What must hold, or nothing is written.
    pub guards: Vec<Guard>,
    /// What is written. Of two writes of one row the later wins.
    pub writes: Vec<Write>,
    /// What is done to shared resources, each key once. Revisions are counted when it is committed, and
    /// the events that tell of them follow `events`.
    pub resources: Vec<ResourceWrite>,
    /// What the log tells of it, in order.
    pub events: Vec<NewLogEvent>,
    /// What the audit keeps of it, in order.
    pub audit: Vec<NewAuditEntry>,
}

/// What became of a unit that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The `seq` of its first and last event; events of one unit lie side by side. `None` when
    /// it had none.
    pub seqs: Option<(u64, u64)>,
    /// The newest revision of each key of [`Unit::resources`], in their order; 0 for a key that never had a
    /// record.
    pub revs: Vec<u64>,
}

/// A condition on one row, judged at the moment of the commit.
#[derive(Debug, Clone)]
pub struct Guard {
    pub(super) table: TableId,
    pub(super) key: Vec<Cell>,
    pub(super) expected: Option<u64>,
    pub(super) end: Option<End>,
}

/// What must hold of a row's end, beside its revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It has not come at this moment.
    NotBefore(Timestamp),
    /// It has come before this moment.
    Before(Timestamp),
    /// It has come before this moment, and is no 0, which stands for what ended otherwise.
    Lapsed(Timestamp),
}

impl End {
    /// Whether an end at `found` is as it has to be.
    pub(super) fn admits(self, found: i64) -> bool {
        let at = |moment: Timestamp| i64::try_from(moment.as_millis()).unwrap_or(i64::MAX);
        match self {
            Self::NotBefore(moment) => found >= at(moment),
            Self::Before(moment) => found < at(moment),
            Self::Lapsed(moment) => 0 < found && found < at(moment),
        }
    }
}

impl Guard {
    /// The mission is at exactly this revision; `None`: there is no such mission.
    pub fn mission(id: &MissionId, revision: Option<u64>) -> Self {
        Self::by_id(TableId::Missions, id.as_str(), revision)
    }

    /// The run is at exactly this revision; `None`: there is no such run.
    pub fn run(id: &RunId, revision: Option<u64>) -> Self {
        Self::by_id(TableId::Runs, id.as_str(), revision)
    }

    /// The run is leased under exactly this fencing token; `None`: it is not leased.
    pub fn lease(id: &RunId, fence: Option<u64>) -> Self {
        Self::by_id(TableId::RunLeases, id.as_str(), fence)
    }

    /// The run is leased under exactly this fencing token, and the lease has not run out at `now`,
    /// whether somebody ended it or not.
    pub fn held_lease(id: &RunId, fence: u64, now: Timestamp) -> Self {
        Self { end: Some(End::NotBefore(now)), ..Self::lease(id, Some(fence)) }
    }

    /// The run is leased under exactly this fencing token, and the lease has run out at `now`:
    /// nobody renewed it since somebody saw that.
    pub fn lapsed_lease(id: &RunId, fence: u64, now: Timestamp) -> Self {
        Self { end: Some(End::Before(now)), ..Self::lease(id, Some(fence)) }
    }

    /// The evaluation is at exactly this revision; `None`: there is no such evaluation.
    pub fn evaluation(id: &EvaluationId, revision: Option<u64>) -> Self {
        Self::by_id(TableId::Evaluations, id.as_str(), revision)
    }

    /// The approval is at exactly this revision; `None`: there is no such approval.
    pub fn approval(id: &ApprovalId, revision: Option<u64>) -> Self {
        Self::by_id(TableId::Approvals, id.as_str(), revision)
    }

    /// The mission's timer of this key is at exactly this revision; `None`: there is none.
    pub fn timer(mission_id: &MissionId, key: &str, revision: Option<u64>) -> Self {
        Self {
            table: TableId::Timers,
            key: vec![mission_id.as_str().into(), key.into()],
            expected: revision,
            end: None,
        }
    }

    /// The input waits in its mission's inbox, or does not.
    pub fn input(id: &EventId, present: bool) -> Self {
        Self::by_id(TableId::Inbox, id.as_str(), present.then_some(1))
    }

    /// The token is at exactly this revision; `None`: there is no such token.
    pub fn token(id: &TokenId, revision: Option<u64>) -> Self {
        Self::by_id(TableId::Tokens, id.as_str(), revision)
    }

    /// The lease of this name was last taken under exactly this fencing token, and somebody has it at
    /// `now`.
    pub fn held_name(workspace_id: &WorkspaceId, name: &str, fencing_token: u64, now: Timestamp) -> Self {
        let end = Some(End::NotBefore(now.plus_millis(1)));
        Self { end, ..Self::named_lease(workspace_id, name, Some(fencing_token)) }
    }

    /// The lease of this name was last taken under exactly this fencing token, and nobody has it at
    /// `now`. `None`: it was never taken.
    pub fn free_name(workspace_id: &WorkspaceId, name: &str, fencing_token: Option<u64>, now: Timestamp) -> Self {
        // A row that is held counts as none: where there has to be none it must count whoever has it.
        let end = fencing_token.map(|_| End::Before(now.plus_millis(1)));
        Self { end, ..Self::named_lease(workspace_id, name, fencing_token) }
    }

    /// The lease of this name was last taken under exactly this fencing token, and ran out by `now`:
    /// nobody renewed it, gave it back or noticed since somebody saw that.
    pub fn lapsed_name(workspace_id: &WorkspaceId, name: &str, fencing_token: u64, now: Timestamp) -> Self {
        let end = Some(End::Lapsed(now.plus_millis(1)));
        Self { end, ..Self::named_lease(workspace_id, name, Some(fencing_token)) }
    }

    fn named_lease(workspace_id: &WorkspaceId, name: &str, expected: Option<u64>) -> Self {
        Self { table: TableId::Leases, key: vec![workspace_id.as_str().into(), name.into()], expected, end: None }
    }

    /// The record of memory is at exactly this revision; `None`: there is no such record.
    pub fn memory(id: &MemoryId, revision: Option<u64>) -> Self {
        Self::by_id(TableId::Memories, id.as_str(), revision)
    }

    /// No record of its scope has the content of `record`.
    pub(super) fn no_content(record: &MemoryRecord) -> Self {
        let key = content_key(&record.scope(), &record.content_digest);
        Self { table: TableId::MemoryContents, key, expected: None, end: None }
    }

    /// A workspace's schemas of resources are at exactly this revision; `None`: it never had any.
    pub fn resource_schemas(workspace_id: &WorkspaceId, revision: Option<u64>) -> Self {
        Self::by_id(TableId::ResourceSchemas, workspace_id.as_str(), revision)
    }

    /// A reader of the log is at exactly this `seq`; `None`: it never began.
    pub fn log_cursor(name: &str, seq: Option<u64>) -> Self {
        Self::by_id(TableId::LogCursors, name, seq)
    }

    /// The routine is at exactly this revision; `None`: there is no such routine.
    pub fn routine(workspace_id: &WorkspaceId, id: &RoutineId, revision: Option<u64>) -> Self {
        let key = vec![workspace_id.as_str().into(), id.as_str().into()];
        Self { table: TableId::Routines, key, expected: revision, end: None }
    }

    /// The occurrence in this slot is at exactly this revision; `None`: there is none, and whoever
    /// writes it is the first.
    pub fn occurrence(workspace_id: &WorkspaceId, routine_id: &RoutineId, slot: &Slot, revision: Option<u64>) -> Self {
        let key = vec![workspace_id.as_str().into(), routine_id.as_str().into(), slot.as_str().into()];
        Self { table: TableId::Occurrences, key, expected: revision, end: None }
    }

    /// A workspace's policy has no revision of this number.
    pub fn no_policy(workspace_id: &WorkspaceId, revision: u64) -> Self {
        let key = vec![workspace_id.as_str().into(), revision.into()];
        Self { table: TableId::Policies, key, expected: None, end: None }
    }

    /// The registry's component of this name and version is at exactly this revision; `None`: there is none.
    pub fn plugin(name: &str, version: &str, revision: Option<u64>) -> Self {
        Self { table: TableId::Plugins, key: vec![name.into(), version.into()], expected: revision, end: None }
    }

    /// What a workspace binds has no revision of this number: the one before is in force.
    pub fn no_workspace(workspace_id: &WorkspaceId, revision: u64) -> Self {
        let key = vec![workspace_id.as_str().into(), revision.into()];
        Self { table: TableId::Workspaces, key, expected: None, end: None }
    }

    /// The webhook's endpoint is at exactly this revision; `None`: there never was one of this name.
    pub fn webhook(workspace_id: &WorkspaceId, name: &str, revision: Option<u64>) -> Self {
        let key = vec![workspace_id.as_str().into(), name.into()];
        Self { table: TableId::Webhooks, key, expected: revision, end: None }
    }

    /// The delivery is at exactly this revision; `None`: there is no such delivery.
    pub fn delivery(id: &DeliveryId, revision: Option<u64>) -> Self {
        Self::by_id(TableId::Deliveries, id.as_str(), revision)
    }

    /// What became of a component in shadow is at exactly this revision; `None`: nothing is known of it.
    pub fn shadow(workspace_id: &WorkspaceId, role: ShadowRole, digest: &Digest, revision: Option<u64>) -> Self {
        let key = vec![workspace_id.as_str().into(), role.as_str().into(), digest.as_str().into()];
        Self { table: TableId::Shadows, key, expected: revision, end: None }
    }

    /// There is no receipt of this key.
    pub fn no_receipt(key: &ReceiptKey) -> Self {
        Self { table: TableId::Receipts, key: key_of(key), expected: None, end: None }
    }

    fn by_id(table: TableId, id: &str, expected: Option<u64>) -> Self {
        Self { table, key: vec![id.into()], expected, end: None }
    }
}

/// A receipt's key as cells.
pub(super) fn key_of(key: &ReceiptKey) -> Vec<Cell> {
    vec![key.workspace_id.as_str().into(), key.principal.as_str().into(), key.key.as_str().into()]
}

/// One row written or deleted. Rows are whole; a row of the same key is replaced.
#[derive(Debug, Clone)]
pub enum Write {
    /// A mission's header.
    Mission(Mission),
    /// A work item.
    WorkItem(Arc<WorkItem>),
    /// A run with its lease; a run without one gives up the lease it had. A lease of the same
    /// fencing token never ends earlier through this: see [`Write::RenewLease`].
    Run(Run),
    /// A later end for a run's lease. Guards itself: it conflicts unless the run is leased
    /// under `fence`. Touches no run and no revision, so that heartbeats disturb nobody.
    RenewLease {
        /// The run.
        run_id: RunId,
        /// The fencing token its worker holds.
        fence: u64,
        /// When the lease ends from now on; an earlier end than the present one changes nothing.
        expires_at: Timestamp,
    },
    /// A request for a verdict.
    Evaluation(Evaluation),
    /// A verdict. Written once: another of the same id is an error.
    Verdict(Verdict),
    /// An approval.
    Approval(Approval),
    /// A timer.
    Timer(Timer),
    /// The timer of this key is gone, if there was one.
    DeleteTimer(MissionId, String),
    /// An artifact; its content is already in the blob store. Written once.
    Artifact(Artifact),
    /// An input for a mission's inbox.
    Input(Input),
    /// The input is gone from the inbox, if it was there.
    DeleteInput(EventId),
    /// An entry of a mission's history. Written once.
    History(HistoryEntry),
    /// A token.
    Token(Token),
    /// A receipt.
    Receipt(Receipt),
    /// The receipt of this key is gone, if it was there.
    DeleteReceipt(ReceiptKey),
    /// A named lease.
    Lease(NamedLease),
    /// A workspace's schemas of resources.
    ResourceSchemas(ResourceSchemas),
    /// A record of memory, and its words in the index. Guards itself: at revision 1 it conflicts when
    /// the record is there or its scope has the content already (table `memory_contents`), unless the
    /// unit deleted that before; at a later one unless the record is at the one before. What it says,
    /// where it lies and who sees it never change by this.
    Memory(Box<MemoryRecord>),
    /// The record, as it was read, is demoted at this moment: found by nobody, its content free for
    /// another. Guards itself by the record's revision.
    DemoteMemory(Box<MemoryRecord>, Timestamp),
    /// The record, as it was read, is gone, and everything of it. Guards itself by the record's
    /// revision.
    DeleteMemory(Box<MemoryRecord>),
    /// The vector of a record.
    MemoryVector(MemoryId, WorkspaceId, Embedding),
    /// How far a reader of the log is.
    LogCursor(&'static str, u64),
    /// What the status indexer knows of a session.
    SessionStatus(SessionStatusRow),
    /// A routine.
    Routine(Box<Routine>),
    /// The routine of this id is gone, if it was there.
    DeleteRoutine(WorkspaceId, RoutineId),
    /// An occurrence of a routine.
    Occurrence(Box<Occurrence>),
    /// A line of a routine's history. Written once.
    RoutineEntry(RoutineEntry),
    /// A revision of a workspace's policy. Written once: guard that there is none of its number.
    Policy(Box<PolicyRevision>),
    /// A component of the registry.
    Plugin(Box<RegisteredPlugin>),
    /// The registry's component of this name and version is gone, if it was there.
    DeletePlugin(String, String),
    /// A revision of what a workspace binds. Written once: guard that there is none of its number.
    Workspace(Box<WorkspaceRevision>),
    /// A webhook's endpoint.
    Webhook(Box<WebhookEndpoint>),
    /// A delivery to one.
    Delivery(Box<Delivery>),
    /// What a delivery posts. Written once.
    DeliveryBody(Box<(Delivery, Json)>),
    /// The delivery of this id, which is over, and what it posted are no longer kept.
    ForgetDelivery(DeliveryId),
    /// What became of a component in shadow.
    Shadow(Box<ShadowRecord>),
    /// What became of this component in this role is no longer kept.
    DeleteShadow(WorkspaceId, ShadowRole, Digest),
    /// Something that was decided differently in shadow.
    ShadowDifference(Box<ShadowDifference>),
    /// The difference of this id is gone, if it was there.
    DeleteShadowDifference(WorkspaceId, String),
    /// A decision as it was made.
    PolicyDecision(Box<RecordedDecision>),
    /// The recorded decision of this id is gone, if it was there.
    DeletePolicyDecision(WorkspaceId, String),
    /// This revision of a key is no longer kept.
    ForgetRevision(WorkspaceId, ResourceKey, u64),
    /// The occurrence in this slot, which is over, is no longer kept.
    ForgetOccurrence(WorkspaceId, RoutineId, Slot),
    /// This line of a routine's history is no longer kept.
    ForgetRoutineEntry(WorkspaceId, RoutineId, EventId),
    /// Events up to this `seq` are gone from the log.
    TrimLog {
        /// The newest one that goes.
        up_to_seq: u64,
    },
}
