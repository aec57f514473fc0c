//! Tables described as data: names, columns, keys.
//!
//! Every statement that the writer runs is generated from these descriptions (see
//! [`super::sql`]), and every row is written and read in their order (see [`super::row`]). A
//! description stands in the file of its noun; this module owns the shape of descriptions and
//! the list of all of them. It holds no SQL.

use super::{
    approvals, artifacts, audit, cursors, evaluations, history, inbox, leases, log, memories, missions, occurrences,
    plugins, policies, receipts, resource_schemas, resources, routines, runs, shadows, timers, tokens, verdicts,
    webhooks, work_items, workspaces,
};

/// What a column holds. Times are integers, JSON is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// UTF-8 without U+0000, which PostgreSQL cannot hold.
    Text,
    /// 64 bits, signed.
    Integer,
    /// `BOOLEAN`, or 0 and 1.
    Boolean,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its name, the same in both databases.
    pub(super) name: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// SQL for its value when the row exists already; without, the new row's value is taken.
    pub(super) merge: Option<&'static str>,
}

/// A text column.
pub(super) const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text, merge: None }
}

/// An integer column.
pub(super) const fn integer(name: &'static str) -> Column {
    Column { name, kind: Kind::Integer, merge: None }
}

/// A boolean column.
pub(super) const fn boolean(name: &'static str) -> Column {
    Column { name, kind: Kind::Boolean, merge: None }
}

/// How a table's rows live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Written again and again under the same key; the last write of a batch wins.
    Mutable,
    /// Written once. A second row of the same key is an error.
    AppendOnly,
}

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// How its rows live.
    pub(super) life: Life,
    /// How many of the first columns make the key.
    pub(super) key_columns: usize,
    /// The column a guard compares. Where there is none, a guard can only ask for presence.
    pub(super) guard_column: Option<&'static str>,
    /// The moment from which on a row counts as absent for guards that ask for a living one.
    pub(super) end_column: Option<&'static str>,
    /// The columns, key first.
    pub(super) columns: &'static [Column],
}

impl Table {
    /// The columns that make the key.
    pub(super) fn key(&self) -> &'static [Column] {
        &self.columns[..self.key_columns]
    }
}

/// The tables the writer writes, in the order it writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum TableId {
    Missions,
    WorkItems,
    Runs,
    RunLeases,
    Evaluations,
    Verdicts,
    Approvals,
    Timers,
    Artifacts,
    Inbox,
    History,
    Tokens,
    Receipts,
    Leases,
    ResourceSchemas,
    LogCursors,
    SessionStatus,
    Routines,
    Occurrences,
    RoutineHistory,
    Policies,
    PolicyDecisions,
    Plugins,
    Workspaces,
    Webhooks,
    Deliveries,
    DeliveryBodies,
    Shadows,
    ShadowDifferences,
    Resources,
    ResourceRevisions,
    Memories,
    MemoryContents,
    MemoryVectors,
    Audit,
    Events,
}

impl TableId {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Self; 36] = [
        Self::Missions,
        Self::WorkItems,
        Self::Runs,
        Self::RunLeases,
        Self::Evaluations,
        Self::Verdicts,
        Self::Approvals,
        Self::Timers,
        Self::Artifacts,
        Self::Inbox,
        Self::History,
        Self::Tokens,
        Self::Receipts,
        Self::Leases,
        Self::ResourceSchemas,
        Self::LogCursors,
        Self::SessionStatus,
        Self::Routines,
        Self::Occurrences,
        Self::RoutineHistory,
        Self::Policies,
        Self::PolicyDecisions,
        Self::Plugins,
        Self::Workspaces,
        Self::Webhooks,
        Self::Deliveries,
        Self::DeliveryBodies,
        Self::Shadows,
        Self::ShadowDifferences,
        Self::Resources,
        Self::ResourceRevisions,
        Self::Memories,
        Self::MemoryContents,
        Self::MemoryVectors,
        Self::Audit,
        Self::Events,
    ];

    /// Its description.
    pub(super) fn table(self) -> &'static Table {
        match self {
            Self::Missions => &missions::MISSIONS,
            Self::WorkItems => &work_items::WORK_ITEMS,
            Self::Runs => &runs::RUNS,
            Self::RunLeases => &runs::RUN_LEASES,
            Self::Evaluations => &evaluations::EVALUATIONS,
            Self::Verdicts => &verdicts::VERDICTS,
            Self::Approvals => &approvals::APPROVALS,
            Self::Timers => &timers::TIMERS,
            Self::Artifacts => &artifacts::ARTIFACTS,
            Self::Inbox => &inbox::INBOX,
            Self::History => &history::HISTORY,
            Self::Tokens => &tokens::TOKENS,
            Self::Receipts => &receipts::RECEIPTS,
            Self::Leases => &leases::LEASES,
            Self::ResourceSchemas => &resource_schemas::RESOURCE_SCHEMAS,
            Self::LogCursors => &cursors::LOG_CURSORS,
            Self::SessionStatus => &cursors::SESSION_STATUS,
            Self::Routines => &routines::ROUTINES,
            Self::Occurrences => &occurrences::OCCURRENCES,
            Self::RoutineHistory => &occurrences::ROUTINE_HISTORY,
            Self::Policies => &policies::POLICIES,
            Self::PolicyDecisions => &policies::POLICY_DECISIONS,
            Self::Plugins => &plugins::PLUGINS,
            Self::Workspaces => &workspaces::WORKSPACES,
            Self::Webhooks => &webhooks::WEBHOOKS,
            Self::Deliveries => &webhooks::DELIVERIES,
            Self::DeliveryBodies => &webhooks::DELIVERY_BODIES,
            Self::Shadows => &shadows::SHADOWS,
            Self::ShadowDifferences => &shadows::SHADOW_DIFFERENCES,
            Self::Resources => &resources::RESOURCES,
            Self::ResourceRevisions => &resources::RESOURCE_REVISIONS,
            Self::Memories => &memories::MEMORIES,
            Self::MemoryContents => &memories::MEMORY_CONTENTS,
            Self::MemoryVectors => &memories::MEMORY_VECTORS,
            Self::Audit => &audit::AUDIT,
            Self::Events => &log::EVENTS,
        }
    }
}
